"""Displays: their data against independent computations, what they draw, and what they leave alone."""

from __future__ import annotations

import subprocess
import sys

import matplotlib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from plottingtools import (
    RNG,
    SPARSE,
    X,
    Y,
    block_path,
    dirty_model,
    random_matrix,
)
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from test_compare_results import fake_comparison

import mtlinear as mt
from mtlinear.compare._pictures import gain_picture, matrix_picture, score_picture
from mtlinear.penalties import L1Lq, Ridge
from mtlinear.plotting import (
    ConvergenceDisplay,
    ParameterMatrixDisplay,
    PathDisplay,
    SpectrumDisplay,
    StructureComparisonDisplay,
    TaskSimilarityDisplay,
    TransferDisplay,
)

matplotlib.use("Agg")
import matplotlib.pyplot as plt


@pytest.fixture
def dirty():
    return dirty_model()


@pytest.fixture
def path():
    return block_path()


# Convergence


def test_convergence(dirty):
    models = {"dirty": dirty, "ridge": mt.MultiTaskRegressor(Ridge(0.1), tol=1e-4).fit(X, Y)}
    display = ConvergenceDisplay.from_estimator(models)
    for name, model in models.items():
        assert_allclose(display.gaps[name], [check.gap / model.null_objective_ for check in model.history_])
        assert_array_equal(display.seconds[name], [check.seconds for check in model.history_])
        assert display.gaps[name][-1] <= model.tol
        assert_array_equal(display.lines_[name].get_xdata(), display.seconds[name])
    assert [line.get_ydata()[0] for line in display.tolerance_lines_] == [1e-4, 1e-6]
    assert display.ax_.get_yscale() == "log"
    by_iteration = ConvergenceDisplay.from_estimator(dirty, x="iterations")
    assert_array_equal(by_iteration.lines_["DirtyRegressor"].get_xdata(), [check.n_iter for check in dirty.history_])


def test_convergence_leaves_out_infinite_gaps_and_draws_zero():
    data = {"gaps": {"a": [np.inf, 0.1, 0.0]}, "seconds": {"a": [0, 1, 2]}, "iterations": {"a": [0, 5, 9]}}
    display = ConvergenceDisplay(**data, tolerances={"a": 1e-6}).plot(x="iterations")
    assert_array_equal(display.lines_["a"].get_xdata(), [5, 9])
    assert_allclose(display.lines_["a"].get_ydata(), [0.1, 1e-16])


# Structures, and the report


def test_structures_from_comparison():
    comparison = fake_comparison({"single-task": 0.0, "dirty": 0.2})
    display = StructureComparisonDisplay.from_comparison(comparison)
    assert display.names == [row.model.name for row in comparison.rows]
    single = np.mean([result.score.value for result in comparison.rows[0].folds])
    assert_allclose(display.scores[0], single)
    assert_allclose(display.reference_line_.get_xdata(), single)
    assert display.best == "dirty"
    assert_array_equal(display.is_structure, [name not in ("single-task", "pooled") for name in display.names])
    assert display.score_name.startswith("explained variance")
    weights = {label.get_text(): label.get_fontweight() for label in display.ax_.get_yticklabels()}
    assert weights["dirty"] == "bold"
    assert weights["pooled"] == "normal"


def test_structures_zoom_in_on_those_that_are_close():
    display = StructureComparisonDisplay(names=list("abcd"), scores=[0.50, 0.51, 0.52, -7.0], errors=[0.01] * 4).plot()
    low, high = display.ax_.get_xlim()
    assert 0.4 < low < 0.48
    assert 0.54 < high < 0.6
    assert [text.get_text() for text in display.ax_.texts] == ["◀ -7.000"]


def test_pictures_of_the_report_are_the_same_bytes():
    comparison = fake_comparison({"single-task": 0.0, "dirty": 0.2})
    for picture in (
        lambda: score_picture(comparison),
        lambda: gain_picture(comparison.gains(), False, "dirty"),
        lambda: matrix_picture(comparison, ["u", "v", "w"]),
        lambda: gain_picture([], True, "dirty"),
    ):
        first = picture()
        assert first.startswith("<?xml")
        assert first == picture()
    assert not plt.get_fignums()


# What all have in common


def all_displays(dirty, path, ax):
    """Every display, drawn on given axes by a class method."""
    yield ParameterMatrixDisplay.from_estimator(dirty, ax=ax())
    yield ParameterMatrixDisplay.from_parameters(mt.ParameterMatrix({"A": SPARSE}), ax=ax())
    yield TaskSimilarityDisplay.from_estimator(dirty, ax=ax())
    yield SpectrumDisplay.from_estimator(dirty, ax=ax())
    yield PathDisplay.from_path(path, ax=ax())
    yield PathDisplay.from_penalty(L1Lq(), X, Y, alphas=2, show="rank", ax=ax())
    yield PathDisplay.from_estimator(dirty, X, Y, alphas=2, ax=ax())
    yield ConvergenceDisplay.from_estimator(dirty, ax=ax())
    yield TransferDisplay.from_predictions(Y, 0.9 * Y, 0.8 * Y, ax=ax())
    yield TransferDisplay.from_estimators(dirty, dirty, X, Y, ax=ax())
    yield StructureComparisonDisplay.from_comparison(fake_comparison({"single-task": 0.0}), ax=ax())


def test_given_axes_are_used_and_nothing_else_is_touched(dirty, path):
    figures = []

    def new_axes():
        figure = matplotlib.figure.Figure(figsize=(9, 4))
        used, other = figure.subplots(1, 2)
        other.plot([1, 2], [3, 4])
        figures.append((used, other, other.get_position().bounds, len(other.get_children()), other.axis()))
        return used

    settings = dict(matplotlib.rcParams)
    bystander = plt.figure()
    for display in all_displays(dirty, path, new_axes):
        used, other, place, n_children, limits = figures[-1]
        display.figure_.canvas.draw()
        assert display.ax_ is used
        assert display.figure_ is used.figure
        assert other.get_position().bounds == place
        assert len(other.get_children()) == n_children
        assert other.axis() == limits
    assert len(figures) == 11
    assert plt.get_fignums() == [bystander.number]
    assert not bystander.axes
    assert dict(matplotlib.rcParams) == settings


def test_without_axes_there_is_a_new_figure_and_plot_returns_the_display(dirty, path):
    for k, display in enumerate(all_displays(dirty, path, lambda: None), start=1):
        assert len(plt.get_fignums()) == k
        assert display.figure_.number == plt.get_fignums()[-1]
    before = display.ax_
    assert display.plot() is display
    assert display.ax_ is not before


def test_inputs_are_not_changed():
    similarity = TaskSimilarityDisplay.from_parameters(random_matrix(5, 4)).similarity
    similarity[0, :] = similarity[:, 0] = np.nan
    arrays = {"matrix": SPARSE.copy(), "similarity": similarity.copy(), "y": Y.copy(), "gains": RNG.random(4)}
    before = {name: array.copy() for name, array in arrays.items()}
    displays = [
        ParameterMatrixDisplay(matrices={"A": arrays["matrix"]}).plot(),
        TaskSimilarityDisplay(similarity=arrays["similarity"]).plot(),
        TransferDisplay.from_predictions(arrays["y"], arrays["y"] + 1, arrays["y"] + 2),
        TransferDisplay(gains=arrays["gains"], errors=arrays["gains"]).plot(),
    ]
    displays[0].matrices["A"][:] = 7.0
    displays[3].gains[:] = 7.0
    for name, array in arrays.items():
        assert_array_equal(array, before[name])


UNFITTED = mt.BlockSparseRegressor()
BAD = {
    "not fitted": (lambda: ParameterMatrixDisplay.from_estimator(UNFITTED), NotFittedError, "estimator is not fitted"),
    "not fitted, spectrum": (lambda: SpectrumDisplay.from_estimator(UNFITTED), NotFittedError, "estimator is not fit"),
    "not fitted, similarity": (lambda: TaskSimilarityDisplay.from_estimator(UNFITTED), NotFittedError, "estimator is"),
    "not fitted, in a mapping": (
        lambda: ConvergenceDisplay.from_estimator({"sparse": UNFITTED}),
        NotFittedError,
        r"estimator\['sparse'\] is not fitted",
    ),
    "not fitted, transfer": (
        lambda: TransferDisplay.from_estimators(UNFITTED, LinearRegression().fit(X, Y), X, Y),
        NotFittedError,
        "multi is not fitted",
    ),
    "rival not fitted": (
        lambda: TransferDisplay.from_estimators(LinearRegression().fit(X, Y), UNFITTED, X, Y),
        NotFittedError,
        "single is not fitted",
    ),
    "not fitted, in a pipeline": (
        lambda: ParameterMatrixDisplay.from_estimator(make_pipeline(StandardScaler(), UNFITTED)),
        NotFittedError,
        "estimator is not fitted yet: call fit of this Pipeline",
    ),
    "no estimator of ours": (
        lambda: ParameterMatrixDisplay.from_estimator(LinearRegression().fit(X, Y)),
        TypeError,
        "estimator must be a fitted estimator of mtlinear.*got LinearRegression[.]$",
    ),
    "empty mapping": (lambda: ConvergenceDisplay.from_estimator({}), ValueError, "estimator must hold one"),
    "no parameters": (lambda: SpectrumDisplay.from_parameters(SPARSE), TypeError, "parameters must be a ParameterM"),
    "no path": (lambda: PathDisplay.from_path([1.0]), TypeError, "path must be what"),
    "no penalty": (lambda: PathDisplay.from_penalty(UNFITTED, X, Y), TypeError, "penalty must be one of"),
    "no estimator, path": (lambda: PathDisplay.from_estimator(3, X, Y), TypeError, "estimator must be a fitted"),
    "chosen": (
        lambda: PathDisplay(alphas=[1.0], row_norms=[[1.0]], ranks=[1], n_selected=[1], n_clusters=[1], chosen=-1.0),
        ValueError,
        "chosen must be a number > 0",
    ),
    "center": (
        lambda: TaskSimilarityDisplay.from_parameters(mt.ParameterMatrix({"A": SPARSE}), center="no"),
        TypeError,
        "center must be True or False",
    ),
    "no comparison": (lambda: StructureComparisonDisplay.from_comparison(SPARSE), TypeError, "comparison must be"),
    "no model": (lambda: TransferDisplay.from_estimators(3, UNFITTED, X, Y), TypeError, "multi must be a fitted"),
    "regressor and classifier": (
        lambda: TransferDisplay.from_estimators(
            LinearRegression().fit(X, Y), LogisticRegression().fit(X, Y[:, 0] > 0), X, Y
        ),
        TypeError,
        "multi and single must both",
    ),
    "loss of classifiers": (
        lambda: TransferDisplay.from_estimators(*2 * [LinearRegression().fit(X, Y)], X, Y, loss="zero_one"),
        ValueError,
        "loss='zero_one' does not fit",
    ),
    "no tasks": (
        lambda: TransferDisplay.from_estimators(*2 * [LinearRegression().fit(X, Y[:, 0])], X, Y[:, 0]),
        ValueError,
        "tasks must name the task of every row",
    ),
    "no loss": (lambda: TransferDisplay.from_predictions(Y, Y, Y, loss="mse"), ValueError, "loss must be one of"),
    "shape of predictions": (lambda: TransferDisplay.from_predictions(Y, Y[:, 0], Y), ValueError, "y_multi has shape"),
    "no probabilities": (
        lambda: TransferDisplay.from_predictions([0, 1], [0.5, 1.5], [0.5, 0.5], loss="log_loss"),
        ValueError,
        "y_multi must hold probabilities",
    ),
    "labels that are not 0 and 1": (
        lambda: TransferDisplay.from_predictions(["u", "v"], [0.5, 0.5], [0.5, 0.5], loss="log_loss"),
        ValueError,
        "y_true must hold 0 and 1",
    ),
    "show": (lambda: PathDisplay.from_penalty(L1Lq(), X, Y, alphas=2, show="norm"), ValueError, "show must be one of"),
    "x": (
        lambda: ConvergenceDisplay.from_estimator(mt.MultiTaskRegressor(Ridge(1.0)).fit(X, Y), x="time"),
        ValueError,
        "x must be one of",
    ),
    "ax": (lambda: TransferDisplay(gains=[1.0], errors=[1.0]).plot(plt.figure()), TypeError, "ax must be a matplotlib"),
    "limit": (lambda: ParameterMatrixDisplay(matrices={"A": SPARSE}).plot(limit=0), ValueError, "limit must be"),
    "sort_tasks": (
        lambda: ParameterMatrixDisplay.from_parameters(mt.ParameterMatrix({"A": SPARSE}), sort_tasks="no"),
        TypeError,
        "sort_tasks must be True or False",
    ),
    "matrices": (lambda: ParameterMatrixDisplay(matrices={"A": [1.0]}), ValueError, "matrices must hold matrices"),
    "no matrices": (lambda: ParameterMatrixDisplay(matrices={}), ValueError, "matrices must hold"),
    "task_names": (
        lambda: ParameterMatrixDisplay(matrices={"A": SPARSE}, task_names=["a"]),
        ValueError,
        "task_names must have 3 entries, got 1",
    ),
    "task_order": (
        lambda: ParameterMatrixDisplay(matrices={"A": SPARSE}, task_order=[0, 0, 1]),
        ValueError,
        "task_order must hold each of 0 to 2 once",
    ),
    "similarity": (lambda: TaskSimilarityDisplay(similarity=SPARSE), ValueError, "similarity must be a square"),
    "similarity not symmetric": (
        lambda: TaskSimilarityDisplay(similarity=SPARSE[:3]),
        ValueError,
        "similarity must be symmetric",
    ),
    "errors": (lambda: TransferDisplay(gains=[1.0, 2.0], errors=[1.0]), ValueError, "errors must be 1-D of length 2"),
    "best": (lambda: StructureComparisonDisplay(names=["a"], scores=[1.0], best="b"), ValueError, "best must be one"),
    "scores": (lambda: StructureComparisonDisplay(names=["a"], scores=[1.0, 2.0]), ValueError, "scores must be 1-D"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_names_the_argument(case):
    call, error, message = BAD[case]
    with pytest.raises(error, match=message):
        call()


def test_matplotlib_is_imported_when_something_is_drawn_and_pyplot_only_for_a_new_figure():
    code = """
import sys
import mtlinear.plotting as plotting
assert "matplotlib" not in sys.modules
display = plotting.ParameterMatrixDisplay(matrices={"A": [[1.0, 2.0]], "B": [[1.0, 2.0]]})
from matplotlib.figure import Figure
display.plot(Figure().add_subplot())
assert "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.axes", None)
    with pytest.raises(ImportError, match=r"TransferDisplay needs matplotlib: pip install matplotlib"):
        TransferDisplay(gains=[1.0], errors=[1.0]).plot()
