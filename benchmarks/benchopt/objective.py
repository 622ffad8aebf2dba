"""L1/L2 regression on a shared X with intercepts: primal objective and relative duality gap of whatever is returned."""
# ruff: noqa: RUF012 (lists as class attributes are benchopt's interface)

import numpy as np
from benchopt import BaseObjective
from benchopt.stopping_criterion import NoCriterion

from mtlinear.certificate import certify
from mtlinear.designs import SharedDesign
from mtlinear.losses import Squared
from mtlinear.path import alpha_max
from mtlinear.penalties import L1Lq
from mtlinear.problem import Problem
from mtlinear.solvers import choose_solver


class Objective(BaseObjective):
    """``1/(2n) ||Y - X A - 1 b'||_F^2 + alpha sum_j ||A[j, :]||_2``, alpha a fraction of the one at which A is zero.

    The gap is measured by us for everyone, against the higher of two lower bounds, the one the answer itself proves and
    the one we prove once (not timed), so that nobody loses for a poor certificate; it is relative to the objective at
    A = 0. Intercepts are the best ones for A, so solvers need not return theirs.
    """

    name = "L1/L2 regression"
    min_benchopt_version = "1.9"
    requirements = ["pip::mtlinear"]
    sampling_strategy = "tolerance"
    #: All solvers run at tolerances 1, 0.1, 0.01, ... (`get_next`), as many as ``-n`` says: no curve ends early.
    stopping_criterion = NoCriterion()
    parameters = {"fraction": [0.3, 0.1, 0.03]}
    test_config = {"fraction": 0.3}

    def set_data(self, X, Y):
        self.X, self.Y = X, Y
        design = SharedDesign(X, Y.shape[1])
        start = Problem(design, Y, Squared(), L1Lq())
        self.alpha = self.fraction * alpha_max(start)
        self.problem = start.with_penalty(L1Lq(self.alpha))
        self.bound = None

    def get_objective(self):
        return {"X": self.X, "Y": self.Y, "alpha": self.alpha}

    def evaluate_result(self, A):
        if self.bound is None:
            self.bound = choose_solver(self.problem).solve(self.problem, tol=1e-9).certificate.bound
        certificate = certify(self.problem, self.problem.settle([np.ascontiguousarray(A, dtype=float)]))
        gap = max(certificate.objective - max(certificate.bound, self.bound), 0.0)
        return {
            "value": certificate.objective,
            "relative_gap": gap / self.problem.null_objective,
            "rows": int(np.count_nonzero(np.any(A, axis=1))),
        }

    def get_one_result(self):
        return {"A": np.zeros((self.X.shape[1], self.Y.shape[1]))}
