"""Where data or tasks get lost on the way: what is said of it, and the remedies of docs/scikit_learn.md."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.ensemble import BaggingRegressor, StackingRegressor
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_selection import RFE, SelectFromModel, SequentialFeatureSelector
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import HalvingGridSearchCV, cross_val_score, learning_curve
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier
from toolstable import FEATURES, IN_X, TIGHT, by_hand, neg_mse, r2, same, scale_columns, way_of

from mtlinear import MeanRegularizedClassifier, MeanRegularizedRegressor
from mtlinear.metrics import TaskScorer
from mtlinear.model_selection import TaskKFold

# scikit-learn says of every search of NaN that there is a NaN in it; these tests look for the reason.
pytestmark = pytest.mark.filterwarnings("ignore:One or more of the t:UserWarning")

ALL = slice(None)
NAME_IS_LOST = "task_feature='school' is a column name, but X has no column names"
NOT_A_NUMBER = "could not convert string to float"


# -- the task column ---------------------------------------------------------------------------------------------------


def test_names_that_a_column_transformer_loses_or_changes():
    way, model = way_of("DataFrame"), MeanRegularizedRegressor
    to_array = make_pipeline(scale_columns(FEATURES), model(task_feature="school"))
    with pytest.raises(ValueError, match=NAME_IS_LOST):
        to_array.fit(way.X, way.y)
    to_frame = make_pipeline(scale_columns(FEATURES).set_output(transform="pandas"), model(task_feature="school"))
    with pytest.raises(ValueError, match=r"'school' is not a column of X\. There is 'remainder__school'"):
        to_frame.fit(way.X, way.y)
    expected = by_hand(way, model).on(ALL)
    for estimator, name in ((to_array, -1), (to_frame, -1), (to_frame, "remainder__school")):
        estimator.set_params(meanregularizedregressor__task_feature=name, meanregularizedregressor__alpha=0.1)
        estimator.set_params(meanregularizedregressor__tol=1e-13)
        same(estimator.fit(way.X, way.y).predict(way.X), expected)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda m: make_pipeline(StandardScaler(), m),
        lambda m: make_pipeline(PCA(), m),
        lambda m: StackingRegressor([("one", m)], LinearRegression(), passthrough=True),
        lambda m: SequentialFeatureSelector(m),
        lambda m: SelfTrainingClassifier(m),
    ],
    ids=["StandardScaler", "PCA", "passthrough", "SequentialFeatureSelector", "SelfTrainingClassifier"],
)
@pytest.mark.parametrize("name", ["strings", "DataFrame"])
def test_string_labels_in_steps_that_want_numbers(name, wrap):
    way = way_of(name)
    classifier = "SelfTraining" in repr(wrap(LinearRegression()))
    model = MeanRegularizedClassifier if classifier else MeanRegularizedRegressor
    y = (way.labels == "yes").astype(int) if classifier else way.y
    with pytest.raises(ValueError, match=NOT_A_NUMBER):
        wrap(model(task_feature=way.given_column)).fit(way.X, y)


def test_scaled_codes_are_as_good_as_codes():
    """A scaler of all columns makes other labels, and the same tasks: also for single rows, and in a search."""
    way, model = way_of("array"), MeanRegularizedRegressor
    estimator = make_pipeline(StandardScaler(), way.make(model)).fit(way.X, way.y)
    expected = by_hand(way_of("pipeline"), model)
    same(estimator.predict(way.X), expected.on(ALL))
    same([estimator.predict(way.X[[row]])[0] for row in range(5)], expected.on(slice(0, 5)))
    codes = np.unique(way.X[:, -1])
    same(estimator[-1].tasks_, (codes - way.X[:, -1].mean()) / way.X[:, -1].std())
    scores = cross_val_score(estimator, way.X, way.y, cv=way.cv(), n_jobs=2, error_score="raise")
    same(scores, [r2(way.y[b], by_hand(way_of("pipeline"), model, a).on(b)) for a, b in way.folds(way.y)])


def test_bagging_over_features_loses_the_task():
    way = way_of("array")
    bagging = BaggingRegressor(way.make(MeanRegularizedRegressor), 2, max_features=3, random_state=0)
    with pytest.raises(ValueError, match="these look like measurements, not like tasks"):
        bagging.fit(way.X, way.y).predict(way.X)


def test_pca_makes_another_column_the_task():
    way = way_of("array")
    estimator = make_pipeline(PCA(), MeanRegularizedRegressor(task_feature=-1))
    folds = {"cv": way.cv(), "error_score": "raise"}
    with pytest.raises(ValueError, match="these look like measurements, not like tasks"):
        cross_val_score(estimator, way.X, way.y, **folds)
    guessing = estimator.set_params(meanregularizedregressor__unseen_tasks="mean")
    with pytest.raises(ValueError, match="these look like measurements, not like tasks"):
        cross_val_score(guessing, way.X, way.y, **folds)
    # the remedy: only the features go through it
    only_features = scale_columns(slice(0, 4)).set_params(scale=PCA(2))
    scores = cross_val_score(make_pipeline(only_features, way.make(MeanRegularizedRegressor)), way.X, way.y, **folds)
    for score, (train, test) in zip(scores, way.folds(way.y), strict=True):
        center = way.features[train].mean(axis=0)
        axes = np.linalg.svd(way.features[train] - center, full_matrices=False)[2][:2]
        Z = (way.features - center) @ axes.T
        model = MeanRegularizedRegressor(0.1, **TIGHT).fit(Z[train], way.y[train], tasks=way.tasks[train])
        same(score, r2(way.y[test], model.predict(Z[test], tasks=way.tasks[test])))


@pytest.mark.filterwarnings("error")
def test_as_many_labels_as_rows_are_a_mistake():
    way = way_of("array")
    estimator = make_pipeline(PCA(), MeanRegularizedRegressor(task_feature=-1))
    with pytest.raises((ValueError, UserWarning), match="task"):
        estimator.fit(way.X, way.y)


def test_select_from_model_does_not_know_the_task_column():
    way = way_of("array")
    selector = SelectFromModel(way.make(MeanRegularizedRegressor)).fit(way.X, way.y)
    with pytest.raises(IndexError, match="boolean index did not match"):
        selector.transform(way.X)


def test_recursive_elimination_needs_the_task_in_the_last_column():
    """RFE counts columns of X by coefficients: with the task in front it is one off."""
    way, model = way_of("array"), MeanRegularizedRegressor
    kept = list(range(4))
    while len(kept) > 2:
        coef = model(0.1, **TIGHT).fit(way.features[:, kept], way.y, tasks=way.tasks).coef_
        del kept[int(np.argmin(np.sum(coef**2, axis=0)))]
    last = RFE(way.make(model), n_features_to_select=3).fit(way.X, way.y)
    assert np.flatnonzero(last.support_).tolist() == [*kept, 4]
    front = np.column_stack([way.X[:, -1], way.features])
    with pytest.raises(ValueError, match="these look like measurements, not like tasks"):
        RFE(model(0.1, task_feature=0), n_features_to_select=3).fit(front, way.y)


# -- folds and scores --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", IN_X)
def test_rows_sorted_by_task(name):
    """The first part of the rows has not all tasks; the remedies are to shuffle, and a guess for unseen tasks."""
    way, model = way_of(name), MeanRegularizedRegressor
    order = np.argsort(way.tasks, kind="stable")
    X, y = way.take(order), way.y[order]
    arguments = {"train_sizes": [0.5], "cv": way.cv()}
    with pytest.warns(UserWarning, match="task.* were not seen in fit"):
        scores = learning_curve(way.make(model), X, y, **arguments)[2]
    assert np.isnan(scores).any()
    arguments["error_score"] = "raise"
    sizes, _, scores = learning_curve(way.make(model), X, y, **arguments, shuffle=True, random_state=0)
    rng = np.random.RandomState(0)
    for score, (train, test) in zip(scores[0], TaskKFold(3).split(X, y, groups=way.tasks[order]), strict=True):
        fit = by_hand(way, model, order[rng.permutation(train)[: sizes[0]]])
        same(score, r2(y[test], fit.on(order[test])))
    assert np.isfinite(learning_curve(way.make(model, unseen_tasks="mean"), X, y, **arguments)[2]).all()


@pytest.mark.parametrize("name", IN_X)
def test_halving_on_few_rows(name):
    """The same with the first rounds of halving."""
    way, model = way_of(name), MeanRegularizedRegressor
    arguments = {"min_resources": 12, "random_state": 0, "cv": way.cv()}
    grid = {way.prefix + "alpha": [100.0, 1.0, 0.1]}
    with pytest.warns(UserWarning, match=r"task\(s\) were not seen in fit"):
        search = HalvingGridSearchCV(way.make(model), grid, **arguments).fit(way.X, way.y)
    assert np.isnan(search.cv_results_["mean_test_score"][:3]).all()
    guessing = HalvingGridSearchCV(way.make(model, unseen_tasks="mean"), grid, error_score="raise", **arguments)
    assert np.isfinite(guessing.fit(way.X, way.y).cv_results_["mean_test_score"]).all()


def test_pooled_r2_is_flattered_by_the_means_of_tasks():
    """Nothing to learn but the mean of every task: R2 of all rows is 0.99, and of the tasks it is below zero."""
    rng = np.random.default_rng(0)
    tasks = np.repeat(np.arange(4), 25)
    X = np.column_stack([rng.standard_normal((100, 3)), tasks])
    y = 10.0 * tasks + rng.standard_normal(100)
    model, cv = MeanRegularizedRegressor(0.1, task_feature=-1), TaskKFold(4, task_feature=-1)
    assert np.all(cross_val_score(model, X, y, cv=cv) > 0.98)
    assert np.mean(cross_val_score(model, X, y, cv=cv, scoring=TaskScorer("r2"))) < 0.0


def test_missing_entries_of_y_and_scorers_by_name():
    way, model = way_of("2-D y"), MeanRegularizedRegressor
    Y = way.y.copy()
    Y[::7, 1] = np.nan
    estimator = way.make(model)
    with pytest.warns(UserWarning, match="Input contains NaN"):
        assert np.isnan(cross_val_score(estimator, way.X, Y, scoring="neg_mean_squared_error", cv=way.cv())).all()
    arguments = {"cv": way.cv(), "error_score": "raise"}
    scores = cross_val_score(estimator, way.X, Y, scoring=TaskScorer("neg_mean_squared_error"), **arguments)
    default = cross_val_score(estimator, way.X, Y, **arguments)
    for k, (train, test) in enumerate(way.folds(Y)):
        p, seen = by_hand(way, model, train, Y).on(test), ~np.isnan(Y[test])
        columns = [(Y[test][seen[:, t], t], p[seen[:, t], t]) for t in range(3)]
        same(scores[k], np.mean([neg_mse(*column) for column in columns]))
        same(default[k], np.mean([r2(*column) for column in columns]))
    for wrapper in (TransformedTargetRegressor(estimator), BaggingRegressor(estimator)):
        with pytest.raises(ValueError, match="contains NaN"):
            wrapper.fit(way.X, Y)


def test_folds_that_do_not_know_tasks():
    """KFold on rows sorted by task leaves tasks out of training; TaskKFold does not."""
    way, model = way_of("array"), MeanRegularizedRegressor
    order = np.argsort(way.tasks, kind="stable")
    X, y = way.X[order], way.y[order]
    with pytest.warns(UserWarning, match="not seen in fit"):
        assert np.isnan(cross_val_score(way.make(model), X, y, cv=5)).any()
    scores = cross_val_score(way.make(model), X, y, cv=way.cv(5), error_score="raise")
    folds = TaskKFold(5).split(X, y, groups=way.tasks[order])
    same(scores, [r2(y[test], by_hand(way, model, order[train]).on(order[test])) for train, test in folds])
