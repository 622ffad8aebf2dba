"""Reweighted models: every stage is a convex fit, and the concave objective falls from one to the next."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.exceptions import ConvergenceWarning

from mtlinear import MultiTaskRegressor, ReweightedClassifier, ReweightedRegressor
from mtlinear.penalties import L1, Capped, L1Lq, Logarithm, Root, TraceNorm, TreeGuided


def root(n_tasks):
    """A tree that is nothing but its root."""
    return [(list(range(n_tasks)), 1.0)]


@pytest.mark.parametrize("concave", [Root(), Logarithm(0.05), Capped(0.3)], ids=repr)
@pytest.mark.parametrize("penalty", [L1(0.1), L1Lq(0.2), TreeGuided(root, 0.2)], ids=lambda p: type(p).__name__)
@pytest.mark.parametrize("cls", [ReweightedRegressor, ReweightedClassifier])
def test_reweighting_lowers_the_concave_objective_at_every_stage(cls, penalty, concave, shared):
    X, Y = shared
    weak = penalty.scaled(0.1) if cls is ReweightedClassifier else penalty
    y = (np.median(Y, axis=0) < Y).astype(int) if cls is ReweightedClassifier else Y
    model = cls(weak, concave=concave, n_stages=6, tol=1e-9).fit(X, y)
    path = model.objective_path_
    assert 2 <= len(path) <= 6
    assert np.all(np.diff(path) <= 1e-12 * path[0])
    assert path[-1] < path[0]
    assert model.dual_gap_ <= 1e-9 * model.null_objective_
    if cls is ReweightedRegressor:
        A = model.coef_.T
        fit = 0.5 * np.sum((Y - X @ A - model.intercept_) ** 2) / len(X)
        sizes = weak.row_value(A) / weak.alpha
        assert_allclose(path[-1], fit + weak.alpha * concave.value(sizes).sum(), rtol=1e-10)


def test_reweighting_by_entry(shared):
    X, Y = shared
    model = ReweightedRegressor(L1(0.1), concave=Root(), by_entry=True).fit(X, Y)
    assert model.weights_.shape == (6, 4)
    assert np.all(np.diff(model.objective_path_) <= 0)
    with pytest.raises(ValueError, match="by_entry"):
        ReweightedRegressor(L1Lq(0.1), by_entry=True).fit(X, Y)
    with pytest.raises(ValueError, match="epsilon"):
        ReweightedRegressor(concave=Root(0.0)).fit(X, Y)
    with pytest.raises(ValueError, match="penalty"):
        ReweightedRegressor(TraceNorm()).fit(X, Y)


def test_one_stage_is_the_convex_model_and_two_are_less_biased(shared):
    X, Y = shared
    convex = MultiTaskRegressor(L1Lq(0.5)).fit(X, Y)
    one = ReweightedRegressor(L1Lq(0.5), n_stages=1).fit(X, Y)
    assert_allclose(one.coef_, convex.coef_, atol=1e-6)
    more = ReweightedRegressor(L1Lq(0.5), concave=Logarithm(0.5)).fit(X, Y)
    assert np.linalg.norm(more.coef_[:, 0]) > np.linalg.norm(convex.coef_[:, 0])


def test_a_warning_names_its_stage(shared):
    X, Y = shared
    with pytest.warns(ConvergenceWarning, match=r"^Stage 2 of at most 3: \w+ stopped after 1 iterations") as caught:
        ReweightedRegressor(L1Lq(0.1), n_stages=3, max_iter=1, tol=1e-14).fit(X * [1, 30, 1, 0.1, 1, 1], Y)
    assert {warning.filename for warning in caught} == {__file__}
