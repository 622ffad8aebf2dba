"""A free mean that separates the classes: the loss has no minimum, and every way to it says so."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from mtlinear import ClusteredClassifier, MeanRegularizedClassifier, MultiTaskClassifierCV, regularization_path
from mtlinear.penalties import MeanRegularized

NO_MINIMUM = "no minimum.*mean_alpha, mean_ratio or l2_alpha"


@pytest.fixture
def separable(rng):
    X = rng.normal(size=(60, 100))
    return X, np.where(X[:, 0] > 0, "p", "q"), np.arange(60) % 3


@pytest.mark.parametrize("model", [MeanRegularizedClassifier(), ClusteredClassifier()], ids=repr)
def test_a_fit_says_so(model, separable):
    X, y, tasks = separable
    with pytest.warns(ConvergenceWarning, match=NO_MINIMUM):
        model.fit(X, y, tasks=tasks)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("penalised", [{"mean_alpha": 0.1}, {"l2_alpha": 1e-3}], ids=repr)
def test_nothing_is_said_where_the_mean_is_penalised(penalised, separable):
    X, y, tasks = separable
    MeanRegularizedClassifier(**penalised).fit(X, y, tasks=tasks)


def test_a_path_says_so_and_does_not_walk_on(separable):
    X, y, tasks = separable
    with pytest.warns(ConvergenceWarning, match=NO_MINIMUM):
        path = regularization_path(MeanRegularizedClassifier(), X, y, tasks=tasks, alphas=[1.0, 0.5, 0.25])
    assert not path.converged.any()
    sizes = np.abs(path.coef).max(axis=(1, 2))
    np.testing.assert_allclose(sizes, sizes[0], rtol=1e-12)


def test_cross_validation_says_so(separable):
    X, y, tasks = separable
    with pytest.warns(ConvergenceWarning, match="mean_alpha, mean_ratio or l2_alpha"):
        MultiTaskClassifierCV(MeanRegularized(), alphas=[1.0, 0.5], cv=3).fit(X, y, tasks=tasks)
