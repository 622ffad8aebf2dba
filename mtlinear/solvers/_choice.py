"""Which solver a problem gets when the caller names none."""

from __future__ import annotations

from mtlinear.problem import Problem
from mtlinear.solvers._base import Solver
from mtlinear.solvers._closed_form import ClosedForm
from mtlinear.solvers._fista import FISTA
from mtlinear.solvers._in_turn import InTurn
from mtlinear.solvers._proximal_newton import ProximalNewton
from mtlinear.solvers._splitting import Splitting
from mtlinear.solvers._working_set import WorkingSet, is_row_separable

#: Fewer features than this are no work: a working set would cost more than it saves.
_FEW_FEATURES = 100
#: Weighted Gram matrices of more features cost more than the gradient steps they save.
_MANY_FEATURES = 300
#: Smallest working set where every look at the features costs a weighted Gram matrix.
_LEAST = 20


def choose_solver(problem: Problem, wanted: Solver | None = None) -> Solver:
    """The solver for a problem: ``wanted`` if given, else by this rule (the first line that applies).

    Squared loss

    1. `ClosedForm` where the penalty is a quadratic between tasks (Ridge, MeanRegularized);
    2. `WorkingSet` from 100 features, for penalties that are sums over the rows of A;
    3. `Splitting` where the factorizations cost little: tasks that share one Gram matrix, or at most 100 features;
    4. ``InTurn(FISTA(), Splitting())``.

    Other losses

    1. `WorkingSet` from 100 features, for sums over the rows of A; with `ProximalNewton` inside where there are more
       rows than features, and at most 300 of these;
    2. `ProximalNewton` up to 300 features;
    3. ``InTurn(FISTA(), ProximalNewton())``.

    The numbers are break-even points of benchmarks/run.py; all of these solvers reach the same certified gap.
    """
    if wanted is not None:
        return wanted
    data, d = problem.data, problem.n_features
    if not data.loss.quadratic:
        if is_row_separable(problem) and d >= _FEW_FEATURES:
            small = d <= min(data.rows_per_task, _MANY_FEATURES)
            return WorkingSet(ProximalNewton(), least=_LEAST) if small else WorkingSet()
        return ProximalNewton() if d <= _MANY_FEATURES else InTurn(FISTA(), ProximalNewton())
    if ClosedForm().refuses(problem) is None:
        return ClosedForm()
    if is_row_separable(problem) and d >= _FEW_FEATURES:
        return WorkingSet()
    if Splitting().refuses(problem) is None and (d <= _FEW_FEATURES or data.has_one_gram):
        return Splitting()
    return InTurn(FISTA(), Splitting())
