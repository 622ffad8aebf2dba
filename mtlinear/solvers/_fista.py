"""Accelerated proximal gradient."""

from __future__ import annotations

import math

import numpy as np

from mtlinear._precision import machine_epsilon, total
from mtlinear._typing import Array
from mtlinear._validation import check_integer
from mtlinear.problem import Problem
from mtlinear.solvers._base import Solver
from mtlinear.solvers._incumbent import Incumbent

#: Factor on the curvature estimate before every step: how fast steps grow again.
_SHRINK = 0.8
#: Smallest curvature estimate, as a fraction of the first.
_LEAST = 1e-9
#: Moves of so many units of machine epsilon, relative, say nothing about the curvature.
_NOTHING = 64


class FISTA(Solver):
    """FISTA with adaptive restart, for every loss and penalty.

    All parts P_k of an infimal convolution move at once along the one gradient of the loss,

        P_k <- prox_k(Y_k - step * gradient(sum Y), step).

    The step follows the curvature of the loss between the last two points (see `_Steps._proximal_step`), which is often
    far below its bound; ``1 / (n_parts * curvature * norm_bound)`` is always accepted, because ``||sum_k D_k||^2 <=
    n_parts sum_k ||D_k||^2`` makes it safe for any number of parts. Where the loss has no bound on its curvature the
    step is found by backtracking alone. Momentum is dropped whenever it points uphill (O'Donoghue & Candes 2015,
    gradient scheme).

    Parameters
    ----------
    check_every : int, default 10
        Iterations between two looks at the duality gap; less in the beginning (4, 4, 4, 6, 9, ...), later one tenth of
        the iterations so far.

    References
    ----------
    Beck & Teboulle (2009), SIAM J. Imaging Sci. 2, 183-202. O'Donoghue & Candes (2015), Found. Comput. Math. 15.
    Scheinberg, Goldfarb & Bai (2014), Found. Comput. Math. 14 (steps that grow again).
    """

    def __init__(self, check_every: int = 10):
        self.check_every = check_every

    def refuses(self, problem: Problem) -> str | None:
        check_integer("check_every", self.check_every, at_least=1)
        return None

    def run(self, incumbent: Incumbent, gap_limit: float, max_iter: int) -> None:
        if incumbent.is_done(gap_limit, max_iter):
            return
        steps = _Steps(incumbent)
        while not incumbent.is_done(gap_limit, max_iter):
            # Early looks come close together: a warm start may need few steps.
            n_iter = incumbent.n_iter
            pause = min(max(4, n_iter // 2), max(self.check_every, n_iter // 10))
            for _ in range(min(pause, max_iter - n_iter)):
                steps.step()
                incumbent.n_iter += 1
            steps.check()


class _Steps:
    """The moving state of one run: the last two iterates, their images, the momentum and the step."""

    def __init__(self, incumbent: Incumbent):
        self.incumbent = incumbent
        self.problem = problem = incumbent.problem
        self.prox = [penalty.prox_operator() for penalty in problem.part_penalties]
        self.oracle = problem.oracle(incumbent.point)
        self.parts: Array = np.array(incumbent.point.parts)
        bound = problem.lipschitz
        unit = len(self.parts) * (problem.data.norm_bound if bound is None else bound)
        # Where data have no curvature (constant features) any step will do, but one that overflows.
        unit = unit if unit > np.finfo(problem.data.dtype).tiny / _LEAST else 1.0
        self.safe_lipschitz = np.inf if bound is None else unit
        self.lipschitz = unit
        # Where iterates stand still no curvature is seen, and the estimate would sink for ever.
        self.least_lipschitz = _LEAST * self.lipschitz
        self.nothing = (_NOTHING * machine_epsilon(problem.data.dtype)) ** 2
        self.previous = self.parts
        self.image = self.previous_image = self.oracle.image(self.parts.sum(axis=0))
        self.momentum = 1.0

    def step(self) -> None:
        """One accelerated proximal gradient step."""
        momentum = 0.5 * (1.0 + math.sqrt(1.0 + 4.0 * self.momentum**2))
        beta = (self.momentum - 1.0) / momentum
        ahead = self.parts + beta * (self.parts - self.previous)
        ahead_image = self.image + beta * (self.image - self.previous_image)
        gradient = self.oracle.gradient(ahead.sum(axis=0), ahead_image)
        new, new_image = self._proximal_step(ahead, ahead_image, gradient)
        uphill = total((ahead - new) * (new - self.parts)) > 0.0
        self.momentum = 1.0 if uphill else momentum
        self.previous, self.previous_image = self.parts, self.image
        self.parts, self.image = new, new_image

    def _proximal_step(self, ahead: Array, ahead_image: Array, gradient: Array) -> tuple[Array, Array]:
        """New parts and their image, with the longest step that the curvature between the two points allows.

        A step 1/L decreases the objective as it should if the Bregman divergence of F is at most L/2 ||move||^2. For
        squared loss that divergence is half the bend; for any convex loss it is at most the bend, so the test with
        twice the bend is on the safe side. L shrinks a little before every step and doubles until the test holds.
        """
        caution = 1.0 if self.problem.data.loss.quadratic else 2.0
        self.lipschitz = max(_SHRINK * self.lipschitz, self.least_lipschitz)
        while True:
            step = 1.0 / self.lipschitz
            new = np.stack([prox(Y - step * gradient, step) for prox, Y in zip(self.prox, ahead, strict=True)])
            new_image = self.oracle.image(new.sum(axis=0))
            if self.lipschitz >= self.safe_lipschitz:
                return new, new_image
            move = new - ahead
            bend = caution * self.oracle.bend(ahead_image, new_image, move.sum(axis=0))
            if bend <= self.lipschitz * total(move**2):
                return new, new_image
            if self.safe_lipschitz == np.inf and total(move**2) <= self.nothing * total(ahead**2):
                return new, new_image  # such a bend is rounding: without a bound L would double for ever
            self.lipschitz = min(2.0 * self.lipschitz, self.safe_lipschitz)

    def check(self) -> None:
        """Certify the present iterate."""
        point = self.problem.settle(self.parts)
        self.incumbent.look(point)
        # What exact minimisation over the null space moved is moved in both iterates: the momentum stays what it was.
        shift = np.array(point.parts) - self.parts
        if np.any(shift):
            image = self.oracle.image(shift.sum(axis=0))
            self.parts, self.previous = self.parts + shift, self.previous + shift
            self.image, self.previous_image = self.image + image, self.previous_image + image
        self.oracle.agree(self.image, point.reading)
        self.incumbent.record()
