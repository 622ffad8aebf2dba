"""Few features: block-sparse, dirty, sparse group and tree-guided, as regressors and classifiers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

import numpy as np

from mtlinear import penalties
from mtlinear._typing import Labels
from mtlinear.estimators._base import MultiTaskLinearModel
from mtlinear.estimators._base_classifier import CLASSIFIER_ALPHA, MultiTaskClassifierBase
from mtlinear.estimators._constraints import ALPHA, COMMON, L1_RATIO, SHARE, Constraints, Q
from mtlinear.estimators._documentation import documented
from mtlinear.estimators._streaming import StreamingRegressorBase
from mtlinear.penalties import Penalty


@dataclass(eq=False, repr=False)
class _BlockSparse(MultiTaskLinearModel):
    """A few features matter, and the same ones for all tasks: block-sparse L1/Lq.

    %(objective)s

        Omega(A) = alpha * sum_j ||A[j, :]||_q

    Parameters
    ----------
    alpha : float > 0, default %(alpha)s
        Strength.
    q : float in [1, inf], default 2
        Norm of a row of A. 1 is the lasso, which shares nothing; the larger q, the more alike the tasks must use a
        shared feature.

    References
    ----------
    Yuan & Lin (2006), JRSS B 68. Argyriou, Evgeniou & Pontil (2007), NIPS 19. Negahban & Wainwright (2008), NIPS 21.
    Lounici et al. (2009), COLT. Liu & Ye (2010), arXiv:1009.4766.
    """

    _parameter_constraints: ClassVar[Constraints] = ALPHA | Q | COMMON

    alpha: float = 1.0
    _: KW_ONLY
    q: float = 2

    def _make_penalty(self) -> Penalty:
        return penalties.L1Lq(self.alpha, self.q)


@documented
class BlockSparseRegressor(_BlockSparse, StreamingRegressorBase):
    """Squared loss.

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
@dataclass(eq=False, repr=False)
class BlockSparseClassifier(_BlockSparse, MultiTaskClassifierBase):
    """Logistic loss.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from mtlinear import BlockSparseClassifier
    >>> X, y = load_iris(return_X_y=True)              # three classes: three one-vs-rest tasks
    >>> model = BlockSparseClassifier().fit(X, y)
    >>> model.coef_.shape, model.score(X, y) > 0.8
    ((3, 4), True)
    """

    alpha: float = CLASSIFIER_ALPHA


@dataclass(eq=False, repr=False)
class _Dirty(MultiTaskLinearModel):
    """Some features are shared by all tasks, others are private to one: the dirty model A = B + S.

    %(objective)s

        Omega(A) = alpha * min_{A = B + S} (1 - l1_ratio) sum_j ||B[j, :]||_q + l1_ratio sum_jt |S[j, t]|

    Parameters
    ----------
    alpha : float > 0, default %(alpha)s
        Strength.
    l1_ratio : float in (0, 1), default None
        Share of the private part S. None takes (1 - l1_ratio) / l1_ratio = n_tasks^(1/(2 q')), 1/q + 1/q' = 1, which
        is sqrt(n_tasks) for q = inf. Where a value leaves only the lasso or pure block sparsity, a warning says so.
    q : float in [1, inf], default inf
        Norm of a row of the shared part B.

    References
    ----------
    Jalali, Ravikumar, Sanghavi & Ruan (2010), NIPS 23.
    """

    _parameter_constraints: ClassVar[Constraints] = ALPHA | L1_RATIO | Q | COMMON

    alpha: float = 1.0
    _: KW_ONLY
    l1_ratio: float | None = None
    q: float = np.inf

    def _make_penalty(self) -> Penalty:
        return penalties.Dirty(self.alpha, self.l1_ratio, self.q)


@documented
class DirtyRegressor(_Dirty, StreamingRegressorBase):
    """Squared loss.

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
@dataclass(eq=False, repr=False)
class DirtyClassifier(_Dirty, MultiTaskClassifierBase):
    """Logistic loss.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from mtlinear import DirtyClassifier
    >>> X, y = load_iris(return_X_y=True)              # three classes: three one-vs-rest tasks
    >>> model = DirtyClassifier().fit(X, y)
    >>> model.coef_.shape, model.score(X, y) > 0.8
    ((3, 4), True)
    """

    alpha: float = CLASSIFIER_ALPHA


@dataclass(eq=False, repr=False)
class _SparseGroup(MultiTaskLinearModel):
    """A few features matter, and of these only some for each task: L1/Lq and L1 on the same A.

    %(objective)s

        Omega(A) = alpha * sum_j ((1 - l1_ratio) ||A[j, :]||_q + l1_ratio ||A[j, :]||_1)

    Parameters
    ----------
    alpha : float > 0, default %(alpha)s
        Strength.
    l1_ratio : float in [0, 1], default 0.5
        Share of the L1 norm: 0 is block sparsity, 1 the lasso.
    q : float in [1, inf], default 2
        Norm of a row of A.

    References
    ----------
    Friedman, Hastie & Tibshirani (2010), arXiv:1001.0736. Sprechmann et al. (2011), IEEE Trans. Signal Process. 59.
    """

    _parameter_constraints: ClassVar[Constraints] = ALPHA | {"l1_ratio": SHARE} | Q | COMMON

    alpha: float = 1.0
    _: KW_ONLY
    l1_ratio: float = 0.5
    q: float = 2

    def _make_penalty(self) -> Penalty:
        return penalties.SparseGroup(self.alpha, self.l1_ratio, self.q)


@documented
class SparseGroupRegressor(_SparseGroup, StreamingRegressorBase):
    """Squared loss.

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
    """Logistic loss.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from mtlinear import SparseGroupClassifier
    >>> X, y = load_iris(return_X_y=True)              # three classes: three one-vs-rest tasks
    >>> SparseGroupClassifier().fit(X, y).score(X, y) > 0.8
    True
    """

    alpha: float = CLASSIFIER_ALPHA


@dataclass(eq=False, repr=False)
class _TreeGuided(MultiTaskLinearModel):
    """Tasks are related in a tree, and close relatives use the same features: tree-guided group lasso.

    %(objective)s

        Omega(A) = alpha * sum_j sum_v weight_v ||A[j, G_v]||_2    over the nodes v of the tree, G_v the tasks below

    Parameters
    ----------
    tree : ndarray (n_tasks - 1, 4), list of (tasks, weight), or callable n_tasks -> one of these
        A linkage matrix of ``scipy.cluster.hierarchy``, with tasks in the order of ``tasks_`` (sorted labels, or the
        columns of y), gets the weights of Kim & Xing. Groups hold positions of tasks in that order, or labels that are
        strings; they must be nested or disjoint. The default None is an error that says how to make a tree.
    alpha : float > 0, default %(alpha)s
        Strength.

    References
    ----------
    Kim & Xing (2010), ICML; (2012), Ann. Appl. Stat. 6. Jenatton et al. (2011), JMLR 12 (the prox).
    """

    _parameter_constraints: ClassVar[Constraints] = ALPHA | {"tree": "no_validation"} | COMMON

    tree: Any = None
    alpha: float = 1.0

    def _make_penalty(self) -> Penalty:
        return penalties.TreeGuided(_with_positions(self.tree, getattr(self, "tasks_", None)), self.alpha)


@documented
class TreeGuidedRegressor(_TreeGuided, StreamingRegressorBase):
    """Squared loss.

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
    """Logistic loss.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from mtlinear import TreeGuidedClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> tree = [([0], 1.0), ([1], 1.0), ([2], 1.0), ([1, 2], 1.0)]      # versicolor and virginica are close
    >>> TreeGuidedClassifier(tree).fit(X, y).score(X, y) > 0.8
    True
    """

    alpha: float = CLASSIFIER_ALPHA


def _with_positions(tree: Any, tasks: Labels | None) -> Any:
    """Groups of named tasks as groups of their positions, without names that do not occur; all else as it is."""
    if tasks is None or not isinstance(tree, Sequence) or isinstance(tree, str):
        return tree
    named = [pair for pair in tree if isinstance(pair, Sequence) and any(isinstance(t, str) for t in np.ravel(pair[0]))]
    if not named:
        return tree
    position = {str(label): t for t, label in enumerate(tasks)}
    known = [([position[str(t)] for t in np.ravel(labels).tolist() if str(t) in position], w) for labels, w in tree]
    return [(group, weight) for group, weight in known if group]
