"""Progress of fits: verbose, callbacks, Ctrl-C (of solvers: test_progress.py)."""

from __future__ import annotations

import copy
import pickle
import signal
import subprocess
import sys
import textwrap
import warnings

import numpy as np
import pytest
from estimatortools import ESTIMATORS, REGRESSORS, SMALL, TIGHT, make, target_for
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from test_progress import Recorder, interrupt_prox, press_ctrl_c

import mtlinear
from mtlinear import (
    MultiTaskRegressor,
    MultiTaskRegressorCV,
    ReweightedRegressor,
    TraceNormRegressor,
    regularization_path,
)
from mtlinear.certificate import certify
from mtlinear.estimators import _base
from mtlinear.penalties import L1Lq
from mtlinear.solvers import FISTA, Check, Splitting, WorkingSet

FINE = {"tol": 1e-10, "max_iter": 100_000}


def said(check):
    """A callback that can be pickled."""
    print("callback at", check.n_iter)


def assert_honest(model, X, y, **keywords):
    """Objective and gap of a fitted model are true of its parts, and no better model was hidden."""
    problem = clone(model)._read_problem(X, y, None, keywords.get("tasks"))
    parts = list(model.parameters_.parts.values())
    best = clone(model).set_params(callback=None, **TIGHT).fit(X, y, **keywords).objective_
    rounding = 1e-11 * problem.null_objective
    assert_allclose(certify(problem, problem.settle(parts)).objective, model.objective_, rtol=1e-11)
    assert -rounding <= model.objective_ - best <= model.dual_gap_ + rounding
    assert_array_equal(model.coef_, np.sum(parts, axis=0).T)
    assert model.history_[-1].gap == model.dual_gap_


#: A fit is one run of a solver.
ONE_RUN = [name for name in ESTIMATORS if not name.startswith("Reweighted")]


@pytest.mark.parametrize("at", [1, 3])
@pytest.mark.parametrize("name", ONE_RUN)
def test_ctrl_c_fits_the_best_point_so_far(name, at, shared):
    X, y = shared[0], target_for(name, shared[1])
    model = make(name, **SMALL[name], **FINE, solver=FISTA(), callback=Recorder(at, KeyboardInterrupt))
    with pytest.warns(ConvergenceWarning, match="FISTA was interrupted after") as caught:
        assert model.fit(X, y) is model
    assert caught[0].filename == __file__
    assert len(model.callback.checks) == at
    assert model.dual_gap_ > 1e-10 * model.null_objective_
    assert model.predict(X).shape == y.shape
    assert_honest(model, X, y)


@pytest.mark.parametrize("name", ONE_RUN)
def test_ctrl_c_in_an_iteration(name, stacked, monkeypatch):
    X, y, tasks = stacked
    y = target_for(name, y)
    model = make(name, **SMALL[name], **FINE, solver=FISTA(check_every=2))
    problem = model._read_problem(X, y, None, tasks)
    with monkeypatch.context() as patch:
        interrupt_prox(patch, problem, 9)
        with pytest.warns(ConvergenceWarning, match="was interrupted after"):
            model.fit(X, y, tasks=tasks)
    assert model.objective_ < model.null_objective_
    assert_honest(model, X, y, tasks=tasks)


@pytest.mark.parametrize("solver", [None, FISTA(), Splitting(), WorkingSet(FISTA(), least=1)], ids=repr)
def test_ctrl_c_in_every_solver(solver, shared):
    X, Y = shared
    model = MultiTaskRegressor(L1Lq(0.05), **FINE, solver=solver, callback=Recorder(2, KeyboardInterrupt))
    with pytest.warns(ConvergenceWarning, match="was interrupted"):
        model.fit(X, Y)
    assert_honest(model, X, Y)


def test_ctrl_c_in_a_stage_is_the_last_stage(shared):
    X, Y = shared
    whole = ReweightedRegressor(L1Lq(0.05), **FINE, solver=FISTA()).fit(X, Y)
    assert len(whole.objective_path_) > 2
    looks = []
    model = ReweightedRegressor(L1Lq(0.05), **FINE, solver=FISTA(), callback=lambda check: looks.append(check))
    model.fit(X, Y)
    first_stage = next(k for k, check in enumerate(looks[1:], 1) if check.n_iter == 0)  # every run begins with a look
    model.set_params(callback=Recorder(first_stage + 2, KeyboardInterrupt))
    with pytest.warns(ConvergenceWarning, match="was interrupted"):
        model.fit(X, Y)
    assert len(model.objective_path_) == 2
    assert model.objective_path_[0] == whole.objective_path_[0]
    assert model.dual_gap_ > whole.dual_gap_


def test_a_fit_can_go_on_where_it_was_interrupted(shared):
    model = TraceNormRegressor(0.1, **FINE, solver=FISTA(), warm_start=True, callback=Recorder(3, KeyboardInterrupt))
    with pytest.warns(ConvergenceWarning, match="interrupted"):
        model.fit(*shared)
    before = model.objective_
    model.fit(*shared)
    assert model.history_[0].objective == pytest.approx(before, rel=1e-12)
    assert model.dual_gap_ <= 1e-10 * model.null_objective_


def state(model):
    return {name: value for name, value in vars(model).items() if name not in model.get_params(deep=False)}


@pytest.mark.parametrize("name", ONE_RUN)
def test_an_error_of_the_callback_leaves_the_model_as_it_was(name, shared):
    X, y = shared[0], target_for(name, shared[1])
    model = make(name, **SMALL[name], callback=Recorder(2, ZeroDivisionError))
    with pytest.raises(ZeroDivisionError):
        model.fit(X, y)
    assert state(model) == {}
    model.fit(X, y)  # it raises once
    before = state(model)
    with pytest.raises(ZeroDivisionError):
        model.set_params(callback=Recorder(1, ZeroDivisionError)).fit(X[:, :3], y)
    after = state(model)
    assert before.keys() == after.keys()
    assert all(before[key] is after[key] for key in before)


@pytest.mark.parametrize("where", ["reads", "starts"])
def test_ctrl_c_before_the_solver_leaves_the_model_as_it_was(where, shared, monkeypatch):
    X, Y = shared
    model = TraceNormRegressor(0.1).fit(X, Y)
    before = state(model)
    if where == "reads":
        monkeypatch.setattr(_base, "SharedDesign", press_ctrl_c)
    else:
        monkeypatch.setattr(_base.Problem, "start", press_ctrl_c)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X[:, :3], Y[:, :2])
    assert all(before[key] is value for key, value in state(model).items())


@pytest.mark.parametrize("name", ONE_RUN)
def test_the_callback_can_end_a_fit(name, shared):
    X, y = shared[0], target_for(name, shared[1])
    model = make(name, **SMALL[name], **FINE, solver=FISTA(), callback=Recorder(3, then=True))
    with pytest.warns(ConvergenceWarning, match="FISTA was stopped by the callback after"):
        model.fit(X, y)
    assert tuple(model.callback.checks) == model.history_
    assert all(isinstance(check, Check) for check in model.callback.checks)
    assert_honest(model, X, y)


def test_a_list_can_keep_the_checks(shared):
    checks = []
    model = TraceNormRegressor(0.1, solver=FISTA(), callback=checks.append).fit(*shared)
    assert tuple(checks) == model.history_


@pytest.mark.parametrize("name", ONE_RUN)
def test_verbose_prints_a_line_for_every_check(name, shared, capsys):
    X, y = shared[0], target_for(name, shared[1])
    model = make(name, **SMALL[name], solver=FISTA(), verbose=1).fit(X, y)
    printed = capsys.readouterr()
    assert len(printed.out.splitlines()) == len(model.history_)
    assert printed.err == ""
    model.set_params(verbose=0).fit(X, y)
    assert capsys.readouterr().out == ""
    model.set_params(verbose=True).fit(X, y)
    assert capsys.readouterr().out.startswith("FISTA: iteration     0, objective ")


# -- chunks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in REGRESSORS if name in ONE_RUN])
def test_partial_fit_keeps_the_chunk_and_the_best_point(name, shared):
    X, Y = shared
    told = Recorder(2, KeyboardInterrupt)
    model = make(name, **SMALL[name], **FINE, solver=FISTA())
    model.partial_fit(X[:20], Y[:20]).set_params(callback=told)
    with pytest.warns(ConvergenceWarning, match="FISTA was interrupted"):
        model.partial_fit(X[20:], Y[20:])
    assert_honest(model, X, Y)
    model.partial_fit(X[:1], Y[:1], sample_weight=[0.0])  # adds nothing, and solves to the end
    whole = clone(model).set_params(callback=None).fit(X, Y)
    assert abs(model.objective_ - whole.objective_) <= 3e-10 * whole.null_objective_


def test_an_error_in_partial_fit_is_as_if_the_chunk_had_not_come(shared, capsys):
    X, Y = shared
    model = TraceNormRegressor(0.1, solver=FISTA(), verbose=1).partial_fit(X[:30], Y[:30])
    assert len(capsys.readouterr().out.splitlines()) == len(model.history_)
    before = state(model)
    with pytest.raises(ZeroDivisionError):
        model.set_params(callback=Recorder(1, ZeroDivisionError)).partial_fit(X[30:], Y[30:])
    assert all(before[key] is value for key, value in state(model).items())


# -- loops over fits --------------------------------------------------------------------------------------------------


class Presses:
    """Ctrl-C at checks of these numbers, counted over all clones."""

    checks = 0

    def __init__(self, *at):
        self.at = at

    def __call__(self, check):
        Presses.checks += 1
        if Presses.checks in self.at:
            raise KeyboardInterrupt


@pytest.mark.parametrize("at", [[3], [3, 4], [3, 9]], ids=str)
def test_ctrl_c_twice_ends_a_search(at, shared, monkeypatch):
    monkeypatch.setattr(Presses, "checks", 0)
    model = TraceNormRegressor(**FINE, solver=FISTA(), callback=Presses(*at))
    search = GridSearchCV(model, {"alpha": [0.5, 0.1, 0.01]}, cv=3)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if len(at) == 1:
            search.fit(*shared)
            assert search.best_estimator_.dual_gap_ <= 1e-10 * search.best_estimator_.null_objective_
        else:
            with pytest.raises(KeyboardInterrupt):
                search.fit(*shared)
    assert sum("interrupted" in str(w.message) for w in caught) == 1
    assert len(at) == 1 or Presses.checks == at[-1]


def test_our_own_loops_end_at_once(shared, monkeypatch):
    X, Y = shared
    model = TraceNormRegressor()
    whole = regularization_path(model, X, Y, alphas=6)
    n_checks = {"count": 0}
    run = FISTA.run

    def interrupted(self, incumbent, gap_limit, max_iter):
        n_checks["count"] += 1
        run(self, incumbent, gap_limit, 2 if n_checks["count"] == 4 else max_iter)
        if n_checks["count"] == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr(FISTA, "run", interrupted)
    model.set_params(solver=FISTA())
    with pytest.warns(UserWarning, match="interrupted after 3 of 6 alphas"):
        path = regularization_path(model, X, Y, alphas=6)
    assert len(path) == 3
    assert_allclose(path.objectives, whole.objectives[:3], rtol=1e-5)
    n_checks["count"] = 0
    search = MultiTaskRegressorCV(solver=FISTA(), alphas=6, cv=3)
    with pytest.raises(KeyboardInterrupt):
        search.fit(X, Y)
    assert n_checks["count"] == 4
    assert state(search) == {}


def test_a_path_neither_prints_nor_calls(shared, capsys):
    told = Recorder()
    regularization_path(TraceNormRegressor(verbose=1, callback=told), *shared, alphas=3)
    assert capsys.readouterr().out == ""
    assert told.checks == []


def test_cross_validation_prints_its_last_fit_at_2(shared, capsys):
    settings = {"alphas": 3, "eps": 0.1, "cv": 3, "solver": FISTA()}
    MultiTaskRegressorCV(**settings, verbose=1).fit(*shared)
    printed = capsys.readouterr()
    assert (printed.out, len(printed.err.splitlines())) == ("", 3)
    model = MultiTaskRegressorCV(**settings, verbose=2).fit(*shared)
    printed = capsys.readouterr()
    assert (len(printed.out.splitlines()), len(printed.err.splitlines())) == (len(model.history_), 3)
    assert "callback" not in model.get_params()


# -- a parameter like any other ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ONE_RUN)
def test_clones_and_pickles_keep_it(name, shared, capsys):
    model = make(name, **SMALL[name], callback=said, verbose=0)
    assert clone(model).callback is said
    assert copy.deepcopy(model).callback is said
    again = pickle.loads(pickle.dumps(model.fit(shared[0], target_for(name, shared[1]))))
    assert again.callback is said
    assert capsys.readouterr().out.startswith("callback at 0\n")
    with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
        pickle.dumps(model.set_params(callback=lambda check: False))
    pickle.dumps(model.set_params(callback=None))


def test_every_estimator_documents_them():
    for name in ESTIMATORS:
        assert "callback : callable, default None" in getattr(mtlinear, name).__doc__
    for name in ("MultiTaskRegressorCV", "MultiTaskClassifierCV"):
        text = getattr(mtlinear, name).__doc__
        assert "callback" not in text
        assert text.count("verbose : int >= 0, default 0") == 1
        assert "warm_start :" not in text
        assert text.count("max_iter : int >= 1") == text.count("n_jobs : int") == text.count("Attributes\n") == 1


# -- the real thing ---------------------------------------------------------------------------------------------------

PROGRAM = """
    import sys, time, numpy as np
    from mtlinear import BlockSparseRegressor
    from mtlinear.solvers import FISTA

    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((50, 20)), rng.standard_normal((50, 3))

    def slow(check):
        print("check", flush=True)
        if check.n_iter:
            time.sleep(60)

    model = BlockSparseRegressor(0.01, solver=FISTA(), callback=slow).fit(X, Y)
    print("fitted", model.n_iter_, model.dual_gap_ > 1e-6 * model.null_objective_, flush=True)
    model.fit(X, Y)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT from outside")
def test_a_signal_from_outside():
    """A first one ends the fit, which goes on; a second one ends the program."""
    program = subprocess.Popen(
        [sys.executable, "-c", "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
         + textwrap.dedent(PROGRAM)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    lines = []
    for _ in range(2):
        lines += [program.stdout.readline(), program.stdout.readline()]  # the start, and the first check after it
        program.send_signal(signal.SIGINT)
        lines.append(program.stdout.readline())
    _, error = program.communicate(timeout=60)
    assert lines == ["check\n", "check\n", "fitted 4 True\n", "check\n", "check\n", ""]
    assert "ConvergenceWarning: FISTA was interrupted after 4 iterations" in error
    assert error.rstrip().endswith("KeyboardInterrupt")
    assert program.returncode != 0
