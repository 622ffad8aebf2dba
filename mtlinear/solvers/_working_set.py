"""Working sets: most rows of a sparse A are zero, so solve for the few that are not, and prove it for all."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mtlinear._typing import Array, Indices
from mtlinear._validation import check_integer
from mtlinear.certificate import certify, certify_start
from mtlinear.penalties import RowSeparable
from mtlinear.problem import Point, Problem
from mtlinear.solvers._base import Check, Solution, Solver
from mtlinear.solvers._fista import FISTA

#: Accuracy of an inner solution: this fraction of the present gap, but not below half of what is wanted.
_INNER = 0.1
#: Below this fraction rounding is all that is left.
_LEAST_GOAL = 1e-9


class WorkingSet(Solver):
    """Solve on a growing set of features, for penalties that are sums over the rows of A.

    A row may stay zero while its gauge (the dual norm of its gradient over alpha) is at most 1. The working set holds
    the rows in use and those with the largest gauges; the smaller problem is solved by another solver, on Gram matrices
    of which every entry is computed once; then one pass over X certifies the result for all features or names the rows
    to add. The set never shrinks within a run.

    Parameters
    ----------
    inner : Solver, default None
        None is ``FISTA()``.
    least : int >= 1, default 50
        Smallest size of a working set: below it, Python costs more than arithmetic.

    References
    ----------
    Johnson & Guestrin (2015), ICML, "Blitz". Massias, Gramfort & Salmon (2018), ICML, "Celer". Tibshirani et al.
    (2012), JRSS B 74 (strong rules).
    """

    def __init__(self, inner: Solver | None = None, least: int = 50):
        self.inner = inner
        self.least = least

    def refuses(self, problem: Problem) -> str | None:
        check_integer("least", self.least, at_least=1)
        if not is_row_separable(problem):
            return "its penalty is not a sum over the rows of A (L1, L1Lq, and sums of parts of them, are)."
        if self.inner is None:
            return None
        if not isinstance(self.inner, Solver):
            raise TypeError(f"inner must be a Solver object or None, got {self.inner!r}.")
        return self.inner.refuses(problem)

    def _solve(
        self, problem: Problem, start: Sequence[Array] | None, dual: Point | None, tol: float, max_iter: int
    ) -> Solution:
        return _Run(problem, start, dual, self).until(problem.gap_limit(tol), max_iter)


class _Run:
    """The moving state: the best point, its certificate, and the working set."""

    def __init__(self, problem: Problem, start: Sequence[Array] | None, dual: Point | None, settings: WorkingSet):
        self.problem = problem
        self.inner = FISTA() if settings.inner is None else settings.inner
        self.least = settings.least
        self.started = time.perf_counter()
        self.point = problem.start(start, dual)
        self.certificate = certify_start(problem, self.point, dual)
        self.features = np.zeros(0, dtype=np.intp)
        self.n_iter = 0
        self.history: list[Check] = []
        self._record()

    def until(self, gap_limit: float, max_iter: int) -> Solution:
        goal = _INNER
        while self.certificate.gap > gap_limit and self.n_iter < max_iter and goal > _LEAST_GOAL:
            grown = self._choose()
            # The same features once more: only a more accurate solution can help.
            goal = _INNER if len(grown) > len(self.features) else 0.1 * goal
            self.features = grown
            self._improve(max(goal * self.certificate.gap, min(0.5, goal / _INNER) * gap_limit), max_iter)
        return Solution(
            parts=self.point.parts,
            intercept=self.problem.original_intercept(self.point.A, self.point.reading.intercept),
            certificate=self.certificate,
            converged=bool(self.certificate.gap <= gap_limit),
            n_iter=self.n_iter,
            history=tuple(self.history),
        )

    def _choose(self) -> Indices:
        """The rows in use, those of the last set, and the rows with the largest gauges."""
        problem, A = self.problem, self.point.A
        H = -self.point.reading.gradient
        if problem.l2_alpha:
            H = H - problem.l2_alpha * A
        scores = np.max([penalty.row_gauge(H) for penalty in row_penalties(problem)], axis=0)
        in_use = np.any([np.any(part, axis=1) for part in self.point.parts], axis=0)
        in_use[self.features] = True
        used = int(np.sum(in_use))
        wanted = min(int(np.sum(scores[~in_use] > 1.0)), used) + max(self.least, used // 4)
        size = min(used + wanted, len(scores))
        scores[in_use] = np.inf
        return np.sort(np.argpartition(-scores, size - 1)[:size])

    def _improve(self, gap: float, max_iter: int) -> None:
        """Solve on the working set up to a gap, and certify for all features."""
        problem, rows = self.problem, self.features
        small = Problem.of(problem.data.restrict(rows), problem.penalty, l2_alpha=problem.l2_alpha)
        unit = max(small.null_objective, float(np.finfo(float).tiny))
        solution = self.inner._solve(
            small, [part[rows] for part in self.point.parts], None, gap / unit, max_iter - self.n_iter
        )
        self.n_iter += max(solution.n_iter, 1)
        self._look_at(solution.parts, rows)
        # The inner bound may come from another iterate than the inner point.
        if self.certificate.gap > gap and solution.certificate.dual.parts is not solution.parts:
            self._look_at(solution.certificate.dual.parts, rows)
        self._record()

    def _look_at(self, small_parts: Sequence[Array], rows: Indices) -> None:
        """Certify parts that are zero outside rows; the lowest objective and the highest bound so far are kept."""
        parts = np.zeros(self.problem.shape, self.problem.data.dtype)
        parts[:, rows] = small_parts
        point = self.problem.settle(parts)
        certificate = certify(self.problem, point, self.certificate)
        if certificate.objective <= self.certificate.objective:
            self.point, self.certificate = point, certificate
        else:
            self.certificate = replace(certificate, objective=self.certificate.objective)

    def _record(self) -> None:
        now = self.certificate
        self.history.append(Check(self.n_iter, now.objective, now.gap, time.perf_counter() - self.started))


def is_row_separable(problem: Problem) -> bool:
    """Whether every part of the penalty is a sum over the rows of A."""
    return all(isinstance(penalty, RowSeparable) for penalty in problem.part_penalties)


def row_penalties(problem: Problem) -> list[RowSeparable]:
    """The penalties of the parts, as `RowSeparable`."""
    return [penalty for penalty in problem.part_penalties if isinstance(penalty, RowSeparable)]
