"""The prox of total variation on any graph with signs, for many rows at once.

    argmin_X  1/2 ||X - Y||_F^2 + sum_j sum_e bound[j, e] |(B X[j])_e|,      (B x)_e = x_s - sign_e x_t

Augmented Lagrangian on the edges, z the dual variable of B x, in [-bound, bound]: minimise over x

    1/2 ||x - y||^2 + the Moreau envelope of the bounds at B x + z / sigma,

a smooth piecewise quadratic, by semismooth Newton with systems ``I + sigma B' diag(|z + sigma B x| < bound) B``, all
rows in one batched solve; then z = clip(z + sigma B x). It ends with an exact solve: edges inside their bounds join
tasks to groups, on which the mean of ``y - B'z`` does not depend on z inside them. That mean is the solution, and so
accepted, if the edges between groups have the sign of their jump and those inside have room for the correction of z
that makes it exact: at most ``T ||x - mean||``, since the least eigenvalue other than 0 of a Laplacian of 2 T nodes is
above ``1 / T^2``. Rows with an edge exactly at the brim of its bound end by the size of the residual instead, 1e-13 of
the largest entry. (Li, Sun & Toh 2018, SIAM J. Optim. 28, for the method; every T x T system costs O(T^3).)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from mtlinear._typing import Array, Indices

#: Weights of the augmented term, dimensionless; larger ones amplify rounding.
_FIRST, _FIRST_WARM, _LARGEST, _GROWTH = 10.0, 100.0, 1000.0, 10.0
_OUTER, _INNER, _HALVINGS = 100, 30, 25
#: Residuals, relative to the largest entry of the row: what ends a row without a proof, and (times sigma, which
#: multiplies the rounding of x) an inner iteration.
_EXACT, _STILL = 1e-13, 2e-15
#: Largest batch of systems, in numbers.
_BATCH = 4_000_000


@dataclass(frozen=True)
class SignedEdges:
    """Edges from s to t with a sign each, of a graph with n_tasks nodes."""

    s: Indices
    t: Indices
    signs: Array
    n_tasks: int

    def differences(self, X: Array) -> Array:
        """(n, n_edges): ``x_s - sign x_t``."""
        return np.asarray(X[:, self.s] - self.signs * X[:, self.t])

    def gather(self, Z: Array) -> Array:
        """The adjoint of `differences`."""
        return Z @ self.matrix()

    def matrix(self) -> Array:
        """B, (n_edges, n_tasks)."""
        B = np.zeros((len(self.s), self.n_tasks))
        edges = np.arange(len(self.s))
        B[edges, self.s] = 1.0
        B[edges, self.t] -= self.signs
        return B


def prox_graph(Y: Array, bounds: Array, edges: SignedEdges, Z: Array | None = None) -> tuple[Array, Array]:
    """The prox, and dual variables at it (not unique on cycles), which may start the next call.

    Parameters
    ----------
    Y : ndarray (n, n_tasks), float64
    bounds : ndarray (n, n_edges), positive
    edges : SignedEdges
    Z : ndarray (n, n_edges), optional
    """
    X = np.empty_like(Y)
    first_sigma = _FIRST if Z is None else _FIRST_WARM
    Z = np.zeros(bounds.shape) if Z is None else np.clip(Z, -bounds, bounds)
    batch = max(_BATCH // edges.n_tasks**2, 1)
    for first in range(0, len(Y), batch):
        rows = slice(first, first + batch)
        X[rows], Z[rows] = _Rows(Y[rows], bounds[rows], edges).solve(Z[rows], first_sigma)
    return X, Z


class _Rows:
    """One batch of rows."""

    def __init__(self, Y: Array, bounds: Array, edges: SignedEdges):
        size = np.abs(Y).max(axis=1, keepdims=True)
        self.size = np.where(size > 0, size, 1.0)
        self.Y = Y / self.size
        # No dual variable needs to be larger: a flow that carries y along a spanning tree has no larger edge.
        self.bounds = np.minimum(bounds / self.size, 2.0 * np.abs(self.Y).sum(axis=1, keepdims=True) + 1e-300)
        self.edges = edges
        self.B = edges.matrix()

    def solve(self, Z: Array, first_sigma: float) -> tuple[Array, Array]:
        X: Array = np.zeros_like(self.Y)
        Z = np.clip(Z / self.size, -self.bounds, self.bounds)
        sigma = np.full((len(X), 1), first_sigma)
        rows = np.arange(len(X))
        for _ in range(_OUTER):
            z, solved = self._step(rows, Z[rows], sigma[rows])
            # Steps that are too long for Newton say nothing: back to where the row was, and shorter ones.
            Z[rows] = z = np.where(solved, z, Z[rows])
            sigma[rows] = np.where(solved, np.minimum(sigma[rows] * _GROWTH, _LARGEST), sigma[rows] / _GROWTH)
            X[rows], done = self._exact(rows, z)
            rows = rows[~done]
            if len(rows) == 0:
                break
        return X * self.size, Z * self.size

    def _step(self, rows: Indices, z: Array, sigma: Array) -> tuple[Array, NDArray[np.bool_]]:
        """The new z, from minimising the augmented Lagrangian over x, and (n, 1) whether that has succeeded."""
        x = self.Y[rows] - z @ self.B
        todo = np.arange(len(rows))
        for _ in range(_INNER):
            gradient, inside, before = self._model(rows[todo], x[todo], z[todo], sigma[todo])
            open_ = np.abs(gradient).max(axis=1) > _STILL * sigma[todo, 0]
            todo, gradient, inside, before = todo[open_], gradient[open_], inside[open_], before[open_]
            if len(todo) == 0:
                break
            move = -np.linalg.solve(self._systems(inside, sigma[todo]), gradient[:, :, None])[:, :, 0]
            slope = np.sum(gradient * move, axis=1)
            step = np.ones((len(todo), 1))
            short = np.arange(len(todo))
            for _ in range(_HALVINGS):
                own = todo[short]
                *_, after = self._model(rows[own], x[own] + step[short] * move[short], z[own], sigma[own])
                allowed = before[short] * (1.0 + _EXACT) + 1e-4 * step[short, 0] * slope[short]
                short = short[after > allowed]
                if len(short) == 0:
                    break
                step[short] *= 0.5
            x[todo] += step * move
        bounds = self.bounds[rows]
        solved = np.ones((len(rows), 1), bool)
        solved[todo] = False
        return np.clip(z + sigma * self.edges.differences(x), -bounds, bounds), solved

    def _model(self, rows: Indices, x: Array, z: Array, sigma: Array) -> tuple[Array, NDArray[np.bool_], Array]:
        """Gradient, edges inside their bounds, and value of the augmented Lagrangian."""
        bounds = self.bounds[rows]
        full = z + sigma * self.edges.differences(x)
        clipped = np.clip(full, -bounds, bounds)
        rest = x - self.Y[rows]
        envelope = np.sum(clipped * (full - 0.5 * clipped), axis=1) / sigma[:, 0]
        return rest + clipped @ self.B, np.abs(full) < bounds, 0.5 * np.sum(rest * rest, axis=1) + envelope

    def _systems(self, inside: NDArray[np.bool_], sigma: Array) -> Array:
        """``I + sigma B' diag(inside) B`` of every row."""
        s, t = self.edges.s, self.edges.t
        weights = sigma * inside
        systems = np.zeros((len(inside), self.edges.n_tasks, self.edges.n_tasks))
        systems[:, s, t] = systems[:, t, s] = -weights * self.edges.signs
        nodes = np.arange(self.edges.n_tasks)
        systems[:, nodes, nodes] = 1.0 + weights @ np.abs(self.B)
        return systems

    def _exact(self, rows: Indices, z: Array) -> tuple[Array, NDArray[np.bool_]]:
        """Means on the groups that the edges inside their bounds join, and which rows these solve."""
        bounds = self.bounds[rows]
        joined = np.abs(z) < bounds
        x = self.Y[rows] - z @ self.B
        mean = self._group_means(x, joined)
        jumps = self.edges.differences(mean)
        off = np.linalg.norm(x - mean, axis=1, keepdims=True)
        room = bounds - np.abs(z) - self.edges.n_tasks * off
        proved = np.all(np.where(joined, room >= 0, jumps * np.sign(z) >= -_EXACT), axis=1)
        residual = np.abs(z - np.clip(z + self.edges.differences(x), -bounds, bounds)).max(axis=1, initial=0.0)
        small = (residual <= _EXACT) & ~proved
        mean[small] = x[small]
        return mean, proved | small

    def _group_means(self, x: Array, joined: NDArray[np.bool_]) -> Array:
        """Every task twice, as +x and -x: an edge joins equal signs or opposite ones, and a contradiction means 0."""
        n, T = x.shape
        row, edge = np.nonzero(joined)
        s, t, same = self.edges.s[edge], self.edges.t[edge], self.edges.signs[edge] > 0
        plus, minus = 2 * T * row, 2 * T * row + T
        first = np.concatenate([plus + s, minus + s])
        second = np.concatenate([np.where(same, plus, minus) + t, np.where(same, minus, plus) + t])
        graph = coo_array((np.ones(len(first), np.int8), (first, second)), shape=(2 * n * T, 2 * n * T))
        _, labels = connected_components(graph, directed=False)
        twice = np.concatenate([x, -x], axis=1).ravel()
        means = np.bincount(labels, twice) / np.bincount(labels)
        both = means[labels].reshape(n, 2, T)
        return np.asarray(0.5 * (both[:, 0] - both[:, 1]))
