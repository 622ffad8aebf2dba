"""Quadratics between tasks: ``1/2 tr(A Q A')`` for a positive semidefinite Q (n_tasks, n_tasks), by its spectrum."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from mtlinear._precision import in_precision, machine_epsilon, total
from mtlinear._typing import Array

#: A component along free directions below this fraction of the largest entry is the rounding of one that is zero.
_ZERO = 1e-12
#: Eigenvalues that differ by so many units of machine epsilon, times the size of the matrix, are one.
_SAME = 16
#: Eigenvalues that differ by less than this, relative, are the same for what is split off first.
_LOWEST = 1e-9
#: Eigendecompositions that are kept.
_KEPT = 32


@dataclass(frozen=True)
class TaskQuadratic:
    """The quadratic ``1/2 tr(A Q A')`` with ``Q = base (I - Z Z') + Z diag(own) Z'``.

    A multiple of the identity (a ridge) has no Z, and costs no more than a number.

    Attributes
    ----------
    base : float >= 0
        The eigenvalue of Q in all directions outside Z; above 0 also where Z leaves none.
    Z : ndarray (n_tasks, k)
        Orthonormal.
    own : ndarray (k,)
        The eigenvalues of Q on Z, >= 0.
    """

    base: float
    Z: Array
    own: Array
    _casts: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    @classmethod
    def ridge(cls, strength: float, n_tasks: int) -> TaskQuadratic:
        """``strength / 2 ||A||_F^2``."""
        return cls(float(strength), np.zeros((n_tasks, 0)), np.zeros(0))

    @classmethod
    def of_matrix(cls, Q: Array, null_space: Array, unit: float = 1.0) -> TaskQuadratic:
        """From Q and an orthonormal basis of its null space; ``unit`` is the base where nothing else is left."""
        base, Z, own = _spectrum(Q.tobytes(), null_space.tobytes(), len(Q), null_space.shape[1])
        return cls(base if null_space.shape[1] < len(Q) else unit, Z, own)

    # What Q is ----------------------------------------------------------------------------------------------------

    @property
    def n_tasks(self) -> int:
        return len(self.Z)

    @property
    def is_multiple(self) -> bool:
        """Whether Q is a multiple of the identity."""
        return self.Z.shape[1] == 0

    @property
    def eigenvalues(self) -> Array:
        """Those that occur: ``own``, and base where Z leaves something."""
        return self.own if self.Z.shape[1] == self.n_tasks else np.append(self.own, self.base)

    @property
    def largest(self) -> float:
        return float(self.eigenvalues.max())

    @property
    def smallest(self) -> float:
        return float(self.eigenvalues.min())

    @property
    def is_zero(self) -> bool:
        return self.largest == 0.0

    @property
    def extra(self) -> Array:
        """``own - base``, with which ``Q = base I + Z diag(extra) Z'``."""
        return self.own - self.base

    @property
    def matrix(self) -> Array:
        """Q itself."""
        return np.asarray(self.base * np.eye(self.n_tasks) + (self.Z * self.extra) @ self.Z.T)

    @property
    def null_space(self) -> Array:
        """Orthonormal basis (n_tasks, k) of what costs nothing."""
        free = self.Z[:, self.own == 0.0]
        if self.base > 0.0 or self.Z.shape[1] == self.n_tasks:
            return free
        rest = np.linalg.qr(self.Z, mode="complete")[0][:, self.Z.shape[1] :] if self.Z.size else np.eye(self.n_tasks)
        return np.hstack([free, rest])

    @property
    def lowest(self) -> Array:
        """The directions of Z in which Q is smallest, those that tasks may have in common."""
        return self.Z[:, self._is_lowest]

    @property
    def _is_lowest(self) -> NDArray[np.bool_]:
        return np.asarray(self.own <= (1.0 + _LOWEST) * self.own.min(initial=np.inf))

    def is_same_as(self, other: TaskQuadratic | None) -> bool:
        """Whether the other has the same Q, in the same form."""
        if other is None or self.base != other.base or self.Z.shape != other.Z.shape:
            return False
        return self is other or (np.array_equal(self.own, other.own) and np.array_equal(self.Z, other.Z))

    # Other quadratics ---------------------------------------------------------------------------------------------

    def shifted(self, by: float) -> TaskQuadratic:
        """``Q + by I``."""
        if self.smallest == self.largest and self.largest + by > 0.0:
            return TaskQuadratic.ridge(self.largest + by, self.n_tasks)
        return TaskQuadratic(self.base + by, self.Z, self.own + by)

    def __add__(self, other: TaskQuadratic) -> TaskQuadratic:
        if self.is_multiple:
            return other.shifted(self.base)
        if other.is_multiple:
            return self.shifted(other.base)
        first, second = self.shifted(-self.smallest), other.shifted(-other.smallest)
        null_space = _common(first.null_space, second.null_space)
        joined = TaskQuadratic.of_matrix(first.matrix + second.matrix, null_space, self.base + other.base)
        return joined.shifted(self.smallest + other.smallest)

    def astype(self, dtype: DTypeLike) -> TaskQuadratic:
        """The same in a precision, in which products with matrices of that precision stay."""
        if self.Z.dtype == dtype:
            return self
        if dtype not in self._casts:
            self._casts[dtype] = TaskQuadratic(self.base, self.Z.astype(dtype), self.own.astype(dtype))
        return self._casts[dtype]

    # What it does with matrices -----------------------------------------------------------------------------------

    def value(self, A: Array) -> float:
        """``1/2 tr(A Q A')``."""
        if self.is_multiple:
            return 0.5 * self.base * total(A * A)
        rest, groups = self.astype(A.dtype)._split(A)
        squares = [total(along**2 * own) for along, own, _ in groups]
        return 0.5 * (self.base * total(rest * rest) + sum(squares))

    def times(self, A: Array) -> Array:
        """``A Q``, the gradient of the value."""
        return self._apply(lambda eigenvalue: eigenvalue, A)

    def prox(self, V: Array, step: float) -> Array:
        """``argmin_A 1/2 ||A - V||_F^2 + step/2 tr(A Q A') = V (I + step Q)^-1``."""
        return self._apply(lambda eigenvalue: 1.0 / (1.0 + float(step) * eigenvalue), V)

    def conjugate(self, G: Array) -> float:
        """``sup_A <G, A> - 1/2 tr(A Q A') = 1/2 tr(G Q^-1 G')``; infinite where G leaves the range of Q."""
        if self.is_multiple and self.base > 0.0:
            return 0.5 * total(G * G) / self.base
        free = self.null_space.astype(G.dtype, copy=False)
        if free.shape[1]:
            along = G @ free
            if np.max(np.abs(along), initial=0.0) > in_precision(_ZERO, G.dtype) * np.max(np.abs(G), initial=0.0):
                return np.inf
        rest, groups = self.astype(G.dtype)._split(G)
        squares = [total(along**2 / np.where(own > 0, own, np.inf)) for along, own, _ in groups]
        return 0.5 * (total(rest * rest) / (self.base or np.inf) + sum(squares))

    def gauge(self, G: Array) -> float:
        """0 where the conjugate is finite, infinite where it is not."""
        return 0.0 if np.isfinite(self.conjugate(G)) else np.inf

    def _apply(self, function: Callable[[Any], Any], A: Array) -> Array:
        """``A f(Q)``."""
        if self.is_multiple:
            return np.asarray(function(self.base) * A)
        rest, groups = self.astype(A.dtype)._split(A)
        result = function(self.base) * rest
        for along, own, Z in groups:
            result += (along * function(own)) @ Z.T
        return result

    def _split(self, A: Array) -> tuple[Array, list[tuple[Array, Array, Array]]]:
        """A without its part along Z, and (coordinates, eigenvalues, directions) of that.

        The directions of the lowest eigenvalue come first, and twice (their sum may be most of A, like the mean of
        tasks that hardly differ; its rounding is no deviation that a large eigenvalue may multiply).
        """
        low = self._is_lowest
        rest, groups = A, []
        for kept, rounds in ((low, 2), (~low, 1)):
            Z = self.Z[:, kept]
            if Z.shape[1] == 0:
                continue
            along = np.zeros((len(A), Z.shape[1]), A.dtype)
            for _ in range(rounds):
                more = rest @ Z
                along, rest = along + more, rest - more @ Z.T
            groups.append((along, self.own[kept], Z))
        return (np.zeros_like(A) if self.Z.shape[1] == self.n_tasks else rest), groups


@lru_cache(maxsize=_KEPT)
def _spectrum(matrix: bytes, null_space: bytes, n_tasks: int, k: int) -> tuple[float, Array, Array]:
    """(largest eigenvalue, directions of all others with the null space first, their eigenvalues)."""
    Q = np.frombuffer(matrix).reshape(n_tasks, n_tasks)
    Z = np.frombuffer(null_space).reshape(n_tasks, k)
    if k == n_tasks:
        return 0.0, Z.copy(), np.zeros(k)
    complement = np.linalg.qr(Z, mode="complete")[0][:, k:] if k else np.eye(n_tasks)
    values, vectors = np.linalg.eigh(complement.T @ Q @ complement)
    largest = float(values[-1])
    others = values < largest * (1.0 - _SAME * n_tasks * machine_epsilon(np.float64))
    positive = np.maximum(values[others], machine_epsilon(np.float64) * largest)
    return largest, np.hstack([Z, complement @ vectors[:, others]]), np.append(np.zeros(k), positive)


def _common(first: Array, second: Array) -> Array:
    """Orthonormal basis of the intersection of two spaces; one of them as it is, if it is inside the other."""
    for small, large in ((first, second), (second, first)):
        if small.shape[1] == 0 or np.allclose(large @ (large.T @ small), small, rtol=0, atol=1e-12):
            return small
    U, cosines, _ = np.linalg.svd(first.T @ second)
    return np.asarray(first @ U[:, : len(cosines)][:, cosines > 1.0 - 1e-12])
