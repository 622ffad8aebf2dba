"""MultiTaskRegressorCV and MultiTaskClassifierCV equal a hand-written loop of fits on the training rows alone."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from cvtools import CLASSIFICATION, TIGHT, WAYS, classification, classify, hand_loop, regression, shared_arrays
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.linear_model import MultiTaskLassoCV, RidgeCV

from mtlinear import MultiTaskClassifierCV, MultiTaskRegressor, MultiTaskRegressorCV
from mtlinear.datafit import GramFit, RowsFit
from mtlinear.designs import Design, SharedDesign, StackedDesign
from mtlinear.estimators import _cross_validated, _folds
from mtlinear.path import alpha_max
from mtlinear.penalties import (
    L1,
    Clustered,
    Dirty,
    InfimalConvolution,
    L1Lq,
    MeanRegularized,
    Ridge,
    TraceNorm,
)
from mtlinear.solvers import Solver

TALL, WIDE = (90, 5), (24, 60)
PENALTIES = [
    L1Lq(),
    L1Lq(q=np.inf),
    L1(),
    Dirty(l1_ratio=0.4),
    TraceNorm(),
    MeanRegularized(),
    MeanRegularized(mean_alpha=0.1),
    Clustered(2),
    Clustered(2, mean_ratio=0.1),
    Ridge(),
]


@pytest.fixture
def kinds(monkeypatch):
    """Which data fits the paths on the folds ran on."""
    seen = []
    run_path = _folds._run_path

    def spy(model, fold, *rest):
        seen.append(type(fold.data))
        return run_path(model, fold, *rest)

    monkeypatch.setattr(_folds, "_run_path", spy)
    return seen


# -- against loops of single fits -------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [TALL, WIDE], ids=str)
@pytest.mark.parametrize("way", WAYS)
def test_squared_errors_are_those_of_single_fits(way, shape, kinds):
    data = regression(way, *shape)
    splits = data.splits()
    model = data.fit(MultiTaskRegressorCV(L1Lq(), alphas=4, eps=0.03, cv=splits, **TIGHT))
    assert set(kinds) == {GramFit if shape == TALL else RowsFit}
    expected = hand_loop(data, L1Lq(), model.alphas_, splits)
    assert_allclose(model.mse_path_, expected, rtol=1e-4)
    assert_allclose(model.score_path_, -model.mse_path_)
    assert np.ptp(expected.mean(axis=1)) > 0.02 * expected.mean()  # the alphas make a difference
    best = np.argmin(expected.mean(axis=1))
    assert model.alpha_ == model.alphas_[best]
    assert model.best_index_ == best
    single = data.fit(MultiTaskRegressor(L1Lq(alpha=model.alpha_), **TIGHT))
    assert_allclose(model.coef_, single.coef_, atol=1e-5)
    assert_allclose(model.intercept_, single.intercept_, atol=1e-5)
    assert model.dual_gap_ <= 1e-11 * model.null_objective_


@pytest.mark.parametrize("way", ["2-D weighted", "2-D missing", "beside weighted"])
@pytest.mark.parametrize("shape", [TALL, WIDE], ids=str)
@pytest.mark.parametrize("penalty", PENALTIES, ids=repr)
def test_every_penalty(penalty, way, shape):
    data = regression(way, *shape)
    splits = data.splits()
    options = {"tol": 1e-9, "max_iter": 100_000}
    # A free mean (mean_alpha=0) with more features than rows has many optima, which predict differently.
    if shape == WIDE and penalty.null_space(3).shape[1]:
        data.parameters["l2_alpha"] = 0.1
    model = data.fit(MultiTaskRegressorCV(penalty, alphas=3, eps=0.01, cv=splits, **options))
    expected = hand_loop(data, penalty, model.alphas_, splits, **options)
    assert_allclose(model.mse_path_, expected, rtol=2e-3, atol=1e-6)


@pytest.mark.parametrize("way", CLASSIFICATION)
@pytest.mark.parametrize("penalty", [L1Lq(), TraceNorm()], ids=repr)
def test_log_losses_are_those_of_single_fits(way, penalty):
    data = classification(way)
    splits = data.splits()
    model = data.fit(MultiTaskClassifierCV(penalty, alphas=3, eps=0.05, cv=splits, tol=1e-9, max_iter=100_000))
    expected = classify(data, penalty, model.alphas_, splits)
    assert_allclose(-model.score_path_, expected, rtol=1e-4)
    assert np.ptp(expected) > 0.01
    assert not hasattr(model, "mse_path_")


def test_equal_to_multitasklassocv(shared):
    X, Y = shared
    for fit_intercept in (True, False):
        theirs = MultiTaskLassoCV(alphas=30, cv=4, tol=1e-10, max_iter=100_000, fit_intercept=fit_intercept).fit(X, Y)
        tighter = TIGHT | {"tol": 1e-13}  # parameters differ by the root of the gap
        ours = MultiTaskRegressorCV(alphas=30, cv=4, fit_intercept=fit_intercept, **tighter).fit(X, Y)
        assert_allclose(ours.alphas_, theirs.alphas_, rtol=1e-12)
        assert_allclose(ours.mse_path_, theirs.mse_path_, rtol=1e-6)
        assert ours.alpha_ == pytest.approx(theirs.alpha_)
        assert_allclose(ours.coef_, theirs.coef_, atol=1e-6)


def test_ridge_equals_ridgecv_leave_one_out(rng):
    X, y = rng.standard_normal((25, 4)), rng.standard_normal(25)
    alphas = np.array([0.01, 0.1, 1.0])
    theirs = RidgeCV(alphas=alphas * 24, cv=None, store_cv_results=True, fit_intercept=False).fit(X, y)
    splits = [(np.delete(np.arange(25), k), [k]) for k in range(25)]
    ours = MultiTaskRegressorCV(Ridge(), alphas=alphas, cv=splits, fit_intercept=False, **TIGHT).fit(X, y)
    # A fold has 24 rows, so alpha * 24 is the same ridge as in scikit-learn's sum over rows.
    assert_allclose(ours.mse_path_[::-1].T, theirs.cv_results_, rtol=1e-5, atol=1e-6)


# -- shared work ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["2-D", "2-D missing", "beside"])
def test_no_row_is_touched_along_the_path(way, monkeypatch):
    """In the Gram case X is read for moments before the first solve; held-out rows are scored after each."""
    calls = []
    inside = []
    solve = Solver.solve

    def count(cls, name):
        original = getattr(cls, name)

        def spy(self, *arguments, **options):
            if inside:
                calls.append(name)
            return original(self, *arguments, **options)

        monkeypatch.setattr(cls, name, spy)

    for cls in (SharedDesign, StackedDesign):
        for name in ("_raw_scores", "_raw_adjoint", "_stored_rows", "gram", "take", "restrict", "centered"):
            count(cls, name)
    count(Design, "apply")

    def watched(self, problem, *arguments, **options):
        inside.append(problem)
        try:
            return solve(self, problem, *arguments, **options)
        finally:
            inside.pop()

    monkeypatch.setattr(Solver, "solve", watched)
    data = regression(way, *TALL)
    model = MultiTaskRegressorCV(alphas=4, cv=3)
    monkeypatch.setattr(MultiTaskRegressorCV, "_refit", lambda *_: None)
    data.fit(model)
    assert calls == []
    data = regression(way, *WIDE)
    data.fit(model)
    assert "_raw_scores" in calls  # the spies see it where rows are used


@pytest.mark.parametrize("candidates", [1, 3])
def test_the_rows_are_summed_up_once(candidates, monkeypatch):
    """All moments once, and those of every held-out part once, whatever the number of candidates and alphas."""
    sizes = []
    moments = RowsFit.moments

    def spy(self, samples=None):
        sizes.append(self.design.n_rows if samples is None else len(samples))
        return moments(self, samples)

    monkeypatch.setattr(RowsFit, "moments", spy)
    X, Y, _ = shared_arrays(90, 5)
    MultiTaskRegressorCV(alphas=3, param_grid={"q": [2, 3, 4][:candidates]}, cv=3).fit(X, Y)
    assert sizes == [90, 30, 30, 30]


def test_a_candidate_sees_nothing_that_another_left_behind(monkeypatch):
    """Else the result would depend, in its last digits, on how candidates are divided among processes."""
    kept = []
    run_path = _folds._run_path

    def spy(model, fold, *rest):
        kept.append("gram_blocks" in vars(fold.data))
        result = run_path(model, fold, *rest)
        kept.append("gram_blocks" in vars(fold.data))
        return result

    monkeypatch.setattr(_folds, "_run_path", spy)
    data = regression("2-D", 60, 240)
    data.fit(MultiTaskRegressorCV(alphas=2, eps=0.1, param_grid={"q": [3, np.inf]}, cv=data.splits()[:1]))
    assert kept == [False, True] * 2


def test_moments_of_all_rows_are_there_before_the_work_is_divided(monkeypatch):
    prepared = []
    run_fold = _cross_validated.run_fold

    def spy(model, problems, *rest):
        prepared.append("all_moments" in vars(problems[0].data))
        return run_fold(model, problems, *rest)

    monkeypatch.setattr(_cross_validated, "run_fold", spy)
    regression("2-D", *TALL).fit(MultiTaskRegressorCV(alphas=2, cv=3))
    assert prepared == [True] * 3


@pytest.mark.parametrize("outlier", [1e4, 1e8])
@pytest.mark.parametrize("column", ["feature", "target"])
def test_an_outlier_among_the_held_out_rows_does_not_blur_the_others(outlier, column, monkeypatch):
    """Total minus held-out would leave nothing but rounding."""
    data = regression("2-D", *TALL)
    (data.X if column == "feature" else data.y)[0, 0] = outlier
    splits = data.splits()[:1]
    monkeypatch.setattr(MultiTaskRegressorCV, "_refit", lambda *_: None)  # hopeless with the outlier
    alphas = [0.5, 0.05]
    tightest = TIGHT | {"tol": 1e-14}  # the outlier multiplies what is left of the parameters
    nulls = []

    def scoring(model, X, y):
        nulls.append(model.null_objective_)
        return 0.0

    model = data.fit(MultiTaskRegressorCV(TraceNorm(), alphas=alphas, cv=splits, scoring=scoring, **tightest))
    expected = hand_loop(data, TraceNorm(), alphas, splits, **tightest)
    assert_allclose(model.mse_path_, expected, rtol=1e-5)
    Y = data.y[splits[0][0]]
    assert_allclose(nulls, np.sum((Y - Y.mean(axis=0)) ** 2) / 2 / len(Y), rtol=1e-9)


@pytest.mark.parametrize("penalty", [L1Lq(), MeanRegularized(), Clustered(2)], ids=repr)
@pytest.mark.parametrize("way", ["2-D", "2-D missing", "beside weighted", "no intercept"])
def test_a_feature_that_is_constant_in_a_fold(way, penalty):
    data = regression(way, *TALL)
    data.X[:, 1] = 0.1
    splits = data.splits()
    data.X[splits[0][1], 1] = np.arange(len(splits[0][1]))
    model = data.fit(MultiTaskRegressorCV(penalty, alphas=[0.3, 0.03], cv=splits, **TIGHT))
    assert_allclose(model.mse_path_, hand_loop(data, penalty, [0.3, 0.03], splits), rtol=1e-4)


def test_a_target_that_is_constant_in_a_fold():
    data = regression("2-D", *TALL)
    splits = data.splits()
    data.y[splits[0][0]] = [0.1, 0.2, 0.7]
    model = data.fit(MultiTaskRegressorCV(alphas=[0.3, 0.03], cv=splits, **TIGHT))
    assert_allclose(model.mse_path_, hand_loop(data, L1Lq(), [0.3, 0.03], splits), rtol=1e-4)
    assert_allclose(model.dual_gap_path_[:, 0], 0.0)


def test_badly_scaled_features():
    data = regression("beside", *TALL)
    data.X *= 10.0 ** np.arange(-4, 6, 2)
    splits = data.splits()
    model = data.fit(MultiTaskRegressorCV(alphas=3, cv=splits, tol=1e-6, max_iter=300_000))
    assert_allclose(model.mse_path_, hand_loop(data, L1Lq(), model.alphas_, splits, max_iter=10**6), rtol=1e-3)


@pytest.mark.parametrize("way", ["2-D weighted", "2-D missing", "beside"])
@pytest.mark.parametrize("shape", [TALL, WIDE], ids=str)
def test_single_precision(way, shape, kinds):
    data = regression(way, *shape)
    options = {"alphas": [1.0, 0.1], "cv": data.splits(), "tol": 1e-5}
    double = data.fit(MultiTaskRegressorCV(**options))
    data.X = data.X.astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        single = data.fit(MultiTaskRegressorCV(**options))
    assert_allclose(single.mse_path_, double.mse_path_, rtol=3e-2)
    assert set(kinds) == {GramFit if shape == TALL else RowsFit}


def test_outlier_in_single_precision():
    data = regression("2-D", *TALL)
    data.X[0, 0] = 1e4
    train, test = data.splits()[0]
    assert 0 in test
    data.X = data.X.astype(np.float32)
    problem = MultiTaskRegressor()._read_problem(data.X, data.y, None, None)
    fit = _folds._from_moments(problem.data, train)
    assert problem.data.dtype == np.float32
    rows = np.asarray(data.X[train], dtype=float)
    expected = np.cov(rows.T, bias=True)
    assert_allclose(fit.matrices[0], expected, rtol=1e-4, atol=1e-4)


# -- properties -------------------------------------------------------------------------------------------------------


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["2-D weighted", "2-D missing", "beside weighted", "by name"]))
def test_the_order_of_rows_does_not_matter(seed, way):
    data = regression(way, *TALL)
    splits = data.splits()
    order = np.random.default_rng(seed).permutation(len(data.y))
    position = np.argsort(order)  # where a row of the old table is in the new one
    moved = data.rows(order)
    first = data.fit(MultiTaskRegressorCV(alphas=4, cv=splits, tol=1e-10))
    again = [(position[train], position[test]) for train, test in splits]
    second = moved.fit(MultiTaskRegressorCV(alphas=4, cv=again, tol=1e-10))
    assert_allclose(second.alphas_, first.alphas_, rtol=1e-10)
    assert_allclose(second.mse_path_, first.mse_path_, rtol=1e-5)


@settings(max_examples=15, deadline=None)
@given(st.floats(-3, 3), st.sampled_from([L1Lq(), TraceNorm(), InfimalConvolution(L1Lq(), L1())]))
def test_scaling_the_target(power, penalty):
    data = regression("2-D", *TALL)
    factor = 10.0**power
    first = data.fit(MultiTaskRegressorCV(penalty, alphas=5, cv=3, tol=1e-10))
    data.y = data.y * factor
    second = data.fit(MultiTaskRegressorCV(penalty, alphas=5, cv=3, tol=1e-10))
    assert_allclose(second.alphas_, factor * first.alphas_, rtol=1e-10)
    assert_allclose(second.mse_path_, factor**2 * first.mse_path_, rtol=1e-5)


@pytest.mark.parametrize("shape", [TALL, WIDE], ids=str)
@pytest.mark.parametrize("penalty", [L1Lq(), TraceNorm()], ids=repr)
def test_gaps_on_folds_are_honest(penalty, shape):
    """Objectives by hand on the training rows: above the optimum by no more than the reported gap."""
    data = regression("2-D", *shape)
    (train, test) = data.splits()[0]
    X, Y = data.X[train], data.y[train]
    seen = []

    def scoring(model, X_test, y_test):
        seen.append(model)
        return 0.0

    loose = data.fit(MultiTaskRegressorCV(penalty, alphas=4, eps=0.05, cv=[(train, test)], tol=1e-3, scoring=scoring))
    assert np.all(loose.dual_gap_path_ <= 1e-3)
    assert np.any(loose.dual_gap_path_ > 1e-6)
    null = np.sum((Y - Y.mean(axis=0)) ** 2) / 2 / len(Y)
    for model, alpha, gap in zip(seen, loose.alphas_, loose.dual_gap_path_[:, 0], strict=True):
        at_alpha = clone(penalty).set_params(alpha=alpha)
        fit = np.sum((Y - X @ model.coef_.T - model.intercept_) ** 2) / 2 / len(Y)
        objective = fit + at_alpha.value(model.coef_.T)
        optimum = MultiTaskRegressor(at_alpha, **TIGHT).fit(X, Y).objective_
        assert objective == pytest.approx(model.objective_, rel=1e-9)
        assert -1e-9 * null <= objective - optimum <= gap * null * (1 + 1e-9)
        assert model.dual_gap_ == pytest.approx(gap * null)


def test_alphas_are_those_of_all_rows():
    data = regression("2-D", *TALL)
    problem = MultiTaskRegressor(L1Lq())._read_problem(data.X, data.y, None, None)
    model = data.fit(MultiTaskRegressorCV(alphas=7, eps=0.01))
    assert_allclose(model.alphas_, alpha_max(problem) * np.logspace(0, -2, 7))
    assert np.all(np.diff(model.alphas_) < 0)
