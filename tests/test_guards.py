"""A task column that a step of a pipeline lost, moved or mixed must not pass for tasks in silence."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from mtlinear import MeanRegularizedRegressor, TraceNormClassifier, TraceNormRegressor
from mtlinear._tasks import check_task_column, encode

RNG = np.random.default_rng(0)
N = 60
FEATURES = RNG.standard_normal((N, 3))
CODES = np.arange(N) % 3
CLINIC = np.array(["a", "b", "c"])[CODES]
y = FEATURES @ [1.0, -1.0, 0.5] + CODES + 0.1 * RNG.standard_normal(N)
LAST = np.column_stack([FEATURES, CODES])
FRAME = pd.DataFrame(FEATURES, columns=["u", "v", "w"]).assign(clinic=CLINIC)

LOOKS_WRONG = (
    r"task_feature=.* different label\(s\) for 60 rows, like .*measurements, not like tasks.*ColumnTransformer"
)


@pytest.fixture(autouse=True)
def _no_other_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def model(**parameters):
    return TraceNormRegressor(0.1, **{"task_feature": -1} | parameters)


# -- fit: the column is not the tasks any more ------------------------------------------------------------------------

#: Steps after which the last (or named) column holds something else, continuous.
MIXERS = {
    "PCA": (PCA(), -1),
    "PCA with fewer components": (PCA(2), -1),
    "whitened": (PCA(whiten=True), 0),
    "products": (PolynomialFeatures(interaction_only=True), -1),
    "products, position of the task as before": (PolynomialFeatures(include_bias=False), 4),
    "a selector that drops it": (SelectKBest(f_regression, k=2), -1),
}


@pytest.mark.parametrize("unseen_tasks", ["error", "mean"])
@pytest.mark.parametrize("kind", MIXERS)
def test_a_continuous_column_is_no_task_column(kind, unseen_tasks):
    step, task_feature = MIXERS[kind]
    pipeline = make_pipeline(step, model(task_feature=task_feature, unseen_tasks=unseen_tasks))
    with pytest.raises(ValueError, match=LOOKS_WRONG):
        pipeline.fit(LAST, FEATURES.sum(axis=1))


def test_named_columns_of_set_output_too():
    pipeline = make_pipeline(PCA().set_output(transform="pandas"), model(task_feature="pca3"))
    with pytest.raises(ValueError, match=LOOKS_WRONG):
        pipeline.fit(LAST, FEATURES.sum(axis=1))


def test_a_classifier_says_it_too():
    with pytest.raises(ValueError, match=LOOKS_WRONG):
        TraceNormClassifier(task_feature=-1).fit(FEATURES, (y > np.median(y)).astype(int))


def test_the_bias_column_of_polynomials_is_a_single_task():
    """PolynomialFeatures puts a column of ones first."""
    pipeline = make_pipeline(PolynomialFeatures(), model(task_feature=0))
    with pytest.warns(UserWarning, match=r"task_feature=0 gives 1 different label\(s\) .*\(1.0\).*single task"):
        pipeline.fit(np.column_stack([CODES, FEATURES]), y)


def test_whole_numbers_with_a_row_each_warn():
    """Codes of patients, say, or years of age: they may be meant."""
    with pytest.warns(UserWarning, match=r"gives 60 different label\(s\) for 60 rows, so most tasks have a single row"):
        fitted = model().fit(np.column_stack([FEATURES, np.arange(N)]), y)
    assert fitted.coef_.shape == (N, 3)


def test_strings_with_a_row_each_warn():
    with pytest.warns(UserWarning, match="most tasks have a single row"):
        model(task_feature="clinic").fit(FRAME.assign(clinic=[f"c{i}" for i in range(N)]), y)


def test_tasks_as_an_argument_are_never_suspected():
    """The way through for labels that are fractions: nothing but the caller can have moved them."""
    fitted = TraceNormRegressor(0.1).fit(FEATURES, y, tasks=np.arange(N) / 7)
    assert fitted.coef_.shape == (N, 3)


@pytest.mark.parametrize(("n_labels", "suspicious"), [(30, False), (31, True)])
def test_more_labels_than_half_the_rows_are_suspicious(n_labels, suspicious):
    labels = (np.arange(N) % n_labels) / 7
    if suspicious:
        with pytest.raises(ValueError, match="31 different"):
            check_task_column(0, labels)
    else:
        check_task_column(0, labels)


def test_two_rows_of_two_tasks_are_not_suspicious():
    check_task_column(0, np.array([0.5, 1.5]))
    check_task_column(0, np.array([0.5]))


# -- fit: ways that work ----------------------------------------------------------------------------------------------


def reference():
    return TraceNormRegressor(0.1).fit(FEATURES, y, tasks=CODES).coef_


@pytest.mark.parametrize("n_rows", [N, 6])
def test_scaled_codes_are_still_tasks(n_rows):
    scaled = StandardScaler().fit(LAST)
    pipeline = make_pipeline(StandardScaler(), model()).fit(LAST[:n_rows], y[:n_rows])
    assert len(pipeline[-1].tasks_) == 3
    assert len(model().fit(scaled.transform(LAST).astype(np.float32), y).tasks_) == 3


def test_a_column_transformer_keeps_the_task():
    keep = ColumnTransformer([("pca", PCA(), [0, 1, 2])], remainder="passthrough")
    pipeline = make_pipeline(keep, model()).fit(LAST, y)
    assert pipeline[-1].tasks_.tolist() == [0, 1, 2]
    pipeline = make_pipeline(keep, model()).fit(np.column_stack([FEATURES.astype(object), CLINIC]), y)
    assert pipeline[-1].tasks_.tolist() == ["a", "b", "c"]
    with pytest.raises(ValueError, match=r"task_feature=7 is out of range: X has 4 columns. A step before the model"):
        make_pipeline(keep, model(task_feature=7)).fit(LAST, y)


def test_sparse_codes_are_tasks_and_sparse_measurements_are_not():
    np.testing.assert_allclose(model().fit(sparse.csr_array(LAST), y).coef_, reference(), atol=1e-3)
    with pytest.raises(ValueError, match=LOOKS_WRONG):
        model().fit(sparse.csr_array(FEATURES), y)


# -- fit: the name is not there ---------------------------------------------------------------------------------------


def columns(verbose_feature_names_out):
    return ColumnTransformer(
        [("scale", StandardScaler(), ["u", "v", "w"])],
        remainder="passthrough",
        verbose_feature_names_out=verbose_feature_names_out,
    ).set_output(transform="pandas")


def test_a_prefixed_name_is_suggested():
    with pytest.raises(ValueError, match=r"'clinic' is not a column of X.*'remainder__clinic'.*names_out=False"):
        make_pipeline(columns(True), model(task_feature="clinic")).fit(FRAME, y)
    make_pipeline(columns(True), model(task_feature="remainder__clinic")).fit(FRAME, y)
    make_pipeline(columns(False), model(task_feature="clinic")).fit(FRAME, y)


def test_a_near_name_is_suggested():
    with pytest.raises(ValueError, match=r"task_feature='Clinc' is not a column of X\. Did you mean 'clinic'\?"):
        model(task_feature="Clinc").fit(FRAME, y)


def test_other_names_are_listed_but_not_a_thousand():
    with pytest.raises(ValueError, match=r"Its columns are 'u', 'v', 'w', 'clinic'\.$"):
        model(task_feature="town").fit(FRAME, y)
    wide = pd.DataFrame(np.ones((N, 30)), columns=[f"f{i}" for i in range(30)])
    with pytest.raises(ValueError, match=r"'f0', .*'f19', \.\.\.\.$"):
        model(task_feature="town").fit(wide, y)


def test_an_array_has_no_names():
    with pytest.raises(ValueError, match=r"X has no column names.*task_feature=-1.*set_output"):
        make_pipeline(columns(False).set_output(transform="default"), model(task_feature="clinic")).fit(FRAME, y)


# -- labels of the wrong kind, through a pipeline ---------------------------------------------------------------------

BAD_LABELS = {
    "NaN": (np.where(CODES == 0, np.nan, CODES), ValueError, "task column of X contains NaN or infinity"),
    "None": ([None, *CLINIC[1:]], ValueError, r"task column of X contains 1 missing label\(s\)"),
    "mixed": ([1, *CLINIC[1:]], TypeError, "task column of X mixes strings and numbers"),
    "dates": (pd.date_range("2024", periods=N), TypeError, "task column of X must hold numbers or strings"),
}


@pytest.mark.parametrize("kind", BAD_LABELS)
def test_bad_labels(kind):
    labels, error, message = BAD_LABELS[kind]
    bad = FRAME.assign(clinic=pd.Series(labels, dtype=None if kind in ("NaN", "dates") else object))
    pipeline = make_pipeline(columns(False), model(task_feature="clinic"))
    with pytest.raises(error, match=message):
        pipeline.fit(bad, y)
    with pytest.raises(error, match=message):
        pipeline.fit(FRAME, y).predict(bad)


# -- predict: the column is not what it was ---------------------------------------------------------------------------


@pytest.mark.parametrize("unseen_tasks", ["error", "mean"])
def test_scaled_only_in_predict(unseen_tasks):
    scaled = StandardScaler().fit_transform(LAST)
    message = (
        "task_feature=-1: none of the labels was seen in fit: -1.2.*, while fit had 0.0, 1.0, 2.0. The task column was"
    )
    with pytest.raises(ValueError, match=message + " probably scaled or moved"):
        model(unseen_tasks=unseen_tasks).fit(LAST, y).predict(scaled[CODES != 1])
    with pytest.raises(ValueError, match="probably scaled or moved"):  # one row is enough
        model(unseen_tasks=unseen_tasks).fit(LAST, y).predict(scaled[:1])


@pytest.mark.parametrize("unseen_tasks", ["error", "mean"])
def test_moved_only_in_predict(unseen_tasks):
    scaled = StandardScaler().fit_transform(LAST)
    fitted = model(unseen_tasks=unseen_tasks).fit(scaled, y)  # fractions as labels: three of them
    with pytest.raises(ValueError, match=r"none of the labels was seen in fit.*probably scaled or moved") as caught:
        fitted.predict(scaled[:, [3, 0, 1, 2]])
    assert "unseen_tasks='mean' would" not in str(caught.value)


def test_new_tasks_are_no_mistake_where_they_are_wanted():
    """A whole fold, or one row, of new tasks: what unseen_tasks='mean' is for."""
    fitted = model(unseen_tasks="mean").fit(LAST, y)
    new = np.column_stack([FEATURES, np.arange(N) + 10])
    np.testing.assert_allclose(fitted.predict(new), FEATURES @ fitted.coef_.mean(axis=0) + fitted.intercept_.mean())
    fitted.predict(new[:1])
    scaled = StandardScaler().fit(LAST)
    fitted = model(unseen_tasks="mean").fit(scaled.transform(LAST), y)
    fitted.predict(scaled.transform(np.column_stack([FEATURES, CODES + 10])))
    TraceNormRegressor(0.1, unseen_tasks="mean").fit(FEATURES, y, tasks=CODES).predict(FEATURES, tasks=y)


def test_all_tasks_new_says_what_would_be_right():
    message = (
        r"none of the labels was seen in fit: 10.0, .*\.\.\., while fit had 0.0, 1.0, 2.0.*unseen_tasks='mean' would"
    )
    with pytest.raises(ValueError, match=message):
        model().fit(LAST, y).predict(np.column_stack([FEATURES, np.arange(N) + 10]))
    with pytest.raises(
        ValueError, match=r"^tasks: none of the labels was seen in fit: 'x', while .* Pass labels as in fit"
    ):
        TraceNormRegressor(0.1).fit(FEATURES, y, tasks=CLINIC).predict(FEATURES, tasks=["x"] * N)


def test_some_tasks_new():
    some = np.column_stack([FEATURES, CODES + 0.5 * (np.arange(N) == 7)])
    with pytest.raises(ValueError, match=r"^1 task\(s\) were not seen in fit: 1.5. unseen_tasks='mean' would"):
        model().fit(LAST, y).predict(some)
    model(unseen_tasks="mean").fit(LAST, y).predict(some)


def test_strings_in_fit_and_numbers_in_predict():
    fitted = model(task_feature="clinic", unseen_tasks="mean").fit(FRAME, y)
    with pytest.raises(TypeError, match=r"task labels are numbers like 0, but were strings like 'a' in fit"):
        fitted.predict(FRAME.assign(clinic=CODES))


def test_predict_without_tasks():
    fitted = make_pipeline(StandardScaler(), TraceNormRegressor(0.1)).fit(FEATURES, y, tracenormregressor__tasks=CODES)
    with pytest.raises(ValueError, match="needs them to predict: pass tasks=, or use task_feature"):
        fitted.predict(FEATURES)


# -- labels in other precisions ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kinds", [(np.float64, np.float32), (np.float32, np.float64), (np.float64, np.float16)])
def test_labels_of_two_precisions_are_the_same(kinds):
    fit, predict = kinds
    scaled = StandardScaler().fit_transform(LAST)
    fitted = model().fit(scaled.astype(fit), y)
    tolerance = 1e-5 if predict is not np.float16 else 1e-2
    np.testing.assert_allclose(
        fitted.predict(scaled.astype(predict)), fitted.predict(scaled.astype(fit)), atol=tolerance
    )


def test_precisions_that_cannot_tell_tasks_apart():
    known = np.array([0.1, 0.1 + 1e-9])
    with pytest.raises(ValueError, match="task labels are float32, which cannot tell the tasks of fit apart"):
        encode(known.astype(np.float32), known)
    with pytest.raises(ValueError, match="task labels are float16, which cannot tell the tasks of fit apart"):
        encode(np.array([2049], dtype=np.float16), np.array([2048, 2049]))
    np.testing.assert_array_equal(encode(known, known), [0, 1])
    np.testing.assert_array_equal(encode(np.array([2, 0, 5]), np.array([0.0, 2.0])), [1, 0, -1])


def test_codes_that_a_scaler_computed_in_float32_are_known():
    """They differ from the float64 codes by a unit in the last place, and must not fall to the mean task."""
    rng = np.random.default_rng(0)
    tasks = np.arange(120) % 6
    X = np.column_stack([rng.normal(size=(120, 5)), tasks])
    y = X[:, 0] + 10 * tasks + rng.normal(size=120)
    for unseen in ("mean", "error"):
        model = MeanRegularizedRegressor(alpha=0.1, task_feature=-1, unseen_tasks=unseen)
        pipeline = make_pipeline(StandardScaler(), model).fit(X, y)
        assert pipeline.score(X.astype(np.float32), y) == pytest.approx(pipeline.score(X, y), abs=1e-4)


def test_a_text_column_that_was_not_named_is_named_by_the_error():
    table = pd.DataFrame({"x": [1.0, 2.0, 3.0, 4.0], "school": ["u", "v", "u", "v"]})
    with pytest.raises(ValueError, match=r"not numbers: \['school'\].*task_feature='school'"):
        MeanRegularizedRegressor().fit(table, [1.0, 2.0, 3.0, 4.0])
