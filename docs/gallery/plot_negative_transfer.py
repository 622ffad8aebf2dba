"""
Negative transfer, and how to see it
====================================

Sharing helps tasks that are alike and harms those that are not: *negative transfer*. The mean of all scores can rise
while some tasks lose, so look at every task.
"""

# %%
# Eight tasks near a common mean, and two with models of their own.
import matplotlib.pyplot as plt
import numpy as np

from mtlinear import ClusteredRegressor, MeanRegularizedRegressor, MultiTaskRegressor
from mtlinear.penalties import Ridge
from mtlinear.plotting import TransferDisplay

rng = np.random.default_rng(0)
d, T = 20, 10
A = rng.normal(size=(d, 1)) + 0.2 * rng.normal(size=(d, T))
A[:, 8:] = rng.normal(size=(d, 2))
tasks = np.repeat(np.arange(T), 230)
X = rng.normal(size=(len(tasks), d))
y = np.sum(X * A.T[tasks], axis=1) + 2.0 * rng.normal(size=len(tasks))
train = np.arange(len(tasks)) % 230 < 30  # 30 rows of each task, 200 to test

# %%
# A mean-regularized model pulls every task to the mean, strangers too.
single = MultiTaskRegressor(Ridge(0.3)).fit(X[train], y[train], tasks=tasks[train])
near = MeanRegularizedRegressor(1.0).fit(X[train], y[train], tasks=tasks[train])
display = TransferDisplay.from_estimators(near, single, X[~train], y[~train], tasks=tasks[~train])
display.ax_.set_title("everyone near the mean: tasks 8 and 9 lose")
plt.show()

# %%
# Clusters let the strangers go.
clustered = ClusteredRegressor(3, 2.0, between_ratio=0.02).fit(X[train], y[train], tasks=tasks[train])
display = TransferDisplay.from_estimators(clustered, single, X[~train], y[~train], tasks=tasks[~train])
display.ax_.set_title("clusters: what the others gain, without the loss")
plt.show()
