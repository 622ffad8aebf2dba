"""Norms of rows: the prox for every q and scale, and its limits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from mtlinear.penalties._row_norms import (
    cut_rows,
    dual_exponent,
    prox_row_norm,
    row_norms,
)

MANY = settings(deadline=None, max_examples=150, derandomize=True)
EXPONENTS = [1.001, 1.01, 1.1, 1.3, 1.5, 1.9, 1.999, 2.001, 2.5, 3.5, 10.0, 100.0, 1e4, 1e6]


@st.composite
def rows(draw):
    """Rows with zeros and ties, of scales from 1e-8 to 1e8, and a radius on either side of their dual norm."""
    rng = np.random.default_rng(draw(st.integers(0, 100_000)))
    n, T = draw(st.integers(1, 4)), draw(st.integers(1, 8))
    V = rng.standard_normal((n, T)) * 10.0 ** rng.integers(-2, 3, (n, T))
    kind = draw(st.sampled_from(["dense", "zeros", "zero row", "ties", "one entry"]))
    if kind == "zeros":
        V *= rng.random((n, T)) < 0.5
    elif kind == "zero row":
        V[0] = 0.0
    elif kind == "ties":
        V = np.sign(V) * draw(st.sampled_from([1.0, 3.0]))
    elif kind == "one entry":
        V[:, 1:] = 0.0
    return V * 10.0 ** draw(st.integers(-8, 8))


def subgradient_error(X, V, radius, q):
    """How far (V - X) / radius is from the subdifferential of ||.||_q at X: Fenchel-Young, row by row, relative."""
    G = (V - X) / radius
    values, dual = row_norms(X, q), row_norms(G, dual_exponent(q))
    with np.errstate(divide="ignore", invalid="ignore"):
        young = np.where(values > 0, np.abs(np.sum(G * X, axis=1) / np.where(values > 0, values, 1.0) - 1.0), 0.0)
    return float(np.max(young)), float(np.max(dual) - 1.0)


@pytest.mark.parametrize("q", EXPONENTS)
@MANY
@given(V=rows(), fraction=st.sampled_from([1e-6, 1e-2, 0.3, 0.9, 0.999, 1.1, 5.0]))
def test_prox_satisfies_the_optimality_conditions(q, V, fraction):
    largest = float(np.max(row_norms(V, dual_exponent(q)), initial=0.0))
    if largest == 0.0:
        assert not prox_row_norm(V, 1.0, q).any()
        return
    radius = fraction * largest
    X = prox_row_norm(V, radius, q)
    # V - X loses digits where the radius is small against V, and powers amplify rounding by their exponent.
    rounding = 2e-15 * max(10.0, q, dual_exponent(q)) * (1.0 + np.abs(V).max() / radius)
    young, outside = subgradient_error(X, V, radius, q)
    assert np.all(np.isfinite(X))
    assert outside <= 1e-9 + rounding * V.shape[1]
    assert young <= 1e-9 + rounding * V.shape[1]
    assert np.all(X * V >= 0.0)
    assert np.all(np.abs(X) <= np.abs(V) * (1.0 + 1e-15))
    assert not X[row_norms(V, dual_exponent(q)) <= radius].any()


@pytest.mark.parametrize("scale", [1e-8, 1e-3, 1.0, 1e8])
@pytest.mark.parametrize("q", EXPONENTS)
def test_prox_is_homogeneous(q, scale):
    V = np.random.default_rng(3).standard_normal((5, 6))
    assert_allclose(prox_row_norm(scale * V, scale * 0.7, q), scale * prox_row_norm(V, 0.7, q), rtol=1e-9, atol=0)


@settings(deadline=None, max_examples=60, derandomize=True)
@given(V=rows(), fraction=st.sampled_from([0.05, 0.5, 0.95]))
def test_limits_agree_with_the_closed_forms(V, fraction):
    scale = np.abs(V).max()
    if scale == 0.0:
        return
    radius = fraction * scale
    norms = np.maximum(np.linalg.norm(V, axis=1, keepdims=True), radius)
    closed = {
        1.0: np.sign(V) * np.maximum(np.abs(V) - radius, 0.0),
        2.0: V * (1.0 - radius / norms),
        np.inf: cut_rows(V, radius),
    }
    for q, limit in ((1 + 1e-7, 1.0), (2 - 1e-9, 2.0), (2 + 1e-9, 2.0), (1e7, np.inf)):
        assert_allclose(prox_row_norm(V, radius, q), closed[limit], rtol=0, atol=1e-5 * scale)


@settings(deadline=None, max_examples=60, derandomize=True)
@given(V=rows(), fraction=st.sampled_from([1e-3, 0.2, 0.7, 2.0]))
def test_projection_onto_the_l1_ball(V, fraction):
    radius = fraction * float(np.abs(V).sum(axis=1).max())
    if radius == 0.0:
        return
    P = V - cut_rows(V, radius)
    assert np.all(np.abs(P).sum(axis=1) <= radius * (1 + 1e-12))
    inside = np.abs(V).sum(axis=1) <= radius
    assert np.array_equal(P[inside], V[inside])
    # (V - P, X - P) <= 0 for every X of the ball; its corners are enough.
    rest = V - P
    gain = radius * np.abs(rest).max(axis=1) - np.sum(rest * P, axis=1)
    assert np.all(gain <= 1e-12 * (1 + np.abs(V).max()) * radius * V.shape[1])


@pytest.mark.parametrize(
    ("q", "scale"),
    # A plain Euclidean norm squares its entries: q = 2 is for ordinary numbers.
    [(q, scale) for q in (1, 1.001, 1.5, 7.0, 1e6, np.inf) for scale in (1e-300, 1e-8, 1.0, 1e8, 1e300)]
    + [(2, 1e-100), (2, 1.0), (2, 1e100)],
)
def test_row_norms_neither_overflow_nor_underflow(q, scale):
    A = np.array([[3.0, -4.0], [0.0, 0.0], [1.0, 1.0]])
    got = row_norms(scale * A, q)
    expected = [np.abs(row).max() if np.isinf(q) else np.max(np.abs(row)) * unit(row, q) for row in A]
    assert_allclose(got, scale * np.array(expected), rtol=1e-12)


def unit(row, q):
    largest = np.abs(row).max()
    return 0.0 if largest == 0 else float(np.sum((np.abs(row) / largest) ** q) ** (1.0 / q))


@pytest.mark.parametrize("q", [1, 1.25, 2, 5.0, np.inf])
def test_dual_exponents_are_conjugate(q):
    p = dual_exponent(q)
    assert_allclose(1.0 / q + 1.0 / p, 1.0)
    assert dual_exponent(p) == pytest.approx(q)
    rng = np.random.default_rng(0)
    G = rng.standard_normal((4, 5))
    # Hoelder, with equality at the maximiser.
    A = rng.standard_normal((4, 5))
    assert np.all(np.sum(G * A, axis=1) <= row_norms(G, p) * row_norms(A, q) * (1 + 1e-12))


def test_no_rows_and_no_tasks_are_fine():
    assert prox_row_norm(np.zeros((0, 3)), 1.0, 3.0).shape == (0, 3)
    assert row_norms(np.zeros((0, 3)), 1.5).shape == (0,)
