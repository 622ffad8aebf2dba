"""One X shared by all tasks; the scores are an (n_samples, n_tasks) matrix."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy

import numpy as np
from numpy.typing import NDArray

from mtlinear._precision import precision_of, sum_rows, total
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
    weighted_gram,
    without_rounding,
)


class SharedDesign(Design):
    """One X for all tasks: ``scores = X A``.

    Parameters
    ----------
    X : ndarray or sparse matrix of shape (n_samples, n_features)
    n_tasks : int
    sample_weight : ndarray of shape (n_samples,), default None
        Weight s_i of a row; None means 1.
    task_weight : ndarray of shape (n_tasks,), default None
        Weight w_t of a task; None means 1.
    observed : ndarray of bool, shape (n_samples, n_tasks), default None
        Which outputs were observed; the others have weight zero. None means all.

    Examples
    --------
    >>> import numpy as np
    >>> design = SharedDesign(np.eye(3), n_tasks=2)
    >>> design.apply(np.ones((3, 2))).shape
    (3, 2)
    >>> float(design.weights[0, 0])
    0.3333333333333333
    """

    def __init__(
        self,
        X: Matrix,
        n_tasks: int,
        sample_weight: Array | None = None,
        task_weight: Array | None = None,
        observed: NDArray[np.bool_] | None = None,
    ):
        self.X = as_rows(X)
        self.n_rows, self.n_features = X.shape
        self.n_tasks = n_tasks
        dtype = precision_of(X)
        self.sample_weight = np.ones(self.n_rows, dtype) if sample_weight is None else sample_weight.astype(dtype)
        self.task_weight = np.ones(n_tasks, dtype) if task_weight is None else task_weight.astype(dtype)
        self.observed = observed
        self._weigh()
        self.center = np.zeros((self.n_features, 1), dtype)
        self.shift = None

    def _weigh(self) -> None:
        if self.observed is None:
            # Every row counts once for each of the T tasks, so m = (T sum s) / T.
            self.mean_weight = total(self.sample_weight)
            self._row_weights = self.sample_weight / self.mean_weight
            self.weights = np.outer(self._row_weights, self.task_weight)
        else:
            counted = self.sample_weight[:, None] * self.observed
            self.mean_weight = total(counted) / self.n_tasks
            self.weights = counted * self.task_weight / self.mean_weight

    def precise(self) -> SharedDesign:
        if self.weights.dtype == np.float64:
            return self
        design = self._like(self.X, *in_double(self.center, self.shift))
        design.sample_weight, design.task_weight = in_double(self.sample_weight, self.task_weight)
        design._weigh()
        return design

    def task_sums(self, D: Array) -> Array:
        return sum_rows(D) if D.dtype == np.float32 else D.sum(axis=0)

    def spread(self, b: Array) -> Array:
        return b[None, :]

    def coupled_gram(self, D: Array, coefficients: Array) -> Array:
        if self.observed is not None:  # the tasks are centred differently
            return super().coupled_gram(D, coefficients)
        return weighted_gram(self.X, D @ coefficients, self._task_shift(0))

    def gram(self, rows: Indices | None = None) -> tuple[Array, Array]:
        design = self if rows is None else self.restrict(rows)
        if self.observed is not None:
            grams = np.stack([design.task_gram(t, design.weights) for t in range(self.n_tasks)])
            return grams, np.ones_like(self.task_weight)
        return weighted_gram(design.X, self._row_weights, design._task_shift(0))[None], self.task_weight

    def centered(self) -> SharedDesign:
        if self.observed is not None:
            return self._without(self._task_means())
        return self._centered_at(adjoint_product(self.X, self._unit_weights))

    def centered_with(self, D: Array) -> tuple[SharedDesign, Array | None]:
        if self.observed is not None or D.dtype != self.X.dtype or D.dtype != np.float64:
            return self.centered(), None
        both = adjoint_product(self.X, np.column_stack([self._unit_weights, D]))
        design = self._centered_at(both[:, 0])
        return design, both[:, 1:] if design.X is self.X else None

    @property
    def _unit_weights(self) -> Array:
        """Weights that sum to one in float64: those of float32 would make a constant feature vary."""
        return self.sample_weight.astype(np.float64, copy=False) / self.mean_weight

    def _centered_at(self, mean: Array) -> SharedDesign:
        """Without the mean of the rows as stored (n_features,)."""
        if self.shift is not None:
            mean = mean - self.shift[:, 0]
        mean = mean.astype(self.weights.dtype, copy=False)[:, None]
        if is_nearly_centered(self.X, mean[:, 0]):
            return self._like(self.X, self.center + mean, mean if self.shift is None else self.shift + mean)
        return self._without(mean)

    def _without(self, mean: Array) -> SharedDesign:
        """Without means (n_features, 1 or n_tasks), subtracted from the stored rows as far as these are the same."""
        # All tasks see the same stored rows, so only what their means have in common can be subtracted there.
        common = mean.mean(axis=1)
        stored, taken = subtract_mean(self.X, common)
        left = without_rounding(mean - taken[:, None], np.where(taken[:, None] != 0, mean, 0.0))
        shift = left if self.shift is None else self.shift + left
        return self._like(
            stored,
            self.center + mean,
            shift if np.any(shift) else None,
        )

    def restrict(self, rows: Indices) -> SharedDesign:
        shift = None if self.shift is None else self.shift[rows]
        return self._like(take_columns(self.X, rows), self.center[rows], shift)

    def take(self, samples: Indices) -> SharedDesign:
        observed = None if self.observed is None else self.observed[samples]
        design = SharedDesign(self.X[samples], self.n_tasks, self.sample_weight[samples], self.task_weight, observed)
        design.center, design.shift = self.center, self.shift
        return design

    def arrange(self, values: Array) -> Array:
        return values

    def restore(self, values: Array) -> Array:
        return values

    def distinct_tasks(self) -> range:
        if self.observed is not None:
            return range(self.n_tasks)
        heaviest = int(np.argmax(self.task_weight))
        return range(heaviest, heaviest + 1)

    def _like(self, X: Matrix, center: Array, shift: Array | None) -> SharedDesign:
        """The same rows and weights with other features."""
        design = copy(self)
        design.X, design.n_features = X, X.shape[1]
        design.center, design.shift = center, shift
        return design

    def _gram_parts(self) -> Iterator[tuple[Matrix, Array, Array | None]]:
        if self.observed is not None:
            yield from super()._gram_parts()
        else:
            yield self.X, self._row_weights, self._task_shift(0)

    def _raw_scores(self, A: Array) -> Array:
        return product(self.X, A)

    def _raw_adjoint(self, D: Array) -> Array:
        return adjoint_product(self.X, D)

    def _stored_rows(self, t: int, D: Array) -> tuple[Matrix, Array]:
        return self.X, D[:, t]
