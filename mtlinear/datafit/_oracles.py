"""First-order information from passes over X, or from Gram matrices."""

from __future__ import annotations

import numpy as np

from mtlinear._precision import total
from mtlinear._products import large_times
from mtlinear._typing import Array
from mtlinear.datafit._base import Oracle, Reading
from mtlinear.datafit._unpenalised import Unpenalised
from mtlinear.penalties import TaskQuadratic

#: Newton step of the intercepts that is small enough between certificates.
_INTERCEPT_TOL = 1e-3


class ScoreOracle(Oracle):
    """Passes over X: the image of A is its scores; any loss."""

    def __init__(self, free: Unpenalised, intercept: Array, smooth: TaskQuadratic | None):
        super().__init__(smooth)
        self._free = free
        self._design, self._target, self._loss = free.design, free.target, free.loss
        self._intercept = intercept
        self._derivative = np.zeros_like(free.target)

    def image(self, A: Array) -> Array:
        return self._design.apply(A)

    def _gradient(self, image: Array) -> Array:
        # The scores hardly change from one iterate to the next: mostly one Newton step. The certificate is exact.
        self._intercept = self._free.intercept(image, self._intercept, tol=_INTERCEPT_TOL)
        self._derivative = self._loss_derivative(image)
        # With rows contiguous as in the iterates: orders that are mixed cost more than a copy.
        return np.ascontiguousarray(self._design.adjoint(self._design.weights * self._derivative))

    def _bend(self, image: Array, new_image: Array, move: Array) -> float:
        change = self._loss_derivative(new_image) - self._derivative
        return total(self._design.weights * change * (new_image - image))

    def _loss_derivative(self, image: Array) -> Array:
        return self._loss.gradient(self._target, image + self._design.spread(self._intercept))


class GramOracle(Oracle):
    """Squared loss on Gram matrices: the cost of an iteration does not depend on the number of rows.

    The data are centred when there are intercepts, so these drop out of the gradient.

    Parameters
    ----------
    matrices, scale
        As from `Design.gram`.
    linear : ndarray (n_features, n_tasks)
        ``X'(weights y)``.
    smooth : TaskQuadratic or None
    """

    def __init__(self, matrices: Array, scale: Array, linear: Array, smooth: TaskQuadratic | None):
        super().__init__(smooth)
        self._matrices, self._scale = matrices, scale
        self._linear = np.ascontiguousarray(linear)

    def image(self, A: Array) -> Array:
        return gram_times(self._matrices, self._scale, A)

    def agree(self, image: Array, reading: Reading) -> None:
        # Float32 Gram matrices would lead a little past the optimum. Corrected at every certificate, whose gradient is
        # that of the residuals, their error only counts on the way from there: iterative refinement.
        if image.dtype == np.float32:
            self._linear = np.ascontiguousarray(image - reading.gradient)

    def _gradient(self, image: Array) -> Array:
        return image - self._linear

    def _bend(self, image: Array, new_image: Array, move: Array) -> float:
        return total((new_image - image) * move)


def gram_times(matrices: Array, scale: Array, A: Array) -> Array:
    """``X_t' diag(weights_t) X_t a_t`` in column t."""
    if len(matrices) == 1:
        return large_times(matrices[0], A) * scale
    return np.matmul(matrices, np.ascontiguousarray(A.T)[:, :, None])[:, :, 0].T * scale
