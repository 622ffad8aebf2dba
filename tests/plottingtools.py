"""What the tests of the displays share: data, fits, and what stands on an axis."""

from __future__ import annotations

import functools
from itertools import pairwise

import matplotlib
import numpy as np

import mtlinear as mt
from mtlinear.penalties import L1Lq

matplotlib.use("Agg")

RNG = np.random.default_rng(0)
X = RNG.standard_normal((60, 6))
TRUTH = np.zeros((6, 4))
TRUTH[[1, 4]] = RNG.standard_normal((2, 4)) + 2
Y = X @ TRUTH + RNG.standard_normal((60, 4))
TASKS = np.array(["d", "b", "a", "c"])[np.arange(60) % 4]
SPARSE = np.array([[0.0, 0.0, 1.0], [5.0, 0.0, 0.0], [0.1, 0.2, 0.1], [0.0, 0.0, 0.0], [3.0, 0.0, -4.0]])
PRIVATE = np.array([[1.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]])


@functools.cache
def dirty_model():
    return mt.DirtyRegressor(0.5, l1_ratio=0.4).fit(X, Y)


@functools.cache
def block_path():
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
