"""Scorers for ``scoring=``: mean score of the tasks, with the tasks from metadata, from a column of X or from y."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils.metadata_routing import UNUSED

from mtlinear._typing import Labels
from mtlinear._validation import check_boolean
from mtlinear.metrics._per_task import (
    accuracy_per_task,
    explained_variance_per_task,
    macro_average,
    mean_squared_error_per_task,
    r2_per_task,
    roc_auc_per_task,
    score_per_task,
    total_explained_variance,
)
from mtlinear.metrics._responses import find_task_labels, respond
from mtlinear.metrics._rows import task_column

_LABELS = ("predict",)
_RANKING = ("decision_function", "predict_proba")


@dataclass(frozen=True)
class _Metric:
    """A score per task, and what it needs; ``pooled`` is one number for all tasks in its place."""

    per_task: Callable[..., dict[Any, float]] | None
    methods: tuple[str, ...] = _LABELS
    sign: float = 1.0
    pooled: Callable[..., float] | None = None
    weighs: bool = True


_METRICS = {
    "r2": _Metric(r2_per_task),
    "neg_mean_squared_error": _Metric(mean_squared_error_per_task, sign=-1.0),
    "explained_variance": _Metric(explained_variance_per_task),
    "accuracy": _Metric(accuracy_per_task),
    "roc_auc": _Metric(roc_auc_per_task, _RANKING),
    "total_explained_variance": _Metric(None, pooled=total_explained_variance),
}


class TaskScorer(BaseEstimator):
    """A scorer that knows tasks: ``scoring=TaskScorer("r2")`` is the mean over tasks of the R2 of each.

    Where the tasks come from, the first of these that is there:

    1. y with two or more columns: each is a task, and NaN is not observed;
    2. ``tasks``, which a search or cross-validation hands over when metadata routing is on, also among several
       metrics; they are passed on to ``predict`` if the estimator takes them;
    3. ``task_feature`` of this scorer: a column of X as the scorer gets it, before any transformer;
    4. ``task_feature`` of the estimator. For the last step of a Pipeline it is a column of the *transformed* X, so the
       earlier steps are applied to read it. A search, TransformedTargetRegressor, FrozenEstimator and the threshold
       classifiers are looked into; Voting, Stacking, Bagging and calibration are not: use 3.
    5. None of them, with an estimator that has ``task_feature=None``: a single task. Any other estimator is an error.

    A task whose score is undefined (constant target, one class) is left out of the mean, with a warning.

    Parameters
    ----------
    metric : str or callable, default "r2"
        "r2", "neg_mean_squared_error", "explained_variance", "accuracy", "roc_auc": the mean over tasks;
        "total_explained_variance": one number for all rows. Or ``metric(y_true, y_pred)`` -> float for one task, such
        as a function of ``sklearn.metrics``; it gets ``sample_weight=`` if there are weights.
    task_feature : str or int, default None
        Name or position of the column of X that holds the task.
    response_method : str, default None
        For a callable metric: the method whose result is scored, "predict" if None. "decision_function" and
        "predict_proba" are the score of the larger label.
    greater_is_better : bool, default True
        For a callable metric: False turns the sign, so that larger is always better.

    Notes
    -----
    Ask for weights with ``TaskScorer(...).set_score_request(sample_weight=True)``, as for scikit-learn's scorers.
    Without metadata routing a search cannot hand ``tasks`` to any scorer; use ``task_feature``.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.model_selection import GridSearchCV
    >>> from mtlinear import TraceNormRegressor
    >>> from mtlinear.metrics import TaskScorer
    >>> from mtlinear.model_selection import TaskKFold
    >>> rng = np.random.default_rng(0)
    >>> tasks = np.repeat([0, 1, 2], 20)
    >>> X = np.column_stack([rng.standard_normal((60, 4)), tasks])
    >>> y = X[:, 0] + 5 * tasks + 0.1 * rng.standard_normal(60)
    >>> model = TraceNormRegressor(task_feature=-1)
    >>> cv = TaskKFold(3, task_feature=-1)
    >>> search = GridSearchCV(model, {"alpha": [0.01, 10.0]}, scoring=TaskScorer("r2"), cv=cv).fit(X, y)
    >>> search.best_params_
    {'alpha': 0.01}
    """

    # "estimator" is an argument of score, not metadata.
    __metadata_request__score: ClassVar[dict[str, Any]] = {"estimator": UNUSED, "tasks": True}

    def __init__(
        self,
        metric: Any = "r2",
        *,
        task_feature: str | int | None = None,
        response_method: str | None = None,
        greater_is_better: bool = True,
    ) -> None:
        self.metric = metric
        self.task_feature = task_feature
        self.response_method = response_method
        self.greater_is_better = greater_is_better

    def __call__(
        self,
        estimator: Any,
        X: Any,
        y: ArrayLike,
        tasks: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> float:
        """Score of a fitted estimator: one number, larger is better.

        Parameters
        ----------
        estimator : fitted estimator
        X : array-like of shape (n_rows, n_features)
        y : array-like of shape (n_rows,) or (n_rows, n_tasks)
        tasks, sample_weight : array-like of shape (n_rows,), default None

        Returns
        -------
        float
            NaN if no task has a score.

        Raises
        ------
        ValueError, TypeError
            If the tasks cannot be found or are given twice, the metric is not known, or what `r2_per_task` raises.

        Warns
        -----
        UndefinedMetricWarning
            If tasks are left out of the mean.
        """
        metric = self._metric()
        if metric.pooled is None:
            return metric.sign * macro_average(self._per_task(metric, estimator, X, y, tasks, sample_weight))
        _check_tasks_once(tasks, self.task_feature)
        values = respond(estimator, X, tasks, metric.methods)
        return metric.sign * metric.pooled(y, values, sample_weight=sample_weight)

    def score(
        self,
        estimator: Any,
        X: Any,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        tasks: ArrayLike | None = None,
    ) -> float:
        """Call the scorer: scikit-learn reads the metadata that a scorer takes from the signature of ``score``."""
        return self(estimator, X, y, tasks=tasks, sample_weight=sample_weight)

    def per_task(
        self,
        estimator: Any,
        X: Any,
        y: ArrayLike,
        tasks: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> dict[Any, float]:
        """Metric of every task, before the mean and without a change of sign: ``{task: value}``.

        Parameters
        ----------
        estimator, X, y, tasks, sample_weight
            As in a call.

        Raises
        ------
        ValueError
            As in a call, and if the metric is one number for all tasks.
        """
        metric = self._metric()
        if metric.per_task is None:
            raise ValueError(f"metric={self.metric!r} is one number for all tasks; there is none per task.")
        return self._per_task(metric, estimator, X, y, tasks, sample_weight)

    def _per_task(
        self, metric: _Metric, estimator: Any, X: Any, y: Any, tasks: Any, sample_weight: Any
    ) -> dict[Any, float]:
        _check_tasks_once(tasks, self.task_feature)
        labels = self._task_labels(estimator, X, y, tasks)
        values = respond(estimator, X, tasks, metric.methods, n_labels=1 if np.ndim(y) == 1 else np.shape(y)[1])
        assert metric.per_task is not None  # the callers have seen to it
        if metric.methods != _LABELS and np.ndim(y) == 1 and values.ndim == 2:
            if labels is not None:
                raise ValueError(f"metric={self.metric!r} needs two classes, but y has {values.shape[1]}.")
            # One-vs-rest: the tasks are the classes.
            classes = np.asarray(estimator.classes_)
            indicator = (np.asarray(y)[:, None] == classes).astype(int)
            by_column = metric.per_task(indicator, values, sample_weight=sample_weight)
            return dict(zip(classes.tolist(), by_column.values(), strict=True))
        return metric.per_task(y, values, tasks=labels, sample_weight=sample_weight)

    def _task_labels(self, estimator: Any, X: Any, y: Any, tasks: Any) -> Labels | None:
        if np.ndim(y) == 2 and np.shape(y)[1] > 1:
            return tasks  # given by mistake, they are turned down with a reason
        if tasks is not None:
            return tasks
        if self.task_feature is not None:
            return task_column(X, self.task_feature)
        return find_task_labels(estimator, X)

    def _metric(self) -> _Metric:
        check_boolean("greater_is_better", self.greater_is_better)
        if callable(self.metric):
            methods = _LABELS if self.response_method is None else (self.response_method,)
            if not set(methods) <= {*_LABELS, *_RANKING}:
                raise ValueError(
                    "response_method must be 'predict', 'decision_function', 'predict_proba' or None, got "
                    f"{self.response_method!r}."
                )
            weighs = "sample_weight" in inspect.signature(self.metric).parameters
            sign = 1.0 if self.greater_is_better else -1.0
            return _Metric(partial(score_per_task, self.metric), methods, sign, weighs=weighs)
        if not isinstance(self.metric, str) or self.metric not in _METRICS:
            names = ", ".join(map(repr, _METRICS))
            raise ValueError(f"metric must be one of {names} or a function of (y_true, y_pred), got {self.metric!r}.")
        if self.response_method is not None or not self.greater_is_better:
            raise ValueError(
                f"response_method and greater_is_better are for a metric that is a function; {self.metric!r} has its "
                "own."
            )
        return _METRICS[self.metric]

    def _accept_sample_weight(self) -> bool:
        """scikit-learn asks every scorer object when metadata routing is off."""
        return self._metric().weighs


def _check_tasks_once(tasks: Any, task_feature: Any) -> None:
    if tasks is not None and task_feature is not None:
        raise ValueError(
            "tasks and the scorer's task_feature are both given; a row can get its task from one of them only."
        )


def task_r2_scorer(estimator: Any, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
    """Mean over tasks of R2, with the tasks from the estimator's ``task_feature`` or the columns of y (NaN masked).

    The same as ``TaskScorer("r2")`` without ``tasks``; use that one for ``tasks=`` under metadata routing, for a task
    column of the untransformed X, and for sample weights among several metrics.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.model_selection import cross_val_score
    >>> from mtlinear import MeanRegularizedRegressor
    >>> from mtlinear.metrics import task_r2_scorer
    >>> from mtlinear.model_selection import TaskKFold
    >>> tasks = np.repeat([0, 1, 2], 20)
    >>> X = np.column_stack([np.random.default_rng(0).standard_normal((60, 4)), tasks])
    >>> y = X[:, 0] + 5 * tasks
    >>> model = MeanRegularizedRegressor(alpha=0.1, task_feature=-1)
    >>> scores = cross_val_score(model, X, y, scoring=task_r2_scorer, cv=TaskKFold(3, task_feature=-1))
    >>> bool(np.all(scores > 0.99))
    True
    """
    return TaskScorer("r2")(estimator, X, y, sample_weight=sample_weight)


def task_neg_mean_squared_error_scorer(
    estimator: Any, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None
) -> float:
    """Minus the mean over tasks of the mean squared error; tasks as in `task_r2_scorer`."""
    return TaskScorer("neg_mean_squared_error")(estimator, X, y, sample_weight=sample_weight)


def task_explained_variance_scorer(
    estimator: Any, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None
) -> float:
    """Mean over tasks of the explained variance of each; tasks as in `task_r2_scorer`."""
    return TaskScorer("explained_variance")(estimator, X, y, sample_weight=sample_weight)


def task_accuracy_scorer(estimator: Any, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
    """Mean over tasks of the accuracy; tasks as in `task_r2_scorer`."""
    return TaskScorer("accuracy")(estimator, X, y, sample_weight=sample_weight)


def task_roc_auc_scorer(estimator: Any, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
    """Mean over tasks of the ROC AUC; tasks as in `task_r2_scorer`, and the classes of a 1-D y with more than two."""
    return TaskScorer("roc_auc")(estimator, X, y, sample_weight=sample_weight)


def total_explained_variance_scorer(
    estimator: Any, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None
) -> float:
    """`total_explained_variance` of the predictions, for any estimator that predicts without ``tasks=``."""
    return TaskScorer("total_explained_variance")(estimator, X, y, sample_weight=sample_weight)
