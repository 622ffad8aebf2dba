"""What a loss is: one convex function of the score per observation. It knows no X, no A and no task."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

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
    """

    curvature: ClassVar[float | None]
    quadratic: ClassVar[bool] = False

    @abstractmethod
    def value(self, y: Array, z: Array) -> Array:
        """l(y, z)."""

    @abstractmethod
    def gradient(self, y: Array, z: Array) -> Array:
        """First derivative in z."""

    @abstractmethod
    def second(self, y: Array, z: Array) -> Array:
        """Second derivative in z."""

    @abstractmethod
    def conjugate(self, y: Array, u: Array) -> Array:
        """``sup_z u z - l(y, z)``; inf outside the domain, which is an interval with 0 in its closure."""

    @abstractmethod
    def inverse_link(self, z: Array) -> Array:
        """The mean response at score z: what a user calls the prediction or the probability."""

    @abstractmethod
    def check_target(self, y: Array) -> None:
        """Raise a ValueError that names ``y`` unless every target is one that this loss is made for."""
