"""Random problems for the contract tests: every layout of the rows, shapes, and targets that suit a loss."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from catalogue import N_TASKS, OF_SIGNS

from mtlinear.designs import Design, SharedDesign, StackedDesign
from mtlinear.losses import Loss, Poisson, Squared
from mtlinear.penalties import Penalty
from mtlinear.problem import Problem

# Designs ------------------------------------------------------------------------------------------------------------


def shared(n: int, d: int, T: int, rng: np.random.Generator) -> Design:
    return SharedDesign(_features(n, d, rng), T)


def shared_weighted(n: int, d: int, T: int, rng: np.random.Generator) -> Design:
    return SharedDesign(_features(n, d, rng), T, rng.uniform(0.2, 2.0, n), rng.uniform(0.5, 2.0, T))


def stacked(n: int, d: int, T: int, rng: np.random.Generator) -> Design:
    """Every task n rows of its own, in mixed order."""
    return StackedDesign(_features(n * T, d, rng), rng.permutation(np.repeat(np.arange(T), n)), T)


def stacked_unbalanced_weighted(n: int, d: int, T: int, rng: np.random.Generator) -> Design:
    """Task sizes from n/2 to 2n (n for a single task), in mixed order, sample and task weights."""
    sizes = np.linspace(n, n + (T > 1) * n, T).astype(int)
    sizes[0] -= (T > 1) * (n // 2)
    codes = rng.permutation(np.repeat(np.arange(T), sizes))
    rows = len(codes)
    return StackedDesign(_features(rows, d, rng), codes, T, rng.uniform(0.2, 2.0, rows), rng.uniform(0.5, 2.0, T))


def shared_missing(n: int, d: int, T: int, rng: np.random.Generator) -> Design:
    """A third of the outputs not observed, weights on the others."""
    observed = rng.random((n, T)) < 0.7
    observed[:3] = True
    return SharedDesign(_features(n, d, rng), T, rng.uniform(0.2, 2.0, n), rng.uniform(0.5, 2.0, T), observed)


def shared_sparse(n: int, d: int, T: int, rng: np.random.Generator) -> Design:
    return SharedDesign(_sparse(n, d, rng), T, rng.uniform(0.2, 2.0, n), rng.uniform(0.5, 2.0, T))


def shared_sparse_missing(n: int, d: int, T: int, rng: np.random.Generator) -> Design:
    observed = rng.random((n, T)) < 0.7
    observed[:3] = True
    return SharedDesign(_sparse(n, d, rng).tocsc(), T, observed=observed)


def stacked_sparse(n: int, d: int, T: int, rng: np.random.Generator) -> Design:
    codes = rng.permutation(np.repeat(np.arange(T), n))
    return StackedDesign(_sparse(n * T, d, rng), codes, T, rng.uniform(0.2, 2.0, n * T), rng.uniform(0.5, 2.0, T))


def _sparse(n: int, d: int, rng: np.random.Generator) -> sp.csr_array:
    X = _features(n, d, rng)
    return sp.csr_array(np.where(rng.random((n, d)) < 0.5, X, 0.0))


def _features(n: int, d: int, rng: np.random.Generator) -> np.ndarray:
    """Features of different scale, not centred."""
    return rng.standard_normal((n, d)) * np.linspace(0.5, 1.5, d) + rng.uniform(-1.0, 1.0, d)


MakeDesign = Callable[[int, int, int, np.random.Generator], Design]

DESIGNS: dict[str, MakeDesign] = {
    "shared": shared,
    "shared-weighted": shared_weighted,
    "stacked": stacked,
    "stacked-unbalanced-weighted": stacked_unbalanced_weighted,
    "shared-missing": shared_missing,
    "shared-sparse": shared_sparse,
    "shared-sparse-missing": shared_sparse_missing,
    "stacked-sparse": stacked_sparse,
}

DESIGN_CLASSES: list[type[Design]] = [SharedDesign, StackedDesign]

# Problems -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shape:
    """Rows of a task, features, tasks."""

    n: int
    d: int
    T: int

    def __str__(self) -> str:
        return f"n{self.n}-d{self.d}-T{self.T}"


TALL = Shape(20, 4, N_TASKS)
WIDE = Shape(8, 12, N_TASKS)
ONE_TASK = Shape(15, 4, 1)
SHAPES = [TALL, WIDE, ONE_TASK]


def make_target(design: Design, loss: Loss, rng: np.random.Generator, noise: float = 1.0) -> np.ndarray:
    """A target for the loss: tasks that are a shared vector plus own deviations; both labels in every task."""
    d, T = design.n_features, design.n_tasks
    truth = (rng.standard_normal((d, 1)) + 0.5 * rng.standard_normal((d, T))) * (rng.random((d, 1)) < 0.6)
    scores = design.apply(truth) / np.sqrt(d)
    y = scores + noise * rng.standard_normal(scores.shape) + 0.5
    if isinstance(loss, Poisson):
        y = rng.poisson(np.exp(np.clip(0.5 * y, -3.0, 3.0))).astype(float)
    elif not isinstance(loss, OF_SIGNS):
        return y
    for t in range(T):
        _, own = design.task_rows(t, y)
        own = own.copy()
        if isinstance(loss, Poisson):
            own[:3] += 1.0  # no task has zeros only
        else:
            # The median of a task splits it. A few labels are turned, so that no task is separable by construction.
            own = np.where(own > np.median(own), 1.0, -1.0)
            own[:: max(len(own) // 3, 1)] *= -1.0
        if isinstance(design, StackedDesign):
            y[design.codes == t] = own
        else:
            y[:, t] = own
    return y


def make_problem(
    penalty: Penalty,
    loss: Loss | None = None,
    *,
    design: str = "shared",
    shape: Shape = TALL,
    fit_intercept: bool = True,
    seed: int = 0,
) -> Problem:
    """A random problem, reproducible from its seed."""
    loss = Squared() if loss is None else loss
    rng = np.random.default_rng(seed)
    made = DESIGNS[design](shape.n, shape.d, shape.T, rng)
    return Problem(made, make_target(made, loss, rng), loss, penalty, fit_intercept=fit_intercept)
