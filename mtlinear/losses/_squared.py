"""Squared loss, for regression."""

from __future__ import annotations

import numpy as np

from mtlinear._typing import Array
from mtlinear.losses._base import Loss, check_finite


class Squared(Loss):
    """Squared loss ``l(y, z) = (z - y)**2 / 2`` with conjugate ``l*(u) = u**2 / 2 + u y``.

    Examples
    --------
    >>> import numpy as np
    >>> Squared().value(np.array([1.0]), np.array([3.0]))
    array([2.])
    """

    curvature = 1.0
    single = True
    quadratic = True
    of_difference = True

    def value(self, y: Array, z: Array) -> Array:
        return 0.5 * (z - y) ** 2

    def gradient(self, y: Array, z: Array) -> Array:
        return z - y

    def second(self, y: Array, z: Array) -> Array:
        return np.ones_like(z)

    def conjugate(self, y: Array, u: Array) -> Array:
        return u * (0.5 * u + y)

    def inverse_link(self, z: Array) -> Array:
        return z

    def check_target(self, y: Array) -> None:
        check_finite(y, "squared")
