"""Nested cross-validation of one model on one outer fold: choose on the training rows, refit, score the test rows."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from mtlinear._typing import Array, Indices
from mtlinear.compare._data import TaskData
from mtlinear.compare._fitting import Candidate, Fit, Rows, fit_path, make_candidates, prepare_rows
from mtlinear.compare._models import Model
from mtlinear.compare._scores import Score, score
from mtlinear.compare._settings import Settings
from mtlinear.compare._splits import Split


@dataclass
class Tally:
    """Certificates and times of many fits."""

    relative_gaps: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    uncertified: int = 0

    def add(self, fit: Fit) -> None:
        """Count one fit."""
        self.relative_gaps.append(fit.relative_gap)
        self.seconds.append(fit.seconds)
        self.uncertified += not fit.certified

    def include(self, other: Tally) -> None:
        """Count the fits of another tally."""
        self.relative_gaps += other.relative_gaps
        self.seconds += other.seconds
        self.uncertified += other.uncertified


@dataclass(frozen=True)
class FoldResult:
    """One model on one outer fold.

    Attributes
    ----------
    model : str
    fold : int
    score : Score
        Of the test rows.
    chosen : Candidate
    tally : Tally
        Of all fits, the inner ones included.
    A : ndarray (n_features, n_tasks)
        Parameters of the standardised features after refitting on all training rows.
    """

    model: str
    fold: int
    score: Score
    chosen: Candidate
    tally: Tally
    A: Array


def evaluate(data: TaskData, model: Model, split: Split, fold: int, settings: Settings) -> FoldResult:
    """Choose a candidate by inner cross-validation on the training rows, refit on all of them, score the test rows."""
    train, test = prepare_rows(data, split.train, split.test)
    candidates = make_candidates(data, model, train, settings.candidates)
    tally = Tally()
    table = []
    for k in range(settings.inner_folds):
        scores, inner_tally = score_candidates(data, model, candidates, split.train, split.inner == k, settings.tol)
        table.append(scores)
        tally.include(inner_tally)
    chosen = choose(candidates, np.array(table))
    fit = refit(data, model, train, candidates, chosen, settings.tol, tally)
    result = score(data, test.y, test.predict(fit.A, fit.intercept), test.codes)
    return FoldResult(model.name, fold, result, chosen, tally, fit.A)


def score_candidates(
    data: TaskData,
    model: Model,
    candidates: Sequence[Candidate],
    rows: Indices,
    held_out: NDArray[np.bool_],
    tol: float,
) -> tuple[Array, Tally]:
    """Fit all candidates on the rows that are not held out, and score the others; (n_candidates,) scores."""
    train, test = prepare_rows(data, rows[~held_out], rows[held_out])
    tally = Tally()
    scores = []
    for _, path in groupby(candidates, key=lambda candidate: candidate.variant.label):
        for fit in fit_path(data, model, train, list(path), tol):
            tally.add(fit)
            scores.append(score(data, test.y, test.predict(fit.A, fit.intercept), test.codes).value)
    return np.array(scores), tally


def choose(candidates: Sequence[Candidate], scores: Array) -> Candidate:
    """The candidate with the best mean score over the inner folds (n_inner_folds, n_candidates); the first if tied."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # no fold could score anything: then the first will do
        means = np.nan_to_num(np.nanmean(scores, axis=0), nan=-np.inf)
    return candidates[int(np.argmax(means))]


def refit(
    data: TaskData,
    model: Model,
    train: Rows,
    candidates: Sequence[Candidate],
    chosen: Candidate,
    tol: float,
    tally: Tally,
) -> Fit:
    """Fit the chosen candidate on all training rows, along its path."""
    path = [c for c in candidates if c.variant.label == chosen.variant.label][: chosen.position + 1]
    for fit in fit_path(data, model, train, path, tol):
        tally.add(fit)
    return fit
