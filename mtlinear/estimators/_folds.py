"""One fold of a cross-validation: a path on its training rows, scored on the held-out ones.

Under squared loss the training rows need not be looked at: their moments are those of all rows minus those of the
held-out ones, and no X is touched again along the path.
"""

from __future__ import annotations

import inspect
import time
import warnings
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import _safe_indexing

from mtlinear._typing import Array, Indices
from mtlinear.datafit import DataFit, GramFit, RowsFit
from mtlinear.estimators._base import MultiTaskLinearModel
from mtlinear.path import sweep
from mtlinear.problem import Problem
from mtlinear.solvers import FISTA


@dataclass(frozen=True)
class Table:
    """What fit was given, row by row."""

    X: Any
    y: Any
    sample_weight: Any = None
    tasks: Any = None

    def rows(self, samples: Indices) -> Table:
        """The table of these rows."""
        return Table(*(None if v is None else _safe_indexing(v, samples) for v in vars(self).values()))

    def positions(self, samples: Indices) -> Indices:
        """Numbers of these rows among those that count: rows of weight zero were dropped when the data were read."""
        if self.sample_weight is None:
            return samples
        counts = np.asarray(self.sample_weight, dtype=float).ravel() > 0
        return (np.cumsum(counts) - 1)[samples[counts[samples]]]


@dataclass(frozen=True)
class FoldResult:
    """What a path on one fold gave; every array has one entry per alpha."""

    score: Array
    error: Array
    gap: Array
    fit_seconds: Array
    score_seconds: Array


@dataclass(frozen=True)
class _Training:
    """The data fit of the training rows, and the numbers of its tasks among all."""

    data: DataFit
    tasks: Indices


def run_fold(
    model: MultiTaskLinearModel,
    problem: Problem,
    table: Table,
    train: Indices,
    test: Indices,
    alphas: Array,
    scorer: Callable[..., float] | None,
) -> FoldResult:
    """Sweep the alphas on the training rows and score each solution on the test rows.

    Parameters
    ----------
    model : estimator that has read all rows
    problem : Problem
        What it read, with the penalty of the candidate.
    table : Table
        The same rows, as given.
    train, test : ndarray of int
    alphas : ndarray
    scorer : callable, default None
        scikit-learn's ``scorer(estimator, X, y)``. None: minus the mean error of the held-out rows.
    """
    assert isinstance(problem.data, RowsFit)
    training = _read_training(model, problem.data, table, train)
    fold = Problem.of(training.data, problem.penalty, l2_alpha=problem.l2_alpha)
    held_out = _HeldOut(problem.data, table.positions(test))
    judge = None if scorer is None else _Judge(scorer, model, table.rows(test))
    solver = FISTA() if model.solver is None else model.solver
    columns: list[tuple[float, ...]] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the caller counts the gaps of all folds in one warning
        clock = time.perf_counter()
        for solution in sweep(fold, alphas, solver, tol=model.tol, max_iter=model.max_iter):
            solved = time.perf_counter()
            A, b = _embed(model, training, solution.A, solution.intercept, held_out)
            error = held_out.mean_error(A, b)
            score = -error if judge is None else judge.score(A, b)
            relative_gap = solution.certificate.gap / max(fold.null_objective, np.finfo(float).tiny)
            columns.append((score, error, relative_gap, solved - clock, time.perf_counter() - solved))
            clock = time.perf_counter()
    return FoldResult(*np.array(columns).T)


def _read_training(model: MultiTaskLinearModel, data: RowsFit, table: Table, train: Indices) -> _Training:
    """The data fit of the training rows: from moments where that pays, else from the rows."""
    rows = table.positions(train)
    if not _is_complete(data, rows):
        fold_model = clone(model)
        part = table.rows(train)
        read = fold_model._read_problem(part.X, part.y, part.sample_weight, part.tasks)
        return _Training(read.data, np.searchsorted(model.tasks_, fold_model.tasks_))
    every_task = np.arange(data.n_tasks)
    if not data.gram_is_smaller:
        return _Training(data.take(rows), every_task)
    n_rows = data.design.n_rows
    others = np.setdiff1d(np.arange(n_rows), rows)
    # A bootstrap repeats rows, and a small training part is quicker to sum up than the rest.
    subtract = len(others) + len(rows) == n_rows and len(others) < len(rows)
    moments = data.all_moments - data.moments(others) if subtract else data.moments(rows)
    return _Training(GramFit(moments, data.fit_intercept), every_task)


def _is_complete(data: RowsFit, rows: Indices) -> bool:
    """Whether every task has training rows, of both classes in classification."""
    design = data.design
    is_chosen = np.zeros(design.n_rows)
    is_chosen[rows] = 1.0
    chosen = design.arrange(is_chosen)
    counts = (design.weights > 0) * (chosen if design.weights.ndim == 1 else chosen[:, None])
    if data.loss.quadratic:
        return bool(np.all(design.task_sums(counts) > 0))
    return all(np.all(design.task_sums(counts * (sign * data.target > 0)) > 0) for sign in (-1.0, 1.0))


def _embed(
    model: MultiTaskLinearModel, training: _Training, A: Array, b: Array, held_out: _HeldOut
) -> tuple[Array, Array]:
    """Parameters of all tasks from those of the tasks that had training rows."""
    n_tasks = len(model.tasks_)
    if len(training.tasks) == n_tasks:
        return A, b
    unseen = np.setdiff1d(np.arange(n_tasks), training.tasks)
    tested = unseen[held_out.has_rows[unseen]]
    if len(tested) and model.unseen_tasks == "error":
        raise ValueError(
            f"task(s) {model.tasks_[tested][:10].tolist()} have no row in the training part of a fold. Use fewer "
            "splits, TaskKFold (which splits every task), or unseen_tasks='mean'."
        )
    all_A, all_b = np.empty((len(A), n_tasks)), np.empty(n_tasks)
    all_A[:, training.tasks], all_b[training.tasks] = A, b
    all_A[:, unseen], all_b[unseen] = A.mean(axis=1, keepdims=True), b.mean()
    return all_A, all_b


class _HeldOut:
    """Mean squared error or log loss of held-out rows, weighted as in the objective."""

    def __init__(self, data: RowsFit, rows: Indices):
        self._data = data
        self._design = data.design.take(rows)
        self._target = self._design.arrange(data.design.restore(data.target)[rows])
        self.has_rows = self._design.task_sums(self._design.weights) > 0

    def mean_error(self, A: Array, b: Array) -> float:
        design, data = self._design, self._data
        centred = b - data.original_intercept(A, np.zeros(data.n_tasks))
        scores = design.apply(A) + design.spread(centred)
        mean_loss = float(np.average(data.loss.value(self._target, scores), weights=design.weights))
        return 2.0 * mean_loss if data.loss.quadratic else mean_loss  # squared loss is half the squared error


class _Judge:
    """A scorer of scikit-learn on held-out rows, for models that exist as coefficients only."""

    def __init__(self, scorer: Callable[..., float], model: MultiTaskLinearModel, test: Table):
        self._scorer = scorer
        self._model = copy(model)
        self._test = test
        # Scorers cannot hand tasks on to predict, but here they are known.
        self._model._tasks_of_rows = test.tasks
        own = test.tasks is not None and "tasks" in inspect.signature(scorer).parameters
        self._arguments = {"tasks": test.tasks} if own else {}

    def score(self, A: Array, b: Array) -> float:
        self._model.coef_, self._model.intercept_ = A.T, b
        return float(self._scorer(self._model, self._test.X, self._test.y, **self._arguments))
