"""The data of a comparison: a table of features, the targets, and what a task is."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mtlinear._typing import Array, Indices

if TYPE_CHECKING:
    import pandas as pd

#: "stacked": a column says which task a row belongs to. "columns": every target column is a task, all share the rows.
#: "classes": one target with more than two classes, one task per class against the rest.
Layout = Literal["stacked", "columns", "classes"]


@dataclass(frozen=True)
class TaskData:
    """What is compared on, checked and complete.

    Attributes
    ----------
    name : str
        The file or data set.
    table : DataFrame of shape (n_rows, n_columns)
        Feature columns as the user gave them, and with stacked tasks the task column.
    numeric, categorical : list of str
        Feature columns by how they are prepared.
    layout : {"stacked", "columns", "classes"}
    classification : bool
    target : ndarray
        (n_rows,) for stacked tasks, else (n_rows, n_tasks); -1 and +1 for classification.
    raw_target : ndarray or DataFrame
        The target as an estimator takes it: labels, not signs.
    task_names : list of str
    targets : list of str
        Target columns.
    task_column : str or None
    codes : ndarray of int (n_rows,) or None
        Task of every row, for stacked tasks.
    notes : list of str
        What was done with which column, for the user.
    """

    name: str
    table: pd.DataFrame
    numeric: list[str]
    categorical: list[str]
    layout: Layout
    classification: bool
    target: Array
    raw_target: Any
    task_names: list[str]
    targets: list[str]
    task_column: str | None = None
    codes: Indices | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def n_rows(self) -> int:
        return len(self.table)

    @property
    def n_tasks(self) -> int:
        return len(self.task_names)

    @property
    def scales_targets(self) -> bool:
        """Several numeric targets may have different units, and a common penalty needs a common one."""
        return self.layout == "columns" and not self.classification

    @property
    def has_levels(self) -> bool:
        """Tasks may differ in their mean: with other layouts the targets are scaled, or scores do not see it."""
        return self.layout == "stacked" and not self.classification

    @property
    def free_strata(self) -> bool:
        """Strata are combinations of labels: they even out the folds but may be as rare as they like."""
        return self.layout == "columns" and self.classification

    @cached_property
    def strata(self) -> Indices:
        """Number of the group of every row, 0, 1, ...: folds take the same share of every group."""
        if self.codes is not None:
            pairs = 2 * self.codes + (self.target > 0) if self.classification else self.codes
            return np.unique(pairs, return_inverse=True)[1]
        if self.layout == "classes":
            return np.argmax(self.target, axis=1)
        if self.classification:
            return np.unique(self.target, axis=0, return_inverse=True)[1].reshape(-1)
        return np.zeros(self.n_rows, dtype=np.intp)

    @cached_property
    def stratum_names(self) -> list[str]:
        """What to call the strata in messages, in their order."""
        if self.codes is not None and self.classification:
            pairs = np.unique(2 * self.codes + (self.target > 0))
            labels = np.unique(self.raw_target)
            return [f"{self.task_names[p // 2]}, label {labels[p % 2]}" for p in pairs]
        if self.codes is not None or self.layout == "classes":
            return self.task_names
        return [f"group {k}" for k in range(self.strata.max() + 1)] if self.classification else ["all rows"]

    @property
    def stratum_kind(self) -> str:
        """Plural noun for the strata."""
        if self.codes is not None:
            return "classes of the tasks" if self.classification else "tasks"
        if self.layout == "classes":
            return "classes"
        return "label combinations" if self.classification else "groups of rows"

    @property
    def description(self) -> str:
        """One line: how many rows, features and tasks of which kind."""
        kind = {
            "stacked": f"tasks from column {self.task_column!r}",
            "columns": "tasks, one per target, that share all rows",
            "classes": "one-vs-rest tasks, one per class",
        }[self.layout]
        n_features = len(self.numeric) + len(self.categorical)
        problem = "classification" if self.classification else "regression"
        return f"{self.name}: {problem}, {self.n_rows:,} rows, {n_features} feature columns, {self.n_tasks} {kind}"
