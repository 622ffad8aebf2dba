"""What the data contribute to the objective, as solvers and certificates see it.

    F(A) = min_b  sum_i weights_i loss(y_i, x_i . a_t(i) + b_t(i))

A *reading* is what the data say at one A: the value, the gradient, and the dual point u = loss'(scores) that belongs to
it. Nobody above this package asks whether it came from rows or from Gram matrices.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from mtlinear._typing import Array, Indices
from mtlinear.datafit._resolvent import Resolvent
from mtlinear.losses import Loss
from mtlinear.penalties import TaskQuadratic


class Reading(ABC):
    """F at one A with the best intercept, and the dual point u there (balanced: the weighted sum of a task is 0).

    Attributes
    ----------
    intercept : ndarray (n_tasks,)
        In the coordinates of the data fit, which may be centred.
    """

    intercept: Array

    @property
    @abstractmethod
    def value(self) -> float:
        """F(A)."""

    @property
    @abstractmethod
    def gradient(self) -> Array:
        """``X'(weights u)``, (n_features, n_tasks)."""

    @property
    def force(self) -> Array:
        """Minus the gradient: what the penalty has to hold."""
        return -self.gradient

    @property
    @abstractmethod
    def slope(self) -> float:
        """Derivative of `conjugate` at c = 1."""

    @property
    @abstractmethod
    def curvature(self) -> float:
        """Second derivative of `conjugate` at c = 1."""

    @abstractmethod
    def conjugate(self, c: float) -> float:
        """``sum_i weights_i loss*(y_i, c u_i)``."""

    @abstractmethod
    def is_settled_for(self, null_space: Array, smooth: TaskQuadratic | None) -> bool:
        """Whether this is what `DataFit.settle` gave for this null space and smooth part."""

    @abstractmethod
    def residual_size(self, residual: Array) -> float:
        """Largest entry of ``residual`` (n_features, k), relative to what Cauchy-Schwarz allows: 1e-16 is rounding.

        The residual is the gradient on the last null space that was solved for.
        """


class Oracle(ABC):
    """First-order information for iterations: the gradient split in a linear *image* of A and a cheap rest.

    Images can be extrapolated together with the iterates instead of being recomputed. The smooth part ``1/2 tr(A Q
    A')`` of penalty and ridge belongs here.
    """

    def __init__(self, smooth: TaskQuadratic | None):
        self._smooth = smooth

    @abstractmethod
    def image(self, A: Array) -> Array:
        """What the data make of A; linear."""

    @abstractmethod
    def _gradient(self, image: Array) -> Array:
        """Gradient of F, (n_features, n_tasks)."""

    @abstractmethod
    def _bend(self, image: Array, new_image: Array, move: Array) -> float:
        """`bend` of F."""

    def agree(self, image: Array, reading: Reading) -> None:  # noqa: B027 (most have nothing to do)
        """Let the gradient at the A of this image be that of its reading, where that is the more accurate one."""

    def gradient(self, A: Array, image: Array) -> Array:
        """Gradient of F and the smooth part at A."""
        gradient = self._gradient(image)
        return gradient if self._smooth is None else gradient + self._smooth.times(A)

    def bend(self, image: Array, new_image: Array, move: Array) -> float:
        """``<gradient(new) - gradient(old), move>`` after ``gradient(old)`` was the last call.

        At least the Bregman divergence from the one to the other, and exactly twice it when F is quadratic.
        """
        bend = self._bend(image, new_image, move)
        return bend if self._smooth is None else bend + 2.0 * self._smooth.value(move)


class DataFit(ABC):
    """Data, loss and intercepts.

    Attributes
    ----------
    n_features, n_tasks : int
    dtype : numpy dtype
        Of the data and all that is computed with them, float64 or float32.
    loss : Loss
    norm_bound : float
        Upper bound of ``max_t ||X_t' diag(weights_t) X_t||_2``.
    null_value : float
        F(0).
    """

    n_features: int
    n_tasks: int
    dtype: np.dtype
    loss: Loss

    @property
    @abstractmethod
    def rows_per_task(self) -> float:
        """Mean number of rows of a task; 0 where there are only moments."""

    @property
    @abstractmethod
    def norm_bound(self) -> float:
        """See the class."""

    @property
    @abstractmethod
    def null_value(self) -> float:
        """See the class."""

    @property
    def can_vanish(self) -> bool:
        """Whether the loss of every row is zero at some finite score."""
        return True

    @property
    @abstractmethod
    def linear(self) -> Array:
        """Minus the gradient at A = 0, (n_features, n_tasks); under squared loss ``X'(weights y)``."""

    @abstractmethod
    def settle(
        self, A: Array, null_space: Array, smooth: TaskQuadratic | None, intercept: Array | None = None
    ) -> tuple[Array | None, Reading]:
        """Minimise exactly over the intercepts and over M in ``A + M Z'``.

        Parameters
        ----------
        A : ndarray (n_features, n_tasks)
        null_space : ndarray (n_tasks, k)
            Orthonormal basis Z.
        smooth : TaskQuadratic or None
            A quadratic beside F, which the null space feels as well.
        intercept : ndarray (n_tasks,), default None
            Where to start.

        Returns
        -------
        shift : ndarray (n_features, n_tasks) or None
            ``M Z'``; None when k = 0.
        reading : Reading
            At ``A + shift``.
        """

    @abstractmethod
    def oracle(self, reading: Reading, smooth: TaskQuadratic | None) -> Oracle:
        """First-order information for iterations that start at ``reading``."""

    @property
    @abstractmethod
    def has_resolvent(self) -> bool:
        """Whether there is a `resolvent` that is affordable."""

    @property
    @abstractmethod
    def has_one_gram(self) -> bool:
        """Whether the Gram matrices of the tasks are one matrix, up to a factor each."""

    @abstractmethod
    def resolvent(self) -> Resolvent:
        """The proximal step of F through factorizations, for squared loss."""

    def compressed(self) -> DataFit:
        """The same F from fewer numbers: moments instead of rows where these are smaller, else itself."""
        return self

    @abstractmethod
    def restrict(self, features: Indices) -> DataFit:
        """The data fit when all other features have the parameter zero; centred as this one."""

    @abstractmethod
    def original_intercept(self, A: Array, intercept: Array) -> Array:
        """Intercepts for the features and the target as the caller gave them, before centring."""
