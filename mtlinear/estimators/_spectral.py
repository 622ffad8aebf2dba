"""Task vectors in a subspace or in clusters, or with a learned covariance: penalties on the spectrum of A."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

from sklearn.utils.validation import check_is_fitted

from mtlinear import penalties
from mtlinear._typing import Array
from mtlinear._validation import Number
from mtlinear.estimators._base import MultiTaskLinearModel
from mtlinear.estimators._base_classifier import CLASSIFIER_ALPHA, MultiTaskClassifierBase
from mtlinear.estimators._constraints import ALPHA, CLUSTERS, COMMON, Constraints
from mtlinear.estimators._documentation import documented
from mtlinear.estimators._streaming import StreamingRegressorBase
from mtlinear.penalties import Penalty


@dataclass(eq=False, repr=False)
class _TraceNorm(MultiTaskLinearModel):
    """The parameters of all tasks lie in a common low-dimensional subspace: trace norm.

    %(objective)s

        Omega(A) = alpha * (sum of the singular values of A)

    Parameters
    ----------
    alpha : float > 0, default %(alpha)s
        Strength.

    References
    ----------
    Argyriou, Evgeniou & Pontil (2007), NIPS 19. Ji & Ye (2009), ICML.
    """

    _parameter_constraints: ClassVar[Constraints] = ALPHA | COMMON

    alpha: float = 1.0

    def _make_penalty(self) -> Penalty:
        return penalties.TraceNorm(self.alpha)


@documented
class TraceNormRegressor(_TraceNorm, StreamingRegressorBase):
    """Squared loss.

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
@dataclass(eq=False, repr=False)
class TraceNormClassifier(_TraceNorm, MultiTaskClassifierBase):
    """Logistic loss.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from mtlinear import TraceNormClassifier
    >>> X, y = load_iris(return_X_y=True)              # three classes: three one-vs-rest tasks
    >>> model = TraceNormClassifier().fit(X, y)
    >>> model.coef_.shape, model.score(X, y) > 0.8
    ((3, 4), True)
    """

    alpha: float = CLASSIFIER_ALPHA


@dataclass(eq=False, repr=False)
class _Clustered(MultiTaskLinearModel):
    """The tasks fall into clusters: the convex relaxation of clustered multi-task learning.

    %(objective)s

        Omega(A) = 1/2 * min_Sigma tr(A Sigma^-1 A')     (mean, between- and within-cluster variance; see
                                                         `mtlinear.penalties.Clustered`)

    Parameters
    ----------
    n_clusters : int in [1, n_tasks], default 2
        Number of clusters; a single task is always one cluster.
    alpha : float > 0, default %(alpha)s
        Strength on the variance within clusters.
    between_ratio : float in (0, 1], default 0.1
        Strength on the variance between clusters, as a fraction of alpha.
    mean_ratio : float >= 0 or None, default 0.0
        Strength on the mean, as a fraction of alpha. None: the mean is not treated apart (Zhou et al. 2011). A single
        task is its own mean: with 0 it is left unpenalised.

    References
    ----------
    Jacob, Bach & Vert (2009), NIPS 21. Zhou, Chen & Ye (2011), NIPS 24. McDonald, Pontil & Stamos (2016), JMLR 17.
    """

    _parameter_constraints: ClassVar[Constraints] = ALPHA | CLUSTERS | COMMON

    n_clusters: int = 2
    alpha: float = 1.0
    _: KW_ONLY
    between_ratio: float = 0.1
    mean_ratio: float | None = 0.0

    def _make_penalty(self) -> Penalty:
        return penalties.Clustered(self.n_clusters, self.alpha, self.between_ratio, self.mean_ratio)


@documented
class ClusteredRegressor(_Clustered, StreamingRegressorBase):
    """Squared loss.

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
@dataclass(eq=False, repr=False)
class ClusteredClassifier(_Clustered, MultiTaskClassifierBase):
    """Logistic loss.

    Parameters
    ----------
    mean_ratio
        Where an unpenalised mean separates the classes there is no minimum, and a warning says so.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from mtlinear import ClusteredClassifier
    >>> X, y = load_iris(return_X_y=True)              # three classes: three one-vs-rest tasks
    >>> model = ClusteredClassifier().fit(X, y)
    >>> model.coef_.shape, model.score(X, y) > 0.8
    ((3, 4), True)
    """

    alpha: float = CLASSIFIER_ALPHA


@dataclass(eq=False, repr=False)
class _FeatureLearning(MultiTaskLinearModel):
    """The tasks use a few learned features, the same ones: convex multi-task feature learning.

    %(objective)s

        Omega(A) = alpha/2 min_D tr(A' D^-1 A) = alpha/2 ||A||_*^2,      D >= 0, tr D = 1

    Parameters
    ----------
    alpha : float > 0, default %(alpha)s
        Strength.
    diagonal : bool, default False
        True selects features instead of learning combinations of them: D is diagonal, and Omega(A) is
        ``alpha/2 (sum_j ||A[j, :]||_2)^2``.

    Attributes
    ----------
    feature_covariance_ : ndarray of shape (n_features, n_features)
        The learned D; its eigenvectors are the learned features.

    References
    ----------
    Argyriou, Evgeniou & Pontil (2007), NIPS 19; (2008), Machine Learning 73.
    """

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


@documented
class FeatureLearningRegressor(_FeatureLearning, StreamingRegressorBase):
    """Squared loss.

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
    """Logistic loss.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from mtlinear import FeatureLearningClassifier
    >>> X, y = load_iris(return_X_y=True)              # three classes: three one-vs-rest tasks
    >>> model = FeatureLearningClassifier().fit(X, y)
    >>> model.feature_covariance_.shape, model.score(X, y) > 0.8
    ((4, 4), True)
    """

    alpha: float = CLASSIFIER_ALPHA


@dataclass(eq=False, repr=False)
class _TaskRelationship(MultiTaskLinearModel):
    """Tasks are related, positively or negatively, and how is learned from the data: MTRL.

    %(objective)s

        Omega(A) = ridge_ratio alpha/2 ||A||_F^2 + alpha/2 min_S tr(A S^-1 A'),      S >= 0, tr S = 1

    Parameters
    ----------
    alpha : float > 0, default %(alpha)s
        Strength.
    ridge_ratio : float >= 0, default 0.1
        Strength of the first term as a fraction of alpha.

    Attributes
    ----------
    task_covariance_ : ndarray of shape (n_tasks, n_tasks)
        The learned S, ``(A'A)^(1/2)`` over its trace.

    References
    ----------
    Zhang & Yeung (2010), UAI.
    """

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
class TaskRelationshipRegressor(_TaskRelationship, StreamingRegressorBase):
    """Squared loss.

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
    """Logistic loss.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from mtlinear import TaskRelationshipClassifier
    >>> X, y = load_iris(return_X_y=True)              # three classes: three one-vs-rest tasks
    >>> model = TaskRelationshipClassifier().fit(X, y)
    >>> model.task_covariance_.shape, model.score(X, y) > 0.8
    ((3, 3), True)
    """

    alpha: float = CLASSIFIER_ALPHA
