"""`mtlinear compare`: tables on disk, and the columns that are not what they seem."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from comparetools import stacked_table
from numpy.testing import assert_allclose, assert_array_equal

from mtlinear.compare import UsageError, from_table, read_table
from mtlinear.compare._data import TaskData
from mtlinear.compare._saved import check_new_table


def data_of(table: pd.DataFrame) -> TaskData:
    return from_table(table, ["y"], task="school")


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_files(tmp_path, suffix):
    table = stacked_table()
    path = tmp_path / f"data{suffix}"
    if suffix == ".csv":
        table.to_csv(path, index=False)
    else:
        pytest.importorskip("pyarrow")
        table.to_parquet(path)
    data = from_table(read_table(path), ["y"], task="school")
    assert_allclose(data.target, table["y"])
    assert data.categorical == ["colour"]


BAD_FILES = {
    "missing": ("none.csv", None, "no such file"),
    "suffix": ("data.xlsx", b"x", r"must be a \.csv, \.tsv or \.parquet"),
    "folder": ("", None, r"this is a folder; name a \.csv, \.tsv or \.parquet file in it"),
    "encoding": ("data.csv", "a,caf\u00e9\n1,2\n".encode("latin-1"), "not in UTF-8 .*; save it as UTF-8"),
    "encoding of a cell": ("data.csv", "a,b\n1,caf\u00e9\n".encode("latin-1") * 9000, "save it as UTF-8"),
    "empty": ("data.csv", b"", "not a readable"),
    "no rows": ("data.csv", b"a,b\n", "no rows"),
    "not parquet": ("data.parquet", b"junk", "not a readable"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_bad_files(tmp_path, case):
    name, content, message = BAD_FILES[case]
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError, match=message):
        read_table(tmp_path / name)


SEPARATED = {
    "semicolons": (".csv", {"sep": ";"}, "columns separated by ';'"),
    "tabs": (".csv", {"sep": "\t"}, "columns separated by tabs"),
    "bars": (".csv", {"sep": "|"}, "columns separated by '|'"),
    "tsv": (".tsv", {"sep": "\t"}, "columns separated by tabs"),
    "decimal commas": (".csv", {"sep": ";", "decimal": ","}, "columns separated by ';', with decimal commas"),
    "byte order mark": (".csv", {"sep": ";", "encoding": "utf-8-sig"}, "columns separated by ';'"),
}


@pytest.mark.parametrize("kind", SEPARATED)
def test_other_separators_are_read_and_told(kind, tmp_path):
    suffix, options, note = SEPARATED[kind]
    table = stacked_table()
    table.to_csv(tmp_path / f"data{suffix}", index=False, **options)
    data = data_of(read_table(tmp_path / f"data{suffix}"))
    assert data.notes[0] == note
    assert_allclose(data.target, table["y"])
    assert data.numeric == ["a", "b", "c", "flag"]


def test_commas_win_and_what_is_in_quotes_separates_nothing(tmp_path):
    (tmp_path / "commas.csv").write_text('a;b,"c|d"\n1,2\n3,4\n')
    assert list(read_table(tmp_path / "commas.csv")) == ["a;b", "c|d"]
    (tmp_path / "bars.csv").write_text('"a, in m"|b\n1|2\n3|4\n')
    table = read_table(tmp_path / "bars.csv")
    assert list(table) == ["a, in m", "b"]
    assert_array_equal(table["b"], [2, 4])


def test_plain_files_have_nothing_to_tell(tmp_path):
    stacked_table().to_csv(tmp_path / "data.csv", index=False)
    assert not any("separated" in note for note in data_of(read_table(tmp_path / "data.csv")).notes)


# Columns --------------------------------------------------------------------------------------------------------------


def with_texts(column, texts):
    """The table with texts in the rows from the sixth on."""
    table = stacked_table()
    table[column] = table[column].astype(str)
    table.loc[5 : 4 + len(texts), column] = texts
    return table


def test_a_number_column_with_a_bad_cell_is_no_category():
    message = (
        r"column 'a': 1 of 96 values is not a number \('n/a\?', row 6 below the header\): correct or empty it, or "
        "leave the column out with --drop 'a'"
    )
    with pytest.raises(UsageError, match=message):
        data_of(with_texts("a", ["n/a?"]))
    with pytest.raises(UsageError, match=r"2 of 96 values are not numbers \('x', 'y', rows 6, 7 below .* empty them"):
        data_of(with_texts("a", ["x", "y"]))
    with pytest.raises(UsageError, match=r"--target y: 1 of 96 values is not a number \('\?', row 6 below"):
        data_of(with_texts("y", ["?"]))


def test_gaps_do_not_count_and_an_emptied_cell_is_filled():
    table = with_texts("a", ["bad"])
    table.loc[10:19, "a"] = None
    with pytest.raises(UsageError, match="1 of 86 values"):
        data_of(table)
    table.loc[5, "a"] = None
    table["a"] = table["a"].astype(float)
    assert "a" in data_of(table).numeric


def test_mixed_texts_stay_categories():
    table = stacked_table().assign(size=lambda t: np.where(np.arange(len(t)) % 5 == 0, "large", "1"))
    assert "size" in data_of(table).categorical  # four fifths are numbers: few enough to be levels
    mostly = stacked_table().assign(
        size=lambda t: pd.Categorical(np.where(np.arange(len(t)) % 32 == 0, "3+", (np.arange(len(t)) % 3).astype(str)))
    )
    assert "size" in data_of(mostly).categorical  # a categorical dtype, of a Parquet file, says that it is meant
    with pytest.raises(UsageError, match="column 'size': 3 of 96 values are not numbers"):
        data_of(mostly.assign(size=mostly["size"].astype(str)))


@pytest.mark.parametrize(("name", "start"), [("id", 0), ("id", 1), ("Unnamed: 0", 7)])
def test_row_numbers_are_noticed(name, start):
    table = stacked_table()
    table.insert(0, name, np.arange(start, start + len(table)))
    note = f"column {name!r} looks like a row number; --drop {name!r} leaves it out"
    assert note in data_of(table).notes


def test_other_whole_numbers_are_no_row_numbers():
    table = stacked_table()
    table["of year"] = np.arange(2, 2 + len(table))
    table["order"] = np.arange(len(table))[::-1]
    assert not any("row number" in note for note in data_of(table).notes)


def test_new_tables_need_numbers_where_the_data_have_them():
    data = data_of(stacked_table())
    check_new_table(data, stacked_table(), "new.csv")
    with pytest.raises(UsageError, match=r"--predict new.csv: column 'a' holds numbers .*\('x', row 6 below"):
        check_new_table(data, with_texts("a", ["x"]), "new.csv")
    with pytest.raises(UsageError, match=r"'a', 'colour' are missing.* Did you mean 'A', 'Colour'"):
        check_new_table(data, stacked_table().rename(columns={"a": "A", "colour": "Colour"}), "new.csv")
    with pytest.raises(UsageError, match=r"task column 'school' \(row 3 below the header\)"):
        check_new_table(data, stacked_table().assign(school=lambda t: t["school"].mask(t.index == 2)), "new.csv")
