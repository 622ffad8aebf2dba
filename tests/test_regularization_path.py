"""regularization_path: the solutions of single fits, certified, warm-started, and whole after an interruption."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from cvtools import Data, classification, regression
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import MultiTaskLasso, lasso_path

from mtlinear import (
    BlockSparseRegressor,
    ClusteredRegressor,
    DirtyRegressor,
    MeanRegularizedRegressor,
    MultiTaskClassifier,
    MultiTaskRegressor,
    MultiTaskRegressorCV,
    RegularizationPath,
    TraceNormClassifier,
    TraceNormRegressor,
    regularization_path,
)
from mtlinear.path import at_strength
from mtlinear.penalties import L1, Dirty, InfimalConvolution, L1Lq, Ridge, TraceNorm
from mtlinear.solvers import FISTA, Solver

MODELS = [
    BlockSparseRegressor(q=np.inf),
    TraceNormRegressor(l2_alpha=0.1),
    DirtyRegressor(),
    MeanRegularizedRegressor(mean_alpha=0.1),
    ClusteredRegressor(2, mean_ratio=0.1, fit_intercept=False),
    MultiTaskRegressor(InfimalConvolution(TraceNorm(0.5), L1(0.3))),
    MultiTaskRegressor(Ridge()),
]


def path_of(model, data, **options):
    return regularization_path(model, data.X, data.y, data.sample_weight, tasks=data.tasks, **options)


def at(model, alpha):
    """The estimator at one point of the path."""
    model = clone(model)
    if "alpha" in model.get_params():
        return model.set_params(alpha=alpha)
    return model.set_params(penalty=at_strength(model.penalty, alpha))


@pytest.mark.parametrize("model", MODELS, ids=repr)
@pytest.mark.parametrize("way", ["2-D weighted", "2-D missing", "beside", "sparse CSR"])
def test_equal_to_single_fits(model, way):
    data = regression(way, 60, 8)
    model = clone(model).set_params(**(data.parameters | {"tol": 1e-7}))
    path = path_of(model, data, alphas=8, eps=0.01)
    assert path.coef.shape == (8, 3, 8)
    assert path.intercept.shape == (8, 3)
    assert np.all(np.diff(path.alphas) < 0)
    assert np.all(path.dual_gaps <= 1e-7 * path.null_objective)
    assert path.converged.all()
    for k in (0, 3, 7):
        single = data.fit(at(model, path.alphas[k]).set_params(tol=1e-11, max_iter=100_000))
        excess = path.objectives[k] - single.objective_
        assert -single.dual_gap_ <= excess + 1e-12 * path.null_objective
        assert excess <= path.dual_gaps[k] + 1e-12 * path.null_objective
        assert path.null_objective == pytest.approx(single.null_objective_)
        assert_allclose(path.coef[k], single.coef_, atol=2e-2)


@pytest.mark.parametrize("model", [TraceNormClassifier(), MultiTaskClassifier(L1Lq())], ids=repr)
@pytest.mark.parametrize("way", ["binary", "classes", "multi-label missing", "beside", "by position"])
def test_classifiers(model, way):
    data = classification(way)
    model = clone(model).set_params(**data.parameters, tol=1e-8)
    path = path_of(model, data, alphas=4, eps=0.1)
    for k in range(4):
        single = data.fit(at(model, path.alphas[k]))
        assert_allclose(path.coef[k], single.coef_, atol=1e-2)
        assert abs(path.objectives[k] - single.objective_) <= max(path.dual_gaps[k], single.dual_gap_) * 1.001
    assert not np.any(path.coef[0])
    assert np.any(path.coef[-1])


def test_equal_to_lasso_path(shared):
    X, Y = shared
    X, Y = X - X.mean(axis=0), Y - Y.mean(axis=0)
    path = regularization_path(MultiTaskRegressor(L1Lq(), tol=1e-11), X, Y, alphas=10)
    alphas, coefs, _ = lasso_path(X, Y[:, 0], alphas=path.alphas)
    single = regularization_path(MultiTaskRegressor(L1(), tol=1e-11), X, Y[:, 0], alphas=alphas)
    assert_allclose(single.coef[:, 0].T, coefs, atol=1e-3)
    for k in (2, 9):
        theirs = MultiTaskLasso(path.alphas[k], tol=1e-12, max_iter=100_000).fit(X, Y)
        assert_allclose(path.coef[k], theirs.coef_, atol=1e-6)


def test_a_penalty_stands_for_a_regressor(shared):
    first = regularization_path(TraceNorm(), *shared, alphas=5)
    second = regularization_path(MultiTaskRegressor(TraceNorm()), *shared, alphas=5)
    assert_array_equal(first.coef, second.coef)


def test_a_cross_validated_model_is_swept_like_its_sibling(shared):
    first = regularization_path(MultiTaskRegressorCV(TraceNorm(), alphas=7), *shared, alphas=5)
    second = regularization_path(MultiTaskRegressor(TraceNorm()), *shared, alphas=5)
    assert_array_equal(first.coef, second.coef)


def test_alpha_of_the_model_does_not_matter_and_the_model_is_not_changed(shared):
    model = BlockSparseRegressor(alpha=123.0)
    penalty = TraceNorm(alpha=45.0)
    first = regularization_path(model, *shared, alphas=5)
    second = regularization_path(BlockSparseRegressor(), *shared, alphas=5)
    assert_allclose(first.alphas, second.alphas, rtol=1e-12)
    assert_allclose(first.coef, second.coef, atol=1e-12)
    regularization_path(penalty, *shared, alphas=5)
    assert model.alpha == 123.0
    assert penalty.alpha == 45.0
    assert vars(model).keys() == model.get_params().keys()


def test_dirty_has_its_parts(shared):
    path = regularization_path(Dirty(), *shared, alphas=6)
    for k in range(6):
        parts = path.parameters[k].parts
        assert list(parts) == ["B", "S"]
        assert_allclose(parts["B"] + parts["S"], path.coef[k].T)


def test_alphas_of_an_infimal_convolution_are_factors(shared):
    X, Y = shared
    penalty = InfimalConvolution(TraceNorm(0.2), L1(0.1))
    path = regularization_path(MultiTaskRegressor(penalty, tol=1e-9), X, Y, alphas=[0.5])
    single = MultiTaskRegressor(InfimalConvolution(TraceNorm(0.1), L1(0.05)), tol=1e-9).fit(X, Y)
    assert path.objectives[0] == pytest.approx(single.objective_, rel=1e-8)
    top = regularization_path(penalty, X, Y, alphas=20)
    assert not np.any(top.coef[0])
    assert np.any(top.coef[1])


def test_names(shared):
    X, Y = shared
    frame = pd.DataFrame(X, columns=list("abcdef"))
    path = regularization_path(TraceNorm(), frame, pd.DataFrame(Y, columns=list("wxyz")), alphas=3)
    assert path.parameters[2].feature_names == list("abcdef")
    assert path.parameters[2].task_names == list("wxyz")
    data = regression("by name", 60, 4)
    path = regularization_path(BlockSparseRegressor(task_feature="region"), data.X, data.y, alphas=3)
    assert path.parameters[0].feature_names == ["f0", "f1", "f2", "f3"]
    assert path.parameters[0].task_names == ["east", "north", "south"]


def test_alphas_given(shared):
    path = regularization_path(L1Lq(), *shared, alphas=[0.1, 10.0, 1.0])
    assert path.alphas.tolist() == [10.0, 1.0, 0.1]
    assert len(path) == 3
    assert len(regularization_path(L1Lq(), *shared, alphas=1)) == 1
    with pytest.raises(ValueError, match="alphas"):
        regularization_path(L1Lq(), *shared, alphas=[1.0, 0.0])
    with pytest.raises(ValueError, match="eps"):
        regularization_path(L1Lq(), *shared, eps=1.5)


def test_repr_and_pickle(shared):
    path = regularization_path(L1Lq(), *shared, alphas=[0.5, 0.05])
    assert repr(path).startswith("RegularizationPath(2 alphas from 0.5 to 0.05, 6 features x 4 tasks, largest gap")
    again = pickle.loads(pickle.dumps(path))
    assert_array_equal(again.coef, path.coef)
    assert isinstance(again, RegularizationPath)


@pytest.mark.parametrize("model", [Ridge, "L1", None, MultiTaskLasso()], ids=repr)
def test_other_things_are_turned_down(model, shared):
    with pytest.raises(TypeError, match="model must be an estimator of mtlinear or a penalty"):
        regularization_path(model, *shared)


def test_parameters_of_the_model_are_checked(shared):
    with pytest.raises(ValueError, match="tol"):
        regularization_path(BlockSparseRegressor(tol=-1.0), *shared)
    with pytest.raises(ValueError, match="'q' parameter of BlockSparseRegressor must be"):
        regularization_path(BlockSparseRegressor(q=0.5), *shared)


@pytest.mark.parametrize("penalty", [L1Lq(), TraceNorm(), Dirty()], ids=repr)
@pytest.mark.parametrize(("solver", "left"), [(FISTA(), 0.8), (None, 0.9)], ids=["FISTA", "chosen"])
def test_warm_starts_save_iterations(penalty, solver, left):
    data = regression("2-D", 60, 30)
    path = path_of(MultiTaskRegressor(penalty, solver=solver), data, alphas=20)
    models = [MultiTaskRegressor(at_strength(penalty, alpha), solver=solver) for alpha in path.alphas]
    assert path.n_iters.sum() < left * sum(data.fit(model).n_iter_ for model in models)


def test_both_primal_and_dual_are_handed_on(shared, monkeypatch):
    seen = []
    solve = Solver.solve

    def spy(self, problem, start=None, *, dual=None, **options):
        solution = solve(self, problem, start, dual=dual, **options)
        seen.append((start, dual, solution))
        return solution

    monkeypatch.setattr(Solver, "solve", spy)
    regularization_path(TraceNorm(), *shared, alphas=4)
    assert seen[0][:2] == (None, None)
    for (start, dual, _), (_, _, before) in zip(seen[1:], seen[:-1], strict=True):
        assert start is before.parts
        assert dual is before.certificate.dual


class Interrupted(FISTA):
    """Ctrl-C at some problem of the path."""

    def __init__(self, after=0):
        super().__init__()
        self.after = after
        self.count = 0

    def run(self, *arguments):
        self.count += 1
        if self.count > self.after:
            raise KeyboardInterrupt
        return super().run(*arguments)


@pytest.mark.parametrize("after", [0, 1, 3])
def test_an_interrupted_path_returns_what_is_done(after, shared):
    model = TraceNormRegressor(solver=Interrupted(after))
    with pytest.warns(UserWarning, match=f"interrupted after {after} of 6 alphas"):
        path = regularization_path(model, *shared, alphas=6)
    whole = regularization_path(TraceNormRegressor(solver=FISTA()), *shared, alphas=6)
    assert len(path) == after
    assert path.coef.shape == (after, 4, 6)
    assert path.intercept.shape == (after, 4)
    assert_array_equal(path.coef, whole.coef[:after])
    assert_array_equal(path.alphas, whole.alphas[:after])
    assert len(path.parameters) == len(path.dual_gaps) == len(path.n_iters) == after
    assert repr(path).startswith("RegularizationPath(")


def test_one_warning_with_the_number_of_alphas(shared):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = TraceNormRegressor(max_iter=1, tol=1e-12)
        path = regularization_path(model, *shared, alphas=[100.0, 1e-3, 1e-4])
    assert path.converged.tolist() == [True, False, False]
    assert [w.category for w in caught] == [ConvergenceWarning]
    assert "2 of 3 alphas" in str(caught[0].message)
    assert caught[0].filename == __file__


def test_constant_targets():
    X = np.random.default_rng(0).standard_normal((20, 3))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        path = path_of(TraceNormRegressor(), Data(X, np.ones((20, 2))), alphas=3)
    assert path.alphas[0] == 1.0
    assert not np.any(path.coef)
    assert_allclose(path.intercept, 1.0)
    assert path.null_objective == 0.0
