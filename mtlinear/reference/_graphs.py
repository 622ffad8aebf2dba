"""Graphs of tasks, and sums of penalties, as cvxpy expressions."""

from __future__ import annotations

from typing import Any

import numpy as np

from mtlinear.penalties import GraphLaplacian, GraphRegularized, Sum
from mtlinear.reference._cvxpy import cvxpy
from mtlinear.reference._expressions import Expression, penalty_expression


@penalty_expression.register
def _graph_laplacian(penalty: GraphLaplacian, A: Any) -> Expression:
    """alpha/2 sum over pairs s < t of |w_st| ||a_s - sign(w_st) a_t||^2."""
    cp = cvxpy()
    T = A.shape[1]
    graph = np.asarray(penalty.graph(T) if callable(penalty.graph) else penalty.graph)
    pairs = [(s, t) for s in range(T) for t in range(s + 1, T) if graph[s, t] != 0]
    terms = [abs(graph[s, t]) * cp.sum_squares(A[:, s] - np.sign(graph[s, t]) * A[:, t]) for s, t in pairs]
    return 0.5 * penalty.alpha * sum(terms, cp.Constant(0.0)), []


@penalty_expression.register
def _graph_regularized(penalty: GraphRegularized, A: Any) -> Expression:
    """alpha [r/2 sum_{s < t} |w_st| ||a_s - sign(w_st) a_t||^2 + (1 - r) sum_j (q ||A[j]||_1 + (1 - q) ||A[j]||_2)],

    r = smooth_ratio, q = l1_ratio.
    """
    cp = cvxpy()
    smooth, _ = _graph_laplacian(GraphLaplacian(penalty.graph, penalty.smooth_ratio), A)
    sparse = penalty.l1_ratio * cp.norm1(A) + (1.0 - penalty.l1_ratio) * cp.sum(cp.norm(A, 2, axis=1))
    return penalty.alpha * (smooth + (1.0 - penalty.smooth_ratio) * sparse), []


@penalty_expression.register
def _sum(penalty: Sum, A: Any) -> Expression:
    """Omega_0(A) + Omega_1(A) + ..."""
    terms = [penalty_expression(summand, A) for summand in penalty.penalties]
    return sum(term for term, _ in terms), [constraint for _, constraints in terms for constraint in constraints]
