"""Gain of every task by one model over another, from predictions of the same rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import is_classifier
from sklearn.utils.validation import check_is_fitted

from mtlinear._typing import Array, Labels
from mtlinear.metrics._responses import find_task_labels, respond
from mtlinear.metrics._rows import TaskRows, missing, rows_by_task
from mtlinear.plotting._style import one_of
from mtlinear.plotting._unwrap import innermost

#: What one row costs, by the name of the loss.
LOSSES: dict[str, Callable[[Labels, Labels], Array]] = {
    "squared_error": lambda y, p: (y - p) ** 2,
    "log_loss": lambda y, p: -np.log(_inside(np.where(y > 0, p, 1.0 - p))),
    "zero_one": lambda y, p: (y != p).astype(float),
}


def _inside(probabilities: Array) -> Array:
    return np.maximum(probabilities, np.finfo(float).eps)


def task_gains(
    y_true: ArrayLike, y_multi: ArrayLike, y_single: ArrayLike, tasks: ArrayLike | None, loss: str, relative: bool
) -> tuple[list[Any], Array, Array]:
    """Tasks, gain of each, and its standard error, paired by row (NaN for fewer than two rows)."""
    one_of("loss", loss, list(LOSSES))
    for name, predicted in (("y_multi", y_multi), ("y_single", y_single)):
        if np.size(predicted) != np.size(y_true) or len(np.asarray(predicted)) != len(np.asarray(y_true)):
            raise ValueError(f"{name} has shape {np.shape(predicted)}, but y_true has shape {np.shape(y_true)}.")
    if loss == "log_loss":
        _check_probabilities(y_true, y_multi, y_single)
    multi = rows_by_task(y_true, y_multi, tasks, None)
    single = rows_by_task(y_true, y_single, tasks, None)
    found = [_gain(a, b, LOSSES[loss], relative) for a, b in zip(multi, single, strict=True)]
    return [part.task for part in multi], np.array([gain for gain, _ in found]), np.array([error for _, error in found])


def _gain(
    multi: TaskRows, single: TaskRows, loss: Callable[[Labels, Labels], Array], relative: bool
) -> tuple[float, float]:
    n_rows = len(multi.y_true)
    if n_rows == 0:
        return np.nan, np.nan
    before = loss(single.y_true, single.y_pred)
    reductions = before - loss(multi.y_true, multi.y_pred)
    unit = float(before.mean()) if relative else 1.0
    unit = unit if unit > 0 else 1.0
    error = float(reductions.std(ddof=1)) / np.sqrt(n_rows) if n_rows > 1 else np.nan
    return float(reductions.mean()) / unit, error / unit


def _check_probabilities(y_true: ArrayLike, y_multi: ArrayLike, y_single: ArrayLike) -> None:
    truth = np.asarray(y_true)
    labels = set(np.unique(truth[~missing(truth)].astype(float)).tolist()) if truth.dtype.kind in "biufO" else {"?"}
    if not (labels <= {0.0, 1.0} or labels <= {-1.0, 1.0}):
        raise ValueError("y_true must hold 0 and 1 (or -1 and 1) for loss='log_loss': the predictions are those of 1.")
    for name, predicted in (("y_multi", y_multi), ("y_single", y_single)):
        values = np.asarray(predicted)[~missing(truth)] if np.shape(predicted) == truth.shape else np.asarray(predicted)
        if not np.all((values >= 0) & (values <= 1)):
            raise ValueError(f"{name} must hold probabilities for loss='log_loss', between 0 and 1.")


def _labels_in(multi: Any, X: Any) -> Labels | None:
    try:
        return find_task_labels(multi, X)
    except ValueError as error:
        raise ValueError(
            f"tasks must name the task of every row of X: {type(multi).__name__} has no task_feature that says it."
        ) from error


def predicted_pairs(
    multi: Any, single: Any, X: Any, y: ArrayLike, tasks: ArrayLike | None, loss: str | None
) -> tuple[ArrayLike, Labels, Labels, ArrayLike | None, str, list[Any] | None]:
    """y, the predictions of both models, tasks, the loss, and names of columns, ready for `task_gains`."""
    for name, model in (("multi", multi), ("single", single)):
        if not hasattr(model, "predict"):
            raise TypeError(f"{name} must be a fitted estimator, got an object of type {type(model).__name__}.")
        check_is_fitted(model, msg=f"{name} is not fitted yet: call fit of this %(name)s first.")
    classify = is_classifier(multi)
    if classify != is_classifier(single):
        raise TypeError(
            "multi and single must both be regressors or both classifiers, got "
            f"{type(multi).__name__} and {type(single).__name__}."
        )
    if loss is None:
        both = all(hasattr(model, "predict_proba") for model in (multi, single))
        loss = ("log_loss" if both else "zero_one") if classify else "squared_error"
    one_of("loss", loss, list(LOSSES))
    if classify == (loss == "squared_error"):
        raise ValueError(
            f"loss={loss!r} does not fit: 'squared_error' is for regressors, 'log_loss' and 'zero_one' for classifiers."
        )
    columns = list(y.columns) if hasattr(y, "columns") else None
    method = "predict_proba" if loss == "log_loss" else "predict"
    n_labels = np.shape(y)[1] if np.ndim(y) == 2 else 1
    predictions = [respond(model, X, tasks, (method,), n_labels) for model in (multi, single)]
    classes: Any = getattr(multi, "classes_", None) if classify else None
    one_vs_rest = np.ndim(y) == 1 and classes is not None and len(classes) > 2
    if np.ndim(y) == 1 and tasks is None and not one_vs_rest:
        tasks = _labels_in(multi, X)
    if not classify:
        return y, predictions[0], predictions[1], tasks, loss, None
    if one_vs_rest:  # one against the rest: the classes are the tasks
        truth, *predictions = (
            each if each.ndim == 2 else (each[:, None] == classes).astype(float)
            for each in (np.asarray(y), *predictions)
        )
        return truth, predictions[0], predictions[1], None, loss, classes.tolist()
    truth = np.asarray(y)
    if loss == "log_loss":
        pairs = getattr(
            innermost(multi, "multi")[0], "task_classes_", classes
        )  # of a 2-D y; scikit-learn has a list in classes_
        larger = classes[-1] if truth.ndim == 1 else np.array([pair[-1] for pair in pairs])
        truth = np.where(missing(truth), np.nan, (truth == larger).astype(float))
    return truth, predictions[0], predictions[1], tasks, loss, columns
