"""Convex clustered multi-task learning in its spectral form."""

from __future__ import annotations

from typing import Self

import numpy as np
from sklearn.base import clone

from mtlinear._precision import in_precision, precision_of, total
from mtlinear._typing import Array
from mtlinear._validation import check_integer, check_real
from mtlinear.penalties._base import Quadratic, check_alpha
from mtlinear.penalties._quadratic import conjugate_of_mean, mean_direction, split_mean
from mtlinear.penalties._singular import SMALLEST_SHARE, multiply, singular_pairs, singular_values_to_square

#: lower / upper from which the value may come from a Gram matrix: it costs the digits of that ratio.
_SMALLEST_RATIO = 1e-3


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
        uniform = self._uniform(A.shape[1])
        if uniform is not None:
            value = 0.5 * total(rest**2) / uniform
        else:
            s = self._singular_values(rest)
            value = 0.5 * total(s**2 / self._spectrum(s, A.shape[1]))
        if self.mean_ratio:
            value += 0.5 * float(self.alpha * self.mean_ratio) * total(common**2) * A.shape[1]
        return value

    def prox(self, V: Array, step: float) -> Array:
        common, rest = self._split(V)
        return common / float(1.0 + step * self.alpha * (self.mean_ratio or 0.0)) + self._shrink(rest, float(step))

    def _shrink(self, rest: Array, step: float) -> Array:
        """prox of the spectral part: singular values times f = theta / (theta + step).

        Minimising 1/2 (s - v)^2 + step s^2 / (2 theta) over s leaves step v^2 / (2 (theta + step)): the same allocation
        with theta shifted by the step.

        From the smallest value f_0 on, f - f_0 = (1 - f_0) max(1 - t/s, 0) up to the largest value: a soft threshold at
        some t, which a Gram matrix gives as accurately as that of the trace norm (`_singular`). Only directions with
        s > t are needed beside f_0 times the matrix.
        """
        n_tasks = rest.shape[1]
        uniform = self._uniform(n_tasks)
        if uniform is not None:
            return rest * (uniform / (uniform + step))
        s, W = singular_pairs(rest)
        theta = self._spectrum(s, n_tasks, shift=step)
        lower, _ = self._bounds()
        raised = theta > lower
        least = float(np.min(s[raised], initial=np.inf))
        if least < SMALLEST_SHARE[precision_of(rest)] * float(np.max(s, initial=0.0)):
            # The allocation depends on singular values that squares do not resolve.
            U, s, Wt = np.linalg.svd(rest, full_matrices=False)
            theta = self._spectrum(s, n_tasks, shift=step)
            return (U * (s * theta / (theta + step)).astype(precision_of(rest), copy=False)) @ Wt
        smallest = lower / (lower + step)
        raised_theta = theta[raised]
        return smallest * rest + multiply(rest, W[:, raised], raised_theta / (raised_theta + step) - smallest)

    def conjugate(self, G: Array) -> float:
        common, rest = self._split(G)
        uniform = self._uniform(G.shape[1])
        if uniform is not None:
            value = 0.5 * uniform * total(rest**2)
        else:
            lower, upper = self._bounds()
            _, n_top = self._directions(G.shape[1])
            squares = singular_values_to_square(rest) ** 2
            value = 0.5 * (lower * total(squares) + (upper - lower) * total(squares[:n_top]))
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
        lower, upper = self._bounds()
        theta = self._spectrum(singular_values, A.shape[1])
        member = (theta - lower) / (upper - lower) if upper > lower else np.zeros_like(theta)
        seen = singular_values > in_precision(1e-12, A.dtype) * np.max(singular_values, initial=0.0)
        embedding = (Wt.T * np.sqrt(np.maximum(member, 0.0)))[:, seen]
        return min(self.n_clusters, A.shape[1]), embedding

    def _split(self, A: Array) -> tuple[Array, Array]:
        """(mean, deviations), or (0, A) when the mean is not treated apart."""
        return (np.zeros((A.shape[0], 1), A.dtype), A) if self.mean_ratio is None else split_mean(A)

    def _bounds(self) -> tuple[float, float]:
        """Range of theta: 1/eps_W and 1/eps_B."""
        return 1.0 / float(self.alpha), 1.0 / float(self.alpha * self.between_ratio)

    def _directions(self, n_tasks: int) -> tuple[int, int]:
        """(number of directions in task space that the spectrum covers, how many of them may sit at the top)."""
        if self.mean_ratio is None:
            return n_tasks, min(self.n_clusters, n_tasks)
        return n_tasks - 1, min(self.n_clusters, n_tasks) - 1

    def _uniform(self, n_tasks: int) -> float | None:
        """theta where it is the same for all directions: no cluster or all of them at the top, or no difference."""
        lower, upper = self._bounds()
        n_directions, n_top = self._directions(n_tasks)
        if n_top == 0 or lower == upper:
            return lower
        return upper if n_top >= n_directions else None

    def _singular_values(self, rest: Array) -> Array:
        """For `value`, which is Lipschitz in their squares: by 1/(2 lower), while it is at least s_1^2 / (2 upper)."""
        if self.between_ratio >= _SMALLEST_RATIO:
            return singular_values_to_square(rest)
        return np.linalg.svd(rest, compute_uv=False)

    def _spectrum(self, singular_values: Array, n_tasks: int, shift: float = 0.0) -> Array:
        """argmin_theta sum s^2 / (theta + shift) over the box and the trace constraint, per given singular value.

        In float64: few numbers, from a sum that cancels.
        """
        n_directions, n_top = self._directions(n_tasks)
        lower, upper = self._bounds()
        # A wide A has directions with singular value 0, which take part in the trace; a tall centred one has one
        # direction too many.
        s = np.zeros(max(n_directions, singular_values.size))
        s[: singular_values.size] = singular_values
        theta = np.full(s.size, lower)
        theta[:n_directions] = allocate(s[:n_directions], lower, upper, n_top, shift)
        return theta[: singular_values.size]


def allocate(s: Array, lower: float, upper: float, n_top: int, shift: float = 0.0) -> Array:
    """``argmin_theta sum_i s_i^2 / (theta_i + shift)``, lower <= theta <= upper, sum theta = n_top upper + rest lower.

    The minimiser is ``clip(beta s - shift, lower, upper)``; the sum is piecewise linear and increasing in beta, so beta
    is exact from the sorted breakpoints.

    Parameters
    ----------
    s : ndarray of shape (k,), non-negative and descending
    n_top : int in [0, k]
    """
    positive = np.count_nonzero(s > 0)
    if n_top >= positive:  # every direction that counts can have the upper value
        return np.where(np.arange(s.size) < n_top, upper, lower)
    budget = n_top * upper + (s.size - n_top) * lower
    with np.errstate(over="ignore"):  # tiny singular values have breakpoints beyond the largest float
        breakpoints = np.concatenate([(lower + shift) / s[:positive], (upper + shift) / s[:positive]])
    breakpoints = np.sort(breakpoints[np.isfinite(breakpoints)])
    sums = np.clip(breakpoints[:, None] * s - shift, lower, upper).sum(axis=1)
    right = min(int(np.searchsorted(sums, budget)), sums.size - 1)
    left = max(right - 1, 0)
    rise = sums[right] - sums[left]
    fraction = (budget - sums[left]) / rise if rise > 0 else 0.0
    beta = breakpoints[left] + fraction * (breakpoints[right] - breakpoints[left])
    return np.clip(beta * s - shift, lower, upper)
