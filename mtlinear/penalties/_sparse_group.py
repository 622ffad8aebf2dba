"""Sparse group: row norms and L1 as a sum on the same A."""

from __future__ import annotations

from typing import Any

import numpy as np

from mtlinear._typing import Array
from mtlinear._validation import check_real
from mtlinear.penalties._base import check_alpha
from mtlinear.penalties._row_gauge import SearchedGauge, row_gauges
from mtlinear.penalties._row_norms import dual_exponent, row_norms
from mtlinear.penalties._rows import L1, L1Lq, RowSeparable, Step
from mtlinear.penalties._tangent import Tangent, lengths_tangent


class SparseGroup(SearchedGauge):
    r"""Few features, and of these only some for each task: L1/Lq and L1 on the same A.

        Omega(A) = alpha * sum_j ((1 - l1_ratio) ||A[j, :]||_q + l1_ratio ||A[j, :]||_1)

    Unlike the dirty model it is a sum on one matrix, not a split of A in two: an entry pays both.

    prox: soft threshold, then the prox of the row norms (exact: the second keeps signs and zeros, so what was a
    subgradient of the L1 norm stays one; Yu 2013, theorem 1). Gauge of a row g: the smallest c with
    ``||soft(g, c alpha l1_ratio)||_q' <= c alpha (1 - l1_ratio)``, 1/q + 1/q' = 1.

    Parameters
    ----------
    alpha : float > 0, default 1.0
    l1_ratio : float in [0, 1], default 0.5
        Share of the L1 norm: 0 is the group lasso (`L1Lq`), 1 the lasso (`L1`).
    q : float in [1, inf], default 2

    References
    ----------
    Friedman, Hastie & Tibshirani (2010), arXiv:1001.0736. Sprechmann et al. (2011), IEEE Trans. Signal Process. 59
    (the same prox for many tasks). Yu (2013), NIPS 26, "On decomposing the proximal map".

    Examples
    --------
    >>> import numpy as np
    >>> SparseGroup(alpha=2.0).prox(np.array([[4.0, 5.0, 0.5]]), step=1.0)
    array([[2.4, 3.2, 0. ]])
    """

    def __init__(self, alpha: float = 1.0, l1_ratio: float = 0.5, q: float = 2):
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.q = q

    def check(self, n_features: int, n_tasks: int) -> None:
        check_alpha(self.alpha)
        check_real("l1_ratio", self.l1_ratio, at_least=0.0, at_most=1.0)
        check_real("q", self.q, at_least=1.0, infinite=True)

    def value(self, A: Array) -> float:
        return sum(part.value(A) for part in self._summands())

    def row_value(self, A: Array) -> Array:
        first, *others = (part.row_value(A) for part in self._summands())
        return first + others[0] if others else first

    def prox(self, V: Array, step: Step) -> Array:
        for part in self._summands():
            V = part.prox(V, step)
        return V

    def tangent(self, A: Array) -> Tangent | None:
        """On the support the L1 norm is linear; the length of the row bends as it does alone."""
        summands = self._summands()
        if len(summands) == 1:
            return summands[0].tangent(A)
        if self.q != 2:
            return None
        entries, lengths = (part.alpha for part in summands)
        length, support = lengths_tangent(A, float(lengths)), A != 0
        return Tangent(
            free=support,
            tied=length.tied,
            gradient=length.gradient + float(entries) * np.sign(A),
            bend=np.where(support, length.bend, 0.0),
            along=length.along,
        )

    def _summands(self) -> list[RowSeparable]:
        """Of the sum, in the order in which their proxes compose; without what has no weight."""
        share, alpha = float(self.l1_ratio), float(self.alpha)
        parts: list[RowSeparable] = [L1(alpha * share)] if share > 0.0 else []
        return [*parts, L1Lq(alpha * (1.0 - share), self.q)] if share < 1.0 else parts

    def _row_gauges(self, G: Array, **how: Any) -> Array:
        summands = self._summands()
        if len(summands) == 1:
            return summands[0].row_gauge(G)
        a1, a2 = (float(part.alpha) for part in summands)
        q, dual = float(self.q), dual_exponent(self.q)
        starts = {2.0: _gauge_of_lengths, np.inf: _gauge_of_maxima}
        start = starts.get(q)

        return row_gauges(
            G,
            value=lambda A: a1 * np.abs(A).sum(axis=1) + a2 * row_norms(A, q),
            prox=self.prox,
            bound=lambda A: np.minimum(row_norms(A, np.inf) / a1, row_norms(A, dual) / a2),
            start=None if start is None else lambda A: start(A, a1, a2),
            **how,
        )


def _gauge_of_maxima(G: Array, a1: float, a2: float) -> Array:
    """Root of ``||soft(g, c a1)||_1 = c a2``: the largest ratio of (sum of the k largest |g|) to ``a2 + k a1``."""
    sums = np.cumsum(np.sort(np.abs(G), axis=1)[:, ::-1], axis=1)
    return np.asarray(np.max(sums / (a2 + a1 * np.arange(1, G.shape[1] + 1)), axis=1))


def _gauge_of_lengths(G: Array, a1: float, a2: float) -> Array:
    """Root of ``||soft(g, c a1)||_2 = c a2``: with k entries above the threshold a quadratic equation in c.

    Entry k is above it if the equation has not been reached yet where the threshold is that entry.
    """
    descending = np.sort(np.abs(G), axis=1)[:, ::-1]
    counts = np.arange(1, G.shape[1] + 1)
    sums, squares = np.cumsum(descending, axis=1), np.cumsum(descending**2, axis=1)
    above = squares - 2.0 * descending * sums + counts * descending**2 < (descending * (a2 / a1)) ** 2
    k = np.maximum(np.count_nonzero(above, axis=1), 1)[:, None]
    S, Q = np.take_along_axis(sums, k - 1, axis=1), np.take_along_axis(squares, k - 1, axis=1)
    # (a2^2 - k a1^2) c^2 + 2 a1 S c - Q = 0, and its root that needs no difference of large numbers
    root = np.sqrt(np.maximum(a2**2 * Q - a1**2 * (k * Q - S**2), 0.0))
    return np.asarray((Q / (a1 * S + root))[:, 0])
