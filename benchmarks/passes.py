"""How often a solver passes over X: every look at it, in units of one product of all of X with one dense matrix.

One `apply` or `adjoint` with a dense matrix is one pass, all Gram matrices are one, centring is one. Where only some
rows of A are not zero, some features or some rows of X are looked at, a look counts as that part of a pass.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from mtlinear.designs import Design, SharedDesign, StackedDesign

#: The methods of a design that read X.
_READING = (
    "apply",
    "adjoint",
    "gram",
    "cross_gram",
    "task_gram",
    "coupled_gram",
    "centered",
    "centered_with",
    "norm_bound",
)


class PassCounter:
    """Sum of the looks at X; only the outermost of nested calls counts."""

    def __init__(self, n_rows: int, n_features: int):
        self.total = 0.0
        self._entries = n_rows * n_features
        self._depth = 0

    def wrap(self, name: str, method):
        """The method, counted."""

        @functools.wraps(method)
        def counted(design: Design, *arguments, **named):
            if self._depth == 0:
                share = _share(name, design, arguments)
                self.total += share * design.n_rows * design.n_features / self._entries
            self._depth += 1
            try:
                return method(design, *arguments, **named)
            finally:
                self._depth -= 1

        return counted


def _share(name: str, design: Design, arguments: tuple) -> float:
    """Which part of the design's X one call looks at."""
    if name == "apply":
        return float(np.mean(np.any(arguments[0], axis=1)))
    if name == "gram" and arguments and arguments[0] is not None:
        return len(arguments[0]) / design.n_features
    if name == "cross_gram":
        return len(np.union1d(arguments[0], arguments[1])) / design.n_features
    if name == "task_gram" and isinstance(design, StackedDesign):
        return float(np.mean(design.codes == arguments[0]))
    return 1.0


@contextmanager
def counted_passes(n_rows: int, n_features: int) -> Iterator[PassCounter]:
    """Count all passes over designs of this size that happen inside."""
    counter = PassCounter(n_rows, n_features)
    replaced = []
    try:
        for cls in (Design, SharedDesign, StackedDesign):
            for name in _READING:
                if name in vars(cls):
                    replaced.append((cls, name, vars(cls)[name]))
                    setattr(cls, name, counter.wrap(name, vars(cls)[name]))
        yield counter
    finally:
        for cls, name, method in replaced:
            setattr(cls, name, method)
