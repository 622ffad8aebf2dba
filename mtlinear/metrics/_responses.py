"""Predictions of any fitted estimator, and the task labels it reads from X."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV
from sklearn.model_selection._search import BaseSearchCV  # the base of all searches has no public name
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import get_routing_for_object

from mtlinear._typing import Labels
from mtlinear.metrics._rows import task_column

#: Meta-estimators that hand X unchanged to one fitted estimator, and where they keep it.
WRAPPERS: tuple[tuple[type, str], ...] = (
    (BaseSearchCV, "best_estimator_"),
    (TransformedTargetRegressor, "regressor_"),
    (FrozenEstimator, "estimator"),
    (TunedThresholdClassifierCV, "estimator_"),
    (FixedThresholdClassifier, "estimator_"),
)


def respond(estimator: Any, X: Any, tasks: Any, methods: tuple[str, ...], n_labels: int = 1) -> Labels:
    """What the first of ``methods`` that the estimator has returns: (n_rows,) or (n_rows, n_tasks).

    Probabilities of two classes become that of the larger one; two columns are two classes if y has one column
    (``n_labels``), and else two labels.
    """
    name = next((m for m in methods if hasattr(estimator, m)), None)
    if name is None:
        raise AttributeError(
            f"{type(estimator).__name__} has none of the methods {', '.join(methods)} to be scored by."
        )
    method = getattr(estimator, name)
    takes_tasks = tasks is not None and _takes_tasks(estimator, name)
    values = method(X, tasks=tasks) if takes_tasks else method(X)
    if isinstance(values, list):  # predict_proba of scikit-learn's multi-label classifiers: (n_rows, 2) per label
        return np.column_stack([block[:, 1] for block in values])
    values = np.asarray(values)
    two_classes = name == "predict_proba" and n_labels == 1 and values.ndim == 2 and values.shape[1] == 2
    return values[:, 1] if two_classes else values


def _takes_tasks(estimator: Any, method: str) -> bool:
    """Whether ``method`` has an argument ``tasks``, or routes it to a step that has."""
    while isinstance(estimator, FrozenEstimator):  # it has the methods of what it holds, but not its routing
        estimator = estimator.estimator
    if "tasks" in inspect.signature(getattr(estimator, method)).parameters:
        return True
    try:
        return bool(get_routing_for_object(estimator).consumes(method, ["tasks"]))
    except NotImplementedError:  # meta-estimators without metadata routing
        return False


def find_task_labels(estimator: Any, X: Any) -> Labels | None:
    """Labels from the column that the estimator itself reads them from; None if it was told to read none.

    Raises
    ------
    ValueError
        If the estimator has no parameter ``task_feature`` and is not known to hand X to one that has.
    """
    if isinstance(estimator, Pipeline):
        before = estimator[:-1]
        return find_task_labels(estimator[-1], before.transform(X) if len(before) else X)
    inner = _inside(estimator)
    if inner is not None:
        return find_task_labels(inner, X)
    if not hasattr(estimator, "get_params") or "task_feature" not in estimator.get_params(deep=False):
        raise ValueError(
            f"cannot tell which task a row belongs to: {type(estimator).__name__} has no task_feature. Name the column "
            "of X with TaskScorer(..., task_feature=...), or pass tasks= with metadata routing on."
        )
    if estimator.task_feature is None:
        return getattr(estimator, "_tasks_of_rows", None)  # known to models that a CV class of ours scores
    return task_column(X, estimator.task_feature)


def _inside(estimator: Any) -> Any:
    return next((getattr(estimator, attribute) for kind, attribute in WRAPPERS if isinstance(estimator, kind)), None)
