"""What almost all of the time goes into: products with, and looks at, matrices that have a column per task."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Products with fewer multiplications are over before the order of their factors matters.
_LARGE = 1_000_000


def large_times(M: NDArray[Any], A: NDArray[Any], *, by_columns: bool = False) -> NDArray[Any]:
    """``M @ A`` for a large dense M (a transpose is as good) and a narrow A, with rows contiguous.

    NumPy hands ``M @ A`` to BLAS as ``A' M'``, its rows being BLAS's columns. With the large matrix on the right,
    OpenBLAS packs all of it for a few rows of A'; with it on the left, which is what ``(A' M')'`` becomes, the same
    product is up to twice as fast. What comes out has contiguous columns: ``by_columns`` where that is as good, since
    fresh memory for another copy takes as long as the product.
    """
    if M.ndim != 2 or A.ndim != 2 or A.shape[1] == 1 or M.size * A.shape[1] < _LARGE:
        return M @ A
    product = (A.T @ M.T).T
    return product if by_columns else np.ascontiguousarray(product)


def rows_in_use(A: NDArray[Any]) -> NDArray[np.bool_]:
    """Which rows of A are not zero."""
    return np.asarray(np.einsum("ij->i", A != 0))  # of bools it is "or"; `any` takes three times as long
