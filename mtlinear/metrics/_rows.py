"""Truth and prediction cut into tasks, and the task column of X."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import _check_sample_weight

from mtlinear._tasks import read_labels, split_task_column
from mtlinear._typing import Array, Labels


@dataclass(frozen=True)
class TaskRows:
    """The observed rows of one task that have a positive weight."""

    task: Any
    y_true: Labels
    y_pred: Labels
    weights: Array | None


def rows_by_task(
    y_true: ArrayLike, y_pred: ArrayLike, tasks: ArrayLike | None, sample_weight: ArrayLike | None
) -> list[TaskRows]:
    """Truth and prediction of every task, in the order of the columns or of the sorted labels.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_rows,) or (n_rows, n_tasks)
    tasks : array-like of shape (n_rows,) or None
    sample_weight : array-like of shape (n_rows,) or None
    """
    names = getattr(y_true, "columns", None)
    truth, predicted = _matching(y_true, y_pred)
    weights = read_weights(sample_weight, len(truth))
    if tasks is not None:
        if truth.ndim == 2 and truth.shape[1] > 1:
            raise ValueError(
                f"tasks names the task of every row, so y_true must be 1-D; it has shape {truth.shape}, where the "
                "columns are the tasks."
            )
        truth, predicted = truth.reshape(len(truth)), predicted.reshape(len(truth))
        labels = read_labels("tasks", tasks, len(truth))
    if truth.ndim == 1:
        if np.any(missing(truth)):
            raise ValueError("y_true contains NaN; only a 2-D y_true may have entries that are not observed.")
        if tasks is None:
            return [_rows(0, truth, predicted, weights, np.ones(len(truth), dtype=bool))]
        return [_rows(task, truth, predicted, weights, labels == task) for task in np.unique(labels).tolist()]
    columns = list(range(truth.shape[1])) if names is None else list(names)
    if len(set(columns)) < len(columns):
        raise ValueError(f"the column names of y_true are the tasks and must differ, got {columns}.")
    observed = ~missing(truth)
    return [_rows(t, truth[:, k], predicted[:, k], weights, observed[:, k]) for k, t in enumerate(columns)]


def _matching(y_true: ArrayLike, y_pred: ArrayLike) -> tuple[Labels, Labels]:
    """Both as arrays of one shape; (n,) and (n, 1) match."""
    truth, predicted = np.asarray(y_true), np.asarray(y_pred)
    if truth.ndim not in (1, 2) or truth.size == 0:
        raise ValueError(f"y_true must be 1-D or 2-D and not empty, got shape {truth.shape}.")
    if truth.shape != predicted.shape:
        if truth.size != predicted.size or truth.size != len(truth) or len(truth) != len(predicted):
            raise ValueError(f"y_true has shape {truth.shape}, but y_pred has shape {predicted.shape}.")
        predicted = predicted.reshape(truth.shape)
    return truth, predicted


def _rows(task: Any, truth: Labels, predicted: Labels, weights: Array | None, kept: np.ndarray) -> TaskRows:
    if weights is not None:
        kept = kept & (weights > 0)
    return TaskRows(task, plain(truth[kept]), plain(predicted[kept]), None if weights is None else weights[kept])


def read_weights(sample_weight: ArrayLike | None, n_rows: int) -> Array | None:
    """Non-negative weights, one per row and not all zero, or None."""
    if sample_weight is None:
        return None
    weights = _check_sample_weight(sample_weight, np.empty((n_rows, 1)), dtype=np.float64, ensure_non_negative=True)
    if not np.any(weights > 0):
        raise ValueError("sample_weight is zero for every row; at least one must be positive.")
    return weights


def missing(values: Labels) -> np.ndarray:
    """True where an entry is NaN, None or pandas.NA."""
    if values.dtype.kind == "f":
        return np.isnan(values)
    if values.dtype.kind != "O":
        return np.zeros(values.shape, dtype=bool)
    flat = [x is None or type(x).__name__ == "NAType" or (isinstance(x, float) and x != x) for x in values.ravel()]
    return np.array(flat, dtype=bool).reshape(values.shape)


def varies(y: Labels) -> bool:
    """More than one value: a constant (so also a single row) has no variance to explain and no two classes."""
    return len(y) > 0 and bool(np.any(y != y[0]))


def plain(values: Labels) -> Labels:
    """Entries of an object array as an array of their own type: scikit-learn cannot tell what an object array is."""
    return np.array(values.tolist()) if values.dtype.kind == "O" and len(values) else values


def task_column(X: Any, task_feature: Any) -> Labels:
    """Task label of every row, from the column ``task_feature`` (name or position) of X."""
    if not hasattr(X, "columns") and not hasattr(X, "shape"):
        X = np.array(X, dtype=object)  # a list: numbers beside strings keep their type
    if len(X.shape) != 2:
        raise ValueError(f"X must be 2-D to have a task column (task_feature={task_feature!r}), got shape {X.shape}.")
    names = getattr(X, "columns", None)
    column = split_task_column(X, task_feature, None if names is None else np.asarray(names))[1]
    if hasattr(column, "toarray"):
        column = column.toarray()
    return read_labels("the task column of X", column, X.shape[0])
