"""The proximal step of the squared loss: one linear solve per task, through factorizations that are kept.

    resolvent(B) = (H_t + diag(w_t))^-1 b_t   in column t,   H_t = X_t' diag(weights_t) X_t

Gram matrices are inverted where they are smaller than the rows; otherwise the small side is that of the rows
(Woodbury): ``(H + W)^-1 = W^-1 - W^-1 Z' (I + Z W^-1 Z')^-1 Z W^-1`` with ``Z = diag(weights)^1/2 X``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import cached_property
from typing import cast

import numpy as np
from scipy.linalg import lapack

from mtlinear._precision import machine_epsilon
from mtlinear._products import large_times
from mtlinear._typing import Array
from mtlinear.datafit._unpenalised import pseudo_inverse
from mtlinear.designs import Design

#: Inverses that are kept: the first of a run, and the last.
_KEPT = 2
#: Eigenvalues below this fraction of the largest are zero.
_NOTHING = 1e-15
#: Matrices smaller than this are inverted all at once.
_SMALL = 100


class Inverse(ABC):
    """``B -> (H_t + diag(w_t))^-1 b_t`` in column t, for one w."""

    @abstractmethod
    def __call__(self, B: Array) -> Array:
        """The solution, (n_features, n_tasks)."""

    @abstractmethod
    def combined(self, coefficients: Array) -> Array:
        """``sum_t coefficients_t (H_t + diag(w_t))^-1``, (n_features, n_features)."""

    @abstractmethod
    def lost(self, B: Array) -> Array:
        """``diag(w_t)^-1 b_t - (H_t + diag(w_t))^-1 b_t``, accurate also where H_t is small beside w."""

    @abstractmethod
    def lost_combined(self, coefficients: Array) -> Array:
        """``sum_t coefficients_t (diag(w_t)^-1 - (H_t + diag(w_t))^-1)``, likewise."""


class Resolvent(ABC):
    """Solver of ``(H_t + diag(w_t)) x_t = b_t`` for any positive w.

    Attributes
    ----------
    diagonal : ndarray (n_features, n_tasks)
        Of the H_t.
    by_task : bool
        Whether w may differ between tasks; otherwise it is (n_features, 1) or (1, 1).
    """

    diagonal: Array
    by_task: bool

    @property
    def curvature(self) -> float:
        """Bound on the eigenvalues of the H_t."""
        return float(self.diagonal.sum(axis=0).max(initial=0.0))

    @cached_property
    def _last(self) -> dict[tuple[tuple[int, ...], bytes], Inverse]:
        """The inverses that were asked for last: along a path every solver starts with the same w."""
        return {}

    def at(self, weight: Array) -> Inverse:
        """The solver for one w, broadcast to (n_features, n_tasks); what can be computed beforehand, is."""
        key = weight.shape, weight.tobytes()
        if key not in self._last:
            if len(self._last) >= _KEPT:
                del self._last[next(iter(self._last))]
            self._last[key] = self._invert(weight)
        return self._last[key]

    @abstractmethod
    def _invert(self, weight: Array) -> Inverse:
        """See `at`."""

    def coupled(self, Q: Array) -> Callable[[Array], Array]:
        """Solver of ``H_t x_t + (X Q)_t = b_t`` for Gram matrices that are one up to a factor, Q semidefinite.

        Where there are many solutions it is the one of least norm in the metric of the factors.
        """
        raise NotImplementedError("tasks with Gram matrices of their own have no common eigenvectors.")


class Coupled:
    """Solver of ``H_t x_t + diag(w) x_t + sum_k delta_k Z[t, k] (X Z)_k = b_t``: tasks that share k combinations.

    The combinations ``M = X Z`` are eliminated: ``x_t = R_t (b_t - (M diag(delta) Z')_t)`` with ``R_t = (H_t +
    diag(w))^-1``, so that ``(I + [sum_t Z[t, k] Z[t, l] R_t] delta) M = sum_t Z[t, :] R_t b_t``. Where this has many
    solutions (features that no task sees) it is the one of least norm.

    A negative delta takes away what w gives. Where it takes all, the system is the difference between ``1 / w`` and
    R_t, which features of small scale hardly have: it is computed as such (`Inverse.lost`), not by subtraction.

    Parameters
    ----------
    inverse : Inverse
        With one number for w.
    Z : ndarray (n_tasks, k)
        Orthonormal.
    delta : ndarray (k,)
        Not zero, of one sign.
    left : ndarray (k,)
        ``w + delta``, >= 0.
    curvature : float
        Bound on the eigenvalues of the H_t.
    """

    def __init__(self, inverse: Inverse, Z: Array, delta: Array, left: Array, curvature: float):
        self._inverse, self._Z = inverse, Z
        if Z.shape[1] == 0:
            return
        k = Z.shape[1]
        self._weight = float(left[0] - delta[0])
        self._takes = delta[0] < 0
        combined = inverse.lost_combined if self._takes else inverse.combined
        blocks = [[combined(Z[:, i] * Z[:, j]) for j in range(k)] for i in range(k)]
        # Divided by delta the system is symmetric, of one sign for a delta of one sign.
        rest = left / (self._weight * -delta) if self._takes else 1.0 / delta
        system = np.block(blocks) + np.kron(np.diag(rest), np.eye(len(blocks[0][0])))
        # Between 1 / w and R_t there are H_t / w units, in which the rounding of R_t shows as the inverse of it.
        self._solve = pseudo_inverse(system, np.dtype(np.float64), 1.0 + curvature / self._weight)

    def __call__(self, B: Array, combined: Array | None = None) -> Array:
        """The solution; ``combined`` is B Z, where that is known better than from B."""
        if self._Z.shape[1] == 0:
            return self._inverse(B)
        if not self._takes:
            first = self._inverse(B)
            return first - self._inverse(self._scaled(first @ self._Z) @ self._Z.T)
        combined = B @ self._Z if combined is None else combined
        scaled = self._scaled(combined / self._weight - self._inverse.lost(B) @ self._Z)
        return self._inverse(B + scaled @ self._Z.T)

    def _scaled(self, combined: Array) -> Array:
        """``|delta| M``."""
        return cast(Array, self._solve(combined.T.ravel()).reshape(self._Z.shape[1], -1).T)


class SharedGram(Resolvent):
    """One Gram matrix for all tasks, up to a factor each.

    Parameters
    ----------
    matrix : ndarray (n_features, n_features)
    scale : ndarray (n_tasks,)
        ``H_t = scale[t] * matrix``.
    """

    by_task = False

    def __init__(self, matrix: Array, scale: Array):
        self._matrix, self._scale = matrix, scale
        self.diagonal = np.diagonal(matrix)[:, None] * scale

    def _invert(self, weight: Array) -> Inverse:
        if np.all(self._scale == self._scale[0]):
            return _Matrices(float(self._scale[0]) * self._matrix[None], weight, len(self._scale))
        root = np.sqrt(np.broadcast_to(weight, (len(self._matrix), 1)))
        values, vectors = np.linalg.eigh(self._matrix / root / root.T)
        return _Eigen(vectors / root, np.maximum(values, 0.0)[:, None] * self._scale)

    def coupled(self, Q: Array) -> Callable[[Array], Array]:
        values, vectors = np.linalg.eigh(self._matrix)
        return _by_eigenvectors(np.maximum(values, 0.0), vectors, self._scale, Q)


class TaskGrams(Resolvent):
    """A Gram matrix (n_tasks, n_features, n_features) of every task."""

    by_task = True

    def __init__(self, matrices: Array, scale: Array):
        self._matrices = matrices if np.all(scale == 1.0) else matrices * scale[:, None, None]
        self.diagonal = np.diagonal(self._matrices, axis1=1, axis2=2).T

    def _invert(self, weight: Array) -> Inverse:
        return _Matrices(self._matrices, weight, len(self._matrices))


class RowKernels(Resolvent):
    """Woodbury, for tasks with fewer rows than features.

    Parameters
    ----------
    design : Design
        Centred if there are intercepts.
    """

    by_task = False

    def __init__(self, design: Design):
        distinct = design.distinct_tasks()
        rows = [design.task_rows(t, design.weights) for t in distinct]
        self._Z = [X * np.sqrt(weights)[:, None] for X, weights in rows]
        self._scale = None
        diagonals = np.column_stack([np.einsum("ij,ij->j", Z, Z) for Z in self._Z])
        if len(distinct) < design.n_tasks:
            weights = design.task_sums(design.weights)
            self._scale = weights / weights[distinct.start]
            diagonals = diagonals * self._scale
        self.diagonal = diagonals

    def _invert(self, weight: Array) -> Inverse:
        if self._scale is None:
            return _Kernels(self._Z, weight)
        return _SharedKernel(self._Z[0], self._scale, weight)

    def coupled(self, Q: Array) -> Callable[[Array], Array]:
        if self._scale is None:
            return super().coupled(Q)
        Z = self._Z[0]
        values, U = np.linalg.eigh(Z @ Z.T)
        seen = values > len(values) * machine_epsilon(np.float64) * values[-1]
        vectors = (Z.T @ U[:, seen]) / np.sqrt(values[seen])
        return _by_eigenvectors(values[seen], vectors, self._scale, Q)


class _Matrices(Inverse):
    """Explicit inverses, (1 or n_tasks, d, d)."""

    def __init__(self, matrices: Array, weight: Array, n_tasks: int):
        self._matrices, self._n_tasks = matrices, n_tasks
        self._weight = np.broadcast_to(weight, (matrices.shape[1], len(matrices)))
        self._inverses = _inverses(matrices, weight)

    @cached_property
    def _lost(self) -> Array:
        """``diag(w_t)^-1 H_t (H_t + diag(w_t))^-1``."""
        return np.matmul(self._matrices, self._inverses) / self._weight.T[:, :, None]

    def __call__(self, B: Array) -> Array:
        return self._times(self._inverses, B)

    def combined(self, coefficients: Array) -> Array:
        return self._sum(self._inverses, coefficients)

    def lost(self, B: Array) -> Array:
        return self._times(self._lost, B)

    def lost_combined(self, coefficients: Array) -> Array:
        return self._sum(self._lost, coefficients)

    @staticmethod
    def _times(matrices: Array, B: Array) -> Array:
        if len(matrices) == 1:
            return large_times(matrices[0], B)
        return np.matmul(matrices, np.ascontiguousarray(B.T)[:, :, None])[:, :, 0].T

    @staticmethod
    def _sum(matrices: Array, coefficients: Array) -> Array:
        if len(matrices) == 1:
            return cast(Array, matrices[0] * coefficients.sum())
        return np.tensordot(coefficients, matrices, axes=1)


class _Eigen(Inverse):
    """``V diag(1 / (1 + values_t)) V'`` for task t, where ``V V' = diag(w)^-1``."""

    def __init__(self, vectors: Array, values: Array):
        self._vectors, self._shrink = vectors, 1.0 / (values + 1.0)
        self._drop = values * self._shrink

    def __call__(self, B: Array) -> Array:
        return large_times(self._vectors, self._shrink * large_times(self._vectors.T, B))

    def combined(self, coefficients: Array) -> Array:
        return cast(Array, (self._vectors * (self._shrink @ coefficients)) @ self._vectors.T)

    def lost(self, B: Array) -> Array:
        return large_times(self._vectors, self._drop * large_times(self._vectors.T, B))

    def lost_combined(self, coefficients: Array) -> Array:
        return cast(Array, (self._vectors * (self._drop @ coefficients)) @ self._vectors.T)


class _SharedKernel(Inverse):
    """Woodbury with one Z for all tasks, up to a factor each."""

    def __init__(self, Z: Array, scale: Array, weight: Array):
        self._Z, self._weight = Z, np.broadcast_to(weight, (Z.shape[1], 1))
        values, self._U = np.linalg.eigh((Z / self._weight.T) @ Z.T)
        self._shrink = scale / (np.maximum(values, 0.0)[:, None] * scale + 1.0)

    def __call__(self, B: Array) -> Array:
        return B / self._weight - self.lost(B)

    def combined(self, coefficients: Array) -> Array:
        return np.diag(coefficients.sum() / self._weight[:, 0]) - self.lost_combined(coefficients)

    def lost(self, B: Array) -> Array:
        seen = self._shrink * (self._U.T @ large_times(self._Z, B / self._weight))
        return large_times(self._Z.T, self._U @ seen) / self._weight

    def lost_combined(self, coefficients: Array) -> Array:
        W = (self._U.T @ self._Z) / self._weight.T
        return cast(Array, (W.T * (self._shrink @ coefficients)) @ W)


class _Kernels(Inverse):
    """Woodbury with a Z for every task."""

    def __init__(self, Z: list[Array], weight: Array):
        self._Z, self._weight = Z, np.broadcast_to(weight, (Z[0].shape[1], 1))[:, 0]
        one = np.ones((1, 1))
        self._kernels = [_inverses(((Zt / self._weight) @ Zt.T)[None], one)[0] for Zt in Z]

    def __call__(self, B: Array) -> Array:
        return B / self._weight[:, None] - self.lost(B)

    def combined(self, coefficients: Array) -> Array:
        return np.diag(coefficients.sum() / self._weight) - self.lost_combined(coefficients)

    def lost(self, B: Array) -> Array:
        columns = np.ascontiguousarray((B / self._weight[:, None]).T)
        for t, (Z, kernel) in enumerate(zip(self._Z, self._kernels, strict=True)):
            columns[t] = ((kernel @ (Z @ columns[t])) @ Z) / self._weight
        return columns.T

    def lost_combined(self, coefficients: Array) -> Array:
        total = np.zeros((len(self._weight), len(self._weight)))
        for c, Z, kernel in zip(coefficients, self._Z, self._kernels, strict=True):
            ZW = Z / self._weight
            total += c * ZW.T @ (kernel @ ZW)
        return total


def _by_eigenvectors(values: Array, vectors: Array, scale: Array, Q: Array) -> Callable[[Array], Array]:
    """Solver of ``scale_t H x_t + (X Q)_t = b_t`` with ``H = V diag(values) V'``, zero on what V leaves out.

    For ``X = Y S`` with ``S = diag(scale)^-1/2`` it is ``H Y + Y (S Q S) = B S``, and the eigenvectors of H on the left
    and of S Q S on the right make a diagonal of it.
    """
    root = 1.0 / np.sqrt(scale)
    between, W = np.linalg.eigh(Q * root * root[:, None])
    between = np.maximum(between, 0.0)
    rest = _inverted(between)
    sums = values[:, None] + between
    inverse = _inverted(sums)
    complete = vectors.shape[0] == vectors.shape[1]
    drop = rest - inverse  # what V leaves out has H = 0

    def solve(B: Array) -> Array:
        right = (B * root) @ W
        seen = vectors.T @ right
        solved = vectors @ (inverse * seen) if complete else right * rest - vectors @ (drop * seen)
        return np.asarray((solved @ W.T) * root)

    return solve


def _inverted(values: Array) -> Array:
    """1 / values, 0 where they are 0 but for rounding."""
    kept = values > _NOTHING * values.max(initial=0.0)
    return np.where(kept, 1.0 / np.where(kept, values, 1.0), 0.0)


def _inverses(matrices: Array, weight: Array) -> Array:
    """``(matrix + diag(w_t))^-1`` of positive semidefinite matrices; w is broadcast to (d, len(matrices))."""
    shifted = matrices.astype(np.float64)
    count, d = shifted.shape[:2]
    shifted[:, np.arange(d), np.arange(d)] += np.broadcast_to(weight, (d, count)).T
    if d < _SMALL:  # all at once: Python's loop would cost more than the arithmetic
        return np.linalg.inv(shifted)
    for matrix in shifted:
        factor, failed = lapack.dpotrf(matrix, lower=True)
        if failed:  # rounding made it indefinite
            matrix[:] = np.linalg.pinv(matrix, hermitian=True)
        else:
            inverse, _ = lapack.dpotri(factor, lower=True)
            matrix[:] = np.tril(inverse) + np.tril(inverse, -1).T
    return shifted
