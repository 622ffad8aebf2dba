"""Norms of rows, their proximal operators and projections, vectorised over rows."""

from __future__ import annotations

import numpy as np

from mtlinear._typing import Array

# Newton on a log-sum-exp of two terms: quadratic convergence from a start that is right at both ends, to machine
# precision in 12 steps mostly; up to 25 were seen for exponents past 1e6 with a radius of a millionth of the row. The
# loop ends by itself. The outer root takes about 6 steps; 100 bisections always do.
_NEWTON_STEPS = 40
_ROOT_STEPS = 100


def dual_exponent(q: float) -> float:
    """q' with 1/q + 1/q' = 1."""
    if q == 1:
        return np.inf
    return 1.0 if np.isinf(q) else q / (q - 1.0)


def row_norms(A: Array, q: float) -> Array:
    """``||A[j, :]||_q`` for every row; safe against overflow and underflow unless q is 2."""
    if q == 1:
        return np.abs(A).sum(axis=1)
    if q == 2:
        return np.sqrt(np.einsum("ij,ij->i", A, A))  # np.linalg.norm makes arrays of the size of A on the way
    largest = np.abs(A).max(axis=1, initial=0.0)
    if np.isinf(q):
        return largest
    unit = np.where(largest > 0, largest, 1.0)
    return largest * np.sum((np.abs(A) / unit[:, None]) ** q, axis=1) ** (1.0 / q)


def cut_rows(V: Array, radius: float | Array) -> Array:
    """Every row with its largest magnitudes cut to one level, so that ``radius`` is cut off in all.

    A row of which there is no more than that becomes zero.

    It is V minus its projection onto ``||x||_1 <= radius``, so the prox of ``radius * ||x||_inf``. With magnitudes
    m_1 >= m_2 >= ... the level is ``max_k (m_1 + ... + m_k - radius) / k`` (Duchi et al. 2008, figure 1).
    """
    descending = np.sort(-np.abs(V), axis=1)
    cut = np.cumsum(np.negative(descending, out=descending), axis=1, out=descending)
    cut -= radius
    cut /= np.arange(1, V.shape[1] + 1, dtype=V.dtype)
    level = np.maximum(cut.max(axis=1, keepdims=True), 0.0)
    return np.clip(V, -level, level)


def prox_row_norm(V: Array, radius: float | Array, q: float) -> Array:
    r"""``argmin_X 1/2 ||X - V||_F^2 + radius * sum_j ||X[j, :]||_q`` for 1 < q < inf: one scalar root per row.

    Signs split off, and rows with ``||v||_q' <= radius`` are zero. For q >= 2 the optimality condition of a row is

        x + lam x^(q-1) = v   with   lam ||x||_q^(q-1) = radius,   that is   ||v - x||_q' = radius.

    For q < 2 the power would be below 1, so the dual problem is solved instead: x = v - y with y the projection of v
    onto the q'-ball, ``y + lam y^(q'-1) = v`` and ``||y||_q' = radius``. Both have the form "z + lam z^(r-1) = v with
    r >= 2, and the q'-norm of z or of v - z equal to radius", and that norm is monotone in lam: one root per row. It is
    found in float64 whatever V is.
    """
    X = np.zeros_like(V)
    dual = dual_exponent(q)
    magnitude = np.abs(V).astype(np.float64, copy=False)
    norms = row_norms(magnitude, dual)
    radius = np.broadcast_to(np.asarray(radius, V.dtype), (len(V), 1))[:, 0]
    moved = norms > radius
    if not moved.any():
        return X
    largest = magnitude[moved].max(axis=1)
    v = magnitude[moved] / largest[:, None]
    s = radius[moved] / largest
    log_lam = _row_multipliers(v, s, norms[moved] / largest, q, dual)
    z, rest = _solve_power_equation(v, log_lam, max(q, dual))
    X[moved] = np.sign(V[moved]) * (z if q >= 2 else rest) * largest[:, None]
    return X


def _row_multipliers(v: Array, s: Array, dual_norm: Array, q: float, dual: float) -> Array:
    """log(lam) of every row of v (largest entry 1): Newton in log-log, kept inside a bracket, on all rows at once."""
    n_tasks = v.shape[1]
    slack = np.maximum(dual_norm - s, 1e-16 * s)  # ||x||_q' is at least this, by the triangle inequality
    if q >= 2:
        # lam = s / ||x||_q^(q-1), and slack * T^(1/q - 1/q') <= ||x||_q <= ||v||_q
        low = np.log(s) - (q - 1) * np.log(row_norms(v, q))
        high = np.log(s) - (q - 1) * (np.log(slack) + (1 / q - 1 / dual) * np.log(n_tasks))
    else:
        # lam = ||x||_q / s^(q'-1), and slack <= ||x||_q' <= ||x||_q <= ||v||_q
        low = np.log(slack) - (dual - 1) * np.log(s)
        high = np.log(row_norms(v, q)) - (dual - 1) * np.log(s)
    r = max(q, dual)
    log_lam = 0.5 * (low + high)
    for _ in range(_ROOT_STEPS):
        z, rest = _solve_power_equation(v, log_lam, r)
        share = np.divide(rest, v, out=np.zeros_like(v), where=v > 0)
        # Relative change of z and of v - z per unit of log(lam), from differentiating the power equation.
        damping = 1.0 + (r - 2.0) * share
        a, growth = (rest, (1.0 - share) / damping) if q >= 2 else (z, -share / damping)
        norm = row_norms(a, dual)
        weight = (a / np.where(norm > 0, norm, 1.0)[:, None]) ** dual
        slope = np.sum(weight * growth, axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            mismatch = np.log(norm / s)
            step = -mismatch / slope
        above = (mismatch > 0) == (q >= 2)  # the norm grows with lam for q >= 2 and falls for q < 2
        low, high = np.where(above, low, log_lam), np.where(above, log_lam, high)
        proposal = log_lam + step
        proposal = np.where((proposal >= low) & (proposal <= high), proposal, 0.5 * (low + high))
        done = np.abs(proposal - log_lam) <= 4e-16 * (1.0 + np.abs(log_lam))
        log_lam = proposal
        if np.all(done | (np.abs(mismatch) <= 4e-16)):
            break
    return log_lam


def _solve_power_equation(v: Array, log_lam: Array, r: float) -> tuple[Array, Array]:
    """(z, v - z) with ``z + lam z^(r-1) = v`` for every entry; v in [0, 1], r > 2, one lam per row.

    With z = v exp(e) it reads log(exp(e) + kappa exp((r-1) e)) = 0: convex and increasing in e, slopes between 1 and
    r-1, so Newton converges from any start and never needs a safeguard.
    """
    with np.errstate(divide="ignore"):
        log_kappa = log_lam[:, None] + (r - 2.0) * np.log(v)
    e = np.minimum(0.0, -log_kappa / (r - 1.0))
    for _ in range(_NEWTON_STEPS):
        power = log_kappa + (r - 1.0) * e
        total = np.logaddexp(e, power)
        e = e - total / (1.0 + (r - 2.0) * np.exp(power - total))
        if np.max(np.abs(total)) <= 2e-16:
            break
    return v * np.exp(np.minimum(e, 0.0)), v * np.exp(np.minimum(log_kappa + (r - 1.0) * e, 0.0))
