"""Functions of singular values through Gram matrices, sketches and followed subspaces are those of the SVD."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from catalogue import N_TASKS, PENALTIES, each
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from spectraltools import ACCURACY, SHARES, by_definition, explore, matrices, matrix, norm_of, orthonormal

import mtlinear.penalties._spectral as spectral_module
from mtlinear.penalties import Clustered, TraceNorm
from mtlinear.penalties._singular import (
    SMALLEST_SHARE,
    count_above,
    eigen_above,
    largest_singular_value,
    nuclear_norm,
    singular_values_to_square,
    soft_threshold,
)
from mtlinear.penalties._spectral import FollowedThreshold

EPS = float(np.finfo(float).eps)


# The trace norm -------------------------------------------------------------------------------------------------------


@explore(400)
@given(V=matrices(), share=st.sampled_from(SHARES))
def test_prox_is_that_of_the_svd(V, share):
    scale = norm_of(V)
    threshold = share * (scale or 1.0)
    kept = V.copy()
    P = TraceNorm(alpha=threshold).prox(V, 1.0)
    assert P.dtype == V.dtype
    assert P.shape == V.shape
    assert not np.shares_memory(P, V)
    np.testing.assert_array_equal(V, kept)
    if scale:
        assert np.linalg.norm((P - by_definition(V, threshold)) / scale) <= ACCURACY[V.dtype]
    if share > 1.0 + 1e-6 or not scale:
        assert not P.any()


@explore()
@given(V=matrices())
def test_values_and_gauges_are_those_of_the_svd(V):
    s = np.linalg.svd(V.astype(float), compute_uv=False)
    single = V.dtype == np.float32
    assert_allclose(TraceNorm(2.0).gauge(V), 0.5 * s[0], rtol=1e-13)
    assert_allclose(TraceNorm(2.0).value(V), 2.0 * s.sum(), rtol=1e-5 if single else 1e-13)
    ours = singular_values_to_square(V)
    if s[0]:
        assert_allclose((ours / s[0]) ** 2, (s / s[0]) ** 2, rtol=0, atol=1e-13)
    assert np.all(np.diff(ours) <= 0)


def longdouble_svd(V):
    """One-sided Jacobi in long doubles (Golub & Van Loan 2013, section 8.6.3): (U diag(s), W), s not sorted."""
    A, W = V.astype(np.longdouble), np.eye(V.shape[1], dtype=np.longdouble)
    for _ in range(30):
        moved = np.longdouble(0)
        for p in range(V.shape[1]):
            for q in range(p + 1, V.shape[1]):
                a, b, c = A[:, p] @ A[:, p], A[:, q] @ A[:, q], A[:, p] @ A[:, q]
                if abs(c) <= 1e-19 * np.sqrt(a * b) or a * b == 0:
                    continue
                moved = max(moved, abs(c) / np.sqrt(a * b))
                z = (b - a) / (2 * c)
                t = (1 if z >= 0 else -1) / (abs(z) + np.sqrt(1 + z * z))
                cosine = 1 / np.sqrt(1 + t * t)
                turn = np.array([[cosine, cosine * t], [-cosine * t, cosine]], dtype=np.longdouble)
                A[:, [p, q]], W[:, [p, q]] = A[:, [p, q]] @ turn, W[:, [p, q]] @ turn
        if moved <= 1e-18:
            break
    return A, W


@pytest.mark.parametrize("kind", ["dense", "graded", "steep", "ties", "nearly low rank"])
@pytest.mark.parametrize("shape", [(12, 7), (7, 12), (8, 8)])
def test_error_bound_against_long_doubles(kind, shape):
    """||X - X_computed||_F <= c eps ||V'V||_F / t with c about 1, whether t is far from s_1 or not."""
    V = matrix(shape, kind, np.random.default_rng(5))
    turned = V if shape[0] >= shape[1] else V.T
    scaled, W = longdouble_svd(turned)
    s = np.sqrt(np.sum(scaled**2, axis=0))
    assert np.linalg.norm((scaled @ W.T - turned).astype(float)) <= 1e-17
    largest, gram_norm = float(s.max()), float(np.sqrt(np.sum(s**4)))
    for share in (1.01e-3, 5e-3, 0.05, 0.3, 0.99, *(1e-5, 1e-9, 1e-13)):
        t = share * np.sqrt(gram_norm)
        exact = ((scaled * np.maximum(1 - t / np.maximum(s, 1e-300), 0)) @ W.T).astype(float)
        error = np.linalg.norm(soft_threshold(turned, t) - exact)
        assert error <= ACCURACY[V.dtype] * largest
        if share >= SMALLEST_SHARE[V.dtype]:
            assert error <= 8 * EPS * (gram_norm / t + 4 * np.sqrt(gram_norm))
        mirrored = soft_threshold(np.ascontiguousarray(turned.T), t)
        assert np.linalg.norm(mirrored.T - exact) <= ACCURACY[V.dtype] * largest
    assert abs(TraceNorm().gauge(V) / largest - 1.0) <= 1e-14
    assert abs(TraceNorm().value(V) / float(s.sum()) - 1.0) <= 1e-14


@pytest.mark.parametrize("shape", [(300, 130), (130, 300), (200, 200)])
@pytest.mark.parametrize("tail", [0.0, 1e-15, 1e-13, 1e-9, 1e-3])
@pytest.mark.parametrize("scale", [1.0, 1e-150, 1e150])
def test_the_value_of_low_rank_parameters_is_not_noise(shape, tail, scale):
    """Zeros count as zeros, and a tail that counts is not dropped."""
    rng = np.random.default_rng(1)
    n, r = min(shape), 7
    s = np.where(np.arange(n) < r, np.linspace(1.0, 0.01, n), tail)
    A = (orthonormal(shape[0], n, rng) * s) @ orthonormal(shape[1], n, rng).T
    assert_allclose(nuclear_norm(scale * A), scale * s.sum(), rtol=5e-14)
    assert_allclose(nuclear_norm(A.astype(np.float32)), s.sum(), rtol=1e-5)


def test_the_sketch_is_used_for_low_rank_only(monkeypatch):
    sizes = []
    svd = np.linalg.svd
    monkeypatch.setattr(np.linalg, "svd", lambda A, **options: sizes.append(A.shape) or svd(A, **options))
    rng = np.random.default_rng(0)
    nuclear_norm(rng.standard_normal((300, 9)) @ rng.standard_normal((9, 200)))
    nuclear_norm(rng.standard_normal((300, 200)))
    nuclear_norm(np.zeros((300, 200)))
    assert sizes == [(25, 200), (300, 200), (300, 200)]


@pytest.mark.parametrize("n", [1, 2, 47, 48, 90])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.999, 2.0])
def test_eigenvectors_above_a_value(n, share):
    rng = np.random.default_rng(n)
    S = rng.standard_normal((n, n))
    S = S @ S.T
    expected = np.linalg.eigvalsh(S)[::-1]
    values, vectors = eigen_above(S.copy(), share * expected[0])
    assert_allclose(values, expected[expected > share * expected[0]], rtol=0, atol=1e-14 * n * expected[0])
    assert_allclose(vectors.T @ vectors, np.eye(len(values)), atol=1e-13)
    assert_allclose(S @ vectors, vectors * values, atol=1e-14 * n * expected[0])
    assert vectors.shape == (n, len(values))


@explore()
@given(seed=st.integers(0, 10_000), n=st.integers(1, 40), split=st.booleans())
def test_counts_of_eigenvalues(seed, n, split):
    rng = np.random.default_rng(seed)
    diagonal, off = rng.standard_normal(n), rng.standard_normal(n - 1) * (not split or rng.random(n - 1) < 0.5)
    values = np.linalg.eigvalsh(np.diag(diagonal) + np.diag(off, 1) + np.diag(off, -1))
    for least in [values[0] - 1.0, values[-1] + 1.0, *(0.5 * (a + b) for a, b in pairwise(values) if b - a > 1e-9)]:
        assert count_above(diagonal, off, least) == np.count_nonzero(values > least)


def test_zero_pivots_are_counted():
    assert count_above(np.zeros(4), np.ones(3), 0.0) == 2


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_is_an_error(bad):
    V = np.ones((60, 50))
    V[3, 4] = bad
    for call in (lambda: TraceNorm().prox(V, 1.0), lambda: TraceNorm().gauge(V), lambda: Clustered(3).prox(V, 1.0)):
        with np.errstate(invalid="ignore"), pytest.raises(np.linalg.LinAlgError):
            call()


def test_matrices_without_entries():
    for shape in ((0, 3), (3, 0)):
        assert soft_threshold(np.zeros(shape), 1.0).shape == shape
        assert nuclear_norm(np.zeros(shape)) == largest_singular_value(np.zeros(shape)) == 0.0


# Followed subspaces ---------------------------------------------------------------------------------------------------


def following(monkeypatch):
    """Small matrices are followed too; returns what happened: 'factorized' or 'followed'."""
    monkeypatch.setattr(spectral_module, "_FOLLOW_FROM", 10)
    monkeypatch.setattr(spectral_module, "_FEW", 0.5)
    monkeypatch.setattr(spectral_module, "_BREAK_EVEN", 1.5)
    events = []
    factorize, follow = FollowedThreshold._factorize, FollowedThreshold._follow

    def factorized(self, *arguments):
        events.append("factorized")
        return factorize(self, *arguments)

    def followed(self, *arguments):
        found = follow(self, *arguments)
        events.extend(["followed"] * (found is not None))
        return found

    monkeypatch.setattr(FollowedThreshold, "_factorize", factorized)
    monkeypatch.setattr(FollowedThreshold, "_follow", followed)
    return events


def low_rank_plus_noise(shape, rng, r=3, noise=0.99):
    """r singular values above 1, the others below the noise level."""
    d, T = shape
    s = np.concatenate([rng.uniform(1.1, 5.0, r), rng.uniform(0.0, noise, min(shape) - r)])
    return (orthonormal(d, min(shape), rng) * s) @ orthonormal(T, min(shape), rng).T


def check_sequence(sequence, prox=None):
    prox = TraceNorm(1.0).prox_operator() if prox is None else prox
    for V, threshold in sequence:
        kept = V.copy()
        P = prox(V, threshold)
        np.testing.assert_array_equal(V, kept)
        scale = norm_of(V) or 1.0
        assert P.shape == V.shape
        assert np.linalg.norm((P - by_definition(V, threshold)) / scale) <= 1e-12
        P += 1.0  # what the caller does to its matrices is the caller's affair
        V *= 0.5


@st.composite
def sequences(draw):
    """Steps that shrink, with jumps: of the matrix, its rank, its scale, its shape and the threshold."""
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    shape = draw(st.sampled_from([(60, 40), (40, 60), (45, 45)]))
    r = draw(st.integers(0, 8))
    V, threshold, size = low_rank_plus_noise(shape, rng, r), 1.0, 0.01
    sequence = []
    for _ in range(draw(st.integers(3, 12))):
        jump = draw(st.sampled_from([*7 * [""], "new", "spike", "scale", "threshold", "zero", "shape", "huge"]))
        size *= draw(st.sampled_from([1.0, 0.3, 1e-3]))
        step = rng.standard_normal(V.shape)
        V = V + size * np.linalg.norm(V) * step / np.linalg.norm(step)
        if jump == "new":
            V, size = low_rank_plus_noise(V.shape, rng, draw(st.integers(0, 8))), 0.01
        elif jump == "spike":  # a direction that no subspace has seen, above the threshold
            u, w = rng.standard_normal((V.shape[0], 1)), rng.standard_normal((1, V.shape[1]))
            V = V + draw(st.sampled_from([0.5, 1.01, 3.0])) * threshold * u @ w / np.linalg.norm(u) / np.linalg.norm(w)
        elif jump == "scale":
            V = V * draw(st.sampled_from([1e-6, 0.9, 1.1, 1e6]))
        elif jump == "threshold":
            threshold *= draw(st.sampled_from([1e-6, 0.5, 0.99, 1.01, 2.0, 1e6]))
        elif jump == "zero":
            V = np.zeros_like(V)
        elif jump == "shape":
            V = low_rank_plus_noise((V.shape[1], V.shape[0] + 1), rng)
        sequence.append((V * 1e140 if jump == "huge" else V.copy(), threshold))
    return sequence


@explore(200)
@given(sequence=sequences())
def test_followed_proxes_are_those_of_the_svd(sequence):
    with pytest.MonkeyPatch.context() as monkeypatch:
        following(monkeypatch)
        with np.errstate(divide="ignore", invalid="ignore"):  # norms of zero
            check_sequence([(V, t) for V, t in sequence if np.all(np.isfinite(V))])


@pytest.mark.parametrize("shape", [(60, 40), (40, 60)])
def test_what_converges_is_followed(shape, monkeypatch):
    events = following(monkeypatch)
    rng = np.random.default_rng(0)
    V = low_rank_plus_noise(shape, rng, noise=0.5)
    check_sequence([(V + 0.5**k * 0.01 * rng.standard_normal(shape), 1.0) for k in range(30)])
    assert events.count("followed") >= 25
    assert events.index("followed") <= 4


def test_what_exceeds_no_threshold_is_zero_without_a_factorization(monkeypatch):
    events = following(monkeypatch)
    V = low_rank_plus_noise((60, 40), np.random.default_rng(0))
    check_sequence([((1.0 + 1e-3 * k) * V, 10.0) for k in range(10)])
    assert events == ["factorized"] + 9 * ["followed"]


@pytest.mark.parametrize("gap", [1e-14, 1e-9, 1e-4])
def test_singular_values_next_to_the_threshold(gap, monkeypatch):
    """Above, below and on it, in turn: proofs fail and results do not."""
    following(monkeypatch)
    rng = np.random.default_rng(0)
    U, W = orthonormal(60, 40, rng), orthonormal(40, 40, rng)
    prox = TraceNorm(1.0).prox_operator()
    for sign in (1, -1, 0, 1, 1, -1, -1, 0, 0):
        s = np.concatenate([[3.0, 2.0, 1.0 + sign * gap], np.linspace(0.99, 0.0, 37)])
        check_sequence([((U * s) @ W.T, 1.0)], prox)


def test_a_subspace_that_misses_the_largest_singular_values_is_found_out(monkeypatch):
    """Krylov steps never leave an invariant subspace; its pairs have no residual, but they are not the largest."""
    events = following(monkeypatch)
    V = np.diag(np.concatenate([[3.0, 2.0], np.full(38, 0.5)]))
    prox = FollowedThreshold()
    check_sequence([(V.copy(), 1.0)], prox)
    prox._basis = np.eye(40)[:, 10 : 10 + prox._basis.shape[1]]
    check_sequence([(V.copy(), 1.0)], prox)
    assert events == ["factorized", "factorized"]


def test_spectra_without_a_gap_give_up_and_pause(monkeypatch):
    events = following(monkeypatch)
    monkeypatch.setattr(spectral_module, "_BREAK_EVEN", 0.02)
    rng = np.random.default_rng(0)
    V = low_rank_plus_noise((60, 40), rng)
    prox = TraceNorm(1.0).prox_operator()
    check_sequence([(V + 1e-3 * rng.standard_normal(V.shape), 1.0) for _ in range(20)], prox)
    assert events.count("factorized") == 20


def test_runs_do_not_share_what_they_remember():
    penalty = TraceNorm(1.0)
    assert penalty.prox_operator() is not penalty.prox_operator()
    assert vars(penalty) == {"alpha": 1.0}


def test_set_params_takes_effect_in_a_run():
    penalty = TraceNorm(1.0)
    prox, V = penalty.prox_operator(), np.diag([3.0, 1.0])
    assert_allclose(prox(V, 1.0), np.diag([2.0, 0.0]), atol=1e-14)
    penalty.set_params(alpha=2.0)
    assert_allclose(prox(V, 1.0), np.diag([1.0, 0.0]), atol=1e-14)


@each(PENALTIES, "penalty")
def test_every_penalty_has_a_prox_operator(penalty):
    prox = penalty.prox_operator()
    for seed in range(3):
        for dtype in (np.float64, np.float32):
            V = np.random.default_rng(seed).standard_normal((5, N_TASKS)).astype(dtype)
            np.testing.assert_array_equal(prox(V, 0.3), penalty.prox(V, 0.3))
