"""The table of scikit-learn's tools: ways in which data get to an estimator, the same by hand, and what is tested.

A test of a cell is a function of a `Way` and an estimator class, decorated with `works` (or listed with `fails`). It
compares the tool with a loop that uses none of the machinery: `by_hand` scales with numpy, holds the tasks beside the
features and multiplies coefficients by features itself.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.compose import ColumnTransformer
from sklearn.model_selection import KFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from mtlinear import BlockSparseClassifier, BlockSparseRegressor, MeanRegularizedClassifier, MeanRegularizedRegressor
from mtlinear.model_selection import TaskKFold

REGRESSORS = (MeanRegularizedRegressor, BlockSparseRegressor)
CLASSIFIERS = (MeanRegularizedClassifier, BlockSparseClassifier)
TIGHT = {"tol": 1e-13, "max_iter": 100_000}

FEATURES = ["dose", "age", "size", "distance"]
SIZES = {"east": 18, "north": 25, "south": 31, "west": 36}
N_ROWS = sum(SIZES.values())

# -- the ways ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Way:
    """One way in which data get to an estimator: what the user has, and the same for loops by hand."""

    name: str
    X: Any
    y: np.ndarray
    labels: np.ndarray
    #: Columns of X; "school" is the task.
    columns: list[str]
    #: The task column: for a splitter, which sees X as it is given; and for the model, behind the other steps.
    given_column: str | int | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    #: Steps before the model.
    prepare: Callable[[], Any] | None = None
    features: np.ndarray = field(default_factory=lambda: _table()[0])
    tasks: np.ndarray | None = field(default_factory=lambda: _table()[1])

    @property
    def metadata(self) -> dict[str, Any]:
        """Keyword arguments of fit, predict and score."""
        return {"tasks": self.tasks} if self.name == "tasks=" else {}

    @property
    def prefix(self) -> str:
        return "" if self.prepare is None else "model__"

    def make(self, model: type, **parameters: Any) -> Any:
        """The estimator of a user."""
        estimator = model(**{"alpha": 0.1, **TIGHT, **self.parameters, **parameters})
        return estimator if self.prepare is None else Pipeline([("prepare", self.prepare()), ("model", estimator)])

    def target(self, model: type) -> np.ndarray:
        return self.labels if model in CLASSIFIERS else self.y

    def model_of(self, estimator: Any) -> Any:
        return estimator if self.prepare is None else estimator[-1]

    def cv(self, n_splits: int = 3) -> Any:
        """The splitter of a user."""
        return KFold(n_splits) if self.tasks is None else TaskKFold(n_splits, task_feature=self.given_column)

    def folds(self, y: np.ndarray, n_splits: int = 3) -> list[tuple[np.ndarray, np.ndarray]]:
        """The same folds, with the tasks beside the features."""
        if self.tasks is None:
            return list(KFold(n_splits).split(self.features))
        return list(TaskKFold(n_splits).split(self.features, y, groups=self.tasks))

    def take(self, rows: Any) -> Any:
        """Rows of X."""
        return self.X.iloc[rows] if hasattr(self.X, "iloc") else self.X[rows]

    def metadata_of(self, rows: Any) -> dict[str, Any]:
        return {name: values[rows] for name, values in self.metadata.items()}


@functools.cache
def _table() -> tuple[np.ndarray, np.ndarray]:
    """Features (n_rows, 4) of different scale, and the task of every row; 4 tasks of 18 to 36 rows, shuffled."""
    rng = np.random.default_rng(0)
    tasks = rng.permutation(np.repeat(list(SIZES), list(SIZES.values())))
    X = rng.standard_normal((N_ROWS, 4)) * [1.0, 2.0, 0.5, 1.0] + [0.0, 3.0, 0.0, -1.0]
    for array in (X, tasks):
        array.setflags(write=False)
    return X, tasks


def _targets() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """y and string labels of every row in its task, and Y (n_rows, 3) of three tasks that share the rows."""
    X, tasks = _table()
    rng = np.random.default_rng(1)
    A = rng.standard_normal((4, 1)) + 0.4 * rng.standard_normal((4, 4))
    codes = np.unique(tasks, return_inverse=True)[1]
    y = np.sum(X * A.T[codes], axis=1) + codes + 0.5 * rng.standard_normal(N_ROWS)
    Y = X @ A[:, :3] + [0.0, 1.0, 2.0] + 0.5 * rng.standard_normal((N_ROWS, 3))
    labels = np.where(y + 5.0 * rng.standard_normal(N_ROWS) > np.median(y), "yes", "no")
    for array in (y, labels, Y):
        array.setflags(write=False)
    return y, labels, Y


def scale_columns(columns: Any) -> ColumnTransformer:
    """Scaled features, and the rest (the task) behind them: a pandas string column makes an array of objects."""
    return ColumnTransformer([("scale", StandardScaler(), columns)], remainder="passthrough")


def scale_frame() -> ColumnTransformer:
    """Scaled features and the task in a DataFrame, all under the names they had."""
    transformer = ColumnTransformer(
        [("scale", StandardScaler(), FEATURES)], remainder="passthrough", verbose_feature_names_out=False
    )
    return transformer.set_output(transform="pandas")


@functools.cache
def way_of(name: str) -> Way:
    """The way with that name."""
    X, tasks = _table()
    y, labels, Y = _targets()
    codes = np.column_stack([X, np.unique(tasks, return_inverse=True)[1]])
    codes.setflags(write=False)
    frame = pd.DataFrame(X, columns=FEATURES)
    if name == "array":
        return Way(name, codes, y, labels, [*FEATURES, "school"], -1, {"task_feature": -1})
    if name == "pipeline":
        prepare = functools.partial(scale_columns, slice(0, 4))
        return Way(name, codes, y, labels, [*FEATURES, "school"], -1, {"task_feature": -1}, prepare)
    if name == "strings":  # positions, so that it does not matter whether X is a frame or an array of objects
        frame.insert(0, "school", tasks)
        prepare = functools.partial(scale_columns, [1, 2, 3, 4])
        return Way(name, frame, y, labels, ["school", *FEATURES], 0, {"task_feature": -1}, prepare)
    if name == "DataFrame":
        frame.insert(1, "school", tasks)
        return Way(name, frame, y, labels, list(frame.columns), "school", {"task_feature": "school"}, scale_frame)
    if name == "2-D y":
        return Way(name, X, Y, (np.median(Y, axis=0) < Y).astype(int), FEATURES, tasks=None)
    if name == "tasks=":
        return Way(name, X, y, labels, FEATURES, prepare=StandardScaler)
    raise KeyError(name)


WAYS = ("array", "pipeline", "strings", "DataFrame", "2-D y", "tasks=")
#: The ways in which X carries the task.
IN_X = WAYS[:4]

# -- the same by hand --------------------------------------------------------------------------------------------------

#: Added to the coefficients of the first feature of every model made by hand, to see that the tests notice it.
_mutation = 0.0


@contextmanager
def mutated(change: float) -> Iterator[None]:
    """Models made by hand are a little wrong."""
    global _mutation
    _mutation = change
    try:
        yield
    finally:
        _mutation = 0.0


@dataclass(frozen=True)
class HandModel:
    """A fitted model as plain numbers."""

    way: Way
    mean: np.ndarray
    scale: np.ndarray
    coef: np.ndarray
    intercept: np.ndarray
    names: np.ndarray

    def scores(self, features: np.ndarray, tasks: np.ndarray | None) -> np.ndarray:
        """x . a_t + b_t."""
        X = (features - self.mean) / self.scale
        if tasks is None:
            return X @ self.coef.T + self.intercept
        position = np.array([self.names.tolist().index(task) for task in tasks])
        return np.sum(X * self.coef[position], axis=1) + self.intercept[position]

    def on(self, rows: Any) -> np.ndarray:
        """Scores of rows of the way's data."""
        return self.scores(self.way.features[rows], None if self.way.tasks is None else self.way.tasks[rows])


def by_hand(way: Way, model: type, rows: Any = slice(None), y: Any = None, **parameters: Any) -> HandModel:
    """The model fitted to some rows (also repeated ones) with scaled numpy features and the tasks beside them."""
    y = way.target(model) if y is None else y
    chosen = np.arange(N_ROWS)[rows]
    key = (model, way.prepare is None, way.tasks is None, chosen.tobytes(), y.tobytes(), *parameters.items())
    if key not in _fits:
        _fits[key] = _fit(way, model, chosen, y, parameters)
    mean, scale, coef, intercept, names = _fits[key]
    wrong = np.zeros_like(coef)
    wrong[:, 0] = _mutation
    return HandModel(way, mean, scale, coef + wrong, intercept, names)


#: Fits by hand that were made already: most ways have the same.
_fits: dict[Any, tuple[np.ndarray, ...]] = {}


def _fit(way: Way, model: type, rows: np.ndarray, y: np.ndarray, parameters: dict[str, Any]) -> tuple[np.ndarray, ...]:
    X = way.features[rows]
    if way.prepare is None:
        mean, scale = np.zeros(X.shape[1]), np.ones(X.shape[1])
    else:
        mean = X.mean(axis=0)
        scale = np.sqrt(np.mean((X - mean) ** 2, axis=0))
    tasks = {} if way.tasks is None else {"tasks": way.tasks[rows]}
    fitted = model(**{"alpha": 0.1, **TIGHT, **parameters}).fit((X - mean) / scale, y[rows], **tasks)
    return mean, scale, fitted.coef_, fitted.intercept_, fitted.tasks_


def r2(y: np.ndarray, p: np.ndarray) -> float:
    """R2, the mean over the columns of a 2-D y."""
    return float(np.mean(1 - np.sum((y - p) ** 2, axis=0) / np.sum((y - y.mean(axis=0)) ** 2, axis=0)))


def neg_mse(y: np.ndarray, p: np.ndarray) -> float:
    return -float(np.mean((y - p) ** 2))


def r2_of_tasks(y: np.ndarray, p: np.ndarray, tasks: np.ndarray | None) -> float:
    """Mean over tasks of the R2 of each."""
    return r2(y, p) if tasks is None else float(np.mean([r2(y[tasks == t], p[tasks == t]) for t in np.unique(tasks)]))


def same(actual: Any, expected: Any, tolerance: float = 1e-7) -> None:
    """Equal shape and numbers, all finite."""
    actual, expected = np.asarray(actual, dtype=float), np.asarray(expected, dtype=float)
    assert actual.shape == expected.shape
    assert np.all(np.isfinite(expected))
    np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance)


# -- the register ------------------------------------------------------------------------------------------------------

#: (tool, way) -> "yes" or "no", as tested.
CELLS: dict[tuple[str, str], str] = {}
#: tool -> (test function of a way and an estimator class, a way, an estimator class).
TESTS: dict[str, tuple[Callable[[Way, type], None], str, type]] = {}


def _register(tool: str, name: str, answer: str) -> None:
    assert (tool, name) not in CELLS, f"{tool} with {name} is tested twice"
    CELLS[tool, name] = answer


def routed(name: str) -> Any:
    """Metadata routing is on for tasks= and off for all others."""
    return sklearn.config_context(enable_metadata_routing=name == "tasks=")


def works(tool: str, *names: str, models: tuple[type, ...] = REGRESSORS[:1]) -> Callable[..., Any]:
    """Decorator: a test that the tool does with these ways (all of them if none is named) what a loop does."""
    names = names or WAYS

    def decorate(test: Callable[[Way, type], None]) -> Any:
        for name in names:
            _register(tool, name, "yes")
        TESTS[tool] = (test, names[-1], models[0])

        @pytest.mark.filterwarnings("error::sklearn.exceptions.ConvergenceWarning")
        @pytest.mark.parametrize("model", models, ids=lambda model: model.__name__)
        @pytest.mark.parametrize("way", names)
        @functools.wraps(test)
        def run(way: str, model: type) -> None:
            with routed(way):
                test(way_of(way), model)

        return run

    return decorate


def fails(tool: str, *names: str) -> Callable[..., Any]:
    """Decorator: a test of how the tool says that it cannot do it with these ways."""

    def decorate(test: Callable[[Way], None]) -> Any:
        for name in names:
            _register(tool, name, "no")

        @pytest.mark.parametrize("way", names)
        @functools.wraps(test)
        def run(way: str) -> None:
            with routed(way):
                test(way_of(way))

        return run

    return decorate
