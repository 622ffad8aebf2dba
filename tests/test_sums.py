"""Sums of a penalty and quadratics between tasks: what is added up, and what is a closed formula."""

from __future__ import annotations

import numpy as np
import pytest
from catalogue import each, pair_graph, signed_graph
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from problems import make_problem
from test_graphs_and_sums import graphs

from mtlinear.penalties import (
    L1,
    Clustered,
    GraphLaplacian,
    InfimalConvolution,
    L1Lq,
    MeanRegularized,
    Ridge,
    Sum,
    TaskQuadratic,
    TraceNorm,
    chain_graph,
)
from mtlinear.penalties._graph import balanced_components, laplacian
from mtlinear.reference import penalty_conjugate, penalty_prox, solve_reference
from mtlinear.solvers import Splitting

# Sums ---------------------------------------------------------------------------------------------------------------


def test_the_smooth_part_of_a_sum():
    rest, quadratic = Sum(Ridge(0.1), L1(0.3), GraphLaplacian(chain_graph, 2.0)).smooth_part(3)
    assert repr(rest) == "L1(alpha=0.3)"
    assert_allclose(quadratic.matrix, 0.1 * np.eye(3) + 2.0 * laplacian(chain_graph(3)), atol=1e-12)
    nested = Sum(Sum(L1(0.3), Ridge(0.1)), MeanRegularized(1.0)).smooth_part(3)
    assert repr(nested[0]) == "L1(alpha=0.3)"
    assert_allclose(nested[1].matrix, 1.1 * np.eye(3) - 1.0 / 3.0, atol=1e-12)
    of_quadratics = Sum(Ridge(0.1), MeanRegularized(1.0))
    assert of_quadratics.smooth_part(3) == (of_quadratics, None)


@given(first=graphs(), strength=st.sampled_from([0.0, 0.3, 1e3]), seed=st.integers(0, 100))
@settings(deadline=None, max_examples=40, derandomize=True)
def test_quadratics_add_up(first, strength, seed):
    T = len(first)
    other = signed_graph(T) if seed % 2 else pair_graph(T)
    added = [TaskQuadratic.of_matrix(laplacian(g), balanced_components(g)) for g in (first, other)]
    total = (added[0] + added[1]).shifted(strength)
    Q = laplacian(first) + laplacian(other) + strength * np.eye(T)
    unit = np.abs(Q).max(initial=1.0)
    assert_allclose(total.matrix, Q, atol=1e-11 * unit)
    eigenvalues = np.linalg.eigvalsh(Q)
    assert_allclose([total.smallest, total.largest], eigenvalues[[0, -1]], atol=1e-11 * unit)
    free = total.null_space
    assert_allclose(Q @ free, 0.0, atol=1e-11 * unit)
    if strength:
        assert free.shape[1] == 0
    else:
        assert free.shape[1] == np.sum(eigenvalues <= 1e-9 * unit)


@pytest.mark.parametrize("step", [0.1, 3.0])
@each([L1(0.3), TraceNorm(0.3), L1Lq(0.3), Clustered(2, 0.3, mean_ratio=0.0)], "rest")
def test_a_ridge_beside_a_penalty_has_a_closed_prox(rest, step):
    V = np.random.default_rng(0).standard_normal((4, 3))
    penalty = Sum(rest, Ridge(0.7))
    expected = rest.prox(V / (1 + 0.7 * step), step / (1 + 0.7 * step))
    assert_allclose(penalty.prox(V, step), expected, rtol=1e-14)
    assert_allclose(penalty.prox(V, step), penalty_prox(penalty, V, step), atol=1e-4)
    assert_allclose(penalty.conjugate(V), penalty_conjugate(penalty, V), rtol=1e-6)
    assert penalty.gauge(V) == 0.0


@pytest.mark.parametrize("graph", [chain_graph, pair_graph])
@each([L1(0.3), L1Lq(0.3), TraceNorm(0.3)], "rest")
def test_gauge_of_a_sum_is_that_of_its_free_directions(graph, rest):
    """dom (R + q)* = dom R* + range Q: by cvxpy, the smallest gauge of R over G - V with V in that range."""
    cp = pytest.importorskip("cvxpy")
    G = np.random.default_rng(1).standard_normal((3, 3))
    V, L = cp.Variable((3, 3)), laplacian(graph(3))
    norms = {
        L1: lambda M: cp.max(cp.abs(M)),
        L1Lq: lambda M: cp.max(cp.norm(M, 2, axis=1)),
        TraceNorm: lambda M: cp.sigma_max(M),
    }
    program = cp.Problem(cp.Minimize(norms[type(rest)](G - V @ L) / rest.alpha))
    program.solve(solver="CLARABEL")
    gauge = Sum(rest, GraphLaplacian(graph)).gauge(G)
    assert_allclose(gauge, program.value, rtol=1e-6)
    assert gauge >= program.value * (1 - 1e-7)


@each([L1(0.1), Clustered(2, 0.2)], "rest")
def test_a_sum_with_a_graph_may_be_a_part(rest):
    penalty = InfimalConvolution(Sum(rest, GraphLaplacian(chain_graph, 0.2)), TraceNorm(0.2))
    problem = make_problem(penalty, design="stacked")
    solution = Splitting().solve(problem, tol=1e-6)
    optimum = solve_reference(problem).objective
    assert solution.converged
    assert -1e-8 <= solution.certificate.objective - optimum <= solution.certificate.gap


def test_sums_refuse_what_they_cannot_add():
    with pytest.raises(ValueError, match="Sum takes at most one penalty that is not a quadratic"):
        Sum(L1(), TraceNorm(), Ridge()).check(4, 3)
    with pytest.raises(ValueError, match="Sum needs at least two"):
        Sum(L1()).check(4, 3)
    with pytest.raises(TypeError, match="penalty_1 must be a Penalty"):
        Sum(L1(), 2.0).check(4, 3)
    with pytest.raises(ValueError, match="alpha must be"):
        Sum(L1(), Ridge(alpha=-1.0)).check(4, 3)


def test_parameters_of_a_sum_are_named_by_position():
    penalty = Sum(L1(0.1), GraphLaplacian(chain_graph, 0.5))
    assert penalty.get_params()["penalty_1__alpha"] == 0.5
    penalty.set_params(penalty_1__alpha=0.7, penalty_0=L1Lq(0.2))
    assert penalty.penalties[1].alpha == 0.7
    with pytest.raises(ValueError, match="Sum has"):
        penalty.set_params(penalty_2=Ridge())
