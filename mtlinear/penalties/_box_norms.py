"""Squared box norms of the singular values: the k-support norm, box norms in general, and convex ASO."""

from __future__ import annotations

from abc import abstractmethod
from typing import Self

import numpy as np
from sklearn.base import clone

from mtlinear._typing import Array
from mtlinear._validation import check_integer, check_real
from mtlinear.penalties._base import Quadratic, check_alpha
from mtlinear.penalties._box import Box


class _Boxed(Quadratic):
    """A penalty that is a box of all singular values, with a strength alpha."""

    alpha: float

    @abstractmethod
    def _box(self, shape: tuple[int, ...]) -> Box:
        """The box for matrices of a shape."""

    def value(self, A: Array) -> float:
        return self._box(A.shape).value(A)

    def prox(self, V: Array, step: float) -> Array:
        return self._box(V.shape).prox(V, float(step))

    def conjugate(self, G: Array) -> float:
        return self._box(G.shape).conjugate(G)

    def scaled(self, factor: float) -> Self:
        return clone(self).set_params(alpha=self.alpha * factor)


class SpectralBox(_Boxed):
    r"""A squared box norm of the singular values s of A: ``alpha/2 min_theta sum_i s_i^2 / theta_i`` with

        lower <= theta_i <= upper,      sum theta_i = k upper + (n - k) lower,      n = min(n_features, n_tasks).

    About k directions are cheap, the others dear: `Clustered` with ``mean_ratio=None`` and `ConvexASO` are box norms,
    and `SpectralKSupport` is that with lower = 0, upper = 1. From k = n on it is ``alpha / (2 upper) ||A||_F^2``.

    prox and theta: one scalar equation, exact by sorting. Conjugate: ``1/(2 alpha) (lower sum g^2 + (upper - lower)
    times the sum of the k largest g^2)`` over the singular values g.

    Parameters
    ----------
    alpha : float > 0, default 1.0
    k : float > 0, default 2
        Need not be whole. (The budget c of the paper is k upper + (n - k) lower.)
    lower : float >= 0, default 0.1
    upper : float >= lower, > 0, default 1.0

    References
    ----------
    McDonald, Pontil & Stamos (2016), JMLR 17, sections 2 and 5.

    Examples
    --------
    >>> import numpy as np
    >>> SpectralBox(k=1, lower=0.5, upper=1.0).value(np.diag([2.0, 1.0]))  # theta = (1, 1/2)
    3.0
    """

    def __init__(self, alpha: float = 1.0, k: float = 2, lower: float = 0.1, upper: float = 1.0):
        self.alpha = alpha
        self.k = k
        self.lower = lower
        self.upper = upper

    def check(self, n_features: int, n_tasks: int) -> None:
        check_alpha(self.alpha)
        check_real("k", self.k, above=0.0)
        lower = check_real("lower", self.lower, at_least=0.0)
        check_real("upper", self.upper, above=0.0)
        if lower > self.upper:
            raise ValueError(f"lower must be at most upper, got lower={self.lower!r} and upper={self.upper!r}.")

    def _box(self, shape: tuple[int, ...]) -> Box:
        return _box_of(shape, float(self.lower / self.alpha), float(self.upper / self.alpha), self.k)


class SpectralKSupport(_Boxed):
    r"""Low rank without shrinking what is strong: ``alpha/2`` times the squared spectral k-support norm.

        alpha/2 min_theta sum_i s_i^2 / theta_i,      0 <= theta_i <= 1,      sum theta_i = k

    over the singular values s of A. Its unit ball is the convex hull of the matrices with rank at most k and Frobenius
    norm at most 1. k = 1 is alpha/2 times the squared trace norm, k >= min(n_features, n_tasks) is the ridge, and in
    between the k strongest directions or so are shrunk like by a ridge, the others to zero like by a trace norm.

    Conjugate: ``1/(2 alpha)`` times the sum of the k largest squared singular values.

    Parameters
    ----------
    alpha : float > 0, default 1.0
    k : float > 0, default 2
        Need not be whole; below 1 it is the squared trace norm over k.

    References
    ----------
    Argyriou, Foygel & Srebro (2012), NIPS 25 (vectors). McDonald, Pontil & Stamos (2016), JMLR 17, section 5.

    Examples
    --------
    >>> import numpy as np
    >>> SpectralKSupport(k=1).value(np.diag([2.0, 1.0])), SpectralKSupport(k=2).value(np.diag([2.0, 1.0]))
    (4.5, 2.5)
    """

    def __init__(self, alpha: float = 1.0, k: float = 2):
        self.alpha = alpha
        self.k = k

    def check(self, n_features: int, n_tasks: int) -> None:
        check_alpha(self.alpha)
        check_real("k", self.k, above=0.0)

    def _box(self, shape: tuple[int, ...]) -> Box:
        return _box_of(shape, 0.0, 1.0 / float(self.alpha), self.k)


class ConvexASO(_Boxed):
    r"""Convex alternating structure optimisation (cASO): the tasks share a subspace of the features.

    Writing a task as u_t + Theta' v_t, with Theta (n_components x n_features) of orthonormal rows that all tasks share,
    and penalising u_t and a_t, Chen et al. (2009) relax Theta'Theta to M and obtain

        c min_M tr(A' (eta I + M)^-1 A),      0 <= M <= I,      tr M = n_components.

    Here alpha = 2 c / eta is the strength outside the subspace (A is penalised by alpha/2 ||.||^2 where M = 0), and
    alpha shared_ratio = 2 c / (1 + eta) the one within: shared_ratio = eta / (1 + eta).

    The best M has the left singular vectors of A, and what remains is a box of its singular values. So it is the same
    function of A as `Clustered` with ``mean_ratio=None``, n_clusters = n_components and between_ratio = shared_ratio,
    which has such an M between tasks (Zhou, Chen & Ye 2011): clusters of tasks and a shared subspace are one belief.
    `subspace` gives M.

    Parameters
    ----------
    alpha : float > 0, default 1.0
    n_components : int in [1, n_features], default 2
        Dimension of the shared subspace; from min(n_features, n_tasks) on this is a ridge.
    shared_ratio : float in (0, 1], default 0.1

    References
    ----------
    Chen, Tang, Liu & Ye (2009), ICML (with their alpha, beta and h: eta = beta / alpha, c = alpha eta (1 + eta), h =
    n_components; so alpha here is 2 (alpha + beta) there, and alpha shared_ratio is 2 beta). Ando & Zhang (2005), JMLR
    6.

    Examples
    --------
    >>> import numpy as np
    >>> penalty = ConvexASO(n_components=1, shared_ratio=0.1)
    >>> round(penalty.value(np.array([[3.0, 4.0], [0.0, 0.0]])), 12)  # one direction, shared
    1.25
    """

    def __init__(self, alpha: float = 1.0, n_components: int = 2, shared_ratio: float = 0.1):
        self.alpha = alpha
        self.n_components = n_components
        self.shared_ratio = shared_ratio

    def check(self, n_features: int, n_tasks: int) -> None:
        check_alpha(self.alpha)
        check_integer("n_components", self.n_components, at_least=1)
        if self.n_components > n_features > 1:
            raise ValueError(
                f"n_components must be at most the number of features, got n_components={self.n_components} for "
                f"{n_features} features."
            )
        check_real("shared_ratio", self.shared_ratio, above=0.0, at_most=1.0)

    def subspace(self, A: Array) -> Array:
        """The relaxed projection M (n_features, n_features) onto the shared subspace, optimal for A.

        Where A has fewer directions than components, M has the trace that A asks for.
        """
        U, s, _ = np.linalg.svd(A, full_matrices=False)
        return (U * self._box(A.shape).members(s)) @ U.T

    def _box(self, shape: tuple[int, ...]) -> Box:
        alpha = float(self.alpha)
        return _box_of(shape, 1.0 / alpha, 1.0 / (alpha * float(self.shared_ratio)), self.n_components)


def _box_of(shape: tuple[int, ...], lower: float, upper: float, n_top: float) -> Box:
    """The box over all singular values of a matrix."""
    n = min(shape)
    return Box(lower, upper, min(n_top, n), n)
