"""Huber's loss, for regression with outliers."""

from __future__ import annotations

import numpy as np

from mtlinear._typing import Array
from mtlinear._validation import check_real
from mtlinear.losses._base import Loss, check_finite

#: A fraction of the curvature that touches an outlier's loss from above: enough for a step that ends.
_OUTLIER = 0.01


class Huber(Loss):
    """Huber's loss: ``(z - y)**2 / 2`` up to ``|z - y| = delta``, and ``delta |z - y| - delta**2 / 2`` beyond.

    An outlier pulls with the force delta, however far it is. The conjugate is ``u**2 / 2 + u y`` for ``|u| <= delta``
    and infinite elsewhere; the second derivative is 1 for ``|z - y| < delta`` and 0 beyond.

    Parameters
    ----------
    delta : float > 0, default 1.35
        In the units of y (nothing estimates a scale, as scikit-learn's HuberRegressor does). With noise of standard
        deviation one, 1.35 has 95 % of the efficiency of least squares.

    References
    ----------
    Huber (1964), Ann. Math. Statist. 35, 73-101.

    Examples
    --------
    >>> import numpy as np
    >>> Huber(delta=1.0).value(np.array([0.0, 0.0]), np.array([1.0, 5.0]))
    array([0.5, 4.5])
    """

    curvature = 1.0
    of_difference = True
    linear_far_out = True

    def __init__(self, delta: float = 1.35):
        self.delta = delta

    def value(self, y: Array, z: Array) -> Array:
        distance = np.abs(z - y)
        inside = np.minimum(distance, float(self.delta))
        return inside * (distance - 0.5 * inside)

    def gradient(self, y: Array, z: Array) -> Array:
        return np.clip(z - y, -float(self.delta), float(self.delta))

    def second(self, y: Array, z: Array) -> Array:
        return (np.abs(z - y) < float(self.delta)).astype(z.dtype)

    def least_bend(self, y: Array, z: Array) -> Array:
        """A fraction of that of the parabola which touches an outlier's loss and has its minimum at y."""
        delta = float(self.delta)
        return _OUTLIER * (delta / np.maximum(np.abs(z - y), delta))

    def conjugate(self, y: Array, u: Array) -> Array:
        return np.where(np.abs(u) <= float(self.delta), u * (0.5 * u + y), np.inf)

    def inverse_link(self, z: Array) -> Array:
        return z

    def check_target(self, y: Array) -> None:
        check_real("delta", self.delta, above=0.0)
        check_finite(y, "Huber")
