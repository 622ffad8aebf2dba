"""scikit-learn's coordinate descent inside our certificates: the same optimum, honest refusals, no mutation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from problems import WIDE, make_problem

from mtlinear.designs import SharedDesign
from mtlinear.losses import Logistic, Squared
from mtlinear.penalties import L1, L1Lq, TraceNorm
from mtlinear.problem import Problem
from mtlinear.solvers import FISTA, CoordinateDescent, WorkingSet

TOL = 1e-10


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(3, 40),
    d=st.integers(1, 60),
    T=st.integers(1, 5),
    penalty=st.sampled_from([L1(1.0), L1Lq(1.0, 1), L1Lq(1.0, 2)]),
    strength=st.sampled_from([0.02, 0.1, 0.5]),
    l2_alpha=st.sampled_from([0.0, 0.1]),
    offset=st.sampled_from([0.0, 3.0, 1e4]),
    weighted=st.booleans(),
    task_weight=st.sampled_from([None, 3.0]),
    fit_intercept=st.booleans(),
    seed=st.integers(0, 10_000),
)
def test_the_optimum_is_the_one_of_fista(
    n, d, T, penalty, strength, l2_alpha, offset, weighted, task_weight, fit_intercept, seed
):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d)) + offset * fit_intercept
    Y = X[:, :1] @ np.ones((1, T)) + rng.standard_normal((n, T))
    s = rng.uniform(0.2, 2.0, n) if weighted else None
    w = None if task_weight is None else np.full(T, task_weight)
    before = X.copy(), Y.copy()
    problem = Problem(
        SharedDesign(X, T, s, w), Y, Squared(), penalty.scaled(strength), fit_intercept=fit_intercept, l2_alpha=l2_alpha
    )
    found = CoordinateDescent().solve(problem, tol=TOL, max_iter=100_000)
    expected = FISTA().solve(problem, tol=TOL, max_iter=100_000)
    assert found.converged
    assert_allclose(found.certificate.objective, expected.certificate.objective, atol=2 * TOL * problem.null_objective)
    assert_array_equal(X, before[0])
    assert_array_equal(Y, before[1])


@pytest.mark.parametrize(
    ("problem", "reason"),
    [
        (lambda: make_problem(L1Lq(0.1), Logistic()), "not the squared loss"),
        (lambda: make_problem(L1Lq(0.1, np.inf)), "not L1 or L1/L2"),
        (lambda: make_problem(TraceNorm(0.1)), "not L1 or L1/L2"),
        (lambda: make_problem(L1Lq(0.1), design="stacked"), "do not share the same rows"),
        (lambda: make_problem(L1Lq(0.1), design="shared-missing"), "do not share the same rows"),
        (lambda: make_problem(L1Lq(0.1), design="shared-sparse"), "sparse or float32"),
        (lambda: make_problem(L1Lq(0.1), design="shared-weighted"), "different weights"),
        (lambda: Problem.of(make_problem(L1Lq(0.1)).data.compressed(), L1Lq(0.1)), "do not share the same rows"),
    ],
)
def test_what_it_cannot_solve_is_said(problem, reason):
    with pytest.raises(TypeError, match=reason):
        CoordinateDescent().solve(problem())


def test_it_starts_from_where_it_is_told(rng):
    problem = make_problem(L1Lq(0.02), shape=WIDE)
    first = CoordinateDescent().solve(problem, tol=TOL, max_iter=100_000)
    again = CoordinateDescent().solve(problem, first.parts, tol=1e-9)
    assert again.n_iter == 0


def test_working_sets_leave_it_where_it_creeps(rng):
    """Features that differ in the sixth digit of their products only: thousands of epochs, or a few factorizations."""
    X = rng.standard_normal((80, 120))
    X[:, 1:] = X[:, :1] + 1e-3 * X[:, 1:]
    Y = X[:, :2] @ np.array([[1e3, 2e3], [-1e3, -2e3]]) + rng.standard_normal((80, 2))
    problem = Problem(SharedDesign(X, 2), Y, Squared(), L1Lq(1e-3))
    alone = CoordinateDescent().solve(problem, tol=1e-8, max_iter=2_000, callback=lambda check: check.n_iter > 300)
    assert not alone.converged
    assert WorkingSet().solve(problem, tol=1e-8).converged


@pytest.mark.parametrize("penalty", [L1(0.1), L1Lq(0.1)], ids=repr)
@pytest.mark.parametrize("T", [1, 4])
def test_the_start_stays_as_it_is(penalty, T, rng):
    """The point that would be returned is certified as it was: compiled loops work in place."""
    X, A = rng.standard_normal((20, 8)), rng.standard_normal((8, T))
    problem = Problem(SharedDesign(X, T), X @ A, Squared(), penalty)
    before = A.copy()
    found, _ = CoordinateDescent().descend(problem, A, 1e-6, 50)
    assert_array_equal(A, before)
    assert not np.array_equal(found, before)
