"""The parameter matrix with its names and views: what a fitted model says about features and tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.cluster import KMeans

from mtlinear._precision import precision_of
from mtlinear._typing import Array, Indices

if TYPE_CHECKING:
    import pandas as pd


class ParameterMatrix:
    """A, (n_features, n_tasks), as a sum of named parts.

    Row j belongs to feature j, column t to task t. A model with one part calls it "A"; the dirty model has "B" (shared)
    and "S" (private), a robust one "L" (the tasks) and "S" (the outliers). Arrays are handed out read-only, float32 if
    the parts are, else float64.

    Parameters
    ----------
    parts : mapping of str to array-like (n_features, n_tasks)
    feature_names : sequence of length n_features, default None
        None numbers them x0, x1, ...
    task_names : sequence of length n_tasks, default None
        None numbers them 0, 1, ...
    clusters : tuple (n_clusters, embedding), default None
        What a clustering penalty found: rows of embedding (n_tasks, k) whose inner products are the relaxed cluster
        matrix; `task_clusters` then groups the tasks by it.

    Examples
    --------
    >>> A = ParameterMatrix({"A": [[1.0, 2.0], [0.0, 0.0]]}, task_names=["left", "right"])
    >>> A.row_norms()
    array([2.23606798, 0.        ])
    >>> A.rank()
    1
    """

    def __init__(
        self,
        parts: Mapping[str, ArrayLike],
        feature_names: Sequence[object] | None = None,
        task_names: Sequence[object] | None = None,
        clusters: tuple[int, Array] | None = None,
    ):
        if not parts:
            raise ValueError("parts must hold at least one matrix.")
        self.parts: dict[str, Array] = {name: _read_only(part) for name, part in parts.items()}
        shapes = {part.shape for part in self.parts.values()}
        if len(shapes) > 1 or len(next(iter(shapes))) != 2:
            raise ValueError(f"parts must all be matrices of one shape, got shapes {sorted(shapes)}.")
        self.values: Array = _read_only(np.sum(list(self.parts.values()), axis=0))
        self.n_features, self.n_tasks = self.values.shape
        self._feature_names = _names("feature_names", feature_names, self.n_features)
        self.task_names = _names("task_names", task_names, self.n_tasks) or list(range(self.n_tasks))
        self._clusters = clusters

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Arrays come back writable from a file."""
        self.__dict__.update(state)
        for array in (self.values, *self.parts.values()):
            array.setflags(write=False)

    def __repr__(self) -> str:
        parts = "" if list(self.parts) == ["A"] else f" = {' + '.join(self.parts)}"
        return f"ParameterMatrix({self.n_features} features x {self.n_tasks} tasks{parts}, rank {self.rank()})"

    @property
    def feature_names(self) -> list[object]:
        """Names of the rows; x0, x1, ... where none were given (made when asked for: a million take a second)."""
        if self._feature_names is None:
            self._feature_names = [f"x{j}" for j in range(self.n_features)]
        return self._feature_names

    def row_norms(self, q: float = 2, part: str | None = None) -> Array:
        """``||A[j, :]||_q`` of every feature, shape (n_features,); q from 1 to inf."""
        return np.linalg.norm(self._part(part), ord=q, axis=1)

    def column_norms(self, q: float = 2, part: str | None = None) -> Array:
        """``||A[:, t]||_q`` of every task, shape (n_tasks,); q from 1 to inf."""
        return np.linalg.norm(self._part(part), ord=q, axis=0)

    def support(self, part: str | None = None) -> NDArray[np.bool_]:
        """Where the parameters are not zero, shape (n_features, n_tasks); of A, or of one part."""
        return self._part(part) != 0.0

    def selected_features(self, part: str | None = None) -> list[object]:
        """Names of the features that at least one task uses."""
        return [self.feature_names[j] for j in np.flatnonzero(self.support(part).any(axis=1))]

    def outlier_tasks(self, part: str | None = None) -> list[object]:
        """Names of the tasks that a part of column groups is needed for: whose column of it is not zero.

        Parameters
        ----------
        part : str, default None
            "S" of a robust model, "Q" of a robust feature model. None: the last part; an error if there is only one.
        """
        if part is None:
            if len(self.parts) < 2:
                raise ValueError("outlier_tasks needs a model with two parts or more, like Robust; this one has one.")
            part = list(self.parts)[-1]
        return [self.task_names[t] for t in np.flatnonzero(self.support(part).any(axis=0))]

    def singular_values(self, part: str | None = None) -> Array:
        """Singular values in descending order."""
        return np.linalg.svd(self._part(part), compute_uv=False)

    def rank(self, tol: float | None = None, part: str | None = None) -> int:
        """Number of singular values above ``tol`` times the largest; None: 1e-10, or 1e-5 for float32."""
        if tol is None:
            tol = 1e-5 if self.values.dtype == np.float32 else 1e-10
        singular_values = self.singular_values(part)
        return int(np.sum(singular_values > tol * np.max(singular_values, initial=0.0)))

    @property
    def mean(self) -> Array:
        """Mean of the task vectors, shape (n_features,): the model for a task that was not seen."""
        return self.values.mean(axis=1)

    @property
    def deviations(self) -> Array:
        """Task vectors minus their mean, shape (n_features, n_tasks)."""
        return self.values - self.mean[:, None]

    def task_similarity(self) -> Array:
        """Correlation of the columns of A, shape (n_tasks, n_tasks); NaN where a task has constant parameters."""
        centered = self.values - self.values.mean(axis=0)
        norms = np.linalg.norm(centered, axis=0)
        norms = np.where(norms > 0, norms, np.nan)
        similarity = np.clip((centered / norms).T @ (centered / norms), -1.0, 1.0)
        return similarity

    def task_clusters(self, n_clusters: int | None = None) -> Indices:
        """Cluster number of every task, shape (n_tasks,), numbered in the order in which they appear.

        For a clustered model the tasks are grouped by k-means on the fitted spectrum (the relaxed cluster matrix); for
        any other model, or another n_clusters, by k-means on the task vectors.

        Parameters
        ----------
        n_clusters : int, default None
            None: the number of clusters of the model; an error for a model that has none.
        """
        rows = self.values.T
        if self._clusters is not None and n_clusters in (None, self._clusters[0]):
            n_clusters, rows = self._clusters
        if n_clusters is None:
            raise ValueError("n_clusters must be given: this model was not fitted with a number of clusters.")
        if not 1 <= n_clusters <= self.n_tasks:
            raise ValueError(f"n_clusters must be between 1 and the number of tasks, {self.n_tasks}, got {n_clusters}.")
        if n_clusters == 1 or rows.shape[1] == 0:
            return np.zeros(self.n_tasks, dtype=np.intp)
        n_different = len(np.unique(rows, axis=0))
        found = KMeans(min(n_clusters, n_different), n_init=20, random_state=0).fit_predict(rows)
        _, first, labels = np.unique(found, return_index=True, return_inverse=True)
        return np.argsort(np.argsort(first))[labels]

    def to_frame(self, part: str | None = None) -> pd.DataFrame:
        """A (or one part) as a pandas DataFrame: features as rows, tasks as columns."""
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError("to_frame needs pandas: pip install pandas, or mtlinear[cli].") from error
        return pd.DataFrame(
            self._part(part).copy(),
            index=pd.Index(self.feature_names, name="feature"),
            columns=pd.Index(self.task_names, name="task"),
        )

    def _part(self, name: str | None) -> Array:
        if name is None:
            return self.values
        if name not in self.parts:
            raise ValueError(f"part must be one of {list(self.parts)} or None, got {name!r}.")
        return self.parts[name]


def _read_only(values: ArrayLike) -> Array:
    array = np.array(values)
    array = array.astype(precision_of(array), copy=False)
    array.setflags(write=False)
    return array


def _names(argument: str, names: Sequence[object] | None, count: int) -> list[object] | None:
    if names is None:
        return None
    if len(names) != count:
        raise ValueError(f"{argument} must have {count} entries, got {len(names)}.")
    return list(names)
