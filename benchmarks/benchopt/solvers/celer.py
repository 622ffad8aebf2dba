"""celer's working sets with dual extrapolation."""
# ruff: noqa: RUF012 (lists as class attributes are benchopt's interface)

from benchopt import BaseSolver
from celer.homotopy import mtl_path


class Solver(BaseSolver):
    """Through `mtl_path`: the class MultiTaskLasso of 0.7.4 does not run with scikit-learn 1.9."""

    name = "celer"
    requirements = ["pip::celer"]

    def set_objective(self, X, Y, alpha):
        self.X, self.Y, self.alpha = X, Y, alpha

    def run(self, tol):
        X, Y = self.X - self.X.mean(axis=0), self.Y - self.Y.mean(axis=0)
        self.A = mtl_path(X, Y, alphas=[self.alpha], tol=min(tol, 1.0), max_iter=1000)[1][:, :, 0].T

    def get_next(self, tol):
        return min(tol, 10.0) / 10.0

    def get_result(self):
        return {"A": self.A}
