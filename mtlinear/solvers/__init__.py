"""Solvers: algorithms that bring a problem to a certified duality gap."""

from mtlinear.solvers._base import NO_MINIMUM, Check, Solution, Solver
from mtlinear.solvers._choice import choose_solver
from mtlinear.solvers._fista import FISTA
from mtlinear.solvers._working_set import WorkingSet

__all__ = ["FISTA", "NO_MINIMUM", "Check", "Solution", "Solver", "WorkingSet", "choose_solver"]
