"""The one duality gap, for every design, loss and penalty.

Primal   P(A, b) = sum_i w_i l(y_i, z_i) + Omega(A),         z = X A + b
Dual     D(u)    = -sum_i w_i l*(y_i, u_i) - Omega*(G),      G = -X'(w u),

for all u with ``sum_{i in task t} w_i u_i = 0`` (intercepts) and ``G Z = 0`` (null space of Omega). D(u) <= P(A, b)
always (Fenchel), with equality at the optimum, where u_i = l'(y_i, z_i). So any feasible u proves how far A can be from
optimal, and the natural one is u = c l'(y, z): the largest c <= 1 that makes Omega*(c G) finite, or a smaller one where
that bound is better.

References: Rockafellar (1970), section 31. Ndiaye et al. (2017), JMLR 18 (residual rescaling for sparse penalties).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mtlinear._typing import Array
from mtlinear.problem import Point, Problem

#: Residual on the null space (`Unpenalised.residual_size`) up to which it is rounding and a dual point feasible. What
#: is left of it is charged to the gap.
_FEASIBLE = 1e-13


@dataclass(frozen=True)
class Certificate:
    """Proof of near-optimality: no A and b have an objective below ``objective - gap``.

    Attributes
    ----------
    objective : float
        P at the point.
    gap : float
        ``objective`` minus the best lower bound found; >= 0, >= the true suboptimality.
    """

    objective: float
    gap: float


def certify(problem: Problem, point: Point) -> Certificate:
    """Duality gap at a point whose intercepts and null-space part are optimal (`Problem.settle`)."""
    weights, y, z = problem.design.weights, problem.target, point.scores
    objective = problem.data_fit(z) + problem.penalty_value(point.parts)
    u = problem.loss.gradient(y, z)
    if problem.fit_intercept:
        u = balance(problem, u)
    G = problem.negative_gradient(u)
    G, leak = _project_out_null_space(problem, G, u, point)
    largest = problem.penalty.dual_scale(G) if np.isfinite(leak) else 0.0

    def lower_bound(c: float) -> float:
        loss = float(np.sum(weights * problem.loss.conjugate(y, c * u)))
        return -loss - problem.penalty.conjugate(c * G)

    # c = 0 is feasible, since every loss is bounded below, and the only choice when nothing else is.
    best = max(lower_bound(c) for c in {0.0, largest, _best_scale(problem, u, z, G, largest)})
    leak = leak if largest > 0.0 else 0.0
    return Certificate(objective, max(objective - best, 0.0) + leak)


def balance(problem: Problem, u: Array) -> Array:
    """u with its positive or negative entries shrunk, per task, until the weighted sum of the task is zero.

    Shrinking towards 0 keeps every entry in the domain of the conjugate, which shifting would not (logistic loss).
    After an exact intercept the change is of the order of rounding.
    """
    design = problem.design
    wu = design.weights * u
    positive, negative = design.task_sums(np.maximum(wu, 0.0)), design.task_sums(np.maximum(-wu, 0.0))
    smaller = np.minimum(positive, negative)
    with np.errstate(divide="ignore", invalid="ignore"):
        shrink_positive = np.where(positive > 0, smaller / positive, 0.0)
        shrink_negative = np.where(negative > 0, smaller / negative, 0.0)
    return u * np.where(u > 0, design.spread(shrink_positive), design.spread(shrink_negative))


def _project_out_null_space(problem: Problem, G: Array, u: Array, point: Point) -> tuple[Array, float]:
    """G without its component in the null space, and what ignoring it may cost; inf when it is no mere rounding."""
    Z = problem.unpenalised.null_space
    if Z.shape[1] == 0:
        return G, 0.0
    residual = G @ Z
    if problem.unpenalised.residual_size(residual, u, point.scores) > _FEASIBLE:
        return G, np.inf
    projected = G - residual @ Z.T
    projected = projected - (projected @ Z) @ Z.T  # twice: exact also where little is left of G
    nothing_left = np.max(np.abs(projected), axis=1) <= 8 * np.finfo(float).eps * np.max(np.abs(G), axis=1)
    projected[nothing_left] = 0.0
    return projected, float(np.sum(np.abs(residual * (point.A @ Z))))


def _best_scale(problem: Problem, u: Array, z: Array, G: Array, largest: float) -> float:
    """A better c in [0, largest]: one Newton step from c = 1 on the dual, exact for squared loss and quadratic Omega*.

    The derivative of l* at u = l'(z) is z, and 1/l''(z) its second.
    """
    if largest**2 == 0.0:  # also where the square underflows
        return largest
    weights = problem.design.weights
    square = problem.penalty.conjugate(largest * G) / largest**2
    second = problem.loss.second(problem.target, z)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        curvature = float(np.sum(weights * np.where(u == 0, 0.0, u * u / second))) + 2.0 * square
    slope = float(np.sum(weights * u * z)) + 2.0 * square
    if not np.isfinite(curvature) or curvature <= 0.0:
        return largest
    return float(np.clip(1.0 - slope / curvature, 0.0, largest))
