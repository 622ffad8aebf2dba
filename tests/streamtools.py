"""What the tests of partial_fit share: rows in every layout, streams of them, and when two models are the same."""

from __future__ import annotations

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.testing import assert_allclose, assert_array_equal

#: A ridge makes the optimum unique, so that coefficients can be compared; see `assert_same_model`.
L2 = 0.1
SOLVING = {"l2_alpha": L2, "tol": 1e-12, "max_iter": 100_000}
LAYOUTS = ["one task", "columns", "missing", "tasks", "task column", "task name"]
N, D = 36, 4


def data(layout, rng, *, weighted=False, sparse=False, offset=0.0):
    """(X, y, sample_weight, tasks, parameters), all of N rows."""
    X = rng.standard_normal((N, D)) * [1, 3, 0.5, 1] + offset
    labels = np.array(["north", "east", "west"])[np.concatenate([[0, 1, 2], rng.integers(0, 3, N - 3)])]
    A = rng.standard_normal((D, 3)) + 1
    Y = (X - offset) @ A + rng.standard_normal((N, 3)) + [0, 2, 30]
    weights = rng.integers(0, 4, N) * rng.uniform(0.5, 1.5, N) if weighted else None
    if weighted:
        weights[:3] = 1.0  # every task is there
    if sparse:
        X = X * (rng.random((N, D)) < 0.4)
    y, tasks, parameters = Y[:, 0], None, {}
    if layout in ("columns", "missing"):
        y = Y
    if layout == "missing":
        y[3:][rng.random((N - 3, 3)) < 0.4] = np.nan
    if layout == "tasks":
        tasks = labels
    if layout == "task column":
        X, parameters = (
            np.column_stack([X[:, :2], np.unique(labels, return_inverse=True)[1], X[:, 2:]]),
            {"task_feature": 2},
        )
    if layout == "task name":
        X, parameters = pd.DataFrame(X, columns=list("abcd")).assign(site=labels), {"task_feature": "site"}
    if sparse and layout != "task name":
        X = sp.csr_array(X)
    return X, y, weights, tasks, parameters


def take(values, rows):
    if values is None:
        return None
    return values.iloc[rows] if hasattr(values, "iloc") else values[rows]


def stream(model, chunks, X, y, weights=None, tasks=None, *, every=0):
    """partial_fit on chunks of rows; solves after each ``every`` chunks and after the last."""
    for k, rows in enumerate(chunks):
        solve = k == len(chunks) - 1 or (every > 0 and k % every == every - 1)
        model.partial_fit(*(take(v, rows) for v in (X, y, weights)), tasks=take(tasks, rows), solve=solve)
    return model


def assert_same_model(streamed, whole, *, rounding=1e-9):
    """The optimum is unique, and a gap bounds how far from it a model can be: gap >= L2/2 ||A - A_best||^2.

    A gap itself is right but for the rounding of the objective, of which the library takes 8 epsilons for nothing.
    """
    unit = whole.null_objective_
    assert_allclose(streamed.null_objective_, unit, rtol=rounding)
    assert_allclose(streamed.objective_, whole.objective_, atol=whole.dual_gap_ + streamed.dual_gap_ + rounding * unit)
    assert max(streamed.dual_gap_, whole.dual_gap_) <= 1e-11 * unit
    epsilon = 8 * np.finfo(float).eps * unit
    distance = sum(np.sqrt(2 * (model.dual_gap_ + epsilon) / L2) for model in (streamed, whole))
    assert np.linalg.norm(streamed.coef_ - whole.coef_) <= distance + 10 * rounding * np.abs(whole.coef_).max()
    assert_array_equal(streamed.tasks_, whole.tasks_)
    assert streamed.coef_.shape == whole.coef_.shape
    assert streamed.n_features_in_ == whole.n_features_in_
    assert streamed.parameters_.feature_names == whole.parameters_.feature_names
