"""The folds of the CV classes: every kind of splitter, the default ones, and folds that lack something."""

from __future__ import annotations

import numpy as np
import pytest
from cvtools import classification, hand_loop, regression
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.model_selection import GroupKFold, KFold, LeaveOneOut, ShuffleSplit, StratifiedKFold

from mtlinear import MultiTaskClassifierCV, MultiTaskRegressorCV
from mtlinear.model_selection import TaskKFold
from mtlinear.penalties import L1Lq

ALPHAS = [1.0, 0.1, 0.01]
OPTIONS = {"tol": 1e-9, "max_iter": 50_000}


def bootstrap(n, rng):
    rows = rng.integers(0, n, n)
    return rows, np.setdiff1d(np.arange(n), rows)


SPLITTERS = {
    "KFold": lambda n, rng: KFold(4),
    "shuffled": lambda n, rng: KFold(3, shuffle=True, random_state=0),
    "ShuffleSplit": lambda n, rng: ShuffleSplit(3, test_size=0.7, random_state=0),
    "LeaveOneOut": lambda n, rng: LeaveOneOut(),
    "arrays": lambda n, rng: [(np.arange(10, n), np.arange(10)), (np.arange(n - 5), np.arange(n - 5, n))],
    "generator": lambda n, rng: iter([(np.arange(10, n), np.arange(10)), (np.arange(20), np.arange(20, n))]),
    "lists": lambda n, rng: [(list(range(10, n)), list(range(10)))],
    "bootstrap": lambda n, rng: [bootstrap(n, rng) for _ in range(3)],
    "repeated test rows": lambda n, rng: [(np.arange(10, n), [0, 0, 1])],
}


@pytest.mark.parametrize("name", SPLITTERS)
@pytest.mark.parametrize("shape", [(24, 3), (24, 60)], ids=str)
def test_splitters(name, shape):
    data = regression("2-D", *shape)
    make = SPLITTERS[name]
    cv = make(24, np.random.default_rng(0))
    splits = list(cv.split(data.X) if hasattr(cv, "split") else make(24, np.random.default_rng(0)))
    model = data.fit(MultiTaskRegressorCV(alphas=[0.5, 0.1], cv=cv, **OPTIONS))
    assert model.n_splits_ == len(splits)
    assert_allclose(model.mse_path_, hand_loop(data, L1Lq(), [0.5, 0.1], splits, **OPTIONS), rtol=2e-3, atol=1e-5)


def test_masks_are_row_numbers(shared):
    X, Y = shared
    masks = [np.arange(60) % 3 != k for k in range(3)]
    of_masks = MultiTaskRegressorCV(alphas=3, cv=[(m, ~m) for m in masks]).fit(X, Y)
    numbers = [(np.flatnonzero(m), np.flatnonzero(~m)) for m in masks]
    of_numbers = MultiTaskRegressorCV(alphas=3, cv=numbers).fit(X, Y)
    negative = [(train - 60, test - 60) for train, test in numbers]
    of_negative = MultiTaskRegressorCV(alphas=3, cv=negative).fit(X, Y)
    assert_array_equal(of_masks.mse_path_, of_numbers.mse_path_)
    assert_array_equal(of_negative.mse_path_, of_numbers.mse_path_)
    with pytest.raises(ValueError, match="row numbers or boolean masks"):
        MultiTaskRegressorCV(cv=[([0.5], [1.5])]).fit(X, Y)
    with pytest.raises(IndexError):
        MultiTaskRegressorCV(cv=[([0, 1], [60])]).fit(X, Y)


def folds_used(model, data, groups=None):
    """The splitter stands for what the model did if it gives the same errors."""
    return data.fit(model, groups=groups).mse_path_


def test_default_folds():
    """TaskKFold where rows belong to tasks, StratifiedKFold for classes, else KFold; five of them."""
    options = {"alphas": [0.1]}
    data = regression("2-D", 90, 5)
    expected = folds_used(MultiTaskRegressorCV(cv=KFold(5), **options), data)
    assert_array_equal(folds_used(MultiTaskRegressorCV(**options), data), expected)
    assert_array_equal(folds_used(MultiTaskRegressorCV(cv=5, **options), data), expected)
    for way in ("beside", "by name", "by position"):
        data = regression(way, 90, 5)
        explicit = list(TaskKFold(4).split(data.X, data.y, groups=data.labels()))
        expected = folds_used(MultiTaskRegressorCV(cv=explicit, **options), data)
        assert_array_equal(folds_used(MultiTaskRegressorCV(cv=4, **options), data), expected)
        assert_array_equal(folds_used(MultiTaskRegressorCV(cv=TaskKFold(4), **options), data), expected)
        assert not np.allclose(folds_used(MultiTaskRegressorCV(cv=KFold(4), **options), data), expected)
    data = regression("by name", 90, 5)
    column = TaskKFold(4, task_feature="region")
    assert folds_used(MultiTaskRegressorCV(cv=column, **options), data).shape == (1, 4)
    X, y = classification("classes").X, classification("classes").y
    expected = MultiTaskClassifierCV(cv=StratifiedKFold(3), **options).fit(X, y).score_path_
    assert_array_equal(MultiTaskClassifierCV(cv=3, **options).fit(X, y).score_path_, expected)


def test_a_column_of_classes_is_stratified():
    X, y = np.random.default_rng(0).standard_normal((30, 2)), np.sort(np.arange(30) % 2)
    expected = MultiTaskClassifierCV(alphas=2, cv=3).fit(X, y).score_path_
    with pytest.warns(UserWarning, match="column-vector"):
        assert_array_equal(MultiTaskClassifierCV(alphas=2, cv=3).fit(X, y[:, None]).score_path_, expected)


def test_groups():
    data = regression("2-D", 90, 5)
    groups = np.arange(90) // 3 % 10
    splits = list(GroupKFold(3).split(data.X, groups=groups))
    expected = folds_used(MultiTaskRegressorCV(alphas=[0.1], cv=splits), data)
    assert_array_equal(folds_used(MultiTaskRegressorCV(alphas=[0.1], cv=GroupKFold(3)), data, groups), expected)
    with pytest.raises(ValueError, match="groups"):
        data.fit(MultiTaskRegressorCV(cv=GroupKFold(3)))
    for way in ("2-D", "beside"):  # and TaskKFold does not take them for tasks
        data = regression(way, 90, 5)
        expected = folds_used(MultiTaskRegressorCV(alphas=[0.1]), data)
        with pytest.warns(UserWarning, match="groups are given but not used"):
            assert_array_equal(folds_used(MultiTaskRegressorCV(alphas=[0.1]), data, groups), expected)
    with pytest.raises(ValueError, match="groups and tasks are given"):
        data.fit(MultiTaskRegressorCV(cv=TaskKFold(3)), groups=groups)


@pytest.mark.parametrize("way", ["beside", "by name", "beside weighted"])
def test_a_task_without_training_rows(way):
    data = regression(way, 90, 5)
    labels = data.labels()
    splits = [(np.flatnonzero(labels != "east"), np.flatnonzero(labels == "east")), *data.splits()]
    with pytest.raises(ValueError, match=r"\['east'\] have no row in the training part of fold 0 of cv.*TaskKFold"):
        data.fit(MultiTaskRegressorCV(cv=splits))
    data.parameters["unseen_tasks"] = "mean"
    model = data.fit(MultiTaskRegressorCV(alphas=ALPHAS, cv=splits, **OPTIONS))
    assert_allclose(model.mse_path_, hand_loop(data, L1Lq(), ALPHAS, splits, **OPTIONS), rtol=1e-4)
    scored = data.fit(MultiTaskRegressorCV(alphas=ALPHAS, cv=splits, scoring="neg_mean_squared_error", **OPTIONS))
    if data.sample_weight is None:
        assert_allclose(scored.score_path_, -model.mse_path_, rtol=1e-10)
    assert scored.coef_.shape[0] == 3


def test_a_task_that_is_neither_trained_nor_tested_is_no_error():
    data = regression("beside", 90, 5)
    rest = np.flatnonzero(np.asarray(data.tasks) != "east")
    model = data.fit(MultiTaskRegressorCV(alphas=[0.1], cv=[(rest[::2], rest[1::2])], task_weight=[1.0, 2.0, 3.0]))
    assert np.isfinite(model.mse_path_).all()


def test_a_class_without_training_rows():
    data = classification("classes")
    is_a = data.y == "a"
    with pytest.raises(ValueError, match=r"no row of class\(es\) \['a'\] in the training part of fold 0.*Stratified"):
        data.fit(MultiTaskClassifierCV(cv=[(~is_a, is_a)], unseen_tasks="mean"))
    for way in ("binary", "beside", "multi-label"):
        data = classification(way)
        positive = (data.y if data.y.ndim == 1 else data.y[:, 0]) == 1
        with pytest.raises(ValueError, match=r"y has one class only in task\(s\) .* in the training part of fold 0"):
            data.fit(MultiTaskClassifierCV(cv=[(positive, ~positive)]))


def test_folds_with_nothing_in_them():
    data = regression("2-D missing", 90, 5)
    gone = np.arange(30)
    data.y[30:, 1] = np.nan
    with pytest.raises(ValueError, match=r"no observation of task\(s\) \[1\] in the training part of fold 0"):
        data.fit(MultiTaskRegressorCV(cv=[(np.arange(30, 90), gone)]))
    data = regression("2-D", 90, 5)
    with pytest.raises(ValueError, match="fold 0 of cv has no training row"):
        data.fit(MultiTaskRegressorCV(cv=[([], gone)]))
    with pytest.raises(ValueError, match="fold 0 of cv holds out nothing"):
        data.fit(MultiTaskRegressorCV(cv=[(gone, [])]))
    data.sample_weight = np.r_[np.zeros(30), np.ones(60)]
    with pytest.raises(ValueError, match="fold 1 of cv holds out nothing"):
        data.fit(MultiTaskRegressorCV(cv=[(np.arange(60), np.arange(60, 90)), (np.arange(30, 90), gone)]))
    with pytest.raises(ValueError, match="cv gave no fold"):
        data.fit(MultiTaskRegressorCV(cv=[]))
    with pytest.raises(ValueError, match="n_splits=5"):
        MultiTaskRegressorCV().fit(data.X[:3], data.y[:3])


@pytest.mark.parametrize(("cv", "error"), [(1, ValueError), (0, ValueError), (True, TypeError), (2.5, ValueError)])
def test_cv_that_makes_no_sense(cv, error, shared):
    with pytest.raises(error, match="cv"):
        MultiTaskRegressorCV(cv=cv).fit(*shared)
