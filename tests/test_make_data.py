"""Generated data: the truth has the structure that it claims, and the rows follow it."""

from __future__ import annotations

import inspect
import warnings
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from scipy.special import expit

from mtlinear import TreeGuidedRegressor, datasets
from mtlinear.penalties import GraphFused, GraphLaplacian, TreeGuided, chain_graph

GENERATORS = [name for name in datasets.__all__ if name.startswith("make_")]
#: What a generator returns between the data and the parameters.
MORE = {"make_tree": 1, "make_graph_related": 1}
EVERY = pytest.mark.parametrize("name", GENERATORS)
FEW = settings(deadline=None, max_examples=25, derandomize=True)
SEEDS = st.integers(0, 10_000)


def truth_of(name, **options):
    return getattr(datasets, name)(return_parameters=True, **options)[-1]


# What all have in common --------------------------------------------------------------------------------------------


@EVERY
def test_without_noise_the_targets_are_the_truth(name):
    X, Y, *_, truth = getattr(datasets, name)(noise=0.0, return_parameters=True, random_state=0)
    assert X.shape == (50, 30)
    assert_allclose(Y, X @ truth.values, atol=1e-12)
    assert_allclose(sum(truth.parts.values()), truth.values)


@EVERY
def test_rows_of_their_own_and_sizes(name):
    sizes = np.arange(3, 13)
    X, y, tasks, *more, truth = getattr(datasets, name)(
        sizes, noise=0.0, shared_rows=False, return_parameters=True, random_state=0
    )
    assert_array_equal(np.bincount(tasks), sizes)
    assert len(more) == MORE.get(name, 0)
    assert_allclose(y, np.sum(X * truth.values.T[tasks], axis=1), atol=1e-12)
    assert len(np.unique(X, axis=0)) == len(X)


@EVERY
def test_same_seed_same_bits(name):
    make = getattr(datasets, name)
    first, again, other = (make(random_state=seed) for seed in (3, 3, 4))
    assert len(first) == 2 + MORE.get(name, 0)
    assert_array_equal(first[0], again[0])
    assert_array_equal(first[1], again[1])
    assert not np.array_equal(first[1], other[1])


@EVERY
def test_the_signature_has_all_parameters_and_the_docstring_explains_them(name):
    make = getattr(datasets, name)
    for parameter in inspect.signature(make).parameters:
        assert f"    {parameter} : " in make.__doc__, parameter
    assert "%(" not in make.__doc__


@pytest.mark.parametrize("shared_rows", [True, False])
@pytest.mark.parametrize("rho", [0.0, 0.8, -0.5])
def test_features_are_an_autoregression(rho, shared_rows):
    n, d = (20_000, 6) if shared_rows else (5_000, 6)
    X = datasets.make_low_rank(
        n_samples=n, n_features=d, n_tasks=4, correlation=rho, shared_rows=shared_rows, random_state=0
    )[0]
    assert len(X) == 20_000
    lag = np.abs(np.subtract.outer(np.arange(d), np.arange(d)))
    expected = np.where(lag == 0, 1.0, np.power(rho, lag, dtype=float))
    # The standard error of an entry of the second moment matrix of normal numbers is sqrt((1 + r^2) / n).
    error = np.abs(X.T @ X / len(X) - expected) / np.sqrt((1 + expected**2) / len(X))
    assert np.max(error) < 4.5
    assert np.max(np.abs(X.mean(axis=0))) < 4.5 / np.sqrt(len(X))
    # Rows are independent of each other.
    assert np.max(np.abs(np.mean(X[1:] * X[:-1], axis=0))) < 4.5 / np.sqrt(len(X))


@EVERY
def test_noise_has_its_standard_deviation_and_is_independent_of_task_and_row(name):
    options = {"n_samples": 4000, "n_features": 30, "n_tasks": 6, "return_parameters": True, "random_state": 0}
    X, Y, *_, truth = getattr(datasets, name)(noise=0.7, **options)
    residual = Y - X @ truth.values
    assert_allclose(residual.std(axis=0), 0.7, rtol=5 / np.sqrt(2 * 4000))
    correlations = np.corrcoef(residual.T)[np.triu_indices(6, 1)]
    assert np.max(np.abs(correlations)) < 5 / np.sqrt(4000)
    assert np.max(np.abs(X.T @ residual / 4000)) < 5 * 0.7 / np.sqrt(4000)


@EVERY
@pytest.mark.parametrize("shared_rows", [True, False])
@pytest.mark.parametrize("noise", [0.0, None])
def test_labels_follow_the_logistic_model_of_the_truth(name, shared_rows, noise):
    """In every bin of the true probabilities, the number of ones is within sampling error of their sum."""
    options = {} if noise is None else {"noise": noise}
    X, y, *more, truth = getattr(datasets, name)(
        n_samples=6000,
        n_features=24,
        n_tasks=4,
        shared_rows=shared_rows,
        classification=True,
        return_parameters=True,
        random_state=1,
        **options,
    )
    assert y.dtype.kind == "i"
    assert set(np.unique(y)) == {0, 1}
    scores = X @ truth.values if shared_rows else np.sum(X * truth.values.T[more[0]], axis=1)
    probabilities = expit(scores)
    bins = np.digitize(probabilities, np.linspace(0.1, 0.9, 9))
    for k in range(10):
        p, ones = probabilities[bins == k], y[bins == k]
        assert abs(ones.sum() - p.sum()) < 4.5 * np.sqrt(np.sum(p * (1 - p)))


@EVERY
def test_noise_blurs_labels_only_if_it_is_given(name):
    make = getattr(datasets, name)
    labels = [make(2000, classification=True, random_state=0, **options)[1] for options in ({}, {"noise": 0.0})]
    assert_array_equal(*labels)
    assert not np.array_equal(labels[0], make(2000, classification=True, noise=3.0, random_state=0)[1])
    assert_array_equal(make(noise=1.0, random_state=0)[1], make(random_state=0)[1])


# Structures ---------------------------------------------------------------------------------------------------------


@FEW
@given(seed=SEEDS, n_informative=st.integers(1, 12))
def test_shared_support(seed, n_informative):
    A = truth_of("make_shared_support", n_features=12, n_informative=n_informative, random_state=seed).values
    used = np.any(A != 0, axis=1)
    assert used.sum() == n_informative
    assert np.all(A[used] != 0)


@FEW
@given(seed=SEEDS, n_informative=st.integers(1, 8), overlap=st.floats(0.0, 1.0))
def test_overlap_of_the_dirty_model(seed, n_informative, overlap):
    truth = truth_of(
        "make_dirty", n_features=60, n_tasks=5, n_informative=n_informative, overlap=overlap, random_state=seed
    )
    support = truth.support()
    assert_array_equal(support.sum(axis=0), n_informative)
    common = support.all(axis=1)
    assert abs(common.sum() - overlap * n_informative) <= 0.5
    assert_array_equal(truth.support("B").any(axis=1), common)
    assert np.all(support[~common].sum(axis=1) <= 1)  # there are enough features to have them apart
    assert not np.any(truth.support("B") & truth.support("S"))


def test_private_features_are_shared_evenly_where_there_are_too_few():
    support = truth_of("make_dirty", n_features=10, n_tasks=8, n_informative=3, overlap=0.0, random_state=0).support()
    assert_array_equal(support.sum(axis=0), 3)
    assert np.ptp(support.sum(axis=1)) <= 1


@FEW
@given(seed=SEEDS, rank=st.integers(1, 8))
def test_low_rank(seed, rank):
    truth = truth_of("make_low_rank", n_tasks=8, rank=rank, random_state=seed)
    assert truth.rank() == rank


@FEW
@given(seed=SEEDS, k=st.integers(1, 10), within=st.sampled_from([0.0, 1e-3]))
def test_clusters(seed, k, within):
    truth = truth_of("make_clustered", n_clusters=k, within=within, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # k-means on equal points
        labels = truth.task_clusters()
    sizes = np.bincount(labels)
    assert len(sizes) == k
    assert np.ptp(sizes) <= 1
    for label in range(k):
        own = truth.values[:, labels == label]
        assert np.abs(own - own[:, :1]).max() <= 10 * within


def test_the_spread_within_clusters():
    d = 20_000
    truth = truth_of("make_clustered", n_samples=2, n_features=d, n_tasks=6, n_clusters=2, within=0.2, random_state=0)
    labels = truth.task_clusters()
    for s, t in combinations(range(6), 2):
        # The difference of two tasks: variance 2 * within^2, and 2 more from the centres of different clusters.
        variance = 2 * 0.2**2 + 2.0 * (labels[s] != labels[t])
        assert_allclose(np.mean((truth.values[:, s] - truth.values[:, t]) ** 2), variance, rtol=5 * np.sqrt(2 / d))


@FEW
@given(seed=SEEDS, spread=st.sampled_from([0.0, 0.1, 2.0]))
def test_distance_from_the_mean(seed, spread):
    truth = truth_of("make_mean_related", n_features=200, n_tasks=50, spread=spread, random_state=seed)
    assert_allclose(np.sqrt(np.mean(truth.deviations**2)), spread * np.sqrt(0.98), rtol=0.05, atol=1e-12)


@FEW
@given(seed=SEEDS, T=st.integers(1, 9))
def test_tree_is_nested_and_features_follow_it(seed, T):
    *_, tree, truth = datasets.make_tree(n_tasks=T, n_informative=1, return_parameters=True, random_state=seed)
    groups = [set(tasks) for tasks, _ in tree]
    assert all(a <= b or b <= a or not a & b for a in groups for b in groups)
    assert set(range(T)) in groups
    TreeGuided(tree).check(30, T)
    for row in truth.support():
        used = set(np.flatnonzero(row))
        inside = [group for group in groups if group <= used and len(group) > 1]
        assert used == set().union(*inside)


def test_tree_relatives_share_more():
    """The closer two tasks are in the tree, the more features they share."""
    shared = np.zeros((8, 8))
    for seed in range(20):
        *_, tree, truth = datasets.make_tree(n_features=200, n_tasks=8, return_parameters=True, random_state=seed)
        used = (truth.values != 0).astype(float)
        shared += used.T @ used
    groups = [set(tasks) for tasks, _ in tree]
    closeness = np.array([[sum({s, t} <= group for group in groups) for t in range(8)] for s in range(8)])
    means = [shared[(closeness == k) & ~np.eye(8, dtype=bool)].mean() for k in (1, 2, 3)]
    assert means[0] < means[1] < means[2]


def test_tree_fits():
    X, Y, tree = datasets.make_tree(random_state=0)
    assert TreeGuidedRegressor(tree, 0.1).fit(X, Y).parameters_.values.shape == (30, 10)


def test_smooth_over_a_graph():
    """Rows have the covariance of the field, whose differences along edges are smaller than any others."""
    graph = np.zeros((6, 6))
    graph[0, 1] = graph[1, 0] = graph[3, 4] = graph[4, 3] = 20.0
    *_, returned, truth = datasets.make_graph_related(
        10, 20_000, 6, graph=graph, n_informative=20_000, return_parameters=True, random_state=0
    )
    assert_array_equal(returned, graph)
    precision = np.diag(graph.sum(axis=1)) - graph + 0.1 * np.eye(6)
    covariance = np.linalg.inv(precision)
    assert_allclose(truth.values.T @ truth.values / 20_000, covariance * 6 / np.trace(covariance), atol=0.05)
    GraphLaplacian(returned).check(30, 6)


def test_signed_graphs_and_graphs_of_any_form():
    """Tasks that a negative weight joins are opposites; what the penalties take, the generator takes."""
    graph = np.array([[0.0, -5.0, 0.0], [-5.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    options = {"n_features": 20_000, "n_tasks": 3, "n_informative": 20_000, "random_state": 0}
    A = truth_of("make_graph_related", graph=graph, **options).values
    # The precision is that of a1 + a2 being small: [[5.1, 5], [5, 5.1]], so that the correlation is -5 / 5.1.
    assert_allclose(np.corrcoef(A.T), [[1, -5 / 5.1, 0], [-5 / 5.1, 1, 0], [0, 0, 1]], atol=5 / np.sqrt(20_000))
    chain = datasets.make_graph_related(random_state=0)
    for same in (chain_graph, csr_array(chain_graph(10)), chain_graph(10).tolist()):
        for one, other in zip(datasets.make_graph_related(graph=same, random_state=0), chain, strict=True):
            assert_array_equal(one, other)


@FEW
@given(seed=SEEDS, n_jumps=st.integers(0, 6))
def test_jumps_along_a_chain(seed, n_jumps):
    *_, graph, truth = datasets.make_graph_related(
        n_tasks=7, n_informative=4, n_jumps=n_jumps, return_parameters=True, random_state=seed
    )
    jumps = np.count_nonzero(np.diff(truth.values), axis=1)
    used = truth.support().any(axis=1)
    assert_array_equal(jumps[used], n_jumps)
    assert used.sum() == 4
    GraphFused(graph).check(30, 7)


@FEW
@given(rank=st.integers(1, 3), n_outliers=st.integers(0, 3), seed=SEEDS)
def test_outlier_tasks(rank, n_outliers, seed):
    truth = truth_of(
        "make_outlier_tasks", n_features=12, n_tasks=8, rank=rank, n_outliers=n_outliers, random_state=seed
    )
    assert list(truth.parts) == ["L", "S"]
    L, S = truth.parts["L"], truth.parts["S"]
    outliers = S.any(axis=0)
    assert outliers.sum() == n_outliers
    assert_array_equal(np.flatnonzero(outliers), truth.outlier_tasks())
    assert np.all(S[:, outliers] != 0)
    tolerance = 1e-10 * np.linalg.norm(truth.values)
    # The other tasks span the subspace, and no outlier lies in it.
    inliers = truth.values[:, ~outliers]
    assert np.linalg.matrix_rank(inliers, tol=tolerance) == rank
    assert np.linalg.matrix_rank(L, tol=tolerance) == rank
    assert np.linalg.matrix_rank(truth.values, tol=tolerance) == rank + n_outliers


def test_strength_of_outliers():
    S = truth_of("make_outlier_tasks", n_features=20_000, n_tasks=4, n_outliers=2, strength=3.0, random_state=0).parts[
        "S"
    ]
    assert_allclose(np.std(S[:, S.any(axis=0)], axis=0), 3.0, rtol=5 / np.sqrt(2 * 20_000))


# Bad input ----------------------------------------------------------------------------------------------------------

BAD = [
    ("make_low_rank", {"n_samples": 0}, ValueError, "n_samples must be a whole number >= 1"),
    ("make_low_rank", {"n_samples": 2.5}, TypeError, "n_samples must be a whole number >= 1, or one for each task"),
    ("make_low_rank", {"n_samples": [5] * 10}, ValueError, "with shared_rows=True"),
    ("make_low_rank", {"n_samples": [5, 6], "shared_rows": False}, ValueError, "for each of the 10 tasks, got 2"),
    ("make_low_rank", {"n_features": 0}, ValueError, "n_features"),
    ("make_low_rank", {"noise": -1.0}, ValueError, "noise"),
    ("make_low_rank", {"correlation": 1.0}, ValueError, "correlation"),
    ("make_low_rank", {"classification": 1}, TypeError, "classification"),
    ("make_low_rank", {"rank": 11}, ValueError, "rank must be at most 10, got 11"),
    ("make_low_rank", {"random_state": "x"}, ValueError, "seed"),
    ("make_shared_support", {"n_informative": 31}, ValueError, "n_informative must be at most n_features=30"),
    ("make_dirty", {"overlap": 1.2}, ValueError, "overlap"),
    ("make_clustered", {"n_clusters": 11}, ValueError, "n_clusters must be at most n_tasks=10"),
    ("make_graph_related", {"graph": np.eye(10)}, ValueError, "graph must be 0 on its diagonal"),
    ("make_graph_related", {"graph": np.eye(10, k=1)}, ValueError, "graph must be symmetric"),
    ("make_graph_related", {"graph": np.zeros((2, 2))}, ValueError, "graph must have a row and a column for each of"),
    ("make_graph_related", {"n_tasks": 2, "graph": [[0, np.inf], [np.inf, 0]]}, ValueError, "finite weights"),
    ("make_graph_related", {"n_tasks": 2, "graph": [[0, np.nan], [np.nan, 0]]}, ValueError, "finite weights"),
    ("make_graph_related", {"graph": "chain"}, TypeError, "graph must be a matrix of numbers"),
    ("make_low_rank", {"n_samples": True}, TypeError, "n_samples"),
    ("make_low_rank", {"n_samples": None}, TypeError, "n_samples"),
    ("make_low_rank", {"n_samples": [5] * 9 + [0], "shared_rows": False}, ValueError, "n_samples"),
    ("make_low_rank", {"noise": np.nan}, ValueError, "noise"),
    ("make_low_rank", {"noise": "loud"}, TypeError, "noise"),
    ("make_clustered", {"within": -1.0}, ValueError, "within"),
    ("make_mean_related", {"spread": -1.0}, ValueError, "spread"),
    ("make_tree", {"n_informative": 31}, ValueError, "n_informative"),
    ("make_outlier_tasks", {"strength": 0.0}, ValueError, "strength"),
    ("make_graph_related", {"n_jumps": 10}, ValueError, "n_jumps must be less than n_tasks=10"),
    ("make_graph_related", {"n_jumps": 1, "graph": np.ones((10, 10))}, ValueError, "graph"),
    ("make_outlier_tasks", {"n_outliers": 11}, ValueError, "n_outliers must be at most n_tasks=10"),
    ("make_outlier_tasks", {"unknown": 11}, TypeError, "unknown"),
]


@pytest.mark.parametrize(("name", "options", "error", "message"), BAD, ids=lambda value: "")
def test_bad_input_is_named(name, options, error, message):
    with pytest.raises(error, match=message):
        getattr(datasets, name)(**options)
