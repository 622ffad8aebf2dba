"""Matrices with every kind of spectrum, for the tests of penalties on singular values."""

from __future__ import annotations

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

#: Error of a prox relative to s_1.
ACCURACY = {np.dtype(np.float64): 1e-12, np.dtype(np.float32): 2e-6}

SHAPES = [(1, 1), (1, 6), (6, 1), (4, 3), (3, 4), (5, 5), (28, 9), (9, 28), (70, 60), (60, 70), (150, 52)]
KINDS = ["dense", "low rank", "graded", "steep", "ties", "zero", "one row", "one column", "nearly low rank"]
SHARES = [1e-14, 1e-8, 1e-5, 0.9e-3, 1.1e-3, 0.01, 0.1, 0.5, 0.9, 1.0 - 1e-6, 1.0 + 1e-9, 2.0, 1e30]


def explore(max_examples=150):
    return settings(deadline=None, max_examples=max_examples, derandomize=True)


def orthonormal(rows, columns, rng):
    return np.linalg.qr(rng.standard_normal((rows, columns)))[0]


def spectrum(kind, n):
    return {
        "graded": np.logspace(0, -12, n),
        "steep": np.where(np.arange(n) < 1 + n // 3, 1.0, 1e-9),
        "ties": np.where(np.arange(n) < (n + 1) // 2, 1.0, 0.5),
        "nearly low rank": np.where(np.arange(n) < 1 + n // 10, 1.0, 1e-11),
    }[kind]


def matrix(shape, kind, rng):
    d, T = shape
    if kind in ("graded", "steep", "ties", "nearly low rank"):
        n = min(shape)
        return (orthonormal(d, n, rng) * spectrum(kind, n)) @ orthonormal(T, n, rng).T
    V = rng.standard_normal(shape)
    if kind == "low rank":
        r = 1 + min(shape) // 4
        return rng.standard_normal((d, r)) @ rng.standard_normal((r, T))
    if kind == "one row":
        V[1:] = 0.0
    if kind == "one column":
        V[:, 1:] = 0.0
    return np.zeros(shape) if kind == "zero" else V


@st.composite
def matrices(draw, shapes=SHAPES, scales=150):
    """float64 from 1e-150 to 1e150, float32 from 1e-15 to 1e15."""
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    V = matrix(draw(st.sampled_from(shapes)), draw(st.sampled_from(KINDS)), rng)
    dtype = draw(st.sampled_from([np.float64, np.float64, np.float32]))
    limit = scales if dtype is np.float64 else min(scales, 15)
    V = (V * 10.0 ** draw(st.sampled_from([0, 0, -limit, -limit // 2, limit // 2, limit]))).astype(dtype)
    return V if draw(st.booleans()) else np.asfortranarray(V)


def by_definition(V, threshold):
    U, s, Wt = np.linalg.svd(V.astype(float), full_matrices=False)
    return (U * np.maximum(s - threshold, 0.0)) @ Wt


def norm_of(V):
    return float(np.linalg.svd(V.astype(float), compute_uv=False)[0])
