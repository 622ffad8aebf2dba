"""
The unit balls of the penalties
===============================

What a penalty does to rows (features) and columns (tasks) of A can be seen in its level sets: corners are where
solutions like to be. Two entries of a 2 x 2 matrix vary, the others are zero. They may belong to one feature and two
tasks (a row), to one task and two features (a column), or to neither (the diagonal).
"""

# %%
# A corner on an axis means that one of the two entries is zero. The lasso has them everywhere: it knows no rows and no
# columns. L1/L2 and L1/L∞ have none on the axes within a row, which is used by all tasks or by none; those of L1/L∞ are
# where both tasks are of the same size. The trace norm treats rows and columns alike: one row or one column has rank
# one, the diagonal has rank two. The mean-regularized penalty has no corner at all, and leaves tasks that are equal
# free.
import matplotlib.pyplot as plt
import numpy as np

from mtlinear.penalties import L1, L1Lq, MeanRegularized, TraceNorm

penalties = {
    "L1": L1(),
    "L1/L2": L1Lq(q=2),
    "L1/L∞": L1Lq(q=np.inf),
    "trace norm": TraceNorm(),
    "mean-regularized": MeanRegularized(),
}
places = {
    "one feature,\ntwo tasks": ((0, 0), (0, 1)),
    "one task,\ntwo features": ((0, 0), (1, 0)),
    "two features,\ntwo tasks": ((0, 0), (1, 1)),
}
axis = np.linspace(-2.0, 2.0, 81)

figure, rows = plt.subplots(len(places), len(penalties), figsize=(9, 5.6), layout="constrained")
for row, (place, (first, second)) in zip(rows, places.items(), strict=True):
    for axes, penalty in zip(row, penalties.values(), strict=True):
        values = np.zeros((len(axis), len(axis)))
        for i, y in enumerate(axis):
            for k, x in enumerate(axis):
                A = np.zeros((2, 2))
                A[first], A[second] = x, y
                values[i, k] = penalty.value(A)
        unit = penalty.value(np.array([[1.0, 0.0], [0.0, 0.0]]))  # the level of a single entry 1
        axes.contourf(axis, axis, values, levels=[0.0, unit], colors=["#9ecae1"])
        axes.contour(axis, axis, values, levels=np.array([0.5, 1.0, 1.5]) * unit, colors="#08519c", linewidths=0.8)
        axes.axhline(0.0, color="grey", linewidth=0.5)
        axes.axvline(0.0, color="grey", linewidth=0.5)
        axes.set(aspect="equal", xticks=[], yticks=[])
    row[0].set_ylabel(place)
for axes, name in zip(rows[0], penalties, strict=True):
    axes.set_title(name)
plt.show()

# %%
# The same in action: a matrix with a strong row and a strong column, and what the prox of each penalty makes of it. The
# lasso takes off small entries, L1/Lq small rows, the trace norm small directions, and the mean-regularized penalty
# differences between the tasks.
rng = np.random.default_rng(0)
V = 0.4 * rng.normal(size=(8, 10))
V[2] += 1.5 + 0.5 * rng.normal(size=10)
V[:, 6] += 0.8 * rng.normal(size=8)
steps = {"L1": 0.5, "L1/L2": 1.5, "L1/L∞": 4.0, "trace norm": 1.5, "mean-regularized": 3.0}

figure, panels = plt.subplots(2, 3, figsize=(9, 5), layout="constrained")
shown = {"before": V, **{name: penalties[name].prox(V, step) for name, step in steps.items()}}
for axes, (name, A) in zip(panels.flat, shown.items(), strict=True):
    image = axes.imshow(A, cmap="RdBu_r", vmin=-2.5, vmax=2.5)
    axes.set(xticks=[], yticks=[], xlabel="tasks", ylabel="features")
    axes.set_title(f"{name}: {np.count_nonzero(np.any(A, axis=1))} rows, rank {np.linalg.matrix_rank(A)}", fontsize=9)
figure.colorbar(image, ax=panels, shrink=0.6)
plt.show()
