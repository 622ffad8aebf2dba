"""Penalties that are sums over the rows of A (one row per feature): L1 and block-sparse L1/Lq."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, cast

import numpy as np

from mtlinear._precision import total
from mtlinear._typing import Array
from mtlinear._validation import check_real
from mtlinear.penalties._base import Norm
from mtlinear.penalties._row_norms import cut_rows, dual_exponent, prox_row_norm, row_norms
from mtlinear.penalties._tangent import Tangent, entries_tangent, lengths_tangent, maxima_tangent

#: Distance of q from 1, or of 1/q from 0, that makes no difference.
_SAME_EXPONENT = 1e-8


#: Length of a proximal step; an array is broadcast.
Step = float | Array


class RowSeparable(Norm):
    """A norm ``alpha * sum_j f(A[j])``: rows can be added, dropped and scored one by one (working sets)."""

    #: Whether even the entries of a row may have steps of their own in `prox`.
    by_entry: ClassVar[bool] = False

    @abstractmethod
    def prox(self, V: Array, step: Step) -> Array:
        """As `Penalty.prox`; the rows may have steps of their own, shape (n_features, 1)."""

    def tangent(self, A: Array) -> Tangent | None:
        """The quadratic model of the penalty at A, for Newton steps on the entries in use; None if there is none."""
        return None

    @abstractmethod
    def row_value(self, A: Array) -> Array:
        """The summand of every row of A, shape (n_features,)."""

    @abstractmethod
    def row_gauge(self, G: Array) -> Array:
        """Gauge of every row of G, shape (n_features,); row j of A may stay zero while it is at most 1."""

    def gauge(self, G: Array) -> float:
        return float(np.max(self.row_gauge(G), initial=0.0))


class L1(RowSeparable):
    r"""Elementwise sparsity, ``alpha * sum_jt |A[j, t]|``: every task picks its own features.

    prox: soft threshold. Dual norm: the largest absolute entry.

    Parameters
    ----------
    alpha : float > 0, default 1.0

    References
    ----------
    Tibshirani, R. (1996). Regression shrinkage and selection via the lasso. JRSS B 58, 267-288.

    Examples
    --------
    >>> import numpy as np
    >>> L1(alpha=1.0).prox(np.array([[3.0, -0.5]]), step=1.0)
    array([[ 2., -0.]])
    """

    by_entry = True

    def __init__(self, alpha: float = 1.0):
        self.alpha = alpha

    def value(self, A: Array) -> float:
        return float(self.alpha) * total(np.abs(A))

    def prox(self, V: Array, step: Step) -> Array:
        return np.sign(V) * np.maximum(np.abs(V) - _radius(self.alpha, step, V), 0.0)

    def row_value(self, A: Array) -> Array:
        return float(self.alpha) * row_norms(A, 1)

    def tangent(self, A: Array) -> Tangent:
        return entries_tangent(A, float(self.alpha))

    def row_gauge(self, G: Array) -> Array:
        return np.abs(G).max(axis=1, initial=0.0) / float(self.alpha)


class L1Lq(RowSeparable):
    r"""Block sparsity over rows, ``alpha * sum_j ||A[j, :]||_q``: a few features, the same for all tasks.

    The larger q, the more the tasks are pushed to use a shared feature with equal strength; q = 1 is the lasso,
    which shares nothing.

    prox, row by row: q = 1 soft threshold; q = 2 block soft threshold; q = inf subtracts the projection onto the L1
    ball (exact, by sorting); any other q solves one monotone equation per row (Liu & Ye 2010).
    Dual norm: ``max_j ||G[j, :]||_q'`` with 1/q + 1/q' = 1.

    Parameters
    ----------
    alpha : float > 0, default 1.0
    q : float in [1, inf], default 2

    References
    ----------
    Yuan & Lin (2006), JRSS B 68, 49-67. Argyriou, Evgeniou & Pontil (2007), NIPS 19. Negahban & Wainwright (2008),
    NIPS 21 (q = inf). Lounici et al. (2009), COLT. Liu & Ye (2010), arXiv:1009.4766 (general q).

    Examples
    --------
    >>> import numpy as np
    >>> L1Lq(alpha=1.0).prox(np.array([[3.0, 4.0], [0.3, 0.4]]), step=2.5)
    array([[1.5, 2. ],
           [0. , 0. ]])
    """

    def __init__(self, alpha: float = 1.0, q: float = 2):
        self.alpha = alpha
        self.q = q

    def check(self, n_features: int, n_tasks: int) -> None:
        super().check(n_features, n_tasks)
        check_real("q", self.q, at_least=1.0, infinite=True)

    def value(self, A: Array) -> float:
        return float(self.alpha) * total(row_norms(A, self._exponent))

    def prox(self, V: Array, step: Step) -> Array:
        radius, q = _radius(self.alpha, step, V), self._exponent
        if q == 1:
            return L1(1.0).prox(V, radius)
        if q == 2:
            norms = row_norms(V, 2)[:, None]
            return V * (1.0 - radius / np.maximum(norms, radius))
        if np.isinf(q):
            return cut_rows(V, radius)
        return prox_row_norm(V, radius, q)

    def row_value(self, A: Array) -> Array:
        return float(self.alpha) * row_norms(A, self._exponent)

    def tangent(self, A: Array) -> Tangent | None:
        known = {1.0: entries_tangent, 2.0: lengths_tangent, np.inf: maxima_tangent}
        return known[self._exponent](A, float(self.alpha)) if self._exponent in known else None

    def row_gauge(self, G: Array) -> Array:
        return row_norms(G, dual_exponent(self._exponent)) / float(self.alpha)

    @property
    def _exponent(self) -> float:
        """q, or the end of its range that it cannot be told from (where its powers would overflow)."""
        if self.q - 1.0 < _SAME_EXPONENT:
            return 1.0
        return float(self.q) if self.q < 1.0 / _SAME_EXPONENT else np.inf


def _radius(alpha: float, step: Step, V: Array) -> Step:
    """``alpha * step``, in the precision of V."""
    if isinstance(step, np.ndarray):
        return cast(Array, (float(alpha) * step).astype(V.dtype, copy=False))
    return float(step * alpha)
