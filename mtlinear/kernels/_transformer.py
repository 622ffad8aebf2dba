"""The kernel between rows that belong to tasks, as a callable and as a transformer to Gram matrices."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.metrics.pairwise import pairwise_kernels
from sklearn.utils import Tags
from sklearn.utils.validation import check_array, check_is_fitted

from mtlinear._tasks import check_task_column, check_unseen, encode, read_labels, split_task_column
from mtlinear._typing import Array, Indices, Labels
from mtlinear.kernels._couplings import Coupling, MeanCoupling


class MultiTaskKernel(TransformerMixin, BaseEstimator):
    """The kernel ``K((x, s), (z, t)) = C[s, t] k(x, z)`` between rows x of task s and z of task t.

    It turns any kernel machine into one for tasks. As a transformer before one with ``kernel="precomputed"`` (SVC, SVR,
    KernelRidge) it gives the Gram matrix of rows with those of fit, in a Pipeline that can be searched over. As a
    callable (``SVC(kernel=MultiTaskKernel(..., tasks=[0, 1, 2]))``) it needs to be told the tasks. For Gaussian
    processes there is `MultiTaskGPKernel`.

    Parameters
    ----------
    coupling : Coupling, default None
        An object of this module, which gives C. None is ``MeanCoupling()``.
    base_kernel : str or callable, default "linear"
        The kernel k on the features: a name that `sklearn.metrics.pairwise.pairwise_kernels` knows, or a function (X,
        Z) -> (n_rows of X, n_rows of Z), such as a kernel of `sklearn.gaussian_process.kernels`.
    gamma, degree, coef0 : float, default None
        Parameters of kernels that have a name; None is scikit-learn's default.
    task_feature : str or int, default -1
        Column of X (name, or position; negative counts from the end) that holds the task label of each row.
    tasks : array-like, default None
        All task labels. None: those in fit.
    unseen_tasks : {'error', 'mean'}, default 'error'
        What to do with the label of another task: raise, or take the mean function of the tasks.

    Attributes
    ----------
    tasks_ : ndarray of shape (n_tasks,)
        Sorted labels.
    coupling_matrix_ : ndarray of shape (n_tasks, n_tasks)
        C.

    References
    ----------
    Evgeniou & Pontil (2004), KDD. Evgeniou, Micchelli & Pontil (2005), JMLR 6, 615-637, eq. 20.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlinear.kernels import MeanCoupling, MultiTaskKernel
    >>> X = np.array([[1.0, 0], [2.0, 0], [3.0, 1]])     # a feature, and the task
    >>> MultiTaskKernel(MeanCoupling(1.0, 0.5)).fit_transform(X)
    array([[ 1.5,  3. ,  1.5],
           [ 3. ,  6. ,  3. ],
           [ 1.5,  3. , 13.5]])
    """

    def __init__(
        self,
        coupling: Coupling | None = None,
        base_kernel: Any = "linear",
        *,
        gamma: float | None = None,
        degree: float | None = None,
        coef0: float | None = None,
        task_feature: str | int = -1,
        tasks: ArrayLike | None = None,
        unseen_tasks: str = "error",
    ):
        self.coupling = coupling
        self.base_kernel = base_kernel
        self.gamma = gamma
        self.degree = degree
        self.coef0 = coef0
        self.task_feature = task_feature
        self.tasks = tasks
        self.unseen_tasks = unseen_tasks

    def fit(self, X: Any, y: Any = None) -> Self:
        """Keep the rows, and learn which tasks there are.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features + 1)
        y : ignored

        Returns
        -------
        self
        """
        if self.unseen_tasks not in ("error", "mean"):
            raise ValueError(f"unseen_tasks must be 'error' or 'mean', got {self.unseen_tasks!r}.")
        features, labels = self._read(X)
        if self.tasks is None:
            check_task_column(self.task_feature, labels)
        tasks = known_tasks(labels if self.tasks is None else self.tasks)
        coupling_matrix = read_coupling(self.coupling).matrix(tasks)
        self.tasks_, self.coupling_matrix_ = tasks, coupling_matrix
        self._rows = features, self._codes(labels, tasks)
        self.n_features_in_ = np.shape(X)[1]
        return self

    def transform(self, X: Any) -> Array:
        """Kernel between these rows and those of fit.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features + 1)

        Returns
        -------
        ndarray of shape (n_rows, n_rows in fit)
        """
        check_is_fitted(self)
        features, labels = self._read(X)
        return self._product(self.coupling_matrix_, (features, self._codes(labels, self.tasks_)), self._rows)

    def fit_transform(self, X: Any, y: Any = None) -> Array:
        """Gram matrix of these rows, which are kept.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features + 1)
        y : ignored

        Returns
        -------
        ndarray of shape (n_rows, n_rows)
        """
        self.fit(X)
        return self._product(self.coupling_matrix_, self._rows, self._rows)

    def __call__(self, X: Any, Z: Any = None) -> Array:
        """Kernel between the rows of X and of Z (or of X); ``tasks`` must be given.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features + 1)
        Z : array-like of shape (n_other_rows, n_features + 1), default None

        Returns
        -------
        ndarray of shape (n_rows, n_other_rows)
        """
        if self.tasks is None:
            raise ValueError("tasks must be given (all task labels) to use the kernel as a function, without fit.")
        tasks = known_tasks(self.tasks)
        first = self._coded(X, tasks)
        second = first if Z is None else self._coded(Z, tasks)
        return self._product(read_coupling(self.coupling).matrix(tasks), first, second)

    def _coded(self, X: Any, tasks: Labels) -> tuple[Any, Indices]:
        features, labels = self._read(X)
        return features, self._codes(labels, tasks)

    def _codes(self, labels: Labels, tasks: Labels) -> Indices:
        codes = encode(labels, tasks)
        check_unseen(labels, codes, tasks, self.unseen_tasks, self.task_feature)
        return codes

    def _read(self, X: Any) -> tuple[Any, Labels]:
        """Features, and the label of every row."""
        names = getattr(X, "columns", None)
        if names is None:
            X = check_array(X, accept_sparse="csr", dtype=None, ensure_all_finite=False, ensure_min_features=2)
        rest, column, _ = split_task_column(X, self.task_feature, None if names is None else np.asarray(names))
        features = check_array(
            rest, accept_sparse="csr", dtype=(np.float64, np.float32), input_name="X", estimator=self
        )
        return features, read_labels("the task column of X", column, features.shape[0])

    def _product(self, C: Array, first: tuple[Any, Indices], second: tuple[Any, Indices]) -> Array:
        (X, s), (Z, t) = first, second
        return with_mean(C)[np.ix_(s, t)] * self._base(X, Z)

    def _base(self, X: Any, Z: Any) -> Array:
        if isinstance(self.base_kernel, str):
            parameters = {"gamma": self.gamma, "degree": self.degree, "coef0": self.coef0}
            given = {name: value for name, value in parameters.items() if value is not None}
            return pairwise_kernels(X, Z, metric=self.base_kernel, filter_params=True, **given)
        if not callable(self.base_kernel):
            raise TypeError(f"base_kernel must be the name of a kernel or a function, got {self.base_kernel!r}.")
        return self.base_kernel(X, Z)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.string = True
        return tags


def known_tasks(labels: Any) -> Labels:
    """Sorted labels of all tasks."""
    return np.unique(read_labels("tasks", labels, np.shape(labels)[0] if np.ndim(labels) else 0))


def read_coupling(coupling: Coupling | None) -> Coupling:
    """The coupling, or the default one."""
    if coupling is not None and not isinstance(coupling, Coupling):
        raise TypeError(f"coupling must be an object of mtlinear.kernels, like MeanCoupling(), got {coupling!r}.")
    return MeanCoupling() if coupling is None else coupling


def with_mean(C: Array) -> Array:
    """C with the mean task as one more, which code -1 takes."""
    wide = np.vstack([C, C.mean(axis=0)])
    return np.column_stack([wide, wide.mean(axis=1)])
