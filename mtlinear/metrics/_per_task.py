"""One score per task, and one number for all tasks."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import accuracy_score, explained_variance_score, mean_squared_error, r2_score, roc_auc_score

from mtlinear._typing import Labels
from mtlinear.metrics._rows import TaskRows, rows_by_task, varies

_PARAMETERS = """

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_rows, n_tasks) or (n_rows,)
        2-D: each column is a task; NaN in ``y_true`` is not observed, and the prediction there is not looked at.
        1-D: ``tasks`` names the task of every row; without it there is one task, 0.
    tasks : array-like of shape (n_rows,), default None
        Task labels, numbers or strings, for a 1-D y.
    sample_weight : array-like of shape (n_rows,), default None
        Non-negative weights; a row of weight zero is left out.

    Returns
    -------
    dict
        Score (float) of every task: keys are the columns (their names if ``y_true`` is a DataFrame, else 0, 1, ...) or
        the sorted labels.

    Raises
    ------
    ValueError, TypeError
        Naming the argument, if shapes or labels do not fit, or a 1-D ``y_true`` has NaN.
"""


def _shared_parameters(function: Callable[..., Any]) -> Callable[..., Any]:
    """Put the parameters that all these functions have where the docstring says ``{parameters}``."""
    function.__doc__ = (function.__doc__ or "").replace("\n\n    {parameters}\n", _PARAMETERS + "\n")
    return function


def score_per_task(
    metric: Callable[..., float],
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    tasks: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> dict[Any, float]:
    """Any score, task by task: ``metric(y_t, prediction_t)`` over the observed rows of each task t.

    The metric is used as it is: scikit-learn's ``r2_score`` gives a constant target 0 or 1, where `r2_per_task` says
    NaN. A task without an observed row gets NaN.

    Parameters
    ----------
    metric : callable
        ``metric(y_true, y_pred)`` -> float, for example a function of ``sklearn.metrics``. It is called with
        ``sample_weight=`` as well if there are weights.
    y_true, y_pred, tasks, sample_weight
        As in `r2_per_task`.

    Returns
    -------
    dict
        Score (float) of every task.

    Raises
    ------
    ValueError, TypeError
        As in `r2_per_task`.

    Examples
    --------
    >>> from sklearn.metrics import max_error
    >>> from mtlinear.metrics import score_per_task
    >>> score_per_task(max_error, [1.0, 2.0, 3.0], [1.0, 4.0, 2.5], tasks=["a", "a", "b"])
    {'a': 2.0, 'b': 0.5}
    """
    if not callable(metric):
        raise TypeError(f"metric must be a function of (y_true, y_pred), got {metric!r}.")
    return _scores(metric, _any_row, rows_by_task(y_true, y_pred, tasks, sample_weight))


def _scores(metric: Callable[..., Any], defined: Callable[[Labels], bool], rows: list[TaskRows]) -> dict[Any, float]:
    scores = {}
    for part in rows:
        weights = {} if part.weights is None else {"sample_weight": part.weights}
        known = defined(part.y_true)
        scores[part.task] = float(metric(part.y_true, part.y_pred, **weights)) if known else float("nan")
    return scores


def _any_row(y: Labels) -> bool:
    return len(y) > 0


@_shared_parameters
def r2_per_task(
    y_true: ArrayLike, y_pred: ArrayLike, *, tasks: ArrayLike | None = None, sample_weight: ArrayLike | None = None
) -> dict[Any, float]:
    """R2 of every task, ``1 - sum (y - p)^2 / sum (y - mean of the task)^2``; NaN where the target is constant.

    {parameters}
    References
    ----------
    ``sklearn.metrics.r2_score``, which differs for a constant target: it says 0 or 1.

    Examples
    --------
    >>> from mtlinear.metrics import r2_per_task
    >>> r2_per_task([1.0, 3.0, 5.0, 7.0], [1.0, 3.0, 7.0, 7.0], tasks=["north", "north", "south", "south"])
    {'north': 1.0, 'south': -1.0}
    """
    return _scores(r2_score, varies, rows_by_task(y_true, y_pred, tasks, sample_weight))


@_shared_parameters
def mean_squared_error_per_task(
    y_true: ArrayLike, y_pred: ArrayLike, *, tasks: ArrayLike | None = None, sample_weight: ArrayLike | None = None
) -> dict[Any, float]:
    """Mean squared error of every task, ``mean (y - p)^2``; NaN where no row is observed.

    {parameters}
    References
    ----------
    ``sklearn.metrics.mean_squared_error``.

    Examples
    --------
    >>> from mtlinear.metrics import mean_squared_error_per_task
    >>> mean_squared_error_per_task([[1.0, 0.0], [float("nan"), 2.0]], [[1.5, 0.0], [9.0, 0.0]])
    {0: 0.25, 1: 2.0}
    """
    return _scores(mean_squared_error, _any_row, rows_by_task(y_true, y_pred, tasks, sample_weight))


@_shared_parameters
def explained_variance_per_task(
    y_true: ArrayLike, y_pred: ArrayLike, *, tasks: ArrayLike | None = None, sample_weight: ArrayLike | None = None
) -> dict[Any, float]:
    """Explained variance of every task, ``1 - var(y - p) / var(y)``; NaN where the target is constant.

    {parameters}
    References
    ----------
    ``sklearn.metrics.explained_variance_score``: an error that is constant within a task does not count. For
    one number over all rows see `total_explained_variance`.

    Examples
    --------
    >>> from mtlinear.metrics import explained_variance_per_task
    >>> explained_variance_per_task([1.0, 3.0, 5.0, 5.0], [2.0, 4.0, 5.0, 5.0], tasks=[1, 1, 2, 2])
    {1: 1.0, 2: nan}
    """
    return _scores(explained_variance_score, varies, rows_by_task(y_true, y_pred, tasks, sample_weight))


@_shared_parameters
def accuracy_per_task(
    y_true: ArrayLike, y_pred: ArrayLike, *, tasks: ArrayLike | None = None, sample_weight: ArrayLike | None = None
) -> dict[Any, float]:
    """Share of rows of every task whose label is right; NaN where no row is observed.

    {parameters}
    References
    ----------
    ``sklearn.metrics.accuracy_score``.

    Examples
    --------
    >>> from mtlinear.metrics import accuracy_per_task
    >>> accuracy_per_task(["yes", "no", "no", "no"], ["yes", "no", "yes", "no"], tasks=[1, 1, 2, 2])
    {1: 1.0, 2: 0.5}
    """
    return _scores(accuracy_score, _any_row, rows_by_task(y_true, y_pred, tasks, sample_weight))


@_shared_parameters
def roc_auc_per_task(
    y_true: ArrayLike, y_pred: ArrayLike, *, tasks: ArrayLike | None = None, sample_weight: ArrayLike | None = None
) -> dict[Any, float]:
    """Area under the ROC curve of every task; NaN where a task shows one class only.

    ``y_pred`` holds scores: log-odds, or the probability of the larger label.

    {parameters}
    References
    ----------
    ``sklearn.metrics.roc_auc_score``.

    Examples
    --------
    >>> from mtlinear.metrics import roc_auc_per_task
    >>> roc_auc_per_task([[0, 0], [1, 0], [0, 0]], [[-1.0, 0.3], [2.0, 0.1], [3.0, 0.2]])
    {0: 0.5, 1: nan}
    """
    rows = rows_by_task(y_true, y_pred, tasks, sample_weight)
    for part in rows:
        classes = np.unique(part.y_true)
        if len(classes) > 2:
            raise ValueError(
                f"y_true must have two classes in every task for the ROC AUC, but task {part.task!r} has "
                f"{len(classes)}: {classes[:5].tolist()}{' ...' if len(classes) > 5 else ''}."
            )
    return _scores(roc_auc_score, varies, rows)


def macro_average(scores: Mapping[Any, float]) -> float:
    """Mean of the scores of all tasks, each task counting the same: ``mean over t of score_t``.

    Tasks without a score (NaN: constant target, one class, no observation) are left out, with a warning.

    Parameters
    ----------
    scores : mapping
        Score of every task, as the ``*_per_task`` functions return.

    Returns
    -------
    float
        NaN if no task has a score.

    Raises
    ------
    ValueError
        If there is no task.

    Warns
    -----
    UndefinedMetricWarning
        If tasks are left out; it names them.

    Examples
    --------
    >>> from mtlinear.metrics import macro_average
    >>> macro_average({"north": 0.5, "south": 1.0})
    0.75
    """
    if not isinstance(scores, Mapping):
        raise TypeError(f"scores must map every task to its score, got {scores!r}.")
    if not scores:
        raise ValueError("scores is empty; there is no task to average over.")
    unscored = [task for task, score in scores.items() if np.isnan(score)]
    if unscored:
        shown = ", ".join(map(repr, unscored[:5])) + (", ..." if len(unscored) > 5 else "")
        warnings.warn(
            f"{len(unscored)} of {len(scores)} tasks have no score (constant target, one class, or no observed row) "
            f"and are left out of the average: {shown}.",
            UndefinedMetricWarning,
            stacklevel=2,
        )
    known = [score for score in scores.values() if not np.isnan(score)]
    return float(np.mean(known)) if known else float("nan")


def total_explained_variance(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    tasks: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    about: str = "overall",
) -> float:
    """Share of the variance of all rows together that is explained: ``1 - SSE / SST``, tasks pooled.

    SSE = sum (y - p)^2, SST = sum (y - mean)^2, both over the observed entries of all tasks. Papers on the School data
    report such a percentage, but not all with the same mean: see ``about`` before comparing with one of them.

    Parameters
    ----------
    y_true, y_pred, tasks, sample_weight
        As in `r2_per_task`. ``tasks`` matter only for ``about="task"``.
    about : {"overall", "task"}, default "overall"
        The mean in SST: one for all rows, or one per task, which takes the differences between the levels of the tasks
        out of the variance to be explained and never gives the larger score.

    Returns
    -------
    float
        At most 1; NaN, with a warning, if SST is zero.

    Raises
    ------
    ValueError, TypeError
        Naming the argument, as in `r2_per_task`.

    Warns
    -----
    UndefinedMetricWarning
        If the target is constant.

    Notes
    -----
    Papers on the School data mean different things by "explained variance", and the definition matters more than the
    model: docs/school.md has what was found, and results under each. ``about="task"`` takes the variance within tasks.

    Examples
    --------
    >>> from mtlinear.metrics import total_explained_variance
    >>> y, p, tasks = [1.0, 3.0, 5.0, 7.0], [1.0, 3.0, 6.0, 7.0], ["north", "north", "south", "south"]
    >>> total_explained_variance(y, p)
    0.95
    >>> total_explained_variance(y, p, tasks=tasks, about="task")
    0.75
    """
    if about not in ("overall", "task"):
        raise ValueError(f"about must be 'overall' or 'task', got {about!r}.")
    rows = [part for part in rows_by_task(y_true, y_pred, tasks, sample_weight) if len(part.y_true)]
    truth = [part.y_true.astype(np.float64) for part in rows]
    predicted = [part.y_pred.astype(np.float64) for part in rows]
    if about == "task":  # errors stay as they are, and the pooled mean becomes zero
        means = [np.average(part.y_true, weights=part.weights) for part in rows]
        constant = not any(varies(part.y_true) for part in rows)
        truth = [y - mean for y, mean in zip(truth, means, strict=True)]
        predicted = [p - mean for p, mean in zip(predicted, means, strict=True)]
    else:
        constant = not rows or not varies(np.concatenate(truth))
    if constant:
        warnings.warn(
            "y_true is constant: there is no variance to explain, and the score is NaN.",
            UndefinedMetricWarning,
            stacklevel=2,
        )
        return float("nan")
    weights = None if sample_weight is None else np.concatenate([part.weights for part in rows])
    return float(r2_score(np.concatenate(truth), np.concatenate(predicted), sample_weight=weights))
