"""Second-order structure of sparse penalties: along which entries A moves smoothly, and how the penalty bends there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mtlinear._typing import Array

#: Entries this close to the largest of their row, relative to it, are tied with it (L1/Linf).
_TIED = 1e-9


@dataclass(frozen=True)
class Tangent:
    """A quadratic model of a penalty near A, on the entries that are in use.

        Omega(A + D) ~ Omega(A) + <gradient, D> + 1/2 sum_j [sum_t bend[j, t] D[j, t]^2 - bend_j (along[j] . D[j])^2]

    for D that is zero outside ``free``, where bend_j is the bend of the entries in ``along``. Entries that are ``tied``
    move together only, along ``along``: their bend is infinite, and not in ``bend``.

    Attributes
    ----------
    free, tied : ndarray of bool (n_features, n_tasks)
    gradient, bend, along : ndarray (n_features, n_tasks)
        Zero outside free; the rows of along have length 1 or 0.
    """

    free: NDArray[np.bool_]
    tied: NDArray[np.bool_]
    gradient: Array
    bend: Array
    along: Array

    @property
    def has_slope(self) -> NDArray[np.bool_]:
        """Entries that are penalised, with the sign that they have."""
        return self.gradient != 0

    @property
    def bends(self) -> NDArray[np.bool_]:
        """Rows that are curved (n_features, 1)."""
        return np.any(self.bend > 0, axis=1, keepdims=True)

    @property
    def makes_level(self) -> NDArray[np.bool_]:
        """Entries that are the largest of their row, under a penalty on that: they rise and fall together."""
        below = np.any(self.tied | (self.free & ~self.has_slope), axis=1, keepdims=True)
        return self.has_slope & below & ~self.bends

    def _level(self, A: Array) -> Array:
        """The largest magnitude that the entries of a row may have, (n_features, 1): inf if any."""
        makes = self.makes_level
        largest = np.where(makes, np.sign(self.gradient) * A, 0.0).max(axis=1, keepdims=True)
        return np.where(makes.any(axis=1, keepdims=True), np.maximum(largest, 0.0), np.inf)

    def within(self, A: Array, moved: Array) -> Array:
        """Where a move from A led, cut back to where the model holds.

        Penalised entries stop at zero, rows that turn round become zero, and no entry passes the level of its row.
        """
        level = self._level(moved)
        turned = self.bends & (np.sum(self.along * moved, axis=1, keepdims=True) <= 0)
        zero = turned | (self.has_slope & ~self.bends & (moved * A < 0))
        return np.where(zero, 0.0, np.clip(moved, -level, level))

    def first_kink(self, A: Array, move: Array) -> float:
        """The part of a move at which `within` begins to cut it back; more than 1 if nowhere."""
        makes, level = self.makes_level, self._level(A)
        rise = np.sum(np.where(makes, np.sign(self.gradient) * move, 0.0), axis=1, keepdims=True)
        rise /= np.maximum(makes.sum(axis=1, keepdims=True), 1)  # all of a level rise alike
        rate = np.sum(self.along * move, axis=1, keepdims=True)
        with np.errstate(divide="ignore", invalid="ignore"):
            zero = np.where(self.has_slope & ~self.bends & (A * move < 0), -A / move, np.inf)
            above = np.where(move > rise, (level - A) / (move - rise), np.inf)
            below = np.where(-move > rise, (level + A) / (-move - rise), np.inf)
            met = np.where(self.free & ~makes, np.minimum(above, below), np.inf)
            turn = np.where(self.bends & (rate < 0), -np.sum(self.along * A, axis=1, keepdims=True) / rate, np.inf)
        return float(max(min(np.min(zero), np.min(met), np.min(turn)), 0.0)) if A.size else np.inf

    def beside(self, private: Tangent, A: Array) -> Tangent:
        """Of the sum of two parts, this one at A and a part that is linear on its own entries.

        Where the private part is free the sum moves without bending; the rest of a row moves along what is left of its
        direction. What the private entries take of the slope of a maximum is no longer there for the others.
        """
        tied = self.tied & ~private.free
        alone = tied & (tied.sum(axis=1, keepdims=True) == 1)  # tied to no other any more
        along = np.where(private.free | alone, 0.0, self.along)
        signs = np.where(self.tied, np.sign(A), 0.0)
        taken = np.where(private.free, signs * private.gradient, 0.0).sum(axis=1, keepdims=True)
        left = np.abs(np.where(self.tied, self.gradient, 0.0)).sum(axis=1, keepdims=True) - taken
        count = np.maximum(tied.sum(axis=1, keepdims=True), 1)
        gradient = np.where(tied, signs * left / count, np.where(private.free, private.gradient, self.gradient))
        return Tangent(
            free=self.free | private.free,
            tied=tied & ~alone,
            gradient=gradient,
            bend=np.where(private.free, 0.0, self.bend),
            along=_unit_rows(along)[0],
        )

    def divide(self, D: Array, private: Tangent, A: Array) -> tuple[Array, Array]:
        """The moves of this part at A and of the private part beside it, for a move D of their sum."""
        others = np.where(private.free, 0.0, self.along)
        unit, size = _unit_rows(others)
        length = np.sum(unit * D, axis=1, keepdims=True)
        follow = self.along * np.divide(length, size, out=np.zeros_like(length), where=size > 0)
        own = np.where(private.free, follow, np.where(self.free, D, 0.0))
        return own, np.where(private.free, D - own, 0.0)


def entries_tangent(A: Array, alpha: float) -> Tangent:
    """Of ``alpha sum |A|``: the support, on which it is linear."""
    nothing = np.zeros_like(A)
    return Tangent(A != 0, np.zeros(A.shape, bool), alpha * np.sign(A), nothing, nothing)


def lengths_tangent(A: Array, alpha: float) -> Tangent:
    """Of ``alpha sum_j ||A[j]||_2``: rows in use, curved by alpha / ||A[j]|| in all directions but their own."""
    along, norms = _unit_rows(A)
    bend = np.divide(alpha, norms, out=np.zeros_like(norms), where=norms > 0)
    free = np.broadcast_to(norms > 0, A.shape)
    return Tangent(free, np.zeros(A.shape, bool), alpha * along, np.broadcast_to(bend, A.shape), along)


def maxima_tangent(A: Array, alpha: float) -> Tangent:
    """Of ``alpha sum_j max_t |A[j, t]|``: the largest entries of a row move together, the others freely."""
    largest = np.abs(A).max(axis=1, keepdims=True)
    used = largest > 0
    tied = used & (np.abs(A) >= (1.0 - _TIED) * largest)
    count = np.maximum(tied.sum(axis=1, keepdims=True), 1)
    signs = np.where(tied, np.sign(A), 0.0)
    free = np.broadcast_to(used, A.shape)
    along = np.where(count > 1, signs / np.sqrt(count), 0.0)  # a single maximum is tied to nothing
    return Tangent(free, tied & (count > 1), alpha * signs / count, np.zeros_like(A), along)


def _unit_rows(A: Array) -> tuple[Array, Array]:
    """Rows divided by their lengths (zero rows stay), and these."""
    norms = np.linalg.norm(A, axis=1, keepdims=True)
    return np.divide(A, norms, out=np.zeros_like(A), where=norms > 0), norms
