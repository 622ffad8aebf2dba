"""The data fit from moments alone: squared loss, no rows."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property

import numpy as np

from mtlinear._precision import in_precision, sum_rows, total
from mtlinear._typing import Array, Indices
from mtlinear.datafit._base import DataFit, Oracle, Reading
from mtlinear.datafit._oracles import GramOracle, gram_times
from mtlinear.datafit._resolvent import Resolvent, SharedGram, TaskGrams
from mtlinear.datafit._unpenalised import SOLVED, add_smooth, pseudo_inverse, same_freedom
from mtlinear.designs import Moments, symmetric_norm
from mtlinear.losses import Squared
from mtlinear.penalties import TaskQuadratic

#: Variances below this fraction of the sums they are differences of are rounding.
_ROUNDING = 1e-13
#: Refinements of the null space; each gains as many digits as the Gram matrices have.
_REFINEMENTS = 5


class GramFit(DataFit):
    """Squared loss on the Gram matrices of the tasks; nothing costs more than a product with them.

    Parameters
    ----------
    moments : Moments
        Every task must have rows.
    fit_intercept : bool

    Attributes
    ----------
    matrices, scale
        Gram matrices of the tasks, normalised and (with intercepts) centred, as in `Design.gram`.
    linear : ndarray (n_features, n_tasks)
        ``X'(weights y)``, likewise.
    square : float
        ``sum weights y^2``, likewise.
    """

    def __init__(self, moments: Moments, fit_intercept: bool):
        if np.any(moments.weight <= 0):
            empty = np.flatnonzero(moments.weight <= 0).tolist()
            raise ValueError(f"task number(s) {empty} have no rows.")
        unit = moments.total / len(moments.weight)
        self.center, self.target_center = moments.center, moments.target_center
        matrices, cross, square = moments.matrices, moments.cross, moments.square
        if fit_intercept:
            mean, target_mean = moments.first / moments.weight, moments.target / moments.weight
            self.center = self.center + mean
            self.target_center = self.target_center + target_mean
            matrices = _centered(moments, mean)
            cross = cross - moments.first * target_mean
            cross[_constant(matrices).T if len(matrices) > 1 else _constant(matrices)[0]] = 0.0
            square = np.maximum(square - moments.target * target_mean, 0.0)
        self._set(matrices / unit, moments.scale, cross / unit, total(square) / unit)

    @classmethod
    def of_matrices(cls, matrices: Array, scale: Array, linear: Array, square: float) -> GramFit:
        """From the sums themselves, normalised and (with intercepts) centred; see the attributes."""
        fit = cls.__new__(cls)
        fit._set(matrices, scale, linear, square)
        fit.center, fit.target_center = np.zeros((len(linear), 1), linear.dtype), np.zeros_like(linear[0])
        return fit

    def _set(self, matrices: Array, scale: Array, linear: Array, square: float) -> None:
        self.matrices, self.scale, self.square = matrices, scale, square
        self._linear = np.ascontiguousarray(linear)
        self.n_features, self.n_tasks = linear.shape
        self.dtype = matrices.dtype
        self.loss = Squared()

    @property
    def rows_per_task(self) -> float:
        return 0.0

    @cached_property
    def norm_bound(self) -> float:
        return gram_norm(self.matrices, self.scale)

    def quick_norm_bound(self) -> float:
        """A bound that costs one look at the matrices, a few times `norm_bound` at worst."""
        sums = np.abs(self.matrices).sum(axis=2).max(axis=1, initial=0.0)
        traces = np.trace(self.matrices, axis1=1, axis2=2)
        return float(np.max(np.minimum(sums, traces) * self.scale))

    @property
    def null_value(self) -> float:
        return 0.5 * self.square

    def settle(
        self, A: Array, null_space: Array, smooth: TaskQuadratic | None, intercept: Array | None = None
    ) -> tuple[Array | None, GramReading]:
        reading = GramReading(self, A)
        if null_space.shape[1] == 0:
            return None, reading
        shift = np.zeros_like(A)
        best = np.inf
        for _ in range(_REFINEMENTS):
            moved = A + shift
            reading = GramReading(self, moved, null_space, smooth)
            gradient = reading.gradient if smooth is None else reading.gradient + smooth.times(moved)
            residual = gradient @ null_space
            size = reading.residual_size(residual)
            if size <= in_precision(SOLVED, self.dtype) or size > 0.5 * best:
                break
            best = size
            k = null_space.shape[1]
            M = self._null_solver(null_space, smooth)(-residual.T.ravel()).reshape(k, -1).T
            shift = shift + M.astype(self.dtype, copy=False) @ null_space.T
        return shift, GramReading(self, A + shift, null_space, smooth)

    def _null_solver(self, null_space: Array, smooth: TaskQuadratic | None) -> Callable[[Array], Array]:
        """Solver of ``sum_t Z[t, i] Z[t, j] gram_t`` + smooth part; the last one is kept."""
        last = getattr(self, "_last_solver", None)
        if last is not None and same_freedom(last[0], last[1], null_space, smooth):
            return last[2]
        d, k = self.n_features, null_space.shape[1]
        H = np.empty((k, d, k, d))
        for i in range(k):
            for j in range(k):
                weights = null_space[:, i] * null_space[:, j] * self.scale
                if len(self.matrices) == 1:
                    H[i, :, j, :] = self.matrices[0] * weights.sum()
                else:
                    H[i, :, j, :] = np.tensordot(weights, self.matrices, axes=1)
        add_smooth(H, null_space, smooth)
        solver = pseudo_inverse(H.reshape(k * d, k * d), self.dtype)
        self._last_solver = (null_space, smooth, solver)
        return solver

    def oracle(self, reading: Reading, smooth: TaskQuadratic | None) -> Oracle:
        return GramOracle(self.matrices, self.scale, self.linear, smooth)

    @property
    def linear(self) -> Array:
        return self._linear

    @property
    def has_resolvent(self) -> bool:
        return True

    @property
    def has_one_gram(self) -> bool:
        return len(self.matrices) == 1

    def resolvent(self) -> Resolvent:
        if not hasattr(self, "_resolvent"):
            one = len(self.matrices) == 1
            self._resolvent = SharedGram(self.matrices[0], self.scale) if one else TaskGrams(self.matrices, self.scale)
        return self._resolvent

    def restrict(self, features: Indices) -> GramFit:
        matrices = self.matrices[:, features[:, None], features[None, :]]
        return GramFit.of_matrices(matrices, self.scale, self.linear[features], self.square)

    def original_intercept(self, A: Array, intercept: Array) -> Array:
        return intercept + self.target_center - sum_rows(self.center * A)


def gram_norm(matrices: Array, scale: Array) -> float:
    """Upper bound of the largest eigenvalue of the Gram matrices of the tasks (see `Design.gram`)."""
    return float(np.max(np.array([symmetric_norm(matrix) for matrix in matrices]) * scale))


class GramReading(Reading):
    """F at A for squared loss, where the dual point is u = X A - y: all sums over rows are quadratic forms in A.

    Parameters
    ----------
    data : GramFit
    A : ndarray (n_features, n_tasks)
    null_space : ndarray (n_tasks, k), default None
        What was solved for.
    smooth : TaskQuadratic, default None
        The quadratic with which it was.
    """

    def __init__(self, data: GramFit, A: Array, null_space: Array | None = None, smooth: TaskQuadratic | None = None):
        self.data = data
        self.intercept = np.zeros(data.n_tasks, data.dtype)
        self.image = gram_times(data.matrices, data.scale, A)
        self._null_space = null_space
        self._smooth = smooth
        self._fitted = total(A * self.image)  # sum weights (XA)^2
        self._common = total(A * data.linear)  # sum weights y XA

    @property
    def _residual(self) -> float:
        """``sum weights u^2``."""
        return max(self._fitted - 2.0 * self._common + self.data.square, 0.0)

    @property
    def value(self) -> float:
        return 0.5 * self._residual

    @property
    def gradient(self) -> Array:
        return self.image - self.data.linear

    def conjugate(self, c: float) -> float:
        return 0.5 * c**2 * self._residual + c * (self._common - self.data.square)

    @property
    def slope(self) -> float:
        return self._fitted - self._common

    @property
    def curvature(self) -> float:
        return self._residual

    def is_settled_for(self, null_space: Array, smooth: TaskQuadratic | None) -> bool:
        own = null_space[:, :0] if self._null_space is None else self._null_space
        return same_freedom(own, self._smooth, null_space, smooth)

    def residual_size(self, residual: Array) -> float:
        assert self._null_space is not None
        data = self.data
        diagonal = np.diagonal(data.matrices, axis1=1, axis2=2).T * data.scale
        units = np.sqrt(np.maximum(diagonal @ self._null_space**2, 0.0))
        noise = math.sqrt(self._residual) + math.sqrt(max(self._fitted, 0.0))
        return float(np.max(np.abs(residual) / np.where(units * noise > 0, units * noise, np.inf), initial=0.0))


def _centered(moments: Moments, mean: Array) -> Array:
    """Matrices about the mean, with exact zeros for features that are constant up to rounding."""
    if len(moments.matrices) == 1:  # the tasks share rows and differ by a factor only
        scaled = moments.first[:, :1] / moments.scale[0]
        centered = moments.matrices - scaled @ mean[:, :1].T
    else:
        centered = moments.matrices - np.einsum("it,jt->tij", moments.first, mean)
    rounding = in_precision(_ROUNDING, centered.dtype) * moments.magnitude
    k, j = np.nonzero(np.diagonal(centered, axis1=1, axis2=2) <= rounding)
    centered[k, j, :] = 0.0
    centered[k, :, j] = 0.0
    return centered


def _constant(matrices: Array) -> Array:
    """Which features do not vary, (1 or n_tasks, n_features)."""
    return np.diagonal(matrices, axis1=1, axis2=2) == 0.0
