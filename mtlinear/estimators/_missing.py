"""Outputs that were not observed: NaN in a 2-D y."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import r2_score

from mtlinear._typing import Array, Labels


def observed_outputs(y: NDArray[Any], tasks: Labels) -> NDArray[np.bool_] | None:
    """Which entries of a 2-D y are not NaN, or None if all are there.

    Raises
    ------
    ValueError
        If a column has no observation at all.
    """
    if y.dtype.kind != "f":
        return None
    observed = ~np.isnan(y)
    if observed.all():
        return None
    empty = ~observed.any(axis=0)
    if empty.any():
        raise ValueError(f"y contains NaN only in the column(s) of task(s) {tasks[empty].tolist()}: nothing to fit.")
    return observed


def r2_of_observed(y: ArrayLike, predicted: Array, sample_weight: ArrayLike | None) -> float:
    """R2 without the NaN of y: the mean over the columns of a 2-D y, each over its observed rows."""
    truth = np.asarray(y, dtype=float)
    weights = None if sample_weight is None else np.asarray(sample_weight, dtype=float)
    if truth.ndim == 1 or not np.isnan(truth).any():
        return float(r2_score(truth, predicted, sample_weight=weights))
    scores = []
    for column, guess in zip(truth.T, predicted.T, strict=True):
        seen = ~np.isnan(column)
        if seen.any():
            scores.append(r2_score(column[seen], guess[seen], sample_weight=None if weights is None else weights[seen]))
    if not scores:
        raise ValueError("y contains NaN only: there is nothing to score.")
    return float(np.mean(scores))
