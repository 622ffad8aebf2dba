"""What a penalty is: a convex function of one (n_features, n_tasks) matrix. It knows no data.

Vocabulary
----------
prox(V, step)
    ``argmin_A 1/2 ||A - V||_F^2 + step * Omega(A)``.
conjugate(G)
    ``Omega*(G) = sup_A <G, A> - Omega(A)``.
prox_operator()
    The prox for one run of a solver: the same function, with a memory.
gauge(G)
    Smallest c >= 0 with G in c times the domain of Omega*. For a norm it is the dual norm, and A = 0 is optimal exactly
    if the gauge of the negative gradient at 0 is at most 1; 0 where Omega* is finite everywhere.
dual_scale(G)
    Largest c <= 1 for which ``conjugate(c G)`` is finite: what makes a residual dual feasible.
smooth_part(n_tasks)
    ``(rest, quadratic)`` with ``Omega(A) = rest(A) + 1/2 tr(A Q A')``: a quadratic between the tasks that solvers may
    treat like the data fit, whose prox they need not know; None for most penalties.
null_space(n_tasks)
    Orthonormal Z (n_tasks, k) with Omega(A + M Z') = Omega(A) for every M (n_features, k): directions that the penalty
    leaves free, like the mean of the tasks when only deviations from it are penalised.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Self

import numpy as np
from sklearn.base import BaseEstimator, clone

from mtlinear._precision import machine_epsilon
from mtlinear._typing import Array, Indices
from mtlinear._validation import check_real
from mtlinear.penalties._task_quadratic import TaskQuadratic

#: Slack on the boundary of a dual ball, in units of machine epsilon: what rounding does to a point scaled onto it.
_BOUNDARY = 64


class Penalty(BaseEstimator, ABC):
    """A convex penalty Omega(A) >= 0 with Omega(0) = 0, as a scikit-learn parameter object.

    Parameters are read when a method is called, never copied, so ``set_params`` always takes effect. They are read as
    Python floats: a NumPy float64, as grids are made of, would turn float32 matrices into float64 ones.
    """

    @abstractmethod
    def check(self, n_features: int, n_tasks: int) -> None:
        """Raise an error that names the parameter unless the parameters make sense for a matrix of this shape."""

    @abstractmethod
    def value(self, A: Array) -> float:
        """Omega(A)."""

    @abstractmethod
    def prox(self, V: Array, step: float) -> Array:
        """``argmin_A 1/2 ||A - V||_F^2 + step * Omega(A)``."""

    @abstractmethod
    def gauge(self, G: Array) -> float:
        """Smallest c >= 0 with G in c * domain of the conjugate."""

    @abstractmethod
    def conjugate(self, G: Array) -> float:
        """``sup_A <G, A> - Omega(A)``."""

    @abstractmethod
    def scaled(self, factor: float) -> Self:
        """A new penalty with the value ``factor * Omega(A)``; the parameters of self stay as they are."""

    def prox_operator(self) -> Callable[[Array, float], Array]:
        """A function (V, step) with the values of `prox`, for one run of a solver, from which V comes in small moves.

        It may remember what it computed before to be faster, for example a subspace; the penalty itself stays as it is.
        """
        return self.prox

    def dual_scale(self, G: Array) -> float:
        """Largest c <= 1 with a finite ``conjugate(c * G)``."""
        gauge = self.gauge(G)
        return 1.0 if gauge <= 1.0 else 1.0 / gauge  # 1 / inf = 0: then only the trivial dual point is left

    def finite_conjugate(self, G: Array, c: float) -> float:
        """``conjugate(c * G)`` where `dual_scale` says that it is finite, which some need not find out again."""
        return self.conjugate(c * G)

    def parts(self, n_tasks: int, n_features: int | None = None) -> tuple[tuple[str, Penalty], ...]:
        """Named summands of A and their penalties: A itself, or the parts of an infimal convolution.

        Only default weights depend on n_features; None, where they are not asked for, counts as n_tasks.
        """
        return (("A", self),)

    def restrict(self, rows: Indices) -> Penalty:
        """The penalty of a matrix that has only these rows of A, for sums over the rows: itself, if all rows are alike.

        `check` has been called for the whole matrix.
        """
        return self

    def null_space(self, n_tasks: int) -> Array:
        """Orthonormal basis Z (n_tasks, k) of the directions ``M Z'`` that cost nothing."""
        return np.zeros((n_tasks, 0))

    def task_quadratic(self, n_tasks: int) -> TaskQuadratic | None:
        """The matrix between tasks if the penalty is a quadratic in them, for solvers with a closed form; else None."""
        return None

    def task_covariance(self, A: Array) -> Array | None:
        """The covariance between tasks (n_tasks, n_tasks), trace 1, that the penalty has learned at A, or None."""
        return None

    def feature_covariance(self, A: Array) -> Array | None:
        """The covariance between features (n_features, n_features), trace 1, that the penalty has learned, or None."""
        return None

    def smooth_part(self, n_tasks: int) -> tuple[Penalty, TaskQuadratic | None]:
        """What is left of the penalty without a quadratic between tasks beside it, and that quadratic, if any."""
        return self, None

    def task_clusters(self, A: Array) -> tuple[int, Array] | None:
        """(number of clusters, embedding of the tasks (n_tasks, k)) if the penalty clusters tasks, else None."""
        return None


class Norm(Penalty):
    """``alpha`` times a norm: a subclass gives value, prox and gauge (the dual norm over alpha); the rest follows."""

    alpha: float

    @property
    def gauge_accuracy(self) -> float:
        """By how much `gauge` may be too large, relative, where more than rounding: a second call may say 1 + this."""
        return 0.0

    def check(self, n_features: int, n_tasks: int) -> None:
        check_alpha(self.alpha)

    def conjugate(self, G: Array) -> float:
        return 0.0 if self.is_inside(self.gauge(G), G) else np.inf

    def finite_conjugate(self, G: Array, c: float) -> float:
        return 0.0

    def is_inside(self, gauge: float, G: Array) -> bool:
        """Whether G, which has this gauge, is in the dual unit ball up to rounding."""
        return gauge <= 1.0 + max(_BOUNDARY * machine_epsilon(G.dtype), self.gauge_accuracy)

    def scaled(self, factor: float) -> Self:
        return clone(self).set_params(alpha=self.alpha * factor)


class Quadratic(Penalty):
    """A penalty that grows like a square: its conjugate is finite everywhere, so no alpha makes A exactly zero.

    (A subclass with a null space says where the conjugate is infinite.)
    """

    def gauge(self, G: Array) -> float:
        return 0.0


def check_alpha(alpha: float) -> float:
    """Strengths are positive: zero would leave A unpenalised, which these solvers and certificates are not made for."""
    return check_real("alpha", alpha, above=0.0)
