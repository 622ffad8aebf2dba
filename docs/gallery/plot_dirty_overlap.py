"""
The dirty model between lasso and block-sparse
==============================================

Tasks share a part of their features: none (overlap 0), or all (overlap 1). The lasso knows nothing of sharing; the
block-sparse model insists on it; the dirty model A = B + S has a part for each and lets the data decide (Jalali,
Ravikumar, Sanghavi & Ruan 2010).
"""

# %%
# Ten tasks with six features each, of 60. For every overlap and model the best strength in hindsight, so that the
# difference is the structure and not the tuning.
import matplotlib.pyplot as plt
import numpy as np

from mtlinear import MultiTaskRegressor, regularization_path
from mtlinear.datasets import make_dirty
from mtlinear.penalties import L1, Dirty, L1Lq

overlaps = np.linspace(0.0, 1.0, 6)
models = {
    "lasso": [L1()],
    "block-sparse": [L1Lq()],
    "dirty": [Dirty(q=2, l1_ratio=share) for share in (0.26, 0.35)],  # near the lasso, and between both
}


def best_error(penalties, X, Y, truth):
    """Smallest distance from the true parameters along the paths, over their length."""
    return min(path_error(penalty, X, Y, truth) for penalty in penalties)


def path_error(penalty, X, Y, truth):
    path = regularization_path(MultiTaskRegressor(penalty, tol=1e-4), X, Y, alphas=20, eps=0.02)
    return min(np.linalg.norm(A.values - truth) for A in path.parameters) / np.linalg.norm(truth)


errors = {name: [] for name in models}
for overlap in overlaps:
    draws = [
        make_dirty(
            n_samples=40,
            n_features=60,
            n_tasks=10,
            n_informative=6,
            overlap=overlap,
            noise=1.0,
            return_parameters=True,
            random_state=seed,
        )
        for seed in range(5)
    ]
    for name, penalties in models.items():
        errors[name].append(np.mean([best_error(penalties, X, Y, A.values) for X, Y, A in draws]))

# %%
# At the ends the dirty model is about as good as the better of the two, in the middle better than both.
figure, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
for (name, values), style in zip(errors.items(), ["o--", "s--", "D-"], strict=True):
    axes.plot(overlaps, values, style, label=name)
axes.set(xlabel="overlap of the tasks' features", ylabel="error of A, relative")
axes.legend()
plt.show()
