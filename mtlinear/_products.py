"""The product that almost all of the time goes into: a large matrix times one with a column per task."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Products with fewer multiplications are over before the order of their factors matters.
_LARGE = 1_000_000


def large_times(M: NDArray[Any], A: NDArray[Any]) -> NDArray[Any]:
    """``M @ A`` for a large dense M (a transpose is as good) and a narrow A, with rows contiguous.

    NumPy hands ``M @ A`` to BLAS as ``A' M'``, its rows being BLAS's columns. With the large matrix on the right,
    OpenBLAS packs all of it for a few rows of A'; with it on the left, which is what ``(A' M')'`` becomes, the same
    product is up to twice as fast.
    """
    if M.ndim != 2 or A.ndim != 2 or A.shape[1] == 1 or M.size * A.shape[1] < _LARGE:
        return M @ A
    return np.ascontiguousarray((A.T @ M.T).T)
