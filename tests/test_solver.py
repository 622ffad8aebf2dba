"""Solvers: every penalty, loss, layout and shape against cvxpy, and what else a user may rely on."""

from __future__ import annotations

import warnings

import catalogue
import numpy as np
import problems
import pytest
from catalogue import LOSSES, NORMS, OF_EACH_KIND, PENALTIES, SOLVERS, each, mixed
from numpy.testing import assert_allclose, assert_array_equal
from ownloss import Cosh
from problems import DESIGNS, ONE_TASK, SHAPES, TALL, WIDE, make_problem
from sklearn.exceptions import ConvergenceWarning

from mtlinear.certificate import certify
from mtlinear.losses import Logistic, Squared
from mtlinear.penalties import L1, GraphRegularized, InfimalConvolution, L1Lq, MeanRegularized, Ridge, Sum, TraceNorm
from mtlinear.problem import Problem
from mtlinear.reference import solve_reference
from mtlinear.solvers import FISTA, ProximalNewton, choose_solver

TOL = 1e-9
LAYOUTS = ["shared", "stacked-unbalanced-weighted"]


def solve(problem, solver=None, **options):
    """Solve, and let no warning pass."""
    solver = solver or FISTA()
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        return solver.solve(problem, **{"tol": TOL, "max_iter": 100_000} | options)


def centred_rows(problem):
    """The features of a shared design, whether their means are subtracted in place or on the fly."""
    return problem.data.design.task_rows(0, problem.data.design.weights)[0]


def objective_at(problem, A, intercept):
    """The objective, written out once more: A and intercept are for features and target before centring."""
    design, total = problem.data.design, 0.0
    for t in range(design.n_tasks):
        X, y = design.task_rows(t, problem.data.target)
        _, weights = design.task_rows(t, design.weights)
        center = np.broadcast_to(design.center, A.shape)[:, t]
        y = y + problem.data.target_center[t]
        total += weights @ problem.data.loss.value(y, (X + center) @ A[:, t] + intercept[t])
    return float(total)


def check_against_reference(problem, solver, reference):
    """The claims of a solution, each against the optimum that cvxpy found.

    The reference is the objective at an actual point, so it bounds the optimum from above, whatever its own accuracy.
    """
    solution = solve(problem, solver)
    objective, gap = solution.certificate.objective, solution.certificate.gap
    # ... except where it has constraints, which an interior-point method may overstep by a little.
    accuracy = (3e-9 if reference.status == "optimal" else 3e-8) if "M" in reference.auxiliary else 1e-13
    rounding = accuracy * (1.0 + abs(reference.objective))
    assert solution.converged
    assert 0.0 <= gap <= TOL * problem.null_objective
    assert objective - reference.objective <= gap + rounding  # no gap claims more than there is
    assert_allclose(objective, reference.objective, rtol=1e-6)
    once_more = objective_at(problem, solution.A, solution.intercept) + problem.penalty_value(solution.parts)
    assert_allclose(once_more, objective, rtol=1e-10, atol=1e-16 * problem.null_objective)  # of one row may be zero


def _ill_posed(penalty, loss, layout, shape):
    """Logistic or Poisson loss, a free mean, more features than rows: labels that agree in all tasks (or the zeros) can
    be fitted by the mean alone, with infinite parameters, so there is no optimum to find."""
    free = penalty.null_space(shape.T).shape[1] > 0
    return isinstance(loss, catalogue.WITHOUT_ZERO) and free and shape is WIDE and layout == "shared"


@mixed(
    5,
    penalty=PENALTIES,
    loss=LOSSES,
    layout=list(DESIGNS),
    shape=SHAPES,
    fit_intercept=[True, False],
    others=[slice(0, None, 3), slice(1, None, 3), slice(2, None, 3)],
)
def test_optimum_is_that_of_cvxpy(penalty, loss, layout, shape, fit_intercept, others):
    """By the solver that would be chosen, and a third of the others that accept the problem."""
    if _ill_posed(penalty, loss, layout, shape):
        pytest.skip("no optimum: the free mean separates the labels")
    problem = make_problem(penalty, loss, design=layout, shape=shape, fit_intercept=fit_intercept, seed=3)
    reference = solve_reference(problem)
    accepted = [solver for solver in SOLVERS if solver.refuses(problem) is None]
    for solver in [choose_solver(problem), *accepted[others]]:
        check_against_reference(problem, solver, reference)


@each(OF_EACH_KIND, "penalty")
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_loss_of_the_users_own_backtracks_to_the_optimum(penalty, layout):
    """Nothing in the package knows it, and it has no bound on its curvature."""
    for solver in (FISTA(), ProximalNewton()):
        problem = make_problem(penalty, Cosh(), design=layout, seed=5)
        check_against_reference(problem, solver, solve_reference(problem))


@mixed(3, penalty=OF_EACH_KIND, loss=LOSSES)
def test_warm_start_from_the_solution_needs_no_iteration(penalty, loss):
    problem = make_problem(penalty, loss, design="stacked")
    first = solve(problem)
    again = solve(problem, start=first.parts, dual=first.certificate.dual, tol=2 * TOL)
    assert again.n_iter == 0
    assert_allclose(again.A, first.A, rtol=0, atol=1e-8 * np.abs(first.A).max())


def test_warm_start_from_nearby_is_faster_than_from_zero():
    problem = make_problem(TraceNorm(alpha=0.1), shape=WIDE)
    near = solve(make_problem(TraceNorm(alpha=0.101), shape=WIDE))
    assert solve(problem, start=near.parts, tol=1e-5).n_iter < solve(problem, tol=1e-5).n_iter


@mixed(3, penalty=OF_EACH_KIND, solver=SOLVERS)
def test_nothing_the_caller_gave_is_changed(penalty, solver):
    problem = make_problem(penalty, Logistic())
    if solver.refuses(problem):
        pytest.skip("not its kind of penalty")
    start = [np.full((TALL.d, TALL.T), 0.1) for _ in problem.part_names]
    target, X, before = problem.data.target.copy(), problem.data.design.X.copy(), repr(penalty)
    solve(problem, solver, start=start, tol=1e-4)
    for part in start:
        assert_array_equal(part, 0.1)
    assert_array_equal(problem.data.target, target)
    assert_array_equal(problem.data.design.X, X)
    assert repr(penalty) == before


def problem_for(solver, **options):
    """A problem that the solver does not refuse."""
    kinds = [(L1Lq(alpha=0.02), Logistic()), (L1Lq(alpha=0.02), Squared()), (Ridge(alpha=0.1), Squared())]
    problems = [make_problem(penalty, loss, **options) for penalty, loss in kinds]
    return next(problem for problem in problems if solver.refuses(problem) is None)


@each(SOLVERS, "solver")
def test_start_of_the_wrong_shape_is_refused(solver):
    problem = problem_for(solver)
    with pytest.raises(ValueError, match="start must hold 1 part"):
        solver.solve(problem, start=[np.zeros((TALL.T, TALL.d))])
    with pytest.raises(ValueError, match="start must hold 1 part"):
        solver.solve(problem, start=[np.zeros((TALL.d, TALL.T))] * 2)


@each(SOLVERS, "solver")
def test_history_ends_with_what_is_reported(solver):
    problem = problem_for(solver, shape=WIDE)
    solution = solve(problem, solver)
    iterations = [check.n_iter for check in solution.history]
    seconds = [check.seconds for check in solution.history]
    assert iterations[0] == 0
    assert iterations[-1] == solution.n_iter
    assert iterations == sorted(set(iterations))
    assert seconds == sorted(seconds)
    assert solution.history[-1].gap == solution.certificate.gap
    assert solution.history[-1].objective == solution.certificate.objective
    assert all(check.gap >= 0 for check in solution.history)
    # Every gap on the way was an honest one.
    optimum = solve_reference(problem).objective
    assert all(check.gap >= check.objective - optimum - 1e-12 for check in solution.history)


@mixed(3, penalty=OF_EACH_KIND, loss=LOSSES)
def test_too_few_iterations_warn_and_report_the_honest_gap(penalty, loss):
    problem = make_problem(penalty, loss, design="stacked-unbalanced-weighted", shape=WIDE, seed=2)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        solution = FISTA().solve(problem, tol=1e-12, max_iter=1)
    assert solution.n_iter == 1
    assert not solution.converged
    assert solution.certificate.gap > problem.gap_limit(1e-12)
    assert [w.category for w in caught] == [ConvergenceWarning]
    assert f"{solution.certificate.gap:.3g}" in str(caught[0].message)
    suboptimality = solution.certificate.objective - solve_reference(problem).objective
    assert solution.certificate.gap >= suboptimality - 1e-12
    # The certificate is of the parts that are returned.
    again = certify(problem, problem.settle(solution.parts))
    assert_allclose(again.objective, solution.certificate.objective, rtol=1e-12)


@mixed(1, penalty=PENALTIES, fit_intercept=[True, False])
def test_weight_two_equals_a_repeated_row(penalty, fit_intercept):
    rng = np.random.default_rng(8)
    n, d, T = 16, 4, 3
    X, Y = rng.standard_normal((n, d)) + 0.5, rng.standard_normal((n, T))
    count = rng.integers(1, 4, n)
    options = {"fit_intercept": fit_intercept}
    weighted = Problem(problems.SharedDesign(X, T, count.astype(float)), Y, Squared(), penalty, **options)
    repeated = Problem(
        problems.SharedDesign(X.repeat(count, axis=0), T), Y.repeat(count, axis=0), Squared(), penalty, **options
    )
    same_solution(solve(weighted, tol=1e-13), solve(repeated, tol=1e-13))

    codes, y = rng.integers(0, T, n), Y[:, 0]
    design = problems.StackedDesign(X, codes, T, count.astype(float))
    again = problems.StackedDesign(X.repeat(count, axis=0), codes.repeat(count), T)
    weighted = Problem(design, design.arrange(y), Squared(), penalty, **options)
    repeated = Problem(again, again.arrange(y.repeat(count)), Squared(), penalty, **options)
    same_solution(solve(weighted, tol=1e-13), solve(repeated, tol=1e-13))


def same_solution(first, second, rows=slice(None), columns=slice(None), factor=1.0):
    """``second`` has factor times the parameters of ``first``, rows and columns taken in another order."""
    scale = np.abs(first.A).max()
    assert_allclose(second.A, factor * first.A[rows][:, columns], rtol=0, atol=1e-6 * factor * scale)
    assert_allclose(second.intercept, factor * first.intercept[columns], rtol=0, atol=1e-5 * factor * (1 + scale))


@each(PENALTIES, "penalty")
def test_stacked_equals_shared_when_all_tasks_have_the_same_rows(penalty):
    rng = np.random.default_rng(4)
    n, d, T = 14, 4, 3
    X, Y, weight = rng.standard_normal((n, d)), rng.standard_normal((n, T)), rng.uniform(0.5, 2.0, n)
    task_weight = np.array([1.0, 2.0, 0.5])
    one = problems.SharedDesign(X, T, weight, task_weight)
    other = problems.StackedDesign(np.tile(X, (T, 1)), np.repeat(np.arange(T), n), T, np.tile(weight, T), task_weight)
    shared = Problem(one, Y, Squared(), penalty)
    stacked = Problem(other, other.arrange(Y.T.ravel()), Squared(), penalty)
    assert_allclose(stacked.null_objective, shared.null_objective, rtol=1e-12)
    same_solution(solve(shared, tol=1e-13), solve(stacked, tol=1e-13))


@each(PENALTIES, "penalty")
def test_permuting_tasks_and_features_permutes_the_parameters(penalty):
    rng = np.random.default_rng(6)
    n, d, T = 40, 4, 3
    X, codes, y = rng.standard_normal((n, d)), np.arange(n) % T, rng.standard_normal(n)
    rows = np.arange(d) if catalogue.tells_features_apart(penalty) else np.array([2, 0, 3, 1])
    columns = np.arange(T) if catalogue.tells_tasks_apart(penalty) else np.array([1, 2, 0])
    renamed = np.argsort(columns)[codes]
    first = problems.StackedDesign(X, codes, T)
    second = problems.StackedDesign(X[:, rows], renamed, T)
    again = catalogue.with_tasks_in_order(penalty, columns)
    same_solution(
        solve(Problem(first, first.arrange(y), Squared(), penalty), tol=1e-13),
        solve(Problem(second, second.arrange(y), Squared(), again), tol=1e-13),
        rows,
        columns,
    )


def rescaled_with_target(penalty, factor):
    """The penalty for which y -> factor * y gives A -> factor * A: a norm grows with it, a square does not need to."""
    if isinstance(penalty, GraphRegularized):
        return rescaled_with_target(Sum(*penalty.penalties), factor)
    if isinstance(penalty, InfimalConvolution | Sum):
        return type(penalty)(*(rescaled_with_target(part, factor) for part in penalty.penalties))
    return penalty.scaled(factor) if catalogue.is_norm(penalty) else penalty


@mixed(1, penalty=PENALTIES, factor=[1e-6, 37.0, 1e6])
def test_rescaling_y_rescales_the_parameters(penalty, factor):
    problem = make_problem(penalty)
    scaled = Problem(
        problems.SharedDesign(centred_rows(problem) + problem.data.design.center.T, TALL.T),
        factor * (problem.data.target + problem.data.target_center),
        Squared(),
        rescaled_with_target(penalty, factor),
    )
    same_solution(solve(problem, tol=1e-13), solve(scaled, tol=1e-13), factor=factor)


@mixed(3, penalty=NORMS, loss=LOSSES, layout=LAYOUTS)
def test_zero_at_alpha_max_and_not_just_below(penalty, loss, layout):
    problem = make_problem(penalty, loss, design=layout, shape=WIDE, seed=1)
    design, y = problem.data.design, problem.data.target
    scores = np.broadcast_to(design.spread(problem.data.intercepts.intercept(np.zeros(y.shape))), y.shape)
    largest = penalty.gauge(-design.adjoint(design.weights * problem.data.loss.gradient(y, scores)))

    def at(factor):
        scaled = penalty.scaled(largest * factor)
        return solve(make_problem(scaled, loss, design=layout, shape=WIDE, seed=1), tol=1e-11)

    at_max, below = at(1.0), at(0.99)
    assert at_max.n_iter == 0
    assert_array_equal(at_max.A, 0.0)
    assert np.abs(below.A).max() > 1e-5
    assert below.certificate.objective < problem.null_objective


@pytest.mark.parametrize("alpha", [0.01, 0.3])
def test_one_task_reduces_to_the_textbook(alpha):
    """T = 1: every norm of the catalogue with q is the lasso, and the ridge has a closed form."""
    lasso = solve(make_problem(L1(alpha), shape=ONE_TASK), tol=1e-13)
    for penalty in (L1Lq(alpha, q=2), L1Lq(alpha, q=1.7), L1Lq(alpha, q=np.inf)):
        same_solution(lasso, solve(make_problem(penalty, shape=ONE_TASK), tol=1e-13))
    problem = make_problem(Ridge(alpha), shape=ONE_TASK)
    X, y, n = centred_rows(problem), problem.data.target, ONE_TASK.n
    closed = np.linalg.solve(X.T @ X / n + alpha * np.eye(ONE_TASK.d), X.T @ y / n)
    assert_allclose(solve(problem, tol=1e-14).A, closed, atol=1e-6)


def test_mean_alpha_equal_to_alpha_is_the_ridge():
    first, second = MeanRegularized(alpha=0.3, mean_alpha=0.3), Ridge(alpha=0.3)
    same_solution(solve(make_problem(first), tol=1e-13), solve(make_problem(second), tol=1e-13))


def test_zero_target_is_solved_by_zero():
    design = problems.SharedDesign(np.random.default_rng(0).standard_normal((6, 3)), 2)
    for penalty in PENALTIES:
        if getattr(penalty, "n_clusters", 0) <= 2:
            solution = solve(Problem(design, np.zeros((6, 2)), Squared(), penalty))
            assert_allclose(solution.A, 0.0, atol=1e-15)


def test_constant_feature_is_left_alone():
    """A column that the intercept explains gets no weight, under any penalty that sees it."""
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.standard_normal((10, 2)), np.full(10, 3.0)])
    for penalty in (L1(0.1), Ridge(0.1), TraceNorm(0.1), MeanRegularized(0.1, 0.1)):
        solution = solve(Problem(problems.SharedDesign(X, 2), rng.standard_normal((10, 2)), Squared(), penalty))
        assert_allclose(solution.A[2], 0.0, atol=1e-12)
