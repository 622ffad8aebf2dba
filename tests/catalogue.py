"""Every penalty, loss, design and solver of the package, so that each contract test runs over all of them.

What is missing here fails `test_nothing_is_missing` (tests/test_catalogue.py); what is listed gets every contract test.
"""

from __future__ import annotations

import re

import numpy as np
import pytest
from sklearn.base import clone

from mtlinear.losses import Huber, Logistic, Loss, Poisson, Squared, SquaredHinge
from mtlinear.penalties import (
    L1,
    Clustered,
    ColumnSparse,
    ConvexASO,
    Dirty,
    FeatureLearning,
    GraphFused,
    GraphLaplacian,
    GraphRegularized,
    InfimalConvolution,
    L1Lq,
    MeanRegularized,
    Norm,
    Penalty,
    Ridge,
    Robust,
    RobustFeatures,
    SparseGroup,
    SparseLowRank,
    SpectralBox,
    SpectralKSupport,
    SquaredNorm,
    Sum,
    TaskRelationship,
    TraceNorm,
    TreeGuided,
    Weighted,
    chain_graph,
)
from mtlinear.penalties._composite import Composite
from mtlinear.penalties._graph import check_graph
from mtlinear.reference import Expression, penalty_expression
from mtlinear.solvers import FISTA, ClosedForm, CoordinateDescent, InTurn, ProximalNewton, Solver, Splitting, WorkingSet

#: The number of tasks in the catalogue's data; Clustered has 1, 2 and N_TASKS clusters.
N_TASKS = 3

# Graphs of any number of tasks ----------------------------------------------------------------------------------------


def signed_graph(n_tasks: int) -> np.ndarray:
    """All tasks joined, with different weights and signs that contradict each other (from three tasks on)."""
    s, t = np.indices((n_tasks, n_tasks))
    return np.where((s + t) % 3 == 2, -0.5, 1.0) / (1.0 + np.abs(s - t)) * (s != t)


def pair_graph(n_tasks: int) -> np.ndarray:
    """The first two tasks are joined, the others alone."""
    graph = np.zeros((n_tasks, n_tasks))
    graph[:2, :2] = 2.0 * (1.0 - np.eye(2))[:n_tasks, :n_tasks]
    return graph


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

# Columns and decompositions
NORMS += [
    ColumnSparse(alpha=0.15),
    ColumnSparse(alpha=0.1, q=1),
    ColumnSparse(alpha=0.2, q=1.5),
    ColumnSparse(alpha=0.2, q=np.inf),
    Robust(alpha=0.3),
    Robust(alpha=0.3, column_ratio=0.4),
    RobustFeatures(alpha=0.3),
    RobustFeatures(alpha=0.3, column_ratio=0.5),
    SparseLowRank(alpha=0.25),
    SparseLowRank(alpha=0.25, l1_ratio=0.4),
    InfimalConvolution(TraceNorm(alpha=0.2), ColumnSparse(alpha=0.15), L1(alpha=0.1)),
    InfimalConvolution(L1Lq(alpha=0.2, q=np.inf), ColumnSparse(alpha=0.2), L1(alpha=0.12)),
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
    GraphLaplacian(chain_graph, alpha=0.2),
    GraphLaplacian(signed_graph, alpha=0.2),
    Sum(Ridge(alpha=0.1), GraphLaplacian(chain_graph, alpha=0.3)),
    Sum(MeanRegularized(alpha=0.02), GraphLaplacian(pair_graph, alpha=0.1)),
    Sum(Clustered(n_clusters=2, alpha=0.2, mean_ratio=0.0), GraphLaplacian(pair_graph, alpha=0.3)),
]

# Squared norms and box norms
QUADRATICS += [
    SquaredNorm(TraceNorm(alpha=1.5), alpha=0.1),
    SquaredNorm(L1Lq(alpha=1.0, q=2), alpha=0.1),
    SquaredNorm(L1Lq(alpha=1.0, q=np.inf), alpha=0.1),
    SquaredNorm(ColumnSparse(alpha=1.2, q=3), alpha=0.1),
    SquaredNorm(L1(alpha=0.7), alpha=0.1),
    FeatureLearning(alpha=0.15),
    FeatureLearning(alpha=0.15, diagonal=True),
    TaskRelationship(alpha=0.1),
    TaskRelationship(alpha=0.1, ridge_ratio=0.0),
    TaskRelationship(alpha=0.05, ridge_ratio=2.0),
    SpectralKSupport(alpha=0.1, k=1),
    SpectralKSupport(alpha=0.2, k=2),
    SpectralKSupport(alpha=0.2, k=1.4),
    SpectralKSupport(alpha=0.2, k=3),
    SpectralBox(alpha=0.1, k=1),
    SpectralBox(alpha=0.2, k=1.6, lower=0.2, upper=2.0),
    SpectralBox(alpha=0.2, k=2, lower=0.0, upper=0.5),
    SpectralBox(alpha=0.2, k=2, lower=0.5, upper=0.5),
    ConvexASO(alpha=0.2, n_components=1),
    ConvexASO(alpha=0.2, n_components=2, shared_ratio=0.3),
]

#: Neither homogeneous of degree 1 nor of degree 2.
MIXTURES: list[Penalty] = [
    InfimalConvolution(Ridge(alpha=0.5), L1(alpha=0.1)),
    InfimalConvolution(MeanRegularized(alpha=0.3), TraceNorm(alpha=0.15)),
    Sum(L1(alpha=0.08), Ridge(alpha=0.1)),
    Sum(GraphLaplacian(chain_graph, alpha=0.3), L1(alpha=0.08)),
    Sum(Ridge(alpha=0.1), GraphLaplacian(chain_graph, alpha=0.3), L1Lq(alpha=0.1, q=2)),
    Sum(TraceNorm(alpha=0.1), GraphLaplacian(signed_graph, alpha=0.2)),
    GraphRegularized(alpha=0.2),
    GraphRegularized(pair_graph, alpha=0.2, smooth_ratio=0.7, l1_ratio=0.0),
    Sum(Dirty(alpha=0.25), Ridge(alpha=0.1)),
    InfimalConvolution(Sum(L1(alpha=0.1), Ridge(alpha=0.2)), TraceNorm(alpha=0.2)),
]

# Sums over the rows that know features or tasks apart: their graphs and trees are functions of the number of tasks, and
# their weights stretch, so that they fit every problem of the tests.


class StretchedWeights(Weighted):
    """Weights of any shape, repeated for as many rows (and tasks) as there are."""

    def check(self, n_features: int, n_tasks: int) -> None:
        self._stretched(n_features, n_tasks).check(n_features, n_tasks)

    def restrict(self, rows: np.ndarray) -> Penalty:
        weights = np.asarray(self.weights)
        return type(self)(self.penalty, weights[np.asarray(rows) % len(weights)])

    def _stretched(self, n_features: int, n_tasks: int) -> Weighted:
        weights = self._weights(np.empty((n_features, n_tasks)))
        return Weighted(self.penalty, weights[:, 0] if np.ndim(self.weights) == 1 else weights)

    def _weights(self, A: np.ndarray) -> np.ndarray:
        weights = np.asarray(self.weights, A.dtype)
        rows = np.arange(len(A)) % len(weights)
        if weights.ndim == 1:
            return weights[rows, None]
        return weights[rows[:, None], np.arange(A.shape[1]) % weights.shape[1]]


@penalty_expression.register
def _stretched_weights(penalty: StretchedWeights, A: object) -> Expression:
    return penalty_expression(penalty._stretched(*A.shape), A)


def nested_pairs(n_tasks: int) -> list:
    """Every task alone, the first two, and all."""
    everyone = list(range(n_tasks))
    return [([t], 0.5 + 0.2 * t) for t in everyone] + [(everyone[:2], 0.4), (everyone, 0.6)]


def forest(n_tasks: int) -> list:
    """The last task apart from the others; no leaves."""
    everyone = list(range(n_tasks))
    return [(everyone[:-1], 1.0), (everyone[-1:], 0.7)] if n_tasks > 1 else [(everyone, 1.0)]


def signed_ring(n_tasks: int) -> np.ndarray:
    """A cycle through all tasks with one negative edge: no direction of it is free."""
    graph = np.zeros((n_tasks, n_tasks))
    for t in range(n_tasks if n_tasks > 2 else n_tasks - 1):
        graph[t, (t + 1) % n_tasks] = graph[(t + 1) % n_tasks, t] = -0.8 if t == 1 else 1.0 + 0.3 * t
    return graph


def ring(n_tasks: int) -> np.ndarray:
    """A cycle through all tasks."""
    return np.abs(signed_ring(n_tasks))


WEIGHTS = [1.0, 0.4, 2.0, 1.3, 0.7]

NORMS += [
    SparseGroup(alpha=0.15),
    SparseGroup(alpha=0.15, l1_ratio=0.0),
    SparseGroup(alpha=0.1, l1_ratio=1.0),
    SparseGroup(alpha=0.15, l1_ratio=0.7, q=1.5),
    SparseGroup(alpha=0.2, l1_ratio=0.3, q=np.inf),
    StretchedWeights(L1(alpha=0.08), WEIGHTS),
    StretchedWeights(L1(alpha=0.08), [[1.0, 0.5, 2.0], [0.3, 1.0, 1.5]]),
    StretchedWeights(L1Lq(alpha=0.12), WEIGHTS),
    StretchedWeights(SparseGroup(alpha=0.15), WEIGHTS),
    InfimalConvolution(StretchedWeights(L1Lq(alpha=0.2, q=np.inf), WEIGHTS), L1(alpha=0.15)),
    TreeGuided(nested_pairs, alpha=0.1),
    TreeGuided(forest, alpha=0.12),
    GraphFused(alpha=0.15),
    GraphFused(alpha=0.15, l1_ratio=0.4),
    GraphFused(ring, alpha=0.15, fused_ratio=0.7, l1_ratio=0.0),
    GraphFused(signed_ring, alpha=0.15, fused_ratio=0.4),
]

#: Norms but for what they leave free.
SEMINORMS: list[Penalty] = [GraphFused(alpha=0.1, fused_ratio=1.0), GraphFused(ring, alpha=0.1, fused_ratio=1.0)]

PENALTIES: list[Penalty] = NORMS + SEMINORMS + QUADRATICS + MIXTURES


def _kind(penalty: Penalty) -> tuple:
    """Its class and those inside, and whether it leaves something free."""
    inner = [*getattr(penalty, "penalties", []), *([penalty.penalty] if hasattr(penalty, "penalty") else [])]
    return type(penalty), *map(_kind, inner), penalty.null_space(N_TASKS).shape[1] > 0


#: One of each: for what does not depend on the values of parameters.
OF_EACH_KIND: list[Penalty] = list({_kind(penalty): penalty for penalty in reversed(PENALTIES)}.values())[::-1]

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


def name_of(thing: object) -> str:
    """Short test identifier: the repr without spaces, functions by their names."""
    return re.sub(r"\s", "", re.sub(r"<function (\w+) at 0x[0-9a-f]+>", r"\1", repr(thing)))


def tells_tasks_apart(penalty: object) -> bool:
    """Whether tasks in another order are another problem."""
    inner = [*getattr(penalty, "penalties", []), *([penalty.penalty] if hasattr(penalty, "penalty") else [])]
    own = hasattr(penalty, "graph") or hasattr(penalty, "tree") or np.ndim(getattr(penalty, "weights", 0)) == 2
    return own or any(tells_tasks_apart(part) for part in inner)


def tells_features_apart(penalty: object) -> bool:
    """Whether features in another order are another problem."""
    return hasattr(penalty, "weights") or any(tells_features_apart(part) for part in getattr(penalty, "penalties", []))


def each(things: list[object] | list[Penalty] | list[Loss] | list[Solver], argument: str) -> pytest.MarkDecorator:
    """Parametrise a test over a list of the catalogue, with readable names."""
    return pytest.mark.parametrize(argument, things, ids=name_of)


def mixed(times: int | None = None, **lists: list) -> pytest.MarkDecorator:
    """Parametrise a test over the first list, each entry with every entry of the others, but not with all combinations.

    As many combinations for each as the longest of the other lists has entries (or `times`, which may leave pairs out);
    the others turn beside it, at another offset for each entry of the first, so that any two entries of any two lists
    meet somewhere. The full product of penalties, losses, layouts and shapes is thirteen thousand problems.
    """
    first, *others = lists.values()
    count = times or max(len(other) for other in others)
    cases = []
    for i, thing in enumerate(first):
        combinations = [
            tuple(other[(k + i * (j + 1)) % len(other)] for j, other in enumerate(others)) for k in range(count)
        ]
        cases += [
            pytest.param(thing, *rest, id="-".join(name_of(part) for part in (thing, *rest)))
            for k, rest in enumerate(combinations)
            if all(rest is not other and rest != other for other in combinations[:k])
        ]
    return pytest.mark.parametrize(",".join(lists), cases)


def is_norm(penalty: Penalty) -> bool:
    """Homogeneous of degree one: a Norm, or a sum of parts that all are."""
    return all(isinstance(part, Norm) for _, part in penalty.parts(N_TASKS))


def iterates(penalty: Penalty) -> bool:
    """Whether value and prox of the penalty itself take an inner iteration: sums of parts, sums with a graph."""
    rest, quadratic = penalty.smooth_part(N_TASKS)
    coupled = quadratic is not None and not quadratic.is_multiple
    return coupled or any(len(part.parts(N_TASKS)) > 1 for part in (penalty, rest))


def with_tasks_in_order(penalty: Penalty, columns: np.ndarray) -> Penalty:
    """The penalty for matrices A[:, columns]: only those that name tasks are another."""
    if isinstance(penalty, Composite):
        return type(penalty)(*(with_tasks_in_order(part, columns) for part in penalty.penalties))
    if hasattr(penalty, "graph"):
        graph = check_graph(penalty.graph, len(columns))[np.ix_(columns, columns)]
        return clone(penalty).set_params(graph=graph)
    return penalty
