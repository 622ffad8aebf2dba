"""Couplings: positive semidefinite (n_tasks, n_tasks) matrices C that say how alike the functions of two tasks are.

With ``K((x, s), (z, t)) = C[s, t] k(x, z)`` the squared norm of functions f_t of the tasks is ``sum_st Q[s, t] <f_s,
f_t>_k`` with Q the (pseudo-)inverse of C; for the linear kernel k that is ``tr(A Q A')``. So couplings are stated by Q,
in the same strengths as the penalties on A.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator

from mtlinear._tasks import in_order_of_tasks
from mtlinear._typing import Array, Labels
from mtlinear._validation import check_real

#: Eigenvalues below this fraction of the largest are zero.
_RANK = 1e-12
#: ... and negative ones of a matrix that should have none may be so large: what rounding does.
_ROUNDING = 1e-8


class Coupling(BaseEstimator, ABC):
    """How the tasks are related, as a scikit-learn parameter object."""

    #: Names of the parameters that are strengths, in which Q is linear.
    strengths: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def matrix(self, tasks: Labels) -> Array:
        """C for these tasks, sorted labels, after checking the parameters."""


class Regularizer(Coupling):
    """A coupling given by what it penalises: ``C = (sum_k strength_k P_k)^+``."""

    @abstractmethod
    def terms(self, tasks: Labels) -> dict[str, Array]:
        """The matrices P_k by the name of their strength."""

    def matrix(self, tasks: Labels) -> Array:
        return _pseudo_inverse(
            np.sum([float(getattr(self, name)) * P for name, P in self.terms(tasks).items()], axis=0)
        )

    def derivatives(self, tasks: Labels) -> Array:
        """Of C by the logarithms of `strengths`, (n_tasks, n_tasks, n_strengths): ``-strength_k C P_k C``."""
        C, terms = self.matrix(tasks), self.terms(tasks)
        return np.stack([-float(getattr(self, name)) * C @ terms[name] @ C for name in self.strengths], axis=2)


class _Projections(Regularizer):
    """A regularizer whose P_k are orthogonal projections that sum to I: the inverse is exact at any strengths."""

    def matrix(self, tasks: Labels) -> Array:
        return np.sum([P / float(getattr(self, name)) for name, P in self.terms(tasks).items()], axis=0)


class MeanCoupling(_Projections):
    """All tasks near their mean: ``Q = alpha (I - U) + mean_alpha U`` with ``U = 11'/T``.

    With the linear kernel the squared norm is ``alpha sum_t ||a_t - mean||^2 + mean_alpha T ||mean||^2``, twice the
    penalty of `mtlinear.penalties.MeanRegularized`. The kernel ``(1/mu + [s = t]) x.z`` of Evgeniou & Pontil has
    ``alpha = 1`` and ``mean_alpha = mu / (T + mu)``.

    Parameters
    ----------
    alpha : float > 0, default 1.0
        Strength on deviations from the mean; the larger, the more alike the tasks.
    mean_alpha : float > 0, default 1.0
        Strength on the mean. Equal to alpha: no relation between tasks (C is the identity over alpha).

    References
    ----------
    Evgeniou & Pontil (2004), KDD, eq. 6 to 8. Evgeniou, Micchelli & Pontil (2005), JMLR 6, 615-637, section 3.

    Examples
    --------
    >>> import numpy as np
    >>> MeanCoupling(alpha=1.0, mean_alpha=0.5).matrix(np.arange(2))
    array([[1.5, 0.5],
           [0.5, 1.5]])
    """

    strengths = ("alpha", "mean_alpha")

    def __init__(self, alpha: float = 1.0, mean_alpha: float = 1.0):
        self.alpha = alpha
        self.mean_alpha = mean_alpha

    def terms(self, tasks: Labels) -> dict[str, Array]:
        check_real("alpha", self.alpha, above=0.0)
        check_real("mean_alpha", self.mean_alpha, above=0.0)
        U = np.full((len(tasks), len(tasks)), 1.0 / len(tasks))
        return {"alpha": np.eye(len(tasks)) - U, "mean_alpha": U}


class GraphCoupling(Regularizer):
    """Tasks alike along the edges of a graph: ``Q = alpha L + ridge I`` with the Laplacian ``L = diag(W 1) - W``.

    With the linear kernel the squared norm is ``alpha/2 sum_st W[s, t] ||a_s - a_t||^2 + ridge ||A||_F^2``.

    Parameters
    ----------
    graph : array-like of shape (n_tasks, n_tasks)
        Symmetric weights W >= 0 of the edges; the diagonal does not count. Tasks in the order of their sorted labels,
        or a DataFrame with the labels on both sides, or a function of n_tasks like `mtlinear.penalties.chain_graph`.
    alpha : float > 0, default 1.0
        Strength on differences along edges.
    ridge : float >= 0, default 1.0
        Strength on all tasks. With 0 C is the pseudo-inverse of the Laplacian: in each connected component the
        functions of the tasks sum to zero.

    References
    ----------
    Evgeniou, Micchelli & Pontil (2005), JMLR 6, 615-637, section 3.

    Examples
    --------
    >>> import numpy as np
    >>> GraphCoupling([[0, 1], [1, 0]], alpha=1.0, ridge=1.0).matrix(np.arange(2)).round(3)
    array([[0.667, 0.333],
           [0.333, 0.667]])
    """

    strengths = ("alpha", "ridge")

    def __init__(self, graph: Any, alpha: float = 1.0, ridge: float = 1.0):
        self.graph = graph
        self.alpha = alpha
        self.ridge = ridge

    def terms(self, tasks: Labels) -> dict[str, Array]:
        check_real("alpha", self.alpha, above=0.0)
        check_real("ridge", self.ridge, at_least=0.0)
        W = _square("graph", self.graph, tasks)
        if np.any(W < 0):
            raise ValueError(f"graph must hold weights >= 0, got {W.min():g}.")
        W = W - np.diag(np.diag(W))
        return {"alpha": np.diag(W.sum(axis=1)) - W, "ridge": np.eye(len(tasks))}


class ClusterCoupling(_Projections):
    """Tasks in known clusters: ``Q = alpha (I - M) + between_alpha (M - U) + mean_alpha U``.

    M averages within clusters and U over all tasks. With the linear kernel the squared norm is ``alpha sum_t ||a_t -
    mean_of_its_cluster||^2 + between_alpha sum_c T_c ||mean_c - mean||^2 + mean_alpha T ||mean||^2``: twice the
    penalty of `mtlinear.penalties.Clustered`, which finds the clusters (relaxed) where here they are given.

    Parameters
    ----------
    clusters : mapping or array-like of shape (n_tasks,)
        The cluster of each task: by task label (a mapping or Series), or in the order of the sorted labels.
    alpha : float > 0, default 1.0
        Strength within clusters.
    between_alpha, mean_alpha : float > 0, default 0.1, 0.1
        Strength between clusters, and on the mean of all tasks.

    References
    ----------
    Evgeniou, Micchelli & Pontil (2005), JMLR 6, 615-637, section 3. Jacob, Bach & Vert (2009), NIPS 21.

    Examples
    --------
    >>> import numpy as np
    >>> ClusterCoupling([0, 0, 1], alpha=2.0, between_alpha=1.0, mean_alpha=1.0).matrix(np.arange(3))
    array([[0.75, 0.25, 0.  ],
           [0.25, 0.75, 0.  ],
           [0.  , 0.  , 1.  ]])
    """

    strengths = ("alpha", "between_alpha", "mean_alpha")

    def __init__(self, clusters: Any, alpha: float = 1.0, between_alpha: float = 0.1, mean_alpha: float = 0.1):
        self.clusters = clusters
        self.alpha = alpha
        self.between_alpha = between_alpha
        self.mean_alpha = mean_alpha

    def terms(self, tasks: Labels) -> dict[str, Array]:
        for name in self.strengths:
            check_real(name, getattr(self, name), above=0.0)
        codes = np.unique(self._clusters_of(tasks), return_inverse=True)[1]
        indicator = np.eye(codes.max() + 1)[codes]
        M = (indicator / indicator.sum(axis=0)) @ indicator.T
        U = np.full_like(M, 1.0 / len(tasks))
        return {"alpha": np.eye(len(tasks)) - M, "between_alpha": M - U, "mean_alpha": U}

    def _clusters_of(self, tasks: Labels) -> Labels:
        clusters = self.clusters.to_dict() if hasattr(self.clusters, "to_dict") else self.clusters  # a Series
        if isinstance(clusters, Mapping):
            missing = [task for task in tasks.tolist() if task not in clusters]
            if missing:
                raise ValueError(f"clusters has no entry for task(s) {missing[:10]}.")
            return np.array([clusters[task] for task in tasks.tolist()])
        clusters = np.asarray(clusters)
        if clusters.shape != (len(tasks),):
            raise ValueError(
                f"clusters must be a mapping from task to cluster, or {len(tasks)} clusters in the order of the tasks, "
                f"got shape {clusters.shape}."
            )
        return clusters


class MatrixCoupling(Coupling):
    """Any positive semidefinite matrix C between the tasks, for example a covariance that was learned or is known.

    Parameters
    ----------
    C : array-like of shape (n_tasks, n_tasks)
        Tasks in the order of their sorted labels, or a DataFrame with the labels on both sides.

    References
    ----------
    Bonilla, Chai & Williams (2007), NIPS 20 (Gaussian processes with a free-form covariance of the tasks).

    Examples
    --------
    >>> import numpy as np
    >>> MatrixCoupling([[1.0, 0.9], [0.9, 1.0]]).matrix(np.arange(2))
    array([[1. , 0.9],
           [0.9, 1. ]])
    """

    def __init__(self, C: Any):
        self.C = C

    def matrix(self, tasks: Labels) -> Array:
        C = _square("C", self.C, tasks)
        values = np.linalg.eigvalsh(C)
        if values[0] < -_ROUNDING * max(values[-1], 0.0) or values[-1] < 0.0:
            raise ValueError(f"C must be positive semidefinite, but its smallest eigenvalue is {values[0]:g}.")
        return C


def _square(name: str, given: Any, tasks: Labels) -> Array:
    """A symmetric matrix of numbers, in the order of the tasks."""
    given, n_tasks = in_order_of_tasks(name, given, tasks), len(tasks)
    given = given(n_tasks) if callable(given) else given
    try:
        matrix = np.asarray(given.toarray() if hasattr(given, "toarray") else given, dtype=float)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} must be a matrix of numbers, got {given!r} of type {type(given).__name__}.") from error
    if matrix.shape != (n_tasks, n_tasks):
        raise ValueError(f"{name} must have shape ({n_tasks}, {n_tasks}) for {n_tasks} tasks, got {matrix.shape}.")
    if not np.all(np.isfinite(matrix)):
        raise ValueError(f"{name} contains NaN or infinity.")
    if np.max(np.abs(matrix - matrix.T)) > _ROUNDING * np.max(np.abs(matrix)):
        raise ValueError(f"{name} must be symmetric.")
    return 0.5 * (matrix + matrix.T)


def _pseudo_inverse(Q: Array) -> Array:
    values, vectors = np.linalg.eigh(Q)
    kept = values > _RANK * values[-1]
    return (vectors[:, kept] / values[kept]) @ vectors[:, kept].T
