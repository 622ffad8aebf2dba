"""Data that several test modules share."""

from __future__ import annotations

import os
import sys

import cvxpy as cp
import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from mtlinear.solvers import Solver

if "PYTEST_XDIST_WORKER" in os.environ:
    # As many workers as cores: threads of theirs would only wait for each other (forty times longer, measured).
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    threadpool_limits(1)


@pytest.fixture(autouse=True)
def _no_ctrl_c_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two tests that interrupt a fit are not a user who wants to leave a loop."""
    monkeypatch.setattr(Solver, "_last_kept", -np.inf)


@pytest.fixture(autouse=True)
def _no_figures_after():
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def shared(rng):
    """(X, Y): 60 rows, 6 features, 4 tasks on the same rows; two features matter."""
    X = rng.standard_normal((60, 6)) * [1, 2, 1, 0.5, 1, 1] + [0, 3, 0, 0, -1, 0]
    A = np.zeros((6, 4))
    A[[0, 3]] = rng.standard_normal((2, 4)) + 2
    return X, X @ A + 0.3 * rng.standard_normal((60, 4)) + [0, 1, 2, 3]


@pytest.fixture
def stacked(rng):
    """(X, y, tasks): 4 tasks with 11, 50, 23 and 16 rows of their own, shuffled, string labels."""
    tasks = np.repeat(["north", "east", "south", "west"], [11, 50, 23, 16])
    tasks = rng.permutation(tasks)
    X = rng.standard_normal((100, 6)) + 1
    A = rng.standard_normal((6, 4)) * 0.2 + rng.standard_normal((6, 1))
    codes = np.unique(tasks, return_inverse=True)[1]
    y = np.sum(X * A.T[codes], axis=1) + codes + 0.3 * rng.standard_normal(100)
    return X, y, tasks


#: Tests that the oracle left without a reference, in this process, and how many that may be: more is a failure.
WITHOUT_REFERENCE, MAY_BE = [], 5


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Where the oracle gives up, even at tolerances of 1e-9, there is nothing to compare with; that is rare."""
    try:
        return (yield)
    except cp.error.SolverError:
        WITHOUT_REFERENCE.append(item.nodeid)
        if len(WITHOUT_REFERENCE) > MAY_BE:
            raise
        pytest.skip("cvxpy's solver found no reference")
