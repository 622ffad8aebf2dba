"""Weights on the rows or entries of A, for any penalty that is a sum over the rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from mtlinear._typing import Array, Indices
from mtlinear.penalties._base import Penalty
from mtlinear.penalties._rows import RowSeparable, Step
from mtlinear.penalties._tangent import Tangent


class Weighted(RowSeparable):
    r"""A weight for every feature, or for every entry: ``sum_j w_j f(A[j, :])`` for a penalty ``sum_j f(A[j, :])``.

    Since f is a norm, that is the penalty at W A, its prox is the one with the steps ``step * w_j``, and its gauge is
    the one at G / W.

    Parameters
    ----------
    penalty : RowSeparable
        `L1`, `L1Lq`, `SparseGroup`, `TreeGuided`, `GraphFused`, ...
    weights : array-like (n_features,) or (n_features, n_tasks), positive
        One per feature; for `L1`, whose entries are apart, also one per entry. Zero would leave A unpenalised.

    References
    ----------
    Zou, H. (2006). The adaptive lasso and its oracle properties. JASA 101, 1418-1429 (weights from a first fit).

    Examples
    --------
    >>> import numpy as np
    >>> from mtlinear.penalties import L1
    >>> Weighted(L1(alpha=1.0), weights=[1.0, 3.0]).prox(np.array([[4.0], [4.0]]), step=1.0)
    array([[3.],
           [1.]])
    """

    def __init__(self, penalty: RowSeparable, weights: ArrayLike):
        self.penalty = penalty
        self.weights = weights

    @property
    def by_entry(self) -> bool:  # type: ignore[override]
        return self.penalty.by_entry

    @property
    def gauge_accuracy(self) -> float:
        return self.penalty.gauge_accuracy

    def check(self, n_features: int, n_tasks: int) -> None:
        if not isinstance(self.penalty, RowSeparable):
            raise TypeError(f"penalty must be a sum over the rows of A (L1, L1Lq, ...), got {self.penalty!r}.")
        self.penalty.check(n_features, n_tasks)
        weights = np.asarray(self.weights)
        if weights.dtype.kind not in "iuf":
            raise TypeError(f"weights must be an array of numbers, got {self.weights!r}.")
        shapes = [(n_features,), (n_features, n_tasks)][: 1 + self.penalty.by_entry]
        if weights.shape not in shapes:
            allowed = " or ".join(str(shape) for shape in shapes)
            raise ValueError(f"weights must have the shape {allowed} for this penalty, got {weights.shape}.")
        if not np.all(np.isfinite(weights) & (weights > 0)):
            raise ValueError("weights must be positive and finite.")

    def value(self, A: Array) -> float:
        return self.penalty.value(self._weights(A) * A)

    def row_value(self, A: Array) -> Array:
        return self.penalty.row_value(self._weights(A) * A)

    def prox(self, V: Array, step: Step) -> Array:
        return self.penalty.prox(V, step * self._weights(V))

    def tangent(self, A: Array) -> Tangent | None:
        tangent, weights = self.penalty.tangent(A), self._weights(A)
        if tangent is None:
            return None
        return replace(tangent, gradient=weights * tangent.gradient, bend=weights * tangent.bend)

    def row_gauge(self, G: Array) -> Array:
        return self.penalty.row_gauge(G / self._weights(G))

    def gauge(self, G: Array) -> float:
        return self.penalty.gauge(G / self._weights(G))

    def null_space(self, n_tasks: int) -> Array:
        return self.penalty.null_space(n_tasks)

    def scaled(self, factor: float) -> Self:
        return type(self)(self.penalty.scaled(factor), self.weights)

    def restrict(self, rows: Indices) -> Penalty:
        return type(self)(self.penalty, np.asarray(self.weights)[rows])

    def _weights(self, A: Array) -> Array:
        """As a matrix that multiplies A, in its precision."""
        weights = np.asarray(self.weights, dtype=A.dtype)
        return weights[:, None] if weights.ndim == 1 else weights
