"""
Sparsity, clusters or low rank?
===============================

Five kinds of data, each made to follow one belief about the tasks, and six models, each with one belief. All are
tuned in the same way, by cross-validation on the training rows. Every model should win at home; how much it loses
abroad says how costly a wrong belief is.

Here are two seeds, and one penalty for each belief; ``benchmarks/truth_by_model.py`` has twenty, with standard errors.
"""

# %%
# The data: 20 tasks with 25 rows each of 30 features, as much noise as signal.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import StratifiedKFold

from mtlinear import MultiTaskRegressorCV, datasets
from mtlinear.penalties import Clustered, Dirty, L1Lq, MeanRegularized, Ridge, TraceNorm

truths = {
    "shared features": datasets.make_shared_support,
    "shared + private": datasets.make_dirty,
    "low rank": datasets.make_low_rank,
    "near a mean": datasets.make_mean_related,
    "clusters": datasets.make_clustered,
}
models = {
    "single-task": Ridge(),
    "block-sparse": L1Lq(),
    "dirty": Dirty(q=2),
    "trace norm": TraceNorm(),
    "mean-regularized": MeanRegularized(),
    "clustered": Clustered(n_clusters=3, between_ratio=0.02),
}


def error(make, penalty, seed, n_train=25, n_test=100):
    """Error on fresh rows without noise, over the variance: 1 is no better than the mean."""
    X, y, tasks = make(
        n_samples=n_train + n_test, n_features=30, n_tasks=20, noise=0.0, shared_rows=False, random_state=seed
    )
    train = np.arange(len(y)) % (n_train + n_test) < n_train
    y = y / y.std()
    noisy = y[train] + np.random.default_rng(seed).normal(size=train.sum())
    folds = list(StratifiedKFold(4, shuffle=True, random_state=seed).split(X[train], tasks[train]))
    model = MultiTaskRegressorCV(penalty, alphas=12, eps=3e-3, cv=folds, tol=1e-3)
    model.fit(X[train], noisy, tasks=tasks[train])
    return np.mean((model.predict(X[~train], tasks=tasks[~train]) - y[~train]) ** 2) / np.var(y[~train])


errors = np.array(
    [
        [np.mean([error(make, penalty, seed) for seed in range(2)]) for penalty in models.values()]
        for make in truths.values()
    ]
)

# %%
# The picture: errors relative to the best model of each row. The diagonal, from the second column on, is home.
figure, axes = plt.subplots(figsize=(7.5, 3.8), layout="constrained")
axes.imshow(np.log(errors / errors.min(axis=1, keepdims=True)), cmap="Blues", vmax=np.log(3), aspect="auto")
axes.set_xticks(range(len(models)), list(models), rotation=20, ha="right")
axes.set_yticks(range(len(truths)), list(truths))
for i, j in np.ndindex(errors.shape):
    home = j == i + 1
    style = {"weight": "bold" if home else None, "color": "white" if errors[i, j] > 2 * errors[i].min() else "black"}
    axes.text(j, i, f"{errors[i, j]:.2f}", ha="center", va="center", **style)
axes.set_title("error on fresh rows (bold: the model whose belief is true)")
plt.show()
