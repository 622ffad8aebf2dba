"""The CV classes as a search: scorers, splitters, param_grid, cv_results_ and the choice, against GridSearchCV."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from cvtools import classification, regression, shared_arrays
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn import config_context
from sklearn.metrics import make_scorer, mean_absolute_error
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    ShuffleSplit,
)

from mtlinear import MultiTaskClassifier, MultiTaskClassifierCV, MultiTaskRegressor, MultiTaskRegressorCV
from mtlinear.estimators._cv_results import choose, results_table
from mtlinear.metrics import TaskScorer, r2_per_task, task_neg_mean_squared_error_scorer, task_r2_scorer
from mtlinear.penalties import L1, Clustered, Dirty, InfimalConvolution, L1Lq, MeanRegularized, TraceNorm

ALPHAS = [1.0, 0.1, 0.01]
OPTIONS = {"tol": 1e-9, "max_iter": 50_000}


def searched(data, penalty, alphas=ALPHAS, *, scoring, cv, classifier=False, **grid):
    """GridSearchCV over the same parameters."""
    plain = (MultiTaskClassifier if classifier else MultiTaskRegressor)(penalty, **OPTIONS, **data.parameters)
    names = {f"penalty__{name}" if name != "l2_alpha" else name: values for name, values in grid.items()}
    search = GridSearchCV(plain, {"penalty__alpha": alphas, **names}, scoring=scoring, cv=cv)
    if data.tasks is None:
        return search.fit(data.X, data.y)
    with config_context(enable_metadata_routing=True):
        return search.fit(data.X, data.y, tasks=data.tasks)


def split_scores(results):
    """(n_candidates, n_folds)."""
    names = [name for name in results if name.startswith("split") and name.endswith("_test_score")]
    return np.column_stack([results[name] for name in names])


# -- scorers ----------------------------------------------------------------------------------------------------------


def penalised_size(estimator, X, y):
    """A callable that asks for everything a fitted model has."""
    size = 0.01 * len(estimator.parameters_.selected_features()) + 0.1 * estimator.penalty.alpha
    return estimator.score(X, y) - size - 1e-9 * estimator.n_iter_


@pytest.mark.parametrize(
    "scoring",
    [
        "r2",
        "neg_mean_squared_error",
        make_scorer(mean_absolute_error, greater_is_better=False),
        penalised_size,
        TaskScorer("r2"),
        task_r2_scorer,
    ],
    ids=["r2", "mse", "make_scorer", "callable", "TaskScorer", "function"],
)
@pytest.mark.parametrize("way", ["2-D", "1-D", "by name", "by position"])
def test_scorers_of_regressors_equal_grid_search(way, scoring):
    data = regression(way, 90, 5)
    cv = data.splits()
    data.sample_weight = None  # a search without routing has none on folds either
    expected = searched(data, L1Lq(), scoring=scoring, cv=cv)
    model = data.fit(MultiTaskRegressorCV(L1Lq(), alphas=ALPHAS, scoring=scoring, cv=cv, **OPTIONS))
    atol = 1e-6 if scoring is penalised_size else 1e-7
    assert_allclose(split_scores(model.cv_results_), split_scores(expected.cv_results_), rtol=1e-5, atol=atol)
    assert_allclose(model.score_path_, split_scores(expected.cv_results_), rtol=1e-5, atol=atol)
    assert model.best_index_ == expected.best_index_
    assert_allclose(model.best_score_, expected.best_score_, rtol=1e-5)


@pytest.mark.parametrize(
    ("way", "scoring"),
    [
        ("binary", "roc_auc"),
        ("binary", "accuracy"),
        ("binary", "neg_log_loss"),
        ("strings", "f1_macro"),
        ("classes", "accuracy"),
        ("classes", "neg_log_loss"),
        ("classes", "roc_auc_ovr"),
        ("multi-label", "roc_auc"),
        ("multi-label", "accuracy"),
        ("by position", "roc_auc"),
        ("by position", TaskScorer("roc_auc")),
        ("classes", TaskScorer("roc_auc")),
    ],
)
def test_scorers_of_classifiers_equal_grid_search(way, scoring):
    data = classification(way)
    cv = data.splits()
    data.sample_weight = None
    expected = searched(data, L1Lq(), [0.1, 0.01], scoring=scoring, cv=cv, classifier=True)
    model = data.fit(MultiTaskClassifierCV(L1Lq(), alphas=[0.1, 0.01], scoring=scoring, cv=cv, **OPTIONS))
    assert_allclose(model.score_path_, split_scores(expected.cv_results_), rtol=1e-5)


def r2_by_hand(data, model, rows):
    part = data.rows(rows)
    return r2_per_task(part.y, model.predict(part.X, tasks=part.tasks), tasks=part.tasks)


@pytest.mark.parametrize(
    "scoring",
    ["r2", TaskScorer("r2"), task_r2_scorer, lambda m, X, y, tasks: m.score(X, y, tasks=tasks)],
    ids=["string", "TaskScorer", "function", "callable"],
)
def test_every_scorer_works_with_tasks_beside(scoring):
    """GridSearchCV cannot do this with strings."""
    data = regression("beside", 90, 5)
    splits = data.splits()
    model = data.fit(MultiTaskRegressorCV(TraceNorm(), alphas=ALPHAS, scoring=scoring, cv=splits, **OPTIONS))
    for i, alpha in enumerate(ALPHAS):
        for k, (train, test) in enumerate(splits):
            part, out = data.rows(train), data.rows(test)
            fitted = MultiTaskRegressor(TraceNorm(alpha), **OPTIONS).fit(part.X, part.y, tasks=part.tasks)
            pooled = fitted.score(out.X, out.y, tasks=out.tasks)
            of_tasks = np.mean(list(r2_by_hand(data, fitted, test).values()))
            expected = of_tasks if isinstance(scoring, TaskScorer) or scoring is task_r2_scorer else pooled
            assert model.score_path_[i, k] == pytest.approx(expected, rel=1e-5)
            assert abs(pooled - of_tasks) > 1e-3


def test_masked_scorers_take_missing_outputs():
    data = regression("2-D missing", 90, 5)
    splits = data.splits()
    model = data.fit(
        MultiTaskRegressorCV(alphas=ALPHAS, scoring=task_neg_mean_squared_error_scorer, cv=splits, **OPTIONS)
    )
    expected = searched(data, L1Lq(), scoring=task_neg_mean_squared_error_scorer, cv=splits)
    assert_allclose(model.score_path_, split_scores(expected.cv_results_), rtol=1e-5)


@pytest.mark.parametrize("kind", [sparse.coo_array, sparse.dia_array, sparse.lil_array, sparse.bsr_array])
def test_scorers_see_rows_of_any_sparse_format(kind):
    data = regression("sparse CSR", 90, 5)
    options = {"alphas": ALPHAS, "scoring": "r2", "cv": 3}
    expected = data.fit(MultiTaskRegressorCV(**options))
    data.X = kind(data.X)
    assert_allclose(data.fit(MultiTaskRegressorCV(**options)).score_path_, expected.score_path_, rtol=1e-9)


@pytest.mark.parametrize("scoring", [["r2"], {"a": "r2"}, ("r2", "neg_mean_squared_error"), {"r2"}], ids=repr)
def test_several_metrics_are_an_error(scoring, shared):
    with pytest.raises(ValueError, match="scoring must be one scorer"):
        MultiTaskRegressorCV(alphas=2, scoring=scoring).fit(*shared)


def test_a_scorer_must_give_a_number(shared):
    with pytest.raises(TypeError, match=r"scoring must give one number, got \{'a': 1.0\}"):
        MultiTaskRegressorCV(alphas=2, scoring=lambda *_: {"a": 1.0}).fit(*shared)
    with pytest.raises(ValueError, match="scoring"):
        MultiTaskRegressorCV(alphas=2, scoring="no such").fit(*shared)


def test_scores_that_are_nan_are_last_and_all_nan_is_an_error(shared):
    def scoring(estimator, X, y):
        return np.nan if estimator.penalty.alpha > 0.5 else estimator.score(X, y)

    with pytest.warns(UserWarning, match="1 of 3 candidates have scores that are not finite"):
        model = MultiTaskRegressorCV(alphas=ALPHAS, scoring=scoring, cv=3).fit(*shared)
    assert model.cv_results_["rank_test_score"][0] == 3
    assert model.best_index_ > 0
    with pytest.warns(UserWarning, match="not finite"), pytest.raises(ValueError, match="scores of all candidates"):
        MultiTaskRegressorCV(alphas=ALPHAS, scoring=lambda *_: np.nan, cv=3).fit(*shared)


# -- second parameters ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("penalty", "grid"),
    [
        (L1Lq(), {"q": [2, np.inf], "l2_alpha": [0.0, 0.5]}),
        (Dirty(), {"l1_ratio": [0.3, 0.45]}),
        (Clustered(), {"n_clusters": [1, 2, 3], "between_ratio": [0.1, 0.5]}),
    ],
    ids=repr,
)
def test_cv_results_are_those_of_grid_search(penalty, grid):
    data = regression("2-D", 90, 5)
    cv = data.splits()
    # GridSearchCV has the same keys and types; only the order of alpha among the parameters differs.
    expected = searched(data, penalty, scoring="neg_mean_squared_error", cv=cv, **grid).cv_results_
    model = data.fit(MultiTaskRegressorCV(penalty, alphas=ALPHAS, param_grid=grid, cv=cv, **OPTIONS))
    found = model.cv_results_
    assert {name.replace("penalty__", "") for name in expected} == set(found)
    keys = [{k.replace("penalty__", ""): v for k, v in p.items()} for p in expected["params"]]
    order = [keys.index(params) for params in found["params"]]
    assert sorted(order) == list(range(len(keys)))
    assert_allclose(split_scores(found), split_scores(expected)[order], rtol=1e-4)
    assert_allclose(found["mean_test_score"], expected["mean_test_score"][order], rtol=1e-4)
    assert_allclose(found["std_test_score"], expected["std_test_score"][order], rtol=1e-3)
    for name in grid:
        theirs = expected[f"param_{name}" if name == "l2_alpha" else f"param_penalty__{name}"]
        assert_array_equal(found[f"param_{name}"], theirs[order])
        assert found[f"param_{name}"].dtype == theirs.dtype
        assert not np.any(found[f"param_{name}"].mask)
    assert found["rank_test_score"].dtype == expected["rank_test_score"].dtype
    best = found["params"][model.best_index_]
    assert best == model.best_params_ == keys[int(np.argmin(expected["rank_test_score"]))]
    assert model.best_score_ == found["mean_test_score"].max()
    assert len(pd.DataFrame(found)) == len(keys)
    assert model.alphas_.shape == (len(keys) // 3, 3)
    assert model.mse_path_.shape == model.score_path_.shape == model.dual_gap_path_.shape == (len(keys) // 3, 3, 3)
    parameters = model.penalty_.get_params()
    assert all(parameters.get(k, model.l2_alpha_) == v for k, v in best.items())
    again = data.fit(MultiTaskRegressor(model.penalty_, l2_alpha=model.l2_alpha_, **OPTIONS))
    assert_allclose(model.coef_, again.coef_, atol=1e-10)


def test_penalties_of_several_classes(shared):
    X, Y = shared
    grid = [
        {"penalty": [TraceNorm(), MeanRegularized(mean_alpha=0.1)]},
        {"penalty": [L1Lq()], "q": [2, 3]},
        {"l2_alpha": [0.1]},
    ]
    model = MultiTaskRegressorCV(Dirty(), alphas=4, param_grid=grid, cv=3).fit(X, Y)
    assert model.alphas_.shape == (5, 4)
    q = model.cv_results_["param_q"]
    assert q.mask.reshape(5, 4).all(axis=1).tolist() == [True, True, False, False, True]
    assert q.compressed().tolist() == [2] * 4 + [3] * 4
    assert model.cv_results_["param_penalty"].dtype == object
    assert [type(p).__name__ for p in model.cv_results_["param_penalty"][::4][:3]] == [
        "TraceNorm",
        "MeanRegularized",
        "L1Lq",
    ]
    single = MultiTaskRegressorCV(L1Lq(q=3), alphas=4, cv=3).fit(X, Y)
    assert_allclose(model.mse_path_[3], single.mse_path_, rtol=1e-8)
    assert_allclose(model.alphas_[3], single.alphas_)
    assert len(pd.DataFrame(model.cv_results_)) == 20
    assert grid[0]["penalty"][0].alpha == 1.0  # what was given is not changed


def test_infimal_convolution_by_the_names_of_its_parts(shared):
    """alphas multiply all of it, so the strengths of the parts are their proportions."""
    X, Y = shared
    penalty = InfimalConvolution(TraceNorm(), L1())
    grid = {"penalty_1__alpha": [0.3, 0.6]}
    model = MultiTaskRegressorCV(penalty, alphas=[0.5, 0.05], param_grid=grid, cv=3, tol=1e-9).fit(X, Y)
    assert penalty.penalties[1].alpha == 1.0
    chosen = model.best_params_
    assert model.penalty_.penalties[0].alpha == pytest.approx(chosen["alpha"])
    assert model.penalty_.penalties[1].alpha == pytest.approx(chosen["alpha"] * chosen["penalty_1__alpha"])
    scaled = InfimalConvolution(TraceNorm(0.05), L1(0.05 * 0.6))
    train, test = next(iter(KFold(3).split(X)))
    fitted = MultiTaskRegressor(scaled, tol=1e-9).fit(X[train], Y[train])
    assert model.mse_path_[1, 1, 0] == pytest.approx(np.mean((Y[test] - fitted.predict(X[test])) ** 2), rel=1e-4)


def test_parts_in_the_grid_are_not_shared_among_candidates(shared):
    part = L1(0.5)
    grid = {"penalty_1": [part], "penalty_1__alpha": [0.1, 5.0]}
    model = MultiTaskRegressorCV(InfimalConvolution(TraceNorm(), L1()), alphas=[0.1], param_grid=grid, cv=3)
    model.fit(*shared)
    assert part.alpha == 0.5
    assert not np.allclose(model.mse_path_[0], model.mse_path_[1], rtol=1e-3)


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ({"alpha": [1.0]}, "must not hold 'alpha'"),
        ([{"q": [2]}, {"alpha": [1.0]}], "must not hold 'alpha'"),
        ({"l1_ratio": [0.3]}, "L1Lq does not have; it may name"),
        ({"q": []}, "q"),
        ([], "param_grid is an empty list"),
        ({"q": [0.5]}, "q must be"),
        ({"l2_alpha": [-1.0]}, "l2_alpha must be"),
        ({"penalty": ["L1Lq"]}, "penalty must be an object of"),
        ({"penalty": [TraceNorm()], "q": [2]}, "Invalid parameter 'q'"),
        ({"q": 2}, "q"),
        ("q", "param_grid"),
    ],
    ids=repr,
)
def test_grids_that_make_no_sense(grid, message, shared):
    with pytest.raises((ValueError, TypeError), match=message):
        MultiTaskRegressorCV(L1Lq(), alphas=2, param_grid=grid).fit(*shared)


def test_an_empty_dict_is_one_candidate(shared):
    model = MultiTaskRegressorCV(alphas=3, param_grid={}, cv=3).fit(*shared)
    assert model.alphas_.shape == (1, 3)
    assert set(model.best_params_) == {"alpha"}


# -- alphas and the choice --------------------------------------------------------------------------------------------


def test_alphas_given(shared):
    X, Y = shared
    model = MultiTaskRegressorCV(alphas=[0.1, 1.0, 0.1, 10.0], cv=3, tol=1e-9).fit(X, Y)
    assert model.alphas_.tolist() == [10.0, 1.0, 0.1, 0.1]
    assert_allclose(model.mse_path_[2], model.mse_path_[3], rtol=1e-6)
    one = MultiTaskRegressorCV(alphas=[0.1], cv=3, tol=1e-9).fit(X, Y)
    assert one.alpha_ == 0.1
    assert_allclose(one.mse_path_[0], model.mse_path_[2], rtol=1e-4)
    assert MultiTaskRegressorCV(alphas=1, cv=3).fit(X, Y).alphas_.shape == (1,)
    assert MultiTaskRegressorCV(alphas=np.int64(3), cv=3).fit(X, Y).alphas_.shape == (3,)
    assert MultiTaskRegressorCV(alphas=pd.Series([1.0, 2.0]), cv=3).fit(X, Y).alphas_.tolist() == [2.0, 1.0]


@pytest.mark.parametrize(
    "alphas", [0, -3, [0.0], [1.0, -1.0], [np.nan], [np.inf], ["1"], "100", [[1.0, 2.0]], [], None, 2.5, True, [True]]
)
def test_alphas_that_make_no_sense(alphas, shared):
    with pytest.raises((ValueError, TypeError), match="alphas"):
        MultiTaskRegressorCV(alphas=alphas).fit(*shared)


def test_one_standard_error_by_hand():
    X, Y, rng = shared_arrays(60, 8, seed=5)
    Y = Y + 3 * rng.standard_normal(Y.shape)
    plain = MultiTaskRegressorCV(alphas=40, cv=6).fit(X, Y)
    rule = MultiTaskRegressorCV(alphas=40, cv=6, one_standard_error=True).fit(X, Y)
    mean = plain.mse_path_.mean(axis=1)
    best = int(np.argmin(mean))
    limit = mean[best] + np.sqrt(np.sum((plain.mse_path_[best] - mean[best]) ** 2) / 5) / np.sqrt(6)
    expected = next(k for k in range(40) if mean[k] <= limit)
    assert expected < best
    assert plain.alpha_ == plain.alphas_[best]
    assert rule.alpha_ == rule.alphas_[expected]
    assert rule.best_score_ == pytest.approx(-mean[expected])
    assert np.count_nonzero(rule.coef_) <= np.count_nonzero(plain.coef_)
    with pytest.raises(ValueError, match="at least two folds"):
        MultiTaskRegressorCV(cv=ShuffleSplit(1), one_standard_error=True).fit(X, Y)
    with pytest.raises((TypeError, ValueError), match="one_standard_error"):
        MultiTaskRegressorCV(one_standard_error="yes").fit(X, Y)


def test_choice_on_made_up_scores():
    score = np.zeros((2, 3, 4))
    score[1, 1] = [1.0, 2.0, 3.0, 4.0]  # mean 2.5, standard error sqrt(5/3)/2 = 0.645
    score[1, 0] = [2.0, 2.0, 2.0, 1.5]  # 1.875
    score[0, 0] = 2.4
    assert choose(score, False) == (1, 1)
    assert choose(score, True) == (1, 0)
    score[1, 0, 3] = 1.3
    assert choose(score, True) == (1, 1)
    score[1, 1, 0] = np.nan
    assert choose(score, False) == (0, 0)


def test_ranks_with_ties_and_nan():
    score = np.array([[[1.0, 1.0], [2.0, 2.0], [np.nan, 0.0], [2.0, 2.0]]])
    zeros = np.zeros_like(score)
    with pytest.warns(UserWarning, match="1 of 4"):
        table = results_table([{}], np.array([[4.0, 3.0, 2.0, 1.0]]), score, zeros, zeros)
    assert table["rank_test_score"].tolist() == [3, 1, 4, 1]
    assert choose(score, False) == (0, 1)  # of equals the larger alpha


def test_values_that_are_sequences_or_strings_in_the_table():
    score = np.zeros((2, 1, 2))
    grid = [{"a": [1, 2], "b": "x", "c": True}, {"a": [3, 4], "b": "y", "c": False}]
    table = results_table(grid, np.ones((2, 1)), score, score, score)
    assert table["param_a"].tolist() == [[1, 2], [3, 4]]
    assert table["param_b"].dtype == object
    assert table["param_c"].dtype == bool
    assert isinstance(pd.DataFrame(table), pd.DataFrame)


def test_no_warnings_on_ordinary_data(shared):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        MultiTaskRegressorCV(alphas=10, param_grid={"q": [2, np.inf]}, cv=3).fit(*shared)
