"""The parts of the splitting solver: inverses, coupled systems, acceleration, closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from problems import DESIGNS, TALL, WIDE, Shape, make_problem

from mtlinear.datafit import Coupled, RowsFit, _resolvent
from mtlinear.losses import Squared
from mtlinear.path import sweep
from mtlinear.penalties import L1, InfimalConvolution, L1Lq, MeanRegularized, Ridge, TraceNorm
from mtlinear.problem import Problem
from mtlinear.solvers import ClosedForm, Splitting
from mtlinear.solvers._anderson import Anderson
from mtlinear.solvers._splitting import _Steps

LAYOUTS = list(DESIGNS)


def hessians(problem):
    """H_t of every task, written out."""
    design = problem.data.design
    rows = [design.task_rows(t, design.weights) for t in range(design.n_tasks)]
    return np.array([(X * weights[:, None]).T @ X for X, weights in rows])


# Inverses ------------------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(LAYOUTS), st.sampled_from([TALL, WIDE, Shape(3, 9, 3)]), st.integers(0, 10_000))
def test_the_resolvent_solves_its_systems(layout, shape, seed):
    problem = make_problem(Ridge(), design=layout, shape=shape, seed=seed)
    rng = np.random.default_rng(seed)
    resolvent, H = problem.data.resolvent(), hessians(problem)
    assert_allclose(resolvent.diagonal, np.diagonal(H, axis1=1, axis2=2).T, atol=1e-12)
    width = shape.T if resolvent.by_task else 1
    for weight in (np.full((1, 1), 0.3), rng.uniform(0.1, 2.0, (shape.d, width))):
        B = rng.standard_normal((shape.d, shape.T))
        W = np.broadcast_to(weight, B.shape)
        inverses = [np.linalg.inv(H[t] + np.diag(W[:, t])) for t in range(shape.T)]
        inverse = resolvent.at(weight)
        assert_allclose(inverse(B), np.column_stack([inverses[t] @ B[:, t] for t in range(shape.T)]), atol=1e-9)
        c = rng.standard_normal(shape.T)
        assert_allclose(inverse.combined(c), np.tensordot(c, inverses, axes=1), atol=1e-9)
        assert_allclose(inverse.lost(B), B / W - inverse(B), atol=1e-9)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(LAYOUTS), st.sampled_from([TALL, WIDE]), st.sampled_from([-0.4, -0.1, 0.7]), st.integers(1, 2))
def test_coupled_systems_are_solved(layout, shape, delta, k):
    """Against the whole system, n_features n_tasks unknowns."""
    problem = make_problem(Ridge(), design=layout, shape=shape)
    rng = np.random.default_rng(k)
    Z = np.linalg.qr(rng.standard_normal((shape.T, k)))[0]
    weight, H = 0.4, hessians(problem)
    whole = np.kron(np.eye(shape.T) * weight + delta * Z @ Z.T, np.eye(shape.d))
    for t in range(shape.T):
        own = slice(t * shape.d, (t + 1) * shape.d)
        whole[own, own] += H[t]
    resolvent = problem.data.resolvent()
    inverse = resolvent.at(np.full((1, 1), weight))
    solve = Coupled(inverse, Z, np.full(k, delta), np.full(k, weight + delta), resolvent.curvature)
    truth = rng.standard_normal((shape.d, shape.T))
    B = (whole @ truth.T.ravel()).reshape(shape.T, shape.d).T
    found = solve(B)
    assert_allclose((whole @ found.T.ravel()).reshape(shape.T, shape.d).T, B, atol=1e-8)
    if shape is TALL or weight + delta > 0:  # otherwise features that no task sees have no unique solution
        assert_allclose(found, truth, atol=1e-7)


def test_factorizations_are_kept_along_a_path(monkeypatch):
    """Every alpha starts with the same inverse."""
    made = []
    inverses = _resolvent._inverses
    monkeypatch.setattr(_resolvent, "_inverses", lambda *given: made.append(1) or inverses(*given))
    problem = make_problem(TraceNorm(0.1), shape=Shape(60, 6, 3))
    starts = []
    start = _Steps._start
    monkeypatch.setattr(_Steps, "_start", lambda self, z, u: starts.append(1) or start(self, z, u))
    solved = list(sweep(problem, [0.3, 0.2, 0.1, 0.05], Splitting()))
    assert all(solution.converged for _, solution in solved)
    assert len(starts) >= 4
    assert len(made) <= len(starts) - 3


# Acceleration --------------------------------------------------------------------------------------------------------


def iterate(matrix, start, steps, accelerate):
    point = start.copy()
    anderson = Anderson(8, 8, np.ones((1, 1, 1)))
    for _ in range(steps):
        image = (matrix @ point.ravel()).reshape(point.shape)
        point = anderson.next(point, image) if accelerate else image
    return np.abs(point).max()


def test_acceleration_solves_linear_iterations(rng):
    Q = np.linalg.qr(rng.standard_normal((8, 8)))[0]
    matrix = (Q * np.linspace(0.5, 0.999, 8)) @ Q.T
    start = rng.standard_normal((1, 4, 2))
    assert iterate(matrix, start, 60, True) < 1e-4 * iterate(matrix, start, 60, False)


def test_an_extrapolation_that_makes_it_worse_is_taken_back():
    anderson = Anderson(4, 2, np.ones((1, 1, 1)))
    point = np.full((1, 1, 1), 1.0)
    for value in (0.9, 0.7):
        image = np.full((1, 1, 1), value)
        new = anderson.next(point, image)
        point = image
    assert not np.array_equal(new, image)  # extrapolated
    assert_array_equal(anderson.next(new, new + 100.0), image)  # the residual grew: as if there had been nothing


# The whole solver ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_the_penalty_parameter_changes_a_logarithmic_number_of_times(scale, monkeypatch):
    starts = []
    start = _Steps._start
    monkeypatch.setattr(_Steps, "_start", lambda self, z, u: starts.append(1) or start(self, z, u))
    shaped = make_problem(L1Lq(0.05), shape=Shape(40, 12, 3))
    X = shaped.data.design.task_rows(0, shaped.data.design.weights)[0] * np.logspace(-2, 2, 12)
    design = type(shaped.data.design)(scale * X, 3)
    problem = Problem(
        design, shaped.data.target, Squared(), InfimalConvolution(TraceNorm(0.05 * scale), L1(0.02 * scale))
    )
    solution = Splitting().solve(problem, max_iter=20_000)
    assert solution.converged
    assert len(starts) <= 2 + np.log2(max(solution.n_iter, 2))


def test_iterations_touch_no_row(monkeypatch):
    """With more rows than features they work on moments; the rows are read to start and to certify."""
    problem = make_problem(TraceNorm(0.1), shape=Shape(200, 5, 3))
    assert problem.data.compressed() is not problem.data
    passes = []
    settle = RowsFit.settle
    monkeypatch.setattr(RowsFit, "settle", lambda self, *a, **k: passes.append(1) or settle(self, *a, **k))
    solution = Splitting().solve(problem, tol=1e-10)
    assert solution.n_iter >= 10
    assert len(passes) <= 3


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", [TALL, WIDE], ids=str)
@pytest.mark.parametrize("penalty", [Ridge(0.3), MeanRegularized(0.3), MeanRegularized(0.3, mean_alpha=0.05)], ids=repr)
@pytest.mark.parametrize("l2_alpha", [0.0, 0.2])
def test_the_closed_form_is_one_solve(layout, shape, penalty, l2_alpha):
    problem = Problem.of(make_problem(penalty, design=layout, shape=shape).data, penalty, l2_alpha=l2_alpha)
    solution = ClosedForm().solve(problem, tol=1e-12)
    assert solution.converged
    assert solution.n_iter <= 2
    A = solution.A
    slope = problem.settle(solution.parts).reading.gradient + l2_alpha * A
    mean = A.mean(axis=1, keepdims=True)
    pull = penalty.alpha * A if isinstance(penalty, Ridge) else penalty.alpha * (A - mean) + penalty.mean_alpha * mean
    assert_allclose(slope + pull, 0.0, atol=1e-10)


@pytest.mark.parametrize("penalty", [L1(1.0), TraceNorm(1.0), InfimalConvolution(Ridge(), L1())], ids=repr)
def test_the_closed_form_refuses_what_has_none(penalty):
    assert "quadratic" in ClosedForm().refuses(make_problem(penalty))
