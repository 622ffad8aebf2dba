r"""Box penalties of a spectrum: ``1/2 min_theta sum_i s_i^2 / theta_i`` over singular values s of a matrix, where

    lower <= theta_i <= upper,      sum_i theta_i <= n_top upper + (n_directions - n_top) lower.

The first singular values get large theta, which is cheap. Clusters, shared subspaces and the k-support norm are all of
this kind. By von Neumann's trace inequality it is the least of ``1/2 tr(A S^-1 A')`` over the symmetric matrices S of
order T with eigenvalues theta, and as well that of ``1/2 tr(A' S^-1 A)`` over those of order d: directions in which A
is zero take no more than `lower` of the budget.

References
----------
McDonald, Pontil & Stamos (2016), JMLR 17, sections 2, 4 and 5.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mtlinear._precision import precision_of, total
from mtlinear._typing import Array
from mtlinear.penalties._singular import SMALLEST_SHARE, multiply, singular_pairs, singular_values_to_square

#: lower / upper from which the value may come from a Gram matrix: it costs the digits of that ratio.
_SMALLEST_RATIO = 1e-3


@dataclass(frozen=True)
class Box:
    """The set of theta, and the penalty that is a minimum over it.

    Attributes
    ----------
    lower, upper : float
        0 <= lower <= upper, upper > 0.
    n_top : float in [0, n_directions]
        How many directions may have the upper value while the others have the lower one; need not be whole.
    n_directions : int
        At most, the singular values that are not zero. A matrix may have more of them, which are rounding.
    """

    lower: float
    upper: float
    n_top: float
    n_directions: int

    @property
    def uniform(self) -> float | None:
        """theta where it is the same for all directions: none or all of them at the top, or no difference."""
        if self.n_top == 0 or self.lower == self.upper:
            return self.lower
        return self.upper if self.n_top >= self.n_directions else None

    def value(self, A: Array) -> float:
        """``1/2 min_theta sum s^2 / theta``."""
        if self.uniform is not None:
            return 0.5 * total(A**2) / self.uniform
        # The value is Lipschitz in the squares of s: by 1/(2 lower), while it is at least s_1^2 / (2 upper).
        exact = self.lower < _SMALLEST_RATIO * self.upper
        s = np.linalg.svd(A, compute_uv=False) if exact else singular_values_to_square(A)
        theta = self.spectrum(s)
        return 0.5 * total(np.divide(s.astype(np.float64) ** 2, theta, out=np.zeros_like(theta), where=theta > 0))

    def prox(self, V: Array, step: float) -> Array:
        """``argmin_A 1/2 ||A - V||^2 + step * value(A)``: singular values times f = theta / (theta + step).

        Minimising 1/2 (s - v)^2 + step s^2 / (2 theta) over s leaves step v^2 / (2 (theta + step)): the same allocation
        with theta shifted by the step.

        From the smallest value f_0 on, f - f_0 = (1 - f_0) max(1 - t/s, 0) up to the largest value: a soft threshold at
        some t, which a Gram matrix gives as accurately as that of the trace norm (`_singular`). Only directions with
        s > t are needed beside f_0 times the matrix.
        """
        if self.uniform is not None:
            return V * (self.uniform / (self.uniform + step))
        s, W = singular_pairs(V)
        theta = self.spectrum(s, shift=step)
        raised = theta > self.lower
        least = float(np.min(s[raised], initial=np.inf))
        if least < SMALLEST_SHARE[precision_of(V)] * float(np.max(s, initial=0.0)):
            # The allocation depends on singular values that squares do not resolve.
            U, s, Wt = np.linalg.svd(V, full_matrices=False)
            theta = self.spectrum(s, shift=step)
            return (U * (s * theta / (theta + step)).astype(precision_of(V), copy=False)) @ Wt
        smallest = self.lower / (self.lower + step)
        raised_theta = theta[raised]
        return smallest * V + multiply(V, W[:, raised], raised_theta / (raised_theta + step) - smallest)

    def conjugate(self, G: Array) -> float:
        """``1/2 max_theta sum theta g^2``: the largest g get the upper value."""
        if self.uniform is not None:
            return 0.5 * self.uniform * total(G**2)
        squares = singular_values_to_square(G) ** 2
        whole = int(self.n_top)
        top = total(squares[:whole]) + (self.n_top - whole) * total(squares[whole : whole + 1])
        return 0.5 * (self.lower * total(squares) + (self.upper - self.lower) * top)

    def spectrum(self, s: Array, shift: float = 0.0) -> Array:
        """argmin_theta sum s^2 / (theta + shift), for every singular value of a matrix, descending.

        In float64: few numbers, from a sum that cancels.
        """
        # A wide A has directions with singular value 0, which take part in the sum; a tall centred one has one
        # direction too many.
        padded = np.zeros(max(self.n_directions, s.size))
        padded[: s.size] = s
        theta = np.full(padded.size, self.lower)
        n = self.n_directions
        theta[:n] = allocate(padded[:n], self.lower, self.upper, self.n_top, shift)
        return theta[: s.size]

    def members(self, s: Array) -> Array:
        """How far each direction is from `lower` (0) to `upper` (1) at the optimum."""
        if self.lower == self.upper:
            return np.zeros(s.size)
        return np.maximum((self.spectrum(s) - self.lower) / (self.upper - self.lower), 0.0)


def allocate(s: Array, lower: float, upper: float, n_top: float, shift: float = 0.0) -> Array:
    """``argmin_theta sum_i s_i^2 / (theta_i + shift)``, lower <= theta <= upper, sum theta = n_top upper + rest lower.

    The minimiser is ``clip(beta s - shift, lower, upper)``; the sum is piecewise linear and increasing in beta, so beta
    is exact from the sorted breakpoints.

    Parameters
    ----------
    s : ndarray of shape (k,), non-negative and descending
    n_top : float in [0, k]
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
