"""The one objective: data fit + penalty + ridge.

    minimise over A, b   sum_i weights_i loss(y_i, x_i . a_t(i) + b_t(i))  +  Omega(A)  +  l2_alpha/2 ||A||_F^2

where ``weights_i = w_t s_i / m`` come from the design (see `mtlinear.designs`), Omega from the penalty, and b is never
penalised. A is a sum of parts, one per summand of the penalty: a single one unless that is an infimal convolution. The
ridge is on the sum; being smooth, it goes with the data fit, so that every penalty can have one. So does what a penalty
itself has of quadratics between the tasks (`Penalty.smooth_part`):

    Omega(A) + l2_alpha/2 ||A||_F^2  =  rest(A) + 1/2 tr(A Q A').
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from mtlinear._precision import machine_epsilon
from mtlinear._typing import Array
from mtlinear._validation import check_real
from mtlinear.datafit import DataFit, Oracle, Reading, RowsFit
from mtlinear.designs import Design
from mtlinear.losses import Loss
from mtlinear.penalties import Penalty, TaskQuadratic, joint_null_space

#: The smallest tol, in units of machine epsilon. In float32 X'u carries the rounding of every product, and certificates
#: stand still at 1 to 25 units on correlated features (docs/decisions.md).
_FLOOR, _FLOOR_SINGLE = 8, 32

#: An objective below this fraction of that at A = 0 is zero in all but name.
_NOTHING = 1e-8

#: A shift so many times as large as its result has lost a digit.
_CANCELS = 10.0


@dataclass(frozen=True)
class Point:
    """Parts of A, and what the data say of their sum, with the intercepts that are optimal for it.

    Attributes
    ----------
    parts : tuple of ndarray (n_features, n_tasks)
    reading : Reading
    pull : ndarray (n_features, n_tasks) or None
        A matrix near A whose product with Q is a better dual point than that of A (see `mtlinear.certificate`).
    """

    parts: tuple[Array, ...]
    reading: Reading
    pull: Array | None = None

    @cached_property
    def A(self) -> Array:
        return self.parts[0] if len(self.parts) == 1 else np.sum(self.parts, axis=0)


class Problem:
    """Data fit and penalty, joined and checked once.

    Parameters
    ----------
    design : Design
    target : ndarray, shape of the scores of the design (``design.arrange(y)``)
    loss : Loss
    penalty : Penalty
    fit_intercept : bool, default True
        One unpenalised intercept per task, solved exactly.
    l2_alpha : float >= 0, default 0
        Strength of the ridge term.

    Attributes
    ----------
    data : DataFit
    penalty : Penalty
    l2_alpha : float
    rest : Penalty
        The penalty without its smooth part.
    smooth : TaskQuadratic or None
        Q: the smooth part of the penalty and the ridge together, in the precision of the data; None if there is none.
    precise_smooth : TaskQuadratic or None
        The same in float64.

    Raises
    ------
    ValueError, TypeError
        If a parameter of the penalty or the target does not make sense; the message names it.
    """

    data: DataFit

    def __init__(
        self,
        design: Design,
        target: Array,
        loss: Loss,
        penalty: Penalty,
        *,
        fit_intercept: bool = True,
        l2_alpha: float = 0.0,
    ):
        penalty.check(design.n_features, design.n_tasks)
        self._join(RowsFit(design, target, loss, fit_intercept), penalty, l2_alpha)

    @classmethod
    def of(cls, data: DataFit, penalty: Penalty, *, l2_alpha: float = 0.0, check: bool = True) -> Self:
        """The problem of a data fit that is there already; what it has computed is used again.

        ``check=False`` for a penalty that was checked with another alpha: it need not be, nor warn, once more.
        """
        problem = cls.__new__(cls)
        if check:
            penalty.check(data.n_features, data.n_tasks)
        problem._join(data, penalty, l2_alpha)
        return problem

    def _join(self, data: DataFit, penalty: Penalty, l2_alpha: float) -> None:
        self.data = data
        self.penalty = penalty
        self.l2_alpha = check_real("l2_alpha", l2_alpha, at_least=0.0)
        self.rest, self._own_smooth = penalty.smooth_part(data.n_tasks)
        smooth = self._own_smooth
        if self.l2_alpha:
            ridge = TaskQuadratic.ridge(self.l2_alpha, data.n_tasks)
            smooth = ridge if smooth is None else smooth + ridge
        self.precise_smooth = smooth
        self.smooth = None if smooth is None else smooth.astype(data.dtype)

    def with_penalty(self, penalty: Penalty, *, check: bool = True) -> Problem:
        """The same data and ridge with another penalty."""
        return Problem.of(self.data, penalty, l2_alpha=self.l2_alpha, check=check)

    @property
    def n_features(self) -> int:
        return self.data.n_features

    @property
    def n_tasks(self) -> int:
        return self.data.n_tasks

    @cached_property
    def part_names(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.rest.parts(self.n_tasks, self.n_features))

    @cached_property
    def part_penalties(self) -> tuple[Penalty, ...]:
        return tuple(penalty for _, penalty in self.rest.parts(self.n_tasks, self.n_features))

    @cached_property
    def null_space(self) -> Array:
        """Orthonormal basis Z (n_tasks, k) of what the rest of the penalty leaves free, whatever Q does there."""
        return self.rest.null_space(self.n_tasks).astype(self.data.dtype, copy=False)

    @cached_property
    def free_space(self) -> Array:
        """Orthonormal basis (n_tasks, k) of what nothing penalises, a part of the null space."""
        free = joint_null_space(self.rest.null_space(self.n_tasks), self.precise_smooth)
        return free.astype(self.data.dtype, copy=False)

    @cached_property
    def covered_space(self) -> tuple[Array, Array]:
        """Orthonormal basis C of what the null space has beside `free_space`, and ``(C' Q C)^-1``."""
        Z = self.rest.null_space(self.n_tasks)
        free = joint_null_space(Z, self.precise_smooth)
        U, _, _ = np.linalg.svd(Z - free @ (free.T @ Z), full_matrices=False)
        covered = U[:, : Z.shape[1] - free.shape[1]] if free.shape[1] else Z
        assert self.precise_smooth is not None
        strengths = self.precise_smooth.times(covered.T) @ covered
        dtype = self.data.dtype
        return covered.astype(dtype, copy=False), np.linalg.inv(strengths).astype(dtype, copy=False)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(number of parts, n_features, n_tasks)."""
        return len(self.part_names), self.n_features, self.n_tasks

    @property
    def lipschitz(self) -> float | None:
        """Upper bound of the curvature of the smooth half per part; None where the loss has none."""
        curvature = self.data.loss.curvature
        return None if curvature is None else curvature * self.data.norm_bound + self.smooth_curvature

    @property
    def smooth_curvature(self) -> float:
        """The largest eigenvalue of Q, 0 without one."""
        return 0.0 if self.smooth is None else self.smooth.largest

    @property
    def null_objective(self) -> float:
        """Objective at A = 0 with the best intercept: the unit in which `tol` is measured."""
        return self.data.null_value

    def gap_limit(self, tol: float) -> float:
        """The gap at which a solver may stop: tol times the null objective, but never below what rounding allows."""
        floor = _FLOOR_SINGLE if self.data.dtype == np.float32 else _FLOOR
        return max(tol, floor * machine_epsilon(self.data.dtype)) * self.null_objective

    @property
    def is_coupled(self) -> bool:
        """Whether Q couples the tasks, and is not a ridge."""
        return self.smooth is not None and not self.smooth.is_multiple

    def penalty_value(self, parts: Sequence[Array]) -> float:
        """Omega of the given split (an upper bound of Omega of its sum), without the ridge."""
        own = 0.0 if self._own_smooth is None else self._own_smooth.value(np.sum(parts, axis=0))
        return self.rest_value(parts) + own

    def rest_value(self, parts: Sequence[Array]) -> float:
        """What the rest of the penalty makes of the given split."""
        return sum(penalty.value(part) for penalty, part in zip(self.part_penalties, parts, strict=True))

    def smooth_value(self, A: Array) -> float:
        """``1/2 tr(A Q A')``."""
        return 0.0 if self.smooth is None else self.smooth.value(A)

    def with_smooth(self, gradient: Array, A: Array) -> Array:
        """A gradient of the data fit at A with that of the smooth part, ``A Q``."""
        return gradient if self.smooth is None else gradient + self.smooth.times(A)

    def without_smooth(self, force: Array, A: Array) -> Array:
        """What the smooth part leaves of a force of the data on A: minus `with_smooth` of the gradient."""
        return force if self.smooth is None else force - self.smooth.times(A)

    def has_no_minimum(self, objective: float) -> bool:
        """Whether an objective this low says that what nothing penalises can bring the loss to zero, at infinity.

        That is: a free direction of the penalty separates the classes of all tasks (logistic loss), or the zeros from
        all other counts (Poisson).
        """
        free = self.free_space.shape[1] > 0
        return free and objective <= _NOTHING * self.null_objective and not self.data.can_vanish

    def objective(self, point: Point) -> float:
        """Data fit, penalty and ridge."""
        return point.reading.value + self.rest_value(point.parts) + self.smooth_value(point.A)

    def settle(self, parts: Sequence[Array] | Array, intercept: Array | None = None, *, again: bool = True) -> Point:
        """The point with these parts after exact minimisation over the intercepts and the null space of the penalty."""
        A = parts[0] if len(parts) == 1 else np.sum(parts, axis=0)
        shift, reading = self.data.settle(A, self.null_space, self.smooth, intercept)
        if shift is None:
            return Point(tuple(parts), reading)
        bases = [penalty.null_space(self.n_tasks) for penalty in self.part_penalties]
        coefficients = shift @ np.linalg.pinv(np.hstack(bases).T)
        ends = np.cumsum([basis.shape[1] for basis in bases])
        shares = np.split(coefficients, ends[:-1], axis=1)
        moved = [part + share @ basis.T for part, share, basis in zip(parts, shares, bases, strict=True)]
        moved = [part.astype(self.data.dtype, copy=False) for part in moved]
        if again and _cancels(shift, np.sum(moved, axis=0)):  # parts and reading carry the rounding of what is gone
            return self.settle(moved, reading.intercept, again=False)
        return Point(tuple(moved), reading)

    def start(self, parts: Sequence[Array] | Array | None, known: Point | None = None) -> Point:
        """The point to start from: zero if None; ``known`` is not read again if it is the one."""
        dtype = self.data.dtype
        parts = np.zeros(self.shape, dtype) if parts is None else np.array(parts, dtype=dtype)
        same = known is not None and known.reading.is_settled_for(self.null_space, self.smooth)
        if known is not None and same and np.array_equal(known.A, np.sum(parts, axis=0)):
            return Point(tuple(parts), known.reading)
        return self.settle(parts)

    def oracle(self, point: Point) -> Oracle:
        """First-order information on data fit and smooth part, for iterations that start at a point."""
        return self.data.oracle(point.reading, self.smooth)

    def original_intercept(self, A: Array, intercept: Array) -> Array:
        """Intercepts for the features and the target as the caller gave them, before centring."""
        return self.data.original_intercept(A, intercept)


def _cancels(shift: Array, A: Array) -> bool:
    """Whether a shift is much larger than what it led to, for any feature."""
    size = np.max(np.abs(shift), axis=1, initial=0.0)
    return bool(np.any(size > _CANCELS * np.max(np.abs(A), axis=1, initial=0.0)))
