"""The models that are compared, and their candidates: one belief about the tasks each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mtlinear._typing import Array
from mtlinear.compare._errors import UsageError
from mtlinear.path import alpha_grid
from mtlinear.penalties import (
    L1,
    Clustered,
    ConvexASO,
    Dirty,
    FeatureLearning,
    L1Lq,
    MeanRegularized,
    Penalty,
    Quadratic,
    Ridge,
    Robust,
    RobustFeatures,
    SparseGroup,
    SparseLowRank,
    TaskRelationship,
    TraceNorm,
)
from mtlinear.problem import Problem

#: Smallest alpha as a fraction of alpha_max, where a norm leaves nothing. Quadratic penalties have no such point: their
#: largest alpha is above most that is useful (see `mtlinear.path.alpha_max`), and the range is wider.
NORM_RATIO = 1e-3
QUADRATIC_RATIO = 1e-4
#: Strengths below this fraction of what the Cauchy-Schwarz inequality allows are rounding, not regularization: where
#: the gradient at A = 0 vanishes (a common model for one-vs-rest tasks), alpha_max would be 1e-17.
_SMALLEST = 1e-8


@dataclass(frozen=True)
class Variant:
    """A penalty without its strength: ``penalty`` has alpha = 1 and is scaled along the path."""

    label: str
    penalty: Penalty


@dataclass(frozen=True)
class Model:
    """One row of the table.

    Attributes
    ----------
    name : str
    belief : str
        What the model takes for granted about the tasks.
    variants : tuple of Variant
        They share the model's candidates evenly.
    pooled : bool
        One parameter vector for all tasks, and one intercept.
    own_intercepts : bool
        A pooled model with an intercept for each task.
    structure : bool
        A multi-task structure: neither unrelated tasks nor one model for all.
    """

    name: str
    belief: str
    variants: tuple[Variant, ...]
    pooled: bool = False
    own_intercepts: bool = False
    structure: bool = True


SINGLE, POOLED, POOLED_SLOPES = "single-task", "pooled", "pooled slopes"

#: Weight of the mean, relative to alpha, where it cannot be left free: with labels that a common hyperplane separates,
#: a logistic loss without penalty has no minimum.
_NEARLY_FREE = 0.01


#: Structures that are compared unless others are named, and all that need nothing but data (no tree, no graph).
DEFAULT_STRUCTURES = ("block-sparse", "dirty", "trace-norm", "mean-regularized", "clustered")
STRUCTURES = (
    *DEFAULT_STRUCTURES,
    "sparse-group",
    "robust",
    "robust-features",
    "sparse-low-rank",
    "feature-learning",
    "task-relationship",
    "convex-aso",
)


def make_models(
    n_tasks: int,
    *,
    classification: bool = False,
    structures: Sequence[str] = DEFAULT_STRUCTURES,
    pooled_slopes: bool = False,
) -> tuple[Model, ...]:
    """Single-task models (the reference), one pooled model, and the structures in the order they are named.

    ``pooled_slopes``: also a pooled model with an intercept for each task.
    """
    alone = (Variant("ridge", Ridge()), Variant("L1", L1()))
    references = [
        Model(SINGLE, "the tasks have nothing in common", alone, structure=False),
        Model(POOLED, "all tasks are one and the same", alone, pooled=True, structure=False),
    ]
    if pooled_slopes:
        belief = "the tasks differ in their intercepts only"
        references.append(Model(POOLED_SLOPES, belief, alone, pooled=True, own_intercepts=True, structure=False))
    known = _structures(n_tasks, _NEARLY_FREE if classification else 0.0)
    return (*references, *(known[name] for name in dict.fromkeys(structures)))


def _structures(n_tasks: int, mean: float) -> dict[str, Model]:
    """Every structure by its name on the command line; ``mean`` is the weight of the mean relative to alpha."""
    # As many clusters as tasks, or nearly, is no structure; two tasks still get their two.
    clusters = [k for k in (2, 4) if k < n_tasks] or [2]
    free_mean = Variant(f"mean_alpha={mean:g} alpha" if mean else "free mean", MeanRegularized(1.0, mean_alpha=mean))
    models = (
        Model(
            "block-sparse",
            "few features matter, the same ones for all tasks",
            (Variant("q=2", L1Lq(q=2)), Variant("q=inf", L1Lq(q=np.inf))),
        ),
        Model(
            "dirty",
            "some features are shared by all tasks, others private to one",
            (Variant("q=2", Dirty(q=2)), Variant("q=inf", Dirty(q=np.inf))),
        ),
        Model("trace norm", "the parameters lie in a low-dimensional subspace", (Variant("", TraceNorm()),)),
        Model(
            "mean-regularized",
            "all tasks are near their mean",
            (free_mean, Variant("mean_alpha=0.1 alpha", MeanRegularized(1.0, mean_alpha=0.1))),
        ),
        Model(
            "clustered",
            "the tasks fall into clusters",
            tuple(Variant(f"{k} clusters", Clustered(n_clusters=k, mean_ratio=mean)) for k in clusters),
        ),
        Model("sparse group", "few features matter, each for some of the tasks", (Variant("", SparseGroup()),)),
        Model("robust", "most tasks share a subspace, some are outliers", (Variant("", Robust()),)),
        Model("robust features", "most tasks share features, some are outliers", (Variant("", RobustFeatures()),)),
        Model("sparse low rank", "a common subspace, and single parameters beside it", (Variant("", SparseLowRank()),)),
        Model("feature learning", "few learned features (squared trace norm)", (Variant("", FeatureLearning()),)),
        Model("task relationship", "relations between tasks, also negative ones", (Variant("", TaskRelationship()),)),
        Model(
            "convex ASO",
            "a shared subspace, and something small outside it",
            tuple(Variant(f"{k} dimensions", ConvexASO(n_components=k)) for k in clusters),
        ),
    )
    return dict(zip(STRUCTURES, models, strict=True))


def check_candidates(models: tuple[Model, ...], candidates: int) -> None:
    """Raise unless every variant of every model gets at least one candidate."""
    most = max(len(model.variants) for model in models)
    if candidates < most:
        raise UsageError(f"--candidates must be at least {most}, one for every variant of a model, got {candidates}.")


def candidate_counts(model: Model, candidates: int) -> list[int]:
    """Number of alphas of every variant; they add up to ``candidates``."""
    share, rest = divmod(candidates, len(model.variants))
    return [share + (k < rest) for k in range(len(model.variants))]


def candidate_alphas(problem: Problem, count: int) -> Array:
    """``count`` strengths for the penalty of the problem, evenly spaced on a log scale, from alpha_max down.

    For a norm alpha_max itself is left out: it gives A = 0, and would waste a candidate.
    """
    if isinstance(problem.penalty, Quadratic):
        alphas = alpha_grid(problem, count, eps=QUADRATIC_RATIO)
    else:
        alphas = alpha_grid(problem, count + 1, eps=NORM_RATIO)[1:]
    return np.maximum(alphas, _SMALLEST * np.sqrt(problem.data.norm_bound * problem.null_objective))
