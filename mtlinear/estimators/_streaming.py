"""Regression on rows that come in chunks: their moments are added up, and the rows forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.metaestimators import available_if

from mtlinear._tasks import check_task_column, encode, read_task_weight
from mtlinear._typing import Array, Indices, Labels
from mtlinear._validation import check_boolean
from mtlinear._warnings import warn
from mtlinear.datafit import GramFit
from mtlinear.designs import Moments, RunningMoments
from mtlinear.estimators._base import Rows
from mtlinear.estimators._base_regressor import MultiTaskRegressorBase, one_column
from mtlinear.estimators._missing import is_missing
from mtlinear.problem import Problem


@dataclass(frozen=True)
class Chunks:
    """What the rows so far add up to. Never changed: a chunk makes a new one, in which untouched tasks are the same.

    Attributes
    ----------
    tasks : array
        Sorted labels, or the columns of y.
    parts : tuple of RunningMoments or None
        One for every task, None where nothing was observed yet; or a single one with an output per task, while tasks
        share the rows and nothing was missing.
    stacked : bool
        Whether every row has a task of its own.
    y_ndim : int
    named : bool
        Whether tasks are column names of y.
    task_feature : str, int or None
        The parameter, which must not change.
    n_rows : int
        Those with a weight and an observation.
    """

    tasks: Labels
    parts: tuple[RunningMoments | None, ...]
    stacked: bool
    y_ndim: int
    named: bool
    task_feature: str | int | None
    n_rows: int

    def __add__(self, other: Chunks) -> Chunks:
        """Those of the rows of both, laid out as the first.

        Raises
        ------
        ValueError, TypeError
            If the layouts differ.
        """
        self._check_layout(other)
        if self.n_rows == 0 or other.n_rows == 0:
            return other if self.n_rows == 0 else self
        tasks, parts, others = self.tasks, self.parts, other.parts
        if self.stacked:
            tasks, own, new = _union(self.tasks, other.tasks)
            parts, others = _placed(parts, own, len(tasks)), _placed(others, new, len(tasks))
        elif len(parts) != len(others):  # something is missing in one of them: no longer the same sums for all tasks
            parts, others = _by_task(parts), _by_task(others)
        joined = tuple(_joined(*pair) for pair in zip(parts, others, strict=True))
        n_rows = self.n_rows + other.n_rows
        return Chunks(tasks, joined, self.stacked, self.y_ndim, self.named, self.task_feature, n_rows)

    def _check_layout(self, other: Chunks) -> None:
        if self.stacked != other.stacked:
            before, now = ("had tasks=", "has none") if self.stacked else ("had none", "has tasks=")
            raise ValueError(f"tasks: the chunks before {before}, this one {now}; all must be laid out alike.")
        if self.stacked:
            return
        if self.y_ndim != other.y_ndim or len(self.tasks) != len(other.tasks):
            before, now = (
                "1-D" if chunks.y_ndim == 1 else f"2-D with {len(chunks.tasks)} column(s)" for chunks in (self, other)
            )
            raise ValueError(f"y is {now}, but was {before} in the chunks before: a column is a task.")
        if self.named and other.named and not np.array_equal(self.tasks, other.tasks):
            raise ValueError(
                f"y has the columns {other.tasks.tolist()[:20]}, but had {self.tasks.tolist()[:20]} in the chunks "
                "before; they must have the same names in the same order."
            )

    @property
    def unobserved(self) -> list[object]:
        """Tasks without any observation."""
        return [task for task, part in zip(self.tasks.tolist(), self.parts, strict=False) if part is None]

    def moments(self, task_weight: Array, *, about_means: bool) -> Moments:
        """The moments of all tasks; none may be unobserved."""
        parts = [part for part in self.parts if part is not None]
        return Moments.of_running(parts, task_weight, about_means=about_means)


def _has_sums(model: MultiTaskRegressorBase) -> bool:
    loss = model._make_loss()
    if not getattr(loss, "quadratic", True):  # what is no loss at all is for the checks of the parameters to say
        raise AttributeError(f"partial_fit needs the squared loss, of which sums over the rows say all, not {loss!r}.")
    return True


class StreamingRegressorBase(MultiTaskRegressorBase):
    """Adds partial_fit to a regressor."""

    __metadata_request__partial_fit: ClassVar[dict[str, bool]] = {"tasks": True, "solve": True}

    @available_if(_has_sums)
    def partial_fit(
        self,
        X: Any,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        tasks: ArrayLike | None = None,
        solve: bool = True,
    ) -> Self:
        """Add a chunk of rows, and fit to all rows so far.

        The objective is that of ``fit`` on the rows of all chunks together, whatever their sizes and their order, and
        so are the model and its duality gap, up to rounding. The rows are not kept: of every task there are the sums
        of x, xx', xy, y and y^2 about their means. That is ``n_features^2`` numbers a task, or once for all tasks as
        long as these share the rows and nothing is missing in y. They are float64, and so is the model, whatever X
        is. ``fit`` forgets them.

        Penalty, ``l2_alpha``, ``fit_intercept``, ``task_weight``, ``solver``, ``tol``, ``max_iter`` and the like are
        those of the moment: set_params between two chunks changes the model of all rows.

        Parameters
        ----------
        X, y, sample_weight, tasks
            As in `fit`, and laid out alike in all chunks. Tasks may come up at any time. Rows of weight zero add
            nothing.
        solve : bool, default True
            False only adds the chunk, which is quicker for many chunks: the model remains that of the last solve, and
            before the first one there is none.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            As in `fit`; if the chunk has other features, columns of y, or another way to give tasks than those before,
            or task_feature was changed; when solving, if a column of y has had nothing but NaN so far. Sums and model
            are then what they were before, as if the chunk had not come.

        Warns
        -----
        ConvergenceWarning
            As in `fit`.
        UserWarning
            If the model was fitted by `fit`, whose rows are not part of the sums.
        """
        check_boolean("solve", solve)
        with self._all_or_nothing():
            self._check_parameters()
            if self._chunks is None:
                self._begin()
                self._chunks = self._read_chunk(X, y, sample_weight, tasks, first=True)
            else:
                self._check_same_task_feature(self._chunks)
                self._chunks = self._chunks + self._read_chunk(X, y, sample_weight, tasks, first=False)
            if solve:
                self._solve_chunks(self._chunks)
        return self

    def __sklearn_is_fitted__(self) -> bool:
        """After chunks that were only added up there is nothing to predict with."""
        return hasattr(self, "coef_")

    def _begin(self) -> None:
        """Forget what an earlier fit published."""
        if hasattr(self, "coef_"):
            warn(
                "partial_fit starts anew, without the rows of fit, which keeps no sums of them. To go on from there, "
                "give those rows to partial_fit too; a clone starts without this warning."
            )
        for name in [name for name in vars(self) if name.endswith("_") and not name.startswith("_")]:
            delattr(self, name)

    def _check_same_task_feature(self, before: Chunks) -> None:
        if self.task_feature != before.task_feature:
            raise ValueError(
                f"task_feature is {self.task_feature!r}, but was {before.task_feature!r} in the chunks before; it must "
                "not change between them. fit, or partial_fit on a clone, starts anew."
            )

    def _read_chunk(
        self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None, tasks: ArrayLike | None, *, first: bool
    ) -> Chunks:
        rows = self._read_rows(X, tasks, reset=first, are_all=False)
        rows = replace(rows, X=rows.X.astype(np.float64, copy=False))  # y and weights are read in the precision of X
        names = getattr(y, "columns", None)
        rows, target = self._weigh_chunk(rows, self._read_target(y, rows.X), sample_weight)
        y_ndim, n_rows = target.ndim, len(target)
        parts: tuple[RunningMoments | None, ...]
        if rows.labels is not None:
            labels, codes = np.unique(rows.labels, return_inverse=True)
            parts = _sums_by_task(rows, one_column(target), codes, len(labels))
            return Chunks(labels, parts, True, y_ndim, False, self.task_feature, n_rows)
        target = target.reshape(n_rows, 1 if y_ndim == 1 else target.shape[1])
        labels = np.arange(target.shape[1]) if names is None else np.asarray(names)
        observed = ~is_missing(target)
        parts = _sums_by_column(rows, target, observed)
        n_rows = int(np.count_nonzero(observed.any(axis=1)))
        return Chunks(labels, parts, False, y_ndim, names is not None, self.task_feature, n_rows)

    def _weigh_chunk(self, rows: Rows, y: Array, sample_weight: ArrayLike | None) -> tuple[Rows, Array]:
        """As `_weigh`; but no row of a chunk need count."""
        weights = np.asarray(sample_weight)
        if weights.shape == (len(y),) and weights.dtype.kind in "biuf" and not weights.any():
            return Rows(rows.X[:0], None if rows.labels is None else rows.labels[:0], weights[:0]), y[:0]
        return self._weigh(rows, y, sample_weight)

    def _solve_chunks(self, chunks: Chunks) -> None:
        """Solve for all rows so far, from the present parameters, and publish as fit does."""
        if chunks.unobserved:
            raise ValueError(
                f"y has no observation yet for task(s) {chunks.unobserved}: nothing to fit. With solve=False chunks "
                "are added up until every task has one."
            )
        if chunks.n_rows == 0:
            raise ValueError("sample_weight is zero for every row so far; at least one must be positive.")
        if self.task_feature is not None and not hasattr(self, "coef_"):
            check_task_column(self.task_feature, chunks.tasks, chunks.n_rows)
        task_weight = read_task_weight(self.task_weight, chunks.tasks)
        moments = chunks.moments(task_weight, about_means=self.fit_intercept)
        data = GramFit(moments, self.fit_intercept)
        tasks_before = getattr(self, "tasks_", None)
        # Before the penalty is made, which may name tasks.
        self.tasks_, self._stacked, self._y_ndim = chunks.tasks, chunks.stacked, chunks.y_ndim
        problem = Problem.of(data, self._make_penalty(), l2_alpha=self.l2_alpha)
        self._solve_from(problem, self._present_parts(problem, tasks_before))

    def _present_parts(self, problem: Problem, tasks_before: Labels | None) -> list[Array] | None:
        """The parameters of the last solve, zero for tasks that are new; None if the parts are others now."""
        if tasks_before is None or tuple(self.parameters_.parts) != problem.part_names:
            return None
        known = np.arange(len(tasks_before))
        if self._stacked:
            known = _union(self.tasks_, tasks_before)[2]
        start = np.zeros(problem.shape)
        start[:, :, known] = list(self.parameters_.parts.values())
        return list(start)


def _sums_by_task(rows: Rows, target: Array, codes: Indices, n_tasks: int) -> tuple[RunningMoments, ...]:
    """The sums of every task over its own rows."""
    order = np.argsort(codes, kind="stable")
    bounds = np.searchsorted(codes[order], np.arange(n_tasks + 1))
    return tuple(_sums(rows, target[:, None], order[bounds[t] : bounds[t + 1]]) for t in range(n_tasks))


def _sums_by_column(rows: Rows, target: Array, observed: NDArray[np.bool_]) -> tuple[RunningMoments | None, ...]:
    """One sum over all rows if nothing is missing, else one for every column, over the rows in which it is there."""
    if observed.all() and len(target) > 0:
        return (RunningMoments.of(rows.X, target, rows.weights),)
    own = [np.flatnonzero(column) for column in observed.T]
    return tuple(_sums(rows, target[:, [t]], own[t]) if len(own[t]) else None for t in range(len(own)))


def _sums(rows: Rows, target: Array, own: Indices) -> RunningMoments:
    weights = None if rows.weights is None else rows.weights[own]
    return RunningMoments.of(rows.X[own], target[own], weights)


def _joined(first: RunningMoments | None, second: RunningMoments | None) -> RunningMoments | None:
    if first is None or second is None:
        return first if second is None else second
    return first + second


def _by_task(parts: Sequence[RunningMoments | None]) -> tuple[RunningMoments | None, ...]:
    """Parts with one output each."""
    alone = parts[0] if len(parts) == 1 else None
    return tuple(parts) if alone is None else alone.outputs()


def _placed(
    parts: Sequence[RunningMoments | None], positions: Indices, count: int
) -> tuple[RunningMoments | None, ...]:
    """The parts at their positions among count, None elsewhere."""
    placed: list[RunningMoments | None] = [None] * count
    for position, part in zip(positions, parts, strict=True):
        placed[position] = part
    return tuple(placed)


def _union(known: Labels, others: Labels) -> tuple[Labels, Indices, Indices]:
    """All labels, sorted, and where among them the known ones and the others are; all are distinct and sorted."""
    found = encode(others, known)
    if np.all(found >= 0):
        return known, np.arange(len(known)), found
    union = np.sort(np.concatenate([known, others[found < 0]]))
    own = np.searchsorted(union, known)
    return union, own, np.where(found >= 0, own[found], np.searchsorted(union, others))
