"""scikit-learn's MultiTaskLasso."""
# ruff: noqa: RUF012 (lists as class attributes are benchopt's interface)

import warnings

from benchopt import BaseSolver
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import MultiTaskLasso


class Solver(BaseSolver):
    """Cyclic block coordinate descent; stops by the duality gap relative to ||Y||^2."""

    name = "scikit-learn"
    requirements = ["pip::scikit-learn"]

    def set_objective(self, X, Y, alpha):
        self.X, self.Y, self.alpha = X, Y, alpha
        warnings.simplefilter("ignore", ConvergenceWarning)

    def run(self, tol):
        model = MultiTaskLasso(self.alpha, tol=min(tol, 1.0), max_iter=1_000_000)
        self.A = model.fit(self.X, self.Y).coef_.T

    def get_next(self, tol):
        return min(tol, 10.0) / 10.0

    def get_result(self):
        return {"A": self.A}
