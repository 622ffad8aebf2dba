"""Displays of a parameter matrix, its tasks, its singular values, and of paths."""

from __future__ import annotations

from dataclasses import replace

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
    drawn_labels,
    labels_apart,
    random_matrix,
)
from scipy.cluster.hierarchy import dendrogram, leaves_list, linkage
from scipy.spatial.distance import squareform

import mtlinear as mt
from mtlinear.penalties import L1Lq
from mtlinear.plotting import (
    ParameterMatrixDisplay,
    PathDisplay,
    SpectrumDisplay,
    TaskSimilarityDisplay,
)

matplotlib.use("Agg")
import matplotlib.pyplot as plt


@pytest.fixture
def dirty():
    return dirty_model()


@pytest.fixture
def path():
    return block_path()


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


def nearly_equal(deviation, n_tasks=6):
    groups = np.arange(n_tasks) % 2
    deviations = RNG.standard_normal((8, 2))[:, groups] + 0.1 * RNG.standard_normal((8, n_tasks))
    return mt.ParameterMatrix({"A": RNG.standard_normal((8, 1)) + deviation * deviations})


def test_tasks_that_are_the_same_look_the_same():
    """No structure is to be seen where the correlations are all 0.9998: the tree has an axis, and it shows 0.05."""
    same = TaskSimilarityDisplay.from_parameters(nearly_equal(0.003))
    assert same.similarity.min() > 0.9998
    assert same.dendrogram_ax_.get_xlim() == (0.0, 0.05)
    assert same.linkage[-1, 2] < 0.0002
    least = float(same.ax_.get_title().removeprefix("practically identical: no correlation below "))
    assert_allclose(least, same.similarity.min(), rtol=0, atol=1e-6)
    assert least <= same.similarity.min()
    assert same.dendrogram_ax_.get_xlabel() == "1 -\ncorrelation"
    assert [label.get_text() for label in same.dendrogram_ax_.get_xticklabels()] == ["0", "0.05"]
    assert same.dendrogram_ax_.axison


def test_tasks_that_differ_are_not_called_the_same():
    apart = TaskSimilarityDisplay.from_parameters(nearly_equal(1.0))
    assert apart.ax_.get_title() == ""
    assert apart.dendrogram_ax_.get_xlim()[1] == 1.02 * apart.linkage[-1, 2] > 0.05
    tick = apart.dendrogram_ax_.get_xticks()[-1]
    assert 0.5 * apart.dendrogram_ax_.get_xlim()[1] < tick <= apart.dendrogram_ax_.get_xlim()[1]
    identical_but_one = np.ones((3, 3))
    identical_but_one[2, :2] = identical_but_one[:2, 2] = 0.9989
    assert TaskSimilarityDisplay(similarity=identical_but_one).summary() == ""
    assert TaskSimilarityDisplay(similarity=[[1.0]]).summary() == ""
    unknown = [[1.0, np.nan], [np.nan, np.nan]]
    assert TaskSimilarityDisplay(similarity=unknown).summary() == "no correlation: nothing varies"
    some = [[1.0, 1.0, np.nan], [1.0, 1.0, np.nan], [np.nan] * 3]
    assert TaskSimilarityDisplay(similarity=some).summary() == ""


def test_similarity_of_deviations():
    parameters = nearly_equal(0.003)
    display = TaskSimilarityDisplay.from_parameters(parameters, center=True)
    deviations = parameters.values - parameters.values.mean(axis=1, keepdims=True)
    assert_allclose(display.similarity, np.corrcoef(deviations.T), atol=1e-9)
    assert np.abs(np.diff(display.task_order % 2)).sum() == 1  # the two groups, side by side
    assert display.ax_.get_title() == ""
    assert display.colorbar_.ax.get_ylabel() == "correlation of deviations"
    equal = mt.ParameterMatrix({"A": np.repeat(RNG.standard_normal((8, 1)), 3, axis=1)})
    nothing = TaskSimilarityDisplay.from_parameters(equal, center=True)
    assert np.all(np.isnan(nothing.similarity))  # rounding errors have no correlation
    assert nothing.summary() == "no correlation of deviations: nothing varies"


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
