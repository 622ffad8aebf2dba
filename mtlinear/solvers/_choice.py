"""Which solver a problem gets when the caller names none."""

from __future__ import annotations

from mtlinear.problem import Problem
from mtlinear.solvers._base import Solver
from mtlinear.solvers._fista import FISTA
from mtlinear.solvers._working_set import WorkingSet, is_row_separable

#: Fewer features than this are no work: a working set would cost more than it saves.
_FEW_FEATURES = 100


def choose_solver(problem: Problem, wanted: Solver | None = None) -> Solver:
    """The solver for a problem.

    ``wanted`` if given. Else `WorkingSet` for penalties that are sums over the rows of A, from 100 features; with other
    than squared loss only if there are more features than rows: the smaller problems then need the rows, and copying
    columns of many rows costs more than it saves. Else `FISTA`.
    """
    if wanted is not None:
        return wanted
    data = problem.data
    wide = problem.n_features > data.rows_per_task
    if problem.n_features >= _FEW_FEATURES and is_row_separable(problem) and (data.loss.quadratic or wide):
        return WorkingSet()
    return FISTA()
