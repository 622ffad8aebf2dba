r"""Squared norms, ``alpha/2 Omega(A)^2``: the covariance of the tasks or of the features is learned along.

With a covariance D of trace 1 to be learned, ``min_D tr(A' D^-1 A) = ||A||_*^2``, by Cauchy-Schwarz, at
``D = (A A')^(1/2) / tr (A A')^(1/2)``; for diagonal D the minimum is the square of the sum of the row lengths.

prox of the square, with c = step * alpha: at its solution P, ``V - P`` is in ``c Omega(P)`` times the subdifferential
of Omega, so P is the prox of the norm itself with the step t = c Omega(P). As t grows Omega(prox_t(V)) falls: one root.
Where Omega is a sum of sizes that its prox soft-thresholds (singular values, lengths of rows or columns, entries),

    t = c sum_i (n_i - t)_+ ,     that is     t = max_k  c (n_1 + ... + n_k) / (1 + c k)

for descending n: for every k the right side is at least ``c (n_1 + ... + n_k - k t)``, with equality where k counts the
n_i > t. Conjugate: ``1/(2 alpha)`` times the square of the dual norm.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Self

import numpy as np
from scipy.optimize import brentq
from sklearn.base import clone

from mtlinear._precision import precision_of, total
from mtlinear._typing import Array
from mtlinear._validation import check_boolean, check_real
from mtlinear.penalties._base import Norm, Quadratic, check_alpha
from mtlinear.penalties._columns import ColumnSparse
from mtlinear.penalties._row_norms import row_norms
from mtlinear.penalties._rows import L1, L1Lq
from mtlinear.penalties._singular import (
    SMALLEST_SHARE,
    largest_singular_value,
    nuclear_norm,
    singular_pairs,
    singular_values_to_square,
    threshold_by_pairs,
    threshold_by_svd,
)
from mtlinear.penalties._spectral import TraceNorm

#: Accuracy of the root for norms without sizes, relative to the largest t that it could be.
_ROOT_ACCURACY = 1e-15


class _Squared(Quadratic):
    """alpha/2 times the square of a norm."""

    alpha: float

    @abstractmethod
    def _norm(self) -> Norm:
        """The norm that is squared."""

    def value(self, A: Array) -> float:
        return 0.5 * float(self.alpha) * self._norm().value(A) ** 2

    def prox(self, V: Array, step: float) -> Array:
        norm = self._norm()
        if isinstance(norm, TraceNorm):
            return threshold_squared(V, float(step * self.alpha) * float(norm.alpha) ** 2)
        t = root_of(norm, V, float(step * self.alpha))
        return norm.prox(V, t) if t > 0.0 else V.copy()

    def conjugate(self, G: Array) -> float:
        return 0.5 * self._norm().gauge(G) ** 2 / float(self.alpha)

    def gauge(self, G: Array) -> float:
        return 0.0 if np.isfinite(self._norm().gauge(G)) else np.inf

    def null_space(self, n_tasks: int) -> Array:
        return self._norm().null_space(n_tasks)

    def scaled(self, factor: float) -> Self:
        return clone(self).set_params(alpha=self.alpha * factor)


class SquaredNorm(_Squared):
    """The square of any norm of the package: ``alpha/2 * norm(A)^2``.

    It shrinks like the norm, but never everything to zero, and it says less about the strength at which to do so: twice
    the target gives twice the parameters. The strength of the norm counts as part of it (so, squared).

    prox: exact for `L1`, `L1Lq` and `ColumnSparse` with q = 1 or 2 and for `TraceNorm`; one root for other norms, with
    about ten evaluations of their prox.

    Parameters
    ----------
    norm : Norm, default None
        None is ``TraceNorm(1.0)``.
    alpha : float > 0, default 1.0

    Examples
    --------
    >>> import numpy as np
    >>> from mtlinear.penalties import L1
    >>> squared = SquaredNorm(L1(), alpha=2.0)
    >>> squared.value(np.array([[3.0, -1.0]]))
    16.0
    >>> squared.prox(np.array([[3.0, -1.0]]), step=0.5)
    array([[ 1.5, -0. ]])
    """

    def __init__(self, norm: Norm | None = None, alpha: float = 1.0):
        self.norm = norm
        self.alpha = alpha

    def check(self, n_features: int, n_tasks: int) -> None:
        check_alpha(self.alpha)
        if not isinstance(self._norm(), Norm):
            raise TypeError(
                f"norm must be a Norm (L1, L1Lq, TraceNorm, ...), got {self.norm!r} of type {type(self.norm).__name__}."
            )
        self._norm().check(n_features, n_tasks)

    def _norm(self) -> Norm:
        return TraceNorm() if self.norm is None else self.norm


class FeatureLearning(_Squared):
    r"""Convex multi-task feature learning: a few learned features, the same for all tasks; ``alpha/2 ||A||_*^2``.

    It is the least of ``alpha/2 tr(A' D^-1 A)`` over the covariances D of the features (D >= 0, tr D = 1), which
    `feature_covariance` gives; its eigenvectors are the learned features. With ``diagonal=True`` features are selected
    instead of learned: D is diagonal and the penalty is ``alpha/2 (sum_j ||A[j, :]||_2)^2``.

    Parameters
    ----------
    alpha : float > 0, default 1.0
    diagonal : bool, default False

    References
    ----------
    Argyriou, Evgeniou & Pontil (2007), NIPS 19; (2008), Machine Learning 73, 243-272 (their gamma is alpha/2).

    Examples
    --------
    >>> import numpy as np
    >>> A = np.diag([3.0, 1.0])
    >>> FeatureLearning().value(A), FeatureLearning().feature_covariance(A).tolist()
    (8.0, [[0.75, 0.0], [0.0, 0.25]])
    """

    def __init__(self, alpha: float = 1.0, diagonal: bool = False):
        self.alpha = alpha
        self.diagonal = diagonal

    def check(self, n_features: int, n_tasks: int) -> None:
        check_alpha(self.alpha)
        check_boolean("diagonal", self.diagonal)

    def feature_covariance(self, A: Array) -> Array:
        """D, (n_features, n_features): ``(A A')^(1/2)`` or the row lengths, over the trace; I/d for A = 0."""
        return covariance(A, np.diag(row_norms(A, 2))) if self.diagonal else covariance(A, _root(A.T))

    def _norm(self) -> Norm:
        return L1Lq(1.0, 2) if self.diagonal else TraceNorm(1.0)


class TaskRelationship(Quadratic):
    r"""Multi-task relationship learning (MTRL): how the tasks are related is learned along, as their covariance.

        Omega(A) = ridge_ratio alpha/2 ||A||_F^2 + alpha/2 min_S tr(A S^-1 A'),      S >= 0,  tr S = 1

    The best S, a covariance (n_tasks, n_tasks), is ``(A'A)^(1/2) / tr (A'A)^(1/2)`` (`task_covariance`), which leaves
    ``ridge_ratio alpha/2 ||A||_F^2 + alpha/2 ||A||_*^2``. Positive and negative relations count alike.

    prox: shrink by the ridge, then the square (soft threshold of the singular values, exact by sorting). Conjugate: the
    least over t of ``t^2 / (2 alpha) + sum (g - t)_+^2 / (2 alpha ridge_ratio)`` over the singular values g, at a t of
    the same form.

    Parameters
    ----------
    alpha : float > 0, default 1.0
    ridge_ratio : float >= 0, default 0.1
        Strength of the ridge, as a fraction of alpha.

    References
    ----------
    Zhang & Yeung (2010), UAI: lambda_1 = alpha ridge_ratio, lambda_2 = alpha, S = their Omega.

    Examples
    --------
    >>> import numpy as np
    >>> A = np.array([[1.0, -1.0], [0.0, 0.0]])  # the second task is the opposite of the first
    >>> TaskRelationship().task_covariance(A).round(3).tolist()
    [[0.5, -0.5], [-0.5, 0.5]]
    """

    def __init__(self, alpha: float = 1.0, ridge_ratio: float = 0.1):
        self.alpha = alpha
        self.ridge_ratio = ridge_ratio

    def check(self, n_features: int, n_tasks: int) -> None:
        check_alpha(self.alpha)
        check_real("ridge_ratio", self.ridge_ratio, at_least=0.0)

    def value(self, A: Array) -> float:
        return 0.5 * float(self.alpha) * (float(self.ridge_ratio) * total(A * A) + nuclear_norm(A) ** 2)

    def prox(self, V: Array, step: float) -> Array:
        strength = float(step * self.alpha)
        shrink = 1.0 / (1.0 + strength * float(self.ridge_ratio))
        return threshold_squared(shrink * V, shrink * strength)

    def conjugate(self, G: Array) -> float:
        alpha, ratio = float(self.alpha), float(self.ridge_ratio)
        if ratio == 0.0:
            return 0.5 * largest_singular_value(G) ** 2 / alpha
        g = singular_values_to_square(G)
        # Omega* is the least over all t: any other gives a weaker bound, never a wrong one.
        t = root_of_sizes(g, 1.0 / ratio)
        return 0.5 * (t**2 + total(np.maximum(g - t, 0.0) ** 2) / ratio) / alpha

    def scaled(self, factor: float) -> Self:
        return clone(self).set_params(alpha=self.alpha * factor)

    def task_covariance(self, A: Array) -> Array:
        """``(A'A)^(1/2)`` over its trace, (n_tasks, n_tasks); I/T for A = 0."""
        return covariance(A, _root(A))


def root_of_sizes(sizes: Array, c: float) -> float:
    """The t with ``t = c sum (n - t)_+``: the largest of c (n_1 + ... + n_k) / (1 + c k) over k, n descending."""
    if sizes.size == 0:
        return 0.0
    sums = np.cumsum(np.sort(sizes.astype(np.float64, copy=False))[::-1])
    return float(np.max(sums / (1.0 / c + np.arange(1, sums.size + 1)))) if c > 0.0 else 0.0


def root_of(norm: Norm, V: Array, c: float) -> float:
    """The t with ``t = c Omega(prox_t(V))``; its accuracy is relative to the size of V."""
    sizes = _sizes(norm, V)
    if sizes is not None:
        alpha = float(norm.alpha)
        return root_of_sizes(sizes, c * alpha**2) / alpha
    V = V.astype(np.float64, copy=False)
    highest = min(norm.gauge(V), c * norm.value(V))
    # At the dual norm the prox is zero, and Omega(prox_t) never exceeds Omega(V).
    if highest == 0.0 or c * norm.value(norm.prox(V, highest)) >= highest:
        return highest
    xtol = _ROOT_ACCURACY * highest
    return float(brentq(lambda t: c * norm.value(norm.prox(V, t)) - t if t > 0.0 else highest, 0.0, highest, xtol=xtol))


def _sizes(norm: Norm, V: Array) -> Array | None:
    """Numbers n with ``Omega = alpha sum n`` that the prox of the norm soft-thresholds by alpha t; None if unknown."""
    if isinstance(norm, ColumnSparse):
        V = V.T
    elif not isinstance(norm, L1 | L1Lq):
        return None
    q = getattr(norm, "q", 1)
    if q == 1:
        return np.abs(V).ravel()
    return row_norms(V, 2) if q == 2 else None


def threshold_squared(V: Array, c: float) -> Array:
    """The prox of ``c/2 ||A||_*^2``.

    Squares of singular values know those down to the threshold t to eps s_1^2 / (2 t), and t is an average of them:
    where a Gram matrix is accurate enough for the threshold (`_singular`) it is so for t.
    """
    s, W = singular_pairs(V)
    t = root_of_sizes(s, c)
    if t >= SMALLEST_SHARE[precision_of(V)] * float(np.max(s, initial=0.0)):
        return threshold_by_pairs(V, t, s, W)
    t = root_of_sizes(np.linalg.svd(V, compute_uv=False), c)
    return threshold_by_svd(V, t)


def covariance(A: Array, root: Array) -> Array:
    """A root over its trace, in the precision of A; for A = 0, where every covariance is optimal, I over its order."""
    trace = float(np.trace(root))
    made = root / trace if trace > 0.0 else np.eye(len(root)) / len(root)
    return made.astype(precision_of(A), copy=False)


def _root(A: Array) -> Array:
    """``(A'A)^(1/2)``."""
    _, s, Wt = np.linalg.svd(A, full_matrices=False)
    return (Wt.T * s) @ Wt
