"""Regularization paths: where A becomes zero, grids below that point, and sweeps along them."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike

from mtlinear._typing import Array
from mtlinear._validation import check_integer, check_real
from mtlinear.penalties import Penalty, Quadratic
from mtlinear.problem import Problem
from mtlinear.solvers import Solution, Solver

#: For penalties without an alpha_max: the strength, in units of the curvature of the data fit, that counts as largest.
_QUADRATIC_TOP = 10.0


def gauge_at_zero(problem: Problem) -> float:
    """Gauge of the negative gradient at A = 0: for norms the factor c from which on ``c * Omega`` keeps A at zero.

    If the penalty leaves something free: at the best A of that kind, where c * Omega keeps it.
    """
    Z = problem.null_space
    shift, reading = problem.data.settle(np.zeros(problem.shape[1:], problem.data.dtype), Z, problem.smooth)
    H = reading.force if shift is None else -problem.with_smooth(reading.gradient, shift)
    H = H - (H @ Z) @ Z.T
    # A smooth part has no slope at zero: what keeps A there is the rest, also of a sum that is a part.
    rests = [penalty.smooth_part(problem.n_tasks)[0] for penalty in problem.part_penalties]
    return max(rest.gauge(H) for rest in rests)


def alpha_max(problem: Problem) -> float:
    """The alpha from which on A is zero, the other parameters of the penalty as they are.

    For a penalty without an alpha (`InfimalConvolution`) it is the factor for its `scaled`.

    Quadratic penalties, and sums of parts with a quadratic one, never give A = 0. For them it is ten times the largest
    curvature of the data fit (the largest eigenvalue of X'WX over the tasks, times the bound on the second derivative
    of the loss): there every direction of A that the penalty covers is shrunk at least to about a tenth (for the
    clustered penalty the directions between clusters by less, according to between_ratio).
    """
    if any(_is_quadratic(penalty, problem.n_tasks) for penalty in problem.part_penalties):
        return _QUADRATIC_TOP * (problem.data.loss.curvature or 1.0) * problem.data.norm_bound
    alpha = getattr(problem.penalty, "alpha", 1.0)
    return alpha * gauge_at_zero(problem)


def _is_quadratic(penalty: Penalty, n_tasks: int) -> bool:
    rest, _ = penalty.smooth_part(n_tasks)
    return isinstance(rest, Quadratic) or rest.task_quadratic(n_tasks) is not None


def alpha_grid(problem: Problem, n_alphas: int = 100, *, eps: float = 1e-3) -> Array:
    """Strengths from `alpha_max` down to ``eps * alpha_max``, evenly spaced on a log scale, largest first.

    Parameters
    ----------
    problem : Problem
    n_alphas : int >= 1, default 100
    eps : float in (0, 1], default 1e-3

    Notes
    -----
    Where alpha_max is 0 (the features say nothing about the targets) A = 0 is optimal for every alpha, and the grid
    starts at 1.
    """
    check_integer("n_alphas", n_alphas, at_least=1)
    check_real("eps", eps, above=0.0, at_most=1.0)
    top = alpha_max(problem)
    if top <= np.finfo(float).tiny:
        top = 1.0
    return top * np.logspace(0.0, np.log10(eps), n_alphas)


def read_alphas(problem: Problem, alphas: int | ArrayLike, eps: float) -> Array:
    """A number of alphas as `alpha_grid`; an array as given, checked and sorted from the largest."""
    if isinstance(alphas, Integral) and not isinstance(alphas, bool):
        return alpha_grid(problem, check_integer("alphas", alphas, at_least=1), eps=eps)
    values = np.asarray(alphas)
    if values.ndim != 1 or values.size == 0 or values.dtype.kind not in "iuf":
        raise ValueError(f"alphas must be a whole number >= 1 or a 1-D array of positive numbers, got {alphas!r}.")
    if not np.all(np.isfinite(values) & (values > 0)):
        raise ValueError(f"alphas must be positive finite numbers, got {values.tolist()}.")
    return np.sort(values.astype(float))[::-1]


def at_strength(penalty: Penalty, alpha: float) -> Penalty:
    """The penalty with this alpha and its other parameters; a penalty without an alpha, times this factor."""
    if hasattr(penalty, "alpha"):
        other = copy(penalty)  # its other parameters are read and never changed, so there is no need to copy them too
        other.alpha = float(alpha)
        return other
    return penalty.scaled(float(alpha))


def sweep(
    problem: Problem, alphas: ArrayLike, solver: Solver, *, tol: float = 1e-6, max_iter: int = 10_000
) -> Iterator[tuple[Problem, Solution]]:
    """Solve the problem at each alpha in turn, from the primal and the dual solution at the last.

    Parameters
    ----------
    problem : Problem
        Its penalty gives all parameters but alpha.
    alphas : array-like of float
        In the order of solving; from large to small is fast.
    solver : Solver
    tol, max_iter
        As in `Solver.solve`, for every alpha.

    Yields
    ------
    Problem, Solution
        The problem with this alpha, and its solution.
    """
    parts, dual = None, None
    for alpha in np.asarray(alphas):
        step = problem.with_penalty(at_strength(problem.penalty, alpha), check=False)
        solution = solver.solve(step, parts, dual=dual, tol=tol, max_iter=max_iter)
        parts, dual = solution.parts, solution.certificate.dual
        yield step, solution
