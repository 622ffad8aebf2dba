"""Options of ``mtlinear compare`` beyond the table: structures, config files, JSON, saved models and predictions."""

from __future__ import annotations

import json
import re

import joblib
import numpy as np
import pandas as pd
import pytest
from comparetools import classes_table, shared_table, stacked_table
from numpy.testing import assert_allclose, assert_array_equal
from test_cli import QUICK

from mtlinear import cli
from mtlinear.compare import STRUCTURES, make_models

STACKED = ["--target", "y", "--task", "school"]
FEW = [*QUICK, "--structures", "mean-regularized"]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder with data.csv, where the school column names the tasks."""
    monkeypatch.chdir(tmp_path)
    stacked_table().to_csv("data.csv", index=False)
    return tmp_path


def test_every_structure_can_be_named(here, capsys):
    assert cli.main(["compare", "data.csv", *STACKED, *QUICK, "--structures", *STRUCTURES]) == 0
    models = pd.read_csv("mtlinear-report/results.csv")["model"].unique()
    expected = [model.name for model in make_models(4, structures=STRUCTURES, pooled_slopes=True)]
    assert sorted(models) == sorted(expected)
    assert len(expected) == 3 + len(STRUCTURES)
    assert [name.lower().replace(" ", "-") for name in expected[3:]] == list(STRUCTURES)


def test_structures_are_in_the_order_they_are_named_and_once():
    models = make_models(4, structures=["robust", "dirty", "robust"])
    assert [model.name for model in models] == ["single-task", "pooled", "robust", "dirty"]


def test_config_file_is_the_command_line(here, capsys):
    (here / "study.toml").write_text(
        'data = "data.csv"\ntarget = "y"\ntask = "school"\nfolds = 3\ninner-folds = 2\ncandidates = 2\nn_jobs = 1\n'
        'tol = 1e-4\nstructures = ["mean-regularized"]\n'
    )
    assert cli.main(["compare", "--config", "study.toml", "--out", "by file"]) == 0
    assert cli.main(["compare", "data.csv", *STACKED, *FEW, "--out", "by words"]) == 0
    one, other = (pd.read_csv(here / name / "results.csv").drop(columns="seconds") for name in ("by file", "by words"))
    pd.testing.assert_frame_equal(one, other, check_exact=True)


def test_command_line_wins_over_the_config_file(here):
    (here / "study.toml").write_text('[compare]\ntarget = "b"\nfolds = 4\nclassify = false\nstructures = ["robust"]\n')
    assert cli.main(["compare", "data.csv", "--config", "study.toml", *STACKED, *FEW]) == 0
    results = pd.read_csv("mtlinear-report/results.csv")
    assert results["fold"].nunique() == 3
    assert set(results["model"]) == {"single-task", "pooled", "pooled slopes", "mean-regularized"}


BAD_CONFIGS = {
    "unknown option": ("fold = 3", "'fold' is no option; the options are.* Did you mean 'folds'?"),
    "wrong value": ("folds = 1", "--folds: must be a whole number >= 2, got '1'"),
    "wrong type": ("classify = 1", "classify must be true or false, got 1"),
    "a list for one": ('task = ["a", "b"]', r"task must be a text or number, got \['a', 'b'\]"),
    "an empty list": ("target = []", r"target must be a text or number, or a list, got \[\]"),
    "unknown structure": ('structures = ["clusters"]', "invalid choice: 'clusters'"),
    "no TOML": ("folds 3", "not a TOML file"),
    "another table": ("[compare]\nfolds = 3\n[plot]\nx = 1", "take 'plot' into it, or out"),
    "no table": ("compare = 3", "compare must be a table"),
}


@pytest.mark.parametrize("case", BAD_CONFIGS)
def test_bad_config_is_one_line_and_exit_code_2(case, here, capsys):
    text, message = BAD_CONFIGS[case]
    (here / "study.toml").write_text(text)
    assert cli.main(["compare", "--config", "study.toml"]) == 2
    printed = capsys.readouterr().err
    assert printed.count("\n") == 1
    assert "--config study.toml: " in printed
    assert re.search(message, printed)


def test_missing_config_file(here, capsys):
    assert cli.main(["compare", "--config", "none.toml"]) == 2
    assert "--config none.toml: cannot be read (No such file" in capsys.readouterr().err


def test_json_alone_is_on_stdout_and_says_what_the_table_says(here, capsys):
    assert cli.main(["compare", "data.csv", *STACKED, *FEW, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    results = pd.read_csv("mtlinear-report/results.csv")
    for model in answer["models"]:
        scores = results.loc[results["model"] == model["model"], "score"]
        assert_allclose(model["mean"], scores.mean())
    assert answer["best"] == "mean-regularized"
    assert answer["data"]["tasks"] == [f"school{k}" for k in range(4)]
    assert sorted(gain["task"] for gain in answer["gains"]) == answer["data"]["tasks"]
    assert answer["certificate"]["uncertified"] == 0
    assert answer["certificate"]["largest_relative_gap"] <= 1e-4
    assert answer["models"][0]["difference"] is None  # the reference
    assert not answer["partial"]
    assert answer["clusters"] is None
    assert answer["gain_measure"] == (
        "reduction of the mean squared error, as a fraction of that of the single-task models"
    )
    assert {gain["measure"] for gain in answer["gains"]} == {"mean squared error"}
    for model in answer["models"]:
        ends = results.loc[results["model"] == model["model"], "edge_of_grid"].value_counts()
        assert model["at_edge"] == {end: ends.get(end, 0) for end in ("largest", "smallest")}
        assert ("tried in" in model["chosen"]) is bool(len(ends))


@pytest.mark.parametrize("suffix", ["joblib", "skops"])
def test_saved_model_is_the_best_model(suffix, here, capsys):
    path = f"models/model.{suffix}"
    assert cli.main(["compare", "data.csv", *STACKED, *FEW, "--save", path]) == 0
    if suffix == "skops":
        io = pytest.importorskip("skops.io")
        model = io.load(path, trusted=io.get_untrusted_types(file=path))
    else:
        model = joblib.load(path)
    table = stacked_table()
    expected = joblib.load("mtlinear-report/best_model.joblib").predict(table)
    assert_array_equal(model.predict(table), expected)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("model.pkl", "must end with .skops or .joblib"),
        ("data.csv/model.joblib", "its folder cannot be made"),
        ("folder.joblib", "this is a folder"),
    ],
)
def test_where_to_save_is_checked_before_any_work(name, message, here, capsys):
    (here / "folder.joblib").mkdir()
    assert cli.main(["compare", "data.csv", *STACKED, "--save", name]) == 2
    assert message in capsys.readouterr().err


def test_predictions_of_known_and_new_tasks(here, capsys):
    new = stacked_table().drop(columns="y")
    new.loc[[0, 5], "school"] = "elsewhere"
    new.to_csv("new.csv", index=False)
    assert cli.main(["compare", "data.csv", *STACKED, *FEW, "--predict", "new.csv"]) == 0
    assert "2 row(s) of tasks that were not in the data, 'elsewhere': predicted by the mean task" in (
        capsys.readouterr().out
    )
    predictions = pd.read_csv("mtlinear-report/predictions.csv")
    assert list(predictions) == ["school", "predicted_y"]
    assert list(predictions["school"]) == list(new["school"])
    model = joblib.load("mtlinear-report/best_model.joblib")
    known = new["school"] != "elsewhere"
    assert_allclose(predictions.loc[known, "predicted_y"], model.predict(new[known]))
    # The mean task: the mean of what all tasks say.
    each = [model.predict(new[~known].assign(school=f"school{k}")) for k in range(4)]
    assert_allclose(predictions.loc[~known, "predicted_y"], np.mean(each, axis=0))
    with pytest.raises(ValueError, match="elsewhere"):
        model.predict(new)  # the saved model itself does not guess, unless it is told to, as the page says
    model[-1].set_params(unseen_tasks="mean")
    assert_allclose(model.predict(new), predictions["predicted_y"])


def test_predictions_of_several_targets_are_in_their_units(here):
    table = shared_table()
    table.to_csv("data.csv", index=False)
    targets = ["y0", "y1", "y2"]
    assert cli.main(["compare", "data.csv", "--target", *targets, *FEW, "--predict", "data.csv"]) == 0
    predictions = pd.read_csv("mtlinear-report/predictions.csv")
    assert list(predictions) == [f"predicted_{name}" for name in targets]
    assert_allclose(predictions.mean().to_numpy(), table[targets].mean().to_numpy(), rtol=1e-6)


def test_predictions_of_classes_come_with_probabilities(here):
    classes_table().to_csv("data.csv", index=False)
    options = ["--target", "kind", "--classify", "--predict", "data.csv"]
    assert cli.main(["compare", "data.csv", *options, *FEW]) == 0
    predictions = pd.read_csv("mtlinear-report/predictions.csv")
    labels = sorted(classes_table()["kind"].unique())
    assert list(predictions) == ["predicted_kind", *(f"probability_{label}" for label in labels)]
    probabilities = predictions.drop(columns="predicted_kind")
    assert_allclose(probabilities.sum(axis=1), 1.0)
    assert (probabilities.idxmax(axis=1) == "probability_" + predictions["predicted_kind"]).all()


def test_a_new_table_without_a_column_is_refused_before_any_work(here, capsys):
    stacked_table().drop(columns=["a", "school"]).to_csv("new.csv", index=False)
    assert cli.main(["compare", "data.csv", *STACKED, "--predict", "new.csv"]) == 2
    assert "--predict new.csv: the column(s) 'a', 'school' are missing" in capsys.readouterr().err
    assert cli.main(["compare", "data.csv", *STACKED, "--predict", "none.csv"]) == 2
    assert "--predict none.csv: there is no such file" in capsys.readouterr().err


def test_help_has_examples_and_all_structures(capsys):
    with pytest.raises(SystemExit) as end:
        cli.main(["compare", "--help"])
    assert end.value.code == 0
    printed = capsys.readouterr().out
    assert "examples:\n  mtlinear compare patients.csv --target outcome --task hospital" in printed
    assert all(name in printed.replace("\n" + " " * 24, " ") for name in STRUCTURES)
    assert "None" not in printed
    assert "SUPPRESS" not in printed
    assert "(default: 5)" in printed


def test_nobody_reads_the_output(here, monkeypatch, capsys):
    """As before ``| head``: the exit code of shells, and no traceback."""

    def closed(*args, **kwargs):
        raise BrokenPipeError

    monkeypatch.setattr("mtlinear.compare.compare_command", closed)
    monkeypatch.setattr(cli.os, "dup2", lambda *files: None)
    with (here / "log").open("w") as log:
        monkeypatch.setattr(cli.sys, "stdout", log)
        assert cli.main(["compare", "data.csv"]) == 141
    assert capsys.readouterr().err == ""
