"""Tasks near each other, all or along a graph: mean-regularized, fused, graph-regularized."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

from mtlinear import penalties
from mtlinear._tasks import in_order_of_tasks
from mtlinear.estimators._base import MultiTaskLinearModel
from mtlinear.estimators._base_classifier import CLASSIFIER_ALPHA, MultiTaskClassifierBase
from mtlinear.estimators._constraints import ALPHA, COMMON, MEAN_ALPHA, SHARE, Constraints
from mtlinear.estimators._documentation import documented
from mtlinear.estimators._streaming import StreamingRegressorBase
from mtlinear.penalties import Penalty, chain_graph


@dataclass(eq=False, repr=False)
class _MeanRegularized(MultiTaskLinearModel):
    """All tasks are near their mean.

    %(objective)s

        Omega(A) = alpha/2 * sum_t ||a_t - mean||^2 + mean_alpha/2 * n_tasks * ||mean||^2

    Parameters
    ----------
    alpha : float > 0, default %(alpha)s
        Strength on the deviations from the mean.
    mean_alpha : float >= 0, default 0.0
        Strength on the mean itself; ``mean_alpha=alpha`` is the ridge. A single task is its own mean: only mean_alpha
        acts on it, and 0 leaves it unpenalised.

    References
    ----------
    Evgeniou & Pontil (2004), KDD. Evgeniou, Micchelli & Pontil (2005), JMLR 6.
    """

    _parameter_constraints: ClassVar[Constraints] = ALPHA | MEAN_ALPHA | COMMON

    alpha: float = 1.0
    _: KW_ONLY
    mean_alpha: float = 0.0

    def _make_penalty(self) -> Penalty:
        return penalties.MeanRegularized(self.alpha, self.mean_alpha)


@documented
class MeanRegularizedRegressor(_MeanRegularized, StreamingRegressorBase):
    """Squared loss.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlinear import MeanRegularizedRegressor
    >>> X = np.random.default_rng(0).standard_normal((50, 4))
    >>> Y = X[:, [0]] @ [[1.0, 2.0, 3.0]]
    >>> model = MeanRegularizedRegressor(alpha=1000.0).fit(X, Y)
    >>> model.coef_[:, 0].round(2)
    array([2., 2., 2.])
    """


@documented
@dataclass(eq=False, repr=False)
class MeanRegularizedClassifier(_MeanRegularized, MultiTaskClassifierBase):
    """Logistic loss.

    Parameters
    ----------
    mean_alpha
        Where an unpenalised mean separates the classes there is no minimum, and a warning says so.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from mtlinear import MeanRegularizedClassifier
    >>> X, y = load_iris(return_X_y=True)              # three classes: three one-vs-rest tasks
    >>> model = MeanRegularizedClassifier().fit(X, y)
    >>> model.coef_.shape, model.score(X, y) > 0.8
    ((3, 4), True)
    """

    alpha: float = CLASSIFIER_ALPHA


@dataclass(eq=False, repr=False)
class _Fused(MultiTaskLinearModel):
    """Neighbouring tasks (in time, or in a graph) have equal parameters, but for a few jumps: fused.

    %(objective)s

        Omega(A) = alpha * sum_j [ fused_ratio * sum_{edges (s, t)} |w_st| |A[j, s] - sign(w_st) A[j, t]|
                           + (1 - fused_ratio) (l1_ratio ||A[j, :]||_1 + (1 - l1_ratio) ||A[j, :]||_2) ]

    Parameters
    ----------
    graph : array-like, sparse matrix or DataFrame (n_tasks, n_tasks), or callable n_tasks -> matrix
        Symmetric weights w_st, 0 for no edge, negative for tasks believed to be opposites; in the order of ``tasks_``
        (sorted labels, or the columns of y), or a DataFrame with the labels of the tasks. The default is
        `mtlinear.penalties.chain_graph`: every task is joined to the next, as in time.
    alpha : float > 0, default %(alpha)s
        Strength.
    fused_ratio : float in [0, 1], default 0.5
        Share of the differences between neighbours; 1 penalises nothing else, 0 is the sparse group lasso.
    l1_ratio : float in [0, 1], default 1.0
        Share of the L1 norm in the rest (the graph-guided fused lasso); what is left is the row norm (with which it is
        the fused sparse group lasso of disease progression).

    References
    ----------
    Tibshirani et al. (2005), JRSS B 67. Chen, Kim, Lin, Carbonell & Xing (2010), arXiv:1005.3579. Zhou, Liu, Narayan &
    Ye (2012), KDD.
    """

    _parameter_constraints: ClassVar[Constraints] = (
        ALPHA | {"graph": "no_validation", "fused_ratio": SHARE, "l1_ratio": SHARE} | COMMON
    )

    graph: Any = chain_graph
    alpha: float = 1.0
    _: KW_ONLY
    fused_ratio: float = 0.5
    l1_ratio: float = 1.0

    def _make_penalty(self) -> Penalty:
        graph = in_order_of_tasks("graph", self.graph, self.tasks_) if hasattr(self, "tasks_") else self.graph
        return penalties.GraphFused(graph, self.alpha, self.fused_ratio, self.l1_ratio)


@documented
class FusedRegressor(_Fused, StreamingRegressorBase):
    """Squared loss.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlinear import FusedRegressor
    >>> X = np.random.default_rng(0).standard_normal((50, 4))
    >>> Y = X[:, [0]] @ [[2.0, 2.0, 2.0, 5.0, 5.0]]    # five times, one jump
    >>> model = FusedRegressor(alpha=0.2).fit(X, Y)
    >>> np.diff(model.coef_[:, 0]).round(3)
    array([0.   , 0.   , 2.903, 0.   ])
    """


@documented
@dataclass(eq=False, repr=False)
class FusedClassifier(_Fused, MultiTaskClassifierBase):
    """Logistic loss.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from mtlinear import FusedClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> FusedClassifier().fit(X, y).score(X, y) > 0.6
    True
    """

    alpha: float = CLASSIFIER_ALPHA


@dataclass(eq=False, repr=False)
class _GraphRegularized(MultiTaskLinearModel):
    """Neighbours in a graph of tasks are alike, and few features matter (SRMTL, temporal group lasso).

    %(objective)s

        Omega(A) = alpha * [smooth_ratio / 2 * sum_{edges (s, t)} |w_st| ||a_s - sign(w_st) a_t||^2
                            + (1 - smooth_ratio) * sum_j (l1_ratio ||A[j, :]||_1 + (1 - l1_ratio) ||A[j, :]||_2)]

    Parameters
    ----------
    graph : DataFrame, array-like or sparse matrix (n_tasks, n_tasks), or callable; default `chain_graph`
        Symmetric weights of the edges between tasks, 0 for none; negative ones join tasks of opposite sign. A DataFrame
        has task labels on both sides; a matrix is in the order of ``tasks_``; a function makes one for n_tasks.
    alpha : float > 0, default %(alpha)s
        Strength.
    smooth_ratio : float in [0, 1], default 0.5
        Share of the differences between neighbours; 1 leaves what is common to connected tasks unpenalised.
    l1_ratio : float in [0, 1], default 1.0
        Share of the L1 norm in the rest (1: SRMTL); what is left is the norm of the rows (0 on a chain, with a ridge
        ``l2_alpha``: temporal group lasso).

    References
    ----------
    Evgeniou, Micchelli & Pontil (2005), JMLR 6. Zhou, Yuan, Liu & Ye (2011), KDD. Zhou, Chen & Ye (2011), MALSAR.
    """

    _parameter_constraints: ClassVar[Constraints] = (
        ALPHA | {"graph": "no_validation", "smooth_ratio": SHARE, "l1_ratio": SHARE} | COMMON
    )

    graph: Any = chain_graph
    alpha: float = 1.0
    _: KW_ONLY
    smooth_ratio: float = 0.5
    l1_ratio: float = 1.0

    def _make_penalty(self) -> Penalty:
        graph = in_order_of_tasks("graph", self.graph, self.tasks_) if hasattr(self, "tasks_") else self.graph
        return penalties.GraphRegularized(graph, self.alpha, self.smooth_ratio, self.l1_ratio)


@documented
class GraphRegularizedRegressor(_GraphRegularized, StreamingRegressorBase):
    """Squared loss.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlinear import GraphRegularizedRegressor
    >>> X = np.random.default_rng(0).standard_normal((50, 4))
    >>> Y = X[:, [0]] @ [[1.0, 1.5, 2.0, 2.5]]         # four times, one after the other
    >>> model = GraphRegularizedRegressor(alpha=0.2, smooth_ratio=0.9).fit(X, Y)
    >>> model.coef_[:, 0].round(1)
    array([1.1, 1.5, 2. , 2.4])
    """


@documented
@dataclass(eq=False, repr=False)
class GraphRegularizedClassifier(_GraphRegularized, MultiTaskClassifierBase):
    """Logistic loss.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from mtlinear import GraphRegularizedClassifier
    >>> X, y = load_iris(return_X_y=True)              # three classes: three one-vs-rest tasks
    >>> GraphRegularizedClassifier().fit(X, y).score(X, y) > 0.8
    True
    """

    alpha: float = CLASSIFIER_ALPHA
