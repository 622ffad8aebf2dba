"""The folds of a cross-validation, checked before anything is fitted."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.model_selection import KFold, StratifiedKFold, check_cv

from mtlinear._typing import Indices, Labels
from mtlinear._validation import check_integer
from mtlinear._warnings import warn
from mtlinear.datafit import RowsFit
from mtlinear.estimators._base import MultiTaskLinearModel
from mtlinear.estimators._folds import Table, tasks_of
from mtlinear.metrics._rows import plain
from mtlinear.model_selection import TaskKFold

#: What to do about a fold that lacks something.
_REMEDY = (
    "Use fewer folds, or a splitter that gives every fold its share (TaskKFold for tasks, StratifiedKFold for classes)"
)


def make_splits(
    cv: Any, table: Table, labels: Labels | None, groups: ArrayLike | None, *, classifier: bool
) -> list[tuple[Indices, Indices]]:
    """Numbers of the (train, test) rows of every fold.

    Parameters
    ----------
    cv : None, int, splitter or iterable of (train, test)
        None is 5 folds; a number folds that suit the data: `TaskKFold` where rows belong to tasks, StratifiedKFold for
        a 1-D y of classes, else KFold. An iterable holds row numbers or boolean masks.
    table : Table
    labels : ndarray or None
        Task of every row, if rows belong to tasks.
    groups : array-like or None
        For splitters that take them.
    classifier : bool
    """
    y = table.y
    if cv is None or isinstance(cv, (int, np.integer)):
        n_splits = check_integer("cv", 5 if cv is None else cv, at_least=2)
        if groups is not None:
            warn("groups are given but not used: cv=None or a number does not keep groups together; GroupKFold does.")
            groups = None
        if labels is not None:
            cv = TaskKFold(n_splits)
        elif classifier and (np.ndim(y) == 1 or np.shape(y)[1] == 1):
            cv, y = StratifiedKFold(n_splits), plain(np.ravel(y))
        else:
            cv = KFold(n_splits)
    cv = check_cv(cv)
    if isinstance(cv, TaskKFold) and cv.task_feature is None and labels is not None:
        folds = cv.split(table.X, y, groups, tasks=labels)
    else:
        folds = cv.split(table.X, y, groups)
    splits = [(_row_numbers(train, len(table)), _row_numbers(test, len(table))) for train, test in folds]
    if not splits:
        raise ValueError("cv gave no fold.")
    return splits


def _row_numbers(rows: Any, n_rows: int) -> Indices:
    """From row numbers (negative ones count from the end) or a boolean mask."""
    rows = np.asarray(rows)
    if rows.ndim != 1 or (rows.dtype.kind not in "iub" and rows.size):
        raise ValueError(f"cv must give row numbers or boolean masks, 1-D, got dtype {rows.dtype}, shape {rows.shape}.")
    return np.arange(n_rows)[rows if rows.size else []]


def check_split(
    model: MultiTaskLinearModel, data: RowsFit, table: Table, train: Indices, test: Indices, fold: int
) -> None:
    """Raise an error that says what a fold lacks and what would help, unless it can be fitted and scored.

    Parameters
    ----------
    model : estimator that has read all rows
    data : RowsFit
        What it read.
    table : Table
    train, test : ndarray of int
    fold : int
        Its number, for the message.
    """
    train, test = table.positions(train), table.positions(test)
    if len(train) == 0:
        raise ValueError(f"fold {fold} of cv has no training row (that has weight).")
    tested = tasks_of(data, test)
    if not tested.any():
        raise ValueError(f"fold {fold} of cv holds out nothing that could be scored: no row, or none with weight.")
    seen = tasks_of(data, train)
    lacking = model.tasks_[tested & ~seen] if model._stacked else model.tasks_[~seen]
    if len(lacking) and not model._stacked:
        raise ValueError(f"y has no observation of task(s) {_some(lacking)} in the training part of fold {fold} of cv.")
    if len(lacking) and model.unseen_tasks == "error":
        raise ValueError(
            f"task(s) {_some(lacking)} have no row in the training part of fold {fold} of cv, but are tested there. "
            f"{_REMEDY}; or predict them by the mean task, with unseen_tasks='mean'."
        )
    if data.loss.of_labels:
        _check_classes(model, data, train, seen, fold)
    elif data.fit_intercept:
        _check_intercepts(model, data, train, seen, fold)


def _check_intercepts(model: MultiTaskLinearModel, data: RowsFit, train: Indices, seen: np.ndarray, fold: int) -> None:
    """Every task that has training rows must have a finite intercept (with the Poisson loss: not only zeros)."""
    design = data.design.take(train)
    target = design.arrange(data.design.restore(data.target)[train])
    lost = seen & (design.task_sums(1.0 * ((design.weights > 0) & data.loss.vanishes(target))) == 0)
    if lost.any():
        raise ValueError(
            f"y of task(s) {_some(model.tasks_[lost])} is zero in every row of the training part of fold {fold} of cv, "
            f"where loss={data.loss!r} has no finite intercept. {_REMEDY}."
        )


def _check_classes(model: MultiTaskLinearModel, data: RowsFit, train: Indices, seen: np.ndarray, fold: int) -> None:
    """Every task that has training rows must have some of both classes."""
    design = data.design.take(train)
    target = design.arrange(data.design.restore(data.target)[train])
    counts = design.weights > 0
    positive = design.task_sums(1.0 * (counts & (target > 0))) > 0
    negative = design.task_sums(1.0 * (counts & (target < 0))) > 0
    where = f"in the training part of fold {fold} of cv"
    if len(model.tasks_) > 1 and not model._stacked and not model._multilabel:
        if not positive.all():
            raise ValueError(f"y has no row of class(es) {_some(model.tasks_[~positive])} {where}. {_REMEDY}.")
        return
    lacking = seen & ~(positive & negative)
    if lacking.any():
        raise ValueError(f"y has one class only in task(s) {_some(model.tasks_[lacking])} {where}. {_REMEDY}.")


def _some(labels: Labels) -> str:
    shown = ", ".join(map(repr, labels[:10].tolist()))
    return f"[{shown}, ...]" if len(labels) > 10 else f"[{shown}]"
