"""Fused penalties: neighbours in a graph of tasks have equal parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from mtlinear._precision import in_precision, total
from mtlinear._typing import Array, Indices
from mtlinear._validation import check_real
from mtlinear.penalties._base import check_alpha
from mtlinear.penalties._graph import Graph, balanced_components, chain_graph, check_graph, edges_of, laplacian
from mtlinear.penalties._graph_variation import SignedEdges, prox_graph
from mtlinear.penalties._row_gauge import SearchedGauge, row_gauges
from mtlinear.penalties._rows import L1, L1Lq, Step
from mtlinear.penalties._total_variation import prox_chain

#: What the rounding of a row leaves in the free directions, relative to the largest entry of the matrix.
_ZERO_FREE = 1e-12

#: Of the smoothers for bounds of gauges: how much is left to the edges, in units of the mean weight.
_WIDTHS = (0.1, 0.3, 1.0, 3.0, 10.0)

#: Of gauges on graphs that are no chains, whose prox is iterated: relative.
_GRAPH_ACCURACY = 1e-11


class GraphFused(SearchedGauge):
    r"""Neighbouring tasks have *equal* parameters, except where the data say otherwise.

        Omega(A) = alpha * sum_j [ fused_ratio * sum_{edges (s, t)} |w_st| |A[j, s] - sign(w_st) A[j, t]|
                                   + (1 - fused_ratio) (l1_ratio ||A[j, :]||_1 + (1 - l1_ratio) ||A[j, :]||_2) ]

    The default graph is the chain of the tasks in their order, as for tasks that are times. With ``l1_ratio=1`` (and a
    graph) it is the graph-guided fused lasso, with 0 < l1_ratio < 1 on a chain the fused sparse group lasso (cFSGL).
    ``fused_ratio=1`` leaves what is common to a component of the graph free (`null_space`); without edges it is
    `SparseGroup`.

    prox: total variation, then soft threshold, then shrinkage of the row; the composition is exact (Friedman et al.
    2007; Zhou et al. 2012, theorem 1), also with signs, since the soft threshold is odd and monotone. Total variation
    is exact in O(T) a row on chains (any graph whose components are paths), and to 1e-12 of the largest entry on other
    graphs, where every row costs systems of T equations. Gauge: a root search on the prox, never too small.

    Parameters
    ----------
    graph : array-like or sparse matrix (n_tasks, n_tasks), or callable n_tasks -> matrix; default `chain_graph`
        Symmetric weights w_st of the edges, 0 for none; negative ones join tasks of opposite sign.
    alpha : float > 0, default 1.0
    fused_ratio : float in [0, 1], default 0.5
        Share of the total variation.
    l1_ratio : float in [0, 1], default 1.0
        Share of the L1 norm in the rest; what is left is the row norm.

    References
    ----------
    Tibshirani et al. (2005), JRSS B 67 (fused lasso). Chen, Kim, Lin, Carbonell & Xing (2010), arXiv:1005.3579 (signed
    graphs of tasks). Zhou, Liu, Narayan & Ye (2012), KDD, "Modeling disease progression via fused sparse group lasso".

    Examples
    --------
    >>> import numpy as np
    >>> GraphFused(alpha=2.0).prox(np.array([[6.0, 4.0, 0.5]]), step=1.0)
    array([[4. , 3. , 0.5]])
    """

    def __init__(self, graph: Graph = chain_graph, alpha: float = 1.0, fused_ratio: float = 0.5, l1_ratio: float = 1.0):
        self.graph = graph
        self.alpha = alpha
        self.fused_ratio = fused_ratio
        self.l1_ratio = l1_ratio

    @property
    def gauge_accuracy(self) -> float:
        return _GRAPH_ACCURACY

    def check(self, n_features: int, n_tasks: int) -> None:
        check_alpha(self.alpha)
        check_real("fused_ratio", self.fused_ratio, at_least=0.0, at_most=1.0)
        check_real("l1_ratio", self.l1_ratio, at_least=0.0, at_most=1.0)
        graph = check_graph(self.graph, n_tasks)
        free = 1.0 if self.fused_ratio == 1.0 else 0.0
        if free and n_tasks > 1 and not graph.any():
            raise ValueError("graph must have edges if fused_ratio=1: nothing would be penalised.")

    def value(self, A: Array) -> float:
        return total(self.row_value(A))

    def row_value(self, A: Array) -> Array:
        return self._values(A, self._edges(A.shape[1]))

    def prox(self, V: Array, step: Step) -> Array:
        return self.prox_operator()(V, step)

    def prox_operator(self) -> Callable[[Array, Step], Array]:
        """The prox, which starts from the joined tasks (the dual variables) of the last call."""
        memory = _Memory()

        def prox(V: Array, step: Step) -> Array:
            return self._prox(V, step, memory)

        return prox

    def null_space(self, n_tasks: int) -> Array:
        return self._edges(n_tasks).free if self.fused_ratio == 1.0 else np.zeros((n_tasks, 0))

    def _edges(self, n_tasks: int) -> _Edges:
        graph = check_graph(self.graph, n_tasks)
        return _edges(graph.tobytes(), n_tasks)

    @property
    def _strengths(self) -> tuple[float, float, float]:
        """Of the total variation, the L1 norm and the row norm."""
        alpha, fused, entries = float(self.alpha), float(self.fused_ratio), float(self.l1_ratio)
        return alpha * fused, alpha * (1.0 - fused) * entries, alpha * (1.0 - fused) * (1.0 - entries)

    def _values(self, A: Array, edges: _Edges) -> Array:
        fused, entries, lengths = self._strengths
        differences = np.abs(edges.signed.differences(A))
        values = fused * (differences @ edges.weights.astype(A.dtype))
        if entries:
            values = values + entries * np.abs(A).sum(axis=1)
        return values + lengths * np.linalg.norm(A, axis=1) if lengths else values

    def _prox(self, V: Array, step: Step, memory: _Memory) -> Array:
        fused, entries, lengths = self._strengths
        edges = self._edges(V.shape[1])
        X = V.copy()
        if fused and len(edges.weights):
            steps = np.broadcast_to(np.asarray(step, np.float64).reshape(-1, 1), (len(V), 1))
            X = edges.prox(V.astype(np.float64, copy=False), fused * steps, memory).astype(V.dtype, copy=False)
        if entries:
            X = L1(entries).prox(X, step)
        return L1Lq(lengths).prox(X, step) if lengths else X

    def _row_gauges(self, G: Array, **how: Any) -> Array:
        edges = self._edges(G.shape[1])
        Z = self.null_space(G.shape[1])
        common = G @ Z
        limit = in_precision(_ZERO_FREE, G.dtype) * float(np.max(np.abs(G), initial=0.0))
        infinite = np.max(np.abs(common), axis=1, initial=0.0) > limit
        if Z.shape[1]:
            G = np.where(infinite[:, None], 0.0, G - common @ Z.T).astype(G.dtype)
        gauges = row_gauges(
            G,
            value=lambda A: self._values(A, edges),
            prox=lambda V, step: self._prox(V, step, _Memory()),
            bound=lambda A: self._bounds(A, edges),
            **how,
        )
        return np.where(infinite, np.asarray(np.inf, gauges.dtype), gauges)

    def _bounds(self, A: Array, edges: _Edges) -> Array:
        """Upper bounds of the gauges of rows: exact for total variation alone on paths."""
        fused, entries, lengths = self._strengths
        if not (entries or lengths):
            return np.asarray(np.max(np.abs(A @ edges.flows), axis=1, initial=0.0) / fused)
        bounds = [self._bounds_without_edges(A)]
        if fused and len(edges.weights):
            # A row may be split in two, one part for each norm: the larger of the gauges counts.
            for smoother in edges.smoothers:
                smooth = A @ smoother
                flow = np.max(np.abs((A - smooth) @ edges.flows), axis=1, initial=0.0) / fused
                bounds.append(np.maximum(flow, self._bounds_without_edges(smooth)))
        return np.asarray(np.min(bounds, axis=0))

    def _bounds_without_edges(self, A: Array) -> Array:
        """By the L1 norm or the row norm alone."""
        _, entries, lengths = self._strengths
        bounds = [np.abs(A).max(axis=1, initial=0.0) / entries] if entries else []
        bounds += [np.linalg.norm(A, axis=1) / lengths] if lengths else []
        return np.asarray(np.min(bounds, axis=0))


class _Memory:
    """What the last prox found: states of the edges of a chain, dual variables of a graph; for rows of one shape."""

    found: Array | None = None

    def of(self, shape: tuple[int, ...]) -> Array | None:
        return self.found if self.found is not None and self.found.shape == shape else None


@dataclass(frozen=True)
class _Edges:
    """Edges of a graph, and if its components are paths, the order of the tasks along them.

    Attributes
    ----------
    signed : SignedEdges
    weights : ndarray (n_edges,)
        Positive.
    order, turns : ndarray (n_tasks,) or None
        Tasks along the paths, and the signs that make all their edges positive.
    along : ndarray (n_tasks - 1,)
        Weights along the paths, 0 from one to the next.
    free : ndarray (n_tasks, k)
        What all differences are blind to.
    flows : ndarray (n_tasks, n_edges)
        For rows orthogonal to what is free: dual variables over the weights that make up a row, so their largest is
        at least the dual norm of the total variation.
    smoothers : list of ndarray (n_tasks, n_tasks)
        Each keeps what is free, and of the rest the more the smoother it is.
    """

    signed: SignedEdges
    weights: Array
    order: Indices | None
    turns: Array
    along: Array
    free: Array
    flows: Array
    smoothers: list[Array]

    def prox(self, V: Array, steps: Array, memory: _Memory) -> Array:
        """Of the total variation with these steps (n, 1)."""
        if self.order is None:
            X, memory.found = prox_graph(V, steps * self.weights, self.signed, memory.of((len(V), len(self.weights))))
            return X
        states = memory.of((len(V), len(self.along)))
        turned = V[:, self.order] * self.turns
        Y, memory.found = prox_chain(turned, steps * self.along, states)  # type: ignore[arg-type, assignment]
        X = np.empty_like(V)
        X[:, self.order] = Y * self.turns
        return X


@lru_cache(maxsize=32)
def _edges(graph_bytes: bytes, n_tasks: int) -> _Edges:
    """Of a checked graph, by its content: worked out once."""
    graph = np.frombuffer(graph_bytes).reshape(n_tasks, n_tasks)
    s, t, weights = edges_of(graph)
    signed = SignedEdges(s, t, np.sign(weights), n_tasks)
    free = balanced_components(graph)
    strengths = np.abs(weights)
    order, turns, along = _paths(graph)
    if order is not None:  # sums along the path, exactly
        position = np.argsort(order)
        first = np.minimum(position[s], position[t])
        flows = np.where(position[:, None] <= first, turns[position][:, None], 0.0)
        # only what is before on the same path
        path = np.concatenate([[0], np.cumsum(along == 0)])
        flows *= path[position][:, None] == path[first]
        flows /= strengths
    else:
        flows = np.linalg.pinv(signed.matrix()) / strengths
    bends = laplacian(graph) / max(float(strengths.mean()), 1e-300) if len(strengths) else graph
    smoothers = [free @ free.T, *(np.linalg.inv(np.eye(n_tasks) + width * bends) for width in _WIDTHS)]
    return _Edges(signed, strengths, order, turns, along, free, flows, smoothers)


def _paths(graph: Array) -> tuple[Indices | None, Array, Array]:
    """Tasks in their order along the components, if all of them are paths; signs and weights on the way."""
    n_tasks = len(graph)
    neighbours = [np.flatnonzero(row) for row in graph]
    order: list[int] = []
    turns, along = np.ones(n_tasks), np.zeros(max(n_tasks - 1, 0))
    seen = np.zeros(n_tasks, bool)
    for end in range(n_tasks):
        if seen[end] or len(neighbours[end]) > 1:
            continue
        task, before = end, -1
        while task >= 0:
            seen[task] = True
            if before >= 0:
                k = len(order)
                along[k - 1] = abs(graph[before, task])
                turns[k] = turns[k - 1] * np.sign(graph[before, task])
            order.append(task)
            following = [other for other in neighbours[task] if not seen[other]]
            before, task = task, int(following[0]) if len(following) == 1 and len(neighbours[task]) <= 2 else -1
    if len(order) < n_tasks or any(len(others) > 2 for others in neighbours):
        return None, turns, along
    return np.array(order, dtype=np.intp), turns, along
