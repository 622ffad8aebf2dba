"""Box norms: the allocation, the k-support norm and its ends, clusters and convex ASO as box norms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from problems import make_problem
from scipy.optimize import linprog
from spectraltools import explore, matrices, norm_of

from mtlinear.losses import Logistic, Squared
from mtlinear.penalties import Clustered, ConvexASO, FeatureLearning, Ridge, SpectralBox, SpectralKSupport
from mtlinear.penalties._box import Box, allocate
from mtlinear.reference import penalty_value
from mtlinear.solvers import FISTA, Splitting

STEPS = st.sampled_from([1e-6, 0.1, 1.0, 30.0])


@explore(300)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(1, 12),
    lower=st.sampled_from([0.0, 1e-6, 0.3, 1.0]),
    share=st.floats(0.05, 1.0),
    shift=st.sampled_from([0.0, 0.01, 5.0]),
)
def test_allocation_is_optimal(seed, n, lower, share, shift):
    """Feasible, and no linear programme finds a way down (the problem is convex)."""
    rng = np.random.default_rng(seed)
    s = np.sort(rng.exponential(size=n) * rng.choice([1.0, 1.0, 1e-5, 0.0], n))[::-1]
    upper, n_top = 1.5, share * n
    theta = allocate(s, lower, upper, n_top, shift)
    budget = n_top * upper + (n - n_top) * lower
    assert np.all((theta >= lower) & (theta <= upper))
    used = s > 0
    assert theta[used].sum() <= budget * (1 + 1e-12)
    if shift == 0.0 and lower == 0.0:
        return  # slopes are infinite at the ends; the conjugate below covers it
    slope = np.where(used, -((s / (theta + shift)) ** 2), 0.0)
    best = linprog(slope, A_ub=np.ones((1, n)), b_ub=[budget], bounds=[(lower, upper)] * n)
    assert slope @ theta <= best.fun + 1e-9 * (1.0 + abs(best.fun))


@explore(200)
@given(A=matrices(scales=30), k=st.sampled_from([0.5, 1, 1.7, 2, 5, 400]), lower=st.sampled_from([0.0, 1e-5, 0.2, 1.0]))
def test_fenchel_equality_at_the_gradient(A, k, lower):
    """theta of A gives the gradient G = U diag(s / theta) W'; there value + conjugate = <G, A>."""
    A = A.astype(float)
    A /= norm_of(A) or 1.0
    penalty = SpectralBox(alpha=1.0, k=k, lower=lower, upper=1.0)
    box = penalty._box(A.shape)
    U, s, Wt = np.linalg.svd(A, full_matrices=False)
    theta = box.spectrum(s)
    slopes = np.divide(s, theta, out=np.zeros_like(s), where=s > 1e-12)
    G = (U * slopes) @ Wt
    kept = (U * np.where(s > 1e-12, s, 0.0)) @ Wt
    gap = penalty.value(kept) + penalty.conjugate(G) - np.sum(G * kept)
    assert abs(gap) <= 1e-9 * (1.0 + np.sum(G**2))


@explore(300)
@given(
    V=matrices(scales=30), k=st.sampled_from([0.5, 1, 1.7, 2, 5, 400]), lower=st.sampled_from([0.0, 0.2]), step=STEPS
)
def test_prox_is_that_of_the_svd(V, k, lower, step):
    scale = norm_of(V) or 1.0
    penalty = SpectralBox(alpha=0.7, k=k, lower=lower, upper=1.3)
    P = penalty.prox(V, step)
    assert P.dtype == V.dtype
    U, s, Wt = np.linalg.svd(V.astype(float), full_matrices=False)
    theta = allocate(s, lower / 0.7, 1.3 / 0.7, min(k, s.size), step)
    expected = (U * (s * theta / (theta + step))) @ Wt
    assert np.linalg.norm((P - expected) / scale) <= (1e-5 if V.dtype == np.float32 else 2e-12)


# The ends -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(6, 4), (4, 6)])
def test_ends_of_the_k_support_norm(shape):
    A = np.random.default_rng(0).standard_normal(shape)
    for k, other in ((1, FeatureLearning(0.7)), (4, Ridge(0.7)), (9, Ridge(0.7)), (0.5, FeatureLearning(1.4))):
        penalty = SpectralKSupport(0.7, k=k)
        assert_allclose(penalty.value(A), other.value(A), rtol=1e-12)
        assert_allclose(penalty.conjugate(A), other.conjugate(A), rtol=1e-12)
        for step in (0.01, 1.0, 50.0):
            assert_allclose(penalty.prox(A, step), other.prox(A, step), atol=1e-13)
    values = [SpectralKSupport(0.7, k=k).value(A) for k in (1, 1.5, 2, 2.5, 3, 3.9, 4)]
    assert values == sorted(values, reverse=True)
    box, support = SpectralBox(0.7, 2.5, 0.0, 1.0), SpectralKSupport(0.7, 2.5)
    assert_allclose(box.prox(A, 0.3), support.prox(A, 0.3), atol=0)


def test_k_support_norm_of_low_rank_is_the_frobenius_norm():
    """Matrices of rank k and Frobenius norm 1 are the extreme points of its unit ball."""
    rng = np.random.default_rng(0)
    A = rng.standard_normal((8, 2)) @ rng.standard_normal((2, 6))
    assert_allclose(SpectralKSupport(2.0, k=2).value(A), np.sum(A**2), rtol=1e-12)
    assert SpectralKSupport(2.0, k=1).value(A) > 1.1 * np.sum(A**2)


# Clusters and shared subspaces ----------------------------------------------------------------------------------------

EQUAL = pytest.mark.parametrize(("d", "T", "h"), [(6, 4, 1), (6, 4, 2), (6, 4, 4), (3, 5, 2), (3, 5, 3), (5, 5, 3)])


@EQUAL
@pytest.mark.parametrize("ratio", [1e-6, 0.1, 0.7, 1.0])
def test_convex_aso_is_the_clustered_penalty(d, T, h, ratio):
    A = np.random.default_rng(d * T + h).standard_normal((d, T))
    first, second = ConvexASO(0.6, h, ratio), Clustered(h, 0.6, ratio, mean_ratio=None)
    third = SpectralBox(0.6, k=h, lower=1.0, upper=1.0 / ratio)
    for other in (second, third):
        assert_allclose(first.value(A), other.value(A), rtol=1e-9 if ratio < 1e-3 else 1e-12)
        assert_allclose(first.conjugate(A), other.conjugate(A), rtol=1e-12)
        assert_allclose(first.prox(A, 0.3), other.prox(A, 0.3), atol=1e-12)


@EQUAL
def test_both_papers_semidefinite_programs_agree(d, T, h):
    """M between features (Chen et al. 2009) and M between tasks (Zhou et al. 2011), by cvxpy, without our formulas."""
    A = np.random.default_rng(d * T + h).standard_normal((d, T))
    aso, clustered = ConvexASO(0.6, h, 0.2), Clustered(h, 0.6, 0.2, mean_ratio=None)
    assert_allclose(penalty_value(aso, A), penalty_value(clustered, A), rtol=1e-7)
    assert_allclose(aso.value(A), penalty_value(aso, A), rtol=1e-7)


@EQUAL
def test_the_subspace_attains_the_minimum(d, T, h):
    A = np.random.default_rng(d * T + h).standard_normal((d, T))
    ratio = 0.2
    penalty = ConvexASO(0.6, h, ratio)
    M = penalty.subspace(A)
    values = np.linalg.eigvalsh(M)
    assert_allclose(np.trace(M), h)
    assert values[0] >= -1e-14
    assert values[-1] <= 1 + 1e-14
    eta = ratio / (1 - ratio)
    c = 0.5 * 0.6 * eta
    assert_allclose(c * np.trace(A.T @ np.linalg.solve(eta * np.eye(d) + M, A)), penalty.value(A), rtol=1e-12)


@pytest.mark.parametrize("loss", [Squared(), Logistic()], ids=["squared", "logistic"])
def test_convex_aso_and_clustered_have_the_same_optimum(loss):
    fits = [
        FISTA().solve(make_problem(penalty, loss, seed=2), tol=1e-11, max_iter=50_000)
        for penalty in (ConvexASO(0.3, 2, 0.1), Clustered(2, 0.3, 0.1, mean_ratio=None))
    ]
    assert_allclose(fits[0].A, fits[1].A, atol=1e-6)
    assert_allclose(fits[0].certificate.objective, fits[1].certificate.objective, rtol=1e-9)


def test_malsars_parameters():
    """c tr(A'(eta I + M)^-1 A) with c = rho1 eta (1 + eta), eta = rho2/rho1, at the M of peers' closed form."""
    rng = np.random.default_rng(3)
    A, rho1, rho2, h = rng.standard_normal((8, 5)), 2.0, 0.5, 2
    eta = rho2 / rho1
    c = rho1 * eta * (1 + eta)
    s = np.linalg.svd(A, compute_uv=False)
    low, high = 1e-9, 1e9
    for _ in range(200):
        mu = np.sqrt(low * high)
        m = np.clip(s / mu - eta, 0.0, 1.0)
        low, high = (mu, high) if m.sum() > h else (low, mu)
    expected = c * np.sum(s**2 / (eta + m))
    penalty = ConvexASO(2.0 * (rho1 + rho2), h, rho2 / (rho1 + rho2))
    assert_allclose(penalty.value(A), expected, rtol=1e-9)


def test_strong_directions_are_shrunk_less():
    """What the k-support norm is for: strong directions keep their proportion; a trace norm takes from the weaker."""
    rng = np.random.default_rng(0)
    U, W = np.linalg.qr(rng.standard_normal((8, 6)))[0], np.linalg.qr(rng.standard_normal((6, 6)))[0]
    s = np.array([10.0, 8.0, 1.0, 0.8, 0.5, 0.2])
    V = (U * s) @ W.T
    two, one = SpectralKSupport(1.0, k=2).prox(V, 0.5), FeatureLearning(0.16).prox(V, 0.5)
    kept_two, kept_one = np.linalg.svd(two, compute_uv=False), np.linalg.svd(one, compute_uv=False)
    assert np.count_nonzero(kept_two > 1e-9) == np.count_nonzero(kept_one > 1e-9) == 2
    assert_allclose(kept_two[1] / kept_two[0], 0.8)
    assert kept_one[1] / kept_one[0] < 0.78


@pytest.mark.parametrize("solver", [FISTA(), Splitting()], ids=repr)
def test_low_rank_fits_are_certified(solver):
    solution = solver.solve(make_problem(SpectralKSupport(0.5, k=1.5), seed=1), tol=1e-10, max_iter=50_000)
    assert solution.converged


def test_uniform_boxes_need_no_factorization(monkeypatch):
    def fail(*_, **__):
        raise AssertionError("factorized")

    monkeypatch.setattr("mtlinear.penalties._box.singular_pairs", fail)
    monkeypatch.setattr("mtlinear.penalties._box.singular_values_to_square", fail)
    V = np.random.default_rng(0).standard_normal((5, 4))
    for penalty in (SpectralKSupport(k=4), SpectralBox(lower=0.5, upper=0.5), ConvexASO(n_components=5)):
        penalty.prox(V, 1.0)
        penalty.value(V)
        penalty.conjugate(V)
    assert Box(0.0, 1.0, 2, 3).uniform is None


@pytest.mark.parametrize(("bad", "error", "name"), [
    (SpectralBox(alpha=0.0), ValueError, "alpha"),
    (SpectralBox(k=0), ValueError, "k"),
    (SpectralBox(k="2"), TypeError, "k"),
    (SpectralBox(lower=-0.1), ValueError, "lower"),
    (SpectralBox(upper=0.0, lower=0.0), ValueError, "upper"),
    (SpectralBox(lower=2.0, upper=1.0), ValueError, "lower"),
    (SpectralKSupport(k=-1), ValueError, "k"),
    (SpectralKSupport(alpha=None), TypeError, "alpha"),
    (ConvexASO(alpha=-1.0), ValueError, "alpha"),
    (ConvexASO(n_components=6), ValueError, "n_components"),
    (ConvexASO(n_components=0), ValueError, "n_components"),
    (ConvexASO(n_components=1.5), TypeError, "n_components"),
    (ConvexASO(shared_ratio=0.0), ValueError, "shared_ratio"),
    (ConvexASO(shared_ratio=1.1), ValueError, "shared_ratio"),
], ids=repr)  # fmt: skip
def test_bad_parameters_are_refused_by_name(bad, error, name):
    with pytest.raises(error, match=rf"\b{name}\b"):
        bad.check(5, 3)
