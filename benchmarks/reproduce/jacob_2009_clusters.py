"""Jacob, Bach & Vert (NIPS 2008, printed 2009), "Clustered multi-task learning: a convex formulation": clusters.

Two clusters of tasks in R^30. A cluster has a center that is N(0, 900) on 14 features of its own and zero on the 14 of
the other; a task is its center plus N(0, 16) on the same 14 features, and N(0, 16) on two more features that all tasks
use; the noise has variance 150. RMSE on fresh rows against the number of training rows of a task, for

- the clustered penalty (cluster norm), the trace norm, and single tasks (Frobenius norm), as in the paper;
- mean-regularized, which the paper leaves out as a special case of the cluster norm (one cluster);
- the true clusters in place of the learned ones ("true metric" in the paper).

All strengths and second parameters by 5-fold cross-validation on the training rows. The paper has its results as curves
without numbers; what is compared is the order. About six minutes.
"""

from __future__ import annotations

import argparse
import warnings

import numpy as np
from _common import at_end_of_grid, draw, parser, print_curves, print_header, print_table, repeat, seeds, with_error
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import StratifiedKFold

from mtlinear import MultiTaskRegressorCV
from mtlinear.penalties import Clustered, GraphLaplacian, MeanRegularized, Penalty, Ridge, Sum, TraceNorm

N_FEATURES, N_CLUSTERS, N_COMMON = 30, 2, 2
CENTER_VARIANCE, TASK_VARIANCE, NOISE_VARIANCE = 900.0, 16.0, 150.0
N_TEST = 1000
ROWS = (8, 12, 16, 20, 30, 50, 100)
TOL = 1e-6
#: From memory, of the paper's figure 2: it has curves without numbers.
PAPER = "clustered < trace norm < single-task"
#: Strengths on the mean, or on mean and centers, as shares of that within.
SHARES = (0.003, 0.03)


def draw_truth(per_cluster: int, rng: np.random.Generator) -> np.ndarray:
    """A (features x tasks)."""
    own = (N_FEATURES - N_COMMON) // N_CLUSTERS
    A = np.zeros((N_FEATURES, N_CLUSTERS * per_cluster))
    for cluster in range(N_CLUSTERS):
        features = slice(cluster * own, (cluster + 1) * own)
        tasks = slice(cluster * per_cluster, (cluster + 1) * per_cluster)
        center = rng.normal(0.0, np.sqrt(CENTER_VARIANCE), size=(own, 1))
        A[features, tasks] = center + rng.normal(0.0, np.sqrt(TASK_VARIANCE), size=(own, per_cluster))
    A[-N_COMMON:] = rng.normal(0.0, np.sqrt(TASK_VARIANCE), size=(N_COMMON, A.shape[1]))
    return A


def draw_rows(A: np.ndarray, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """X, y, tasks: n rows of each task."""
    tasks = np.repeat(np.arange(A.shape[1]), n)
    X = rng.standard_normal((len(tasks), len(A)))
    return X, np.sum(X * A.T[tasks], axis=1) + rng.normal(0.0, np.sqrt(NOISE_VARIANCE), size=len(tasks)), tasks


def methods(per_cluster: int) -> dict[str, list[Penalty]]:
    """Every method with its second parameters."""
    cluster = np.repeat(np.arange(N_CLUSTERS), per_cluster)
    # The sum over the pairs of a cluster of ||a_s - a_t||^2, over its size, is sum_t ||a_t - center||^2.
    graph = (cluster[:, None] == cluster) / per_cluster - np.eye(len(cluster)) / per_cluster
    return {
        "clustered": [Clustered(N_CLUSTERS, between_ratio=share, mean_ratio=share) for share in SHARES],
        "trace norm": [TraceNorm()],
        "single-task": [Ridge()],
        "mean-regularized": [MeanRegularized(mean_alpha=share) for share in SHARES],
        "known clusters": [Sum(GraphLaplacian(graph), Ridge(share)) for share in SHARES],
    }


def rmse(per_cluster: int, n: int, seed: int, n_alphas: int = 15) -> dict[str, tuple[float, bool]]:
    """Of every method on one draw; and whether its strength is at an end of its grid."""
    rng = np.random.default_rng([seed, n, per_cluster])
    A = draw_truth(per_cluster, rng)
    X, y, tasks = draw_rows(A, n, rng)
    X_test, y_test, tasks_test = draw_rows(A, N_TEST, rng)
    folds = list(StratifiedKFold(5, shuffle=True, random_state=seed).split(X, tasks))
    results = {}
    for name, penalties in methods(per_cluster).items():
        grid = {"penalty": penalties}
        model = MultiTaskRegressorCV(param_grid=grid, alphas=n_alphas, eps=1e-4, cv=folds, tol=TOL, fit_intercept=False)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # fits inside the folds are only ranked
            model.fit(X, y, tasks=tasks)
        error = float(np.sqrt(np.mean((model.predict(X_test, tasks=tasks_test) - y_test) ** 2)))
        results[name] = error, at_end_of_grid(model)
    return results


def report(
    done: list[dict[int, dict[str, tuple[float, bool]]]], rows: tuple[int, ...], arguments: argparse.Namespace
) -> None:
    """A line for every number of rows, and curves; paired differences to the clustered penalty and to single tasks."""
    names = list(methods(arguments.per_cluster))
    means, lines, differences = {name: [] for name in names}, [], []
    for n in rows:
        values = {name: np.array([one[n][name][0] for one in done]) for name in names}
        for name in names:
            means[name].append(float(np.mean(values[name])))
        lines.append([str(n), *(with_error(values[name]) for name in names)])
        gain = with_error(values["mean-regularized"] - values["single-task"])
        differences.append([str(n), *(with_error(values[name] - values["clustered"]) for name in names[1:]), gain])
    print(
        f"\nRMSE on fresh rows (the noise alone: 12.25), mean ± standard error; the paper's order, from memory: {PAPER}"
    )
    print_table(["rows a task", *names], lines)
    print("\nminus that of clustered, on the same draws; and mean-regularized minus single-task")
    print_table(["rows a task", *names[1:], "mean-regularized minus single-task"], differences)
    ends = {name: sum(one[n][name][1] for one in done for n in rows) for name in names}
    print(f"\nstrengths at an end of their grid, of {len(done) * len(rows)} choices: {ends}\n")
    print_curves(np.log(rows), means, "log of the rows a task")
    if arguments.figure:
        panels = {f"{N_CLUSTERS} clusters of {arguments.per_cluster} tasks": (rows, means)}
        draw(arguments.figure, panels, "training rows a task", "RMSE")


def main() -> None:
    """Run, print, draw."""
    arguments_parser = parser(__doc__, repetitions=20)
    arguments_parser.add_argument("--per-cluster", type=int, default=2, help="tasks of a cluster (default 2)")
    arguments = arguments_parser.parse_args()
    rows, n_alphas = (ROWS[1:5:3], 6) if arguments.quick else (ROWS, 15)
    chosen = seeds(arguments)
    about = {"seeds": f"{chosen[0]}-{chosen[-1]}", "draws of every cell": len(chosen)}
    about |= {"tasks of a cluster": arguments.per_cluster, "gap": TOL}
    print_header("Jacob, Bach & Vert (2009), synthetic clusters", about)
    done = repeat(lambda seed: {n: rmse(arguments.per_cluster, n, seed, n_alphas) for n in rows}, chosen)
    if done:
        report(done, rows, arguments)


if __name__ == "__main__":
    main()
