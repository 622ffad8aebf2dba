"""Displays: their data against independent computations, what they draw, and what they leave alone."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from itertools import pairwise

import matplotlib
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.cluster.hierarchy import dendrogram, leaves_list, linkage
from scipy.spatial.distance import squareform
from scipy.special import expit
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from test_compare_results import fake_comparison

import mtlinear as mt
from mtlinear.compare._pictures import gain_picture, matrix_picture, score_picture
from mtlinear.penalties import L1, L1Lq, Ridge
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

RNG = np.random.default_rng(0)
X = RNG.standard_normal((60, 6))
TRUTH = np.zeros((6, 4))
TRUTH[[1, 4]] = RNG.standard_normal((2, 4)) + 2
Y = X @ TRUTH + RNG.standard_normal((60, 4))
TASKS = np.array(["d", "b", "a", "c"])[np.arange(60) % 4]
SPARSE = np.array([[0.0, 0.0, 1.0], [5.0, 0.0, 0.0], [0.1, 0.2, 0.1], [0.0, 0.0, 0.0], [3.0, 0.0, -4.0]])
PRIVATE = np.array([[1.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]])


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def dirty():
    return mt.DirtyRegressor(0.5, l1_ratio=0.4).fit(X, Y)


@pytest.fixture(scope="module")
def path():
    return mt.regularization_path(L1Lq(), X, Y, alphas=12)


def random_matrix(n_features, n_tasks):
    rng = np.random.default_rng(1)
    groups = np.arange(n_tasks) % 3
    B = rng.standard_normal((n_features, 3))[:, groups] + 0.1 * rng.standard_normal((n_features, n_tasks))
    S = np.where(rng.random((n_features, n_tasks)) < 0.1, 1.0, 0.0)
    names = [f"a feature with name {j}" for j in range(n_features)], [f"school {t}" for t in range(n_tasks)]
    return mt.ParameterMatrix({"B": B, "S": S}, *names)


def drawn_labels(axis):
    """Texts of the labels as they were drawn last, and their extents along the axis, in pixels."""
    labels = [label for label in axis.get_ticklabels() if label.get_text() and label.get_visible()]
    boxes = [label.get_window_extent() for label in labels]
    ends = [(box.x0, box.x1) if axis.axis_name == "x" else (box.y0, box.y1) for box in boxes]
    return [label.get_text() for label in labels], sorted(ends)


def labels_apart(axis):
    """Texts of the labels, which do not overlap."""
    labels, ends = drawn_labels(axis)
    assert all(left[1] <= right[0] for left, right in pairwise(ends))
    return labels


# Parameter matrices


def test_matrix_features_are_sorted_by_support_and_norm():
    display = ParameterMatrixDisplay.from_parameters(mt.ParameterMatrix({"A": SPARSE}))
    by_hand = sorted(range(5), key=lambda j: (-sum(SPARSE[j] != 0), -np.sqrt(sum(SPARSE[j] ** 2))))
    assert display.feature_order.tolist() == by_hand == [2, 4, 1, 0, 3]
    drawn = display.images_[0].get_array()
    assert_array_equal(drawn, SPARSE[by_hand][:, display.task_order])
    labels, _ = drawn_labels(display.ax_.yaxis)
    assert labels == ["x2", "x4", "x1", "x0", "x3"]
    assert display.ax_.get_ylim()[0] > display.ax_.get_ylim()[1]  # the first on top
    as_given = ParameterMatrixDisplay.from_parameters(
        mt.ParameterMatrix({"A": SPARSE}), sort_features=False, sort_tasks=False
    )
    assert_array_equal(as_given.images_[0].get_array(), SPARSE)


def test_matrix_parts_sum_to_the_whole_on_one_scale(dirty):
    display = ParameterMatrixDisplay.from_estimator(dirty)
    assert list(display.matrices) == ["A = B + S", "B", "S"]
    whole, *parts = [np.asarray(image.get_array()) for image in display.images_]
    assert_allclose(whole, sum(parts), atol=1e-15)
    assert_array_equal(whole, dirty.coef_.T[np.ix_(display.feature_order, display.task_order)])
    limits = {image.get_clim() for image in display.images_}
    assert len(limits) == 1
    low, high = limits.pop()
    assert low == -high
    assert high == max(np.abs(A).max() for A in display.matrices.values())  # fewer than a hundred values
    white = display.images_[0].cmap(display.images_[0].norm(0.0))
    assert min(white[:3]) > 0.96
    assert [panel.get_title() for panel in display.panels_] == ["A = B + S", "B", "S"]


def test_a_few_large_parameters_do_not_bleach_the_rest():
    A = np.arange(1.0, 1001.0).reshape(50, 20)
    A[0, 0] = 1e9
    display = ParameterMatrixDisplay(matrices={"A": A}).plot()
    assert np.sum(display.images_[0].get_clim()[1] < A) == 9  # of a thousand
    assert display.colorbar_.extend == "both"
    assert display.plot(limit=2e9).colorbar_.extend == "neither"
    assert ParameterMatrixDisplay(matrices={"A": 0.0 * A}).plot(colorbar=False).colorbar_ is None


def test_matrix_tasks_are_sorted_by_the_clusters_of_the_model():
    groups = np.array([0, 1, 0, 1, 0, 1])
    coef = RNG.standard_normal((6, 2))[:, groups] * 3
    model = mt.ClusteredRegressor(2, 0.5).fit(X, X @ coef + 0.1 * RNG.standard_normal((60, 6)))
    display = ParameterMatrixDisplay.from_estimator(model)
    assert display.task_order.tolist() == [0, 2, 4, 1, 3, 5]
    lines = [line.get_xdata()[0] for line in display.ax_.lines]
    assert lines == [2.5]
    assert ParameterMatrixDisplay.from_estimator(model, sort_tasks=False).task_order.tolist() == list(range(6))


def test_matrix_tasks_are_sorted_by_hierarchy_without_clusters():
    columns = np.array([[0.0, 9.0, 0.1, 9.2, 9.1], [1.0, -3.0, 1.1, -3.0, -3.1]])
    display = ParameterMatrixDisplay.from_parameters(mt.ParameterMatrix({"A": columns}))
    groups = (columns[0, display.task_order] > 5).astype(int)
    assert np.abs(np.diff(groups)).sum() == 1
    assert display.task_clusters is None
    assert_array_equal(display.task_order, leaves_list(linkage(columns.T, "average", optimal_ordering=True)))
    assert ParameterMatrixDisplay.from_parameters(mt.ParameterMatrix({"A": [[1.0], [2.0]]})).task_order.tolist() == [0]


@pytest.mark.parametrize("shape", [(3, 3), (500, 300)], ids=["small", "large"])
@pytest.mark.parametrize("n_parts", [1, 2])
def test_matrix_labels_do_not_overlap(shape, n_parts):
    parameters = random_matrix(*shape)
    if n_parts == 1:
        parameters = mt.ParameterMatrix({"A": parameters.values}, parameters.feature_names, parameters.task_names)
    display = ParameterMatrixDisplay.from_parameters(parameters)
    display.figure_.canvas.draw()
    for axis, names, order in (
        (display.panels_[0].xaxis, parameters.task_names, display.task_order),
        (display.panels_[0].yaxis, parameters.feature_names, display.feature_order),
    ):
        labels = labels_apart(axis)
        expected = [names[k] for k in order]
        assert (labels == expected) if len(names) == 3 else (10 < len(labels) < len(names) / 3)
        assert [round(place) for place in axis.get_ticklocs()] == [expected.index(label) for label in labels]


def test_labels_follow_the_size_of_the_figure():
    display = TaskSimilarityDisplay.from_parameters(random_matrix(20, 120))
    display.figure_.canvas.draw()
    before, _ = drawn_labels(display.heat_map_ax_.yaxis)
    display.figure_.set_size_inches(16, 16)
    display.figure_.canvas.draw()  # a layout settles in the first
    after, _ = drawn_labels(display.heat_map_ax_.yaxis)
    assert len(after) > len(before)
    for axis in (display.heat_map_ax_.xaxis, display.heat_map_ax_.yaxis):
        assert len(labels_apart(axis)) > 40
    display.heat_map_ax_.set_ylim(10.5, -0.5)  # zoomed in: room for all
    assert drawn_labels(display.heat_map_ax_.yaxis)[0] == [display.task_names[t] for t in display.task_order[:11]]


def test_names_are_cut_and_not_read_as_formulas():
    names = ["$x^$", "cost in $ and $", "n" * 60]
    display = ParameterMatrixDisplay(matrices={"A": np.eye(3)}, feature_names=names).plot()
    labels, _ = drawn_labels(display.ax_.yaxis)
    assert labels[2] == "n" * 23 + "…"
    assert labels[1] == r"cost in \$ and \$"  # matplotlib draws \$ as a dollar


def test_matrix_on_given_panels():
    axes = plt.subplots(2, 2)[1]
    display = ParameterMatrixDisplay(matrices={name: k * np.eye(3) for k, name in enumerate("abcd")})
    display.plot(axes, colorbar=False)
    assert display.panels_ == display.ax_ == list(axes.ravel())
    assert [ax.get_ylabel() for ax in axes.ravel()] == ["features", "", "features", ""]
    with pytest.raises(ValueError, match="ax must be one Axes or 4"):
        display.plot(axes[0])


# Similarity


def test_similarity_order_and_dendrogram_are_those_of_scipy():
    parameters = random_matrix(8, 7)
    display = TaskSimilarityDisplay.from_parameters(parameters)
    correlation = np.corrcoef(parameters.values.T)
    assert_allclose(display.similarity, correlation)
    tree = linkage(squareform(1 - correlation, checks=False), "average", optimal_ordering=True)
    assert_allclose(display.linkage, tree, atol=1e-12)
    assert_array_equal(display.task_order, leaves_list(tree))
    assert_allclose(
        display.image_.get_array(), correlation[np.ix_(leaves_list(tree), leaves_list(tree))], rtol=0, atol=1e-12
    )
    theirs = dendrogram(tree, no_plot=True)
    expected = {
        tuple(np.round([*d, *((np.array(i) - 5) / 10)], 9))
        for d, i in zip(theirs["dcoord"], theirs["icoord"], strict=True)
    }
    segments = display.dendrogram_ax_.collections[0].get_segments()
    assert {tuple(np.round([*line[:, 0], *line[:, 1]], 9)) for line in segments} == expected
    assert display.dendrogram_ax_.get_ylim() == display.heat_map_ax_.get_ylim()


def test_tasks_without_similarity_stand_together_at_one_end():
    A = random_matrix(8, 7).values.copy()
    A[:, [1, 5]] = 0.0, 2.0
    display = TaskSimilarityDisplay.from_parameters(mt.ParameterMatrix({"A": A}))
    ends = {frozenset(display.task_order[:2].tolist()), frozenset(display.task_order[-2:].tolist())}
    assert frozenset({1, 5}) in ends
    assert display.image_.get_array().mask.sum() == 7 * 7 - 5 * 5
    assert display.linkage[-1, 2] == 2.0


def test_similarity_of_one_task_and_of_many():
    assert TaskSimilarityDisplay(similarity=[[1.0]]).plot().linkage is None
    chain = np.eye(1500) + 0.5 * np.eye(1500, k=1) + 0.5 * np.eye(1500, k=-1)
    TaskSimilarityDisplay(similarity=chain[:400, :400]).plot()
    tree = np.array([[0, 1, 1.0, 2], *[[k + 1, 1498 + k + 1, k + 1.0, k + 2] for k in range(1, 1499)]])
    from mtlinear.plotting._order import brackets

    assert len(brackets(tree)) == 1499  # deeper than the recursion limit


# Spectrum


def test_spectrum(dirty):
    display = SpectrumDisplay.from_estimator(dirty)
    parts = {"A = B + S": dirty.coef_, **{name: part.T for name, part in dirty.parameters_.parts.items()}}
    assert list(display.singular_values) == list(parts)
    for name, values in parts.items():
        assert_allclose(display.singular_values[name], np.linalg.svd(values)[1], atol=1e-12)
        assert display.ranks[name] == np.linalg.matrix_rank(values, tol=1e-9)
        assert_allclose(display.lines_[name].get_ydata(), display.singular_values[name])
    texts = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert texts == [f"{name}: rank {display.ranks[name]} of 4" for name in parts]


# Paths


def test_path_data(path):
    display = PathDisplay.from_path(path)
    assert_allclose(display.row_norms, np.sqrt((path.coef**2).sum(axis=1)), atol=1e-14)
    assert_array_equal(display.n_selected, (path.coef != 0).any(axis=1).sum(axis=1))
    assert_array_equal(display.ranks, [np.linalg.matrix_rank(coef, tol=1e-9) for coef in path.coef])
    assert_array_equal(display.alphas, path.alphas)
    assert display.ax_.get_xscale() == "log"
    for j, line in enumerate(display.lines_):
        assert_array_equal(line.get_ydata(), display.row_norms[:, j])
    named = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert named[:2] == [f"x{j}" for j in np.argsort(-display.row_norms.max(axis=0))[:2]]


def test_path_names_only_the_strongest(path):
    display = PathDisplay.from_path(path, n_named=2)
    legend = display.ax_.get_legend()
    assert len(legend.get_texts()) == 2
    assert legend.get_title().get_text() == "strongest of 6"
    assert PathDisplay.from_path(path, n_named=0).ax_.get_legend() is None


@pytest.mark.parametrize(
    ("show", "attribute"), [("rank", "ranks"), ("support", "n_selected"), ("clusters", "n_clusters")]
)
def test_path_counts(path, show, attribute):
    display = PathDisplay.from_path(path, show=show)
    assert_array_equal(display.lines_[0].get_ydata(), getattr(display, attribute))


def test_path_counts_different_task_vectors(path):
    columns = np.array([[1.0, 1.0005, 3.0, 1.0], [2.0, 2.0, 4.0, -2.0]])
    matrices = (
        mt.ParameterMatrix({"A": columns}),
        mt.ParameterMatrix({"A": 0 * columns}),
        mt.ParameterMatrix({"A": [[1.0, 2.0, 3.0, 4.0]]}),
    )
    found = PathDisplay.from_path(
        replace(path, alphas=np.array([3.0, 2.0, 1.0]), parameters=matrices[:2] + matrices[:1])
    )
    assert found.n_clusters.tolist() == [3, 1, 3]


def test_path_from_penalty(path):
    display = PathDisplay.from_penalty(L1Lq(), X, Y, alphas=12)
    assert_array_equal(display.row_norms, PathDisplay.from_path(path).row_norms)


# Transfer


def test_transfer_by_hand():
    y, multi, single = RNG.standard_normal((3, 60))
    display = TransferDisplay.from_predictions(y, multi, single, tasks=TASKS)
    assert display.tasks == ["a", "b", "c", "d"]
    for k, task in enumerate("abcd"):
        saved = [(s - t) ** 2 - (m - t) ** 2 for t, m, s, of in zip(y, multi, single, TASKS, strict=True) if of == task]
        unit = np.mean([(s - t) ** 2 for t, s, of in zip(y, single, TASKS, strict=True) if of == task])
        assert_allclose(display.gains[k], np.mean(saved) / unit)
        assert_allclose(display.errors[k], np.std(saved, ddof=1) / np.sqrt(15) / unit)
    absolute = TransferDisplay.from_predictions(y, multi, single, tasks=TASKS, relative=False)
    ratios = absolute.gains / display.gains
    assert_allclose(ratios, absolute.errors / display.errors)
    assert_allclose(ratios[0], np.mean((single - y)[TASKS == "a"] ** 2))


def test_transfer_is_antisymmetric_if_absolute():
    y, multi, single = RNG.standard_normal((3, 60, 4))
    one = TransferDisplay.from_predictions(y, multi, single, relative=False)
    other = TransferDisplay.from_predictions(y, single, multi, relative=False)
    assert_allclose(one.gains, -other.gains)
    assert_allclose(one.errors, other.errors)


def test_transfer_draws_sorted_bars_and_counts_losers():
    display = TransferDisplay(
        gains=[0.1, -0.5, 0.3, -0.1, np.nan], errors=[0.1, 0.2, np.nan, 0.06, np.nan], tasks=list("abcde")
    ).plot()
    assert display.n_losers == 1
    assert [display.tasks[t] for t in display.task_order] == ["c", "a", "d", "b"]
    assert [bar.get_width() for bar in display.bars_] == [0.3, 0.1, -0.1, -0.5]
    colours = [bar.get_facecolor() for bar in display.bars_]
    assert colours[0] == colours[1] != colours[2] == colours[3]
    assert drawn_labels(display.ax_.yaxis)[0] == ["c", "a", "d", "b"]
    assert display.ax_.get_title() == "2 of 4 tasks lose, 1 by more than 2 standard errors"
    arms = display.ax_.collections[0].get_segments()
    assert_allclose(arms[3][:, 0], [-0.9, -0.1])
    assert_allclose(arms[0][:, 0], [0.3, 0.3])


def test_transfer_labels_of_300_tasks_do_not_overlap():
    gains = RNG.standard_normal(300)
    display = TransferDisplay(gains=gains, errors=np.ones(300), tasks=[f"school number {t}" for t in range(300)]).plot()
    display.figure_.canvas.draw()
    labels = labels_apart(display.ax_.xaxis)
    assert labels[0] == f"school number {np.argmax(gains)}"
    assert 10 < len(labels) < 100
    assert_allclose([bar.get_height() for bar in display.bars_], np.sort(gains)[::-1])


def test_transfer_from_regressors():
    multi = mt.MeanRegularizedRegressor(1.0).fit(X, Y[:, 0], tasks=TASKS)
    single = mt.MultiTaskRegressor(Ridge(0.1)).fit(X, Y[:, 0], tasks=TASKS)
    expected = TransferDisplay.from_predictions(
        Y[:, 0], multi.predict(X, tasks=TASKS), single.predict(X, tasks=TASKS), tasks=TASKS
    )
    found = TransferDisplay.from_estimators(multi, single, X, Y[:, 0], tasks=TASKS)
    assert_array_equal(found.gains, expected.gains)
    assert found.measure == "reduction of squared error"
    frame = pd.DataFrame(X, columns=list("uvwxyz")).assign(site=TASKS)
    models = [clone.set_params(task_feature="site").fit(frame, Y[:, 0]) for clone in (multi, single)]
    by_column = TransferDisplay.from_estimators(*models, frame, Y[:, 0])
    assert by_column.tasks == ["a", "b", "c", "d"]
    assert_allclose(by_column.gains, expected.gains)


def test_transfer_of_columns_with_missing_entries_and_a_rival_of_scikit_learn():
    y = pd.DataFrame(Y, columns=["p", "q", "r", "s"])
    multi, single = mt.TraceNormRegressor(0.5).fit(X, y), LinearRegression().fit(X, Y)
    y.iloc[:50, 2], y.iloc[:, 3] = np.nan, np.nan
    display = TransferDisplay.from_estimators(multi, single, X, y)
    assert display.tasks == ["p", "q", "r", "s"]
    old, new = ((model.predict(X)[50:, 2] - Y[50:, 2]) ** 2 for model in (single, multi))
    assert_allclose(display.gains[2], 1 - new.mean() / old.mean())
    assert np.isnan(display.gains[3])
    assert len(display.bars_) == 3


def test_transfer_of_binary_tasks():
    labels = np.where(Y[:, 0] > 0, "yes", "no")
    multi = mt.MeanRegularizedClassifier(0.1).fit(X, labels, tasks=TASKS)
    single = mt.MultiTaskClassifier(Ridge(0.1)).fit(X, labels, tasks=TASKS)
    scores = [model.decision_function(X, tasks=TASKS) * np.where(Y[:, 0] > 0, 1, -1) for model in (multi, single)]
    losses = [np.logaddexp(0, -s) for s in scores]
    found = TransferDisplay.from_estimators(multi, single, X, labels, tasks=TASKS)
    assert found.measure == "reduction of log loss"
    assert_allclose(found.gains, [np.mean((losses[1] - losses[0])[task == TASKS]) for task in "abcd"], atol=1e-12)
    accuracy = TransferDisplay.from_estimators(multi, single, X, labels, tasks=TASKS, loss="zero_one")
    right = [s > 0 for s in scores]
    assert_allclose(accuracy.gains, [right[0][t == TASKS].mean() - right[1][t == TASKS].mean() for t in "abcd"])


def test_transfer_of_columns_of_labels():
    labels = np.where(Y > 0, 1.0, 0.0)
    multi, single = (mt.MultiTaskClassifier(penalty).fit(X, labels) for penalty in (L1(0.01), Ridge(0.1)))
    labels[:20, 1] = np.nan
    found = TransferDisplay.from_estimators(multi, single, X, pd.DataFrame(labels, columns=list("pqrs")))
    assert found.tasks == list("pqrs")
    signs = 2 * labels[20:, 1] - 1
    losses = [-np.log(expit(signs * model.decision_function(X)[20:, 1])) for model in (multi, single)]
    assert_allclose(found.gains[1], np.mean(losses[1] - losses[0]))


def test_transfer_of_columns_of_labels_against_a_model_of_scikit_learn():
    labels = np.where(Y > 0, 1, 0)
    ours, theirs = mt.MultiTaskClassifier(L1(0.01)).fit(X, labels), KNeighborsClassifier(20).fit(X, labels)
    one = TransferDisplay.from_estimators(ours, theirs, X, labels)
    other = TransferDisplay.from_estimators(theirs, ours, X, labels)
    assert_allclose(one.gains, -other.gains)
    loss = -np.log(np.where(labels[:, 2] == 1, *[theirs.predict_proba(X)[2][:, k] for k in (1, 0)]))
    own = np.logaddexp(0, (1 - 2 * labels[:, 2]) * ours.decision_function(X)[:, 2])
    assert_allclose(one.gains[2], np.mean(loss - own))


def test_transfer_of_classes():
    y = np.array(["u", "v", "w"])[np.argmax(Y[:, :3], axis=1)]
    multi, single = mt.TraceNormClassifier(0.05).fit(X, y), LogisticRegression().fit(X, y)
    found = TransferDisplay.from_estimators(multi, single, X, y)
    assert found.tasks == ["u", "v", "w"]
    p, q = multi.predict_proba(X)[:, 1], single.predict_proba(X)[:, 1]
    losses = [-np.log(np.where(y == "v", r, 1 - r)) for r in (p, q)]
    assert_allclose(found.gains[1], np.mean(losses[1] - losses[0]))
    accuracy = TransferDisplay.from_estimators(multi, single, X, y, loss="zero_one")
    right = [(model.predict(X) == "v") == (y == "v") for model in (multi, single)]
    assert_allclose(accuracy.gains[1], right[0].mean() - right[1].mean())


def test_transfer_of_a_task_with_one_row_has_no_error():
    display = TransferDisplay.from_predictions([1.0, 2.0, 3.0], [1.0, 2.0, 2.0], [2.0, 2.0, 3.0], tasks=["a", "a", "b"])
    assert_allclose(display.gains, [1.0, -1.0])
    assert np.isnan(display.errors[1])
    assert display.n_losers == 0


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
    assert len(figures) == 10
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
    "no estimator of ours": (
        lambda: ParameterMatrixDisplay.from_estimator(make_pipeline(StandardScaler(), UNFITTED)),
        TypeError,
        "(?s)estimator must be a fitted estimator of mtlinear.*Pipeline take the last step",
    ),
    "empty mapping": (lambda: ConvergenceDisplay.from_estimator({}), ValueError, "estimator must hold one"),
    "no parameters": (lambda: SpectrumDisplay.from_parameters(SPARSE), TypeError, "parameters must be a ParameterM"),
    "no path": (lambda: PathDisplay.from_path([1.0]), TypeError, "path must be what"),
    "no penalty": (lambda: PathDisplay.from_penalty(UNFITTED, X, Y), TypeError, "penalty must be one of"),
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
