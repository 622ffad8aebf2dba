"""School (139 tasks, 15,362 rows, 28 raw features): the optimum that MALSAR stops above, certified."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat

from mtlinear.designs import StackedDesign
from mtlinear.losses import Squared
from mtlinear.penalties import L1, Clustered, Dirty, GraphRegularized, L1Lq, MeanRegularized, TraceNorm
from mtlinear.problem import Problem
from mtlinear.solvers import FISTA, choose_solver

ROOT = Path(__file__).parents[1]
RHO = 200.0
STRUCTURES = [L1(), L1Lq(), L1Lq(q=np.inf), TraceNorm(), Dirty(), MeanRegularized(), Clustered(2)]


def school_file():
    """school.mat in the directory MTLINEAR_DATA, or beside the checkout; None if it is in neither."""
    folders = [Path(os.environ["MTLINEAR_DATA"])] if "MTLINEAR_DATA" in os.environ else []
    folders.append(ROOT.parent / "shared" / "data")
    return next((folder / "school.mat" for folder in folders if (folder / "school.mat").is_file()), None)


@pytest.fixture(scope="module")
def school():
    path = school_file()
    if path is None:
        pytest.skip("school.mat not found; set MTLINEAR_DATA to the directory that has it")
    data = loadmat(path)
    tasks = [
        (np.asarray(X, dtype=float), np.asarray(y, dtype=float).ravel())
        for X, y in zip(*map(np.ravel, (data["X"], data["Y"])), strict=True)
    ]
    X, y = np.vstack([X for X, _ in tasks]), np.concatenate([y for _, y in tasks])
    codes = np.repeat(np.arange(len(tasks)), [len(y) for _, y in tasks])
    assert (X.shape, len(tasks)) == ((15362, 28), 139)
    return StackedDesign(X, codes, len(tasks)), y


@pytest.mark.slow
@pytest.mark.parametrize(
    ("penalty", "expected", "malsar"),
    [(L1Lq, 783909.2025, 784262.88), (TraceNorm, 759293.2160, 759306.75)],
    ids=["L2,1", "trace norm"],
)
def test_optimum_in_the_scaling_of_malsar(school, penalty, expected, malsar):
    """0.5 * (sum of squares) + rho * penalty; ours is that divided by m, the mean number of rows of a task."""
    design, y = school
    m = len(y) / design.n_tasks
    problem = Problem(design, design.arrange(y), Squared(), penalty(alpha=RHO / m), fit_intercept=False)
    solution = FISTA().solve(problem, tol=1e-11, max_iter=40_000)
    assert solution.converged
    assert m * solution.certificate.gap <= 1e-4
    assert m * solution.certificate.objective == pytest.approx(expected, abs=2e-4)
    assert m * solution.certificate.objective < malsar - 1.0
    # The same number from the rows themselves.
    scores = np.sum(design.X * solution.A.T[design.codes], axis=1)
    norm = np.linalg.norm(solution.A, axis=1).sum() if penalty is L1Lq else np.linalg.norm(solution.A, "nuc")
    assert 0.5 * np.sum((design.arrange(y) - scores) ** 2) + RHO * norm == pytest.approx(expected, abs=2e-4)


@pytest.mark.slow
@pytest.mark.parametrize("rho", [50.0, 200.0, 1000.0])
@pytest.mark.parametrize("penalty", STRUCTURES, ids=repr)
def test_no_structure_wanders(school, penalty, rho):
    """Raw features, tasks of 22 to 251 rows: every structure at every strength is certified within 1,000 iterations."""
    design, y = school
    m = len(y) / design.n_tasks
    problem = Problem(design, design.arrange(y), Squared(), penalty.scaled(rho / m), fit_intercept=False)
    solution = choose_solver(problem).solve(problem, max_iter=1_000)
    assert solution.converged


def graph_of_similar_models(design, y, m):
    """MALSAR's example_SRMTL: tasks whose lasso models (rho = 0.01) correlate by more than 0.85 are joined."""
    problem = Problem(design, design.arrange(y), Squared(), L1(0.01 / m), fit_intercept=False)
    A = choose_solver(problem).solve(problem, tol=1e-5).A
    return np.where(np.corrcoef(A.T) > 0.85, 1.0, 0.0) - np.eye(design.n_tasks)


@pytest.mark.slow
def test_the_example_of_srmtl(school):
    """``1/2 SSE + ||A R||_F^2 + 20 ||A||_1``, a column of R for each edge: we end lower."""
    design, y = school
    target, m = design.arrange(y), len(y) / design.n_tasks
    graph = graph_of_similar_models(design, y, m)
    assert 10 < np.count_nonzero(graph) / 2 < 5_000
    L = np.diag(graph.sum(axis=1)) - graph

    def objective(A):
        scores = np.sum(design.X * A.T[design.codes], axis=1)
        return 0.5 * np.sum((target - scores) ** 2) + np.sum((A @ L) * A) + 20.0 * np.abs(A).sum()

    penalty = GraphRegularized(graph, alpha=22.0 / m, smooth_ratio=2.0 / 22.0)
    problem = Problem(design, target, Squared(), penalty, fit_intercept=False)
    solution = choose_solver(problem).solve(problem, max_iter=1_000)
    assert solution.converged
    assert m * solution.certificate.objective == pytest.approx(objective(solution.A), rel=1e-9)

    # Accelerated gradient steps from zero, until the objective changes by less than 1e-5 of itself.
    grams = [design.X[design.codes == t].T @ design.X[design.codes == t] for t in range(design.n_tasks)]
    curvature = max(np.linalg.norm(gram, 2) for gram in grams) + 2.0 * np.linalg.norm(L, 2)
    A = before = np.zeros((28, design.n_tasks))
    momentum, last = 1.0, objective(A)
    for _ in range(500):
        following = 0.5 * (1.0 + np.sqrt(1.0 + 4.0 * momentum**2))
        ahead = A + (momentum - 1.0) / following * (A - before)
        residuals = np.sum(design.X * ahead.T[design.codes], axis=1) - target
        slopes = [design.X[design.codes == t].T @ residuals[design.codes == t] for t in range(design.n_tasks)]
        V = ahead - (np.column_stack(slopes) + 2.0 * ahead @ L) / curvature
        before, momentum = A, following
        A = np.sign(V) * np.maximum(np.abs(V) - 20.0 / curvature, 0.0)
        value = objective(A)
        if abs(last - value) <= 1e-5 * last:
            break
        last = value
    assert objective(solution.A) < value < 1.2 * objective(solution.A)
    assert value >= m * solution.certificate.bound
