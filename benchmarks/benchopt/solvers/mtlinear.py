"""This library."""
# ruff: noqa: RUF012 (lists as class attributes are benchopt's interface)

import warnings

from benchopt import BaseSolver

from mtlinear.designs import SharedDesign
from mtlinear.losses import Squared
from mtlinear.penalties import L1Lq
from mtlinear.problem import Problem
from mtlinear.solvers import choose_solver


class Solver(BaseSolver):
    """The solver that the library chooses; building the problem is part of the time."""

    name = "mtlinear"
    requirements = ["pip::mtlinear"]

    def set_objective(self, X, Y, alpha):
        self.X, self.Y, self.alpha = X, Y, alpha
        warnings.filterwarnings("ignore", module="mtlinear")

    def warm_up(self):
        self.run_once(1.0)

    def run(self, tol):
        problem = Problem(SharedDesign(self.X, self.Y.shape[1]), self.Y, Squared(), L1Lq(self.alpha))
        self.A = choose_solver(problem).solve(problem, tol=tol).A

    def get_next(self, tol):
        return min(tol, 10.0) / 10.0

    def get_result(self):
        return {"A": self.A}
