"""Which solver a problem gets when the caller names none."""

from __future__ import annotations

from mtlinear.problem import Problem
from mtlinear.solvers._base import Solver
from mtlinear.solvers._fista import FISTA
from mtlinear.solvers._working_set import WorkingSet, is_row_separable

#: Fewer features than this are no work: a working set would cost more than it saves.
_FEW_FEATURES = 100


def choose_solver(problem: Problem, wanted: Solver | None = None) -> Solver:
    """``wanted`` if given; else `WorkingSet` for sums over rows and 100 or more features, and `FISTA` otherwise."""
    if wanted is not None:
        return wanted
    if problem.n_features >= _FEW_FEATURES and is_row_separable(problem):
        return WorkingSet()
    return FISTA()
