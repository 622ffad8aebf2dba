"""Moments of chunks far from zero, drifting, constant or in float32 are those of all rows."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.testing import assert_allclose
from sklearn.base import clone
from streamtools import SOLVING, N, assert_same_model, data, stream

import mtlinear
from mtlinear import BlockSparseRegressor, MeanRegularizedRegressor, TraceNormRegressor
from mtlinear.designs import RunningMoments
from mtlinear.penalties import L1Lq

#: The reweighted one needs the rows at every stage.


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
