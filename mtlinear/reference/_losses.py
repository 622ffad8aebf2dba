"""More losses as cvxpy expressions, each next to its formula."""

from __future__ import annotations

from typing import Any

from scipy.special import xlogy

from mtlinear._typing import Array
from mtlinear.losses import Huber, Poisson, SquaredHinge
from mtlinear.reference._cvxpy import cvxpy
from mtlinear.reference._expressions import loss_expression


@loss_expression.register
def _squared_hinge(loss: SquaredHinge, y: Array, z: Any) -> Any:
    """max(0, 1 - y z)^2 / 2."""
    cp = cvxpy()
    return 0.5 * cp.square(cp.pos(1.0 - cp.multiply(y, z)))


@loss_expression.register
def _huber(loss: Huber, y: Array, z: Any) -> Any:
    """(z - y)^2 / 2 where |z - y| <= delta, delta |z - y| - delta^2 / 2 elsewhere (cvxpy's huber is twice that)."""
    return 0.5 * cvxpy().huber(z - y, loss.delta)


@loss_expression.register
def _poisson(loss: Poisson, y: Array, z: Any) -> Any:
    """exp(z) - y z - y + y log y."""
    cp = cvxpy()
    return cp.exp(z) - cp.multiply(y, z) - y + xlogy(y, y)
