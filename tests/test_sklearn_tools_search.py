"""Searches, cross-validation and curves against loops over candidates and folds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import loguniform
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
    validation_curve,
)
from toolstable import CLASSIFIERS, IN_X, N_ROWS, REGRESSORS, by_hand, neg_mse, r2, r2_of_tasks, same, way_of, works

from mtlinear.metrics import TaskScorer

#: The first is the worst: it is what a search of nothing but NaN would choose.
ALPHAS = [100.0, 0.003, 0.1, 3.0]


def fold_scores(way, model, alphas=ALPHAS, metric=r2, folds=None):
    """Scores of every candidate on every fold, (n_candidates, n_folds)."""
    folds = way.folds(way.y) if folds is None else folds
    scores = []
    for alpha in alphas:
        fits = [(by_hand(way, model, train, alpha=alpha), test) for train, test in folds]
        scores.append([metric(way.y[test], fit.on(test)) for fit, test in fits])
    return np.array(scores)


def check_search(search, way, model, expected, metric=r2, alphas=ALPHAS, name="score"):
    """The scores of the loop, its best candidate, and that candidate fitted to all rows."""
    results = search.cv_results_
    same(np.column_stack([results[f"split{k}_test_{name}"] for k in range(3)]), expected)
    same(results[f"mean_test_{name}"], expected.mean(axis=1))
    best = int(np.argmax(expected.mean(axis=1)))
    assert best > 0, "the first candidate would also be chosen from nothing"
    assert search.best_params_ == {way.prefix + "alpha": alphas[best]}
    refitted = by_hand(way, model, alpha=alphas[best]).on(slice(None))
    same(search.best_estimator_.predict(way.X, **way.metadata), refitted)
    if not way.metadata:  # a search hands tasks on to fit and score, but not to predict
        same(search.predict(way.X), refitted)
    same(search.score(way.X, way.y, **way.metadata), metric(way.y, refitted))


def grid_search(way, model, **arguments):
    grid = {way.prefix + "alpha": ALPHAS}
    search = GridSearchCV(way.make(model), grid, cv=way.cv(), error_score="raise", **arguments)
    return search.fit(way.X, way.y, **way.metadata)


@works("GridSearchCV", models=REGRESSORS)
def test_grid_search(way, model):
    check_search(grid_search(way, model), way, model, fold_scores(way, model))


@works('GridSearchCV, scoring="neg_mean_squared_error"', *IN_X, "2-D y")
def test_grid_search_by_a_string(way, model):
    search = grid_search(way, model, scoring="neg_mean_squared_error")
    check_search(search, way, model, fold_scores(way, model, metric=neg_mse), metric=neg_mse)


@works("GridSearchCV, a dict of strings", *IN_X, "2-D y")
def test_grid_search_by_several_metrics(way, model):
    search = grid_search(way, model, scoring={"r2": "r2", "mse": "neg_mean_squared_error"}, refit="mse")
    check_search(search, way, model, fold_scores(way, model, metric=neg_mse), metric=neg_mse, name="mse")
    same(search.cv_results_["mean_test_r2"], fold_scores(way, model).mean(axis=1))


@works("GridSearchCV, a dict of TaskScorer")
def test_grid_search_by_task_scorers(way, model):
    scoring = {"per_task": TaskScorer("r2"), "total": TaskScorer("total_explained_variance")}
    search = grid_search(way, model, scoring=scoring, refit="per_task")

    def per_task(y, p, rows=slice(None)):
        return r2_of_tasks(y, p, None if way.tasks is None else way.tasks[rows])

    folds = way.folds(way.y)
    expected = np.empty((len(ALPHAS), len(folds)))
    for c, alpha in enumerate(ALPHAS):
        for k, (train, test) in enumerate(folds):
            expected[c, k] = per_task(way.y[test], by_hand(way, model, train, alpha=alpha).on(test), test)
    check_search(search, way, model, expected, metric=per_task, name="per_task")
    pooled = fold_scores(way, model).mean(axis=1)
    if way.tasks is not None:  # one number for all rows, which is not the mean of the tasks
        same(search.cv_results_["mean_test_total"], pooled)
        assert np.max(np.abs(search.cv_results_["mean_test_per_task"] - pooled)) > 0.01


@works("RandomizedSearchCV")
def test_randomized_search(way, model):
    space = {way.prefix + "alpha": loguniform(1e-3, 1e2)}
    search = RandomizedSearchCV(way.make(model), space, n_iter=4, random_state=13, cv=way.cv(), error_score="raise")
    search.fit(way.X, way.y, **way.metadata)
    rng = np.random.RandomState(13)
    alphas = [loguniform(1e-3, 1e2).rvs(random_state=rng) for _ in range(4)]
    same([params[way.prefix + "alpha"] for params in search.cv_results_["params"]], alphas, 0.0)
    check_search(search, way, model, fold_scores(way, model, alphas), alphas=alphas)


def shuffled(rows, share):
    """The share of the rows that halving takes, with seed 3."""
    order = np.arange(len(rows))
    np.random.RandomState(3).shuffle(order)
    return rows[order[: int(share * len(rows))]]


@works("HalvingGridSearchCV")
def test_halving_search(way, model):
    grid = {way.prefix + "alpha": ALPHAS}
    search = HalvingGridSearchCV(
        way.make(model), grid, factor=2, min_resources=50, random_state=3, cv=way.cv(), error_score="raise"
    )
    search.fit(way.X, way.y, **way.metadata)
    assert search.n_resources_ == [50, 100]
    assert search.n_candidates_ == [4, 2]
    results, alphas = search.cv_results_, list(ALPHAS)
    for iteration, n_rows in enumerate([50, 100]):
        here = results["iter"] == iteration
        assert set(results["n_resources"][here]) == {n_rows}
        share = n_rows / N_ROWS
        folds = [(shuffled(train, share), shuffled(test, share)) for train, test in way.folds(way.y)]
        tried = [params[way.prefix + "alpha"] for params, h in zip(results["params"], here, strict=True) if h]
        assert sorted(tried) == sorted(alphas)
        expected = fold_scores(way, model, tried, folds=folds)
        same(np.column_stack([results[f"split{k}_test_score"][here] for k in range(3)]), expected)
        # the better half goes on
        alphas = [tried[c] for c in np.argsort(expected.mean(axis=1))[-len(tried) // 2 :]]
    assert search.best_params_ == {way.prefix + "alpha": alphas[-1]}
    refitted = by_hand(way, model, alpha=alphas[-1])
    same(search.best_estimator_.predict(way.X, **way.metadata), refitted.on(slice(None)))


@works("cross_val_score", models=REGRESSORS)
def test_cross_val_score(way, model):
    scores = cross_val_score(way.make(model), way.X, way.y, cv=way.cv(), params=way.metadata, error_score="raise")
    same(scores, fold_scores(way, model, [0.1])[0])


@works("cross_validate")
def test_cross_validate(way, model):
    result = cross_validate(
        way.make(model),
        way.X,
        way.y,
        cv=way.cv(),
        params=way.metadata,
        return_train_score=True,
        return_estimator=True,
        error_score="raise",
    )
    folds = way.folds(way.y)
    same(result["test_score"], fold_scores(way, model, [0.1])[0])
    same(result["train_score"], fold_scores(way, model, [0.1], folds=[(a, a) for a, _ in folds])[0])
    for estimator, (train, test) in zip(result["estimator"], folds, strict=True):
        predicted = estimator.predict(way.take(test), **way.metadata_of(test))
        same(predicted, by_hand(way, model, train).on(test))


@works("cross_val_predict", *IN_X, "2-D y")
def test_cross_val_predict(way, model):
    predicted = cross_val_predict(way.make(model), way.X, way.y, cv=way.cv())
    expected = np.empty_like(way.y)
    for train, test in way.folds(way.y):
        expected[test] = by_hand(way, model, train).on(test)
    same(predicted, expected)


@pytest.mark.parametrize("model", CLASSIFIERS[:1])
@pytest.mark.parametrize("name", IN_X)
def test_cross_val_predict_of_classifiers(name, model):
    way = way_of(name)
    arguments = {"cv": way.cv(), "method": "predict_proba"}
    predicted = cross_val_predict(way.make(model, alpha=0.01), way.X, way.labels, **arguments)
    expected = np.empty(N_ROWS)
    for train, test in way.folds(way.labels):
        expected[test] = 1 / (1 + np.exp(-by_hand(way, model, train, alpha=0.01).on(test)))
    same(predicted, np.column_stack([1 - expected, expected]))


@works("learning_curve")
def test_learning_curve(way, model):
    sizes, train_scores, test_scores = learning_curve(
        way.make(model), way.X, way.y, cv=way.cv(), train_sizes=[0.5, 1.0], params=way.metadata, error_score="raise"
    )
    folds = way.folds(way.y)
    smallest = len(folds[0][0])
    assert sizes.tolist() == [smallest // 2, smallest]
    for k, size in enumerate(sizes):
        same(test_scores[k], fold_scores(way, model, [0.1], folds=[(a[:size], b) for a, b in folds])[0])
        same(train_scores[k], fold_scores(way, model, [0.1], folds=[(a[:size], a[:size]) for a, _ in folds])[0])


@works("validation_curve")
def test_validation_curve(way, model):
    train_scores, test_scores = validation_curve(
        way.make(model),
        way.X,
        way.y,
        cv=way.cv(),
        param_name=way.prefix + "alpha",
        param_range=ALPHAS,
        params=way.metadata,
        error_score="raise",
    )
    same(test_scores, fold_scores(way, model))
    same(train_scores, fold_scores(way, model, folds=[(a, a) for a, _ in way.folds(way.y)]))


@works("n_jobs=2")
def test_two_processes(way, model):
    check_search(grid_search(way, model, n_jobs=2), way, model, fold_scores(way, model))
