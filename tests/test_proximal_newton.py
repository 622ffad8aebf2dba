"""Proximal Newton: the second-order model is right, few are needed, and far or degenerate starts do no harm."""

from __future__ import annotations

import warnings

import catalogue
import numpy as np
import pytest
from catalogue import OF_EACH_KIND, each, mixed, name_of
from numpy.testing import assert_allclose
from ownloss import Cosh
from problems import DESIGNS, TALL, WIDE, make_problem
from sklearn.exceptions import ConvergenceWarning

from mtlinear.certificate import certify
from mtlinear.datafit import LinearisedReading, QuadraticModel, RowsFit
from mtlinear.datafit import _quadratic_model as quadratic_model
from mtlinear.designs import SharedDesign, StackedDesign
from mtlinear.losses import Logistic, Poisson, Squared
from mtlinear.path import alpha_max, sweep
from mtlinear.penalties import L1, Dirty, L1Lq, MeanRegularized, TraceNorm
from mtlinear.problem import Problem
from mtlinear.solvers import FISTA, ProximalNewton, Solver, WorkingSet

TOL = 1e-9
LOSSES = [loss for loss in catalogue.LOSSES if not loss.quadratic]
#: ... whose second derivative is continuous, and never zero.
SMOOTH = [Logistic(), Poisson(), Cosh()]


def solve(problem, solver=None, **options):
    """Solve, and let no warning pass."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        solver = ProximalNewton() if solver is None else solver
        return solver.solve(problem, **{"tol": TOL, "max_iter": 100_000} | options)


def of_loss(penalty, loss, *, design="stacked-unbalanced-weighted", seed=5, **options):
    return make_problem(penalty, loss, design=design, seed=seed, **options)


def assert_same_optimum(problem, found, expected, tol=TOL):
    unit = problem.null_objective
    assert found.converged
    assert_allclose(found.certificate.objective, expected.certificate.objective, atol=2 * tol * unit)
    # The two bounds are honest: neither is above the objective that the other solver reached.
    assert found.certificate.bound <= expected.certificate.objective + 1e-13 * unit
    assert expected.certificate.bound <= found.certificate.objective + 1e-13 * unit


# The model ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", DESIGNS)
@pytest.mark.parametrize("loss", SMOOTH, ids=name_of)
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_the_model_has_value_slope_and_curvature_of_the_data_fit(layout, loss, fit_intercept, rng):
    """Differences of the gradient, intercepts solved for at every point."""
    data = of_loss(L1(0.1), loss, design=layout, fit_intercept=fit_intercept).data
    nothing = np.zeros((TALL.T, 0))
    A, move = 0.3 * rng.standard_normal((2, TALL.d, TALL.T))
    reading = data.settle(A, nothing, None)[1]
    model = QuadraticModel(data).at(A, reading)
    h = 1e-5
    ahead, behind = (data.settle(A + s * h * move, nothing, None)[1].gradient for s in (1, -1))
    at_A, moved = model.settle(A, nothing, None)[1], model.settle(A + move, nothing, None)[1]
    assert_allclose(at_A.gradient, reading.gradient, atol=1e-12)
    assert_allclose(moved.gradient - at_A.gradient, (ahead - behind) / (2 * h), atol=1e-8)
    # As least squares its residual is u / loss''.
    assert_allclose(2.0 * at_A.value, reading.curvature, rtol=1e-10)


@pytest.mark.parametrize("layout", DESIGNS)
@pytest.mark.parametrize("loss", [*SMOOTH, *(loss for loss in LOSSES if loss.curvature == 1.0)], ids=name_of)
def test_what_the_model_says_of_a_point_agrees_with_its_gradient(layout, loss, rng):
    data = of_loss(L1(0.1), loss, design=layout).data
    nothing = np.zeros((TALL.T, 0))
    A, move = 0.1 * rng.standard_normal((2, TALL.d, TALL.T))
    reading = data.settle(A, nothing, None)[1]
    model = QuadraticModel(data)
    expected = model.at(A, reading).settle(A + 0.01 * move, nothing, None)[1].gradient
    linearised = model.linearised(reading, 0.01 * data.design.apply(move), reading.free)
    if type(loss) in map(type, SMOOTH):  # the others are brought back to the domain where they leave it at once
        assert_allclose(linearised.gradient, expected, atol=1e-10)
    assert_allclose(data.design.task_sums(data.design.weights * linearised.derivative), 0.0, atol=1e-14)
    assert np.isfinite(linearised.conjugate(1.0))
    assert not linearised.is_settled_for(nothing, None)
    # Far away it leaves the domain of the conjugate, and is brought back.
    far = model.linearised(reading, 1e3 * data.design.apply(move), reading.free)
    assert np.isfinite(far.conjugate(1.0))


def test_gram_matrices_are_used_again_while_the_second_derivatives_stay(rng):
    data = make_problem(L1(0.1), Logistic(), design="stacked").data
    model, nothing = QuadraticModel(data), np.zeros((TALL.T, 0))
    A = rng.standard_normal((TALL.d, TALL.T))

    def grams_at(A, **options):
        before = model.n_grams
        model.at(A, data.settle(A, nothing, None)[1], **options)
        return model.n_grams - before

    assert grams_at(A) == TALL.T
    assert grams_at(A + 1e-3) == 0
    assert grams_at(A + 1e-3, fresh=True) == TALL.T
    first = np.array([1.0, 0.0, 0.0])
    assert grams_at(A + first) == 1
    assert grams_at(A + first + 1e-3) == 0


# The solver ---------------------------------------------------------------------------------------------------------


@mixed(4, penalty=OF_EACH_KIND, layout=list(DESIGNS))
def test_optimum_on_every_layout(penalty, layout):
    problem = make_problem(penalty, Logistic(), design=layout, seed=1)
    assert_same_optimum(problem, solve(problem), solve(problem, FISTA()))


@each(OF_EACH_KIND, "penalty")
@pytest.mark.parametrize("layout", ["shared", "stacked-unbalanced-weighted"])
def test_loss_without_a_bound_on_its_curvature(penalty, layout):
    problem = of_loss(penalty, Cosh(), design=layout)
    assert_same_optimum(problem, solve(problem), solve(problem, FISTA()))


@each(OF_EACH_KIND, "penalty")
def test_ridge_and_penalty_together(penalty):
    made = make_problem(penalty, Logistic(), shape=WIDE)
    problem = Problem.of(made.data, penalty, l2_alpha=0.05)
    assert_same_optimum(problem, solve(problem), solve(problem, FISTA()))


@pytest.mark.parametrize("penalty", [L1(1.0), L1Lq(1.0), Dirty(1.0), TraceNorm(1.0)], ids=repr)
@pytest.mark.parametrize("fraction", [0.3, 0.03])
def test_few_models_and_a_gap_that_falls_ever_faster(penalty, fraction, rng):
    n, d, T = 200, 20, 6
    X, A = rng.standard_normal((n * T, d)), rng.standard_normal((d, T)) * (np.arange(d) < 5)[:, None]
    design = StackedDesign(X, np.repeat(np.arange(T), n), T)
    y = np.where(rng.random(n * T) < 1.0 / (1.0 + np.exp(-design.apply(A))), 1.0, -1.0)
    whole = Problem(design, y, Logistic(), penalty)
    problem = whole.with_penalty(penalty.scaled(fraction * alpha_max(whole) / penalty.alpha))
    solution = solve(problem)
    gaps = np.array([check.gap for check in solution.history]) / problem.null_objective
    assert len(gaps) <= 9
    assert gaps[-1] <= TOL
    close = np.flatnonzero(gaps < 1e-2)[0]  # from here on in three steps to one part in a billion
    assert len(gaps) - 1 - close <= 3
    assert isinstance(solution.certificate.dual.reading, LinearisedReading)


@mixed(3, penalty=OF_EACH_KIND, loss=LOSSES)
def test_a_far_start_does_no_harm(penalty, loss):
    problem = of_loss(penalty, loss)
    size = 3.0 if isinstance(loss, Poisson) else 30.0
    start = size * np.random.default_rng(0).standard_normal(problem.shape)
    found = solve(problem, start=start)
    objectives = [check.objective for check in found.history]
    assert objectives == sorted(objectives, reverse=True)
    assert_same_optimum(problem, found, solve(problem, FISTA()))


def test_full_steps_from_far_away_would_diverge(monkeypatch):
    """One task, one feature: Newton on the logistic loss jumps over the optimum, ever farther."""
    X = np.linspace(-1.0, 1.0, 21)[:, None]
    y = np.where(X + 0.4 * np.cos(20 * X) > 0, 1.0, -1.0)
    problem = Problem(SharedDesign(X, 1), y, Logistic(), L1(1e-4), fit_intercept=False)
    start = [np.array([[40.0]])]
    step = QuadraticModel(problem.data).at(start[0], problem.settle(start).reading)
    newton = step.linear / step.matrices[:, :, 0]
    assert problem.objective(problem.settle([newton])) > problem.objective(problem.settle(start))
    looks, read = [], RowsFit.read
    monkeypatch.setattr(RowsFit, "read", lambda self, *args: looks.append(1) or read(self, *args))
    found = solve(problem, start=start)
    monkeypatch.undo()
    assert len(looks) > len(found.history)  # some steps were shortened
    assert_same_optimum(problem, found, solve(problem, FISTA()))


@mixed(penalty=OF_EACH_KIND, start=[None, 50.0], fit_intercept=[True, False])
def test_separable_tasks_end_in_a_certified_gap_or_an_honest_warning(penalty, start, fit_intercept):
    rng = np.random.default_rng(2)
    X = rng.standard_normal((30, 6))
    Y = np.where(X[:, :3] > 0, 1.0, -1.0)
    weak = penalty.scaled(1e-3)
    problem = Problem(SharedDesign(X, 3), Y, Logistic(), weak, fit_intercept=fit_intercept)
    start = None if start is None else np.full(problem.shape, start)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        solution = ProximalNewton().solve(problem, start=start, tol=1e-6, max_iter=100_000)
    assert solution.converged or any(issubclass(w.category, ConvergenceWarning) for w in caught)
    again = certify(problem, problem.settle(solution.parts))
    assert_allclose(again.objective, solution.certificate.objective, rtol=1e-8, atol=1e-12)
    if not problem.null_space.shape[1]:
        assert solution.converged


@pytest.mark.parametrize("penalty", [L1Lq(0.05), TraceNorm(0.05), MeanRegularized(0.1), Dirty(0.1)], ids=repr)
@pytest.mark.parametrize("layout", ["shared-missing", "stacked-sparse", "stacked"])
def test_float32_reaches_what_it_can(penalty, layout):
    problem = make_problem(penalty, Logistic(), design=layout)
    design = problem.data.design
    raw = design.X.astype(np.float32)
    if isinstance(design, StackedDesign):
        weights = design.sample_weight.astype(np.float32)
        single = StackedDesign(raw, design.codes, design.n_tasks, weights, design.task_weight)
    else:
        single = SharedDesign(raw, design.n_tasks, design.sample_weight, design.task_weight, design.observed)
    found = solve(Problem(single, problem.data.target, Logistic(), penalty), tol=1e-5)
    assert found.A.dtype == np.float32
    assert_allclose(found.A, solve(problem, tol=1e-12).A, atol=0.02)


@pytest.mark.parametrize("penalty", [L1(1.0), L1Lq(1.0, q=np.inf), Dirty(1.0)], ids=repr)
def test_inside_a_working_set(penalty, rng):
    X = rng.standard_normal((60, 300))
    X[:, 1:] += 0.7 * X[:, :-1]
    Y = X[:, :5] @ rng.standard_normal((5, 4)) + rng.standard_normal((60, 4))
    whole = Problem(SharedDesign(X, 4), np.where(Y > 0, 1.0, -1.0), Logistic(), penalty)
    problem = whole.with_penalty(penalty.scaled(0.1 * alpha_max(whole)))
    found = solve(problem, WorkingSet(ProximalNewton(), least=5))
    assert_same_optimum(problem, found, solve(problem, FISTA()))


def test_max_iter_is_kept():
    problem = make_problem(L1Lq(0.01), Logistic(), shape=WIDE)
    for max_iter in (1, 2, 9, 30):
        with pytest.warns(ConvergenceWarning, match=f"after {max_iter} iterations"):
            solution = ProximalNewton().solve(problem, tol=1e-14, max_iter=max_iter)
        assert solution.n_iter == max_iter
        assert solution.certificate.objective <= problem.null_objective


class _Breaks(Solver):
    """FISTA that is interrupted in its third run, halfway."""

    def refuses(self, problem):
        return None

    def run(self, incumbent, gap_limit, max_iter):
        self.runs = getattr(self, "runs", 0) + 1
        FISTA().run(incumbent, gap_limit, 3 if self.runs == 3 else max_iter)
        if self.runs == 3:
            raise KeyboardInterrupt


def test_an_interruption_keeps_the_best_point():
    problem = make_problem(L1Lq(0.02), Logistic(), shape=WIDE)
    with pytest.raises(KeyboardInterrupt):
        ProximalNewton(_Breaks()).solve(problem)
    with pytest.warns(ConvergenceWarning, match="interrupted"):
        solution = ProximalNewton(_Breaks()).solve(problem, keep_interrupted=True)
    assert solution.interrupted
    assert len(solution.history) == 3  # the start and two models
    assert solution.certificate.objective < problem.null_objective
    assert_allclose(
        certify(problem, problem.settle(solution.parts)).objective, solution.certificate.objective, rtol=1e-12
    )
    assert solution.certificate.bound <= solve(problem).certificate.objective


def test_gram_matrices_that_would_be_too_large_are_not_formed(monkeypatch):
    problem = make_problem(L1Lq(0.05), Logistic(), shape=WIDE)
    monkeypatch.setattr(quadratic_model, "_GRAM_LIMIT", 100)
    monkeypatch.setattr(QuadraticModel, "at", None)
    assert_same_optimum(problem, solve(problem), solve(problem, FISTA()))


def test_what_it_refuses():
    with pytest.raises(TypeError, match="ProximalNewton cannot solve this problem: its loss is quadratic"):
        ProximalNewton().solve(make_problem(L1(0.1), Squared()))
    with pytest.raises(TypeError, match="inner must be a Solver"):
        ProximalNewton(inner=3).solve(make_problem(L1(0.1), Logistic()))
    with pytest.raises(TypeError, match="not a sum over the rows"):
        ProximalNewton(WorkingSet()).solve(make_problem(TraceNorm(0.1), Logistic()))


@pytest.mark.parametrize("inner", [FISTA(check_every=3), WorkingSet(least=1)], ids=repr)
def test_any_solver_can_be_inside(inner):
    problem = make_problem(L1Lq(0.05), Logistic(), shape=WIDE)
    before = repr(inner)
    assert_same_optimum(problem, solve(problem, ProximalNewton(inner)), solve(problem, FISTA()))
    assert repr(inner) == before


@pytest.mark.parametrize("penalty", [L1Lq(1.0), TraceNorm(1.0), Dirty(1.0)], ids=repr)
def test_along_a_path_each_bound_is_of_use_to_the_next(penalty):
    problem = make_problem(penalty, Logistic(), design="stacked")
    alphas = alpha_max(problem) * np.geomspace(1.0, 0.05, 6)
    for own, solution in sweep(problem, alphas, ProximalNewton(), tol=1e-8):
        assert_same_optimum(own, solution, solve(own, FISTA()), tol=1e-8)


def test_what_rounding_makes_impossible_ends_in_a_warning():
    problem = make_problem(L1Lq(0.05), Logistic(), shape=WIDE)
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        solution = ProximalNewton().solve(problem, tol=0.0)
    assert solution.n_iter < 5000
    assert solution.certificate.gap <= 1e-13 * problem.null_objective
