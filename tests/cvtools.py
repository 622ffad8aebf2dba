"""What the tests of the CV classes share: every way of giving data, and cross-validation by a hand-written loop."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.special import expit
from sklearn.base import clone
from sklearn.model_selection import KFold
from sklearn.utils import _safe_indexing

from mtlinear import MultiTaskClassifier, MultiTaskRegressor
from mtlinear.model_selection import TaskKFold

TIGHT = {"tol": 1e-11, "max_iter": 100_000}


@dataclass
class Data:
    """Arguments of fit, and the parameters of the estimator that go with them."""

    X: Any
    y: Any
    sample_weight: Any = None
    tasks: Any = None
    parameters: dict[str, Any] = field(default_factory=dict)

    def rows(self, rows):
        return Data(
            *(None if v is None else _safe_indexing(v, rows) for v in (self.X, self.y, self.sample_weight, self.tasks)),
            self.parameters,
        )

    def fit(self, model, **more):
        return model.set_params(**self.parameters).fit(self.X, self.y, self.sample_weight, tasks=self.tasks, **more)

    def labels(self):
        """Task of every row as given, or None."""
        column = self.parameters.get("task_feature")
        if column is None:
            return None if self.tasks is None else np.asarray(self.tasks)
        return np.asarray(self.X[column] if isinstance(column, str) else self.X[:, column])

    def splits(self, k=3):
        labels = self.labels()
        if labels is None:
            return list(KFold(k).split(self.X))
        return list(TaskKFold(k).split(self.X, self.y, groups=labels))


def shared_arrays(n, d, n_tasks=3, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d)) * np.linspace(0.5, 2, d) + np.linspace(-1, 3, d)
    A = np.zeros((d, n_tasks))
    A[: max(2, d // 3)] = rng.standard_normal((max(2, d // 3), n_tasks)) + 1
    return X, X @ A + 0.5 * rng.standard_normal((n, n_tasks)) + np.arange(n_tasks), rng


def regression(way, n, d):
    """Data of n rows and d features in one of WAYS."""
    X, Y, rng = shared_arrays(n, d)
    tasks = rng.permutation(np.repeat(["north", "east", "south"], [n // 2, n // 3, n - n // 2 - n // 3]))
    codes = np.unique(tasks, return_inverse=True)[1]
    y = Y[np.arange(n), codes]
    weights = rng.uniform(0.2, 2, n) * (rng.random(n) > 0.2)
    task_weight = {"north": 2.0, "east": 1.0, "south": 0.3}
    missing = np.where(rng.random(Y.shape) < 0.2, np.nan, Y)
    frame = pd.DataFrame(X, columns=[f"f{j}" for j in range(d)])
    frame.insert(1, "region", tasks)
    zeros = np.where(np.abs(X) < 1, 0.0, X)
    rounded = np.where(np.abs(zeros) > 0, np.round(zeros, 1), 0.0)
    return {
        "2-D": Data(X, Y),
        "2-D weighted": Data(X, Y, weights, None, {"task_weight": [1.0, 2.0, 0.5]}),
        "2-D missing": Data(X, missing),
        "2-D missing weighted": Data(X, missing, weights),
        "1-D": Data(X, Y[:, 0]),
        "no intercept": Data(X, Y, None, None, {"fit_intercept": False}),
        "ridge": Data(X, Y, None, None, {"l2_alpha": 0.3}),
        "by name": Data(frame, y, None, None, {"task_feature": "region"}),
        "by position": Data(np.column_stack([X, codes]), y, weights, None, {"task_feature": -1}),
        "beside": Data(X, y, None, tasks),
        "beside weighted": Data(X, y, weights, tasks, {"task_weight": task_weight, "l2_alpha": 0.01}),
        "sparse CSR": Data(sparse.csr_array(rounded), Y),
        "sparse CSC weighted": Data(sparse.csc_array(rounded), Y, weights),
        "sparse missing": Data(sparse.csr_array(rounded), missing),
        "sparse COO": Data(sparse.coo_array(rounded), Y),
        "sparse beside": Data(sparse.csc_array(rounded), y, weights, tasks),
        "lists": Data(X.tolist(), Y.tolist(), weights.tolist()),
    }[way]


WAYS = [
    "2-D",
    "2-D weighted",
    "2-D missing",
    "2-D missing weighted",
    "1-D",
    "no intercept",
    "ridge",
    "by name",
    "by position",
    "beside",
    "beside weighted",
    "sparse CSR",
    "sparse CSC weighted",
    "sparse missing",
    "sparse COO",
    "sparse beside",
    "lists",
]


def classification(way, n=120, d=5):
    X, Y, rng = shared_arrays(n, d, seed=3)
    Y = Y - np.median(Y, axis=0) + 2.0 * rng.standard_normal(Y.shape)
    tasks = rng.permutation(np.repeat([10, 20, 30], [n // 2, n // 3, n - n // 2 - n // 3]))
    binary = (Y[:, 0] > 0).astype(int)
    weights = rng.integers(0, 3, n).astype(float)
    missing = np.where(rng.random(Y.shape) < 0.2, np.nan, Y > 0)
    return {
        "binary": Data(X, binary),
        "strings": Data(X, np.where(binary, "yes", "no"), weights),
        "classes": Data(X, np.array(["a", "b", "c"])[np.argmax(Y, axis=1)]),
        "multi-label": Data(X, (Y > 0).astype(int), weights),
        "multi-label missing": Data(X, missing),
        "beside": Data(X, binary, weights, tasks),
        "by position": Data(np.column_stack([X, tasks]), binary, None, None, {"task_feature": -1}),
        "sparse": Data(sparse.csr_array(np.where(np.abs(X) < 1, 0.0, X)), binary, None, tasks),
    }[way]


CLASSIFICATION = [
    "binary",
    "strings",
    "classes",
    "multi-label",
    "multi-label missing",
    "beside",
    "by position",
    "sparse",
]


def fit_rows(data, penalty, rows, *, loss=MultiTaskRegressor, **options):
    """The plain estimator on some rows only."""
    part = data.rows(rows)
    model = loss(clone(penalty), **(TIGHT | part.parameters | options))
    return model.fit(part.X, part.y, part.sample_weight, tasks=part.tasks)


def held_out_error(data, model, rows, *, weighted=True):
    """Weighted mean squared error or log loss, from predictions alone."""
    part = data.rows(rows)
    y = np.asarray(part.y)
    s = np.ones(len(y)) if part.sample_weight is None or not weighted else np.asarray(part.sample_weight)
    labels = part.labels()
    keyword = {} if part.tasks is None else {"tasks": part.tasks}
    task_weight = model.task_weight
    if labels is not None:
        weights = s * (1.0 if task_weight is None else np.array([task_weight[t] for t in labels.tolist()]))
    elif y.ndim == 2:
        weights = np.outer(s, np.ones(y.shape[1]) if task_weight is None else task_weight) * ~np.isnan(y)
    else:
        weights = s
    if isinstance(model, MultiTaskRegressor):
        losses = (np.nan_to_num(y) - model.predict(part.X, **keyword)) ** 2
    else:
        odds = model.decision_function(part.X, **keyword)
        if y.ndim == 2:
            signs = np.where(y == 1, 1.0, -1.0)
        elif odds.ndim == 2:
            signs = np.where(y[:, None] == model.classes_, 1.0, -1.0)
            weights = np.repeat(weights[:, None], odds.shape[1], axis=1)
        else:
            signs = np.where(y == model.classes_[1], 1.0, -1.0)
        losses = -np.log(expit(signs * odds))
    return float(np.sum(weights * losses) / np.sum(weights))


def hand_loop(data, penalty, alphas, splits, *, loss=MultiTaskRegressor, **options):
    """(n_alphas, n_folds) errors of held-out rows, each from a cold fit on the training rows alone."""
    errors = np.empty((len(alphas), len(splits)))
    for i, alpha in enumerate(alphas):
        for k, (train, test) in enumerate(splits):
            model = fit_rows(data, clone(penalty).set_params(alpha=alpha), train, loss=loss, **options)
            errors[i, k] = held_out_error(data, model, test)
    return errors


def classify(data, penalty, alphas, splits):
    return hand_loop(data, penalty, alphas, splits, loss=MultiTaskClassifier, tol=1e-9)
