"""The parameter ``loss`` of the general estimators, against scikit-learn's own models with these losses."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import minimize
from sklearn.base import clone
from sklearn.linear_model import HuberRegressor, PoissonRegressor
from sklearn.metrics import d2_tweedie_score, r2_score
from sklearn.model_selection import GridSearchCV
from sklearn.svm import LinearSVC

from mtlinear import (
    MultiTaskClassifier,
    MultiTaskClassifierCV,
    MultiTaskRegressor,
    MultiTaskRegressorCV,
    regularization_path,
)
from mtlinear.losses import Huber, Logistic, Poisson, Squared, SquaredHinge
from mtlinear.penalties import L1, Clustered, L1Lq, MeanRegularized, Ridge, TraceNorm

TIGHT = {"tol": 1e-12, "max_iter": 200_000}


@pytest.fixture
def counts(rng):
    X = rng.standard_normal((80, 4))
    Y = rng.poisson(np.exp(X @ rng.standard_normal((4, 3)) * 0.5 + 0.5)).astype(float)
    return X, Y


@pytest.fixture
def outliers(rng):
    X = rng.standard_normal((60, 4))
    Y = X @ rng.standard_normal((4, 3)) + 2.0 + 0.3 * rng.standard_normal((60, 3))
    Y[:6] += 40.0
    return X, Y


@pytest.fixture
def labels(rng):
    X = rng.standard_normal((70, 4))
    Y = (X @ rng.standard_normal((4, 3)) + 0.7 * rng.standard_normal((70, 3)) > 0).astype(int)
    return X, Y


@pytest.mark.parametrize("alpha", [1e-3, 0.1, 3.0])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_poisson_with_a_ridge_is_scikit_learns(counts, alpha, fit_intercept):
    X, Y = counts
    model = MultiTaskRegressor(Ridge(alpha), loss=Poisson(), fit_intercept=fit_intercept, **TIGHT).fit(X, Y)
    for t in range(3):
        theirs = PoissonRegressor(
            alpha=alpha, fit_intercept=fit_intercept, solver="newton-cholesky", tol=1e-10, max_iter=1000
        ).fit(X, Y[:, t])
        away = np.sqrt(2 * model.dual_gap_ / alpha)  # what the gap allows: the objective is strongly convex
        assert_allclose(model.coef_[t], theirs.coef_, rtol=0, atol=away + 1e-8)
        assert_allclose(model.intercept_[t], theirs.intercept_, rtol=0, atol=10 * away + 1e-8)
        assert away < 1e-4
        assert_allclose(model.predict(X)[:, t], theirs.predict(X), rtol=1e-5)
        assert_allclose(d2_tweedie_score(Y[:, t], model.predict(X)[:, t], power=1), theirs.score(X, Y[:, t]), rtol=1e-6)
    assert_allclose(model.score(X, Y), r2_score(Y, model.predict(X)))


def test_squared_hinge_with_a_ridge_is_scikit_learns_linear_svc(labels):
    """C sum max(0, 1 - m)^2 + ||w||^2 / 2 is n C times 2 (squared hinge / n) + ... : alpha = 1 / (2 n C)."""
    X, Y = labels
    for C in (0.01, 1.0):
        model = MultiTaskClassifier(Ridge(1 / (2 * len(X) * C)), loss=SquaredHinge(), fit_intercept=False, **TIGHT)
        model.fit(X, Y)
        for t in range(3):
            theirs = LinearSVC(C=C, dual=False, fit_intercept=False, tol=1e-12, max_iter=100_000).fit(X, Y[:, t])
            assert_allclose(model.coef_[t], theirs.coef_[0], rtol=1e-5, atol=1e-6)


def test_liblinears_intercept_is_penalised_as_one_more_feature(labels):
    X, Y = labels
    wide = np.column_stack([X, np.ones(len(X))])
    ours = MultiTaskClassifier(Ridge(1 / (2 * len(X))), loss=SquaredHinge(), fit_intercept=False, **TIGHT).fit(wide, Y)
    theirs = LinearSVC(C=1.0, dual=False, tol=1e-12, max_iter=100_000).fit(X, Y[:, 0])
    assert_allclose(ours.coef_[0], np.append(theirs.coef_[0], theirs.intercept_), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("delta", [0.2, 1.35])
def test_huber_at_the_scale_that_scikit_learn_estimates(outliers, delta):
    """For fixed sigma theirs is sum_i sigma H_eps(r_i / sigma) + alpha ||w||^2 (+ n sigma), H_eps twice the Huber loss:
    2/sigma times our sum with delta = eps sigma, so our alpha is theirs times sigma / n."""
    X, Y = outliers
    epsilon, alpha = 1.0 + delta, 0.5
    for t in range(3):
        theirs = HuberRegressor(epsilon=epsilon, alpha=alpha, tol=1e-10, max_iter=10_000).fit(X, Y[:, t])
        sigma = theirs.scale_
        model = MultiTaskRegressor(Ridge(alpha * sigma / len(X)), loss=Huber(epsilon * sigma), **TIGHT).fit(X, Y[:, t])
        assert_allclose(model.coef_[0], theirs.coef_, rtol=1e-4, atol=1e-5)
        assert_allclose(model.intercept_[0], theirs.intercept_, rtol=1e-4)


def test_huber_is_not_moved_by_outliers_and_squared_is(outliers):
    X, Y = outliers
    clean = MultiTaskRegressor(L1Lq(0.01)).fit(X[6:], Y[6:]).coef_
    robust = MultiTaskRegressor(L1Lq(0.01), loss=Huber(0.5)).fit(X, Y).coef_
    plain = MultiTaskRegressor(L1Lq(0.01)).fit(X, Y).coef_
    assert np.linalg.norm(robust - clean) < 0.1 * np.linalg.norm(plain - clean)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_huber_in_other_units(outliers, scale):
    X, Y = outliers
    first = MultiTaskRegressor(L1Lq(0.1), loss=Huber(0.5), tol=1e-9).fit(X, Y)
    other = MultiTaskRegressor(L1Lq(0.1 * scale), loss=Huber(0.5 * scale), tol=1e-9).fit(X, scale * Y + 1e3 * scale)
    assert_allclose(other.coef_, scale * first.coef_, rtol=1e-4, atol=1e-5 * scale)
    assert_allclose(other.intercept_, scale * (first.intercept_ + 1e3), rtol=1e-6)


@pytest.mark.parametrize("loss", [Huber(), Poisson(), SquaredHinge()], ids=repr)
@pytest.mark.parametrize("penalty", [L1(), L1Lq(), TraceNorm()], ids=repr)
def test_alpha_max_holds_for_any_loss(loss, penalty, counts, labels):
    X, Y = labels if isinstance(loss, SquaredHinge) else counts
    kind = MultiTaskClassifier if isinstance(loss, SquaredHinge) else MultiTaskRegressor
    path = regularization_path(kind(penalty, loss=loss, tol=1e-9), X, Y, alphas=20)
    assert np.all(path.coef[0] == 0.0)
    assert np.any(path.coef[1] != 0.0)
    assert path.converged.all()


@pytest.mark.parametrize(
    ("loss", "search"),
    [(Huber(0.7), MultiTaskRegressorCV), (Poisson(), MultiTaskRegressorCV), (SquaredHinge(), MultiTaskClassifierCV)],
    ids=str,
)
def test_cross_validation_equals_fits_by_hand(loss, search, counts, labels):
    X, Y = labels if loss.of_labels else counts
    alphas = [0.1, 0.01]
    cv = [(np.arange(40, len(X)), np.arange(40)), (np.arange(40), np.arange(40, len(X)))]
    model = search(L1Lq(), loss=loss, alphas=alphas, cv=cv, tol=1e-9).fit(X, Y)
    single = MultiTaskClassifier if loss.of_labels else MultiTaskRegressor
    for a, alpha in enumerate(alphas):
        for k, (train, test) in enumerate(cv):
            fold = single(L1Lq(alpha), loss=loss, tol=1e-9).fit(X[train], Y[train])
            scores = X[test] @ fold.coef_.T + fold.intercept_
            signs = 2.0 * Y[test] - 1.0 if loss.of_labels else Y[test]
            assert_allclose(model.score_path_[a, k], -loss.value(signs, scores).mean(), rtol=1e-5)
    again = single(model.penalty_, loss=loss, tol=1e-9).fit(X, Y)
    assert_allclose(model.coef_, again.coef_, atol=1e-5)
    assert_allclose(model.predict(X), again.predict(X), atol=1e-4)


def test_grid_search_over_losses_and_their_parameters(outliers):
    X, Y = outliers
    grid = {"loss": [None, Huber(0.3)], "penalty__alpha": [0.1, 0.01]}
    search = GridSearchCV(MultiTaskRegressor(L1Lq()), grid, scoring="neg_median_absolute_error").fit(X, Y)
    assert repr(search.best_params_["loss"]) == "Huber(delta=0.3)"
    search = GridSearchCV(MultiTaskRegressor(L1Lq(0.1), loss=Huber()), {"loss__delta": [0.1, 1.0, 10.0]}).fit(X, Y)
    assert search.best_params_["loss__delta"] in (0.1, 1.0, 10.0)


def test_none_and_the_default_are_the_same(outliers, labels):
    X, Y = outliers
    first, second = MultiTaskRegressor(TraceNorm(0.1)), MultiTaskRegressor(TraceNorm(0.1), loss=Squared())
    assert_allclose(first.fit(X, Y).coef_, second.fit(X, Y).coef_, rtol=0, atol=0)
    X, Y = labels
    first, second = MultiTaskClassifier(L1(0.01)), MultiTaskClassifier(L1(0.01), loss=Logistic())
    assert_allclose(first.fit(X, Y).predict_proba(X), second.fit(X, Y).predict_proba(X), rtol=0, atol=0)


@pytest.mark.parametrize("search", [MultiTaskClassifier, MultiTaskClassifierCV])
def test_a_support_vector_machine_has_no_probabilities(labels, search):
    X, Y = labels
    options = {"alphas": 3, "cv": 2} if search is MultiTaskClassifierCV else {}
    model = search(L1Lq(0.01), loss=SquaredHinge(), **options).fit(X, Y)
    assert not hasattr(model, "predict_proba")
    assert not hasattr(model, "predict_log_proba")
    assert hasattr(search(L1Lq(0.01)), "predict_proba")
    assert model.predict(X).shape == Y.shape
    assert model.score(X, Y) > 0.3
    assert_allclose(model.predict(X), model.decision_function(X) > 0)
    K = np.arange(len(X)) % 3
    one_vs_rest = search(L1Lq(0.001), loss=SquaredHinge(), **options).fit(X + 3 * np.eye(4)[K], K)
    assert one_vs_rest.score(X + 3 * np.eye(4)[K], K) > 0.9
    again = pickle.loads(pickle.dumps(clone(model).fit(X, Y)))
    assert_allclose(again.decision_function(X), model.decision_function(X))


@pytest.mark.parametrize("penalty", [MeanRegularized(0.1), Clustered(2, 0.1)], ids=repr)
@pytest.mark.parametrize("loss", [Huber(0.1), Poisson()], ids=repr)
def test_free_means_and_rows_with_tasks_of_their_own(counts, penalty, loss):
    X, Y = counts
    tasks = np.arange(len(X)) % 4
    model = MultiTaskRegressor(penalty, loss=loss, tol=1e-8).fit(X, Y[:, 0], tasks=tasks)
    assert model.dual_gap_ <= 1e-8 * model.null_objective_
    scores = np.sum(X * model.coef_[tasks], axis=1) + model.intercept_[tasks]
    assert_allclose(model.predict(X, tasks=tasks), loss.inverse_link(scores))
    # A general-purpose optimiser finds nothing lower.
    T, d = 4, 4

    def objective(v):
        A, b = v[: T * d].reshape(T, d), v[T * d :]
        data = loss.value(Y[:, 0], np.sum(X * A[tasks], axis=1) + b[tasks]).sum() * T / len(X)
        return data + penalty.value(A.T)

    start = np.concatenate([model.coef_.ravel(), model.intercept_])
    assert_allclose(objective(start), model.objective_, rtol=1e-9)
    assert minimize(objective, start, method="BFGS").fun >= model.objective_ - model.dual_gap_ - 1e-12


def test_what_makes_no_sense_is_said(counts, labels):
    X, Y = counts
    with pytest.raises(ValueError, match=r"SquaredHinge.* is not one for MultiTaskRegressor"):
        MultiTaskRegressor(loss=SquaredHinge()).fit(X, Y)
    with pytest.raises(ValueError, match=r"Huber\(.*is not one for MultiTaskClassifier"):
        MultiTaskClassifier(loss=Huber()).fit(*labels)
    with pytest.raises(ValueError, match="loss"):
        MultiTaskRegressor(loss="huber").fit(X, Y)
    with pytest.raises(ValueError, match="delta must be a number > 0"):
        MultiTaskRegressor(loss=Huber(-1.0)).fit(X, Y)
    with pytest.raises(ValueError, match="y must not be negative"):
        MultiTaskRegressor(loss=Poisson()).fit(X, Y - 10)
    with pytest.raises(AttributeError, match="partial_fit") as caught:
        MultiTaskRegressor(loss=Huber()).partial_fit(X, Y)
    assert "partial_fit needs the squared loss" in str(caught.value.__cause__)
    assert not hasattr(MultiTaskRegressor(loss=Huber()), "partial_fit")
    assert hasattr(MultiTaskRegressor(), "partial_fit")
    zeros = Y.copy()
    zeros[:, 1] = 0.0
    with pytest.raises(ValueError, match=r"task\(s\) \[1\] is 0 in every row.*intercept would be infinite"):
        MultiTaskRegressor(loss=Poisson()).fit(X, zeros)
    assert np.all(MultiTaskRegressor(Ridge(0.1), loss=Poisson(), fit_intercept=False).fit(X, zeros).predict(X) > 0)
    zeros[:3, 1] = 1.0
    with pytest.raises(ValueError, match=r"task\(s\) \[1\] is zero in every row of the training part of fold"):
        MultiTaskRegressorCV(loss=Poisson()).fit(X, zeros)
