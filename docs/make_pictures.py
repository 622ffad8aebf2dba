"""Draw the pictures of the README: each structure's parameter matrix, fitted to data that follow its belief.

Run from the repository: ``python docs/make_pictures.py`` (needs matplotlib).
"""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from mtlinear import (
    BlockSparseRegressor,
    ClusteredRegressor,
    DirtyRegressor,
    MeanRegularizedRegressor,
    TraceNormRegressor,
)

N_ROWS, N_FEATURES, N_TASKS = 60, 16, 24
HERE = Path(__file__).parent / "pictures"


def truths(rng: np.random.Generator) -> dict[str, tuple[np.ndarray, object]]:
    """For every structure a parameter matrix that follows its belief, and the estimator that holds it."""
    rows = np.zeros((N_FEATURES, N_TASKS))
    rows[[2, 6, 11]] = rng.standard_normal((3, N_TASKS)) * 0.5 + rng.choice([-2, 2], (3, 1))
    private = np.where(rng.random((N_FEATURES, N_TASKS)) < 0.04, rng.choice([-2.5, 2.5], (N_FEATURES, N_TASKS)), 0.0)
    subspace = rng.standard_normal((N_FEATURES, 2)) @ rng.standard_normal((2, N_TASKS))
    mean = rng.standard_normal((N_FEATURES, 1)) * 1.5
    centers = rng.standard_normal((N_FEATURES, 3)) * 1.5
    members = np.repeat(np.arange(3), N_TASKS // 3)
    wiggle = 0.3 * rng.standard_normal((N_FEATURES, N_TASKS))
    return {
        "block_sparse": (rows, BlockSparseRegressor(alpha=0.5)),
        "dirty": (rows + private, DirtyRegressor(alpha=0.7)),
        "trace_norm": (subspace, TraceNormRegressor(alpha=1.0)),
        "mean_regularized": (mean + wiggle, MeanRegularizedRegressor(alpha=3.0)),
        "clustered": (centers[:, members] + wiggle, ClusteredRegressor(n_clusters=3, alpha=3.0, between_ratio=0.02)),
    }


def main() -> None:
    rng = np.random.default_rng(3)
    X = rng.standard_normal((N_ROWS, N_FEATURES))
    HERE.mkdir(exist_ok=True)
    for name, (truth, model) in truths(rng).items():
        Y = X @ truth + rng.standard_normal((N_ROWS, N_TASKS))
        A = model.fit(X, Y).parameters_.values
        figure, axes = plt.subplots(figsize=(2.4, 1.7), layout="constrained")
        axes.imshow(A, cmap="RdBu_r", vmin=-3, vmax=3, aspect="auto")
        axes.set(xticks=[], yticks=[], xlabel="tasks", ylabel="features")
        figure.savefig(HERE / f"{name}.png", dpi=100)
        plt.close(figure)


if __name__ == "__main__":
    main()
