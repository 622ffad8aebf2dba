"""Proximal Newton: least squares with the penalty inside, true losses and a line search outside."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mtlinear._precision import machine_epsilon, total
from mtlinear._typing import Array
from mtlinear.datafit import GramFit, QuadraticModel, RowsFit, RowsReading
from mtlinear.problem import Point, Problem
from mtlinear.solvers._base import Solver
from mtlinear.solvers._closed_form import ClosedForm
from mtlinear.solvers._fista import FISTA
from mtlinear.solvers._in_turn import InTurn
from mtlinear.solvers._incumbent import Incumbent
from mtlinear.solvers._splitting import Splitting

#: Accuracy of an inner solution: this fraction of the present gap times what the last step left of it ...
_INNER = 0.03
#: ... but at least this one (where steps do nothing, a smaller one) ...
_LEAST_INNER = 1e-3
#: ... and this fraction of the gap that is wanted is enough.
_ENOUGH = 0.5
#: A step that leaves more than this fraction of the gap is slow: the next model is a new one.
_SLOW = 0.3
#: A gap that is so many times what was wanted of the inner solution is the fault of the model.
_MODEL = 3.0
#: Where steps do nothing they become more accurate, down to this fraction: then rounding is all that is left.
_LEAST_GOAL = 1e-6
#: Steps in a row that do nothing for the gap, after which gradient steps take over where the loss is linear far out.
_MOST_IDLE = 3
#: Armijo's fraction of the predicted decrease, and the shortest step.
_DECREASE, _SHORTEST = 1e-4, 1e-12
#: Up to so many features the factorizations of a model cost no more than a few iterations.
_FEW_FEATURES = 50
#: Inner iterations that one model may take at first; twice as many from then on whenever it does. A model that is hard
#: to solve to the last digit is left for one at a better point.
_FIRST_BUDGET = 200
#: Objectives that differ by so many units of machine epsilon are the same.
_ROUNDING = 8


class ProximalNewton(Solver):
    """Proximal Newton, for every loss with a second derivative and every penalty.

    At every outer iteration the losses are replaced by their second-order model at the present point, in which the
    intercepts are eliminated exactly. It is squared loss on one Gram matrix per task, and with the penalty it is a
    problem for any other solver, whose iterations do not depend on the number of rows. The inner solution need not be
    more accurate than a fraction of the present duality gap (the smaller, the better the model was), nor than the gap
    that is wanted. A line search on the true objective makes it work far from the optimum. Gram matrices are used again
    as long as the second derivatives of a task hardly change and the gap falls fast.

    ``n_iter`` and ``max_iter`` count the inner iterations and, as one more each, the outer ones. Where the Gram
    matrices of all tasks would be too large, the problem is given to `FISTA`; a `WorkingSet` with this solver inside
    mostly needs few features.

    Parameters
    ----------
    inner : Solver, default None
        Solves the quadratic models; None is ``InTurn(ClosedForm(), Splitting())`` for quadratic penalties, for others
        ``Splitting()`` up to 50 features and ``InTurn(FISTA(), Splitting())`` beyond.

    References
    ----------
    Lee, Sun & Saunders (2014), SIAM J. Optim. 24, 1420-1443. Byrd, Nocedal & Oztoprak (2016), Math. Program. 157,
    375-396 (inexact inner solutions).
    """

    def __init__(self, inner: Solver | None = None):
        self.inner = inner

    def refuses(self, problem: Problem) -> str | None:
        if self.inner is not None and not isinstance(self.inner, Solver):
            raise TypeError(f"inner must be a Solver object or None, got {self.inner!r}.")
        if problem.data.loss.quadratic:
            return "its loss is quadratic, so that the second-order model is the problem itself: solve it directly."
        return None if self.inner is None else self.inner.refuses(_like_a_model(problem))

    def run(self, incumbent: Incumbent, gap_limit: float, max_iter: int) -> None:
        if incumbent.is_done(gap_limit, max_iter):
            return
        data = incumbent.problem.data
        if not isinstance(data, RowsFit) or QuadraticModel.is_too_large(data):
            FISTA().run(incumbent, gap_limit, max_iter)
        else:
            _Outer(incumbent, QuadraticModel(data), self.inner).until(gap_limit, max_iter)
            # Where the loss is linear far out the gap is of first order in what the model calls the square of an error:
            # the objective is there, but the last digits of the gap need gradient steps.
            if data.loss.linear_far_out:
                FISTA().run(incumbent, gap_limit, max_iter)


def default_inner(problem: Problem) -> Solver:
    """The solver of quadratic models when the caller names none."""
    if ClosedForm().refuses(problem) is None:
        return InTurn(ClosedForm(), Splitting())
    # Free directions that a saturated loss hardly sees are solved for by splitting, rounding included; gradient steps
    # leave them where they are.
    free = problem.null_space.shape[1] > 0
    return Splitting() if problem.n_features <= _FEW_FEATURES and not free else InTurn(FISTA(), Splitting())


def _like_a_model(problem: Problem) -> Problem:
    """A quadratic problem of the same shape and penalty, which takes no memory."""
    d, n_tasks = problem.n_features, problem.n_tasks
    nothing = np.broadcast_to(0.0, (n_tasks, d, d))
    data = GramFit.of_matrices(nothing, np.ones(n_tasks), np.zeros((d, n_tasks)), 0.0)
    return Problem.of(data, problem.penalty, l2_alpha=problem.l2_alpha, check=False)


class _Outer:
    """The moving state of one run: the present point, and how good the last step was."""

    def __init__(self, incumbent: Incumbent, model: QuadraticModel, inner: Solver | None):
        self.incumbent = incumbent
        self.problem = incumbent.problem
        self.model = model
        self.inner = inner
        self.point = incumbent.point
        self.objective = incumbent.certificate.objective
        self.budget = _FIRST_BUDGET
        self.was_short = False

    def until(self, gap_limit: float, max_iter: int) -> None:
        incumbent = self.incumbent
        accuracy, fresh, idle = _INNER, True, 0
        most = _MOST_IDLE if incumbent.problem.data.loss.linear_far_out else max_iter
        while not incumbent.is_done(gap_limit, max_iter) and accuracy > _LEAST_GOAL and idle < most:
            gap, objective = incumbent.gap, self.objective
            wanted = max(accuracy * gap, min(1.0, accuracy / _LEAST_INNER) * _ENOUGH * gap_limit)
            self._move_towards(self._minimise_model(wanted, max_iter, fresh), wanted)
            incumbent.record()
            left = incumbent.gap / gap
            idle = 0 if incumbent.gap < gap else idle + 1
            fresh = not left <= _SLOW
            if not fresh:
                accuracy = max(_INNER * left, _LEAST_INNER)
            elif self.was_short:
                continue  # more accuracy is not to be had yet
            elif incumbent.gap >= gap and self.objective >= objective:
                accuracy *= 0.1
            elif incumbent.gap > _MODEL * wanted:
                accuracy = max(accuracy, _LEAST_INNER)
            else:
                accuracy = max(0.1 * accuracy, min(accuracy, _LEAST_INNER))

    def _minimise_model(self, gap: float, max_iter: int, fresh: bool) -> Incumbent:
        """A point at which penalty and second-order model together are within a gap of their minimum."""
        problem, incumbent, point = self.problem, self.incumbent, self.point
        assert isinstance(point.reading, RowsReading)
        data = self.model.at(point.A, point.reading, fresh=fresh)
        small = Problem.of(data, problem.penalty, l2_alpha=problem.l2_alpha, check=False)
        found = Incumbent(small, point.parts)
        solver = default_inner(small) if self.inner is None else self.inner
        solver.run(found, max(gap, small.gap_limit(0.0)), min(self.budget, max_iter - incumbent.n_iter - 1))
        incumbent.n_iter += 1 + found.n_iter
        self.was_short = found.n_iter >= self.budget
        if self.was_short:
            self.budget *= 2
        return found

    def _move_towards(self, found: Incumbent, wanted: float) -> None:
        """Go to the minimum of the model, or as far towards it as the objective falls (Armijo), and certify.

        Scores are linear in the length of the step, so only its full length needs a pass over X.
        """
        problem, old, data = self.problem, self.point, self.problem.data
        assert isinstance(data, RowsFit)
        assert isinstance(old.reading, RowsReading)
        parts = self._parts_of(found.point)
        A = np.sum(parts, axis=0)
        gradient = problem.with_smooth(old.reading.gradient, old.A)
        slope = total(gradient * (A - old.A)) + problem.rest_value(parts) - problem.rest_value(old.parts)
        same = _ROUNDING * machine_epsilon(data.dtype) * abs(self.objective)
        end = data.design.apply(A)
        start = old.reading.scores - data.design.spread(old.reading.intercept)
        length = 1.0
        while length > _SHORTEST:
            with np.errstate(all="ignore"):  # steps that are too long may overflow
                new = self._along(parts, start, end, length)
                objective = problem.objective(new)
            if objective <= self.objective + _DECREASE * length * min(slope, 0.0) + same:
                self._accept(new)
                break
            length *= 0.5
        if length == 1.0:  # otherwise the model is so far from the truth that its bound is of no use
            self._bound_by(parts, old.reading, end - start, found.point.pull)
            # The minimum is as accurate as a bound says that may come from another point of the inner solver.
            if self.incumbent.gap > wanted and found.certificate.dual is not found.point:
                parts, pull = self._parts_of(found.certificate.dual), found.certificate.dual.pull
                self._bound_by(parts, old.reading, data.design.apply(np.sum(parts, axis=0)) - start, pull)

    def _bound_by(self, parts: Sequence[Array], reading: RowsReading, change: Array, pull: Array | None) -> None:
        pull = None if pull is None else pull.astype(self.problem.data.dtype, copy=False)
        with np.errstate(all="ignore"):  # a dual point so far away that its conjugate overflows is none
            self.incumbent.bound_by(Point(tuple(parts), self.model.linearised(reading, change, reading.free), pull))

    def _parts_of(self, point: Point) -> list[Array]:
        return [part.astype(self.problem.data.dtype, copy=False) for part in point.parts]

    def _along(self, parts: Sequence[Array], start: Array, end: Array, length: float) -> Point:
        """The point after a step of a length, from the scores at both ends; not settled in the null space."""
        data, old = self.problem.data, self.point
        assert isinstance(data, RowsFit)
        if length < 1.0:
            parts = [P + length * (Q - P) for P, Q in zip(old.parts, parts, strict=True)]
            end = start + length * (end - start)
        return Point(tuple(parts), data.read(end, old.reading.intercept))

    def _accept(self, point: Point) -> None:
        if self.problem.null_space.shape[1]:
            point = self.problem.settle(point.parts, point.reading.intercept)
        self.point = point
        self.objective = self.incumbent.look(point).objective
