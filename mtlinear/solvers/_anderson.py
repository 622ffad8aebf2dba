"""Anderson acceleration of a fixed-point iteration: a quasi-Newton step from the last few residuals."""

from __future__ import annotations

import numpy as np

from mtlinear._typing import Array

#: Ridge on the least-squares problem, relative to its trace: differences of residuals are nearly collinear.
_RIDGE = 1e-10
#: An extrapolated point is taken back when its residual is larger than this times the one before.
_WORSE = 2.0


class Anderson:
    """Extrapolate ``v -> g(v)`` by the combination of the last points whose residuals ``g(v) - v`` nearly cancel.

    Safeguarded: where the residual after an extrapolation has grown, the iteration goes on as if there had been none.

    Parameters
    ----------
    memory : int
        Points that are combined.
    every : int
        Iterations between two extrapolations: in between, the plain iteration smooths what they stirred up.
    weight : ndarray, broadcast to the points (n_parts, n_features, n_tasks)
        Square roots of the metric in which residuals are measured.

    References
    ----------
    Walker & Ni (2011), SIAM J. Numer. Anal. 49 (type II). Zhang, O'Donoghue & Boyd (2020), SIAM J. Optim. 30
    (safeguards for nonexpansive maps).
    """

    def __init__(self, memory: int, every: int, weight: Array):
        self._memory, self._every, self._weight = memory, every, weight
        self.forget()

    def forget(self) -> None:
        """Start anew: the map has changed."""
        self._images: list[Array] = []
        self._residuals: list[Array] = []
        self._since = 0
        self._plain: tuple[Array, float] | None = None

    def next(self, point: Array, image: Array) -> Array:
        """Where to go on from, after the map took point to image."""
        residual = (self._weight * (image - point)).ravel()
        size = float(np.linalg.norm(residual))
        self._images.append(image)
        self._residuals.append(residual)
        if len(self._images) > self._memory + 1:
            del self._images[0], self._residuals[0]
        self._since += 1
        if self._plain is not None:
            before, wanted = self._plain
            self._plain = None
            if not size <= _WORSE * wanted:
                return before
        if self._since < self._every:
            return image
        self._since = 0
        self._plain = (image, size)
        return self._extrapolated()

    def _extrapolated(self) -> Array:
        new = self._images[-1]
        if len(self._residuals) < 2:
            return new
        change = np.diff(np.array(self._residuals), axis=0)
        products = change @ change.T
        size = float(np.trace(products))
        if not size > 0.0:
            return new
        products[np.diag_indices_from(products)] += _RIDGE * size / len(products)
        coefficients = np.linalg.solve(products, change @ self._residuals[-1])
        for c, after, before in zip(coefficients, self._images[1:], self._images[:-1], strict=True):
            new = new - c * (after - before)
        return new
