"""`mtlinear compare`: what is read from a table, and every complaint about it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from comparetools import classes_table, shared_table, stacked_table
from numpy.testing import assert_allclose, assert_array_equal

from mtlinear.compare import UsageError, from_table, load_digits_data
from mtlinear.compare._fitting import prepare_rows
from mtlinear.compare._prepare import make_preparation


def test_stacked_regression():
    table = stacked_table()
    data = from_table(table, ["y"], task="school")
    assert (data.layout, data.classification, data.n_tasks) == ("stacked", False, 4)
    assert data.task_names == ["school0", "school1", "school2", "school3"]
    assert (data.numeric, data.categorical) == (["a", "b", "c", "flag"], ["colour"])
    assert_array_equal(data.codes, np.arange(96) % 4)
    assert "y" not in data.table
    assert "colour" in " ".join(data.notes)
    assert "flag" in " ".join(data.notes)


def test_several_targets_are_tasks():
    data = from_table(shared_table(), ["y0", "y2"], drop=["y1"])
    assert (data.layout, data.n_tasks, data.target.shape) == ("columns", 2, (40, 2))
    assert data.numeric == list("abcd")
    assert data.scales_targets


def test_classes_are_one_vs_rest_tasks():
    data = from_table(classes_table(), ["kind"], classify=True)
    assert (data.layout, data.task_names) == ("classes", ["x", "y", "z"])
    assert_array_equal(data.target.sum(axis=1), -np.ones(60))


@pytest.mark.parametrize(("classify", "layout"), [(True, "columns"), (False, "columns")])
def test_labels_in_several_columns(classify, layout):
    data = from_table(shared_table(classify=classify), ["y0", "y1"], classify=classify)
    assert (data.layout, data.classification) == (layout, classify)
    assert data.free_strata is classify


def test_stacked_classification_uses_the_same_two_labels_in_all_tasks():
    data = from_table(stacked_table(classify=True), ["y"], task="school", classify=True)
    assert set(data.target) == {-1.0, 1.0}
    assert len(data.stratum_names) == 8


def test_digits():
    data = load_digits_data()
    assert (data.n_rows, data.n_tasks, len(data.numeric)) == (1797, 10, 64)


def test_preparation_learns_from_training_rows_only():
    table = stacked_table()
    table.loc[table.index % 7 == 0, "a"] = np.nan
    data = from_table(table, ["y"], task="school")
    train, test = np.arange(48), np.arange(48, 96)
    before, _ = prepare_rows(data, train, test)
    data.table.loc[48:, ["a", "b"]] = 1e6
    after, _ = prepare_rows(data, train, test)
    assert_array_equal(before.X, after.X)
    assert_allclose(before.X.mean(axis=0), 0.0, atol=1e-12)
    assert_allclose(before.X.std(axis=0), 1.0)
    assert "filled with the median" in " ".join(data.notes)


def test_missing_and_unknown_categories():
    table = stacked_table()
    table.loc[3, "colour"] = None
    data = from_table(table, ["y"], task="school")
    preparation = make_preparation(data).fit(data.table)
    assert "colour=(missing)" in preparation.get_feature_names_out()
    unknown = data.table.iloc[:2].assign(colour="violet")
    assert np.isfinite(preparation.transform(unknown)).all()


def test_truth_values_with_gaps_are_numbers():
    table = stacked_table()
    table["flag"] = table["flag"].astype(object)
    table.loc[5, "flag"] = None
    data = from_table(table, ["y"], task="school")
    assert "flag" in data.numeric
    assert np.isfinite(make_preparation(data).fit_transform(data.table)).all()


def test_several_targets_are_scaled_by_training_rows():
    data = from_table(shared_table(), ["y0", "y1", "y2"])
    train, _ = prepare_rows(data, np.arange(30), np.arange(30, 40))
    assert_allclose(train.y.std(axis=0), 1.0)


def spoiled(column, value, rows=slice(0, 3)):
    table = stacked_table()
    table[column] = table[column].astype(object)
    table.loc[table.index[rows], column] = value
    return table.infer_objects()


BAD_TABLES = {
    "no target": (stacked_table(), [], {}, "--target is missing"),
    "unknown target": (stacked_table(), ["z"], {"task": "school"}, "--target 'z': no such column; the columns are"),
    "misspelt columns": (
        stacked_table(), ["Y"], {"task": "school", "drop": ["Colur"]}, "--target 'Y': .* Did you mean 'y'",
    ),
    "misspelt task": (stacked_table(), ["y"], {"task": "Schol"}, "--task 'Schol': .* Did you mean 'school'"),
    "unknown task": (stacked_table(), ["y"], {"task": "z"}, "--task 'z': no such column"),
    "unknown drop": (stacked_table(), ["y"], {"task": "school", "drop": ["z"]}, "--drop 'z': no such column"),
    "dropped target": (stacked_table(), ["y"], {"task": "school", "drop": ["y"]}, "--drop y is also"),
    "target twice": (stacked_table(), ["y", "y"], {}, "names a column twice"),
    "task is target": (stacked_table(), ["y"], {"task": "y"}, "also a --target"),
    "task and targets": (shared_table(), ["y0", "y1"], {"task": "a"}, "--task needs exactly one --target"),
    "one task": (stacked_table(n_tasks=1), ["y"], {"task": "school"}, "one task only"),
    "no task": (stacked_table(), ["y"], {}, "one task only; give --task or several"),
    "two classes": (shared_table(classify=True), ["y0"], {"classify": True}, "more than two classes is several"),
    "task per row": (stacked_table(), ["y"], {"task": "a"}, "every row is a task"),
    "NaN target": (
        spoiled("y", np.nan), ["y"], {"task": "school"},
        r"--target y: 3 of 96 rows have no value \(rows 1, 2, 3 below the header\); remove those rows: a target cannot",
    ),
    "NaN task": (spoiled("school", None), ["y"], {"task": "school"}, "school: 3 of 96 .*name their task, or remove"),
    "text target": (stacked_table(classify=True), ["y"], {"task": "school"}, "not numeric .* add --classify"),
    "infinite target": (spoiled("y", np.inf), ["y"], {"task": "school"}, "'y' has 3 infinite"),
    "constant target": (stacked_table().assign(y=1.0), ["y"], {"task": "school"}, "--target y is constant"),
    "infinite feature": (spoiled("a", np.inf), ["y"], {"task": "school"}, "'a' has 3 infinite"),
    "empty feature": (stacked_table().assign(a=np.nan), ["y"], {"task": "school"}, "'a' has no value at all"),
    "identifier": (
        stacked_table().assign(key=[f"k{i}" for i in range(96)]), ["y"], {"task": "school"}, "'key' has 96 different",
    ),
    "dates": (
        stacked_table().assign(day=pd.date_range("2020", periods=96)), ["y"], {"task": "school"}, "'day' holds dates",
    ),
    "three labels": (
        stacked_table().assign(y=np.arange(96) % 3), ["y"], {"task": "school", "classify": True}, "3 different labels",
    ),
    "one class in a task": (
        stacked_table(classify=True).assign(y=lambda t: np.where(t["school"] == "school1", "yes", t["y"])),
        ["y"], {"task": "school", "classify": True}, "one class only in the task.*'school1'",
    ),
    "no feature": (stacked_table()[["school", "y"]], ["y"], {"task": "school"}, "no feature column left"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_TABLES)
def test_bad_tables(case):
    table, targets, options, message = BAD_TABLES[case]
    with pytest.raises(UsageError, match=message):
        from_table(table, targets, **options)
