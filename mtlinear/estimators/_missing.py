"""Outputs that were not observed: NaN in a 2-D y."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtlinear._typing import Labels


def observed_outputs(y: NDArray[Any], tasks: Labels) -> NDArray[np.bool_] | None:
    """Which entries of a 2-D y are not NaN, or None if all are there.

    Raises
    ------
    ValueError
        If a column has no observation at all.
    """
    if y.dtype.kind != "f":
        return None
    observed = ~np.isnan(y)
    if observed.all():
        return None
    empty = ~observed.any(axis=0)
    if empty.any():
        raise ValueError(f"y contains NaN only in the column(s) of task(s) {tasks[empty].tolist()}: nothing to fit.")
    return observed
