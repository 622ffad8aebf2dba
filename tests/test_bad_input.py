"""Bad input: every kind raises a ValueError or TypeError whose message names the argument."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

from mtlinear import (
    BlockSparseClassifier,
    BlockSparseRegressor,
    ClusteredRegressor,
    MultiTaskRegressor,
    ParameterMatrix,
    TraceNormClassifier,
    TraceNormRegressor,
)
from mtlinear.penalties import L1, Clustered, InfimalConvolution, TraceNorm
from mtlinear.solvers import FISTA

RNG = np.random.default_rng(0)
X = RNG.standard_normal((12, 3))
Y = RNG.standard_normal((12, 2))
y = Y[:, 0]
TASKS = np.repeat(["a", "b", "c"], 4)
LABELS = np.tile([0, 1], 6)
FRAME = pd.DataFrame(X, columns=["u", "v", "w"]).assign(site=TASKS)


def with_value(array, value):
    array = np.array(array, dtype=float)
    array.flat[3] = value
    return array


def fitted(**parameters):
    return TraceNormRegressor(0.1, **parameters).fit(X, y, tasks=TASKS)


BAD_FIT = {
    # X
    "X with NaN": (lambda: BlockSparseRegressor().fit(with_value(X, np.nan), Y), ValueError, "X contains NaN"),
    "X with infinity": (
        lambda: BlockSparseRegressor().fit(with_value(X, np.inf), Y),
        ValueError,
        "X contains infinity",
    ),
    "X 1-D": (lambda: BlockSparseRegressor().fit(y, y), ValueError, "Expected 2D array"),
    "X 3-D": (lambda: BlockSparseRegressor().fit(X[None], y), ValueError, "dim 3"),
    "X without rows": (lambda: BlockSparseRegressor().fit(X[:0], y[:0]), ValueError, r"0 sample\(s\)"),
    "X without columns": (lambda: BlockSparseRegressor().fit(X[:, :0], y), ValueError, r"0 feature\(s\)"),
    "X of strings": (lambda: BlockSparseRegressor().fit(FRAME, y), ValueError, "columns that are not numbers"),
    "X complex": (lambda: BlockSparseRegressor().fit(X + 1j, Y), ValueError, "Complex data"),
    # y
    "y None": (lambda: BlockSparseRegressor().fit(X, None), ValueError, "y"),
    "y with NaN, 1-D": (lambda: BlockSparseRegressor().fit(X, with_value(y, np.nan)), ValueError, "y contains NaN"),
    "y with a column of NaN": (
        lambda: BlockSparseRegressor().fit(X, Y * [1, np.nan]),
        ValueError,
        r"y contains NaN only in the column\(s\) of task\(s\) \[1\]",
    ),
    "y with a column of NaN, classifier": (
        lambda: BlockSparseClassifier().fit(X, np.column_stack([LABELS, LABELS]) * [1, np.nan]),
        ValueError,
        "y contains NaN only in the column",
    ),
    "y with a column whose weights are zero": (
        lambda: BlockSparseRegressor().fit(
            X, np.where(np.arange(12)[:, None] < [12, 4], Y, np.nan), sample_weight=1.0 * (np.arange(12) >= 4)
        ),
        ValueError,
        "y contains NaN only in the column",
    ),
    "y with NaN in a column vector with tasks": (
        lambda: BlockSparseRegressor().fit(X, with_value(y, np.nan)[:, None], tasks=TASKS),
        ValueError,
        "y contains NaN",
    ),
    "y with NaN for a classifier, 1-D": (
        lambda: BlockSparseClassifier().fit(X, with_value(LABELS, np.nan)),
        ValueError,
        "y contains NaN",
    ),
    "y with infinity": (
        lambda: BlockSparseRegressor().fit(X, with_value(Y, np.inf)),
        ValueError,
        "y contains infinity",
    ),
    "y too short": (lambda: BlockSparseRegressor().fit(X, Y[:-1]), ValueError, "inconsistent numbers of samples"),
    "y 3-D": (lambda: BlockSparseRegressor().fit(X, Y[:, :, None]), ValueError, "dim 3"),
    "y without columns": (lambda: BlockSparseRegressor().fit(X, Y[:, :0]), ValueError, "y has no columns|0 feature"),
    "y of strings": (
        lambda: BlockSparseRegressor().fit(X, TASKS),
        ValueError,
        "y must hold numbers for BlockSparseRegressor, got texts like 'a'",
    ),
    "y 2-D with tasks": (lambda: BlockSparseRegressor().fit(X, Y, tasks=TASKS), ValueError, "y must be 1-D"),
    "y continuous in a classifier": (lambda: BlockSparseClassifier().fit(X, y), ValueError, "Unknown label type"),
    "y with one class": (lambda: BlockSparseClassifier().fit(X, np.ones(12)), ValueError, "y must have exactly two"),
    "y with one class in a column": (
        lambda: BlockSparseClassifier().fit(X, np.column_stack([LABELS, np.ones(12, int)])),
        ValueError,
        "y must have exactly two classes.*column 1",
    ),
    "y with one class in a task": (
        lambda: TraceNormClassifier().fit(X, np.where(TASKS == "b", 1, LABELS), tasks=TASKS),
        ValueError,
        r"y has one class only in task\(s\) \['b'\]",
    ),
    "y with three classes and tasks": (
        lambda: TraceNormClassifier().fit(X, np.tile([0, 1, 2], 4), tasks=TASKS),
        ValueError,
        "y must have exactly two classes",
    ),
    "y with three classes in a column": (
        lambda: TraceNormClassifier().fit(X, np.column_stack([LABELS, np.tile([0, 1, 2], 4)])),
        ValueError,
        "y must have exactly two classes.*column 1",
    ),
    # tasks
    "tasks too short": (
        lambda: fitted().fit(X, y, tasks=TASKS[:-1]),
        ValueError,
        "tasks must hold one task label per row",
    ),
    "tasks 2-D": (lambda: fitted().fit(X, y, tasks=np.tile(TASKS, (2, 1)).T), ValueError, "tasks must hold one"),
    "tasks with None": (
        lambda: fitted().fit(X, y, tasks=[None, *TASKS[1:]]),
        ValueError,
        "tasks contains 1 missing",
    ),
    "tasks with NaN": (lambda: fitted().fit(X, y, tasks=with_value(y, np.nan)), ValueError, "tasks contains NaN"),
    "tasks with pandas NA": (
        lambda: fitted().fit(X, y, tasks=pd.Series([pd.NA, *[1] * 11], dtype="Int64")),
        ValueError,
        "tasks contains NaN|tasks contains 1 missing",
    ),
    "tasks of mixed type": (
        lambda: fitted().fit(X, y, tasks=np.array([1, "1"] * 6, dtype=object)),
        TypeError,
        "tasks mixes strings and numbers",
    ),
    "tasks of tuples": (
        lambda: fitted().fit(X, y, tasks=pd.Series([(1, 2)] * 12)),
        TypeError,
        "tasks must hold numbers or strings",
    ),
    "tasks as dates": (
        lambda: fitted().fit(X, y, tasks=np.array(["2024-01-01"] * 12, dtype="datetime64[D]")),
        TypeError,
        "tasks must hold numbers or strings",
    ),
    "both task_feature and tasks": (
        lambda: BlockSparseRegressor(task_feature="site").fit(FRAME, y, tasks=TASKS),
        ValueError,
        "tasks and task_feature are both given",
    ),
    "task_feature unknown": (
        lambda: BlockSparseRegressor(task_feature="town").fit(FRAME, y),
        ValueError,
        "task_feature='town' is not a column of X",
    ),
    "task_feature by name in an array": (
        lambda: BlockSparseRegressor(task_feature="site").fit(X, y),
        ValueError,
        "task_feature='site' is a column name, but X has no column names",
    ),
    "task_feature out of range": (
        lambda: BlockSparseRegressor(task_feature=3).fit(X, y),
        ValueError,
        "task_feature=3 is out of range",
    ),
    "task_feature the only column": (
        lambda: BlockSparseRegressor(task_feature=0).fit(X[:, :1], y),
        ValueError,
        r"1 feature\(s\)",
    ),
    "task column with NaN": (
        lambda: BlockSparseRegressor(task_feature="site").fit(FRAME.assign(site=[None, *TASKS[1:]]), y),
        ValueError,
        "task column of X contains 1 missing",
    ),
    # weights
    "sample_weight negative": (
        lambda: BlockSparseRegressor().fit(X, Y, sample_weight=-np.ones(12)),
        ValueError,
        "Negative values in data passed to `sample_weight`",
    ),
    "sample_weight all zero": (
        lambda: BlockSparseRegressor().fit(X, Y, sample_weight=np.zeros(12)),
        ValueError,
        "[Ss]ample.weight",
    ),
    "sample_weight NaN": (
        lambda: BlockSparseRegressor().fit(X, Y, sample_weight=with_value(np.ones(12), np.nan)),
        ValueError,
        "sample_weight contains NaN",
    ),
    "sample_weight too short": (
        lambda: BlockSparseRegressor().fit(X, Y, sample_weight=np.ones(5)),
        ValueError,
        "sample_weight",
    ),
    "sample_weight 2-D": (
        lambda: BlockSparseRegressor().fit(X, Y, sample_weight=np.ones((12, 2))),
        ValueError,
        "[Ss]ample weights must be 1D",
    ),
    "sample_weight leaves one class": (
        lambda: TraceNormClassifier().fit(X, LABELS, tasks=TASKS, sample_weight=np.where(TASKS == "c", LABELS, 1)),
        ValueError,
        r"one class only in task\(s\) \['c'\]",
    ),
    "task_weight without a task": (
        lambda: fitted(task_weight={"a": 1, "b": 1}),
        ValueError,
        r"task_weight has no entry for task\(s\) \['c'\]",
    ),
    "task_weight zero": (lambda: fitted(task_weight=[1, 0, 1]), ValueError, "task_weight of task 'b' must be"),
    "task_weight of wrong length": (lambda: fitted(task_weight=[1, 1]), ValueError, "task_weight must be"),
    "task_weight a number": (lambda: fitted(task_weight=2.0), ValueError, "task_weight must be"),
    "task_weight of strings": (lambda: fitted(task_weight=["1", "2", "3"]), TypeError, "task_weight of task 'a'"),
    # parameters that only the data, or the objects among them, can judge; the others: test_bad_parameters
    "n_clusters above the number of tasks": (
        lambda: ClusteredRegressor(n_clusters=3).fit(X, Y),
        ValueError,
        "n_clusters must be at most the number of tasks, got n_clusters=3 for 2 tasks",
    ),
    "penalty with a bad parameter": (
        lambda: MultiTaskRegressor(InfimalConvolution(TraceNorm(), L1(-1.0))).fit(X, Y),
        ValueError,
        "alpha must be",
    ),
    "one penalty in a convolution": (
        lambda: MultiTaskRegressor(InfimalConvolution(TraceNorm())).fit(X, Y),
        ValueError,
        "at least two penalties",
    ),
    "no penalty in a convolution": (
        lambda: MultiTaskRegressor(InfimalConvolution(TraceNorm(), 1.0)).fit(X, Y),
        TypeError,
        "penalty_1 must be a Penalty",
    ),
    "solver with a bad parameter": (
        lambda: TraceNormRegressor(solver=FISTA(check_every=0)).fit(X, Y),
        ValueError,
        "check_every must be a whole number >= 1",
    ),
}

BAD_PREDICT = {
    "not fitted": (lambda: TraceNormRegressor().predict(X), NotFittedError, "not fitted"),
    "tasks missing": (lambda: fitted().predict(X), ValueError, "needs them to predict: pass tasks="),
    "tasks not wanted": (
        lambda: TraceNormRegressor(0.1).fit(X, Y).predict(X, tasks=TASKS),
        ValueError,
        "tasks were given, but this model was fitted without",
    ),
    "unseen task": (
        lambda: fitted().predict(X, tasks=["mars", *TASKS[1:]]),
        ValueError,
        r"1 task\(s\) were not seen in fit: 'mars'",
    ),
    "tasks of another type": (
        lambda: fitted(unseen_tasks="mean").predict(X, tasks=np.arange(12)),
        TypeError,
        "task labels are numbers like .*, but were strings like",
    ),
    "tasks that float32 cannot tell apart": (
        lambda: (
            TraceNormRegressor(0.1)
            .fit(X, y, tasks=100_000_001 + np.arange(12) % 3)
            .predict(X, tasks=np.full(12, 100_000_001, dtype=np.float32))
        ),
        ValueError,
        "float32, which cannot tell the tasks",
    ),
    "tasks too short": (lambda: fitted().predict(X, tasks=TASKS[:5]), ValueError, "tasks must hold one task label"),
    "X with other columns": (lambda: fitted().predict(X[:, :2], tasks=TASKS), ValueError, "2 features"),
    "task column lost": (
        lambda: BlockSparseRegressor(0.1, task_feature="site").fit(FRAME, y).predict(FRAME.to_numpy()),
        ValueError,
        "task_feature='site' is a column name, but X has no column names",
    ),
    "score without tasks": (lambda: fitted().score(X, y), ValueError, "needs them to predict"),
    "score with a y of another length": (
        lambda: TraceNormRegressor().fit(X, Y).score(X[:3], y),
        ValueError,
        "y",
    ),
    "classifier without tasks": (
        lambda: TraceNormClassifier().fit(X, LABELS, tasks=TASKS).predict_proba(X),
        ValueError,
        "needs them to predict",
    ),
    "score with a y of another shape": (
        lambda: TraceNormClassifier().fit(X, np.column_stack([LABELS, 1 - LABELS])).score(X, LABELS),
        ValueError,
        "y must have shape",
    ),
}

BAD_OTHER = {
    "parts empty": (lambda: ParameterMatrix({}), ValueError, "parts"),
    "parts of two shapes": (lambda: ParameterMatrix({"B": X, "S": Y}), ValueError, "parts must all be matrices"),
    "part unknown": (lambda: ParameterMatrix({"A": X}).support("B"), ValueError, "part must be one of"),
    "feature_names of wrong length": (
        lambda: ParameterMatrix({"A": X}, feature_names=["u"]),
        ValueError,
        "feature_names must have 12 entries",
    ),
    "n_clusters missing": (lambda: fitted().parameters_.task_clusters(), ValueError, "n_clusters must be given"),
    "n_clusters too large": (lambda: fitted().parameters_.task_clusters(9), ValueError, "n_clusters must be between"),
    "parameter of a convolution unknown": (
        lambda: InfimalConvolution(TraceNorm(), L1()).set_params(penalty_2=L1()),
        ValueError,
        "Invalid parameter 'penalty_2'",
    ),
    "clustered check": (lambda: Clustered(n_clusters=5).check(3, 4), ValueError, "n_clusters"),
}

KINDS = BAD_FIT | {f"predict: {k}": v for k, v in BAD_PREDICT.items()} | BAD_OTHER


@pytest.mark.parametrize("kind", KINDS)
def test_bad_input(kind):
    call, error, message = KINDS[kind]
    with pytest.raises(error, match=message):
        call()


def test_a_failed_fit_leaves_an_unfitted_model_unfitted():
    model = ClusteredRegressor(n_clusters=5)
    with pytest.raises(ValueError, match="n_clusters must be at most"):
        model.fit(X, Y)
    assert not hasattr(model, "coef_")
