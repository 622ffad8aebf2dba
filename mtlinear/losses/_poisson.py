"""Poisson loss, for counts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlog1py, xlogy

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
        some, log_y = _logarithm(y)
        w = z - log_y
        return np.where(some, y * (_exp(w, np.expm1) - w), _exp(z))  # without the cancellation of the formula

    def gradient(self, y: Array, z: Array) -> Array:
        some, log_y = _logarithm(y)
        return np.where(some, y * _exp(z - log_y, np.expm1), _exp(z))

    def second(self, y: Array, z: Array) -> Array:
        return _exp(z)

    def vanishes(self, y: Array) -> NDArray[np.bool_]:
        return y > 0.0

    def conjugate(self, y: Array, u: Array) -> Array:
        some, log_y = _logarithm(y)
        inside = u >= -y
        u = np.where(inside, u, 0.0)
        ratio = u / np.where(some, y, 1.0)
        conjugate = np.where(some, u * log_y + y * (xlog1py(1.0 + ratio, ratio) - ratio), xlogy(u, u) - u)
        return np.where(inside, conjugate, np.inf)

    def inverse_link(self, z: Array) -> Array:
        return _exp(z)

    def check_target(self, y: Array) -> None:
        check_finite(y, "Poisson")
        if np.any(y < 0.0):
            raise ValueError("y must not be negative for the Poisson loss.")


def _exp(z: Array, function: np.ufunc = np.exp) -> Array:
    """exp, but a very large number instead of infinity: a step that went too far, whose sums still are numbers."""
    return function(np.minimum(z, 0.9 * np.log(np.finfo(z.dtype).max)))


def _logarithm(y: Array) -> tuple[NDArray[np.bool_], Array]:
    """Where y is not zero, and log y there (0 elsewhere)."""
    some = y > 0.0
    return some, np.log(np.where(some, y, 1.0).astype(y.dtype, copy=False))
