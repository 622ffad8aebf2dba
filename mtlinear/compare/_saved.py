"""Saved models, and predictions of new tables with them."""

from __future__ import annotations

import copy
import importlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
from sklearn.base import is_classifier
from sklearn.pipeline import Pipeline

from mtlinear.compare._best import final_model
from mtlinear.compare._columns import check_finite, is_numeric, not_numbers
from mtlinear.compare._data import TaskData
from mtlinear.compare._errors import UsageError, did_you_mean, listed, rows_listed
from mtlinear.compare._tables import plain_labels

if TYPE_CHECKING:
    import pandas as pd

#: Formats of `save_model`, by the end of the file name.
FORMATS = (".skops", ".joblib")


def check_save(path: str | None) -> None:
    """Make its folder, and raise unless a model can be saved there, before any work is done for it."""
    if path is None:
        return
    file = Path(path)
    if file.suffix.lower() not in FORMATS:
        raise UsageError(f"--save {file}: the name must end with {' or '.join(FORMATS)}.")
    if file.is_dir():
        raise UsageError(f"--save {file}: this is a folder; name a file in it.")
    try:
        file.absolute().parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--save {file}: its folder cannot be made ({error.strerror}).") from error
    if not os.access(file.absolute().parent, os.W_OK):
        raise UsageError(f"--save {file}: no permission to write there.")
    if file.suffix.lower() == ".skops":
        _skops("--save")


def save_model(estimator: Pipeline, path: str) -> None:
    """Save to .skops (holds no code that runs when it is loaded) or .joblib (a pickle)."""
    if Path(path).suffix.lower() == ".skops":
        _skops("--save").dump(estimator, path)
    else:
        joblib.dump(estimator, path)


def _skops(option: str) -> Any:
    try:
        return importlib.import_module("skops.io")
    except ImportError:
        raise UsageError(f'{option}: .skops files need skops: pip install "skops>=0.10"') from None


def check_new_table(data: TaskData, table: pd.DataFrame, name: str) -> None:
    """Raise unless a table has the columns that the model needs."""
    missing = [column for column in data.table.columns if column not in table.columns]
    if missing:
        raise UsageError(
            f"--predict {name}: the column(s) {listed(missing)} are missing; the model needs them."
            + did_you_mean(missing, table.columns)
        )
    if data.task_column is not None and table[data.task_column].isna().any():
        rows = rows_listed(np.flatnonzero(table[data.task_column].isna()))
        raise UsageError(f"--predict {name}: no value in the task column {data.task_column!r} ({rows}); name the task.")
    for column in data.numeric:
        _check_numbers(f"--predict {name}: column {column!r}", table[column])


def _check_numbers(what: str, column: pd.Series) -> None:
    present = column.dropna()
    if all(isinstance(value, (bool, np.bool_)) for value in present):
        return
    if is_numeric(column):
        check_finite(what, present)
        return
    wrong = not_numbers(column)
    if wrong.size:
        raise UsageError(
            f"{what} holds numbers in the data, but not here ({str(column.iloc[wrong[0]])!r}, {rows_listed(wrong)}): "
            "correct or empty them."
        )


def predict_table(data: TaskData, estimator: Pipeline, table: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Predictions for the rows of a new table, and what there is to say about them.

    Rows of tasks that were not in the data are predicted by the mean of the tasks.

    Returns
    -------
    DataFrame
        The task column (if tasks are named by one), ``predicted_TARGET`` for every target, and for labels
        ``probability_...`` of every class (of the positive class for several targets).
    list of str
        Notes.
    """
    import pandas as pd

    model = copy.deepcopy(estimator)
    rows = table[list(data.table.columns)].reset_index(drop=True)
    notes, result = [], {}
    if data.task_column is not None:
        task = rows[data.task_column]
        new = ~np.isin(plain_labels(task).astype(str), data.task_names)
        if new.any():
            tasks = listed(dict.fromkeys(task[new]))
            notes.append(f"{new.sum()} row(s) of tasks that were not in the data, {tasks}: predicted by the mean task")
            final_model(model).set_params(unseen_tasks="mean")
        result[data.task_column] = task
    predicted = np.asarray(model.predict(rows))
    for k, target in enumerate(data.targets):
        result[f"predicted_{target}"] = predicted if predicted.ndim == 1 else predicted[:, k]
    if is_classifier(model):
        probabilities = model.predict_proba(rows)
        names = data.targets if data.layout == "columns" else [str(label) for label in model.classes_]
        for name, values in zip(names, np.asarray(probabilities).T, strict=True):
            result[f"probability_{name}"] = values
    return pd.DataFrame(result), notes
