"""Errors about data that are not numbers or not there: in which columns, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mtlinear._tasks import is_absent

#: Columns that an error names.
_NAMED = 10


@contextmanager
def named_columns(X: Any, task_feature: str | int | None = None, position: int | None = None) -> Iterator[None]:
    """Errors of NumPy and scikit-learn about X say which columns have texts or missing values, and what to do.

    Parameters
    ----------
    X : DataFrame, array or sparse matrix
        The features alone.
    task_feature : str, int or None
    position : int, default None
        Where the task column was taken out, so that the columns of an array have their numbers in the whole.
    """
    try:
        yield
    except (TypeError, ValueError) as error:
        message = _explain(error, X, task_feature, position)
        if message is None:
            raise
        raise ValueError(message) from error


def _explain(error: Exception, X: Any, task_feature: str | int | None, position: int | None) -> str | None:
    """What to say instead; None if it is about something else."""
    passing = "" if task_feature is None else f" that passes the task column {task_feature!r} on"
    odd = isinstance(error, TypeError) and hasattr(X, "columns")  # dates, NA of pandas among texts
    unread = odd or "could not convert string" in str(error)
    names = _columns_with(_no_numbers, X, position) if unread else []
    if names and task_feature is None:
        return (
            f"X has columns that are not numbers: {_listed(names)}. If one of them holds the task of each row, name it "
            f"by task_feature={names[0]!r}; others must be encoded or left out."
        )
    if names:
        return (
            f"X has columns that are not numbers beside the task column: {_listed(names)}. Encode them before the "
            f"model (OneHotEncoder in a ColumnTransformer{passing}) or leave them out."
        )
    names = _columns_with(_gaps, X, position) if unread or "contains NaN" in str(error) else []
    if not names:
        return None
    return (
        f"X contains NaN (missing values) in the column(s) {_listed(names)}. Features must be complete: put an imputer "
        f"before the model (SimpleImputer in a {'Pipeline' if task_feature is None else 'ColumnTransformer'}{passing}) "
        "or leave these rows out."
    )


def _columns_with(test: Callable[[NDArray[Any]], bool], X: Any, position: int | None) -> list[object]:
    return list(islice((name for name, values in _columns(X, position) if test(values)), _NAMED + 1))


def _columns(X: Any, position: int | None) -> Iterator[tuple[object, NDArray[Any]]]:
    """Name or number, and values, of every column."""
    if hasattr(X, "columns"):
        for k, name in enumerate(X.columns):
            yield name, np.asarray(X.iloc[:, k] if hasattr(X, "iloc") else X[name])
        return
    array = np.asarray(X)
    columns: Iterable[tuple[int, NDArray[Any]]] = enumerate(array.T if array.ndim == 2 else [])
    if array.ndim == 0 and hasattr(X, "sum"):  # sparse: where there is a NaN, there is no sum
        columns = enumerate(np.asarray(X.sum(axis=0)).reshape(-1, 1))
    for k, values in columns:
        yield k + (position is not None and k >= position), values


def _no_numbers(values: NDArray[Any]) -> bool:
    if values.dtype.kind in "mM":
        return True
    return values.dtype.kind in "OUS" and any(not is_absent(x) and not _is_number(x) for x in values)


def _gaps(values: NDArray[Any]) -> bool:
    if values.dtype.kind == "f":
        return bool(np.isnan(values).any())
    return values.dtype.kind == "O" and any(is_absent(x) for x in values)


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def _listed(names: list[object]) -> str:
    return f"{names[:_NAMED]}{' and more' if len(names) > _NAMED else ''}"


@contextmanager
def numeric_target(y: ArrayLike, model: object) -> Iterator[None]:
    """The error of texts in the y of a regressor names y, one of them, and what to do."""
    try:
        yield
    except ValueError as error:
        texts = (x for x in np.asarray(y, dtype=object).ravel() if isinstance(x, str) and not _is_number(x))
        first = next(texts, None)
        if "could not convert string" not in str(error) or first is None:
            raise
        raise ValueError(
            f"y must hold numbers for {type(model).__name__}, got texts like {first!r}. For labels take a classifier "
            "of mtlinear."
        ) from error


def missing_target(count: int) -> ValueError:
    """The error of a y with missing values where every row belongs to one task."""
    return ValueError(
        f"y contains NaN or None in {count} row(s). That means 'not observed' only where tasks share the rows of X and "
        "y has a column per task; here leave these rows out."
    )
