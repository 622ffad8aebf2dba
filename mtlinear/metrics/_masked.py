"""scikit-learn's scores of a 2-D y in which NaN means "not observed": what the estimators' ``score`` returns."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import accuracy_score, r2_score

from mtlinear.metrics._per_task import macro_average
from mtlinear.metrics._rows import TaskRows, missing, plain, read_weights, rows_by_task, varies


def masked_r2_score(y_true: ArrayLike, y_pred: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """scikit-learn's ``r2_score`` of a y with missing entries: the mean over columns of the R2 of their observed rows.

    Equal to ``r2_score`` where nothing is missing, its 0 or 1 for a constant column included. (`r2_per_task` and the
    scorers leave constant columns out instead.) A column with fewer than two observed rows is left out, with a warning.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_rows, n_tasks) or (n_rows,)
        NaN in a 2-D ``y_true`` is not observed.
    sample_weight : array-like of shape (n_rows,), default None
        Non-negative weights; a row of weight zero is left out.

    Returns
    -------
    float
        NaN if no column has two observed rows.

    Raises
    ------
    ValueError
        If the shapes do not fit, or a 1-D ``y_true`` has NaN.

    Warns
    -----
    UndefinedMetricWarning
        If a column is left out.

    References
    ----------
    ``sklearn.metrics.r2_score``.

    Examples
    --------
    >>> from mtlinear.metrics import masked_r2_score
    >>> nan = float("nan")
    >>> masked_r2_score([[1.0, 5.0], [2.0, nan], [3.0, 7.0]], [[1.0, 5.0], [2.0, 0.0], [3.0, 5.0]])
    0.0
    """
    return macro_average({part.task: _r2(part) for part in rows_by_task(y_true, y_pred, None, sample_weight)})


def _r2(part: TaskRows) -> float:
    if len(part.y_true) < 2:
        return float("nan")
    # The R2 of a constant is 0 or 1 for any weights; with them the rounding error of the mean would make it -1e30.
    weights = part.weights if varies(part.y_true) else None
    return float(r2_score(part.y_true, part.y_pred, sample_weight=weights))


def masked_accuracy_score(y_true: ArrayLike, y_pred: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
    """scikit-learn's ``accuracy_score`` of a y with missing entries: the share of rows with every observed label right.

    Equal to ``accuracy_score`` (subset accuracy for 2-D) where nothing is missing. Rows without an observed label are
    left out. The mean accuracy of single labels is ``macro_average(accuracy_per_task(...))``.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_rows, n_tasks) or (n_rows,)
        Labels; NaN in a 2-D ``y_true`` is not observed.
    sample_weight : array-like of shape (n_rows,), default None
        Non-negative weights; a row of weight zero is left out.

    Returns
    -------
    float
        NaN if no row has an observed label.

    Raises
    ------
    ValueError
        If the shapes do not fit, or a 1-D ``y_true`` has NaN.

    References
    ----------
    ``sklearn.metrics.accuracy_score``.

    Examples
    --------
    >>> from mtlinear.metrics import masked_accuracy_score
    >>> masked_accuracy_score([[0.0, 1.0], [1.0, float("nan")]], [[0, 0], [1, 1]])
    0.5
    """
    columns = rows_by_task(y_true, y_pred, None, None)  # for its checks of shapes and of NaN
    truth = np.asarray(y_true)
    if truth.ndim == 1:
        return float(accuracy_score(plain(truth), columns[0].y_pred, sample_weight=sample_weight))
    observed = ~missing(truth)
    right = np.asarray(~observed | (truth == np.asarray(y_pred).reshape(truth.shape)))
    weights = read_weights(sample_weight, len(truth))
    counted = observed.any(axis=1) if weights is None else observed.any(axis=1) & (weights > 0)
    if not counted.any():
        return float("nan")
    return float(np.average(np.all(right, axis=1)[counted], weights=None if weights is None else weights[counted]))
