"""Logistic loss, for binary classification."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, xlog1py, xlogy

from mtlinear._typing import Array
from mtlinear.losses._base import Loss, check_signs


class Logistic(Loss):
    """Logistic loss ``l(y, z) = log(1 + exp(-y z))`` for y in {-1, +1}.

    With p = -y u the conjugate is ``p log p + (1 - p) log(1 - p)`` for 0 <= p <= 1 and infinite elsewhere.

    Examples
    --------
    >>> import numpy as np
    >>> Logistic().value(np.array([1.0, -1.0]), np.array([0.0, 800.0]))
    array([6.93147181e-01, 8.00000000e+02])
    """

    curvature = 0.25
    single = True
    of_labels = True

    def value(self, y: Array, z: Array) -> Array:
        return np.logaddexp(0.0, -y * z)

    def gradient(self, y: Array, z: Array) -> Array:
        return -y * expit(-y * z)

    def second(self, y: Array, z: Array) -> Array:
        p = expit(-np.abs(z))
        return p * (1.0 - p)

    def vanishes(self, y: Array) -> NDArray[np.bool_]:
        return np.zeros(y.shape, dtype=bool)

    def conjugate(self, y: Array, u: Array) -> Array:
        p = -y * u
        inside = (p >= 0.0) & (p <= 1.0)
        p = np.where(inside, p, 0.0)
        return np.where(inside, xlogy(p, p) + xlog1py(1.0 - p, -p), np.inf)

    def inverse_link(self, z: Array) -> Array:
        return expit(z)

    def check_target(self, y: Array) -> None:
        check_signs(y, "logistic")
