"""One fold of a cross-validation: paths on its training rows, scored on the held-out ones.

Under squared loss the training rows need not be looked at: their moments are those of all rows minus those of the
held-out ones, and no X is touched again along the path.
"""

from __future__ import annotations

import inspect
import time
import warnings
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from numbers import Real
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning
from sklearn.utils import _safe_indexing, indexable
from sklearn.utils.validation import _check_sample_weight, _num_samples

from mtlinear._tasks import read_labels, read_task_weight
from mtlinear._typing import Array, Indices
from mtlinear.datafit import DataFit, GramFit, RowsFit
from mtlinear.designs import Moments
from mtlinear.estimators._base import MultiTaskLinearModel
from mtlinear.path import sweep
from mtlinear.problem import Problem
from mtlinear.solvers import Solution, choose_solver

#: Where less than this fraction of a sum of squares is left after subtraction, it is summed up anew.
_LEFT = 1e-4


@dataclass(frozen=True)
class Table:
    """What fit was given, row by row."""

    X: Any
    y: Any
    sample_weight: Array | None = None
    tasks: Any = None

    @classmethod
    def of(cls, X: Any, y: ArrayLike, sample_weight: ArrayLike | None, tasks: ArrayLike | None) -> Self:
        """From arguments that were found usable: every entry can be indexed by rows."""
        X, y = indexable(X, y)
        weights = None if sample_weight is None else _check_sample_weight(sample_weight, X, dtype=np.float64)
        return cls(X, y, weights, None if tasks is None else read_labels("tasks", tasks, _num_samples(X)))

    def __len__(self) -> int:
        return int(_num_samples(self.X))

    def rows(self, samples: Indices) -> Table:
        """The table of these rows."""
        return Table(*(None if v is None else _safe_indexing(v, samples) for v in vars(self).values()))

    def positions(self, samples: Indices) -> Indices:
        """Numbers of these rows among those that count: rows of weight zero were dropped when the data were read."""
        if self.sample_weight is None:
            return samples
        counts = self.sample_weight > 0
        return (np.cumsum(counts) - 1)[samples[counts[samples]]]


@dataclass(frozen=True)
class FoldResult:
    """What a path on one fold gave; every array has one entry per alpha."""

    score: Array
    error: Array
    gap: Array
    converged: Array
    fit_seconds: Array
    score_seconds: Array


@dataclass(frozen=True)
class _Training:
    """The data fit of the training rows, a model that has read them, and the numbers of its tasks among all."""

    data: DataFit
    model: MultiTaskLinearModel
    tasks: Indices


def run_fold(
    model: MultiTaskLinearModel,
    problems: Sequence[Problem],
    table: Table,
    train: Indices,
    test: Indices,
    grids: Sequence[Array],
    scorer: Callable[..., float] | None,
) -> list[FoldResult]:
    """Sweep the alphas of every problem on the training rows and score each solution on the test rows.

    Parameters
    ----------
    model : estimator that has read all rows
    problems : sequence of Problem
        What it read, with the penalties and ridges of the candidates.
    table : Table
        The same rows, as given.
    train, test : ndarray of int
    grids : sequence of ndarray
        Alphas of every problem.
    scorer : callable, default None
        scikit-learn's ``scorer(estimator, X, y)``. None: minus the mean error of the held-out rows.
    """
    data = problems[0].data
    assert isinstance(data, RowsFit)
    training = _read_training(model, data, table, train)
    held_out = _HeldOut(data, table.positions(test))
    judge = None if scorer is None else _Judge(scorer, training.model, table.rows(test))
    results = []
    for problem, alphas in zip(problems, grids, strict=True):
        # Only moments are shared: what else a data fit keeps would make a result depend on what was solved before it.
        own = training.data if isinstance(training.data, GramFit) else copy(training.data)
        same_tasks = len(training.tasks) == data.n_tasks  # then the penalty was checked with all rows
        fold = Problem.of(own, problem.penalty, l2_alpha=problem.l2_alpha, check=not same_tasks)
        results.append(_run_path(model, fold, training, held_out, judge, alphas))
    return results


def _run_path(
    model: MultiTaskLinearModel,
    fold: Problem,
    training: _Training,
    held_out: _HeldOut,
    judge: _Judge | None,
    alphas: Array,
) -> FoldResult:
    unit = max(fold.null_objective, float(np.finfo(float).tiny))
    columns: list[tuple[float, ...]] = []
    steps = sweep(fold, alphas, choose_solver(fold, model.solver), tol=model.tol, max_iter=model.max_iter)
    for _ in alphas:
        clock = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the caller counts those of all folds in one warning
            problem, solution = next(steps)
        solved = time.perf_counter()
        error = held_out.mean_error(*_all_tasks(training, solution, held_out.n_tasks))
        score = -error if judge is None else judge.score(problem, solution)
        gap = solution.certificate.gap / unit
        columns.append((score, error, gap, solution.converged, solved - clock, time.perf_counter() - solved))
    score, error, gap, converged, fit_seconds, score_seconds = np.array(columns).T
    return FoldResult(score, error, gap, converged > 0, fit_seconds, score_seconds)


def _read_training(model: MultiTaskLinearModel, data: RowsFit, table: Table, train: Indices) -> _Training:
    """The data fit of the training rows: from moments where that pays, else from the rows."""
    rows = table.positions(train)
    if not np.all(tasks_of(data, rows)):
        part = table.rows(train)
        weights = dict(zip(model.tasks_.tolist(), read_task_weight(model.task_weight, model.tasks_), strict=True))
        seen = clone(model).set_params(task_weight=weights)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataConversionWarning)  # said when all rows were read
            read = seen._read_problem(part.X, part.y, part.sample_weight, part.tasks)
        return _Training(read.data, seen, np.searchsorted(model.tasks_, seen.tasks_))
    every_task = np.arange(data.n_tasks)
    if data.gram_is_smaller:
        return _Training(_from_moments(data, rows), model, every_task)
    return _Training(data.take(rows), model, every_task)


def tasks_of(data: RowsFit, rows: Indices) -> np.ndarray:
    """Which tasks have an observation that counts among these rows."""
    design = data.design
    chosen = np.zeros(design.n_rows)
    chosen[rows] = 1.0
    own = design.arrange(chosen)
    return design.task_sums((design.weights > 0) * (own if design.weights.ndim == 1 else own[:, None])) > 0


def _from_moments(data: RowsFit, rows: Indices) -> GramFit:
    """The Gram matrices of these rows: those of all rows minus those of the others, unless too few digits are left."""
    others = np.setdiff1d(np.arange(data.design.n_rows), rows)
    # A bootstrap repeats rows, and a small training part is quicker to sum up than the rest.
    if len(others) + len(rows) == data.design.n_rows and len(others) < len(rows):
        moments = data.all_moments - data.moments(others)
        fit = GramFit(moments, data.fit_intercept)
        if not _lost_digits(fit, moments, data, rows):
            return fit
    return GramFit(data.take(rows).moments(), data.fit_intercept)


def _lost_digits(fit: GramFit, moments: Moments, data: RowsFit, rows: Indices) -> bool:
    """Whether a feature or a target varies so little among these rows, compared with all, that rounding shows.

    A feature that is constant here, as dummy variables tend to be, is no harm: `GramFit` knows. But the rounding of an
    outlier among the other rows would hide the variance of these.
    """
    whole = data.all_moments
    square = moments.square - (moments.target**2 / moments.weight if data.fit_intercept else 0.0)
    if np.any(square < _LEFT * whole.square):
        return True
    left = np.diagonal(fit.matrices, axis1=1, axis2=2) * (moments.total / data.n_tasks)
    doubtful = left < _LEFT * moments.magnitude
    if np.any(doubtful & (left != 0.0)):
        return True
    features = np.flatnonzero(doubtful.any(axis=0))
    if len(features) == 0:
        return False
    design = data.design.restrict(features).take(rows)
    exact = (design.centered() if data.fit_intercept else design).gram()[0]
    return bool(np.any(np.diagonal(exact, axis1=1, axis2=2)[doubtful[:, features]] > 0))


def _all_tasks(training: _Training, solution: Solution, n_tasks: int) -> tuple[Array, Array]:
    """Parameters of all tasks: those without training rows get the mean of the others, as in predict."""
    A, b = solution.A, solution.intercept
    if len(training.tasks) == n_tasks:
        return A, b
    everywhere = np.repeat(A.mean(axis=1, keepdims=True), n_tasks, axis=1)
    intercept = np.full(n_tasks, b.mean())
    everywhere[:, training.tasks], intercept[training.tasks] = A, b
    return everywhere, intercept


class _HeldOut:
    """Mean squared error or log loss of held-out rows, weighted as in the objective."""

    def __init__(self, data: RowsFit, rows: Indices):
        self._data = data
        self._design = data.design.take(rows)
        self._target = self._design.arrange(data.design.restore(data.target)[rows])
        self._unit = float(np.sum(self._design.weights))
        self.n_tasks = data.n_tasks

    def mean_error(self, A: Array, b: Array) -> float:
        """NaN if no held-out row has weight."""
        if not self._unit > 0:
            return np.nan
        design, data = self._design, self._data
        centred = b - data.original_intercept(A, np.zeros(data.n_tasks))
        losses = data.loss.value(self._target, design.apply(A) + design.spread(centred))
        mean_loss = float(np.sum(design.weights * losses)) / self._unit
        return 2.0 * mean_loss if data.loss.quadratic else mean_loss  # squared loss is half the squared error


class _Judge:
    """A scorer of scikit-learn on held-out rows: for every solution it gets the model that fit would have made."""

    def __init__(self, scorer: Callable[..., float], model: MultiTaskLinearModel, test: Table):
        self._scorer = scorer
        self._model = model
        self._test = test
        own = test.tasks is not None and "tasks" in inspect.signature(scorer).parameters
        self._arguments = {"tasks": test.tasks} if own else {}

    def score(self, problem: Problem, solution: Solution) -> float:
        fitted = copy(self._model)
        fitted.set_params(penalty=problem.penalty, l2_alpha=problem.l2_alpha)
        fitted._publish(problem, solution)
        # Scorers cannot hand tasks on to predict, but here they are known.
        fitted.__dict__["_tasks_of_rows"] = self._test.tasks
        try:
            score = self._scorer(fitted, self._test.X, self._test.y, **self._arguments)
        except ValueError as error:
            if "NaN" not in str(error):
                raise
            raise ValueError(
                f"the scorer failed: {error} scikit-learn's scorers take no NaN in y; scoring=None and those of "
                "mtlinear.metrics, like TaskScorer('r2'), do."
            ) from error
        if not isinstance(score, Real):
            raise TypeError(f"scoring must give one number, got {score!r} of type {type(score).__name__}.")
        return float(score)
