"""Smoothing over a graph of tasks: the Laplacian penalty."""

from __future__ import annotations

from functools import lru_cache
from typing import Self

import numpy as np

from mtlinear._typing import Array
from mtlinear.penalties._base import Quadratic, check_alpha
from mtlinear.penalties._graph import Graph, balanced_components, chain_graph, check_graph, laplacian
from mtlinear.penalties._task_quadratic import TaskQuadratic


class GraphLaplacian(Quadratic):
    r"""Neighbours in a graph of tasks are alike: ``alpha/2 sum_st |w_st| ||a_s - sign(w_st) a_t||^2`` over its edges.

    That is ``alpha/2 tr(A L A')`` with the Laplacian ``L = diag(sum_t |w_st|) - w``; tasks joined by a negative weight
    are believed to be opposites. MALSAR's ``rho ||A R||_F^2``, R a matrix with a column ``unit_s - unit_t`` for every
    edge, is alpha = 2 rho. A complete graph of weights 1/T is `MeanRegularized`.

    In every connected component one direction is free (its signed mean; see `null_space`), unless the signs of its
    edges contradict each other around a cycle, when none is. A task without neighbours is a component of its own, and
    therefore not penalised at all: `Sum` it with another penalty if that is not meant.

    Parameters
    ----------
    graph : array-like or sparse matrix (n_tasks, n_tasks), or callable; default `chain_graph`
        Symmetric adjacency matrix: the weight of the edge between two tasks, 0 for none; the diagonal is 0. Or a
        function that makes one for a number of tasks, such as `chain_graph`.
    alpha : float > 0, default 1.0

    References
    ----------
    Evgeniou, Micchelli & Pontil (2005), JMLR 6, section 3.1.3. Zhou, Chen & Ye (2011), MALSAR (SRMTL).

    Examples
    --------
    >>> import numpy as np
    >>> penalty = GraphLaplacian([[0, 1, 0], [1, 0, 0], [0, 0, 0]], alpha=3.0)
    >>> round(penalty.value(np.array([[1.0, 3.0, 9.0]])), 12)
    6.0
    >>> penalty.prox(np.array([[1.0, 3.0, 9.0]]), step=0.5).round(12)
    array([[1.75, 2.25, 9.  ]])
    """

    def __init__(self, graph: Graph = chain_graph, alpha: float = 1.0):
        self.graph = graph
        self.alpha = alpha

    def check(self, n_features: int, n_tasks: int) -> None:
        check_alpha(self.alpha)
        check_graph(self.graph, n_tasks)

    def task_quadratic(self, n_tasks: int) -> TaskQuadratic:
        return _of_graph(check_graph(self.graph, n_tasks).tobytes(), n_tasks, float(self.alpha))

    def value(self, A: Array) -> float:
        return self.task_quadratic(A.shape[1]).value(A)

    def prox(self, V: Array, step: float) -> Array:
        return self.task_quadratic(V.shape[1]).prox(V, step)

    def conjugate(self, G: Array) -> float:
        return self.task_quadratic(G.shape[1]).conjugate(G)

    def gauge(self, G: Array) -> float:
        return self.task_quadratic(G.shape[1]).gauge(G)

    def null_space(self, n_tasks: int) -> Array:
        return self.task_quadratic(n_tasks).null_space

    def scaled(self, factor: float) -> Self:
        return type(self)(self.graph, self.alpha * factor)


@lru_cache(maxsize=32)
def _of_graph(weights: bytes, n_tasks: int, alpha: float) -> TaskQuadratic:
    """Remembered, as every method asks for it and it takes an eigendecomposition."""
    graph = np.frombuffer(weights).reshape(n_tasks, n_tasks)
    return TaskQuadratic.of_matrix(alpha * laplacian(graph), balanced_components(graph), alpha)
