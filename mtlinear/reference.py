r"""The library once more, as plain convex programs: slow, short, and written independently of the fast code.

Every penalty and every loss is one cvxpy expression, next to its formula; an interior-point solver does the rest. The
tests compare the solvers with it, and it shows in a few lines what each model minimises:

    minimise over A, b   sum_i weights_i loss(y_i, x_i . a_t(i) + b_t(i))  +  Omega(A)  +  l2_alpha/2 ||A||_F^2

It is made for small problems (a few hundred parameters). A new penalty or loss takes part after registering one
function:

    @penalty_expression.register
    def _(penalty: MyPenalty, A):
        return penalty.alpha * cp.norm1(A), []          # (convex expression in A, constraints it needs)

Needs cvxpy: ``pip install "mtlinear[reference]"``.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import singledispatch
from typing import Any

import numpy as np

from mtlinear._typing import Array
from mtlinear.datafit import RowsFit
from mtlinear.losses import Logistic, Loss, Squared
from mtlinear.penalties import (
    L1,
    Clustered,
    Dirty,
    InfimalConvolution,
    L1Lq,
    MeanRegularized,
    Penalty,
    Ridge,
    TraceNorm,
)
from mtlinear.problem import Problem

#: (convex expression, list of constraints), both made of cvxpy objects.
Expression = tuple[Any, list[Any]]

#: Settings of the default solver. With these it usually ends within 1e-9 of the optimum, relative.
CLARABEL_OPTIONS: Mapping[str, object] = {
    "tol_gap_abs": 1e-12,
    "tol_gap_rel": 1e-12,
    "tol_feas": 1e-12,
    "max_iter": 500,
}


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
    >>> problem = Problem(SharedDesign(np.eye(2), 1), np.array([[4.0], [1.0]]), Squared(), L1(1.0), fit_intercept=False)
    >>> solution = solve_reference(problem)
    >>> solution.A.round(6) + 0.0
    array([[2.],
           [0.]])
    >>> round(solution.objective, 6)
    3.25
    """
    cp = _cvxpy()
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
    _run(program, solver, options)
    intercept = b.value if data.fit_intercept else b
    return ReferenceSolution(
        objective=float(program.objective.value),
        A=A.value,
        intercept=problem.original_intercept(A.value, intercept),
        auxiliary={v.name(): v.value for v in program.variables() if v.name() not in ("A", "b")},
        status=program.status,
    )


def penalty_value(penalty: Penalty, A: Array) -> float:
    """Omega(A), minimised over whatever the expression leaves open (the split of a sum of parts, the clusters)."""
    cp = _cvxpy()
    expression, constraints = penalty_expression(penalty, cp.Constant(A))
    program = cp.Problem(cp.Minimize(expression), constraints)
    if program.variables():
        _run(program, "CLARABEL", {})
    return float(program.objective.value)


def penalty_prox(penalty: Penalty, V: Array, step: float) -> Array:
    """``argmin_A 1/2 ||A - V||_F^2 + step * Omega(A)``."""
    cp = _cvxpy()
    A = cp.Variable(V.shape, name="A")
    expression, constraints = penalty_expression(penalty, A)
    _run(cp.Problem(cp.Minimize(0.5 * cp.sum_squares(A - V) + step * expression), constraints), "CLARABEL", {})
    return A.value


def penalty_conjugate(penalty: Penalty, G: Array) -> float:
    """``sup_A <G, A> - Omega(A)`` where that is finite."""
    cp = _cvxpy()
    A = cp.Variable(G.shape, name="A")
    expression, constraints = penalty_expression(penalty, A)
    program = cp.Problem(cp.Maximize(cp.sum(cp.multiply(G, A)) - expression), constraints)
    _run(program, "CLARABEL", {})
    return float(program.objective.value)


def dual_norm(penalty: Penalty, G: Array) -> float:
    """``max <G, A>`` over ``Omega(A) <= 1``: the gauge of G, for a penalty that is a norm."""
    cp = _cvxpy()
    A = cp.Variable(G.shape, name="A")
    expression, constraints = penalty_expression(penalty, A)
    program = cp.Problem(cp.Maximize(cp.sum(cp.multiply(G, A))), [*constraints, expression <= 1.0])
    _run(program, "CLARABEL", {})
    return float(program.objective.value)


# Losses -------------------------------------------------------------------------------------------------------------


@singledispatch
def loss_expression(loss: Loss, y: Array, z: Any) -> Any:
    """The loss of every observation, a cvxpy expression in the scores z."""
    raise NotImplementedError(f"{type(loss).__name__} has no expression in mtlinear.reference; register one.")


@loss_expression.register
def _squared(loss: Squared, y: Array, z: Any) -> Any:
    """(y - z)^2 / 2."""
    return 0.5 * _cvxpy().square(z - y)


@loss_expression.register
def _logistic(loss: Logistic, y: Array, z: Any) -> Any:
    """log(1 + exp(-y z))."""
    cp = _cvxpy()
    return cp.logistic(cp.multiply(-y, z))


# Penalties ----------------------------------------------------------------------------------------------------------


@singledispatch
def penalty_expression(penalty: Penalty, A: Any) -> Expression:
    """Omega(A) as (convex cvxpy expression, constraints on the variables that it brings along)."""
    raise NotImplementedError(f"{type(penalty).__name__} has no expression in mtlinear.reference; register one.")


@penalty_expression.register
def _l1(penalty: L1, A: Any) -> Expression:
    """alpha sum_jt |A[j, t]|."""
    return penalty.alpha * _cvxpy().norm1(A), []


@penalty_expression.register
def _l1lq(penalty: L1Lq, A: Any) -> Expression:
    """alpha sum_j ||A[j, :]||_q."""
    return penalty.alpha * _sum_of_row_norms(A, penalty.q), []


@penalty_expression.register
def _trace_norm(penalty: TraceNorm, A: Any) -> Expression:
    """alpha (sum of the singular values of A)."""
    return penalty.alpha * _cvxpy().normNuc(A), []


@penalty_expression.register
def _ridge(penalty: Ridge, A: Any) -> Expression:
    """alpha/2 ||A||_F^2."""
    return 0.5 * penalty.alpha * _cvxpy().sum_squares(A), []


@penalty_expression.register
def _mean_regularized(penalty: MeanRegularized, A: Any) -> Expression:
    """alpha/2 sum_t ||a_t - mean||^2 + mean_alpha/2 T ||mean||^2, mean = (1/T) sum_t a_t."""
    cp = _cvxpy()
    T = A.shape[1]
    mean = A @ np.full((T, 1), 1.0 / T)
    deviations = A - mean @ np.ones((1, T))
    strengths = 0.5 * penalty.alpha, 0.5 * penalty.mean_alpha * T
    return strengths[0] * cp.sum_squares(deviations) + strengths[1] * cp.sum_squares(mean), []


@penalty_expression.register
def _clustered(penalty: Clustered, A: Any) -> Expression:
    r"""The semidefinite program of Jacob, Bach & Vert (2009), without the spectral form that the solvers use.

        eps_M/2 tr(A U A')  +  1/2 min_M tr(A Pi S^-1 Pi A'),      U = 11'/T,  Pi = I - U,

    where M stands for their relaxed M - U (0 <= M <= I, tr M = n_clusters - 1) and

        S^-1 = eps_B M + eps_W (I - M)   for a projection M, which is   S = M / eps_B + (I - M) / eps_W,

    linear in M: that is why the relaxation is convex. With ``mean_ratio=None`` (Zhou, Chen & Ye 2011) the mean is not
    apart: Pi = I, eps_M = 0 and tr M = n_clusters.
    """
    cp = _cvxpy()
    T = A.shape[1]
    eps_within, eps_between = penalty.alpha, penalty.alpha * penalty.between_ratio
    apart, eps_mean = penalty.mean_ratio is not None, penalty.alpha * (penalty.mean_ratio or 0.0)
    U = np.full((T, T), 1.0 / T)
    Pi = np.eye(T) - U if apart else np.eye(T)
    n_top = min(penalty.n_clusters, T) - (1 if apart else 0)
    M, constraints = _relaxed_projection(T, n_top)
    S = M / eps_between + (np.eye(T) - M) / eps_within
    expression = 0.5 * cp.matrix_frac((A @ Pi).T, 0.5 * (S + S.T))
    if apart:
        expression = expression + 0.5 * eps_mean * cp.sum_squares(A @ U)
    return expression, constraints


def _relaxed_projection(T: int, rank: int) -> tuple[Any, list[Any]]:
    """Convex hull of the projections of a rank: 0 <= M <= I, tr M = rank (one constant matrix at both ends)."""
    cp = _cvxpy()
    if rank in (0, T):
        return cp.Constant(np.eye(T) * (rank == T)), []
    M = cp.Variable((T, T), name="M", PSD=True)
    return M, [np.eye(T) - M >> 0, cp.trace(M) == rank]


@penalty_expression.register
def _dirty(penalty: Dirty, A: Any) -> Expression:
    """alpha min_S (1 - l1_ratio) sum_j ||A[j, :] - S[j, :]||_q + l1_ratio sum_jt |S[j, t]|.

    ``l1_ratio=None``: (1 - l1_ratio)/l1_ratio = T^(1/(2 q')) with 1/q + 1/q' = 1, that is sqrt(T) for q = inf.
    """
    cp = _cvxpy()
    ratio = A.shape[1] ** (0.5 * (1.0 - 1.0 / penalty.q))
    sparse = 1.0 / (1.0 + ratio) if penalty.l1_ratio is None else penalty.l1_ratio
    # S is free and B = A - S, so no constraint ties the parts together and the objective at S is exact.
    S = cp.Variable(A.shape, name="S")
    return penalty.alpha * ((1.0 - sparse) * _sum_of_row_norms(A - S, penalty.q) + sparse * cp.norm1(S)), []


@penalty_expression.register
def _infimal_convolution(penalty: InfimalConvolution, A: Any) -> Expression:
    """min Omega_0(A - A_1 - A_2 - ...) + Omega_1(A_1) + Omega_2(A_2) + ... over A_1, A_2, ..."""
    cp = _cvxpy()
    parts = [cp.Variable(A.shape, name=f"A{k}") for k in range(1, len(penalty.penalties))]
    terms = [penalty_expression(p, part) for p, part in zip(penalty.penalties, [A - sum(parts), *parts], strict=True)]
    return sum(term for term, _ in terms), [constraint for _, constraints in terms for constraint in constraints]


def _sum_of_row_norms(A: Any, q: float) -> Any:
    """sum_j ||A[j, :]||_q."""
    cp = _cvxpy()
    return cp.sum(cp.hstack([cp.pnorm(A[j, :], q) for j in range(A.shape[0])]))


# Machinery ----------------------------------------------------------------------------------------------------------


def _run(program: Any, solver: str, options: Mapping[str, object]) -> None:
    """Solve; an answer that misses the very tight tolerances is still an answer, its status says so."""
    if solver == "CLARABEL":
        options = {**CLARABEL_OPTIONS, **options}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Solution may be inaccurate")
        warnings.filterwarnings("ignore", message="pnorm with p=.* is being approximated")
        # cvxpy's own NumPy code divides by zero at the kinks of norms.
        warnings.filterwarnings("ignore", category=RuntimeWarning)
        program.solve(solver=solver, **options)
    if program.status not in ("optimal", "optimal_inaccurate"):
        raise RuntimeError(f"cvxpy's {solver} could not solve the reference problem: {program.status}.")


def _cvxpy() -> Any:
    """The cvxpy module, imported on first use: it is big and not needed for anything else."""
    try:
        return importlib.import_module("cvxpy")
    except ImportError as error:
        message = 'mtlinear.reference needs cvxpy, an optional dependency: pip install "mtlinear[reference]".'
        raise ImportError(message) from error
