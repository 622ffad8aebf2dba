"""Regularization paths of estimators and penalties."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from mtlinear._typing import Array
from mtlinear._warnings import warn
from mtlinear.estimators._any import MultiTaskRegressor
from mtlinear.estimators._base import MultiTaskLinearModel
from mtlinear.parameters import ParameterMatrix
from mtlinear.path import read_alphas, sweep
from mtlinear.penalties import Penalty
from mtlinear.problem import Problem
from mtlinear.solvers import NO_MINIMUM, Solution, choose_solver


@dataclass(frozen=True, repr=False)
class RegularizationPath:
    """Solutions along a sequence of alphas, each with its proof; the first axis of every array is alpha.

    Attributes
    ----------
    alphas : ndarray (n_alphas,)
        From the largest.
    coef : ndarray (n_alphas, n_tasks, n_features)
        ``coef[k]`` is ``coef_`` of the estimator fitted with ``alphas[k]``. (The paths of scikit-learn have alpha on
        the last axis.)
    intercept : ndarray (n_alphas, n_tasks)
        ``X @ coef[k].T + intercept[k]`` are predictions (for classifiers log-odds) of tasks that share X.
    dual_gaps, objectives : ndarray (n_alphas,)
        No parameters have an objective below ``objectives[k] - dual_gaps[k]``.
    null_objective : float
        Objective at A = 0: the unit of ``tol``.
    converged : ndarray of bool (n_alphas,)
        Where the gap is at most ``tol * null_objective``.
    n_iters : ndarray of int (n_alphas,)
    parameters : tuple of ParameterMatrix
        A at every alpha with names, parts and views: ``[A.rank() for A in path.parameters]``.
    """

    alphas: Array
    coef: Array
    intercept: Array
    dual_gaps: Array
    objectives: Array
    null_objective: float
    converged: NDArray[np.bool_]
    n_iters: NDArray[np.intp]
    parameters: tuple[ParameterMatrix, ...]

    def __len__(self) -> int:
        return len(self.alphas)

    def __repr__(self) -> str:
        if len(self) == 0:
            return "RegularizationPath(no alphas)"
        _, n_tasks, n_features = self.coef.shape
        return (
            f"RegularizationPath({len(self)} alphas from {self.alphas[0]:.3g} to {self.alphas[-1]:.3g}, {n_features} "
            f"features x {n_tasks} tasks, largest gap {self.dual_gaps.max():.2g})"
        )


def regularization_path(
    model: MultiTaskLinearModel | Penalty,
    X: Any,
    y: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    tasks: ArrayLike | None = None,
    alphas: int | ArrayLike = 100,
    eps: float = 1e-3,
) -> RegularizationPath:
    """Fit a model at every alpha of a grid, each warm-started in primal and dual from the one before.

    Parameters
    ----------
    model : estimator or penalty
        Any estimator of mtlinear, whose alpha is replaced and whose other parameters hold (``tol`` for every alpha; but
        ``verbose`` and ``callback`` are not used); or a penalty, which stands for ``MultiTaskRegressor(penalty)``. It
        is not changed.
    X, y, sample_weight, tasks
        As in ``fit``.
    alphas : int or array-like of float > 0, default 100
        How many alphas, or which. A number gives a log-spaced grid from alpha_max, the smallest alpha with A = 0, down
        to ``eps * alpha_max``. Quadratic penalties have no alpha_max: their grid starts at ten times the largest
        curvature of the data fit (see `mtlinear.path.alpha_max`). For a penalty without an alpha
        (InfimalConvolution), the numbers multiply it.
    eps : float in (0, 1], default 1e-3
        Smallest alpha over the largest, for a number of alphas.

    Returns
    -------
    RegularizationPath

    Raises
    ------
    TypeError, ValueError
        As ``fit``, and for alphas that are not positive numbers.

    Warns
    -----
    ConvergenceWarning
        Once, with their number, if the gaps of some alphas did not reach ``tol``; ``converged`` says which.
    UserWarning
        If it is interrupted (Ctrl-C): what was finished is returned.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlinear import regularization_path
    >>> from mtlinear.penalties import L1Lq
    >>> X = np.random.default_rng(0).standard_normal((50, 4))
    >>> Y = X[:, [0]] @ [[1.0, -2.0, 3.0]] + X[:, [1]]
    >>> path = regularization_path(L1Lq(), X, Y, alphas=20)
    >>> path.coef.shape
    (20, 3, 4)
    >>> bool(np.all(path.dual_gaps <= 1e-6 * path.null_objective))
    True
    >>> [len(A.selected_features()) for A in path.parameters[:5]]
    [0, 1, 1, 2, 2]
    """
    if isinstance(model, Penalty):
        model = MultiTaskRegressor(model)
    if not isinstance(model, MultiTaskLinearModel):
        raise TypeError(
            f"model must be an estimator of mtlinear or a penalty, got an object of type {type(model).__name__}."
        )
    model = clone(model)
    model._check_parameters()
    problem = model._read_problem(X, y, sample_weight, tasks)
    grid = read_alphas(problem, alphas, eps)
    solver = choose_solver(problem, model.solver)
    steps: list[tuple[Problem, Solution]] = []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # one with their number follows
            for step in sweep(problem, grid, solver, tol=model.tol, max_iter=model.max_iter):
                steps.append(step)
    except KeyboardInterrupt:
        warn(f"interrupted after {len(steps)} of {len(grid)} alphas; these are returned.")
    path = _collect(model, problem, grid[: len(steps)], steps)
    if len(path) and problem.has_no_minimum(path.objectives.min()):
        warn(f"{NO_MINIMUM} `converged` says at which alphas.", ConvergenceWarning)
    elif not path.converged.all():
        warn(
            f"{np.sum(~path.converged)} of {len(path)} alphas did not reach tol={model.tol:g}; the largest gap is "
            f"{path.dual_gaps.max() / path.null_objective:.3g} of the objective at A = 0 (converged says where). Raise "
            "max_iter or tol, or scale the features.",
            ConvergenceWarning,
        )
    return path


def _collect(
    model: MultiTaskLinearModel, problem: Problem, alphas: Array, steps: Sequence[tuple[Problem, Solution]]
) -> RegularizationPath:
    solutions = [solution for _, solution in steps]
    n_steps, n_tasks = len(steps), problem.n_tasks
    return RegularizationPath(
        alphas=alphas,
        coef=np.array([solution.A.T for solution in solutions]).reshape(n_steps, n_tasks, problem.n_features),
        intercept=np.array([solution.intercept for solution in solutions]).reshape(n_steps, n_tasks),
        dual_gaps=np.array([solution.certificate.gap for solution in solutions]),
        objectives=np.array([solution.certificate.objective for solution in solutions]),
        null_objective=problem.null_objective,
        converged=np.array([solution.converged for solution in solutions], dtype=bool),
        n_iters=np.array([solution.n_iter for solution in solutions], dtype=np.intp),
        parameters=tuple(model._parameter_matrix(step, solution) for step, solution in steps),
    )
