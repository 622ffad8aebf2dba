"""`mtlinear compare`: folds that keep every task in every part."""

from __future__ import annotations

import numpy as np
import pytest
from comparetools import classes_table, shared_table, stacked_table
from numpy.testing import assert_array_equal

from mtlinear.compare import Settings, UsageError, from_table, make_splits
from mtlinear.compare._splits import train_quotas, train_rows

DATA = {
    "stacked": from_table(stacked_table(n_tasks=5, rows=13), ["y"], task="school"),
    "stacked labels": from_table(stacked_table(classify=True), ["y"], task="school", classify=True),
    "classes": from_table(classes_table(), ["kind"], classify=True),
    "targets": from_table(shared_table(), ["y0", "y1"]),
    "label columns": from_table(shared_table(rows=80, classify=True), ["y0", "y1", "y2"], classify=True),
}
SIZES = {"K-fold": None, "rows": 36, "fraction": 0.6}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", DATA)
def test_every_stratum_is_in_every_part(kind, size):
    data = DATA[kind]
    settings = Settings(folds=4, inner_folds=3, train_size=SIZES[size])
    splits = make_splits(data, settings)
    assert len(splits) == 4
    for split in splits:
        assert_array_equal(np.sort(np.concatenate([split.train, split.test])), np.arange(data.n_rows))
        assert len(split.inner) == len(split.train)
        if data.free_strata:
            continue
        everything = set(data.strata)
        assert set(data.strata[split.test]) == everything
        for k in range(3):
            assert set(data.strata[split.train[split.inner == k]]) == everything
    if size == "K-fold":
        tested = np.sort(np.concatenate([split.test for split in splits]))
        assert_array_equal(tested, np.arange(data.n_rows))
        sizes = np.array([np.bincount(data.strata[split.test], minlength=data.strata.max() + 1) for split in splits])
        assert np.all(np.ptp(sizes, axis=0) <= 1)
    else:
        expected = 36 if size == "rows" else round(0.6 * data.n_rows)
        assert {len(split.train) for split in splits} == {expected}


def test_seed():
    first, again, other = (make_splits(DATA["stacked"], Settings(seed=seed)) for seed in (1, 1, 2))
    for a, b in zip(first, again, strict=True):
        assert_array_equal(a.test, b.test)
        assert_array_equal(a.inner, b.inner)
    assert not np.array_equal(first[0].test, other[0].test)


def test_tasks_with_too_few_rows_are_named():
    table = stacked_table()
    small = table[~((table["school"] == "school2") & (np.arange(96) > 12))]
    with pytest.raises(
        UsageError, match=r"--task school: 1 of the tasks have fewer than the 5 rows that --folds 5 .*'school2: 3'"
    ):
        make_splits(from_table(small, ["y"], task="school"), Settings())


def test_smallest_task_that_fits():
    """Five rows are enough for five folds and three inner ones; the message and the check agree."""
    table = stacked_table(rows=5)
    make_splits(from_table(table, ["y"], task="school"), Settings(folds=5, inner_folds=3))
    with pytest.raises(
        UsageError, match=r"fewer than the 7 rows .* \(4 rows are enough for --folds 2 --inner-folds 2\)"
    ):
        make_splits(from_table(table, ["y"], task="school"), Settings(folds=5, inner_folds=5))
    make_splits(from_table(stacked_table(rows=4), ["y"], task="school"), Settings(folds=2, inner_folds=2))
    with pytest.raises(UsageError, match="fewer than the 4 rows"):
        make_splits(from_table(stacked_table(rows=3), ["y"], task="school"), Settings(folds=2, inner_folds=2))


def test_labels_with_too_few_rows_are_named():
    table = stacked_table(classify=True)
    table["y"] = np.where((table["school"] == "school1") & (np.arange(96) > 12), "yes", table["y"])
    table.loc[1, "y"] = "no"
    with pytest.raises(UsageError, match=r"--task school: 1 of the classes of the tasks .*'school1, label no: "):
        make_splits(from_table(table, ["y"], task="school", classify=True), Settings())
    kinds = classes_table()
    kinds = kinds[(kinds["kind"] != "z") | (np.arange(60) < 9)]
    with pytest.raises(UsageError, match=r"--target kind: 1 of the classes .*'z: 3'"):
        make_splits(from_table(kinds, ["kind"], classify=True), Settings())


def test_rare_labels():
    table = shared_table(classify=True)
    table["y0"] = np.where(np.arange(40) < 2, "up", "down")
    with pytest.raises(UsageError, match="--target y0: label 'up' has 2 of 40 rows, too few for --folds 5"):
        make_splits(from_table(table, ["y0", "y1"], classify=True), Settings())


@pytest.mark.parametrize("size", [1, 65, 100, 0.001])
def test_train_size_out_of_range(size):
    with pytest.raises(UsageError, match="--train-size must be a number of rows from 2 to 64"):
        train_rows(DATA["stacked"], Settings(train_size=size))


@pytest.mark.parametrize("size", [10, 62])
def test_train_size_must_leave_room_for_every_task(size):
    with pytest.raises(UsageError, match=f"--train-size {size} is out of range: 5 tasks .* allow 15 to 60 rows"):
        make_splits(DATA["stacked"], Settings(train_size=size))


def test_task_too_small_for_train_size():
    data = from_table(stacked_table(rows=3), ["y"], task="school")
    with pytest.raises(UsageError, match="fewer than the 4 rows that --train-size"):
        make_splits(data, Settings(train_size=8))


def test_quotas_are_proportional():
    data = from_table(stacked_table(n_tasks=2, rows=20)[:30], ["y"], task="school")
    assert_array_equal(train_quotas(data, 20, 3), [10, 10])
    table = stacked_table(n_tasks=2, rows=20)
    uneven = from_table(table[(table["school"] == "school0") | (np.arange(40) < 20)], ["y"], task="school")
    assert_array_equal(train_quotas(uneven, 15, 3), [10, 5])
