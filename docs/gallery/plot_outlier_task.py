"""
One outlier task
================

Tasks in a common low-dimensional subspace, and one that is not in it. The trace norm has to bend the subspace towards
the outlier; the robust model A = L + S (Chen, Zhou & Ye 2011) puts it into a column of S, and names it.
"""

# %%
import matplotlib.pyplot as plt
import numpy as np
from mtlinear.plotting import ParameterMatrixDisplay

from mtlinear import RobustRegressor, TraceNormRegressor

rng = np.random.default_rng(0)
d, T = 20, 12
A = rng.normal(size=(d, 2)) @ rng.normal(size=(2, T))
X = rng.normal(size=(60, d))
strengths = [0.0, 1.0, 2.0, 4.0, 8.0]
errors = {"trace norm": [], "robust": []}
for strength in strengths:
    truth = A.copy()
    truth[:, 5] = strength * rng.normal(size=d)
    Y = X @ truth + rng.normal(size=(60, T))
    models = {"trace norm": TraceNormRegressor(0.7), "robust": RobustRegressor(1.7, column_ratio=0.42)}
    others = np.arange(T) != 5
    for name, model in models.items():
        model.fit(X, Y)
        errors[name].append(np.linalg.norm((model.coef_.T - truth)[:, others]))

# %%
# The error of the *other* tasks: the outlier costs them nothing once it has a part of its own.
figure, axes = plt.subplots(figsize=(6, 3.4), layout="constrained")
for name, values in errors.items():
    axes.plot(strengths, values, "o-", label=name)
axes.set(xlabel="size of the outlier task", ylabel="error of the other tasks")
axes.legend()
plt.show()

# %%
# The parts of the last fit, and the tasks that S is needed for.
print(models["robust"].parameters_.outlier_tasks())
ParameterMatrixDisplay.from_estimator(models["robust"]).plot()
plt.show()
