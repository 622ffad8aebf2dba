"""Column groups: a norm of every task vector."""

from __future__ import annotations

import numpy as np

from mtlinear._typing import Array
from mtlinear.penalties._base import Norm
from mtlinear.penalties._rows import L1Lq


class ColumnSparse(Norm):
    r"""Block sparsity over columns, ``alpha * sum_t ||A[:, t]||_q``: the whole vector of a task is zero or used.

    On its own it drops tasks; as one part of a sum (`Robust`, `RobustFeatures`) it holds the tasks that do not share
    what the others share. It is `L1Lq` of the transpose, so are its prox and its dual norm, ``max_t ||G[:, t]||_q'``.

    Parameters
    ----------
    alpha : float > 0, default 1.0
    q : float in [1, inf], default 2

    References
    ----------
    Chen, Zhou & Ye (2011), KDD. Gong, Ye & Zhang (2012), KDD.

    Examples
    --------
    >>> import numpy as np
    >>> ColumnSparse(alpha=1.0).prox(np.array([[3.0, 0.3], [4.0, 0.4]]), step=2.5)
    array([[1.5, 0. ],
           [2. , 0. ]])
    """

    def __init__(self, alpha: float = 1.0, q: float = 2):
        self.alpha = alpha
        self.q = q

    def check(self, n_features: int, n_tasks: int) -> None:
        self._rows().check(n_tasks, n_features)

    def value(self, A: Array) -> float:
        return self._rows().value(A.T)

    def prox(self, V: Array, step: float) -> Array:
        return np.ascontiguousarray(self._rows().prox(V.T, step).T)

    def gauge(self, G: Array) -> float:
        return self._rows().gauge(G.T)

    def _rows(self) -> L1Lq:
        return L1Lq(self.alpha, self.q)
