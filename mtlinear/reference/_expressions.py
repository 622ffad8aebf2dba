"""Losses and penalties as cvxpy expressions, each next to its formula."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

import numpy as np

from mtlinear._typing import Array
from mtlinear.losses import Logistic, Loss, Squared
from mtlinear.penalties import (
    L1,
    Clustered,
    Dirty,
    InfimalConvolution,
    L1Lq,
    MeanRegularized,
    Penalty,
    Ridge,
    TraceNorm,
)
from mtlinear.reference._cvxpy import cvxpy

#: (convex expression, list of constraints), both made of cvxpy objects.
Expression = tuple[Any, list[Any]]

# Losses -------------------------------------------------------------------------------------------------------------


@singledispatch
def loss_expression(loss: Loss, y: Array, z: Any) -> Any:
    """The loss of every observation, a cvxpy expression in the scores z."""
    raise NotImplementedError(f"{type(loss).__name__} has no expression in mtlinear.reference; register one.")


@loss_expression.register
def _squared(loss: Squared, y: Array, z: Any) -> Any:
    """(y - z)^2 / 2."""
    return 0.5 * cvxpy().square(z - y)


@loss_expression.register
def _logistic(loss: Logistic, y: Array, z: Any) -> Any:
    """log(1 + exp(-y z))."""
    cp = cvxpy()
    return cp.logistic(cp.multiply(-y, z))


# Penalties ----------------------------------------------------------------------------------------------------------


@singledispatch
def penalty_expression(penalty: Penalty, A: Any) -> Expression:
    """Omega(A) as (convex cvxpy expression, constraints on the variables that it brings along)."""
    raise NotImplementedError(f"{type(penalty).__name__} has no expression in mtlinear.reference; register one.")


@penalty_expression.register
def _l1(penalty: L1, A: Any) -> Expression:
    """alpha sum_jt |A[j, t]|."""
    return penalty.alpha * cvxpy().norm1(A), []


@penalty_expression.register
def _l1lq(penalty: L1Lq, A: Any) -> Expression:
    """alpha sum_j ||A[j, :]||_q."""
    return penalty.alpha * sum_of_row_norms(A, penalty.q), []


@penalty_expression.register
def _trace_norm(penalty: TraceNorm, A: Any) -> Expression:
    """alpha (sum of the singular values of A)."""
    return penalty.alpha * cvxpy().normNuc(A), []


@penalty_expression.register
def _ridge(penalty: Ridge, A: Any) -> Expression:
    """alpha/2 ||A||_F^2."""
    return 0.5 * penalty.alpha * cvxpy().sum_squares(A), []


@penalty_expression.register
def _mean_regularized(penalty: MeanRegularized, A: Any) -> Expression:
    """alpha/2 sum_t ||a_t - mean||^2 + mean_alpha/2 T ||mean||^2, mean = (1/T) sum_t a_t."""
    cp = cvxpy()
    T = A.shape[1]
    mean = A @ np.full((T, 1), 1.0 / T)
    deviations = A - mean @ np.ones((1, T))
    strengths = 0.5 * penalty.alpha, 0.5 * penalty.mean_alpha * T
    return strengths[0] * cp.sum_squares(deviations) + strengths[1] * cp.sum_squares(mean), []


@penalty_expression.register
def _clustered(penalty: Clustered, A: Any) -> Expression:
    r"""The semidefinite program of Jacob, Bach & Vert (2009), without the spectral form that the solvers use.

        eps_M/2 tr(A U A')  +  1/2 min_M tr(A Pi S^-1 Pi A'),      U = 11'/T,  Pi = I - U,

    where M stands for their relaxed M - U (0 <= M <= I, tr M = n_clusters - 1) and

        S^-1 = eps_B M + eps_W (I - M)   for a projection M, which is   S = M / eps_B + (I - M) / eps_W,

    linear in M: that is why the relaxation is convex. With ``mean_ratio=None`` (Zhou, Chen & Ye 2011) the mean is not
    apart: Pi = I, eps_M = 0 and tr M = n_clusters.
    """
    cp = cvxpy()
    T = A.shape[1]
    eps_within, eps_between = penalty.alpha, penalty.alpha * penalty.between_ratio
    apart, eps_mean = penalty.mean_ratio is not None, penalty.alpha * (penalty.mean_ratio or 0.0)
    U = np.full((T, T), 1.0 / T)
    Pi = np.eye(T) - U if apart else np.eye(T)
    n_top = min(penalty.n_clusters, T) - (1 if apart else 0)
    M, constraints = relaxed_projection(T, n_top)
    S = M / eps_between + (np.eye(T) - M) / eps_within
    expression = 0.5 * cp.matrix_frac((A @ Pi).T, 0.5 * (S + S.T))
    if apart:
        expression = expression + 0.5 * eps_mean * cp.sum_squares(A @ U)
    return expression, constraints


def relaxed_projection(T: int, rank: int) -> tuple[Any, list[Any]]:
    """Convex hull of the projections of a rank: 0 <= M <= I, tr M = rank (one constant matrix at both ends)."""
    cp = cvxpy()
    if rank in (0, T):
        return cp.Constant(np.eye(T) * (rank == T)), []
    M = cp.Variable((T, T), name="M", PSD=True)
    return M, [np.eye(T) - M >> 0, cp.trace(M) == rank]


@penalty_expression.register
def _dirty(penalty: Dirty, A: Any) -> Expression:
    """alpha min_S (1 - l1_ratio) sum_j ||A[j, :] - S[j, :]||_q + l1_ratio sum_jt |S[j, t]|.

    ``l1_ratio=None``: (1 - l1_ratio)/l1_ratio = T^(1/(2 q')) with 1/q + 1/q' = 1, that is sqrt(T) for q = inf.
    """
    cp = cvxpy()
    ratio = A.shape[1] ** (0.5 * (1.0 - 1.0 / penalty.q))
    sparse = 1.0 / (1.0 + ratio) if penalty.l1_ratio is None else penalty.l1_ratio
    # S is free and B = A - S, so no constraint ties the parts together and the objective at S is exact.
    S = cp.Variable(A.shape, name="S")
    return penalty.alpha * ((1.0 - sparse) * sum_of_row_norms(A - S, penalty.q) + sparse * cp.norm1(S)), []


@penalty_expression.register
def _infimal_convolution(penalty: InfimalConvolution, A: Any) -> Expression:
    """min Omega_0(A - A_1 - A_2 - ...) + Omega_1(A_1) + Omega_2(A_2) + ... over A_1, A_2, ..."""
    cp = cvxpy()
    parts = [cp.Variable(A.shape, name=f"A{k}") for k in range(1, len(penalty.penalties))]
    terms = [penalty_expression(p, part) for p, part in zip(penalty.penalties, [A - sum(parts), *parts], strict=True)]
    return sum(term for term, _ in terms), [constraint for _, constraints in terms for constraint in constraints]


def sum_of_row_norms(A: Any, q: float) -> Any:
    """sum_j ||A[j, :]||_q."""
    cp = cvxpy()
    return cp.sum(cp.hstack([cp.pnorm(A[j, :], q) for j in range(A.shape[0])]))
