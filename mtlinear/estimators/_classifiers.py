"""The public classifiers: each structure with the logistic loss."""

from __future__ import annotations

from dataclasses import dataclass

from mtlinear import penalties
from mtlinear.estimators._base_classifier import MultiTaskClassifierBase
from mtlinear.estimators._documentation import documented
from mtlinear.estimators._structures import (
    _AnyPenalty,
    _BlockSparse,
    _Clustered,
    _Dirty,
    _MeanRegularized,
    _TraceNorm,
)

#: The derivative of the logistic loss is at most 1, so with features of unit scale an alpha of 1 leaves nothing.
_CLASSIFIER_ALPHA = 0.01


@documented
@dataclass(eq=False, repr=False)
class BlockSparseClassifier(_BlockSparse, MultiTaskClassifierBase):
    """A few features matter, and the same ones for all tasks: block-sparse L1/Lq; logistic loss.

    %(objective)s

        Omega(A) = alpha * sum_j ||A[j, :]||_q

    Parameters
    ----------
    alpha : float > 0, default 0.01
        Strength.
    q : float in [1, inf], default 2
        Norm of a row of A. 1 is the lasso, which shares nothing; the larger q, the more alike the tasks must use a
        shared feature.
    %(common)s

    References
    ----------
    Yuan & Lin (2006), JRSS B 68. Argyriou, Evgeniou & Pontil (2007), NIPS 19. Negahban & Wainwright (2008), NIPS 21.
    Lounici et al. (2009), COLT. Liu & Ye (2010), arXiv:1009.4766.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from mtlinear import BlockSparseClassifier
    >>> X, y = load_iris(return_X_y=True)              # three classes: three one-vs-rest tasks
    >>> model = BlockSparseClassifier().fit(X, y)
    >>> model.coef_.shape, model.score(X, y) > 0.8
    ((3, 4), True)
    """

    alpha: float = _CLASSIFIER_ALPHA


@documented
@dataclass(eq=False, repr=False)
class DirtyClassifier(_Dirty, MultiTaskClassifierBase):
    """Some features are shared by all tasks, others are private to one: the dirty model A = B + S; logistic loss.

    %(objective)s

        Omega(A) = alpha * min_{A = B + S} (1 - l1_ratio) sum_j ||B[j, :]||_q + l1_ratio sum_jt |S[j, t]|

    Parameters
    ----------
    alpha : float > 0, default 0.01
        Strength.
    l1_ratio : float in (0, 1), default None
        Share of the private part S. None takes (1 - l1_ratio) / l1_ratio = n_tasks^(1/(2 q')), 1/q + 1/q' = 1, which
        is sqrt(n_tasks) for q = inf. Where a value leaves only the lasso or pure block sparsity, a warning says so.
    q : float in [1, inf], default inf
        Norm of a row of the shared part B.
    %(common)s

    References
    ----------
    Jalali, Ravikumar, Sanghavi & Ruan (2010), NIPS 23.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from mtlinear import DirtyClassifier
    >>> X, y = load_iris(return_X_y=True)              # three classes: three one-vs-rest tasks
    >>> model = DirtyClassifier().fit(X, y)
    >>> model.coef_.shape, model.score(X, y) > 0.8
    ((3, 4), True)
    """

    alpha: float = _CLASSIFIER_ALPHA


@documented
@dataclass(eq=False, repr=False)
class TraceNormClassifier(_TraceNorm, MultiTaskClassifierBase):
    """The parameters of all tasks lie in a common low-dimensional subspace: trace norm; logistic loss.

    %(objective)s

        Omega(A) = alpha * (sum of the singular values of A)

    Parameters
    ----------
    alpha : float > 0, default 0.01
        Strength.
    %(common)s

    References
    ----------
    Argyriou, Evgeniou & Pontil (2007), NIPS 19. Ji & Ye (2009), ICML.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from mtlinear import TraceNormClassifier
    >>> X, y = load_iris(return_X_y=True)              # three classes: three one-vs-rest tasks
    >>> model = TraceNormClassifier().fit(X, y)
    >>> model.coef_.shape, model.score(X, y) > 0.8
    ((3, 4), True)
    """

    alpha: float = _CLASSIFIER_ALPHA


@documented
@dataclass(eq=False, repr=False)
class MeanRegularizedClassifier(_MeanRegularized, MultiTaskClassifierBase):
    """All tasks are near their mean; logistic loss.

    %(objective)s

        Omega(A) = alpha/2 * sum_t ||a_t - mean||^2 + mean_alpha/2 * n_tasks * ||mean||^2

    Parameters
    ----------
    alpha : float > 0, default 0.01
        Strength on the deviations from the mean.
    mean_alpha : float >= 0, default 0.0
        Strength on the mean itself; ``mean_alpha=alpha`` is the ridge. A single task is its own mean: only mean_alpha
        acts on it, and 0 leaves it unpenalised. Where an unpenalised mean separates the classes there is no minimum,
        and a warning says so.
    %(common)s

    References
    ----------
    Evgeniou & Pontil (2004), KDD. Evgeniou, Micchelli & Pontil (2005), JMLR 6.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from mtlinear import MeanRegularizedClassifier
    >>> X, y = load_iris(return_X_y=True)              # three classes: three one-vs-rest tasks
    >>> model = MeanRegularizedClassifier().fit(X, y)
    >>> model.coef_.shape, model.score(X, y) > 0.8
    ((3, 4), True)
    """

    alpha: float = _CLASSIFIER_ALPHA


@documented
@dataclass(eq=False, repr=False)
class ClusteredClassifier(_Clustered, MultiTaskClassifierBase):
    """The tasks fall into clusters: the convex relaxation of clustered multi-task learning; logistic loss.

    %(objective)s

        Omega(A) = 1/2 * min_Sigma tr(A Sigma^-1 A')     (mean, between- and within-cluster variance; see
                                                         `mtlinear.penalties.Clustered`)

    Parameters
    ----------
    n_clusters : int in [1, n_tasks], default 2
        Number of clusters; a single task is always one cluster.
    alpha : float > 0, default 0.01
        Strength on the variance within clusters.
    between_ratio : float in (0, 1], default 0.1
        Strength on the variance between clusters, as a fraction of alpha.
    mean_ratio : float >= 0 or None, default 0.0
        Strength on the mean, as a fraction of alpha. None: the mean is not treated apart (Zhou et al. 2011). A single
        task is its own mean: with 0 it is left unpenalised. Where an unpenalised mean separates the classes there is
        no minimum, and a warning says so.
    %(common)s

    References
    ----------
    Jacob, Bach & Vert (2009), NIPS 21. Zhou, Chen & Ye (2011), NIPS 24. McDonald, Pontil & Stamos (2016), JMLR 17.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from mtlinear import ClusteredClassifier
    >>> X, y = load_iris(return_X_y=True)              # three classes: three one-vs-rest tasks
    >>> model = ClusteredClassifier().fit(X, y)
    >>> model.coef_.shape, model.score(X, y) > 0.8
    ((3, 4), True)
    """

    alpha: float = _CLASSIFIER_ALPHA


@documented
class MultiTaskClassifier(_AnyPenalty, MultiTaskClassifierBase):
    """Any belief about the tasks, as a penalty object; logistic loss, or squared hinge.

    %(objective)s

        Omega = penalty

    Parameters
    ----------
    penalty : Penalty, default None
        An object of `mtlinear.penalties`, e.g. ``TraceNorm(alpha=0.1)`` or
        ``InfimalConvolution(TraceNorm(), L1())``. None is ``L1Lq(alpha=0.01)``. Its parameters can be searched as
        ``penalty__alpha``, and penalties as ``{"penalty": [TraceNorm(), L1Lq()]}``.
    loss : Loss, default None
        An object of `mtlinear.losses`: ``SquaredHinge()`` for a support vector machine, which has no probabilities.
        None is the logistic loss.
    %(common)s

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from mtlinear import MultiTaskClassifier
    >>> from mtlinear.penalties import L1Lq
    >>> X, y = load_iris(return_X_y=True)
    >>> MultiTaskClassifier(L1Lq(alpha=0.01, q=1.5)).fit(X, y).score(X, y) > 0.8
    True
    """

    _default_penalty = penalties.L1Lq(alpha=0.01)
