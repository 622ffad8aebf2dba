"""Penalties on the singular values of A: the trace norm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mtlinear._typing import Array
from mtlinear.penalties._base import Norm
from mtlinear.penalties._singular import (
    largest_singular_value,
    nuclear_norm,
    soft_threshold,
    threshold_by_pairs,
    threshold_by_svd,
    threshold_pairs,
)

#: Smaller side from which following a subspace beats a Gram matrix (see `FollowedThreshold`).
_FOLLOW_FROM = 200
#: A factorization keeps singular vectors down to this share of the threshold, half as many as are above it and a few;
#: subspaces of more than this share of all are not followed.
_BUFFER, _SPARE, _FEW = 0.9, 4, 0.125
#: Smallest threshold, relative to s_1, that is followed: Ritz values come from squares.
_SMALLEST_SHARE = 1e-2
#: Residual of the singular vectors, relative to s_1: the error of the prox.
_ACCURACY = 1e-13
#: With blocks of b vectors, as many Krylov steps as this share of n / b take the time of a factorization.
_BREAK_EVEN = 0.2
#: Thresholds for which fourth powers of singular values neither overflow nor vanish.
_SAFE = (1e-60, 1e60)


class TraceNorm(Norm):
    r"""Low rank, ``alpha * (sum of the singular values of A)``: the tasks live in a common subspace.

    prox: soft threshold of the singular values. Dual norm: the largest singular value.

    Parameters
    ----------
    alpha : float > 0, default 1.0

    References
    ----------
    Fazel, Hindi & Boyd (2001), ACC. Argyriou, Evgeniou & Pontil (2007), NIPS 19. Ji & Ye (2009), ICML.

    Examples
    --------
    >>> import numpy as np
    >>> round(TraceNorm(alpha=2.0).value(np.diag([3.0, -1.0])), 12)
    8.0
    """

    def __init__(self, alpha: float = 1.0):
        self.alpha = alpha

    def value(self, A: Array) -> float:
        return float(self.alpha) * nuclear_norm(A)

    def prox(self, V: Array, step: float) -> Array:
        return soft_threshold(V, float(step * self.alpha))

    def gauge(self, G: Array) -> float:
        return largest_singular_value(G) / float(self.alpha)

    def prox_operator(self) -> Callable[[Array, float], Array]:
        follow = FollowedThreshold()
        return lambda V, step: follow(V, float(step * self.alpha))


@dataclass(frozen=True)
class _Anchor:
    """A matrix with known largest singular values, descending; the others are at most `rest`."""

    matrix: Array
    s: Array
    rest: float

    def split(self, V: Array, threshold: float) -> tuple[int, float] | None:
        """(k, bound): all singular values of V but k are at most bound <= threshold. None where that is not sure.

        Weyl: singular values move by at most the norm of the difference of the matrices.
        """
        if V.shape != self.matrix.shape:
            return None
        distance = _distance(V, self.matrix)
        k = int(np.count_nonzero(self.s + distance > threshold))
        bound = (float(self.s[k]) if k < len(self.s) else self.rest) + distance
        return (k, bound) if bound <= threshold else None


class FollowedThreshold:
    """`soft_threshold` along a sequence of large matrices that move less and less, as in a run of a solver.

    An anchor, the last matrix that was factorized, proves by Weyl's inequality that at most k singular values of the
    next matrix V exceed the threshold t, and bounds the others by mu <= t. Block Krylov steps from the last subspace
    give orthonormal W and U with V W = U S exactly and E = V'U - W S small. If the k values S exceed mu + ||E||, they
    are the k largest of V - U E', the others of which are at most mu + ||E|| <= t + ||E||; hence U (S - t)_+ W' is its
    prox (to ||E||) and, as proxes are non-expansive, that of V to ||E||_F, which is demanded to be 1e-13 s_1. What is
    not proved or takes too many steps is factorized, so results never depend on the past by more than that.

    Measured on one core along splitting iterations with rank 6 to 20, milliseconds a call by the Gram matrix and when
    followed: (400, 200) 1.4 and 0.9; (600, 400) 6.9 and 2.2; (1000, 1000) 63 and 9; (1000, 2000) 91 and 30;
    (5000, 2000) 750 and 200. Below n = 200 the Gram matrix is as fast.

    References
    ----------
    Golub & Van Loan (2013), sections 8.6 and 10.3. Musco & Musco (2015), NIPS 28 (block Krylov).
    """

    def __init__(self) -> None:
        self._anchor: _Anchor | None = None
        self._basis: Array = np.zeros((0, 0))
        self._pause = self._skip = 0

    def __call__(self, V: Array, threshold: float) -> Array:
        if min(V.shape) < _FOLLOW_FROM or V.dtype != np.float64:
            return soft_threshold(V, threshold)
        if self._skip:
            self._skip -= 1
        elif self._anchor is not None:
            split = self._anchor.split(V, threshold)
            found = None if split is None else self._follow(V, threshold, *split)
            if found is not None:
                return found
        return self._factorize(V, threshold)

    def _factorize(self, V: Array, threshold: float) -> Array:
        self._anchor = None
        pairs = threshold_pairs(V, threshold, _BUFFER)
        if pairs is None:
            return threshold_by_svd(V, threshold)
        s, W = pairs
        k = int(np.count_nonzero(s > threshold))
        can_follow = k <= _FEW * min(V.shape) and threshold >= _SMALLEST_SHARE * np.max(s, initial=0.0)
        if can_follow and not self._skip and _SAFE[0] < threshold < _SAFE[1]:
            width = k + k // 2 + _SPARE
            rest = float(s[width]) if width < len(s) else _BUFFER * threshold
            self._anchor, self._basis = _Anchor(V.copy(), s[:width], rest), W[:, :width]
        return threshold_by_pairs(V, threshold, s, W)

    def _follow(self, V: Array, threshold: float, k: int, bound: float) -> Array | None:
        """The prox if the k largest singular values are found soon, else None."""
        if k == 0:
            return np.zeros_like(V)
        wide = V.shape[0] < V.shape[1]
        krylov = _Krylov(V.T if wide else V, self._basis)
        budget = _BREAK_EVEN * min(V.shape) / self._basis.shape[1]
        last = np.inf
        for steps in range(1 + int(budget)):
            s, error = krylov.largest(k)
            goal = _ACCURACY * float(s[0])
            if error <= goal:
                if s[-1] <= bound + error or threshold < _SMALLEST_SHARE * s[0]:
                    return None
                self._pause = 0
                U, W, self._basis = krylov.vectors()
                kept = s > threshold
                left, right = U[:, kept] * (s[kept] - threshold), W[:, kept]
                return right @ left.T if wide else left @ right.T
            remaining = np.log(error / goal) / np.log(last / error) if error < last else np.inf
            if (steps and steps + remaining > budget) or not krylov.grow():
                break
            last = error
        self._pause = min(2 * self._pause + 1, 15)  # spectra without a gap stay so for a while
        self._skip = self._pause
        return None


class _Krylov:
    """Ritz pairs of V'V in the span of Q, V'V Q, ...: orthonormal blocks, two products with V for each."""

    def __init__(self, V: Array, basis: Array):
        self.V = V
        self.width = basis.shape[1]
        self.Q = basis
        self.images = [V @ basis]
        self.back = V.T @ self.images[0]

    def largest(self, k: int) -> tuple[Array, float]:
        """The k largest Ritz values s, descending, and ``||V'U - W S||_F``."""
        squares, y = np.linalg.eigh(self.Q.T @ self.back)
        self.y = y[:, ::-1]
        self.s = np.sqrt(np.maximum(squares[::-1][:k], np.finfo(float).tiny))
        error = (self.back @ self.y[:, :k]) / self.s - (self.Q @ self.y[:, :k]) * self.s
        return self.s, float(np.linalg.norm(error))

    def vectors(self) -> tuple[Array, Array, Array]:
        """Left and right vectors of `largest`, and the right ones of all Ritz values that make the next basis."""
        basis = self.Q @ self.y[:, : self.width]
        y = self.y[:, : len(self.s)] / self.s
        parts = np.split(y, len(self.images))
        U = sum((image @ part for image, part in zip(self.images, parts, strict=True)), np.zeros(()))
        return U, basis[:, : len(self.s)], basis

    def grow(self) -> bool:
        """Add a block; False if it cannot be made orthonormal."""
        block = self.back[:, -self.width :]
        for _ in range(2):
            block = block - self.Q @ (self.Q.T @ block)
            norms = np.linalg.norm(block, axis=0)
            if not np.all(norms > 0):
                return False
            block = block / norms
            try:
                factor = np.linalg.cholesky(block.T @ block)
            except np.linalg.LinAlgError:
                return False
            block = np.linalg.solve(factor, block.T).T
        self.Q = np.hstack([self.Q, block])
        self.images.append(self.V @ block)
        self.back = np.hstack([self.back, self.V.T @ self.images[-1]])
        return True


def _distance(V: Array, W: Array) -> float:
    """``||V - W||_F`` without a matrix for the difference."""
    rows = max(1, 2**15 // max(V.shape[1], 1))
    with np.errstate(over="ignore", invalid="ignore"):
        return float(np.sqrt(sum(np.sum((V[i : i + rows] - W[i : i + rows]) ** 2) for i in range(0, len(V), rows))))
