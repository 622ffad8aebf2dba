"""What rows say of one A: the scores, and the dual point that belongs to them."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from mtlinear._precision import machine_epsilon, total
from mtlinear._typing import Array
from mtlinear.datafit._base import Reading
from mtlinear.datafit._unpenalised import Unpenalised, same_freedom
from mtlinear.designs import Design
from mtlinear.penalties import TaskQuadratic

if TYPE_CHECKING:
    from mtlinear.datafit._rows import RowsFit

#: A sum so many machine epsilons of that of the magnitudes is zero.
_BALANCED = 4.0


class RowsReading(Reading):
    """The scores at a point, and what follows from them.

    Parameters
    ----------
    data : RowsFit
    intercept : ndarray (n_tasks,)
    scores : ndarray, shape of the scores
        Intercepts included.
    free : Unpenalised
        What was solved for.
    """

    def __init__(self, data: RowsFit, intercept: Array, scores: Array, free: Unpenalised):
        self.data = data
        self.intercept = intercept
        self.scores = scores
        self.free = free

    def lifted(self, data: RowsFit) -> RowsReading:
        """The reading of the same scores with all features of ``data``, of which this one had some."""
        return RowsReading(data, self.intercept, self.scores, data.intercepts)

    @cached_property
    def value(self) -> float:
        if self.data.loss.quadratic and self.derivative is self._slopes:
            return 0.5 * self._square
        losses = self.data.loss.value(self.data.target, self.scores)
        return total(self.data.design.weights * losses)

    @cached_property
    def _slopes(self) -> Array:
        """The derivative of the loss, as it is."""
        return self.data.loss.gradient(self.data.target, self.scores)

    @cached_property
    def derivative(self) -> Array:
        """u: the derivative of the loss, balanced where there are intercepts."""
        return balance(self.data.design, self._slopes) if self.data.fit_intercept else self._slopes

    @cached_property
    def _weighted(self) -> Array:
        """``weights u``."""
        return self.data.design.weights * self.derivative

    @cached_property
    def _square(self) -> float:
        """``sum weights u^2``."""
        return total(self._weighted * self.derivative)

    @cached_property
    def _common(self) -> float:
        """``sum weights u y``."""
        return total(self._weighted * self.data.target)

    @cached_property
    def force(self) -> Array:
        gradient = self.data.design.adjoint(self._weighted, balanced=self.data.fit_intercept)
        return np.negative(gradient, out=gradient)

    @property
    def gradient(self) -> Array:
        return -self.force

    def conjugate(self, c: float) -> float:
        if c == 0.0:
            return self.data.conjugate_at_zero
        if self.data.loss.quadratic:  # u^2 / 2 + u y, at any c
            return c * (0.5 * c * self._square + self._common)
        losses = self.data.loss.conjugate(self.data.target, c * self.derivative)
        return total(self.data.design.weights * losses)

    @property
    def slope(self) -> float:
        """The derivative of loss* at u = loss'(z) is z."""
        if self.data.loss.quadratic:
            return self._square + self._common
        return total(self.data.design.weights * self.derivative * self.scores)

    @property
    def curvature(self) -> float:
        """The second derivative of loss* at u = loss'(z) is 1 / loss''(z)."""
        if self.data.loss.quadratic:
            return self._square
        u = self.derivative
        second = self.data.loss.second(self.data.target, self.scores)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            bent = np.where(u == 0, 0.0, u * u / second)
            return total(self.data.design.weights * bent)

    def is_settled_for(self, null_space: Array, smooth: TaskQuadratic | None) -> bool:
        return same_freedom(self.free.null_space, self.free.smooth, null_space, smooth)

    def residual_size(self, residual: Array) -> float:
        return self.free.residual_size(residual, self.derivative, self.scores)


def balance(design: Design, u: Array) -> Array:
    """u with its positive or negative entries shrunk, per task, until the weighted sum of the task is zero.

    Shrinking towards 0 keeps every entry in the domain of the conjugate, which shifting would not (logistic loss).
    After an exact intercept there is nothing to do but rounding, and u itself is returned.
    """
    wu = design.weights * u
    if np.all(np.abs(design.task_sums(wu)) <= _BALANCED * machine_epsilon(u.dtype) * design.task_sums(np.abs(wu))):
        return u
    positive, negative = design.task_sums(np.maximum(wu, 0.0)), design.task_sums(np.maximum(-wu, 0.0))
    smaller = np.minimum(positive, negative)
    with np.errstate(divide="ignore", invalid="ignore"):
        shrink_positive = np.where(positive > 0, smaller / positive, 0.0)
        shrink_negative = np.where(negative > 0, smaller / negative, 0.0)
    return u * np.where(u > 0, design.spread(shrink_positive), design.spread(shrink_negative))
