"""Progress of solvers: lines, callbacks, and what an interruption leaves behind (estimators: test_progress_fit.py)."""

from __future__ import annotations

import warnings
from functools import cache
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from catalogue import LOSSES, SOLVERS, name_of
from numpy.testing import assert_allclose
from problems import WIDE, make_problem
from sklearn.exceptions import ConvergenceWarning

from mtlinear.certificate import certify
from mtlinear.compare._fitting import Rows, fit_path, make_candidates
from mtlinear.compare._models import make_models
from mtlinear.compare._tables import from_table
from mtlinear.losses import Logistic
from mtlinear.path import sweep
from mtlinear.penalties import Dirty, L1Lq, MeanRegularized, TraceNorm
from mtlinear.solvers import FISTA, ClosedForm, CoordinateDescent, ProximalNewton, Solver, Splitting

PENALTIES = [L1Lq(0.02), Dirty(0.05), TraceNorm(0.05), MeanRegularized(0.2, mean_alpha=0.05)]
LAYOUTS = ["shared", "stacked-unbalanced-weighted"]
CASES = [
    pytest.param(solver, penalty, loss, layout, id=f"{name_of(solver)}-{name_of(penalty)}-{loss!r}-{layout}")
    for solver in SOLVERS
    for penalty in PENALTIES
    for loss in LOSSES[:2]  # what a solver tells and keeps does not depend on the loss
    for layout in LAYOUTS
    if solver.refuses(make_problem(penalty, loss, design=layout, shape=WIDE)) is None
]
cases = pytest.mark.parametrize(("solver", "penalty", "loss", "layout"), CASES)


def problem_of(penalty, loss, layout):
    return make_problem(penalty, loss, design=layout, shape=WIDE)


@cache
def optimum(penalty, loss, layout):
    return FISTA().solve(problem_of(penalty, loss, layout), tol=1e-13, max_iter=100_000).certificate.objective


def solve(solver, problem, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return solver.solve(problem, **{"tol": 1e-10, "max_iter": 100_000} | options)


class Recorder:
    """A callback that keeps what it is told, and does something at the ``at``-th check."""

    def __init__(self, at=None, then=None):
        self.at = at
        self.then = then
        self.checks = []

    def __call__(self, check):
        self.checks.append(check)
        if len(self.checks) != self.at:
            return None
        if isinstance(self.then, type):
            raise self.then
        return self.then


def press_ctrl_c(*arguments):
    raise KeyboardInterrupt


def interrupt_prox(monkeypatch, problem, after):
    """Ctrl-C in the middle of an iteration: at one of the calls of a prox; all later ones work."""
    calls = {"count": 0}

    def interrupted(prox):
        def call(*arguments):
            calls["count"] += 1
            if calls["count"] == after + 1:
                raise KeyboardInterrupt
            return prox(*arguments)

        return call

    for cls in {type(penalty) for penalty in problem.part_penalties}:
        make = cls.prox_operator
        monkeypatch.setattr(cls, "prox_operator", lambda self, make=make: interrupted(make(self)))
    return calls


def assert_honest(problem, solution, best, told):
    """What is claimed of the parts is true of the parts, and nothing better was seen."""
    objective, gap = solution.certificate.objective, solution.certificate.gap
    rounding = 1e-12 * problem.null_objective
    assert_allclose(certify(problem, problem.settle(solution.parts)).objective, objective, rtol=1e-11)
    assert -rounding <= objective - best <= gap + rounding
    assert all(objective <= check.objective + rounding for check in told)
    last = solution.history[-1]
    assert (last.objective, last.gap) == (objective, gap)


@cases
@pytest.mark.parametrize("at", [1, 2, 4])
def test_ctrl_c_at_a_check_keeps_the_best_point(solver, penalty, loss, layout, at):
    problem = problem_of(penalty, loss, layout)
    at = min(at, len(solve(solver, problem).history) - 1)  # some are done sooner
    told = Recorder(at, KeyboardInterrupt)
    with pytest.warns(ConvergenceWarning, match=f"^{type(solver).__name__} was interrupted after .* duality gap of"):
        solution = solver.solve(problem, tol=1e-10, callback=told, keep_interrupted=True)
    assert solution.interrupted
    assert not solution.converged
    assert len(told.checks) == at  # it is not asked again
    assert_honest(problem, solution, optimum(penalty, loss, layout), told.checks)


@cases
@pytest.mark.parametrize("after", [0, 3, 20])
def test_ctrl_c_in_an_iteration_keeps_the_best_point(solver, penalty, loss, layout, after, monkeypatch):
    problem = problem_of(penalty, loss, layout)
    best = optimum(penalty, loss, layout)
    calls = interrupt_prox(monkeypatch, problem, after)
    told = Recorder()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        solution = solver.solve(problem, tol=1e-10, callback=told, keep_interrupted=True)
    if calls["count"] <= after:
        assert solution.converged  # without so many calls
        return
    assert solution.interrupted
    assert [str(w.message).split(" after")[0] for w in caught] == [f"{type(solver).__name__} was interrupted"]
    assert caught[0].filename == __file__
    assert_honest(problem, solution, best, told.checks)


@cases
def test_ctrl_c_is_raised_where_nobody_asked_to_keep(solver, penalty, loss, layout, monkeypatch):
    problem = problem_of(penalty, loss, layout)
    with pytest.raises(KeyboardInterrupt):
        solver.solve(problem, callback=Recorder(1, KeyboardInterrupt))
    closed = problem.penalty.task_quadratic(problem.n_tasks) is not None
    compiled = isinstance(getattr(solver, "inner", solver), CoordinateDescent)
    if not isinstance(solver, ClosedForm) and not compiled and not (isinstance(solver, ProximalNewton) and closed):
        # These use no prox.
        interrupt_prox(monkeypatch, problem, 0)
        with pytest.raises(KeyboardInterrupt):
            solver.solve(problem)


def test_ctrl_c_twice_in_a_row_is_raised(monkeypatch):
    """So that a loop that keeps what is interrupted can be left."""
    problem = make_problem(L1Lq(0.02))
    other = make_problem(TraceNorm(0.02))
    stop = {"callback": Recorder(2, KeyboardInterrupt), "keep_interrupted": True}
    with pytest.warns(ConvergenceWarning, match="Ctrl-C twice in a row leaves a loop over fits"):
        FISTA().solve(problem, **stop)
    assert solve(Splitting(), other, keep_interrupted=True).converged  # nobody presses
    with pytest.raises(KeyboardInterrupt):
        Splitting().solve(other, callback=Recorder(2, KeyboardInterrupt), keep_interrupted=True)
    monkeypatch.setattr(Solver, "_last_kept", Solver._last_kept - 1.0)
    with pytest.warns(ConvergenceWarning, match="interrupted"):
        Splitting().solve(other, callback=Recorder(2, KeyboardInterrupt), keep_interrupted=True)


def test_a_run_that_is_not_kept_counts_for_nothing():
    problem = make_problem(L1Lq(0.02))
    with pytest.raises(KeyboardInterrupt):
        FISTA().solve(problem, callback=Recorder(2, KeyboardInterrupt))
    with pytest.warns(ConvergenceWarning, match="stopped by the callback"):
        FISTA().solve(problem, callback=Recorder(2, True), keep_interrupted=True)
    with pytest.warns(ConvergenceWarning, match="interrupted"):
        FISTA().solve(problem, callback=Recorder(2, KeyboardInterrupt), keep_interrupted=True)


def test_ctrl_c_before_there_is_a_point_is_raised(monkeypatch):
    problem = make_problem(L1Lq(0.02))
    monkeypatch.setattr(type(problem), "start", press_ctrl_c)
    with pytest.raises(KeyboardInterrupt):
        FISTA().solve(problem, keep_interrupted=True)


def test_ctrl_c_after_a_good_start_loses_nothing():
    problem = make_problem(L1Lq(0.02))
    start = solve(FISTA(), problem, tol=1e-4).parts
    with pytest.warns(ConvergenceWarning, match="interrupted"):
        solution = FISTA().solve(
            problem, start, tol=1e-12, callback=Recorder(1, KeyboardInterrupt), keep_interrupted=True
        )
    assert_allclose(solution.parts, start)
    assert solution.certificate.gap <= 1e-4 * problem.null_objective


@cases
def test_the_callback_is_told_the_history(solver, penalty, loss, layout):
    problem = problem_of(penalty, loss, layout)
    told = Recorder()
    solution = solve(solver, problem, callback=told)
    # A point that was looked at twice is told twice, and the second look counts.
    assert tuple({check.n_iter: check for check in told.checks}.values()) == solution.history
    assert told.checks[0].n_iter == 0
    assert told.checks[0].objective <= problem.null_objective * (1 + 1e-12)
    seconds = [check.seconds for check in told.checks]
    assert seconds == sorted(seconds)
    alone = solve(solver, problem)
    np.testing.assert_array_equal(alone.parts, solution.parts)  # being told changes nothing


@cases
def test_a_true_answer_stops(solver, penalty, loss, layout):
    problem = problem_of(penalty, loss, layout)
    checks = len(solve(solver, problem).history)
    for at in {1, min(2, checks - 1)}:
        told = Recorder(at, then="enough")
        with pytest.warns(ConvergenceWarning, match=f"{type(solver).__name__} was stopped by the callback after"):
            solution = solver.solve(problem, tol=1e-10, callback=told)
        assert solution.interrupted
        assert len(told.checks) == at
        assert_honest(problem, solution, optimum(penalty, loss, layout), told.checks)


def test_a_stop_where_the_gap_is_small_enough_is_no_warning():
    problem = make_problem(L1Lq(0.02))
    limit = problem.gap_limit(1e-6)
    solution = solve(FISTA(), problem, tol=1e-6, callback=lambda check: check.gap <= limit)
    assert solution.converged


@cases
def test_an_error_of_the_callback_is_the_callers(solver, penalty, loss, layout):
    told = Recorder(2, ZeroDivisionError)
    with pytest.raises(ZeroDivisionError) as caught:
        solver.solve(problem_of(penalty, loss, layout), tol=1e-10, callback=told, keep_interrupted=True)
    assert len(told.checks) == 2
    assert caught.value.__context__ is None


@cases
def test_verbose_prints_a_line_for_every_check(solver, penalty, loss, layout, capsys):
    problem = problem_of(penalty, loss, layout)
    told = Recorder()
    solve(solver, problem, callback=told, verbose=1)
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    news = [f"{check.n_iter:>5}, objective {check.objective:<15.10g} gap {check.gap:8.2e}" for check in told.checks]
    news = [news[0], *(line for last, line in pairwise(news) if line != last)]
    assert len(lines) == len(news)
    for line, new in zip(lines, news, strict=True):
        assert line.startswith(f"{type(solver).__name__}: iteration {new} (wanted ")
    assert len({len(line) for line in lines}) == 1
    assert printed.err == ""
    solve(solver, problem)
    assert capsys.readouterr().out == ""


def test_the_line_of_an_interruption_is_not_lost(capsys):
    """A solver that works on moments certifies on the rows what Ctrl-C has left."""
    problem = make_problem(TraceNorm(0.05))
    with pytest.warns(ConvergenceWarning, match="interrupted"):
        solution = Splitting().solve(
            problem, tol=1e-12, verbose=1, callback=Recorder(2, KeyboardInterrupt), keep_interrupted=True
        )
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert_honest(problem, solution, solve(FISTA(), problem, tol=1e-13).certificate.objective, solution.history)


def test_a_sweep_is_stopped_by_one_ctrl_c(monkeypatch):
    problem = make_problem(L1Lq(0.02), Logistic())
    done = []
    steps = sweep(problem, [0.1, 0.05, 0.02], FISTA())
    done.append(next(steps))
    interrupt_prox(monkeypatch, problem, 2)
    with pytest.raises(KeyboardInterrupt):
        done.extend(steps)
    assert len(done) == 1


def test_a_path_of_compare_is_stopped_by_one_ctrl_c(monkeypatch):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.standard_normal((40, 4)), columns=list("abcy")).assign(task=np.arange(40) % 2)
    data = from_table(table, ["y"], task="task")
    rows = Rows(table[list("abc")].to_numpy(), table["y"].to_numpy(), table["task"].to_numpy())
    model = next(model for model in make_models(2) if model.name == "trace norm")
    fits = fit_path(data, model, rows, make_candidates(data, model, rows, 4), 1e-6)
    next(fits)
    monkeypatch.setattr(TraceNorm, "prox_operator", press_ctrl_c)
    with pytest.raises(KeyboardInterrupt):
        next(fits)
