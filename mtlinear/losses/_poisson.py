"""Poisson loss, for counts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from mtlinear._typing import Array
from mtlinear.losses._base import Loss, check_finite


class Poisson(Loss):
    """Half the Poisson deviance with a log link, ``l(y, z) = exp(z) - y z - y + y log y`` for y >= 0.

    The conjugate is ``(u + y) log(u + y) - u - y log y`` for ``u >= -y`` and infinite elsewhere. The second derivative
    exp(z) has no bound, so solvers backtrack.

    References
    ----------
    McCullagh & Nelder (1989), Generalized Linear Models, chapter 6.

    Examples
    --------
    >>> import numpy as np
    >>> Poisson().value(np.array([0.0, 1.0]), np.array([0.0, 0.0]))
    array([1., 0.])
    """

    curvature = None

    def value(self, y: Array, z: Array) -> Array:
        return _exp(z) - y * z - y + xlogy(y, y)

    def gradient(self, y: Array, z: Array) -> Array:
        return _exp(z) - y

    def second(self, y: Array, z: Array) -> Array:
        return _exp(z)

    def vanishes(self, y: Array) -> NDArray[np.bool_]:
        return y > 0.0

    def conjugate(self, y: Array, u: Array) -> Array:
        shifted = u + y
        inside = shifted >= 0.0
        positive = np.where(inside, shifted, 0.0)
        return np.where(inside, xlogy(positive, positive) - u - xlogy(y, y), np.inf)

    def inverse_link(self, z: Array) -> Array:
        return _exp(z)

    def check_target(self, y: Array) -> None:
        check_finite(y, "Poisson")
        if np.any(y < 0.0):
            raise ValueError("y must not be negative for the Poisson loss.")


def _exp(z: Array) -> Array:
    """exp, but a very large number instead of infinity: a step that went too far, whose sums still are numbers."""
    return np.exp(np.minimum(z, 0.9 * np.log(np.finfo(z.dtype).max)))
