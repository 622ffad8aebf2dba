"""Sums of two or three parts: when they are really one part, what the default weights are, and who the outliers are."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from catalogue import N_TASKS
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from problems import make_problem
from spectraltools import explore

import mtlinear
from mtlinear import MultiTaskRegressor, ParameterMatrix
from mtlinear.designs import SharedDesign
from mtlinear.losses import Squared
from mtlinear.penalties import (
    L1,
    ColumnSparse,
    InfimalConvolution,
    L1Lq,
    Robust,
    RobustFeatures,
    SparseLowRank,
    TraceNorm,
)
from mtlinear.problem import Problem
from mtlinear.reference import solve_reference
from mtlinear.solvers import FISTA, Splitting

D = 4  # features of the catalogue's tall problems

#: For every model: its share, the range of the ratio of the weights, and the norms of its parts.
MODELS = {
    Robust: ("column_ratio", (1.0, np.sqrt(N_TASKS)), (TraceNorm, ColumnSparse)),
    RobustFeatures: ("column_ratio", (1.0 / np.sqrt(D), np.sqrt(N_TASKS)), (L1Lq, ColumnSparse)),
    SparseLowRank: ("l1_ratio", (1.0, np.sqrt(D * N_TASKS)), (TraceNorm, L1)),
}
EACH = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)


def optimum(penalty, seed):
    return FISTA().solve(make_problem(penalty, seed=seed), tol=1e-12, max_iter=100_000)


# Column groups --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("q", [1, 1.5, 2, 3, np.inf])
def test_column_groups_are_row_groups_of_the_transpose(q):
    A = np.random.default_rng(0).standard_normal((5, 4))
    columns, rows = ColumnSparse(0.7, q), L1Lq(0.7, q)
    assert_allclose(columns.value(A), rows.value(A.T), rtol=1e-15)
    assert_allclose(columns.gauge(A), rows.gauge(A.T), rtol=1e-15)
    assert_allclose(columns.prox(A, 0.9), rows.prox(A.T, 0.9).T, rtol=0, atol=0)
    assert_allclose(columns.value(A), 0.7 * sum(np.linalg.norm(A[:, t], q) for t in range(4)))


def test_column_groups_drop_whole_tasks():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 5))
    truth = np.column_stack([rng.standard_normal(5), np.zeros(5), rng.standard_normal(5)])
    model = MultiTaskRegressor(ColumnSparse(alpha=0.3)).fit(X, X @ truth + 0.1 * rng.standard_normal((60, 3)))
    assert model.coef_.any(axis=1).tolist() == [True, False, True]


# Both parts, or one of them ----------------------------------------------------------------------------------------


@EACH
@explore(200)
@given(seed=st.integers(0, 10_000), d=st.integers(1, 6), T=st.integers(1, 6), kind=st.integers(0, 3))
def test_dual_norms_are_between_the_bounds(model, seed, d, T, kind):
    """low D_2 <= D_1 <= high D_2, the inequalities from which the range follows, with both ends reached."""
    rng = np.random.default_rng(seed)
    first, second = (norm(1.0) for norm in MODELS[model][2])
    low, high = model()._mixing(T, d)
    room = 1e-12
    one_row, one_column, same = np.zeros((d, T)), np.zeros((d, T)), np.ones((d, T))
    one_row[0], one_column[:, 0] = 1.0, 1.0
    G = [rng.standard_normal((d, T)), one_row, one_column, same][kind]
    assert low * second.gauge(G) <= first.gauge(G) * (1 + room)
    assert first.gauge(G) <= high * second.gauge(G) * (1 + room)
    single = np.zeros((d, T))
    single[0, 0] = 1.0
    ratios = [first.gauge(G) / second.gauge(G) for G in (one_row, one_column, same, single)]
    assert_allclose([min(ratios), max(ratios)], [low, high], rtol=1e-12)


@EACH
@pytest.mark.parametrize("seed", [0, 1])
def test_degenerate_models_are_what_the_warning_says(model, seed):
    name, (low, high), (first, second) = MODELS[model]
    alpha = 0.3
    for ratio, which in ((0.9 * low, 0), (1.1 * high, 1)):
        share = 1.0 / (1.0 + ratio)
        penalty = model(alpha, share)
        with pytest.warns(UserWarning, match=rf"{name}=.*{'S|Q = 0' if which == 0 else 'L|P = 0'}"):
            penalty.check(D, N_TASKS)
        only = first(alpha * (1.0 - share)) if which == 0 else second(alpha * share)
        with pytest.warns(UserWarning, match=name):
            same = optimum(penalty, seed)
        one = optimum(only, seed)
        assert_allclose(same.certificate.objective, one.certificate.objective, rtol=1e-10)
        assert_allclose(same.A, one.A, atol=1e-5 * (1e-3 + np.abs(one.A).max()))
        assert_allclose(same.parts[1 - which], 0.0, atol=1e-8)
    for share in (1.0 / (1.0 + 1.02 * low), 1.0 / (1.0 + 0.98 * high), None):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            model(alpha, share).check(D, N_TASKS)


@EACH
@pytest.mark.parametrize("place", [0.02, 0.5, 0.98])
def test_inside_the_range_the_sum_is_cheaper_than_both_parts(model, place):
    """At points of one ball that are outside the other: none contains the other, anywhere inside the range."""
    _, (low, high), _ = MODELS[model]
    penalty = model(1.0, 1.0 / (1.0 + low ** (1.0 - place) * high**place))
    (_, first), (_, second) = penalty.parts(N_TASKS, D)
    one_row, one_column, same, single = (np.zeros((D, N_TASKS)) for _ in range(4))
    one_row[0], one_column[:, 0], same[:], single[0, 0] = 1.0, 1.0, 1.0, 1.0
    points = (one_row, one_column, same, single)
    assert any(first.gauge(G) > second.gauge(G) * (1 + 1e-3) for G in points)
    assert any(second.gauge(G) > first.gauge(G) * (1 + 1e-3) for G in points)


@EACH
def test_default_weights_are_the_geometric_middle(model):
    name, _, _ = MODELS[model]
    (_, first), (_, second) = model(2.0).parts(5, 80)
    low, high = {Robust: (1, 5), RobustFeatures: (1 / 80, 5), SparseLowRank: (1, 400)}[model]
    assert_allclose(first.alpha / second.alpha, (low * high) ** 0.25)
    assert_allclose(first.alpha + second.alpha, 2.0)
    assert getattr(model(2.0), name) is None
    # The shape counts where the solvers ask, not only in `parts`.
    problem = Problem(SharedDesign(np.eye(80), 5), np.ones((80, 5)), Squared(), model(2.0))
    assert [penalty.alpha for penalty in problem.part_penalties] == [first.alpha, second.alpha]


@pytest.mark.parametrize(("model", "one"), [(Robust, TraceNorm), (RobustFeatures, L1Lq)])
def test_a_huge_column_weight_leaves_the_other_part(model, one):
    """MALSAR's rho: alpha (1 - share) stays, alpha share goes to infinity."""
    rho, huge = 0.1, 1e5
    with pytest.warns(UserWarning, match="column_ratio"):
        both = optimum(model(rho + huge, huge / (rho + huge)), 0)
    alone = optimum(one(rho), 0)
    assert_allclose(both.A, alone.A, atol=1e-6)
    assert_allclose(both.certificate.objective, alone.certificate.objective, rtol=1e-9)
    assert not both.parts[1].any()


@pytest.mark.parametrize(
    "penalty",
    [
        InfimalConvolution(TraceNorm(0.15), ColumnSparse(0.1), L1(0.07)),
        InfimalConvolution(L1Lq(0.15), ColumnSparse(0.15), L1(0.09)),
        InfimalConvolution(Robust(0.25), L1(0.08)),
        InfimalConvolution(RobustFeatures(0.3), TraceNorm(0.2)),
    ],
    ids=repr,
)
@pytest.mark.parametrize("solver", [FISTA(), Splitting()], ids=repr)
def test_three_parts(penalty, solver):
    problem = make_problem(penalty, seed=3)
    solution = solver.solve(problem, tol=1e-9, max_iter=50_000)
    assert len(solution.parts) == 3
    reference = solve_reference(problem).objective
    assert solution.certificate.objective - reference <= solution.certificate.gap + 1e-9
    assert_allclose(solution.certificate.objective, reference, rtol=1e-7)


# Outliers -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", [FISTA(), Splitting()], ids=repr)
@pytest.mark.parametrize(("penalty", "part"), [(Robust(0.5), "S"), (RobustFeatures(0.6), "Q")], ids=repr)
def test_fitted_parts_name_the_outlier_tasks(penalty, part, solver):
    """Ten tasks in one dimension (or on two features), two that have nothing to do with them."""
    rng = np.random.default_rng(0)
    n, d, T, strangers = 200, 15, 12, [3, 7]
    X = rng.standard_normal((n, d))
    truth = np.outer(rng.standard_normal(d), 1.0 + rng.random(T))
    if isinstance(penalty, RobustFeatures):
        truth[2:] = 0.0
    truth[:, strangers] = rng.standard_normal((d, 2))
    Y = X @ truth + 0.3 * rng.standard_normal((n, T))
    model = MultiTaskRegressor(penalty, solver=solver).fit(X, Y)
    assert list(model.parameters_.parts)[1] == part
    assert model.parameters_.outlier_tasks() == model.parameters_.outlier_tasks(part) == strangers
    assert isinstance(model.parameters_, ParameterMatrix)


@EACH
def test_estimators_are_those_of_the_penalties(model):
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((50, 4)), rng.standard_normal((50, 3))
    for share in (None, 0.45):
        named = getattr(mtlinear, f"{model.__name__}Regressor")(0.2, **{MODELS[model][0]: share}).fit(X, Y)
        other = MultiTaskRegressor(model(0.2, share)).fit(X, Y)
        assert list(named.parameters_.parts) == [name for name, _ in model().parts(3, 4)]
        assert_allclose(named.coef_, other.coef_, atol=0)
