"""The one duality gap, for every data fit and penalty.

Primal   P(A, b)  = sum_i w_i l(y_i, z_i) + R(A) + 1/2 tr(A Q A'),                     z = X A + b
Dual     D(u, B)  = -sum_i w_i l*(y_i, u_i) - R*(G - B Q) - 1/2 tr(B Q B'),   G = -X'(w u),

where R is the penalty without its smooth part, and Q that part and the ridge (``l2_alpha I``), for all B and all u with
``sum_{i in task t} w_i u_i = 0`` (intercepts) and ``(G - B Q) Z = 0`` (null space of R). D(u, B) <= P(A, b) always
(Fenchel), with equality at the optimum, where u_i = l'(y_i, z_i) and B = A. So any feasible (u, B) proves how far A can
be from optimal, and the natural one is c (l'(y, z), A): the largest c <= 1 that makes R*(c (G - A Q)) finite, or a
smaller one where that bound is better. (A stiff Q, which holds tasks together, multiplies what A has not settled yet;
solvers that know the forces between the tasks give a B of their own, `Point.pull`.)

References: Rockafellar (1970), section 31. Ndiaye et al. (2017), JMLR 18 (residual rescaling for sparse penalties).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mtlinear._precision import total
from mtlinear._typing import Array
from mtlinear.problem import Point, Problem

#: Residual on the null space (`Reading.residual_size`), in units of the machine precision, up to which it is rounding
#: and a dual point feasible. What is left of it is charged to the gap.
_FEASIBLE = 450.0


@dataclass(frozen=True)
class Certificate:
    """Proof of near-optimality: no A and b have an objective below ``bound``.

    Attributes
    ----------
    objective : float
        P at the point.
    bound : float
        The best lower bound of the optimum that was found.
    dual : Point
        The point whose residuals give the bound.
    """

    objective: float
    bound: float
    dual: Point

    @property
    def gap(self) -> float:
        """``objective - bound``; >= 0, >= the true suboptimality.

        An objective below the bound is wrong by at least the difference: rounding, which no smaller gap may hide.
        """
        return abs(self.objective - self.bound)


def certify(problem: Problem, point: Point, known: Certificate | None = None) -> Certificate:
    """Duality gap at a point whose intercepts and null-space part are optimal (`Problem.settle`).

    Parameters
    ----------
    problem : Problem
    point : Point
    known : Certificate, default None
        One of the same problem, from any other point: its bound is kept if it is the better one.
    """
    objective = problem.objective(point)
    bound = lower_bound(problem, point)
    if known is not None and known.bound >= bound:
        return Certificate(objective, known.bound, known.dual)
    return Certificate(objective, bound, point)


def certify_start(problem: Problem, point: Point, dual: Point | None) -> Certificate:
    """The certificate of a starting point, with the bound of a dual point that was handed on."""
    # Along a path they are mostly the same point, which need not be looked at twice.
    known = None if dual is None or dual.reading is point.reading else certify(problem, dual)
    return certify(problem, point, known)


def lower_bound(problem: Problem, point: Point) -> float:
    """The best D over c times the dual point that belongs to a point."""
    reading = point.reading
    H, ridge, leak = _dual_matrix(problem, point)
    largest = problem.rest.dual_scale(H) if np.isfinite(leak) else 0.0

    at_largest = problem.rest.finite_conjugate(H, largest)
    # c = 0 is feasible, since every loss is bounded below, and the only choice when nothing else is.
    candidates = [-reading.conjugate(0.0)]
    if largest > 0.0:
        candidates.append(-reading.conjugate(largest) - largest**2 * ridge - at_largest - leak)
    c = _best_scale(point, at_largest, ridge, largest)
    if 0.0 < c < largest:
        conjugate = problem.rest.finite_conjugate(H, c)
        candidates.append(-reading.conjugate(c) - c**2 * ridge - conjugate - leak)
    return max(candidates)


def _dual_matrix(problem: Problem, point: Point) -> tuple[Array, float, float]:
    """``G - B Q`` for the residuals at a point, the cost ``1/2 tr(B Q B')``, and what rounding leaves infeasible."""
    original = H = point.reading.force
    Z, free = problem.null_space, problem.free_space
    cost = leak = 0.0
    if problem.smooth is not None:
        B = point.A if point.pull is None else point.pull
        if Z.shape[1] > free.shape[1]:  # B takes what the null space forbids: feasible, and paid for
            covered, inverse = problem.covered_space
            residual = (H - problem.smooth.times(B)) @ covered
            B = B + (residual @ inverse) @ covered.T
        H = H - problem.smooth.times(B)
        cost = problem.smooth.value(B)
    if free.shape[1]:
        residual = H @ free
        limit = _FEASIBLE * float(np.finfo(problem.data.dtype).eps)
        feasible = point.reading.residual_size(residual @ (free.T @ Z)) <= limit
        leak = total(np.abs(residual * (point.A @ free))) if feasible else np.inf
    if Z.shape[1]:
        H = _without(H - (H @ Z) @ Z.T, Z, original)
    return H, cost, leak


def _without(H: Array, null_space: Array, original: Array) -> Array:
    """H projected once more, so that it is orthogonal to the null space also where little is left of it."""
    H = H - (H @ null_space) @ null_space.T
    nothing_left = np.max(np.abs(H), axis=1) <= 8 * np.finfo(H.dtype).eps * np.max(np.abs(original), axis=1)
    H[nothing_left] = 0.0
    return H


def _best_scale(point: Point, at_largest: float, ridge: float, largest: float) -> float:
    """A better c in [0, largest]: one Newton step from c = 1 on the dual; exact for squared loss, quadratic Omega*."""
    if largest**2 == 0.0:  # also where the square underflows
        return largest
    square = at_largest / largest**2 + ridge
    curvature = point.reading.curvature + 2.0 * square
    slope = point.reading.slope + 2.0 * square
    if not np.isfinite(curvature) or curvature <= 0.0:
        return largest
    return float(np.clip(1.0 - slope / curvature, 0.0, largest))
