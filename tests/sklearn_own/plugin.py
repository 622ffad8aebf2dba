"""pytest plugin: scikit-learn's tests see our adapters in place of its multi-task classes.

Loaded with ``-p``, before any test module is imported. It keeps the tests that are parametrized with one of the four
classes or name one, and writes ``{test: outcome}`` as JSON to the file that the environment names. A test that passed
without making an adapter is left out: it says nothing of us.
"""

from __future__ import annotations

import inspect
import json
import os
from pathlib import Path
from typing import Any

import pytest
import scipy.sparse
import sklearn.linear_model
import sklearn.linear_model._coordinate_descent
from sklearn.base import BaseEstimator

from sklearn_own import adapters
from sklearn_own.plugin_settings import OUTCOMES

NAMES = ("MultiTaskLasso", "MultiTaskElasticNet", "MultiTaskLassoCV", "MultiTaskElasticNetCV")
CLASSES = tuple(getattr(adapters, name) for name in NAMES)

#: As it is now: scikit-learn's conftest may put a stricter class in its place.
CSC_MATRIX = scipy.sparse.csc_matrix

_running: list[str] = []
_met: set[str] = set()
_outcomes: dict[str, str] = {}


def _new(cls: type, *_: Any, **__: Any) -> Any:
    """Object of an adapter; the running test has met it."""
    _met.update(_running)
    return object.__new__(cls)


adapters.Adapter.__new__ = _new
for _name, _class in zip(NAMES, CLASSES, strict=True):
    setattr(sklearn.linear_model, _name, _class)
    setattr(sklearn.linear_model._coordinate_descent, _name, _class)


def name_of(item: pytest.Item) -> str:
    """Module inside sklearn, function and parameters."""
    return f"{item.module.__name__.removeprefix('sklearn.')}::{item.name}"


def _estimators_in(value: Any) -> list[type]:
    if isinstance(value, type):
        return [value] if issubclass(value, BaseEstimator) else []
    if isinstance(value, BaseEstimator):
        return [type(value)]
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return [found for each in value for found in _estimators_in(each)]
    return []


def concerns_us(item: pytest.Item) -> bool:
    """Whether a test is parametrized with an adapter or, not being parametrized with estimators, names one."""
    callspec = getattr(item, "callspec", None)
    parameters = dict(callspec.params) if callspec else {}
    if parameters.get("n_targets") == 1 or any(v is CSC_MATRIX for v in parameters.values()):
        return False  # other estimators; slow repetitions of what runs with csc_array
    if estimators := _estimators_in(parameters):
        return any(found in CLASSES for found in estimators)
    return any(name in inspect.getsource(item.function) for name in NAMES)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    chosen = [item for item in items if concerns_us(item)]
    config.hook.pytest_deselected(items=[item for item in items if not concerns_us(item)])
    items[:] = chosen


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Any:
    _running[:] = [name_of(item)]
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    report = yield
    if report.when == "call" or report.outcome != "passed":
        _outcomes[name_of(item)] = ("x" if hasattr(report, "wasxfail") else "") + report.outcome
    return report


def pytest_sessionfinish() -> None:
    ours = {name: outcome for name, outcome in _outcomes.items() if outcome == "failed" or name in _met}
    Path(os.environ[OUTCOMES]).write_text(json.dumps(ours, indent=1), encoding="utf-8")
