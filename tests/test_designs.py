"""Contracts of every design."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from problems import DESIGNS

from mtlinear.designs import SharedDesign, StackedDesign
from mtlinear.designs._matrix import largest_eigenvalue, to_dense

MANY = settings(deadline=None, max_examples=20, derandomize=True)
LAYOUTS = pytest.mark.parametrize("layout", DESIGNS)
SIZES = {"n": st.integers(6, 15), "d": st.integers(1, 7), "T": st.integers(1, 5), "seed": st.integers(0, 1000)}


def draw(layout, n, d, T, seed):
    rng = np.random.default_rng(seed)
    return DESIGNS[layout](n, d, T, rng), rng


def gram_of(design, t):
    matrices, scale = design.gram()
    return scale[t] * matrices[t if len(matrices) > 1 else 0]


@LAYOUTS
@MANY
@given(**SIZES)
def test_adjoints(layout, n, d, T, seed):
    design, rng = draw(layout, n, d, T, seed)
    A, D, b = rng.standard_normal((d, T)), rng.standard_normal(design.weights.shape), rng.standard_normal(T)
    assert design.apply(A).shape == design.weights.shape
    assert design.adjoint(D).shape == (d, T)
    assert_allclose(np.sum(design.apply(A) * D), np.sum(A * design.adjoint(D)), rtol=1e-11, atol=1e-11)
    spread = np.broadcast_to(design.spread(b), D.shape)
    assert design.task_sums(D).shape == (T,)
    assert_allclose(np.sum(spread * D), b @ design.task_sums(D), rtol=1e-11, atol=1e-11)


@LAYOUTS
@MANY
@given(**SIZES)
def test_everything_agrees_with_the_rows_of_the_tasks(layout, n, d, T, seed):
    design, rng = draw(layout, n, d, T, seed)
    A, D = rng.standard_normal((d, T)), rng.standard_normal(design.weights.shape)
    scores, adjoint = design.apply(A), design.adjoint(D)
    norms = []
    for t in range(T):
        X, own = design.task_rows(t, D)
        _, weights = design.task_rows(t, design.weights)
        assert_allclose(design.task_rows(t, scores)[1], X @ A[:, t], atol=1e-12)
        assert_allclose(adjoint[:, t], X.T @ own, atol=1e-11)
        assert_allclose(design.task_sums(D)[t], own.sum(), atol=1e-12)
        assert_allclose(design.task_gram(t, D), X.T @ np.diag(own) @ X, atol=1e-11)
        explicit = X.T @ np.diag(weights) @ X
        assert_allclose(gram_of(design, t), explicit, atol=1e-12)
        norms.append(np.linalg.eigvalsh(explicit)[-1])
    assert max(norms) * (1 - 1e-12) <= design.norm_bound() <= 1.02 * max(norms)
    rows = rng.choice(d, size=rng.integers(1, d + 1), replace=False)
    matrices, scale = design.gram(rows)
    assert_allclose(scale[-1] * matrices[-1], gram_of(design, T - 1)[np.ix_(rows, rows)], atol=1e-12)


@LAYOUTS
@pytest.mark.parametrize(("n", "d"), [(410, 405)])
def test_norm_bound_of_large_tasks_is_safe_and_tight(layout, n, d):
    design, _ = draw(layout, n, d, 2, 0)
    largest = max(np.linalg.eigvalsh(gram_of(design, t))[-1] for t in range(2))
    assert largest <= design.norm_bound() <= 1.02 * largest


@pytest.mark.parametrize("shape", [(450, 405), (405, 450), (3, 800), (800, 3)])
@pytest.mark.parametrize("spectrum", ["flat", "decaying", "tie"])
def test_largest_eigenvalue(shape, spectrum):
    rng = np.random.default_rng(1)
    R = rng.standard_normal(shape)
    if spectrum != "flat":
        U, s, Wt = np.linalg.svd(R, full_matrices=False)
        s = np.geomspace(1.0, 1e-8, s.size) if spectrum == "decaying" else np.where(np.arange(s.size) < 2, 5.0, 1.0)
        R = (U * s) @ Wt
    exact = np.linalg.norm(R, 2) ** 2
    assert exact * (1 - 1e-12) <= largest_eigenvalue(R, np.ones(len(R)), None) <= 1.02 * exact


def test_largest_eigenvalue_of_nothing_is_zero():
    assert largest_eigenvalue(np.zeros((0, 3)), np.ones(0), None) == 0.0
    assert largest_eigenvalue(np.zeros((4, 3)), np.ones(4), None) == 0.0


def test_largest_eigenvalue_of_zeros_is_zero_also_when_large():
    assert largest_eigenvalue(np.zeros((450, 450)), np.ones(450), None) == 0.0


def test_rows_that_are_nearly_centred_are_looked_at_once_for_means_and_adjoint(rng):
    D = rng.standard_normal((30, 3))
    near = SharedDesign(rng.standard_normal((30, 4)) + 1.0, 3)
    far = SharedDesign(rng.standard_normal((30, 4)) + 100.0, 3)
    assert near.centered_with(D)[1] is not None
    assert far.centered_with(D)[1] is None
    for huge in (1e154, 1e200, 1e300):  # the sum of their squares overflows, or the squares do
        near.X[:, 0] = huge
        assert near.centered_with(D)[1] is None
        assert_array_equal(near.centered().X[:, 0], 0.0)


@LAYOUTS
@MANY
@given(**SIZES)
def test_coupled_gram_is_the_weighted_sum_over_tasks(layout, n, d, T, seed):
    design, rng = draw(layout, n, d, T, seed)
    D, c = rng.standard_normal(design.weights.shape), rng.standard_normal(T)
    for each in (design, design.centered()):
        expected = sum(c[t] * each.task_gram(t, D) for t in range(T))
        assert_allclose(each.coupled_gram(D, c), expected, atol=1e-10)


@LAYOUTS
@MANY
@given(**SIZES)
def test_centred_design_has_mean_zero_and_remembers_what_it_took(layout, n, d, T, seed):
    design, rng = draw(layout, n, d, T, seed)
    X_before = to_dense(design.X).copy()
    centred = design.centered()
    assert_array_equal(to_dense(design.X), X_before)
    assert_allclose(centred.adjoint(centred.weights), 0.0, atol=1e-12)
    assert_array_equal(centred.weights, design.weights)
    A = rng.standard_normal((d, T))
    lost = np.sum(centred.center * A, axis=0)
    assert_allclose(centred.apply(A) + centred.spread(lost), design.apply(A), atol=1e-11)
    assert centred.norm_bound() <= design.norm_bound() * (1 + 1e-9)
    # What has no sum over any task needs no centring, and may be had with the means.
    D = rng.standard_normal(design.weights.shape)
    counts = np.maximum(design.task_sums(np.ones_like(D)), 1.0)
    D -= design.spread(design.task_sums(D) / counts)
    assert_allclose(centred.adjoint(D, balanced=True), centred.adjoint(D), atol=1e-12)
    together, adjoint = design.centered_with(D)
    assert_allclose(together.center, centred.center, atol=1e-13)
    if adjoint is not None:
        assert_allclose(adjoint, centred.adjoint(D), atol=1e-12)
    # Centring twice, or values in the caller's order, change nothing.
    assert_allclose(centred.centered().center, centred.center, atol=1e-12)
    values = rng.standard_normal(design.weights.shape)
    assert_array_equal(centred.arrange(values), design.arrange(values))


@LAYOUTS
@MANY
@given(**SIZES)
def test_restrict_keeps_the_features_asked_for(layout, n, d, T, seed):
    design, rng = draw(layout, n, d, T, seed)
    design = design.centered()
    rows = rng.permutation(d)[: rng.integers(1, d + 1)]
    small = design.restrict(rows)
    A = np.zeros((d, T))
    A[rows] = rng.standard_normal((len(rows), T))
    assert (small.n_features, small.n_tasks) == (len(rows), T)
    assert_allclose(small.apply(A[rows]), design.apply(A), atol=1e-12)
    assert_array_equal(small.weights, design.weights)
    assert_allclose(np.sum(small.center * A[rows], axis=0), np.sum(design.center * A, axis=0), atol=1e-12)
    values = rng.standard_normal(design.weights.shape)
    assert_array_equal(small.arrange(values), design.arrange(values))


@MANY
@given(**SIZES)
def test_take_of_a_stacked_design_is_the_design_of_these_rows(n, d, T, seed):
    rng = np.random.default_rng(seed)
    X, codes = rng.standard_normal((n * T, d)), rng.integers(0, T, n * T)
    weight, task_weight = rng.uniform(0.5, 2, n * T), rng.uniform(0.5, 2, T)
    samples = rng.permutation(n * T)[: rng.integers(1, n * T + 1)]
    taken = StackedDesign(X, codes, T, weight, task_weight).take(samples)
    direct = StackedDesign(X[samples], codes[samples], T, weight[samples], task_weight)
    A = rng.standard_normal((d, T))
    assert_allclose(taken.apply(A), direct.apply(A), atol=1e-12)
    assert_allclose(taken.weights, direct.weights, rtol=1e-12)
    # In the numbering of the fold: the order of `samples`.
    assert_array_equal(taken.arrange(np.arange(len(samples))), direct.arrange(np.arange(len(samples))))
    assert_allclose(taken.arrange(np.sum(X[samples] * A.T[codes[samples]], axis=1)), taken.apply(A), atol=1e-12)


@MANY
@given(**SIZES)
def test_take_of_a_shared_design_is_the_design_of_these_rows(n, d, T, seed):
    rng = np.random.default_rng(seed)
    X, weight = rng.standard_normal((n, d)), rng.uniform(0.5, 2, n)
    samples = rng.permutation(n)[: rng.integers(1, n + 1)]
    taken = SharedDesign(X, T, weight).take(samples)
    direct = SharedDesign(X[samples], T, weight[samples])
    A = rng.standard_normal((d, T))
    assert_allclose(taken.apply(A), direct.apply(A), atol=1e-12)
    assert_allclose(taken.weights, direct.weights, rtol=1e-12)


@LAYOUTS
def test_take_of_a_fold_of_a_fold(layout):
    design, rng = draw(layout, 10, 3, 2, 0)
    n_rows = design.X.shape[0]
    first = rng.permutation(n_rows)[: n_rows - 3]
    second = rng.permutation(len(first))[: len(first) - 2]
    A = rng.standard_normal((3, 2))
    twice, once = design.take(first).take(second), design.take(first[second])
    assert_allclose(twice.apply(A), once.apply(A), atol=1e-12)
    assert_allclose(twice.weights, once.weights, rtol=1e-12)


@MANY
@given(**SIZES)
def test_weights_are_w_s_over_m(n, d, T, seed):
    rng = np.random.default_rng(seed)
    s, w = rng.uniform(0.5, 2, n), rng.uniform(0.5, 2, T)
    shared = SharedDesign(rng.standard_normal((n, d)), T, s, w)
    assert_allclose(shared.weights, np.outer(s, w) / s.sum(), rtol=1e-12)
    codes = rng.integers(0, T, n)
    stacked = StackedDesign(rng.standard_normal((n, d)), codes, T, s, w)
    assert_allclose(stacked.weights, stacked.arrange(w[codes] * s / (s.sum() / T)), rtol=1e-12)
    # Without weights: 1/n for a shared X; the weights of stacked rows sum to the number of tasks.
    assert_allclose(SharedDesign(np.ones((n, d)), T).weights, 1.0 / n)
    assert_allclose(StackedDesign(np.ones((n, d)), codes, T).weights.sum(), T)


@MANY
@given(**SIZES)
def test_stacked_equals_shared_when_all_tasks_have_the_same_rows(n, d, T, seed):
    rng = np.random.default_rng(seed)
    X, s, w = rng.standard_normal((n, d)), rng.uniform(0.5, 2, n), rng.uniform(0.5, 2, T)
    shared = SharedDesign(X, T, s, w).centered()
    stacked = StackedDesign(np.tile(X, (T, 1)), np.repeat(np.arange(T), n), T, np.tile(s, T), w).centered()
    A = rng.standard_normal((d, T))
    assert_allclose(stacked.apply(A).reshape(T, n).T, shared.apply(A), atol=1e-12)
    assert_allclose(stacked.weights.reshape(T, n).T, shared.weights, rtol=1e-12)
    D = rng.standard_normal((n, T))
    assert_allclose(stacked.adjoint(D.T.ravel()), shared.adjoint(D), atol=1e-12)
    assert_allclose(stacked.task_sums(D.T.ravel()), shared.task_sums(D), atol=1e-12)
    assert_allclose(stacked.norm_bound(), shared.norm_bound(), rtol=1e-9)
    for t in range(T):
        assert_allclose(gram_of(stacked, t), gram_of(shared, t), atol=1e-12)


def test_a_task_without_rows_contributes_nothing():
    design = StackedDesign(np.eye(3), np.array([0, 2, 2]), 3).centered()
    assert_array_equal(design.adjoint(np.ones(3))[:, 1], 0.0)
    assert_array_equal(design.task_sums(np.ones(3)), [1.0, 0.0, 2.0])
    assert np.isfinite(design.norm_bound())


def test_arrange_sorts_by_task_and_keeps_the_order_within():
    design = StackedDesign(np.zeros((5, 1)), np.array([2, 0, 2, 1, 0]), 3)
    assert_array_equal(design.arrange(np.arange(5)), [1, 4, 3, 0, 2])
