"""What cannot work by scikit-learn's nature says so, and the remedy that the docs name works."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import BaggingRegressor, StackingRegressor, VotingRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.model_selection import GridSearchCV, TunedThresholdClassifierCV, cross_val_predict, cross_val_score
from toolstable import TIGHT, by_hand, fails, r2, r2_of_tasks, same, way_of

from mtlinear import MeanRegularizedClassifier, MeanRegularizedRegressor
from mtlinear.metrics import TaskScorer

# scikit-learn says of every search of NaN that there is a NaN in it; these tests look for the reason.
pytestmark = pytest.mark.filterwarnings("ignore:One or more of the t:UserWarning")

ALL = slice(None)
NEEDS_TASKS = "fitted with tasks=, so it needs them to predict: pass tasks=, or use task_feature"
NAME_IS_LOST = "task_feature='school' is a column name, but X has no column names"


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


# -- cells that are "no" -----------------------------------------------------------------------------------------------


def check_nothing_but_nan(search, way):
    """Scores that cannot be had are NaN with a warning, and an error on request."""
    with pytest.warns(UserWarning, match="Scoring failed") as caught:
        search.fit(way.X, way.y, **way.metadata)
    assert any(NEEDS_TASKS in str(w.message) for w in caught)
    names = [name for name in search.cv_results_ if name.startswith("mean_test_")]
    assert names
    assert all(np.isnan(search.cv_results_[name]).all() for name in names)
    with pytest.raises(ValueError, match=NEEDS_TASKS):
        search.set_params(error_score="raise").fit(way.X, way.y, **way.metadata)


@fails('GridSearchCV, scoring="neg_mean_squared_error"', "tasks=")
def test_scorer_by_name_has_no_tasks(way):
    grid = {"model__alpha": [100.0, 0.1]}
    search = GridSearchCV(way.make(MeanRegularizedRegressor), grid, scoring="neg_mean_squared_error", cv=way.cv())
    check_nothing_but_nan(search, way)


@fails("GridSearchCV, a dict of strings", "tasks=")
def test_several_scorers_by_name_have_no_tasks(way):
    grid = {"model__alpha": [100.0, 0.1]}
    scoring = {"r2": "r2", "mse": "neg_mean_squared_error"}
    search = GridSearchCV(way.make(MeanRegularizedRegressor), grid, scoring=scoring, refit="mse", cv=way.cv())
    check_nothing_but_nan(search, way)


@fails("cross_val_predict", "tasks=")
def test_cross_val_predict_has_no_tasks(way):
    with pytest.raises(ValueError, match=NEEDS_TASKS):
        cross_val_predict(way.make(MeanRegularizedRegressor), way.X, way.y, cv=way.cv(), params=way.metadata)


@fails("permutation_importance", "tasks=")
def test_permutation_importance_has_no_tasks(way):
    fitted = way.make(MeanRegularizedRegressor).fit(way.X, way.y, **way.metadata)
    with pytest.raises(ValueError, match=NEEDS_TASKS):
        permutation_importance(fitted, way.X, way.y)


@fails("partial_dependence", "tasks=")
def test_partial_dependence_has_no_tasks(way):
    fitted = way.make(MeanRegularizedRegressor).fit(way.X, way.y, **way.metadata)
    with pytest.raises(ValueError, match=NEEDS_TASKS):
        partial_dependence(fitted, way.X, [0])


def check_ensemble(ensemble, way, y, message):
    """2-D y is turned down in fit; tasks reach fit, but not what is predicted."""
    with pytest.raises(ValueError, match=NEEDS_TASKS if way.metadata else message):
        ensemble.fit(way.X, y, **way.metadata).predict(way.X)


@fails("VotingRegressor", "2-D y", "tasks=")
def test_voting_cannot(way):
    model = way.make(MeanRegularizedRegressor)
    check_ensemble(VotingRegressor([("one", model)]), way, way.y, r"y should be a 1d array, got .* \(110, 3\)")


@fails("StackingRegressor", "2-D y", "tasks=")
def test_stacking_cannot(way):
    model = way.make(MeanRegularizedRegressor)
    stacking = StackingRegressor([("one", model)], cv=way.cv())
    check_ensemble(stacking, way, way.y, r"y should be a 1d array, got .* \(110, 3\)")


@fails("CalibratedClassifierCV", "2-D y", "tasks=")
def test_calibration_cannot(way):
    calibrated = CalibratedClassifierCV(way.make(MeanRegularizedClassifier), cv=way.cv())
    check_ensemble(calibrated, way, way.labels, r"y should be a 1d array, got .* \(110, 3\)")


@fails("TunedThresholdClassifierCV", "2-D y", "tasks=")
def test_tuned_threshold_cannot(way):
    tuned = TunedThresholdClassifierCV(way.make(MeanRegularizedClassifier), cv=way.cv())
    check_ensemble(tuned, way, way.labels, "Only binary classification is supported")


@fails("BaggingRegressor", "DataFrame")
def test_bagging_loses_names(way):
    with pytest.raises(ValueError, match="Specifying the columns using strings is only supported for dataframes"):
        BaggingRegressor(way.make(MeanRegularizedRegressor)).fit(way.X, way.y)
    with pytest.raises(ValueError, match=NAME_IS_LOST):
        BaggingRegressor(MeanRegularizedRegressor(task_feature="school")).fit(way.X, way.y)
    by_position = MeanRegularizedRegressor(0.1, task_feature=way.columns.index("school"), **TIGHT)  # the remedy
    bagging = BaggingRegressor(by_position, n_estimators=2, random_state=0).fit(way.X, way.y)
    unscaled = way_of("array")  # the same numbers
    members = [by_hand(unscaled, MeanRegularizedRegressor, rows).on(ALL) for rows in bagging.estimators_samples_]
    same(bagging.predict(way.X), np.mean(members, axis=0))


def test_rows_below_each_other_for_tools_that_take_a_single_y():
    """A 2-D y as one long column with a task column is the same problem."""
    way, model = way_of("2-D y"), MeanRegularizedRegressor
    n_tasks = way.y.shape[1]
    long_X = np.column_stack([np.tile(way.X, (n_tasks, 1)), np.repeat(np.arange(n_tasks), len(way.X))])
    members = [(name, model(alpha, task_feature=-1, **TIGHT)) for name, alpha in (("weak", 0.01), ("strong", 3.0))]
    predicted = VotingRegressor(members).fit(long_X, way.y.T.ravel()).predict(long_X)
    expected = np.mean([by_hand(way, model, alpha=alpha).on(ALL) for alpha in (0.01, 3.0)], axis=0)
    same(predicted.reshape(n_tasks, -1).T, expected)


# -- tasks= ------------------------------------------------------------------------------------------------------------


def test_predict_of_a_search_cannot_pass_tasks(routing):
    way = way_of("tasks=")
    search = GridSearchCV(way.make(MeanRegularizedRegressor), {"model__alpha": [100.0, 0.1]}, cv=way.cv())
    search.fit(way.X, way.y, tasks=way.tasks)
    with pytest.raises(ValueError, match=NEEDS_TASKS):
        search.predict(way.X)
    with pytest.raises(TypeError, match="unexpected keyword argument 'tasks'"):
        search.predict(way.X, tasks=way.tasks)
    same(search.best_estimator_.predict(way.X, tasks=way.tasks), by_hand(way, MeanRegularizedRegressor).on(ALL))


def test_without_routing_a_search_has_nothing_but_nan():
    """fit gets the tasks, score does not: the first candidate wins, but its predict says why."""
    way = way_of("tasks=")
    search = GridSearchCV(MeanRegularizedRegressor(), {"alpha": [100.0, 0.1]}, cv=3)
    with pytest.warns(UserWarning, match="Scoring failed"):
        search.fit(way.X, way.y, tasks=way.tasks)
    assert np.isnan(search.cv_results_["mean_test_score"]).all()
    assert search.best_params_ == {"alpha": 100.0}
    with pytest.raises(ValueError, match=NEEDS_TASKS):
        search.predict(way.X)
    with pytest.raises(ValueError, match=NEEDS_TASKS):
        search.set_params(error_score="raise").fit(way.X, way.y, tasks=way.tasks)


def wrappers(model):
    return {
        "frozen": FrozenEstimator(model),
        "target": TransformedTargetRegressor(model),
        "bagging": BaggingRegressor(model, n_estimators=2, bootstrap=False, random_state=0),
    }


@pytest.mark.parametrize("name", ["frozen", "target", "bagging"])
def test_wrappers_score_by_task_scorer_only(routing, name):
    """Their own score takes no tasks; TaskScorer hands them to predict, and can be the usual metric of all rows."""
    way, model = way_of("tasks="), MeanRegularizedRegressor
    wrapper = wrappers(way.make(model).fit(way.X, way.y, tasks=way.tasks))[name]
    arguments = {"cv": way.cv(), "params": way.metadata, "error_score": "raise"}
    with pytest.raises(ValueError, match=NEEDS_TASKS):
        cross_val_score(wrapper, way.X, way.y, **arguments)
    expected, per_task = [], []
    for train, test in way.folds(way.y):
        p = by_hand(way, model, ALL if name == "frozen" else train).on(test)
        expected.append(r2(way.y[test], p))
        per_task.append(r2_of_tasks(way.y[test], p, way.tasks[test]))
    pooled = TaskScorer("total_explained_variance")
    same(cross_val_score(wrapper, way.X, way.y, scoring=pooled, **arguments), expected)
    same(cross_val_score(wrapper, way.X, way.y, scoring=TaskScorer(), **arguments), per_task)
