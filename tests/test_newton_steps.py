"""Newton steps on the structure of a sparse penalty: tangents, kinks, active sets, and what creeps without them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from problems import Shape, make_problem
from sklearn.linear_model import Lasso

from mtlinear.designs import SharedDesign, StackedDesign
from mtlinear.losses import Squared
from mtlinear.path import alpha_max, at_strength
from mtlinear.penalties import L1, Dirty, L1Lq
from mtlinear.problem import Problem
from mtlinear.solvers import Splitting
from mtlinear.solvers._active_sets import lowest_in_use
from mtlinear.solvers._incumbent import Incumbent
from mtlinear.solvers._newton_steps import NewtonSteps, _from_kink_to_kink, _newton_move

TANGENTS = [L1(0.3), L1Lq(0.3, q=1), L1Lq(0.3), L1Lq(0.3, q=np.inf)]


def rows_in_use(rng, T=4):
    """Rows of all kinds: zero, partly zero, with ties, with a single largest entry."""
    A = rng.standard_normal((7, T))
    A[0] = 0.0
    A[1, 1:3] = 0.0
    A[2] = 1.5 * np.sign(A[2])
    A[3, :2] = 2.0 * np.sign(A[3, :2])
    return A


def inside(tangent, rng):
    """A random move in the tangent."""
    D = np.where(tangent.free, rng.standard_normal(tangent.free.shape), 0.0)
    together = np.sum(np.where(tangent.tied, tangent.along * D, 0.0), axis=1, keepdims=True) * tangent.along
    return np.where(tangent.tied, together, D)


@pytest.mark.parametrize("penalty", TANGENTS, ids=repr)
def test_the_tangent_is_the_penalty_to_second_order(penalty, rng):
    A = rows_in_use(rng)
    tangent = penalty.tangent(A)
    D = inside(tangent, rng)
    h = 1e-4
    values = [penalty.value(A + s * h * D) for s in (-1.0, 0.0, 1.0)]
    slope = np.sum(tangent.gradient * D)
    lengths = np.sum(tangent.along * D, axis=1)
    stiff = np.max(np.where(tangent.along != 0, tangent.bend, 0.0), axis=1)
    bend = np.sum(np.where(tangent.tied, 0.0, tangent.bend) * D**2) - np.sum(stiff * lengths**2)
    assert_allclose((values[2] - values[0]) / (2 * h), slope, rtol=1e-6)
    assert_allclose((values[2] - 2 * values[1] + values[0]) / h**2, bend, atol=1e-5)


def test_a_general_exponent_has_no_tangent(rng):
    assert L1Lq(0.3, q=1.5).tangent(rows_in_use(rng)) is None
    assert not NewtonSteps.apply_to(moments_of(make_problem(L1Lq(0.1, q=1.5))))


def moments_of(problem):
    return Problem.of(problem.data.compressed(), problem.penalty, l2_alpha=problem.l2_alpha, check=False)


@pytest.mark.parametrize("penalty", [L1(0.05), L1Lq(0.05), L1Lq(0.1, q=np.inf), Dirty(0.1), Dirty(0.1, q=2)], ids=repr)
@pytest.mark.parametrize("layout", ["shared", "shared-weighted", "stacked-unbalanced-weighted", "shared-missing"])
@pytest.mark.parametrize("l2_alpha", [0.0, 0.1])
def test_newton_moves_end_at_the_optimum(penalty, layout, l2_alpha, rng):
    """From near it, within its structure; the optimum to compare with is known to the root of its gap."""
    shaped = make_problem(penalty, design=layout, shape=Shape(60, 8, 3), seed=4)
    problem = moments_of(Problem.of(shaped.data, penalty, l2_alpha=l2_alpha))
    assert NewtonSteps.apply_to(problem)
    best = Splitting().solve(problem, tol=1e-14, max_iter=20_000)
    parts = np.array(best.parts)
    near = parts * (1.0 + 1e-4)  # keeps zeros and ties
    distances = []
    for _ in range(2):
        gradient = problem.settle(near).reading.gradient + l2_alpha * near.sum(axis=0)
        near = near + _newton_move(problem, near, gradient)
        distances.append(np.abs(near.sum(axis=0) - best.A).max())
    assert distances[0] <= 1e-6
    assert distances[1] <= 2e-7


def test_collinear_entries_in_use_do_not_wander(rng):
    """x2 = x0 + x1: the two sides of the sum cost different amounts, and only the penalty says which is right."""
    X = rng.standard_normal((60, 6))
    X[:, 2] = X[:, 0] + X[:, 1]
    A = np.zeros((6, 4))
    A[[0, 1, 3]] = rng.uniform(1.0, 2.0, (3, 4))
    problem = moments_of(Problem(SharedDesign(X, 4), X @ A + 0.1 * rng.standard_normal((60, 4)), Squared(), L1(0.05)))
    wrong = np.array([A])
    wrong[0, [0, 1]] -= 0.3
    wrong[0, 2] += 0.3  # the same scores
    incumbent = Incumbent(problem, wrong)
    NewtonSteps(problem).run(incumbent, wrong, [1.0], 1e-9)
    assert incumbent.gap <= 1e-9
    assert incumbent.n_iter <= 4


@pytest.mark.parametrize("seed", range(6))
def test_steps_along_a_collinearity_of_l1_linf_lead_nowhere(seed):
    """Indicators of all levels of a category: with intercepts they are collinear, and a step may end at 1e9."""
    rng = np.random.default_rng(seed)
    tasks = np.repeat(np.arange(4), 15)
    X = np.hstack([rng.standard_normal((60, 4)), np.eye(3)[rng.integers(0, 3, 60)] - 1 / 3])
    y = X @ rng.standard_normal(7) + 0.5 * rng.standard_normal(60)
    problem = Problem(StackedDesign(X, tasks, 4), y, Squared(), L1Lq(1.0, q=np.inf))
    problem = moments_of(problem.with_penalty(L1Lq(0.02 * alpha_max(problem), q=np.inf)))
    best = np.array(Splitting().solve(problem, tol=1e-9, max_iter=5000).parts)
    for scale in (0.1, 0.3, 1.0):
        start = best + scale * rng.standard_normal(best.shape)
        largest = 0.9 * np.abs(start).max(axis=2, keepdims=True)
        start = np.clip(start, -largest, largest)
        incumbent = Incumbent(problem, start)
        reached = NewtonSteps(problem).run(incumbent, start, [np.ones((7, 1))], 1e-12)
        if reached is not None:
            objective = problem.objective(problem.settle(reached[0]))
            assert objective <= incumbent.certificate.objective + 2.0 * incumbent.gap


# Kinks ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("penalty", TANGENTS, ids=repr)
@pytest.mark.parametrize("seed", range(20))
def test_moves_are_cut_back_from_the_first_kink_on(penalty, seed):
    rng = np.random.default_rng(seed)
    A = rows_in_use(rng)
    tangent = penalty.tangent(A)
    move = 3.0 * inside(tangent, rng)
    first = tangent.first_kink(A, move)
    assert 0.0 < first < np.inf
    if isinstance(penalty, L1Lq) and penalty.q == 2:  # a row turns where it is shortest along itself: no kink before
        row = np.argmin(np.abs(np.sum(tangent.along * (A + first * move), axis=1)[1:])) + 1
        assert_allclose(np.sum(tangent.along[row] * (A + first * move)[row]), 0.0, atol=1e-12)
    before, after = A + 0.999 * first * move, A + 1.001 * first * move
    assert_allclose(tangent.within(A, before), before, atol=1e-15)
    assert np.abs(tangent.within(A, after) - after).max() > 1e-6
    # What is cut back keeps its side of every kink that there was at A.
    cut = tangent.within(A, A + move)
    if np.isinf(getattr(penalty, "q", 1)):
        assert np.all(np.abs(cut) <= np.where(tangent.makes_level, np.abs(cut), 0.0).max(axis=1, keepdims=True))
    elif getattr(penalty, "q", 1) == 1:
        assert np.all(cut * A >= 0)


def nearly_twice(rng, n=60, d=8, T=3, stacked=False):
    """Features of different scales, of which two are almost the same."""
    X = rng.standard_normal((n * (T if stacked else 1), d)) * np.exp(rng.normal(0.0, 1.0, d))
    X[:, 1] = X[:, 0] + 1e-3 * X[:, 1]
    A = np.zeros((d, T))
    A[[0, 3]] = rng.standard_normal((2, T)) / X.std(axis=0)[[0, 3], None]
    if stacked:
        tasks = np.repeat(np.arange(T), n)
        return StackedDesign(X, tasks, T), np.sum(X * A[:, tasks].T, axis=1) + rng.standard_normal(n * T)
    return SharedDesign(X, T), X @ A + rng.standard_normal((n, T))


@settings(max_examples=50, deadline=None)
@given(st.booleans(), st.floats(0.0, 1.0), st.integers(0, 10_000))
def test_active_sets_end_at_the_minimum_of_every_task_in_its_orthant(stacked, l2_alpha, seed):
    rng = np.random.default_rng(seed)
    data = Problem(*nearly_twice(rng, stacked=stacked), Squared(), L1(0.05)).data
    problem = moments_of(Problem.of(data, L1(0.05), l2_alpha=l2_alpha))
    A = rng.standard_normal(problem.shape[1:]) * (rng.random(problem.shape[1:]) < 0.7)

    def gradient(A):
        return problem.with_smooth(problem.settle([A]).reading.gradient, A)

    before = A.copy()
    B = lowest_in_use(problem, A, gradient(A))
    assert_array_equal(A, before)
    assert np.all(A * B >= 0)
    assert np.all((B == 0) | (A != 0))
    assert problem.objective(problem.settle([B])) <= problem.objective(problem.settle([A]))
    size = np.sqrt(np.diagonal(problem.data.matrices, axis1=1, axis2=2).max(axis=0))[:, None]
    slope = np.where(B != 0, gradient(B) + 0.05 * np.sign(B), 0.0) / size
    assert np.abs(slope).max() <= 1e-6


@pytest.mark.parametrize("penalty", [L1Lq(0.02), L1Lq(0.05, q=np.inf), Dirty(0.05)], ids=repr)
@pytest.mark.parametrize("stacked", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_steps_from_kink_to_kink_lower_the_objective(penalty, stacked, seed):
    rng = np.random.default_rng(seed)
    problem = moments_of(Problem(*nearly_twice(rng, stacked=stacked), Squared(), penalty))
    best = np.array(Splitting().solve(problem, tol=1e-10).parts)
    parts = best * (1.0 + 0.1 * rng.standard_normal((len(best), 8, 1)))
    before, value = parts.copy(), problem.objective(problem.settle(parts))
    gradient = problem.settle(parts).reading.gradient
    reached = _from_kink_to_kink(problem, parts, gradient)
    assert_array_equal(parts, before)
    assert problem.objective(problem.settle(reached)) < value


@settings(max_examples=50, deadline=None)
@given(st.sampled_from([L1(0.05), L1Lq(0.05), Dirty(0.1)]), st.booleans(), st.integers(1, 6), st.integers(0, 10_000))
def test_sure_steps_are_the_inverse_of_a_bound_on_the_curvature(penalty, ridge, d, seed):
    rng = np.random.default_rng(seed)
    X, l2_alpha = rng.standard_normal((20, d)) * np.exp(rng.normal(0.0, 2.0, d)), 0.3 if ridge else 0.0
    weights = np.array([1.0, 0.2, 0.0])
    problem = Problem(SharedDesign(X, 3, task_weight=weights), rng.standard_normal((20, 3)), Squared(), penalty)
    problem = moments_of(Problem.of(problem.data, penalty, l2_alpha=l2_alpha))
    parts = len(problem.part_penalties)
    for step in NewtonSteps(problem)._sure_steps:
        bound = 1.0 / (parts * np.broadcast_to(step, (d, 3)))
        for t, scale in enumerate(problem.data.scale):
            H = scale * problem.data.matrices[0] + l2_alpha * np.eye(d)
            assert np.linalg.eigvalsh(np.diag(bound[:, t]) - H).min() >= -1e-12 * np.abs(H).max()
        if d == 1:  # nothing is given away
            assert_allclose(bound[0, 0], (problem.data.scale.max() * problem.data.matrices[0] + l2_alpha).item())


@pytest.mark.parametrize("penalty", [L1(0.05), L1Lq(0.05), L1Lq(0.1, q=np.inf), Dirty(0.1)], ids=repr)
@pytest.mark.parametrize("stacked", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_sure_steps_never_raise_the_objective(penalty, stacked, seed):
    rng = np.random.default_rng(seed)
    problem = moments_of(Problem(*nearly_twice(rng, stacked=stacked), Squared(), penalty))
    steps = NewtonSteps(problem)._sure_steps
    parts = rng.standard_normal(problem.shape)
    value = problem.objective(problem.settle(parts))
    for _ in range(20):
        gradient = problem.settle(parts).reading.gradient
        pairs = zip(problem.part_penalties, parts, steps, strict=True)
        parts = np.array([penalty.prox(part - step * gradient, step) for penalty, part, step in pairs])
        last, value = value, problem.objective(problem.settle(parts))
        assert value <= last * (1 + 1e-12)


# What takes thousands of iterations without them ------------------------------------------------------------------


@pytest.mark.parametrize("stacked", [False, True])
@pytest.mark.parametrize("fraction", [0.3, 0.05, 0.01])
@pytest.mark.parametrize("seed", range(5))
def test_a_lasso_with_features_that_are_almost_the_same_is_solved_at_once(stacked, fraction, seed):
    problem = Problem(*nearly_twice(np.random.default_rng(seed), stacked=stacked), Squared(), L1(1.0))
    alpha = fraction * alpha_max(problem)
    problem = problem.with_penalty(L1(alpha))
    solution = Splitting().solve(problem, tol=1e-9)
    assert solution.converged
    assert solution.n_iter <= 100
    data = problem.data
    for t in range(3):
        X, y = data.design.task_rows(t, data.target)
        theirs = Lasso(alpha, fit_intercept=False, tol=1e-13, max_iter=1_000_000).fit(X, y)
        ours = 0.5 * np.mean((y - X @ solution.A[:, t]) ** 2) + alpha * np.abs(solution.A[:, t]).sum()
        best = 0.5 * np.mean((y - X @ theirs.coef_) ** 2) + alpha * np.abs(theirs.coef_).sum()
        assert ours <= best + 1e-8 * np.mean(y**2)


@pytest.mark.parametrize("penalty", [L1Lq(), L1Lq(q=np.inf), Dirty()], ids=repr)
@pytest.mark.parametrize("stacked", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_features_that_are_almost_the_same_do_not_let_it_creep_for_ever(penalty, stacked, seed):
    problem = Problem(*nearly_twice(np.random.default_rng(seed), stacked=stacked), Squared(), penalty)
    problem = problem.with_penalty(at_strength(penalty, 0.01 * alpha_max(problem)))
    solution = Splitting().solve(problem)
    assert solution.converged
    assert solution.n_iter <= 1000
