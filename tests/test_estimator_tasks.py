"""Every way of giving tasks, and what the user sees of the certificate."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from estimatortools import CLASSIFIERS, ESTIMATORS, SMALL, TIGHT, make, target_for
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import r2_score

from mtlinear import (
    BlockSparseRegressor,
    ClusteredRegressor,
    DirtyRegressor,
    MeanRegularizedRegressor,
    MultiTaskRegressor,
    TraceNormRegressor,
)
from mtlinear.penalties import L1, InfimalConvolution, TraceNorm

# -- ways of giving tasks ---------------------------------------------------------------------------------------------


def ways(X, y, tasks):
    """(constructor parameters, X, keyword arguments) that all say the same."""
    codes = np.unique(tasks, return_inverse=True)[1]
    frame = pd.DataFrame(X, columns=[f"f{k}" for k in range(X.shape[1])])
    frame.insert(2, "region", tasks)
    objects = np.column_stack([X.astype(object), tasks])
    return {
        "tasks": ({}, X, {"tasks": tasks}),
        "tasks as a list": ({}, X, {"tasks": tasks.tolist()}),
        "tasks as a Series": ({}, X, {"tasks": pd.Series(tasks)}),
        "tasks as a category": ({}, X, {"tasks": pd.Categorical(tasks)}),
        "column by name": ({"task_feature": "region"}, frame, {}),
        "column by position in a frame": ({"task_feature": 2}, frame, {}),
        "last column of objects": ({"task_feature": -1}, objects, {}),
        "numeric column": ({"task_feature": 0}, np.column_stack([codes, X]), {}),
    }


@pytest.mark.parametrize("name", ["TraceNormRegressor", "TraceNormClassifier"])
def test_every_way_of_giving_tasks_gives_the_same_model(name, stacked):
    X, y, tasks = stacked
    y = target_for(name, y)
    reference = None
    for parameters, data, keywords in ways(X, y, tasks).values():
        model = make(name, **SMALL[name], **parameters).fit(data, y, **keywords)
        predicted = model.predict(data, **keywords)
        assert predicted.shape == (len(y),)
        reference = (model.coef_, predicted) if reference is None else reference
        np.testing.assert_allclose(model.coef_, reference[0], atol=1e-12)
        np.testing.assert_allclose(predicted, reference[1], atol=1e-9)
        assert model.coef_.shape == (4, 6)


def test_names_reach_the_parameter_matrix(stacked):
    X, y, tasks = stacked
    _, frame, _ = ways(X, y, tasks)["column by name"]
    model = DirtyRegressor(0.2, task_feature="region").fit(frame, y)
    table = model.parameters_.to_frame()
    assert list(table.columns) == ["east", "north", "south", "west"]
    assert list(table.index) == [f"f{k}" for k in range(6)]
    assert list(model.feature_names_in_)[2] == "region"
    np.testing.assert_array_equal(table.to_numpy(), model.coef_.T)
    assert set(model.parameters_.parts) == {"B", "S"}


def test_columns_of_y_name_the_tasks(shared):
    X, Y = shared
    model = BlockSparseRegressor(0.1).fit(X, pd.DataFrame(Y, columns=list("abcd")))
    assert model.tasks_.tolist() == list("abcd")


def test_predictions_are_those_of_the_rows_own_task(stacked):
    X, y, tasks = stacked
    model = MeanRegularizedRegressor(0.1).fit(X, y, tasks=tasks)
    for row in (0, 17, 99):
        t = model.tasks_.tolist().index(tasks[row])
        expected = X[row] @ model.coef_[t] + model.intercept_[t]
        assert model.predict(X[[row]], tasks=tasks[[row]])[0] == pytest.approx(expected, rel=1e-12)
    assert model.score(X, y, tasks=tasks) == pytest.approx(r2_score(y, model.predict(X, tasks=tasks)))


def test_unseen_tasks_get_the_mean_task(stacked):
    X, y, tasks = stacked
    model = TraceNormRegressor(0.1, unseen_tasks="mean").fit(X, y, tasks=tasks)
    predicted = model.predict(X[:3], tasks=["mars", "east", "venus"])
    mean = X @ model.coef_.mean(axis=0) + model.intercept_.mean()
    np.testing.assert_allclose(predicted[[0, 2]], mean[[0, 2]])
    assert predicted[1] == model.predict(X[[1]], tasks=["east"])[0]
    np.testing.assert_allclose(model.parameters_.mean, model.coef_.mean(axis=0))


def test_float32_task_codes_are_recognised(stacked):
    X, y, tasks = stacked
    codes = np.unique(tasks, return_inverse=True)[1] / 3.0
    model = BlockSparseRegressor(0.1, task_feature=-1).fit(np.column_stack([X, codes]), y)
    coarse = np.column_stack([X, codes]).astype(np.float32)
    np.testing.assert_allclose(model.predict(coarse), model.predict(np.column_stack([X, codes])), rtol=1e-5, atol=1e-5)


# -- the certificate, as the user sees it -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ESTIMATORS)
def test_gap_is_below_tol_and_attributes_are_there(name, stacked):
    X, y, tasks = stacked
    y = target_for(name, y)
    model = make(name, **SMALL[name]).fit(X, y, tasks=tasks)
    null = 0.0  # the best constant per task: its mean, or the log-odds of its share
    for task in model.tasks_:
        mean = y[tasks == task].mean()
        loss = (y[tasks == task] - mean) ** 2 / 2
        if name in CLASSIFIERS:
            loss = -np.log(np.where(y[tasks == task] == 1, mean, 1 - mean))
        null += loss.sum() / (len(y) / 4)
    assert model.null_objective_ == pytest.approx(null, rel=1e-12)
    assert 0 <= model.dual_gap_ <= 1e-6 * null
    assert model.coef_.shape == (4, 6)
    assert model.intercept_.shape == (4,)
    assert model.n_iter_ >= 1
    assert model.history_[-1].gap >= model.dual_gap_


def test_too_few_iterations_warn_and_report_the_honest_gap(shared):
    X, Y = shared
    exact = TraceNormRegressor(0.05, **TIGHT).fit(X, Y)
    with pytest.warns(ConvergenceWarning, match="duality gap of"):
        model = TraceNormRegressor(0.05, max_iter=2).fit(X, Y)
    assert model.n_iter_ == 2
    assert model.dual_gap_ >= model.objective_ - exact.objective_ > 0


def test_warm_start_needs_no_iterations_and_forgets_other_shapes(shared):
    X, Y = shared
    model = DirtyRegressor(0.2, warm_start=True, max_iter=20_000).fit(X, Y)
    first, n_iter = model.coef_.copy(), model.n_iter_
    model.fit(X, Y)
    assert n_iter > 1
    assert model.n_iter_ == 1
    np.testing.assert_array_equal(model.coef_, first)
    assert model.fit(X[:, :4], Y[:, :2]).coef_.shape == (2, 4)


def test_clusters_of_the_fitted_spectrum(rng):
    X = rng.standard_normal((200, 5))
    centers = rng.standard_normal((5, 3)) * 3
    truth = np.array([0, 1, 2, 0, 1, 2, 0, 0, 1, 2])
    Y = X @ (centers[:, truth] + 0.05 * rng.standard_normal((5, 10))) + rng.standard_normal((200, 10))
    for mean_ratio in (0.0, None):
        model = ClusteredRegressor(n_clusters=3, alpha=1.0, between_ratio=0.01, mean_ratio=mean_ratio).fit(X, Y)
        assert model.parameters_.task_clusters().tolist() == truth.tolist()


def test_nothing_the_caller_gave_is_changed(stacked):
    X, y, tasks = stacked
    penalty = InfimalConvolution(TraceNorm(0.1), L1(0.1))
    before = [X.copy(), y.copy(), tasks.copy(), repr(penalty)]
    weights = np.ones(len(y))
    model = MultiTaskRegressor(penalty).fit(X, y, sample_weight=weights, tasks=tasks)
    for array in (X, y, weights):
        array.setflags(write=False)
    model.fit(X, y, sample_weight=weights, tasks=tasks)
    np.testing.assert_array_equal(X, before[0])
    np.testing.assert_array_equal(y, before[1])
    assert repr(penalty) == before[3]
    assert model.penalty is penalty
    with pytest.raises(ValueError, match="read-only"):
        model.parameters_.values[0, 0] = 1.0
