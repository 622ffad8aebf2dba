"""One X shared by all tasks; the scores are an (n_samples, n_tasks) matrix."""

from __future__ import annotations

import numpy as np

from mtlinear._typing import Array, Indices
from mtlinear.designs._base import Design, subtract_mean


class SharedDesign(Design):
    """One X for all tasks: ``scores = X A``.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    n_tasks : int
    sample_weight : ndarray of shape (n_samples,), default None
        Weight s_i of a row; None means 1.
    task_weight : ndarray of shape (n_tasks,), default None
        Weight w_t of a task; None means 1.

    Examples
    --------
    >>> import numpy as np
    >>> design = SharedDesign(np.eye(3), n_tasks=2)
    >>> design.apply(np.ones((3, 2))).shape
    (3, 2)
    >>> float(design.weights[0, 0])
    0.3333333333333333
    """

    def __init__(self, X: Array, n_tasks: int, sample_weight: Array | None = None, task_weight: Array | None = None):
        self.X = X
        self.n_samples, self.n_features = X.shape
        self.n_tasks = n_tasks
        self.sample_weight = np.ones(self.n_samples) if sample_weight is None else sample_weight
        self.task_weight = np.ones(n_tasks) if task_weight is None else task_weight
        # Every row counts once for each of the T tasks, so m = (T sum s) / T.
        self._row_weights = self.sample_weight / self.sample_weight.sum()
        self.weights = np.outer(self._row_weights, self.task_weight)
        self.center = np.zeros((self.n_features, 1))

    def apply(self, A: Array) -> Array:
        return self.X @ A

    def adjoint(self, D: Array) -> Array:
        return self.X.T @ D

    def task_sums(self, D: Array) -> Array:
        return D.sum(axis=0)

    def spread(self, b: Array) -> Array:
        return b[None, :]

    def task_rows(self, t: int, D: Array) -> tuple[Array, Array]:
        return self.X, D[:, t]

    def gram(self, rows: Indices | None = None) -> tuple[Array, Array]:
        X = self.X if rows is None else self.X[:, rows]
        R = X * np.sqrt(self._row_weights)[:, None]
        return (R.T @ R)[None], self.task_weight

    def centered(self) -> SharedDesign:
        mean = self._row_weights @ self.X
        design = SharedDesign(subtract_mean(self.X, mean), self.n_tasks, self.sample_weight, self.task_weight)
        design.center = self.center + mean[:, None]
        return design

    def restrict(self, rows: Indices) -> SharedDesign:
        design = SharedDesign(self.X[:, rows], self.n_tasks, self.sample_weight, self.task_weight)
        design.center = self.center[rows]
        return design

    def take(self, samples: Indices) -> SharedDesign:
        design = SharedDesign(self.X[samples], self.n_tasks, self.sample_weight[samples], self.task_weight)
        design.center = self.center
        return design

    def arrange(self, values: Array) -> Array:
        return values

    def distinct_tasks(self) -> range:
        heaviest = int(np.argmax(self.task_weight))
        return range(heaviest, heaviest + 1)
