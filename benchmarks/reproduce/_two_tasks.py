"""Two sparse linear regressions whose supports overlap, and whether a penalty finds both supports with their signs.

The problem of Negahban & Wainwright (2008, 2011) and of Jalali, Ravikumar, Sanghavi & Ruan (2010): r = 2 tasks, p
features, s of them in each task, of which a share alpha ("overlap", rounded to whole features) in both; standard
Gaussian designs, one for each task; n rows each. A feature of both tasks has the same magnitude in both, as the
theorems of both papers ask for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtlinear import MultiTaskRegressor, regularization_path
from mtlinear.penalties import L1, Dirty, L1Lq, Penalty

Array = NDArray[np.floating[Any]]

NOISE = 0.1
#: Magnitudes of the entries of A that are not zero.
LEAST, MOST = 1.0, 3.0
#: Relative gap: small, since supports are about exact zeros.
TOL = 1e-6
#: Entries of a row this close to its largest magnitude, relatively, are at it.
_TIE = 1e-6


@dataclass(frozen=True)
class Sizes:
    """p features, s of them in each task, a share of these in both: the overlap, as near as whole features can."""

    p: int
    s: int
    overlap: float

    @property
    def shared(self) -> int:
        return round(self.overlap * self.s)

    @property
    def share(self) -> float:
        """The overlap that the data have: 0.7 of 12 features is 8/12."""
        return self.shared / self.s

    @property
    def unit(self) -> float:
        """``s log(p - (2 - share) s)``: in this unit both papers count rows."""
        return self.s * float(np.log(self.p - (2.0 - self.share) * self.s))

    @property
    def lasso_step(self) -> float:
        """Where the lasso's theorem has its step, ``2 s log(p - s)`` rows, in the same unit."""
        return 2.0 * self.s * float(np.log(self.p - self.s)) / self.unit

    @property
    def block_step(self) -> float:
        """Where the theorem of L1/Linf has its step."""
        return 4.0 - 3.0 * self.share

    def __str__(self) -> str:
        return f"p = {self.p}, overlap {self.overlap:.2f} ({self.shared}/{self.s})"


@dataclass(frozen=True)
class Rows:
    """Rows of both tasks, one task after the other."""

    X: Array
    y: Array
    tasks: NDArray[np.intp]

    def error(self, A: Array) -> float:
        """Mean squared error of the parameters A (features x tasks)."""
        return float(np.mean((self.y - np.sum(self.X * A.T[self.tasks], axis=1)) ** 2))


def draw_truth(sizes: Sizes, rng: np.random.Generator) -> Array:
    """Random rows, random signs, and one magnitude for each row."""
    chosen = rng.permutation(sizes.p)[: 2 * sizes.s - sizes.shared]
    supports = chosen[: sizes.s], np.concatenate([chosen[: sizes.shared], chosen[sizes.s :]])
    signs = np.zeros((sizes.p, 2))
    for task, support in enumerate(supports):
        signs[support, task] = rng.choice([-1.0, 1.0], size=sizes.s)
    return signs * rng.uniform(LEAST, MOST, size=(sizes.p, 1))


def draw_rows(A: Array, n: int, rng: np.random.Generator) -> Rows:
    """n rows of each task."""
    X = rng.standard_normal((2 * n, len(A)))
    tasks = np.repeat([0, 1], n)
    return Rows(X, np.sum(X * A.T[tasks], axis=1) + NOISE * rng.standard_normal(2 * n), tasks)


def dirty(ratio: float) -> Dirty:
    """The dirty model with lambda_s / lambda_b = ratio, at lambda_s + lambda_b = 1."""
    return Dirty(l1_ratio=ratio / (1.0 + ratio))


LASSO, BLOCK = L1(), L1Lq(q=np.inf)


def fits(penalty: Penalty, rows: Rows, alphas: int | Array, eps: float = 1e-3) -> Array:
    """A (features x tasks) at every alpha, each certified to `TOL`."""
    model = MultiTaskRegressor(penalty, fit_intercept=False, tol=TOL, max_iter=100_000)
    path = regularization_path(model, rows.X, rows.y, tasks=rows.tasks, alphas=alphas, eps=eps)
    if not np.all(path.converged):
        raise RuntimeError(f"{penalty}: {np.sum(~path.converged)} fits did not get to a relative gap of {TOL:g}.")
    return path.coef.transpose(0, 2, 1)


def signed_support(penalty: Penalty, A: Array) -> Array:
    """-1, 0 or 1 for every entry.

    For L1/Linf the dual recovery of Negahban & Wainwright: the entries at the largest magnitude of their row. Those
    below it cost nothing, and so are never exactly zero: in a row of one task the other entry is noise.
    """
    if penalty is BLOCK:
        largest = np.max(np.abs(A), axis=1, keepdims=True)
        return np.where(np.abs(A) >= (1.0 - _TIE) * largest, np.sign(A), 0.0)
    return np.sign(A)
