"""Working sets: most rows of a sparse A are zero, so solve for the few that are not, and prove it for all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mtlinear._products import rows_in_use
from mtlinear._typing import Array, Indices
from mtlinear._validation import check_integer
from mtlinear.datafit import DataFit, RowsFit, RowsReading
from mtlinear.penalties import RowSeparable
from mtlinear.problem import Point, Problem
from mtlinear.solvers._base import Solver
from mtlinear.solvers._coordinate_descent import CoordinateDescent
from mtlinear.solvers._fista import FISTA
from mtlinear.solvers._in_turn import InTurn
from mtlinear.solvers._incumbent import Incumbent
from mtlinear.solvers._proximal_newton import ProximalNewton
from mtlinear.solvers._splitting import Splitting

#: A rough solution brings the gap down to this fraction.
_ROUGH = 0.1
#: An accurate one leaves this fraction of the gap that is wanted; the rest is for what all features add to it.
_ACCURATE = 0.7
#: An accurate solution takes about so many iterations more than a rough one.
_ITERATIONS = 50
#: Gradient steps on the rows of X before second-order models are worth their Gram matrices.
_FEW_ITERATIONS = 50
#: ... and where a quadratic couples the tasks.
_COUPLED_ITERATIONS = 1000
#: Features per row from which gradient steps, on rows, are slower than compiled coordinate descent; and the size of
#: problems (numbers in X, times tasks) that compiled code solves while Python is still calling.
_WIDE, _SMALL = 2.0, 1_000_000
#: ... and the size, with so few features per row, up to which it solves for all before Python has chosen a few.
_AT_ONCE, _NARROW = 700_000, 4
#: ... and the size of which it makes an accurate solution in the time that Python needs to ask for it.
_INSTANT = 200_000
#: Epochs after which it creeps: badly scaled or nearly collinear features, which other solvers do not mind.
_EPOCHS = 300
#: Iterations on a working set before a look at all features, or as many as there were so far: the gap that is wanted
#: may be there, and Gram matrices too rounded to show it.
_PATIENCE = 1000
#: Gauges of the features outside from which on a solution on the working set says little.
_MISSING = 1.01
#: A working set grows by at most this factor of itself (and a quarter, for features that follow).
_GROWTH = 2
#: Features that a rough solution does not use and whose gauge is smaller stay out of the accurate one.
_LIKELY = 0.98
#: A larger part of all features is no saving.
_NEARLY_ALL = 0.6
#: Below this fraction of the gap that is wanted, rounding is all that is left.
_LEAST_ACCURACY = 1e-7


class WorkingSet(Solver):
    """Solve on a growing set of features, for penalties that are sums over the rows of A.

    A row may stay zero while its gauge (the dual norm of its gradient over alpha) is at most 1. The working set holds
    the rows in use and those with the largest gauges; the smaller problem is solved by another solver, on Gram matrices
    of which every entry is computed once; then one pass over X certifies the result for all features or names the rows
    to add. The set grows; once, before its accurate solution, it loses what is hardly wanted.

    Parameters
    ----------
    inner : Solver, default None
        None is ``InTurn(FISTA(), ProximalNewton())``, and under squared loss `CoordinateDescent` where it can and wins
        (more than two features per row, or small problems), else ``InTurn(FISTA(), Splitting())``.
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

    def run(self, incumbent: Incumbent, gap_limit: float, max_iter: int) -> None:
        if not incumbent.is_done(gap_limit, max_iter):
            _Sets(incumbent, self).until(gap_limit, max_iter)


class _Sets:
    """The moving state of one run: the working set, and how accurately it was solved on."""

    def __init__(self, incumbent: Incumbent, settings: WorkingSet):
        self.incumbent = incumbent
        self.problem = incumbent.problem
        self.inner, self.least = settings.inner, settings.least
        self.features = np.zeros(0, dtype=np.intp)
        self.reached = True
        self.pruned = False
        self._seen: tuple[Point, Array] | None = None

    def until(self, gap_limit: float, max_iter: int) -> None:
        incumbent, accuracy, rough = self.incumbent, _ACCURATE, True
        while not incumbent.is_done(gap_limit, max_iter) and accuracy > _LEAST_ACCURACY:
            grown = self._choose()
            helped = rough or not self.reached or len(grown) > len(self.features)
            if not helped:  # every such look asks for more accuracy
                accuracy *= 0.1
            # While features are missing only they can help; an accurate solution without them would be wasted, unless
            # it is cheap.
            rough = len(grown) < self.problem.n_features and self._is_missing_some() and not self._is_cheap(len(grown))
            self.features = grown
            wanted = accuracy * gap_limit
            self._improve(max(wanted, _ROUGH * incumbent.gap) if rough else wanted, max_iter)

    def _is_cheap(self, size: int) -> bool:
        """Whether a solution on so many features costs less than the look at all of them that follows."""
        data = self.problem.data
        if not data.loss.quadratic:
            return False
        instant = data.rows_per_task * size * data.n_tasks < _INSTANT
        if instant and self.inner is None and _is_for_compiled_code(self.problem, size):
            return True
        return _ITERATIONS * size * size < data.rows_per_task * data.n_features

    def _is_small(self, size: int) -> bool:
        """Whether one run of compiled code on so many features is cheaper than several, each with a look at all."""
        data = self.problem.data
        return (
            self.inner is None
            and _is_for_compiled_code(self.problem, size)
            and size <= _NARROW * data.rows_per_task
            and data.rows_per_task * size * data.n_tasks < _AT_ONCE
        )

    def _choose(self) -> Indices:
        """The rows in use, those of the last set, and the rows with the largest gauges.

        Once in a run, when nothing is missing, the set loses what its rough solution hardly wants.
        """
        point = self.incumbent.point
        scores = self._gauges(point).copy()
        in_use = self._is_in_use(point)
        likely = self.features[(in_use | (scores > _LIKELY))[self.features]]
        if len(likely) and not self.pruned and not self._is_missing_some():
            self.pruned = True
            return likely
        in_use[self.features] = True
        used = int(np.sum(in_use))
        missing = int(np.sum(scores[~in_use] > 1.0))
        size = used + min(missing, _GROWTH * used) + max(self.least, used // 4)
        at_once = missing > self.least and self._is_small(len(scores))
        if size > _NEARLY_ALL * len(scores) or at_once:
            return np.arange(len(scores))
        scores[in_use] = np.inf
        return np.sort(np.argpartition(-scores, size - 1)[:size])

    def _improve(self, gap: float, max_iter: int) -> None:
        """Solve on the working set up to a gap, and certify for all features."""
        problem, incumbent, rows = self.problem, self.incumbent, self.features
        solver = self.inner or default_inner(problem, len(rows))
        left = max_iter - incumbent.n_iter
        if isinstance(solver, CoordinateDescent) and isinstance(problem.data, RowsFit):
            small = self._smaller(problem.data.restrict_rows(rows))
            limit = left if self.inner is solver else min(left, _EPOCHS)
            A, n_iter = solver.descend(small, incumbent.point.A[rows], gap, limit)
            incumbent.n_iter += n_iter
            self.inner = self.inner or (None if n_iter < _EPOCHS else gradient_steps())
            incumbent.look(problem.settle(self._among_all([A])))
        else:
            small = self._smaller(problem.data.restrict(rows))
            inner = Incumbent(small, [part[rows] for part in incumbent.point.parts])
            inner.take_bound_of(incumbent.certificate)
            solver.run(inner, gap, min(left, max(_PATIENCE, incumbent.n_iter)))
            self.reached = inner.gap <= gap
            incumbent.n_iter += max(inner.n_iter, 1)
            incumbent.look(self._on_all(inner.point))
            # The inner bound may come from another iterate than the inner point; no bound helps while features are
            # missing.
            dual, known = inner.certificate.dual, (inner.point, incumbent.certificate.dual)
            if incumbent.gap > gap and not any(dual is point for point in known) and not self._is_missing_some():
                incumbent.bound_by(self._on_all(dual))
        incumbent.record()

    def _smaller(self, data: DataFit) -> Problem:
        penalty = self.problem.penalty.restrict(self.features)
        return Problem.of(data, penalty, l2_alpha=self.problem.l2_alpha, check=False)

    def _among_all(self, parts: Sequence[Array]) -> Array:
        """Parts of the working set with zeros for all other features."""
        among = np.zeros(self.problem.shape, self.problem.data.dtype)
        among[:, self.features] = parts
        return among

    def _on_all(self, point: Point) -> Point:
        """A point of the working set as one of all features: its parts are zero elsewhere, its scores the same."""
        data = self.problem.data
        parts = self._among_all(point.parts)
        pull = None
        if point.pull is not None:
            pull = np.zeros_like(parts[0])
            pull[self.features] = point.pull
        if isinstance(point.reading, RowsReading) and isinstance(data, RowsFit):
            return Point(tuple(parts), point.reading.lifted(data), pull)
        return replace(self.problem.settle(parts), pull=pull)

    def _gauges(self, point: Point) -> Array:
        """Of every row, the largest over the parts of the penalty."""
        if self._seen is None or self._seen[0] is not point:
            H = self.problem.without_smooth(point.reading.force, point.A)
            self._seen = point, np.max([penalty.row_gauge(H) for penalty in row_penalties(self.problem)], axis=0)
        return self._seen[1]

    @staticmethod
    def _is_in_use(point: Point) -> NDArray[np.bool_]:
        return np.any([rows_in_use(part) for part in point.parts], axis=0)

    def _is_missing_some(self) -> bool:
        """Whether features outside the working set want to be used."""
        missing = self._gauges(self.incumbent.point) > _MISSING
        missing[self.features] = False
        return bool(np.any(missing))


def default_inner(problem: Problem, size: int) -> Solver:
    """The solver of the smaller problems, with ``size`` features, when the caller names none."""
    if problem.data.loss.quadratic:
        return CoordinateDescent() if _is_for_compiled_code(problem, size) else gradient_steps()
    # Tasks that are held together use many features, of which weighted Gram matrices are dear.
    return InTurn(FISTA(), ProximalNewton(), after=_COUPLED_ITERATIONS if problem.is_coupled else _FEW_ITERATIONS)


def gradient_steps() -> Solver:
    """Under squared loss, for everything that compiled code is not made for, or creeps on."""
    return InTurn(FISTA(), Splitting())


def _is_for_compiled_code(problem: Problem, size: int) -> bool:
    """Whether coordinate descent on so many features takes less time than gradient steps."""
    n = problem.data.rows_per_task
    wins = size > _WIDE * n or n * size * problem.n_tasks < _SMALL
    return wins and CoordinateDescent().refuses(problem) is None


def is_row_separable(problem: Problem) -> bool:
    """Whether every part of the penalty is a sum over the rows of A (one that leaves something free uses all rows)."""
    separable = all(isinstance(penalty, RowSeparable) for penalty in problem.part_penalties)
    return separable and problem.null_space.shape[1] == 0


def row_penalties(problem: Problem) -> list[RowSeparable]:
    """The penalties of the parts, as `RowSeparable`."""
    return [penalty for penalty in problem.part_penalties if isinstance(penalty, RowSeparable)]
