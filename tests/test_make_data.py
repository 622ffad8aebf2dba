"""Generated data: the truth has the structure that it claims, and the rows follow it."""

from __future__ import annotations

import inspect
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from mtlinear import TreeGuidedRegressor, datasets
from mtlinear.penalties import GraphFused, GraphLaplacian, TreeGuided

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


def test_neighbouring_features_have_the_correlation():
    X, _ = datasets.make_low_rank(20_000, 5, 2, rank=1, correlation=-0.6, random_state=0)
    j = np.arange(5)
    assert_allclose(np.corrcoef(X.T), (-0.6) ** np.abs(j[:, None] - j), atol=0.03)
    assert_allclose(X.var(axis=0), 1.0, atol=0.04)


def test_noise_has_its_size():
    X, Y, truth = datasets.make_low_rank(20_000, noise=2.5, return_parameters=True, random_state=0)
    assert_allclose(np.std(Y - X @ truth.values), 2.5, rtol=0.01)


def test_labels_follow_the_probabilities():
    """Among rows with nearly the same score, the share of ones is the logistic function of it."""
    X, Y, truth = datasets.make_low_rank(40_000, noise=0.0, classification=True, return_parameters=True, random_state=0)
    scores = X @ truth.values
    assert set(np.unique(Y)) == {0, 1}
    for score in (-2.0, 0.0, 1.5):
        near = np.abs(scores - score) < 0.1
        assert_allclose(Y[near].mean(), 1.0 / (1.0 + np.exp(-score)), atol=4 * 0.5 / np.sqrt(near.sum()))


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
@given(seed=SEEDS, n_outliers=st.integers(0, 10), rank=st.integers(1, 3))
def test_outliers(seed, n_outliers, rank):
    truth = truth_of("make_outlier_tasks", n_outliers=n_outliers, rank=rank, random_state=seed)
    assert truth.rank(part="L") == rank
    assert len(truth.outlier_tasks()) == n_outliers


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
    ("make_graph_related", {"graph": np.eye(10)}, ValueError, "graph must be a symmetric matrix"),
    ("make_graph_related", {"n_jumps": 10}, ValueError, "n_jumps must be less than n_tasks=10"),
    ("make_graph_related", {"n_jumps": 1, "graph": np.ones((10, 10))}, ValueError, "graph"),
    ("make_outlier_tasks", {"n_outliers": 11}, ValueError, "n_outliers must be at most n_tasks=10"),
    ("make_outlier_tasks", {"unknown": 11}, TypeError, "unknown"),
]


@pytest.mark.parametrize(("name", "options", "error", "message"), BAD, ids=lambda value: "")
def test_bad_input_is_named(name, options, error, message):
    with pytest.raises(error, match=message):
        getattr(datasets, name)(**options)
