"""Texts and missing values in X and y: the error says in which columns, and what to do."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from mtlinear import BlockSparseRegressor, ClusteredRegressor, MeanRegularizedRegressor, TraceNormClassifier
from mtlinear.estimators._unusable import named_columns

RNG = np.random.default_rng(0)
N = 12
y = RNG.standard_normal(N)
SITE = np.array(["a", "b", "c"])[np.arange(N) % 3]
TABLE = pd.DataFrame({"u": RNG.standard_normal(N), "group": ["high", "low"] * 6, "site": SITE})
NUMBERS = TABLE.assign(group=np.arange(N) % 2)
GAPS = NUMBERS.assign(v=TABLE["u"].where(TABLE["u"] > 0), w=pd.array([1, None] * 6, dtype="Int64"))
OBJECTS = TABLE[["site", "u", "group"]].to_numpy()
HOLES = sparse.csr_matrix(np.where(np.arange(4 * N).reshape(N, 4) % 13 == 6, np.nan, np.arange(4 * N).reshape(N, 4)))


def by_site(**parameters):
    return MeanRegularizedRegressor(task_feature="site", **parameters)


def message_of(call):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (what it says is tested)
        call()
    return str(caught.value)


#: name -> (call, what the message has)
BAD = {
    "text beside the task column": (
        lambda: ClusteredRegressor(task_feature="site").fit(TABLE, y),
        ["not numbers beside the task column: ['group']", "OneHotEncoder", "passes the task column 'site' on"],
    ),
    "text with the wrong column as the task": (
        lambda: ClusteredRegressor(task_feature="group").fit(TABLE, y),
        ["not numbers beside the task column: ['site']"],
    ),
    "text in an array": (lambda: MeanRegularizedRegressor(task_feature=0).fit(OBJECTS, y), ["task column: [2]"]),
    "text in an array, without a task column": (
        lambda: MeanRegularizedRegressor().fit(OBJECTS[:, 1:], y),
        ["not numbers: [1]", "task_feature=1"],
    ),
    "text in predict": (lambda: by_site().fit(NUMBERS, y).predict(TABLE), ["beside the task column: ['group']"]),
    "text in partial_fit": (lambda: by_site().partial_fit(TABLE, y), ["beside the task column: ['group']"]),
    "text and None": (
        lambda: by_site().fit(TABLE.assign(group=["high", None] * 6), y),
        ["beside the task column: ['group']"],
    ),
    "numbers stored as text are no culprits": (
        lambda: by_site().fit(TABLE.assign(u=TABLE["u"].astype(str)), y),
        ["beside the task column: ['group']"],
    ),
    "dates": (
        lambda: by_site().fit(NUMBERS.assign(day=pd.date_range("2020-01-01", periods=N)), y),
        ["beside the task column: ['day']"],
    ),
    "NaN": (
        lambda: BlockSparseRegressor().fit(GAPS.drop(columns="site"), y),
        ["X contains NaN", "['v', 'w']", "Imputer"],
    ),
    "NaN beside the task column": (
        lambda: by_site().fit(GAPS, y),
        ["['v', 'w']", "SimpleImputer in a ColumnTransformer that passes the task column 'site' on"],
    ),
    "NaN among objects": (lambda: by_site().fit(GAPS.astype(object), y), ["X contains NaN", "['v', 'w']"]),
    "NaN in predict": (lambda: by_site().fit(GAPS.fillna(0), y).predict(GAPS), ["['v', 'w']"]),
    "NaN in an array": (lambda: BlockSparseRegressor().fit(HOLES.toarray(), y), ["column(s) [0, 1, 2, 3]"]),
    "NaN in a sparse X": (lambda: BlockSparseRegressor().fit(HOLES, y), ["X contains NaN", "column(s) [0, 1, 2, 3]"]),
    "NaN in many columns": (
        lambda: BlockSparseRegressor().fit(np.full((N, 30), np.nan), y),
        ["[0, 1, 2, 3, 4, 5, 6, 7, 8, 9] and more"],
    ),
    "texts as y": (
        lambda: by_site().fit(NUMBERS, np.array(["1.5", "high"] * 6)),
        ["y must hold numbers for MeanRegularizedRegressor, got texts like 'high'", "classifier"],
    ),
    "texts in a column of y": (
        lambda: BlockSparseRegressor().fit(NUMBERS[["u"]], TABLE[["u", "group"]]),
        ["y must hold numbers for BlockSparseRegressor, got texts like 'high'"],
    ),
    "NaN in y": (
        lambda: by_site().fit(NUMBERS, np.where(np.arange(N) < 2, np.nan, y)),
        ["y contains NaN or None in 2 row(s)", "only where tasks share the rows of X", "leave these rows out"],
    ),
    "NaN in a column vector": (
        lambda: by_site().fit(NUMBERS, np.where(np.arange(N) < 2, np.nan, y)[:, None]),
        ["y contains NaN or None in 2 row(s)"],
    ),
    "None in y of a classifier": (
        lambda: TraceNormClassifier().fit(NUMBERS[["u"]], ["yes", None, "no"] * 4),
        ["y contains NaN or None in 4 row(s)", "leave these rows out"],
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_the_error_names_the_columns_and_the_remedy(case):
    call, parts = BAD[case]
    message = message_of(call)
    assert all(part in message for part in parts), message
    assert "\n" not in message


def test_positions_count_the_task_column():
    codes = np.column_stack([np.arange(N) % 3, HOLES.toarray()[:, :2] * [0, 1]])
    for X in (codes, sparse.csr_matrix(codes)):
        assert "column(s) [1, 2]" in message_of(lambda X=X: MeanRegularizedRegressor(task_feature=0).fit(X, y))
    last = np.column_stack([codes[:, 1:], codes[:, 0]])
    assert "column(s) [0, 1]" in message_of(lambda: MeanRegularizedRegressor(task_feature=-1).fit(last, y))


def test_other_errors_are_left_alone():
    other = ValueError("something else")
    with pytest.raises(ValueError, match="something else") as caught, named_columns(TABLE):
        raise other
    assert caught.value is other
    with pytest.raises(TypeError, match="argument must be a string or a real number"):
        BlockSparseRegressor().fit(np.array([[{}, 1.0]] * N, dtype=object), y)
    assert "infinity" in message_of(lambda: BlockSparseRegressor().fit(np.full((N, 2), np.inf), y))


def test_nan_in_y_is_fine_where_tasks_share_the_rows():
    Y = np.column_stack([y, np.where(np.arange(N) < 2, np.nan, y)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert BlockSparseRegressor(0.1).fit(NUMBERS[["u"]], Y).coef_.shape == (2, 1)
