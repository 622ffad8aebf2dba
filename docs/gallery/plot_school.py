"""
School
======

139 schools, the examination score of 15,362 students: the benchmark of multi-task learning since Bakker & Heskes
(2003). Each school is a task. `docs/school.md` has the protocol of the literature with every definition of its score;
here, one split.

The file is not part of this package; without it (and without a network) this page shows synthetic schools of the same
sizes.
"""

# %%
import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from mtlinear import ClusteredRegressor, MeanRegularizedRegressor, MultiTaskRegressor
from mtlinear.datasets import fetch_school, make_mean_related
from mtlinear.penalties import Ridge
from mtlinear.plotting import TransferDisplay

try:
    X, y, tasks = fetch_school(download_if_missing=False, return_X_y=True)
except OSError as missing:
    print("School is not here:", type(missing).__name__)
    sizes = np.random.default_rng(0).integers(22, 252, 139)
    X, y, tasks = make_mean_related(
        n_samples=sizes, n_features=27, n_tasks=139, noise=10.0, shared_rows=False, random_state=0
    )
X_train, X_test, y_train, y_test, t_train, t_test = train_test_split(
    X, y, tasks, train_size=0.75, stratify=tasks, random_state=0
)
scaler = StandardScaler().fit(X_train)
X_train, X_test = scaler.transform(X_train), scaler.transform(X_test)

# %%
# Explained variance of the test rows, every model at a strength that cross-validation likes.
models = {
    "single-task ridge": MultiTaskRegressor(Ridge(5.0)),
    "mean-regularized": MeanRegularizedRegressor(30.0),
    "clustered": ClusteredRegressor(2, 40.0),
}
for name, model in models.items():
    model.set_params(tol=1e-4).fit(X_train, y_train, tasks=t_train)
    residual = y_test - model.predict(X_test, tasks=t_test)
    print(f"{name:18} explained variance {1 - np.var(residual) / np.var(y_test):.3f}")

# %%
# Which schools gain by sharing, and do some lose?
TransferDisplay.from_estimators(models["mean-regularized"], models["single-task ridge"], X_test, y_test, tasks=t_test)
plt.show()
