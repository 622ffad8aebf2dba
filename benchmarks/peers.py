"""All the packages that solve some of our problems."""

from __future__ import annotations

from peer import Peer
from peers_blocks import AdelieBlocks, SkglmBlocks
from peers_cvxpy import SCS, Clarabel
from peers_external import MALSAR, RMTL
from peers_shared import Adelie, Celer, ScikitLearn, ScikitLearnLasso, Skglm, Spams


def all_peers(threads: int) -> list[Peer]:
    """Every adapter, whether its package is there or not."""
    classes: list[type[Peer]] = [
        ScikitLearn,
        ScikitLearnLasso,
        Celer,
        Skglm,
        SkglmBlocks,
        Adelie,
        AdelieBlocks,
        Spams,
        Clarabel,
        SCS,
        MALSAR,
        RMTL,
    ]
    return [peer(threads) for peer in classes]
