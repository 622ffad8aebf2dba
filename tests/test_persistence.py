"""Saved and loaded models predict the same to the last bit, however they were fitted and whatever is around them."""

from __future__ import annotations

import ast
import copy
import pickle
import re
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from catalogue import mixed
from comparetools import shared_table, stacked_table
from estimatortools import SMALL
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import mtlinear
from mtlinear import MultiTaskRegressor, TraceNormRegressor, penalties, solvers
from mtlinear.compare import from_table
from mtlinear.compare._best import make_estimator
from mtlinear.compare._saved import save_model
from mtlinear.metrics import task_r2_scorer
from mtlinear.model_selection import TaskKFold
from mtlinear.penalties import L1, InfimalConvolution, L1Lq, Penalty, Ridge, Sum, TraceNorm, Weighted
from mtlinear.solvers import FISTA, InTurn, Splitting

ESTIMATORS = [
    name
    for name in mtlinear.__all__
    if isinstance(getattr(mtlinear, name), type) and issubclass(getattr(mtlinear, name), BaseEstimator)
]
DOCUMENT = Path(__file__).parents[1] / "docs" / "persistence.md"
BLOCKS = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), flags=re.DOTALL)
#: The list of the documentation, which is its only place.
TRUSTED, TRUSTED_OF_COMPARE = (
    next(ast.literal_eval(block.removeprefix(start)) for block in BLOCKS if block.startswith(start))
    for start in ("TRUSTED = ", "TRUSTED_OF_COMPARE = ")
)
#: What a search holds besides the model.
OF_SEARCH = {
    "mtlinear.model_selection.TaskKFold",
    "mtlinear.metrics._scorers.task_r2_scorer",
    "sklearn.metrics._scorer._PassthroughScorer",
    "sklearn.model_selection._split.KFold",
}

#: Parameters of the estimators that search.
SEARCH = {"alphas": 4, "eps": 0.1, "cv": 2, "tol": 1e-4}

RNG = np.random.default_rng(0)
N = 60
X = RNG.standard_normal((N, 3))
TASKS = np.array(["east", "north", "west"])[np.arange(N) % 3]
Y = X @ RNG.standard_normal((3, 3)) + 0.3 * RNG.standard_normal((N, 3)) + [0, 1, 2]
FRAME = pd.DataFrame(X, columns=["u", "v", "w"]).assign(site=TASKS)
OBJECTS = np.column_stack([X.astype(object), TASKS])


def by_column(model):
    """A pipeline that scales the features and passes the task column on, as the last one."""
    scale = ColumnTransformer([("scale", StandardScaler(), [0, 1, 2])], remainder="passthrough")
    return make_pipeline(scale, model.set_params(task_feature=-1))


#: way -> (model, X, y, keywords of fit and predict)
WAYS = {
    "2-D y": lambda model: (model, X, Y, {}),
    "2-D y with names": lambda model: (model, FRAME[["u", "v", "w"]], pd.DataFrame(Y, columns=["p", "q", "r"]), {}),
    "column": lambda model: (model.set_params(task_feature="site", unseen_tasks="mean"), FRAME, Y[:, 0], {}),
    "tasks": lambda model: (model, X, Y[:, 0], {"tasks": TASKS}),
    "weights": lambda model: (
        model.set_params(task_weight={"east": 1, "north": 2.0, "west": 3}, solver=FISTA()),
        X,
        Y[:, 0],
        {"tasks": TASKS},
    ),
    "pipeline": lambda model: (by_column(model), OBJECTS, Y[:, 0], {}),
}


def fitted(name, way):
    """(fitted model, X, keywords of predict)."""
    parameters = SMALL.get(name, SEARCH)
    if callable(parameters.get("tree")):  # a function of the tests is nothing to be trusted
        parameters = parameters | {"tree": parameters["tree"](len(np.unique(TASKS)))}
    estimator = getattr(mtlinear, name)(**parameters)
    model, data, y, keywords = WAYS[way](estimator)
    if is_classifier(estimator):
        y = y > np.median(y)
        y = y.astype(int) if isinstance(y, pd.DataFrame) else np.where(y, "yes", "no")
    return model.fit(data, y, **keywords), data, keywords


def searched(**parameters):
    grid = {"penalty": [TraceNorm(0.1), L1Lq(0.1, q=np.inf), InfimalConvolution(TraceNorm(0.1), L1(0.05))]}
    search = GridSearchCV(MultiTaskRegressor(task_feature="site"), grid, **{"cv": 3} | parameters)
    return search.fit(FRAME, Y[:, 0]), FRAME, {}


def assert_same(again, model, data, keywords):
    assert type(again) is type(model)
    for method in ("predict", "predict_proba", "decision_function"):
        if hasattr(model, method):
            np.testing.assert_array_equal(
                getattr(again, method)(data, **keywords), getattr(model, method)(data, **keywords)
            )
    last, other = (m[-1] if hasattr(m, "steps") else getattr(m, "best_estimator_", m) for m in (model, again))
    np.testing.assert_array_equal(other.parameters_.values, last.parameters_.values)
    assert list(other.parameters_.parts) == list(last.parameters_.parts)
    assert other.parameters_.task_names == last.parameters_.task_names
    assert other.parameters_.feature_names == last.parameters_.feature_names
    assert other.history_ == last.history_
    assert repr(other) == repr(last)
    assert other.dual_gap_ == last.dual_gap_


def untrusted(model):
    io = pytest.importorskip("skops.io")
    return set(io.get_untrusted_types(data=io.dumps(model)))


def through_joblib(model, folder):
    joblib.dump(model, folder / "model.joblib")
    return joblib.load(folder / "model.joblib", mmap_mode="r")


def through_skops(model, folder):
    io = pytest.importorskip("skops.io")
    io.dump(model, folder / "model.skops")
    extra = sorted(untrusted(model) & OF_SEARCH)
    return io.load(folder / "model.skops", trusted=TRUSTED + extra)


TRANSPORTS = {
    "pickle": lambda model, folder: pickle.loads(pickle.dumps(model)),
    "old pickle": lambda model, folder: pickle.loads(pickle.dumps(model, protocol=2)),
    "joblib": through_joblib,
    "skops": through_skops,
    "deepcopy": lambda model, folder: copy.deepcopy(model),
}


@mixed(2, name=ESTIMATORS, transport=list(TRANSPORTS))
def test_every_model_fitted_in_every_way(name, transport, tmp_path):
    for way in WAYS:
        model, data, keywords = fitted(name, way)
        assert_same(TRANSPORTS[transport](model, tmp_path), model, data, keywords)


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize(
    "parameters", [{}, {"cv": TaskKFold(3, task_feature="site"), "scoring": task_r2_scorer}], ids=["plain", "by task"]
)
def test_search_over_penalty_objects(transport, parameters, tmp_path):
    model, data, keywords = searched(**parameters)
    again = TRANSPORTS[transport](model, tmp_path)
    assert_same(again, model, data, keywords)
    assert repr(again.best_params_) == repr(model.best_params_)
    np.testing.assert_array_equal(again.cv_results_["mean_test_score"], model.cv_results_["mean_test_score"])


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_loaded_model_is_a_whole_model(transport, tmp_path):
    """It turns down unknown tasks, goes on where it stopped, and a clone of it fits the same."""
    model = TraceNormRegressor(0.1, warm_start=True).fit(X, Y[:, 0], tasks=TASKS)
    again = TRANSPORTS[transport](model, tmp_path)
    with pytest.raises(ValueError, match="were not seen in fit: 'mars'"):
        again.predict(X[:2], tasks=["mars", "east"])
    with pytest.raises(ValueError, match="needs them to predict"):
        again.predict(X)
    assert again.fit(X, Y[:, 0], tasks=TASKS).n_iter_ < model.n_iter_
    copied = clone(again)
    with pytest.raises(NotFittedError):
        copied.predict(X, tasks=TASKS)
    np.testing.assert_array_equal(copied.fit(X, Y[:, 0], tasks=TASKS).coef_, model.coef_)


def test_a_deep_copy_is_independent():
    model = MultiTaskRegressor(TraceNorm(0.1)).fit(X, Y)
    other = copy.deepcopy(model).set_params(penalty__alpha=5.0).fit(X, -Y)
    assert model.penalty.alpha == 0.1
    assert np.abs(model.coef_ - other.coef_).max() > 0.1


def test_unpickled_in_a_new_process(tmp_path):
    """Nothing that a pickle needs may be imported by chance."""
    model, data, _ = searched()
    joblib.dump((model, data, model.predict(data)), tmp_path / "model.joblib")
    code = f"import joblib; m, X, p = joblib.load({str(tmp_path / 'model.joblib')!r}); print((m.predict(X) == p).all())"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert printed.stdout.strip() == "True", printed.stderr


# -- the list of trusted types ----------------------------------------------------------------------------------------


def test_the_documented_list_is_what_is_needed():
    """No type is missing, and none is there that no model needs."""
    needed = set()
    for name in ESTIMATORS:
        for way in WAYS:
            needed |= untrusted(fitted(name, way)[0])
    needed |= untrusted(TraceNormRegressor(0.1).partial_fit(X, Y))
    for penalty in all_penalties():
        needed |= untrusted(MultiTaskRegressor(penalty))
    for solver in all_solvers():
        needed |= untrusted(MultiTaskRegressor(solver=solver))
    assert needed == set(TRUSTED)
    assert len(TRUSTED) == len(set(TRUSTED))


def concrete(package, base):
    """The public classes of a package that can be used."""
    members = [getattr(package, name) for name in package.__all__]
    return [m for m in members if isinstance(m, type) and issubclass(m, base) and not m.__abstractmethods__]


def all_penalties():
    needed = {InfimalConvolution: (TraceNorm(), L1()), Weighted: (L1(), [1.0]), Sum: (L1(), Ridge())}
    return [cls(*needed.get(cls, ())) for cls in concrete(penalties, Penalty)]


def all_solvers():
    return [cls(FISTA(), Splitting()) if cls is InTurn else cls() for cls in concrete(solvers, solvers.Solver)]


def test_the_document_names_what_a_search_needs():
    both = untrusted(searched()[0]) | untrusted(
        searched(cv=TaskKFold(3, task_feature="site"), scoring=task_r2_scorer)[0]
    )
    assert both - set(TRUSTED) == OF_SEARCH
    text = DOCUMENT.read_text(encoding="utf-8")
    assert all(f'"{name}"' in text for name in OF_SEARCH)


@pytest.mark.parametrize("several", [False, True], ids=["tasks in a column", "several targets"])
def test_what_compare_saves_is_loaded_with_both_lists(several, tmp_path):
    io = pytest.importorskip("skops.io")
    table = shared_table() if several else stacked_table()
    data = from_table(table, ["y0", "y1", "y2"]) if several else from_table(table, ["y"], task="school")
    model = make_estimator(data, TraceNorm(0.1), 1e-4).fit(data.table, data.raw_target)
    save_model(model, str(tmp_path / "model.skops"))
    extra = untrusted(model) - set(TRUSTED)
    assert extra <= set(TRUSTED_OF_COMPARE)
    assert several or extra == set(TRUSTED_OF_COMPARE)  # the table has numbers and texts: all of the list is needed
    again = io.load(tmp_path / "model.skops", trusted=TRUSTED + TRUSTED_OF_COMPARE)
    np.testing.assert_array_equal(again.predict(data.table), model.predict(data.table))


def test_a_type_that_is_not_trusted_is_not_loaded():
    io = pytest.importorskip("skops.io")
    data = io.dumps(TraceNormRegressor(0.1).fit(X, Y))
    with pytest.raises(io.exceptions.UntrustedTypesFoundException, match="ParameterMatrix"):
        io.loads(data, trusted=[name for name in TRUSTED if "ParameterMatrix" not in name])


def test_the_document_runs():
    pytest.importorskip("skops.io")
    namespace: dict[str, object] = {}
    for block in BLOCKS:
        exec(compile(block, DOCUMENT.name, "exec"), namespace)
    assert namespace["TRUSTED"] == TRUSTED
