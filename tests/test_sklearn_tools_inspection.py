"""permutation_importance and partial_dependence against own permutations and own averages."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats.mstats import mquantiles
from sklearn.inspection import PartialDependenceDisplay, partial_dependence, permutation_importance
from toolstable import FEATURES, IN_X, N_ROWS, REGRESSORS, by_hand, r2, same, way_of, works

from mtlinear.metrics import TaskScorer

REPEATS = 3


def importances_by_hand(way, fit, metric):
    """Loss of score when a column is shuffled, (n_columns, REPEATS); the task is a column like any other."""
    seed = np.random.RandomState(5).randint(np.iinfo(np.int32).max + 1)
    base = metric(way.y, fit.on(slice(None)), way.tasks)
    losses = np.empty((len(way.columns), REPEATS))
    for c, column in enumerate(way.columns):
        rng, order = np.random.RandomState(seed), np.arange(N_ROWS)
        features, tasks = way.features.copy(), None if way.tasks is None else way.tasks.copy()
        for repeat in range(REPEATS):
            rng.shuffle(order)
            if column == "school":
                tasks = tasks[order]
            else:
                features[:, FEATURES.index(column)] = features[order, FEATURES.index(column)]
            losses[c, repeat] = base - metric(way.y, fit.scores(features, tasks), tasks)
    return losses


@works("permutation_importance", *IN_X, "2-D y", models=REGRESSORS)
def test_permutation_importance(way, model):
    estimator = way.make(model).fit(way.X, way.y)
    result = permutation_importance(estimator, way.X, way.y, n_repeats=REPEATS, random_state=5)
    expected = importances_by_hand(way, by_hand(way, model), lambda y, p, _: r2(y, p))
    same(result.importances, expected)
    same(result.importances_mean, expected.mean(axis=1))


@pytest.mark.parametrize("name", IN_X)
def test_permutation_importance_per_task(name):
    """The scorer reads the shuffled task column, too: the importance of the task is of what the model is told."""
    way, model = way_of(name), REGRESSORS[0]
    estimator = way.make(model).fit(way.X, way.y)
    arguments = {"scoring": TaskScorer("neg_mean_squared_error"), "n_repeats": REPEATS, "random_state": 5}
    result = permutation_importance(estimator, way.X, way.y, **arguments)

    def per_task(y, p, tasks):
        return -np.mean([np.mean((y[tasks == t] - p[tasks == t]) ** 2) for t in np.unique(tasks)])

    same(result.importances, importances_by_hand(way, by_hand(way, model), per_task))


@works("partial_dependence", *IN_X, "2-D y", models=REGRESSORS)
def test_partial_dependence(way, model):
    estimator = way.make(model).fit(way.X, way.y)
    fit = by_hand(way, model)
    for k, name in enumerate(FEATURES):
        feature = name if way.name == "DataFrame" else way.columns.index(name)
        result = partial_dependence(estimator, way.X, [feature], grid_resolution=6, kind="both")
        grid = np.linspace(*mquantiles(way.features[:, k], prob=[0.05, 0.95]), 6)
        same(result["grid_values"][0], grid)
        individual = np.empty((way.y[0].size, N_ROWS, 6))
        for g, value in enumerate(grid):
            features = way.features.copy()
            features[:, k] = value
            individual[:, :, g] = fit.scores(features, way.tasks).T
        same(result["individual"], individual)
        same(result["average"], individual.mean(axis=1))


@pytest.mark.parametrize("model", REGRESSORS)
@pytest.mark.parametrize("name", IN_X)
def test_partial_dependence_on_the_task(name, model):
    """What all rows would have in each task."""
    way = way_of(name)
    estimator = way.make(model).fit(way.X, way.y)
    column = "school" if name == "DataFrame" else way.columns.index("school")
    result = partial_dependence(estimator, way.X, [column], categorical_features=[column], kind="both")
    fit = by_hand(way, model)
    tasks = np.unique(way.tasks)
    assert len(result["grid_values"][0]) == len(tasks)
    individual = np.column_stack([fit.scores(way.features, np.full(N_ROWS, task)) for task in tasks])
    same(result["individual"][0], individual)
    same(result["average"][0], individual.mean(axis=0))


def test_partial_dependence_display():
    pytest.importorskip("matplotlib").use("Agg")
    way, model = way_of("DataFrame"), REGRESSORS[0]
    estimator = way.make(model).fit(way.X, way.y)
    display = PartialDependenceDisplay.from_estimator(
        estimator, way.X, ["dose", "school"], categorical_features=["school"], grid_resolution=6
    )
    line = display.lines_.ravel()[0]
    fit, x = by_hand(way, model), np.asarray(line.get_xdata())
    expected = [fit.scores(np.column_stack([np.full(N_ROWS, v), way.features[:, 1:]]), way.tasks).mean() for v in x]
    same(line.get_ydata(), expected)
