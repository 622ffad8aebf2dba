"""A loss that the package does not have: without a bound on its curvature, so that solvers must backtrack."""

from __future__ import annotations

import cvxpy as cp
import numpy as np

from mtlinear.losses import Loss
from mtlinear.reference import loss_expression


class Cosh(Loss):
    """``l(y, z) = cosh(z - y) - 1``, with conjugate ``u y + u asinh(u) - sqrt(1 + u^2) + 1``."""

    curvature = None

    def value(self, y, z):
        return np.cosh(z - y) - 1.0

    def gradient(self, y, z):
        return np.sinh(z - y)

    def second(self, y, z):
        return np.cosh(z - y)

    def conjugate(self, y, u):
        return u * y + u * np.arcsinh(u) - np.sqrt(1.0 + u * u) + 1.0

    def inverse_link(self, z):
        return z

    def check_target(self, y):
        if not np.all(np.isfinite(y)):
            raise ValueError("y must be finite.")


@loss_expression.register
def _cosh(loss: Cosh, y, z):
    """(exp(z - y) + exp(y - z)) / 2 - 1."""
    return 0.5 * (cp.exp(z - y) + cp.exp(y - z)) - 1.0
