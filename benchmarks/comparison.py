"""Our solver and its peers on one problem, at equal true gap, one after the other.

The true gap of an answer is its objective minus the highest lower bound that is known: the one it proves itself, or the
much closer one that we find once a problem. So no peer loses for a poor certificate; ours has to prove its gap itself.
How long the peers take until theirs do so too is measured beside it. A peer gets the loosest of its tolerances that
reaches the wanted gap (`find_tolerance`).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from measure import TOL, Failed, Run, Worker
from problems import Cell

#: Runs longer than this are made once; where ours is shorter than that, all are repeated three times as often.
LONG, SHORT = 5.0, 0.05
#: The last of the tolerances, and the number of halvings between the last that failed and the first that did not.
_LAST_TOL, _HALVINGS = 1e-13, 2


@dataclass
class Found:
    """A peer's tolerance that reaches the gap, its times, and what bringing the data to its format took beside them.

    ``proof_tol`` and ``proof_seconds`` are those at which its answer proves the gap by itself, as ours does; without
    them where that was not asked for, or never happened.
    """

    name: str
    tol: float
    gap: float
    preparation: float
    seconds: list[float]
    proof_tol: float = 0.0
    proof_seconds: list[float] = field(default_factory=list)

    @property
    def best(self) -> float:
        return min(self.seconds)


def find_tolerance(run: Callable[[float], tuple[float, float]], first: float, patience: float) -> tuple[float, Any]:
    """The loosest tolerance at which ``run`` reaches the gap, and what it returned: (tol, (seconds, gap)).

    From ``first`` in tenths; then between the last that failed and the first that did not, unless a run takes longer
    than ``patience`` seconds.
    """
    failed, tol = None, first
    while True:
        result = run(tol)
        if result[1] <= TOL:
            break
        if tol <= _LAST_TOL:
            raise Failed(f"its gap stays at {result[1]:.0e}")
        failed, tol = tol, tol / 10.0
    for _ in range(_HALVINGS if failed is not None and result[0] <= patience else 0):
        middle = float(np.sqrt(failed * tol))
        try:
            attempt = run(middle)
        except Failed:
            break
        if attempt[1] <= TOL:
            tol, result = middle, attempt
        else:
            failed = middle
    return tol, result


@dataclass(frozen=True)
class Comparison:
    """One problem: our run, passes over X, who was found at which time, and who was not and why."""

    cell: Cell
    run: Run
    seconds: float
    passes: float
    found: list[Found]
    skipped: dict[str, str]
    limit: float

    @property
    def best(self) -> Found | None:
        return min(self.found, key=lambda peer: peer.best, default=None)

    @property
    def ratio(self) -> tuple[float, bool] | None:
        """(best peer's time over ours, exact): a lower bound where all that took part were stopped at the limit."""
        if self.best is not None:
            return self.best.best / self.seconds, True
        late = any(reason.startswith(">") for reason in self.skipped.values())
        return (self.limit / self.seconds, False) if late else None

    @property
    def ratio_proved(self) -> float | None:
        """`ratio` with the time until a peer's answer proves the gap by itself, of those that were not far behind."""
        proofs = [min(peer.proof_seconds) for peer in self.found if peer.proof_seconds]
        return min(proofs) / self.seconds if proofs else None

    @property
    def ratio_as_called(self) -> float | None:
        """`ratio` where a peer's time includes bringing plain arrays to the format it likes, as ours does."""
        if not self.found:
            return None
        return min(peer.best + peer.preparation for peer in self.found) / self.seconds


def compare(worker: Worker, cell: Cell, repeats: int = 3, with_fista: bool = False) -> Comparison:
    """Our solver and all peers on one problem.

    Raises
    ------
    Failed
        If ours gives no answer.
    """
    worker.at(cell)
    run = worker.ours()
    ours = [run.seconds]
    bound = run.bound
    with suppress(Failed):
        bound = max(bound, worker.bound())
    found: dict[str, Found] = {}
    skipped: dict[str, str] = {}
    for key, peer in worker.peers.items():
        try:
            tol, (seconds, gap) = find_tolerance(
                lambda tol, key=key: worker.theirs(key, tol, bound), peer.first_tol, 0.2 * worker.limit
            )
            found[key] = Found(peer.name, tol, gap, worker.preparation(key), [seconds])
        except Failed as failure:
            skipped[peer.name] = str(failure)
    skipped = {name: reason for name, reason in skipped.items() if all(peer.name != name for peer in found.values())}
    best = min((peer.best for peer in found.values()), default=np.inf)
    near = {key: peer for key, peer in found.items() if peer.best <= min(LONG, 3.0 * best)}
    for key, peer in near.items():
        with suppress(Failed):
            peer.proof_tol, (seconds, _) = find_tolerance(
                lambda tol, key=key: worker.theirs(key, tol, -np.inf), peer.tol, 0.2 * worker.limit
            )
            peer.proof_seconds.append(seconds)
    if min(ours) <= SHORT:
        repeats *= 3
    for _ in range(repeats - 1):  # in turn, so that a slow minute of the machine meets all; those far behind need not
        if min(ours) <= LONG:
            ours.append(worker.ours().seconds)
        for key, peer in near.items():
            peer.seconds.append(worker.theirs(key, peer.tol, bound)[0])
            if peer.proof_seconds:
                peer.proof_seconds.append(worker.theirs(key, peer.proof_tol, -np.inf)[0])
    others = list(found.values())
    if with_fista:
        skipped["our FISTA"] = _fista(worker)
    return Comparison(cell, run, min(ours), worker.passes(), others, skipped, worker.limit)


def _fista(worker: Worker) -> str:
    """What issue 1's solver does, in words: it is no peer."""
    try:
        run = worker.ours("FISTA")
    except Failed as failure:
        return str(failure)
    return f"{run.seconds:.3g} s, gap {run.gap:.0e}"
