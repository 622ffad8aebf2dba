"""Problems, proxes, conjugates and dual norms by a general convex solver."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mtlinear._typing import Array
from mtlinear.datafit import RowsFit
from mtlinear.penalties import Penalty
from mtlinear.problem import Problem
from mtlinear.reference._cvxpy import cvxpy, run
from mtlinear.reference._expressions import loss_expression, penalty_expression


@dataclass(frozen=True)
class ReferenceSolution:
    """The optimum of a `Problem` as cvxpy found it.

    Attributes
    ----------
    objective : float
        Objective at A and intercept, evaluated there in NumPy (not the number that the solver believes in).
    A : ndarray (n_features, n_tasks)
    intercept : ndarray (n_tasks,)
        For the features as given to the problem's design, before centring; zeros without ``fit_intercept``.
    auxiliary : dict of str to ndarray
        What else was minimised over: the private part ``"S"`` of a dirty model, the relaxed cluster matrix ``"M"``, ...
    status : str
        cvxpy's: ``"optimal"``, or ``"optimal_inaccurate"`` if the tight tolerances were missed.
    """

    objective: float
    A: Array
    intercept: Array
    auxiliary: dict[str, Array]
    status: str


def solve_reference(problem: Problem, *, solver: str = "CLARABEL", **options: object) -> ReferenceSolution:
    """Solve a problem with a general convex solver.

    Parameters
    ----------
    problem : Problem
        Design, target, loss, penalty and ``fit_intercept``, exactly as the solvers of mtlinear take it.
    solver : str, default "CLARABEL"
        Any solver that cvxpy has installed and that knows the cones the penalty needs.
    **options
        Settings of that solver; for Clarabel they are added to `CLARABEL_OPTIONS`.

    Returns
    -------
    ReferenceSolution

    Raises
    ------
    ImportError
        If cvxpy is not installed.
    NotImplementedError
        If the penalty or the loss has no expression here.
    TypeError
        If the problem was made from moments and has no rows.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlinear.designs import SharedDesign
    >>> from mtlinear.losses import Squared
    >>> from mtlinear.penalties import L1
    >>> problem = Problem(SharedDesign(np.eye(2), 1), np.array([[4.0], [1.0]]), Squared(), L1(1.0), fit_intercept=False)
    >>> solution = solve_reference(problem)
    >>> solution.A.round(6) + 0.0
    array([[2.],
           [0.]])
    >>> round(solution.objective, 6)
    3.25
    """
    cp = cvxpy()
    data = problem.data
    if not isinstance(data, RowsFit):
        raise TypeError("the reference needs the rows of X; this problem has only their moments.")
    design = data.design
    A = cp.Variable((design.n_features, design.n_tasks), name="A")
    b: Any = cp.Variable(design.n_tasks, name="b") if data.fit_intercept else np.zeros(design.n_tasks)
    data_fit = 0.0
    for t in range(design.n_tasks):
        X, y = design.task_rows(t, data.target)
        _, weights = design.task_rows(t, design.weights)
        data_fit += cp.sum(cp.multiply(weights, loss_expression(data.loss, y, X @ A[:, t] + b[t])))
    penalty, constraints = penalty_expression(problem.penalty, A)
    ridge = 0.5 * problem.l2_alpha * cp.sum_squares(A)
    program = cp.Problem(cp.Minimize(data_fit + penalty + ridge), constraints)
    objective = run(program, solver, options)
    intercept = b.value if data.fit_intercept else b
    return ReferenceSolution(
        objective=objective,
        A=A.value,
        intercept=problem.original_intercept(A.value, intercept),
        auxiliary={v.name(): v.value for v in program.variables() if v.name() not in ("A", "b")},
        status=program.status,
    )


def penalty_value(penalty: Penalty, A: Array) -> float:
    """Omega(A), minimised over whatever the expression leaves open (the split of a sum of parts, the clusters)."""
    cp = cvxpy()
    expression, constraints = penalty_expression(penalty, cp.Constant(A))
    program = cp.Problem(cp.Minimize(expression), constraints)
    return run(program, "CLARABEL", {}) if program.variables() else float(program.objective.value)


def penalty_prox(penalty: Penalty, V: Array, step: float) -> Array:
    """``argmin_A 1/2 ||A - V||_F^2 + step * Omega(A)``."""
    cp = cvxpy()
    A = cp.Variable(V.shape, name="A")
    expression, constraints = penalty_expression(penalty, A)
    run(cp.Problem(cp.Minimize(0.5 * cp.sum_squares(A - V) + step * expression), constraints), "CLARABEL", {})
    return A.value


def penalty_conjugate(penalty: Penalty, G: Array) -> float:
    """``sup_A <G, A> - Omega(A)`` where that is finite."""
    cp = cvxpy()
    A = cp.Variable(G.shape, name="A")
    expression, constraints = penalty_expression(penalty, A)
    program = cp.Problem(cp.Maximize(cp.sum(cp.multiply(G, A)) - expression), constraints)
    return run(program, "CLARABEL", {})


def dual_norm(penalty: Penalty, G: Array) -> float:
    """``max <G, A>`` over ``Omega(A) <= 1``: the gauge of G, for a penalty that is a norm."""
    cp = cvxpy()
    A = cp.Variable(G.shape, name="A")
    expression, constraints = penalty_expression(penalty, A)
    program = cp.Problem(cp.Maximize(cp.sum(cp.multiply(G, A))), [*constraints, expression <= 1.0])
    return run(program, "CLARABEL", {})
