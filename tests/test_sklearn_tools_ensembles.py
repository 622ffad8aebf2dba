"""Voting, stacking, bagging, transformed targets and frozen models against the formulas they stand for."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import BaggingClassifier, BaggingRegressor, StackingRegressor, VotingClassifier, VotingRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import cross_val_score
from toolstable import CLASSIFIERS, IN_X, N_ROWS, REGRESSORS, by_hand, r2, same, way_of, works

ALL = slice(None)
TRAIN, TEST = slice(0, 80), slice(80, N_ROWS)


def two(way, model):
    """Two estimators for an ensemble."""
    return [("weak", way.make(model, alpha=0.01)), ("strong", way.make(model, alpha=3.0))]


def two_by_hand(way, model, train, test):
    """Their scores, a column each."""
    return np.column_stack([by_hand(way, model, train, alpha=alpha).on(test) for alpha in (0.01, 3.0)])


@works("VotingRegressor", *IN_X, models=REGRESSORS)
def test_voting(way, model):
    voting = VotingRegressor(two(way, model), weights=[1, 3]).fit(way.take(TRAIN), way.y[TRAIN])
    weak, strong = two_by_hand(way, model, TRAIN, TEST).T
    same(voting.predict(way.take(TEST)), 0.25 * weak + 0.75 * strong)
    same(voting.score(way.take(TEST), way.y[TEST]), r2(way.y[TEST], 0.25 * weak + 0.75 * strong))


@pytest.mark.parametrize("name", IN_X)
def test_voting_of_classifiers(name):
    way, model = way_of(name), CLASSIFIERS[0]
    voting = VotingClassifier(two(way, model), voting="soft").fit(way.take(TRAIN), way.labels[TRAIN])
    positive = np.mean(1 / (1 + np.exp(-two_by_hand(way, model, TRAIN, TEST))), axis=1)
    same(voting.predict_proba(way.take(TEST)), np.column_stack([1 - positive, positive]))


def final_by_hand(inputs, y):
    """Least squares with an intercept: (intercept, coefficients)."""
    solution = np.linalg.lstsq(np.column_stack([np.ones(len(y)), inputs]), y, rcond=None)[0]
    return lambda new: solution[0] + new @ solution[1:]


@works("StackingRegressor", *IN_X, models=REGRESSORS)
def test_stacking(way, model):
    stacking = StackingRegressor(two(way, model), LinearRegression(), cv=way.cv()).fit(way.X, way.y)
    out_of_fold = np.empty((N_ROWS, 2))
    for train, test in way.folds(way.y):
        out_of_fold[test] = two_by_hand(way, model, train, test)
    inputs = two_by_hand(way, model, ALL, ALL)
    same(stacking.transform(way.X), inputs)
    # the two inputs are nearly collinear, and the final model amplifies what is left of the solver's tolerance
    same(stacking.predict(way.X), final_by_hand(out_of_fold, way.y)(inputs), 1e-6)


@pytest.mark.parametrize("name", ["array", "pipeline"])
def test_stacking_with_a_multi_task_model_on_top(name):
    """passthrough=True puts X behind the predictions: with numeric labels the final model can read the task."""
    way, model = way_of(name), REGRESSORS[0]
    final = model(1.0, task_feature=-1, tol=1e-13)
    stacking = StackingRegressor(two(way, model), final, cv=way.cv(), passthrough=True).fit(way.X, way.y)
    out_of_fold = np.empty((N_ROWS, 2))
    for train, test in way.folds(way.y):
        out_of_fold[test] = two_by_hand(way, model, train, test)
    top = model(1.0, tol=1e-13).fit(np.column_stack([out_of_fold, way.features]), way.y, tasks=way.tasks)
    inputs = np.column_stack([two_by_hand(way, model, ALL, ALL), way.features])
    same(stacking.predict(way.X), top.predict(inputs, tasks=way.tasks), 1e-6)


@works("BaggingRegressor", "array", "pipeline", "strings", "2-D y", "tasks=", models=REGRESSORS)
def test_bagging(way, model):
    bagging = BaggingRegressor(way.make(model), n_estimators=3, random_state=0).fit(way.X, way.y, **way.metadata)
    samples = bagging.estimators_samples_
    assert len(samples) == 3
    assert all(len(np.unique(rows)) < len(rows) == N_ROWS for rows in samples)  # with replacement
    expected = np.mean([by_hand(way, model, rows).on(ALL) for rows in samples], axis=0)
    same(bagging.predict(way.X, **way.metadata), expected)


@pytest.mark.parametrize("name", ["array", "pipeline", "strings"])
def test_bagging_of_classifiers(name):
    way, model = way_of(name), CLASSIFIERS[0]
    bagging = BaggingClassifier(way.make(model), n_estimators=3, random_state=0).fit(way.X, way.labels)
    scores = np.array([by_hand(way, model, rows, _as_numbers(way)).on(ALL) for rows in bagging.estimators_samples_])
    positive = np.mean(1 / (1 + np.exp(-scores)), axis=0)
    same(bagging.predict_proba(way.X), np.column_stack([1 - positive, positive]))


def _as_numbers(way):
    """BaggingClassifier gives its members the classes as 0 and 1."""
    return np.unique(way.labels, return_inverse=True)[1]


@works("TransformedTargetRegressor", models=REGRESSORS)
def test_transformed_target(way, model):
    wrapped = TransformedTargetRegressor(way.make(model), func=np.arcsinh, inverse_func=np.sinh)
    wrapped.fit(way.take(TRAIN), way.y[TRAIN], **way.metadata_of(TRAIN))
    expected = np.sinh(by_hand(way, model, TRAIN, np.arcsinh(way.y)).on(TEST))
    same(wrapped.predict(way.take(TEST), **way.metadata_of(TEST)), expected)
    if not way.metadata:
        same(wrapped.score(way.take(TEST), way.y[TEST]), r2(way.y[TEST], expected))


@works("FrozenEstimator", models=REGRESSORS)
def test_frozen(way, model):
    fitted = way.make(model).fit(way.take(TRAIN), way.y[TRAIN], **way.metadata_of(TRAIN))
    frozen = FrozenEstimator(fitted).fit(way.take(TEST), way.y[TEST], **way.metadata_of(TEST))  # changes nothing
    expected = by_hand(way, model, TRAIN)
    same(frozen.predict(way.X, **way.metadata), expected.on(ALL))
    if not way.metadata:
        scores = cross_val_score(frozen, way.X, way.y, cv=way.cv(), error_score="raise")
        same(scores, [r2(way.y[test], expected.on(test)) for _, test in way.folds(way.y)])
