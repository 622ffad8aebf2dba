"""Outputs that were not observed: NaN (or None) in a 2-D y."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtlinear._typing import Labels


def is_missing(y: NDArray[Any]) -> NDArray[np.bool_]:
    """Where y is NaN, or None among objects."""
    if y.dtype.kind == "f":
        return np.isnan(y)
    if y.dtype.kind != "O":
        return np.zeros(y.shape, dtype=bool)
    return np.array([x is None or x != x for x in y.ravel()], dtype=bool).reshape(y.shape)


def observed_outputs(y: NDArray[Any], tasks: Labels) -> NDArray[np.bool_] | None:
    """Which entries of a 2-D y are there, or None if all are there.

    Raises
    ------
    ValueError
        If a column has no observation at all.
    """
    observed = ~is_missing(y)
    if observed.all():
        return None
    empty = ~observed.any(axis=0)
    if empty.any():
        raise ValueError(f"y contains NaN only in the column(s) of task(s) {tasks[empty].tolist()}: nothing to fit.")
    return observed
