"""From a table on disk, or a named data set, to `TaskData`; every complaint names the option or the column."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mtlinear.compare._data import TaskData
from mtlinear.compare._errors import UsageError, listed
from mtlinear.datasets import fetch_school

if TYPE_CHECKING:
    import pandas as pd

#: A text column with more levels than this, and than half the rows, is an identifier rather than a category.
_MANY_LEVELS = 20


def read_table(path: str | os.PathLike[str], option: str = "") -> pd.DataFrame:
    """Read a .csv or .parquet file; column names become strings. ``option`` stands before its name in complaints."""
    import pandas as pd

    file = Path(path)
    if not file.is_file():
        raise UsageError(f"{option}{file}: there is no such file.")
    readers = {".csv": pd.read_csv, ".parquet": pd.read_parquet}
    if file.suffix.lower() not in readers:
        raise UsageError(f"{option}{file}: the data must be a .csv or .parquet file.")
    try:
        table = readers[file.suffix.lower()](file)
    except ImportError:
        raise UsageError(f'{option}{file}: reading Parquet needs pyarrow: pip install "mtlinear[cli]"') from None
    except Exception as error:  # pandas and pyarrow raise many kinds for a broken file
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise UsageError(f"{option}{file}: not a readable {file.suffix} file ({reason[0]}).") from error
    table.columns = [str(column) for column in table.columns]
    if len(table) == 0:
        raise UsageError(f"{option}{file}: the table has no rows.")
    return table.reset_index(drop=True)


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
    for option, columns in (("--target", targets), ("--task", [task] if task else [])):
        for column in columns:
            missing = int(table[column].isna().sum())
            if missing:
                raise UsageError(
                    f"{option} {column}: {missing} of {len(table)} rows have no value; fill or remove those rows."
                )
    _check_number_of_tasks(table, targets, task, classify)
    features = [c for c in table.columns if c not in {*targets, *drop, task}]
    numeric, categorical, notes = _sort_features(table, features)
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
        name=name, table=table[columns], numeric=numeric, categorical=categorical, classification=classify,
        targets=list(targets), task_column=task, codes=codes, notes=notes, **parts,
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


def _check_columns(table: pd.DataFrame, targets: Sequence[str], task: str | None, drop: Sequence[str]) -> None:
    if not targets:
        raise UsageError(f"--target is missing: name one or more of the columns {listed(table.columns, 30)}.")
    for option, columns in (("--target", targets), ("--task", [task] if task else []), ("--drop", drop)):
        unknown = [column for column in columns if column not in table.columns]
        if unknown:
            raise UsageError(
                f"{option} {listed(unknown)}: no such column; the columns are {listed(table.columns, 30)}."
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


def _sort_features(table: pd.DataFrame, features: list[str]) -> tuple[list[str], list[str], list[str]]:
    """(numeric columns, categorical columns, notes)."""
    import pandas as pd

    numeric: list[str] = []
    categorical: list[str] = []
    boolean, imputed, filled, constant = [], [], [], []
    for name in features:
        column = table[name]
        present = column.dropna()
        if present.empty:
            raise UsageError(f"column {name!r} has no value at all; leave it out with --drop.")
        if present.nunique() == 1 and len(present) == len(column):
            constant.append(name)
        truth_values = all(isinstance(value, (bool, np.bool_)) for value in present)
        if truth_values or (
            pd.api.types.is_numeric_dtype(column) and not isinstance(column.dtype, pd.CategoricalDtype)
        ):
            _check_finite(name, present)
            numeric.append(name)
            if truth_values:
                boolean.append(name)
            if len(present) < len(column):
                imputed.append(name)
            continue
        if pd.api.types.is_datetime64_any_dtype(column) or pd.api.types.is_timedelta64_dtype(column):
            raise UsageError(f"column {name!r} holds dates or times; turn it into numbers or leave it out with --drop.")
        levels = column.nunique()
        if levels == len(table) or levels > max(_MANY_LEVELS, len(table) // 2):
            raise UsageError(
                f"column {name!r} has {levels} different texts in {len(table)} rows, like an identifier: as a category "
                "it would become that many features. Leave it out with --drop."
            )
        categorical.append(name)
        if len(present) < len(column):
            filled.append(name)
    return numeric, categorical, _feature_notes(numeric, boolean, categorical, imputed, filled, constant)


def _feature_notes(
    numeric: list[str],
    boolean: list[str],
    categorical: list[str],
    imputed: list[str],
    filled: list[str],
    constant: list[str],
) -> list[str]:
    kinds = (
        (f"{len(numeric)} numeric feature column(s), standardised", numeric if len(numeric) <= 10 else []),
        ("of them true/false, as 1 and 0", boolean),
        ("of them with missing values, filled with the median of the training rows", imputed),
        ("categories, one indicator per level", categorical),
        ("of them with missing values, a level of their own", filled),
        ("constant, no use to any model", constant),
    )
    notes = []
    for kind, columns in kinds:
        if columns or (kind.startswith(f"{len(numeric)} ") and numeric):
            notes.append(f"{kind}: {listed(columns)}" if columns else kind)
    return notes


def _check_finite(name: str, present: pd.Series) -> None:
    values = present.to_numpy(dtype=float)
    infinite = int(np.sum(~np.isfinite(values)))
    if infinite:
        raise UsageError(f"column {name!r} has {infinite} infinite value(s); only finite numbers can be used.")


def _regression(table: pd.DataFrame, targets: Sequence[str], task: str | None, notes: list[str]) -> dict[str, Any]:
    import pandas as pd

    for name in targets:
        column = table[name]
        if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
            raise UsageError(
                f"--target {name} is not numeric (for example {str(column.iloc[0])!r}); add --classify if it holds "
                "labels."
            )
        _check_finite(name, column)
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
