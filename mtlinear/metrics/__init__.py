"""Scores per task: functions, masked scores, and scorers for searches and cross-validation.

``r2_per_task`` and its siblings return ``{task: score}``; `macro_average` makes one number of them. The tasks are the
columns of a 2-D y (NaN: not observed), or are named by ``tasks`` for a 1-D y. `TaskScorer` and the ``*_scorer``
functions go into ``scoring=``.
"""

from mtlinear.metrics._masked import masked_accuracy_score, masked_r2_score
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
from mtlinear.metrics._scorers import (
    TaskScorer,
    task_accuracy_scorer,
    task_explained_variance_scorer,
    task_neg_mean_squared_error_scorer,
    task_r2_scorer,
    task_roc_auc_scorer,
    total_explained_variance_scorer,
)

__all__ = [
    "TaskScorer",
    "accuracy_per_task",
    "explained_variance_per_task",
    "macro_average",
    "masked_accuracy_score",
    "masked_r2_score",
    "mean_squared_error_per_task",
    "r2_per_task",
    "roc_auc_per_task",
    "score_per_task",
    "task_accuracy_scorer",
    "task_explained_variance_scorer",
    "task_neg_mean_squared_error_scorer",
    "task_r2_scorer",
    "task_roc_auc_scorer",
    "total_explained_variance",
    "total_explained_variance_scorer",
]
