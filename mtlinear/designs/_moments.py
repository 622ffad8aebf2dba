"""Sums over rows that say all about the data under squared loss; rows can be added and taken away."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mtlinear._typing import Array
from mtlinear.designs._base import Design


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
