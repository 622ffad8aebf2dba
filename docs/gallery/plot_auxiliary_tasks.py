"""
Auxiliary tasks
===============

One task matters and has 15 rows; others have many and matter only as far as they help. Shared features are found by the
auxiliary tasks, and the small one then estimates its parameters on these alone.
"""

# %%
import matplotlib.pyplot as plt
import numpy as np

from mtlinear import BlockSparseRegressor, MultiTaskRegressor
from mtlinear.penalties import L1

d, n_small, n_large, n_test = 40, 15, 100, 2000
alphas = np.geomspace(0.01, 1.0, 12)


def one_draw(n_auxiliary, seed):
    """Error of the small task, alone and beside others; the best strength in hindsight for both."""
    rng = np.random.default_rng(seed)  # the small task is the same, however many there are beside it
    X, y, A = [], [], []
    for t in range(1 + n_auxiliary):
        A.append(np.where(np.arange(d) < 4, rng.normal(size=d) + 1.0, 0.0))
        X.append(rng.normal(size=(n_large if t else n_small, d)))
        y.append(X[-1] @ A[-1] + rng.normal(size=len(X[-1])))
    tasks = np.repeat(np.arange(1 + n_auxiliary), [len(rows) for rows in X])
    X, y = np.vstack(X), np.concatenate(y)
    X_test = rng.normal(size=(n_test, d))

    def least_error(make):
        fits = [make(alpha).fit(X, y, tasks=tasks) for alpha in alphas]
        target = X_test @ A[0]
        return min(np.mean((model.predict(X_test, tasks=np.zeros(n_test, int)) - target) ** 2) for model in fits)

    return least_error(lambda alpha: MultiTaskRegressor(L1(alpha))), least_error(BlockSparseRegressor)


# %%
# The lasso alone does not see the others: its line is flat. The block-sparse model gains with every
# task.
counts = [1, 2, 4, 8, 16]
alone, together = np.array([np.mean([one_draw(count, seed) for seed in range(8)], axis=0) for count in counts]).T
figure, axes = plt.subplots(figsize=(6, 3.4), layout="constrained")
axes.plot(counts, alone, "o--", label="lasso, each task alone")
axes.plot(counts, together, "o-", label="block-sparse, all together")
axes.set(xlabel="auxiliary tasks", ylabel="error of the task that matters", xscale="log", xticks=counts)
axes.set_xticks(counts, [str(count) for count in counts])
axes.legend()
plt.show()
