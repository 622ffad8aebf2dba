"""The smooth half of the objective, from the data or from their Gram matrices.

Both oracles split the gradient in two: an *image* that is linear in A, so that it can be extrapolated together with the
iterates instead of being recomputed, and a cheap rest.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from mtlinear._typing import Array
from mtlinear.problem import Problem

#: Gram matrices larger than this many numbers are not formed.
_GRAM_LIMIT = 50_000_000


class Oracle(Protocol):
    """Value and gradient of ``F(A) = min_b sum weights loss(y, X A + b)``."""

    def image(self, A: Array) -> Array:
        """What the data make of A; linear."""

    def gradient(self, image: Array) -> Array:
        """Gradient of F, (n_features, n_tasks)."""

    def value(self, image: Array) -> float:
        """F."""


class ScoreOracle:
    """Passes over X: the image of A is its scores; any loss."""

    def __init__(self, problem: Problem):
        self._problem = problem
        self._intercept: Array = np.zeros(problem.design.n_tasks)

    def image(self, A: Array) -> Array:
        return self._problem.design.apply(A)

    def gradient(self, image: Array) -> Array:
        problem = self._problem
        return -problem.negative_gradient(problem.loss.gradient(problem.target, self._scores(image)))

    def value(self, image: Array) -> float:
        return self._problem.data_fit(self._scores(image))

    def _scores(self, image: Array) -> Array:
        # Between two looks at the certificate the gradient needs no more digits than the steps.
        self._intercept = self._problem.unpenalised.intercept(image, self._intercept, tol=1e-7)
        return image + self._problem.design.spread(self._intercept)


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

    def value(self, image: Array) -> float:
        raise TypeError("Gram matrices serve losses with a known curvature only.")


def choose_oracle(problem: Problem) -> Oracle:
    """Gram matrices where the loss allows them and they are smaller than the data they replace."""
    design = problem.design
    if not problem.loss.quadratic:
        return ScoreOracle(problem)
    size = design.n_features**2 * len(design._distinct_tasks())
    data = 2 * design.n_features * (design.weights.shape[0])
    return GramOracle(problem) if size <= min(data, _GRAM_LIMIT) else ScoreOracle(problem)
