"""Logistic loss, for binary classification."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from mtlinear._typing import Array
from mtlinear.losses._base import Loss, check_signs


class Logistic(Loss):
    """Logistic loss ``l(y, z) = log(1 + exp(-y z))`` for y in {-1, +1}.

    With p = -y u the conjugate is ``p log p + (1 - p) log(1 - p)`` for 0 <= p <= 1 and infinite elsewhere.
    Fits of many rows spend most of their time here. So everything is written with NumPy's exp, log and log1p, which are
    vectorised (`scipy.special.expit`, `xlogy` and `numpy.logaddexp` take two to twenty times as long), and in place
    (fresh memory for a temporary array costs more than the arithmetic).

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
        margin = y * z
        losses = _exp_minus_size(margin)
        np.log1p(losses, out=losses)
        losses -= np.minimum(margin, 0.0, out=margin)
        return losses

    def gradient(self, y: Array, z: Array) -> Array:
        margin = y * z
        e = _exp_minus_size(margin)
        derivative = np.where(margin > 0.0, e, e.dtype.type(1.0))
        e += 1.0
        derivative /= e
        derivative *= y
        return np.negative(derivative, out=derivative)

    def second(self, y: Array, z: Array) -> Array:
        e = _exp_minus_size(z)
        square = e + 1.0
        square *= square
        e /= square
        return e

    def vanishes(self, y: Array) -> NDArray[np.bool_]:
        return np.zeros(y.shape, dtype=bool)

    def conjugate(self, y: Array, u: Array) -> Array:
        p = -y * u
        inside = (p > 0.0) & (p < 1.0)
        outside = None
        if not np.all(inside):
            outside = np.where((p == 0.0) | (p == 1.0), p.dtype.type(0.0), p.dtype.type(np.inf))
            p[~inside] = 0.5
        entropy = np.log(p)
        entropy *= p
        rest = np.negative(p)
        np.log1p(rest, out=rest)
        rest *= np.subtract(1.0, p, out=p)
        entropy += rest
        return entropy if outside is None else np.where(inside, entropy, outside)

    def inverse_link(self, z: Array) -> Array:
        return expit(z)

    def check_target(self, y: Array) -> None:
        check_signs(y, "logistic")


def _exp_minus_size(z: Array) -> Array:
    """``exp(-|z|)``, which cannot overflow."""
    e = np.abs(z)
    np.negative(e, out=e)
    return np.exp(e, out=e)
