"""Regressors and classifiers of the row structures: each joined with a loss."""

from __future__ import annotations

from dataclasses import dataclass

from mtlinear.estimators._base_classifier import MultiTaskClassifierBase
from mtlinear.estimators._classifiers import _CLASSIFIER_ALPHA
from mtlinear.estimators._documentation import documented
from mtlinear.estimators._row_structures import _Fused, _GraphRegularized, _SparseGroup, _TreeGuided
from mtlinear.estimators._streaming import StreamingRegressorBase


@documented
class SparseGroupRegressor(_SparseGroup, StreamingRegressorBase):
    """A few features matter, and of these only some for each task: L1/Lq and L1 on the same A; squared loss.

    %(objective)s

        Omega(A) = alpha * sum_j ((1 - l1_ratio) ||A[j, :]||_q + l1_ratio ||A[j, :]||_1)

    Parameters
    ----------
    alpha : float > 0, default 1.0
        Strength.
    l1_ratio : float in [0, 1], default 0.5
        Share of the L1 norm: 0 is block sparsity, 1 the lasso.
    q : float in [1, inf], default 2
        Norm of a row of A.
    %(common)s

    References
    ----------
    Friedman, Hastie & Tibshirani (2010), arXiv:1001.0736. Sprechmann et al. (2011), IEEE Trans. Signal Process. 59.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlinear import SparseGroupRegressor
    >>> X = np.random.default_rng(0).standard_normal((50, 4))
    >>> Y = X[:, [0]] @ [[2.0, 0.0, 3.0]] + X[:, [1]] @ [[2.0, 2.0, 0.0]]
    >>> SparseGroupRegressor(alpha=0.2).fit(X, Y).parameters_.support().astype(int)[:3]
    array([[1, 0, 1],
           [1, 1, 0],
           [0, 0, 0]])
    """


@documented
@dataclass(eq=False, repr=False)
class SparseGroupClassifier(_SparseGroup, MultiTaskClassifierBase):
    """A few features matter, and of these only some for each task: L1/Lq and L1 on the same A; logistic loss.

    %(objective)s

        Omega(A) = alpha * sum_j ((1 - l1_ratio) ||A[j, :]||_q + l1_ratio ||A[j, :]||_1)

    Parameters
    ----------
    alpha : float > 0, default 0.01
        Strength.
    l1_ratio : float in [0, 1], default 0.5
        Share of the L1 norm: 0 is block sparsity, 1 the lasso.
    q : float in [1, inf], default 2
        Norm of a row of A.
    %(common)s

    References
    ----------
    Friedman, Hastie & Tibshirani (2010), arXiv:1001.0736. Sprechmann et al. (2011), IEEE Trans. Signal Process. 59.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from mtlinear import SparseGroupClassifier
    >>> X, y = load_iris(return_X_y=True)              # three classes: three one-vs-rest tasks
    >>> SparseGroupClassifier().fit(X, y).score(X, y) > 0.8
    True
    """

    alpha: float = _CLASSIFIER_ALPHA


@documented
class TreeGuidedRegressor(_TreeGuided, StreamingRegressorBase):
    """Tasks are related in a tree, and close relatives use the same features: tree-guided group lasso; squared loss.

    %(objective)s

        Omega(A) = alpha * sum_j sum_v weight_v ||A[j, G_v]||_2    over the nodes v of the tree, G_v the tasks below

    Parameters
    ----------
    tree : ndarray (n_tasks - 1, 4), list of (tasks, weight), or callable n_tasks -> one of these
        A linkage matrix of ``scipy.cluster.hierarchy``, with tasks in the order of ``tasks_`` (sorted labels, or the
        columns of y), gets the weights of Kim & Xing. Groups hold positions of tasks in that order, or labels that are
        strings; they must be nested or disjoint. The default None is an error that says how to make a tree.
    alpha : float > 0, default 1.0
        Strength.
    %(common)s

    References
    ----------
    Kim & Xing (2010), ICML; (2012), Ann. Appl. Stat. 6. Jenatton et al. (2011), JMLR 12 (the prox).

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.cluster.hierarchy import linkage
    >>> from mtlinear import TreeGuidedRegressor
    >>> X = np.random.default_rng(0).standard_normal((50, 4))
    >>> Y = X[:, [0]] @ [[2.0, 2.0, 0.0]] + X[:, [1]] @ [[0.0, 0.0, 3.0]]
    >>> tree = linkage(Y.T, "average")                 # here from the targets; better from what is known of the tasks
    >>> TreeGuidedRegressor(tree, alpha=0.3).fit(X, Y).parameters_.support().astype(int)[:3]
    array([[1, 1, 0],
           [0, 0, 1],
           [0, 0, 0]])
    """


@documented
@dataclass(eq=False, repr=False)
class TreeGuidedClassifier(_TreeGuided, MultiTaskClassifierBase):
    """Tasks are related in a tree, and close relatives use the same features: tree-guided group lasso; logistic loss.

    %(objective)s

        Omega(A) = alpha * sum_j sum_v weight_v ||A[j, G_v]||_2    over the nodes v of the tree, G_v the tasks below

    Parameters
    ----------
    tree : ndarray (n_tasks - 1, 4), list of (tasks, weight), or callable n_tasks -> one of these
        A linkage matrix of ``scipy.cluster.hierarchy``, with tasks in the order of ``tasks_`` (sorted labels, or the
        columns of y), gets the weights of Kim & Xing. Groups hold positions of tasks in that order, or labels that are
        strings; they must be nested or disjoint. The default None is an error that says how to make a tree.
    alpha : float > 0, default 0.01
        Strength.
    %(common)s

    References
    ----------
    Kim & Xing (2010), ICML; (2012), Ann. Appl. Stat. 6. Jenatton et al. (2011), JMLR 12 (the prox).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from mtlinear import TreeGuidedClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> tree = [([0], 1.0), ([1], 1.0), ([2], 1.0), ([1, 2], 1.0)]      # versicolor and virginica are close
    >>> TreeGuidedClassifier(tree).fit(X, y).score(X, y) > 0.8
    True
    """

    alpha: float = _CLASSIFIER_ALPHA


@documented
class FusedRegressor(_Fused, StreamingRegressorBase):
    """Neighbouring tasks (in time, or in a graph) have equal parameters, but for a few jumps: fused; squared loss.

    %(objective)s

        Omega(A) = alpha * sum_j [ fused_ratio * sum_{edges (s, t)} |w_st| |A[j, s] - sign(w_st) A[j, t]|
                           + (1 - fused_ratio) (l1_ratio ||A[j, :]||_1 + (1 - l1_ratio) ||A[j, :]||_2) ]

    Parameters
    ----------
    graph : array-like, sparse matrix or DataFrame (n_tasks, n_tasks), or callable n_tasks -> matrix
        Symmetric weights w_st, 0 for no edge, negative for tasks believed to be opposites; in the order of ``tasks_``
        (sorted labels, or the columns of y), or a DataFrame with the labels of the tasks. The default is
        `mtlinear.penalties.chain_graph`: every task is joined to the next, as in time.
    alpha : float > 0, default 1.0
        Strength.
    fused_ratio : float in [0, 1], default 0.5
        Share of the differences between neighbours; 1 penalises nothing else, 0 is the sparse group lasso.
    l1_ratio : float in [0, 1], default 1.0
        Share of the L1 norm in the rest (the graph-guided fused lasso); what is left is the row norm (with which it is
        the fused sparse group lasso of disease progression).
    %(common)s

    References
    ----------
    Tibshirani et al. (2005), JRSS B 67. Chen, Kim, Lin, Carbonell & Xing (2010), arXiv:1005.3579. Zhou, Liu, Narayan &
    Ye (2012), KDD.

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
    """Neighbouring tasks (in time, or in a graph) have equal parameters, but for a few jumps: fused; logistic loss.

    %(objective)s

        Omega(A) = alpha * sum_j [ fused_ratio * sum_{edges (s, t)} |w_st| |A[j, s] - sign(w_st) A[j, t]|
                           + (1 - fused_ratio) (l1_ratio ||A[j, :]||_1 + (1 - l1_ratio) ||A[j, :]||_2) ]

    Parameters
    ----------
    graph : array-like, sparse matrix or DataFrame (n_tasks, n_tasks), or callable n_tasks -> matrix
        Symmetric weights w_st, 0 for no edge, negative for tasks believed to be opposites; in the order of ``tasks_``
        (sorted labels, or the columns of y), or a DataFrame with the labels of the tasks. The default is
        `mtlinear.penalties.chain_graph`: every task is joined to the next, as in time.
    alpha : float > 0, default 0.01
        Strength.
    fused_ratio : float in [0, 1], default 0.5
        Share of the differences between neighbours; 1 penalises nothing else, 0 is the sparse group lasso.
    l1_ratio : float in [0, 1], default 1.0
        Share of the L1 norm in the rest (the graph-guided fused lasso); what is left is the row norm (with which it is
        the fused sparse group lasso of disease progression).
    %(common)s

    References
    ----------
    Tibshirani et al. (2005), JRSS B 67. Chen, Kim, Lin, Carbonell & Xing (2010), arXiv:1005.3579. Zhou, Liu, Narayan &
    Ye (2012), KDD.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from mtlinear import FusedClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> FusedClassifier().fit(X, y).score(X, y) > 0.6
    True
    """

    alpha: float = _CLASSIFIER_ALPHA


@documented
class GraphRegularizedRegressor(_GraphRegularized, StreamingRegressorBase):
    """Neighbours in a graph of tasks are alike, and few features matter (SRMTL, temporal group lasso); squared loss.

    %(objective)s

        Omega(A) = alpha * [smooth_ratio / 2 * sum_{edges (s, t)} |w_st| ||a_s - sign(w_st) a_t||^2
                            + (1 - smooth_ratio) * sum_j (l1_ratio ||A[j, :]||_1 + (1 - l1_ratio) ||A[j, :]||_2)]

    Parameters
    ----------
    graph : DataFrame, array-like or sparse matrix (n_tasks, n_tasks), or callable; default `chain_graph`
        Symmetric weights of the edges between tasks, 0 for none; negative ones join tasks of opposite sign. A DataFrame
        has task labels on both sides; a matrix is in the order of ``tasks_``; a function makes one for n_tasks.
    alpha : float > 0, default 1.0
        Strength.
    smooth_ratio : float in [0, 1], default 0.5
        Share of the differences between neighbours; 1 leaves what is common to connected tasks unpenalised.
    l1_ratio : float in [0, 1], default 1.0
        Share of the L1 norm in the rest (1: SRMTL); what is left is the norm of the rows (0 on a chain, with a ridge
        ``l2_alpha``: temporal group lasso).
    %(common)s

    References
    ----------
    Evgeniou, Micchelli & Pontil (2005), JMLR 6. Zhou, Yuan, Liu & Ye (2011), KDD. Zhou, Chen & Ye (2011), MALSAR.

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
    """Neighbours in a graph of tasks are alike, and few features matter (SRMTL, temporal group lasso); logistic loss.

    %(objective)s

        Omega(A) = alpha * [smooth_ratio / 2 * sum_{edges (s, t)} |w_st| ||a_s - sign(w_st) a_t||^2
                            + (1 - smooth_ratio) * sum_j (l1_ratio ||A[j, :]||_1 + (1 - l1_ratio) ||A[j, :]||_2)]

    Parameters
    ----------
    graph : DataFrame, array-like or sparse matrix (n_tasks, n_tasks), or callable; default `chain_graph`
        Symmetric weights of the edges between tasks, 0 for none; negative ones join tasks of opposite sign. A DataFrame
        has task labels on both sides; a matrix is in the order of ``tasks_``; a function makes one for n_tasks.
    alpha : float > 0, default 0.01
        Strength.
    smooth_ratio : float in [0, 1], default 0.5
        Share of the differences between neighbours; 1 leaves what is common to connected tasks unpenalised.
    l1_ratio : float in [0, 1], default 1.0
        Share of the L1 norm in the rest (1: SRMTL); what is left is the norm of the rows (0 on a chain, with a ridge
        ``l2_alpha``: temporal group lasso).
    %(common)s

    References
    ----------
    Evgeniou, Micchelli & Pontil (2005), JMLR 6. Zhou, Yuan, Liu & Ye (2011), KDD. Zhou, Chen & Ye (2011), MALSAR.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from mtlinear import GraphRegularizedClassifier
    >>> X, y = load_iris(return_X_y=True)              # three classes: three one-vs-rest tasks
    >>> GraphRegularizedClassifier().fit(X, y).score(X, y) > 0.8
    True
    """

    alpha: float = _CLASSIFIER_ALPHA
