"""partial_fit: chunks of rows, in whatever sizes and order, are all rows together."""

from __future__ import annotations

import gc
import pickle
import re
import warnings
import weakref
from pathlib import Path

import numpy as np
import pytest
import sklearn
from estimatortools import CLASSIFIERS, SMALL, make
from estimatortools import REGRESSORS as ALL_REGRESSORS
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import KFold, learning_curve
from sklearn.multioutput import MultiOutputRegressor
from streamtools import LAYOUTS, SOLVING, N, assert_same_model, data, stream, take

import mtlinear
from mtlinear import BlockSparseRegressor, MeanRegularizedRegressor, TraceNormRegressor
from mtlinear.penalties import Dirty, L1Lq, TraceNorm

#: The reweighted one needs the rows at every stage.
REGRESSORS = [name for name in ALL_REGRESSORS if name != "ReweightedRegressor"]


def compare(name, layout, cuts, seed, *, weighted, sparse, fit_intercept, every):
    rng = np.random.default_rng(seed)
    X, y, weights, tasks, parameters = data(layout, rng, weighted=weighted, sparse=sparse)
    own = SMALL[name] | SOLVING | parameters | {"fit_intercept": fit_intercept}
    whole, streamed = make(name, **own), make(name, **own)
    order = rng.permutation(N)
    chunks = [chunk for chunk in np.split(order, sorted(cuts)) if len(chunk)]
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        whole.fit(X, y, weights, tasks=tasks)
        stream(streamed, chunks, X, y, weights, tasks, every=every)
    assert_same_model(streamed, whole)
    predicted, expected = (model.predict(X, tasks=tasks) for model in (streamed, whole))
    assert_allclose(predicted, expected, atol=1e-4 * np.abs(expected).max())


@settings(max_examples=60, deadline=None)
@given(
    name=st.sampled_from(REGRESSORS),
    layout=st.sampled_from(LAYOUTS),
    cuts=st.lists(st.integers(0, N), max_size=8),
    seed=st.integers(0, 10**6),
    weighted=st.booleans(),
    sparse=st.booleans(),
    fit_intercept=st.booleans(),
)
def test_chunks_are_all_rows(name, layout, cuts, seed, weighted, sparse, fit_intercept):
    compare(name, layout, cuts, seed, weighted=weighted, sparse=sparse, fit_intercept=fit_intercept, every=0)


@pytest.mark.parametrize("name", REGRESSORS)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("sparse", [False, True], ids=["dense", "sparse"])
def test_one_row_at_a_time(name, layout, sparse):
    options = {"weighted": True, "sparse": sparse, "fit_intercept": True, "every": 0}
    compare(name, layout, range(1, N), 3, **options)


@pytest.mark.parametrize("name", REGRESSORS)
@pytest.mark.parametrize("layout", ["columns", "tasks"])
def test_solving_on_the_way_changes_nothing(name, layout):
    """Every call publishes the model of the rows so far, and the last is that of all; tasks come up on the way."""
    rng = np.random.default_rng(5)
    X, y, _, tasks, _ = data(layout, rng)
    order = np.arange(N) if tasks is None else np.argsort(tasks, kind="stable")  # one task after the other
    model = make(name, **SMALL[name] | SOLVING)
    for rows in np.array_split(order, 6):
        stream(model, [rows], X, y, tasks=tasks)
        so_far = order[: np.flatnonzero(order == rows[-1])[0] + 1]
        whole = clone(model).fit(X[so_far], y[so_far], tasks=take(tasks, so_far))
        assert_same_model(model, whole)


# The model between chunks -------------------------------------------------------------------------------------------


def test_solve_false_only_adds():
    X, y, _, tasks, _ = data("tasks", np.random.default_rng(4))
    model = BlockSparseRegressor(0.1, **SOLVING)
    first = np.flatnonzero(tasks != "west")[:8]
    rest = np.setdiff1d(np.arange(N), first)
    model.partial_fit(X[first], y[first], tasks=tasks[first], solve=False)
    with pytest.raises(NotFittedError):
        model.predict(X, tasks=tasks)
    model.partial_fit(X[:1], y[:1], [0.0], tasks=["west"])  # adds nothing, but solves
    coef = model.coef_
    model.partial_fit(X[rest], y[rest], tasks=tasks[rest], solve=False)
    assert model.coef_ is coef
    assert_array_equal(model.tasks_, ["east", "north"])  # what predict knows, although west has come up
    with pytest.raises(ValueError, match="none of the labels was seen"):
        model.predict(X[:1], tasks=["west"])
    model.partial_fit(X[:1], y[:1], [0.0], tasks=["west"])
    assert_same_model(model, clone(model).fit(X, y, tasks=tasks))


def test_fit_starts_anew_and_so_does_partial_fit_after_it():
    X, y, _, _, _ = data("columns", np.random.default_rng(6))
    model = BlockSparseRegressor(0.1, **SOLVING).partial_fit(X, y)
    model.fit(X[:20, :3], y[:20])
    assert_array_equal(model.coef_, clone(model).fit(X[:20, :3], y[:20]).coef_)
    with pytest.warns(UserWarning, match="without the rows of fit"):
        model.partial_fit(X, y, solve=False)
    with pytest.raises(NotFittedError):  # the coefficients of fit belong to other features
        model.predict(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.partial_fit(X[:5], y[:5])
    again = np.r_[np.arange(N), np.arange(5)]
    assert_same_model(model, clone(model).fit(X[again], y[again]))


def test_parameters_of_the_moment():
    """A penalty, the intercept and weights of tasks may change between chunks; the sums serve them all."""
    X, y, _, tasks, _ = data("tasks", np.random.default_rng(7))
    half = np.arange(N) < N // 2
    model = mtlinear.MultiTaskRegressor(L1Lq(0.1), **SOLVING).partial_fit(X[half], y[half], tasks=tasks[half])
    for change in (
        {"penalty__alpha": 0.5},
        {"fit_intercept": False},
        {"task_weight": {"north": 2.0, "east": 1.0, "west": 0.5}},
        {"penalty": Dirty(0.3)},
        {"penalty": TraceNorm(0.2), "fit_intercept": True},
        {"task_weight": [1.0, 2.0, 3.0], "solver": mtlinear.solvers.WorkingSet(), "penalty": L1Lq(0.2, q=np.inf)},
    ):
        model.set_params(**change)
        one = np.flatnonzero(~half)[:1]
        model.partial_fit(X[one], y[one], tasks=tasks[one])
        half[one] = True
        assert_same_model(model, clone(model).fit(X[half], y[half], tasks=tasks[half]))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_task_weights(layout):
    rng = np.random.default_rng(8)
    X, y, weights, tasks, parameters = data(layout, rng, weighted=True)
    whole = TraceNormRegressor(0.1, **SOLVING, **parameters).fit(X, y, weights, tasks=tasks)
    task_weight = dict(zip(whole.tasks_.tolist(), rng.uniform(0.5, 2, len(whole.tasks_)), strict=True))
    whole.set_params(task_weight=task_weight).fit(X, y, weights, tasks=tasks)
    chunks = np.array_split(rng.permutation(N), 5)
    assert_same_model(stream(clone(whole), chunks, X, y, weights, tasks), whole)


def test_a_warm_start_saves_iterations():
    rng = np.random.default_rng(9)
    X, tasks = rng.standard_normal((3000, 20)) @ (np.eye(20) + 0.3), np.arange(3000) % 5
    y = X @ rng.standard_normal(20) + rng.standard_normal(3000)
    model = TraceNormRegressor(0.01, tol=1e-8).partial_fit(X[:2900], y[:2900], tasks=tasks[:2900])
    cold = clone(model).partial_fit(X, y, tasks=tasks)
    warm = model.partial_fit(X[2900:], y[2900:], tasks=tasks[2900:])
    assert warm.n_iter_ < cold.n_iter_
    # The same problem once more: near, but the bound came from another point than the parameters.
    assert warm.partial_fit(X[:1], y[:1], [0.0], tasks=[0]).n_iter_ < 10


def test_an_output_that_is_missing_at_first():
    X, y, _, _, _ = data("columns", np.random.default_rng(10))
    late = y.copy()
    late[:10, 1] = np.nan
    late[:3] = np.nan  # rows without any output
    model = BlockSparseRegressor(0.1, **SOLVING)
    with pytest.raises(ValueError, match=r"no observation yet for task\(s\) \[1\].*solve=False"):
        model.partial_fit(X[:10], late[:10])
    assert not hasattr(model, "n_features_in_")
    model.partial_fit(X[:3], late[:3], solve=False).partial_fit(X[3:10], late[3:10], solve=False)
    with pytest.raises(ValueError, match=r"no observation yet for task\(s\) \[1\]"):
        model.partial_fit(X[3:10], late[3:10])
    model.partial_fit(X[10:], late[10:])
    assert_same_model(model, clone(model).fit(X, late))


def test_labels_of_several_kinds_of_numbers():
    rng = np.random.default_rng(18)
    X, y = rng.standard_normal((12, 2)), rng.standard_normal(12)
    labels = [np.array([3, 1, 1, 3]), np.array([2.5, 3.0, 1.0, 0.1]), np.array([0.1, 2.5, 7, 7], dtype=np.float32)]
    model = BlockSparseRegressor(0.1, **SOLVING)
    for k, tasks in enumerate(labels):
        model.partial_fit(X[4 * k : 4 * k + 4], y[4 * k : 4 * k + 4], tasks=tasks)
    exact = np.array([3, 1, 1, 3, 2.5, 3, 1, 0.1, 0.1, 2.5, 7, 7])
    assert_same_model(model, clone(model).fit(X, y, tasks=exact))


def test_weights_that_are_all_zero():
    X, y, _, tasks, _ = data("tasks", np.random.default_rng(11))
    model = BlockSparseRegressor(0.1, **SOLVING)
    with pytest.raises(ValueError, match="sample_weight is zero for every row so far"):
        model.partial_fit(X[:2], y[:2], [0, 0], tasks=tasks[:2])
    model.partial_fit(X[:2], y[:2], [0, 0], tasks=["mars", "venus"], solve=False)  # tasks without weight are none
    assert_same_model(model.partial_fit(X, y, tasks=tasks), clone(model).fit(X, y, tasks=tasks))
    with pytest.raises(ValueError, match="Negative"):
        model.partial_fit(X[:1], y[:1], [-1.0], tasks=tasks[:1])


# Around it ----------------------------------------------------------------------------------------------------------


def test_only_models_of_squared_loss_without_search_have_it():
    assert all(hasattr(make(name), "partial_fit") for name in REGRESSORS)
    assert not any(hasattr(make(name), "partial_fit") for name in CLASSIFIERS)
    assert not hasattr(mtlinear.MultiTaskRegressorCV(), "partial_fit")
    assert not hasattr(mtlinear.MultiTaskClassifierCV(), "partial_fit")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_rows_are_not_kept(layout):
    X, y, _, tasks, parameters = data(layout, np.random.default_rng(13))
    model = BlockSparseRegressor(0.1, **parameters)
    chunks = [take(v, slice(0, N)) for v in (X, y)]
    chunks = [v.copy() for v in chunks]
    model.partial_fit(*chunks, tasks=tasks)
    references = [weakref.ref(v) for v in chunks]
    size = len(pickle.dumps(model._chunks))
    del chunks
    gc.collect()
    assert all(reference() is None for reference in references)
    for _ in range(20):
        model.partial_fit(X, y, tasks=tasks)
    assert len(pickle.dumps(model._chunks)) <= size + 20  # n_rows


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("transport", ["pickle", "skops"])
def test_going_on_after_loading(layout, transport):
    X, y, weights, tasks, parameters = data(layout, np.random.default_rng(14), weighted=True)
    chunks = np.array_split(np.arange(N), 4)
    model = stream(TraceNormRegressor(0.1, **SOLVING, **parameters), chunks[:2], X, y, weights, tasks)
    if transport == "pickle":
        again = pickle.loads(pickle.dumps(model))
    else:
        io = pytest.importorskip("skops.io")
        dumped = io.dumps(model)
        again = io.loads(dumped, trusted=io.get_untrusted_types(data=dumped))
    stream(model, chunks[2:], X, y, weights, tasks)
    stream(again, chunks[2:], X, y, weights, tasks)
    assert_array_equal(again.coef_, model.coef_)
    assert not hasattr(clone(model), "coef_")
    assert clone(model)._chunks is None


def test_a_copy_streams_on_its_own():
    X, y, _, _, _ = data("columns", np.random.default_rng(15))
    model = TraceNormRegressor(0.1, **SOLVING).partial_fit(X[:20], y[:20])
    other = pickle.loads(pickle.dumps(model)).partial_fit(X[:20], -y[:20])
    model.partial_fit(X[20:], y[20:])
    assert_same_model(model, clone(model).fit(X, y))
    assert np.abs(other.coef_).max() < 1e-6


def test_tasks_are_routed():
    X, y, _, tasks, _ = data("tasks", np.random.default_rng(16))
    Y = np.column_stack([y, -2 * y])
    with sklearn.config_context(enable_metadata_routing=True):
        both = MultiOutputRegressor(TraceNormRegressor(0.1, **SOLVING))
        for rows in np.array_split(np.arange(N), 3):
            both.partial_fit(X[rows], Y[rows], tasks=tasks[rows])
    for k, model in enumerate(both.estimators_):
        assert_same_model(model, clone(model).fit(X, Y[:, k], tasks=tasks))


def test_incremental_learning_curve():
    """scikit-learn's own user of partial_fit: the same curve as with a fit for every size."""
    X, y, _, _, parameters = data("task column", np.random.default_rng(17))
    model = MeanRegularizedRegressor(0.1, **SOLVING, **parameters)
    options = {"train_sizes": [10, 15, 24], "cv": KFold(3, shuffle=True, random_state=0)}
    model.set_params(unseen_tasks="mean")
    whole = learning_curve(model, X, y, **options)
    streamed = learning_curve(model, X, y, exploit_incremental_learning=True, **options)
    for found, expected in zip(streamed, whole, strict=True):
        assert_allclose(found, expected, rtol=1e-5)


def test_the_document_runs():
    text = (Path(__file__).parents[1] / "docs" / "streaming.md").read_text(encoding="utf-8")
    namespace: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL):
        exec(compile(block, "streaming.md", "exec"), namespace)
    assert namespace["same"]
