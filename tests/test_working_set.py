"""Working sets reach the optimum of the whole problem while looking at few features; Gram entries are computed once."""

from __future__ import annotations

import numpy as np
import pytest
from catalogue import LOSSES, mixed
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from problems import DESIGNS, TALL, WIDE, make_problem

from mtlinear import BlockSparseRegressor
from mtlinear.certificate import lower_bound
from mtlinear.datafit import GramFit
from mtlinear.designs import SharedDesign
from mtlinear.losses import Logistic, Poisson, Squared
from mtlinear.path import alpha_max, sweep
from mtlinear.penalties import L1, Dirty, InfimalConvolution, L1Lq, MeanRegularized, TraceNorm
from mtlinear.problem import Problem
from mtlinear.solvers import FISTA, InTurn, Splitting, WorkingSet

TOL = 1e-9
GRADIENT_STEPS = InTurn(FISTA(), Splitting())  # on Gram matrices, where the default may take compiled code and rows
PENALTIES = [L1(1.0), L1Lq(1.0), L1Lq(1.0, np.inf), Dirty(1.0), InfimalConvolution(L1(1.0), L1Lq(2.0, 3))]


def many_features(penalty, loss, rng, *, n=40, d=300, T=3, fraction=0.1, l2_alpha=0.0):
    """Few of many correlated features matter; alpha is a fraction of alpha_max."""
    X = rng.standard_normal((n, d))
    X[:, 1:] += 0.7 * X[:, :-1]
    A = np.zeros((d, T))
    A[::60] = rng.standard_normal((len(A[::60]), T))
    Y = X @ A + 0.5 * rng.standard_normal((n, T))
    if loss.of_labels:
        Y = np.where(np.median(Y, axis=0) < Y, 1.0, -1.0)
    elif isinstance(loss, Poisson):
        Y = rng.poisson(np.exp(np.clip(0.3 * Y, -2.0, 2.0))).astype(float)
    whole = Problem(SharedDesign(X, T), Y, loss, penalty, l2_alpha=l2_alpha)
    factor = fraction * alpha_max(whole) / getattr(penalty, "alpha", 1.0)
    return whole.with_penalty(penalty.scaled(factor))


@mixed(penalty=PENALTIES, loss=LOSSES, l2_alpha=[0.0, 0.1])
def test_the_optimum_is_that_of_all_features(penalty, loss, l2_alpha, rng):
    problem = many_features(penalty, loss, rng, d=200, l2_alpha=l2_alpha)
    found = WorkingSet(least=3).solve(problem, tol=TOL, max_iter=100_000)
    expected = FISTA().solve(problem, tol=TOL, max_iter=100_000)
    assert found.converged
    assert_allclose(found.certificate.objective, expected.certificate.objective, atol=2 * TOL * problem.null_objective)
    # The certificate says what it claims: the objective of these parts, and the bound that its dual point proves.
    assert_allclose(problem.objective(problem.settle(found.parts)), found.certificate.objective, rtol=1e-12)
    assert_allclose(lower_bound(problem, found.certificate.dual), found.certificate.bound, rtol=1e-12)


def test_few_features_are_looked_at(rng, monkeypatch):
    """Sizes of the smaller problems, and one pass over all features for each."""
    problem = many_features(L1Lq(1.0), Squared(), rng, fraction=0.3)
    sizes, passes = [], []
    restrict, adjoint = type(problem.data).restrict, SharedDesign.adjoint
    monkeypatch.setattr(type(problem.data), "restrict", lambda self, f: sizes.append(len(f)) or restrict(self, f))

    def counted(self, D, **how):
        passes.append(self.n_features)
        return adjoint(self, D, **how)

    monkeypatch.setattr(SharedDesign, "adjoint", counted)
    solution = WorkingSet(GRADIENT_STEPS, least=10).solve(problem, tol=TOL)
    assert max(sizes) < 100
    assert sizes[:-1] == sorted(sizes[:-1])  # the last, accurate solution needs fewer
    assert passes.count(problem.n_features) <= len(sizes) + 2  # the start, and X'y once
    assert len(solution.history) == len(sizes) + 1


def test_penalties_that_are_no_sums_over_rows_are_refused(rng):
    problem = many_features(TraceNorm(1.0), Squared(), rng)
    with pytest.raises(TypeError, match="not a sum over the rows"):
        WorkingSet().solve(problem)
    with pytest.raises(TypeError, match="inner must be a Solver"):
        WorkingSet(inner=3).solve(many_features(L1(1.0), Squared(), rng))
    with pytest.raises(TypeError, match="not a sum over the rows"):
        WorkingSet(inner=WorkingSet()).solve(many_features(TraceNorm(1.0), Squared(), rng))
    with pytest.raises(ValueError, match="least"):
        WorkingSet(least=0).solve(many_features(L1(1.0), Squared(), rng))


def test_max_iter_is_kept_and_the_gap_honest(rng):
    problem = many_features(L1Lq(1.0), Logistic(), rng, fraction=0.01)
    with pytest.warns(match="WorkingSet stopped after"):
        stopped = WorkingSet().solve(problem, tol=1e-12, max_iter=15)
    assert stopped.n_iter == 15
    best = FISTA().solve(problem, tol=1e-10, max_iter=100_000).certificate.objective
    assert stopped.certificate.gap >= stopped.certificate.objective - best - 1e-12


def test_rounding_of_gram_matrices_does_not_use_up_the_iterations():
    """At 1e-14 the gap on a Gram matrix is rounding; on the rows it is there after some thousand iterations."""
    rng = np.random.default_rng([30, 150])
    X = rng.standard_normal((30, 150)) + rng.standard_normal(150)
    X[rng.random(X.shape) < 0.3] = 0.0
    A = np.zeros((150, 4))
    A[:4] = rng.standard_normal((4, 4)) + 1.0
    Y = X @ A + 0.5 * rng.standard_normal((30, 4)) + np.arange(4)
    problem = Problem(SharedDesign(X, 4), Y, Squared(), L1Lq(0.1), fit_intercept=False)
    solution = WorkingSet().solve(problem, tol=1e-14, max_iter=200_000)
    assert solution.converged
    assert solution.n_iter < 20_000


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 10_000), st.sampled_from(["shared-weighted", "stacked", "shared-sparse-missing", "stacked-sparse"])
)
def test_gram_blocks_are_blocks_of_the_gram_matrix(seed, layout):
    """Whatever is asked for, in whatever order."""
    data = make_problem(L1(0.1), design=layout, shape=WIDE, seed=seed).data
    matrices, _ = data.design.gram()
    rng = np.random.default_rng(seed)
    for _ in range(4):
        features = rng.choice(WIDE.d, rng.integers(1, WIDE.d + 1), replace=False)
        block = data.gram_blocks.of(features)
        assert_allclose(block, matrices[:, features[:, None], features[None, :]], atol=1e-12)


def test_gram_entries_are_computed_once(rng, monkeypatch):
    problem = many_features(L1Lq(1.0), Squared(), rng)
    computed = []
    cross_gram = SharedDesign.cross_gram
    monkeypatch.setattr(
        SharedDesign, "cross_gram", lambda self, r, c: computed.append(len(r)) or cross_gram(self, r, c)
    )
    alphas = problem.penalty.alpha * np.array([5.0, 3.0, 2.0, 1.0])
    *_, (_, last) = sweep(problem, alphas, WorkingSet(GRADIENT_STEPS, least=10))
    asked = len(problem.data.gram_blocks._features)
    assert sum(computed) == asked
    assert np.any(last.A, axis=1).sum() < asked < problem.n_features


@pytest.mark.parametrize("layout", DESIGNS)
@pytest.mark.parametrize("loss", LOSSES, ids=repr)
@pytest.mark.parametrize("shape", [TALL, WIDE], ids=str)
def test_restricted_data_are_the_data_with_zeros_elsewhere(layout, loss, shape, rng):
    data = make_problem(L1(0.1), loss, design=layout, shape=shape).data
    features = np.array([0, 2, 3])
    small = data.restrict(features)
    A = np.zeros((shape.d, shape.T))
    A[features] = rng.standard_normal((3, shape.T))
    nothing = np.zeros((shape.T, 0))
    whole, part = data.settle(A, nothing, 0.0)[1], small.settle(A[features], nothing, 0.0)[1]
    assert_allclose(part.value, whole.value, rtol=1e-12)
    assert_allclose(part.gradient, whole.gradient[features], atol=1e-12)
    assert_allclose(small.null_value, data.null_value, rtol=1e-12)
    assert isinstance(small, GramFit) == loss.quadratic


def test_restricted_rows_forget_what_was_solved_for_all_features():
    """The kept solver of a null space belongs to the old design."""
    problem = make_problem(MeanRegularized(0.2), Logistic())
    problem.settle(np.zeros(problem.shape))
    features = np.array([0, 2])
    small = Problem.of(problem.data.restrict(features), problem.penalty)
    solution = FISTA().solve(small, tol=1e-8)
    assert solution.A.shape == (2, TALL.T)


def test_moments_can_be_restricted_too(rng):
    problem = many_features(L1Lq(1.0), Squared(), rng, n=600)
    moments = Problem.of(GramFit(problem.data.moments(), True), problem.penalty)
    found, expected = WorkingSet().solve(moments, tol=TOL), WorkingSet().solve(problem, tol=TOL)
    assert_allclose(found.A, expected.A, atol=1e-5)


def test_estimators_use_it(rng):
    X = rng.standard_normal((50, 400))
    Y = X[:, :2] @ rng.standard_normal((2, 3)) + 0.1 * rng.standard_normal((50, 3))
    chosen = BlockSparseRegressor(alpha=0.1, tol=1e-10).fit(X, Y)
    plain = BlockSparseRegressor(alpha=0.1, tol=1e-10, solver=FISTA()).fit(X, Y)
    assert_allclose(chosen.coef_, plain.coef_, atol=1e-6)
    assert_array_equal(np.any(chosen.coef_, axis=0), np.any(plain.coef_, axis=0))
