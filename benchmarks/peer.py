"""What a peer is: a package that solves some of our problems, behind one small adapter.

Ours is ``(1/m) sum of the losses + alpha Omega(A)``, m the mean number of rows of a task. Every adapter translates the
strength; that it does so rightly is seen in the true gap of what comes back, which we compute.

What is not part of a peer's time: bringing the data to the format it likes (`Peer.prepare`), imports and just-in-time
compilation. Building our problem from plain arrays is part of ours.
"""

from __future__ import annotations

import importlib.util
from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import numpy as np
from problems import Data

from mtlinear.penalties import L1Lq, Penalty

#: The answer of `Peer.refuses` where it is a question of the kind of problem, not of its size.
NO_MODEL = "does not have this model"


class Answer(NamedTuple):
    """What a peer returns.

    ``parts`` sum to A (n_features, n_tasks); intercepts are left out, since `Problem.settle` finds the best ones.
    ``seconds`` is its own time where it runs in a program of its own, whose start is not counted.
    """

    parts: tuple[np.ndarray, ...]
    seconds: float | None = None


class Peer(ABC):
    """A package that solves some of the problems.

    Parameters
    ----------
    threads : int
        How many it may use.

    Attributes
    ----------
    name : str
    module : str
        What has to be importable.
    first_tol : float
        The loosest tolerance that is tried; the next are ten times smaller each.
    warms_up : bool
        Whether a first tiny run (imports, just-in-time compilation) makes the next one faster.
    """

    name: str
    module: str
    first_tol = 1e-1
    warms_up = True

    def __init__(self, threads: int):
        self.threads = threads

    def missing(self) -> str | None:
        """Why this peer cannot run on this machine, or None."""
        return None if importlib.util.find_spec(self.module) else f"{self.module} is not installed"

    @abstractmethod
    def refuses(self, data: Data) -> str | None:
        """Why this peer cannot solve a problem of this kind or size, or None."""

    def prepare(self, data: Data) -> Any:
        """The data in its own format; not part of its time."""
        return None

    @abstractmethod
    def solve(self, data: Data, prepared: Any, tol: float) -> Answer:
        """Solve with its own tolerance, on a relative scale."""


def row_norm(penalty: Penalty) -> float | None:
    """q of an L1/Lq penalty, else None."""
    return float(penalty.q) if isinstance(penalty, L1Lq) else None
