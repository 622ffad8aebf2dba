"""What a solver is: an algorithm that brings any problem it accepts to a given duality gap."""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning

from mtlinear._typing import Array
from mtlinear._warnings import warn
from mtlinear.certificate import Certificate
from mtlinear.problem import Point, Problem
from mtlinear.solvers._incumbent import Callback, Check, Incumbent

NO_MINIMUM = (
    "There is no minimum: what the penalty leaves free (the mean of the tasks) separates the classes, so the loss goes "
    "to zero as the parameters grow for ever. Set mean_alpha, mean_ratio or l2_alpha above 0."
)

#: A run that begins so many seconds after one that was interrupted and kept may be in a loop, which Ctrl-C must end.
_AT_ONCE = 1.0


@dataclass(frozen=True)
class Solution:
    """What a solver returns.

    Attributes
    ----------
    parts : tuple of ndarray (n_features, n_tasks)
        Their sum is A; one per part of the penalty.
    intercept : ndarray (n_tasks,)
        For the features as given to the problem's design.
    certificate : Certificate
        Its objective is that of exactly these parts and intercepts; its bound is the highest that was found, perhaps at
        another iterate.
    converged : bool
        The gap reached ``tol * null_objective``, and there is a minimum (`Problem.has_no_minimum`).
    n_iter : int
    history : tuple of Check
    interrupted : bool
        By Ctrl-C, or by a callback.
    """

    parts: tuple[Array, ...]
    intercept: Array
    certificate: Certificate
    converged: bool
    n_iter: int
    history: tuple[Check, ...]
    interrupted: bool = False

    @property
    def A(self) -> Array:
        """The parameter matrix, the sum of the parts."""
        return np.sum(self.parts, axis=0)


class Solver(BaseEstimator, ABC):
    """An algorithm for `Problem`; its own settings are its parameters."""

    # When the last interrupted run was kept, of any solver (time.monotonic).
    _last_kept: ClassVar[float] = -math.inf

    @abstractmethod
    def refuses(self, problem: Problem) -> str | None:
        """None if this solver can solve the problem; otherwise a sentence that says why not."""

    @abstractmethod
    def run(self, incumbent: Incumbent, gap_limit: float, max_iter: int) -> None:
        """Improve the incumbent until `Incumbent.is_done`; count iterations there, and record every check.

        It may be left at any moment: what counts is what the incumbent has looked at.
        """

    def solve(
        self,
        problem: Problem,
        start: Sequence[Array] | None = None,
        *,
        dual: Point | None = None,
        tol: float = 1e-6,
        max_iter: int = 10_000,
        verbose: int = 0,
        callback: Callback | None = None,
        keep_interrupted: bool = False,
    ) -> Solution:
        """Minimise the objective of the problem.

        Parameters
        ----------
        problem : Problem
        start : sequence of ndarray (n_features, n_tasks), default None
            Parts to start from; they are not changed. None starts from zero.
        dual : Point, default None
            A point of the same data fit (``certificate.dual`` of another solution, along a path) whose residuals may
            bound the optimum from below.
        tol : float, default 1e-6
            Stop when duality gap <= tol * (objective at A = 0 with the best intercept).
        max_iter : int, default 10000
        verbose : int, default 0
            1 prints a line at every look at the duality gap (but none twice).
        callback : callable, default None
            Called with every `Check` (iterations, objective, gap, seconds); a true answer stops the solver. A point
            that is looked at more closely makes another check with the same ``n_iter``.
        keep_interrupted : bool, default False
            On Ctrl-C return the best point so far, with its honest gap, instead of raising KeyboardInterrupt. A run
            that begins within a second of such a return raises: Ctrl-C twice leaves any loop.

        Returns
        -------
        Solution

        Raises
        ------
        TypeError
            If this solver cannot solve the problem.
        ValueError
            If ``start`` does not have the shape of the parts.

        Warns
        -----
        ConvergenceWarning
            If max_iter, Ctrl-C or the callback ends it first; the solution then carries the honest gap. Or if there is
            no minimum, since what the penalty leaves free separates the classes (the solution does not count as
            converged).
        """
        reason = self.refuses(problem)
        if reason is not None:
            raise TypeError(f"{type(self).__name__} cannot solve this problem: {reason}")
        shape = problem.shape
        if start is not None and np.shape(start) != shape:
            raise ValueError(f"start must hold {shape[0]} part(s) of shape {shape[1:]}, got shape {np.shape(start)}.")
        gap_limit = problem.gap_limit(tol)
        name = type(self).__name__
        keep = keep_interrupted and time.monotonic() - Solver._last_kept >= _AT_ONCE
        incumbent = Incumbent(problem, start, dual, _printer(name, gap_limit, callback) if verbose else callback)
        by_hand = False
        try:
            incumbent.record()
            self.run(incumbent, gap_limit, max_iter)
        except KeyboardInterrupt:
            if not keep:
                raise
            incumbent.stopped = by_hand = True
            incumbent.record(quietly=True)
            Solver._last_kept = time.monotonic()
        solution = _conclude(incumbent, gap_limit)
        if problem.has_no_minimum(solution.certificate.objective):
            solution = replace(solution, converged=False)
            warn(f"{NO_MINIMUM} These parameters are some point on the way.", ConvergenceWarning)
        elif not solution.converged:
            warn(_shortfall(name, solution, gap_limit, by_hand), ConvergenceWarning)
        return solution


def _conclude(incumbent: Incumbent, gap_limit: float) -> Solution:
    point, certificate = incumbent.point, incumbent.certificate
    return Solution(
        parts=point.parts,
        intercept=incumbent.problem.original_intercept(point.A, point.reading.intercept),
        certificate=certificate,
        converged=bool(np.isfinite(certificate.gap) and certificate.gap <= gap_limit),
        n_iter=incumbent.n_iter,
        history=tuple(incumbent.history),
        interrupted=incumbent.stopped,
    )


def _shortfall(name: str, solution: Solution, gap_limit: float, by_hand: bool) -> str:
    how, advice = "stopped", " Raise max_iter or tol, or scale the features."
    if by_hand:
        how, advice = "was interrupted", " Ctrl-C twice in a row leaves a loop over fits."
    elif solution.interrupted:
        how, advice = "was stopped by the callback", ""
    return (
        f"{name} {how} after {solution.n_iter} iterations, with a duality gap of {solution.certificate.gap:.3g}; "
        f"wanted {gap_limit:.3g}.{advice}"
    )


def _printer(name: str, gap_limit: float, callback: Callback | None) -> Callback:
    """A callback that prints a line, unless it would be the last one again, and then asks the caller's own."""
    last = ""

    def tell(check: Check) -> object:
        nonlocal last
        line = (
            f"{name}: iteration {check.n_iter:>5}, objective {check.objective:<15.10g} gap {check.gap:8.2e} "
            f"(wanted {gap_limit:.2e})"
        )
        if line != last:
            print(f"{line}, {check.seconds:7.2f} s", flush=True)
        last = line
        return callback(check) if callback is not None else False

    return tell
