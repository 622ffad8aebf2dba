"""The command line, end to end on small tables: output, files, exit codes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time

import joblib
import numpy as np
import pandas as pd
import pytest
from comparetools import classes_table, shared_table, stacked_table
from numpy.testing import assert_allclose, assert_array_equal
from test_datasets import school_home

import mtlinear
from mtlinear import cli
from mtlinear.compare import _run as run_module

QUICK = ["--folds", "3", "--inner-folds", "2", "--candidates", "2", "--n-jobs", "1", "--tol", "1e-4"]

KINDS = {
    "stacked": (stacked_table(), ["--target", "y", "--task", "school"]),
    "stacked labels": (stacked_table(classify=True), ["--target", "y", "--task", "school", "--classify"]),
    "targets": (shared_table(), ["--target", "y0", "y1", "y2"]),
    "label columns": (shared_table(rows=80, classify=True), ["--target", "y0", "y1", "y2", "--classify"]),
    "classes": (classes_table(), ["--target", "kind", "--classify"]),
}


def run(tmp_path, table, *options):
    """Exit code of ``mtlinear compare`` on a table, and its output folder."""
    path = tmp_path / "data.csv"
    table.to_csv(path, index=False)
    out = tmp_path / "out"
    return cli.main(["compare", str(path), *options, "--out", str(out)]), out


@pytest.mark.parametrize("kind", KINDS)
def test_end_to_end(kind, tmp_path, capsys):
    table, options = KINDS[kind]
    code, out = run(tmp_path, table, *options, *QUICK)
    printed = capsys.readouterr()
    assert code == 0, printed.err
    for name in ("single-task", "pooled", "block-sparse", "dirty", "trace norm", "mean-regularized", "clustered"):
        assert re.search(rf"^{name} +\d", printed.out, re.MULTILINE) or f"{name} " in printed.out
        assert f"{name} done" in printed.err
    assert "tasks lose" in printed.out or "loses by sharing" in printed.out
    assert "Every number comes from fits certified to a duality gap of at most 0.0001" in printed.out
    results = pd.read_csv(out / "results.csv")
    assert len(results) == (7 + (kind == "stacked")) * 3
    assert ("pooled slopes" in set(results["model"])) is (kind == "stacked")
    fits = re.search(r"\(([\d,]+) fits", printed.out)[0]
    assert fits in (out / "report.html").read_text(encoding="utf-8")  # with those that chose the saved model
    assert results["uncertified_fits"].sum() == 0
    assert (results["largest_relative_gap"] <= 1e-4).all()
    model = joblib.load(out / "best_model.joblib")
    first, again = model.predict(table), joblib.load(out / "best_model.joblib").predict(table)
    assert_array_equal(first, again)
    assert len(first) == len(table)
    assert isinstance(model[-1], mtlinear.MultiTaskClassifier) or "Regressor" in repr(model[-1])


def test_best_model_predicts_in_units_of_the_targets(tmp_path):
    table = shared_table(rows=80)
    code, out = run(tmp_path, table, "--target", "y0", "y1", "y2", *QUICK)
    assert code == 0
    predicted = joblib.load(out / "best_model.joblib").predict(table)
    for t in range(3):
        assert np.corrcoef(predicted[:, t], table[f"y{t}"])[0, 1] > 0.3
        assert 0.1 < predicted[:, t].std() / table[f"y{t}"].std() < 1.1


def test_best_model_knows_the_names_and_is_certified(tmp_path):
    table = stacked_table(rows=30)
    code, out = run(tmp_path, table, "--target", "y", "--task", "school", *QUICK)
    assert code == 0
    model = joblib.load(out / "best_model.joblib")[-1]
    assert model.tasks_.tolist() == ["school0", "school1", "school2", "school3"]
    assert "colour=red" in model.parameters_.feature_names
    assert model.dual_gap_ <= 1e-4 * np.var(table["y"]) * 4


def comparable(out):
    return pd.read_csv(out / "results.csv").drop(columns="seconds")


def test_same_seed_same_results(tmp_path):
    table, options = KINDS["stacked"]
    frames = []
    for k, extra in enumerate((["--n-jobs", "1"], ["--n-jobs", "2"], ["--seed", "1"])):
        folder = tmp_path / str(k)
        folder.mkdir()
        code, out = run(folder, table, *options, *QUICK, "--structures", "dirty", "clustered", *extra)
        assert code == 0
        frames.append(comparable(out))
    pd.testing.assert_frame_equal(frames[0], frames[1], check_exact=True)
    assert not frames[0]["score"].equals(frames[2]["score"])


def test_report_is_self_contained_and_escaped(tmp_path):
    table = stacked_table(names="<b>&'\"school")
    table = table.rename(columns={"a": "<script>alert(1)</script>"})
    code, out = run(tmp_path, table, "--target", "y", "--task", "school", *QUICK)
    assert code == 0
    page = (out / "report.html").read_text(encoding="utf-8")
    assert re.findall(r"""(?:src|href)\s*=\s*["']?(.{5})""", page) == ["data:"] * 5
    assert "url(" not in page
    assert "http://" not in page
    assert "https://" not in page
    assert "<script" not in page
    assert "<b>" not in page
    assert "&lt;b&gt;" in page


def test_train_size_and_drop(tmp_path, capsys):
    table = stacked_table().assign(key=[f"k{i}" for i in range(96)])
    options = ["--target", "y", "--task", "school", "--train-size", "0.5", "--drop", "key", *QUICK]
    code, _ = run(tmp_path, table, *options)
    printed = capsys.readouterr().out
    assert code == 0
    assert "3 splits, 48 training and 48 test rows" in printed
    assert "left out: 'key'" in printed


BAD_USAGE = {
    "no command": ([], "compare"),
    "a file for the command": (["my data.csv", "--target", "y"], "try: mtlinear compare 'my data.csv' --target y$"),
    "load": (["compare", "--load", "model.joblib"], r"there is no --load; in Python: joblib.load"),
    "misspelt structure": (["compare", "--structures", "clusterd"], "'clusterd'; .* Did you mean 'clustered'?"),
    "unknown option": (["compare", "--sed", "1"], r"--sed \(see: mtlinear compare --help\)"),
    "unknown dataset": (["compare", "--dataset", "iris"], "invalid choice: 'iris'.*digits.*school"),
    "folds": (["compare", "--folds", "1"], "--folds: must be a whole number >= 2, got '1'"),
    "inner folds": (["compare", "--inner-folds", "x"], "--inner-folds: must be a whole number"),
    "candidates": (["compare", "--candidates", "1"], "--candidates must be at least 2"),
    "n-jobs": (["compare", "--n-jobs", "0"], "--n-jobs: must be a whole number"),
    "tol": (["compare", "--tol", "0"], "--tol: must be a number between 0 and 1"),
    "train size": (["compare", "--train-size", "1.5"], "--train-size: must be a number of rows or a fraction"),
    "too many training rows": (
        ["compare", "--train-size", "1797"],
        "--train-size must be a number of rows from 2 to 1796",
    ),
    "too few training rows": (["compare", "--train-size", "20"], "--train-size 20 is out of range: 10 classes"),
    "target without a file": (["compare", "--target", "y"], "--target describes the columns of a file"),
    "missing file": (["compare", "none.csv", "--target", "y"], "none.csv: there is no such file"),
    "file and dataset": (["compare", "x.csv", "--dataset", "digits"], "--dataset digits and the file x.csv are both"),
}


@pytest.mark.parametrize("case", BAD_USAGE)
def test_bad_usage_is_one_line_and_exit_code_2(case, capsys):
    arguments, message = BAD_USAGE[case]
    assert cli.main(arguments) == 2
    printed = capsys.readouterr()
    assert re.search(message, printed.err)
    assert printed.err.count("\n") == 1
    assert printed.err.startswith("mtlinear: error: ")


def test_bad_data_is_one_line_and_exit_code_2(tmp_path, capsys):
    code, _ = run(tmp_path, stacked_table(), "--target", "z", "--task", "school")
    printed = capsys.readouterr()
    assert code == 2
    assert "--target 'z': no such column; the columns are 'a', 'b'" in printed.err
    assert printed.err.count("\n") == 1


def test_wrong_school_file(tmp_path, capsys):
    (tmp_path / "school.mat").write_bytes(b"not it")
    assert cli.main(["compare", "--dataset", "school", "--data-home", str(tmp_path)]) == 2
    assert "--dataset school: " in (err := capsys.readouterr().err)
    assert "not the expected file" in err


def test_out_must_be_a_folder(tmp_path, capsys):
    (tmp_path / "out").write_text("in the way")
    code, _ = run(tmp_path, stacked_table(), "--target", "y", "--task", "school")
    assert code == 2
    assert "--out" in capsys.readouterr().err


def test_missing_extra_is_named(monkeypatch, capsys):
    real = cli.importlib.import_module

    def without_rich(name):
        if name == "rich":
            raise ImportError(name)
        return real(name)

    monkeypatch.setattr(cli.importlib, "import_module", without_rich)
    assert cli.main(["compare"]) == 2
    message = capsys.readouterr().err
    assert 'needs rich: pip install "mtlinear[cli]", or in a clone of the repository pip install ".[cli]"' in message


def test_version(capsys):
    with pytest.raises(SystemExit) as error:
        cli.main(["--version"])
    assert error.value.code == 0
    assert mtlinear.__version__ in capsys.readouterr().out


def test_import_stays_light():
    code = "import sys, mtlinear; print({'matplotlib', 'mtlinear.compare', 'mtlinear.cli'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"


def test_interruption_prints_and_writes_what_has_finished(tmp_path, capsys, monkeypatch):
    real = run_module.evaluate

    def impatient(data, model, split, fold, settings):
        if (model.name, fold) == ("block-sparse", 1):
            raise KeyboardInterrupt
        return real(data, model, split, fold, settings)

    monkeypatch.setattr(run_module, "evaluate", impatient)
    code, out = run(tmp_path, stacked_table(), "--target", "y", "--task", "school", *QUICK)
    printed = capsys.readouterr().out
    assert code == 130
    assert "block-sparse (1 of 3 folds)" in printed
    assert "So far, with some folds missing" in printed
    assert "Interrupted: the table is partial" in printed
    assert pd.read_csv(out / "results.csv")["model"].value_counts().to_dict() == {
        "single-task": 3, "pooled": 3, "pooled slopes": 3, "block-sparse": 1,
    }  # fmt: skip
    assert not (out / "report.html").exists()


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is a signal on POSIX only")
def test_ctrl_c_of_a_real_process(tmp_path):
    """SIGINT to the whole process group, as a terminal sends it, after the first model has finished."""
    command = [sys.executable, "-m", "mtlinear", "compare", "--n-jobs", "2", "--out", str(tmp_path)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        line = process.stderr.readline()
        assert "done" in line
        time.sleep(0.2)
        os.killpg(process.pid, signal.SIGINT)
        printed, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert "Interrupted: the table is partial" in printed
    assert len(pd.read_csv(tmp_path / "results.csv")) >= 5


@pytest.mark.slow
def test_digits_end_to_end(tmp_path):
    command = [sys.executable, "-m", "mtlinear", "compare", "--candidates", "4", "--folds", "2", "--out", str(tmp_path)]
    command += ["--structures", "trace-norm", "mean-regularized"]
    found = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert found.returncode == 0, found.stderr
    assert "2 splits, 180 training and 1,617 test rows" in found.stdout
    results = pd.read_csv(tmp_path / "results.csv")
    good = results[results["model"] != "pooled"]
    assert (good["score"] > 0.95).all()
    assert_allclose(results.loc[results["model"] == "pooled", "score"], 0.5, atol=0.1)  # one ranking for ten digits
    assert (tmp_path / "report.html").stat().st_size > 10_000


@pytest.mark.slow
def test_sharing_helps_on_school(tmp_path, capsys):
    home = str(school_home())
    options = ["--folds", "3", "--candidates", "4", "--inner-folds", "2", "--tol", "1e-4", "--out", str(tmp_path)]
    assert cli.main(["compare", "--dataset", "school", "--data-home", home, *options]) == 0
    assert "Multi-task learning " in (printed := capsys.readouterr().out)
    assert "helps" in printed or "may help" in printed  # three splits alone need ten standard errors to be clear
    mean = pd.read_csv(tmp_path / "results.csv").groupby("model")["score"].mean()
    for structure in ("trace norm", "mean-regularized", "clustered"):
        assert mean[structure] > mean["single-task"] + 0.01
