"""Trees of tasks: what the caller may give, and its nodes in the order in which a prox visits them."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from mtlinear._typing import Array, Indices
from mtlinear._validation import check_real

#: A linkage matrix (n_tasks - 1, 4), groups as pairs (tasks, weight), or a function that makes one of these.
TaskTree = Any


@dataclass(frozen=True)
class Level:
    """Nodes whose members are all known when it is their turn: tasks, and nodes of lower levels.

    Attributes
    ----------
    nodes : ndarray (k,)
    members : ndarray
        Of all nodes, one after the other: t is task t, ``n_tasks + v`` node v.
    starts : ndarray (k,)
        Where the members of each node begin.
    """

    nodes: Indices
    members: Indices
    starts: Indices


@dataclass(frozen=True)
class Nodes:
    """Nested groups of tasks.

    Attributes
    ----------
    groups : list of ndarray
        Tasks of each node, all different.
    weights : ndarray (n_nodes,)
    parents : ndarray (n_nodes,)
        Smallest node that contains this one; n_nodes for those that no other contains.
    owners : ndarray (n_tasks,)
        Smallest node of each task.
    levels : list of Level
        From the leaves up.
    floor : ndarray (n_tasks,)
        ``sum over the nodes v of the task of weight_v / sqrt(size_v)``: by that, sum_v weight_v ||a_v|| is at least
        ``sum_t floor_t |a_t|``.
    """

    groups: list[Indices]
    weights: Array
    parents: Indices
    owners: Indices
    levels: list[Level]
    floor: Array


def kim_xing_groups(linkage: ArrayLike) -> list[tuple[list[int], float]]:
    r"""The groups of a hierarchical clustering of tasks, with the weights of Kim & Xing.

    Every node v of the tree has a height h_v in [0, 1], that of its merge over that of the last merge. With
    ``s_v = h_v`` (its tasks are taken separately) and ``g_v = 1 - h_v`` (they are taken together) their penalty is
    recursive, ``W(v) = s_v sum over the children c of W(c) + g_v ||a_v||_2`` and ``W(task) = |a_t|``; written out

        weight_v = g_v * (product of s_m over the nodes m above v),    weight of a task = product of the s_m above it.

    So the weights of all groups that hold a task sum to one: no task is penalised more than another. Groups of weight
    0 (the root is one, if it is the highest merge) are left out.

    Parameters
    ----------
    linkage : array-like (n_tasks - 1, 4)
        As from ``scipy.cluster.hierarchy.linkage`` on anything that describes the tasks, one row per task.

    References
    ----------
    Kim & Xing (2010), ICML; (2012), Ann. Appl. Stat. 6, 1095-1117, section 3.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.cluster.hierarchy import linkage
    >>> kim_xing_groups(linkage(np.array([[0.0], [1.0], [5.0]])))
    [([2], 1.0), ([0], 0.25), ([1], 0.25), ([0, 1], 0.75)]
    """
    merges = np.asarray(linkage, dtype=float)
    n_tasks = len(merges) + 1
    heights = merges[:, 2] / max(np.max(merges[:, 2], initial=0.0), np.finfo(float).tiny)
    members: list[list[int]] = [[t] for t in range(n_tasks)]
    for left, right, *_ in merges:
        members.append(sorted(members[int(left)] + members[int(right)]))
    above = np.ones(len(members))  # product of the s of the nodes above; children come before their parents
    groups: list[tuple[list[int], float]] = []
    for k in reversed(range(len(merges))):
        v = n_tasks + k
        above[merges[k, :2].astype(int)] = above[v] * heights[k]
        groups.append((members[v], float(above[v] * (1.0 - heights[k]))))
    leaves = [(members[t], float(above[t])) for t in range(n_tasks)]
    found = [group for group in [*leaves, *reversed(groups)] if group[1] > 0.0]
    return sorted(found, key=lambda group: (len(group[0]), -group[1]))


def read_tree(tree: TaskTree, n_tasks: int) -> Nodes:
    """The nodes of a tree for so many tasks; an error that says what is wrong if it is none."""
    made = tree(n_tasks) if isinstance(tree, Callable) else tree  # type: ignore[arg-type]
    return _read(pickle.dumps(made), n_tasks)  # by its content, since the caller may change a tree


@lru_cache(maxsize=32)
def _read(pickled: bytes, n_tasks: int) -> Nodes:
    """The nodes of a tree, read once: solvers ask for values and gauges hundreds of times."""
    made = pickle.loads(pickled)
    if made is None:
        raise ValueError(
            "tree must say how the tasks are nested: a linkage matrix, as from "
            "scipy.cluster.hierarchy.linkage(descriptions_of_tasks, 'average'), or a list of pairs (tasks, weight) "
            "like [([0, 1], 1.0), ([0, 1, 2], 1.0)]."
        )
    groups = _merged(kim_xing_groups(made) if _is_linkage(made, n_tasks) else _check_groups(made, n_tasks))
    holds = np.zeros((len(groups), n_tasks), dtype=np.intp)
    for v, tasks in enumerate(groups):
        holds[v, list(tasks)] = 1
    _check_nested(holds)
    missing = np.flatnonzero(holds.sum(axis=0) == 0)
    if len(missing):
        raise ValueError(f"tree must penalise every task, but task(s) {missing.tolist()} are in no group.")
    return _nodes(holds, np.array(list(groups.values())))


def _is_linkage(tree: Any, n_tasks: int) -> bool:
    """Whether a tree is a matrix of merges; one that is for another number of tasks is an error."""
    if not isinstance(tree, np.ndarray):
        return False
    if tree.ndim != 2 or tree.shape[1] != 4 or tree.dtype.kind not in "iuf":
        raise ValueError(f"tree must be a linkage matrix (n_tasks - 1, 4) if it is an array, got shape {tree.shape}.")
    if len(tree) != n_tasks - 1:
        raise ValueError(f"tree is a linkage of {len(tree) + 1} tasks, there are {n_tasks}.")
    later = np.arange(n_tasks, 2 * n_tasks - 1)[:, None]
    children = np.sort(tree[:, :2].ravel())
    if np.any(tree[:, :2] >= later) or not np.array_equal(children, np.arange(2 * n_tasks - 2)):
        raise ValueError("tree is no linkage matrix: every task and cluster must be merged once, after it is made.")
    if not np.all(np.isfinite(tree[:, 2]) & (tree[:, 2] >= 0)):
        raise ValueError("tree must have finite heights >= 0 in its third column.")
    return True


def _check_groups(tree: Any, n_tasks: int) -> list[tuple[list[int], float]]:
    """Pairs (tasks, weight) with tasks in range and positive weights."""
    if not isinstance(tree, Sequence) or isinstance(tree, str) or len(tree) == 0:
        raise TypeError(f"tree must be a linkage matrix or a list of pairs (tasks, weight), got {tree!r}.")
    groups = []
    for k, pair in enumerate(tree):
        if not isinstance(pair, Sequence) or len(pair) != 2:
            raise TypeError(f"tree must be a list of pairs (tasks, weight); its entry {k} is {pair!r}.")
        tasks = np.atleast_1d(np.asarray(pair[0]))
        right = tasks.ndim == 1 and tasks.size > 0 and tasks.dtype.kind in "iu"
        if not right or tasks.min() < 0 or tasks.max() >= n_tasks or len(np.unique(tasks)) < len(tasks):
            raise ValueError(
                f"tree must have groups of different tasks from 0 to {n_tasks - 1}, its group {k} is {pair[0]!r}."
            )
        groups.append((tasks.tolist(), check_real(f"weight of group {k} of tree", pair[1], above=0.0)))
    return groups


def _merged(groups: list[tuple[list[int], float]]) -> dict[frozenset[int], float]:
    """Equal groups as one, with the sum of their weights."""
    merged: dict[frozenset[int], float] = {}
    for tasks, weight in groups:
        merged[frozenset(tasks)] = merged.get(frozenset(tasks), 0.0) + weight
    return merged


def _check_nested(holds: Indices) -> None:
    """Two groups are nested or disjoint."""
    common, size = holds @ holds.T, holds.sum(axis=1)
    crossing = np.argwhere((common > 0) & (common < np.minimum(size[:, None], size)))
    if len(crossing):
        first, second = (np.flatnonzero(holds[v]).tolist() for v in crossing[0])
        raise ValueError(
            f"tree must have groups that are nested or disjoint, but {first} and {second} cross: they share tasks, and "
            "neither holds the other."
        )


def _nodes(holds: Indices, weights: Array) -> Nodes:
    """Parents, owners and levels of nested groups, given by their tasks (n_nodes, n_tasks)."""
    count = len(holds)
    size = holds.sum(axis=1)
    order = np.argsort(size, kind="stable")  # every node after those that it holds
    holds, weights, size = holds[order], weights[order], size[order]
    above = (holds @ holds.T == size[:, None]) & (size > size[:, None])  # [v, m]: m holds v
    parents = np.where(above.any(axis=1), np.argmax(above, axis=1), count)
    owners = np.argmax(holds, axis=0)
    height = np.zeros(count, dtype=np.intp)
    for v in range(count):
        if parents[v] < count:
            height[parents[v]] = max(height[parents[v]], height[v] + 1)
    levels = []
    holder = np.concatenate([owners, parents])  # of every task and node
    for level in range(int(height.max()) + 1):
        nodes = np.flatnonzero(height == level)
        members = np.flatnonzero(np.isin(holder, nodes))
        members = members[np.argsort(holder[members], kind="stable")]
        levels.append(Level(nodes, members, np.searchsorted(holder[members], nodes)))
    floor = holds.T @ (weights / np.sqrt(size))
    return Nodes([np.flatnonzero(row) for row in holds], weights, parents, owners, levels, floor)
