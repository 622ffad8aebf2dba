"""What a score is: one number per fold, larger is better, and one loss or score per task, to compare tasks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from mtlinear._typing import Array, Indices
from mtlinear.compare._data import TaskData


@dataclass(frozen=True)
class Score:
    """How well some rows are predicted.

    Attributes
    ----------
    value : float
        The score of the table.
    per_task : ndarray (n_tasks,)
        Regression: mean squared error. Classification: ROC AUC; NaN where the rows lack a class.
    weight : ndarray (n_tasks,)
        Weight of the task when several folds are pooled: number of rows, or 1 (0 where NaN).
    left_out : int
        Tasks that could not be scored, because a class is lacking or the target is constant.
    """

    value: float
    per_task: Array
    weight: Array
    left_out: int


def score_name(data: TaskData) -> str:
    """Short name of the score."""
    if data.classification:
        return "ROC AUC"
    return "explained variance" if data.layout == "stacked" else "R2"


def score_meaning(data: TaskData) -> str:
    """What the score is, in a sentence."""
    if data.classification:
        return "ROC AUC of the test rows, the mean over the tasks (1 is perfect, 0.5 is chance)."
    if data.layout == "stacked":
        return (
            "Explained variance: 1 minus the sum of squared errors over the sum of squares about the mean, over the "
            "test rows of all tasks together (1 is perfect, 0 is as good as one constant for all tasks)."
        )
    return "R2 of the test rows, the mean over the targets (1 is perfect, 0 is as good as a constant per target)."


def pooling_meaning(data: TaskData) -> str:
    """What a gain over the pooled model may come from, in a sentence; empty where there is nothing to say."""
    if data.has_levels:
        return (
            "'pooled' has one intercept for all tasks, 'pooled slopes' one for each: what a structure gains over "
            "'pooled' but not over 'pooled slopes' comes from intercepts alone."
        )
    if data.classification:
        return (
            "'pooled' has one intercept for all tasks; the AUC of a task does not depend on its intercept, but the "
            "slopes of 'pooled' may suffer from it."
        )
    return ""


def score(data: TaskData, y: Array, predicted: Array, codes: Indices | None) -> Score:
    """Score predictions (for classification: log-odds) of some rows.

    Parameters
    ----------
    y, predicted : ndarray of shape (n,) for stacked tasks, else (n, n_tasks)
    codes : ndarray of int (n,) or None
    """
    if data.classification:
        per_task = auc(y, predicted) if codes is None else _stacked_auc(y, predicted, codes, data.n_tasks)
        scored = np.isfinite(per_task)
        return Score(_mean(per_task), per_task, scored.astype(float), int(np.sum(~scored)))
    squares = (y - predicted) ** 2
    if codes is None:
        mse = squares.mean(axis=0)
        variance = y.var(axis=0)
        r2 = np.where(variance > 0, 1.0 - mse / np.where(variance > 0, variance, 1.0), np.nan)
        return Score(_mean(r2), mse, np.full(data.n_tasks, float(len(y))), int(np.sum(~np.isfinite(r2))))
    counts = np.bincount(codes, minlength=data.n_tasks)
    mse = np.bincount(codes, weights=squares, minlength=data.n_tasks) / np.maximum(counts, 1)
    total = float(np.sum((y - y.mean()) ** 2))
    value = 1.0 - float(squares.sum()) / total if total > 0 else np.nan
    return Score(value, mse, counts.astype(float), 0)


def auc(signs: Array, scores: Array) -> Array:
    """Area under the ROC curve of every column (Mann-Whitney, ties count half); NaN where a class is lacking."""
    positive = signs > 0
    n_positive = positive.sum(axis=0)
    n_negative = len(signs) - n_positive
    ranks = rankdata(scores, axis=0)
    wins = np.sum(ranks * positive, axis=0) - n_positive * (n_positive + 1) / 2.0
    pairs = n_positive * n_negative
    return np.where(pairs > 0, wins / np.maximum(pairs, 1), np.nan)


def _stacked_auc(signs: Array, scores: Array, codes: Indices, n_tasks: int) -> Array:
    areas = np.full(n_tasks, np.nan)
    for t in range(n_tasks):
        rows = codes == t
        areas[t] = auc(signs[rows], scores[rows])
    return areas


def _mean(values: Array) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else np.nan
