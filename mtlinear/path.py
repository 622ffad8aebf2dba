"""Regularization strengths: where A becomes zero, and grids below that point."""

from __future__ import annotations

import numpy as np

from mtlinear._typing import Array
from mtlinear._validation import check_integer, check_real
from mtlinear.penalties import Quadratic
from mtlinear.problem import Problem

#: For penalties without an alpha_max: the strength, in units of the curvature of the data fit, that counts as largest.
_QUADRATIC_TOP = 10.0


def gauge_at_zero(problem: Problem) -> float:
    """Gauge of the negative gradient at A = 0: for norms the factor c from which on ``c * Omega`` keeps A at zero."""
    nothing = np.zeros((problem.n_tasks, 0))
    _, reading = problem.data.settle(np.zeros(problem.shape[1:], problem.data.dtype), nothing, 0.0)
    return problem.penalty.gauge(-reading.gradient)


def alpha_max(problem: Problem) -> float:
    """The alpha from which on A is zero, the other parameters of the penalty as they are.

    For a penalty without an alpha (`InfimalConvolution`) it is the factor for its `scaled`.

    Quadratic penalties, and sums of parts with a quadratic one, never give A = 0. For them it is ten times the largest
    curvature of the data fit (the largest eigenvalue of X'WX over the tasks, times the bound on the second derivative
    of the loss): there every direction of A that the penalty covers is shrunk at least to about a tenth (for the
    clustered penalty the directions between clusters by less, according to between_ratio).
    """
    if any(isinstance(penalty, Quadratic) for penalty in problem.part_penalties):
        return _QUADRATIC_TOP * (problem.data.loss.curvature or 1.0) * problem.data.norm_bound
    alpha = getattr(problem.penalty, "alpha", 1.0)
    return alpha * gauge_at_zero(problem)


def alpha_grid(problem: Problem, n_alphas: int = 100, *, ratio: float = 1e-3) -> Array:
    """Strengths from `alpha_max` down to ``ratio * alpha_max``, evenly spaced on a log scale, largest first.

    Parameters
    ----------
    problem : Problem
    n_alphas : int >= 1, default 100
    ratio : float in (0, 1), default 1e-3
    """
    check_integer("n_alphas", n_alphas, at_least=1)
    check_real("ratio", ratio, above=0.0, below=1.0)
    top = alpha_max(problem)
    return top * np.logspace(0.0, np.log10(ratio), n_alphas)
