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
    ``w_t s_i / m`` with task weight w_t, sample weight s_i and m = (sum of the s_i over all observations) / n_tasks,
    the mean weight of a task. This is the only place in the library with a 1/n. Zero where nothing is observed.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from copy import copy

import numpy as np

from mtlinear._precision import sum_rows
from mtlinear._products import rows_in_use
from mtlinear._typing import Array, Indices
from mtlinear.designs._matrix import Matrix, is_sparse, largest_eigenvalue, to_dense, weighted_cross, weighted_gram

#: Fraction of the features below which copying their columns is cheaper than multiplying all by zeros.
_FEW = 0.2


class Design(ABC):
    """The data of T linear tasks: ``A -> scores``, the adjoint, and the weights of the observations.

    A subclass maps the rows as they are stored (`_raw_scores`, `_raw_adjoint`); what is subtracted from them on the fly
    is done here, once.

    Attributes
    ----------
    n_rows, n_features, n_tasks : int
        Rows are those of X.
    weights : ndarray, shape of the scores
        Weight of every observation in the objective, normalisation included; in the precision of the data, in which
        everything is computed (`mtlinear._precision.precision_of` the rows).
    mean_weight : float
        m, what the weights were divided by.
    center : ndarray of shape (n_features, n_tasks) or (n_features, 1)
        What the features of each task have lost to centring, in all; zeros unless made by `centered`.
    shift : ndarray of the same shape, or None
        The part of it that is not subtracted from the stored rows (a sparse X would become dense) but from the scores:
        ``(x_i - shift_t) . a_t``.
    """

    n_rows: int
    n_features: int
    n_tasks: int
    weights: Array
    mean_weight: float
    center: Array
    shift: Array | None

    @property
    def is_sparse(self) -> bool:
        """Whether rows are stored as a sparse matrix."""
        return is_sparse(self._stored_rows(0, self.weights)[0])

    def apply(self, A: Array) -> Array:
        """Scores ``x_i . a_t`` of all observations; A is (n_features, n_tasks)."""
        used = np.flatnonzero(rows_in_use(A))
        if len(used) <= _FEW * len(A):
            return self.restrict(used)._scores(A[used])
        return self._scores(A)

    def adjoint(self, D: Array, *, balanced: bool = False) -> Array:
        """``X_t' d_t`` in column t, shape (n_features, n_tasks), in any memory order; D has the shape of the scores.

        ``balanced`` says that the sums of D over the tasks are zero up to rounding, so that centring changes nothing.
        """
        G = self._raw_adjoint(D)
        if self.shift is not None and not balanced:
            G -= self.shift * self.task_sums(D)
        return G

    @abstractmethod
    def task_sums(self, D: Array) -> Array:
        """Sum of D over the observations of each task, shape (n_tasks,)."""

    @abstractmethod
    def spread(self, b: Array) -> Array:
        """The value b[t] at every observation of task t: the adjoint of `task_sums`.

        May be a broadcastable view rather than a full array.
        """

    def task_rows(self, t: int, D: Array) -> tuple[Array, Array]:
        """``(X_t, D_t)``: features (n_t, n_features), dense and centred, and entries of D (n_t,) of task t.

        For looking at a task, and for oracles; solvers use `task_gram`.
        """
        X, own = self._stored_rows(t, D)
        shift = self._task_shift(t)
        return to_dense(X) if shift is None else to_dense(X) - shift, own

    def task_gram(self, t: int, D: Array) -> Array:
        """``X_t' diag(D_t) X_t``, shape (n_features, n_features)."""
        X, own = self._stored_rows(t, D)
        return weighted_gram(X, own, self._task_shift(t))

    def coupled_gram(self, D: Array, coefficients: Array) -> Array:
        """``sum_t coefficients_t X_t' diag(D_t) X_t``, shape (n_features, n_features): tasks that share parameters."""
        total = np.zeros((self.n_features, self.n_features), self.weights.dtype)
        for t in np.flatnonzero(coefficients):
            total += float(coefficients[t]) * self.task_gram(int(t), D)
        return total

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

    def cross_gram(self, rows: Indices, columns: Indices) -> Array:
        """The blocks (rows, columns) of the matrices of `gram`, shape (1 or n_tasks, len(rows), len(columns))."""
        return np.stack([weighted_cross(*part, rows, columns) for part in self._gram_parts()])

    @abstractmethod
    def centered(self) -> Design:
        """The same design with the weighted mean of every feature removed within every task.

        An unpenalised intercept absorbs the shift, so the optimum is the same; the Gram matrices are
        better conditioned and the bound on the step is smaller.
        """

    def centered_with(self, D: Array) -> tuple[Design, Array | None]:
        """`centered`, and its adjoint at a balanced D where one look at X gives both (else None)."""
        return self.centered(), None

    def unshifted(self) -> Design:
        """The same rows with nothing subtracted on the fly, where they are dense: for some of the rows the means of all
        may be far from zero (an outlier among the others)."""
        if self.shift is None or self.is_sparse:
            return self
        design = copy(self)
        design.center, design.shift = self.center - self.shift, None
        return design

    @abstractmethod
    def restrict(self, rows: Indices) -> Design:
        """The design of the features `rows` only (a working set)."""

    @abstractmethod
    def take(self, samples: Indices) -> Design:
        """The design of the rows `samples` of X, in the caller's numbering (a fold); weights are normalised anew."""

    @abstractmethod
    def arrange(self, values: Array) -> Array:
        """Per-row values in the caller's order, brought to the order and shape of the scores."""

    @abstractmethod
    def restore(self, values: Array) -> Array:
        """The inverse of `arrange`."""

    @abstractmethod
    def precise(self) -> Design:
        """The same design with float64 weights; a float32 X stays as it is and is multiplied in float64 in blocks."""

    def norm_bound(self) -> float:
        """Upper bound of ``max_t ||X_t' diag(weights_t) X_t||_2``, the curvature of 1/2 sum weights * scores**2."""
        norms = []
        for t in self.distinct_tasks():
            X, weights = self._stored_rows(t, self.weights)
            norms.append(largest_eigenvalue(X, weights, self._task_shift(t)))
        return max(norms, default=0.0)

    @abstractmethod
    def distinct_tasks(self) -> range:
        """The tasks whose Gram matrices differ by more than a factor at most 1."""

    def _scores(self, A: Array) -> Array:
        """`apply`, with all features."""
        scores = self._raw_scores(A)
        if self.shift is not None:
            scores -= self.spread(sum_rows(self.shift * A))
        return scores

    @abstractmethod
    def _raw_scores(self, A: Array) -> Array:
        """`apply` on the rows as stored."""

    @abstractmethod
    def _raw_adjoint(self, D: Array) -> Array:
        """`adjoint` on the rows as stored."""

    @abstractmethod
    def _stored_rows(self, t: int, D: Array) -> tuple[Matrix, Array]:
        """(rows of task t as stored, entries of D of task t)."""

    def _gram_parts(self) -> Iterator[tuple[Matrix, Array, Array | None]]:
        """(rows as stored, weights, shift) behind each of the matrices of `gram`."""
        for t in range(self.n_tasks):
            yield *self._stored_rows(t, self.weights), self._task_shift(t)

    def _task_means(self) -> Array:
        """Weighted mean of every feature in every task, (n_features, n_tasks); sums are float64 in any precision."""
        weights = self.weights.astype(np.float64, copy=False)
        total = self.task_sums(weights)
        mean = self.adjoint(weights) / np.where(total > 0, total, 1.0)
        return mean.astype(self.weights.dtype, copy=False)

    def _task_shift(self, t: int) -> Array | None:
        """Column t of the shift."""
        return None if self.shift is None else self.shift[:, min(t, self.shift.shape[1] - 1)]
