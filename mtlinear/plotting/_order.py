"""Orders of features and tasks in which a matrix shows its structure."""

from __future__ import annotations

import numpy as np
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import pdist, squareform

from mtlinear._typing import Array, Indices
from mtlinear.parameters import ParameterMatrix


def order_of_features(parameters: ParameterMatrix) -> Indices:
    """Features that most tasks use first, and among these those with the largest row norm."""
    used = parameters.support().sum(axis=1)
    return np.lexsort((-parameters.row_norms(), -used))


def order_of_tasks(parameters: ParameterMatrix) -> tuple[Indices, Indices | None]:
    """Tasks by cluster, and the cluster of each; for a model without clusters by hierarchy, and None."""
    try:
        clusters = parameters.task_clusters()
    except ValueError:  # what it says of a model without a number of clusters
        tree = tree_of_tasks(pdist(parameters.values.T))
        return leaves(tree, parameters.n_tasks), None
    return np.argsort(clusters, kind="stable"), clusters


def tree_of_tasks(distances: Array) -> Array | None:
    """Average linkage of condensed distances, neighbours put next to each other; None for a single task."""
    return linkage(distances, "average", optimal_ordering=True) if len(distances) else None


def tree_of_similarity(similarity: Array) -> Array | None:
    """The tree for distances 1 - correlation.

    Tasks whose similarity is NaN (constant parameters) count as alike, and as far from all others as can be.
    """
    distances = 1.0 - similarity
    undefined = np.isnan(np.diag(similarity))
    distances[undefined, :] = distances[:, undefined] = 2.0
    distances[np.ix_(undefined, undefined)] = 0.0
    np.fill_diagonal(distances, 0.0)
    return tree_of_tasks(squareform(distances, checks=False))


def leaves(tree: Array | None, count: int) -> Indices:
    """The tasks in the order of the tree."""
    return np.arange(count) if tree is None else leaves_list(tree).astype(np.intp)


def brackets(tree: Array) -> list[Array]:
    """The lines of a dendrogram: for every merger four points (height, place of the task in the order of the tree).

    scipy's `dendrogram` calls itself once per level, too often for a long chain of tasks.
    """
    count = len(tree) + 1
    place = np.empty(2 * count - 1)
    height = np.zeros(2 * count - 1)
    place[leaves(tree, count)] = np.arange(count)
    lines = []
    for k, (left, right, top, _) in enumerate(tree):
        a, b = int(left), int(right)
        lines.append(np.array([[height[a], place[a]], [top, place[a]], [top, place[b]], [height[b], place[b]]]))
        place[count + k], height[count + k] = (place[a] + place[b]) / 2.0, top
    return lines
