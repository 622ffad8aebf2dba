"""Decompositions with named parts: robust, robust features, sparse plus low rank."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

from mtlinear import penalties
from mtlinear.estimators._base import MultiTaskLinearModel
from mtlinear.estimators._base_classifier import CLASSIFIER_ALPHA, MultiTaskClassifierBase
from mtlinear.estimators._constraints import ALPHA, COLUMN_RATIO, COMMON, L1_RATIO, Constraints
from mtlinear.estimators._documentation import documented
from mtlinear.estimators._streaming import StreamingRegressorBase
from mtlinear.penalties import Penalty


@dataclass(eq=False, repr=False)
class _Robust(MultiTaskLinearModel):
    """The tasks lie in a common low-dimensional subspace, but for a few outliers: A = L + S.

    %(objective)s

        Omega(A) = alpha * min_{A = L + S} (1 - column_ratio) ||L||_* + column_ratio sum_t ||S[:, t]||_2

    Parameters
    ----------
    alpha : float > 0, default %(alpha)s
        Strength.
    column_ratio : float in (0, 1), default None
        Share of the outliers' part S. None takes (1 - column_ratio) / column_ratio = n_tasks^(1/4). Where a value
        leaves only one of the parts, a warning says so. ``parameters_.outlier_tasks()`` names the tasks with a column
        in S.

    References
    ----------
    Chen, Zhou & Ye (2011), KDD.
    """

    _parameter_constraints: ClassVar[Constraints] = ALPHA | COLUMN_RATIO | COMMON

    alpha: float = 1.0
    _: KW_ONLY
    column_ratio: float | None = None

    def _make_penalty(self) -> Penalty:
        return penalties.Robust(self.alpha, self.column_ratio)


@documented
class RobustRegressor(_Robust, StreamingRegressorBase):
    """Squared loss.

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
    """Logistic loss.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from mtlinear import RobustClassifier
    >>> X, y = load_iris(return_X_y=True)              # three classes: three one-vs-rest tasks
    >>> model = RobustClassifier().fit(X, y)
    >>> list(model.parameters_.parts), model.score(X, y) > 0.8
    (['L', 'S'], True)
    """

    alpha: float = CLASSIFIER_ALPHA


@dataclass(eq=False, repr=False)
class _RobustFeatures(MultiTaskLinearModel):
    """A few features matter, the same for all tasks but a few outliers: rMTFL, A = P + Q.

    %(objective)s

        Omega(A) = alpha * min_{A = P + Q} (1 - column_ratio) sum_j ||P[j, :]||_2 + column_ratio sum_t ||Q[:, t]||_2

    Parameters
    ----------
    alpha : float > 0, default %(alpha)s
        Strength.
    column_ratio : float in (0, 1), default None
        Share of the outliers' part Q. None takes (1 - column_ratio) / column_ratio = (n_tasks / n_features)^(1/4).
        Where a value leaves only one of the parts, a warning says so. ``parameters_.outlier_tasks()`` names the tasks
        with a column in Q.

    References
    ----------
    Gong, Ye & Zhang (2012), KDD.
    """

    _parameter_constraints: ClassVar[Constraints] = ALPHA | COLUMN_RATIO | COMMON

    alpha: float = 1.0
    _: KW_ONLY
    column_ratio: float | None = None

    def _make_penalty(self) -> Penalty:
        return penalties.RobustFeatures(self.alpha, self.column_ratio)


@documented
class RobustFeaturesRegressor(_RobustFeatures, StreamingRegressorBase):
    """Squared loss.

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
    """Logistic loss.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from mtlinear import RobustFeaturesClassifier
    >>> X, y = load_iris(return_X_y=True)              # three classes: three one-vs-rest tasks
    >>> model = RobustFeaturesClassifier().fit(X, y)
    >>> list(model.parameters_.parts), model.score(X, y) > 0.8
    (['P', 'Q'], True)
    """

    alpha: float = CLASSIFIER_ALPHA


@dataclass(eq=False, repr=False)
class _SparseLowRank(MultiTaskLinearModel):
    """The tasks lie in a common low-dimensional subspace, but for single parameters: A = L + S.

    %(objective)s

        Omega(A) = alpha * min_{A = L + S} (1 - l1_ratio) ||L||_* + l1_ratio sum_jt |S[j, t]|

    Parameters
    ----------
    alpha : float > 0, default %(alpha)s
        Strength.
    l1_ratio : float in (0, 1), default None
        Share of the sparse part S. None takes (1 - l1_ratio) / l1_ratio = (n_features n_tasks)^(1/4). Where a value
        leaves only one of the parts, a warning says so.

    References
    ----------
    Chen, Liu & Ye (2010), KDD; (2012), ACM TKDD 5.
    """

    _parameter_constraints: ClassVar[Constraints] = ALPHA | L1_RATIO | COMMON

    alpha: float = 1.0
    _: KW_ONLY
    l1_ratio: float | None = None

    def _make_penalty(self) -> Penalty:
        return penalties.SparseLowRank(self.alpha, self.l1_ratio)


@documented
class SparseLowRankRegressor(_SparseLowRank, StreamingRegressorBase):
    """Squared loss.

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
    """Logistic loss.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from mtlinear import SparseLowRankClassifier
    >>> X, y = load_iris(return_X_y=True)              # three classes: three one-vs-rest tasks
    >>> model = SparseLowRankClassifier().fit(X, y)
    >>> list(model.parameters_.parts), model.score(X, y) > 0.8
    (['L', 'S'], True)
    """

    alpha: float = CLASSIFIER_ALPHA
