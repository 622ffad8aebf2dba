"""Graphs between tasks: what the caller may give, their edges, and what they hold together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.sparse.csgraph import connected_components

from mtlinear._typing import Array, Indices

#: An adjacency matrix (n_tasks, n_tasks), dense or of scipy.sparse, or a function that makes one for n_tasks.
Graph = Any

#: Weights of the two directions of an edge may differ by this, relative to the largest.
_SYMMETRIC = 1e-10


def chain_graph(n_tasks: int) -> Array:
    """Adjacency matrix of a chain: every task is joined to the next, as in time.

    Penalties on graphs take the function itself too (``GraphLaplacian(chain_graph)``): a chain of however many tasks.

    Examples
    --------
    >>> chain_graph(3)
    array([[0., 1., 0.],
           [1., 0., 1.],
           [0., 1., 0.]])
    """
    return np.eye(n_tasks, k=1) + np.eye(n_tasks, k=-1)


def check_graph(graph: Graph, n_tasks: int) -> Array:
    """The graph as an exactly symmetric float64 matrix (n_tasks, n_tasks) with a zero diagonal.

    Parameters
    ----------
    graph : array-like or sparse matrix (n_tasks, n_tasks), or callable n_tasks -> such a matrix
        Entry (s, t) is the weight of the edge between tasks s and t; 0 is no edge, below 0 joins tasks that are
        believed to be opposites. Symmetric; what is on the diagonal must be 0.
    n_tasks : int

    Raises
    ------
    ValueError, TypeError
        If it is none; the message says what is wrong.
    """
    if hasattr(graph, "columns"):
        raise TypeError(
            "graph is a DataFrame, but a penalty knows no labels of tasks: give graph.loc[labels, labels].to_numpy() "
            "with labels in the order of tasks_ (sorted), or use FusedRegressor or GraphRegularizedRegressor."
        )
    made = graph(n_tasks) if isinstance(graph, Callable) else graph  # type: ignore[arg-type]
    made = made.toarray() if hasattr(made, "toarray") else made
    try:
        weights = np.array(made, dtype=np.float64)
        if weights.ndim == 0:
            raise TypeError("no matrix")
    except (TypeError, ValueError) as error:
        raise TypeError(f"graph must be a matrix of numbers, got {graph!r} of type {type(graph).__name__}.") from error
    if weights.shape != (n_tasks, n_tasks):
        raise ValueError(
            f"graph must have a row and a column for each of the {n_tasks} tasks, got shape {weights.shape}."
        )
    if not np.all(np.isfinite(weights)):
        raise ValueError("graph must have finite weights; 0 is no edge.")
    if np.any(np.diagonal(weights) != 0):
        tasks = np.flatnonzero(np.diagonal(weights)).tolist()
        raise ValueError(
            f"graph must be 0 on its diagonal (no task is joined to itself), but is not for task(s) {tasks}."
        )
    if np.any(np.abs(weights - weights.T) > _SYMMETRIC * np.max(np.abs(weights), initial=0.0)):
        s, t = np.unravel_index(np.argmax(np.abs(weights - weights.T)), weights.shape)
        raise ValueError(
            f"graph must be symmetric, but its weights between tasks {s} and {t} are {weights[s, t]:g} and "
            f"{weights[t, s]:g}; (graph + graph.T) / 2 is."
        )
    return 0.5 * weights + 0.5 * weights.T


def edges_of(graph: Array) -> tuple[Indices, Indices, Array]:
    """(s, t, weight) of every edge of a checked graph, each once, with s < t; the weights have signs."""
    s, t = np.nonzero(np.triu(graph, k=1))
    return s, t, graph[s, t]


def incidence(graph: Array) -> Array:
    """(n_tasks, n_edges): column e is ``|w_e| (unit_s - sign(w_e) unit_t)``, so that A times it has the differences."""
    s, t, weights = edges_of(graph)
    columns = np.zeros((len(graph), len(weights)))
    columns[s, np.arange(len(weights))] = np.abs(weights)
    columns[t, np.arange(len(weights))] = -weights
    return columns


def laplacian(graph: Array) -> Array:
    """L with ``a L a' = sum_e |w_e| (a_s - sign(w_e) a_t)^2``: the degrees minus the graph."""
    return np.diag(np.abs(graph).sum(axis=1)) - graph


def balanced_components(graph: Array) -> Array:
    """Orthonormal (n_tasks, k): the null space of the Laplacian, a vector for every component that is free.

    In a connected component all ``a_s = sign(w_st) a_t`` at once leaves one number free, if the signs around every
    cycle multiply to +1 (it is balanced), and none otherwise. A task without edges is a component of its own.

    Notes
    -----
    Every task is taken twice, as +t and -t; an edge of positive weight joins equal signs, one of negative weight
    opposite ones. A component is balanced exactly if its +t and -t are not connected.
    """
    n_tasks = len(graph)
    positive, negative = graph > 0, graph < 0
    twice = np.block([[positive, negative], [negative, positive]])
    _, labels = connected_components(twice, directed=False)
    plus, minus = labels[:n_tasks], labels[n_tasks:]
    vectors = []
    for label in np.unique(plus):
        members = np.flatnonzero((plus == label) | (minus == label))
        if np.any(plus[members] == minus[members]) or plus[members[0]] != label:  # not balanced, or seen with -
            continue
        vector = np.zeros(n_tasks)
        vector[members] = np.where(plus[members] == label, 1.0, -1.0) / np.sqrt(len(members))
        vectors.append(vector)
    return np.column_stack(vectors) if vectors else np.zeros((n_tasks, 0))
