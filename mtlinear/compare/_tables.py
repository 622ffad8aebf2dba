"""From a table on disk, or a named data set, to `TaskData`; every complaint names the option or the column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mtlinear.compare._columns import check_finite, check_mostly_numbers, is_numeric, not_numbers, sort_features
from mtlinear.compare._data import TaskData
from mtlinear.compare._errors import UsageError, did_you_mean, listed, rows_listed
from mtlinear.compare._files import READ_AS
from mtlinear.datasets import fetch_school

if TYPE_CHECKING:
    import pandas as pd


def from_table(
    table: pd.DataFrame,
    targets: Sequence[str],
    *,
    task: str | None = None,
    classify: bool = False,
    drop: Sequence[str] = (),
    name: str = "table",
) -> TaskData:
    """Say what the tasks, targets and features of a table are.

    Parameters
    ----------
    table : DataFrame
    targets : sequence of str
        One column with ``task`` (or with ``classify`` and more than two classes), else several.
    task : str, default None
        Column that says which task a row belongs to.
    classify : bool, default False
        The targets are labels.
    drop : sequence of str
        Columns to leave out.

    Raises
    ------
    UsageError
    """
    _check_columns(table, targets, task, drop)
    for column in targets:
        _check_complete(table, f"--target {column}", column, "remove those rows: a target cannot be filled in")
    if task is not None:
        _check_complete(table, f"--task {task}", task, "name their task, or remove those rows")
    _check_number_of_tasks(table, targets, task, classify)
    features = [c for c in table.columns if c not in {*targets, *drop, task}]
    sorted_features = sort_features(table, features)
    notes = [str(table.attrs[READ_AS])] if READ_AS in table.attrs else []
    notes += sorted_features.notes()
    if drop:
        notes.append(f"left out: {listed(drop)}")
    parts = _classification(table, targets, task) if classify else _regression(table, targets, task, notes)
    columns = features + ([task] if task else [])
    codes = None
    if task is not None:
        labels, codes = np.unique(plain_labels(table[task]), return_inverse=True)
        parts["task_names"] = [str(label) for label in labels]
        if classify:
            _check_classes_of_tasks(parts, codes, targets[0])
    return TaskData(
        name=name, table=table[columns], numeric=sorted_features.numeric, categorical=sorted_features.categorical,
        classification=classify, targets=list(targets), task_column=task, codes=codes, notes=notes, **parts,
    )  # fmt: skip


def load_digits_data() -> TaskData:
    """scikit-learn's digits: ten one-vs-rest tasks on 64 grey values."""
    import pandas as pd
    from sklearn.datasets import load_digits

    digits = load_digits()
    table = pd.DataFrame(digits.data, columns=digits.feature_names)
    table["digit"] = digits.target
    return from_table(table, ["digit"], classify=True, name="scikit-learn's digits")


def load_school_data(data_home: str | None) -> TaskData:
    """The School data: 139 schools, the examination score of a student."""
    import pandas as pd

    try:
        school = fetch_school(data_home)
    except OSError as error:
        raise UsageError(f"--dataset school: {error}") from error
    table = pd.DataFrame(school.data, columns=school.feature_names)
    table["school"], table["score"] = school.tasks, school.target
    return from_table(table, ["score"], task="school", name="School")


def _check_complete(table: pd.DataFrame, what: str, column: str, remedy: str) -> None:
    missing = np.flatnonzero(table[column].isna())
    if missing.size:
        raise UsageError(
            f"{what}: {missing.size} of {len(table)} rows have no value ({rows_listed(missing)}); {remedy}."
        )


def _check_columns(table: pd.DataFrame, targets: Sequence[str], task: str | None, drop: Sequence[str]) -> None:
    if not targets:
        raise UsageError(f"--target is missing: name one or more of the columns {listed(table.columns, 30)}.")
    for option, columns in (("--target", targets), ("--task", [task] if task else []), ("--drop", drop)):
        unknown = [column for column in columns if column not in table.columns]
        if unknown:
            raise UsageError(
                f"{option} {listed(unknown)}: no such column; the columns are {listed(table.columns, 30)}."
                + did_you_mean(unknown, table.columns)
            )
    if len(set(targets)) < len(targets):
        raise UsageError("--target names a column twice.")
    if task in targets:
        raise UsageError(f"--task {task} is also a --target; a column can be one of them only.")
    for column in drop:
        if column == task or column in targets:
            raise UsageError(f"--drop {column} is also a --task or --target.")
    if not set(table.columns) - {*targets, *drop, task}:
        raise UsageError("there is no feature column left beside --target, --task and --drop.")


def _check_number_of_tasks(table: pd.DataFrame, targets: Sequence[str], task: str | None, classify: bool) -> None:
    if task is not None:
        if len(targets) > 1:
            raise UsageError(f"--task needs exactly one --target, got {len(targets)}: {listed(targets)}.")
        if table[task].nunique() < 2:
            raise UsageError(f"--task {task}: one task only; the column must name at least two tasks.")
        if table[task].nunique() == len(table):
            raise UsageError(f"--task {task}: every row is a task of its own; a task needs several rows.")
        return
    if len(targets) == 1 and not (classify and table[targets[0]].nunique() > 2):
        hint = " A target of more than two classes is several tasks." if classify else ""
        raise UsageError(f"--target {targets[0]}: one task only; give --task or several --target columns.{hint}")


def _regression(table: pd.DataFrame, targets: Sequence[str], task: str | None, notes: list[str]) -> dict[str, Any]:
    import pandas as pd

    for name in targets:
        column = table[name]
        if not is_numeric(column) or pd.api.types.is_bool_dtype(column):
            check_mostly_numbers(f"--target {name}", column, ", or remove those rows")
            wrong = not_numbers(column)
            example = str(column.iloc[wrong[0] if wrong.size else 0])
            raise UsageError(
                f"--target {name} is not numeric (for example {example!r}); add --classify if it holds labels."
            )
        check_finite(f"column {name!r}", column)
        if column.nunique() == 1:
            raise UsageError(f"--target {name} is constant; there is nothing to learn.")
        if column.nunique() == 2:
            notes.append(f"target {name!r} has only two values; --classify would treat them as labels")
    values = table[list(targets)].to_numpy(dtype=float)
    if task is not None:
        return {"layout": "stacked", "target": values[:, 0], "raw_target": values[:, 0]}
    return {"layout": "columns", "target": values, "raw_target": table[list(targets)], "task_names": list(targets)}


def _classification(table: pd.DataFrame, targets: Sequence[str], task: str | None) -> dict[str, Any]:
    if len(targets) == 1 and task is None:
        labels = plain_labels(table[targets[0]])
        classes = np.unique(labels)
        signs = np.where(labels[:, None] == classes[None, :], 1.0, -1.0)
        names = [str(label) for label in classes]
        return {"layout": "classes", "target": signs, "raw_target": labels, "task_names": names}
    columns = []
    for name in targets:
        labels = plain_labels(table[name])
        classes = np.unique(labels)
        if len(classes) != 2:
            raise UsageError(
                f"--target {name} has {len(classes)} different labels ({listed(classes)}); with --task or several "
                "--target every task must have exactly two."
            )
        columns.append(np.where(labels == classes[1], 1.0, -1.0))
    if task is not None:
        return {"layout": "stacked", "target": columns[0], "raw_target": plain_labels(table[targets[0]])}
    raw = table[list(targets)]
    return {"layout": "columns", "target": np.column_stack(columns), "raw_target": raw, "task_names": list(targets)}


def _check_classes_of_tasks(parts: dict[str, Any], codes: np.ndarray, target: str) -> None:
    positive = np.bincount(codes, weights=parts["target"] > 0)
    lacking = np.flatnonzero((positive == 0) | (positive == np.bincount(codes)))
    if lacking.size:
        names = [parts["task_names"][t] for t in lacking]
        raise UsageError(f"--target {target} has one class only in the task(s) {listed(names)}; leave those rows out.")


def plain_labels(column: pd.Series) -> np.ndarray:
    """Labels as a plain array: numbers as they are, anything else as text."""
    import pandas as pd

    if pd.api.types.is_bool_dtype(column):
        return column.to_numpy(dtype=bool)
    if pd.api.types.is_numeric_dtype(column):
        return column.to_numpy()
    return column.astype(str).to_numpy(dtype=str)
