"""Rows of all tasks stacked, each row with the number of its task; the scores are one vector sorted by task."""

from __future__ import annotations

from copy import copy

import numpy as np
import scipy.sparse as sp

from mtlinear._precision import precision_of, total
from mtlinear._typing import Array, Indices
from mtlinear.designs._base import Design
from mtlinear.designs._matrix import (
    Matrix,
    adjoint_product,
    as_rows,
    in_double,
    is_nearly_centered,
    product,
    subtract_mean,
    take_columns,
)

#: Numbers in X, and rows of a task, from which on X is large (`StackedDesign.centered`).
_LARGE, _MANY = 2_000_000, 300


class StackedDesign(Design):
    """Tasks with rows of their own: ``scores_i = x_i . a_{t(i)}``.

    Parameters
    ----------
    X : ndarray or sparse matrix of shape (n_observations, n_features)
        The rows of all tasks, in any order. Unless they are sorted by task they are, once, into a copy.
    codes : ndarray of int, shape (n_observations,)
        Number of the task of each row, 0 <= code < n_tasks.
    n_tasks : int
    sample_weight : ndarray of shape (n_observations,), default None
    task_weight : ndarray of shape (n_tasks,), default None

    Examples
    --------
    >>> import numpy as np
    >>> design = StackedDesign(np.eye(3), np.array([1, 0, 1]), n_tasks=2)
    >>> design.apply(np.array([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]]))   # task 0 first
    array([ 2., 10., 30.])
    """

    def __init__(
        self,
        X: Matrix,
        codes: Indices,
        n_tasks: int,
        sample_weight: Array | None = None,
        task_weight: Array | None = None,
    ):
        self.n_rows, self.n_features = X.shape
        self.n_tasks = n_tasks
        self.order = np.argsort(codes, kind="stable")
        self.codes = codes[self.order]
        self.X = as_rows(X) if np.all(codes[1:] >= codes[:-1]) else as_rows(X)[self.order]
        self._counts = np.bincount(codes, minlength=n_tasks)
        self._seen = np.flatnonzero(self._counts)
        self.bounds = np.concatenate([[0], np.cumsum(self._counts)])
        dtype = precision_of(X)
        weight = np.ones(len(codes), dtype) if sample_weight is None else sample_weight.astype(dtype)
        self.sample_weight = weight[self.order]
        self.task_weight = np.ones(n_tasks, dtype) if task_weight is None else task_weight.astype(dtype)
        self._weigh()
        self.center = np.zeros((self.n_features, 1), dtype)
        self.shift = None

    def _weigh(self) -> None:
        self.mean_weight = total(self.sample_weight) / self.n_tasks
        self.weights = self.sample_weight * self.task_weight[self.codes] / self.mean_weight

    def precise(self) -> StackedDesign:
        if self.weights.dtype == np.float64:
            return self
        design = self._like(self.X, *in_double(self.center, self.shift))
        design.sample_weight, design.task_weight = in_double(self.sample_weight, self.task_weight)
        design._weigh()
        return design

    def _task(self, t: int) -> slice:
        return slice(self.bounds[t], self.bounds[t + 1])

    def task_sums(self, D: Array) -> Array:
        sums = np.zeros(self.n_tasks)
        if len(self._seen):
            sums[self._seen] = np.add.reduceat(D, self.bounds[self._seen], dtype=np.float64)
        return sums.astype(precision_of(D), copy=False)

    def spread(self, b: Array) -> Array:
        return np.repeat(b, self._counts)

    def gram(self, rows: Indices | None = None) -> tuple[Array, Array]:
        design = self if rows is None else self.restrict(rows)
        matrices = np.empty((self.n_tasks, design.n_features, design.n_features), self.weights.dtype)
        for t in range(self.n_tasks):
            matrices[t] = design.task_gram(t, self.weights)
        return matrices, np.ones_like(self.task_weight)

    def centered(self) -> StackedDesign:
        mean = self._task_means()
        if self._is_large() and all(is_nearly_centered(self.X[self._task(t)], mean[:, t]) for t in range(self.n_tasks)):
            return self._like(self.X, self.center + mean, mean if self.shift is None else self.shift + mean)
        left, parts = mean.copy(), []
        stored = None if sp.issparse(self.X) else np.empty_like(self.X)
        for t in range(self.n_tasks):
            part, taken = subtract_mean(self.X[self._task(t)], mean[:, t])
            left[taken != 0, t] = 0.0
            if stored is None:
                parts.append(part)
            else:
                stored[self._task(t)] = part
        stored = sp.vstack(parts, format="csr") if stored is None else stored
        shift = left if self.shift is None else self.shift + left
        return self._like(stored, self.center + mean, shift if np.any(shift) else None)

    def _is_large(self) -> bool:
        """Whether a copy of X takes longer than a look at a few rows of every task."""
        return self.n_rows * self.n_features > _LARGE and self.n_rows > _MANY * self.n_tasks

    def restrict(self, rows: Indices) -> StackedDesign:
        shift = None if self.shift is None else self.shift[rows]
        return self._like(take_columns(self.X, rows), self.center[rows], shift)

    def take(self, samples: Indices) -> StackedDesign:
        position = np.empty_like(self.order)
        position[self.order] = np.arange(len(self.order))
        rows = position[samples]
        design = StackedDesign(self.X[rows], self.codes[rows], self.n_tasks, self.sample_weight[rows], self.task_weight)
        design.center, design.shift = self.center, self.shift
        return design

    def arrange(self, values: Array) -> Array:
        return values[self.order]

    def restore(self, values: Array) -> Array:
        restored = np.empty_like(values)
        restored[self.order] = values
        return restored

    def distinct_tasks(self) -> range:
        return range(self.n_tasks)

    def _like(self, X: Matrix, center: Array, shift: Array | None) -> StackedDesign:
        """The same rows and weights with other features ."""
        design = copy(self)
        design.X, design.n_features = X, X.shape[1]
        design.center, design.shift = center, shift
        return design

    def _raw_scores(self, A: Array) -> Array:
        columns = np.ascontiguousarray(A.T)
        scores = np.empty(len(self.codes), np.result_type(self.X.dtype, A.dtype))
        for t in range(self.n_tasks):
            rows = self._task(t)
            scores[rows] = product(self.X[rows], columns[t])
        return scores

    def _raw_adjoint(self, D: Array) -> Array:
        columns = np.empty((self.n_tasks, self.n_features), np.result_type(self.X.dtype, D.dtype))
        for t in range(self.n_tasks):
            rows = self._task(t)
            columns[t] = adjoint_product(self.X[rows], D[rows])
        return columns.T

    def _stored_rows(self, t: int, D: Array) -> tuple[Matrix, Array]:
        rows = self._task(t)
        return self.X[rows], D[rows]
