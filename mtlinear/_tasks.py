"""Where a row's task comes from: reading, checking and comparing task labels."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import column_or_1d

from mtlinear._typing import Array, Indices, Labels
from mtlinear._validation import check_real
from mtlinear._warnings import warn
from mtlinear.designs import to_dense


def read_labels(name: str, labels: ArrayLike, n_rows: int) -> Labels:
    """Task labels as a 1-D array, one per row, of one kind (all numbers or all strings), none missing.

    Parameters
    ----------
    name : str
        The argument the labels came from, for error messages.
    """
    raw = np.asarray(labels)
    if raw.ndim == 2 and raw.shape[1] == 1:
        raw = column_or_1d(raw)
    if raw.ndim != 1:
        raise ValueError(f"{name} must hold one task label per row (1-D), got shape {raw.shape}.")
    if len(raw) != n_rows:
        raise ValueError(f"{name} must hold one task label per row: got {len(raw)} labels for {n_rows} rows.")
    if raw.dtype.kind == "O":
        return _uniform_objects(name, raw)
    if raw.dtype.kind == "f" and not np.all(np.isfinite(raw)):
        raise ValueError(f"{name} contains NaN or infinity; every row needs a task label.")
    if raw.dtype.kind not in "biufU":
        raise TypeError(f"{name} must hold numbers or strings, got dtype {raw.dtype}.")
    return raw


def _uniform_objects(name: str, raw: Labels) -> Labels:
    """An object array whose entries are all strings or all numbers, as an array of that type."""
    missing = [x for x in raw if is_absent(x)]
    if missing:
        raise ValueError(
            f"{name} contains {len(missing)} missing label(s) (None or NaN); every row needs a task label."
        )
    kinds = {"string" if isinstance(x, str) else "number" if isinstance(x, Real) else "other" for x in raw}
    if kinds == {"string", "number"}:
        raise TypeError(
            f"{name} mixes strings and numbers as task labels; 1 and '1' would be two tasks. Convert to one."
        )
    if kinds == {"string"}:
        return raw.astype(str)
    if kinds == {"number"}:
        return np.array(raw.tolist())
    raise TypeError(f"{name} must hold numbers or strings as task labels, got {type(raw[0]).__name__}.")


def is_absent(value: Any) -> bool:
    """Whether an entry of an object array is None, NaN, or the NA or NaT of pandas."""
    return (
        value is None or type(value).__name__ in ("NAType", "NaTType") or (isinstance(value, Real) and value != value)
    )


#: Labels of different precision may differ by this many units of the coarser one: what a scaler rounds.
_SLACK = 4


def encode(labels: Labels, known: Labels) -> Indices:
    """Position of every label in the sorted array ``known``; -1 where it is not there.

    Float labels are compared in the coarser of the two precisions, with a slack of a few of its units: a model fitted
    on float64 codes recognises them in a float32 X, also where a scaler has computed them in float32.

    Raises
    ------
    TypeError
        If the one are strings and the other numbers.
    ValueError
        If the coarser precision cannot tell the known labels apart.
    """
    if (labels.dtype.kind == "U") != (known.dtype.kind == "U"):
        kinds = {True: "strings", False: "numbers"}
        raise TypeError(
            f"task labels are {kinds[labels.dtype.kind == 'U']} like {_list(labels[:1], 1)}, but "
            f"were {kinds[known.dtype.kind == 'U']} like {_list(known[:1], 1)} in fit."
        )
    floats = [dtype for dtype in (labels.dtype, known.dtype) if dtype.kind == "f"]
    if floats:
        coarse = min(floats, key=lambda dtype: dtype.itemsize)
        labels, exact, known = labels.astype(coarse), known, known.astype(coarse)
        if len(np.unique(known)) < len(exact):
            raise ValueError(f"task labels are {coarse}, which cannot tell the tasks of fit apart; use integers.")
    right = np.clip(np.searchsorted(known, labels), 0, len(known) - 1)
    if len({dtype.itemsize for dtype in floats}) < 2:
        return np.where(known[right] == labels, right, -1)
    slack = _SLACK * float(np.finfo(coarse).eps) * float(np.max(np.abs(known)))
    left = np.maximum(right - 1, 0)
    nearest = np.where(np.abs(known[left] - labels) < np.abs(known[right] - labels), left, right)
    return np.where(np.abs(known[nearest] - labels) <= slack, nearest, -1)


def split_task_column(X: Any, task_feature: Any, feature_names: Labels | None) -> tuple[Any, Labels, int]:
    """X without the task column, that column, and its position.

    Parameters
    ----------
    X : DataFrame, array or sparse matrix of shape (n_rows, n_columns)
        An array may have dtype object (numbers beside string labels).
    task_feature : str or int
        Column name, or integer position (negative counts from the end).
    feature_names : array of str or None
        Names of the columns of X where it has them.
    """
    n_columns = X.shape[1]
    position = _position(task_feature, n_columns, feature_names)
    kept = [k for k in range(n_columns) if k != position]
    if hasattr(X, "iloc"):
        return X.iloc[:, kept], X.iloc[:, position].to_numpy(), position
    if hasattr(X, "columns"):  # polars and friends: columns by name
        names = list(X.columns)
        return X[[names[k] for k in kept]], np.asarray(X[names[position]]), position
    return X[:, kept], to_dense(X[:, [position]])[:, 0], position


def _position(task_feature: Any, n_columns: int, feature_names: Labels | None) -> int:
    if isinstance(task_feature, str):
        if feature_names is None:
            raise ValueError(
                f"task_feature={task_feature!r} is a column name, but X has no column names (an array). Give the "
                "position instead, e.g. task_feature=-1 for the last column, or keep X a DataFrame (set_output in a "
                "Pipeline)."
            )
        found = np.flatnonzero(np.asarray(feature_names) == task_feature)
        if len(found) == 0:
            raise ValueError(
                f"task_feature={task_feature!r} is not a column of X. {_near(task_feature, feature_names)}"
            )
        return int(found[0])
    if isinstance(task_feature, (bool, np.bool_)) or not isinstance(task_feature, (int, np.integer)):
        raise TypeError(f"task_feature must be a column name, an integer position or None, got {task_feature!r}.")
    if not -n_columns <= task_feature < n_columns:
        raise ValueError(
            f"task_feature={task_feature} is out of range: X has {n_columns} columns. A step before the model may have "
            "removed some; give the position in what the model gets."
        )
    return int(task_feature) % n_columns


def _near(wanted: str, names: Labels) -> str:
    """What the columns of X are, and which may be meant: ``remainder__clinic`` for ``clinic``."""
    known = [str(name) for name in names]
    prefixed = [name for name in known if name.endswith(f"__{wanted}")]
    if prefixed:
        return (
            f"There is {' and '.join(map(repr, prefixed))}, the name that ColumnTransformer gives it: take that as "
            f"task_feature, or set verbose_feature_names_out=False in the ColumnTransformer to keep {wanted!r}."
        )
    near = get_close_matches(wanted.lower(), [name.lower() for name in known])
    meant = [name for name in known if name.lower() in near]
    if meant:
        return f"Did you mean {' or '.join(map(repr, meant))}?"
    return f"Its columns are {', '.join(map(repr, known[:20]))}{', ...' if len(known) > 20 else ''}."


#: What to do about a task column that is not one any more.
_UNTOUCHED = (
    "A step before the model (a scaler, PCA, PolynomialFeatures, a selector) may have changed, moved or removed the "
    "task column; a ColumnTransformer with remainder='passthrough' keeps it out of such steps and puts it last"
)


def check_task_column(task_feature: str | int, labels: Labels, n_rows: int | None = None) -> None:
    """Say so if the column of X taken for the task in fit does not look like labels of tasks.

    A step of a pipeline can put another column where the task was, and then there are nearly as many labels as rows:
    more than half as many, and more than two. Such fractions are measurements; whole numbers and strings may be meant.

    Parameters
    ----------
    task_feature : str or int
    labels : array
        Those of the rows.
    n_rows : int, default None
        Number of rows, where labels has each label once only. None: one row per label.

    Raises
    ------
    ValueError
        If nearly every row would be a task of its own and the labels are fractions.

    Warns
    -----
    UserWarning
        If nearly every row is a task of its own and the labels are whole numbers or strings; if there is one task only.
    """
    distinct = np.unique(labels)
    n_rows = len(labels) if n_rows is None else n_rows
    facts = f"task_feature={task_feature!r} gives {len(distinct)} different label(s) for {n_rows} rows"
    if _nearly_one_row_each(distinct, n_rows):
        if _has_fractions(distinct):
            raise ValueError(
                f"{facts}, like {_list(distinct, 2)}: these look like measurements, not like tasks. {_UNTOUCHED}. If "
                "they are tasks, make them integers or strings, or pass them as tasks=."
            )
        warn(f"{facts}, so most tasks have a single row. If that is not meant: {_UNTOUCHED}.")
    elif len(distinct) == 1 < n_rows:
        warn(f"{facts} ({distinct.tolist()[0]!r}), so there is a single task. If that is not meant: {_UNTOUCHED}.")


def check_unseen(
    labels: Labels, codes: Indices, known: Labels, unseen_tasks: str, task_feature: str | int | None
) -> None:
    """Turn down labels that were not in fit, unless unseen_tasks is "mean" and they may be new tasks.

    Parameters
    ----------
    labels, codes
        Label of every row, and what `encode` says of it: -1 if it is not in known.
    known : array
        Labels in fit.
    task_feature : str, int or None
        The argument that says where the labels came from; None for ``tasks``.

    Raises
    ------
    ValueError
        If labels are unknown and unseen_tasks is "error"; or, whatever it is, if all labels of a task column are
        unknown fractions although tasks were whole numbers in fit, or nearly every row has another.
    """
    unseen = np.unique(labels[codes < 0])
    if len(unseen) == 0:
        return
    all_unseen = bool(np.all(codes < 0))
    lost = (
        all_unseen
        and task_feature is not None
        and _has_fractions(unseen)
        and (not _has_fractions(known) or _nearly_one_row_each(unseen, len(labels)))
    )
    if unseen_tasks == "mean" and not lost:
        return
    if not all_unseen:
        raise ValueError(
            f"{len(unseen)} task(s) were not seen in fit: {_list(unseen, 10)}. unseen_tasks='mean' would give the mean "
            "task."
        )
    source = "tasks" if task_feature is None else f"task_feature={task_feature!r}"
    advice = (
        "Pass labels as in fit"
        if task_feature is None
        else f"The task column was probably scaled or moved. {_UNTOUCHED}"
    )
    way_out = "" if lost else " If these are new tasks, unseen_tasks='mean' would give the mean task."
    raise ValueError(
        f"{source}: none of the labels was seen in fit: {_list(unseen, 10)}, while fit had {_list(known, 10)}. "
        f"{advice}.{way_out}"
    )


def _nearly_one_row_each(distinct: Labels, n_rows: int) -> bool:
    return len(distinct) > max(2, n_rows / 2)


def _has_fractions(labels: Labels) -> bool:
    return labels.dtype.kind == "f" and bool(np.any(labels != np.round(labels)))


def _list(labels: Labels, count: int) -> str:
    return ", ".join(map(repr, labels[:count].tolist())) + (", ..." if len(labels) > count else "")


def read_task_weight(task_weight: Any, tasks: Labels) -> Array:
    """One positive weight per task: from None (all 1), a mapping label -> weight, or numbers in the order of tasks."""
    if task_weight is None:
        return np.ones(len(tasks))
    labels = tasks.tolist()
    values: list[Any] | None
    if isinstance(task_weight, Mapping) or hasattr(task_weight, "to_dict"):  # a Series is a mapping too
        given = dict(task_weight.items())
        missing = [label for label in labels if label not in given]
        if missing:
            raise ValueError(f"task_weight has no entry for task(s) {missing}; it has entries for {list(given)[:20]}.")
        values = [given[label] for label in labels]
    else:
        values = np.asarray(task_weight).tolist() if np.ndim(task_weight) == 1 else None
        if values is None or len(values) != len(labels):
            raise ValueError(
                f"task_weight must be None, a mapping from task to weight, or {len(labels)} numbers in the order of "
                f"tasks_, got {task_weight!r}."
            )
    return np.array(
        [check_real(f"task_weight of task {t!r}", v, above=0.0) for t, v in zip(labels, values, strict=True)]
    )


def in_order_of_tasks(name: str, matrix: Any, tasks: Labels) -> Any:
    """A matrix between tasks given as a DataFrame, with their labels on both sides, in the order of ``tasks``.

    Labels that do not occur are left out (so that folds without a task can be fitted); anything else is returned as it
    is. Raises a ValueError that names the parameter if a task is missing or labelled twice.
    """
    if not hasattr(matrix, "columns"):
        return matrix
    for side, labels in (("row", matrix.index), ("column", matrix.columns)):
        missing = [task for task in tasks.tolist() if task not in labels]
        if missing:
            raise ValueError(f"{name} has no {side} for task(s) {missing[:10]}; its {side}s are {list(labels)[:10]}.")
        twice = labels[labels.duplicated()].unique().tolist()
        if twice:
            raise ValueError(f"{name} has more than one {side} for task(s) {twice[:10]}.")
    return matrix.loc[tasks.tolist(), tasks.tolist()].to_numpy()
