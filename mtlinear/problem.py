"""The one objective: design + target + loss + penalty + intercept.

    minimise over A, b   sum_i weights_i loss(y_i, x_i . a_t(i) + b_t(i))  +  Omega(A)

where ``weights_i = w_t s_i / m`` come from the design (see `mtlinear.designs`), Omega from the penalty, and b is never
penalised. A is a sum of parts, one per summand of the penalty: a single one unless that is an infimal convolution.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mtlinear._typing import Array
from mtlinear.designs import Design, without_rounding
from mtlinear.losses import Loss
from mtlinear.penalties import Penalty
from mtlinear.unpenalised import Unpenalised


@dataclass(frozen=True)
class Point:
    """Parts of A, the intercept that is optimal for them, and the scores they give (in the centred coordinates)."""

    parts: tuple[Array, ...]
    intercept: Array
    scores: Array

    @property
    def A(self) -> Array:
        return np.sum(self.parts, axis=0)


class Problem:
    """Design, target, loss and penalty, joined and checked once.

    Parameters
    ----------
    design : Design
    target : ndarray, shape of the scores of the design (``design.arrange(y)``)
    loss : Loss
    penalty : Penalty
    fit_intercept : bool, default True
        One unpenalised intercept per task, solved exactly. The design is then centred, and with squared loss the target
        too, which changes nothing but the conditioning.

    Attributes
    ----------
    target : ndarray, shape of the scores
        As solvers see it: minus ``target_center``.
    target_center : ndarray of shape (n_tasks,)
        Weighted mean of the target per task, for squared loss with intercepts; else zeros.

    Raises
    ------
    ValueError, TypeError
        If a parameter of the penalty or the target does not make sense; the message names it.
    """

    def __init__(self, design: Design, target: Array, loss: Loss, penalty: Penalty, *, fit_intercept: bool = True):
        penalty.check(design.n_features, design.n_tasks)
        loss.check_target(target)
        if target.shape != design.weights.shape:
            raise ValueError(f"target must have the shape of the scores, {design.weights.shape}, got {target.shape}.")
        self.design = design.centered() if fit_intercept else design
        self.target_center: Array = np.zeros(design.n_tasks)
        if fit_intercept and loss.quadratic:
            target, self.target_center = _center_target(self.design, target)
        self.target = target
        self.loss = loss
        self.penalty = penalty
        self.fit_intercept = fit_intercept

    @cached_property
    def part_names(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.penalty.parts(self.design.n_tasks))

    @cached_property
    def part_penalties(self) -> tuple[Penalty, ...]:
        return tuple(penalty for _, penalty in self.penalty.parts(self.design.n_tasks))

    @cached_property
    def unpenalised(self) -> Unpenalised:
        """Exact minimisation over all that the penalty does not see: intercepts and null space."""
        null_space = self.penalty.null_space(self.design.n_tasks)
        return Unpenalised(self.design, self.target, self.loss, null_space, self.fit_intercept)

    @cached_property
    def norm_bound(self) -> float:
        return self.design.norm_bound()

    @cached_property
    def null_objective(self) -> float:
        """Objective at A = 0 with the best intercept: the unit in which `tol` is measured."""
        zeros = np.zeros(self.design.weights.shape)
        intercept = self.unpenalised.intercept(zeros)
        return self.data_fit(zeros + self.design.spread(intercept))

    def gap_limit(self, tol: float) -> float:
        """The gap at which a solver may stop: tol times the null objective, but never below what rounding allows."""
        return max(tol, 8 * np.finfo(float).eps) * self.null_objective

    def data_fit(self, scores: Array) -> float:
        """Weighted sum of the losses."""
        return float(np.sum(self.design.weights * self.loss.value(self.target, scores)))

    def penalty_value(self, parts: Sequence[Array]) -> float:
        """Omega of the given split (an upper bound of Omega of its sum)."""
        return sum(penalty.value(part) for penalty, part in zip(self.part_penalties, parts, strict=True))

    def negative_gradient(self, u: Array) -> Array:
        """``-X'(weights u)``, the dual point of the penalty that belongs to loss derivatives u."""
        return -self.design.adjoint(self.design.weights * u)

    def settle(self, parts: Sequence[Array] | Array, intercept: Array | None = None) -> Point:
        """The point with these parts after exact minimisation over the intercepts and the null space of the penalty."""
        A = np.sum(parts, axis=0)
        shift, intercept, scores = self.unpenalised.solve(A, self.design.apply(A), intercept)
        if shift is None:
            return Point(tuple(parts), intercept, scores)
        bases = [penalty.null_space(self.design.n_tasks) for penalty in self.part_penalties]
        coefficients = shift @ np.linalg.pinv(np.hstack(bases).T)
        ends = np.cumsum([basis.shape[1] for basis in bases])
        shares = np.split(coefficients, ends[:-1], axis=1)
        moved = tuple(part + share @ basis.T for part, share, basis in zip(parts, shares, bases, strict=True))
        return Point(moved, intercept, scores)

    def original_intercept(self, A: Array, intercept: Array) -> Array:
        """Intercepts for the features and the target as the caller gave them, before centring."""
        return intercept + self.target_center - np.sum(self.design.center * A, axis=0)


def _center_target(design: Design, target: Array) -> tuple[Array, Array]:
    """The target without its weighted mean per task, and that mean (what an intercept absorbs under squared loss)."""
    total = design.task_sums(design.weights)
    mean = design.task_sums(design.weights * target) / np.where(total > 0, total, 1.0)
    spread = design.spread(mean)
    return without_rounding(target - spread, spread), mean
