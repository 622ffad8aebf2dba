"""Graphs between tasks and sums of penalties: formulas, reductions to models that are known, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import problems
import pytest
import scipy.sparse as sp
from catalogue import LOSSES, PENALTIES, each, pair_graph, signed_graph
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from problems import TALL, WIDE, make_problem
from sklearn.linear_model import MultiTaskElasticNet, MultiTaskElasticNetCV

from mtlinear import MultiTaskClassifier, MultiTaskRegressor, MultiTaskRegressorCV, regularization_path
from mtlinear.certificate import lower_bound
from mtlinear.datafit import GramFit
from mtlinear.losses import Logistic
from mtlinear.path import alpha_max
from mtlinear.penalties import (
    L1,
    GraphLaplacian,
    L1Lq,
    MeanRegularized,
    Ridge,
    Sum,
    TraceNorm,
    chain_graph,
)
from mtlinear.penalties._graph import balanced_components, check_graph, edges_of, incidence, laplacian
from mtlinear.problem import Problem
from mtlinear.reference import solve_reference
from mtlinear.solvers import FISTA, ClosedForm, ProximalNewton, Splitting, choose_solver


def complete(n_tasks):
    return np.ones((n_tasks, n_tasks)) - np.eye(n_tasks)


def solve(problem, tol=1e-10):
    solution = choose_solver(problem).solve(problem, tol=tol, max_iter=100_000)
    assert solution.converged
    return solution


@st.composite
def graphs(draw):
    """A random graph of 1 to 7 tasks, with weights of both signs and any number of components."""
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    T = draw(st.integers(1, 7))
    upper = np.triu(rng.standard_normal((T, T)) * (rng.random((T, T)) < draw(st.sampled_from([0.0, 0.2, 0.5, 1.0]))), 1)
    return draw(st.sampled_from([1e-3, 1.0, 1e3])) * (upper + upper.T)


# The Laplacian ------------------------------------------------------------------------------------------------------


@given(graph=graphs(), seed=st.integers(0, 100))
@settings(deadline=None, max_examples=60, derandomize=True)
def test_the_laplacian_is_the_sum_over_edges(graph, seed):
    A = np.random.default_rng(seed).standard_normal((3, len(graph)))
    s, t, w = edges_of(graph)
    by_edges = 0.5 * 0.7 * np.sum(np.abs(w) * (A[:, s] - np.sign(w) * A[:, t]) ** 2)
    penalty = GraphLaplacian(graph, alpha=0.7)
    assert_allclose(penalty.value(A), by_edges, rtol=1e-10, atol=1e-12 * np.abs(graph).max())
    dense = 0.7 * laplacian(graph)
    quadratic = penalty.task_quadratic(len(graph))
    assert_allclose(quadratic.matrix, dense, atol=1e-12 * np.abs(graph).max(initial=1.0))
    assert_allclose(quadratic.times(A), A @ dense, atol=1e-11 * np.abs(graph).max(initial=1.0))
    assert_allclose(penalty.prox(A, 2.0), A @ np.linalg.inv(np.eye(len(graph)) + 2.0 * dense), atol=1e-10)
    assert_allclose((A @ incidence(graph)) ** 2 @ (1.0 / np.abs(w)), 2 / 0.7 * by_edges_by_row(A, graph), rtol=1e-10)


def by_edges_by_row(A, graph):
    return 0.5 * 0.7 * np.einsum("js,st,jt->j", A, laplacian(graph), A)


@given(graph=graphs())
@settings(deadline=None, max_examples=60, derandomize=True)
def test_balanced_components_are_the_null_space_of_the_laplacian(graph):
    Z, L = balanced_components(graph), laplacian(graph)
    scale = np.abs(graph).max(initial=0.0)
    assert_allclose(Z.T @ Z, np.eye(Z.shape[1]), atol=1e-14)
    assert_allclose(L @ Z, 0.0, atol=1e-13 * scale)
    assert Z.shape[1] == np.sum(np.linalg.eigvalsh(L) <= 1e-9 * scale)


def test_signs_that_contradict_each_other_leave_nothing_free():
    triangle = complete(3)
    assert balanced_components(triangle).shape == (3, 1)
    triangle[0, 1] = triangle[1, 0] = -1.0
    assert balanced_components(triangle).shape == (3, 0)
    triangle[0, 2] = triangle[2, 0] = -1.0  # two opposites of the first: balanced again
    assert_allclose(np.abs(balanced_components(triangle).T @ [1, -1, -1]), np.sqrt(3.0))


def test_graphs_may_be_sparse_lists_or_functions():
    A = np.random.default_rng(0).standard_normal((3, 4))
    given_as = [chain_graph(4), chain_graph, chain_graph(4).tolist(), sp.csr_array(chain_graph(4)), chain_graph(4) > 0]
    values = [GraphLaplacian(graph, 0.3).value(A) for graph in given_as]
    assert_allclose(values, 0.15 * np.sum(np.diff(A, axis=1) ** 2))


@pytest.mark.parametrize(
    ("graph", "error", "message"),
    [
        (np.eye(3), ValueError, r"0 on its diagonal .* task\(s\) \[0, 1, 2\]"),
        (chain_graph(4), ValueError, r"each of the 3 tasks, got shape \(4, 4\)"),
        (np.zeros(3), ValueError, r"got shape \(3,\)"),
        (np.triu(chain_graph(3)), ValueError, r"symmetric, but its weights between tasks 0 and 1 are 1 and 0"),
        (np.full((3, 3), np.nan), ValueError, "finite"),
        (None, TypeError, "matrix of numbers, got None"),
        ("chain", TypeError, "matrix of numbers, got 'chain'"),
    ],
)
def test_what_is_no_graph_is_refused(graph, error, message):
    with pytest.raises(error, match=rf"graph must .*{message}"):
        GraphLaplacian(graph).check(5, 3)


def test_a_graph_may_change_between_two_calls():
    graph = chain_graph(3)
    penalty, A = GraphLaplacian(graph), np.array([[1.0, 2.0, 5.0]])
    assert_allclose(penalty.value(A), 5.0)
    graph[0, 1] = graph[1, 0] = 0.0
    assert_allclose(penalty.value(A), 4.5)


@pytest.mark.parametrize("graph", [chain_graph, pair_graph, signed_graph])
def test_a_huge_weight_multiplies_no_rounding(graph):
    """What the tasks of a component have in common is no deviation, however strongly deviations are penalised."""
    Z = balanced_components(graph(5))
    A = 1e3 * np.random.default_rng(0).standard_normal((4, Z.shape[1])) @ Z.T
    exact = A @ (1e12 * laplacian(graph(5)))
    quadratic = GraphLaplacian(graph, 1e12).task_quadratic(5)
    assert quadratic.value(A) <= 1e-10
    assert np.abs(quadratic.times(A)).max() <= np.abs(exact).max() + 1e3


# Reductions ---------------------------------------------------------------------------------------------------------


@each(LOSSES, "loss")
def test_a_graph_without_edges_is_no_coupling(loss):
    nothing = GraphLaplacian(np.zeros((3, 3)))
    problem = make_problem(Sum(nothing, L1(0.05)), loss, design="stacked-unbalanced-weighted")
    alone = make_problem(L1(0.05), loss, design="stacked-unbalanced-weighted")
    assert problem.smooth is None
    assert_allclose(solve(problem).A, solve(alone).A, atol=1e-6)
    assert_array_equal(nothing.null_space(3), np.eye(3))


@each(LOSSES, "loss")
@each([L1(0.05), L1Lq(0.05), TraceNorm(0.05), Ridge(0.05)], "rest")
@pytest.mark.parametrize("weight", [1e4, 1e7])
def test_an_infinite_weight_is_the_pooled_model(loss, rest, weight):
    """All columns equal that of one task with all rows: its penalty is the value of T equal columns."""
    many = make_problem(rest, loss, design="stacked-unbalanced-weighted", fit_intercept=False, seed=2)
    penalty = Sum(GraphLaplacian(chain_graph, weight), rest)
    solution = solve(Problem.of(many.data, penalty), tol=1e-7)
    design = many.data.design
    rows = [design.task_rows(t, design.weights) for t in range(3)]
    y = np.concatenate([design.task_rows(t, many.data.target)[1] for t in range(3)])
    X, weights = np.concatenate([X for X, _ in rows]), np.concatenate([w for _, w in rows])
    one = problems.StackedDesign(X, np.zeros(len(X), dtype=int), 1, weights)
    scale = 1.0 / weights.sum()  # a single task has weights of mean 1 / n
    factor = {L1: 3.0, L1Lq: np.sqrt(3.0), TraceNorm: np.sqrt(3.0), Ridge: 3.0}[type(rest)]
    pooled = Problem(one, y, loss, (L1 if isinstance(rest, L1Lq | TraceNorm) else type(rest))(1.0), fit_intercept=False)
    if isinstance(rest, TraceNorm):  # the trace norm of one column is its length
        pooled = pooled.with_penalty(TraceNorm(1.0))
    pooled = pooled.with_penalty(pooled.penalty.scaled(rest.alpha * factor * scale))
    expected = solve(pooled).A
    assert_allclose(solution.A, np.repeat(expected, 3, axis=1), atol=30 / weight + 1e-3 * np.abs(expected).max())
    assert np.ptp(solution.A, axis=1).max() <= 30 / weight


@each(LOSSES, "loss")
@pytest.mark.parametrize("layout", ["shared-missing", "stacked-unbalanced-weighted"])
def test_a_complete_graph_is_mean_regularization(loss, layout):
    T, alpha, mean_alpha = 3, 0.4, 0.1
    graph = GraphLaplacian(complete(T) / T, alpha)
    A = np.random.default_rng(0).standard_normal((4, T))
    assert_allclose(graph.value(A), MeanRegularized(alpha).value(A))
    both = Sum(GraphLaplacian(complete(T) / T, alpha - mean_alpha), Ridge(mean_alpha))
    assert_allclose(both.prox(A, 2.0), MeanRegularized(alpha, mean_alpha).prox(A, 2.0))
    for penalty, other in ((graph, MeanRegularized(alpha)), (both, MeanRegularized(alpha, mean_alpha))):
        one, two = (solve(make_problem(p, loss, design=layout), tol=1e-12) for p in (penalty, other))
        assert_allclose(one.A, two.A, atol=1e-5)
        assert_allclose(one.certificate.objective, two.certificate.objective, rtol=1e-10)


def test_srmtl_and_tgl_minimise_the_objectives_of_malsar():
    """1/2 SSE + rho1 ||W R||_F^2 + rho2 |W|_1, and 1/2 SSE + rho1 ||W||^2 + rho2 ||W R||^2 + rho3 sum of row norms."""
    cp = pytest.importorskip("cvxpy")
    problem = make_problem(Ridge(1.0), design="stacked", shape=WIDE, fit_intercept=False)
    n = 1.0 / problem.data.design.weights[0]
    rows = [problem.data.design.task_rows(t, problem.data.target) for t in range(3)]
    R = np.array([[1.0, 0.0], [-1.0, 1.0], [0.0, -1.0]])
    W = cp.Variable((WIDE.d, 3))
    sse = 0.5 * sum(cp.sum_squares(X @ W[:, t] - y) for t, (X, y) in enumerate(rows))
    chain = cp.sum_squares(W @ R)
    for extra, ours in (
        (0.7 * chain + 0.9 * cp.norm1(W), Sum(GraphLaplacian(chain_graph, 1.4), L1(0.9))),
        (
            0.2 * cp.sum_squares(W) + 0.7 * chain + 0.9 * cp.sum(cp.norm(W, 2, axis=1)),
            Sum(Ridge(0.4), GraphLaplacian(chain_graph, 1.4), L1Lq(0.9)),
        ),
    ):
        program = cp.Problem(cp.Minimize(sse + extra))
        program.solve(solver="CLARABEL")
        found = solve(Problem.of(problem.data, ours.scaled(1.0 / n)))
        assert_allclose(n * found.certificate.objective, program.value, rtol=1e-7)
        assert_allclose(found.A, W.value, atol=1e-4)


# Certificates and solvers -------------------------------------------------------------------------------------------


@each([p for p in PENALTIES if isinstance(p, Sum)], "penalty")
@each(LOSSES, "loss")
def test_any_matrix_may_pull(penalty, loss):
    """The bound is below the optimum whatever B is, and where B = A it is the one of the point."""
    problem = make_problem(penalty, loss, design="stacked-unbalanced-weighted", seed=5)
    optimum = solve_reference(problem).objective
    solution = solve(problem, tol=1e-8)
    rng = np.random.default_rng(0)
    for size in (0.0, 1e-3, 0.1, 1.0):
        at = problem.settle([part + size * rng.standard_normal(part.shape) for part in solution.parts])
        for pull in (at.A, solution.A, solution.A + 0.1 * rng.standard_normal(at.A.shape), np.zeros_like(at.A)):
            assert lower_bound(problem, replace(at, pull=pull)) <= optimum + 1e-8
        assert_allclose(lower_bound(problem, replace(at, pull=at.A)), lower_bound(problem, at), rtol=1e-12)


@pytest.mark.parametrize("layout", ["shared", "shared-weighted"])
@pytest.mark.parametrize(("d", "moments"), [(40, True), (200, False), (200, True)])
@each([GraphLaplacian(chain_graph, 0.2), Sum(Ridge(0.01), GraphLaplacian(pair_graph, 0.3))], "penalty")
def test_common_eigenvectors_solve_the_normal_equations(layout, d, moments, penalty):
    shape = problems.Shape(30, d, 10)
    problem = make_problem(penalty, design=layout, shape=shape)
    if moments:
        data = problem.data
        fit = GramFit(data.moments(), data.fit_intercept)
        problem = Problem.of(fit, penalty)
    solver = problem.data.resolvent().coupled(np.eye(10) + signed_graph(10) @ signed_graph(10))
    B = np.random.default_rng(0).standard_normal((d, 10))
    X = solver(B)
    zero = np.zeros((10, 0))
    image = problem.data.settle(X, zero, None)[1].gradient - problem.data.settle(0 * X, zero, None)[1].gradient
    assert_allclose(image + X @ (np.eye(10) + signed_graph(10) @ signed_graph(10)), B, atol=1e-9)
    solution = ClosedForm().solve(problem, tol=1e-9)
    assert solution.converged
    assert solution.n_iter <= 3
    assert_allclose(solution.certificate.objective, FISTA().solve(problem, tol=1e-8).certificate.objective, rtol=1e-7)


@each(LOSSES, "loss")
@pytest.mark.parametrize("layout", ["shared-missing", "stacked-unbalanced-weighted"])
def test_tasks_without_neighbours_are_free(loss, layout):
    problem = make_problem(GraphLaplacian(pair_graph, 0.2), loss, design=layout)
    reference = solve_reference(problem)
    for solver in (FISTA(), choose_solver(problem)):
        found = solver.solve(problem, tol=1e-9, max_iter=10_000)
        assert found.converged
        assert -1e-9 <= found.certificate.objective - reference.objective <= found.certificate.gap + 1e-12
    alone = make_problem(GraphLaplacian(np.zeros((3, 3))), loss, design=layout)
    assert_allclose(found.A[:, 2], alone.settle([np.zeros((TALL.d, 3))]).A[:, 2], atol=1e-6)


@pytest.mark.parametrize("weight", [1e-6, 1.0, 1e3, 1e6])
@pytest.mark.parametrize("layout", ["shared-missing", "stacked-unbalanced-weighted"])
def test_splitting_does_not_mind_how_stiff_the_graph_is(weight, layout):
    for rest in (L1(0.05), L1Lq(0.05), TraceNorm(0.05)):
        penalty = Sum(rest, GraphLaplacian(chain_graph, weight))
        problem = make_problem(penalty, design=layout)
        solution = Splitting().solve(problem, tol=1e-7, max_iter=2000)
        assert solution.converged
        logistic = make_problem(penalty, Logistic(), design=layout)
        assert ProximalNewton().solve(logistic, tol=1e-6, max_iter=4000).converged


# Paths --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("l1_ratio", [0.3, 0.9])
def test_a_path_of_a_sum_is_the_elastic_net_path(l1_ratio, shared):
    X, Y = shared
    penalty = Sum(L1Lq(l1_ratio), Ridge(1.0 - l1_ratio))
    path = regularization_path(MultiTaskRegressor(penalty, tol=1e-10), X, Y, alphas=8)
    theirs = MultiTaskElasticNetCV(l1_ratio=l1_ratio, alphas=8, cv=3, tol=1e-10, max_iter=100_000).fit(X, Y)
    assert_allclose(path.alphas, theirs.alphas_, rtol=1e-10)
    for alpha, coef in zip(path.alphas, path.coef, strict=True):
        one = MultiTaskElasticNet(alpha, l1_ratio=l1_ratio, tol=1e-12, max_iter=100_000).fit(X, Y)
        assert_allclose(coef, one.coef_, atol=1e-5)
    ours = MultiTaskRegressorCV(penalty, alphas=8, cv=3, tol=1e-10).fit(X, Y)
    assert_allclose(ours.alpha_, theirs.alpha_)
    assert_allclose(ours.coef_, theirs.coef_, atol=1e-5)


def test_alpha_max_of_a_sum_is_that_of_its_rest():
    for loss in LOSSES:
        problem = make_problem(Sum(GraphLaplacian(chain_graph, 0.3), L1(0.1)), loss, design="stacked")
        alone = problem.with_penalty(L1(0.1))
        assert_allclose(alpha_max(problem) * 0.1, alpha_max(alone))
        top = problem.with_penalty(problem.penalty.scaled(alpha_max(problem)))
        assert_array_equal(solve(top).A, 0.0)
        below = problem.with_penalty(problem.penalty.scaled(0.99 * alpha_max(problem)))
        assert np.any(solve(below).A)


def test_estimators_take_sums(shared):
    X, Y = shared
    model = MultiTaskRegressor(Sum(GraphLaplacian(chain_graph, 0.1), L1(0.05))).fit(X, Y)
    assert model.dual_gap_ <= 1e-6 * model.null_objective_
    classifier = MultiTaskClassifier(Sum(GraphLaplacian(chain_graph, 0.1), L1(0.01))).fit(X, Y.mean(axis=0) < Y)
    assert classifier.dual_gap_ <= 1e-6 * classifier.null_objective_


def test_float32_stays_float32(shared):
    X, Y = (np.float32(M) for M in shared)
    for penalty in (GraphLaplacian(chain_graph, 0.1), Sum(Ridge(0.1), GraphLaplacian(chain_graph, 0.1), L1(0.05))):
        V = X[:5, :4]
        assert penalty.prox(V, 0.5).dtype == np.float32
        model = MultiTaskRegressor(penalty, tol=1e-5).fit(X, Y)
        assert model.coef_.dtype == np.float32
        double = MultiTaskRegressor(penalty, tol=1e-9).fit(X.astype(float), Y.astype(float))
        assert_allclose(model.coef_, double.coef_, atol=2e-3)


def test_check_graph_copies():
    graph = chain_graph(TALL.T)
    checked = check_graph(graph, TALL.T)
    checked[0, 1] = 9.0
    assert graph[0, 1] == 1.0
