"""Tree-guided group lasso: nested groups of tasks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from mtlinear._precision import total
from mtlinear._typing import Array
from mtlinear.penalties._row_gauge import SearchedGauge, row_gauges
from mtlinear.penalties._rows import Step
from mtlinear.penalties._task_tree import Nodes, TaskTree, read_tree


class TreeGuided(SearchedGauge):
    r"""Tasks that are related in a tree: close relatives use the same features, distant ones need not.

        Omega(A) = alpha * sum_j sum_v weight_v ||A[j, G_v]||_2

    over the nodes v of a tree, G_v the tasks below v. Only leaves: the lasso; only the root: `L1Lq`.

    prox: that of one group after the other, from the leaves up (exact for nested groups: Jenatton et al. 2011). What
    that does to a row is known from the lengths of its groups alone: ``n_v = max(||members of v|| - step weight_v, 0)``
    going up, and entry t is multiplied by the product of the ``n_v / ||members of v||`` above it.

    Parameters
    ----------
    tree : ndarray (n_tasks - 1, 4), or list of (tasks, weight), or callable n_tasks -> one of these; default None
        A linkage matrix, as from ``scipy.cluster.hierarchy.linkage``, stands for its groups with the weights of
        Kim & Xing (`kim_xing_groups`). Groups are given by the positions of their tasks, must be nested or disjoint,
        and must together hold every task. None is an error that says how to make a tree.
    alpha : float > 0, default 1.0

    References
    ----------
    Kim & Xing (2010), ICML, "Tree-guided group lasso for multi-task regression with structured sparsity". Jenatton,
    Mairal, Obozinski & Bach (2011), JMLR 12, 2297-2334, algorithm 1. Liu & Ye (2010), NIPS 23.

    Examples
    --------
    >>> import numpy as np
    >>> tree = [([0], 1.0), ([1], 1.0), ([2], 1.0), ([0, 1], 2.0)]
    >>> TreeGuided(tree).prox(np.array([[4.0, 5.0, 3.0]]), step=1.0)
    array([[1.8, 2.4, 2. ]])
    """

    def __init__(self, tree: TaskTree = None, alpha: float = 1.0):
        self.tree = tree
        self.alpha = alpha

    def check(self, n_features: int, n_tasks: int) -> None:
        super().check(n_features, n_tasks)
        read_tree(self.tree, n_tasks)

    def value(self, A: Array) -> float:
        return total(self.row_value(A))

    def row_value(self, A: Array) -> Array:
        return float(self.alpha) * _values(read_tree(self.tree, A.shape[1]), A)

    def prox(self, V: Array, step: Step) -> Array:
        return self.prox_operator()(V, step)

    def prox_operator(self) -> Callable[[Array, Step], Array]:
        """The prox, with a tree that is read once."""
        nodes: list[Nodes] = []

        def prox(V: Array, step: Step) -> Array:
            if not nodes:
                nodes.append(read_tree(self.tree, V.shape[1]))
            return _prox(nodes[0], V, float(self.alpha) * step)

        return prox

    def _row_gauges(self, G: Array, **how: Any) -> Array:
        alpha, nodes = float(self.alpha), read_tree(self.tree, G.shape[1])
        return row_gauges(
            G,
            value=lambda A: alpha * _values(nodes, A),
            prox=lambda V, step: _prox(nodes, V, alpha * step),
            bound=lambda A: np.max(np.abs(A) / (alpha * nodes.floor), axis=1, initial=0.0),
            **how,
        )


def _values(nodes: Nodes, A: Array) -> Array:
    """``sum_v weight_v ||A[j, G_v]||_2`` of every row."""
    squares = _members(nodes, A)
    for level in nodes.levels:
        squares[len(nodes.owners) + level.nodes] = np.add.reduceat(squares[level.members], level.starts, axis=0)
    return np.asarray(nodes.weights.astype(A.dtype) @ np.sqrt(squares[len(nodes.owners) :]))


def _prox(nodes: Nodes, V: Array, step: Step) -> Array:
    """One number for every node and row going up, one for every node and row coming down."""
    n_tasks, count = len(nodes.owners), len(nodes.groups)
    squares = _members(nodes, V)
    steps = np.broadcast_to(np.asarray(step, V.dtype).reshape(-1), (len(V),))
    weights = nodes.weights.astype(V.dtype)[:, None]
    factors = np.ones((count + 1, len(V)), V.dtype)  # the last for what is above the roots
    for level in nodes.levels:
        length = np.sqrt(np.add.reduceat(squares[level.members], level.starts, axis=0))
        left = np.maximum(length - weights[level.nodes] * steps, 0.0)
        squares[n_tasks + level.nodes] = left * left
        factors[level.nodes] = np.divide(left, length, out=np.zeros_like(left), where=length > 0)
    for level in reversed(nodes.levels):
        factors[level.nodes] *= factors[nodes.parents[level.nodes]]
    return np.asarray(V * factors[nodes.owners].T)


def _members(nodes: Nodes, A: Array) -> Array:
    """Squares of the tasks, and room for those of the nodes: (n_tasks + n_nodes, n_features)."""
    squares = np.empty((A.shape[1] + len(nodes.groups), len(A)), A.dtype)
    np.multiply(A.T, A.T, out=squares[: A.shape[1]])
    return squares
