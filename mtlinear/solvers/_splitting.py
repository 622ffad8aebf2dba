"""Douglas-Rachford splitting: the penalty through its prox, the squared loss through cached factorizations."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from mtlinear._precision import total
from mtlinear._typing import Array
from mtlinear._validation import check_integer
from mtlinear.datafit import Coupled, Resolvent
from mtlinear.penalties import Penalty, RowSeparable, TaskQuadratic, joint_null_space
from mtlinear.problem import Problem
from mtlinear.solvers._anderson import Anderson
from mtlinear.solvers._base import Solver
from mtlinear.solvers._compressed import on_moments
from mtlinear.solvers._incumbent import Incumbent
from mtlinear.solvers._newton_steps import NewtonSteps

#: Over-relaxation, in (0, 2) (Eckstein & Bertsekas 1992).
_RELAXATION = 1.8
#: rho at the beginning, as a fraction of the curvature of the data.
_FIRST_RHO = 0.3
#: rho changes when the residuals are out of balance by the first factor, and by at most the second.
_UNBALANCED, _LARGEST_CHANGE = 3.0, 20.0
#: Iterations before that is looked at: the first rho knows nothing of the penalty, and is wrong by orders in raw units.
_FIRST_BALANCE = 5
#: Iterations before the first look, from a start that is not zero and from zero.
_WARM_PAUSE, _COLD_PAUSE = 2, 5
#: Points that Anderson acceleration combines, and iterations between two such steps.
_MEMORY, _EVERY = 5, 10
#: Power of a row's curvature in the metric: 0 is none, 1 is Jacobi scaling.
_SCALING = 0.35
#: Smallest curvature of a row that the metric makes a difference of, relative to the mean.
_LEAST_CURVATURE = 1e-4
#: For quotients.
_TINY = 1e-300


class Splitting(Solver):
    r"""Douglas-Rachford splitting (ADMM) for squared loss and every penalty.

    With ``v_k = z_k + u_k`` for the parts P_k of the penalty, one iteration is

        z_k = prox_k(v_k, 1/rho_k),   u_k = v_k - z_k,
        x   = argmin F(sum_k x_k) + sum_k rho_k/2 ||x_k - (z_k - u_k)||^2,   v_k <- v_k + 1.8 (x_k - z_k).

    The second line is one linear solve per task, through an inverse that is computed once per rho (`mtlinear.datafit.
    Resolvent`): bad scaling of the features costs few iterations, where gradient steps would creep. What the penalty
    leaves free is not penalised there either, but solved for exactly. A quadratic that couples the tasks
    (`Problem.smooth`) has a copy of the sum of the parts, with a prox and a rho of its own. What keeps it from
    wandering, and ends it early:

    - rho is balanced (primal against dual residual) only when the number of iterations has doubled, so it changes a
      logarithmic number of times and then stays;
    - rows of row-separable penalties have a rho_k of their own, proportional to a root of their curvature (between none
      and Jacobi scaling: each end was found to be slow on some of the School problems);
    - every ten iterations there is a safeguarded Anderson step (`Anderson`);
    - once the entries in use have settled, Newton steps end it where the penalty allows them (`NewtonSteps`: L1, L1/L2,
      L1/Linf, and dirty models of them); for the lasso with active sets, for the others (if 300 iterations were not
      enough) from kink to kink, so that nearly collinear features are no longer a walk of thousands of iterations.

    Where Gram matrices are smaller than the rows it works on them alone, and the rows certify the result.

    Parameters
    ----------
    check_every : int, default 10
        Iterations between two looks at the duality gap; fewer in the beginning, later a tenth of those so far.

    References
    ----------
    Lions & Mercier (1979), SIAM J. Numer. Anal. 16. Boyd et al. (2011), Found. Trends Mach. Learn. 3. Stellato et al.
    (2020), Math. Prog. Comp. 12 (OSQP: balancing rho, factorizations that are kept).
    """

    def __init__(self, check_every: int = 10):
        self.check_every = check_every

    def refuses(self, problem: Problem) -> str | None:
        check_integer("check_every", self.check_every, at_least=1)
        if not problem.data.loss.quadratic:
            return "its loss is not the squared loss (ProximalNewton uses this solver inside, for the others)."
        if not problem.data.has_resolvent:
            return "its factorizations, n_features^2 or n_rows^2 numbers for every task, would be too large."
        return None

    def run(self, incumbent: Incumbent, gap_limit: float, max_iter: int) -> None:
        on_moments(incumbent, gap_limit, max_iter, self._iterate)

    def _iterate(self, incumbent: Incumbent, gap_limit: float, max_iter: int) -> None:
        if incumbent.is_done(gap_limit, max_iter):
            return
        steps = _Steps(incumbent)
        next_balance = _FIRST_BALANCE
        while not incumbent.is_done(gap_limit, max_iter):
            n_iter = incumbent.n_iter
            # Early looks come closer together: a warm start, and Newton steps, may need few iterations.
            pause = max(min(self.check_every, steps.first_pause + n_iter // 4), n_iter // 10)
            for _ in range(min(pause, max_iter - n_iter)):
                steps.step()
                incumbent.n_iter += 1
            steps.check()
            if incumbent.is_done(gap_limit, max_iter):
                break
            steps.jump(gap_limit)
            if incumbent.n_iter >= next_balance:
                steps.balance()
                next_balance = 2 * incumbent.n_iter


class _Steps:
    """The moving state of one run: v, its prox z, and rho with the inverse that belongs to it.

    Arrays of parts have the shape (n_parts, n_features, n_tasks), or (n_parts + 1, ...) with the copy of their sum for
    the quadratic between tasks at the end; ``metrics[k] * rho`` is rho_k.
    """

    def __init__(self, incumbent: Incumbent):
        self.incumbent = incumbent
        self.problem = problem = incumbent.problem
        self.resolvent = resolvent = problem.data.resolvent()
        self.linear = problem.data.linear.astype(np.float64, copy=False)
        penalties = problem.part_penalties
        self.prox: list[Callable[[Array, Any], Array]] = [penalty.prox_operator() for penalty in penalties]
        self.metrics = [_metric(penalty, resolvent) for penalty in penalties]
        # Of the smooth part what is a multiple of the identity goes with the data; the rest of it, if any, has a prox.
        smooth = problem.precise_smooth
        self.ridge = 0.0 if smooth is None else smooth.smallest
        self.coupling = None if smooth is None or smooth.is_multiple else smooth.shifted(-self.ridge)
        # Parts that share what is free among them are put right at every check instead.
        free = problem.rest.null_space(problem.n_tasks)[:, : None if len(penalties) == 1 else 0]
        self.free = joint_null_space(free, self.coupling)
        self.linear_free = self.linear @ self.free
        self.n_parts = len(penalties)
        z: Array = np.array(incumbent.point.parts, dtype=np.float64)
        # At the solution rho_k u_k is minus the gradient, for every part; the point with the best bound is nearest.
        dual = incumbent.certificate.dual
        if dual.A.shape != problem.shape[1:]:  # that of a problem with more features
            dual = incumbent.point
        pull = dual.A if dual.pull is None else dual.pull
        forces = [problem.without_smooth(dual.reading.force, pull)] * self.n_parts
        if self.coupling is not None:
            self.prox.append(self.coupling.prox)
            self.metrics.append(_between(resolvent, self.coupling))
            z = np.concatenate([z, z.sum(axis=0)[None]])
            forces.append(self.coupling.times(pull.astype(np.float64, copy=False)))
        roots = np.array([np.sqrt(np.broadcast_to(metric, problem.shape[1:])) for metric in self.metrics])
        self.anderson = Anderson(_MEMORY, _EVERY, roots)
        self.rho = _FIRST_RHO
        self.newton = NewtonSteps(problem) if NewtonSteps.apply_to(problem) else None
        self.first_pause = _WARM_PAUSE if np.any(z) else _COLD_PAUSE
        u = [force / (self.rho * metric) for force, metric in zip(forces, self.metrics, strict=True)]
        self._start(z, np.array(u))

    def _start(self, z: Array, u: Array) -> None:
        self.v: Array = z + u
        self.z = self.last_z = self.x = z
        self.anderson.forget()
        steps = [1.0 / (self.rho * metric) for metric in self.metrics]
        self.steps = [float(step[0, 0]) if step.size == 1 else step for step in steps]
        # What a change of the sum of the parts costs when they share it in the cheapest way.
        metrics = self.metrics[: self.n_parts]
        self.joint = np.asarray(self.rho / sum(1.0 / metric for metric in metrics))
        self.shares = [self.joint / (self.rho * metric) for metric in metrics]
        self.pull = float(self.rho * self.metrics[-1].item()) if self.coupling is not None else 0.0
        inverse = self.resolvent.at(self.joint + (self.pull + self.ridge))
        k = self.free.shape[1]
        self.solve = Coupled(
            inverse,
            self.free,
            np.full(k, -float(self.joint.max()) - self.pull),
            np.full(k, self.ridge),
            self.resolvent.curvature,
        )

    def step(self) -> None:
        """One iteration."""
        near = 2.0 * self.z - self.v
        together = near[: self.n_parts].sum(axis=0)
        bound = self.joint * together
        if self.coupling is not None:
            bound = bound + self.pull * near[-1]
        for _ in range(2 if self.free.shape[1] else 0):  # twice: what the first leaves is rounding of what is free
            bound = bound - (bound @ self.free) @ self.free.T
        new = self.solve(self.linear + bound, self.linear_free)
        move = new - together
        x = [part + share * move for part, share in zip(near, self.shares, strict=False)]
        self.x = np.array(x if self.coupling is None else [*x, new])
        self.v = self.anderson.next(self.v, self.v + _RELAXATION * (self.x - self.z))
        self.last_z = self.z
        self.z = np.array([prox(v, step) for prox, v, step in zip(self.prox, self.v, self.steps, strict=True)])

    def check(self) -> None:
        """Certify the parts that the prox has made."""
        dtype = self.problem.data.dtype
        point = self.problem.settle(self.z[: self.n_parts].astype(dtype, copy=False))
        self.incumbent.look(point)
        # x is where the gradient is nearly what the penalties allow: often a better bound, but never sparse.
        inner = self.problem.settle(self.x[: self.n_parts].astype(dtype, copy=False))
        if self.coupling is not None:
            # The copy has the tasks together, and the force that takes, as the others do not before the end.
            self.incumbent.look(self.problem.settle(self._together().astype(dtype, copy=False)))
            inner = replace(inner, pull=self.z[-1].astype(dtype, copy=False))
        self.incumbent.bound_by(inner)
        self.incumbent.record()
        if self.n_parts > 1 and self.problem.null_space.shape[1]:
            moved = np.array(point.parts, dtype=np.float64) - self.z[: self.n_parts]
            if self.coupling is not None:
                moved = np.concatenate([moved, moved.sum(axis=0)[None]])
            self.z, self.v = self.z + moved, self.v + moved
            self.anderson.forget()

    def _together(self) -> Array:
        """The parts with the copy as their sum; rows that are zero in all of them stay so."""
        parts = self.z[: self.n_parts]
        used = np.any(parts != 0, axis=(0, 2))[:, None]
        return parts + used * (self.z[-1] - parts.sum(axis=0)) / self.n_parts

    def jump(self, gap_limit: float) -> None:
        """Newton steps, if the structure has settled."""
        if self.newton is None or not self.newton.are_due(self.z, self.incumbent.n_iter):
            return
        reached = self.newton.run(self.incumbent, self.z, self.steps, gap_limit)
        if reached is not None:
            self.z, u = reached
            self.v, self.last_z, self.x = self.z + u, self.z, self.z
            self.anderson.forget()

    def balance(self) -> None:
        """Change rho if the two residuals, each relative to what it is a difference of, are out of balance."""
        u = self.v - self.z
        # What is free follows x at once: it has no residual, and says nothing about sizes.
        primal = self._norm(self.x - self.z) / max(self._norm(self.z), self._norm(self.x), _TINY)
        dual = self._norm(self.z - self.last_z) / max(self._norm(u), _TINY)
        ratio = max(primal, _TINY) / max(dual, _TINY)
        if 1.0 / _UNBALANCED < ratio < _UNBALANCED:
            return
        factor = min(max(math.sqrt(ratio), 1.0 / _LARGEST_CHANGE), _LARGEST_CHANGE)
        self.rho *= factor
        self._start(self.z, u / factor)

    def _norm(self, parts: Array) -> float:
        if self.free.shape[1]:
            parts = parts - (parts @ self.free) @ self.free.T
        return math.sqrt(sum(total(metric * part**2) for metric, part in zip(self.metrics, parts, strict=True)))


def _metric(penalty: Penalty, resolvent: Resolvent) -> Array:
    """Curvature in which a part moves: one number, or one for every row or entry where the penalty allows it."""
    diagonal = resolvent.diagonal
    mean = np.full((1, 1), max(float(diagonal.mean()), _TINY))
    if not isinstance(penalty, RowSeparable) or penalty.null_space(resolvent.diagonal.shape[1]).shape[1]:
        return mean  # what is free moves in the same curvature as the rest
    if not (penalty.by_entry and resolvent.by_task):
        diagonal = diagonal.mean(axis=1, keepdims=True)
    return mean * np.maximum(diagonal / mean, _LEAST_CURVATURE) ** _SCALING


def _between(resolvent: Resolvent, coupling: TaskQuadratic) -> Array:
    """Curvature in which the copy for a quadratic moves: that of the data, or (if less) between it and its own."""
    mean = max(float(resolvent.diagonal.mean()), _TINY)
    return np.full((1, 1), math.sqrt(mean * min(coupling.largest, mean)))
