"""Our solver beside scikit-learn and cvxpy, at equal certified accuracy; School beside what MALSAR reaches.

Run ``python benchmarks/run.py`` (``--school PATH`` for School; needs mtlinear[reference]). Times are the smallest of
three runs in one process; compare ratios, not seconds.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable

import numpy as np
from scipy.io import loadmat
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import MultiTaskLasso

from mtlinear.certificate import certify
from mtlinear.designs import SharedDesign, StackedDesign
from mtlinear.losses import Squared
from mtlinear.path import alpha_max
from mtlinear.penalties import Dirty, L1Lq, Penalty, TraceNorm
from mtlinear.problem import Problem
from mtlinear.reference import solve_reference
from mtlinear.solvers import FISTA

TOL = 1e-6
#: Objective 1/2 SSE + rho * penalty at rho = 200: our certified optimum must not be above what MALSAR stops at.
MALSAR = {"L2,1": (L1Lq, 784262.88), "trace norm": (TraceNorm, 759306.75)}


def best_of(run: Callable[[], object], repeats: int = 3) -> float:
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def correlated(n: int, d: int, n_tasks: int) -> tuple[np.ndarray, np.ndarray]:
    """AR(0.5) features, ten of which matter to all tasks."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, d))
    for j in range(1, d):
        X[:, j] = 0.5 * X[:, j - 1] + np.sqrt(0.75) * X[:, j]
    A = np.zeros((d, n_tasks))
    A[rng.choice(d, 10, replace=False)] = rng.standard_normal((10, n_tasks))
    return X, X @ A + rng.standard_normal((n, n_tasks))


def gap_of_sklearn(problem: Problem, alpha: float, X: np.ndarray, Y: np.ndarray, tol: float) -> float:
    """True gap of scikit-learn's coefficients, by our certificate, relative to the null objective."""
    coef = MultiTaskLasso(alpha, tol=tol, max_iter=100_000).fit(X, Y).coef_
    return certify(problem, problem.settle([coef.T])).gap / problem.null_objective


def beside_sklearn(n: int, d: int, n_tasks: int, fraction: float) -> None:
    """One line: both solvers at the loosest tolerance of scikit-learn's whose true gap is small enough."""
    X, Y = correlated(n, d, n_tasks)
    design = SharedDesign(X, n_tasks)
    alpha = fraction * alpha_max(Problem(design, Y, Squared(), L1Lq()))
    problem = Problem(design, Y, Squared(), L1Lq(alpha))
    tol = 1e-3
    while gap_of_sklearn(problem, alpha, X, Y, tol) > TOL:
        tol /= 3
    # Building the problem (centring, bound on the step) is part of our time.
    ours = best_of(lambda: FISTA().solve(Problem(design, Y, Squared(), L1Lq(alpha)), tol=TOL))
    theirs = best_of(lambda: MultiTaskLasso(alpha, tol=tol, max_iter=100_000).fit(X, Y))
    label = f"n={n} d={d} T={n_tasks} alpha/max={fraction}"
    print(f"{label:38} {ours:8.3f}s {theirs:8.3f}s {theirs / ours:13.2f}")


def against_sklearn() -> None:
    print(f"{'MultiTaskLasso':38} {'ours':>9} {'sklearn':>9} {'sklearn/ours':>13}   (relative gap <= {TOL:g})")
    for sizes in ((200, 100, 5), (1000, 200, 20), (300, 2000, 10), (2000, 500, 100)):
        for fraction in (0.3, 0.03):
            beside_sklearn(*sizes, fraction)


def against_cvxpy() -> None:
    print(f"\n{'cvxpy + Clarabel':38} {'ours':>9} {'cvxpy':>9} {'cvxpy/ours':>13}")
    X, Y = correlated(200, 40, 10)
    design = SharedDesign(X, 10)
    penalties: list[Penalty] = [L1Lq(), L1Lq(q=np.inf), Dirty(), TraceNorm()]
    for penalty in penalties:
        problem = Problem(design, Y, Squared(), penalty)
        problem = Problem(design, Y, Squared(), penalty.scaled(0.1 * alpha_max(problem)))
        ours = best_of(lambda p=problem: FISTA().solve(p, tol=TOL))
        theirs = best_of(lambda p=problem: solve_reference(p), repeats=1)
        print(f"{penalty!r:38} {ours:8.3f}s {theirs:8.3f}s {theirs / ours:13.0f}")


def school(path: str) -> None:
    data = loadmat(path)
    tasks_X, tasks_y = data["X"][0], data["Y"][0]
    X = np.vstack(tasks_X).astype(float)
    y = np.concatenate([v.ravel() for v in tasks_y]).astype(float)
    codes = np.repeat(np.arange(len(tasks_X)), [len(x) for x in tasks_X])
    design = StackedDesign(X, codes, len(tasks_X))
    m = len(y) / len(tasks_X)
    print(f"\n{'School, raw, rho = 200':38} {'ours':>9} {'objective':>13} {'gap':>9} {'MALSAR stops at':>16}")
    for name, (penalty, malsar) in MALSAR.items():
        problem = Problem(design, design.arrange(y), Squared(), penalty(200.0 / m), fit_intercept=False)
        solution = FISTA().solve(problem, tol=TOL, max_iter=50_000)
        seconds = best_of(lambda p=problem: FISTA().solve(p, tol=TOL, max_iter=50_000), repeats=1)
        objective, gap = m * solution.certificate.objective, m * solution.certificate.gap
        print(f"{name:38} {seconds:8.3f}s {objective:13.2f} {gap:9.1e} {malsar:16.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--school", help="path of school.mat")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    against_sklearn()
    against_cvxpy()
    if arguments.school:
        school(arguments.school)


if __name__ == "__main__":
    main()
