"""cvxpy with its default interior-point solver (Clarabel) and its default first-order solver (SCS).

The whole call is timed, as a user sees it: writing the problem down, cvxpy's translation, and the solver. Squared loss
is given as triangular factors where there are more rows than features: without that, cvxpy does not get through the
larger problems at all.
"""

from __future__ import annotations

import warnings
from abc import abstractmethod
from typing import Any

import numpy as np
from peer import Answer, Peer
from problems import Data

from mtlinear.losses import Squared
from mtlinear.penalties import Dirty, L1Lq, Penalty
from mtlinear.reference import penalty_expression

#: Largest number of non-zeros of the program: beyond it cvxpy takes more than ten gigabytes and many minutes.
_LARGEST = 30_000_000


def _n_nonzero(data: Data) -> int:
    n, d = data.arrays.mean_rows, data.arrays.X.shape[1]
    rows = min(n, d) if isinstance(data.arrays.loss, Squared) else n
    return int(rows * d * data.arrays.n_tasks)


def _expression(penalty: Penalty, A: Any) -> tuple[Any, list[Any], list[Any]]:
    """Omega, its constraints, and the parts of A; row norms in one expression, which cvxpy translates faster."""
    import cvxpy as cp

    if isinstance(penalty, L1Lq) and penalty.q in (2, np.inf):
        norm = 2 if penalty.q == 2 else "inf"
        return penalty.alpha * cp.sum(cp.norm(A, norm, axis=1)), [], [A]
    if isinstance(penalty, Dirty):
        S = cp.Variable(A.shape)
        parts = [A - S, S]
        terms = [_expression(own, part)[0] for (_, own), part in zip(penalty.parts(*A.shape[::-1]), parts, strict=True)]
        return terms[0] + terms[1], [], parts
    expression, constraints = penalty_expression(penalty, A)
    return expression, constraints, [A]


def _reduced(X: np.ndarray, y: np.ndarray, centre: bool) -> tuple[np.ndarray, np.ndarray]:
    """R and z with ||R a - z||^2 = ||X a - y||^2 - constant; centred before."""
    if centre:
        X, y = X - X.mean(axis=0), y - y.mean(axis=0)
    if len(X) <= X.shape[1]:
        return X, y
    Q, R = np.linalg.qr(X)
    return R, Q.T @ y


class _Cvxpy(Peer):
    """One of cvxpy's solvers."""

    module = "cvxpy"
    solver: str

    def refuses(self, data: Data) -> str | None:
        if _n_nonzero(data) > _LARGEST:
            return f"the program would have {_n_nonzero(data):.0e} non-zeros"
        return None

    def solve(self, data: Data, prepared: Any, tol: float) -> Answer:
        import cvxpy as cp

        A = cp.Variable((data.arrays.X.shape[1], data.arrays.n_tasks))
        penalty, constraints, parts = _expression(data.penalty, A)
        program = cp.Problem(cp.Minimize(self._loss(data, A) / data.arrays.mean_rows + penalty), constraints)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "may be inaccurate": the gap says how inaccurate
            program.solve(solver=self.solver, **self._options(tol))
        if A.value is None:
            raise RuntimeError(program.status)
        return Answer(tuple(np.asarray(part.value) for part in parts))

    @staticmethod
    def _loss(data: Data, A: Any) -> Any:
        """The sum of the losses."""
        import cvxpy as cp

        arrays = data.arrays
        if not isinstance(arrays.loss, Squared):
            b = cp.Variable(arrays.n_tasks) if data.fit_intercept else np.zeros(arrays.n_tasks)
            scores = [X @ A[:, t] + b[t] for t, (X, _) in enumerate(arrays.tasks)]
            return sum(cp.sum(cp.logistic(cp.multiply(-y, z))) for z, (_, y) in zip(scores, arrays.tasks, strict=True))
        if arrays.shared:
            R, Z = _reduced(arrays.X, arrays.Y, data.fit_intercept)
            return 0.5 * cp.sum_squares(R @ A - Z)
        reduced = [_reduced(X, y, data.fit_intercept) for X, y in arrays.tasks]
        return 0.5 * cp.sum_squares(cp.hstack([R @ A[:, t] - z for t, (R, z) in enumerate(reduced)]))

    @abstractmethod
    def _options(self, tol: float) -> dict[str, object]:
        """Settings of the solver for a tolerance."""


class Clarabel(_Cvxpy):
    """Interior points: the tolerance hardly changes its time."""

    name, solver = "cvxpy/Clarabel", "CLARABEL"
    first_tol = 1e-3

    def _options(self, tol: float) -> dict[str, object]:
        return {"tol_gap_abs": tol, "tol_gap_rel": tol, "tol_feas": tol}


class SCS(_Cvxpy):
    """First-order splitting; its default accuracy is 1e-4, relative and absolute."""

    name, solver = "cvxpy/SCS", "SCS"
    first_tol = 1e-3

    def _options(self, tol: float) -> dict[str, object]:
        return {"eps_abs": tol, "eps_rel": tol, "max_iters": 1_000_000}
