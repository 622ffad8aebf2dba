"""TaskKFold: every task, and every class of it, split evenly; as a splitter in scikit-learn's tools."""

from __future__ import annotations

import copy
import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.ensemble import StackingRegressor
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_predict, cross_val_score

from mtlinear import MeanRegularizedRegressor
from mtlinear.metrics import task_r2_scorer
from mtlinear.model_selection import TaskKFold


def folds(cv, tasks, y=None):
    """Test rows of every fold, after a check that train and test are what they should be."""
    n = len(tasks)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        pairs = list(cv.split(np.zeros((n, 1)), y, groups=tasks))
    assert len(pairs) == cv.get_n_splits()
    for train, test in pairs:
        np.testing.assert_array_equal(np.sort(np.concatenate([train, test])), np.arange(n))
        np.testing.assert_array_equal(train, np.sort(train))
        np.testing.assert_array_equal(test, np.sort(test))
    tests = [test for _, test in pairs]
    np.testing.assert_array_equal(np.sort(np.concatenate(tests)), np.arange(n))
    return tests


def spread(counts):
    return max(counts) - min(counts)


@st.composite
def classified_rows(draw):
    """Task and class of every row, shuffled; at least one task is large enough for the folds."""
    n_splits = draw(st.integers(2, 6))
    sizes = [*draw(st.lists(st.integers(1, 20), min_size=1, max_size=8)), n_splits]
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    tasks = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    classes = rng.integers(0, draw(st.integers(1, 3)), len(tasks))
    return n_splits, tasks, classes


@given(rows=classified_rows(), shuffle=st.booleans(), by_class=st.booleans())
@settings(derandomize=True, deadline=None, max_examples=150)
def test_tasks_classes_and_sizes_are_balanced(rows, shuffle, by_class):
    n_splits, tasks, classes = rows
    cv = TaskKFold(n_splits, shuffle=shuffle, random_state=0 if shuffle else None, by_class=by_class)
    tests = folds(cv, tasks, classes)
    assert spread([len(test) for test in tests]) <= 1
    for task in np.unique(tasks):
        counts = [np.sum(tasks[test] == task) for test in tests]
        assert spread(counts) <= 1
        assert min(counts) >= 1 or np.sum(tasks == task) < n_splits
        for label in np.unique(classes) if by_class else []:
            assert spread([np.sum((tasks[test] == task) & (classes[test] == label)) for test in tests]) <= 1


@given(rows=classified_rows(), shuffle=st.booleans())
@settings(derandomize=True, deadline=None, max_examples=30)
def test_names_do_not_matter_and_seeds_repeat(rows, shuffle):
    n_splits, tasks, classes = rows
    cv = TaskKFold(n_splits, shuffle=shuffle, random_state=3 if shuffle else None, by_class=True)
    first = folds(cv, tasks, classes)
    names = np.char.add("task ", (97 - tasks).astype(str))
    for again in (folds(cv, tasks, classes), folds(cv, names, np.array(["x", "c", "k"])[classes])):
        assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))


def test_remainders_go_round_the_folds():
    tasks = np.repeat(np.arange(5), 7)  # 7 = 5 + 2: the two more rows of each task go to other folds
    assert [len(test) for test in folds(TaskKFold(5), tasks)] == [7] * 5


def test_class_shares_over_all_tasks():
    """Three rows of one class and two of the other in each of ten tasks: dealt in turn, no fold would have both."""
    tasks = np.repeat(np.arange(10), 5)
    y = np.tile([0, 0, 0, 1, 1], 10)
    assert [np.sum(y[test]) for test in folds(TaskKFold(5), tasks, y)] == [4] * 5


def test_rows_keep_their_order_without_shuffling():
    tests = folds(TaskKFold(3), np.tile(["a", "b"], 6))
    np.testing.assert_array_equal(np.concatenate(tests), np.arange(12))
    assert [len(t) for t in tests] == [4, 4, 4]


def test_one_task_is_stratified_k_fold(rng):
    y = rng.integers(0, 2, 40)
    ours = folds(TaskKFold(4), np.zeros(40, dtype=int), y)
    theirs = [test for _, test in StratifiedKFold(4).split(y, y)]
    assert sorted(np.bincount(y[t]).tolist() for t in ours) == sorted(np.bincount(y[t]).tolist() for t in theirs)


@pytest.mark.parametrize(
    ("y", "by_class", "taken"),
    [
        (np.tile([0, 1], 6), None, True),
        (np.tile(["no", "yes", "maybe"], 4), None, True),
        (np.array(["no", "yes"] * 6, dtype=object), None, True),
        (np.arange(12) % 4, None, False),  # whole-numbered regression targets
        (np.arange(12) % 4, True, True),
        (np.tile([0, 1], 6), False, False),
        (np.linspace(0, 1, 12), None, False),
        (np.tile([0, 1], 6)[:, None], None, True),
        (None, None, False),
    ],
)
def test_when_classes_count(y, by_class, taken):
    read = TaskKFold(2, by_class=by_class)._read_classes(y, 12)
    assert (read is not None) == taken


# -- small tasks -----------------------------------------------------------------------------------------------------


def test_small_tasks_are_counted_in_a_warning():
    tasks = np.repeat(["a", "b", "c"], [6, 2, 1])
    with pytest.warns(UserWarning, match=r"2 of 3 tasks have fewer rows than n_splits=3 \(the smallest has 1\)"):
        list(TaskKFold(3).split(np.zeros((9, 1)), groups=tasks))
    y = [0, 0, 0, 1, 0, 0, 0, 1, 1, 1]
    with pytest.warns(
        UserWarning, match=r"1 of 4 classes of a task have fewer rows than n_splits=3 \(the smallest has"
    ):
        list(TaskKFold(3).split(np.zeros((10, 1)), y, groups=np.repeat(["a", "b"], [4, 6])))
    with pytest.raises(ValueError, match=r"n_splits=4 is larger than the number of rows of every task \(.* has 3\)"):
        list(TaskKFold(4).split(np.zeros((6, 1)), groups=[0, 0, 0, 1, 1, 1]))


# -- where the tasks come from ---------------------------------------------------------------------------------------


def test_every_source_of_tasks_gives_the_same_folds(stacked):
    X, y, tasks = stacked
    codes = np.unique(tasks, return_inverse=True)[1]
    expected = [test.tolist() for test in folds(TaskKFold(3), tasks, y)]
    frame = pd.DataFrame(X).assign(school=tasks)
    mixed = np.column_stack([X.astype(object), tasks])
    for feature, data in [
        ("school", frame),
        (-1, frame),
        (6, np.column_stack([X, codes])),
        (-1, mixed),
        (-1, mixed.tolist()),
        (-1, csr_array(np.column_stack([X, codes]))),
    ]:
        assert [test.tolist() for _, test in TaskKFold(3, task_feature=feature).split(data, y)] == expected
    assert [test.tolist() for _, test in TaskKFold(3).split(X, y, tasks=tasks)] == expected
    assert [test.tolist() for _, test in TaskKFold(3).split(X, y, tasks)] == expected


@pytest.mark.parametrize(
    ("cv", "arguments", "message"),
    [
        (TaskKFold(2), {}, "TaskKFold needs the task of every row"),
        (TaskKFold(2), {"groups": [0] * 4, "tasks": [0] * 4}, "groups and tasks are given"),
        (TaskKFold(2, task_feature=0), {"groups": [0] * 4}, "task_feature and groups are given"),
        (TaskKFold(2), {"groups": [0, 0, 1]}, "groups must hold one task label per row: got 3 labels for 4 rows"),
        (TaskKFold(2), {"tasks": [0, 0, 1, np.nan]}, "tasks contains NaN"),
        (TaskKFold(2, task_feature=7), {}, "task_feature=7 is out of range"),
        (TaskKFold(2, task_feature="school"), {}, "has no column names"),
        (TaskKFold(2), {"groups": [0] * 4, "y": np.ones((4, 2))}, "y must have one target per row"),
        (TaskKFold(2, by_class=True), {"groups": [0] * 4}, "by_class=True needs y"),
    ],
)
def test_mistakes_are_named(cv, arguments, message):
    with pytest.raises(ValueError, match=message):
        list(cv.split(np.zeros((4, 2)), **arguments))


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"n_splits": 1}, ValueError, "n_splits must be a whole number >= 2"),
        ({"n_splits": 2.5}, TypeError, "n_splits"),
        ({"shuffle": "yes"}, TypeError, "shuffle"),
        ({"by_class": "yes"}, TypeError, "by_class"),
        ({"random_state": 0}, ValueError, "random_state=0 has no effect without shuffle=True"),
    ],
)
def test_bad_parameters(parameters, error, message):
    with pytest.raises(error, match=message):
        TaskKFold(**parameters)


# -- in scikit-learn's tools -----------------------------------------------------------------------------------------


def test_groups_in_cross_validation(stacked):
    X, y, tasks = stacked
    scores = cross_val_score(LinearRegression(), X, y, groups=tasks, cv=TaskKFold(3))
    expected = [LinearRegression().fit(X[a], y[a]).score(X[b], y[b]) for a, b in TaskKFold(3).split(X, y, groups=tasks)]
    np.testing.assert_allclose(scores, expected)
    with sklearn.config_context(enable_metadata_routing=True):
        for name in ("groups", "tasks"):
            routed = cross_val_score(LinearRegression(), X, y, params={name: tasks}, cv=TaskKFold(3))
            np.testing.assert_allclose(routed, expected)
        renamed = TaskKFold(3).set_split_request(groups="school")
        np.testing.assert_allclose(
            cross_val_score(LinearRegression(), X, y, params={"school": tasks}, cv=renamed), expected
        )


@pytest.mark.parametrize("shuffle", [False, True])
def test_nested(stacked, shuffle):
    X, y, tasks = stacked
    Z = pd.DataFrame(X).assign(school=tasks)
    Z.columns = Z.columns.astype(str)
    seed = 0 if shuffle else None
    outer = TaskKFold(2, shuffle=shuffle, random_state=seed, task_feature="school")
    inner = TaskKFold(3, shuffle=shuffle, random_state=seed, task_feature="school")
    model = MeanRegularizedRegressor(task_feature="school")
    alphas = [0.01, 10.0]
    search = GridSearchCV(model, {"alpha": alphas}, cv=inner, scoring=task_r2_scorer, error_score="raise")
    scores = cross_val_score(search, Z, y, cv=outer, scoring=task_r2_scorer, error_score="raise")

    def fitted(alpha, rows):
        return clone(model).set_params(alpha=alpha).fit(Z.iloc[rows], y[rows])

    for score, (train, test) in zip(scores, outer.split(Z, y), strict=True):
        inside = [(train[a], train[b]) for a, b in inner.split(Z.iloc[train], y[train])]
        means = [np.mean([task_r2_scorer(fitted(k, a), Z.iloc[b], y[b]) for a, b in inside]) for k in alphas]
        best = fitted(alphas[int(np.argmax(means))], train)
        assert score == pytest.approx(task_r2_scorer(best, Z.iloc[test], y[test]))


def test_stacking_sets_random_state_and_it_does_nothing(stacked):
    X, y, tasks = stacked
    Z = np.column_stack([X, np.unique(tasks, return_inverse=True)[1]])
    cv = TaskKFold(3, task_feature=-1)
    before = [test.tolist() for _, test in cv.split(Z, y)]
    base = MeanRegularizedRegressor(0.1, task_feature=-1)
    stack = StackingRegressor([("mtl", base)], final_estimator=Ridge(), cv=cv).fit(Z, y)
    held_out = cross_val_predict(base, Z, y, cv=TaskKFold(3, task_feature=-1))
    np.testing.assert_allclose(stack.final_estimator_.coef_, Ridge().fit(held_out[:, None], y).coef_)
    assert [test.tolist() for _, test in cv.split(Z, y)] == before


def test_is_a_parameter_object():
    cv = TaskKFold(4, shuffle=True, random_state=1, task_feature="school")
    for twin in (clone(cv, safe=False), copy.deepcopy(cv), pickle.loads(pickle.dumps(cv))):
        assert vars(twin) == vars(cv)
    text = "TaskKFold(by_class=None, n_splits=4, random_state=1, shuffle=True, task_feature='school')"
    assert " ".join(repr(cv).split()) == text
    search = clone(GridSearchCV(MeanRegularizedRegressor(), {}, cv=cv))
    assert vars(search.cv) == vars(cv)
    assert cv.get_n_splits() == cv.get_n_splits(None, None, None, tasks=None) == 4
    assert cv.get_metadata_routing().consumes("split", ["groups", "tasks"]) == {"groups", "tasks"}
