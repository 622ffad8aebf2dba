"""Which solver a problem gets: every line of the rule, and that it never names one that refuses."""

from __future__ import annotations

import numpy as np
import pytest
from catalogue import LOSSES, PENALTIES, mixed
from problems import DESIGNS, Shape, make_problem

from mtlinear.losses import Logistic, Squared
from mtlinear.penalties import L1, Clustered, Dirty, InfimalConvolution, L1Lq, MeanRegularized, Ridge, TraceNorm
from mtlinear.problem import Problem
from mtlinear.solvers import FISTA, ClosedForm, InTurn, ProximalNewton, Splitting, WorkingSet, choose_solver

FEW, MANY, VERY_MANY = 20, 120, 320
LOW_RANK_AND_SPARSE = InfimalConvolution(TraceNorm(1.0), L1(1.0))


@pytest.mark.parametrize(
    ("penalty", "loss", "design", "shape", "expected"),
    [
        (Ridge(), Squared(), "shared", Shape(30, MANY, 3), ClosedForm),
        (MeanRegularized(), Squared(), "stacked", Shape(30, FEW, 3), ClosedForm),
        (L1Lq(), Squared(), "shared", Shape(30, MANY, 3), WorkingSet),
        (Dirty(), Squared(), "stacked", Shape(200, MANY, 3), WorkingSet),
        (L1Lq(), Squared(), "shared", Shape(30, FEW, 3), Splitting),
        (TraceNorm(), Squared(), "shared", Shape(200, MANY, 3), Splitting),
        (TraceNorm(), Squared(), "stacked", Shape(30, FEW, 3), Splitting),
        (Clustered(2), Squared(), "stacked", Shape(200, MANY, 3), InTurn),
        (LOW_RANK_AND_SPARSE, Squared(), "shared", Shape(30, MANY, 3), Splitting),
        (L1Lq(), Logistic(), "shared", Shape(30, MANY, 3), WorkingSet),
        (L1Lq(), Logistic(), "shared", Shape(200, MANY, 3), WorkingSet),
        (L1Lq(), Logistic(), "shared", Shape(200, FEW, 3), ProximalNewton),
        (L1Lq(), Logistic(), "shared", Shape(400, VERY_MANY, 3), WorkingSet),
        (MeanRegularized(), Logistic(), "stacked", Shape(30, FEW, 3), ProximalNewton),
        (TraceNorm(), Logistic(), "shared", Shape(400, VERY_MANY, 3), InTurn),
    ],
)
def test_the_rule(penalty, loss, design, shape, expected):
    problem = make_problem(penalty, loss, design=design, shape=shape)
    assert type(choose_solver(problem)) is expected


def test_models_of_second_order_where_they_are_cheap():
    tall, wide = (make_problem(L1Lq(), Logistic(), shape=Shape(n, MANY, 3)) for n in (200, 30))
    assert isinstance(choose_solver(tall).inner, ProximalNewton)
    assert choose_solver(wide).inner is None


def test_any_solver_can_be_forced():
    problem = make_problem(L1Lq(0.1))
    assert choose_solver(problem, solver := FISTA(3)) is solver


@mixed(penalty=PENALTIES, loss=LOSSES, design=list(DESIGNS))
def test_the_chosen_solver_accepts_the_problem(penalty, loss, design):
    for shape in (Shape(20, 4, 3), Shape(8, 12, 3)):
        problem = make_problem(penalty, loss, design=design, shape=shape)
        assert choose_solver(problem).refuses(problem) is None


def test_factorizations_that_would_be_too_large_are_not_asked_for():
    """200 tasks of 1,000 rows and 1,001 features: either side is too much for every task."""
    problem = make_problem(TraceNorm(), shape=Shape(4, 5, 2))
    data = problem.data
    huge = Problem.of(_Huge(data), TraceNorm(), check=False)
    assert "too large" in Splitting().refuses(huge)
    assert "too large" in ClosedForm().refuses(Problem.of(_Huge(data), Ridge(), check=False))
    assert isinstance(choose_solver(huge), InTurn)


class _Huge:
    """A data fit that says it is too large, and is otherwise another one."""

    has_resolvent = False

    def __init__(self, data):
        self._data = data

    def __getattr__(self, name):
        return getattr(self._data, name)


def test_in_turn_goes_on_where_the_first_stopped():
    problem = make_problem(L1Lq(0.01), shape=Shape(60, 15, 3))
    alone = FISTA().solve(problem, tol=1e-12, max_iter=100_000)
    together = InTurn(FISTA(), Splitting(), after=4).solve(problem, tol=1e-12)
    np.testing.assert_allclose(together.A, alone.A, atol=1e-6)
    assert together.history[1].n_iter <= 4 < together.n_iter


@pytest.mark.parametrize("name", ["first", "then"])
def test_in_turn_takes_solvers_only(name):
    solvers = {"first": FISTA(), "then": Splitting()} | {name: "FISTA"}
    with pytest.raises(TypeError, match=f"{name} must be a Solver object"):
        InTurn(**solvers).solve(make_problem(L1Lq(0.1)))


def test_in_turn_stays_with_the_first_where_the_second_refuses():
    problem = make_problem(L1Lq(0.1), Logistic())
    assert InTurn(FISTA(), Splitting(), after=1).solve(problem).converged
