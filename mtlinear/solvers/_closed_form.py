"""Quadratic penalties under squared loss: one linear system, and its solution."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mtlinear._typing import Array
from mtlinear.datafit import Coupled
from mtlinear.penalties import TaskQuadratic
from mtlinear.problem import Problem
from mtlinear.solvers._base import Solver
from mtlinear.solvers._compressed import on_moments, rounded
from mtlinear.solvers._incumbent import Incumbent

#: Up to so many unknowns that couple the tasks their system costs less than eigenvectors of the Gram matrix.
_FEW_UNKNOWNS = 200
#: More of them than this, where there are no common eigenvectors, are left to an iteration.
_MANY_UNKNOWNS = 400


class ClosedForm(Solver):
    """The solution of the normal equations, for penalties ``1/2 tr(A Q A')`` (Ridge, MeanRegularized, GraphLaplacian).

    With ``Q = base I + Z diag(extra) Z'`` (`mtlinear.penalties.TaskQuadratic`) the optimum solves

        H_t a_t + base a_t + sum_k extra_k Z[t, k] (A Z)_k = X_t' (weights y)_t,

    one linear system per task and one in the few combinations ``A Z`` (`mtlinear.datafit.Coupled`). Where there are
    many of them, but one Gram matrix for all tasks, eigenvectors of it and of Q solve it instead. An iteration is a
    solve with the residual of the last: the first is the solution, the others (iterative refinement) take away what
    rounding left. Every iteration is certified, so the gap is as honest as anyone's.

    References
    ----------
    Evgeniou, Micchelli & Pontil (2005), JMLR 6, section 3.
    """

    def refuses(self, problem: Problem) -> str | None:
        if not problem.data.loss.quadratic:
            return "its loss is not the squared loss."
        if len(problem.part_penalties) > 1 or problem.rest.task_quadratic(problem.n_tasks) is None:
            return "its penalty is not a quadratic with a matrix between tasks (Ridge, MeanRegularized and sums are)."
        if not problem.data.has_resolvent:
            return "its factorizations, n_features^2 or n_rows^2 numbers for every task, would be too large."
        quadratic = problem.rest.task_quadratic(problem.n_tasks)
        assert quadratic is not None
        unknowns = problem.n_features * quadratic.Z.shape[1]
        if quadratic.Z.shape[1] > 1 and unknowns > _MANY_UNKNOWNS and not problem.data.has_one_gram:
            return f"its penalty couples the tasks in {unknowns} unknowns, and each has a Gram matrix of its own."
        return None

    def run(self, incumbent: Incumbent, gap_limit: float, max_iter: int) -> None:
        on_moments(incumbent, gap_limit, max_iter, self._refine)

    def _refine(self, incumbent: Incumbent, gap_limit: float, max_iter: int) -> None:
        if incumbent.is_done(gap_limit, max_iter):
            return
        problem = incumbent.problem
        quadratic = problem.rest.task_quadratic(problem.n_tasks)
        assert quadratic is not None
        quadratic = quadratic.shifted(problem.l2_alpha)
        solve = _solver(problem, quadratic)
        point, best = incumbent.point, np.inf
        while not incumbent.is_done(gap_limit, max_iter) and incumbent.certificate.objective < best:
            best = incumbent.certificate.objective
            A = point.A.astype(np.float64, copy=False)
            gradient = point.reading.gradient.astype(np.float64, copy=False)
            slope = gradient + quadratic.times(A)
            # What the slope is between the tasks, without the rounding of what extra takes away from base.
            slope_between = gradient @ quadratic.Z + (A @ quadratic.Z) * quadratic.own
            new = rounded(A - solve(slope, slope_between), quadratic.lowest, problem.data.dtype)
            point = problem.settle([new])
            incumbent.n_iter += 1
            incumbent.look(point)
            incumbent.record()


def _solver(problem: Problem, quadratic: TaskQuadratic) -> Callable[[Array, Array], Array]:
    """Solver of ``H_t x_t + (X Q)_t = b_t`` in column t, for B and B Z."""
    resolvent = problem.data.resolvent()
    if problem.data.has_one_gram and problem.n_features * quadratic.Z.shape[1] > _FEW_UNKNOWNS:
        both = resolvent.coupled(quadratic.matrix)
        return lambda B, combined: both(B)
    inverse = resolvent.at(np.full((1, 1), quadratic.base))
    return Coupled(inverse, quadratic.Z, quadratic.extra, quadratic.own, resolvent.curvature)
