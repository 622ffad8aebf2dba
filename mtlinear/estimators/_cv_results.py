"""The tables of a cross-validation, and the choice from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.stats import rankdata

from mtlinear._typing import Array
from mtlinear._warnings import warn


def results_table(
    candidates: Sequence[Mapping[str, Any]], alphas: Array, score: Array, fit_seconds: Array, score_seconds: Array
) -> dict[str, Any]:
    """``cv_results_`` in the keys of GridSearchCV; candidate after candidate, alphas from the largest.

    Parameters
    ----------
    candidates : sequence of dict
        Values of the second parameters.
    alphas : ndarray (n_candidates, n_alphas)
    score, fit_seconds, score_seconds : ndarray (n_candidates, n_alphas, n_folds)
    """
    params = [{"alpha": float(alpha)} | dict(c) for c, row in zip(candidates, alphas, strict=True) for alpha in row]
    n_folds = score.shape[2]
    flat = score.reshape(-1, n_folds)
    table: dict[str, Any] = {}
    for name, seconds in (("fit", fit_seconds), ("score", score_seconds)):
        times = seconds.reshape(-1, n_folds)
        table |= {f"mean_{name}_time": times.mean(axis=1), f"std_{name}_time": times.std(axis=1)}
    for name in sorted({name for each in params for name in each}):
        table[f"param_{name}"] = _column([each.get(name, np.ma.masked) for each in params])
    table["params"] = params
    table |= {f"split{k}_test_score": flat[:, k] for k in range(n_folds)}
    mean = flat.mean(axis=1)
    if not np.all(np.isfinite(mean)):
        warn(f"{np.sum(~np.isfinite(mean))} of {len(mean)} candidates have scores that are not finite.")
    with np.errstate(invalid="ignore"):  # infinite scores
        table |= {"mean_test_score": mean, "std_test_score": flat.std(axis=1)}
    # As in GridSearchCV: ties share the best rank, and what has no score is last.
    filled = np.where(np.isnan(mean), -np.inf, mean)
    table["rank_test_score"] = rankdata(-filled, method="min").astype(np.int32)
    return table


def _column(values: Sequence[Any]) -> np.ma.MaskedArray:
    """Values of one parameter, masked where a candidate does not have it; numbers keep their type, as in GridSearchCV.

    (Strings, and sequences as values, are objects.)
    """
    given = [value for value in values if value is not np.ma.masked]
    plain = all(np.ndim(value) == 0 and not isinstance(value, str) for value in given)
    dtype = np.array(given).dtype if plain else np.dtype(object)
    column = np.ma.MaskedArray(np.empty(len(values), dtype=dtype), mask=True)
    for k, value in enumerate(values):
        if value is not np.ma.masked:
            column[k] = value  # which takes the mask off
    return column


def choose(score: Array, one_standard_error: bool) -> tuple[int, int]:
    """(candidate, alpha) with the best mean score.

    With the one-standard-error rule: of the same candidate the largest alpha whose mean is at most one standard error
    (of the best mean, over the folds) below the best (Breiman et al. 1984, section 3.4.3; Hastie et al. 2009, 7.10).

    Parameters
    ----------
    score : ndarray (n_candidates, n_alphas, n_folds)
        Larger is better; alphas from the largest.

    Raises
    ------
    ValueError
        If no candidate has a score on all folds.
    """
    mean = score.mean(axis=2)
    if np.all(np.isnan(mean)):
        raise ValueError("the scores of all candidates are NaN on at least one fold, so none can be chosen.")
    candidate, alpha = np.unravel_index(int(np.nanargmax(mean)), mean.shape)
    n_folds = score.shape[2]
    if one_standard_error and n_folds > 1:
        error = score[candidate, alpha].std(ddof=1) / np.sqrt(n_folds)
        alpha = np.flatnonzero(mean[candidate] >= mean[candidate, alpha] - error)[0]
    return int(candidate), int(alpha)
