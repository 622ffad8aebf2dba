"""In place of MultiTaskLasso, MultiTaskElasticNet and their CV siblings: the same numbers, and their own tests.

scikit-learn's tests run in subprocesses, on adapters that only translate parameters (sklearn_own/adapters.py). What
cannot pass is listed with its reason (sklearn_own/expected.py) and must fail, so that the list stays true.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse
from sklearn import linear_model
from sklearn_own.adapters import ElasticNetRows
from sklearn_own.expected import GROUPS, VERSION, Group
from sklearn_own.plugin_settings import OUTCOMES

import mtlinear
from mtlinear import BlockSparseRegressor, MultiTaskRegressorCV
from mtlinear.penalties import L1Lq

TESTS = Path(__file__).parent
DOCUMENT = TESTS.parent / "docs" / "drop_in.md"
TIGHT = {"tol": 1e-14, "max_iter": 200_000}
THEIRS_TIGHT = {"tol": 1e-13, "max_iter": 200_000}


# -- the same numbers --------------------------------------------------------------------------------------------------


def table(n_rows, n_features, n_tasks=4):
    rng = np.random.default_rng([n_rows, n_features])
    X = rng.standard_normal((n_rows, n_features)) + rng.standard_normal(n_features)
    X[rng.random(X.shape) < 0.3] = 0.0
    A = np.zeros((n_features, n_tasks))
    A[:4] = rng.standard_normal((4, n_tasks)) + 1.0
    return X, X @ A + 0.5 * rng.standard_normal((n_rows, n_tasks)) + np.arange(n_tasks)


def their_objective(model, X, Y, alpha, l1_ratio):
    """By the formula of scikit-learn's docstring."""
    W = model.coef_.T
    fit = np.sum((Y - X @ W - model.intercept_) ** 2) / (2 * len(Y))
    return fit + alpha * l1_ratio * np.linalg.norm(W, axis=1).sum() + 0.5 * alpha * (1 - l1_ratio) * np.sum(W**2)


@pytest.mark.parametrize("shape", [(60, 8), (25, 60), (30, 150)])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.7, 0.1])
@pytest.mark.parametrize("layout", ["dense", "sparse"])
def test_same_model(shape, fit_intercept, l1_ratio, layout):
    X, Y = table(*shape)
    alpha = 0.1 / l1_ratio
    if l1_ratio == 1.0:
        theirs = linear_model.MultiTaskLasso(alpha, fit_intercept=fit_intercept, **THEIRS_TIGHT)
    else:
        theirs = linear_model.MultiTaskElasticNet(alpha, l1_ratio=l1_ratio, fit_intercept=fit_intercept, **THEIRS_TIGHT)
    ours = BlockSparseRegressor(
        alpha * l1_ratio, l2_alpha=alpha * (1.0 - l1_ratio), fit_intercept=fit_intercept, **TIGHT
    )
    theirs.fit(X, Y)  # they take a sparse X from 1.9 on only
    ours.fit(sparse.csr_array(X) if layout == "sparse" else X, Y)
    assert np.count_nonzero(np.linalg.norm(ours.coef_, axis=0)) > 0
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-6)
    np.testing.assert_allclose(ours.intercept_, np.broadcast_to(theirs.intercept_, 4), atol=1e-6)
    np.testing.assert_array_equal(ours.coef_.any(axis=0), theirs.coef_.any(axis=0))
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), atol=1e-6)


@pytest.mark.parametrize("shape", [(60, 8), (25, 60), (30, 150)])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.5])
@pytest.mark.parametrize("tol", [1e-2, 1e-6, 1e-12])
def test_the_gap_is_certified(shape, l1_ratio, tol):
    X, Y = table(*shape)
    ours = BlockSparseRegressor(0.2 * l1_ratio, l2_alpha=0.2 * (1.0 - l1_ratio), tol=tol, max_iter=200_000).fit(X, Y)
    theirs = linear_model.MultiTaskElasticNet(0.2, l1_ratio=l1_ratio, **THEIRS_TIGHT).fit(X, Y)
    best = their_objective(theirs, X, Y, 0.2, l1_ratio)
    assert ours.null_objective_ == pytest.approx(np.sum((Y - Y.mean(axis=0)) ** 2) / (2 * len(Y)))
    assert 0.0 <= ours.dual_gap_ <= tol * ours.null_objective_
    assert ours.objective_ == pytest.approx(their_objective(ours, X, Y, 0.2, l1_ratio), rel=1e-12)
    assert ours.objective_ <= best + ours.dual_gap_ + 1e-13 * best
    assert best >= ours.objective_ - ours.dual_gap_ - 1e-13 * best


CV = {"eps": 1e-2, "cv": 4}


@pytest.mark.parametrize("shape", [(60, 8), (30, 45)])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_same_lasso_cv(shape, fit_intercept):
    X, Y = table(*shape)
    theirs = linear_model.MultiTaskLassoCV(alphas=15, fit_intercept=fit_intercept, **CV, **THEIRS_TIGHT).fit(X, Y)
    ours = MultiTaskRegressorCV(L1Lq(), alphas=15, fit_intercept=fit_intercept, **CV, **TIGHT).fit(X, Y)
    np.testing.assert_allclose(ours.alphas_, theirs.alphas_, rtol=1e-10)
    np.testing.assert_allclose(ours.mse_path_, theirs.mse_path_, rtol=1e-6)
    assert ours.alpha_ == pytest.approx(theirs.alpha_, rel=1e-10)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-6)


@pytest.mark.parametrize("alphas", [12, [0.03, 0.3, 0.1]])
def test_same_elastic_net_cv_with_a_penalty_of_one_s_own(alphas):
    X, Y = table(60, 8)
    ratios = [0.2, 0.9]
    theirs = linear_model.MultiTaskElasticNetCV(l1_ratio=ratios, alphas=alphas, **CV, **THEIRS_TIGHT).fit(X, Y)
    ours = MultiTaskRegressorCV(ElasticNetRows(), param_grid={"l1_ratio": ratios}, alphas=alphas, **CV, **TIGHT).fit(
        X, Y
    )
    np.testing.assert_allclose(ours.alphas_, np.broadcast_to(theirs.alphas_, ours.alphas_.shape), rtol=1e-10)
    np.testing.assert_allclose(ours.mse_path_, theirs.mse_path_, rtol=1e-6)
    assert ours.alpha_ == pytest.approx(theirs.alpha_, rel=1e-10)
    assert ours.best_params_["l1_ratio"] == theirs.l1_ratio_
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-6)


def test_same_elastic_net_cv_with_l2_alpha():
    """Built in, an alpha at a time: l2_alpha stays the same along a path, where theirs goes down with alpha."""
    X, Y = table(30, 45)
    theirs = linear_model.MultiTaskElasticNetCV(l1_ratio=0.6, alphas=6, **CV, **THEIRS_TIGHT).fit(X, Y)
    for alpha, errors in zip(theirs.alphas_, theirs.mse_path_, strict=True):
        ours = MultiTaskRegressorCV(L1Lq(), alphas=[0.6 * alpha], l2_alpha=0.4 * alpha, cv=4, **TIGHT).fit(X, Y)
        np.testing.assert_allclose(ours.mse_path_[0], errors, rtol=1e-6)


# -- scikit-learn's own tests ------------------------------------------------------------------------------------------


def is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # not even its package
        return False


def run(group: Group, folder: Path) -> dict[str, str]:
    """Outcome of every test of the group that met an adapter, in a process whose scikit-learn holds the adapters."""
    modules = [f"sklearn.{module}" for module in group.modules]
    if missing := [module for module in modules if not is_there(module)]:
        pytest.skip(f"this installation of scikit-learn has no {missing}")
    ours = [str(TESTS), str(Path(mtlinear.__file__).parents[1])]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([*ours, os.environ.get("PYTHONPATH", "")]),
        OUTCOMES: str(folder / "outcomes.json"),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    for name in [name for name in environment if name.startswith(("PYTEST_", "SKLEARN_TESTS_"))]:
        del environment[name]
    plain = ["-c", os.devnull, f"--rootdir={folder}", "-p", "no:xdist", "-p", "no:cacheprovider", "-q", "--tb=line"]
    command = [sys.executable, "-m", "pytest", *plain, "-p", "sklearn_own.plugin", "--pyargs", *modules]
    if group.keyword:
        command += ["-k", group.keyword]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stdout[-3000:] + done.stderr[-3000:]
    return json.loads((folder / "outcomes.json").read_text(encoding="utf-8"))


def reason_for(test: str, listed: dict[str, str]) -> str | None:
    """Why a test must fail: it is listed, or its function is."""
    return listed.get(test, listed.get(test.split("[")[0]))


@pytest.mark.slow
@pytest.mark.parametrize("name", GROUPS)
def test_sklearns_own_tests(name, tmp_path):
    group, listed = GROUPS[name], GROUPS[name].listed()
    at_least = group.at_least[VERSION >= (1, 9)]
    if at_least == 0:
        pytest.skip("this version of scikit-learn has no such test")
    outcomes = run(group, tmp_path)
    assert len(outcomes) >= at_least, f"only {len(outcomes)} tests met an adapter"
    for test in group.undecided:
        outcomes.pop(test, None)
    failed = {test for test, outcome in outcomes.items() if outcome == "failed"}
    must_fail = {test for test in outcomes if reason_for(test, listed)}
    assert sorted(failed - must_fail) == [], "these fail and are not listed"
    assert sorted(must_fail - failed) == [], "these are listed and do not fail: take them off the list"
    assert {outcomes[test] for test in outcomes if test not in failed} == {"passed"}
    if VERSION == (1, 9):  # elsewhere a test may not exist
        found = must_fail | {test.split("[")[0] for test in must_fail}
        assert sorted(set(listed) - found) == [], "listed, but there is no such test"


def test_the_document_lists_the_same_tests():
    rows = re.findall(r"^\| `([\w.]+::[^`]+)` \| (.+) \|$", DOCUMENT.read_text(encoding="utf-8"), flags=re.MULTILINE)
    listed = {}
    for group in GROUPS.values():
        listed |= group.failing | group.undecided | group.failing_in_1_8
    assert dict(rows) == listed


def test_the_document_s_examples_run():
    blocks = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(blocks) >= 4
    namespace: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, "drop_in.md", "exec"), namespace)
