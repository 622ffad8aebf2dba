"""Data that follow a belief about the tasks, with the truth: one generator for each structure."""

from __future__ import annotations

from typing import Any

import numpy as np

from mtlinear._typing import Array, Indices
from mtlinear._validation import check_integer, check_real
from mtlinear.datasets._generate import Sizes, generator
from mtlinear.parameters import ParameterMatrix
from mtlinear.penalties._graph import chain_graph, check_graph, laplacian


@generator()
def make_shared_support(sizes: Sizes, *, n_informative: int = 5) -> ParameterMatrix:
    """A few features matter, the same ones for all tasks: the belief of `BlockSparseRegressor`.

    Parameters
    ----------
    n_informative : int, default 5
        Features that matter; the others have zero rows in A. Entries are standard normal.
    %(common)s

    Examples
    --------
    >>> from mtlinear.datasets import make_shared_support
    >>> X, Y, truth = make_shared_support(n_informative=3, return_parameters=True, random_state=0)
    >>> X.shape, Y.shape, len(truth.selected_features())
    ((50, 30), (50, 10), 3)
    """
    A = np.zeros((sizes.n_features, sizes.n_tasks))
    rows = sizes.choose(sizes.check_informative(n_informative), sizes.n_features)
    A[rows] = sizes.normal(len(rows), sizes.n_tasks)
    return ParameterMatrix({"A": A})


@generator(parts="two parts, B of the shared features and S of the private ones")
def make_dirty(sizes: Sizes, *, n_informative: int = 4, overlap: float = 0.5) -> ParameterMatrix:
    """Every task has features that all share, and private ones: the belief of `DirtyRegressor`.

    Parameters
    ----------
    n_informative : int, default 4
        Features that matter to a task.
    overlap : float in [0, 1], default 0.5
        Share of them (rounded to whole features) that all tasks have in common. 1 is `make_shared_support`; with 0 the
        supports of the tasks are disjoint, if there are ``n_tasks * n_informative`` features: private features are
        dealt out in turn, so that no feature gets a second task before every one of the rest has its first.
    %(common)s

    References
    ----------
    Jalali, Ravikumar, Sanghavi & Ruan (2010), NIPS 23.

    Examples
    --------
    >>> from mtlinear.datasets import make_dirty
    >>> X, Y, truth = make_dirty(n_informative=4, overlap=0.25, return_parameters=True, random_state=0)
    >>> len(truth.selected_features("B")), truth.support().sum(axis=0)
    (1, array([4, 4, 4, 4, 4, 4, 4, 4, 4, 4]))
    """
    count = sizes.check_informative(n_informative)
    share = check_real("overlap", overlap, at_least=0.0, at_most=1.0)
    n_shared = int(np.floor(share * count + 0.5))
    features = sizes.choose(sizes.n_features, sizes.n_features)
    B, S = np.zeros((2, sizes.n_features, sizes.n_tasks))
    B[features[:n_shared]] = sizes.normal(n_shared, sizes.n_tasks)
    private, n_private = features[n_shared:], count - n_shared
    for t in range(sizes.n_tasks if n_private else 0):
        own = private[np.arange(t * n_private, (t + 1) * n_private) % len(private)]
        S[own, t] = sizes.normal(n_private)
    return ParameterMatrix({"B": B, "S": S})


@generator()
def make_low_rank(sizes: Sizes, *, rank: int = 2) -> ParameterMatrix:
    """The parameters of all tasks lie in a subspace: the belief of `TraceNormRegressor`.

    Parameters
    ----------
    rank : int, default 2
        Its dimension: A is the product of two matrices of standard normal numbers, over sqrt(rank).
    %(common)s

    Examples
    --------
    >>> from mtlinear.datasets import make_low_rank
    >>> X, Y, truth = make_low_rank(rank=3, return_parameters=True, random_state=0)
    >>> truth.rank()
    3
    """
    return ParameterMatrix({"A": _low_rank(sizes, rank)})


@generator(parts="one part, A, and the clusters, which ``task_clusters()`` gives")
def make_clustered(sizes: Sizes, *, n_clusters: int = 3, within: float = 0.3) -> ParameterMatrix:
    """The tasks fall into clusters: the belief of `ClusteredRegressor`.

    Parameters
    ----------
    n_clusters : int, default 3
        Their centres are standard normal; the clusters are as equal in size as may be, in random order.
    within : float >= 0, default 0.3
        Standard deviation of a parameter around that of its centre.
    %(common)s

    References
    ----------
    Jacob, Bach & Vert (2009), NIPS 21.

    Examples
    --------
    >>> from mtlinear.datasets import make_clustered
    >>> X, Y, truth = make_clustered(n_clusters=2, return_parameters=True, random_state=0)
    >>> int(truth.task_clusters().max()) + 1
    2
    """
    count = check_integer("n_clusters", n_clusters, at_least=1)
    if count > sizes.n_tasks:
        raise ValueError(f"n_clusters must be at most n_tasks={sizes.n_tasks}, got {count}.")
    spread = check_real("within", within, at_least=0.0)
    labels = sizes.choose(sizes.n_tasks, sizes.n_tasks) % count
    A = sizes.normal(sizes.n_features, count)[:, labels] + spread * sizes.normal(sizes.n_features, sizes.n_tasks)
    members = np.eye(count)[labels]
    return ParameterMatrix({"A": A}, clusters=(count, members / np.sqrt(members.sum(axis=0))))


@generator()
def make_mean_related(sizes: Sizes, *, spread: float = 0.3) -> ParameterMatrix:
    """All tasks are near a mean: the belief of `MeanRegularizedRegressor`.

    Parameters
    ----------
    spread : float >= 0, default 0.3
        Standard deviation of a parameter around the mean, which is standard normal.
    %(common)s

    References
    ----------
    Evgeniou & Pontil (2004), KDD.

    Examples
    --------
    >>> from mtlinear.datasets import make_mean_related
    >>> X, Y, truth = make_mean_related(spread=0.0, return_parameters=True, random_state=0)
    >>> float(abs(truth.deviations).max().round(12))
    0.0
    """
    deviations = check_real("spread", spread, at_least=0.0) * sizes.normal(sizes.n_features, sizes.n_tasks)
    return ParameterMatrix({"A": sizes.normal(sizes.n_features, 1) + deviations})


@generator(
    more="""
    tree : list of (list of int, float)
        Groups of tasks with their weights (1), as `mtlinear.penalties.TreeGuided` takes them: single tasks first."""
)
def make_tree(sizes: Sizes, *, n_informative: int = 2) -> tuple[ParameterMatrix, list[tuple[list[int], float]]]:
    """Close relatives in a tree use the same features: the belief of `TreeGuidedRegressor`.

    The tasks are divided into halves, and these again, down to single tasks.

    Parameters
    ----------
    n_informative : int, default 2
        Features that every group of two tasks or more adds, for all of its tasks. Entries are standard normal.
    %(common)s

    References
    ----------
    Kim & Xing (2010), ICML.

    Examples
    --------
    >>> from mtlinear.datasets import make_tree
    >>> X, Y, tree = make_tree(n_tasks=4, random_state=0)
    >>> [tasks for tasks, weight in tree]
    [[0], [1], [2], [3], [0, 1], [2, 3], [0, 1, 2, 3]]
    """
    count = sizes.check_informative(n_informative)
    groups = sorted(_halves(list(range(sizes.n_tasks))), key=lambda group: (len(group), group))
    A = np.zeros((sizes.n_features, sizes.n_tasks))
    for group in groups:
        if len(group) > 1:
            rows = sizes.choose(count, sizes.n_features)
            A[rows[:, None], group] += sizes.normal(count, len(group))
    return ParameterMatrix({"A": A}), [(group, 1.0) for group in groups]


def _halves(tasks: list[int]) -> list[list[int]]:
    middle = (len(tasks) + 1) // 2
    return [tasks] if len(tasks) == 1 else [tasks, *_halves(tasks[:middle]), *_halves(tasks[middle:])]


@generator(
    more="""
    graph : ndarray (n_tasks, n_tasks)
        Symmetric weights of the edges, as the penalties on graphs take them."""
)
def make_graph_related(
    sizes: Sizes, *, graph: Any = None, n_informative: int = 10, n_jumps: int | None = None
) -> tuple[ParameterMatrix, Array]:
    """Neighbours in a graph, or in time, are alike or equal: the beliefs of `GraphRegularizedRegressor` and
    `FusedRegressor`.

    Parameters
    ----------
    graph : array-like or sparse matrix (n_tasks, n_tasks), or callable n_tasks -> matrix, default None
        Symmetric weights, as the penalties on graphs take them; tasks joined by a negative weight are opposites. None
        is a chain, as in time.
    n_informative : int, default 10
        Features that matter.
    n_jumps : int, default None
        None: the row of a feature is smooth, a Gaussian Markov random field with precision ``L + 0.1 I`` for the
        Laplacian L, scaled to an average variance of 1. A number: it is constant along the chain but for so many jumps,
        with standard normal values between them.
    %(common)s

    References
    ----------
    Rue & Held (2005), Gaussian Markov Random Fields.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlinear.datasets import make_graph_related
    >>> X, Y, graph, truth = make_graph_related(n_jumps=1, return_parameters=True, random_state=0)
    >>> np.unique(np.count_nonzero(np.diff(truth.values), axis=1))
    array([0, 1])
    """
    T = sizes.n_tasks
    rows = sizes.choose(sizes.check_informative(n_informative), sizes.n_features)
    weights = check_graph(chain_graph if graph is None else graph, T)
    A = np.zeros((sizes.n_features, T))
    if n_jumps is None:
        covariance = np.linalg.inv(laplacian(weights) + 0.1 * np.eye(T))
        root = np.linalg.cholesky(covariance * (T / np.trace(covariance)))
        A[rows] = sizes.normal(len(rows), T) @ root.T
        return ParameterMatrix({"A": A}), weights
    if graph is not None:
        raise ValueError("n_jumps needs a chain: leave graph=None.")
    if check_integer("n_jumps", n_jumps, at_least=0) >= T:
        raise ValueError(f"n_jumps must be less than n_tasks={T}, got {n_jumps}.")
    for row in rows:
        begins: Indices = np.zeros(T, dtype=np.intp)
        begins[1 + sizes.choose(n_jumps, T - 1)] = 1
        A[row] = sizes.normal(n_jumps + 1)[np.cumsum(begins)]
    return ParameterMatrix({"A": A}), weights


@generator(parts="two parts, L of the tasks that share a subspace and S of the outliers")
def make_outlier_tasks(sizes: Sizes, *, n_outliers: int = 1, rank: int = 2, strength: float = 2.0) -> ParameterMatrix:
    """Most tasks share a subspace, some do not: the belief of `RobustRegressor`.

    Parameters
    ----------
    n_outliers : int, default 1
        Tasks with a column of S beside that of L.
    rank : int, default 2
        Dimension of the subspace, as in `make_low_rank`.
    strength : float > 0, default 2.0
        Standard deviation of the entries of these columns.
    %(common)s

    References
    ----------
    Chen, Zhou & Ye (2011), KDD.

    Examples
    --------
    >>> from mtlinear.datasets import make_outlier_tasks
    >>> X, Y, truth = make_outlier_tasks(n_outliers=2, return_parameters=True, random_state=0)
    >>> len(truth.outlier_tasks())
    2
    """
    count = check_integer("n_outliers", n_outliers, at_least=0)
    if count > sizes.n_tasks:
        raise ValueError(f"n_outliers must be at most n_tasks={sizes.n_tasks}, got {count}.")
    L, S = _low_rank(sizes, rank), np.zeros((sizes.n_features, sizes.n_tasks))
    tasks = sizes.choose(count, sizes.n_tasks)
    S[:, tasks] = check_real("strength", strength, above=0.0) * sizes.normal(sizes.n_features, count)
    return ParameterMatrix({"L": L, "S": S})


def _low_rank(sizes: Sizes, rank: int) -> Array:
    k = check_integer("rank", rank, at_least=1)
    if k > min(sizes.n_features, sizes.n_tasks):
        raise ValueError(f"rank must be at most {min(sizes.n_features, sizes.n_tasks)}, got {k}.")
    return np.asarray(sizes.normal(sizes.n_features, k) @ sizes.normal(k, sizes.n_tasks) / np.sqrt(k))
