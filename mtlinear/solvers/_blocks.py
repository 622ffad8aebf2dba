"""Linear systems of all tasks at once, in the entries that each has in use."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mtlinear._typing import Array, Indices

#: Ridge against entries in use that are collinear, relative to the size, once the diagonal is scaled to one.
_RIDGE = 1e-13


class Blocks:
    """Inverses of ``H_t + diag(bend_t)`` on the free entries of every task; one for all where they are the same."""

    def __init__(self, grams: Array, factors: Array, rows: Indices, free: NDArray[np.bool_], bend: Array):
        same = len(grams) == 1 and free.all() and np.all(factors == factors[0]) and np.all(bend == bend[:, :1])
        self._free = free
        matrices = grams[:, rows[:, None], rows[None, :]] * (factors[0] if same else factors[:, None, None])
        count, size = matrices.shape[:2]
        seen = free.T[:count]
        matrices *= seen[:, :, None] & seen[:, None, :]
        matrices[:, range(size), range(size)] += np.where(seen, bend.T[:count], 0.0)
        # Scaled to a diagonal of one, so that the ridge means the same for features in any unit; entries of which
        # neither data nor penalty have a curvature stay where they are.
        diagonal = np.diagonal(matrices, axis1=1, axis2=2)
        scale = np.where(diagonal > 0, 1.0 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0)), 0.0)
        matrices *= scale[:, :, None] * scale[:, None, :]
        matrices[:, range(size), range(size)] = 1.0 + _RIDGE * size
        self._inverses = np.linalg.inv(matrices) * (scale[:, :, None] * scale[:, None, :])

    def solve(self, B: Array) -> Array:
        """The solution in the free entries, zero in the others."""
        if len(self._inverses) == 1 and B.shape[1] > 1:
            return np.asarray(self._inverses[0] @ B)
        columns = np.matmul(self._inverses, np.ascontiguousarray(B.T)[:, :, None])[:, :, 0].T
        return np.where(self._free, columns, 0.0)

    def between(self, along: Array, rows: Indices) -> Array:
        """``sum_t diag(along_t) inverse_t diag(along_t)`` for these rows."""
        directions = along[rows].T
        if len(self._inverses) == 1:
            return np.asarray(self._inverses[0][rows[:, None], rows] * (directions.T @ directions))
        blocks = self._inverses[:, rows[:, None], rows]
        return np.einsum("tij,ti,tj->ij", blocks, directions, directions, optimize=True)
