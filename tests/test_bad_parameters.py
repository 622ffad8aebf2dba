"""Constructor parameters: every estimator checks type and range in fit, and says what is wrong and what is right."""

from __future__ import annotations

import numpy as np
import pytest
from estimatortools import ESTIMATORS, SMALL, leaves_and_root, make, target_for
from sklearn.utils.estimator_checks import check_param_validation

from mtlinear import (
    BlockSparseRegressor,
    ClusteredRegressor,
    DirtyRegressor,
    MeanRegularizedRegressor,
    MultiTaskRegressor,
    MultiTaskRegressorCV,
    TraceNormClassifier,
    TraceNormRegressor,
)
from mtlinear._validation import Number, WholeNumber
from mtlinear.penalties import L1Lq, TraceNorm
from mtlinear.solvers import FISTA

RNG = np.random.default_rng(0)
X = RNG.standard_normal((12, 3))
Y = RNG.standard_normal((12, 2))

POSITIVE = "a finite number > 0"
NOT_NEGATIVE = "a finite number >= 0"
EXPONENT = "a number >= 1"
COUNT = "a whole number >= 1"
INSIDE = "a finite number > 0 and < 1 or None"
SHARE = "a finite number > 0 and <= 1"
YES_OR_NO = "an instance of 'bool' or an instance of 'numpy.bool'"
COLUMN = "an instance of 'str', a whole number or None"
PENALTY = "an object of mtlinear.penalties, like TraceNorm(alpha=0.1) or None"
CALLABLE = "a callable or None"
LINES = "an int in the range [0, inf), an instance of 'bool' or an instance of 'numpy.bool'"
SOLVER = "an object of mtlinear.solvers, like FISTA() or None"

#: (class, parameter, bad value, what the message says is right)
BAD = [
    *[(TraceNormRegressor, "alpha", bad, POSITIVE) for bad in (-1.0, 0, np.nan, np.inf, "1", np.ones(2), None, True)],
    (TraceNormClassifier, "alpha", 0.0, POSITIVE),
    *[(TraceNormRegressor, "l2_alpha", bad, NOT_NEGATIVE) for bad in (-1e-9, np.inf, np.nan, "0", None, False)],
    *[(BlockSparseRegressor, "q", bad, EXPONENT) for bad in (0.5, np.nan, "inf", None, True)],
    (DirtyRegressor, "q", 0.9, EXPONENT),
    *[(DirtyRegressor, "l1_ratio", bad, INSIDE) for bad in (1.5, 1, 0, -0.1, "half", True)],
    *[(MeanRegularizedRegressor, "mean_alpha", bad, NOT_NEGATIVE) for bad in (-1.0, np.inf, None)],
    *[(ClusteredRegressor, "n_clusters", bad, COUNT) for bad in (0, 2.0, True, None)],
    *[(ClusteredRegressor, "between_ratio", bad, SHARE) for bad in (0.0, 2.0, np.nan, None)],
    *[(ClusteredRegressor, "mean_ratio", bad, f"{NOT_NEGATIVE} or None") for bad in (-1.0, np.inf, "0")],
    *[(MultiTaskRegressor, "penalty", bad, PENALTY) for bad in ("trace", TraceNorm, FISTA())],
    *[(TraceNormRegressor, "tol", bad, POSITIVE) for bad in (0.0, -1, np.inf, None, True)],
    *[(TraceNormRegressor, "max_iter", bad, COUNT) for bad in (0, 10.0, None, True)],
    *[(TraceNormRegressor, "fit_intercept", bad, YES_OR_NO) for bad in ("no", 1, None)],
    *[(TraceNormRegressor, "warm_start", bad, YES_OR_NO) for bad in (1, None)],
    *[(TraceNormRegressor, "task_feature", bad, COLUMN) for bad in (1.0, True, ["site"])],
    *[(TraceNormRegressor, "unseen_tasks", bad, "a str among {") for bad in ("zero", None, True)],
    *[(TraceNormRegressor, "solver", bad, SOLVER) for bad in ("fista", FISTA, TraceNorm())],
    *[(TraceNormRegressor, "callback", bad, CALLABLE) for bad in (1, "print", [print], True)],
    *[(TraceNormRegressor, "verbose", bad, LINES) for bad in (-1, 0.5, "yes", None)],
    *[(MultiTaskRegressorCV, "verbose", bad, LINES) for bad in (-1, None)],
]


@pytest.mark.parametrize(("cls", "name", "bad", "right"), BAD)
def test_bad_parameter(cls, name, bad, right):
    with pytest.raises((ValueError, TypeError)) as caught:
        cls(**{name: bad}).fit(X, Y)
    message = str(caught.value)
    assert message.startswith(f"The {name!r} parameter of {cls.__name__} must be {right}")
    assert message.endswith(f"Got {bad!r} instead.")


@pytest.mark.parametrize("name", ESTIMATORS)
def test_scikit_learns_own_check(name):
    """Every parameter has a constraint (or says that it has none), and the constraint is enforced in fit."""
    check_param_validation(name, make(name))


@pytest.mark.parametrize("name", ESTIMATORS)
def test_numpy_scalars_are_numbers(name):
    integers = {"n_clusters": np.int64(2), "max_iter": np.int32(5000), "task_feature": np.int64(-1)}
    floats = {"alpha": np.float32(0.5), "l2_alpha": np.float64(0.0), "q": np.float64(2), "tol": np.float64(1e-3)}
    others = {"fit_intercept": np.bool_(True), "warm_start": np.bool_(False), "unseen_tasks": np.str_("mean")}
    others["tree"] = leaves_and_root  # has no default
    known = make(name).get_params(deep=False)
    model = make(name, **{k: v for k, v in (integers | floats | others).items() if k in known})
    tasks = np.arange(12) % 2
    model.fit(np.column_stack([X, tasks]), target_for(name, Y[:, 0]))
    assert model.coef_.shape == (2, 3)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_the_ends_of_the_ranges_that_are_allowed(name):
    ends = {"q": [1, np.inf], "l2_alpha": [0], "mean_alpha": [0], "between_ratio": [1], "mean_ratio": [0, None]}
    for parameter in ends.keys() & make(name).get_params(deep=False).keys():
        for value in ends[parameter]:
            make(name, **SMALL[name] | {parameter: value})._check_parameters()


def test_what_scikit_learn_tells_constraints_about_themselves():
    assert str(Number()) == "a finite number"
    assert str(Number(above=0, below=2)) == "a finite number > 0 and < 2"
    assert Number(at_least=0, infinite=True).is_satisfied_by(np.inf)
    assert str(WholeNumber()) == "a whole number"
    assert not WholeNumber().is_satisfied_by(np.True_)
    assert not Number().is_satisfied_by(np.True_)


def test_objects_check_their_own_parameters():
    """Penalties are used without estimators too, so what is wrong in them is said by them."""
    with pytest.raises(ValueError, match=r"^q must be a number >= 1, got 0.5"):
        MultiTaskRegressor(L1Lq(alpha=1.0, q=0.5)).fit(X, Y)
    with pytest.raises(TypeError, match=r"^alpha must be a number > 0, got True of type bool"):
        MultiTaskRegressor(TraceNorm(alpha=True)).fit(X, Y)


def test_a_bad_parameter_leaves_the_fitted_model_as_it_was():
    model = TraceNormRegressor(0.1).fit(X, Y)
    before = model.coef_
    with pytest.raises(ValueError, match="'tol' parameter"):
        model.set_params(tol=-1.0).fit(X[:, :2], Y)
    assert model.coef_ is before
    assert model.n_features_in_ == 3
