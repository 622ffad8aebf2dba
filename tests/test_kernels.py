"""Task-coupled kernels: against the linear models they stand for, cvxpy, and the textbook of Gaussian processes."""

from __future__ import annotations

import pickle

import cvxpy as cp
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.gaussian_process import GaussianProcessClassifier, GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, DotProduct, WhiteKernel
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics.pairwise import linear_kernel, rbf_kernel
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC, SVR

from mtlinear import MeanRegularizedRegressor, MultiTaskRegressor
from mtlinear.kernels import (
    ClusterCoupling,
    GraphCoupling,
    MatrixCoupling,
    MeanCoupling,
    MultiTaskGPKernel,
    MultiTaskKernel,
)
from mtlinear.penalties import MeanRegularized, Ridge
from mtlinear.reference import CLARABEL_OPTIONS

T, D = 4, 3
GRAPH = np.array([[0, 1.0, 0, 0], [1.0, 0, 2.0, 0], [0, 2.0, 0, 0.5], [0, 0, 0.5, 0]])
COUPLINGS = [
    MeanCoupling(0.7, 0.2),
    GraphCoupling(GRAPH, 0.8, 0.3),
    ClusterCoupling([0, 1, 0, 1], 1.5, 0.4, 0.2),
    MatrixCoupling(0.5 * np.eye(T) + 0.5),
]


@pytest.fixture
def rows(rng):
    """Rows of four tasks of unequal size, the task in the last column; a target."""
    labels = rng.permutation(np.repeat(np.arange(T), [5, 9, 14, 22]))
    X = rng.standard_normal((len(labels), D))
    A = rng.standard_normal((D, 1)) + 0.4 * rng.standard_normal((D, T))
    y = np.sum(X * A[:, labels].T, axis=1) + 0.3 * rng.standard_normal(len(labels))
    return np.column_stack([X, labels]), y


def ridge_pipeline(coupling, alpha, **options):
    return make_pipeline(MultiTaskKernel(coupling, **options), KernelRidge(alpha=alpha, kernel="precomputed"))


# Couplings ----------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=50, derandomize=True)
@given(seed=st.integers(0, 1000), alpha=st.floats(1e-3, 1e3), other=st.floats(1e-3, 1e3))
def test_couplings_invert_their_quadratic_forms(seed, alpha, other):
    """The norms in the docstrings, written out; C is the inverse of their matrix."""
    rng = np.random.default_rng(seed)
    A, tasks = rng.standard_normal((D, T)), np.arange(T)
    mean = A.mean(axis=1, keepdims=True)

    def norm(coupling):
        return np.trace(A @ np.linalg.inv(coupling.matrix(tasks)) @ A.T)

    penalty = MeanRegularized(alpha, other)
    assert_allclose(norm(MeanCoupling(alpha, other)), 2.0 * penalty.value(A), rtol=1e-9)
    W = np.triu(rng.uniform(0, 1, (T, T)) * (rng.random((T, T)) < 0.6), 1)
    W = W + W.T
    pairs = sum(W[s, t] * np.sum((A[:, s] - A[:, t]) ** 2) for s in range(T) for t in range(T))
    expected = 0.5 * alpha * pairs + other * np.sum(A**2)
    assert_allclose(norm(GraphCoupling(W, alpha, other)), expected, rtol=1e-9)
    clusters = np.array(["a", "b", "a", "a"])
    expected = 0.3 * T * np.sum(mean**2)
    for name in ("a", "b"):
        own = A[:, clusters == name]
        center = own.mean(axis=1, keepdims=True)
        expected += alpha * np.sum((own - center) ** 2) + other * own.shape[1] * np.sum((center - mean) ** 2)
    assert_allclose(norm(ClusterCoupling(clusters, alpha, other, 0.3)), expected, rtol=1e-9)


def test_ends_of_the_couplings():
    tasks = np.arange(T)
    assert_allclose(MeanCoupling(2.0, 2.0).matrix(tasks), 0.5 * np.eye(T), atol=1e-15)  # no relation
    assert_allclose(MeanCoupling(1e12, 1.0).matrix(tasks), np.full((T, T), 1 / T), atol=1e-10)  # one pooled task
    assert_allclose(GraphCoupling(np.zeros((T, T)), 1.0, 4.0).matrix(tasks), 0.25 * np.eye(T), atol=1e-15)
    laplacian = np.diag(GRAPH.sum(axis=1)) - GRAPH
    pseudo = GraphCoupling(GRAPH, 1.0, 0.0).matrix(tasks)
    assert_allclose(pseudo, np.linalg.pinv(laplacian), atol=1e-12)
    assert_allclose(pseudo.sum(axis=0), 0.0, atol=1e-12)
    full = GraphCoupling(np.ones((T, T)), 1.0, 0.2)  # the complete graph is the mean
    assert_allclose(full.matrix(tasks), MeanCoupling(T + 0.2, 0.2).matrix(tasks), rtol=1e-12)
    one = ClusterCoupling(np.zeros(T), 0.7, 5.0, 0.2)  # and so is one cluster
    assert_allclose(one.matrix(tasks), MeanCoupling(0.7, 0.2).matrix(tasks), rtol=1e-12)
    mu = 0.6  # Evgeniou & Pontil (2004), eq. 8
    expected = 1 / mu + np.eye(T)
    assert_allclose(MeanCoupling(1.0, mu / (T + mu)).matrix(tasks), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("coupling", "message"),
    [
        (MeanCoupling(0.0), "alpha must be a number > 0"),
        (MeanCoupling(1.0, 0.0), "mean_alpha must be a number > 0"),
        (GraphCoupling(-GRAPH), "graph must hold weights >= 0"),
        (GraphCoupling(np.triu(GRAPH)), "graph must be symmetric"),
        (GraphCoupling(GRAPH[:3, :3]), r"graph must have shape \(4, 4\)"),
        (GraphCoupling(GRAPH, 1.0, -1.0), "ridge must be a number >= 0"),
        (GraphCoupling(GRAPH * np.nan), "graph contains NaN"),
        (ClusterCoupling([0, 1]), "clusters must be a mapping from task to cluster, or 4"),
        (ClusterCoupling({0: 1, 1: 1}), r"clusters has no entry for task\(s\) \[2, 3\]"),
        (ClusterCoupling([0, 0, 1, 1], 1.0, 0.0), "between_alpha must be a number > 0"),
        (MatrixCoupling(np.eye(T) - 0.5), "C must be positive semidefinite"),
        (MatrixCoupling(-np.eye(T)), "C must be positive semidefinite"),
    ],
)
def test_couplings_that_make_no_sense_are_refused(coupling, message):
    with pytest.raises(ValueError, match=message):
        coupling.matrix(np.arange(T))


# Linear models ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("alpha", [0.05, 2.0])
@pytest.mark.parametrize("mean_alpha", [0.01, 0.5])
def test_linear_kernel_ridge_is_the_mean_regularized_model(rows, alpha, mean_alpha):
    """Ours is (1/m) sum loss + tr(A Q A')/2 with m = n/T rows, theirs sum (y - f)^2 + a |f|^2: a = m."""
    X, y = rows
    linear = MeanRegularizedRegressor(alpha, mean_alpha=mean_alpha, fit_intercept=False, task_feature=-1, tol=1e-14)
    kernel = ridge_pipeline(MeanCoupling(alpha, mean_alpha), len(X) / T)
    new = X + 0.1 * (np.arange(D + 1) < D)
    assert_allclose(kernel.fit(X, y).predict(new), linear.fit(X, y).predict(new), rtol=1e-8, atol=1e-8)


def test_unseen_tasks_get_the_mean_in_both(rows):
    X, y = rows
    linear = MeanRegularizedRegressor(
        0.3, mean_alpha=0.1, fit_intercept=False, task_feature=-1, unseen_tasks="mean", tol=1e-14
    )
    kernel = ridge_pipeline(MeanCoupling(0.3, 0.1), len(X) / T, unseen_tasks="mean")
    new = X.copy()
    new[::2, -1] = 77
    assert_allclose(kernel.fit(X, y).predict(new), linear.fit(X, y).predict(new), rtol=1e-8, atol=1e-8)
    with pytest.raises(ValueError, match=r"1 task\(s\) were not seen in fit: 77"):
        ridge_pipeline(MeanCoupling(), 1.0).fit(X, y).predict(new)


@pytest.mark.parametrize("coupling", [COUPLINGS[1], COUPLINGS[2]], ids=lambda c: type(c).__name__)
def test_linear_kernel_ridge_is_the_model_with_the_quadratic_form(rows, coupling):
    """One linear system in vec(A): blocks X_t'X_t / m and Q (x) I."""
    X, y = rows
    codes, m = X[:, -1].astype(int), len(X) / T
    if isinstance(coupling, GraphCoupling):
        Q = coupling.alpha * (np.diag(GRAPH.sum(axis=1)) - GRAPH) + coupling.ridge * np.eye(T)
    else:
        Q = np.linalg.inv(coupling.matrix(np.arange(T)))
    H, right = np.kron(Q, np.eye(D)), np.zeros(T * D)
    for t in range(T):
        own = X[codes == t, :D]
        H[t * D : (t + 1) * D, t * D : (t + 1) * D] += own.T @ own / m
        right[t * D : (t + 1) * D] = own.T @ y[codes == t] / m
    A = np.linalg.solve(H, right).reshape(T, D)
    expected = np.sum(X[:, :D] * A[codes], axis=1)
    assert_allclose(ridge_pipeline(coupling, m).fit(X, y).predict(X), expected, rtol=1e-8, atol=1e-8)


def test_identity_is_one_ridge_a_task(rows):
    X, y = rows
    alone = MultiTaskRegressor(Ridge(0.5), fit_intercept=False, task_feature=-1, tol=1e-14).fit(X, y)
    kernel = ridge_pipeline(MatrixCoupling(2.0 * np.eye(T)), len(X) / T).fit(X, y)
    assert_allclose(kernel.predict(X), alone.predict(X), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize(("lambda1", "lambda2"), [(1.0, 0.5), (0.1, 2.0)])
def test_the_regularized_svm_of_evgeniou_and_pontil(rows, lambda1, lambda2):
    """min sum hinge + (lambda1 / T) sum_t |v_t|^2 + lambda2 |w_0|^2, w_t = w_0 + v_t (their eq. 4), with one bias."""
    X, y = rows
    labels, codes = np.where(y > np.median(y), 1.0, -1.0), X[:, -1].astype(int)
    w, V, b = cp.Variable(D), cp.Variable((T, D)), cp.Variable()
    scores = cp.sum(cp.multiply(X[:, :D], V[codes] + np.ones((len(X), 1)) @ cp.reshape(w, (1, D), order="C")), axis=1)
    norms = lambda1 / T * cp.sum_squares(V) + lambda2 * cp.sum_squares(w)
    hinge = cp.sum(cp.pos(1 - cp.multiply(labels, scores + b)))
    cp.Problem(cp.Minimize(hinge + norms)).solve(solver="CLARABEL", **CLARABEL_OPTIONS)
    expected = np.sum(X[:, :D] * (V.value + w.value)[codes], axis=1)
    coupling = MeanCoupling(2 * lambda1 / T, 2 * lambda1 * lambda2 / (T * (lambda1 + lambda2)))
    machine = make_pipeline(
        MultiTaskKernel(coupling), SVC(C=1.0, kernel="precomputed", tol=1e-10, shrinking=False)
    ).fit(X, labels)
    found = machine.decision_function(X) - machine[-1].intercept_
    assert_allclose(found, expected, rtol=0, atol=1e-6 * np.abs(expected).max())
    # Their kernel: (1/mu + [s = t]) x.z with mu = T lambda2 / lambda1 and C = T / (2 lambda1).
    mu = T * lambda2 / lambda1
    theirs = make_pipeline(
        MultiTaskKernel(MatrixCoupling(1 / mu + np.eye(T))),
        SVC(C=T / (2 * lambda1), kernel="precomputed", tol=1e-10, shrinking=False),
    ).fit(X, labels)
    found = theirs.decision_function(X) - theirs[-1].intercept_
    assert_allclose(found, expected, rtol=0, atol=3e-6 * np.abs(expected).max())


# The kernel in scikit-learn -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("coupling", COUPLINGS, ids=lambda c: type(c).__name__)
@pytest.mark.parametrize(
    "base", ["linear", "rbf", rbf_kernel, RBF(0.7)], ids=lambda base: getattr(base, "__name__", str(base))
)
def test_entries_of_the_gram_matrix(rows, coupling, base):
    X, _ = rows
    kernel = MultiTaskKernel(coupling, base, tasks=range(T))
    K, C = kernel(X), coupling.matrix(np.arange(T))
    for i, j in [(0, 0), (3, 17), (20, 5)]:
        x, z = X[[i], :D], X[[j], :D]
        function = base if callable(base) else {"linear": linear_kernel, "rbf": rbf_kernel}[base]
        k = function(x, z)[0, 0]
        assert_allclose(K[i, j], C[int(X[i, -1]), int(X[j, -1])] * k, rtol=1e-12)
    assert_allclose(K, K.T, atol=1e-14)
    assert np.linalg.eigvalsh(K)[0] > -1e-10 * np.abs(K).max()
    fitted = MultiTaskKernel(coupling, base).fit(X)
    assert_allclose(fitted.transform(X[:7]), K[:7], atol=1e-15)
    assert_allclose(MultiTaskKernel(coupling, base).fit_transform(X), K, atol=1e-15)
    assert_allclose(kernel(X[:4], X[7:9]), K[:4, 7:9], atol=1e-15)


def test_callable_and_precomputed_are_the_same_machine(rows):
    X, y = rows
    kernel = MultiTaskKernel(MeanCoupling(1.0, 0.3), "rbf", gamma=0.4)
    for machine in (SVR(C=3.0), SVC(C=3.0)):
        target = y if isinstance(machine, SVR) else y > 0
        one = clone(machine).set_params(kernel=clone(kernel).set_params(tasks=range(T))).fit(X, target)
        other = make_pipeline(kernel, clone(machine).set_params(kernel="precomputed")).fit(X, target)
        assert_allclose(one.predict(X), other.predict(X), atol=1e-10)


def test_search_over_couplings_and_base_kernels(rows):
    X, y = rows
    pipeline = make_pipeline(MultiTaskKernel(MeanCoupling(), "rbf"), KernelRidge(kernel="precomputed"))
    grid = {
        "multitaskkernel__coupling__mean_alpha": [0.01, 1.0],
        "multitaskkernel__gamma": [0.05, 1.0],
        "kernelridge__alpha": [0.1, 10.0],
    }
    search = GridSearchCV(pipeline, grid, cv=3).fit(X, y)
    assert np.all(np.isfinite(search.cv_results_["mean_test_score"]))
    assert len(set(search.cv_results_["mean_test_score"])) == 8
    assert search.best_params_["multitaskkernel__coupling__mean_alpha"] == 0.01  # the tasks have much in common
    choice = {"multitaskkernel__coupling": COUPLINGS, "multitaskkernel__base_kernel": ["linear", RBF(2.0)]}
    assert len(set(GridSearchCV(pipeline, choice, cv=3).fit(X, y).cv_results_["mean_test_score"])) == 8
    nested = {"multitaskkernel__base_kernel__length_scale": [0.5, 5.0]}
    GridSearchCV(pipeline.set_params(multitaskkernel__base_kernel=RBF()), nested, cv=3).fit(X, y)
    # A fold by hand.
    half = np.arange(len(X)) % 2 == 0
    by_hand = ridge_pipeline(MeanCoupling(1.0, 0.1), 1.0).fit(X[half], y[half]).score(X[~half], y[~half])
    search = GridSearchCV(
        ridge_pipeline(MeanCoupling(1.0, 0.1), 1.0),
        {"kernelridge__alpha": [1.0]},
        cv=[(np.flatnonzero(half), np.flatnonzero(~half))],
    )
    assert_allclose(search.fit(X, y).best_score_, by_hand)


def test_tables_names_strings_and_sparse_rows(rows):
    X, y = rows
    expected = ridge_pipeline(COUPLINGS[1], 1.0).fit(X, y).predict(X)
    table = pd.DataFrame(X[:, :D], columns=["a", "b", "c"])
    table.insert(1, "clinic", np.array(["k", "l", "m", "n"])[X[:, -1].astype(int)])
    named = ridge_pipeline(COUPLINGS[1], 1.0, task_feature="clinic").fit(table, y)
    assert_allclose(named.predict(table), expected)
    assert named[0].tasks_.tolist() == ["k", "l", "m", "n"]
    sparse = ridge_pipeline(COUPLINGS[1], 1.0).fit(sp.csr_array(X), y)
    assert_allclose(sparse.predict(sp.csr_array(X)), expected)
    mapped = MultiTaskKernel(ClusterCoupling({"k": "x", "l": "y", "m": "x", "n": "y"}), task_feature="clinic")
    assert_allclose(mapped.fit_transform(table), MultiTaskKernel(ClusterCoupling([0, 1, 0, 1])).fit_transform(X))


def test_clone_pickle_and_parameters(rows):
    X, y = rows
    kernel = MultiTaskKernel(GraphCoupling(GRAPH, 0.5), RBF(0.3), unseen_tasks="mean")
    assert kernel.get_params()["coupling__alpha"] == 0.5
    assert kernel.get_params()["base_kernel__length_scale"] == 0.3
    assert repr(clone(kernel)) == repr(kernel)
    fitted = make_pipeline(kernel, SVR(kernel="precomputed")).fit(X, y)
    assert_allclose(pickle.loads(pickle.dumps(fitted)).predict(X), fitted.predict(X))


def test_what_makes_no_sense_is_said(rows):
    X, _ = rows
    with pytest.raises(ValueError, match="tasks must be given"):
        MultiTaskKernel()(X)
    with pytest.raises(TypeError, match="coupling must be an object of"):
        MultiTaskKernel("mean").fit(X)
    with pytest.raises(TypeError, match="base_kernel must be the name of a kernel or a function"):
        MultiTaskKernel(base_kernel=3).fit_transform(X)
    with pytest.raises(ValueError, match="unseen_tasks must be"):
        MultiTaskKernel(unseen_tasks="zero").fit(X)
    with pytest.raises(ValueError, match="look like measurements"):
        MultiTaskKernel(task_feature=0).fit(X)
    with pytest.raises(ValueError, match="NaN"):
        MultiTaskKernel().fit(np.where(np.arange(D + 1) == 0, np.nan, X))
    with pytest.raises(ValueError, match=r"task\(s\) \[3.0\] of X are not among tasks"):
        MultiTaskGPKernel([0, 1, 2])(X)
    with pytest.raises(ValueError, match="coupling_bounds must be"):
        _ = MultiTaskGPKernel(range(T), coupling_bounds="loose").theta


# Gaussian processes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("coupling", COUPLINGS, ids=lambda c: type(c).__name__)
def test_gaussian_process_is_the_closed_form_posterior(rows, coupling):
    X, y = rows
    kernel = MultiTaskGPKernel(range(T), coupling, RBF(1.3))
    model = GaussianProcessRegressor(kernel, alpha=0.1, optimizer=None).fit(X[:40], y[:40])
    mean, covariance = model.predict(X[40:], return_cov=True)
    C, codes = coupling.matrix(np.arange(T)), X[:, -1].astype(int)
    K = C[np.ix_(codes, codes)] * rbf_kernel(X[:, :D], gamma=0.5 / 1.3**2)
    solve = np.linalg.solve(K[:40, :40] + 0.1 * np.eye(40), np.column_stack([y[:40], K[:40, 40:]]))
    assert_allclose(mean, K[40:, :40] @ solve[:, 0], atol=1e-9)
    assert_allclose(covariance, K[40:, 40:] - K[40:, :40] @ solve[:, 1:], atol=1e-9)
    assert_allclose(kernel.diag(X), np.diag(kernel(X)), rtol=1e-13)


@pytest.mark.parametrize("coupling", COUPLINGS, ids=lambda c: type(c).__name__)
@pytest.mark.parametrize("base", [RBF(0.8), ConstantKernel(2.0) * RBF([0.5, 1.0, 2.0]), DotProduct(0.4)], ids=str)
@pytest.mark.parametrize("bounds", [(1e-3, 1e3), "fixed"])
def test_gradients_by_finite_differences(rows, coupling, base, bounds):
    X = rows[0][:12]
    kernel = clone(MultiTaskGPKernel(range(T), coupling, base, coupling_bounds=bounds))
    K, gradient = kernel(X, eval_gradient=True)
    free = 0 if bounds == "fixed" else len(coupling.strengths)
    assert gradient.shape == (12, 12, base.n_dims + free)
    assert kernel.n_dims == len(kernel.theta) == len(kernel.bounds) == sum(h.n_elements for h in kernel.hyperparameters)
    theta = kernel.theta.copy()
    for k in range(len(theta)):
        step = 1e-6 * (np.arange(len(theta)) == k)
        ahead, behind = (kernel.clone_with_theta(theta + sign * step)(X) for sign in (1, -1))
        assert_allclose(gradient[:, :, k], (ahead - behind) / 2e-6, atol=1e-7 * np.abs(K).max())
    assert_allclose(kernel.theta, theta)  # clones leave it alone


def test_the_likelihood_learns_how_alike_tasks_are(rng):
    codes = np.arange(90) % 3
    X = np.column_stack([rng.uniform(-2, 2, 90), codes])
    smooth = np.sin(2 * X[:, 0])
    alike = smooth + 0.05 * rng.standard_normal(90)
    apart = np.array([1.0, -1.0, 0.5])[codes] * smooth + np.array([0, np.cos(3.0), 2.0])[codes] * X[:, 0]
    ratio = []
    for y in (alike, apart):
        kernel = MultiTaskGPKernel([0, 1, 2], MeanCoupling(1.0, 1.0), RBF()) + WhiteKernel(0.1)
        model = GaussianProcessRegressor(kernel, random_state=0).fit(X, y)
        found = model.kernel_.k1.coupling
        ratio.append(found.alpha / found.mean_alpha)
        start = GaussianProcessRegressor(kernel, optimizer=None).fit(X, y)
        assert model.log_marginal_likelihood_value_ > start.log_marginal_likelihood_value_ + 1.0
    assert ratio[0] > 10.0 > ratio[1]
    assert kernel.k1.coupling.alpha == 1.0  # what the caller gave stays


def test_gaussian_process_tools(rows):
    X, y = rows
    kernel = MultiTaskGPKernel(range(T), MeanCoupling(1.0, 0.2), RBF(1.0), coupling_bounds="fixed")
    assert kernel == clone(kernel)
    assert kernel != clone(kernel).set_params(coupling__alpha=2.0)
    assert kernel.get_params()["base_kernel__length_scale"] == 1.0
    classifier = GaussianProcessClassifier(kernel, optimizer=None).fit(X, y > 0)
    assert classifier.score(X, y > 0) > 0.9
    model = GaussianProcessRegressor(kernel, alpha=0.1).fit(X, y)
    assert_allclose(pickle.loads(pickle.dumps(model)).predict(X), model.predict(X))
    assert repr(model.kernel_).startswith("MultiTaskGPKernel(MeanCoupling(mean_alpha=0.2), RBF(length_scale=")
    search = GridSearchCV(
        GaussianProcessRegressor(kernel, alpha=0.1, optimizer=None), {"kernel__coupling__mean_alpha": [0.02, 1.0]}, cv=3
    ).fit(X, y)
    assert len(set(search.cv_results_["mean_test_score"])) == 2
    default = MultiTaskGPKernel(range(T))
    assert default(X[:3]).shape == (3, 3)
    assert default.theta.shape == (3,)
