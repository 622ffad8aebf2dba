"""Column groups, decompositions, squared norms and box norms as cvxpy expressions, each next to its formula.

The box norms are the semidefinite programs of the papers, in which a covariance or a relaxed projection is a variable;
the penalties themselves work on singular values. For the squared trace norms the covariance is singular wherever A is
of low rank, where interior-point methods lose half of their digits: here they are squares (the tests also solve the
joint problems).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mtlinear.penalties import (
    ColumnSparse,
    ConvexASO,
    FeatureLearning,
    Robust,
    RobustFeatures,
    SparseLowRank,
    SpectralBox,
    SpectralKSupport,
    SquaredNorm,
    TaskRelationship,
)
from mtlinear.reference._cvxpy import cvxpy
from mtlinear.reference._expressions import Expression, penalty_expression, relaxed_projection, sum_of_row_norms

# Columns and decompositions -------------------------------------------------------------------------------------------


@penalty_expression.register
def _column_sparse(penalty: ColumnSparse, A: Any) -> Expression:
    """alpha sum_t ||A[:, t]||_q."""
    return penalty.alpha * sum_of_row_norms(A.T, penalty.q), []


@penalty_expression.register
def _robust(penalty: Robust, A: Any) -> Expression:
    """alpha min_S (1 - column_ratio) ||A - S||_* + column_ratio sum_t ||S[:, t]||_2.

    ``column_ratio=None``: (1 - column_ratio)/column_ratio = T^(1/4).
    """
    cp = cvxpy()
    share = 1.0 / (1.0 + A.shape[1] ** 0.25) if penalty.column_ratio is None else penalty.column_ratio
    S = cp.Variable(A.shape, name="S")
    return penalty.alpha * ((1.0 - share) * cp.normNuc(A - S) + share * sum_of_row_norms(S.T, 2)), []


@penalty_expression.register
def _robust_features(penalty: RobustFeatures, A: Any) -> Expression:
    """alpha min_Q (1 - column_ratio) sum_j ||A[j, :] - Q[j, :]||_2 + column_ratio sum_t ||Q[:, t]||_2.

    ``column_ratio=None``: (1 - column_ratio)/column_ratio = (T/d)^(1/4).
    """
    d, T = A.shape
    share = 1.0 / (1.0 + (T / d) ** 0.25) if penalty.column_ratio is None else penalty.column_ratio
    Q = cvxpy().Variable(A.shape, name="Q")
    return penalty.alpha * ((1.0 - share) * sum_of_row_norms(A - Q, 2) + share * sum_of_row_norms(Q.T, 2)), []


@penalty_expression.register
def _sparse_low_rank(penalty: SparseLowRank, A: Any) -> Expression:
    """alpha min_S (1 - l1_ratio) ||A - S||_* + l1_ratio sum_jt |S[j, t]|.

    ``l1_ratio=None``: (1 - l1_ratio)/l1_ratio = (d T)^(1/4).
    """
    cp = cvxpy()
    d, T = A.shape
    share = 1.0 / (1.0 + (d * T) ** 0.25) if penalty.l1_ratio is None else penalty.l1_ratio
    S = cp.Variable(A.shape, name="S")
    return penalty.alpha * ((1.0 - share) * cp.normNuc(A - S) + share * cp.norm1(S)), []


# Squared norms --------------------------------------------------------------------------------------------------------


@penalty_expression.register
def _squared_norm(penalty: SquaredNorm, A: Any) -> Expression:
    """alpha/2 norm(A)^2."""
    cp = cvxpy()
    norm, constraints = (cp.normNuc(A), []) if penalty.norm is None else penalty_expression(penalty.norm, A)
    return 0.5 * penalty.alpha * cp.square(norm), constraints


@penalty_expression.register
def _feature_learning(penalty: FeatureLearning, A: Any) -> Expression:
    """alpha/2 ||A||_*^2; with ``diagonal=True`` alpha/2 min_D sum_j ||A[j, :]||^2 / D_jj, D >= 0, tr D = 1."""
    cp = cvxpy()
    if penalty.diagonal:
        D = cp.Variable(A.shape[0], name="M", nonneg=True)
        terms = [cp.quad_over_lin(A[j, :], D[j]) for j in range(A.shape[0])]
        return 0.5 * penalty.alpha * cp.sum(cp.hstack(terms)), [cp.sum(D) == 1.0]
    return 0.5 * penalty.alpha * cp.square(cp.normNuc(A)), []


@penalty_expression.register
def _task_relationship(penalty: TaskRelationship, A: Any) -> Expression:
    """alpha/2 (ridge_ratio ||A||_F^2 + ||A||_*^2)."""
    cp = cvxpy()
    return 0.5 * penalty.alpha * (penalty.ridge_ratio * cp.sum_squares(A) + cp.square(cp.normNuc(A))), []


# Box norms ------------------------------------------------------------------------------------------------------------


@penalty_expression.register
def _spectral_box(penalty: SpectralBox, A: Any) -> Expression:
    """alpha/2 min_S tr(A S^-1 A'), lower I <= S <= upper I, tr S = k upper + (T - k) lower."""
    return _box(A.T, penalty.alpha, penalty.k, penalty.lower, penalty.upper)


@penalty_expression.register
def _spectral_k_support(penalty: SpectralKSupport, A: Any) -> Expression:
    """alpha/2 min_S tr(A S^-1 A'), 0 <= S <= I, tr S = k; or, the same, the other way round where A is wide.

    For k <= 1 the trace alone bounds S, which leaves ||A||_*^2 / k (and a singular S, see above).
    """
    if penalty.k <= 1:
        return 0.5 * penalty.alpha / penalty.k * cvxpy().square(cvxpy().normNuc(A)), []
    return _box(A.T if A.shape[0] >= A.shape[1] else A, penalty.alpha, penalty.k, 0.0, 1.0)


@penalty_expression.register
def _convex_aso(penalty: ConvexASO, A: Any) -> Expression:
    """c min_M tr(A' (eta I + M)^-1 A), 0 <= M <= I, tr M = n_components, with M between features (d x d).

    alpha = 2 c / eta and shared_ratio = eta / (1 + eta); for shared_ratio = 1 (eta = inf) it is alpha/2 ||A||_F^2.
    """
    cp = cvxpy()
    d = A.shape[0]
    if penalty.shared_ratio == 1.0:
        return 0.5 * penalty.alpha * cp.sum_squares(A), []
    eta = penalty.shared_ratio / (1.0 - penalty.shared_ratio)
    c = 0.5 * penalty.alpha * eta
    M, constraints = relaxed_projection(d, min(penalty.n_components, d))
    return c * cp.matrix_frac(A, eta * np.eye(d) + 0.5 * (M + M.T)), constraints


def _box(A: Any, alpha: float, k: float, lower: float, upper: float) -> Expression:
    """alpha/2 min_S tr(A' S^-1 A) in the order of A; directions in which A is zero keep the lower value."""
    cp = cvxpy()
    n = A.shape[0]
    if k >= n or lower == upper:
        return 0.5 * alpha / upper * cp.sum_squares(A), []
    S = cp.Variable((n, n), name="M", PSD=True)
    constraints = [S - lower * np.eye(n) >> 0, upper * np.eye(n) - S >> 0]
    constraints.append(cp.trace(S) == k * upper + (n - k) * lower)
    return 0.5 * alpha * cp.matrix_frac(A, S), constraints
