"""The structures whose penalties are sums over the rows of A, beside block sparsity: their parameters and penalties."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

import numpy as np

from mtlinear import penalties
from mtlinear._typing import Labels
from mtlinear._validation import Number
from mtlinear.estimators._base import MultiTaskLinearModel
from mtlinear.estimators._constraints import ALPHA, COMMON, Constraints, Q
from mtlinear.penalties import Penalty, chain_graph

_RATIO = [Number(at_least=0, at_most=1)]


@dataclass(eq=False, repr=False)
class _SparseGroup(MultiTaskLinearModel):
    """A few features, and of these only some for each task: parameters and penalty."""

    _parameter_constraints: ClassVar[Constraints] = ALPHA | {"l1_ratio": _RATIO} | Q | COMMON

    alpha: float = 1.0
    _: KW_ONLY
    l1_ratio: float = 0.5
    q: float = 2

    def _make_penalty(self) -> Penalty:
        return penalties.SparseGroup(self.alpha, self.l1_ratio, self.q)


@dataclass(eq=False, repr=False)
class _TreeGuided(MultiTaskLinearModel):
    """Tasks related in a tree: parameters and penalty."""

    _parameter_constraints: ClassVar[Constraints] = ALPHA | {"tree": "no_validation"} | COMMON

    tree: Any = None
    alpha: float = 1.0

    def _make_penalty(self) -> Penalty:
        return penalties.TreeGuided(_with_positions(self.tree, getattr(self, "tasks_", None)), self.alpha)


@dataclass(eq=False, repr=False)
class _Fused(MultiTaskLinearModel):
    """Neighbours in a graph of tasks are equal: parameters and penalty."""

    _parameter_constraints: ClassVar[Constraints] = (
        ALPHA | {"graph": "no_validation", "fused_ratio": _RATIO, "l1_ratio": _RATIO} | COMMON
    )

    graph: Any = chain_graph
    alpha: float = 1.0
    _: KW_ONLY
    fused_ratio: float = 0.5
    l1_ratio: float = 1.0

    def _make_penalty(self) -> Penalty:
        graph = in_order_of_tasks(self.graph, getattr(self, "tasks_", None))
        return penalties.GraphFused(graph, self.alpha, self.fused_ratio, self.l1_ratio)


@dataclass(eq=False, repr=False)
class _GraphRegularized(MultiTaskLinearModel):
    """Neighbours in a graph of tasks are alike: parameters and penalty."""

    _parameter_constraints: ClassVar[Constraints] = (
        ALPHA | {"graph": "no_validation", "smooth_ratio": _RATIO, "l1_ratio": _RATIO} | COMMON
    )

    graph: Any = chain_graph
    alpha: float = 1.0
    _: KW_ONLY
    smooth_ratio: float = 0.5
    l1_ratio: float = 1.0

    def _make_penalty(self) -> Penalty:
        graph = in_order_of_tasks(self.graph, getattr(self, "tasks_", None))
        return penalties.GraphRegularized(graph, self.alpha, self.smooth_ratio, self.l1_ratio)


def in_order_of_tasks(graph: Any, tasks: Labels | None) -> Any:
    """A graph given as a DataFrame with the labels of the tasks on both sides, as a matrix in the order of tasks."""
    if tasks is None or not hasattr(graph, "columns"):
        return graph
    missing = [label for label in tasks if label not in graph.index or label not in graph.columns]
    if missing:
        raise ValueError(f"graph must have a row and a column for every task; missing: {missing}.")
    return graph.loc[list(tasks), list(tasks)].to_numpy()


def _with_positions(tree: Any, tasks: Labels | None) -> Any:
    """Groups of named tasks as groups of their positions; all else as it is."""
    if tasks is None or not isinstance(tree, Sequence) or isinstance(tree, str):
        return tree
    named = [pair for pair in tree if isinstance(pair, Sequence) and any(isinstance(t, str) for t in np.ravel(pair[0]))]
    if not named:
        return tree
    position = {label: t for t, label in enumerate(tasks)}
    missing = [label for labels, *_ in tree for label in np.ravel(labels).tolist() if label not in position]
    if missing:
        raise ValueError(f"tree has groups of tasks that are not in the data: {missing}.")
    return [([position[label] for label in np.ravel(labels).tolist()], weight) for labels, weight in tree]
