"""Scores per task against hand-written loops and scikit-learn."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk
from sklearn.exceptions import UndefinedMetricWarning

from mtlinear import metrics as ours
from mtlinear.metrics import macro_average

NAN = float("nan")
PER_TASK = {
    ours.r2_per_task: sk.r2_score,
    ours.mean_squared_error_per_task: sk.mean_squared_error,
    ours.explained_variance_per_task: sk.explained_variance_score,
    ours.accuracy_per_task: sk.accuracy_score,
    ours.roc_auc_per_task: sk.roc_auc_score,
}
METRICS = list(PER_TASK.items())
IDS = [function.__name__ for function in PER_TASK]


def truth_and_guess(metric, rng, shape):
    if metric in (sk.accuracy_score, sk.roc_auc_score):
        y = rng.integers(0, 2, shape)
        return y, rng.integers(0, 2, shape) if metric is sk.accuracy_score else rng.standard_normal(shape)
    return rng.standard_normal(shape), rng.standard_normal(shape)


def loop(metric, y, p, tasks, weights=None):
    """Mean of a scikit-learn score over tasks, by hand."""
    values = []
    for task in np.unique(tasks):
        k = tasks == task
        values.append(metric(y[k], p[k], sample_weight=None if weights is None else weights[k]))
    return np.mean(values)


# -- one score per task ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("function", "metric"), METRICS, ids=IDS)
def test_stacked_scores_are_those_of_a_loop(rng, function, metric, weighted):
    tasks = rng.permutation(np.repeat(["b", "a", "c"], [12, 20, 9]))
    y, p = truth_and_guess(metric, rng, 41)
    weights = rng.uniform(0.5, 2, 41) if weighted else None
    scores = function(y, p, tasks=tasks, sample_weight=weights)
    assert list(scores) == ["a", "b", "c"]
    for task, score in scores.items():
        k = tasks == task
        assert score == metric(y[k], p[k], sample_weight=None if weights is None else weights[k])
    assert macro_average(scores) == pytest.approx(loop(metric, y, p, tasks, weights))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("function", "metric"), METRICS, ids=IDS)
def test_nan_in_2d_y_equals_dropping(rng, function, metric, weighted):
    y, p = truth_and_guess(metric, rng, (40, 3))
    y = y.astype(float)
    y[rng.uniform(size=y.shape) < 0.3] = NAN
    p = np.where(np.isnan(y), -99, p)  # never looked at
    weights = rng.uniform(0.5, 2, 40) if weighted else None
    scores = function(y, p, sample_weight=weights)
    for t in range(3):
        k = ~np.isnan(y[:, t])
        expected = metric(y[k, t], p[k, t], sample_weight=None if weights is None else weights[k])
        assert scores[t] == expected
    # ... and the observed entries as stacked rows
    rows, columns = np.nonzero(~np.isnan(y))
    stacked = function(
        y[rows, columns], p[rows, columns], tasks=columns, sample_weight=None if weights is None else weights[rows]
    )
    assert stacked == pytest.approx(scores)


@given(data=st.data(), seed=st.integers(0, 2**31))
@settings(derandomize=True, deadline=None, max_examples=40)
def test_row_order_and_labels_do_not_matter(data, seed):
    rng = np.random.default_rng(seed)
    sizes = data.draw(st.lists(st.integers(1, 8), min_size=1, max_size=5))
    tasks = np.repeat(np.arange(len(sizes)), sizes)
    y, p = rng.standard_normal((2, len(tasks)))
    scores = ours.r2_per_task(y, p, tasks=tasks)
    order = rng.permutation(len(tasks))
    renamed = ours.r2_per_task(y[order], p[order], tasks=np.char.add("t", tasks.astype(str))[order])
    np.testing.assert_allclose(list(renamed.values()), list(scores.values()), rtol=1e-10)
    assert [np.isnan(score) for score in scores.values()] == [size == 1 for size in sizes]
    if len(y) > 1:
        assert ours.total_explained_variance(y, p, tasks=tasks) == pytest.approx(sk.r2_score(y, p))


@pytest.mark.parametrize(("function", "metric"), METRICS, ids=IDS)
def test_weight_two_is_repetition_and_zero_is_absence(rng, function, metric):
    y, p = truth_and_guess(metric, rng, 30)
    tasks = np.tile([0, 1], 15)
    weights = np.tile([2, 2, 1, 1, 0, 0], 5)
    k = np.repeat(np.arange(30), weights)
    assert function(y, p, tasks=tasks, sample_weight=weights) == pytest.approx(function(y[k], p[k], tasks=tasks[k]))


def test_undefined_scores_are_nan_and_left_out_with_a_warning():
    y, p, tasks = [1.0, 2.0, 3.0, 3.0, 5.0], [1.0, 2.0, 3.0, 3.0, 9.0], ["a", "a", "constant", "constant", "single"]
    for function in (ours.r2_per_task, ours.explained_variance_per_task):
        scores = function(y, p, tasks=tasks)
        assert scores == pytest.approx({"a": 1.0, "constant": NAN, "single": NAN}, nan_ok=True)
        with pytest.warns(UndefinedMetricWarning, match="2 of 3 tasks have no score .*'constant', 'single'"):
            assert macro_average(scores) == 1.0
    assert ours.mean_squared_error_per_task(y, p, tasks=tasks)["single"] == 16.0
    scores = ours.roc_auc_per_task([0, 1, 1, 1], [0.1, 0.3, 0.2, 0.5], tasks=[1, 1, 2, 2])
    assert scores == pytest.approx({1: 1.0, 2: NAN}, nan_ok=True)
    with pytest.warns(UndefinedMetricWarning, match="2 of 2"):
        assert np.isnan(macro_average({0: NAN, 1: NAN}))


def test_a_task_without_observed_or_weighted_rows_has_no_score():
    Y, P = np.array([[1.0, NAN], [2.0, NAN]]), np.zeros((2, 2))
    for function in (ours.mean_squared_error_per_task, ours.accuracy_per_task, ours.r2_per_task):
        assert np.isnan(function(Y, P)[1])
    assert np.isnan(ours.mean_squared_error_per_task([1.0, 2.0], [1.0, 2.0], tasks=[0, 1], sample_weight=[1, 0])[1])


def test_names_of_columns_are_the_tasks():
    Y = pd.DataFrame({"math": [1.0, 2.0], "art": [3.0, None]})
    assert ours.mean_squared_error_per_task(Y, np.zeros((2, 2))) == {"math": 2.5, "art": 9.0}


@pytest.mark.parametrize("labels", [["no", "yes"], [-1.0, 1.0], [False, True]])
def test_any_two_labels(rng, labels):
    y = np.array(labels)[rng.integers(0, 2, 40)]
    s = rng.standard_normal(40)
    tasks = np.tile([0, 1], 20)
    expected = loop(lambda a, b, sample_weight: sk.roc_auc_score(a == labels[1], b), y, s, tasks)
    assert macro_average(ours.roc_auc_per_task(y, s, tasks=tasks)) == pytest.approx(expected)
    assert macro_average(ours.accuracy_per_task(y.astype(object), y, tasks=tasks)) == 1.0


def test_any_metric_per_task(rng):
    y, p = rng.standard_normal((2, 20))
    tasks = np.tile([0, 1], 10)
    scores = ours.score_per_task(sk.median_absolute_error, y, p, tasks=tasks)
    assert scores[1] == sk.median_absolute_error(y[1::2], p[1::2])
    assert ours.score_per_task(sk.r2_score, [1.0, 1.0], [1.0, 2.0]) == {0: 0.0}  # as scikit-learn has it


def test_total_explained_variance(rng):
    tasks = np.repeat([0, 1, 2], [5, 20, 10])
    y = rng.standard_normal(35) + 3 * tasks
    p = y + 0.5 * rng.standard_normal(35)
    weights = rng.uniform(0, 2, 35)
    sse, sst = np.sum((y - p) ** 2), np.sum((y - y.mean()) ** 2)
    assert ours.total_explained_variance(y, p, tasks=tasks) == pytest.approx(1 - sse / sst)
    within = sum(np.sum((y[tasks == t] - y[tasks == t].mean()) ** 2) for t in range(3))
    assert ours.total_explained_variance(y, p, tasks=tasks, about="task") == pytest.approx(1 - sse / within)
    mean = np.average(y, weights=weights)
    expected = 1 - np.sum(weights * (y - p) ** 2) / np.sum(weights * (y - mean) ** 2)
    shuffled = rng.permutation(35)
    score = ours.total_explained_variance(
        y[shuffled], p[shuffled], tasks=tasks[shuffled], sample_weight=weights[shuffled]
    )
    assert score == pytest.approx(expected)
    Y = np.where(rng.uniform(size=(35, 2)) < 0.2, NAN, np.column_stack([y, -y]))
    P = np.column_stack([p, -p])
    k = ~np.isnan(Y)
    assert ours.total_explained_variance(Y, P) == pytest.approx(sk.r2_score(Y[k], P[k]))
    for about in ("overall", "task"):
        with pytest.warns(UndefinedMetricWarning, match="constant"):
            assert np.isnan(ours.total_explained_variance([1.0, 1.0], [1.0, 2.0], about=about))


def test_masked_scores_are_scikit_learns_where_nothing_is_missing(rng):
    Y, P = rng.standard_normal((2, 20, 3))
    Y[:, 2] = 1.0
    weights = rng.uniform(0.5, 1, 20)
    assert ours.masked_r2_score(Y, P) == pytest.approx(sk.r2_score(Y, P))
    # (with weights, r2_score of a constant column is -1e30 or so: its weighted mean has a rounding error)
    expected = (2 * sk.r2_score(Y[:, :2], P[:, :2], sample_weight=weights) + 0.0) / 3
    assert ours.masked_r2_score(Y, P, sample_weight=weights) == pytest.approx(expected)
    assert ours.masked_r2_score(Y[:, 0], P[:, 0]) == pytest.approx(sk.r2_score(Y[:, 0], P[:, 0]))
    L, G = rng.integers(0, 2, (2, 20, 3))
    assert ours.masked_accuracy_score(L, G) == sk.accuracy_score(L, G)
    expected = sk.accuracy_score(L, G, sample_weight=weights)
    assert ours.masked_accuracy_score(L, G, sample_weight=weights) == pytest.approx(expected)
    assert ours.masked_accuracy_score(list("aab"), list("abb")) == pytest.approx(2 / 3)


def test_masked_scores_leave_out_what_is_missing(rng):
    Y, P = rng.standard_normal((2, 20, 2))
    Y[::3, 0] = NAN
    k = ~np.isnan(Y[:, 0])
    expected = (sk.r2_score(Y[k, 0], P[k, 0]) + sk.r2_score(Y[:, 1], P[:, 1])) / 2
    assert ours.masked_r2_score(Y, P) == pytest.approx(expected)
    Y[1:, 1] = NAN
    with pytest.warns(UndefinedMetricWarning, match="1 of 2"):
        assert ours.masked_r2_score(Y, P) == pytest.approx(sk.r2_score(Y[k, 0], P[k, 0]))
    L = np.array([[1, NAN], [0, 1], [NAN, NAN]])
    assert ours.masked_accuracy_score(L, np.ones((3, 2))) == 0.5
    assert np.isnan(ours.masked_accuracy_score(L[2:], np.ones((1, 2))))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"y_true": [1.0, NAN], "y_pred": [1.0, 1.0]}, "y_true contains NaN; only a 2-D"),
        ({"y_true": [1.0, 2.0], "y_pred": [1.0]}, r"y_true has shape \(2,\), but y_pred has shape \(1,\)"),
        ({"y_true": np.ones((2, 2)), "y_pred": np.ones((2, 2)), "tasks": [0, 1]}, "tasks names the task of every row"),
        ({"y_true": [1.0, 2.0], "y_pred": [1.0, 1.0], "tasks": [0]}, "tasks must hold one task label per row"),
        ({"y_true": [1.0, 2.0], "y_pred": [1.0, 1.0], "tasks": [0, None]}, "tasks contains 1 missing"),
        ({"y_true": [1.0, 2.0], "y_pred": [1.0, 1.0], "sample_weight": [0, 0]}, "[Ss]ample.weight"),
        ({"y_true": [1.0, 2.0], "y_pred": [1.0, 1.0], "sample_weight": [1, -1]}, "[Nn]egative"),
        ({"y_true": [], "y_pred": []}, "y_true must be 1-D or 2-D and not empty"),
        ({"y_true": [1.0, 2.0], "y_pred": [1.0, NAN]}, "NaN"),
        (
            {"y_true": pd.DataFrame(np.ones((2, 2)), columns=["a", "a"]), "y_pred": np.ones((2, 2))},
            "column names of y_true",
        ),
    ],
)
def test_bad_input_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        ours.mean_squared_error_per_task(**arguments)


def test_other_bad_arguments():
    with pytest.raises(ValueError, match=r"two classes in every task .* task 0 has 3"):
        ours.roc_auc_per_task([0, 1, 2], [0.0, 1.0, 2.0])
    with pytest.raises(TypeError, match="metric must be a function"):
        ours.score_per_task("r2", [1.0], [1.0])
    with pytest.raises(TypeError, match="scores must map"):
        macro_average([1.0])
    with pytest.raises(ValueError, match="no task"):
        macro_average({})
    with pytest.raises(ValueError, match="about must be"):
        ours.total_explained_variance([1.0], [1.0], about="all")
