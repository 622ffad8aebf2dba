"""Moments say as much as rows; the ridge term is what augmented rows would be; duals can be handed on."""

from __future__ import annotations

import catalogue
import numpy as np
import pytest
from catalogue import LOSSES, OF_EACH_KIND, mixed
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from problems import DESIGNS, TALL, WIDE, make_problem

from mtlinear.certificate import certify, lower_bound
from mtlinear.datafit import GramFit
from mtlinear.designs import Moments, SharedDesign, StackedDesign
from mtlinear.losses import Logistic, Squared
from mtlinear.penalties import Clustered, L1Lq, MeanRegularized, Ridge, TraceNorm
from mtlinear.problem import Problem
from mtlinear.reference import solve_reference
from mtlinear.solvers import FISTA

TOL = 1e-10


def solve(problem, **options):
    return FISTA().solve(problem, **{"tol": TOL, "max_iter": 100_000} | options)


def from_moments(problem):
    data = problem.data
    return Problem.of(GramFit(data.moments(), data.fit_intercept), problem.penalty, l2_alpha=problem.l2_alpha)


def with_ridge(problem, l2_alpha):
    return Problem.of(problem.data, problem.penalty, l2_alpha=l2_alpha)


# Moments ------------------------------------------------------------------------------------------------------------


@mixed(penalty=OF_EACH_KIND, layout=list(DESIGNS), fit_intercept=[True, False])
def test_moments_give_the_certificate_of_the_rows(penalty, layout, fit_intercept):
    problem = make_problem(penalty, design=layout, fit_intercept=fit_intercept, seed=3)
    short = from_moments(problem)
    assert_allclose(short.null_objective, problem.null_objective, rtol=1e-12)
    assert_allclose(short.data.norm_bound, problem.data.norm_bound, rtol=1e-10)
    parts = 0.3 * np.random.default_rng(1).standard_normal(problem.shape)
    of_rows, of_moments = problem.settle(parts), short.settle(parts)
    assert_allclose(of_moments.A, of_rows.A, rtol=1e-8, atol=1e-9)
    assert_allclose(of_moments.reading.gradient, of_rows.reading.gradient, rtol=1e-8, atol=1e-9)
    first, second = certify(problem, of_rows), certify(short, of_moments)
    assert_allclose(second.objective, first.objective, rtol=1e-10)
    assert_allclose(second.bound, first.bound, rtol=1e-7, atol=1e-8 * first.objective)


@mixed(
    penalty=OF_EACH_KIND,
    layout=["shared-weighted", "stacked-unbalanced-weighted", "shared-sparse-missing"],
    shape=[TALL, WIDE],
)
def test_a_fold_is_the_whole_minus_the_rest(penalty, layout, shape):
    """The optimum on some rows, from the moments of all rows and of the others, is that of a design of these rows."""
    problem = make_problem(penalty, design=layout, shape=shape, seed=4)
    data = problem.data
    n_rows = data.design.X.shape[0]
    out = np.random.default_rng(2).choice(n_rows, n_rows // 5, replace=False)
    kept = np.setdiff1d(np.arange(n_rows), out)
    fold = Problem.of(GramFit(data.moments() - data.moments(out), fit_intercept=True), penalty)
    design = data.design.take(kept)
    direct = Problem(design, design.arrange(data.design.restore(data.target)[kept]), Squared(), penalty)
    found, expected = solve(fold), solve(direct)
    assert_allclose(found.certificate.objective, expected.certificate.objective, rtol=1e-8)
    again = certify(direct, direct.settle(found.parts))
    assert again.objective <= expected.certificate.objective + 2e-8 * direct.null_objective
    intercept = expected.intercept + data.target_center
    assert_allclose(found.intercept, intercept, atol=2e-3 * np.abs(intercept).max())


def test_moments_add_up():
    problem = make_problem(Ridge(0.1), design="stacked")
    data = problem.data
    n_rows = len(data.target)
    parts = np.array_split(np.random.default_rng(0).permutation(n_rows), 3)
    total = data.moments(parts[0]) + data.moments(parts[1]) + data.moments(parts[2])
    for name in ("matrices", "first", "cross", "weight", "target", "square", "total"):
        assert_allclose(getattr(total, name), getattr(data.moments(), name), rtol=1e-12, atol=1e-12)


def test_moments_of_other_centers_cannot_be_combined():
    problem = make_problem(Ridge(0.1))
    other = make_problem(Ridge(0.1), seed=1)
    with pytest.raises(ValueError, match="same centers"):
        problem.data.moments() - other.data.moments()


def test_a_task_without_rows_is_an_error():
    rng = np.random.default_rng(0)
    design = StackedDesign(rng.standard_normal((6, 2)), np.array([0, 0, 0, 1, 1, 1]), 2)
    moments = Moments.of(design, rng.standard_normal(6), np.zeros(2))
    gone = Moments.of(design.take(np.arange(3)), rng.standard_normal(3), np.zeros(2))
    with pytest.raises(ValueError, match=r"task number\(s\) \[0\] have no rows"):
        GramFit(moments - gone, fit_intercept=True)


def test_a_feature_that_is_constant_in_the_fold_stays_out_of_a_free_mean():
    """Its variance is the rounding of a difference; the unpenalised mean would blow it up."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 3))
    X[:, 2] = 0.1
    X[:8, 2] = 1e3 * rng.standard_normal(8)
    design = SharedDesign(X, 2)
    problem = Problem(design, rng.standard_normal((40, 2)), Squared(), MeanRegularized(0.5))
    fold = GramFit(problem.data.moments() - problem.data.moments(np.arange(8)), fit_intercept=True)
    solution = solve(Problem.of(fold, problem.penalty))
    assert np.abs(solution.A[2]).max() == 0.0


# Ridge --------------------------------------------------------------------------------------------------------------


@mixed(penalty=OF_EACH_KIND, loss=LOSSES, layout=["shared-weighted", "stacked-unbalanced-weighted"])
def test_ridge_beside_every_penalty_against_cvxpy(penalty, loss, layout):
    problem = with_ridge(make_problem(penalty, loss, design=layout, seed=5), 0.3)
    solution = solve(problem)
    reference = solve_reference(problem)
    assert solution.converged
    assert_allclose(solution.certificate.objective, reference.objective, rtol=1e-7)
    assert_allclose(solution.A, reference.A, atol=2e-4)  # strongly convex: there is one optimum


@mixed(penalty=OF_EACH_KIND, loss=LOSSES, fit_intercept=[True, False])
def test_gap_with_a_ridge_is_honest(penalty, loss, fit_intercept):
    """Anywhere: never below the distance to the optimum."""
    problem = with_ridge(make_problem(penalty, loss, shape=WIDE, fit_intercept=fit_intercept, seed=6), 0.2)
    best = solve(problem).certificate.bound
    rng = np.random.default_rng(7)
    for scale in (0.0, 0.01, 0.3, 3.0):
        point = problem.settle(scale * rng.standard_normal(problem.shape))
        assert lower_bound(problem, point) <= best + 3 * TOL * problem.null_objective


def test_ridge_is_the_ridge_penalty():
    """A ridge penalty and l2_alpha add up."""
    once, twice = make_problem(Ridge(0.5), seed=8), with_ridge(make_problem(Ridge(0.2), seed=8), 0.3)
    assert_allclose(solve(twice, tol=1e-14).A, solve(once, tol=1e-14).A, atol=1e-6)
    mean = with_ridge(make_problem(MeanRegularized(0.2, mean_alpha=0.0), Logistic(), seed=8), 0.3)
    both = make_problem(MeanRegularized(0.5, mean_alpha=0.3), Logistic(), seed=8)
    assert_allclose(solve(mean, tol=1e-14).A, solve(both, tol=1e-14).A, atol=1e-6)


@settings(max_examples=30, deadline=None)
@given(st.floats(1e-6, 1e3), st.sampled_from([L1Lq(0.1), TraceNorm(0.2), MeanRegularized(0.3), Clustered(2, 0.2)]))
def test_ridge_as_augmented_rows(l2_alpha, penalty):
    """Without intercepts, sqrt(n l2_alpha) I below X and zeros below Y are the same problem."""
    rng = np.random.default_rng(9)
    n, d, T = 15, 4, 3
    X, Y = rng.standard_normal((n, d)), rng.standard_normal((n, T))
    plain = Problem(SharedDesign(X, T), Y, Squared(), penalty, fit_intercept=False, l2_alpha=l2_alpha)
    scale = np.sqrt((n + d) / n)
    rows = scale * np.vstack([X, np.sqrt(n * l2_alpha) * np.eye(d)])
    design = SharedDesign(rows, T)
    augmented = Problem(design, scale * np.vstack([Y, np.zeros((d, T))]), Squared(), penalty, fit_intercept=False)
    first, second = solve(plain), solve(augmented)
    assert_allclose(first.certificate.objective, second.certificate.objective, rtol=1e-8)


# Duals handed on ----------------------------------------------------------------------------------------------------


@mixed(3, penalty=OF_EACH_KIND, loss=LOSSES)
def test_a_dual_point_of_another_strength_bounds_this_optimum(penalty, loss):
    problem = make_problem(penalty, loss, design="stacked", seed=10)
    stronger = problem.with_penalty(penalty.scaled(1.5))
    handed_on = solve(stronger).certificate.dual
    optimum = solve(problem).certificate
    bound = certify(problem, handed_on).bound
    assert bound <= optimum.objective
    assert bound > 0.0
    assert solve(problem, dual=optimum.dual, start=solve(problem).parts).n_iter == 0


def test_the_gap_never_rises():
    problem = make_problem(catalogue.NORMS[8], Logistic(), design="stacked-unbalanced-weighted", seed=11)
    history = FISTA(check_every=1).solve(problem, tol=1e-8).history
    assert np.all(np.diff([check.gap for check in history]) <= 0.0)
    assert np.all(np.diff([check.objective for check in history]) <= 0.0)
