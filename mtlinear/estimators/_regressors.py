"""The public regressors: each structure with the squared loss."""

from __future__ import annotations

from mtlinear import penalties
from mtlinear.estimators._documentation import documented
from mtlinear.estimators._streaming import StreamingRegressorBase
from mtlinear.estimators._structures import (
    _AnyPenalty,
    _BlockSparse,
    _Clustered,
    _Dirty,
    _MeanRegularized,
    _TraceNorm,
)


@documented
class BlockSparseRegressor(_BlockSparse, StreamingRegressorBase):
    """A few features matter, and the same ones for all tasks: block-sparse L1/Lq; squared loss.

    %(objective)s

        Omega(A) = alpha * sum_j ||A[j, :]||_q

    Parameters
    ----------
    alpha : float > 0, default 1.0
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
    >>> import numpy as np
    >>> from mtlinear import BlockSparseRegressor
    >>> X = np.random.default_rng(0).standard_normal((50, 4))
    >>> Y = X[:, [0]] @ [[1.0, -2.0, 3.0]]
    >>> model = BlockSparseRegressor(alpha=0.1).fit(X, Y)
    >>> model.parameters_.selected_features()
    ['x0']
    """


@documented
class DirtyRegressor(_Dirty, StreamingRegressorBase):
    """Some features are shared by all tasks, others are private to one: the dirty model A = B + S; squared loss.

    %(objective)s

        Omega(A) = alpha * min_{A = B + S} (1 - l1_ratio) sum_j ||B[j, :]||_q + l1_ratio sum_jt |S[j, t]|

    Parameters
    ----------
    alpha : float > 0, default 1.0
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
    >>> import numpy as np
    >>> from mtlinear import DirtyRegressor
    >>> X = np.random.default_rng(0).standard_normal((50, 4))
    >>> Y = X[:, [0]] @ [[2.0, 2.0, 2.0]] + X[:, [1]] @ [[3.0, 0.0, 0.0]]
    >>> model = DirtyRegressor(alpha=0.1).fit(X, Y)
    >>> model.parameters_.selected_features('B'), model.parameters_.selected_features('S')
    (['x0'], ['x1'])
    """


@documented
class TraceNormRegressor(_TraceNorm, StreamingRegressorBase):
    """The parameters of all tasks lie in a common low-dimensional subspace: trace norm; squared loss.

    %(objective)s

        Omega(A) = alpha * (sum of the singular values of A)

    Parameters
    ----------
    alpha : float > 0, default 1.0
        Strength.
    %(common)s

    References
    ----------
    Argyriou, Evgeniou & Pontil (2007), NIPS 19. Ji & Ye (2009), ICML.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlinear import TraceNormRegressor
    >>> X = np.random.default_rng(0).standard_normal((50, 4))
    >>> Y = X[:, :2] @ [[1.0, -2.0, 3.0], [2.0, -4.0, 6.0]]
    >>> model = TraceNormRegressor(alpha=0.1).fit(X, Y)
    >>> model.parameters_.rank()
    1
    """


@documented
class MeanRegularizedRegressor(_MeanRegularized, StreamingRegressorBase):
    """All tasks are near their mean; squared loss.

    %(objective)s

        Omega(A) = alpha/2 * sum_t ||a_t - mean||^2 + mean_alpha/2 * n_tasks * ||mean||^2

    Parameters
    ----------
    alpha : float > 0, default 1.0
        Strength on the deviations from the mean.
    mean_alpha : float >= 0, default 0.0
        Strength on the mean itself; ``mean_alpha=alpha`` is the ridge. A single task is its own mean: only mean_alpha
        acts on it, and 0 leaves it unpenalised.
    %(common)s

    References
    ----------
    Evgeniou & Pontil (2004), KDD. Evgeniou, Micchelli & Pontil (2005), JMLR 6.

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
class ClusteredRegressor(_Clustered, StreamingRegressorBase):
    """The tasks fall into clusters: the convex relaxation of clustered multi-task learning; squared loss.

    %(objective)s

        Omega(A) = 1/2 * min_Sigma tr(A Sigma^-1 A')     (mean, between- and within-cluster variance; see
                                                         `mtlinear.penalties.Clustered`)

    Parameters
    ----------
    n_clusters : int in [1, n_tasks], default 2
        Number of clusters; a single task is always one cluster.
    alpha : float > 0, default 1.0
        Strength on the variance within clusters.
    between_ratio : float in (0, 1], default 0.1
        Strength on the variance between clusters, as a fraction of alpha.
    mean_ratio : float >= 0 or None, default 0.0
        Strength on the mean, as a fraction of alpha. None: the mean is not treated apart (Zhou et al. 2011). A single
        task is its own mean: with 0 it is left unpenalised.
    %(common)s

    References
    ----------
    Jacob, Bach & Vert (2009), NIPS 21. Zhou, Chen & Ye (2011), NIPS 24. McDonald, Pontil & Stamos (2016), JMLR 17.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlinear import ClusteredRegressor
    >>> X = np.random.default_rng(0).standard_normal((50, 4))
    >>> Y = X[:, [0]] @ [[1.0, 5.0, 1.1]]
    >>> model = ClusteredRegressor(n_clusters=2, alpha=0.1).fit(X, Y)
    >>> model.parameters_.task_clusters()
    array([0, 1, 0])
    """


@documented
class MultiTaskRegressor(_AnyPenalty, StreamingRegressorBase):
    """Any belief about the tasks, as a penalty object; squared loss, or any other.

    %(objective)s

        Omega = penalty

    Parameters
    ----------
    penalty : Penalty, default None
        An object of `mtlinear.penalties`, e.g. ``TraceNorm(alpha=0.1)`` or
        ``InfimalConvolution(TraceNorm(), L1())``. None is ``L1Lq(alpha=0.1)``. Its parameters can be searched as
        ``penalty__alpha``, and penalties as ``{"penalty": [TraceNorm(), L1Lq()]}``.
    loss : Loss, default None
        An object of `mtlinear.losses`: ``Huber(delta=1.35)`` for outliers, ``Poisson()`` for counts (predict then gives
        their expectation, the exponential of the score), or one of your own. None is the squared loss; partial_fit
        knows no other.
    %(common)s

    Examples
    --------
    >>> import numpy as np
    >>> from mtlinear import MultiTaskRegressor
    >>> from mtlinear.penalties import L1, InfimalConvolution, TraceNorm
    >>> X = np.random.default_rng(0).standard_normal((50, 4))
    >>> Y = X[:, [0]] @ [[1.0, -2.0, 3.0]] + 1.0
    >>> sparse_plus_low_rank = InfimalConvolution(TraceNorm(alpha=0.1), L1(alpha=0.05))
    >>> MultiTaskRegressor(sparse_plus_low_rank).fit(X, Y).score(X, Y) > 0.9
    True
    """

    _default_penalty = penalties.L1Lq(alpha=0.1)
