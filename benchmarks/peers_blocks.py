"""Peers with a group lasso for one response: L1/L2 over tasks with rows of their own, as one block-diagonal design.

Column ``j n_tasks + t`` holds feature j of task t, so the groups are the rows of A. The mean loss over all N rows is
``1/n_tasks`` times ours, so the strength is ``alpha / n_tasks``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from peer import NO_MODEL, Answer, Peer, row_norm
from problems import Data

from mtlinear.losses import Logistic, Squared

#: Largest number of entries of a dense block-diagonal design (0.8 GB), and of non-zeros of a sparse one.
_DENSE, _SPARSE = 100_000_000, 200_000_000


class Blocks(NamedTuple):
    """The block-diagonal design, the response, and the number of free columns (intercepts) at its start."""

    X: sp.csc_matrix
    y: np.ndarray
    n_free: int


def _stacked(data: Data) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """X, y and the end of each task, rows sorted by task; a shared X is repeated."""
    tasks = data.arrays.tasks
    if data.arrays.shared:
        X, y = np.tile(data.arrays.X, (len(tasks), 1)), data.arrays.Y.T.ravel()
    else:
        X, y = data.arrays.X, data.arrays.Y
    return X, y, np.concatenate([[0], np.cumsum([len(own) for _, own in tasks])])


def block_diagonal(data: Data) -> Blocks:
    """Squared loss: centred within tasks instead of intercepts. Logistic: one free indicator column a task."""
    X, y, ends = _stacked(data)
    n, d = X.shape
    centre = data.fit_intercept and isinstance(data.arrays.loss, Squared)
    if centre:
        counts = np.diff(ends)
        X = X - np.repeat(np.add.reduceat(X, ends[:-1]) / counts[:, None], counts, axis=0)
        y = y - np.repeat(np.add.reduceat(y, ends[:-1]) / counts, counts)
    # Rows are sorted by task, so column j of X is the columns (j, 0), (j, 1), ... of the design one after the other.
    starts = (np.arange(d)[:, None] * n + ends[:-1]).ravel()
    values, rows = X.ravel(order="F"), np.tile(np.arange(n, dtype=np.int32), d)
    n_free = len(ends) - 1 if data.fit_intercept and not centre else 0
    if n_free:
        values, rows = np.concatenate([np.ones(n), values]), np.concatenate([np.arange(n, dtype=np.int32), rows])
        starts = np.concatenate([ends[:-1], n + starts])
    pointers = np.append(starts, len(values)).astype(np.int32)
    design = sp.csc_matrix((values, rows, pointers), shape=(n, len(starts)))
    return Blocks(design, y, n_free)


def _n_nonzero(data: Data) -> int:
    n, d = data.arrays.X.shape
    return n * d * (data.arrays.n_tasks if data.arrays.shared else 1)


def _refuses(data: Data) -> str | None:
    if row_norm(data.penalty) != 2 or (data.arrays.shared and isinstance(data.arrays.loss, Squared)):
        return NO_MODEL  # or a better way to it, which is another adapter
    if _n_nonzero(data) > _SPARSE:
        return f"its block-diagonal design would have {_n_nonzero(data):.0e} non-zeros"
    return None


class SkglmBlocks(Peer):
    """GroupBCD on the sparse design; for logistic loss GroupProxNewton, which takes dense designs only."""

    name, module = "skglm", "skglm"

    def refuses(self, data: Data) -> str | None:
        if (reason := _refuses(data)) is not None:
            return reason
        entries = _n_nonzero(data) * data.arrays.n_tasks
        if isinstance(data.arrays.loss, Logistic) and entries > _DENSE:
            return f"GroupProxNewton takes dense designs only, and this one would have {entries:.0e} entries"
        return None

    def prepare(self, data: Data) -> Blocks:
        blocks = block_diagonal(data)
        if isinstance(data.arrays.loss, Logistic):
            return blocks._replace(X=np.asfortranarray(blocks.X.toarray()))
        return blocks

    def solve(self, data: Data, prepared: Blocks, tol: float) -> Answer:
        from skglm.datafits import LogisticGroup, QuadraticGroup
        from skglm.penalties import WeightedGroupL2
        from skglm.solvers import GroupBCD, GroupProxNewton

        d, n_tasks = data.arrays.X.shape[1], data.arrays.n_tasks
        X, y, n_free = prepared
        indices = np.arange(X.shape[1], dtype=np.int32)
        weights = np.ones(d)
        ends = n_free + n_tasks * np.arange(d + 1, dtype=np.int32)
        if n_free:  # the intercepts are one group of weight zero
            ends, weights = np.concatenate([[0], ends]).astype(np.int32), np.concatenate([[0.0], weights])
        alpha = float(data.penalty.alpha) / n_tasks
        penalty = WeightedGroupL2(alpha, weights, ends.astype(np.int32), indices)
        if isinstance(data.arrays.loss, Logistic):
            datafit = LogisticGroup(ends.astype(np.int32), indices)
            solver = GroupProxNewton(tol=tol * alpha, max_iter=1000)
        else:
            datafit = QuadraticGroup(ends.astype(np.int32), indices)
            solver = GroupBCD(tol=tol * alpha, max_iter=1000, max_epochs=50_000)
        w = solver.solve(X, y, datafit, penalty)[0]
        return Answer((w[n_free : n_free + d * n_tasks].reshape(d, n_tasks),))


class AdelieBlocks(Peer):
    """grpnet on the sparse design; squared loss with more rows than features: gaussian_cov on the Gram matrices."""

    name, module = "adelie", "adelie"

    def refuses(self, data: Data) -> str | None:
        return _refuses(data)

    def prepare(self, data: Data) -> Any:
        import adelie

        blocks = block_diagonal(data)
        if self._by_gram(data):
            return blocks
        matrix = adelie.matrix.sparse(blocks.X, method="naive", n_threads=self.threads)
        if isinstance(data.arrays.loss, Logistic):
            return matrix, adelie.glm.binomial((blocks.y > 0).astype(float)), blocks.n_free
        return matrix, adelie.glm.gaussian(blocks.y), blocks.n_free

    @staticmethod
    def _by_gram(data: Data) -> bool:
        return isinstance(data.arrays.loss, Squared) and data.arrays.mean_rows > data.arrays.X.shape[1]

    def solve(self, data: Data, prepared: Any, tol: float) -> Answer:
        import adelie

        d, n_tasks = data.arrays.X.shape[1], data.arrays.n_tasks
        lmda_path = [float(data.penalty.alpha) / n_tasks]
        common = {"lmda_path": lmda_path, "tol": tol, "early_exit": False, "max_iters": 10_000_000}
        common |= {"progress_bar": False, "n_threads": self.threads}
        groups = n_tasks * np.arange(d)
        if self._by_gram(data):
            n = len(prepared.y)
            gram = sp.csc_matrix(prepared.X.T @ prepared.X / n)
            covariance = adelie.matrix.sparse(gram, method="cov", n_threads=self.threads)
            v = prepared.X.T @ prepared.y / n
            state = adelie.gaussian_cov(covariance, v, groups=groups, penalty=np.ones(d), **common)
            return Answer((state.betas.toarray()[-1].reshape(d, n_tasks),))
        X, glm, n_free = prepared
        penalty = np.ones(d)
        if n_free:
            groups, penalty = np.concatenate([[0], n_free + groups]), np.concatenate([[0.0], penalty])
        state = adelie.grpnet(X, glm, groups=groups, penalty=penalty, intercept=False, irls_tol=tol, **common)
        return Answer((state.betas.toarray()[-1][n_free:].reshape(d, n_tasks),))
