"""Squared hinge loss, for binary classification."""

from __future__ import annotations

import numpy as np

from mtlinear._typing import Array
from mtlinear.losses._base import Loss, check_signs


class SquaredHinge(Loss):
    """Squared hinge loss ``l(y, z) = max(0, 1 - y z)**2 / 2`` for y in {-1, +1}, that of the L2 support vector machine.

    Without the half it is the ``loss="squared_hinge"`` of scikit-learn's LinearSVC. The conjugate is ``u**2 / 2 + u y``
    for ``u y <= 0`` and infinite elsewhere. The second derivative is 1 inside the margin and 0 beyond it.

    References
    ----------
    Cortes & Vapnik (1995), Mach. Learn. 20. Fan et al. (2008), JMLR 9, 1871-1874 (LIBLINEAR).

    Examples
    --------
    >>> import numpy as np
    >>> SquaredHinge().value(np.array([1.0, -1.0]), np.array([3.0, 1.0]))
    array([0., 2.])
    """

    curvature = 1.0
    of_labels = True

    def value(self, y: Array, z: Array) -> Array:
        return 0.5 * np.maximum(1.0 - y * z, 0.0) ** 2

    def gradient(self, y: Array, z: Array) -> Array:
        return -y * np.maximum(1.0 - y * z, 0.0)

    def second(self, y: Array, z: Array) -> Array:
        return (y * z < 1.0).astype(z.dtype)

    def conjugate(self, y: Array, u: Array) -> Array:
        return np.where(y * u <= 0.0, u * (0.5 * u + y), np.inf)

    def inverse_link(self, z: Array) -> Array:
        return np.where(z > 0.0, 1.0, -1.0).astype(z.dtype)

    def check_target(self, y: Array) -> None:
        check_signs(y, "squared hinge")
