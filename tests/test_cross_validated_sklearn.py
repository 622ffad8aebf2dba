"""The CV classes as scikit-learn estimators: its checks, clone, pickle, nesting, processes, failures and warnings."""

from __future__ import annotations

import inspect
import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from catalogue import mixed
from cvtools import classification, regression
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import clone
from sklearn.ensemble import VotingRegressor
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_dataframe_column_names_consistency, parametrize_with_checks

from mtlinear import MultiTaskClassifierCV, MultiTaskRegressor, MultiTaskRegressorCV
from mtlinear.metrics import TaskScorer
from mtlinear.model_selection import TaskKFold
from mtlinear.penalties import L1Lq, TraceNorm
from mtlinear.solvers import FISTA

QUICK = {"alphas": 5, "cv": 3}
ESTIMATORS = [MultiTaskRegressorCV(**QUICK), MultiTaskClassifierCV(**QUICK)]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(ESTIMATORS)
def test_sklearn_compatible(estimator, check):
    check(estimator)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
def test_column_names(estimator):
    check_dataframe_column_names_consistency(type(estimator).__name__, estimator)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
def test_every_parameter_is_documented_once_and_in_order(estimator):
    documentation = inspect.getdoc(type(estimator))
    section = documentation.split("Parameters\n---")[1].split("Attributes\n---")[0]
    names = [line.split(" : ")[0] for line in section.splitlines() if " : " in line and not line.startswith(" ")]
    assert sorted(names) == sorted(estimator.get_params(deep=False))
    assert "%(" not in documentation


def test_every_attribute_is_documented(shared):
    model = MultiTaskRegressorCV(**QUICK).fit(*shared)
    documentation = inspect.getdoc(MultiTaskRegressorCV).split("Attributes\n---")[1]
    fitted = [name for name in vars(model) if name.endswith("_") and not name.startswith("_")]
    assert [name for name in fitted if name not in documentation] == []


def test_clone_pickle_and_parameters(shared):
    X, Y = shared
    model = MultiTaskRegressorCV(TraceNorm(), alphas=5, cv=3, param_grid={"l2_alpha": [0.0, 0.1]}).fit(X, Y)
    again = pickle.loads(pickle.dumps(model))
    assert_array_equal(again.predict(X), model.predict(X))
    assert_array_equal(again.mse_path_, model.mse_path_)
    with pytest.raises(NotFittedError):
        clone(model).predict(X)
    assert clone(model).get_params(deep=False).keys() == model.get_params(deep=False).keys()
    assert MultiTaskRegressorCV().set_params(penalty__q=3).penalty.q == 3  # also where penalty is None
    assert MultiTaskClassifierCV().set_params(penalty__q=3).get_params()["penalty__q"] == 3


def test_a_second_fit_forgets_the_first(shared):
    X, Y = shared
    model = MultiTaskRegressorCV(param_grid={"q": [2, 3]}, **QUICK)
    model.fit(pd.DataFrame(X, columns=list("abcdef")), Y)
    assert model.feature_names_in_.tolist() == list("abcdef")
    model.set_params(param_grid=None).fit(X[:, :4], Y[:, :2])
    fresh = MultiTaskRegressorCV(**QUICK).fit(X[:, :4], Y[:, :2])
    assert vars(model).keys() == vars(fresh).keys()
    assert_array_equal(model.coef_, fresh.coef_)
    assert model.mse_path_.shape == (5, 3)
    labels = MultiTaskClassifierCV(**QUICK).fit(X, np.median(Y, axis=0) < Y)
    assert hasattr(labels, "task_classes_")
    assert not hasattr(labels.fit(X, Y[:, 0] > np.median(Y[:, 0])), "task_classes_")


# -- inside other tools -----------------------------------------------------------------------------------------------


def test_nested_cross_validation_equals_a_loop(shared):
    X, Y = shared
    model = MultiTaskRegressorCV(TraceNorm(), **QUICK)
    scores = cross_val_score(model, X, Y, cv=KFold(3))
    for score, (train, test) in zip(scores, KFold(3).split(X), strict=True):
        inner = MultiTaskRegressorCV(TraceNorm(), **QUICK).fit(X[train], Y[train])
        plain = MultiTaskRegressor(TraceNorm(inner.alpha_)).fit(X[train], Y[train])
        assert score == pytest.approx(plain.score(X[test], Y[test]), rel=1e-6)


def test_inside_search_pipeline_and_voting(shared):
    X, Y = shared
    pipeline = make_pipeline(StandardScaler(), MultiTaskRegressorCV(L1Lq(), **QUICK))
    search = GridSearchCV(pipeline, {"multitaskregressorcv__penalty__q": [2, np.inf]}, cv=2).fit(X, Y)
    assert search.best_score_ > 0.9
    y = Y[:, 0]
    voting = VotingRegressor([("a", MultiTaskRegressorCV(**QUICK)), ("b", MultiTaskRegressorCV(TraceNorm(), **QUICK))])
    assert voting.fit(X, y).score(X, y) > 0.9
    data = regression("by position", 90, 5)
    scores = cross_val_score(MultiTaskRegressorCV(task_feature=-1, **QUICK), data.X, data.y, cv=3)
    assert scores.min() > 0.5


def test_tasks_are_routed():
    """Also to the inner folds, which split every task, and to the scorer."""
    data = regression("beside", 90, 5)
    with config_context(enable_metadata_routing=True):
        model = MultiTaskRegressorCV(TraceNorm(), scoring=TaskScorer("r2"), **QUICK)
        scores = cross_val_score(
            model, data.X, data.y, cv=TaskKFold(3), scoring=TaskScorer("r2"), params={"tasks": data.tasks}
        )
    splits = TaskKFold(3).split(data.X, data.y, groups=data.tasks)
    for score, (train, test) in zip(scores, splits, strict=True):
        part, out = data.rows(train), data.rows(test)
        inner = part.fit(MultiTaskRegressorCV(TraceNorm(), scoring=TaskScorer("r2"), **QUICK))
        assert score == pytest.approx(TaskScorer("r2")(inner, out.X, out.y, tasks=out.tasks))


# -- processes and messages -------------------------------------------------------------------------------------------


@mixed(1, way=["2-D", "beside weighted", "2-D missing"], shape=[(90, 5), (60, 240)])
def test_two_processes_give_the_same_bits(way, shape):
    data = regression(way, *shape)
    grid = {"q": [2, np.inf]}
    options = {"param_grid": grid, "alphas": 3, "eps": 0.03, "cv": data.splits(3)}
    one = data.fit(MultiTaskRegressorCV(**options))
    two = data.fit(MultiTaskRegressorCV(n_jobs=2, **options))
    for name in ("mse_path_", "score_path_", "dual_gap_path_", "coef_", "alphas_"):
        assert_array_equal(getattr(one, name), getattr(two, name))


@pytest.mark.parametrize("way", ["2-D", "beside"])
@pytest.mark.parametrize("shape", [(90, 5), (60, 240)], ids=str)
def test_candidates_divided_among_processes_give_the_same_bits(way, shape):
    """More processes than folds; and a scorer in another process."""
    data = regression(way, *shape)
    options = {"param_grid": {"q": [2, np.inf]}, "alphas": 3, "eps": 0.03, "scoring": "r2", "cv": data.splits(3)[:1]}
    one = data.fit(MultiTaskRegressorCV(**options))
    two = data.fit(MultiTaskRegressorCV(n_jobs=2, **options))
    assert_array_equal(one.score_path_, two.score_path_)


def test_verbose_says_a_line_for_every_path(shared, capsys):
    MultiTaskRegressorCV(param_grid={"q": [2, 3]}, verbose=1, **QUICK).fit(*shared)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 6
    assert lines[0].startswith("fold 1/3, {'q': 2}: 5 alphas in ")
    MultiTaskRegressorCV(**QUICK).fit(*shared)
    assert capsys.readouterr().err == ""


def test_one_warning_for_all_folds(shared):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = MultiTaskRegressorCV(max_iter=1, tol=1e-12, alphas=[1e-3, 1e-4], cv=3).fit(*shared)
    messages = [str(w.message) for w in caught if issubclass(w.category, ConvergenceWarning)]
    assert len(messages) == 2  # the folds, and the last fit
    assert "6 of 6 fits on folds" in messages[0]
    assert f"{model.dual_gap_path_.max():.3g}" in messages[0]
    assert all(w.filename == __file__ for w in caught)


def test_a_gap_at_the_limit_of_rounding_is_no_warning(shared):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        MultiTaskRegressorCV(alphas=[0.5], tol=1e-16, max_iter=100_000, cv=3).fit(*shared)


class Interrupted(FISTA):
    """Stops after some problems, as Ctrl-C or a bug would."""

    count = 0  # of the class: solvers are cloned

    def __init__(self, error=KeyboardInterrupt, after=2):
        super().__init__()
        self.error = error
        self.after = after

    def run(self, *arguments):
        Interrupted.count += 1
        if Interrupted.count > self.after:
            raise self.error
        return super().run(*arguments)


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
@pytest.mark.parametrize("after", [2, 15])  # on a fold; in the last fit
def test_a_fit_that_fails_leaves_the_model_as_it_was(error, after, shared, monkeypatch):
    X, Y = shared
    model = MultiTaskRegressorCV(**QUICK).fit(X, Y)
    before = dict(vars(model))
    model.set_params(solver=Interrupted(error, after))
    monkeypatch.setattr(Interrupted, "count", 0)
    with pytest.raises(error):
        model.fit(X[:, :3], Y)
    assert Interrupted.count == after + 1
    now = dict(vars(model))
    assert before.keys() == now.keys()
    assert all(before[name] is now[name] for name in before if name != "solver")
    unfitted = MultiTaskRegressorCV(solver=Interrupted(error, 0), **QUICK)
    with pytest.raises(error):
        unfitted.fit(X, Y)
    assert vars(unfitted).keys() == unfitted.get_params(deep=False).keys()


def test_arguments_are_not_changed(shared):
    X, Y = shared
    penalty, solver, alphas = TraceNorm(7.0), FISTA(), np.array([0.1, 1.0])
    copies = X.copy(), Y.copy()
    model = MultiTaskRegressorCV(penalty, solver=solver, alphas=alphas, param_grid={"l2_alpha": [0.1]}, cv=3)
    model.fit(X, Y)
    assert model.penalty is penalty
    assert penalty.alpha == 7.0
    assert alphas.tolist() == [0.1, 1.0]
    assert_array_equal(X, copies[0])
    assert_array_equal(Y, copies[1])
    assert model.penalty_.alpha == model.alpha_ != 7.0
    assert model.l2_alpha_ == 0.1


# -- odd data ---------------------------------------------------------------------------------------------------------


def test_constant_targets():
    X = np.random.default_rng(0).standard_normal((30, 3))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = MultiTaskRegressorCV(alphas=4, cv=3).fit(X, np.full((30, 2), 0.1))
    assert model.alphas_[0] == 1.0
    assert not np.any(model.coef_)
    assert_allclose(model.mse_path_, 0.0, atol=1e-30)
    assert model.alpha_ == 1.0
    assert model.predict(X) == pytest.approx(0.1)


@pytest.mark.parametrize("n_tasks", [None, 1])
def test_one_feature_and_one_task(n_tasks):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((30, 1))
    y = 2 * x[:, 0] + 0.1 * rng.standard_normal(30)
    model = MultiTaskRegressorCV(**QUICK).fit(x, y if n_tasks is None else y[:, None])
    assert model.coef_.shape == (1, 1)
    assert model.predict(x).shape == ((30,) if n_tasks is None else (30, 1))
    assert model.score(x, y if n_tasks is None else y[:, None]) > 0.99


def test_a_constant_feature_and_a_constant_weight():
    data = regression("2-D", 90, 5)
    data.X[:, 2] = 0.3
    model = data.fit(MultiTaskRegressorCV(tol=1e-9, **QUICK))
    assert not np.any(model.coef_[:, 2])
    same = MultiTaskRegressorCV(tol=1e-9, **QUICK).fit(data.X, data.y, 2.5)  # a number for all rows
    assert_allclose(same.mse_path_, model.mse_path_, rtol=1e-6)


def test_what_predict_needs_is_there_for_every_kind_of_classes():
    for way in ("binary", "strings", "classes", "multi-label"):
        data = classification(way)
        model = data.fit(MultiTaskClassifierCV(**QUICK))
        assert model.predict(data.X).shape == np.shape(data.y)
        assert np.all(np.isfinite(model.predict_proba(data.X)))
        assert np.mean(model.predict(data.X) == data.y) > 0.45
