"""Tree-guided penalties: weights of the paper, values, and trees that are none."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.cluster.hierarchy import linkage
from test_row_penalties import root, same_norm

from mtlinear.penalties import (
    L1Lq,
    TreeGuided,
    kim_xing_groups,
)

# Trees ----------------------------------------------------------------------------------------------------------------


def recursive(node, children, heights, a):
    """Kim & Xing's W(v): s_v sum_c W(c) + g_v ||a_v||, g = 1 - s, s the height."""
    if node not in children:
        return abs(a[node])

    def tasks(v):
        return [v] if v not in children else [t for c in children[v] for t in tasks(c)]

    h = heights[node]
    below = sum(recursive(c, children, heights, a) for c in children[node])
    return h * below + (1 - h) * np.linalg.norm(a[tasks(node)])


@pytest.mark.parametrize("method", ["average", "single", "ward"])
def test_kim_xing_weights_are_the_recursion_of_the_paper(method, rng):
    T = 7
    Z = linkage(rng.standard_normal((T, 3)), method)
    children = {T + k: [int(Z[k, 0]), int(Z[k, 1])] for k in range(T - 1)}
    heights = {T + k: Z[k, 2] / Z[-1, 2] for k in range(T - 1)}
    A = rng.standard_normal((4, T))
    expected = sum(recursive(2 * T - 2, children, heights, a) for a in A)
    assert_allclose(TreeGuided(Z, 0.3).value(A), 0.3 * expected, rtol=1e-12)
    groups = kim_xing_groups(Z)
    assert_allclose([sum(w for tasks, w in groups if t in tasks) for t in range(T)], 1.0)


def test_tree_value_is_that_of_spams(rng):
    """lambda1 sum_v eta_v row(W[:, G_v]), its tree-l2 with transpose=True."""
    A = rng.standard_normal((5, 4))
    groups = [([0, 1], 0.5), ([3], 2.0), ([0, 1, 2, 3], 1.5)]
    expected = 0.4 * sum(eta * np.linalg.norm(A[:, tasks], axis=1).sum() for tasks, eta in groups)
    assert_allclose(TreeGuided(groups, 0.4).value(A), expected)


def test_equal_groups_count_together():
    same_norm(TreeGuided(lambda T: root(T) + root(T), 0.5), L1Lq(1.0))


@pytest.mark.parametrize(
    ("tree", "error", "message"),
    [
        (None, ValueError, "linkage"),
        ([([0, 1], 1.0), ([1, 2], 1.0)], ValueError, r"\[0, 1\] and \[1, 2\] cross"),
        ([([0, 1], 1.0)], ValueError, r"task\(s\) \[2\]"),
        ([([0, 3], 1.0)], ValueError, "from 0 to 2"),
        ([([0, 0], 1.0)], ValueError, "different tasks"),
        ([([0, 1, 2], 0.0)], ValueError, "weight of group 0"),
        ([[0, 1, 2]], TypeError, "pairs"),
        ([], TypeError, "pairs"),
        ("tree", TypeError, "pairs"),
        (np.zeros((5, 4)), ValueError, "6 tasks, there are 3"),
        (np.zeros((2, 3)), ValueError, "shape"),
        (np.zeros((2, 4)), ValueError, "merged once"),
        (np.array([[0, 1, -1.0, 2], [2, 3, 1.0, 3]]), ValueError, "heights"),
    ],
)
def test_bad_trees_are_refused_in_words(tree, error, message):
    with pytest.raises(error, match=message):
        TreeGuided(tree).check(4, 3)
