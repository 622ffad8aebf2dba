"""Clustered through Gram matrices is that of the SVD, small singular values and tiny ratios included."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from spectraltools import explore, matrices, norm_of, orthonormal

import mtlinear.penalties._box as box_module
import mtlinear.penalties._singular as singular_module
from mtlinear.penalties import Clustered
from mtlinear.penalties._box import allocate


def split(penalty, A):
    mean = np.zeros((len(A), 1)) if penalty.mean_ratio is None else A.mean(axis=1, keepdims=True)
    return mean, A - mean


def theta_of(penalty, s, n_tasks, shift=0.0):
    directions = n_tasks if penalty.mean_ratio is None else n_tasks - 1
    top = min(penalty.n_clusters, n_tasks) - (penalty.mean_ratio is not None)
    lower, upper = 1.0 / penalty.alpha, 1.0 / (penalty.alpha * penalty.between_ratio)
    padded = np.zeros(max(directions, s.size))
    padded[: s.size] = s
    theta = np.full(padded.size, lower)
    theta[:directions] = allocate(padded[:directions], lower, upper, top, shift)
    return theta[: s.size]


@st.composite
def clustered(draw):
    return Clustered(
        n_clusters=draw(st.integers(1, 4)),
        alpha=draw(st.sampled_from([0.1, 1.0, 7.0])),
        between_ratio=draw(st.sampled_from([1e-6, 0.01, 0.1, 0.6, 1.0])),
        mean_ratio=draw(st.sampled_from([0.0, 0.3, None])),
    )


@explore(400)
@given(penalty=clustered(), V=matrices(scales=30), step=st.sampled_from([1e-6, 0.1, 1.0, 30.0]))
def test_clustered_is_that_of_the_svd(penalty, V, step):
    accurate = V.astype(float)
    mean, rest = split(penalty, accurate)
    U, s, Wt = np.linalg.svd(rest, full_matrices=False)
    theta = theta_of(penalty, s, V.shape[1], step)
    expected = mean / (1.0 + step * penalty.alpha * (penalty.mean_ratio or 0.0))
    expected = expected + (U * (s * theta / (theta + step))) @ Wt
    scale = norm_of(V) or 1.0
    P = penalty.prox(V, step)
    assert P.dtype == V.dtype
    single = V.dtype == np.float32
    # Reading a small singular value differently moves theta of a tie; in float32 rounding of the mean moves everything.
    assert np.linalg.norm((P - expected) / scale) <= (1e-5 if single else 2e-12)

    squares = s**2
    lower, upper = 1.0 / penalty.alpha, 1.0 / (penalty.alpha * penalty.between_ratio)
    top = min(penalty.n_clusters, V.shape[1]) - (penalty.mean_ratio is not None)
    value = 0.5 * np.sum(squares / theta_of(penalty, s, V.shape[1]))
    value += 0.5 * penalty.alpha * (penalty.mean_ratio or 0.0) * np.sum(mean**2) * V.shape[1]
    room = (1e-5 if single else 1e-12) * scale**2
    assert_allclose(penalty.value(V), value, rtol=1e-5 if single else 1e-11, atol=room * penalty.alpha)
    centred = (V - V.mean(axis=1, keepdims=True)).astype(V.dtype)
    if penalty.mean_ratio is None:
        conjugate = 0.5 * (lower * squares.sum() + (upper - lower) * squares[:top].sum())
        assert_allclose(penalty.conjugate(V), conjugate, rtol=1e-5 if single else 1e-12)
    elif not single:
        squares = np.linalg.svd(centred, compute_uv=False) ** 2
        conjugate = 0.5 * (lower * squares.sum() + (upper - lower) * squares[:top].sum())
        got = Clustered(penalty.n_clusters, penalty.alpha, penalty.between_ratio, 1.0).conjugate(centred)
        assert_allclose(got, conjugate, rtol=1e-11, atol=room * upper)


def test_clustered_with_small_singular_values_that_matter_takes_the_svd(monkeypatch):
    """One more cluster than there are large singular values: the tiny ones share the rest of the budget."""
    rng = np.random.default_rng(0)
    U, W = orthonormal(30, 12, rng), orthonormal(12, 12, rng)
    penalty = Clustered(n_clusters=3, between_ratio=0.1, mean_ratio=None)
    calls = []
    svd = np.linalg.svd
    monkeypatch.setattr(np.linalg, "svd", lambda A, **options: calls.append(A.shape) or svd(A, **options))
    for small, expected in ((1e-9, 1), (0.3, 0)):
        calls.clear()
        s = np.concatenate([[1.0, 0.9], small * np.linspace(1.0, 0.5, 10)])
        P = penalty.prox((U * s) @ W.T, 0.5)
        assert len(calls) == expected
        theta = theta_of(penalty, s, 12, 0.5)
        assert_allclose(P, (U * (s * theta / (theta + 0.5))) @ W.T, rtol=0, atol=1e-14)


def test_one_spectrum_for_all_directions_needs_no_factorization(monkeypatch):
    def fail(*_, **__):
        raise AssertionError("factorized")

    monkeypatch.setattr(box_module, "singular_pairs", fail)
    monkeypatch.setattr(box_module, "singular_values_to_square", fail)
    monkeypatch.setattr(singular_module, "eigen_above", fail)
    V = np.random.default_rng(0).standard_normal((5, 4))
    for penalty in (Clustered(1), Clustered(4), Clustered(4, mean_ratio=None), Clustered(2, between_ratio=1.0)):
        penalty.prox(V, 1.0)
        penalty.value(V)
        penalty.conjugate(V)


@pytest.mark.parametrize("shape", [(30, 12), (12, 30)])
def test_values_at_tiny_ratios_keep_their_digits(shape):
    """Small singular values count as much as large ones when those cost a hundred-millionth."""
    rng = np.random.default_rng(0)
    s = np.concatenate([[1.0, 0.9], np.linspace(1e-5, 1e-6, 10)])
    A = (orthonormal(shape[0], 12, rng) * s) @ orthonormal(shape[1], 12, rng).T
    penalty = Clustered(2, between_ratio=1e-8, mean_ratio=None)
    assert_allclose(penalty.value(A), 0.5 * np.sum(s**2 / theta_of(penalty, s, shape[1])), rtol=1e-12)
