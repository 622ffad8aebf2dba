"""Cross-validation folds that split every task."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from sklearn.model_selection import BaseCrossValidator
from sklearn.utils import check_random_state
from sklearn.utils.validation import _num_samples

from mtlinear._tasks import read_labels
from mtlinear._typing import Indices, Labels
from mtlinear._validation import check_boolean, check_integer
from mtlinear.metrics._rows import plain, task_column

__all__ = ["TaskKFold"]


class TaskKFold(BaseCrossValidator):
    """K folds, each with its share of the rows of every task, and for classification of every class of a task.

    A task of n rows has floor(n / K) or ceil(n / K) of them in each test fold, and so has a class of a task; the sizes
    of the folds differ by one row at most. The rows that do not divide by K go to the folds that have the fewest of the
    task, then the fewest rows, then the fewest of the class.

    The tasks come from exactly one of: the column ``task_feature`` of X; ``groups``, so that
    ``cross_val_score(..., groups=tasks)`` works; ``tasks``, which a search hands over under metadata routing together
    with those of the estimator. For a 2-D y, where all tasks share the rows, use ``sklearn.model_selection.KFold``.

    Parameters
    ----------
    n_splits : int, default 5
        Number of folds K, at least 2.
    shuffle : bool, default False
        False: the rows of a task (of a class of it) go to the folds in blocks, in their order. True: at random.
    random_state : int, RandomState or None, default None
        Seed of the shuffling; an int gives the same folds at every call.
    task_feature : str or int, default None
        Name or position (negative counts from the end) of the column of X with the task labels. X is what
        cross-validation gets: before the transformers of a Pipeline.
    by_class : bool or None, default None
        Whether to split every class of a task. None: if y is not numeric or has at most two different values, so that
        whole-numbered regression targets are not taken for classes.

    Raises
    ------
    ValueError, TypeError
        When splitting: if the tasks are given never or twice, labels are missing or of mixed type, or every task has
        fewer than ``n_splits`` rows.

    Warns
    -----
    UserWarning
        When splitting: if some tasks (or classes of a task) have fewer than ``n_splits`` rows, and how many. A task
        with a single row is not in the training part when it is tested; ``unseen_tasks="error"`` turns it down.

    References
    ----------
    ``sklearn.model_selection.StratifiedKFold``, which by its stratum "class" keeps shares, but not those of tasks.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlinear.model_selection import TaskKFold
    >>> tasks = ["a", "a", "a", "a", "b", "b", "b"]
    >>> for train, test in TaskKFold(2).split(np.zeros((7, 1)), groups=tasks):
    ...     print(train, test)
    [2 3 6] [0 1 4 5]
    [0 1 4 5] [2 3 6]
    """

    # Both are taken when they are there: groups as in GroupKFold, tasks as in the estimators.
    __metadata_request__split: ClassVar[dict[str, bool]] = {"groups": True, "tasks": True}

    def __init__(
        self,
        n_splits: int = 5,
        *,
        shuffle: bool = False,
        random_state: Any = None,
        task_feature: str | int | None = None,
        by_class: bool | None = None,
    ) -> None:
        check_integer("n_splits", n_splits, at_least=2)
        check_boolean("shuffle", shuffle)
        if by_class is not None:
            check_boolean("by_class", by_class)
        if not shuffle and random_state is not None:
            raise ValueError(f"random_state={random_state!r} has no effect without shuffle=True; leave it None.")
        self.n_splits = n_splits
        self.shuffle = shuffle
        self.random_state = random_state
        self.task_feature = task_feature
        self.by_class = by_class

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None, *, tasks: ArrayLike | None = None) -> int:
        """Return the number of folds; the arguments are not used.

        Parameters
        ----------
        X, y, groups, tasks : ignored
        """
        return self.n_splits

    def split(
        self, X: Any, y: Any = None, groups: ArrayLike | None = None, *, tasks: ArrayLike | None = None
    ) -> Iterator[tuple[Indices, Indices]]:
        """Generate the row numbers of the training and test part of every fold.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_columns)
            Only its task column and its length are looked at.
        y : array-like of shape (n_rows,), default None
            Labels, to keep the shares of classes.
        groups, tasks : array-like of shape (n_rows,), default None
            Task labels; at most one of them, and neither with ``task_feature``.

        Yields
        ------
        train, test : ndarray of int
            Sorted.
        """
        labels = self._read_tasks(X, groups, tasks)
        fold = self._test_folds(labels, self._read_classes(y, len(labels)))
        for k in range(self.n_splits):
            yield np.flatnonzero(fold != k), np.flatnonzero(fold == k)

    def _read_tasks(self, X: Any, groups: ArrayLike | None, tasks: ArrayLike | None) -> Labels:
        given = {"task_feature": self.task_feature, "groups": groups, "tasks": tasks}
        names = [name for name, value in given.items() if value is not None]
        if not names:
            raise ValueError(
                "TaskKFold needs the task of every row: TaskKFold(task_feature=...) for a column of X, or groups= (or, "
                "with metadata routing, tasks=). If the tasks are the columns of y, use KFold."
            )
        if len(names) > 1:
            raise ValueError(f"{' and '.join(names)} are given; a row can get its task from one of them only.")
        if self.task_feature is not None:
            return task_column(X, self.task_feature)
        return read_labels(names[0], groups if tasks is None else tasks, _num_samples(X))  # type: ignore[arg-type]

    def _read_classes(self, y: Any, n_rows: int) -> Labels | None:
        """Class of every row, or None if classes do not matter."""
        if y is None:
            if self.by_class:
                raise ValueError("by_class=True needs y.")
            return None
        labels = np.asarray(y)
        if labels.ndim == 2 and labels.shape[1] == 1:
            labels = labels[:, 0]
        if labels.ndim != 1 or len(labels) != n_rows:
            raise ValueError(
                f"y must have one target per row, got shape {labels.shape} for {n_rows} rows; if the tasks are the "
                "columns of y, use KFold."
            )
        labels = plain(labels)
        by_class = self.by_class
        if by_class is None:
            by_class = labels.dtype.kind not in "iuf" or len(np.unique(labels)) <= 2
        return labels if by_class else None

    def _test_folds(self, tasks: Labels, classes: Labels | None) -> Indices:
        """The fold in which each row is tested."""
        task = _codes(tasks)
        group = np.zeros_like(task) if classes is None else _codes(classes)
        self._check_sizes(task, group)
        strata, stratum, sizes = np.unique(
            np.column_stack([task, group]), axis=0, return_inverse=True, return_counts=True
        )
        shares = _share_out(strata, sizes, self.n_splits)
        # StackingRegressor sets random_state on any splitter that has one, so only shuffling looks at it.
        rng = check_random_state(self.random_state) if self.shuffle else None
        fold = np.empty(len(task), dtype=np.intp)
        for s, share in enumerate(shares):
            folds = np.repeat(np.arange(self.n_splits), share)
            if rng is not None:
                rng.shuffle(folds)
            fold[stratum.ravel() == s] = folds
        return fold

    def _check_sizes(self, task: Indices, group: Indices) -> None:
        sizes = np.bincount(task)
        small = int(np.sum(sizes < self.n_splits))
        if small == len(sizes):
            raise ValueError(
                f"n_splits={self.n_splits} is larger than the number of rows of every task (the largest of "
                f"n_samples={len(task)} has {sizes.max()}), so no task can be in every fold."
            )
        if small:
            warnings.warn(
                f"{small} of {len(sizes)} tasks have fewer rows than n_splits={self.n_splits} (the smallest has "
                f"{sizes.min()}): they are missing from some test folds.",
                UserWarning,
                stacklevel=5,
            )
            return
        counts = np.unique(np.column_stack([task, group]), axis=0, return_counts=True)[1]
        rare = int(np.sum(counts < self.n_splits))
        if rare:
            warnings.warn(
                f"{rare} of {len(counts)} classes of a task have fewer rows than n_splits={self.n_splits} (the "
                f"smallest has {counts.min()}): they are missing from some test folds.",
                UserWarning,
                stacklevel=5,
            )


def _codes(labels: Labels) -> Indices:
    """Labels numbered in the order in which they appear, so that other names for them give the same folds."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.intp)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse]


def _share_out(strata: Indices, sizes: Indices, n_folds: int) -> Indices:
    """Number of rows that each stratum has in each fold, (n_strata, n_folds).

    Parameters
    ----------
    strata : ndarray of int (n_strata, 2)
        Task and class of the stratum, sorted by task.
    sizes : ndarray of int (n_strata,)

    A stratum gives every fold the same number of rows, and one more to the folds that are lowest in: rows of the task,
    all rows, rows of the class. Adding one to the lowest keeps counts within one of each other, so this holds for
    tasks; and within a task the folds are served in the order of their total, so it holds for the totals as well.
    """
    shares = np.repeat(sizes[:, None] // n_folds, n_folds, axis=1)
    total = np.zeros(n_folds, dtype=np.intp)
    of_class = np.zeros((strata[:, 1].max() + 1, n_folds), dtype=np.intp)
    of_task = np.zeros((strata[:, 0].max() + 1, n_folds), dtype=np.intp)
    for (task, group), share, extra in zip(strata, shares, sizes % n_folds, strict=True):
        lowest = np.lexsort((of_class[group], total, of_task[task]))
        share[lowest[:extra]] += 1
        for counts in (total, of_class[group], of_task[task]):
            counts += share
    return shares
