"""Sparse groups, weights, trees and fused penalties: what they reduce to, and what is special in each."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from catalogue import forest, nested_pairs, ring, signed_ring
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from problems import WIDE, make_problem
from sklearn.base import clone
from test_working_set import many_features

from mtlinear import (
    FusedClassifier,
    FusedRegressor,
    TreeGuidedRegressor,
)
from mtlinear.losses import Squared
from mtlinear.path import alpha_max
from mtlinear.penalties import (
    L1,
    Dirty,
    GraphFused,
    InfimalConvolution,
    L1Lq,
    SparseGroup,
    TraceNorm,
    TreeGuided,
    Weighted,
    chain_graph,
)
from mtlinear.penalties._graph_variation import SignedEdges, prox_graph
from mtlinear.penalties._total_variation import prox_chain
from mtlinear.solvers import FISTA, Splitting, WorkingSet
from mtlinear.solvers._working_set import is_row_separable

MANY = settings(deadline=None, max_examples=60, derandomize=True)


def same_norm(first, second, T=5, seed=0):
    """Value, prox and gauge of two penalties that should be one."""
    rng = np.random.default_rng(seed)
    for scale in (0.1, 1.0, 30.0):
        A = scale * rng.standard_normal((7, T))
        steps = rng.uniform(0.1, 2.0, (7, 1))
        assert_allclose(first.value(A), second.value(A), rtol=1e-12)
        assert_allclose(first.prox(A, 0.4), second.prox(A, 0.4), atol=1e-12 * scale)
        assert_allclose(first.prox(A, steps), second.prox(A, steps), atol=1e-12 * scale)
        assert_allclose(first.row_gauge(A), second.row_gauge(A), rtol=1e-11)
        assert_allclose(first.row_value(A), second.row_value(A), rtol=1e-12)
        assert_allclose(first.row_value(A).sum(), first.value(A), rtol=1e-12)


# Reductions -----------------------------------------------------------------------------------------------------------


def leaves(T):
    return [([t], 1.0) for t in range(T)]


def root(T):
    return [(list(range(T)), 1.0)]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (SparseGroup(0.7, 1.0), L1(0.7)),
        (SparseGroup(0.7, 0.0), L1Lq(0.7)),
        (SparseGroup(0.7, 0.0, q=np.inf), L1Lq(0.7, q=np.inf)),
        (TreeGuided(leaves, 0.7), L1(0.7)),
        (TreeGuided(root, 0.7), L1Lq(0.7)),
        (
            TreeGuided(lambda T: [*((tasks, 0.3) for tasks, _ in leaves(T)), (list(range(T)), 0.7)]),
            SparseGroup(1.0, 0.3),
        ),
        (GraphFused(lambda T: np.zeros((T, T)), 1.4, l1_ratio=1.0), L1(0.7)),
        (GraphFused(lambda T: np.zeros((T, T)), 1.4, l1_ratio=0.3), SparseGroup(0.7, 0.3)),
        (GraphFused(alpha=0.7, fused_ratio=0.0, l1_ratio=0.3), SparseGroup(0.7, 0.3)),
        (
            GraphFused(lambda T: np.eye(T, k=1) + np.eye(T, k=-1), 0.7),
            GraphFused(lambda T: sp.csr_array(chain_graph(T)), 0.7),
        ),
        (Weighted(L1Lq(0.7), np.full(7, 2.0)), L1Lq(1.4)),
        (Weighted(L1(0.7), np.full((7, 5), 2.0)), L1(1.4)),
        (Weighted(Weighted(SparseGroup(0.7), np.full(7, 4.0)), np.full(7, 0.5)), SparseGroup(1.4)),
    ],
)
def test_reductions(first, second):
    same_norm(first, second)


@pytest.mark.parametrize("graph", [chain_graph, ring])
def test_a_huge_fused_weight_is_the_pooled_model(graph):
    problem = make_problem(GraphFused(graph, 1e4, fused_ratio=1.0))
    solution = FISTA().solve(problem, tol=1e-12, max_iter=100_000)
    assert_allclose(solution.A, np.repeat(solution.A[:, :1], 3, axis=1), atol=1e-9)
    X, y = problem.data.design.task_rows(0, problem.data.target)[0], problem.data.target.mean(axis=1)
    assert_allclose(solution.A[:, 0], np.linalg.lstsq(X, y, rcond=None)[0], atol=1e-5)


def test_what_is_fused_is_exactly_equal_and_what_is_zero_exactly_zero():
    V = np.random.default_rng(0).standard_normal((50, 8))
    for graph in (chain_graph, ring):
        P = GraphFused(graph, 1.0, fused_ratio=0.6).prox(V, 0.5)
        assert np.mean(np.diff(P, axis=1) == 0.0) > 0.2
        assert np.mean(P == 0.0) > 0.1


# Gauges end on the safe side ------------------------------------------------------------------------------------------

GAUGES = [
    SparseGroup(0.6, 0.3),
    SparseGroup(0.6, 0.9, q=np.inf),
    SparseGroup(0.6, 0.4, q=1.4),
    TreeGuided(nested_pairs, 0.6),
    TreeGuided(forest, 0.6),
    GraphFused(alpha=0.6),
    GraphFused(alpha=0.6, l1_ratio=0.2),
    GraphFused(ring, 0.6, l1_ratio=0.0),
    GraphFused(signed_ring, 0.6, fused_ratio=0.9),
]


@pytest.mark.parametrize("penalty", GAUGES, ids=lambda p: type(p).__name__)
@MANY
@given(seed=st.integers(0, 100_000), T=st.integers(2, 12), ties=st.booleans(), scale=st.sampled_from([1e-9, 1.0, 1e9]))
def test_gauges_are_tight_and_never_too_small(penalty, seed, T, ties, scale):
    rng = np.random.default_rng(seed)
    G = rng.standard_normal((4, T)) * (rng.random((4, T)) < 0.8)
    G = scale * (np.round(2 * G) if ties else G)
    gauges = penalty.row_gauge(G)
    assert_allclose(penalty.gauge(G), gauges.max(initial=0.0), rtol=1e-10)
    used = gauges > 0
    assert_array_equal(used, G.any(axis=1))
    g, c = G[used], gauges[used, None]
    if len(g):
        room = max(64 * np.finfo(float).eps, penalty.gauge_accuracy)
        assert np.abs(penalty.prox(g, c * (1.0 + room))).max() <= 1e-12 * np.abs(g).max()
        assert np.all(penalty.prox(g, c * (1.0 - 1e-6)).any(axis=1))
        assert penalty.conjugate(penalty.dual_scale(G) * G) == 0.0


def test_gauge_of_total_variation_alone_is_the_largest_partial_sum():
    G = np.random.default_rng(0).standard_normal((6, 9))
    G -= G.mean(axis=1, keepdims=True)
    penalty = GraphFused(alpha=0.5, fused_ratio=1.0)
    assert_allclose(penalty.row_gauge(G), np.abs(np.cumsum(G, axis=1)).max(axis=1) / 0.5, rtol=1e-12)
    assert penalty.gauge(G + 1e-3) == np.inf


# Total variation ------------------------------------------------------------------------------------------------------


def chain_by_enumeration(y, bounds):
    """The best of all partitions with all signs of the jumps: means between jumps."""
    best, T = None, len(y)
    for code in range(3 ** (T - 1)):
        signs = np.array([(code // 3**e) % 3 - 1 for e in range(T - 1)])
        z = np.concatenate([[0.0], bounds * signs, [0.0]])
        x, start = np.empty(T), 0
        for end in [*(np.flatnonzero(signs) + 1), T]:
            x[start:end] = (y[start:end].sum() + z[end] - z[start]) / (end - start)
            start = end
        cost = 0.5 * np.sum((x - y) ** 2) + np.sum(bounds * np.abs(np.diff(x)))
        if best is None or cost < best[0]:
            best = cost, x
    return best[1]


@MANY
@given(seed=st.integers(0, 100_000), T=st.integers(1, 6), ties=st.booleans())
def test_chain_is_the_best_partition(seed, T, ties):
    rng = np.random.default_rng(seed)
    Y = np.round(2 * rng.standard_normal((3, T))) if ties else rng.standard_normal((3, T))
    bounds = rng.choice([0.0, 0.2, 0.5, 1.0, 5.0], (3, T - 1))
    X, states = prox_chain(Y, bounds)
    for x, y, bound in zip(X, Y, bounds, strict=True):
        assert_allclose(x, chain_by_enumeration(y, bound), atol=1e-12)
    # from any states
    again, _ = prox_chain(Y, bounds, rng.integers(-1, 2, states.shape).astype(np.int8))
    assert_allclose(again, X, atol=1e-12)


@MANY
@given(seed=st.integers(0, 100_000), T=st.integers(2, 40), scale=st.sampled_from([1e-6, 1.0, 1e6]))
def test_graphs_and_chains_agree(seed, T, scale):
    rng = np.random.default_rng(seed)
    Y = scale * rng.standard_normal((5, T)).cumsum(axis=1)
    bounds = scale * rng.uniform(0.01, 3.0, (5, T - 1))
    edges = SignedEdges(np.arange(T - 1), np.arange(1, T), np.ones(T - 1), T)
    expected, _ = prox_chain(Y, bounds)
    found, Z = prox_graph(Y, bounds, edges)
    assert_allclose(found, expected, atol=1e-12 * np.abs(Y).max())
    assert_allclose(
        prox_graph(1.001 * Y, bounds, edges, Z)[0],
        prox_graph(1.001 * Y, bounds, edges)[0],
        atol=1e-11 * np.abs(Y).max(),
    )


@MANY
@given(seed=st.integers(0, 100_000), T=st.integers(3, 10), signed=st.booleans())
def test_graph_satisfies_the_optimality_conditions(seed, T, signed):
    """y - x = B'z with z at its bound, with the sign of the difference, wherever there is one.

    Inside groups the z that is returned is a start for the next call, and as good as the proof needed it: least squares
    there give one that is exact.
    """
    rng = np.random.default_rng(seed)
    s, t = np.triu_indices(T, k=1)
    kept = rng.random(len(s)) < 0.5
    s, t = s[kept], t[kept]
    if len(s) == 0:
        return
    signs = np.where(signed & (rng.random(len(s)) < 0.4), -1.0, 1.0)
    edges = SignedEdges(s, t, signs, T)
    Y, bounds = rng.standard_normal((4, T)), rng.uniform(0.01, 0.6, (4, len(s)))
    X, Z = prox_graph(Y, bounds, edges)
    B = edges.matrix()
    for x, y, z, bound in zip(X, Y, Z, bounds, strict=True):
        at_bound = np.abs(z) >= bound * (1 - 1e-14)
        assert np.all((B @ x * np.sign(z) >= -1e-12)[at_bound])
        assert np.all(np.abs((B @ x)[~at_bound]) <= 1e-12)
        exact = np.clip(z, -bound, bound)
        exact[~at_bound] += np.linalg.lstsq(B[~at_bound].T, y - x - exact @ B, rcond=None)[0]
        assert_allclose(y - x, exact @ B, atol=1e-12)
        assert np.all(np.abs(exact) <= bound * (1 + 1e-11))


@pytest.mark.parametrize("penalty", [GraphFused(alpha=0.4), GraphFused(ring, 0.4, l1_ratio=0.3)], ids=["chain", "ring"])
def test_the_prox_with_a_memory_is_the_prox(penalty):
    rng = np.random.default_rng(0)
    prox, V = penalty.prox_operator(), rng.standard_normal((20, 7))
    for _ in range(15):
        V = V + 0.2 * rng.standard_normal(V.shape)
        assert_allclose(prox(V, 0.5), penalty.prox(V, 0.5), atol=1e-12)
    assert_allclose(prox(V[:3], 0.5), penalty.prox(V[:3], 0.5), atol=1e-12)


def test_signs_of_a_path_can_be_turned_away():
    graph = chain_graph(5)
    graph[1, 2] = graph[2, 1] = -0.5
    turn = np.array([1.0, 1.0, -1.0, -1.0, -1.0])
    V = np.random.default_rng(0).standard_normal((6, 5))
    signed, plain = GraphFused(graph, 0.6), GraphFused(np.abs(graph), 0.6)
    assert_allclose(signed.prox(V, 0.4), plain.prox(V * turn, 0.4) * turn, atol=1e-13)
    free = GraphFused(graph, 0.6, fused_ratio=1.0).null_space(5)
    assert_allclose(np.abs(free[:, 0] @ turn), np.sqrt(5))


def test_unbalanced_graphs_leave_nothing_free():
    assert GraphFused(signed_ring, fused_ratio=1.0).null_space(4).shape[1] == 0
    assert GraphFused(ring, fused_ratio=1.0).null_space(4).shape[1] == 1


# Weights --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("penalty", "error", "message"),
    [
        (Weighted(L1Lq(), np.ones(3)), ValueError, r"\(4,\)"),
        (Weighted(L1Lq(), np.ones((4, 2))), ValueError, r"\(4,\)"),
        (Weighted(L1(), np.ones((4, 3))), ValueError, r"\(4, 2\)"),
        (Weighted(L1(), np.zeros(4)), ValueError, "positive"),
        (Weighted(L1(), [1.0, np.nan, 1.0, 1.0]), ValueError, "positive"),
        (Weighted(L1(), ["a"] * 4), TypeError, "numbers"),
        (Weighted(TraceNorm(), np.ones(4)), TypeError, "rows of A"),
        (SparseGroup(l1_ratio=1.5), ValueError, "l1_ratio"),
        (SparseGroup(q=0.5), ValueError, "q"),
        (GraphFused(fused_ratio=-0.1), ValueError, "fused_ratio"),
        (GraphFused(l1_ratio=2), ValueError, "l1_ratio"),
        (GraphFused(np.ones((2, 2))), ValueError, "diagonal"),
        (GraphFused(np.zeros((2, 2)), fused_ratio=1.0), ValueError, "graph must have edges"),
    ],
)
def test_bad_parameters_are_refused_by_name(penalty, error, message):
    with pytest.raises(error, match=message):
        penalty.check(4, 2)


def test_arrays_as_parameters_survive_clone_and_set_params():
    weights, graph = np.array([1.0, 2.0]), chain_graph(3)
    copy = clone(Weighted(GraphFused(graph, 0.3), weights))
    assert_array_equal(copy.weights, weights)
    assert_array_equal(copy.get_params()["penalty__graph"], graph)
    copy.set_params(penalty__alpha=0.6, weights=[3.0, 3.0])
    A = np.ones((2, 3))
    assert_allclose(copy.value(A), 3 * 0.6 * 0.5 * 6)


@pytest.mark.parametrize("rows", [[0, 2], [5, 1, 4]])
def test_restriction_is_the_penalty_of_the_other_rows_at_zero(rows, rng):
    weights, entries = rng.uniform(0.5, 2.0, 6), rng.uniform(0.5, 2.0, (6, 3))
    A = np.zeros((6, 3))
    A[rows] = rng.standard_normal((len(rows), 3))
    for penalty in (Weighted(L1Lq(0.3), weights), Weighted(L1(0.3), entries), L1(0.3), Dirty(0.3)):
        assert_allclose(penalty.restrict(np.array(rows)).value(A[rows]), penalty.value(A), rtol=1e-8)
    both = InfimalConvolution(Weighted(L1Lq(0.3), weights), Weighted(L1(0.2), entries)).restrict(np.array(rows))
    assert_array_equal(both.penalties[0].weights, weights[rows])
    assert_array_equal(both.penalties[1].weights, entries[rows])


@pytest.mark.parametrize(
    "penalty",
    [
        SparseGroup(1.0),
        TreeGuided(nested_pairs),
        GraphFused(),
        Weighted(L1Lq(), np.linspace(0.5, 2.0, 300)),
        Weighted(L1(), np.linspace(0.5, 2.0, 900).reshape(300, 3)),
        InfimalConvolution(Weighted(L1Lq(2.0, np.inf), np.linspace(2.0, 0.5, 300)), L1(1.0)),
    ],
    ids=lambda p: type(p).__name__,
)
def test_working_sets_and_splitting_reach_the_optimum_of_all_features(penalty, rng):
    problem = many_features(penalty, Squared(), rng)
    expected = FISTA().solve(problem, tol=1e-9, max_iter=100_000).certificate.objective
    for solver in (WorkingSet(least=3), Splitting()):
        found = solver.solve(problem, tol=1e-9, max_iter=100_000)
        assert found.converged
        assert_allclose(found.certificate.objective, expected, atol=2e-9 * problem.null_objective)


def test_what_leaves_something_free_uses_all_rows():
    assert not is_row_separable(make_problem(GraphFused(fused_ratio=1.0)))
    assert is_row_separable(make_problem(GraphFused()))


def test_alpha_max_of_total_variation_alone_pools():
    problem = make_problem(GraphFused(fused_ratio=1.0), shape=WIDE)
    top = alpha_max(problem)
    for factor, pooled in ((1.0001, True), (0.99, False)):
        A = (
            FISTA()
            .solve(problem.with_penalty(GraphFused(alpha=top * factor, fused_ratio=1.0)), tol=1e-12, max_iter=100_000)
            .A
        )
        assert (np.abs(np.diff(A, axis=1)).max() <= 1e-9) == pooled


# Estimators -----------------------------------------------------------------------------------------------------------


def test_graphs_and_trees_of_named_tasks(stacked):
    X, y, tasks = stacked
    names = ["north", "west", "south", "east"]
    frame = pd.DataFrame(chain_graph(4), index=names, columns=names)
    named = FusedRegressor(frame, 0.1, tol=1e-10).fit(X, y, tasks=tasks)
    order = [names.index(task) for task in named.tasks_]
    plain = FusedRegressor(chain_graph(4)[np.ix_(order, order)], 0.1, tol=1e-10).fit(X, y, tasks=tasks)
    assert_array_equal(named.coef_, plain.coef_)
    with pytest.raises(ValueError, match=r"graph has no column for task\(s\) .*'west'"):
        FusedRegressor(frame.drop("west", axis=1)).fit(X, y, tasks=tasks)
    tree = [(["north", "west"], 1.0), (["south"], 1.0), (["east"], 1.0)]
    groups = [([np.flatnonzero(named.tasks_ == task)[0] for task in labels], w) for labels, w in tree]
    first = TreeGuidedRegressor(tree, 0.1).fit(X, y, tasks=tasks)
    assert_array_equal(first.coef_, TreeGuidedRegressor(groups, 0.1).fit(X, y, tasks=tasks).coef_)
    with pytest.raises(ValueError, match="linkage"):
        TreeGuidedRegressor().fit(X, y, tasks=tasks)


def test_fused_classifier_of_few_classes(rng):
    X = rng.standard_normal((60, 3))
    model = FusedClassifier(alpha=0.001).fit(X, np.digitize(X[:, 0], [-0.5, 0.5]))
    assert model.dual_gap_ <= 1e-6 * model.null_objective_
