"""The smooth half of the objective, from the data or from their Gram matrices.

Both oracles split the gradient in two: an *image* that is linear in A, so that it can be extrapolated together with the
iterates instead of being recomputed, and a cheap rest.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from mtlinear._typing import Array
from mtlinear.problem import Point, Problem

#: Gram matrices larger than this many numbers are not formed.
_GRAM_LIMIT = 50_000_000

#: Newton step of the intercepts that is small enough between certificates.
_INTERCEPT_TOL = 1e-3


class Oracle(Protocol):
    """First-order information on ``F(A) = min_b sum weights loss(y, X A + b)``."""

    def image(self, A: Array) -> Array:
        """What the data make of A; linear."""

    def gradient(self, image: Array) -> Array:
        """Gradient of F, (n_features, n_tasks)."""

    def bend(self, image: Array, new_image: Array, move: Array) -> float:
        """``<gradient(new_image) - gradient(image), move>`` after ``gradient(image)`` was the last call.

        At least the Bregman divergence of F from the one to the other, and exactly twice it when F is quadratic.
        """


class ScoreOracle:
    """Passes over X: the image of A is its scores; any loss."""

    def __init__(self, problem: Problem, start: Point):
        self._problem = problem
        self._intercept = start.intercept
        self._derivative = np.zeros_like(start.scores)

    def image(self, A: Array) -> Array:
        return self._problem.design.apply(A)

    def gradient(self, image: Array) -> Array:
        problem = self._problem
        # The scores hardly change from one iterate to the next: mostly one Newton step. The certificate is exact.
        self._intercept = problem.unpenalised.intercept(image, self._intercept, tol=_INTERCEPT_TOL)
        self._derivative = self._loss_derivative(image)
        return -problem.negative_gradient(self._derivative)

    def bend(self, image: Array, new_image: Array, move: Array) -> float:
        change = self._loss_derivative(new_image) - self._derivative
        return float(np.sum(self._problem.design.weights * change * (new_image - image)))

    def _loss_derivative(self, image: Array) -> Array:
        problem = self._problem
        return problem.loss.gradient(problem.target, image + problem.design.spread(self._intercept))


class GramOracle:
    """Squared loss on Gram matrices: the cost of an iteration does not depend on the number of rows.

    The design is centred when there are intercepts, so they drop out of the gradient.
    """

    def __init__(self, problem: Problem):
        design = problem.design
        self._matrices, self._scale = design.gram()
        self._linear = design.adjoint(design.weights * problem.target)

    def image(self, A: Array) -> Array:
        if len(self._matrices) == 1:
            return (self._matrices[0] @ A) * self._scale
        return np.matmul(self._matrices, np.ascontiguousarray(A.T)[:, :, None])[:, :, 0].T * self._scale

    def gradient(self, image: Array) -> Array:
        return image - self._linear

    def bend(self, image: Array, new_image: Array, move: Array) -> float:
        return float(np.sum((new_image - image) * move))


def choose_oracle(problem: Problem, start: Point) -> Oracle:
    """Gram matrices where the loss allows them and they are smaller than the data they replace."""
    design = problem.design
    gram_size = design.n_features**2 * len(design.distinct_tasks())
    data_size = 2 * design.n_features * design.weights.shape[0]
    if problem.loss.quadratic and gram_size <= min(data_size, _GRAM_LIMIT):
        return GramOracle(problem)
    return ScoreOracle(problem, start)
