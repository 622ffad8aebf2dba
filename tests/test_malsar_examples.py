"""MALSAR's examples of decompositions, made again from their description: we come at least as low, with a certificate.

example_Robust, example_rMTFL and example_Dirty (example_SRMTL, on the School data, is in test_school.py): features and
targets uniform in [0, 1], 50 tasks with 50 rows of 500 features (the quick tests have a tenth of it), no intercept, and
the objective of the code of MALSAR,

    sum_t ||y_t - X_t (p_t + q_t)||^2  +  rho1 Omega_1(P)  +  rho2 Omega_2(Q),

without 1/2 or 1/n. The comparison is a plain accelerated proximal gradient method with MALSAR's stopping rule, a
relative change of the objective below the tolerance of the example. (The strengths of example_Robust, 10 and 30, make
it the trace norm: column groups are used for rho2 < rho1 only. Our model says so in a warning.)

References
----------
Zhou, Chen & Ye (2011), MALSAR manual, and its examples at github.com/jiayuzhou/MALSAR.
"""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from mtlinear.designs import StackedDesign
from mtlinear.losses import Squared
from mtlinear.penalties import Dirty, Robust, RobustFeatures
from mtlinear.problem import Problem
from mtlinear.solvers import choose_solver

# The proxes and norms of the comparison, written once more.


def soft(V, t):
    return np.sign(V) * np.maximum(np.abs(V) - t, 0.0)


def rows(V, t):
    norms = np.linalg.norm(V, axis=1, keepdims=True)
    return V * np.maximum(1.0 - t / np.maximum(norms, 1e-300), 0.0)


def columns(V, t):
    return rows(V.T, t).T


def singular(V, t):
    U, s, Wt = np.linalg.svd(V, full_matrices=False)
    return (U * np.maximum(s - t, 0.0)) @ Wt


def rows_max(V, t):
    """V minus its projection onto the L1 ball of radius t, row by row: the threshold by bisection."""
    low, high = np.zeros((len(V), 1)), np.abs(V).max(axis=1, keepdims=True)
    for _ in range(60):
        middle = 0.5 * (low + high)
        above = np.maximum(np.abs(V) - middle, 0.0).sum(axis=1, keepdims=True) > t
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return np.clip(V, -high, high)


NORMS = {
    singular: lambda A: np.linalg.svd(A, compute_uv=False).sum(),
    rows: lambda A: np.linalg.norm(A, axis=1).sum(),
    columns: lambda A: np.linalg.norm(A, axis=0).sum(),
    rows_max: lambda A: np.abs(A).max(axis=1).sum(),
    soft: lambda A: np.abs(A).sum(),
}

#: model, name of its share, proxes of its parts, MALSAR's rho1 and rho2, tolerance and iterations of the example.
EXAMPLES = {
    "Robust": (Robust, (singular, columns), (10.0, 30.0), 1e-6, 1500),
    "rMTFL": (RobustFeatures, (rows, columns), (90.0, 280.0), 1e-6, 500),
    "Dirty": (Dirty, (rows_max, soft), (350.0, 10.0), 1e-4, 500),
}


def data(d, n, T, seed=0):
    rng = np.random.default_rng(seed)
    return rng.random((T, n, d)), rng.random((T, n))


def objective(X, Y, P, Q, proxes, rhos):
    residuals = np.einsum("tnd,dt->tn", X, P + Q) - Y
    return np.sum(residuals**2) + sum(rho * NORMS[prox](A) for A, prox, rho in zip((P, Q), proxes, rhos, strict=True))


def accelerated_gradient(X, Y, proxes, rhos, tol, max_iter):
    """FISTA on both parts with the step 1/L, L = 2 parts * 2 max_t ||X_t||^2, from zero (MALSAR's X'y is far off)."""
    parts = before = np.zeros((2, X.shape[2], len(X)))
    L, momentum, last = 4.0 * max(np.linalg.norm(X_t, 2) ** 2 for X_t in X), 1.0, np.sum(Y**2)
    for _ in range(max_iter):
        following = 0.5 * (1.0 + np.sqrt(1.0 + 4.0 * momentum**2))
        ahead = parts + (momentum - 1.0) / following * (parts - before)
        gradient = 2.0 * np.einsum("tnd,tn->dt", X, np.einsum("tnd,dt->tn", X, ahead.sum(axis=0)) - Y)
        before, momentum = parts, following
        parts = np.array([prox(V - gradient / L, rho / L) for prox, V, rho in zip(proxes, ahead, rhos, strict=True)])
        value = objective(X, Y, *parts, proxes, rhos)
        if abs(last - value) <= tol * last:
            break
        last = value
    return value


def ours(X, Y, model, rhos, tol=1e-6):
    """1/m sum 1/2 (y - z)^2 with m = n: MALSAR's objective over 2 n."""
    T, n, d = X.shape
    design = StackedDesign(X.reshape(T * n, d), np.repeat(np.arange(T), n), T)
    alpha, share = sum(rhos) / (2 * n), rhos[1] / sum(rhos)
    problem = Problem(design, design.arrange(Y.ravel()), Squared(), model(alpha, share), fit_intercept=False)
    return choose_solver(problem).solve(problem, tol=tol), 2 * n


def check(name, X, Y, rhos):
    model, proxes, _, tol, max_iter = EXAMPLES[name]
    theirs = accelerated_gradient(X, Y, proxes, rhos, tol, max_iter)
    solution, scale = ours(X, Y, model, rhos)
    value = objective(X, Y, *solution.parts, proxes, rhos)
    assert solution.converged
    assert_allclose(value, scale * solution.certificate.objective, rtol=1e-9)
    assert value <= theirs
    # The certificate holds for any algorithm's point: theirs is above the bound, too.
    assert theirs >= scale * solution.certificate.bound
    assert theirs <= 1.1 * value  # and it is a comparison
    return solution


@pytest.mark.filterwarnings("ignore:column_ratio", "ignore:l1_ratio")
@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("strength", [0.1, 0.03])
def test_a_tenth_of_the_example(name, strength):
    X, Y = data(50, 10, 10)
    solution = check(name, X, Y, tuple(strength * rho for rho in EXAMPLES[name][2]))
    assert np.any(solution.A)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:column_ratio")
@pytest.mark.parametrize("name", EXAMPLES)
def test_the_example(name):
    X, Y = data(500, 50, 50)
    check(name, X, Y, EXAMPLES[name][2])
