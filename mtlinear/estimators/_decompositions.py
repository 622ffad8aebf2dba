"""Decompositions with named parts, as regressors and classifiers: robust, robust features, sparse plus low rank."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

from mtlinear import penalties
from mtlinear._validation import Number
from mtlinear.estimators._base import MultiTaskLinearModel
from mtlinear.estimators._base_classifier import MultiTaskClassifierBase
from mtlinear.estimators._constraints import ALPHA, COMMON, L1_RATIO, Constraints
from mtlinear.estimators._documentation import documented
from mtlinear.estimators._streaming import StreamingRegressorBase
from mtlinear.penalties import Penalty

#: As for the other classifiers: the derivative of the logistic loss is at most 1.
_CLASSIFIER_ALPHA = 0.01


@dataclass(eq=False, repr=False)
class _Robust(MultiTaskLinearModel):
    """Tasks in a common subspace, and outlier tasks (robust multi-task learning, A = L + S): parameters and penalty."""

    _parameter_constraints: ClassVar[Constraints] = ALPHA | {"column_ratio": [Number(above=0, below=1), None]} | COMMON

    alpha: float = 1.0
    _: KW_ONLY
    column_ratio: float | None = None

    def _make_penalty(self) -> Penalty:
        return penalties.Robust(self.alpha, self.column_ratio)


@dataclass(eq=False, repr=False)
class _RobustFeatures(MultiTaskLinearModel):
    """A few features, the same for all tasks but outliers (rMTFL, A = P + Q): parameters and penalty."""

    _parameter_constraints: ClassVar[Constraints] = ALPHA | {"column_ratio": [Number(above=0, below=1), None]} | COMMON

    alpha: float = 1.0
    _: KW_ONLY
    column_ratio: float | None = None

    def _make_penalty(self) -> Penalty:
        return penalties.RobustFeatures(self.alpha, self.column_ratio)


@dataclass(eq=False, repr=False)
class _SparseLowRank(MultiTaskLinearModel):
    """A common subspace, and single parameters that leave it (A = L + S): parameters and penalty."""

    _parameter_constraints: ClassVar[Constraints] = ALPHA | L1_RATIO | COMMON

    alpha: float = 1.0
    _: KW_ONLY
    l1_ratio: float | None = None

    def _make_penalty(self) -> Penalty:
        return penalties.SparseLowRank(self.alpha, self.l1_ratio)


@documented
class RobustRegressor(_Robust, StreamingRegressorBase):
    """The tasks lie in a common low-dimensional subspace, but for a few outliers: A = L + S; squared loss.

    %(objective)s

        Omega(A) = alpha * min_{A = L + S} (1 - column_ratio) ||L||_* + column_ratio sum_t ||S[:, t]||_2

    Parameters
    ----------
    alpha : float > 0, default 1.0
        Strength.
    column_ratio : float in (0, 1), default None
        Share of the outliers' part S. None takes (1 - column_ratio) / column_ratio = n_tasks^(1/4). Where a value
        leaves only one of the parts, a warning says so. ``parameters_.outlier_tasks()`` names the tasks with a column
        in S.
    %(common)s

    References
    ----------
    Chen, Zhou & Ye (2011), KDD.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlinear import RobustRegressor
    >>> rng = np.random.default_rng(0)
    >>> X, A = rng.standard_normal((100, 5)), np.outer(rng.standard_normal(5), np.ones(8))
    >>> A[:, 3] = rng.standard_normal(5)
    >>> RobustRegressor(alpha=0.5).fit(X, X @ A).parameters_.outlier_tasks()
    [3]
    """


@documented
@dataclass(eq=False, repr=False)
class RobustClassifier(_Robust, MultiTaskClassifierBase):
    """The tasks lie in a common low-dimensional subspace, but for a few outliers: A = L + S; logistic loss.

    %(objective)s

        Omega(A) = alpha * min_{A = L + S} (1 - column_ratio) ||L||_* + column_ratio sum_t ||S[:, t]||_2

    Parameters
    ----------
    alpha : float > 0, default 0.01
        Strength.
    column_ratio : float in (0, 1), default None
        Share of the outliers' part S. None takes (1 - column_ratio) / column_ratio = n_tasks^(1/4). Where a value
        leaves only one of the parts, a warning says so. ``parameters_.outlier_tasks()`` names the tasks with a column
        in S.
    %(common)s

    References
    ----------
    Chen, Zhou & Ye (2011), KDD.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from mtlinear import RobustClassifier
    >>> X, y = load_iris(return_X_y=True)              # three classes: three one-vs-rest tasks
    >>> model = RobustClassifier().fit(X, y)
    >>> list(model.parameters_.parts), model.score(X, y) > 0.8
    (['L', 'S'], True)
    """

    alpha: float = _CLASSIFIER_ALPHA


@documented
class RobustFeaturesRegressor(_RobustFeatures, StreamingRegressorBase):
    """A few features matter, the same for all tasks but a few outliers: rMTFL, A = P + Q; squared loss.

    %(objective)s

        Omega(A) = alpha * min_{A = P + Q} (1 - column_ratio) sum_j ||P[j, :]||_2 + column_ratio sum_t ||Q[:, t]||_2

    Parameters
    ----------
    alpha : float > 0, default 1.0
        Strength.
    column_ratio : float in (0, 1), default None
        Share of the outliers' part Q. None takes (1 - column_ratio) / column_ratio = (n_tasks / n_features)^(1/4).
        Where a value leaves only one of the parts, a warning says so. ``parameters_.outlier_tasks()`` names the tasks
        with a column in Q.
    %(common)s

    References
    ----------
    Gong, Ye & Zhang (2012), KDD.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlinear import RobustFeaturesRegressor
    >>> rng = np.random.default_rng(0)
    >>> X, A = rng.standard_normal((100, 5)), np.zeros((5, 8))
    >>> A[0], A[:, 3] = 2.0, rng.standard_normal(5)
    >>> RobustFeaturesRegressor(alpha=0.8).fit(X, X @ A).parameters_.outlier_tasks()
    [3]
    """


@documented
@dataclass(eq=False, repr=False)
class RobustFeaturesClassifier(_RobustFeatures, MultiTaskClassifierBase):
    """A few features matter, the same for all tasks but a few outliers: rMTFL, A = P + Q; logistic loss.

    %(objective)s

        Omega(A) = alpha * min_{A = P + Q} (1 - column_ratio) sum_j ||P[j, :]||_2 + column_ratio sum_t ||Q[:, t]||_2

    Parameters
    ----------
    alpha : float > 0, default 0.01
        Strength.
    column_ratio : float in (0, 1), default None
        Share of the outliers' part Q. None takes (1 - column_ratio) / column_ratio = (n_tasks / n_features)^(1/4).
        Where a value leaves only one of the parts, a warning says so. ``parameters_.outlier_tasks()`` names the tasks
        with a column in Q.
    %(common)s

    References
    ----------
    Gong, Ye & Zhang (2012), KDD.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from mtlinear import RobustFeaturesClassifier
    >>> X, y = load_iris(return_X_y=True)              # three classes: three one-vs-rest tasks
    >>> model = RobustFeaturesClassifier().fit(X, y)
    >>> list(model.parameters_.parts), model.score(X, y) > 0.8
    (['P', 'Q'], True)
    """

    alpha: float = _CLASSIFIER_ALPHA


@documented
class SparseLowRankRegressor(_SparseLowRank, StreamingRegressorBase):
    """The tasks lie in a common low-dimensional subspace, but for single parameters: A = L + S; squared loss.

    %(objective)s

        Omega(A) = alpha * min_{A = L + S} (1 - l1_ratio) ||L||_* + l1_ratio sum_jt |S[j, t]|

    Parameters
    ----------
    alpha : float > 0, default 1.0
        Strength.
    l1_ratio : float in (0, 1), default None
        Share of the sparse part S. None takes (1 - l1_ratio) / l1_ratio = (n_features n_tasks)^(1/4). Where a value
        leaves only one of the parts, a warning says so.
    %(common)s

    References
    ----------
    Chen, Liu & Ye (2010), KDD; (2012), ACM TKDD 5.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlinear import SparseLowRankRegressor
    >>> rng = np.random.default_rng(0)
    >>> X, A = rng.standard_normal((100, 5)), np.ones((5, 8))
    >>> A[1, 3] = 8.0
    >>> model = SparseLowRankRegressor(alpha=0.5).fit(X, X @ A)
    >>> model.parameters_.rank(part="L"), np.argwhere(model.parameters_.support("S")).tolist()
    (1, [[1, 3]])
    """


@documented
@dataclass(eq=False, repr=False)
class SparseLowRankClassifier(_SparseLowRank, MultiTaskClassifierBase):
    """The tasks lie in a common low-dimensional subspace, but for single parameters: A = L + S; logistic loss.

    %(objective)s

        Omega(A) = alpha * min_{A = L + S} (1 - l1_ratio) ||L||_* + l1_ratio sum_jt |S[j, t]|

    Parameters
    ----------
    alpha : float > 0, default 0.01
        Strength.
    l1_ratio : float in (0, 1), default None
        Share of the sparse part S. None takes (1 - l1_ratio) / l1_ratio = (n_features n_tasks)^(1/4). Where a value
        leaves only one of the parts, a warning says so.
    %(common)s

    References
    ----------
    Chen, Liu & Ye (2010), KDD; (2012), ACM TKDD 5.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from mtlinear import SparseLowRankClassifier
    >>> X, y = load_iris(return_X_y=True)              # three classes: three one-vs-rest tasks
    >>> model = SparseLowRankClassifier().fit(X, y)
    >>> list(model.parameters_.parts), model.score(X, y) > 0.8
    (['L', 'S'], True)
    """

    alpha: float = _CLASSIFIER_ALPHA
