"""Penalties on the singular values of A: the trace norm."""

from __future__ import annotations

import numpy as np

from mtlinear._precision import total
from mtlinear._typing import Array
from mtlinear.penalties._base import Norm


class TraceNorm(Norm):
    r"""Low rank, ``alpha * (sum of the singular values of A)``: the tasks live in a common subspace.

    prox: soft threshold of the singular values. Dual norm: the largest singular value.

    Parameters
    ----------
    alpha : float > 0, default 1.0

    References
    ----------
    Fazel, Hindi & Boyd (2001), ACC. Argyriou, Evgeniou & Pontil (2007), NIPS 19. Ji & Ye (2009), ICML.

    Examples
    --------
    >>> import numpy as np
    >>> TraceNorm(alpha=2.0).value(np.diag([3.0, -1.0]))
    8.0
    """

    def __init__(self, alpha: float = 1.0):
        self.alpha = alpha

    def value(self, A: Array) -> float:
        return float(self.alpha) * total(np.linalg.svd(A, compute_uv=False))

    def prox(self, V: Array, step: float) -> Array:
        U, singular_values, Wt = np.linalg.svd(V, full_matrices=False)
        threshold = float(step * self.alpha)
        kept = singular_values > threshold
        return (U[:, kept] * (singular_values[kept] - threshold)) @ Wt[kept]

    def gauge(self, G: Array) -> float:
        return float(np.max(np.linalg.svd(G, compute_uv=False), initial=0.0)) / float(self.alpha)
