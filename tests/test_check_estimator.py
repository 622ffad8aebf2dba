"""scikit-learn's own checks on every public estimator, in each way of giving tasks.

The data of these checks are random numbers that know of no tasks. By default each estimator takes them as they are: one
task, a column per task, or a class per task. For the other two ways a harness divides the rows into two tasks by a
threshold on one column of X, and hands them to the real estimator as the last column of X (`ByColumn`) or as ``tasks=``
(`ByKeyword`).

A raw ``task_feature=-1`` cannot be checked: the last column holds continuous numbers, which fit turns down as a task
column that a transformer has mixed up; and random tasks of one class each are no classification problem.
"""

from __future__ import annotations

import functools

import numpy as np
import pytest
from estimatortools import leaves_and_root
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, clone, is_classifier
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    check_param_validation,
    parametrize_with_checks,
)

import mtlinear
from mtlinear.losses import Huber, Poisson, SquaredHinge
from mtlinear.penalties import Logarithm

CLASSES = [
    member
    for member in (getattr(mtlinear, name) for name in mtlinear.__all__)
    if isinstance(member, type) and issubclass(member, BaseEstimator)
]
#: Searches are checked on short grids of large alphas.
SHORT = {"alphas": 4, "eps": 0.1, "cv": 2}
#: Methods that take tasks.
METHODS = ("fit", "partial_fit", "predict", "predict_proba", "predict_log_proba", "decision_function", "score")
#: Labels of the two tasks. They lie on the right side of any threshold, so that methods may call each other: from a
#: column of labels they make the same column.
LABELS = np.array([-1e6, 1e6])


def numbers(X):
    """X as an array of finite numbers, or None if no task can be read from it (the real code says what is wrong)."""
    X = X.toarray() if sparse.issparse(X) else np.asarray(X)
    if X.ndim != 2 or X.shape[1] < 2 or X.shape[0] == 0 or X.dtype.kind == "c":
        return None
    try:
        X = X.astype(float)
    except (TypeError, ValueError):
        return None
    return X if np.all(np.isfinite(X)) else None


def replace_last_column(X, column):
    if hasattr(X, "iloc"):
        X = X.copy()
        X.isetitem(X.shape[1] - 1, column)
        return X
    if sparse.issparse(X):
        replaced = sparse.hstack([X.tocsc()[:, :-1], sparse.csc_array(column[:, None])], dtype=float)
        return type(X)(replaced.asformat(X.format))
    X = np.array(X)
    X = X.astype(float) if X.dtype.kind in "biu" else X
    X[:, -1] = column
    return X


def choose_rule(X, y, sample_weight, classification, n_folds):
    """(column, threshold) that divide the rows into two tasks, which both have all classes.

    The last column that can, and its most central threshold; if possible with a row of every class for every fold.
    (-1, infinity), a single task, if none can.
    """
    try:
        y = np.asarray(y).reshape(len(X))
        counts = np.ones(len(X)) if sample_weight is None else np.asarray(sample_weight).reshape(len(X))
        X, y = X[counts > 0], y[counts > 0] if classification else np.zeros((counts > 0).sum())
    except (TypeError, ValueError):  # y or sample_weight is what the check is about
        return -1, 0.0
    y = np.unique(y, return_inverse=True)[1]
    for rows_of_a_class in (n_folds, 1):
        for column in range(X.shape[1] - 1, -1, -1):
            values = np.unique(X[:, column])[:-1]
            for threshold in values[np.argsort(np.abs(np.arange(len(values)) - len(values) // 2))]:
                above = X[:, column] > threshold
                if (
                    min(np.bincount(y[side], minlength=y.max() + 1).min() for side in (above, ~above))
                    >= rows_of_a_class
                ):
                    return column, threshold
    return -1, np.inf


def harnessed(method):
    """A method that first makes tasks out of X."""

    @functools.wraps(method)
    def call(self, X, *args, **kwargs):
        values = numbers(X) if kwargs.get("tasks") is None else None
        if values is None:
            return method(self, X, *args, **kwargs)
        if method.__name__ == "fit" or (method.__name__ == "partial_fit" and not hasattr(self, "_rule")):
            y, weight = (*args, None, None)[:2]
            n_folds = self.cv if isinstance(getattr(self, "cv", None), int) else 1
            self._rule = choose_rule(
                values,
                kwargs.get("y", y),
                kwargs.get("sample_weight", weight),
                is_classifier(self),
                n_folds,
            )
        column, threshold = getattr(self, "_rule", (-1, 0.0))
        labels = LABELS[1 * (values[:, min(column, values.shape[1] - 1)] > threshold)]
        if self.by_column:
            return method(self, replace_last_column(X, labels), *args, **kwargs)
        return method(self, X, *args, **kwargs, tasks=labels)

    return call


def harness(cls, suffix, by_column):
    """A subclass whose public methods are those of cls, with tasks; importable, since checks pickle it."""
    members = {name: harnessed(getattr(cls, name)) for name in METHODS if hasattr(cls, name)}

    def one_binary_task_each(self):
        tags = cls.__sklearn_tags__(self)
        tags.target_tags.multi_output = False
        if tags.classifier_tags is not None:
            tags.classifier_tags.multi_class = tags.classifier_tags.multi_label = False
        return tags

    members |= {"by_column": by_column, "__module__": __name__, "__sklearn_tags__": one_binary_task_each}
    globals()[cls.__name__ + suffix] = type(cls.__name__ + suffix, (cls,), members)
    return globals()[cls.__name__ + suffix]


def is_search(cls):
    return "alphas" in cls().get_params()


def make(cls, **parameters):
    needed = {"tree": leaves_and_root} if "tree" in cls().get_params() else {}  # the default is an error that says why
    if "n_stages" in cls().get_params():  # on separable classes more stages end at probabilities of one: ties
        needed = {"n_stages": 2, "concave": Logarithm(1.0)}
    return cls(**parameters, **needed, **(SHORT if is_search(cls) else {}))


# How tasks are read is the same code for all structures: the other ways with one of each kind.
OTHER_WAYS = [cls for cls in CLASSES if cls.__name__.startswith(("MultiTask", "BlockSparse", "Reweighted"))]
BY_COLUMN = [make(harness(cls, "ByColumn", True), task_feature=-1, unseen_tasks="mean") for cls in OTHER_WAYS]
BY_KEYWORD = [make(harness(cls, "ByKeyword", False), unseen_tasks="mean") for cls in OTHER_WAYS]
EVERY_WAY = [make(cls) for cls in CLASSES] + BY_COLUMN + BY_KEYWORD
OTHER_LOSSES = [
    make(mtlinear.MultiTaskRegressor, loss=Huber()),
    make(mtlinear.MultiTaskRegressor, loss=Poisson()),
    make(mtlinear.MultiTaskRegressorCV, loss=Huber()),
    make(mtlinear.MultiTaskClassifier, loss=SquaredHinge()),
    make(mtlinear.MultiTaskClassifierCV, loss=SquaredHinge()),
]

# Separable toy data without a penalty on the mean: the loss goes to zero at infinity, and a warning says so.
pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:task_feature=-1 gives 1 different label"),  # y of some checks cannot be divided
]


def expected_failures(estimator):
    """This check makes targets of both signs whatever the tag ``positive_only`` says."""
    if isinstance(estimator._make_loss(), Poisson):
        return {"check_regressor_multioutput": "its targets are negative, which counts are not"}
    return {}


@parametrize_with_checks(EVERY_WAY + OTHER_LOSSES, expected_failed_checks=expected_failures)
def test_sklearn_compatible(estimator, check):
    check(estimator)


@pytest.mark.parametrize("estimator", EVERY_WAY, ids=lambda e: type(e).__name__)
def test_column_names(estimator):
    check_dataframe_column_names_consistency(type(estimator).__name__, estimator)


@pytest.mark.parametrize("estimator", EVERY_WAY, ids=lambda e: type(e).__name__)
def test_parameter_validation(estimator):
    """Every parameter has a constraint (or says that it has none), and the constraint is enforced in fit."""
    check_param_validation(type(estimator).__name__, estimator)


@pytest.mark.parametrize("estimator", BY_COLUMN + BY_KEYWORD, ids=lambda e: type(e).__name__)
def test_the_harness_makes_two_tasks(estimator):
    """Without this, checks that pass could be checks of a single task."""
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((40, 3)), rng.permutation(np.repeat([0, 1], 20))
    model = clone(estimator).fit(X, y)
    np.testing.assert_array_equal(model.tasks_, LABELS)
    assert model.coef_.shape == (2, 2 if estimator.by_column else 3)
    assert len(np.unique(model.predict(X))) >= 2


@pytest.mark.parametrize("cls", [c for c in OTHER_WAYS if issubclass(c, ClassifierMixin) and not is_search(c)])
@pytest.mark.parametrize("by_column", [True, False])
def test_weights_are_repetitions_in_two_tasks(cls, by_column):
    """scikit-learn's check of this has a single row of one class, so that its rows cannot be divided into two tasks."""
    rng = np.random.default_rng(0)
    X, y, weights = rng.standard_normal((30, 4)), np.arange(30) % 2, rng.integers(0, 4, 30)
    estimator = globals()[cls.__name__ + ("ByColumn" if by_column else "ByKeyword")]
    parameters = {"task_feature": -1 if by_column else None, "tol": 1e-10, "max_iter": 100_000}
    parameters |= {"tree": leaves_and_root} if "tree" in estimator().get_params() else {}
    weighted = estimator(**parameters).fit(X, y, sample_weight=weights)
    repeated = estimator(**parameters).fit(X.repeat(weights, axis=0), y.repeat(weights))
    assert len(weighted.tasks_) == 2
    np.testing.assert_allclose(weighted.decision_function(X), repeated.decision_function(X), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(weighted.objective_, repeated.objective_, rtol=1e-9)
