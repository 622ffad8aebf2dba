"""Fits of one model on one set of training rows, along its paths of candidates, each with its certificate."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from mtlinear._typing import Array, Indices
from mtlinear.compare._data import TaskData
from mtlinear.compare._models import Model, Variant, candidate_alphas, candidate_counts
from mtlinear.compare._prepare import make_preparation
from mtlinear.designs import SharedDesign, StackedDesign
from mtlinear.losses import Logistic, Squared
from mtlinear.penalties import Penalty
from mtlinear.problem import Problem
from mtlinear.solvers import choose_solver

MAX_ITER = 20_000


@dataclass(frozen=True)
class Rows:
    """Prepared rows: X (n, d) standardised; y (n,) or (n, n_tasks); codes (n,) of stacked tasks, else None."""

    X: Array
    y: Array
    codes: Indices | None

    def predict(self, A: Array, intercept: Array) -> Array:
        """Scores of these rows for parameters A (d, n_tasks), in the shape of y."""
        if self.codes is None:
            return self.X @ A + intercept
        return np.einsum("ij,ji->i", self.X, A[:, self.codes]) + intercept[self.codes]


@dataclass(frozen=True)
class Fit:
    """One certified fit.

    Attributes
    ----------
    A : ndarray (n_features, n_tasks)
        Of the standardised features.
    intercept : ndarray (n_tasks,)
    relative_gap : float
        Duality gap over the objective at A = 0.
    certified : bool
        The gap is what was asked for.
    seconds : float
    """

    A: Array
    intercept: Array
    relative_gap: float
    certified: bool
    seconds: float


@dataclass(frozen=True)
class Candidate:
    """A variant of a model with its strength, and where it stands on its path (0 is the largest alpha)."""

    variant: Variant
    alpha: float
    position: int
    path: Sequence[float]

    @property
    def penalty(self) -> Penalty:
        return self.variant.penalty.scaled(self.alpha)

    @property
    def label(self) -> str:
        return f"{self.variant.label}, alpha={self.alpha:.3g}" if self.variant.label else f"alpha={self.alpha:.3g}"

    @property
    def edge(self) -> str:
        """ "largest" or "smallest" if no stronger or weaker alpha was tried, else empty."""
        return "largest" if self.position == 0 else "smallest" if self.position == len(self.path) - 1 else ""


def prepare_rows(data: TaskData, train: Indices, test: Indices) -> tuple[Rows, Rows]:
    """Training and test rows, both prepared by what the training rows alone say."""
    preparation = make_preparation(data)
    X_train = preparation.fit_transform(data.table.iloc[train])
    X_test = preparation.transform(data.table.iloc[test])
    y = data.target
    if data.scales_targets:
        spread = y[train].std(axis=0)
        y = (y - y[train].mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    codes_train, codes_test = (None, None) if data.codes is None else (data.codes[train], data.codes[test])
    return Rows(X_train, y[train], codes_train), Rows(X_test, y[test], codes_test)


def center_tasks(rows: Rows, n_tasks: int) -> tuple[Rows, Array, Array]:
    """Stacked rows minus the means of their task, and these means of X (n_tasks, d) and y (n_tasks,).

    With a squared loss common slopes of centred rows are those of a model with an intercept for each task.
    """
    codes = np.zeros(len(rows.X), dtype=np.intp) if rows.codes is None else rows.codes
    counts = np.maximum(np.bincount(codes, minlength=n_tasks), 1)
    x_means = np.zeros((n_tasks, rows.X.shape[1]))
    np.add.at(x_means, codes, rows.X)
    x_means /= counts[:, None]
    y_means = np.bincount(codes, weights=rows.y, minlength=n_tasks) / counts
    return Rows(rows.X - x_means[codes], rows.y - y_means[codes], codes), x_means, y_means


def make_candidates(data: TaskData, model: Model, rows: Rows, count: int) -> list[Candidate]:
    """``count`` candidates: the alphas of every variant from the alpha_max of its penalty on these rows."""
    candidates = []
    for variant, share in zip(model.variants, candidate_counts(model, count), strict=True):
        alphas = candidate_alphas(make_problem(data, model, rows, variant.penalty), share).tolist()
        candidates += [Candidate(variant, alpha, k, alphas) for k, alpha in enumerate(alphas)]
    return candidates


def make_problem(data: TaskData, model: Model, rows: Rows, penalty: Penalty) -> Problem:
    """The objective of a model on some rows; the pooled one has a single task."""
    loss = Logistic() if data.classification else Squared()
    if model.own_intercepts:
        rows, _, _ = center_tasks(rows, data.n_tasks)
    X, y, codes = rows.X, rows.y, rows.codes
    design: SharedDesign | StackedDesign
    if codes is not None:
        if model.pooled:
            codes = np.zeros_like(codes)
        design = StackedDesign(X, codes, 1 if model.pooled else data.n_tasks)
    elif not model.pooled:
        design = SharedDesign(X, data.n_tasks)
    elif data.classification:
        # All labels of a row weigh on the same score: a row counts once as positive and once as negative.
        share = np.mean(y > 0, axis=1)
        weight = np.concatenate([share, 1.0 - share])
        y = np.repeat([1.0, -1.0], len(X))[weight > 0, None]
        design = SharedDesign(np.vstack([X, X])[weight > 0], 1, weight[weight > 0])
    else:  # the mean target has the same minimiser as all targets together
        y = y.mean(axis=1, keepdims=True)
        design = SharedDesign(X, 1)
    return Problem(design, design.arrange(y), loss, penalty)


def fit_path(data: TaskData, model: Model, rows: Rows, candidates: Sequence[Candidate], tol: float) -> Iterator[Fit]:
    """Fit candidates of one variant, from the largest alpha down; each starts from the parts of the one before."""
    start: Sequence[Array] | None = None
    for candidate in candidates:
        begin = time.perf_counter()
        problem = make_problem(data, model, rows, candidate.penalty)
        with warnings.catch_warnings():
            # Told by `certified` and in the report.
            warnings.simplefilter("ignore", ConvergenceWarning)
            solution = choose_solver(problem).solve(problem, start, tol=tol, max_iter=MAX_ITER)
        start = solution.parts
        unit = max(problem.null_objective, np.finfo(float).tiny)
        A = np.repeat(solution.A, data.n_tasks, axis=1) if model.pooled else solution.A
        intercept = np.repeat(solution.intercept, data.n_tasks) if model.pooled else solution.intercept
        if model.own_intercepts:
            _, x_means, y_means = center_tasks(rows, data.n_tasks)
            intercept = y_means - x_means @ solution.A[:, 0] + intercept
        yield Fit(
            A=A,
            intercept=intercept,
            relative_gap=solution.certificate.gap / unit,
            certified=solution.converged,
            seconds=time.perf_counter() - begin,
        )
