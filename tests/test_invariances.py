"""Models that must be the same, and hard cases that must be told."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from estimatortools import ESTIMATORS, REGRESSORS, SMALL, binary, make, target_for
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV

from mtlinear import (
    BlockSparseClassifier,
    MultiTaskRegressor,
    TraceNormClassifier,
    TraceNormRegressor,
)
from mtlinear.penalties import Quadratic

# -- invariances ------------------------------------------------------------------------------------------------------


#: A quadratic beside a norm, and concave penalties, have no strength that makes up for the scale of y.
MIXED_DEGREES = {"GraphRegularizedRegressor", "ReweightedRegressor"}


@pytest.mark.parametrize("name", ESTIMATORS)
def test_stacked_equals_shared_when_all_tasks_have_the_same_rows(name, shared, rng):
    X, Y = shared
    Y = target_for(name, Y)
    one = make(name, **SMALL[name], tol=1e-12, max_iter=100_000).fit(X, Y)
    order = rng.permutation(Y.size)
    tasks = np.repeat(np.arange(4), len(X))[order]
    many = clone(one).fit(np.tile(X, (4, 1))[order], Y.T.ravel()[order], tasks=tasks)
    assert max(one.dual_gap_ / one.null_objective_, many.dual_gap_ / many.null_objective_) <= 1e-12
    np.testing.assert_allclose(many.objective_, one.objective_, rtol=1e-9)
    np.testing.assert_allclose(many.coef_, one.coef_, atol=2e-5)
    np.testing.assert_allclose(many.intercept_, one.intercept_, atol=5e-5)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_weight_two_equals_a_repeated_row(name, stacked, rng):
    X, y, tasks = stacked
    y = target_for(name, y)
    counts = rng.integers(1, 4, len(y))
    weighted = make(name, **SMALL[name]).fit(X, y, sample_weight=counts, tasks=tasks)
    repeated = make(name, **SMALL[name]).fit(
        np.repeat(X, counts, axis=0), np.repeat(y, counts), tasks=np.repeat(tasks, counts)
    )
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, atol=1e-7)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_weight_zero_equals_a_row_left_out(name, stacked):
    X, y, tasks = stacked
    y = target_for(name, y)
    kept = tasks != "west"
    weighted = make(name, **SMALL[name]).fit(X, y, sample_weight=1.0 * kept, tasks=tasks)
    left_out = make(name, **SMALL[name]).fit(X[kept], y[kept], tasks=tasks[kept])
    assert weighted.tasks_.tolist() == ["east", "north", "south"]
    np.testing.assert_allclose(weighted.coef_, left_out.coef_, atol=1e-12)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_permuting_tasks_and_features_permutes_the_parameters(name, shared, rng):
    X, Y = shared
    Y = target_for(name, Y)
    tasks, features = rng.permutation(4), rng.permutation(6)
    one = make(name, **SMALL[name], tol=1e-12, max_iter=100_000).fit(X, Y)
    other = clone(one).fit(X[:, features], Y[:, tasks])
    np.testing.assert_allclose(other.coef_, one.coef_[tasks][:, features], atol=2e-5)


@pytest.mark.parametrize("name", [name for name in REGRESSORS if name not in MIXED_DEGREES])
def test_scaling_y_scales_the_parameters(name, shared):
    """Norms: alpha scales with y; quadratics: alpha stays."""
    X, Y = shared
    one = make(name, **SMALL[name], tol=1e-12, max_iter=100_000).fit(X, Y)
    other = clone(one)
    if name == "MultiTaskRegressor":
        other.set_params(penalty=one.penalty.scaled(100.0))
    elif not isinstance(one._make_penalty(), Quadratic):
        other.set_params(alpha=100.0 * one.alpha)
    other.fit(X, 100.0 * Y)
    np.testing.assert_allclose(other.coef_, 100.0 * one.coef_, rtol=1e-5, atol=2e-3)
    np.testing.assert_allclose(other.objective_, 1e4 * one.objective_, rtol=1e-8)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_task_weight_of_integer_equals_repeating_all_rows_of_the_task(name, stacked):
    """w_t = 2 against two copies; m differs by a common factor, which the strength makes up for."""
    X, y, tasks = stacked
    y = target_for(name, y)
    weights = {"north": 1.0, "east": 2.0, "south": 1.0, "west": 3.0}
    copies = np.array([int(weights[t]) for t in tasks])
    factor = copies.sum() / len(y)
    model = make("MultiTaskRegressor" if name in REGRESSORS else "MultiTaskClassifier")
    penalty = make(name, **SMALL[name])._make_penalty()
    model.set_params(penalty=penalty, task_weight=weights, tol=1e-12, max_iter=100_000)
    model.fit(X, y, tasks=tasks)
    repeated = clone(model).set_params(task_weight=None, penalty=penalty.scaled(1 / factor))
    repeated.fit(np.repeat(X, copies, axis=0), np.repeat(y, copies), tasks=np.repeat(tasks, copies))
    np.testing.assert_allclose(repeated.objective_ * factor, model.objective_, rtol=1e-8)
    np.testing.assert_allclose(repeated.coef_, model.coef_, atol=2e-5)


# -- hard cases -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("offset", [0.0, 1e5, 1e8])
@pytest.mark.parametrize("name", REGRESSORS)
def test_an_offset_of_y_goes_into_the_intercept(name, offset, shared):
    X, Y = shared
    plain = make(name, **SMALL[name], tol=1e-12, max_iter=100_000).fit(X, Y)
    moved = make(name, **SMALL[name], tol=1e-12, max_iter=100_000).fit(X, Y + offset)
    assert moved.dual_gap_ <= 1e-12 * moved.null_objective_
    np.testing.assert_allclose(moved.coef_, plain.coef_, atol=2e-5)
    np.testing.assert_allclose(moved.intercept_ - offset, plain.intercept_, atol=1e-4)


@pytest.mark.parametrize("name", ["MeanRegularizedRegressor", "ClusteredRegressor", "MeanRegularizedClassifier"])
@pytest.mark.parametrize("seed", range(4))
def test_identical_tasks_are_certified(name, seed):
    """The gradient is rounding then, in the directions of the penalty and in the free ones."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((60, 5))
    y = X @ np.arange(5.0) + 2 * rng.standard_normal(60)
    Y = np.tile((y if name in REGRESSORS else binary(y))[:, None], 3)
    model = make(name).fit(X, Y)
    assert model.dual_gap_ <= 1e-6 * model.null_objective_
    np.testing.assert_allclose(model.coef_, np.tile(model.coef_[0], (3, 1)), atol=1e-6)
    if name in REGRESSORS:
        np.testing.assert_allclose(model.coef_[0], np.linalg.lstsq(X - X.mean(axis=0), y, rcond=None)[0], atol=1e-9)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("difference", [1.0, 1e-3, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12])
@pytest.mark.parametrize("name", ["MeanRegularizedRegressor", "ClusteredRegressor"])
def test_gap_is_honest_when_a_free_mean_meets_nearly_equal_features(name, difference, rng):
    """The optimum then has parameters of size 1/difference; it may be missed, but not without saying so."""
    x, z = rng.standard_normal((2, 80))
    X = np.column_stack([x, x + difference * z])
    Y = z[:, None] + 0.1 * rng.standard_normal((80, 2))
    model = make(name).fit(X, Y)
    exact = (X[:, 1] - X[:, 0]) / difference  # what the difference of the features is in floating point
    good = np.linalg.lstsq(np.column_stack([exact, np.ones(80)]), Y.mean(axis=1), rcond=None)[0]
    value = 0.5 * np.sum((Y - (good[0] * exact + good[1])[:, None]) ** 2) / 80
    assert model.objective_ - model.dual_gap_ <= value * (1 + 1e-6)


def test_a_failed_fit_leaves_the_model_as_it_was(stacked):
    X, y, tasks = stacked
    model = TraceNormRegressor(0.1).fit(X, y, tasks=tasks)
    before = model.predict(X, tasks=tasks)
    with pytest.raises(ValueError, match="task_weight"):
        model.set_params(task_weight={"zz": 1.0}).fit(X[:, :2], y, tasks=np.char.add("z", tasks))
    np.testing.assert_array_equal(model.predict(X, tasks=tasks), before)
    assert model.tasks_.tolist() == ["east", "north", "south", "west"]


def test_a_series_of_task_weights_is_read_by_label(stacked):
    X, y, tasks = stacked
    weights = {"west": 5.0, "north": 1.0, "east": 2.0, "south": 1.0}
    models = [TraceNormRegressor(0.1, task_weight=w).fit(X, y, tasks=tasks) for w in (weights, pd.Series(weights))]
    np.testing.assert_array_equal(models[0].coef_, models[1].coef_)


def test_multilabel_frame_with_columns_of_different_type(shared):
    X, Y = shared
    above = np.median(Y, axis=0) < Y
    frame = pd.DataFrame({"u": np.where(above[:, 0], "yes", "no"), "v": above[:, 1].astype(int), "w": above[:, 2]})
    model = BlockSparseClassifier(0.01).fit(X, frame)
    reference = BlockSparseClassifier(0.01).fit(X, above[:, :3].astype(int))
    np.testing.assert_allclose(model.coef_, reference.coef_, atol=1e-12)
    assert set(model.predict(X)[:, 0]) == {"yes", "no"}
    assert model.score(X, frame) == pytest.approx(reference.score(X, above[:, :3].astype(int)))
    frame.loc[:5, "u"] = None
    assert BlockSparseClassifier(0.01).fit(X, frame).coef_.shape == (3, 6)


def test_penalty_parameters_can_be_searched_from_the_default(shared):
    X, Y = shared
    search = GridSearchCV(MultiTaskRegressor(), {"penalty__alpha": [0.01, 1.0]}, cv=3).fit(X, Y)
    assert search.best_estimator_.penalty == search.best_params_.get("penalty", search.best_estimator_.penalty)
    assert search.best_estimator_.penalty.alpha == 0.01


def test_log_probabilities(stacked):
    X, y, tasks = stacked
    model = TraceNormClassifier(0.01).fit(X, binary(y), tasks=tasks)
    np.testing.assert_allclose(
        np.exp(model.predict_log_proba(X, tasks=tasks)), model.predict_proba(X, tasks=tasks), rtol=1e-12
    )


def test_warnings_point_at_the_callers_line(shared):
    X, Y = shared
    with pytest.warns(ConvergenceWarning) as caught:
        TraceNormRegressor(0.05, max_iter=2).fit(X, Y)
    assert caught[0].filename == __file__
