"""``mtlinear compare``: the report, the saved model in Python, and folders with the files of an earlier run."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from comparetools import shared_table, stacked_table
from test_cli import QUICK
from test_docs import NOT_RUN, blocks_of

from mtlinear import cli
from mtlinear.compare import Settings, from_table, make_models
from mtlinear.compare import _run as run_module
from mtlinear.compare._best import fit_best
from mtlinear.compare._pictures import similarity_picture, structure_picture
from mtlinear.parameters import ParameterMatrix

STACKED = ["compare", "data.csv", "--target", "y", "--task", "school"]
CLUSTERED = [*STACKED, *QUICK, "--structures", "clustered"]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder with data.csv: tasks u, v and tasks w, x have opposite parameters."""
    monkeypatch.chdir(tmp_path)
    clusters_table().to_csv("data.csv", index=False)
    return tmp_path


def clusters_table():
    rng = np.random.default_rng(0)
    X, task = rng.standard_normal((120, 3)), np.arange(120) % 4
    sign = np.array([1.0, -1.0, 1.0, -1.0])[task]
    table = pd.DataFrame(X, columns=["a", "b", "c"])
    table["school"] = np.array(["u", "w", "v", "x"])[task]
    return table.assign(y=sign * (X @ [3.0, -2.0, 1.0]) + rng.standard_normal(120))


def report() -> str:
    return html.unescape(Path("mtlinear-report/report.html").read_text(encoding="utf-8"))


def test_clusters_are_in_the_report_on_stdout_and_in_json(here, capsys):
    assert cli.main(CLUSTERED) == 0
    printed = capsys.readouterr().out
    assert "\n  cluster 1: u, v\n  cluster 2: w, x\n" in printed
    page = report()
    assert "The best model: clustered, 2 clusters, alpha=" in page
    assert "<li>cluster 1: u, v</li><li>cluster 2: w, x</li>" in page
    assert "sorted by cluster" in page
    assert cli.main([*CLUSTERED, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["clusters"] == [["u", "v"], ["w", "x"]]


def test_models_without_clusters_are_sorted_by_similarity(here, capsys):
    assert cli.main([*STACKED, *QUICK, "--structures", "trace-norm"]) == 0
    assert "cluster 1" not in capsys.readouterr().out
    page = report()
    assert "tasks with similar parameters are neighbours" in page
    assert 'alt="Similarity of the tasks"' in page
    assert "cluster 1" not in page


def test_report_says_what_whiskers_are_and_what_pooling_means(here):
    assert cli.main([*STACKED, *QUICK, "--structures", "dirty"]) == 0
    page = report()
    assert page.count("Whiskers: two standard errors.") == 2
    assert "'pooled slopes' one for each" in page
    assert "for one structure." in page
    assert "the best of 1" not in page


def test_pictures_of_the_best_model_are_the_same_bytes():
    parameters = ParameterMatrix({"A": np.arange(12.0).reshape(3, 4) ** 2 % 7}, task_names=list("uvwx"))
    for picture in (structure_picture, similarity_picture):
        assert picture(parameters) == picture(parameters)


def test_ends_of_the_range_are_told_in_the_table_and_for_the_saved_model(here, capsys):
    assert cli.main([*STACKED, *QUICK, "--structures", "dirty"]) == 0  # two candidates: each is an end of its path
    printed = capsys.readouterr().out
    assert len(re.findall("tried in [1-3] of 3", printed)) >= 4
    assert re.search(r"best model on all rows: dirty, q=.* \(the largest tried\)", printed)


def test_the_saved_model_has_the_names_of_the_targets():
    data = from_table(shared_table(), ["y0", "y1", "y2"])
    model = make_models(3, structures=["clustered"])[-1]
    best = fit_best(data, model, Settings(folds=3, inner_folds=2, candidates=2, n_jobs=1, tol=1e-4))
    inner = best.estimator[-1].regressor_
    assert inner.parameters_.task_names == inner.tasks_.tolist() == ["y0", "y1", "y2"]
    assert inner.parameters_.feature_names == list("abcd")
    assert sorted(name for cluster in best.clusters for name in cluster) == ["y0", "y1", "y2"]
    assert best.estimator.predict(shared_table()).shape == (40, 3)


def test_the_example_of_the_page_runs(here, capsys):
    plt = pytest.importorskip("matplotlib.pyplot")
    plt.switch_backend("Agg")
    (block,) = blocks_of((Path(__file__).parents[1] / "docs" / "compare.md").read_text(encoding="utf-8"))
    assert block.startswith(NOT_RUN)
    assert cli.main([*STACKED, *QUICK, "--structures", "dirty"]) == 0
    capsys.readouterr()
    clusters_table().to_csv("patients.csv", index=False)
    exec(compile(block, "docs/compare.md", "exec"), {})
    expected = joblib.load("mtlinear-report/best_model.joblib").predict(clusters_table())[:3]
    assert capsys.readouterr().out == f"{expected}\n"
    assert plt.get_fignums()
    plt.close("all")


# Files of an earlier run ----------------------------------------------------------------------------------------------


def test_predictions_of_an_earlier_model_do_not_stay(here, capsys):
    few = [*STACKED, *QUICK, "--structures", "dirty"]
    assert cli.main([*few, "--predict", "data.csv"]) == 0
    printed = capsys.readouterr().out
    assert "earlier run" not in printed
    predictions = Path("mtlinear-report/predictions.csv")
    assert predictions.exists()
    assert cli.main(few) == 0
    printed = capsys.readouterr().out
    assert "the report and the model of an earlier run in mtlinear-report are replaced" in printed
    assert f"{predictions} of an earlier run is removed" in printed
    assert not predictions.exists()


def test_data_that_lie_in_the_folder_stay(here, capsys):
    Path("mtlinear-report").mkdir()
    inputs = Path("mtlinear-report/predictions.csv")
    clusters_table().to_csv(inputs, index=False)
    assert cli.main(["compare", str(inputs), *CLUSTERED[2:]]) == 0
    assert len(pd.read_csv(inputs)) == 120
    assert "is removed" not in capsys.readouterr().out


def test_an_interrupted_run_says_that_the_report_is_old(here, capsys, monkeypatch):
    few = [*STACKED, *QUICK, "--structures", "dirty"]
    assert cli.main(few) == 0

    def impatient(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(run_module, "evaluate", impatient)
    capsys.readouterr()
    assert cli.main(few) == 130
    assert "The report and the model there are of an earlier run." in capsys.readouterr().out


def test_other_separators_are_told(here, capsys):
    table = stacked_table()
    table.to_csv("new.csv", index=False, sep=";")
    table.to_csv("data.csv", index=False, sep="\t")
    assert cli.main([*STACKED, *QUICK, "--structures", "dirty", "--predict", "new.csv"]) == 0
    printed = capsys.readouterr().out
    assert "  columns separated by tabs\n" in printed
    assert "--predict: columns separated by ';'\n" in printed


def test_tasks_that_are_all_alike_are_compared_by_their_deviations():
    mean, deviations = np.array([[4.0], [-3.0], [5.0]]), 0.1 * np.eye(3)
    alike = ParameterMatrix({"A": mean + deviations})
    assert "of deviations" in similarity_picture(alike)
    assert "of deviations" not in similarity_picture(ParameterMatrix({"A": deviations}))
