"""
One outlier task
================

Tasks in a common two-dimensional subspace, and one that is not in it. What does the outlier do to a model that believes
in the subspace, and what does a model with room for outliers gain (robust: A = L + S, Chen, Zhou & Ye 2011)?
"""

# %%
# Twelve tasks; the sixth gets a vector of its own, larger and larger.
import matplotlib.pyplot as plt
import numpy as np

from mtlinear import RobustRegressor, TraceNormRegressor
from mtlinear.plotting import ParameterMatrixDisplay

rng = np.random.default_rng(0)
d, T, outlier = 20, 12, 5
A = rng.normal(size=(d, 2)) @ rng.normal(size=(2, T))
X, noise, own = rng.normal(size=(60, d)), rng.normal(size=(60, T)), rng.normal(size=d)
others = np.arange(T) != outlier
strengths = [0.0, 0.5, 1.0, 2.0, 4.0, 8.0]
errors, ranks = {"trace norm": [], "robust": []}, {"trace norm": [], "robust": []}
for strength in strengths:
    truth = A.copy()
    truth[:, outlier] = strength * own
    Y = X @ truth + noise
    models = {"trace norm": TraceNormRegressor(0.8), "robust": RobustRegressor(1.38, column_ratio=0.42)}
    for name, model in models.items():
        parameters = model.fit(X, Y).parameters_
        errors[name].append(np.linalg.norm((parameters.values - truth)[:, others]))
        ranks[name].append(parameters.rank(1e-6, part="L" if name == "robust" else None))

# %%
# Under the trace norm the outlier takes a direction of its own, which is then part of "what the tasks have in common",
# and the other tasks suffer a little. In the robust model L keeps its rank.
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
for name, style in {"trace norm": "o--", "robust": "s-"}.items():
    left.plot(strengths, errors[name], style, label=name)
    right.plot(strengths, ranks[name], style, label="A, trace norm" if name == "trace norm" else "L, robust")
left.set(xlabel="size of the outlier task", ylabel="error of the other tasks", ylim=(0.0, None))
right.set(xlabel="size of the outlier task", ylabel="rank", ylim=(0.0, None))
left.legend()
right.legend()
plt.show()

# %%
# And the robust model says who it is: one column of S is by far the longest. (A few others are not quite zero; a larger
# share for the columns would empty them, and in the end all.)
lengths = models["robust"].parameters_.column_norms(part="S")
print("lengths of the columns of S:", lengths.round(2))
ParameterMatrixDisplay.from_estimator(models["robust"])
plt.show()
