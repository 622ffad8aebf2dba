"""Smoothness over a graph of tasks beside sparsity: SRMTL and the temporal group lasso."""

from __future__ import annotations

from typing import Self

from sklearn.base import clone

from mtlinear._validation import check_real
from mtlinear.penalties._base import Penalty, check_alpha
from mtlinear.penalties._graph import Graph, chain_graph, check_graph
from mtlinear.penalties._laplacian import GraphLaplacian
from mtlinear.penalties._sparse_group import SparseGroup
from mtlinear.penalties._sum import SumOfPenalties


class GraphRegularized(SumOfPenalties):
    r"""Neighbouring tasks have *similar* parameters, and few features matter.

        Omega(A) = alpha * [ smooth_ratio / 2 * sum_{edges (s, t)} |w_st| ||a_s - sign(w_st) a_t||^2
                             + (1 - smooth_ratio) * sum_j (l1_ratio ||A[j, :]||_1 + (1 - l1_ratio) ||A[j, :]||_2) ]

    With ``l1_ratio=1`` it is SRMTL; on a chain with ``l1_ratio=0``, and a ridge beside it (`l2_alpha` of the
    estimators, or a `Sum` with `Ridge`), the temporal group lasso. ``smooth_ratio=1`` is `GraphLaplacian` alone, which
    leaves what is common to a component of the graph free; ``smooth_ratio=0`` is `SparseGroup`. Where `GraphFused`
    makes neighbours equal, this makes them alike.

    The quadratic is the smooth part (see `Sum`); prox and gauge are those of `SparseGroup`.

    Parameters
    ----------
    graph : array-like or sparse matrix (n_tasks, n_tasks), or callable n_tasks -> matrix; default `chain_graph`
        Symmetric weights w_st of the edges, 0 for none; negative ones join tasks of opposite sign.
    alpha : float > 0, default 1.0
    smooth_ratio : float in [0, 1], default 0.5
        Share of the differences between neighbours.
    l1_ratio : float in [0, 1], default 1.0
        Share of the L1 norm in the rest; what is left is the row norm.

    References
    ----------
    Evgeniou, Micchelli & Pontil (2005), JMLR 6, section 3.1.3. Zhou, Chen & Ye (2011), MALSAR (SRMTL). Zhou, Yuan, Liu
    & Ye (2011), KDD, "A multi-task learning formulation for predicting disease progression" (temporal group lasso).

    Examples
    --------
    >>> import numpy as np
    >>> round(GraphRegularized(alpha=2.0, smooth_ratio=0.5).value(np.array([[3.0, 1.0, 1.0]])), 12)
    7.0
    """

    def __init__(
        self, graph: Graph = chain_graph, alpha: float = 1.0, smooth_ratio: float = 0.5, l1_ratio: float = 1.0
    ):
        self.graph = graph
        self.alpha = alpha
        self.smooth_ratio = smooth_ratio
        self.l1_ratio = l1_ratio

    @property
    def penalties(self) -> tuple[Penalty, ...]:  # type: ignore[override]
        smooth, rest = float(self.alpha * self.smooth_ratio), float(self.alpha * (1.0 - self.smooth_ratio))
        laplacian = (GraphLaplacian(self.graph, smooth),) if smooth > 0 else ()
        return laplacian + ((SparseGroup(rest, self.l1_ratio),) if rest > 0 else ())

    def check(self, n_features: int, n_tasks: int) -> None:
        check_alpha(self.alpha)
        check_real("smooth_ratio", self.smooth_ratio, at_least=0.0, at_most=1.0)
        check_real("l1_ratio", self.l1_ratio, at_least=0.0, at_most=1.0)
        check_graph(self.graph, n_tasks)

    def scaled(self, factor: float) -> Self:
        return clone(self).set_params(alpha=self.alpha * factor)
