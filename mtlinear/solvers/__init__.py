"""Solvers: algorithms that bring a problem to a certified duality gap."""

from mtlinear.solvers._base import Check, Solution, Solver
from mtlinear.solvers._fista import FISTA

__all__ = ["FISTA", "Check", "Solution", "Solver"]
