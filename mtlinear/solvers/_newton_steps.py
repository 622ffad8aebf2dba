"""Newton steps on the entries in use: once a sparse penalty has shown its structure, the rest is linear algebra.

On the tangent of the penalty (`mtlinear.penalties.Tangent`) the objective is a quadratic, so a step is a linear system
in the entries in use. Tasks share nothing there but one number a row, the move along the row's own direction: with
these eliminated first it falls apart into one small system for every task (for one Gram matrix and rows used by all
tasks, into a single one), and a system in the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from mtlinear._typing import Array, Indices
from mtlinear.datafit import GramFit, pseudo_inverse
from mtlinear.penalties import RowSeparable, Tangent
from mtlinear.problem import Problem
from mtlinear.solvers._incumbent import Incumbent

#: Stiffness of entries that move together, in units of the largest curvature: ten digits are left of the solution, and
#: five are gained by every step.
_STIFF = 1e5
#: Ridge against entries in use that are collinear, relative to the size, once the diagonal is scaled to one.
_RIDGE = 1e-13
#: The structure has settled when at most this fraction of the entries in use have changed since the last look.
_CHANGED = 0.1
#: Steps at a time, by how much each has to lower the gap, and how many in a row that do not end the attempt.
_MAX_STEPS, _LOWER, _PATIENCE = 8, 0.9, 2
#: Multiple of the length of a task's parameters past which a step follows a collinearity.
_FAR = 100.0
#: Larger systems (numbers to be factorized, n_rows^2 n_tasks) are left to the iteration.
_LIMIT = 20_000_000


class NewtonSteps:
    """Tries Newton steps whenever the structure has settled; after a failure waits twice as long.

    Parameters
    ----------
    problem : Problem
    """

    def __init__(self, problem: Problem):
        self._problem = problem
        self._prox = [penalty.prox for penalty in problem.part_penalties if isinstance(penalty, RowSeparable)]
        self._by_entry = all(getattr(penalty, "by_entry", False) for penalty in problem.part_penalties)
        self._structure: NDArray[np.int8] | None = None
        self._failures = self._wait = 0

    @staticmethod
    def apply_to(problem: Problem) -> bool:
        """Whether every part has a tangent, at most one of two bends, and no quadratic couples the tasks."""
        parts = problem.part_penalties
        if not isinstance(problem.data, GramFit) or len(parts) > 2 or problem.is_coupled:
            return False
        nothing = np.zeros((1, problem.n_tasks))
        known = all(isinstance(part, RowSeparable) and part.tangent(nothing) is not None for part in parts)
        return known and (len(parts) == 1 or getattr(parts[1], "by_entry", False))

    def are_due(self, parts: Array) -> bool:
        """Whether to try from these parts."""
        tangents = _tangents(self._problem, parts)
        structure = np.array([tangent.free + tangent.tied.astype(np.int8) for tangent in tangents])
        before, self._structure = self._structure, structure
        used = np.count_nonzero(structure)
        if before is None or used == 0 or np.count_nonzero(structure != before) > _CHANGED * used:
            return False
        if int(np.any(structure, axis=(0, 2)).sum()) ** 2 * self._problem.n_tasks > _LIMIT:
            return False
        self._wait -= 1
        return self._wait < 0

    def run(
        self,
        incumbent: Incumbent,
        parts: Array,
        steps: Sequence[float | Array],
        gap_limit: float,
    ) -> tuple[Array, Array] | None:
        """Newton steps, each followed by a proximal step that lets entries come and go, while they lower the gap.

        Returns
        -------
        parts, u : ndarray (n_parts, n_features, n_tasks)
            Where they led, and minus the gradient there times the proximal steps; None if nowhere.
        """
        problem = self._problem
        reached, patience = None, _PATIENCE
        for _ in range(_MAX_STEPS):
            moved: Array = parts + _newton_move(problem, parts, _gradient(problem, parts))
            if self._by_entry:
                moved = _up_to_zero(parts, moved)
            slope = _gradient(problem, moved)
            u = np.array([-slope * step for step in steps])
            parts = np.array([prox(v, step) for prox, v, step in zip(self._prox, moved + u, steps, strict=True)])
            before = incumbent.gap
            objective = incumbent.look(problem.settle(parts)).objective
            incumbent.n_iter += 1
            # The gap may be lower by the bound alone: a step along a collinearity leads far away, to a good dual point.
            is_near = objective - incumbent.certificate.objective <= incumbent.gap
            if incumbent.gap <= _LOWER * before and is_near:
                reached, patience = (parts, u), _PATIENCE
            else:  # an entry that has just left the structure: the next step may be right
                patience -= 1
            if incumbent.gap <= gap_limit or patience == 0:
                break
        incumbent.record()
        self._failures = 0 if reached is not None else self._failures + 1
        self._wait = 2**self._failures - 1
        return reached


def _up_to_zero(parts: Array, moved: Array) -> Array:
    """Where the step led for tasks that have nothing in common, but with no entry changing its sign.

    The step knows one side of the penalty only: an entry that crosses zero stays there. Where the entries in use are
    collinear the penalty alone draws them along a line, as far as rounding goes: there the whole task stops at the
    first zero, which ends the collinearity.
    """
    crosses = moved * parts < 0
    fraction = np.where(crosses, parts / np.where(crosses, parts - moved, 1.0), 1.0)
    first = fraction.min(axis=(0, 1), keepdims=True)
    far = np.linalg.norm(moved, axis=(0, 1), keepdims=True) > _FAR * np.linalg.norm(parts, axis=(0, 1), keepdims=True)
    part_of_the_way = np.where(fraction == first, 0.0, parts + first * (moved - parts))
    return cast(Array, np.where(far & (first < 1.0), part_of_the_way, np.where(crosses, 0.0, moved)))


def _gradient(problem: Problem, parts: Array) -> Array:
    """Gradient of the smooth half at the sum of the parts."""
    A = parts.sum(axis=0)
    return problem.with_smooth(problem.settle(parts).reading.gradient, A)


def _tangents(problem: Problem, parts: Array) -> list[Tangent]:
    found = []
    for penalty, part in zip(problem.part_penalties, parts, strict=True):
        assert isinstance(penalty, RowSeparable)
        tangent = penalty.tangent(part)
        assert tangent is not None
        found.append(tangent)
    return found


def _newton_move(problem: Problem, parts: Array, gradient: Array) -> Array:
    """Changes of the parts that minimise the quadratic model of the objective."""
    first, *private = _tangents(problem, parts)
    if not private:
        return _solve(problem, first, gradient)[None]
    move = _solve(problem, first.beside(private[0], parts[0]), gradient)
    return np.array(first.divide(move, private[0], parts[0]))


def _solve(problem: Problem, tangent: Tangent, gradient: Array) -> Array:
    """Minimiser of ``<gradient + tangent.gradient, D>`` and the bends of data and penalty, over D in the tangent."""
    data = problem.data
    assert isinstance(data, GramFit)
    rows = np.flatnonzero(tangent.free.any(axis=1))
    D = np.zeros_like(gradient)
    if len(rows) == 0:
        return D
    free, along = tangent.free[rows], tangent.along[rows]
    curvature = np.diagonal(data.matrices, axis1=1, axis2=2)[:, rows].T * data.scale
    bend = np.where(tangent.tied[rows], _STIFF * float(curvature.max()), tangent.bend[rows])
    right = np.where(free, -(gradient + tangent.gradient)[rows], 0.0)
    blocks = _Blocks(data, rows, free, bend + problem.smooth_curvature)
    stiff = np.max(np.where(along != 0, bend, 0.0), axis=1)
    coupled = np.flatnonzero(stiff > 0)
    solved = blocks.solve(right)
    if len(coupled):
        lengths = np.sum(along * solved, axis=1)[coupled]
        system = np.diag(1.0 / stiff[coupled]) - blocks.between(along, coupled)
        push = np.zeros_like(along)
        push[coupled] = along[coupled] * pseudo_inverse(system, np.dtype(np.float64))(lengths)[:, None]
        solved = blocks.solve(right + push)
    together = np.sum(along * solved, axis=1, keepdims=True) * along  # exactly, as ties are recognised by
    D[rows] = np.where(tangent.tied[rows], together, solved)
    return D


class _Blocks:
    """Inverses of ``H_t + diag(bend_t)`` on the free entries of every task; one for all where they are the same."""

    def __init__(self, data: GramFit, rows: Indices, free: NDArray[np.bool_], bend: Array):
        same = len(data.matrices) == 1 and free.all() and np.all(data.scale == data.scale[0])
        self._free = free
        matrices = data.matrices[:, rows[:, None], rows[None, :]] * (
            data.scale[0] if same and np.all(bend == bend[:, :1]) else data.scale[:, None, None]
        )
        count, size = matrices.shape[:2]
        seen = free.T[:count]
        matrices *= seen[:, :, None] & seen[:, None, :]
        matrices[:, range(size), range(size)] += np.where(seen, bend.T[:count], 0.0)
        # Scaled to a diagonal of one, so that the ridge means the same for features in any unit; entries of which
        # neither data nor penalty have a curvature stay where they are.
        diagonal = np.diagonal(matrices, axis1=1, axis2=2)
        scale = np.where(diagonal > 0, 1.0 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0)), 0.0)
        matrices *= scale[:, :, None] * scale[:, None, :]
        matrices[:, range(size), range(size)] = 1.0 + _RIDGE * size
        self._inverses = np.linalg.inv(matrices) * (scale[:, :, None] * scale[:, None, :])

    def solve(self, B: Array) -> Array:
        """The solution in the free entries, zero in the others."""
        if len(self._inverses) == 1 and B.shape[1] > 1:
            return np.asarray(self._inverses[0] @ B)
        columns = np.matmul(self._inverses, np.ascontiguousarray(B.T)[:, :, None])[:, :, 0].T
        return np.where(self._free, columns, 0.0)

    def between(self, along: Array, rows: Indices) -> Array:
        """``sum_t diag(along_t) inverse_t diag(along_t)`` for these rows."""
        directions = along[rows].T
        if len(self._inverses) == 1:
            return np.asarray(self._inverses[0][rows[:, None], rows] * (directions.T @ directions))
        blocks = self._inverses[:, rows[:, None], rows]
        return np.einsum("tij,ti,tj->ij", blocks, directions, directions, optimize=True)
