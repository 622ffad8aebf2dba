"""Exact minimisation over what the penalty leaves free: the intercepts, and the null space of the penalty.

Both are dual constraints (the weighted loss derivatives of a task sum to zero; the gradient vanishes on the null
space), so a duality gap is finite only after they have been solved for. Few unknowns, smooth, convex: Newton.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property

import numpy as np
from numpy.typing import DTypeLike
from scipy.linalg import lapack

from mtlinear._precision import in_precision, total
from mtlinear._typing import Array
from mtlinear.designs import Design
from mtlinear.losses import Loss
from mtlinear.penalties import TaskQuadratic

_Solve = Callable[[Array, Array], tuple[Array, Array]]

_MAX_NEWTON = 60
# All for float64; in float32 they are as many units of its machine epsilon (`in_precision`).
#: Residual of the null space (`Unpenalised.residual_size`) that counts as solved.
SOLVED = 1e-15
#: Last Newton step of the intercepts.
_INTERCEPT = 1e-14
#: Relative eigenvalue of the scaled Hessian, per dimension, below which nothing is observed in that direction.
_UNOBSERVED = 4 * np.finfo(float).eps
#: Pivots of the Cholesky factor of the scaled Hessian above which it solves accurately, in float64 and in float32.
_WELL_CONDITIONED, _WELL_CONDITIONED_SINGLE = 1e-3, 1e-2


class Unpenalised:
    """Newton's method over intercepts b and the null-space part M of ``B = A + M Z'``, from scores z of A.

    It minimises ``sum weights loss(y, z + X M Z' + b) + 1/2 tr(B Q B')``.

    Parameters
    ----------
    design, target, loss
        As in `mtlinear.problem.Problem`.
    null_space : ndarray of shape (n_tasks, k)
        Orthonormal basis Z.
    fit_intercept : bool
    smooth : TaskQuadratic or None
        Q of the smooth part, which the null space feels too.
    """

    def __init__(
        self,
        design: Design,
        target: Array,
        loss: Loss,
        null_space: Array,
        fit_intercept: bool,
        smooth: TaskQuadratic | None,
    ):
        self.design = design
        self.target = target
        self.loss = loss
        self.null_space = null_space
        self.fit_intercept = fit_intercept
        self.smooth = smooth
        self.dtype = design.weights.dtype
        self._quadratic_system: _Solve | None = None

    def intercept(self, linear: Array, start: Array | None = None, tol: float | None = None) -> Array:
        """The optimal intercept of every task for scores ``linear`` without one, shape (n_tasks,).

        Newton, kept inside the bracket in which the derivative changes sign, until the last step is at most ``tol``
        (relative above 1; None: rounding); what is left after it is of the order of its square.
        """
        if not self.fit_intercept:
            return np.zeros(self.design.n_tasks, self.dtype)
        tol = in_precision(_INTERCEPT, self.dtype) if tol is None else tol
        b = np.zeros(self.design.n_tasks, self.dtype) if start is None else start
        low, high = np.full_like(b, -np.inf), np.full_like(b, np.inf)
        weights = self.design.weights
        if self.loss.quadratic:
            residual = (linear if start is None else linear + self.design.spread(b)) - self.target
            return b - self.design.task_sums(weights * residual) / self._task_weights
        reach, stretch, last = 8.0, np.ones_like(b), np.full_like(b, np.inf)
        for _ in range(_MAX_NEWTON):
            z = linear + self.design.spread(b)
            slope = self.design.task_sums(weights * self.loss.gradient(self.target, z))
            second = self.design.task_sums(weights * self.loss.second(self.target, z))
            with np.errstate(over="ignore"):  # a second derivative that underflows: the step is clipped below
                step = -slope / np.where(second > 0, second, 1.0)
            # A flat loss far from the optimum makes Newton jump, and one whose second derivative underflows creep: so
            # jumps are bounded (8 is a long way on the scale of log-odds) but twice as long each time, until bracketed.
            step = np.where(second > 0, step, -np.sign(slope) * reach)
            clipped = np.clip(step, -reach, reach)
            reach *= 2.0
            low, high = np.where(slope < 0, b, low), np.where(slope > 0, b, high)
            bracketed = np.isfinite(low) & np.isfinite(high)
            # Steps that do not shrink creep as well (an exponential far too large falls by a factor e each): they are
            # made longer until bracketed, and then bisection is faster.
            slow = np.abs(clipped) > 0.5 * last
            stretch = np.where(slow & (clipped == step) & ~bracketed, 2.0 * stretch, 1.0).astype(b.dtype, copy=False)
            proposal = b + stretch * clipped
            middle = 0.5 * (np.where(bracketed, low, b) + np.where(bracketed, high, b))
            # A step that is rounding already may fall on the end of the bracket: bisecting there would lead away.
            outside = ((proposal <= low) | (proposal >= high) | slow) & (np.abs(step) > tol * (1.0 + np.abs(b)))
            bisected = bracketed & outside
            proposal = np.where(bisected, middle, proposal)
            moved = np.abs(proposal - b)
            last = np.where(bisected, moved, np.abs(clipped))
            b = np.where(slope == 0, b, proposal)
            if np.all(moved <= tol * (1.0 + np.abs(b))):
                break
        return b

    @cached_property
    def _task_weights(self) -> Array:
        """Sum of the weights of every task, 1 where that is zero."""
        sums = self.design.task_sums(self.design.weights)
        return np.where(sums > 0, sums, np.ones_like(sums))

    def solve(self, A: Array, linear: Array, intercept: Array | None = None) -> tuple[Array | None, Array, Array]:
        """Minimise over b and M from A with scores ``linear``.

        Returns
        -------
        shift : ndarray (n_features, n_tasks) or None
            ``M Z'``, to be added to A; None when the penalty has no null space.
        intercept : ndarray (n_tasks,)
        scores : ndarray
            Scores at the solution, shift and intercept included.
        """
        b = self.intercept(linear, intercept)
        scores = linear + self.design.spread(b)
        if self.null_space.shape[1] == 0:
            return None, b, scores
        shift = np.zeros_like(A)
        best = np.inf
        for _ in range(_MAX_NEWTON):
            u = self.loss.gradient(self.target, scores)
            residual = self.design.adjoint(self.design.weights * u) @ self.null_space
            own = None if self.smooth is None else self.smooth.times(A + shift)
            if own is not None:
                residual += own @ self.null_space
            size = self.residual_size(residual, u, scores)
            # Below a tenth of a per mille only rounding can keep Newton from halving the residual.
            if size <= in_precision(SOLVED, self.dtype) or (size > 0.5 * best and best < 1e-4):
                break
            best = min(best, size)
            shift_step, b_step = self._newton_step(scores, residual, u)
            change = self.design.apply(shift_step) + self.design.spread(b_step)
            bend = (0.0, 0.0)  # without one, a step from where the loss is flat may be too long to be squared
            if self.smooth is not None and own is not None:
                bend = (total(own * shift_step), 2.0 * self.smooth.value(shift_step))
            length = self._step_length(scores, change, bend)
            if length == 0.0:
                break
            shift, scores = shift + length * shift_step, scores + length * change
            # The one-dimensional solver makes the intercept exact again, whatever rounding left.
            correction = self.intercept(scores)
            b = b + length * b_step + correction
            scores = scores + self.design.spread(correction)
        return shift, b, scores

    def residual_size(self, residual: Array, u: Array, scores: Array) -> float:
        """Largest entry of the gradient on the null space, relative to the bound on it that Cauchy-Schwarz gives.

        The bound is taken feature by feature and includes the scores, whose rounding is in u: what is of the order of
        machine precision by this measure is rounding, and nothing else is.
        """
        noise = np.abs(u) + self.loss.second(self.target, scores) * np.abs(scores)
        bound = self._feature_units * math.sqrt(total(self.design.weights * noise**2))
        return float(np.max(np.abs(residual) / np.where(bound > 0, bound, np.inf), initial=0.0))

    @cached_property
    def _feature_units(self) -> Array:
        """``sqrt(sum_t Z[t, k]^2 sum_i weights_i x_ij^2)``, shape (n_features, k).

        A feature that is constant as far as Gram matrices can tell is measured by the mean that was subtracted: its
        residual may be the rounding of that, or a small variation that scores do see.
        """
        design, squares = self.design, self.null_space**2
        grams = [design.coupled_gram(design.weights, z) for z in squares.T]
        units = np.maximum(np.column_stack([np.diagonal(gram) for gram in grams]), 0.0)
        if design.shift is not None:
            means = (design.shift**2 * design.task_sums(design.weights)) @ squares
            units = np.where(units > 0, units, means)
        return np.sqrt(units)

    def _step_length(self, scores: Array, change: Array, bend: tuple[float, float]) -> float:
        """1 for a quadratic; otherwise halved until the objective falls by a tenth of a per mille of its slope.

        Along the step of length c the smooth part changes by ``c bend[0] + c^2 bend[1] / 2``.
        """
        if self.loss.quadratic:
            return 1.0
        weights, y = self.design.weights, self.target
        value = total(weights * self.loss.value(y, scores))
        slope = total(weights * self.loss.gradient(y, scores) * change) + bend[0]
        rounding = in_precision(1e-15, self.dtype) * abs(value)
        length = 1.0
        while length > 1e-10:
            new = total(weights * self.loss.value(y, scores + length * change))
            new += length * bend[0] + 0.5 * length**2 * bend[1]
            if new <= value + 1e-4 * length * slope + rounding:
                return length
            length *= 0.5
        return 0.0

    def _newton_step(self, scores: Array, residual: Array, u: Array) -> tuple[Array, Array]:
        """(M Z', change of b) of one Newton step."""
        if self.loss.quadratic:
            if self._quadratic_system is None:
                self._quadratic_system = self._system(self.design.weights)
            system = self._quadratic_system
        else:
            second = np.maximum(self.loss.second(self.target, scores), self.loss.least_bend(self.target, scores))
            system = self._system(self.design.weights * second)
        slope = self.design.task_sums(self.design.weights * u)
        return system(residual, slope)

    def _system(self, curvature: Array) -> _Solve:
        """Solver of the Newton equations for weights ``weights * loss''``, intercepts eliminated (Schur complement).

        H = sum_t z_t z_t' (x) (X_t' D_t X_t - g_t g_t' / S_t) with g_t = X_t' D_t 1 and S_t = sum D_t.
        """
        Z, d = self.null_space, self.design.n_features
        k = Z.shape[1]
        sums = self.design.task_sums(curvature)
        # Below the smallest normal number the inverse overflows; such a task is saturated and has nothing to say.
        seen = sums > np.finfo(self.dtype).tiny
        inverse_sums = np.where(seen, 1.0 / np.where(seen, sums, 1.0), 0.0).astype(self.dtype, copy=False)
        first = self.design.adjoint(curvature)
        H = np.empty((k, d, k, d))
        for i in range(k):
            for j in range(i + 1):
                product = Z[:, i] * Z[:, j]
                block = self.design.coupled_gram(curvature, product)
                if self.fit_intercept:
                    block -= (first * (product * inverse_sums)) @ first.T
                H[i, :, j, :] = block
                H[j, :, i, :] = block
        add_smooth(H, Z, self.smooth)
        apply_inverse = pseudo_inverse(H.reshape(k * d, k * d), self.dtype)
        longest = float(np.finfo(self.dtype).max) ** 0.4

        def solve(residual: Array, slope: Array) -> tuple[Array, Array]:
            right = residual
            if self.fit_intercept:
                right = residual - (first * (slope * inverse_sums)) @ Z
            # From where the loss is flat a step may be too long for a number, or for its scores to be numbers.
            with np.errstate(over="ignore", invalid="ignore"):
                M = -apply_inverse(right.T.ravel()).reshape(k, d).T
            length = float(np.max(np.abs(M), initial=0.0))
            M = M * min(1.0, longest / max(length, longest)) if np.isfinite(length) else np.zeros_like(M)
            shift = M.astype(self.dtype, copy=False) @ Z.T
            b = -(slope + np.sum(first * shift, axis=0)) * inverse_sums
            return shift, b if self.fit_intercept else np.zeros_like(slope)

        return solve


def same_freedom(
    null_space: Array, smooth: TaskQuadratic | None, other: Array, other_smooth: TaskQuadratic | None
) -> bool:
    """Whether minimising over the one is minimising over the other; without a null space Q does not matter."""
    if null_space.shape != other.shape or not np.array_equal(null_space, other):
        return False
    return null_space.shape[1] == 0 or (
        smooth is other_smooth if smooth is None or other_smooth is None else smooth.is_same_as(other_smooth)
    )


def add_smooth(H: Array, null_space: Array, smooth: TaskQuadratic | None) -> None:
    """Add ``Z'QZ`` (x) I to the Hessian (k, n_features, k, n_features) on the null space, in place."""
    if smooth is None:
        return
    strengths = null_space.T @ smooth.times(null_space.T).T
    features = np.arange(H.shape[1])
    H[:, features, :, features] += strengths


def pseudo_inverse(H: Array, dtype: DTypeLike, rounding: float = 1.0) -> Callable[[Array], Array]:
    """Least-norm solver of H x = r for a positive semidefinite H, after scaling its diagonal to one.

    The scaling makes the cut-off independent of the units of the features.

    Parameters
    ----------
    H : ndarray (k, k)
        In float64, in which it is factorized.
    dtype : numpy dtype
        The precision in which its entries are known.
    rounding : float, default 1.0
        How many times more than a rounding error of dtype they are off.
    """
    diagonal = np.diagonal(H)
    scale = np.where(diagonal > 0, 1.0 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0)), 0.0)
    scaled = H * scale[:, None] * scale[None, :]
    smallest = _WELL_CONDITIONED_SINGLE if dtype == np.float32 else _WELL_CONDITIONED
    unobserved = in_precision(_UNOBSERVED, dtype) * len(scaled) * rounding
    factor, failed = lapack.dpotrf(scaled, lower=True)
    if (
        unobserved < smallest**2 and failed == 0 and np.min(np.diagonal(factor)) > smallest
    ):  # many times faster than eigenvectors
        return lambda r: scale * lapack.dpotrs(factor, scale * r, lower=True)[0]
    values, vectors = np.linalg.eigh(scaled)
    kept = values > unobserved * max(float(values[-1]), 0.0)
    basis = scale[:, None] * vectors[:, kept]
    return lambda r: basis @ ((basis.T @ r) / values[kept])
