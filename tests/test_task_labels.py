"""Parameters that name tasks go by the labels, whatever their order, in every way of fitting; or they are refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from mtlinear import FusedRegressor, GraphRegularizedRegressor, MultiTaskRegressor, TreeGuidedRegressor
from mtlinear.kernels import ClusterCoupling, GraphCoupling, MatrixCoupling
from mtlinear.penalties import GraphFused, GraphLaplacian, GraphRegularized, chain_graph

NAMES = ["a", "b", "c", "d"]
#: a - c - b - d, given in another order than the sorted one.
CHAIN = pd.DataFrame(chain_graph(4), index=list("acbd"), columns=list("acbd")).loc[list("dbca"), list("cadb")]
GRAPH = CHAIN.loc[NAMES, NAMES].to_numpy()
GROUPS = [(["a", "c"], 1.0), (["b", "d"], 1.0)]


@pytest.fixture
def data(rng):
    X, tasks = rng.standard_normal((120, 3)), np.tile(NAMES, 30)
    y = X[:, 0] * pd.Series([1.0, 5.0, 1.2, 4.0], NAMES)[tasks].to_numpy() + 0.1 * rng.standard_normal(120)
    return X, y, tasks


@pytest.mark.parametrize(
    ("by_label", "by_position"),
    [
        (FusedRegressor(CHAIN, 0.3), FusedRegressor(GRAPH, 0.3)),
        (GraphRegularizedRegressor(CHAIN, 0.3), GraphRegularizedRegressor(GRAPH, 0.3)),
        (TreeGuidedRegressor(GROUPS, 0.3), TreeGuidedRegressor([([0, 2], 1.0), ([1, 3], 1.0)], 0.3)),
    ],
    ids=["fused", "smooth", "tree"],
)
@pytest.mark.parametrize("way", ["fit", "partial_fit", "chunks"])
def test_labels_are_positions_in_tasks_(by_label, by_position, way, data):
    X, y, tasks = data
    expected = by_position.fit(X, y, tasks=tasks).coef_
    if way == "fit":
        by_label.fit(X, y, tasks=tasks)
    else:
        by_label.set_params(warm_start=False)
        if hasattr(by_label, "coef_"):
            by_label = type(by_label)(**by_label.get_params())
        chunks = [slice(None)] if way == "partial_fit" else [np.isin(tasks, ["b", "d"]), np.isin(tasks, ["a", "c"])]
        for k, rows in enumerate(chunks):
            by_label.partial_fit(X[rows], y[rows], tasks=tasks[rows], solve=k == len(chunks) - 1)
    assert_allclose(by_label.coef_, expected, atol=1e-5)


@pytest.mark.parametrize(
    "model", [FusedRegressor(CHAIN), GraphRegularizedRegressor(CHAIN), TreeGuidedRegressor(GROUPS)]
)
def test_the_first_solve_may_know_fewer_tasks(model, data):
    X, y, tasks = data
    for names in (["c", "d"], ["b"], ["a"]):
        rows = np.isin(tasks, names)
        model.partial_fit(X[rows], y[rows], tasks=tasks[rows])
    expected = type(model)(**model.get_params()).fit(X, y, tasks=tasks)
    assert_allclose(model.coef_, expected.coef_, atol=1e-4)


@pytest.mark.parametrize(
    "penalty", [GraphFused(CHAIN), GraphLaplacian(CHAIN), GraphRegularized(CHAIN)], ids=lambda p: type(p).__name__
)
def test_a_penalty_alone_refuses_labels(penalty, data):
    X, y, tasks = data
    with pytest.raises(TypeError, match="a penalty knows no labels of tasks"):
        MultiTaskRegressor(penalty).fit(X, y, tasks=tasks)


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        (CHAIN.drop(index="b"), r"graph has no row for task\(s\) \['b'\]"),
        (CHAIN.drop(columns="b"), r"graph has no column for task\(s\) \['b'\]"),
        (pd.concat([CHAIN, CHAIN.loc[["a"]]]), r"graph has more than one row for task\(s\) \['a'\]"),
    ],
)
def test_labels_that_are_missing_or_there_twice_are_named(graph, message, data):
    X, y, tasks = data
    with pytest.raises(ValueError, match=message):
        FusedRegressor(graph).fit(X, y, tasks=tasks)


def test_labels_that_do_not_occur_are_no_error(data):
    X, y, tasks = data
    rows = tasks != "a"
    FusedRegressor(CHAIN).fit(X[rows], y[rows], tasks=tasks[rows])
    TreeGuidedRegressor(GROUPS).fit(X[rows], y[rows], tasks=tasks[rows])


def test_couplings_go_by_label():
    tasks = np.array(NAMES)
    assert_allclose(GraphCoupling(CHAIN).matrix(tasks), GraphCoupling(GRAPH).matrix(tasks))
    assert_allclose(GraphCoupling(chain_graph).matrix(tasks), GraphCoupling(chain_graph(4)).matrix(tasks))
    C = pd.DataFrame(np.diag([1.0, 2.0, 3.0, 4.0]), list("bdac"), list("bdac"))
    assert_allclose(np.diag(MatrixCoupling(C).matrix(tasks)), [3.0, 1.0, 4.0, 2.0])
    clusters = pd.Series(["x", "x", "y", "y"], index=list("adbc"))
    together = ClusterCoupling(["x", "y", "y", "x"]).matrix(tasks)
    assert_allclose(ClusterCoupling(clusters).matrix(tasks), together)
    with pytest.raises(TypeError, match="graph must be a matrix of numbers"):
        GraphCoupling("chain").matrix(tasks)
