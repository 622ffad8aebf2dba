"""Models that learn a covariance along, of the features or of the tasks, as regressors and classifiers."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

from sklearn.utils.validation import check_is_fitted

from mtlinear import penalties
from mtlinear._typing import Array
from mtlinear._validation import Number
from mtlinear.estimators._base import MultiTaskLinearModel
from mtlinear.estimators._base_classifier import MultiTaskClassifierBase
from mtlinear.estimators._constraints import ALPHA, COMMON, Constraints
from mtlinear.estimators._documentation import documented
from mtlinear.estimators._streaming import StreamingRegressorBase
from mtlinear.penalties import Penalty

#: As for the other classifiers: the derivative of the logistic loss is at most 1.
_CLASSIFIER_ALPHA = 0.01


@dataclass(eq=False, repr=False)
class _FeatureLearning(MultiTaskLinearModel):
    """A few learned features, the same for all tasks (convex multi-task feature learning): parameters and penalty."""

    _parameter_constraints: ClassVar[Constraints] = ALPHA | {"diagonal": ["boolean"]} | COMMON

    alpha: float = 1.0
    _: KW_ONLY
    diagonal: bool = False

    def _make_penalty(self) -> Penalty:
        return penalties.FeatureLearning(self.alpha, self.diagonal)

    @property
    def feature_covariance_(self) -> Array:
        """The learned covariance D of the features (n_features, n_features), trace 1."""
        check_is_fitted(self)
        return penalties.FeatureLearning(self.alpha, self.diagonal).feature_covariance(self.parameters_.values)


@dataclass(eq=False, repr=False)
class _TaskRelationship(MultiTaskLinearModel):
    """How the tasks are related is learned as their covariance (MTRL): parameters and penalty."""

    _parameter_constraints: ClassVar[Constraints] = ALPHA | {"ridge_ratio": [Number(at_least=0)]} | COMMON

    alpha: float = 1.0
    _: KW_ONLY
    ridge_ratio: float = 0.1

    def _make_penalty(self) -> Penalty:
        return penalties.TaskRelationship(self.alpha, self.ridge_ratio)

    @property
    def task_covariance_(self) -> Array:
        """The learned covariance of the tasks (n_tasks, n_tasks), trace 1."""
        check_is_fitted(self)
        return penalties.TaskRelationship(self.alpha, self.ridge_ratio).task_covariance(self.parameters_.values)


@documented
class FeatureLearningRegressor(_FeatureLearning, StreamingRegressorBase):
    """The tasks use a few learned features, the same ones: convex multi-task feature learning; squared loss.

    %(objective)s

        Omega(A) = alpha/2 min_D tr(A' D^-1 A) = alpha/2 ||A||_*^2,      D >= 0, tr D = 1

    Parameters
    ----------
    alpha : float > 0, default 1.0
        Strength.
    diagonal : bool, default False
        True selects features instead of learning combinations of them: D is diagonal, and Omega(A) is
        ``alpha/2 (sum_j ||A[j, :]||_2)^2``.
    %(common)s
    feature_covariance_ : ndarray of shape (n_features, n_features)
        The learned D; its eigenvectors are the learned features.

    References
    ----------
    Argyriou, Evgeniou & Pontil (2007), NIPS 19; (2008), Machine Learning 73.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlinear import FeatureLearningRegressor
    >>> X = np.random.default_rng(0).standard_normal((50, 4))
    >>> Y = (X[:, [0]] + X[:, [1]]) @ [[1.0, -2.0, 3.0]]   # one feature: the sum of two
    >>> FeatureLearningRegressor(alpha=0.1).fit(X, Y).feature_covariance_[:2, :2].round(1)
    array([[0.5, 0.5],
           [0.5, 0.5]])
    """


@documented
@dataclass(eq=False, repr=False)
class FeatureLearningClassifier(_FeatureLearning, MultiTaskClassifierBase):
    """The tasks use a few learned features, the same ones: convex multi-task feature learning; logistic loss.

    %(objective)s

        Omega(A) = alpha/2 min_D tr(A' D^-1 A) = alpha/2 ||A||_*^2,      D >= 0, tr D = 1

    Parameters
    ----------
    alpha : float > 0, default 0.01
        Strength.
    diagonal : bool, default False
        True selects features instead of learning combinations of them: D is diagonal, and Omega(A) is
        ``alpha/2 (sum_j ||A[j, :]||_2)^2``.
    %(common)s
    feature_covariance_ : ndarray of shape (n_features, n_features)
        The learned D; its eigenvectors are the learned features.

    References
    ----------
    Argyriou, Evgeniou & Pontil (2007), NIPS 19; (2008), Machine Learning 73.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from mtlinear import FeatureLearningClassifier
    >>> X, y = load_iris(return_X_y=True)              # three classes: three one-vs-rest tasks
    >>> model = FeatureLearningClassifier().fit(X, y)
    >>> model.feature_covariance_.shape, model.score(X, y) > 0.8
    ((4, 4), True)
    """

    alpha: float = _CLASSIFIER_ALPHA


@documented
class TaskRelationshipRegressor(_TaskRelationship, StreamingRegressorBase):
    """Tasks are related, positively or negatively, and how is learned from the data: MTRL; squared loss.

    %(objective)s

        Omega(A) = ridge_ratio alpha/2 ||A||_F^2 + alpha/2 min_S tr(A S^-1 A'),      S >= 0, tr S = 1

    Parameters
    ----------
    alpha : float > 0, default 1.0
        Strength.
    ridge_ratio : float >= 0, default 0.1
        Strength of the first term as a fraction of alpha.
    %(common)s
    task_covariance_ : ndarray of shape (n_tasks, n_tasks)
        The learned S, ``(A'A)^(1/2)`` over its trace.

    References
    ----------
    Zhang & Yeung (2010), UAI.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlinear import TaskRelationshipRegressor
    >>> X = np.random.default_rng(0).standard_normal((50, 4))
    >>> Y = X[:, [0]] @ [[1.0, 1.0, -1.0]]
    >>> TaskRelationshipRegressor(alpha=0.01).fit(X, Y).task_covariance_.round(1)
    array([[ 0.3,  0.3, -0.3],
           [ 0.3,  0.3, -0.3],
           [-0.3, -0.3,  0.3]])
    """


@documented
@dataclass(eq=False, repr=False)
class TaskRelationshipClassifier(_TaskRelationship, MultiTaskClassifierBase):
    """Tasks are related, positively or negatively, and how is learned from the data: MTRL; logistic loss.

    %(objective)s

        Omega(A) = ridge_ratio alpha/2 ||A||_F^2 + alpha/2 min_S tr(A S^-1 A'),      S >= 0, tr S = 1

    Parameters
    ----------
    alpha : float > 0, default 0.01
        Strength.
    ridge_ratio : float >= 0, default 0.1
        Strength of the first term as a fraction of alpha.
    %(common)s
    task_covariance_ : ndarray of shape (n_tasks, n_tasks)
        The learned S, ``(A'A)^(1/2)`` over its trace.

    References
    ----------
    Zhang & Yeung (2010), UAI.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from mtlinear import TaskRelationshipClassifier
    >>> X, y = load_iris(return_X_y=True)              # three classes: three one-vs-rest tasks
    >>> model = TaskRelationshipClassifier().fit(X, y)
    >>> model.task_covariance_.shape, model.score(X, y) > 0.8
    ((3, 3), True)
    """

    alpha: float = _CLASSIFIER_ALPHA
