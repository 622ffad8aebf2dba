"""The problems of the benchmark: data with fixed seeds, as our `Problem` and as the arrays that the peers need.

A `Cell` is a recipe (which data, which penalty, how strong): small, so that it can be sent to the process that does the
work. `Cell.build` makes the `Data` from it; the arrays of the last cell are kept, since the next one often shares them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise

import numpy as np
from scipy.io import loadmat
from scipy.signal import lfilter

from mtlinear.designs import Design, SharedDesign, StackedDesign
from mtlinear.losses import Logistic, Loss, Squared
from mtlinear.path import alpha_max, at_strength
from mtlinear.penalties import L1, Clustered, Dirty, L1Lq, MeanRegularized, Penalty, TraceNorm
from mtlinear.problem import Problem

#: Correlation of neighbouring features, number of features that matter, and rank of the low-rank truth.
CORRELATION, RELEVANT, RANK = 0.5, 10, 5


class Arrays:
    """The arrays of one data set, in the orders of memory in which peers are fastest, each made once.

    Attributes
    ----------
    X : ndarray (n_rows, n_features)
        Shared by all tasks, or the rows of all tasks one task after the other.
    Y : ndarray (n_rows, n_tasks), or (n_rows,) where the tasks have rows of their own
    codes : ndarray of int (n_rows,), or None for a shared X
        Number of the task of each row.
    """

    def __init__(self, X: np.ndarray, Y: np.ndarray, codes: np.ndarray | None, n_tasks: int, loss: Loss):
        self.X, self.Y, self.codes, self.n_tasks, self.loss = X, Y, codes, n_tasks, loss

    @property
    def shared(self) -> bool:
        return self.codes is None

    @cached_property
    def X_columns(self) -> np.ndarray:
        """X with contiguous columns."""
        return np.asfortranarray(self.X)

    @cached_property
    def Y_columns(self) -> np.ndarray:
        return np.asfortranarray(self.Y)

    @cached_property
    def mean_rows(self) -> float:
        """m: the objective is (1/m) sum of the losses + penalty, with the mean number of rows of a task."""
        return float(len(self.X)) if self.shared else len(self.X) / self.n_tasks

    @cached_property
    def tasks(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """(X_t, y_t) of every task."""
        if self.codes is None:
            return [(self.X, self.Y[:, t]) for t in range(self.n_tasks)]
        ends = np.searchsorted(self.codes, np.arange(self.n_tasks + 1))
        slices = [slice(*pair) for pair in pairwise(ends)]
        return [(self.X[rows], self.Y[rows]) for rows in slices]

    def design(self) -> Design:
        if self.codes is None:
            return SharedDesign(self.X, self.n_tasks)
        return StackedDesign(self.X, self.codes, self.n_tasks)


@dataclass(frozen=True)
class Data:
    """One problem: arrays, the penalty at its strength, and whether there are intercepts."""

    arrays: Arrays
    penalty: Penalty
    fit_intercept: bool

    def problem(self) -> Problem:
        """Our problem, built from the arrays as a user would: nothing is kept from the last time."""
        arrays = self.arrays
        return Problem(arrays.design(), arrays.Y, arrays.loss, self.penalty, fit_intercept=self.fit_intercept)


@dataclass(frozen=True)
class Cell:
    """A recipe for one problem.

    Parameters
    ----------
    label : str
    make : function of ``sizes`` that returns `Arrays`
    sizes : tuple
    penalty : Penalty
    fraction : float, default None
        Strength as a fraction of the alpha at which A becomes zero.
    rho : float, default None
        Strength in MALSAR's scaling: loss as a plain sum over the rows, no 1/m.
    """

    label: str
    make: Callable[..., Arrays]
    sizes: tuple
    penalty: Penalty
    fraction: float | None = None
    rho: float | None = None
    fit_intercept: bool = True

    def build(self) -> Data:
        arrays = _arrays(self.make, self.sizes)
        if self.rho is not None:
            alpha = self.rho / arrays.mean_rows
        else:
            problem = Data(arrays, self.penalty, self.fit_intercept).problem()
            alpha = self.fraction * alpha_max(problem)
        return Data(arrays, at_strength(self.penalty, alpha), self.fit_intercept)


@lru_cache(maxsize=1)
def _arrays(make: Callable[..., Arrays], sizes: tuple) -> Arrays:
    return make(*sizes)


# Data ---------------------------------------------------------------------------------------------------------------


def correlated_features(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    """Gaussian rows whose features are an autoregression: x_j = 0.5 x_{j-1} + noise, all of variance 1."""
    Z = rng.standard_normal((n, d))
    rest = np.sqrt(1.0 - CORRELATION**2)
    Z[:, 0] /= rest
    return lfilter([rest], [1.0, -CORRELATION], Z, axis=1)


def sparse_truth(rng: np.random.Generator, d: int, n_tasks: int, relevant: int = RELEVANT) -> np.ndarray:
    """A few features matter, the same to all tasks."""
    A = np.zeros((d, n_tasks))
    relevant = min(relevant, d)
    A[rng.choice(d, relevant, replace=False)] = rng.standard_normal((relevant, n_tasks))
    return A


def low_rank_truth(rng: np.random.Generator, d: int, n_tasks: int) -> np.ndarray:
    """Tasks in a subspace, with rows of norm about 1 in a tenth of the features and a few private entries."""
    rank = min(RANK, d, n_tasks)
    A = rng.standard_normal((d, rank)) @ rng.standard_normal((rank, n_tasks)) / np.sqrt(d * rank)
    private = rng.random((d, n_tasks)) < 0.01
    return A + 0.3 * private * rng.standard_normal((d, n_tasks))


def correlated(n: int, d: int, n_tasks: int) -> tuple[np.ndarray, np.ndarray]:
    """X and Y of `shared_sparse`, also for the cross-validation benchmark."""
    rng = np.random.default_rng(0)
    X = correlated_features(rng, n, d)
    return X, X @ sparse_truth(rng, d, n_tasks) + rng.standard_normal((n, n_tasks))


def shared_sparse(n: int, d: int, n_tasks: int) -> Arrays:
    """One X for all tasks, ten features that matter, noise of variance 1."""
    return Arrays(*correlated(n, d, n_tasks), None, n_tasks, Squared())


def shared_low_rank(n: int, d: int, n_tasks: int) -> Arrays:
    """One X for all tasks, parameters of low rank plus a few private ones."""
    rng = np.random.default_rng(1)
    X = correlated_features(rng, n, d)
    Y = X @ low_rank_truth(rng, d, n_tasks) + 0.5 * rng.standard_normal((n, n_tasks))
    return Arrays(X, Y, None, n_tasks, Squared())


def _stacked(rng: np.random.Generator, n: int, d: int, A: np.ndarray, noise: float, loss: Loss) -> Arrays:
    """n rows of its own for every task, one task after the other; signs instead of values for logistic loss."""
    n_tasks = A.shape[1]
    codes = np.repeat(np.arange(n_tasks), n)
    X = correlated_features(rng, n * n_tasks, d)
    scores = np.einsum("tij,jt->ti", X.reshape(n_tasks, n, d), A).ravel()
    if isinstance(loss, Logistic):
        y = np.where(rng.random(len(scores)) < 1.0 / (1.0 + np.exp(-scores)), 1.0, -1.0)
    else:
        y = scores + noise * rng.standard_normal(len(scores))
    return Arrays(X, y, codes, n_tasks, loss)


def stacked_low_rank(n: int, d: int, n_tasks: int) -> Arrays:
    """The same truth as `shared_low_rank`, n rows of its own for every task."""
    rng = np.random.default_rng(1)
    return _stacked(rng, n, d, low_rank_truth(rng, d, n_tasks), 0.5, Squared())


def stacked_sparse(n: int, d: int, n_tasks: int) -> Arrays:
    """Ten features that matter to all tasks, n rows of its own for every task."""
    rng = np.random.default_rng(2)
    return _stacked(rng, n, d, sparse_truth(rng, d, n_tasks), 1.0, Squared())


def stacked_logistic(n: int, d: int, n_tasks: int) -> Arrays:
    """Classes drawn from the logistic model with ten features that matter, n rows of its own for every task."""
    rng = np.random.default_rng(3)
    return _stacked(rng, n, d, sparse_truth(rng, d, n_tasks), 0.0, Logistic())


def shared_logistic(n: int, d: int, n_tasks: int) -> Arrays:
    """The same with one X for all tasks."""
    rng = np.random.default_rng(3)
    X = correlated_features(rng, n, d)
    probability = 1.0 / (1.0 + np.exp(-X @ sparse_truth(rng, d, n_tasks)))
    return Arrays(X, np.where(rng.random((n, n_tasks)) < probability, 1.0, -1.0), None, n_tasks, Logistic())


def school_data(path: str) -> Arrays:
    """The School data as MALSAR ships them: 139 tasks, 15,362 rows, 28 features as they are, one of them constant."""
    file = loadmat(path)
    tasks_X, tasks_y = file["X"][0], file["Y"][0]
    codes = np.repeat(np.arange(len(tasks_X)), [len(x) for x in tasks_X])
    y = np.concatenate([v.ravel() for v in tasks_y]).astype(float)
    return Arrays(np.vstack(tasks_X).astype(float), y, codes, len(tasks_X), Squared())


# Suites -------------------------------------------------------------------------------------------------------------

FRACTIONS = (0.3, 0.1, 0.03)
GRID = (
    (200, 1000, 5),
    (300, 5000, 10),
    (300, 5000, 50),
    (1000, 10000, 20),
    (5000, 500, 100),
    (1000, 100000, 10),
)


def l1l2_cells(quick: bool) -> list[Cell]:
    """L1/L2 regression on a shared X; quick: only the sizes of which a fit takes a second."""
    grid = GRID[:2] if quick else GRID
    return [_cell("L1/L2", shared_sparse, sizes, L1Lq(), f) for sizes in grid for f in FRACTIONS]


def logistic_cells(quick: bool) -> list[Cell]:
    """L1/L2 classification; quick: a problem of a hundredth of the size, on which cvxpy ends too."""
    sizes = (100, 40, 10) if quick else (2000, 200, 50)
    return [_cell("L1/L2 logistic", stacked_logistic, sizes, L1Lq(), f) for f in FRACTIONS]


def spectral_cells(quick: bool) -> list[Cell]:
    """Trace norm, dirty and clustered, on a shared X and with n rows of its own for every task."""
    sizes = (200, 50, 10) if quick else (2000, 500, 100)
    penalties = {"trace": TraceNorm(), "dirty": Dirty(), "clustered": Clustered(n_clusters=RANK, mean_ratio=None)}
    cells = []
    for make in (shared_low_rank, stacked_low_rank):
        for name, penalty in penalties.items():
            # Quadratic penalties have no alpha_max: theirs is ten times the curvature of the data.
            cells.append(_cell(name, make, sizes, penalty, 0.001 if name == "clustered" else 0.1))
    return cells


def many_tasks_cells(quick: bool) -> list[Cell]:
    """Ten thousand small tasks; quick: a tenth of them."""
    sizes = (50, 30, 1000 if quick else 10000)
    return [_cell(name, stacked_sparse, sizes, p, 0.1) for name, p in (("L1/L2", L1Lq()), ("trace", TraceNorm()))]


def small_cells(quick: bool) -> list[Cell]:
    """Every penalty and both losses, small enough for cvxpy."""
    sizes = (60, 15, 5) if quick else (200, 40, 10)
    penalties = {
        "L1/L2": L1Lq(),
        "L1/Linf": L1Lq(q=np.inf),
        "lasso": L1(),
        "dirty": Dirty(),
        "trace": TraceNorm(),
        "mean": MeanRegularized(),
        "clustered": Clustered(n_clusters=2, mean_ratio=None),
    }
    makers = {"": shared_sparse, " logistic": shared_logistic}
    quadratic = ("mean", "clustered")
    return [
        _cell(name + loss, make, sizes, penalty, 0.001 if name in quadratic else 0.1)
        for loss, make in makers.items()
        for name, penalty in penalties.items()
    ]


def school_cells(path: str, quick: bool) -> list[Cell]:
    """School, objective 1/2 SSE + rho * penalty, no intercept; quick: rho = 200 only.

    Clustered is MALSAR's form of it (no separate mean), with two clusters.
    """
    penalties = {
        "L1/L2": L1Lq(),
        "L1/Linf": L1Lq(q=np.inf),
        "lasso": L1(),
        "trace": TraceNorm(),
        "dirty": Dirty(),
        "mean": MeanRegularized(),
        "clustered": Clustered(n_clusters=2, mean_ratio=None),
    }
    return [
        Cell(f"School {name} rho={rho}", school_data, (path,), penalty, rho=float(rho), fit_intercept=False)
        for name, penalty in penalties.items()
        for rho in ((200,) if quick else (50, 200, 1000))
    ]


def _cell(name: str, make: Callable[..., Arrays], sizes: tuple, penalty: Penalty, fraction: float) -> Cell:
    layout = "stacked" if make.__name__.startswith("stacked") else "shared"
    size = "x".join(str(size) for size in sizes)
    return Cell(f"{name} {layout} {size} at {fraction:g}", make, sizes, penalty, fraction=fraction)
