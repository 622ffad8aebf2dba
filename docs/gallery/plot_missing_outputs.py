"""
Missing outputs
===============

Twelve measurements of the same 80 plants, and seven of ten are missing. A model for each measurement has few rows;
models that share a subspace learn from all. NaN in a 2-D y means "not observed".
"""

# %%
import matplotlib.pyplot as plt
import numpy as np

from mtlinear import MultiTaskRegressor, TraceNormRegressor
from mtlinear.datasets import make_low_rank
from mtlinear.penalties import Ridge

X, Y = make_low_rank(n_samples=1080, n_features=20, n_tasks=12, noise=0.5, random_state=0)
X, Y, X_test, Y_test = X[:80], Y[:80], X[80:], Y[80:]
rng = np.random.default_rng(0)
shares, errors = [0.0, 0.2, 0.4, 0.6, 0.7], {"single-task ridge": [], "trace norm": []}
for share in shares:
    observed = np.where(rng.random(Y.shape) < share, np.nan, Y)
    for name, models in {
        "single-task ridge": [MultiTaskRegressor(Ridge(alpha)) for alpha in np.geomspace(1e-3, 10, 12)],
        "trace norm": [TraceNormRegressor(alpha) for alpha in np.geomspace(1e-3, 10, 12)],
    }.items():
        found = [np.mean((model.fit(X, observed).predict(X_test) - Y_test) ** 2) for model in models]
        errors[name].append(min(found))  # the best strength in hindsight, for both

# %%
# The more is missing, the more sharing is worth.
figure, axes = plt.subplots(figsize=(6, 3.4), layout="constrained")
for name, values in errors.items():
    axes.plot(shares, values, "o-", label=name)
axes.set(xlabel="share of outputs that are missing", ylabel="mean squared error on new rows")
axes.legend()
plt.show()
