"""Single precision beside double: what a threshold written for float64 means for the data at hand."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

_DOUBLE = float(np.finfo(np.float64).eps)


def precision_of(X: Any) -> np.dtype:
    """In which precision a matrix is computed with: float32 stays, everything else is float64."""
    return np.dtype(np.float32 if X.dtype == np.float32 else np.float64)


def machine_epsilon(dtype: DTypeLike) -> float:
    """Distance from 1 to the next larger number, as a Python float: a NumPy scalar would upcast float32 arrays."""
    return float(np.finfo(np.float32 if dtype == np.float32 else np.float64).eps)


def in_precision(threshold: float, dtype: DTypeLike) -> float:
    """A threshold for rounding that was written for float64, in units of the machine epsilon of dtype."""
    return threshold * (machine_epsilon(dtype) / _DOUBLE)


def total(values: ArrayLike) -> float:
    """Sum of all entries, accumulated in float64: a million float32 numbers would lose digits on the way."""
    return float(np.sum(values, dtype=np.float64))


def sum_rows(values: NDArray[Any]) -> NDArray[Any]:
    """Sum over the first axis, accumulated in float64, in the precision of the values."""
    return np.sum(values, axis=0, dtype=np.float64).astype(values.dtype, copy=False)
