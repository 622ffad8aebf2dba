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

from mtlinear.reference import _graphs, _losses, _rows, _spectral  # noqa: F401 (they register expressions)
from mtlinear.reference._cvxpy import CLARABEL_OPTIONS
from mtlinear.reference._expressions import Expression, loss_expression, penalty_expression
from mtlinear.reference._solve import (
    ReferenceSolution,
    dual_norm,
    penalty_conjugate,
    penalty_prox,
    penalty_value,
    solve_reference,
)

__all__ = [
    "CLARABEL_OPTIONS",
    "Expression",
    "ReferenceSolution",
    "dual_norm",
    "loss_expression",
    "penalty_conjugate",
    "penalty_expression",
    "penalty_prox",
    "penalty_value",
    "solve_reference",
]
