"""Every penalty, loss, design and solver of the package, so that each contract test runs over all of them.

What is missing here fails `test_nothing_is_missing` (tests/test_catalogue.py); what is listed gets every contract test.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import scipy.sparse as sp

from mtlinear.designs import Design, SharedDesign, StackedDesign
from mtlinear.losses import Huber, Logistic, Loss, Poisson, Squared, SquaredHinge
from mtlinear.penalties import (
    L1,
    Clustered,
    Dirty,
    InfimalConvolution,
    L1Lq,
    MeanRegularized,
    Norm,
    Penalty,
    Ridge,
    TraceNorm,
)
from mtlinear.problem import Problem
from mtlinear.solvers import FISTA, ClosedForm, CoordinateDescent, InTurn, ProximalNewton, Solver, Splitting, WorkingSet

# Penalties: norms (positively homogeneous) and others. The strengths suit data with features and targets of size one.

NORMS: list[Penalty] = [
    L1(alpha=0.08),
    L1Lq(alpha=0.1, q=1),
    L1Lq(alpha=0.1, q=1.3),
    L1Lq(alpha=0.12, q=2),
    L1Lq(alpha=0.15, q=3.5),
    L1Lq(alpha=0.2, q=np.inf),
    TraceNorm(alpha=0.1),
    Dirty(alpha=0.25),
    Dirty(alpha=0.25, l1_ratio=0.4),
    Dirty(alpha=0.25, q=2),
    Dirty(alpha=0.25, l1_ratio=0.45, q=2),
    InfimalConvolution(TraceNorm(alpha=0.2), L1(alpha=0.1)),
    InfimalConvolution(TraceNorm(alpha=0.25), L1(alpha=0.12), L1Lq(alpha=0.15, q=2)),
]

QUADRATICS: list[Penalty] = [
    Ridge(alpha=0.1),
    MeanRegularized(alpha=0.2),
    MeanRegularized(alpha=0.2, mean_alpha=0.05),
    Clustered(n_clusters=1, alpha=0.2, mean_ratio=0.0),
    Clustered(n_clusters=1, alpha=0.2, mean_ratio=0.3),
    Clustered(n_clusters=1, alpha=0.2, mean_ratio=None),
    Clustered(n_clusters=2, alpha=0.2, mean_ratio=0.0),
    Clustered(n_clusters=2, alpha=0.2, mean_ratio=0.3),
    Clustered(n_clusters=2, alpha=0.2, between_ratio=0.5, mean_ratio=None),
    Clustered(n_clusters=3, alpha=0.2, between_ratio=0.3, mean_ratio=0.0),
    Clustered(n_clusters=3, alpha=0.2, between_ratio=1.0, mean_ratio=0.3),
    Clustered(n_clusters=3, alpha=0.2, mean_ratio=None),
]

#: Neither homogeneous of degree 1 nor of degree 2.
MIXTURES: list[Penalty] = [
    InfimalConvolution(Ridge(alpha=0.5), L1(alpha=0.1)),
    InfimalConvolution(MeanRegularized(alpha=0.3), TraceNorm(alpha=0.15)),
]

PENALTIES: list[Penalty] = NORMS + QUADRATICS + MIXTURES

LOSSES: list[Loss] = [Squared(), Logistic(), SquaredHinge(), Huber(), Huber(delta=0.3), Poisson()]

#: Losses of two labels, -1 and +1; and those that free parameters can bring to zero at infinity only.
OF_SIGNS = (Logistic, SquaredHinge)
WITHOUT_ZERO = (Logistic, Poisson)

SOLVERS: list[Solver] = [
    FISTA(),
    FISTA(check_every=3),
    Splitting(),
    Splitting(check_every=3),
    ClosedForm(),
    CoordinateDescent(),
    CoordinateDescent(check_every=3),
    InTurn(FISTA(), Splitting(), after=5),
    ProximalNewton(),
    WorkingSet(),
    WorkingSet(FISTA(check_every=2), least=1),
    WorkingSet(CoordinateDescent(), least=1),
    WorkingSet(ProximalNewton(), least=1),
]

#: The number of tasks in the catalogue's data; Clustered has 1, 2 and N_TASKS clusters.
N_TASKS = 3


def name_of(thing: object) -> str:
    """Short test identifier: the repr without spaces."""
    return repr(thing).replace(" ", "")


def each(things: list[object] | list[Penalty] | list[Loss] | list[Solver], argument: str) -> pytest.MarkDecorator:
    """Parametrise a test over a list of the catalogue, with readable names."""
    return pytest.mark.parametrize(argument, things, ids=name_of)


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


def is_norm(penalty: Penalty) -> bool:
    """Homogeneous of degree one: a Norm, or a sum of parts that all are."""
    return all(isinstance(part, Norm) for _, part in penalty.parts(N_TASKS))
