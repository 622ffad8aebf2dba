"""What a solver has reached: the best point so far, its certificate, and how it got there."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mtlinear._typing import Array
from mtlinear.certificate import Certificate, certify, certify_start, lower_bound
from mtlinear.problem import Point, Problem


@dataclass(frozen=True)
class Check:
    """One look at the certificate: after n_iter iterations and so many seconds."""

    n_iter: int
    objective: float
    gap: float
    seconds: float


#: What a caller may want to do at every check; a true answer stops the solver.
Callback = Callable[[Check], object]


class Incumbent:
    """The point that would be returned now. A solver looks at points; whatever stops it, the best one is kept.

    Parameters
    ----------
    problem : Problem
    start : sequence of ndarray (n_features, n_tasks), default None
        Parts to start from (zeros if None).
    dual : Point, default None
        A point of the same data fit whose residuals may bound the optimum from below.
    callback : callable, default None
        Gets every `Check` that is recorded, until it gives a true answer, which sets ``stopped``.

    Attributes
    ----------
    n_iter : int
        Iterations so far, counted by the solver.
    history : list of Check
        From the start, of which the callback is told by the first `record`.
    stopped : bool
        The callback wants no more.
    """

    def __init__(
        self,
        problem: Problem,
        start: Sequence[Array] | None = None,
        dual: Point | None = None,
        callback: Callback | None = None,
    ):
        self.problem = problem
        self.n_iter = 0
        self.history: list[Check] = []
        self.stopped = False
        self._callback = callback
        self._started = time.perf_counter()
        point = problem.start(start, dual)
        # One assignment: an interruption finds a point with its own certificate.
        self._best = (point, certify_start(problem, point, dual))
        self.record(quietly=True)

    @property
    def point(self) -> Point:
        """The best point so far."""
        return self._best[0]

    @property
    def certificate(self) -> Certificate:
        """Its objective with the highest bound so far, which may come from another point."""
        return self._best[1]

    @property
    def gap(self) -> float:
        """Duality gap of the best point."""
        return self.certificate.gap

    def look(self, point: Point) -> Certificate:
        """Certify a settled point; the lowest objective and the highest bound are kept."""
        certificate = certify(self.problem, point, self.certificate)
        if certificate.objective <= self.certificate.objective:
            self._best = (point, certificate)
        else:
            self._best = (self.point, replace(certificate, objective=self.certificate.objective))
        return certificate

    def bound_by(self, point: Point) -> None:
        """Keep the lower bound that a settled point gives, if it is higher; the best point stays what it is."""
        bound = lower_bound(self.problem, point)
        if bound > self.certificate.bound:
            self._best = (self.point, Certificate(self.certificate.objective, bound, point))

    def take_bound_of(self, other: Certificate) -> None:
        """Keep the bound of another problem whose optimum is not higher (one with more features), if it is higher."""
        if other.bound > self.certificate.bound:
            self._best = (self.point, replace(other, objective=self.certificate.objective))

    def record(self, *, quietly: bool = False) -> None:
        """Note what would be returned now, and (unless quietly) tell the callback."""
        now = self.certificate
        check = Check(self.n_iter, now.objective, now.gap, time.perf_counter() - self._started)
        self._note(check)
        if not quietly:
            self._tell(check)

    def relay(self) -> Callback:
        """A callback for a solver that works on the same problem in another form: its checks are told as ours."""
        first = self.n_iter

        def tell(check: Check) -> bool:
            if check.n_iter > 0:
                seconds = time.perf_counter() - self._started
                ours = Check(first + check.n_iter, check.objective, check.gap, seconds)
                self._note(ours)
                self._tell(ours)
            return self.stopped

        return tell

    def _note(self, check: Check) -> None:
        if self.history and self.history[-1].n_iter == check.n_iter:
            self.history[-1] = check  # the same point, looked at more closely
        else:
            self.history.append(check)

    def _tell(self, check: Check) -> None:
        if self._callback is not None and not self.stopped:
            callback, self._callback = self._callback, None  # one that raises is not asked again
            self.stopped = bool(callback(check))
            self._callback = callback

    def is_done(self, gap_limit: float, max_iter: int) -> bool:
        """Whether a solver should return: accurate enough, out of iterations, or stopped by the callback.

        Also where the objective lies below its bound by more than the gap that is wanted: only rounding is left.
        """
        certificate = self.certificate
        accurate = bool(np.isfinite(certificate.gap) and certificate.objective - certificate.bound <= gap_limit)
        return accurate or self.n_iter >= max_iter or self.stopped
