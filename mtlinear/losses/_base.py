"""What a loss is: one convex function of the score per observation. It knows no X, no A and no task."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from mtlinear._typing import Array


class Loss(BaseEstimator, ABC):
    """A convex, differentiable loss ``l(y, z)`` of a target y and a score z; >= 0.

    All methods work elementwise on arrays of one shape.

    Attributes
    ----------
    curvature : float or None
        Upper bound of the second derivative in z, for the step size. None: no bound, the solver backtracks.
    quadratic : bool
        True if the second derivative is 1 everywhere: then Gram matrices say all about the data.
    of_difference : bool
        True if the loss depends on ``z - y`` only: then targets may be centred where there are intercepts.
    of_labels : bool
        True if targets are -1 and +1, for classifiers; else they are numbers, for regressors.
    single : bool
        True if float32 is precise enough for certificates: without it estimators compute in float64.
    linear_far_out : bool
        True if the second derivative is zero where the first is not. Then scaling a dual point costs in first order,
        and second-order models need `least_bend`.
    """

    curvature: ClassVar[float | None]
    quadratic: ClassVar[bool] = False
    single: ClassVar[bool] = False
    of_labels: ClassVar[bool] = False
    linear_far_out: ClassVar[bool] = False
    of_difference: ClassVar[bool] = False

    @abstractmethod
    def value(self, y: Array, z: Array) -> Array:
        """l(y, z)."""

    @abstractmethod
    def gradient(self, y: Array, z: Array) -> Array:
        """First derivative in z."""

    @abstractmethod
    def second(self, y: Array, z: Array) -> Array:
        """Second derivative in z."""

    def least_bend(self, y: Array, z: Array) -> Array:
        """Curvature that a second-order model takes where the second derivative is less; >= 0.

        For losses whose second derivative is zero where the first is not: without any, a Newton step would have no end.
        """
        return np.zeros_like(z)

    def vanishes(self, y: Array) -> NDArray[np.bool_]:
        """Whether the loss is zero at some finite score, and not only in the limit."""
        return np.ones(y.shape, dtype=bool)

    @abstractmethod
    def conjugate(self, y: Array, u: Array) -> Array:
        """``sup_z u z - l(y, z)``; inf outside the domain, which is an interval with 0 in its closure."""

    @abstractmethod
    def inverse_link(self, z: Array) -> Array:
        """The mean response at score z: what a user calls the prediction or the probability."""

    @abstractmethod
    def check_target(self, y: Array) -> None:
        """Raise a ValueError that names ``y`` unless every target is one that this loss is made for."""


def check_signs(y: Array, name: str) -> None:
    """Targets of the classification losses."""
    if not np.all(np.abs(y) == 1.0):
        raise ValueError(
            f"y must be coded as -1 and +1 for the {name} loss (the classifiers do this for any two labels)."
        )


def check_finite(y: Array, name: str) -> None:
    """Targets of the regression losses."""
    if not np.all(np.isfinite(y)):
        raise ValueError(f"y contains NaN or infinity; the {name} loss needs finite numbers.")
