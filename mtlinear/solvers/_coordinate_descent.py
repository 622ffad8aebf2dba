"""Block coordinate descent, by scikit-learn's compiled loops."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn import config_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import enet_path

from mtlinear._typing import Array
from mtlinear.datafit import RowsFit
from mtlinear.designs import SharedDesign
from mtlinear.penalties import L1, L1Lq
from mtlinear.problem import Problem
from mtlinear.solvers._base import Solver
from mtlinear.solvers._incumbent import Incumbent

#: scikit-learn's gap, as a fraction of the one that is wanted: its dual point is scaled a little worse than ours.
_GOAL = 0.9
#: A gap that was reported and not confirmed by the certificate is asked for ten times smaller, down to this fraction.
_LEAST_GOAL = 1e-6
#: For quotients.
_TINY = 1e-300


class CoordinateDescent(Solver):
    r"""Block coordinate descent of scikit-learn, for L1/L2 and L1 under squared loss on rows that all tasks share.

    One row of A at a time is minimised over exactly; an epoch costs two passes over X, at the speed of compiled loops
    and not of matrix products, but epochs are few. It is the best there is where many features are in use and tasks are
    few, above all with more features than rows: there a gradient step has to be short. With many tasks, or few features
    on a Gram matrix, matrix products win.

    scikit-learn is told to stop at the gap that is wanted; what it returns is certified here like everything else. An
    iteration is an epoch.

    Parameters
    ----------
    check_every : int, default 100
        Epochs between two looks at the duality gap, between which nothing interrupts.

    References
    ----------
    Friedman, Hastie & Tibshirani (2010), J. Stat. Softw. 33. `sklearn.linear_model.enet_path`.
    """

    def __init__(self, check_every: int = 100):
        self.check_every = check_every

    def refuses(self, problem: Problem) -> str | None:
        data = problem.data
        if not data.loss.quadratic:
            return "its loss is not the squared loss."
        if not isinstance(problem.rest, L1 | L1Lq) or getattr(problem.rest, "q", 1) not in (1, 2):
            return "its penalty is not L1 or L1/L2."
        if problem.is_coupled:
            return "its penalty couples the tasks by a quadratic."
        if not isinstance(data, RowsFit) or not isinstance(data.design, SharedDesign) or not data.has_one_gram:
            return "its tasks do not share the same rows (or some outputs were not observed)."
        if data.design.is_sparse or data.dtype != np.float64:
            return "its X is sparse or float32."
        if np.ptp(data.design.task_weight) > 0:
            return "its tasks have different weights."
        return None

    def run(self, incumbent: Incumbent, gap_limit: float, max_iter: int) -> None:
        problem, goal = incumbent.problem, _GOAL
        A = incumbent.point.A  # from here on its own: near the optimum rounding decides which point is the best
        while not incumbent.is_done(gap_limit, max_iter) and goal > _LEAST_GOAL:
            epochs = min(self.check_every, max_iter - incumbent.n_iter)
            A, used = self.descend(problem, A, goal * gap_limit, epochs)
            incumbent.n_iter += used
            incumbent.look(problem.settle([A]))
            incumbent.record()
            if used < epochs:
                goal *= 0.1

    def descend(self, problem: Problem, A: Array, gap: float, max_iter: int) -> tuple[Array, int]:
        """(A, number of epochs) from a start, until scikit-learn sees this gap; not certified."""
        X, Y, unit = _weighted_rows(problem)
        alpha, l2_alpha = unit * float(problem.rest.alpha), unit * problem.smooth_curvature
        settings = {
            "alphas": [alpha + l2_alpha],
            "l1_ratio": alpha / (alpha + l2_alpha),
            "precompute": False,
            "copy_X": False,
            "check_input": False,
            "return_n_iter": True,
            "tol": gap * unit * len(X) / max(float(np.einsum("ij,ij->", Y, Y)), _TINY),
            "max_iter": max_iter,
        }
        by_row = getattr(problem.rest, "q", 1) == 2
        # A path of one alpha without checks, since these take longer than a small problem. It works on
        # its start in place: here on a copy.
        start = A.T.copy(order="F") if by_row else A.T.copy(order="C")
        targets = [(Y, start)] if by_row else list(zip(Y.T, start, strict=True))
        with warnings.catch_warnings(), config_context(skip_parameter_validation=True):
            warnings.simplefilter("ignore", ConvergenceWarning)
            paths = [enet_path(X, y, coef_init=coef, **settings) for y, coef in targets]
        found = np.stack([path[1][..., 0] for path in paths])
        epochs = max(int(path[3][0]) for path in paths)
        return np.ascontiguousarray(found.reshape(problem.n_tasks, -1).T), max(epochs, 1)


def _weighted_rows(problem: Problem) -> tuple[Array, Array, float]:
    """(X, Y) with the weights in the rows, in Fortran order, and the unit of scikit-learn's objective in ours.

    ``sum weights (y - x . a)^2 / 2 = (1 / unit) * ||Y - X A||^2 / (2 n)`` where the weights of a task have the sum
    1 / unit.
    """
    data = problem.data
    assert isinstance(data, RowsFit)
    X, weights = data.design.task_rows(0, data.design.weights)
    unit = 1.0 / float(weights.sum())
    root = np.sqrt(weights * (unit * len(weights)))[:, None]
    if np.ptp(root) == 0.0:
        return np.asfortranarray(X), np.asfortranarray(data.target), unit
    return np.asfortranarray(X * root), np.asfortranarray(data.target * root), unit
