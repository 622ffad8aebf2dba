"""Squared norms: their roots, the covariances that are learned along, and the joint problems they come from."""

from __future__ import annotations

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from problems import make_problem
from sklearn.exceptions import NotFittedError
from spectraltools import explore, matrices, norm_of, orthonormal

import mtlinear
from mtlinear.penalties import (
    L1,
    ColumnSparse,
    FeatureLearning,
    L1Lq,
    Ridge,
    SpectralKSupport,
    SquaredNorm,
    TaskRelationship,
    TraceNorm,
)
from mtlinear.penalties._squared import root_of, root_of_sizes, threshold_squared
from mtlinear.reference import CLARABEL_OPTIONS
from mtlinear.solvers import FISTA

# prox -----------------------------------------------------------------------------------------------------------------


@explore(200)
@given(seed=st.integers(0, 10_000), n=st.integers(1, 30), c=st.sampled_from([1e-12, 1e-3, 1.0, 50.0, 1e12]))
def test_root_of_sizes(seed, n, c):
    rng = np.random.default_rng(seed)
    sizes = rng.exponential(size=n) * (rng.random(n) < 0.8)
    t = root_of_sizes(sizes, c)
    assert 0.0 <= t <= sizes.max(initial=0.0) * (1 + 1e-15)
    # t/c = sum (n - t)_+ has no other root; near it the left side is 1/c steep and the right one at most n.
    assert abs(t / c - np.maximum(sizes - t, 0.0).sum()) <= 1e-14 * (1.0 / c + n) * sizes.max(initial=0.0)


@explore(300)
@given(V=matrices(scales=30), c=st.sampled_from([1e-14, 1e-6, 1e-3, 0.1, 1.0, 100.0, 1e9]))
def test_squared_trace_norm_is_that_of_the_svd(V, c):
    kept = V.copy()
    P = threshold_squared(V, c)
    assert P.dtype == V.dtype
    np.testing.assert_array_equal(V, kept)
    U, s, Wt = np.linalg.svd(V.astype(float), full_matrices=False)
    expected = (U * np.maximum(s - root_of_sizes(s, c), 0.0)) @ Wt
    scale = norm_of(V) or 1.0
    assert np.linalg.norm((P - expected) / scale) <= (2e-6 if V.dtype == np.float32 else 2e-12)


@pytest.mark.parametrize("alpha", [0.3, 1.0, 4.0])
@pytest.mark.parametrize("c", [1e-6, 0.02, 1.0, 300.0])
@pytest.mark.parametrize(
    "make", [L1, L1Lq, ColumnSparse, lambda alpha: L1Lq(alpha, q=1)], ids=["L1", "rows", "cols", "1"]
)
def test_exact_roots_are_those_of_the_search(make, alpha, c, monkeypatch):
    V = np.random.default_rng(0).standard_normal((7, 5))
    norm = make(alpha)
    exact = root_of(norm, V, c)
    monkeypatch.setattr("mtlinear.penalties._squared._sizes", lambda norm, V: None)
    searched = root_of(norm, V, c)
    assert_allclose(exact, searched, rtol=1e-12)
    assert_allclose(exact, c * norm.value(norm.prox(V, exact)), rtol=1e-11)


@pytest.mark.parametrize("norm", [L1Lq(0.7, q=np.inf), L1Lq(2.0, q=1.5), ColumnSparse(1.3, q=4)], ids=repr)
@pytest.mark.parametrize("c", [1e-8, 0.02, 1.0, 1e8])
def test_searched_roots(norm, c):
    V = np.random.default_rng(0).standard_normal((7, 5))
    t = root_of(norm, V, c)
    assert 0.0 < t <= norm.gauge(V)
    assert abs(t - c * norm.value(norm.prox(V, t))) <= 1e-13 * (1.0 + c * norm.value(V))
    assert root_of(norm, np.zeros((7, 5)), c) == 0.0


def test_the_trace_norm_may_have_any_strength_in_a_square():
    V = np.random.default_rng(0).standard_normal((7, 5))
    one, other = SquaredNorm(TraceNorm(3.0), alpha=0.1), FeatureLearning(alpha=0.9)
    assert_allclose(one.value(V), other.value(V))
    assert_allclose(one.prox(V, 0.4), other.prox(V, 0.4), atol=1e-14)
    assert_allclose(one.conjugate(V), other.conjugate(V))


@pytest.mark.parametrize("shape", [(6, 4), (4, 6)])
@pytest.mark.parametrize("step", [1e-4, 0.3, 20.0])
def test_three_ways_to_the_squared_trace_norm(shape, step):
    """By the square, as k-support norm with k = 1 (another allocation), and as task relationships without a ridge."""
    V = np.random.default_rng(1).standard_normal(shape)
    penalties = [FeatureLearning(0.7), SpectralKSupport(0.7, k=1), TaskRelationship(0.7, 0.0), SquaredNorm(alpha=0.7)]
    for method in (lambda p: p.value(V), lambda p: p.prox(V, step), lambda p: p.conjugate(V)):
        first, *others = [method(penalty) for penalty in penalties]
        for other in others:
            assert_allclose(other, first, rtol=1e-12, atol=1e-13)


def test_squares_of_one_row_are_a_ridge():
    """With one feature trace norm and sum of row lengths are the length of the row."""
    V = np.random.default_rng(0).standard_normal((1, 5))
    for penalty in (FeatureLearning(0.3), FeatureLearning(0.3, diagonal=True), SquaredNorm(L1Lq(), alpha=0.3)):
        assert_allclose(penalty.value(V), Ridge(0.3).value(V))
        assert_allclose(penalty.prox(V, 0.5), Ridge(0.3).prox(V, 0.5))
        assert_allclose(penalty.conjugate(V), Ridge(0.3).conjugate(V))


@pytest.mark.parametrize(("bad", "error", "name"), [
    (SquaredNorm(Ridge()), TypeError, "norm"),
    (SquaredNorm("L1"), TypeError, "norm"),
    (SquaredNorm(L1(alpha=-1.0)), ValueError, "alpha"),
    (SquaredNorm(L1(), alpha=0.0), ValueError, "alpha"),
    (FeatureLearning(alpha=np.nan), ValueError, "alpha"),
    (FeatureLearning(diagonal=1), TypeError, "diagonal"),
    (TaskRelationship(alpha=0.0), ValueError, "alpha"),
    (TaskRelationship(ridge_ratio=-0.1), ValueError, "ridge_ratio"),
    (TaskRelationship(ridge_ratio=None), TypeError, "ridge_ratio"),
], ids=repr)  # fmt: skip
def test_bad_parameters_are_refused_by_name(bad, error, name):
    with pytest.raises(error, match=rf"\b{name}\b"):
        bad.check(5, 3)


# What is learned along ------------------------------------------------------------------------------------------------


@explore(100)
@given(seed=st.integers(0, 10_000), d=st.integers(1, 6), T=st.integers(1, 6), r=st.integers(1, 6))
def test_covariances_attain_the_minimum(seed, d, T, r):
    """The penalty is the least of tr over all covariances: attained at the learned one, not below it anywhere."""
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((d, min(r, d, T))) @ rng.standard_normal((min(r, d, T), T))
    square = FeatureLearning(2.0).value(A)
    tasks, features = TaskRelationship().task_covariance(A), FeatureLearning().feature_covariance(A)
    diagonal = FeatureLearning(diagonal=True).feature_covariance(A)
    for S in (tasks, features, diagonal):
        assert_allclose(S, S.T, atol=1e-15)
        assert_allclose(np.trace(S), 1.0)
        assert np.linalg.eigvalsh(S)[0] >= -1e-15
    inverse = {"rcond": 1e-9, "hermitian": True}
    assert_allclose(np.trace(A @ np.linalg.pinv(tasks, **inverse) @ A.T), square, rtol=1e-7)
    assert_allclose(np.trace(A.T @ np.linalg.pinv(features, **inverse) @ A), square, rtol=1e-7)
    assert_allclose(np.sum(A**2 / np.diag(diagonal)[:, None]), FeatureLearning(2.0, True).value(A), rtol=1e-12)
    other = rng.standard_normal((T, T))
    other = other @ other.T
    assert np.trace(A @ np.linalg.solve(other / np.trace(other), A.T)) >= square * (1 - 1e-9)


def test_covariances_of_nothing_are_uninformed():
    A = np.zeros((4, 3), np.float32)
    assert_allclose(TaskRelationship().task_covariance(A), np.eye(3) / 3, rtol=1e-7)
    assert_allclose(FeatureLearning().feature_covariance(A), np.eye(4) / 4)
    assert_allclose(FeatureLearning(diagonal=True).feature_covariance(A), np.eye(4) / 4)
    assert TaskRelationship().task_covariance(A).dtype == np.float32
    assert Ridge().task_covariance(A) is None
    assert Ridge().feature_covariance(A) is None


# The joint problem of Zhang & Yeung (2010) ----------------------------------------------------------------------------


def joint_objective(X, Y, A, S, lam1, lam2):
    """1/(2n) ||Y - XA||^2 + lam1/2 tr(AA') + lam2/2 tr(A S^-1 A')."""
    fit = 0.5 * np.sum((Y - X @ A) ** 2) / len(X)
    return fit + 0.5 * lam1 * np.sum(A**2) + 0.5 * lam2 * np.trace(A @ np.linalg.solve(S, A.T))


@pytest.fixture
def relationship():
    rng = np.random.default_rng(0)
    penalty = TaskRelationship(alpha=0.05, ridge_ratio=0.4)
    problem = make_problem(penalty, fit_intercept=False, seed=5)
    X, Y = problem.data.design.task_rows(0, problem.data.design.weights)[0], problem.data.target
    return rng, problem, X, Y, 0.02, 0.05


def test_alternating_minimisation_comes_down_to_the_same_objective(relationship):
    """Zhang & Yeung's algorithm by hand: A for a given covariance (a linear system), the covariance for a given A."""
    _, problem, X, Y, lam1, lam2 = relationship
    solution = FISTA().solve(problem, tol=1e-12, max_iter=100_000)
    n, d, T = len(X), X.shape[1], Y.shape[1]
    S, objectives = np.eye(T) / T, []
    for _ in range(3000):
        system = np.kron(np.eye(T), X.T @ X / n + lam1 * np.eye(d)) + lam2 * np.kron(np.linalg.inv(S), np.eye(d))
        A = np.linalg.solve(system, (X.T @ Y / n).T.ravel()).reshape(T, d).T
        root = TaskRelationship().task_covariance(A)
        S = root + 1e-12 * np.eye(T)
        S /= np.trace(S)
        objectives.append(joint_objective(X, Y, A, S, lam1, lam2))
    optimum = solution.certificate.objective
    assert min(objectives) >= optimum - solution.certificate.gap
    assert_allclose(objectives[-1], optimum, rtol=1e-7)
    assert objectives[0] > optimum * (1 + 1e-4)
    assert_allclose(A, solution.A, atol=1e-4)


def test_the_covariance_at_the_optimum_reproduces_the_joint_objective(relationship):
    rng, problem, X, Y, lam1, lam2 = relationship
    solution = FISTA().solve(problem, tol=1e-13, max_iter=100_000)
    S = problem.penalty.task_covariance(solution.A)
    assert_allclose(joint_objective(X, Y, solution.A, S, lam1, lam2), solution.certificate.objective, rtol=1e-9)
    # No other pair near by is better.
    for _ in range(20):
        B = solution.A + 0.05 * rng.standard_normal(solution.A.shape)
        step = S + 0.02 * np.cov(rng.standard_normal((3, 8)))
        assert joint_objective(X, Y, B, step / np.trace(step), lam1, lam2) >= solution.certificate.bound


@pytest.mark.filterwarnings("ignore:Solution may be inaccurate")
def test_joint_problem_by_cvxpy(relationship):
    """Both variables at once: the semidefinite program of the paper."""
    _, problem, X, Y, lam1, lam2 = relationship
    A, S = cp.Variable((X.shape[1], Y.shape[1])), cp.Variable((Y.shape[1], Y.shape[1]), PSD=True)
    fit = 0.5 * cp.sum_squares(Y - X @ A) / len(X)
    program = cp.Problem(
        cp.Minimize(fit + 0.5 * lam1 * cp.sum_squares(A) + 0.5 * lam2 * cp.matrix_frac(A.T, S)), [cp.trace(S) == 1]
    )
    program.solve(solver="CLARABEL", **CLARABEL_OPTIONS)
    solution = FISTA().solve(problem, tol=1e-12, max_iter=100_000)
    assert_allclose(solution.certificate.objective, program.value, rtol=1e-6)
    assert_allclose(problem.penalty.task_covariance(solution.A), S.value, atol=1e-3)


def test_covariances_tell_opposite_tasks_from_unrelated_ones():
    rng = np.random.default_rng(0)
    u, v = orthonormal(8, 2, rng).T
    S = TaskRelationship().task_covariance(np.column_stack([u, u, -u, v]))
    assert_allclose(S[0], np.array([1, 1, -1, 0]) * S[0, 0], atol=1e-12)
    assert S[3, 3] > 0


# The estimators -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_estimators_publish_what_is_learned(dtype):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((80, 5)).astype(dtype)
    Y = (X @ rng.standard_normal((5, 3)) + rng.standard_normal((80, 3))).astype(dtype)
    for name, penalty in (
        ("TaskRelationship", TaskRelationship(0.2, 0.3)),
        ("FeatureLearning", FeatureLearning(0.2)),
        ("FeatureLearning", FeatureLearning(0.2, diagonal=True)),
    ):
        model = getattr(mtlinear, f"{name}Regressor")(**penalty.get_params())
        attribute = "task_covariance_" if name == "TaskRelationship" else "feature_covariance_"
        with pytest.raises(NotFittedError):
            getattr(model, attribute)
        model.fit(X, Y)
        assert_allclose(model.coef_, mtlinear.MultiTaskRegressor(penalty).fit(X, Y).coef_, atol=0)
        S = getattr(model, attribute)
        assert S.dtype == dtype
        assert_allclose(S, getattr(penalty, attribute[:-1])(model.coef_.T), atol=1e-6)
        classifier = getattr(mtlinear, f"{name}Classifier")(**penalty.get_params()).fit(X, Y[:, 0] > 0)
        assert_allclose(np.trace(getattr(classifier, attribute)), 1.0, rtol=1e-6)
