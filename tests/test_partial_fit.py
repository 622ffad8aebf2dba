"""partial_fit: chunks of rows, in whatever sizes and order, are all rows together."""

from __future__ import annotations

import gc
import pickle
import re
import warnings
import weakref
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import sklearn
from estimatortools import CLASSIFIERS, SMALL, make
from estimatortools import REGRESSORS as ALL_REGRESSORS
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning, NotFittedError
from sklearn.model_selection import KFold, learning_curve
from sklearn.multioutput import MultiOutputRegressor

import mtlinear
from mtlinear import BlockSparseRegressor, ClusteredRegressor, MeanRegularizedRegressor, TraceNormRegressor
from mtlinear.designs import RunningMoments
from mtlinear.penalties import Dirty, L1Lq, TraceNorm

#: The reweighted one needs the rows at every stage.
REGRESSORS = [name for name in ALL_REGRESSORS if name != "ReweightedRegressor"]

#: A ridge makes the optimum unique, so that coefficients can be compared; see `assert_same_model`.
L2 = 0.1
SOLVING = {"l2_alpha": L2, "tol": 1e-12, "max_iter": 100_000}
LAYOUTS = ["one task", "columns", "missing", "tasks", "task column", "task name"]
N, D = 36, 4


def data(layout, rng, *, weighted=False, sparse=False, offset=0.0):
    """(X, y, sample_weight, tasks, parameters), all of N rows."""
    X = rng.standard_normal((N, D)) * [1, 3, 0.5, 1] + offset
    labels = np.array(["north", "east", "west"])[np.concatenate([[0, 1, 2], rng.integers(0, 3, N - 3)])]
    A = rng.standard_normal((D, 3)) + 1
    Y = (X - offset) @ A + rng.standard_normal((N, 3)) + [0, 2, 30]
    weights = rng.integers(0, 4, N) * rng.uniform(0.5, 1.5, N) if weighted else None
    if weighted:
        weights[:3] = 1.0  # every task is there
    if sparse:
        X = X * (rng.random((N, D)) < 0.4)
    y, tasks, parameters = Y[:, 0], None, {}
    if layout in ("columns", "missing"):
        y = Y
    if layout == "missing":
        y[3:][rng.random((N - 3, 3)) < 0.4] = np.nan
    if layout == "tasks":
        tasks = labels
    if layout == "task column":
        X, parameters = (
            np.column_stack([X[:, :2], np.unique(labels, return_inverse=True)[1], X[:, 2:]]),
            {"task_feature": 2},
        )
    if layout == "task name":
        X, parameters = pd.DataFrame(X, columns=list("abcd")).assign(site=labels), {"task_feature": "site"}
    if sparse and layout != "task name":
        X = sp.csr_array(X)
    return X, y, weights, tasks, parameters


def take(values, rows):
    if values is None:
        return None
    return values.iloc[rows] if hasattr(values, "iloc") else values[rows]


def stream(model, chunks, X, y, weights=None, tasks=None, *, every=0):
    """partial_fit on chunks of rows; solves after each ``every`` chunks and after the last."""
    for k, rows in enumerate(chunks):
        solve = k == len(chunks) - 1 or (every > 0 and k % every == every - 1)
        model.partial_fit(*(take(v, rows) for v in (X, y, weights)), tasks=take(tasks, rows), solve=solve)
    return model


def assert_same_model(streamed, whole, *, rounding=1e-9):
    """The optimum is unique, and a gap bounds how far from it a model can be: gap >= L2/2 ||A - A_best||^2.

    A gap itself is right but for the rounding of the objective, of which the library takes 8 epsilons for nothing.
    """
    unit = whole.null_objective_
    assert_allclose(streamed.null_objective_, unit, rtol=rounding)
    assert_allclose(streamed.objective_, whole.objective_, atol=whole.dual_gap_ + streamed.dual_gap_ + rounding * unit)
    assert max(streamed.dual_gap_, whole.dual_gap_) <= 1e-11 * unit
    epsilon = 8 * np.finfo(float).eps * unit
    distance = sum(np.sqrt(2 * (model.dual_gap_ + epsilon) / L2) for model in (streamed, whole))
    assert np.linalg.norm(streamed.coef_ - whole.coef_) <= distance + 10 * rounding * np.abs(whole.coef_).max()
    assert_array_equal(streamed.tasks_, whole.tasks_)
    assert streamed.coef_.shape == whole.coef_.shape
    assert streamed.n_features_in_ == whole.n_features_in_
    assert streamed.parameters_.feature_names == whole.parameters_.feature_names


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


# Numerics -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("drift", [0.0, 1.0, 1e4, 1e6])
@pytest.mark.parametrize("size", [1, 7, 500])
@pytest.mark.parametrize("weighted", [False, True])
def test_moments_far_from_zero_and_drifting(drift, size, weighted):
    """About their means the sums have nearly all digits, wherever the features are and whatever the first chunk was."""
    rng = np.random.default_rng(0)
    n = 1000
    X = rng.standard_normal((n, 3)) + 1e6 + drift * np.linspace(-1, 1, n)[:, None] * [1, -1, 0]
    Y = X[:, :2] - 1e6 + rng.standard_normal((n, 2)) + 1e5
    w = rng.uniform(0.1, 2, n) if weighted else np.ones(n)
    found = None
    for start in range(0, n, size):
        rows = slice(start, start + size)
        part = RunningMoments.of(X[rows], Y[rows], w[rows] if weighted else None)
        found = part if found is None else found + part
    x, y, s = X.astype(np.longdouble), Y.astype(np.longdouble), w.astype(np.longdouble)[:, None]
    x, y = x - (s * x).sum(axis=0) / s.sum(), y - (s * y).sum(axis=0) / s.sum()
    unit_x, unit_y = np.sqrt((s * x * x).sum(axis=0)), np.sqrt((s * y * y).sum(axis=0))
    for sums, exact, unit in (
        (found.scatter, x.T @ (s * x), np.outer(unit_x, unit_x)),
        (found.cross, x.T @ (s * y), np.outer(unit_x, unit_y)),
        (found.square, (s * y * y).sum(axis=0), unit_y**2),
    ):
        assert np.max(np.abs((sums - exact) / unit)) < 1e-13
    assert_allclose(found.mean, (s * X.astype(np.longdouble)).sum(axis=0).astype(float) / w.sum(), rtol=1e-15)


@pytest.mark.parametrize("layout", ["columns", "missing", "tasks"])
@pytest.mark.parametrize("drift", [0.0, 30.0])
@pytest.mark.parametrize("size", [1, 10])
def test_an_offset_of_a_million(layout, drift, size):
    X, y, _, tasks, _ = data(layout, np.random.default_rng(1), offset=1e6)
    X = X + drift * np.linspace(0, 1, N)[:, None]
    model = BlockSparseRegressor(0.1, **SOLVING)
    whole = clone(model).fit(X, y, tasks=tasks)
    chunks = np.array_split(np.arange(N), N // size)
    stream(model, chunks, X, y, tasks=tasks)
    assert_same_model(model, whole, rounding=1e-9)


@pytest.mark.parametrize("sparse", [False, True])
def test_a_constant_feature_has_no_say(sparse):
    """Also where nothing penalises it: the rounding of its means must not look like variance."""
    rng = np.random.default_rng(2)
    X = rng.standard_normal((60, 3))
    X[:, 1] = 0.1
    y, tasks, weights = rng.standard_normal(60), np.arange(60) % 3, rng.uniform(0.1, 3, 60)
    model = MeanRegularizedRegressor(0.1, mean_alpha=0.0)
    stream(model, np.array_split(np.arange(60), 23), sp.csr_array(X) if sparse else X, y, weights, tasks)
    assert np.all(model.coef_[:, 1] == 0.0)
    assert_allclose(model.coef_, clone(model).fit(X, y, weights, tasks=tasks).coef_, atol=1e-3)


def test_values_that_differ_by_rounding_are_constant():
    """As in fit: nothing may be made of the last bit of a feature or a target."""
    rng = np.random.default_rng(2)
    X, y = rng.standard_normal((40, 3)), np.where(np.arange(40) % 2, 0.1 + 0.2, 0.3)
    X[:, 1] = y
    model = mtlinear.MultiTaskRegressor(penalty=L1Lq(0.01))
    stream(model, np.array_split(np.arange(40), 9), X, y)
    assert model.null_objective_ == model.fit(X, y).null_objective_ == 0.0
    model = MeanRegularizedRegressor(0.1, **SOLVING)  # the mean is free
    stream(model, np.array_split(np.arange(40), 9), X, X[:, :2])
    assert np.all(model.coef_[:, 1] == 0.0)
    assert_same_model(model, clone(model).fit(X, X[:, :2]))


def test_float32_rows_are_added_up_in_float64():
    rng = np.random.default_rng(3)
    X, y, _, tasks, _ = data("tasks", rng, offset=100.0)
    X = X.astype(np.float32)
    model = TraceNormRegressor(0.1, **SOLVING)
    stream(model, np.array_split(np.arange(N), 9), X, y, tasks=tasks)
    assert model.coef_.dtype == np.float64
    assert_same_model(model, clone(model).fit(X.astype(float), y, tasks=tasks))


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
    assert warm.partial_fit(X[:1], y[:1], [0.0], tasks=[0]).n_iter_ == 1


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


# Errors -------------------------------------------------------------------------------------------------------------

RNG = np.random.default_rng(12)
X_, Y_ = RNG.standard_normal((20, 3)), RNG.standard_normal((20, 2))
FRAME = pd.DataFrame(X_, columns=["u", "v", "w"])
SITES = np.array(["p", "q"])[np.arange(20) % 2]
#: what -> (first chunk, keywords, second chunk, keywords, error, message)
BAD = {
    "features": ((X_, Y_), {}, (X_[:, :2], Y_), {}, ValueError, "X has 2 features, but"),
    "names": ((FRAME, Y_), {}, (FRAME[["v", "u", "w"]], Y_), {}, ValueError, "feature names should match"),
    "columns": ((X_, Y_), {}, (X_, Y_[:, :1]), {}, ValueError, r"y is 2-D with 1 column\(s\), but was 2-D with 2"),
    "dimensions": ((X_, Y_[:, :1]), {}, (X_, Y_[:, 0]), {}, ValueError, "y is 1-D, but was 2-D with 1"),
    "names of y": (
        (X_, pd.DataFrame(Y_, columns=["a", "b"])),
        {},
        (X_, pd.DataFrame(Y_, columns=["b", "a"])),
        {},
        ValueError,
        r"y has the columns \['b', 'a'\], but had \['a', 'b'\]",
    ),
    "tasks come": ((X_, Y_[:, 0]), {}, (X_, Y_[:, 0]), {"tasks": SITES}, ValueError, "before had none, this one has"),
    "tasks go": ((X_, Y_[:, 0]), {"tasks": SITES}, (X_, Y_[:, 0]), {}, ValueError, "before had tasks=, this one has n"),
    "kind of tasks": (
        (X_, Y_[:, 0]),
        {"tasks": SITES},
        (X_, Y_[:, 0]),
        {"tasks": np.arange(20) % 2},
        TypeError,
        "task labels are numbers",
    ),
    "NaN in X": ((X_, Y_), {}, (np.full((1, 3), np.nan), Y_[:1]), {}, ValueError, "X contains NaN"),
    "NaN in y": ((X_, Y_[:, 0]), {}, (X_[:1], [np.nan]), {}, ValueError, "y contains NaN"),
    "lengths": ((X_, Y_), {}, (X_[:3], Y_[:2]), {}, ValueError, "inconsistent numbers of samples"),
    "no rows": ((X_, Y_), {}, (X_[:0], Y_[:0]), {}, ValueError, "minimum of 1 is required"),
    "no y": ((X_, Y_), {}, (X_, None), {}, ValueError, "requires y"),
    "weights": ((X_, Y_), {}, (X_, Y_, [1.0]), {}, ValueError, "sample_weight"),
    "solve": ((X_, Y_), {}, (X_, Y_), {"solve": "no"}, TypeError, "solve must be True or False"),
}


def state(model):
    return {name: id(value) for name, value in vars(model).items()}


@pytest.mark.parametrize("what", BAD)
@pytest.mark.parametrize("solve", [True, False])
def test_a_bad_chunk_changes_nothing(what, solve):
    first, keywords, second, others, error, message = BAD[what]
    model = BlockSparseRegressor(0.1, **SOLVING).partial_fit(*first, **keywords)
    before, coef = state(model), model.coef_.copy()
    with pytest.raises(error, match=message):
        model.partial_fit(*second, **{"solve": solve} | others)
    assert state(model) == before
    assert_array_equal(model.coef_, coef)
    repeated = (np.concatenate([v, v]) if not hasattr(v, "iloc") else pd.concat([v, v]) for v in first)
    model.partial_fit(*first, **keywords)
    twice = {name: np.tile(value, 2) for name, value in keywords.items()}
    assert_same_model(model, clone(model).fit(*repeated, **twice))


def test_a_solve_that_fails_does_not_keep_its_chunk():
    model = ClusteredRegressor(3, 0.1, **SOLVING)
    labels = np.array([0, 1, 2])[np.arange(20) % 3]
    early = labels < 2
    with pytest.raises(ValueError, match="n_clusters"):  # two tasks so far
        model.partial_fit(X_[early], Y_[early, 0], tasks=labels[early])
    assert model._chunks is None
    model.partial_fit(X_[early], Y_[early, 0], tasks=labels[early], solve=False)
    model.partial_fit(X_[~early], Y_[~early, 0], tasks=labels[~early])
    assert_same_model(model, clone(model).fit(X_, Y_[:, 0], tasks=labels))


def test_task_feature_must_stay():
    table = FRAME.assign(site=SITES)
    model = BlockSparseRegressor(0.1, task_feature="site").partial_fit(table, Y_[:, 0])
    with pytest.raises(ValueError, match="task_feature is -1, but was 'site'"):
        model.set_params(task_feature=-1).partial_fit(table, Y_[:, 0])
    with pytest.raises(ValueError, match="task_feature is None, but was 'site'"):
        model.set_params(task_feature=None).partial_fit(FRAME, Y_[:, 0], tasks=SITES)
    model.set_params(task_feature="site").partial_fit(table, Y_[:, 0])


def test_task_weights_that_do_not_fit_any_more():
    model = BlockSparseRegressor(0.1, task_weight=[1.0, 2.0]).partial_fit(X_, Y_[:, 0], tasks=SITES)
    before = state(model)
    with pytest.raises(ValueError, match="task_weight must be None, a mapping from task to weight, or 3 numbers"):
        model.partial_fit(X_[:1], Y_[:1, 0], tasks=["r"])
    with pytest.raises(ValueError, match=r"task_weight has no entry for task\(s\) \['r'\]"):
        clone(model).set_params(task_weight={"p": 1, "q": 2}).partial_fit(X_[:1], Y_[:1, 0], tasks=["r"])
    assert state(model) == before


def test_a_task_column_that_is_none_is_noticed_when_it_is_first_used():
    """The first chunk may have one task only, or a task for each row; the rows of the first solve should not."""
    table = np.column_stack([X_, np.arange(20) % 5])
    model = BlockSparseRegressor(0.1, task_feature=-1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for rows in (slice(0, 1), slice(1, 5), slice(5, 20)):
            model.partial_fit(table[rows], Y_[rows, 0], solve=rows.stop == 20)
    lost = clone(model).set_params(task_feature=0)
    lost.partial_fit(table[:10], Y_[:10, 0], solve=False)
    with pytest.raises(ValueError, match=r"20 different label.s. for 20 rows.*look like measurements"):
        lost.partial_fit(table[10:], Y_[10:, 0])
    with pytest.warns(UserWarning, match=r"1 different label\(s\) for 4 rows"):
        clone(model).partial_fit(table[::5], Y_[::5, 0])


def test_a_column_vector_beside_tasks_warns():
    with pytest.warns(DataConversionWarning):
        BlockSparseRegressor(0.1).partial_fit(X_, Y_[:, :1], tasks=SITES)


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
