"""Peers for tasks that share their rows: scikit-learn, celer, skglm, adelie, spams."""

from __future__ import annotations

from typing import Any

import numpy as np
from peer import NO_MODEL, Answer, Peer, row_norm
from problems import Data

from mtlinear.losses import Logistic, Squared
from mtlinear.penalties import L1, Penalty, TraceNorm


def _only_shared_l1l2(data: Data) -> str | None:
    if not data.arrays.shared or not isinstance(data.arrays.loss, Squared) or row_norm(data.penalty) != 2:
        return NO_MODEL
    return None


def _centred(data: Data) -> tuple[np.ndarray, np.ndarray]:
    """X and Y without their means, contiguous columns; as they are if there is no intercept."""
    X, Y = data.arrays.X_columns, data.arrays.Y_columns
    if not data.fit_intercept:
        return X, Y
    return X - X.mean(axis=0), Y - Y.mean(axis=0)


class ScikitLearn(Peer):
    """MultiTaskLasso: cyclic block coordinate descent, stops by the duality gap relative to ||Y||^2."""

    name, module = "scikit-learn", "sklearn"

    def refuses(self, data: Data) -> str | None:
        return _only_shared_l1l2(data)

    def prepare(self, data: Data) -> None:
        _ = data.arrays.X_columns, data.arrays.Y_columns

    def solve(self, data: Data, prepared: Any, tol: float) -> Answer:
        from sklearn.linear_model import MultiTaskLasso

        model = MultiTaskLasso(data.penalty.alpha, tol=tol, max_iter=1_000_000, fit_intercept=data.fit_intercept)
        return Answer((model.fit(data.arrays.X_columns, data.arrays.Y_columns).coef_.T,))


class ScikitLearnLasso(Peer):
    """Lasso of every task for itself, which is what our L1 is; on Gram matrices where there are more rows."""

    name, module = "scikit-learn", "sklearn"

    def refuses(self, data: Data) -> str | None:
        elementwise = isinstance(data.penalty, L1) or row_norm(data.penalty) == 1
        return None if elementwise and isinstance(data.arrays.loss, Squared) else NO_MODEL

    def prepare(self, data: Data) -> list[tuple[np.ndarray, np.ndarray]]:
        return [(np.asfortranarray(X), y) for X, y in data.arrays.tasks]

    def solve(self, data: Data, prepared: Any, tol: float) -> Answer:
        from sklearn.linear_model import Lasso

        columns = []
        for X, y in prepared:
            n, d = X.shape
            alpha = data.penalty.alpha * data.arrays.mean_rows / n  # scikit-learn divides by the rows of this task
            model = Lasso(alpha, tol=tol, max_iter=1_000_000, fit_intercept=data.fit_intercept, precompute=n > d)
            columns.append(model.fit(X, y).coef_)
        return Answer((np.column_stack(columns),))


class Celer(Peer):
    """Working sets with dual extrapolation. Its class needs an older scikit-learn; `homotopy.mtl_path` works."""

    name, module = "celer", "celer"

    def refuses(self, data: Data) -> str | None:
        return _only_shared_l1l2(data)

    def prepare(self, data: Data) -> None:
        _ = data.arrays.X_columns, data.arrays.Y_columns

    def solve(self, data: Data, prepared: Any, tol: float) -> Answer:
        from celer.homotopy import mtl_path

        X, Y = _centred(data)
        coefs = mtl_path(X, Y, alphas=[data.penalty.alpha], tol=tol, max_iter=1000)[1]
        return Answer((coefs[:, :, 0].T,))


class Skglm(Peer):
    """MultiTaskLasso: block coordinate descent on working sets with Anderson acceleration (numba).

    Stops by the distance of the gradient to the subdifferential, which we ask for relative to alpha.
    """

    name, module = "skglm", "skglm"

    def refuses(self, data: Data) -> str | None:
        return _only_shared_l1l2(data)

    def prepare(self, data: Data) -> None:
        _ = data.arrays.X_columns, data.arrays.Y_columns

    def solve(self, data: Data, prepared: Any, tol: float) -> Answer:
        from skglm import MultiTaskLasso

        alpha = float(data.penalty.alpha)
        model = MultiTaskLasso(
            alpha, tol=tol * alpha, max_iter=1000, fit_intercept=data.fit_intercept, copy_X=False, warm_start=False
        )
        return Answer((model.fit(data.arrays.X_columns, data.arrays.Y_columns).coef_.T,))


class Adelie(Peer):
    """grpnet with the multi-response Gaussian: (1/(2nT)) SSE + lambda row norms, so lambda = alpha/T."""

    name, module = "adelie", "adelie"

    def refuses(self, data: Data) -> str | None:
        return _only_shared_l1l2(data)

    def prepare(self, data: Data) -> Any:
        import adelie

        X, Y = data.arrays.X_columns, np.ascontiguousarray(data.arrays.Y)
        return adelie.matrix.dense(X, method="naive", n_threads=self.threads), adelie.glm.multigaussian(Y)

    def solve(self, data: Data, prepared: Any, tol: float) -> Answer:
        import adelie

        X, glm = prepared
        d, n_tasks = data.arrays.X.shape[1], data.arrays.n_tasks
        state = adelie.grpnet(
            X,
            glm,
            penalty=np.ones(d),
            lmda_path=[data.penalty.alpha / n_tasks],
            intercept=data.fit_intercept,
            tol=tol,
            early_exit=False,
            max_iters=10_000_000,
            progress_bar=False,
            n_threads=self.threads,
        )
        return Answer((state.betas.toarray()[-1].reshape(d, n_tasks),))


class Spams(Peer):
    """fistaFlat: 1/2 SSE + lambda Omega, so lambda = n alpha; logistic loss is a mean over rows, so lambda = alpha."""

    name, module = "spams", "spams"

    def refuses(self, data: Data) -> str | None:
        if not data.arrays.shared:
            return NO_MODEL
        if self._regularizer(data.penalty) is None:
            return NO_MODEL
        if isinstance(data.penalty, TraceNorm) and isinstance(data.arrays.loss, Logistic) and data.fit_intercept:
            return "has no intercept with the trace norm"
        return None

    @staticmethod
    def _regularizer(penalty: Penalty) -> str | None:
        if isinstance(penalty, TraceNorm):
            return "trace-norm"
        if isinstance(penalty, L1):
            return "l1"
        return {1.0: "l1", 2.0: "l1l2", np.inf: "l1linf"}.get(row_norm(penalty))

    def prepare(self, data: Data) -> None:
        _ = data.arrays.X_columns, data.arrays.Y_columns

    def solve(self, data: Data, prepared: Any, tol: float) -> Answer:
        import spams

        logistic = isinstance(data.arrays.loss, Logistic)
        n, d = data.arrays.X.shape
        free = logistic and data.fit_intercept  # a column of ones that is not penalised; else both sides are centred
        X, Y = (data.arrays.X_columns, data.arrays.Y_columns) if logistic else _centred(data)
        if free:
            X = np.asfortranarray(np.column_stack([X, np.ones(n)]))
        W = spams.fistaFlat(
            Y,
            X,
            np.zeros((d + free, data.arrays.n_tasks), order="F"),
            loss="logistic" if logistic else "square",
            regul=self._regularizer(data.penalty),
            lambda1=float(data.penalty.alpha) * (1 if logistic else n),
            intercept=free,
            compute_gram=not logistic and n > d,
            tol=tol,
            it0=10,
            max_it=1_000_000,
            numThreads=self.threads,
        )
        return Answer((W[:d],))
