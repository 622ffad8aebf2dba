"""A path of 100 alphas x 5 folds: MultiTaskRegressorCV beside scikit-learn's MultiTaskLassoCV, at equal proof.

Run ``python benchmarks/cross_validation.py``; compare ratios, not seconds. Both solve L1/L2 on the same grid and folds
in one process, one after the other, best of ``--repeats`` runs.

scikit-learn's ``tol`` is relative to ``||Y||^2``, ours to the objective at A = 0, which is half of that (centred): half
our tol asks of both for the same gap. What was reached is then measured the same way for both, on every alpha of the
first fold; the largest gaps are printed, relative to the objective at A = 0.
"""

from __future__ import annotations

import argparse
import platform
import time
import warnings
from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import sklearn
from problems import correlated
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import MultiTaskLasso, MultiTaskLassoCV
from sklearn.model_selection import KFold

from mtlinear import MultiTaskRegressorCV
from mtlinear.certificate import certify
from mtlinear.designs import SharedDesign
from mtlinear.losses import Squared
from mtlinear.path import sweep
from mtlinear.penalties import L1Lq
from mtlinear.problem import Problem
from mtlinear.solvers import choose_solver

SIZES = [(100, 20, 4), (1000, 100, 10), (300, 2000, 10), (5000, 200, 20)]
TOLERANCES = [1e-4, 1e-6]


def timed(run: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """Smallest time of the runs, and the last result."""
    seconds, result = [], None
    for _ in range(repeats):
        start = time.perf_counter()
        result = run()
        seconds.append(time.perf_counter() - start)
    return min(seconds), result


def worst_gaps(X: np.ndarray, Y: np.ndarray, alphas: np.ndarray, tol: float) -> tuple[float, float]:
    """Largest relative gap along the path on the first fold, ours and scikit-learn's.

    The gap of a solution is its objective minus the highest lower bound that is known from either.
    """
    train, _ = next(KFold(5).split(X))
    problem = Problem(SharedDesign(X[train], Y.shape[1]), Y[train], Squared(), L1Lq())
    model = MultiTaskLasso(warm_start=True, tol=tol / 2, max_iter=100_000)
    ours, theirs = [], []
    for step, solution in sweep(problem, alphas, choose_solver(problem), tol=tol):
        coef = model.set_params(alpha=step.penalty.alpha).fit(X[train], Y[train]).coef_
        peer = certify(step, step.settle([coef.T]), solution.certificate)
        ours.append(solution.certificate.objective - peer.bound)
        theirs.append(peer.gap)
    return max(ours) / problem.null_objective, max(theirs) / problem.null_objective


def compare(n: int, d: int, n_tasks: int, tol: float, repeats: int) -> None:
    X, Y = correlated(n, d, n_tasks)
    ours, model = timed(lambda: MultiTaskRegressorCV(L1Lq(), tol=tol).fit(X, Y), repeats)
    theirs, peer = timed(lambda: MultiTaskLassoCV(alphas=100, tol=tol / 2, max_iter=100_000).fit(X, Y), repeats)
    assert np.isclose(model.alpha_, peer.alpha_), "the two chose different alphas"
    gap, peer_gap = worst_gaps(X, Y, model.alphas_, tol)
    print(
        f"{n:5} x {d:4} x {n_tasks:2}   {tol:.0e} {ours:8.2f}s {theirs:8.2f}s {theirs / ours:10.2f} "
        f"{gap:12.1e} {peer_gap:12.1e}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--sizes", nargs=3, type=int, metavar=("N", "D", "T"), help="one size instead of all")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    print(f"{date.today()}, scikit-learn {sklearn.__version__}, NumPy {np.__version__}, {platform.machine()}")
    print(
        f"{'n x d x T':17} {'tol':>6} {'ours':>9} {'sklearn':>9} {'sklearn/ours':>10} {'our gap':>11} {'their gap':>13}"
    )
    for sizes in [tuple(arguments.sizes)] if arguments.sizes else SIZES:
        for tol in TOLERANCES:
            compare(*sizes, tol, arguments.repeats)


if __name__ == "__main__":
    main()
