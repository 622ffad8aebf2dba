"""What a design is: the linear map from the parameter matrix to the scores, and its adjoint.

Conventions
-----------
A : (n_features, n_tasks)
    The parameter matrix. Row j belongs to feature j, column t to task t. Never ravelled.
scores : shape chosen by the design
    One number per observation, x_i . a_t. Everything that is "per observation" (target, weights,
    derivatives of the loss) has this shape. ``(n_samples, n_tasks)`` for a shared X,
    ``(n_observations,)``, sorted by task, for stacked rows.
weights : shape of the scores
    ``w_t s_i / m`` with task weight w_t, sample weight s_i and m = (sum of the s_i) / n_tasks, the mean
    weight of a task. This is the only place in the library with a 1/n.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from scipy.sparse.linalg import LinearOperator, eigsh

from mtlinear._typing import Array, Indices

#: Up to this size the largest eigenvalue is taken from a dense factorization, exactly; past it by Lanczos.
_DENSE_EIGENVALUES = 400
#: Deviations from a mean below this fraction of the mean are rounding: the error of a sum of millions of numbers.
_ROUNDING = 1e-13


class Design(ABC):
    """The data of T linear tasks: ``A -> scores``, the adjoint, and the weights of the observations.

    Attributes
    ----------
    n_features, n_tasks : int
    weights : ndarray, shape of the scores
        Weight of every observation in the objective, normalisation included.
    center : ndarray of shape (n_features, n_tasks) or (n_features, 1)
        What has been subtracted from the features of each task; zeros unless made by `centered`.
    """

    n_features: int
    n_tasks: int
    weights: Array
    center: Array

    @abstractmethod
    def apply(self, A: Array) -> Array:
        """Scores ``x_i . a_t`` of all observations; A is (n_features, n_tasks)."""

    @abstractmethod
    def adjoint(self, D: Array) -> Array:
        """``X_t' d_t`` in column t, shape (n_features, n_tasks); D has the shape of the scores."""

    @abstractmethod
    def task_sums(self, D: Array) -> Array:
        """Sum of D over the observations of each task, shape (n_tasks,)."""

    @abstractmethod
    def spread(self, b: Array) -> Array:
        """The value b[t] at every observation of task t: the adjoint of `task_sums`.

        May be a broadcastable view rather than a full array.
        """

    @abstractmethod
    def task_rows(self, t: int, D: Array) -> tuple[Array, Array]:
        """``(X_t, D_t)``: features (n_t, n_features) and entries of D (n_t,) of task t."""

    @abstractmethod
    def gram(self, rows: Indices | None = None) -> tuple[Array, Array]:
        """Weighted Gram matrices of the tasks, optionally of the features `rows` only.

        Returns
        -------
        matrices : ndarray of shape (1, k, k) or (n_tasks, k, k)
        scale : ndarray of shape (n_tasks,)
            ``X_t' diag(weights_t) X_t = scale[t] * matrices[t]`` (``matrices[0]`` when there is only one:
            a shared X costs one matrix, not n_tasks).
        """

    @abstractmethod
    def centered(self) -> Design:
        """The same design with the weighted mean of every feature removed within every task.

        An unpenalised intercept absorbs the shift, so the optimum is the same; the Gram matrices are
        better conditioned and the bound on the step is smaller.
        """

    @abstractmethod
    def restrict(self, rows: Indices) -> Design:
        """The design of the features `rows` only (a working set)."""

    @abstractmethod
    def take(self, samples: Indices) -> Design:
        """The design of the rows `samples` of X, in the caller's numbering (a fold); weights are normalised anew."""

    @abstractmethod
    def arrange(self, values: Array) -> Array:
        """Per-row values in the caller's order, brought to the order and shape of the scores."""

    def norm_bound(self) -> float:
        """Upper bound of ``max_t ||X_t' diag(weights_t) X_t||_2``, the curvature of 1/2 sum weights * scores**2."""
        return max((self._task_norm(t) for t in self.distinct_tasks()), default=0.0)

    @abstractmethod
    def distinct_tasks(self) -> range:
        """The tasks whose Gram matrices differ by more than a factor at most 1."""

    def _task_norm(self, t: int) -> float:
        X, w = self.task_rows(t, self.weights)
        R = X * np.sqrt(w)[:, None]
        return largest_eigenvalue(R)


def subtract_mean(X: Array, mean: Array) -> Array:
    """X - mean, with exact zeros where only rounding is left.

    A feature that is constant within a task would otherwise become noise of size 1e-16, and whatever leaves a direction
    of A unpenalised would fit that noise with parameters of size 1e15.
    """
    centered = X - mean
    centered[np.abs(centered) <= _ROUNDING * np.abs(mean)] = 0.0
    return centered


def largest_eigenvalue(R: Array) -> float:
    """An upper bound of the largest eigenvalue of R'R, exact up to rounding for small matrices.

    Lanczos approaches the eigenvalue from below; one percent is added so that 1/bound stays a safe step.
    """
    n, d = R.shape
    if not R.any():  # also when empty; ARPACK refuses a matrix of zeros
        return 0.0
    if min(n, d) <= _DENSE_EIGENVALUES:
        G = R @ R.T if n < d else R.T @ R
        return max(float(np.linalg.eigvalsh(G)[-1]), 0.0)
    operator = LinearOperator((d, d), matvec=lambda v: R.T @ (R @ v), dtype=R.dtype)
    start = np.random.default_rng(0).standard_normal(d)
    value = eigsh(operator, k=1, tol=1e-3, v0=start, return_eigenvectors=False)[0]
    return 1.01 * float(value)
