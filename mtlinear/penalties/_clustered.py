"""Convex clustered multi-task learning in its spectral form."""

from __future__ import annotations

from typing import Self

import numpy as np
from sklearn.base import clone

from mtlinear._precision import in_precision, total
from mtlinear._typing import Array
from mtlinear._validation import check_integer, check_real
from mtlinear.penalties._base import Quadratic, check_alpha
from mtlinear.penalties._box import Box
from mtlinear.penalties._quadratic import conjugate_of_mean, mean_direction, split_mean


class Clustered(Quadratic):
    r"""Tasks fall into clusters: ``1/2 min_Sigma tr(A Sigma^-1 A')`` over the relaxed cluster covariances.

    With the cluster indicator E (n_tasks x n_clusters), M = E (E'E)^-1 E' and U = 11'/T, Jacob et al. (2009) penalise
    mean, between-cluster and within-cluster variance,

        1/2 tr(A (eps_M U + eps_B (M - U) + eps_W (I - M)) A'),   eps_W = alpha, eps_B = alpha between_ratio,
                                                                 eps_M = alpha mean_ratio,

    and relax M - U to a matrix with eigenvalues in [0, 1], trace n_clusters - 1 and null vector 1. The mean is then a
    quadratic of its own, and on the centred part A(I - U), with singular values s_1 >= s_2 >= ...,

        1/2 min_theta sum_i s_i^2 / theta_i   with   1/eps_W <= theta_i <= 1/eps_B,
        sum theta_i = (n_clusters - 1)/eps_B + (T - n_clusters)/eps_W   over T - 1 directions.

    prox, conjugate and the optimal theta follow from one scalar equation that is solved exactly by sorting.
    ``mean_ratio=None`` drops the separate mean: the same minimisation over all T directions, n_clusters of them at the
    top (Zhou et al. 2011). One task is always one cluster.

    Parameters
    ----------
    n_clusters : int in [1, n_tasks], default 2
    alpha : float > 0, default 1.0
        Strength on the variance within clusters.
    between_ratio : float in (0, 1], default 0.1
        Strength on the variance between clusters, as a fraction of alpha. 1: no clusters, only the mean is special.
    mean_ratio : float >= 0 or None, default 0.0
        Strength on the mean, as a fraction of alpha. (A single task is its own mean: nothing else acts on it.)

    References
    ----------
    Jacob, Bach & Vert (2009), NIPS 21, sections 3-4. Zhou, Chen & Ye (2011), NIPS 24. McDonald, Pontil & Stamos
    (2016), JMLR 17, section 6 (the spectral form, as a box norm).

    Examples
    --------
    >>> import numpy as np
    >>> A = np.array([[1.0, 1.0, 5.0, 5.0]])                 # two tight clusters: only between_ratio is paid
    >>> round(Clustered(n_clusters=2, between_ratio=0.1).value(A), 12)
    0.8
    """

    def __init__(
        self, n_clusters: int = 2, alpha: float = 1.0, between_ratio: float = 0.1, mean_ratio: float | None = 0.0
    ):
        self.n_clusters = n_clusters
        self.alpha = alpha
        self.between_ratio = between_ratio
        self.mean_ratio = mean_ratio

    def check(self, n_features: int, n_tasks: int) -> None:
        check_alpha(self.alpha)
        check_integer("n_clusters", self.n_clusters, at_least=1)
        if self.n_clusters > n_tasks > 1:
            raise ValueError(
                f"n_clusters must be at most the number of tasks, got n_clusters={self.n_clusters} for {n_tasks} tasks."
            )
        check_real("between_ratio", self.between_ratio, above=0.0, at_most=1.0)
        if self.mean_ratio is not None:
            check_real("mean_ratio", self.mean_ratio, at_least=0.0)

    def value(self, A: Array) -> float:
        common, rest = self._split(A)
        value = self._box(A.shape[1]).value(rest)
        if self.mean_ratio:
            value += 0.5 * float(self.alpha * self.mean_ratio) * total(common**2) * A.shape[1]
        return value

    def prox(self, V: Array, step: float) -> Array:
        common, rest = self._split(V)
        shrunk = self._box(V.shape[1]).prox(rest, float(step))
        return common / float(1.0 + step * self.alpha * (self.mean_ratio or 0.0)) + shrunk

    def conjugate(self, G: Array) -> float:
        common, rest = self._split(G)
        value = self._box(G.shape[1]).conjugate(rest)
        if self.mean_ratio is None:
            return value
        return value + conjugate_of_mean(G, common, self.alpha * self.mean_ratio)

    def gauge(self, G: Array) -> float:
        if self.mean_ratio is None:
            return 0.0
        common, _ = self._split(G)
        return 0.0 if np.isfinite(conjugate_of_mean(G, common, self.alpha * self.mean_ratio)) else np.inf

    def null_space(self, n_tasks: int) -> Array:
        return mean_direction(n_tasks) if self.mean_ratio == 0 else np.zeros((n_tasks, 0))

    def scaled(self, factor: float) -> Self:
        return clone(self).set_params(alpha=self.alpha * factor)

    def task_clusters(self, A: Array) -> tuple[int, Array]:
        """Number of clusters, and rows whose inner products are the fitted relaxed M - U (or M): tasks to be k-meansed.

        With the optimal spectrum theta of A and the right singular vectors W, M - U = W diag(m) W' where
        m = (theta - lower) / (upper - lower).
        """
        _, rest = self._split(A)
        _, singular_values, Wt = np.linalg.svd(rest, full_matrices=False)
        member = self._box(A.shape[1]).members(singular_values)
        seen = singular_values > in_precision(1e-12, A.dtype) * np.max(singular_values, initial=0.0)
        embedding = (Wt.T * np.sqrt(member))[:, seen]
        return min(self.n_clusters, A.shape[1]), embedding

    def _split(self, A: Array) -> tuple[Array, Array]:
        """(mean, deviations), or (0, A) when the mean is not treated apart."""
        return (np.zeros((A.shape[0], 1), A.dtype), A) if self.mean_ratio is None else split_mean(A)

    def _box(self, n_tasks: int) -> Box:
        """theta from 1/eps_W to 1/eps_B; a mean that is treated apart is one cluster and one direction less."""
        apart = 0 if self.mean_ratio is None else 1
        return Box(
            lower=1.0 / float(self.alpha),
            upper=1.0 / float(self.alpha * self.between_ratio),
            n_top=min(self.n_clusters, n_tasks) - apart,
            n_directions=n_tasks - apart,
        )
