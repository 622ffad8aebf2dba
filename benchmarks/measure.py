"""One run of our solver, or of a peer, on one problem, in one process for all.

That process is a child, so that whoever takes too long, or takes the process with it, can be ended: `Worker` is the
side of the parent, `_serve` that of the child. Both sides speak of problems as `problems.Cell`.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
from passes import counted_passes
from peer import Peer
from peers import all_peers
from problems import Arrays, Cell, Data
from threadpoolctl import threadpool_limits

from mtlinear.certificate import certify
from mtlinear.losses import Logistic
from mtlinear.path import at_strength
from mtlinear.solvers import FISTA, choose_solver

#: Relative gap that everyone has to reach.
TOL = 1e-6
#: Seconds for what is not timed: making data, imports, compilation.
_PREPARATION = 600.0
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


class Failed(Exception):
    """The reason why there is no answer."""


class TooLong(Failed):
    """The time limit was reached."""


@dataclass(frozen=True)
class Run:
    """One run of ours: seconds, relative gap, the lower bound it proved, and how."""

    seconds: float
    gap: float
    bound: float
    solver: str
    n_iter: int


# The child ----------------------------------------------------------------------------------------------------------


def _serve(connection: Connection, threads: int) -> None:
    """Answer requests (name of a method of `_Bench`, arguments) until there are no more."""
    os.setsid()  # so that what it starts ends with it
    warnings.simplefilter("ignore")
    bench = _Bench(threads)
    with threadpool_limits(threads):
        while True:
            try:
                name, arguments = connection.recv()
            except EOFError:
                return
            try:
                connection.send((True, getattr(bench, name)(*arguments)))
            except Exception as error:
                connection.send((False, f"{type(error).__name__}: {error}".splitlines()[0][:200]))


class _Bench:
    """What the child does; it remembers the problem it is at and what its peers have prepared for it."""

    def __init__(self, threads: int):
        self.peers = {type(peer).__name__: peer for peer in all_peers(threads)}
        self.cell: Cell | None = None
        self.warm: set[tuple] = set()

    def load(self, cell: Cell) -> None:
        """Make the data."""
        if cell == self.cell:
            return
        self.prepared: dict[str, Any] = {}
        self.preparing: dict[str, float] = {}
        self.data = cell.build()
        self.problem = self.data.problem()
        self.cell = cell

    def ours(self, name: str) -> Run:
        """Our solver, or our FISTA; the time holds building the problem from plain arrays."""
        start = time.perf_counter()
        problem = self.data.problem()
        solver = FISTA() if name == "FISTA" else choose_solver(problem)
        solution = solver.solve(problem, tol=TOL)
        seconds = time.perf_counter() - start
        certificate = solution.certificate
        gap = certificate.gap / problem.null_objective
        return Run(seconds, gap, certificate.bound, type(solver).__name__, solution.n_iter)

    def bound(self) -> float:
        """A lower bound much closer to the optimum than the wanted gap, from one more run, which is not timed."""
        return choose_solver(self.problem).solve(self.problem, tol=0.01 * TOL).certificate.bound

    def passes(self) -> float:
        """Passes over X in one more run, which is not timed."""
        with counted_passes(*self.data.arrays.X.shape) as counter:
            problem = self.data.problem()
            choose_solver(problem).solve(problem, tol=TOL)
        return counter.total

    def reason(self, key: str) -> str | None:
        """Why a peer does not take part, or None; else its data are prepared and its code is compiled."""
        peer = self.peers[key]
        reason = peer.missing() or peer.refuses(self.data)
        if reason is None and key not in self.prepared:
            self._warm_up(key, peer)
            start = time.perf_counter()
            self.prepared[key] = peer.prepare(self.data)
            self.preparing[key] = time.perf_counter() - start
        return reason

    def preparation(self, key: str) -> float:
        """Seconds that `Peer.prepare` took."""
        return self.preparing[key]

    def _warm_up(self, key: str, peer: Peer) -> None:
        """Solve a tiny problem of the same kind, for imports and just-in-time compilation."""
        small = tiny(self.data)
        kind = (key, small.arrays.shared, type(small.arrays.loss), type(small.penalty), small.fit_intercept)
        if peer.warms_up and kind not in self.warm:
            peer.solve(small, peer.prepare(small), 1e-3)
        self.warm.add(kind)

    def theirs(self, key: str, tol: float, bound: float) -> tuple[float, float]:
        """(seconds, relative gap) of a peer; the bound is a known one, or minus infinity for what its answer proves."""
        peer = self.peers[key]
        start = time.perf_counter()
        answer = peer.solve(self.data, self.prepared[key], tol)
        seconds = time.perf_counter() - start if answer.seconds is None else answer.seconds
        point = self.problem.settle([np.ascontiguousarray(part, dtype=float) for part in answer.parts])
        certificate = certify(self.problem, point)
        gap = certificate.objective - max(certificate.bound, bound)
        return seconds, max(gap, 0.0) / self.problem.null_objective


def tiny(data: Data) -> Data:
    """A problem of the same kind with 3 tasks of 20 rows and 4 features."""
    rng = np.random.default_rng(0)
    arrays = data.arrays
    X = rng.standard_normal((20 if arrays.shared else 60, 4))
    Y = rng.standard_normal((20, 3) if arrays.shared else 60)
    if isinstance(arrays.loss, Logistic):
        Y = np.sign(Y)
    codes = None if arrays.shared else np.repeat(np.arange(3), 20)
    penalty = at_strength(data.penalty, 0.05)
    return replace(data, arrays=Arrays(X, Y, codes, 3, arrays.loss), penalty=penalty)


# The parent ---------------------------------------------------------------------------------------------------------


class Worker:
    """The child process; it is started again when it had to be ended.

    Parameters
    ----------
    threads : int
        For everyone: BLAS, OpenMP, numba and the peers' own.
    limit : float
        Seconds that one run may take.
    without : sequence of str
        Names, or their beginnings, of peers that do not take part.
    """

    def __init__(self, threads: int, limit: float, without: Sequence[str] = ()):
        self.threads, self.limit = threads, limit
        self.peers = {
            type(peer).__name__: peer for peer in all_peers(threads) if not peer.name.startswith(tuple(without))
        }
        self.cell: Cell | None = None
        self._process = None

    def at(self, cell: Cell) -> None:
        """Go to a problem."""
        self.cell = cell
        self._ask(_PREPARATION, "load", cell)

    def ours(self, name: str = "") -> Run:
        return self._timed("ours", name)

    def bound(self) -> float:
        return self._timed("bound")

    def passes(self) -> float:
        return self._timed("passes")

    def reason(self, key: str) -> str | None:
        return self._ask(_PREPARATION, "reason", key)

    def theirs(self, key: str, tol: float, bound: float) -> tuple[float, float]:
        reason = self.reason(key)  # also prepares, which is lost when the child was started again
        if reason is not None:
            raise Failed(reason)
        seconds, gap = self._timed("theirs", key, tol, bound)
        if seconds > self.limit:
            raise TooLong(f"> {self.limit:g} s")
        return seconds, gap

    def preparation(self, key: str) -> float:
        """Seconds that bringing the data to a peer's format took, beside its time."""
        return self._ask(_PREPARATION, "preparation", key)

    def stop(self) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.kill()
            self._process.join()
            self._process = None

    def _timed(self, name: str, *arguments: Any) -> Any:
        # Starting other programs and certifying are inside this limit too: hence a little more.
        return self._ask(1.1 * self.limit + 5.0, name, *arguments)

    def _ask(self, limit: float, name: str, *arguments: Any) -> Any:
        if self._process is None:
            self._start()
            if name != "load":
                self._ask(_PREPARATION, "load", self.cell)
        self._connection.send((name, arguments))
        if not self._connection.poll(limit):
            self.stop()
            raise TooLong(f"> {self.limit:g} s" if limit != _PREPARATION else "preparation took too long")
        try:
            good, value = self._connection.recv()
        except (EOFError, ConnectionResetError) as error:
            self.stop()
            raise Failed("the process died") from error
        if not good:
            raise Failed(value)
        return value

    def _start(self) -> None:
        os.environ.update({variable: str(self.threads) for variable in THREAD_VARIABLES})
        context = multiprocessing.get_context("spawn")
        self._connection, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(other, self.threads), daemon=True)
        self._process.start()
        other.close()
