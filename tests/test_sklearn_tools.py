"""Everything that a scikit-learn user does with a linear model works with ours: copies, frames, and the table.

The other files of the table are test_sklearn_tools_*.py; docs/scikit_learn.md is the same table for the reader.
"""

from __future__ import annotations

import importlib
import io
import pickle
import re
from pathlib import Path

import joblib
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted
from toolstable import (
    CELLS,
    FEATURES,
    REGRESSORS,
    TESTS,
    WAYS,
    by_hand,
    mutated,
    r2,
    routed,
    same,
    scale_columns,
    way_of,
    works,
)

from mtlinear.model_selection import TaskKFold

HERE = Path(__file__).parent
DOCS = HERE.parent / "docs" / "scikit_learn.md"
ALL = slice(None)

# -- copies ------------------------------------------------------------------------------------------------------------


@works("clone", models=REGRESSORS)
def test_clone(way, model):
    estimator = way.make(model, alpha=3.0).fit(way.X, way.y, **way.metadata)
    copy = clone(estimator)
    assert way.model_of(copy).get_params() == way.model_of(estimator).get_params()
    with pytest.raises(NotFittedError):
        check_is_fitted(way.model_of(copy))
    same(copy.fit(way.X, way.y, **way.metadata).predict(way.X, **way.metadata), by_hand(way, model, alpha=3.0).on(ALL))


@works("pickle", models=REGRESSORS)
def test_pickle(way, model):
    estimator = way.make(model)
    unfitted = pickle.loads(pickle.dumps(estimator))
    estimator.fit(way.X, way.y, **way.metadata)
    file = io.BytesIO()
    joblib.dump(estimator, file)
    file.seek(0)
    expected = by_hand(way, model).on(ALL)
    for copy in (unfitted.fit(way.X, way.y, **way.metadata), pickle.loads(pickle.dumps(estimator)), joblib.load(file)):
        same(copy.predict(way.X, **way.metadata), expected)
        pd.testing.assert_frame_equal(
            way.model_of(copy).parameters_.to_frame(), way.model_of(estimator).parameters_.to_frame()
        )


# -- frames ------------------------------------------------------------------------------------------------------------


#: Names of the features behind the steps of each way, when these have frames as output.
OUTPUT_NAMES = {
    "array": ["x0", "x1", "x2", "x3"],
    "pipeline": ["scale__x0", "scale__x1", "scale__x2", "scale__x3"],
    "strings": [f"scale__{name}" for name in FEATURES],
    "DataFrame": FEATURES,
    "2-D y": ["x0", "x1", "x2", "x3"],
    "tasks=": ["x0", "x1", "x2", "x3"],
}


@works("set_output", models=REGRESSORS)
def test_set_output(way, model):
    """Frames between the steps of a Pipeline change no number, and their names are those of the parameters."""
    estimator = way.make(model)
    if way.prepare is None:  # a step that changes nothing, to have an output
        estimator = Pipeline([("prepare", StandardScaler(with_mean=False, with_std=False)), ("model", estimator)])
    for library in ("pandas", "polars"):
        frame = pytest.importorskip(library).DataFrame
        fitted = clone(estimator).set_output(transform=library).fit(way.X, way.y, **way.metadata)
        assert isinstance(fitted[:-1].transform(way.X), frame)
        same(fitted.predict(way.X, **way.metadata), by_hand(way, model).on(ALL))
        table = fitted[-1].parameters_.to_frame()
        assert table.index.tolist() == OUTPUT_NAMES[way.name]
        same(table, by_hand(way, model).coef.T)


def frame_of(library, kind="strings"):
    """The table of the way "DataFrame" in a library, with task labels of a kind."""
    way = way_of("DataFrame")
    columns = {name: way.X[name].tolist() for name in way.columns}
    if library == "pandas":
        frame = pd.DataFrame(columns)
        return frame if kind == "strings" else frame.astype({"school": "category"})
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame(columns)
    types = {"categories": pl.Categorical, "enum": pl.Enum(["west", "south", "north", "east"])}
    return frame if kind == "strings" else frame.with_columns(pl.col("school").cast(types[kind]))


@pytest.mark.parametrize("model", REGRESSORS)
@pytest.mark.parametrize(
    ("library", "kind"),
    [("pandas", "strings"), ("pandas", "categories")] + [("polars", k) for k in ("strings", "categories", "enum")],
)
def test_frames_with_labels(library, kind, model):
    """No step before the model: the task is found by its name or position, and names are kept."""
    way, frame = way_of("DataFrame"), frame_of(library, kind)
    unscaled = way_of("array")  # has no scaler, and the same numbers
    for column in ("school", 1):
        fitted = model(0.1, task_feature=column, tol=1e-13).fit(frame, way.y)
        same(fitted.predict(frame), by_hand(unscaled, model).on(ALL))
        assert fitted.feature_names_in_.tolist() == way.columns
        assert fitted.tasks_.tolist() == ["east", "north", "south", "west"]
        table = fitted.parameters_.to_frame()
        assert table.index.tolist() == FEATURES
        assert table.columns.tolist() == ["east", "north", "south", "west"]
        same(table, by_hand(unscaled, model).coef.T)
    with pytest.raises(ValueError, match="feature names should match"):
        fitted.predict(frame[["dose", "age", "school", "size", "distance"]])


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_in_a_search(library):
    """Folds, the task of the splitter and a Series as y."""
    way, model, frame = way_of("DataFrame"), REGRESSORS[0], frame_of(library)
    y = pd.Series(way.y) if library == "pandas" else pytest.importorskip("polars").Series(way.y)
    last = model(task_feature=-1, tol=1e-13)
    estimators = {
        "array": (model(task_feature="school", tol=1e-13), "alpha"),
        "pipeline": (Pipeline([("scale", scale_columns(FEATURES)), ("model", last)]), "model__alpha"),
    }
    for name, (estimator, alpha) in estimators.items():
        search = GridSearchCV(estimator, {alpha: [100.0, 0.1]}, cv=TaskKFold(3, task_feature="school"))
        search.fit(frame, y)
        same_data = way_of(name)
        for k, (train, test) in enumerate(same_data.folds(way.y)):
            p = [by_hand(same_data, model, train, alpha=value).on(test) for value in (100.0, 0.1)]
            same(search.cv_results_[f"split{k}_test_score"], [r2(way.y[test], q) for q in p])
        same(search.predict(frame), by_hand(same_data, model).on(ALL))


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_columns_of_a_frame_y_are_the_tasks(library):
    way, model = way_of("2-D y"), REGRESSORS[1]
    frame = pytest.importorskip(library).DataFrame
    X = frame(dict(zip(FEATURES, way.X.T, strict=True)))
    Y = frame(dict(zip("abc", way.y.T, strict=True)))
    fitted = model(0.1, tol=1e-13).fit(X, Y)
    same(fitted.predict(X), by_hand(way, model).on(ALL))
    table = fitted.parameters_.to_frame()
    assert table.index.tolist() == fitted.feature_names_in_.tolist() == FEATURES
    assert table.columns.tolist() == fitted.tasks_.tolist() == ["a", "b", "c"]
    same(table, by_hand(way, model).coef.T)
    scores = cross_val_score(model(0.1, tol=1e-13), X, Y, cv=way.cv(), error_score="raise")
    same(scores, [r2(way.y[test], by_hand(way, model, train).on(test)) for train, test in way.folds(way.y)])


# -- the table ---------------------------------------------------------------------------------------------------------

#: All files of the table: importing them fills the register.
for _file in sorted(HERE.glob("test_sklearn_tools_*.py")):
    importlib.import_module(_file.stem)


def cells(line):
    return [cell.strip().replace("`", "") for cell in line.strip().strip("|").split("|")]


def documented_table():
    """(tool, way) -> (answer, letters of its notes)."""
    section = DOCS.read_text(encoding="utf-8").split("## The table\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    ways = cells(lines[0])[1:]
    assert tuple(ways) == WAYS
    assert set(lines[1]) <= set("|-: ")
    table = {}
    for line in lines[2:]:
        tool, *answers = cells(line)
        assert len(answers) == len(ways), f"{tool} has {len(answers)} cells"
        for way, answer in zip(ways, answers, strict=True):
            match = re.fullmatch(r"(yes|no)(?: \[([a-z])\])?", answer)
            assert match, f"{tool}, {way}: {answer!r}"
            assert (tool, way) not in table
            table[tool, way] = match.groups()
    return table


def test_the_docs_say_what_is_tested():
    table = documented_table()
    assert {cell: answer for cell, (answer, _) in table.items()} == CELLS
    assert {way for _, way in CELLS} == set(WAYS)
    assert len(CELLS) == len(WAYS) * len({tool for tool, _ in CELLS}), "a cell is neither tested to work nor to fail"


def test_the_docs_give_a_reason_for_every_no():
    table = documented_table()
    assert all(note for answer, note in table.values() if answer == "no")
    used = {note for _, note in table.values() if note}
    explained = re.findall(r"^- \[([a-z])\] ", DOCS.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert sorted(used) == explained


def test_the_examples_in_the_docs_run(capsys):
    namespace = {}
    blocks = re.findall(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(blocks) >= 2
    for block in blocks:
        exec(compile(block, DOCS.name, "exec"), namespace)
    promised = re.findall(r"^print\(.*\)  # (.*)$", "".join(blocks), flags=re.MULTILINE)
    assert capsys.readouterr().out.splitlines() == promised


@pytest.mark.parametrize("tool", sorted(TESTS))
def test_every_comparison_bites(tool):
    """Coefficients that are wrong by 1e-4 in the loop by hand are noticed by the test of every tool."""
    test, name, model = TESTS[tool]
    with routed(name):
        test(way_of(name), model)
        with mutated(1e-4), pytest.raises(AssertionError):
            test(way_of(name), model)
