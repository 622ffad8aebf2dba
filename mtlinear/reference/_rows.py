"""Sums over the rows of A, each written out from the formula of its paper."""

from __future__ import annotations

from typing import Any

import numpy as np

from mtlinear.penalties import GraphFused, SparseGroup, TreeGuided, Weighted, kim_xing_groups
from mtlinear.reference._cvxpy import cvxpy
from mtlinear.reference._expressions import Expression, penalty_expression, sum_of_row_norms


@penalty_expression.register
def _sparse_group(penalty: SparseGroup, A: Any) -> Expression:
    """alpha sum_j ((1 - l1_ratio) ||A[j, :]||_q + l1_ratio ||A[j, :]||_1)."""
    share = penalty.l1_ratio
    return penalty.alpha * ((1.0 - share) * sum_of_row_norms(A, penalty.q) + share * cvxpy().norm1(A)), []


@penalty_expression.register
def _weighted(penalty: Weighted, A: Any) -> Expression:
    """sum_j w_j f(A[j, :]), the rows one by one; with a weight per entry, sum_jt w_jt f(A[j, t])."""
    weights = np.asarray(penalty.weights, dtype=float)
    if weights.ndim == 1:
        terms = [penalty_expression(penalty.penalty, A[j : j + 1, :]) for j in range(A.shape[0])]
        return sum(w * term for w, (term, _) in zip(weights, terms, strict=True)), [c for _, cs in terms for c in cs]
    return penalty_expression(penalty.penalty, cvxpy().multiply(weights, A))


@penalty_expression.register
def _tree_guided(penalty: TreeGuided, A: Any) -> Expression:
    """alpha sum_j sum_v weight_v ||A[j, G_v]||_2."""
    cp, T = cvxpy(), A.shape[1]
    tree = penalty.tree(T) if callable(penalty.tree) else penalty.tree
    groups = kim_xing_groups(tree) if isinstance(tree, np.ndarray) else tree
    rows = range(A.shape[0])
    return penalty.alpha * sum(w * cp.norm(A[j, list(tasks)], 2) for tasks, w in groups for j in rows), []


@penalty_expression.register
def _graph_fused(penalty: GraphFused, A: Any) -> Expression:
    """alpha (fused_ratio sum_jst |w_st| |A[j, s] - sign(w_st) A[j, t]| + ...)."""
    cp, T = cvxpy(), A.shape[1]
    graph = np.asarray(penalty.graph(T) if callable(penalty.graph) else penalty.graph, dtype=float)
    fused, entries = penalty.fused_ratio, penalty.l1_ratio
    pairs = [(s, t) for s in range(T) for t in range(s) if graph[s, t]]
    variation = sum(abs(graph[s, t]) * cp.norm1(A[:, s] - np.sign(graph[s, t]) * A[:, t]) for s, t in pairs)
    rest = entries * cp.norm1(A) + (1.0 - entries) * sum_of_row_norms(A, 2)
    return penalty.alpha * (fused * variation + (1.0 - fused) * rest), []
