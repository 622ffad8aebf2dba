"""Solving on Gram matrices, where these are smaller than the rows, and letting the rows have the last word."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from mtlinear._typing import Array
from mtlinear.problem import Point, Problem
from mtlinear.solvers._incumbent import Incumbent

#: First accuracy on the moments, as a fraction of the gap that is wanted; then each time a tenth of it.
_FIRST_GOAL = 0.9
#: Below this fraction only the rounding of the moments is left between the two.
_LEAST_GOAL = 1e-4
#: ... or if a round does not lower the gap to this fraction.
_LOWER = 0.5


def on_moments(
    incumbent: Incumbent, gap_limit: float, max_iter: int, iterate: Callable[[Incumbent, float, int], None]
) -> None:
    """Run ``iterate(incumbent, gap_limit, max_iter)`` on the moments of the data, if there are any that are smaller.

    The cost of an iteration then does not depend on the number of rows. The result is certified on the rows, which are
    also what an interruption leaves behind. Moments that say less about the rows than is wanted (huge parameters square
    their rounding) are given up: the rest is iterated on the rows.
    """
    problem = incumbent.problem
    data = problem.data.compressed()
    if data is problem.data:
        iterate(incumbent, gap_limit, max_iter)
        return
    goal = _FIRST_GOAL
    before = np.inf
    while not incumbent.is_done(gap_limit, max_iter) and goal > _LEAST_GOAL and incumbent.gap < _LOWER * before:
        before = incumbent.gap
        small = Problem.of(data, problem.penalty, l2_alpha=problem.l2_alpha, check=False)
        inner = Incumbent(small, incumbent.point.parts, callback=incumbent.relay())
        try:
            iterate(inner, goal * gap_limit, max_iter - incumbent.n_iter)
        finally:
            incumbent.n_iter += inner.n_iter
            incumbent.stopped = inner.stopped
            incumbent.look(_on_rows(problem, inner.point))
            if incumbent.gap > gap_limit and inner.certificate.dual is not inner.point:
                incumbent.bound_by(_on_rows(problem, inner.certificate.dual))
            incumbent.record()
        goal *= 0.1
    iterate(incumbent, gap_limit, max_iter)


def _on_rows(problem: Problem, point: Point) -> Point:
    spaces = [penalty.null_space(problem.n_tasks) for penalty in problem.part_penalties]
    parts = [rounded(part, Z, problem.data.dtype) for part, Z in zip(point.parts, spaces, strict=True)]
    pull = None if point.pull is None else point.pull.astype(problem.data.dtype, copy=False)
    return replace(problem.settle(parts), pull=pull)


def rounded(A: Array, Z: Array, dtype: np.dtype) -> Array:
    """A in a precision, where tasks that hardly differ in the directions outside Z do not come to differ by rounding.

    What they have in common is rounded first, and alike; the deviations from it follow.
    """
    if A.dtype == dtype:
        return A
    common = (A @ Z) @ Z.T
    return common.astype(dtype) + (A - common).astype(dtype)
