"""
Tuning: GridSearchCV and the CV classes
=======================================

Both give the same model. `MultiTaskRegressorCV` runs alpha along a warm-started path, shares Gram matrices between
the folds, and is faster; `GridSearchCV` works with every estimator, pipeline and parameter.
"""

# %%
import time

import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import GridSearchCV, KFold

from mtlinear import MultiTaskRegressor, MultiTaskRegressorCV
from mtlinear.datasets import make_clustered
from mtlinear.penalties import Clustered

X, Y = make_clustered(n_samples=200, n_features=40, n_tasks=15, noise=2.0, random_state=0)
folds = KFold(5)

started = time.perf_counter()
path = MultiTaskRegressorCV(alphas=30, param_grid={"penalty": [Clustered(2), Clustered(3), Clustered(4)]}, cv=folds)
path.fit(X, Y)
print(f"MultiTaskRegressorCV: {time.perf_counter() - started:.1f} s, {path.penalty_}, error {-path.best_score_:.4f}")

# %%
# The same grid, one fit after the other.
started = time.perf_counter()
grid = {"penalty__n_clusters": [2, 3, 4], "penalty__alpha": np.unique(path.alphas_)}
search = GridSearchCV(MultiTaskRegressor(Clustered()), grid, cv=folds, scoring="neg_mean_squared_error").fit(X, Y)
print(f"GridSearchCV: {time.perf_counter() - started:.1f} s, {search.best_params_}, error {-search.best_score_:.4f}")

# %%
# The error along alpha, for every number of clusters.
figure, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
for k, penalty in enumerate(path.param_grid["penalty"]):
    axes.semilogx(path.alphas_[k], path.mse_path_[k].mean(axis=-1), label=f"{penalty.n_clusters} clusters")
axes.axvline(path.alpha_, color="grey", linestyle=":")
axes.set(xlabel="alpha", ylabel="mean squared error on the left-out folds")
axes.legend()
plt.show()
