"""The estimators: against scikit-learn, across the ways of giving tasks, and as scikit-learn citizens."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import Lasso, LogisticRegression, MultiTaskLasso
from sklearn.linear_model import Ridge as SklearnRidge
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import mtlinear
from mtlinear import (
    BlockSparseClassifier,
    BlockSparseRegressor,
    ClusteredRegressor,
    DirtyRegressor,
    MeanRegularizedClassifier,
    MeanRegularizedRegressor,
    MultiTaskClassifier,
    MultiTaskRegressor,
    TraceNormClassifier,
    TraceNormRegressor,
)
from mtlinear.penalties import L1, Clustered, InfimalConvolution, L1Lq, Ridge, TraceNorm

ESTIMATORS = [name for name in mtlinear.__all__ if name != "ParameterMatrix"]
REGRESSORS = [name for name in ESTIMATORS if name.endswith("Regressor")]
CLASSIFIERS = [name for name in ESTIMATORS if name.endswith("Classifier")]
TIGHT = {"tol": 1e-12, "max_iter": 100_000}


def make(name, **parameters):
    return getattr(mtlinear, name)(**parameters)


def binary(y):
    return (y > np.median(y)).astype(int)


# -- equal to scikit-learn -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("alpha", [0.01, 0.3, 2.0])
def test_block_sparse_equals_multitasklasso(shared, alpha, fit_intercept):
    X, Y = shared
    ours = BlockSparseRegressor(alpha, fit_intercept=fit_intercept, **TIGHT).fit(X, Y)
    theirs = MultiTaskLasso(alpha, fit_intercept=fit_intercept, tol=1e-12, max_iter=100_000).fit(X, Y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-6)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, atol=1e-6)


def test_block_sparse_equals_multitasklasso_with_sample_weights(shared, rng):
    X, Y = shared
    weights = rng.integers(0, 4, len(X))
    ours = BlockSparseRegressor(0.2, **TIGHT).fit(X, Y, sample_weight=weights)
    theirs = MultiTaskLasso(0.2, tol=1e-12, max_iter=100_000)
    theirs.fit(np.repeat(X, weights, axis=0), np.repeat(Y, weights, axis=0))
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-6)


def test_one_task_l1_equals_lasso(shared):
    X, Y = shared
    ours = MultiTaskRegressor(L1(alpha=0.1), **TIGHT).fit(X, Y[:, 0])
    theirs = Lasso(0.1, tol=1e-12).fit(X, Y[:, 0])
    np.testing.assert_allclose(ours.coef_[0], theirs.coef_, atol=1e-6)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), atol=1e-6)


def test_one_task_mean_regularized_equals_ridge(shared):
    X, Y = shared
    ours = MeanRegularizedRegressor(alpha=5.0, mean_alpha=0.7, **TIGHT).fit(X, Y[:, 0])
    theirs = SklearnRidge(alpha=0.7 * len(X)).fit(X, Y[:, 0])
    np.testing.assert_allclose(ours.coef_[0], theirs.coef_, atol=1e-6)


def test_mean_regularized_with_equal_strengths_equals_ridge(shared):
    X, Y = shared
    ours = MeanRegularizedRegressor(alpha=0.7, mean_alpha=0.7, **TIGHT).fit(X, Y)
    theirs = SklearnRidge(alpha=0.7 * len(X)).fit(X, Y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-6)


def test_one_task_without_penalty_is_least_squares(shared):
    """Mean-regularized with a free mean and one task leaves nothing to penalise."""
    X, Y = shared
    ours = MeanRegularizedRegressor(alpha=1.0, **TIGHT).fit(X, Y[:, 0])
    design = np.column_stack([X, np.ones(len(X))])
    coef = np.linalg.lstsq(design, Y[:, 0], rcond=None)[0]
    np.testing.assert_allclose(np.append(ours.coef_[0], ours.intercept_), coef, atol=1e-9)


def test_one_task_small_alpha_equals_logistic_regression(shared):
    X, Y = shared
    y = binary(Y[:, 0] + 5 * np.sin(7 * X[:, 0]))  # not separable
    alpha = 1e-4
    ours = MultiTaskClassifier(Ridge(alpha=alpha), tol=1e-12, max_iter=200_000).fit(X, y)
    theirs = LogisticRegression(C=1 / (alpha * len(X)), tol=1e-12, max_iter=100_000).fit(X, y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-5)


# -- invariances ------------------------------------------------------------------------------------------------------

SMALL = {
    "BlockSparseRegressor": {"alpha": 0.2},
    "DirtyRegressor": {"alpha": 0.3},
    "TraceNormRegressor": {"alpha": 0.2},
    "MeanRegularizedRegressor": {"alpha": 0.5},
    "ClusteredRegressor": {"alpha": 0.3},
    "MultiTaskRegressor": {"penalty": L1Lq(alpha=0.2, q=3)},
    "BlockSparseClassifier": {"alpha": 0.02},
    "DirtyClassifier": {"alpha": 0.03},
    "TraceNormClassifier": {"alpha": 0.02},
    "MeanRegularizedClassifier": {"alpha": 0.05, "mean_alpha": 0.01},
    "ClusteredClassifier": {"alpha": 0.05, "mean_ratio": 0.1},
    "MultiTaskClassifier": {"penalty": L1Lq(alpha=0.02, q=3)},
}


def target_for(name, Y):
    return binary(Y - np.median(Y, axis=0) + np.median(Y)) if name in CLASSIFIERS else Y


@pytest.mark.parametrize("name", ESTIMATORS)
def test_stacked_equals_shared_when_all_tasks_have_the_same_rows(name, shared, rng):
    X, Y = shared
    Y = target_for(name, Y)
    one = make(name, **SMALL[name], tol=1e-10, max_iter=50_000).fit(X, Y)
    order = rng.permutation(Y.size)
    tasks = np.repeat(np.arange(4), len(X))[order]
    many = clone(one).fit(np.tile(X, (4, 1))[order], Y.T.ravel()[order], tasks=tasks)
    assert max(one.dual_gap_ / one.null_objective_, many.dual_gap_ / many.null_objective_) <= 1e-10
    np.testing.assert_allclose(many.objective_, one.objective_, rtol=1e-9)
    np.testing.assert_allclose(many.coef_, one.coef_, atol=2e-4)
    np.testing.assert_allclose(many.intercept_, one.intercept_, atol=5e-4)


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
    one = make(name, **SMALL[name], tol=1e-10, max_iter=50_000).fit(X, Y)
    other = clone(one).fit(X[:, features], Y[:, tasks])
    np.testing.assert_allclose(other.coef_, one.coef_[tasks][:, features], atol=2e-4)


@pytest.mark.parametrize("name", REGRESSORS)
def test_scaling_y_scales_the_parameters(name, shared):
    """Norms: alpha scales with y; quadratics: alpha stays."""
    X, Y = shared
    one = make(name, **SMALL[name], tol=1e-10, max_iter=50_000).fit(X, Y)
    other = clone(one)
    if name == "MultiTaskRegressor":
        other.set_params(penalty=one.penalty.scaled(100.0))
    elif name not in ("MeanRegularizedRegressor", "ClusteredRegressor"):
        other.set_params(alpha=100.0 * one.alpha)
    other.fit(X, 100.0 * Y)
    np.testing.assert_allclose(other.coef_, 100.0 * one.coef_, rtol=1e-3, atol=2e-2)
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
    model.set_params(penalty=penalty, task_weight=weights, tol=1e-10, max_iter=50_000)
    model.fit(X, y, tasks=tasks)
    repeated = clone(model).set_params(task_weight=None, penalty=penalty.scaled(1 / factor))
    repeated.fit(np.repeat(X, copies, axis=0), np.repeat(y, copies), tasks=np.repeat(tasks, copies))
    np.testing.assert_allclose(repeated.objective_ * factor, model.objective_, rtol=1e-8)
    np.testing.assert_allclose(repeated.coef_, model.coef_, atol=2e-4)


# -- ways of giving tasks ----------------------------------------------------------------------------------------------


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


# -- classification ----------------------------------------------------------------------------------------------------


def test_one_vs_rest_is_the_multilabel_problem_of_its_classes():
    X, y = load_iris(return_X_y=True)
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    model = TraceNormClassifier(0.01, **TIGHT).fit(X, names)
    columns = TraceNormClassifier(0.01, **TIGHT).fit(X, (y[:, None] == np.arange(3)).astype(int))
    np.testing.assert_allclose(model.coef_, columns.coef_, atol=1e-9)
    assert model.tasks_.tolist() == model.classes_.tolist() == ["setosa", "versicolor", "virginica"]
    probabilities = model.predict_proba(X)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0)
    assert np.all(model.classes_[probabilities.argmax(axis=1)] == model.predict(X))
    assert model.score(X, names) > 0.9


def test_probabilities_are_finite_for_huge_scores():
    X, y = load_iris(return_X_y=True)
    for target in (y, (y > 0).astype(int), (y[:, None] == np.arange(3)).astype(int)):
        probabilities = BlockSparseClassifier(0.001).fit(X, target).predict_proba(1e6 * X)
        assert np.all(np.isfinite(probabilities))
        assert np.all((probabilities >= 0) & (probabilities <= 1))


@pytest.mark.parametrize("labels", [(0, 1), (-1, 1), ("no", "yes"), (False, True), (2.0, 7.0)])
def test_any_two_labels(labels, stacked):
    X, y, tasks = stacked
    codes = binary(y)
    target = np.array(labels)[codes]
    model = MeanRegularizedClassifier(0.1, mean_alpha=0.1).fit(X, target, tasks=tasks)
    reference = MeanRegularizedClassifier(0.1, mean_alpha=0.1).fit(X, codes, tasks=tasks)
    assert model.classes_.tolist() == sorted(labels)
    np.testing.assert_array_equal(model.predict(X, tasks=tasks), np.array(labels)[reference.predict(X, tasks=tasks)])
    probabilities = model.predict_proba(X, tasks=tasks)
    np.testing.assert_allclose(probabilities[:, 1], 1 / (1 + np.exp(-model.decision_function(X, tasks=tasks))))


def test_multilabel_columns_may_have_their_own_labels(shared):
    X, Y = shared
    target = np.where(np.median(Y, axis=0) < Y, [["up", "yes", "hot", "big"]], [["down", "no", "cold", "small"]])
    model = BlockSparseClassifier(0.01).fit(X, target)
    assert model.task_classes_.tolist() == [["down", "up"], ["no", "yes"], ["cold", "hot"], ["big", "small"]]
    predicted = model.predict(X)
    assert np.mean(predicted == target) > 0.8
    assert model.score(X, target) == np.mean(np.all(predicted == target, axis=1))
    assert model.predict_proba(X).shape == model.decision_function(X).shape == (60, 4)


def test_perfectly_separable_task_is_certified_or_warns(rng):
    X = rng.standard_normal((40, 3))
    model = MeanRegularizedClassifier(alpha=1.0).fit(X, (X[:, 0] > 0).astype(int))  # nothing is penalised
    assert model.score(X, (X[:, 0] > 0).astype(int)) == 1.0
    assert 0 <= model.dual_gap_ <= 1e-6 * np.log(2)


# -- the certificate, as the user sees it ------------------------------------------------------------------------------


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


# -- hard cases --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("offset", [0.0, 1e5, 1e8])
@pytest.mark.parametrize("name", REGRESSORS)
def test_an_offset_of_y_goes_into_the_intercept(name, offset, shared):
    X, Y = shared
    plain = make(name, **SMALL[name], tol=1e-9, max_iter=50_000).fit(X, Y)
    moved = make(name, **SMALL[name], tol=1e-9, max_iter=50_000).fit(X, Y + offset)
    assert moved.dual_gap_ <= 1e-9 * moved.null_objective_
    np.testing.assert_allclose(moved.coef_, plain.coef_, atol=1e-3)
    np.testing.assert_allclose(moved.intercept_ - offset, plain.intercept_, atol=1e-2)


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


# -- scikit-learn citizenship ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ESTIMATORS)
def test_pickle_and_clone(name, stacked):
    X, y, tasks = stacked
    y = target_for(name, y)
    model = make(name, **SMALL[name]).fit(X, y, tasks=tasks)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(X, tasks=tasks), model.predict(X, tasks=tasks))
    with pytest.raises(NotFittedError):
        clone(model).predict(X, tasks=tasks)


def test_grid_search_over_penalty_objects_and_their_parameters(shared):
    X, Y = shared
    grid = [
        {"penalty": [TraceNorm(), L1Lq(q=np.inf), InfimalConvolution(TraceNorm(), L1())]},
        {"penalty": [Clustered(n_clusters=2)], "penalty__alpha": [0.01, 1.0]},
    ]
    search = GridSearchCV(MultiTaskRegressor(), grid, cv=3).fit(X, Y)
    assert len(search.cv_results_["params"]) == 5
    assert np.all(np.isfinite(search.cv_results_["mean_test_score"]))
    assert pickle.loads(pickle.dumps(search)).best_params_.keys() == search.best_params_.keys()
    nested = MultiTaskRegressor(InfimalConvolution(TraceNorm(), L1())).set_params(penalty__penalty_1__alpha=0.5)
    assert nested.penalty.penalties[1].alpha == 0.5


def test_pipeline_with_a_task_column_in_cross_validation(stacked):
    X, y, tasks = stacked
    codes = np.unique(tasks, return_inverse=True)[1]
    pipeline = make_pipeline(StandardScaler(), BlockSparseRegressor(0.01, task_feature=-1))
    scores = cross_val_score(pipeline, np.column_stack([X, codes]), y, cv=3, scoring="neg_mean_squared_error")
    assert np.all(np.isfinite(scores))
    assert scores.mean() > -1.0


def test_tasks_are_requested_without_set_fit_request(stacked):
    import sklearn

    X, y, tasks = stacked
    with sklearn.config_context(enable_metadata_routing=True):
        scores = cross_val_score(TraceNormRegressor(0.01), X, y, cv=3, params={"tasks": tasks})
    assert scores.min() > 0.5


def test_classifier_alpha_default_differs_only_there():
    for name in CLASSIFIERS:
        ours, sibling = make(name).get_params(), make(name.replace("Classifier", "Regressor")).get_params()
        assert list(ours) == list(sibling)
        assert {key for key in ours if ours[key] != sibling[key]} <= {"alpha"}
        assert name == "MultiTaskClassifier" or ours["alpha"] == 0.01
