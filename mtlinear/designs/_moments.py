"""Sums over rows that say all about the data under squared loss; rows can be added and taken away.

`Moments` are about fixed centers, so that there are differences: the whole minus a part. `RunningMoments` are about the
means of their own rows, so that nothing need be known beforehand: rows that come in chunks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import scipy.sparse as sp

from mtlinear._typing import Array
from mtlinear.designs._base import Design
from mtlinear.designs._matrix import Matrix, adjoint_product, as_rows, weighted_gram

#: Standard deviations below this fraction of the mean are the rounding of the values.
_ROUNDING = 1e-13


@dataclass(frozen=True)
class Moments:
    """Weighted sums of x x', x, x y, y and y^2 of every task, not normalised: ``whole - part`` are the other rows.

    The weight of a row is w_t s_i (task weight times sample weight). All sums are of features and targets minus a fixed
    ``center``, near their means, so that little is lost when they are centred again.

    Attributes
    ----------
    matrices : ndarray (1, n_features, n_features) or (n_tasks, n_features, n_features)
    scale : ndarray (n_tasks,)
        ``sum x x' of task t = scale[t] * matrices[t]`` (``matrices[0]`` when there is only one).
    magnitude : ndarray (1 or n_tasks, n_features)
        The diagonal of the largest sums that went in: what their rounding is measured by.
    first, cross : ndarray (n_features, n_tasks)
        Sums of x and of x y.
    weight, target, square : ndarray (n_tasks,)
        Sums of 1, of y and of y^2.
    total : float
        Sum of the sample weights of all observations.
    center : ndarray (n_features, n_tasks) or (n_features, 1)
    target_center : ndarray (n_tasks,)
    """

    matrices: Array
    scale: Array
    magnitude: Array
    first: Array
    cross: Array
    weight: Array
    target: Array
    square: Array
    total: float
    center: Array
    target_center: Array

    @classmethod
    def of(cls, design: Design, target: Array, target_center: Array) -> Moments:
        """The moments of all rows of a design, in float64 also for float32 rows: differences of them lose digits.

        Parameters
        ----------
        design : Design
        target : ndarray, shape of the scores
            Minus ``target_center``.
        target_center : ndarray (n_tasks,)
        """
        design = design.precise()
        unit, weights = design.mean_weight, design.weights
        target, target_center = target.astype(np.float64, copy=False), target_center.astype(np.float64, copy=False)
        matrices, scale = design.gram()
        return cls(
            matrices=unit * matrices,
            scale=scale,
            magnitude=unit * np.diagonal(matrices, axis1=1, axis2=2),
            first=unit * design.adjoint(weights),
            cross=unit * design.adjoint(weights * target),
            weight=unit * design.task_sums(weights),
            target=unit * design.task_sums(weights * target),
            square=unit * design.task_sums(weights * target**2),
            total=unit * design.n_tasks,
            center=design.center,
            target_center=target_center,
        )

    @classmethod
    def of_running(cls, parts: Sequence[RunningMoments], task_weight: Array, *, about_means: bool) -> Moments:
        """The moments of all tasks, from running moments without task weights.

        Parameters
        ----------
        parts : sequence of RunningMoments
            One with an output for every task (they share the rows), or one with a single output per task.
        task_weight : ndarray (n_tasks,)
        about_means : bool
            Whether the centers are the means of the tasks, which is for intercepts, or zero.
        """
        parts = [part.without_rounding() if about_means else part.about_zero() for part in parts]
        own = 1.0 if len(parts) == 1 else task_weight[:, None, None]
        matrices = np.stack([part.scatter for part in parts])
        matrices *= own
        return cls(
            matrices=matrices,
            scale=task_weight if len(parts) == 1 else np.ones_like(task_weight),
            magnitude=np.diagonal(matrices, axis1=1, axis2=2).copy(),
            first=np.zeros((matrices.shape[1], len(task_weight))),
            cross=np.hstack([part.cross for part in parts]) * task_weight,
            weight=np.array([part.weight for part in parts]) * task_weight,
            target=np.zeros_like(task_weight),
            square=np.concatenate([part.square for part in parts]) * task_weight,
            total=float(sum(part.weight * len(part.square) for part in parts)),
            center=np.column_stack([part.mean for part in parts]),
            target_center=np.concatenate([part.target_mean for part in parts]),
        )

    def __add__(self, other: Moments) -> Moments:
        """The moments of the rows of both; they must have the same centers and task weights."""
        return self._combine(other, 1.0)

    def __sub__(self, other: Moments) -> Moments:
        """The moments of the rows that are in self and not in other."""
        return self._combine(other, -1.0)

    def _combine(self, other: Moments, sign: float) -> Moments:
        same = (
            np.array_equal(self.center, other.center)
            and np.array_equal(self.target_center, other.target_center)
            and np.array_equal(self.scale, other.scale)
        )
        if not same:
            raise ValueError("moments can be combined only if they have the same centers and task weights.")
        return Moments(
            matrices=self.matrices + sign * other.matrices,
            scale=self.scale,
            magnitude=np.maximum(self.magnitude, other.magnitude),
            first=self.first + sign * other.first,
            cross=self.cross + sign * other.cross,
            weight=self.weight + sign * other.weight,
            target=self.target + sign * other.target,
            square=self.square + sign * other.square,
            total=self.total + sign * other.total,
            center=self.center,
            target_center=self.target_center,
        )


@dataclass(frozen=True)
class RunningMoments:
    """Weighted sums over rows that share features and k outputs, about their own means; ``a + b`` are the rows of both.

    The sums about the mean of all rows are those about the means of the parts, plus a term of rank one in the
    difference of these means (Chan, Golub & LeVeque 1983). No large numbers are subtracted, however far the features
    are from zero and however their means drift. For the same reason a mean is kept as a ``center`` among the rows and
    the small rest in ``first``.

    Attributes
    ----------
    weight : float
        Sum of the weights of the rows.
    center : ndarray (n_features,)
    target_center : ndarray (k,)
    first : ndarray (n_features,)
        Sum of ``x - center``.
    target_first : ndarray (k,)
    scatter : ndarray (n_features, n_features)
        Sum of x x', both minus the mean.
    cross : ndarray (n_features, k)
        Sum of x y, both minus their means.
    square : ndarray (k,)
        Sum of y^2, minus the mean.

    References
    ----------
    Chan, Golub & LeVeque (1983), Am. Stat. 37, 242-247.
    """

    weight: float
    center: Array
    target_center: Array
    first: Array
    target_first: Array
    scatter: Array
    cross: Array
    square: Array

    @classmethod
    def of(cls, X: Matrix, Y: Array, sample_weight: Array | None = None) -> Self:
        """The sums over the rows of a matrix, in float64.

        Parameters
        ----------
        X : ndarray or sparse matrix (n_rows, n_features)
        Y : ndarray (n_rows, k)
        sample_weight : ndarray (n_rows,), default None
            Positive; None is 1.
        """
        X, Y = as_rows(X).astype(np.float64, copy=False), Y.astype(np.float64, copy=False)
        weights = np.ones(len(Y)) if sample_weight is None else sample_weight.astype(np.float64, copy=False)
        weight = float(weights.sum())
        # Differences from a row are exact: zero where nothing varies, and full of digits where little does.
        target_center = Y[0]
        Y = Y - target_center
        target_mean = weights @ Y / weight
        Y = weights[:, None] * (Y - target_mean)
        square = np.sum(Y**2 / weights[:, None], axis=0)
        if sp.issparse(X):
            center, mean = adjoint_product(X, weights) / weight, np.zeros(X.shape[1])
            scatter = weighted_gram(X, weights, center)
            cross = adjoint_product(X, Y) - np.outer(center, Y.sum(axis=0))
        else:
            center = X[0]
            X = X - center
            mean = weights @ X / weight
            X -= mean
            scatter, cross = weighted_gram(X, weights, None), X.T @ Y
        # Copies: a view would keep the rows.
        centers = center.copy(), target_center.copy()
        return cls(weight, *centers, weight * mean, weight * target_mean, scatter, cross, square)

    def __add__(self, other: RunningMoments) -> RunningMoments:
        """The sums over the rows of both."""
        weight = self.weight + other.weight
        step, target_step = other.center - self.center, other.target_center - self.target_center
        apart = step + other.first / other.weight - self.first / self.weight
        target_apart = target_step + other.target_first / other.weight - self.target_first / self.weight
        share = self.weight * (other.weight / weight)
        return RunningMoments(
            weight=weight,
            center=self.center,
            target_center=self.target_center,
            first=self.first + other.first + other.weight * step,
            target_first=self.target_first + other.target_first + other.weight * target_step,
            scatter=self.scatter + other.scatter + share * np.outer(apart, apart),
            cross=self.cross + other.cross + share * np.outer(apart, target_apart),
            square=self.square + other.square + share * target_apart**2,
        )

    @property
    def mean(self) -> Array:
        return self.center + self.first / self.weight

    @property
    def target_mean(self) -> Array:
        return self.target_center + self.target_first / self.weight

    def without_rounding(self) -> RunningMoments:
        """The same sums, with exact zeros for what does not vary but by the rounding of numbers of its size."""
        squares = np.diagonal(self.scatter)
        noise = (squares > 0) & (squares <= self.weight * (_ROUNDING * self.mean) ** 2)
        target_noise = (self.square > 0) & (self.square <= self.weight * (_ROUNDING * self.target_mean) ** 2)
        if not noise.any() and not target_noise.any():
            return self
        scatter, cross, square = self.scatter.copy(), self.cross.copy(), self.square.copy()
        scatter[noise, :] = scatter[:, noise] = 0.0
        cross[noise, :] = cross[:, target_noise] = 0.0
        square[target_noise] = 0.0
        return replace(self, scatter=scatter, cross=cross, square=square)

    def about_zero(self) -> RunningMoments:
        """The same sums about zero instead of the means, which then count as zero: what there is without intercepts."""
        mean, target_mean = self.mean, self.target_mean
        return RunningMoments(
            weight=self.weight,
            center=np.zeros_like(mean),
            target_center=np.zeros_like(target_mean),
            first=np.zeros_like(mean),
            target_first=np.zeros_like(target_mean),
            scatter=self.scatter + self.weight * np.outer(mean, mean),
            cross=self.cross + self.weight * np.outer(mean, target_mean),
            square=self.square + self.weight * target_mean**2,
        )

    def outputs(self) -> tuple[RunningMoments, ...]:
        """The same rows once for every output; what they share is not copied."""
        return tuple(
            RunningMoments(
                weight=self.weight,
                center=self.center,
                target_center=self.target_center[t : t + 1],
                first=self.first,
                target_first=self.target_first[t : t + 1],
                scatter=self.scatter,
                cross=self.cross[:, t : t + 1],
                square=self.square[t : t + 1],
            )
            for t in range(len(self.square))
        )
