"""Solvers: algorithms that bring a problem to a certified duality gap."""

from mtlinear.solvers._base import NO_MINIMUM, Solution, Solver
from mtlinear.solvers._choice import choose_solver
from mtlinear.solvers._closed_form import ClosedForm
from mtlinear.solvers._coordinate_descent import CoordinateDescent
from mtlinear.solvers._fista import FISTA
from mtlinear.solvers._in_turn import InTurn
from mtlinear.solvers._incumbent import Callback, Check
from mtlinear.solvers._proximal_newton import ProximalNewton
from mtlinear.solvers._splitting import Splitting
from mtlinear.solvers._working_set import WorkingSet

__all__ = [
    "FISTA",
    "NO_MINIMUM",
    "Callback",
    "Check",
    "ClosedForm",
    "CoordinateDescent",
    "InTurn",
    "ProximalNewton",
    "Solution",
    "Solver",
    "Splitting",
    "WorkingSet",
    "choose_solver",
]
