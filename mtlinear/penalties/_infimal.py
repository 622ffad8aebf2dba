"""Infimal convolution: A is a sum of parts, each with a penalty of its own. The dirty model is one."""

from __future__ import annotations

from typing import Self

import numpy as np

from mtlinear._precision import precision_of
from mtlinear._typing import Array
from mtlinear._validation import check_real
from mtlinear._warnings import warn
from mtlinear.penalties._base import Penalty, check_alpha
from mtlinear.penalties._composite import Composite
from mtlinear.penalties._row_norms import dual_exponent
from mtlinear.penalties._rows import L1, L1Lq

#: Accuracy and length of the inner iterations of `value` and `prox`, which the solvers never call.
_INNER_TOL = 1e-11
_INNER_ITERATIONS = 50_000
#: Over-relaxation of Douglas-Rachford, in (0, 2); 1.6 saves a third of the iterations (Eckstein & Bertsekas 1992).
_RELAXATION = 1.6


class SumOfParts(Penalty):
    """``Omega(A) = min sum_k Omega_k(A_k)`` over all splits ``A = sum_k A_k``.

    Its conjugate is the sum of the conjugates and its gauge the largest of the gauges, so certificates cost nothing
    new; solvers work on the parts. `value` and `prox` of the sum itself need an inner iteration.
    """

    def _penalties(self, shape: tuple[int, ...]) -> list[Penalty]:
        n_features, n_tasks = shape
        return [penalty for _, penalty in self.parts(n_tasks, n_features)]

    def gauge(self, G: Array) -> float:
        return max(penalty.gauge(G) for penalty in self._penalties(G.shape))

    def dual_scale(self, G: Array) -> float:
        return min(penalty.dual_scale(G) for penalty in self._penalties(G.shape))

    def conjugate(self, G: Array) -> float:
        return sum(penalty.conjugate(G) for penalty in self._penalties(G.shape))

    def finite_conjugate(self, G: Array, c: float) -> float:
        return sum(penalty.finite_conjugate(G, c) for penalty in self._penalties(G.shape))

    def null_space(self, n_tasks: int) -> Array:
        spaces = np.hstack([penalty.null_space(n_tasks) for _, penalty in self.parts(n_tasks)])
        U, singular_values, _ = np.linalg.svd(spaces, full_matrices=False)
        return U[:, singular_values > 1e-12]

    def value(self, A: Array) -> float:
        """Omega(A), to about nine digits, by Douglas-Rachford on the split."""
        penalties = self._penalties(A.shape)
        return sum(penalty.value(part) for penalty, part in zip(penalties, self.split(A), strict=True))

    def prox(self, V: Array, step: float) -> Array:
        """The proximal point, by Douglas-Rachford on the parts."""
        if self.conjugate(V / float(step)) == 0.0:  # V / step is a subgradient at zero
            return np.zeros_like(V)
        _, proxed = self._divide(V.astype(np.float64, copy=False), step)
        return np.sum(proxed, axis=0).astype(precision_of(V), copy=False)

    def split(self, A: Array) -> list[Array]:
        """The cheapest parts with sum A (not unique in general)."""
        feasible, _ = self._divide(A.astype(np.float64, copy=False), 0.0)
        return [part.astype(precision_of(A), copy=False) for part in feasible]

    def _divide(self, V: Array, step: float) -> tuple[list[Array], list[Array]]:
        """``argmin sum_k Omega_k(P_k) + ||sum_k P_k - V||^2 / (2 step)``; step 0 demands that the sum is V.

        Douglas-Rachford between the penalties (each through its own prox) and the quadratic. Cyclic minimisation over
        the parts is simpler, but creeps when the step is small: the parts drift for thousands of sweeps while their sum
        stands still. In float64, whatever the precision of the data: its solutions are to nine digits.

        Returns
        -------
        feasible, proxed : list of ndarray
            The two halves of the iteration; at the solution they are the same.
        """
        penalties = self._penalties(V.shape)
        count = len(penalties)
        scale = np.max(np.abs(V), initial=0.0)
        shadow: list[Array] = [V / count for _ in penalties]
        if scale == 0.0:
            return shadow, shadow
        # Of the order of the entries over the slope of the penalty: the natural length in this problem.
        length = scale / max(sum(p.value(V) for p in penalties) / np.abs(V).sum(), 1e-300) / count
        share = length / (step + count * length)
        for _ in range(_INNER_ITERATIONS):
            excess = share * (np.sum(shadow, axis=0) - V)
            feasible = [z - excess for z in shadow]
            proxed = [p.prox(2 * x - z, length) for p, x, z in zip(penalties, feasible, shadow, strict=True)]
            moves = [y - x for y, x in zip(proxed, feasible, strict=True)]
            shadow = [z + _RELAXATION * move for z, move in zip(shadow, moves, strict=True)]
            if max(np.max(np.abs(move)) for move in moves) <= _INNER_TOL * scale:
                break
        return feasible, proxed


class InfimalConvolution(Composite, SumOfParts):
    """Any penalties joined: ``min Omega_1(A_1) + Omega_2(A_2) + ...`` over ``A_1 + A_2 + ... = A``.

    Parameters
    ----------
    *penalties : Penalty
        Two or more. As scikit-learn parameters they are named ``penalty_0``, ``penalty_1``, ...

    References
    ----------
    Rockafellar (1970), Convex Analysis, theorem 16.4 (the conjugate). Jalali et al. (2010) and Chen et al. (2011, 2012)
    are instances.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlinear.penalties import L1, TraceNorm
    >>> sparse_plus_low_rank = InfimalConvolution(TraceNorm(alpha=2.0), L1(alpha=1.0))
    >>> sparse_plus_low_rank.gauge(np.array([[3.0]]))
    3.0
    """

    def parts(self, n_tasks: int, n_features: int | None = None) -> tuple[tuple[str, Penalty], ...]:
        leaves = [leaf for penalty in self.penalties for _, leaf in penalty.parts(n_tasks, n_features)]
        return tuple((f"A{k}", leaf) for k, leaf in enumerate(leaves))


class Dirty(SumOfParts):
    r"""The dirty model: shared features plus private ones, A = B + S.

        Omega(A) = alpha * min_{A = B + S} (1 - l1_ratio) sum_j ||B[j, :]||_q + l1_ratio sum_jt |S[j, t]|

    Parameters
    ----------
    alpha : float > 0, default 1.0
    l1_ratio : float in (0, 1) or None, default None
        Share of the sparse part. With r = (1 - l1_ratio) / l1_ratio the model is a mixture for 1 < r < T^(1/q'), where
        1/q + 1/q' = 1 (so r < T for q = inf); outside it is pure block sparsity (r <= 1) or the lasso (r >= T^(1/q')),
        and a warning says which. None takes the geometric middle, r = T^(1/(2 q')): sqrt(T) for q = inf.
    q : float in [1, inf], default inf

    References
    ----------
    Jalali, Ravikumar, Sanghavi & Ruan (2010), NIPS 23, eq. 2.

    Examples
    --------
    >>> Dirty(alpha=1.0).parts(n_tasks=4)[0]
    ('B', L1Lq(alpha=0.6666666666666667, q=inf))
    """

    def __init__(self, alpha: float = 1.0, l1_ratio: float | None = None, q: float = np.inf):
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.q = q

    def check(self, n_features: int, n_tasks: int) -> None:
        check_alpha(self.alpha)
        check_real("q", self.q, at_least=1.0, infinite=True)
        if self.l1_ratio is None:
            return
        check_real("l1_ratio", self.l1_ratio, above=0.0, below=1.0)
        ratio, limit = (1.0 - self.l1_ratio) / self.l1_ratio, self._largest_ratio(n_tasks)
        if 1.0 < ratio < limit or n_tasks == 1:
            return
        becomes = "pure block sparsity (S = 0)" if ratio <= 1.0 else "the lasso (B = 0)"
        warn(
            f"l1_ratio={self.l1_ratio:g} makes the dirty model {becomes}: with {n_tasks} tasks and q={self.q:g} shared "
            f"and private features mix only for {1.0 / (1.0 + limit):.3g} < l1_ratio < 0.5.",
        )

    def parts(self, n_tasks: int, n_features: int | None = None) -> tuple[tuple[str, Penalty], ...]:
        share = self.l1_ratio
        if share is None:
            share = 1.0 / (1.0 + np.sqrt(self._largest_ratio(n_tasks)))
        block = L1Lq(alpha=float(self.alpha * (1.0 - share)), q=self.q)
        return ("B", block), ("S", L1(alpha=float(self.alpha * share)))

    def scaled(self, factor: float) -> Self:
        return type(self)(self.alpha * factor, self.l1_ratio, self.q)

    def _largest_ratio(self, n_tasks: int) -> float:
        """T^(1/q'): from this ratio of the weights on, the L1 ball lies inside the Lq' one and B is never used."""
        return float(n_tasks ** (1.0 / dual_exponent(self.q)))
