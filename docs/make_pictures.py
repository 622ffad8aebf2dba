"""Draw the pictures of docs/structures.md and the README: parameter matrices, fitted to data that follow their belief.

Run from the repository: ``python docs/make_pictures.py`` (needs matplotlib), with names to draw only those, or
``--table`` for the table at the end of docs/structures.md. It prints how far each fit is from the truth (its strength
was chosen by hand), beside the best ridge of single tasks in hindsight.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from scipy.cluster.hierarchy import linkage

import mtlinear as mt
from mtlinear import penalties

N_ROWS, N_FEATURES, N_TASKS = 60, 16, 24
NOISE = 2.0
HERE = Path(__file__).parent / "pictures"
#: Diverging red to blue: told apart with every common kind of colour blindness; zero is white.
STYLE = {"cmap": "RdBu_r", "vmin": -3, "vmax": 3, "aspect": "auto", "interpolation": "nearest"}


def truths(rng: np.random.Generator) -> dict[str, tuple[np.ndarray, object]]:
    """For every structure a parameter matrix that follows its belief, and the estimator that holds it."""
    d, T = N_FEATURES, N_TASKS
    groups = np.repeat(np.arange(3), T // 3)

    def dots(share: float) -> np.ndarray:
        return np.where(rng.random((d, T)) < share, rng.choice([-2.5, 2.5], (d, T)), 0.0)

    rows = np.zeros((d, T))
    rows[[2, 6, 11]] = rng.standard_normal((3, T)) * 0.5 + rng.choice([-2, 2], (3, 1))
    low_rank = rng.standard_normal((d, 2)) @ rng.standard_normal((2, T))
    wiggle = 0.3 * rng.standard_normal((d, T))
    mean = np.tile(rng.standard_normal((d, 1)) * 1.5, T)
    clusters = (rng.standard_normal((d, 3)) * 1.5)[:, groups]
    outliers = np.zeros((d, T))
    outliers[:, [5, 16]] = 2.0 * rng.standard_normal((d, 2))
    used = rng.random(T) < 0.4
    branches = np.zeros((d, T))
    branches[[1, 8]] = 2.0
    for group, row in enumerate([4, 10, 13]):
        branches[row, groups == group] = rng.choice([-2.0, 2.0])
    time = np.arange(T) / T
    waves, steps = np.zeros((d, T)), np.zeros((d, T))
    for row in (1, 5, 9, 14):
        waves[row] = 2.5 * np.sin(2 * np.pi * (time + rng.random()))
        steps[row] = np.where(time < rng.uniform(0.2, 0.8), *rng.choice([-2.0, 0.0, 2.0], 2, replace=False))
    twins = np.zeros((d, T))
    twins[[2, 3, 10, 11]] = 1.2
    signs = np.outer(rng.standard_normal(d) * 1.5, rng.choice([-1.0, 1.0], T))
    tree = linkage((branches + 0.1 * wiggle).T, "ward")
    return {
        "lasso": (dots(0.15), mt.MultiTaskRegressor(penalties.L1(0.35))),
        "block_sparse": (rows, mt.BlockSparseRegressor(1.8)),
        "dirty": (rows + dots(0.04), mt.DirtyRegressor(4.2, l1_ratio=0.08)),
        "trace_norm": (low_rank, mt.TraceNormRegressor(1.0)),
        "mean_regularized": (mean + wiggle, mt.MeanRegularizedRegressor(3.0)),
        "clustered": (clusters + wiggle, mt.ClusteredRegressor(3, 3.0, between_ratio=0.02)),
        "sparse_group": (rows * (rng.random((d, T)) < 0.4), mt.SparseGroupRegressor(1.0, l1_ratio=0.4)),
        "reweighted": (rows, mt.ReweightedRegressor(penalties.L1Lq(1.8))),
        "elastic_net": (twins, mt.BlockSparseRegressor(1.0, l2_alpha=0.3)),
        "tree_guided": (branches, mt.TreeGuidedRegressor(tree, 0.8)),
        "graph_regularized": (waves, mt.GraphRegularizedRegressor(alpha=1.6, smooth_ratio=0.5, l1_ratio=0.0)),
        "fused": (steps, mt.FusedRegressor(alpha=0.8, fused_ratio=0.75)),
        "robust": (low_rank + outliers, mt.RobustRegressor(2.5, column_ratio=0.45)),
        "robust_features": (rows + outliers, mt.RobustFeaturesRegressor(3.2, column_ratio=0.43)),
        "sparse_low_rank": (low_rank + dots(0.04), mt.SparseLowRankRegressor(1.5, l1_ratio=0.25)),
        "column_sparse": (
            rng.standard_normal((d, T)) * 1.5 * used,
            mt.MultiTaskRegressor(penalties.ColumnSparse(1.2)),
        ),
        "infimal": (
            mean + dots(0.05),
            mt.MultiTaskRegressor(penalties.InfimalConvolution(penalties.MeanRegularized(6.0), penalties.L1(0.6))),
        ),
        "feature_learning": (low_rank, mt.FeatureLearningRegressor(0.03)),
        "task_relationship": (signs + wiggle, mt.TaskRelationshipRegressor(0.02)),
        "convex_aso": (low_rank + wiggle, mt.MultiTaskRegressor(penalties.ConvexASO(3.0, 2, 0.01))),
        "k_support": (low_rank, mt.MultiTaskRegressor(penalties.SpectralKSupport(0.03, 2))),
    }


def ridge_error(X: np.ndarray, Y: np.ndarray, truth: np.ndarray) -> float:
    """The least relative distance from the truth of any ridge with one strength for all tasks."""
    Xc, Yc = X - X.mean(axis=0), Y - Y.mean(axis=0)
    fits = (np.linalg.solve(Xc.T @ Xc + c * np.eye(X.shape[1]), Xc.T @ Yc) for c in np.geomspace(1e-2, 1e3, 40))
    return min(float(np.linalg.norm(A - truth)) for A in fits) / float(np.linalg.norm(truth))


def data(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features, targets and true parameters that follow the belief of this name."""
    rng = np.random.default_rng(3)
    X = rng.standard_normal((N_ROWS, N_FEATURES))
    truth, _ = truths(rng)[name]
    if name == "elastic_net":  # two pairs of features that measure the same
        X[:, [3, 11]] = X[:, [2, 10]] + 0.1 * rng.standard_normal((N_ROWS, 2))
    return X, X @ truth + NOISE * rng.standard_normal((N_ROWS, N_TASKS)), truth


def draw(name: str) -> None:
    X, Y, truth = data(name)
    A = truths(np.random.default_rng(3))[name][1].fit(X, Y).parameters_.values
    error = np.linalg.norm(A - truth) / np.linalg.norm(truth)
    print(f"{name:18} relative error {error:.3f}, best ridge {ridge_error(X, Y, truth):.3f}")
    figure, axes = plt.subplots(figsize=(2.4, 1.7), layout="constrained")
    axes.imshow(A, **STYLE)
    axes.set(xticks=[], yticks=[], xlabel="tasks", ylabel="features")
    figure.savefig(HERE / f"{name}.png", dpi=100)
    plt.close(figure)


def path_error(model: object, X: np.ndarray, Y: np.ndarray, truth: np.ndarray) -> float:
    """The least relative distance from the truth along the path of a model."""
    quadratic = ("Mean", "Clustered", "Feature", "TaskRel", "penalty=ConvexASO", "penalty=SpectralK")
    eps = 1e-5 if any(name in repr(model)[:45] for name in quadratic) else 1e-3
    path = mt.regularization_path(model.set_params(tol=1e-3), X, Y, alphas=16, eps=eps)
    return min(float(np.linalg.norm(A.values - truth)) for A in path.parameters) / float(np.linalg.norm(truth))


def table() -> None:
    """Every structure (a row) at its best strength on the data of every other (a column); some two minutes."""
    models = {name: model for name, (_, model) in truths(np.random.default_rng(3)).items() if name != "reweighted"}
    columns = [name for name in models if name not in ("infimal", "feature_learning", "k_support")]
    sets = [data(name) for name in columns]
    print("| |", " | ".join(name.replace("_", " ") for name in columns), "|")
    print("|---" * (len(columns) + 1) + "|")
    print("| ridge |", " | ".join(f"{ridge_error(*each):.2f}" for each in sets), "|")
    for name, model in models.items():
        errors = [path_error(model, *each) for each in sets]
        print(f"| {name.replace('_', ' ')} |", " | ".join(f"{error:.2f}" for error in errors), "|", flush=True)


def main() -> None:
    if "--table" in sys.argv:
        table()
        return
    HERE.mkdir(exist_ok=True)
    for name in sys.argv[1:] or truths(np.random.default_rng(3)):
        draw(name)


if __name__ == "__main__":
    main()
