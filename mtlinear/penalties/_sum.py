"""The sum of penalties on the same matrix: any structure beside a ridge, a mean or a graph."""

from __future__ import annotations

import math
from functools import reduce
from operator import add

import numpy as np

from mtlinear._precision import machine_epsilon, precision_of, total
from mtlinear._typing import Array
from mtlinear.penalties._base import Norm, Penalty, Quadratic
from mtlinear.penalties._composite import Composite
from mtlinear.penalties._task_quadratic import TaskQuadratic

#: Accuracy and length of the inner iterations, which the solvers call only for a sum inside an infimal convolution.
_INNER_TOL = 1e-13
_INNER_ITERATIONS = 20_000
#: Difference of the two bounds of a gauge, relative.
_GAUGE_TOL = 1e-11
#: What is added to a gauge that was found by iteration before it counts as larger than 1.
_SLACK = 1e-9
#: ... and what rounding does to a point that was scaled onto the boundary, in units of machine epsilon.
_BOUNDARY = 64


class SumOfPenalties(Penalty):
    """``Omega(A) = sum_k Omega_k(A)``, at most one summand not a quadratic in the tasks: value, prox and duality."""

    #: The summands.
    penalties: tuple[Penalty, ...]

    def smooth_part(self, n_tasks: int) -> tuple[Penalty, TaskQuadratic | None]:
        rest, quadratic = self._split(n_tasks)
        return (self, None) if rest is None else (rest, quadratic)

    def task_quadratic(self, n_tasks: int) -> TaskQuadratic | None:
        rest, quadratic = self._split(n_tasks)
        return quadratic if rest is None else None

    def _split(self, n_tasks: int) -> tuple[Penalty | None, TaskQuadratic | None]:
        """The summand that is not quadratic, if there is one, and all quadratics together (None for zero)."""
        rest, quadratics = None, []
        for penalty in self.penalties:
            quadratic = penalty.task_quadratic(n_tasks)
            if quadratic is None:
                rest, quadratic = penalty.smooth_part(n_tasks)
            if quadratic is not None:
                quadratics.append(quadratic)
        together = reduce(add, quadratics) if quadratics else None
        if rest is not None and together is not None and together.is_zero:
            together = None
        return rest, together

    def null_space(self, n_tasks: int) -> Array:
        rest, quadratic = self._split(n_tasks)
        if rest is None:
            assert quadratic is not None
            return quadratic.null_space
        return joint_null_space(rest.null_space(n_tasks), quadratic)

    def task_clusters(self, A: Array) -> tuple[int, Array] | None:
        found = [penalty.task_clusters(A) for penalty in self.penalties]
        return next((clusters for clusters in found if clusters is not None), None)

    def value(self, A: Array) -> float:
        return sum(penalty.value(A) for penalty in self.penalties)

    def prox(self, V: Array, step: float) -> Array:
        """The proximal point: closed for a ridge or quadratics alone, otherwise by an inner iteration."""
        rest, quadratic = self._split(V.shape[1])
        step = float(step)
        if quadratic is None:
            assert rest is not None
            return rest.prox(V, step)
        if rest is None:
            return quadratic.prox(V, step)
        if quadratic.is_multiple:
            shrink = 1.0 / (1.0 + step * quadratic.base)
            return rest.prox(shrink * V, shrink * step)
        A, _ = minimise(rest, quadratic.shifted(1.0 / step), V.astype(np.float64, copy=False) / step)
        return A.astype(precision_of(V), copy=False)

    def conjugate(self, G: Array) -> float:
        """Closed for a ridge or quadratics alone, otherwise by an inner iteration, to about nine digits."""
        rest, quadratic = self._split(G.shape[1])
        if quadratic is None:
            assert rest is not None
            return rest.conjugate(G)
        if rest is None:
            return quadratic.conjugate(G)
        if self.gauge(G) > 1.0 + max(_SLACK, _BOUNDARY * machine_epsilon(G.dtype)):
            return np.inf
        G = G.astype(np.float64, copy=False)
        if quadratic.is_multiple:
            A = rest.prox(G / quadratic.base, 1.0 / quadratic.base)
        else:
            A, _ = minimise(rest, quadratic, G)
        return max(total(G * A) - rest.value(A) - quadratic.value(A), 0.0)

    def gauge(self, G: Array) -> float:
        rest, quadratic = self._split(G.shape[1])
        if quadratic is None:
            assert rest is not None
            return rest.gauge(G)
        if rest is None:
            return quadratic.gauge(G)
        free = quadratic.null_space
        if free.shape[1] == 0:
            return 0.0
        return smallest_gauge(rest, G.astype(np.float64, copy=False), free)


class Sum(Composite, SumOfPenalties):
    r"""Several penalties at once: ``Omega(A) = Omega_0(A) + Omega_1(A) + ...``, at most one not quadratic in the tasks.

    `Ridge`, `MeanRegularized`, `GraphLaplacian` and sums of these are quadratics ``1/2 tr(A Q A')``; solvers and
    certificates treat them like the data fit (`smooth_part`), and only the other summand through its prox. So any
    structure has an elastic net, ``Sum(TraceNorm(), Ridge())``, or can be smoothed over a graph,
    ``Sum(GraphLaplacian(graph), L1())``. Along a path of strengths all summands are scaled.

    (`InfimalConvolution` is the dual notion: there A is a sum, and each part has one penalty.)

    Parameters
    ----------
    *penalties : Penalty
        Two or more. As scikit-learn parameters they are named ``penalty_0``, ``penalty_1``, ...

    References
    ----------
    Zou & Hastie (2005), JRSS B 67: elastic net. Zhou, Yuan, Liu & Ye (2011), KDD: temporal group lasso,
    ``Sum(Ridge(), GraphLaplacian(chain_graph), L1Lq())``. Zhou, Chen & Ye (2011), MALSAR: SRMTL,
    ``Sum(GraphLaplacian(graph), L1())``.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlinear.penalties import L1, Ridge
    >>> elastic_net = Sum(L1(alpha=1.0), Ridge(alpha=0.5))
    >>> elastic_net.prox(np.array([[4.0, -1.0]]), step=2.0)
    array([[ 1., -0.]])
    """

    def check(self, n_features: int, n_tasks: int) -> None:
        super().check(n_features, n_tasks)
        others = [penalty for penalty in self.penalties if penalty.task_quadratic(n_tasks) is None]
        if len(others) > 1:
            raise ValueError(
                "Sum takes at most one penalty that is not a quadratic between tasks (Ridge, MeanRegularized and "
                f"GraphLaplacian are), got {others}. To split A among penalties, use InfimalConvolution."
            )


def joint_null_space(null_space: Array, quadratic: TaskQuadratic | None) -> Array:
    """Orthonormal basis of what neither a penalty with this null space nor the quadratic beside it cares for."""
    if quadratic is None or null_space.shape[1] == 0:
        return null_space
    cost = null_space.T @ quadratic.null_space
    U, cosines, _ = np.linalg.svd(cost)
    free = np.append(cosines, np.zeros(max(len(U) - len(cosines), 0)))[: len(U)] > 1.0 - 1e-12
    return null_space if np.all(free) else np.asarray(null_space @ U[:, free])


def minimise(rest: Penalty, quadratic: TaskQuadratic, B: Array) -> tuple[Array, Array]:
    """``argmin_A rest(A) + 1/2 tr(A Q A') - <B, A>`` by Douglas-Rachford, and a subgradient of the rest there.

    In the metric in which the extreme eigenvalues of Q multiply to one: the fastest for a quadratic.
    """
    low, high = max(quadratic.smallest, 1e-3 * quadratic.largest), quadratic.largest
    length = 1.0 / math.sqrt(low * high)
    scale = float(np.max(np.abs(B), initial=0.0)) / high
    shadow = A = quadratic.prox(length * B, length)
    for _ in range(_INNER_ITERATIONS):
        smooth = quadratic.prox(shadow + length * B, length)
        near = 2.0 * smooth - shadow
        A = rest.prox(near, length)
        move = A - smooth
        shadow = shadow + move
        if np.max(np.abs(move), initial=0.0) <= _INNER_TOL * max(scale, float(np.max(np.abs(A), initial=0.0))):
            break
    return A, (near - A) / length


def smallest_gauge(rest: Penalty, G: Array, free: Array) -> float:
    """``min_V gauge(G - V)`` over all V orthogonal to ``free``: what of G only the rest can bear. Never too small.

    For a norm it is ``<G, A> / rest(A)`` at its largest over ``A = M free'``, found by Douglas-Rachford; every
    subgradient on the way gives a V, and so a bound from above. For a penalty that grows like a square off its null
    space it is 0 or infinite. For others (infimal convolutions) the best of two V that are at hand.
    """
    seen = (G @ free) @ free.T
    size = float(np.linalg.norm(seen))
    if size <= 64 * machine_epsilon(np.float64) * float(np.linalg.norm(G)):
        return 0.0
    best = min(rest.gauge(G), rest.gauge(seen))
    if isinstance(rest, Quadratic):
        Z = rest.null_space(G.shape[1])
        along = seen @ joint_null_space(Z, TaskQuadratic(1.0, free, np.zeros(free.shape[1])))
        return np.inf if np.max(np.abs(along), initial=0.0) > 1e-12 * np.max(np.abs(G)) else 0.0
    if not isinstance(rest, Norm) or best == 0.0:
        return best
    direction = seen / size
    length = 1.0 / max(rest.value(direction), 1e-300)
    shadow = direction
    for _ in range(_INNER_ITERATIONS):
        along = (shadow @ free) @ free.T
        feasible = along + (1.0 - total(direction * along)) * direction
        near = 2.0 * feasible - shadow
        proxed = rest.prox(near, length)
        shadow = shadow + proxed - feasible
        subgradient = (near - proxed) / length
        strength = total(subgradient * direction)
        if strength > 0.0:  # its part on the free directions is made that of G
            wanted = subgradient * (size / strength)
            best = min(best, rest.gauge(wanted - (wanted @ free) @ free.T + seen))
        if best - size / rest.value(feasible) <= _GAUGE_TOL * best:
            break
    return best
