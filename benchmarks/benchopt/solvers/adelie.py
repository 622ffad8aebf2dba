"""adelie's group elastic net with several responses."""
# ruff: noqa: RUF012 (lists as class attributes are benchopt's interface)

import adelie
import numpy as np
from benchopt import BaseSolver


class Solver(BaseSolver):
    """``1/(2nT) SSE + lambda * (row norms)``, so lambda = alpha / T."""

    name = "adelie"
    requirements = ["pip::adelie"]

    def set_objective(self, X, Y, alpha):
        self.X, self.alpha = np.asfortranarray(X), alpha
        self.shape = X.shape[1], Y.shape[1]
        self.glm = adelie.glm.multigaussian(np.ascontiguousarray(Y))

    def run(self, tol):
        state = adelie.grpnet(
            self.X,
            self.glm,
            penalty=np.ones(self.shape[0]),
            lmda_path=[self.alpha / self.shape[1]],
            tol=min(tol, 1.0),
            early_exit=False,
            max_iters=10_000_000,
            progress_bar=False,
        )
        self.A = state.betas.toarray()[-1].reshape(self.shape)

    def get_next(self, tol):
        return min(tol, 10.0) / 10.0

    def get_result(self):
        return {"A": self.A}
