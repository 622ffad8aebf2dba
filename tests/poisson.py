"""A loss that the package does not have: without a bound on its curvature, so that solvers must backtrack."""

from __future__ import annotations

import cvxpy as cp
import numpy as np
from scipy.special import xlogy

from mtlinear.losses import Loss
from mtlinear.reference import loss_expression


class Poisson(Loss):
    """Half the Poisson deviance, ``l(y, z) = exp(z) - y z - y + y log y`` for y >= 0.

    Conjugate: ``(u + y) log(u + y) - u - y log y`` for u >= -y, inf elsewhere.
    """

    curvature = None

    def value(self, y, z):
        with np.errstate(over="ignore"):
            return np.exp(z) - y * z - y + xlogy(y, y)

    def gradient(self, y, z):
        return np.exp(z) - y

    def second(self, y, z):
        return np.exp(z)

    def conjugate(self, y, u):
        shifted = u + y
        inside = shifted >= 0
        positive = np.where(inside, shifted, 0.0)
        return np.where(inside, xlogy(positive, positive) - u - xlogy(y, y), np.inf)

    def inverse_link(self, z):
        return np.exp(z)

    def check_target(self, y):
        if np.any(y < 0):
            raise ValueError("y must not be negative for the Poisson loss.")


@loss_expression.register
def _poisson(loss: Poisson, y, z):
    """exp(z) - y z - y + y log y."""
    return cp.exp(z) - cp.multiply(y, z) - y + xlogy(y, y)
