"""The best structure as an estimator that takes the user's own table columns."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from joblib import Parallel, delayed, parallel_config
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from mtlinear._typing import Indices
from mtlinear.compare._crossvalidation import Tally, choose, score_candidates
from mtlinear.compare._data import TaskData
from mtlinear.compare._fitting import MAX_ITER, Candidate, make_candidates, prepare_rows
from mtlinear.compare._models import Model
from mtlinear.compare._prepare import make_preparation
from mtlinear.compare._run import alone
from mtlinear.compare._settings import Settings
from mtlinear.compare._splits import spread
from mtlinear.estimators import MultiTaskClassifier, MultiTaskRegressor
from mtlinear.parameters import ParameterMatrix
from mtlinear.penalties import Penalty


@dataclass(frozen=True)
class BestModel:
    """The refitted best structure.

    Attributes
    ----------
    estimator : Pipeline
        Preparation and model, fitted on all rows; takes a DataFrame with the columns of the user's table.
    chosen : Candidate
    tally : Tally
        Of the fits that chose it.
    converged : bool
        The final fit reached the tolerance.
    """

    estimator: Pipeline
    chosen: Candidate
    tally: Tally
    converged: bool

    @property
    def parameters(self) -> ParameterMatrix:
        """Of the standardised features."""
        return final_model(self.estimator).parameters_

    @property
    def clusters(self) -> list[list[str]] | None:
        """Names of the tasks of every cluster, or None for a model without clusters."""
        try:
            numbers = self.parameters.task_clusters()
        except ValueError:  # what it says of a model without a number of clusters
            return None
        names = self.parameters.task_names
        return [[str(names[t]) for t in np.flatnonzero(numbers == k)] for k in range(int(numbers.max()) + 1)]

    @property
    def label(self) -> str:
        """The chosen candidate, and whether its alpha is at an end of those tried."""
        edge = self.chosen.edge
        return f"{self.chosen.label} (the {edge} tried)" if edge else self.chosen.label


def final_model(estimator: Pipeline) -> Any:
    """The multi-task model at the end, inside the scaling of the targets if there is one."""
    last = estimator[-1]
    return getattr(last, "regressor_", last)


def fit_best(data: TaskData, model: Model, settings: Settings) -> BestModel:
    """Choose a candidate by cross-validation on all rows, and fit it on all rows."""
    rows = np.arange(data.n_rows)
    everything, _ = prepare_rows(data, rows, rows)
    candidates = make_candidates(data, model, everything, settings.candidates)
    folds = spread(data.strata, settings.inner_folds, np.random.default_rng([settings.seed, 2]))
    parent = os.getpid()
    with parallel_config(backend="loky", inner_max_num_threads=1):
        outcomes = Parallel(n_jobs=settings.n_jobs)(
            delayed(alone)(parent, score_candidates, data, model, candidates, rows, folds == k, settings.tol)
            for k in range(settings.inner_folds)
        )
    tally = Tally()
    for _, fold_tally in outcomes:
        tally.include(fold_tally)
    chosen = choose(candidates, np.array([scores for scores, _ in outcomes]))
    estimator = make_estimator(data, chosen.penalty, settings.tol)
    with warnings.catch_warnings(record=True) as seen, threadpool_limits(limits=1):
        warnings.simplefilter("always", ConvergenceWarning)
        estimator.fit(data.table, data.raw_target)
    if data.scales_targets:
        _name_tasks(final_model(estimator), data.task_names)
    converged = not any(issubclass(w.category, ConvergenceWarning) for w in seen)
    return BestModel(estimator, chosen, tally, converged)


def _name_tasks(model: Any, names: list[str]) -> None:
    """Give the tasks the names of the targets, which the scaling of the targets has lost."""
    found = model.parameters_
    model.tasks_ = np.array(names)
    model.parameters_ = ParameterMatrix(found.parts, found.feature_names, names, clusters=found._clusters)


def make_estimator(data: TaskData, penalty: Penalty, tol: float) -> Pipeline:
    """Preparation and multi-task model as one scikit-learn estimator."""
    kind = MultiTaskClassifier if data.classification else MultiTaskRegressor
    model = kind(penalty, task_feature=data.task_column, tol=tol, max_iter=MAX_ITER)
    if data.scales_targets:
        model = TransformedTargetRegressor(model, transformer=StandardScaler())
    # As a DataFrame, so that the model knows the names of the features and finds the task column.
    preparation = make_preparation(data, with_tasks=True).set_output(transform="pandas")
    return Pipeline([("prepare", preparation), ("model", model)])


def parameter_names(data: TaskData, rows: Indices) -> list[str]:
    """Names of the features as prepared for some rows, in the order of the rows of A."""
    return make_preparation(data).fit(data.table.iloc[rows]).get_feature_names_out().tolist()
