"""The certificate never promises more than cvxpy can refute: at the optimum, near it, and anywhere else."""

from __future__ import annotations

import catalogue
import numpy as np
import problems
import pytest
from catalogue import LOSSES, OF_EACH_KIND, PENALTIES, each, mixed
from numpy.testing import assert_allclose
from ownloss import Cosh
from problems import ONE_TASK, TALL, WIDE, make_problem
from scipy.optimize import minimize_scalar

from mtlinear.certificate import certify
from mtlinear.datafit import RowsReading, balance
from mtlinear.losses import Huber, Logistic, Poisson, Squared, SquaredHinge
from mtlinear.penalties import L1, MeanRegularized, TraceNorm
from mtlinear.problem import Point, Problem
from mtlinear.reference import solve_reference
from mtlinear.solvers import FISTA

#: What interior-point solutions may be off, relative; they are at actual points, so only those with constraints are.
ORACLE = 3e-9


def random_parts(problem, rng, scale):
    return list(scale * rng.standard_normal(problem.shape))


@mixed(
    penalty=OF_EACH_KIND,
    loss=[*LOSSES, Cosh()],
    layout=["shared-weighted", "stacked-unbalanced-weighted"],
    fit_intercept=[True, False],
)
def test_gap_is_at_least_the_suboptimality_anywhere(penalty, loss, layout, fit_intercept):
    problem = make_problem(penalty, loss, design=layout, fit_intercept=fit_intercept, seed=7)
    optimum = solve_reference(problem).objective
    rng = np.random.default_rng(1)
    for scale in (0.0, 1e-3, 0.1, 1.0, 3.0):
        point = problem.settle(random_parts(problem, rng, scale))
        certificate = certify(problem, point)
        assert np.isfinite(certificate.gap)
        assert certificate.gap >= 0.0
        assert certificate.gap >= certificate.objective - optimum - ORACLE * (1.0 + abs(optimum))
        assert_allclose(certificate.objective, point.reading.value + problem.penalty_value(point.parts), rtol=1e-14)


@mixed(penalty=OF_EACH_KIND, loss=LOSSES, shape=[TALL, WIDE, ONE_TASK])
def test_gap_is_small_at_the_optimum_and_large_elsewhere(penalty, loss, shape):
    """Tight: a certificate that only ever says "far away" would be honest and useless."""
    free = penalty.null_space(shape.T).shape[1]
    if free == shape.T or (free and shape is WIDE and isinstance(loss, catalogue.WITHOUT_ZERO)):
        return  # nothing is penalised, or the free mean separates the labels: no distance to measure
    problem = make_problem(penalty, loss, design="stacked", shape=shape, seed=4)
    solution = FISTA().solve(problem, tol=1e-11, max_iter=200_000)
    assert solution.certificate.gap <= 1e-11 * problem.null_objective
    rng = np.random.default_rng(2)
    perturbed = [part + 1e-3 * rng.standard_normal(part.shape) for part in solution.parts]
    worse = certify(problem, problem.settle(perturbed))
    assert worse.objective > solution.certificate.objective
    assert worse.gap >= worse.objective - solution.certificate.objective
    # Near the optimum the gap shrinks with the distance: it is no more than of first order in it.
    assert worse.gap <= 0.1 * problem.null_objective


@each(PENALTIES, "penalty")
def test_gap_of_a_fit_that_was_stopped_early_is_honest(penalty):
    problem = make_problem(penalty, Logistic(), design="stacked-unbalanced-weighted", seed=9)
    optimum = solve_reference(problem).objective
    for max_iter in (1, 2, 5, 10):
        with pytest.warns(Warning, match="duality gap"):
            solution = FISTA(check_every=1).solve(problem, tol=1e-15, max_iter=max_iter)
        certificate = solution.certificate
        assert certificate.gap >= certificate.objective - optimum - ORACLE
        # The best point seen is returned; gaps are not monotone.
        assert certificate.gap == min(check.gap for check in solution.history)


@pytest.mark.parametrize("layout", problems.DESIGNS)
def test_balance_makes_the_weighted_sums_of_the_tasks_zero(layout):
    problem = make_problem(L1(0.1), Logistic(), design=layout)
    rng = np.random.default_rng(0)
    u = rng.uniform(-1.0, 1.0, problem.data.target.shape)
    balanced = balance(problem.data.design, u)
    sums = problem.data.design.task_sums(problem.data.design.weights * balanced)
    assert_allclose(sums, 0.0, atol=1e-15)
    assert np.all(np.abs(balanced) <= np.abs(u))
    assert np.all(balanced * u >= 0.0)


@pytest.mark.parametrize("layout", problems.DESIGNS)
@pytest.mark.parametrize("scale", [0.1, 1.0, 100.0])
def test_balance_keeps_the_logistic_dual_in_its_domain(layout, scale):
    """Shifting by the mean would not: derivatives at a boundary of the domain leave it at once."""
    problem = make_problem(L1(0.1), Logistic(), design=layout)
    z = scale * np.random.default_rng(3).standard_normal(problem.data.target.shape)
    balanced = balance(problem.data.design, problem.data.loss.gradient(problem.data.target, z))
    for c in (0.0, 1e-9, 0.5, 1.0):
        assert np.all(np.isfinite(problem.data.loss.conjugate(problem.data.target, c * balanced)))


def test_balance_of_a_task_with_one_sign_is_zero():
    problem = make_problem(L1(0.1), Squared())
    u = np.abs(np.random.default_rng(0).standard_normal(problem.data.target.shape))
    assert np.all(balance(problem.data.design, u) == 0.0)


def test_balance_of_balanced_derivatives_changes_only_rounding():
    problem = make_problem(TraceNorm(0.1), Logistic(), design="stacked")
    scores = problem.settle([np.ones((TALL.d, TALL.T))]).reading.scores
    u = problem.data.loss.gradient(problem.data.target, scores)
    assert_allclose(balance(problem.data.design, u), u, rtol=1e-13)


@each(LOSSES, "loss")
def test_point_that_is_not_settled_gets_an_honest_gap(loss):
    """With a null-space residual no scaled residual is dual feasible; only the trivial bound is left."""
    problem = make_problem(MeanRegularized(alpha=0.2), loss)
    A = np.random.default_rng(0).standard_normal((TALL.d, TALL.T))
    linear = problem.data.design.apply(A)
    b = problem.data.intercepts.intercept(linear)
    settled = problem.settle([A])
    reading = RowsReading(
        problem.data, b, linear + problem.data.design.spread(b), problem.data.unpenalised(problem.null_space, None)
    )
    unsettled = Point((A,), reading)
    certificate = certify(problem, unsettled)
    assert certificate.gap >= certificate.objective - solve_reference(problem).objective
    assert certify(problem, settled).gap < certificate.gap


@mixed(3, penalty=PENALTIES, loss=LOSSES)
def test_settling_is_exact_minimisation(penalty, loss):
    """After it the derivative in the intercepts and on the null space is zero, and settling again moves nothing."""
    problem = make_problem(penalty, loss, design="stacked-unbalanced-weighted")
    parts = random_parts(problem, np.random.default_rng(5), 0.5)
    before = [part.copy() for part in parts]
    point = problem.settle(parts)
    u = problem.data.loss.gradient(problem.data.target, point.reading.scores)
    assert_allclose(problem.data.design.task_sums(problem.data.design.weights * u), 0.0, atol=1e-13)
    null_space = penalty.null_space(TALL.T)
    assert_allclose(problem.data.design.adjoint(problem.data.design.weights * u) @ null_space, 0.0, atol=1e-12)
    assert_allclose(problem.rest_value(point.parts), problem.rest_value(parts), rtol=1e-10)
    scores = problem.data.design.apply(point.A) + problem.data.design.spread(point.reading.intercept)
    assert_allclose(point.reading.scores, scores, rtol=1e-10, atol=1e-12)
    again = problem.settle(point.parts, point.reading.intercept)
    assert_allclose(again.A, point.A, rtol=1e-9, atol=1e-11)
    for part, kept in zip(parts, before, strict=True):
        np.testing.assert_array_equal(part, kept)


@pytest.mark.parametrize("tol", [1e-3, 1e-6])
def test_gap_limit_is_relative_to_the_null_objective(tol):
    for loss in LOSSES:
        problem = make_problem(L1(0.1), loss, design="stacked-unbalanced-weighted")
        # A = 0 and the best constant per task: the weighted mean, its logarithm, or the log-odds of the weighted share.
        expected = 0.0
        for t in range(TALL.T):
            _, y = problem.data.design.task_rows(t, problem.data.target)
            _, w = problem.data.design.task_rows(t, problem.data.design.weights)
            mean = w @ y / w.sum()
            known = {Squared: lambda m: m, Logistic: lambda m: np.log((1 + m) / (1 - m)), Poisson: np.log}
            if type(loss) in known:
                best = known[type(loss)](mean)
            else:
                best = minimize_scalar(
                    lambda b, loss=loss, y=y, w=w: w @ loss.value(y, np.full_like(y, b)), tol=1e-12
                ).x
            expected += w @ loss.value(y, np.full_like(y, best))
        assert_allclose(problem.null_objective, expected, rtol=1e-12)
        assert_allclose(problem.gap_limit(tol), tol * expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("loss", "scale"),
    [(loss, scale) for loss in (Logistic(), Huber(), SquaredHinge(), Poisson()) for scale in (1.0, 1e2, 1e4, 1e6)]
    + [(Cosh(), 1.0), (Cosh(), 100.0)],
    ids=str,
)
def test_intercept_is_exact_however_far_the_scores_are(loss, scale):
    """Newton alone creeps or jumps where the loss is flat."""
    problem = make_problem(L1(0.1), loss, design="stacked-unbalanced-weighted", seed=7)
    far = scale * np.array([1.0, -1.0, 0.5])
    near = problem.data.intercepts.intercept(np.zeros(problem.data.target.shape))
    moved = problem.data.intercepts.intercept(-problem.data.design.spread(far) + np.zeros(problem.data.target.shape))
    assert_allclose(moved, near + far, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("layout", ["shared", "stacked-unbalanced-weighted"])
def test_intercept_of_a_flat_minimum_is_some_minimum(layout):
    """All residuals beyond delta, half on either side; all margins met: second derivatives are zero."""
    problem = make_problem(L1(0.1), Huber(0.1), design=layout)
    design, n = problem.data.design, problem.data.target.size
    far = np.where(np.arange(n) % 2, 1e3, -1e3).reshape(problem.data.target.shape)
    for loss, target in ((Huber(0.1), far), (SquaredHinge(), np.sign(far))):
        data = Problem(design, target, loss, L1(0.1)).data
        linear = np.zeros(far.shape) if isinstance(loss, Huber) else 1e3 * target
        b = data.intercepts.intercept(linear, np.full(3, 0.3))
        assert np.all(np.isfinite(b))

        def value(b, data=data, linear=linear):
            return np.sum(data.design.weights * data.loss.value(data.target, linear + data.design.spread(b)))

        for step in (1e-3, 1.0, 50.0):
            for sign in (1.0, -1.0):
                assert value(b) <= value(b + sign * step) * (1 + 1e-13) + 1e-13
        certificate = certify(Problem.of(data, L1(0.1)), Problem.of(data, L1(0.1)).settle([np.zeros((TALL.d, 3))]))
        assert np.isfinite(certificate.gap)


@each(PENALTIES, "penalty")
@pytest.mark.parametrize("scale", [3.0, 100.0])
def test_solver_finds_back_from_a_start_far_away(penalty, scale):
    problem = make_problem(penalty, Logistic(), design="stacked-unbalanced-weighted", seed=4)
    start = random_parts(problem, np.random.default_rng(2), scale)
    far, near = FISTA().solve(problem, start, tol=1e-8, max_iter=50_000), FISTA().solve(problem, tol=1e-8)
    assert far.converged
    assert_allclose(far.certificate.objective, near.certificate.objective, rtol=1e-7)
