"""Gauges of rows that have no formula: a root search on the prox, which ends on the safe side.

For a norm f of a row g, ``prox_{c f}(g) = g - P`` with P in c times the dual unit ball, and it is zero exactly from the
gauge of g (its dual norm) on. So for every c

    <g, r> / f(r)  <=  gauge(g)  <=  c + gauge(r),      r = prox_{c f}(g),

the left by definition of the dual norm, the right by the triangle inequality. The left side is also the next c of
Newton's method on ``||prox_{c f}(g)||``, the distance from g to c times the dual ball, which is convex in c: it rises
to the gauge, in finitely many steps where f is polyhedral and quadratically elsewhere. Whatever is left of r when it
ends goes into the right side, through an upper bound of gauge(r) that needs not be sharp.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np

from mtlinear._typing import Array
from mtlinear.penalties._rows import RowSeparable

#: Newton took 3 to 9 steps on random rows; every step is a valid bound, so any number of them will do.
_STEPS = 60
#: Relative width at which lower and upper bound are the same number.
_WIDTH = 4.0 * float(np.finfo(np.float64).eps)
#: Relative rounding of the prox itself: P may leave its ball by so much.
_ROUNDING = 1.0 + 16.0 * float(np.finfo(np.float64).eps)


class SearchedGauge(RowSeparable):
    """A sum over rows whose gauge is found by `row_gauges`."""

    @abstractmethod
    def _row_gauges(self, G: Array, **how: Any) -> Array:
        """`row_gauges` with its ``only_largest`` and ``limit``."""

    def row_gauge(self, G: Array) -> Array:
        return self._row_gauges(G)

    def gauge(self, G: Array) -> float:
        return float(np.max(self._row_gauges(G, only_largest=True), initial=0.0))

    def conjugate(self, G: Array) -> float:
        gauges = self._row_gauges(G, only_largest=True, limit=1.0)
        return 0.0 if self.is_inside(float(np.max(gauges, initial=0.0)), G) else np.inf


def row_gauges(
    G: Array,
    value: Callable[[Array], Array],
    prox: Callable[[Array, Array], Array],
    bound: Callable[[Array], Array],
    start: Callable[[Array], Array] | None = None,
    *,
    only_largest: bool = False,
    limit: float | None = None,
) -> Array:
    """The gauge of every row of G, too large by rounding but never too small.

    Parameters
    ----------
    G : ndarray (n, n_tasks)
    value : function of rows (k, n_tasks) -> (k,)
        The norm f.
    prox : function of rows and steps (k, 1)
        Its proximal map.
    bound : function of rows -> (k,)
        An upper bound of the gauge.
    start : function of rows -> (k,), optional
        The gauge by a formula, up to rounding.
    only_largest : bool, default False
        Whether nothing but the maximum is asked for: rows that do not have it keep any upper bound below it.
    limit : float, default None
        With only_largest: whether the maximum is below this limit is all that is asked for, and found by one prox if
        it is.
    """
    size = np.abs(G).max(axis=1, initial=0.0)
    used = np.flatnonzero(size > 0)
    gauges = np.zeros(len(G))
    if len(used):
        unit = G[used] / size[used, None]
        gauges[used] = _search(
            unit.astype(np.float64, copy=False), size[used], value, prox, bound, start, only_largest, limit or 0.0
        )
    return _rounded_up(gauges, G.dtype)


def _search(
    G: Array,
    size: Array,
    value: Callable[[Array], Array],
    prox: Callable[[Array, Array], Array],
    bound: Callable[[Array], Array],
    start: Callable[[Array], Array] | None,
    only_largest: bool,
    limit: float,
) -> Array:
    """Upper bounds for rows with largest entries of one, times their sizes."""
    lower, upper = _ratio(np.sum(G * G, axis=1), value(G)), bound(G)
    c = lower.copy() if start is None else start(G)
    rows = np.arange(len(G))
    for _ in range(_STEPS):
        if only_largest:
            # One level for all: the rows whose prox vanishes there are done with.
            level = max(np.max(lower * size), limit)
            rows = rows[(upper * size)[rows] > level]
            c[rows] = np.maximum(c[rows], level / size[rows]) if limit or start is None else c[rows]
        if len(rows) == 0:
            break
        g, now = G[rows], c[rows]
        r = prox(g, now[:, None])
        rest = bound(r)
        upper[rows] = np.minimum(upper[rows], now + rest)
        reached = _ratio(np.sum(g * r, axis=1), value(r))
        lower[rows] = np.maximum(lower[rows], reached)
        open_ = (rest > _WIDTH * now) & (reached > now * (1.0 + _WIDTH))
        c[rows] = np.maximum(now, reached)
        rows = rows[open_]
    return np.asarray(upper * size * _ROUNDING)


def _ratio(products: Array, values: Array) -> Array:
    """<g, r> / f(r), the slope of g along r; 0 where r is."""
    return np.divide(products, values, out=np.zeros(len(values)), where=values > 0)


def _rounded_up(values: Array, dtype: np.dtype) -> Array:
    """In a lower precision, never below the value."""
    rounded = values.astype(dtype, copy=False)
    return np.where(rounded < values, np.nextafter(rounded, np.asarray(np.inf, dtype)), rounded)
