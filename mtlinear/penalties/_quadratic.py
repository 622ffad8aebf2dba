"""Quadratic penalties: ridge, and closeness to the mean of the tasks."""

from __future__ import annotations

from typing import Self

import numpy as np

from mtlinear._precision import in_precision, total
from mtlinear._typing import Array
from mtlinear._validation import check_real
from mtlinear.penalties._base import Quadratic, check_alpha
from mtlinear.penalties._task_quadratic import TaskQuadratic

#: A mean below this fraction of the largest entry is the rounding of a mean that is zero.
_ZERO_MEAN = 1e-12


class Ridge(Quadratic):
    """``alpha / 2 * ||A||_F^2``: tasks without any relation, each shrunk to zero.

    Parameters
    ----------
    alpha : float > 0, default 1.0

    Examples
    --------
    >>> import numpy as np
    >>> Ridge(alpha=1.0).prox(np.array([[4.0]]), step=1.0)
    array([[2.]])
    """

    def __init__(self, alpha: float = 1.0):
        self.alpha = alpha

    def check(self, n_features: int, n_tasks: int) -> None:
        check_alpha(self.alpha)

    def value(self, A: Array) -> float:
        return 0.5 * float(self.alpha) * total(A * A)

    def prox(self, V: Array, step: float) -> Array:
        return V / float(1.0 + step * self.alpha)

    def conjugate(self, G: Array) -> float:
        return 0.5 * total(G * G) / float(self.alpha)

    def task_quadratic(self, n_tasks: int) -> TaskQuadratic:
        return TaskQuadratic.ridge(self.alpha, n_tasks)

    def scaled(self, factor: float) -> Self:
        return type(self)(self.alpha * factor)


class MeanRegularized(Quadratic):
    r"""All tasks near their mean: ``alpha/2 sum_t ||a_t - mean||^2 + mean_alpha/2 * T * ||mean||^2``.

    The two terms live on orthogonal subspaces, A U and A (I - U) with U = 11'/T: prox and conjugate treat them apart.
    With ``mean_alpha=0`` the mean is free (`null_space`), with ``mean_alpha=alpha`` this is the ridge.

    Parameters
    ----------
    alpha : float > 0, default 1.0
        Strength on the deviations from the mean.
    mean_alpha : float >= 0, default 0.0
        Strength on the mean itself. (A single task is its own mean: only mean_alpha acts on it.)

    References
    ----------
    Evgeniou & Pontil (2004), KDD, eq. 6 and lemma 2.2. Evgeniou, Micchelli & Pontil (2005), JMLR 6, 615-637.

    Examples
    --------
    >>> import numpy as np
    >>> MeanRegularized(alpha=1.0).prox(np.array([[1.0, 3.0]]), step=1.0)
    array([[1.5, 2.5]])
    """

    def __init__(self, alpha: float = 1.0, mean_alpha: float = 0.0):
        self.alpha = alpha
        self.mean_alpha = mean_alpha

    def check(self, n_features: int, n_tasks: int) -> None:
        check_alpha(self.alpha)
        check_real("mean_alpha", self.mean_alpha, at_least=0.0)

    def value(self, A: Array) -> float:
        mean, deviations = split_mean(A)
        common = A.shape[1] * total(mean**2)
        return 0.5 * float(self.alpha * total(deviations**2) + self.mean_alpha * common)

    def prox(self, V: Array, step: float) -> Array:
        mean, deviations = split_mean(V)
        return mean / float(1.0 + step * self.mean_alpha) + deviations / float(1.0 + step * self.alpha)

    def conjugate(self, G: Array) -> float:
        mean, deviations = split_mean(G)
        return conjugate_of_mean(G, mean, self.mean_alpha) + 0.5 * total(deviations**2) / float(self.alpha)

    def gauge(self, G: Array) -> float:
        mean, _ = split_mean(G)
        return 0.0 if np.isfinite(conjugate_of_mean(G, mean, self.mean_alpha)) else np.inf

    def null_space(self, n_tasks: int) -> Array:
        return mean_direction(n_tasks) if self.mean_alpha == 0 else np.zeros((n_tasks, 0))

    def task_quadratic(self, n_tasks: int) -> TaskQuadratic:
        alpha, mean_alpha = float(self.alpha), float(self.mean_alpha)
        if alpha == mean_alpha:
            return TaskQuadratic.ridge(alpha, n_tasks)
        return TaskQuadratic(alpha, mean_direction(n_tasks), np.array([mean_alpha]))

    def scaled(self, factor: float) -> Self:
        return type(self)(self.alpha * factor, self.mean_alpha * factor)


def split_mean(A: Array) -> tuple[Array, Array]:
    """(mean of the columns (n_features, 1), deviations from it).

    The rounding of the mean is no deviation: strongly penalised, it would cost more than all else. Hence twice.
    """
    mean = A.mean(axis=1, keepdims=True)
    deviations = A - mean
    left = deviations.mean(axis=1, keepdims=True)
    return mean + left, deviations - left


def conjugate_of_mean(G: Array, mean: Array, strength: float) -> float:
    """Conjugate of ``strength / 2 * T * ||mean||^2`` on the mean part of G; strength 0 forces that part to vanish."""
    if strength > 0:
        return 0.5 * G.shape[1] * total(mean**2) / float(strength)
    limit = in_precision(_ZERO_MEAN, G.dtype) * float(np.max(np.abs(G), initial=0.0))
    return 0.0 if np.max(np.abs(mean), initial=0.0) <= limit else np.inf


def mean_direction(n_tasks: int) -> Array:
    """The unit vector 1/sqrt(T) as an (n_tasks, 1) basis."""
    return np.full((n_tasks, 1), 1.0 / np.sqrt(n_tasks))
