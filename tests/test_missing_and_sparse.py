"""Outputs that were not observed, and sparse X: the same models as without either."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import GridSearchCV

import mtlinear
from mtlinear import BlockSparseRegressor, MeanRegularizedClassifier, MultiTaskRegressor, TraceNormClassifier
from mtlinear.penalties import L1

ESTIMATORS = {
    "BlockSparseRegressor": {"alpha": 0.2},
    "DirtyRegressor": {"alpha": 0.3},
    "TraceNormRegressor": {"alpha": 0.2},
    "MeanRegularizedRegressor": {"alpha": 0.5},
    "ClusteredRegressor": {"alpha": 0.3},
    "BlockSparseClassifier": {"alpha": 0.02},
    "DirtyClassifier": {"alpha": 0.03},
    "TraceNormClassifier": {"alpha": 0.02},
    "MeanRegularizedClassifier": {"alpha": 0.05, "mean_alpha": 0.01},
    "ClusteredClassifier": {"alpha": 0.05, "mean_ratio": 0.1},
}
EACH = pytest.mark.parametrize("name", ESTIMATORS)
FORMATS = {
    "csr": sp.csr_array,
    "csc": sp.csc_array,
    "csr_matrix": sp.csr_matrix,
    "coo": sp.coo_array,
    "int64": lambda X: _with_int64(sp.csr_array(X)),
}


def _with_int64(X):
    X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    return X


def make(name, **parameters):
    return getattr(mtlinear, name)(**ESTIMATORS[name], tol=1e-12, max_iter=100_000, **parameters)


def targets(name, Y):
    return (np.median(Y, axis=0) < Y).astype(float) if name.endswith("Classifier") else Y


@pytest.fixture
def holes(shared, rng):
    """(X, Y, observed): a third of the outputs missing, unevenly."""
    X, Y = shared
    return X, Y, rng.random(Y.shape) < [0.9, 0.7, 0.6, 0.3]


@EACH
def test_missing_outputs_equal_dropping_them(name, holes, rng):
    """Also with sample and task weights: the stacked layout of the observed entries."""
    X, Y, observed = holes
    Y = targets(name, Y)
    weights, task_weight = rng.uniform(0.5, 2.0, len(X)), [1.0, 2.0, 0.5, 1.0]
    row, task = np.nonzero(observed)
    model = make(name, task_weight=task_weight).fit(X, np.where(observed, Y, np.nan), sample_weight=weights)
    stacked = make(name, task_weight=task_weight).fit(X[row], Y[row, task], sample_weight=weights[row], tasks=task)
    np.testing.assert_allclose(model.objective_, stacked.objective_, rtol=1e-9)
    np.testing.assert_allclose(model.null_objective_, stacked.null_objective_, rtol=1e-12)
    np.testing.assert_allclose(model.coef_, stacked.coef_, atol=2e-5)
    np.testing.assert_allclose(model.intercept_, stacked.intercept_, atol=1e-4)
    assert model.dual_gap_ <= 1e-12 * model.null_objective_


def test_what_stands_at_a_missing_output_does_not_matter(holes):
    X, Y, observed = holes
    from mtlinear.designs import SharedDesign
    from mtlinear.losses import Squared
    from mtlinear.problem import Problem
    from mtlinear.solvers import FISTA

    design = SharedDesign(X, 4, observed=observed)
    one = FISTA().solve(Problem(design, np.where(observed, Y, 0.0), Squared(), L1(0.1)))
    other = FISTA().solve(Problem(design, np.where(observed, Y, 1e3), Squared(), L1(0.1)))
    np.testing.assert_allclose(one.A, other.A, atol=1e-12)


def test_score_leaves_missing_outputs_out(holes):
    X, Y, observed = holes
    holey = np.where(observed, Y, np.nan)
    model = BlockSparseRegressor(0.1).fit(X, holey)
    predicted = model.predict(X)
    assert np.all(np.isfinite(predicted))
    expected = [r2_score(Y[seen, t], predicted[seen, t]) for t, seen in enumerate(observed.T)]
    assert model.score(X, holey) == pytest.approx(np.mean(expected), rel=1e-12)
    assert model.score(X, Y) == pytest.approx(r2_score(Y, predicted), rel=1e-12)


def test_multilabel_score_counts_observed_labels(holes):
    X, Y, observed = holes
    Y = targets("Classifier", Y)
    observed[:5] = False
    model = TraceNormClassifier(0.01).fit(X, np.where(observed, Y, np.nan))
    right = [np.all(row[seen] == truth[seen]) for row, truth, seen in zip(model.predict(X), Y, observed, strict=True)]
    counted = observed.any(axis=1)
    assert model.task_classes_.tolist() == [[0, 1]] * 4
    assert model.score(X, np.where(observed, Y, np.nan)) == pytest.approx(np.mean(np.array(right)[counted]))
    everything = accuracy_score(Y.astype(int), model.predict(X).astype(int))
    assert model.score(X, Y) == pytest.approx(everything)


def test_search_with_missing_outputs(holes):
    X, Y, observed = holes
    search = GridSearchCV(BlockSparseRegressor(), {"alpha": [0.01, 0.1, 1.0]}, cv=3)
    search.fit(X, np.where(observed, Y, np.nan))
    assert np.all(np.isfinite(search.cv_results_["mean_test_score"]))


# -- sparse ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def thin(rng):
    """(X, Y): counts, mostly zero."""
    X = rng.poisson(0.4, (80, 12)).astype(float)
    return X, X[:, :3] @ rng.standard_normal((3, 4)) + 0.3 * rng.standard_normal((80, 4)) + [0, 5, 0, 1]


@EACH
@pytest.mark.parametrize("kind", FORMATS)
def test_sparse_equals_dense_when_rows_are_shared(name, kind, thin):
    X, Y = thin
    Y = targets(name, Y)
    dense, sparse = make(name).fit(X, Y), make(name).fit(FORMATS[kind](X), Y)
    np.testing.assert_allclose(sparse.objective_, dense.objective_, rtol=1e-9)
    np.testing.assert_allclose(sparse.coef_, dense.coef_, atol=2e-5)
    assert sparse.dual_gap_ <= 1e-12 * sparse.null_objective_
    np.testing.assert_allclose(sparse.predict(FORMATS[kind](X)), sparse.predict(X), atol=1e-9)


@EACH
@pytest.mark.parametrize("kind", ["csr", "csc"])
def test_sparse_equals_dense_when_tasks_have_rows_of_their_own(name, kind, thin, rng):
    X, Y = thin
    tasks = rng.permutation(np.repeat(np.arange(4), [5, 35, 20, 20]))
    y = targets(name, Y)[np.arange(len(Y)), tasks]
    dense, sparse = make(name).fit(X, y, tasks=tasks), make(name).fit(FORMATS[kind](X), y, tasks=tasks)
    np.testing.assert_allclose(sparse.objective_, dense.objective_, rtol=1e-9)
    np.testing.assert_allclose(sparse.coef_, dense.coef_, atol=5e-5)
    np.testing.assert_allclose(sparse.predict(FORMATS[kind](X), tasks=tasks), dense.predict(X, tasks=tasks), atol=5e-4)
    column = clone(sparse).set_params(task_feature=-1)
    column.fit(FORMATS[kind](np.column_stack([X, tasks])), y)
    np.testing.assert_allclose(column.coef_, sparse.coef_, atol=1e-12)
    np.testing.assert_allclose(
        column.predict(FORMATS[kind](np.column_stack([X, tasks]))), sparse.predict(X, tasks=tasks), atol=1e-12
    )


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_sparse_with_missing_outputs(fit_intercept, thin, rng):
    X, Y = thin
    holey = np.where(rng.random(Y.shape) < 0.7, Y, np.nan)
    models = [
        MultiTaskRegressor(L1(0.05), fit_intercept=fit_intercept, tol=1e-12, max_iter=50_000).fit(data, holey)
        for data in (X, sp.csr_array(X))
    ]
    np.testing.assert_allclose(models[0].coef_, models[1].coef_, atol=1e-5)
    np.testing.assert_allclose(models[0].intercept_, models[1].intercept_, atol=1e-5)


def test_sparse_is_never_made_dense(monkeypatch):
    """200,000 features: a dense copy would take 1.6 GB."""
    rng = np.random.default_rng(0)
    X = sp.random(1000, 200_000, density=1e-4, random_state=rng, format="csr")
    Y = X[:, :50].toarray() @ rng.standard_normal((50, 3))

    def only_small(to_dense):
        def guarded(self, *args, **kwargs):  # Gram matrices of working sets are small; X is not
            assert np.prod(self.shape) < X.shape[0] * 1000, "made dense"
            return to_dense(self, *args, **kwargs)

        return guarded

    for cls in (sp.csr_array, sp.csc_array, sp.csr_matrix, sp.csc_matrix):
        for name in ("toarray", "todense"):
            monkeypatch.setattr(cls, name, only_small(getattr(cls, name)))
    model = BlockSparseRegressor(1e-4, tol=1e-2).fit(X, Y)
    assert model.coef_.shape == (3, 200_000)
    tasks = np.arange(1000) % 3
    model = BlockSparseRegressor(1e-4, tol=1e-2).fit(X, Y[np.arange(1000), tasks], tasks=tasks)
    assert np.all(np.isfinite(model.predict(X[:10], tasks=tasks[:10])))


def test_constant_columns_are_no_trouble_for_a_free_mean(thin):
    X, Y = thin
    X[:, 3] = 7.0
    X[:, 4] = 0.0
    y = (np.median(Y, axis=0) < Y).astype(float)
    for data in (X, sp.csr_array(X)):
        model = MeanRegularizedClassifier(alpha=0.1).fit(data, y)
        assert model.dual_gap_ <= 1e-6 * model.null_objective_
        assert np.all(np.abs(model.coef_[:, 3:5]) < 1e-6)
