"""The estimators: against scikit-learn, classification, and as scikit-learn citizens."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from estimatortools import CLASSIFIERS, ESTIMATORS, SMALL, TIGHT, binary, make, target_for
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Lasso, LogisticRegression, MultiTaskLasso
from sklearn.linear_model import Ridge as SklearnRidge
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mtlinear import (
    BlockSparseClassifier,
    BlockSparseRegressor,
    MeanRegularizedClassifier,
    MeanRegularizedRegressor,
    MultiTaskClassifier,
    MultiTaskRegressor,
    TraceNormClassifier,
    TraceNormRegressor,
)
from mtlinear.penalties import L1, Clustered, InfimalConvolution, L1Lq, Ridge, TraceNorm

# -- equal to scikit-learn --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("alpha", [0.01, 0.3, 2.0])
def test_block_sparse_equals_multitasklasso(shared, alpha, fit_intercept):
    X, Y = shared
    ours = BlockSparseRegressor(alpha, fit_intercept=fit_intercept, tol=1e-14, max_iter=100_000).fit(X, Y)
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


# -- classification ---------------------------------------------------------------------------------------------------


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


# -- scikit-learn citizenship -----------------------------------------------------------------------------------------


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
        assert "penalty" in ours or ours["alpha"] == 0.01
