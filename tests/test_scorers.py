"""Scorers: where they find the tasks, and against hand-written loops inside scikit-learn's tools."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn import metrics as sk
from sklearn.base import clone
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.datasets import load_iris
from sklearn.ensemble import VotingRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score, cross_validate
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from mtlinear import BlockSparseRegressor, MeanRegularizedClassifier, MeanRegularizedRegressor, TraceNormRegressor
from mtlinear import metrics as ours
from mtlinear.metrics import TaskScorer, macro_average
from mtlinear.model_selection import TaskKFold

NAN = float("nan")
READY = {
    "r2": ours.task_r2_scorer,
    "neg_mean_squared_error": ours.task_neg_mean_squared_error_scorer,
    "explained_variance": ours.task_explained_variance_scorer,
    "accuracy": ours.task_accuracy_scorer,
    "roc_auc": ours.task_roc_auc_scorer,
    "total_explained_variance": ours.total_explained_variance_scorer,
}


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


def with_column(X, tasks):
    """X with the codes of the tasks as its last column."""
    return np.column_stack([X, np.unique(tasks, return_inverse=True)[1]])


def loop(metric, y, p, tasks, weights=None):
    """Mean of a scikit-learn score over tasks, by hand."""
    values = []
    for task in np.unique(tasks):
        k = tasks == task
        values.append(metric(y[k], p[k], sample_weight=None if weights is None else weights[k]))
    return np.mean(values)


# -- scorers: where the tasks come from ------------------------------------------------------------------------------


@pytest.fixture
def regression(stacked):
    """(X, y, tasks, X with a task column, fitted model that reads the column)."""
    X, y, tasks = stacked
    Z = with_column(X, tasks)
    return X, y, tasks, Z, MeanRegularizedRegressor(0.1, task_feature=-1).fit(Z, y)


@pytest.mark.parametrize("name", ["r2", "neg_mean_squared_error", "explained_variance", "total_explained_variance"])
def test_scorers_read_the_column_of_the_estimator(regression, name):
    _, y, tasks, Z, model = regression
    p = model.predict(Z)
    expected = {
        "r2": loop(sk.r2_score, y, p, tasks),
        "neg_mean_squared_error": -loop(sk.mean_squared_error, y, p, tasks),
        "explained_variance": loop(sk.explained_variance_score, y, p, tasks),
        "total_explained_variance": sk.r2_score(y, p),
    }[name]
    assert TaskScorer(name)(model, Z, y) == pytest.approx(expected)
    assert READY[name](model, Z, y) == TaskScorer(name)(model, Z, y)
    weights = np.linspace(0.5, 2, len(y))
    assert READY[name](model, Z, y, sample_weight=weights) == TaskScorer(name)(model, Z, y, sample_weight=weights)
    assert READY[name](model, Z, y, sample_weight=weights) != pytest.approx(expected)


def test_scorers_of_classifiers(stacked):
    X, y, tasks = stacked
    Z, labels = with_column(X, tasks), np.where(y > np.median(y), "yes", "no")
    model = MeanRegularizedClassifier(0.1, task_feature=-1).fit(Z, labels)
    auc = loop(sk.roc_auc_score, labels, model.decision_function(Z), tasks)
    assert ours.task_roc_auc_scorer(model, Z, labels) == pytest.approx(auc)
    accuracy = loop(sk.accuracy_score, labels, model.predict(Z), tasks)
    assert ours.task_accuracy_scorer(model, Z, labels) == pytest.approx(accuracy)
    # a probability is as good as log-odds, and a callable metric may ask for it
    precise = TaskScorer(sk.roc_auc_score, response_method="predict_proba")
    assert precise(model, Z, labels) == pytest.approx(auc)
    # ... and a plain model of all rows can be scored per task
    plain = LogisticRegression().fit(Z, labels)
    expected = loop(sk.roc_auc_score, labels, plain.decision_function(Z), tasks)
    assert TaskScorer("roc_auc", task_feature=-1)(plain, Z, labels) == pytest.approx(expected)


def test_two_dimensional_y(shared):
    X, Y = shared
    Y = np.where(np.random.default_rng(1).uniform(size=Y.shape) < 0.3, NAN, Y)
    for model in (BlockSparseRegressor(0.1), LinearRegression()):
        model.fit(X, np.nan_to_num(Y))
        scores = TaskScorer("r2").per_task(model, X, Y)
        assert scores == ours.r2_per_task(Y, model.predict(X))
        assert ours.task_r2_scorer(model, X, Y) == macro_average(scores)


def test_multi_label(shared):
    X, Y = shared
    L = (np.median(Y, axis=0) < Y).astype(float)[:, :2]  # two labels: the columns of predict_proba are not two classes
    ours_, theirs = MeanRegularizedClassifier(0.1).fit(X, L), MultiOutputClassifier(LogisticRegression()).fit(X, L)
    masked = L.copy()
    masked[::4, 1] = NAN
    k = ~np.isnan(masked[:, 1])
    for model, scores in (
        (ours_, ours_.decision_function(X)),
        (theirs, np.column_stack([p[:, 1] for p in theirs.predict_proba(X)])),
    ):
        expected = (sk.roc_auc_score(L[:, 0], scores[:, 0]) + sk.roc_auc_score(L[k, 1], scores[k, 1])) / 2
        assert ours.task_roc_auc_scorer(model, X, masked) == pytest.approx(expected)
        right = model.predict(X) == L
        assert ours.task_accuracy_scorer(model, X, masked) == pytest.approx(
            (right[:, 0].mean() + right[k, 1].mean()) / 2
        )
    by_probability = TaskScorer(sk.roc_auc_score, response_method="predict_proba")
    assert by_probability(ours_, X, masked) == pytest.approx(ours.task_roc_auc_scorer(ours_, X, masked))


def test_classes_are_the_tasks_of_one_vs_rest():
    X, y = load_iris(return_X_y=True)
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    model = MeanRegularizedClassifier(0.1).fit(X, names)
    scores = TaskScorer("roc_auc").per_task(model, X, names)
    assert list(scores) == ["setosa", "versicolor", "virginica"]
    assert scores["virginica"] == sk.roc_auc_score(y == 2, model.decision_function(X)[:, 2])
    assert ours.task_accuracy_scorer(model, X, names) == model.score(X, names)


def test_pipeline_position_refers_to_the_transformed_X(regression):
    X, y, tasks, _, _ = regression
    frame = pd.DataFrame(X, columns=list("abcdef"))
    frame.insert(0, "school", tasks)
    to_the_end = ColumnTransformer([("scale", StandardScaler(), list("abcdef"))], remainder="passthrough")
    model = make_pipeline(to_the_end, TraceNormRegressor(0.01, task_feature=-1)).fit(frame, y)
    expected = loop(sk.r2_score, y, model.predict(frame), tasks)
    assert ours.task_r2_scorer(model, frame, y) == pytest.approx(expected)
    assert TaskScorer("r2", task_feature="school")(model, frame, y) == pytest.approx(expected)
    assert list(TaskScorer("r2").per_task(model, frame, y)) == sorted(set(tasks))
    # scaled codes are other labels, but the same tasks
    scaled = make_pipeline(StandardScaler(), TraceNormRegressor(0.01, task_feature=-1))
    Z = with_column(X, tasks)
    scaled.fit(Z, y)
    assert ours.task_r2_scorer(scaled, Z, y) == pytest.approx(loop(sk.r2_score, y, scaled.predict(Z), tasks))
    alone = make_pipeline(TraceNormRegressor(0.01, task_feature=-1)).fit(Z, y)
    assert ours.task_r2_scorer(alone, Z, y) == pytest.approx(loop(sk.r2_score, y, alone.predict(Z), tasks))


@pytest.mark.parametrize(
    "wrap",
    [
        lambda m: TransformedTargetRegressor(m),
        lambda m: make_pipeline(StandardScaler(), TransformedTargetRegressor(m)),
        lambda m: GridSearchCV(m, {"alpha": [0.1, 1.0]}, cv=TaskKFold(2, task_feature=-1)),
    ],
)
def test_wrappers_are_looked_into(regression, wrap):
    _, y, tasks, Z, model = regression
    wrapped = wrap(clone(model)).fit(Z, y)
    expected = loop(sk.r2_score, y, wrapped.predict(Z), tasks)
    assert ours.task_r2_scorer(wrapped, Z, y) == pytest.approx(expected)
    assert ours.task_r2_scorer(FrozenEstimator(wrapped), Z, y) == pytest.approx(expected)


def test_unknown_tasks_are_an_error_never_a_guess(regression):
    X, y, tasks, Z, model = regression
    voting = VotingRegressor([("a", model), ("b", clone(model))]).fit(Z, y)
    for other in (voting, LinearRegression().fit(Z, y)):
        with pytest.raises(ValueError, match=r"cannot tell which task a row belongs to: .* has no task_feature"):
            ours.task_r2_scorer(other, Z, y)
        expected = loop(sk.r2_score, y, other.predict(Z), tasks)
        assert TaskScorer("r2", task_feature=-1)(other, Z, y) == pytest.approx(expected)
    by_argument = MeanRegularizedRegressor(0.1).fit(X, y, tasks=tasks)
    with pytest.raises(ValueError, match="needs them to predict"):
        ours.task_r2_scorer(by_argument, X, y)
    single = MeanRegularizedRegressor(0.1).fit(X, y)
    assert ours.task_r2_scorer(single, X, y) == sk.r2_score(y, single.predict(X))


def test_tasks_as_an_argument(regression, routing):
    X, y, tasks, _, _ = regression
    model = MeanRegularizedRegressor(0.1).fit(X, y, tasks=tasks)
    expected = loop(sk.r2_score, y, model.predict(X, tasks=tasks), tasks)
    assert TaskScorer()(model, X, y, tasks=tasks) == pytest.approx(expected)
    assert TaskScorer().score(model, X, y, tasks=tasks) == pytest.approx(expected)
    piped = make_pipeline(StandardScaler(), MeanRegularizedRegressor(0.1)).fit(X, y, tasks=tasks)
    expected = loop(sk.r2_score, y, piped.predict(X, tasks=tasks), tasks)
    for estimator in (piped, FrozenEstimator(piped)):
        assert TaskScorer()(estimator, X, y, tasks=tasks) == pytest.approx(expected)
    pooled = LinearRegression().fit(X, y)  # takes no tasks, and is scored per task all the same
    assert TaskScorer()(pooled, X, y, tasks=tasks) == pytest.approx(loop(sk.r2_score, y, pooled.predict(X), tasks))


def test_tasks_with_routing_off(regression):
    X, y, tasks, _, _ = regression
    labels = y > np.median(y)
    for make in (MeanRegularizedClassifier, lambda a: make_pipeline(StandardScaler(), MeanRegularizedClassifier(a))):
        model = make(0.1)
        fit = {"tasks": tasks} if not hasattr(model, "steps") else {"meanregularizedclassifier__tasks": tasks}
        model.fit(X, labels, **fit)
        expected = loop(sk.accuracy_score, labels, model.predict(X, tasks=tasks), tasks)
        assert TaskScorer("accuracy")(model, X, labels, tasks=tasks) == pytest.approx(expected)


def test_mistakes_are_named(regression):
    X, y, tasks, Z, model = regression
    with pytest.raises(ValueError, match="tasks and the scorer's task_feature are both given"):
        TaskScorer(task_feature=-1)(model, Z, y, tasks=tasks)
    with pytest.raises(ValueError, match="metric must be one of 'r2'"):
        TaskScorer("mse")(model, Z, y)
    with pytest.raises(ValueError, match="are for a metric that is a function"):
        TaskScorer("r2", greater_is_better=False)(model, Z, y)
    with pytest.raises(ValueError, match="response_method must be"):
        TaskScorer(sk.r2_score, response_method="transform")(model, Z, y)
    with pytest.raises(ValueError, match="one number for all tasks"):
        TaskScorer("total_explained_variance").per_task(model, Z, y)
    with pytest.raises(AttributeError, match="none of the methods decision_function, predict_proba"):
        TaskScorer("roc_auc")(model, Z, y)
    with pytest.raises(ValueError, match="task_feature='school' is a column name, but X has no column names"):
        TaskScorer(task_feature="school")(model, Z, y)
    with pytest.raises(ValueError, match="X must be 2-D to have a task column"):
        TaskScorer(task_feature=0)(LinearRegression().fit(X[:, :1], y), 5 * X[:, 0], y)


def test_callable_metric_with_a_sign_and_without_weights(regression):
    _, y, tasks, Z, model = regression
    scorer = TaskScorer(sk.max_error, greater_is_better=False)
    p = model.predict(Z)
    expected = -np.mean([sk.max_error(y[tasks == t], p[tasks == t]) for t in set(tasks)])
    assert scorer(model, Z, y) == pytest.approx(expected)
    assert not scorer._accept_sample_weight()
    assert TaskScorer("r2")._accept_sample_weight()


@pytest.mark.parametrize("scorer", [TaskScorer("accuracy", task_feature="school"), TaskScorer(sk.max_error)])
def test_scorers_are_parameter_objects(scorer):
    for copy in (clone(scorer), pickle.loads(pickle.dumps(scorer))):
        assert copy.get_params() == scorer.get_params()
    assert repr(scorer).startswith("TaskScorer(")
    assert clone(GridSearchCV(TraceNormRegressor(), {}, scoring=scorer)).scoring.metric == scorer.metric


# -- scorers inside scikit-learn's tools -----------------------------------------------------------------------------


def hand_loop(make, Z, y, tasks, splits, metric, predict=lambda m, Z, k: m.predict(Z[k])):
    values = []
    for train, test in splits:
        model = make(Z, y, tasks, train)
        values.append(loop(metric, y[test], predict(model, Z, test), tasks[test]))
    return values


def test_cross_validation_with_a_task_column(regression):
    _, y, tasks, Z, model = regression
    cv = TaskKFold(3, shuffle=True, random_state=0, task_feature=-1)

    def make(Z, y, tasks, train):
        return clone(model).fit(Z[train], y[train])

    expected = hand_loop(make, Z, y, tasks, cv.split(Z, y), sk.r2_score)
    for scoring in (ours.task_r2_scorer, TaskScorer("r2")):
        scores = cross_val_score(model, Z, y, scoring=scoring, cv=cv, error_score="raise")
        np.testing.assert_allclose(scores, expected)
    both = {"r2": ours.task_r2_scorer, "mse": TaskScorer("neg_mean_squared_error")}
    result = cross_validate(model, Z, y, scoring=both, cv=cv, error_score="raise")
    np.testing.assert_allclose(result["test_r2"], expected)
    expected = hand_loop(make, Z, y, tasks, cv.split(Z, y), sk.mean_squared_error)
    np.testing.assert_allclose(result["test_mse"], np.negative(expected))


@pytest.mark.parametrize("piped", [False, True])
@pytest.mark.parametrize("several", [False, True])
def test_search_over_tasks_under_routing(regression, routing, several, piped):
    X, y, tasks, _, _ = regression
    model, name = MeanRegularizedRegressor(), "alpha"
    if piped:
        model, name = make_pipeline(StandardScaler(), model), "meanregularizedregressor__alpha"
    cv = TaskKFold(3)  # gets tasks too
    scoring = {"r2": TaskScorer("r2"), "total": TaskScorer("total_explained_variance")} if several else TaskScorer()
    grid = {name: [0.01, 1.0]}
    search = GridSearchCV(model, grid, scoring=scoring, cv=cv, refit="r2" if several else True, error_score="raise")
    search.fit(X, y, tasks=tasks)
    for k, alpha in enumerate([0.01, 1.0]):

        def make(X, y, tasks, train, alpha=alpha):
            return clone(model).set_params(**{name: alpha}).fit(X[train], y[train], tasks=tasks[train])

        def predict(m, X, test):
            return m.predict(X[test], tasks=tasks[test])

        splits = list(cv.split(X, y, tasks=tasks))
        expected = hand_loop(make, X, y, tasks, splits, sk.r2_score, predict)
        key = "mean_test_r2" if several else "mean_test_score"
        assert search.cv_results_[key][k] == pytest.approx(np.mean(expected))
        if several:
            expected = [sk.r2_score(y[b], predict(make(X, y, tasks, a), X, b)) for a, b in splits]
            assert search.cv_results_["mean_test_total"][k] == pytest.approx(np.mean(expected))
    nested = cross_val_score(search, X, y, cv=TaskKFold(2), params={"tasks": tasks}, error_score="raise")
    assert np.all(np.isfinite(nested))


def test_weights_in_a_search(regression):
    _, y, tasks, Z, model = regression
    weights = np.linspace(0.2, 2, len(y))
    cv = TaskKFold(3, task_feature=-1)
    splits = list(cv.split(Z, y))
    fits = [clone(model).fit(Z[a], y[a], sample_weight=weights[a]) for a, _ in splits]
    weighted = [
        loop(sk.r2_score, y[b], m.predict(Z[b]), tasks[b], weights[b]) for m, (_, b) in zip(fits, splits, strict=True)
    ]
    with sklearn.config_context(enable_metadata_routing=True):
        search = GridSearchCV(
            clone(model).set_fit_request(sample_weight=True),
            {"alpha": [0.1]},
            scoring=TaskScorer("r2").set_score_request(sample_weight=True),
            cv=cv,
        )
        search.fit(Z, y, sample_weight=weights)
        assert search.cv_results_["mean_test_score"][0] == pytest.approx(np.mean(weighted))
        with pytest.raises(sklearn.exceptions.UnsetMetadataPassedError, match="sample_weight"):
            search.set_params(scoring=TaskScorer("r2")).fit(Z, y, sample_weight=weights)
    scoring = {"r2": TaskScorer("r2"), "worst": TaskScorer(sk.max_error, greater_is_better=False)}
    search = GridSearchCV(model, {"alpha": [0.1]}, scoring=scoring, cv=cv, refit=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that max_error takes no weights, which scikit-learn >= 1.8 says
        search.fit(Z, y, sample_weight=weights)
    assert np.isfinite(search.cv_results_["mean_test_worst"][0])


def test_missing_outputs_in_cross_validation(shared):
    X, Y = shared
    masked = np.where(np.random.default_rng(2).uniform(size=Y.shape) < 0.2, NAN, Y)

    class Imputing(LinearRegression):
        def fit(self, X, y, sample_weight=None):
            return super().fit(X, np.where(np.isnan(y), np.nanmean(y, axis=0), y), sample_weight)

    scores = cross_val_score(Imputing(), X, masked, scoring=ours.task_r2_scorer, cv=KFold(3), error_score="raise")
    for score, (a, b) in zip(scores, KFold(3).split(X), strict=True):
        p = Imputing().fit(X[a], masked[a]).predict(X[b])
        kept = [~np.isnan(masked[b, t]) for t in range(4)]
        assert score == pytest.approx(np.mean([sk.r2_score(masked[b][k, t], p[k, t]) for t, k in enumerate(kept)]))


def test_one_hot_tasks_of_a_plain_model(regression):
    X, y, tasks, _, _ = regression
    frame = pd.DataFrame(X, columns=list("abcdef")).assign(school=tasks)
    model = make_pipeline(
        ColumnTransformer([("task", OneHotEncoder(), ["school"])], remainder="passthrough"), LinearRegression()
    )
    cv = TaskKFold(3, task_feature="school")
    scores = cross_val_score(
        model, frame, y, scoring=TaskScorer("r2", task_feature="school"), cv=cv, n_jobs=2, error_score="raise"
    )
    for score, (a, b) in zip(scores, cv.split(frame, y), strict=True):
        p = clone(model).fit(frame.iloc[a], y[a]).predict(frame.iloc[b])
        assert score == pytest.approx(loop(sk.r2_score, y[b], p, tasks[b]))
