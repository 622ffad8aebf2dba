"""Newton steps on the entries in use: once a sparse penalty has shown its structure, the rest is linear algebra.

On the tangent of the penalty (`mtlinear.penalties.Tangent`) the objective is a quadratic, so a step is a linear system
in the entries in use. Tasks share nothing there but one number a row, the move along the row's own direction: with
these eliminated first it falls apart into one small system for every task (for one Gram matrix and rows used by all
tasks, into a single one), and a system in the rows.

A step knows one side of every kink. Where features in use are nearly collinear it leads far past the kinks, and the
iteration that it is meant to end walks there for thousands of rounds. So tasks that share nothing are solved by active
sets (`lowest_in_use`), and for the others steps go from kink to kink once the iteration has proved to creep.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import cast

import numpy as np
from numpy.typing import NDArray

from mtlinear._typing import Array
from mtlinear.datafit import GramFit, pseudo_inverse
from mtlinear.penalties import RowSeparable, Tangent
from mtlinear.problem import Problem
from mtlinear.solvers._active_sets import lowest_in_use
from mtlinear.solvers._blocks import Blocks
from mtlinear.solvers._incumbent import Incumbent

#: Stiffness of entries that move together, in units of the largest curvature: ten digits are left of the solution, and
#: five are gained by every step.
_STIFF = 1e5
#: The structure has settled when at most this fraction of the entries in use have changed since the last look.
_CHANGED = 0.1
#: Steps at a time; the fraction of the gap that each may leave; and failures in a row that end the attempt.
_MAX_STEPS, _LOWER, _PATIENCE = 8, 0.9, 2
#: Iterations after which the iteration creeps, and Newton steps go from kink to kink: so many at a time, each a hair
#: past its kink, and lengths to try where neither the kink nor the whole step is lower.
_CREEPS, _MOST_ROUNDS, _PAST_KINK, _SHORTER = 300, 10, 1.0 + 1e-12, (0.25, 0.06)
#: Curvatures of which the inverse overflows, or nearly.
_NO_CURVATURE = 1e-300
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
        self._by_entry = len(self._prox) == 1 and getattr(problem.part_penalties[0], "by_entry", False)
        self._structure: NDArray[np.int8] | None = None
        self._failures = self._wait = 0
        self._creeps = False

    @staticmethod
    def apply_to(problem: Problem) -> bool:
        """Whether every part has a tangent, at most one of two bends, and no quadratic couples the tasks."""
        parts = problem.part_penalties
        if not isinstance(problem.data, GramFit) or len(parts) > 2 or problem.is_coupled:
            return False
        nothing = np.zeros((1, problem.n_tasks))
        known = all(isinstance(part, RowSeparable) and part.tangent(nothing) is not None for part in parts)
        return known and (len(parts) == 1 or getattr(parts[1], "by_entry", False))

    def are_due(self, parts: Array, n_iter: int) -> bool:
        """Whether to try from these parts, after so many iterations."""
        if n_iter >= _CREEPS and not self._creeps:
            self._creeps, self._failures, self._wait = True, 0, 0
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

    @cached_property
    def _sure_steps(self) -> list[Array]:
        """Lengths of proximal steps, for every part, with which none raises the objective, whatever the units.

        With H the Gram matrix of a task and C its correlations, ``H_jj sum_i |C_ij|`` on the diagonal is above H.
        """
        data = self._problem.data
        assert isinstance(data, GramFit)
        diagonal = np.diagonal(data.matrices, axis1=1, axis2=2)
        root = np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
        sums = root * np.sum(np.abs(data.matrices) / root[:, :, None], axis=1)
        curvature = sums.T * data.scale + self._problem.smooth_curvature
        if not self._by_entry:
            curvature = len(self._prox) * curvature.max(axis=1, keepdims=True)
        curvature = np.where(curvature > _NO_CURVATURE, curvature, 1.0)  # any length will do
        return [1.0 / curvature] * len(self._prox)

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
        lengths = self._sure_steps if self._by_entry or self._creeps else steps
        reached, patience = None, _PATIENCE
        for _ in range(_MAX_STEPS):
            moved = self._moved(parts)
            slope = _gradient(problem, moved)
            v = moved - np.array([slope * step for step in lengths])
            parts = np.array([prox(each, step) for prox, each, step in zip(self._prox, v, lengths, strict=True)])
            before = incumbent.gap
            objective = incumbent.look(problem.settle(parts)).objective
            incumbent.n_iter += 1
            # The gap may be lower by the bound alone: a step along a collinearity leads far away, to a good dual point.
            # From there the next step would start with a structure that says nothing about the optimum.
            is_near = objective - incumbent.certificate.objective <= incumbent.gap
            if incumbent.gap <= _LOWER * before and is_near:
                reached, patience = (parts, np.array([-slope * step for step in steps])), _PATIENCE
            else:  # an entry that has just left the structure: the next step may be right
                patience -= 1
            if incumbent.gap <= gap_limit or patience == 0 or not is_near:
                break
        incumbent.record()
        self._failures = 0 if reached is not None else self._failures + 1
        self._wait = 2**self._failures - 1
        return reached

    def _moved(self, parts: Array) -> Array:
        """Where Newton steps lead from these parts; with care where tasks are alone or the iteration creeps."""
        problem = self._problem
        gradient = _gradient(problem, parts)
        if self._by_entry:
            return lowest_in_use(problem, parts[0], gradient)[None]
        if self._creeps:
            return _from_kink_to_kink(problem, parts, gradient)
        return cast(Array, parts + _newton_move(problem, parts, gradient))


def _from_kink_to_kink(problem: Problem, parts: Array, gradient: Array) -> Array:
    """Newton steps that stop where the structure of the penalty changes, while each lowers the objective.

    A step ends at the first entry or row that comes to a kink, or it is taken as a whole and cut back to where the
    model holds, whichever is lower; if neither is lower than the start it is shortened. Nearly collinear features,
    which the penalty draws along a line for thousands of iterations, are there after as many steps as entries change.
    """
    objective = problem.objective(problem.settle(parts))
    for _ in range(_MOST_ROUNDS):
        tangents, move = _tangents(problem, parts), _newton_move(problem, parts, gradient)
        first = min(tangent.first_kink(*each) for tangent, *each in zip(tangents, parts, move, strict=True))
        best, found = objective, None
        for length in (1.0, first * _PAST_KINK, *_SHORTER):
            if length > 1.0 or (found is not None and length in _SHORTER):
                continue
            ends = parts + length * move
            end = np.array([tangent.within(*each) for tangent, *each in zip(tangents, parts, ends, strict=True)])
            point = problem.settle(end)
            value = problem.objective(point)
            if value < best:
                best, found, is_whole = value, point, length == 1.0 and first > 1.0
        if found is None:
            break
        objective, parts = best, np.array(found.parts)
        if is_whole:
            break
        gradient = problem.with_smooth(found.reading.gradient, found.A)
    return parts


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
    blocks = Blocks(data.matrices, data.scale, rows, free, bend + problem.smooth_curvature)
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
