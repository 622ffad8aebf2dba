"""skglm's MultiTaskLasso."""
# ruff: noqa: RUF012 (lists as class attributes are benchopt's interface)

from benchopt import BaseSolver
from skglm import MultiTaskLasso


class Solver(BaseSolver):
    """Block coordinate descent on working sets; its tolerance is an absolute one of the gradient, hence times alpha."""

    name = "skglm"
    requirements = ["pip::skglm"]

    def set_objective(self, X, Y, alpha):
        self.X, self.Y, self.alpha = X, Y, float(alpha)

    def warm_up(self):
        self.run_once(1.0)

    def run(self, tol):
        model = MultiTaskLasso(
            self.alpha,
            tol=min(tol, 1.0) * self.alpha,
            max_iter=1000,
            fit_intercept=True,
            copy_X=False,
            warm_start=False,
        )
        self.A = model.fit(self.X, self.Y).coef_.T

    def get_next(self, tol):
        return min(tol, 10.0) / 10.0

    def get_result(self):
        return {"A": self.A}
