"""What a solver is: an algorithm that brings any problem it accepts to a given duality gap."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning

from mtlinear._typing import Array
from mtlinear._warnings import warn
from mtlinear.certificate import Certificate
from mtlinear.problem import Point, Problem

NO_MINIMUM = (
    "There is no minimum: what the penalty leaves free (the mean of the tasks) separates the classes, so the loss goes "
    "to zero as the parameters grow for ever. Set mean_alpha, mean_ratio or l2_alpha above 0."
)


@dataclass(frozen=True)
class Check:
    """One look at the certificate: after n_iter iterations and so many seconds."""

    n_iter: int
    objective: float
    gap: float
    seconds: float


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
    """

    parts: tuple[Array, ...]
    intercept: Array
    certificate: Certificate
    converged: bool
    n_iter: int
    history: tuple[Check, ...]

    @property
    def A(self) -> Array:
        """The parameter matrix, the sum of the parts."""
        return np.sum(self.parts, axis=0)


class Solver(BaseEstimator, ABC):
    """An algorithm for `Problem`; its own settings are its parameters."""

    @abstractmethod
    def refuses(self, problem: Problem) -> str | None:
        """None if this solver can solve the problem; otherwise a sentence that says why not."""

    @abstractmethod
    def _solve(
        self, problem: Problem, start: Sequence[Array] | None, dual: Point | None, tol: float, max_iter: int
    ) -> Solution:
        """Run from the given parts (zeros if None) until the gap is at most ``problem.gap_limit(tol)``."""

    def solve(
        self,
        problem: Problem,
        start: Sequence[Array] | None = None,
        *,
        dual: Point | None = None,
        tol: float = 1e-6,
        max_iter: int = 10_000,
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
            If max_iter is reached first; the solution then carries the honest gap. Or if there is no minimum, since
            what the penalty leaves free separates the classes (the solution does not count as converged).
        """
        reason = self.refuses(problem)
        if reason is not None:
            raise TypeError(f"{type(self).__name__} cannot solve this problem: {reason}")
        shape = problem.shape
        if start is not None and np.shape(start) != shape:
            raise ValueError(f"start must hold {shape[0]} part(s) of shape {shape[1:]}, got shape {np.shape(start)}.")
        solution = self._solve(problem, start, dual, tol, max_iter)
        if problem.has_no_minimum(solution.certificate.objective):
            solution = replace(solution, converged=False)
            warn(f"{NO_MINIMUM} These parameters are some point on the way.", ConvergenceWarning)
        elif not solution.converged:
            warn(
                f"{type(self).__name__} stopped after {solution.n_iter} iterations with a duality gap of "
                f"{solution.certificate.gap:.3g}; wanted {problem.gap_limit(tol):.3g}. Raise max_iter or tol, or scale "
                "the features.",
                ConvergenceWarning,
            )
        return solution
