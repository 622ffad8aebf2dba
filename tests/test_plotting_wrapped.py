"""Displays of what users have: pipelines, searches, scaled targets, what `mtlinear compare` saves and writes."""

from __future__ import annotations

import matplotlib
import numpy as np
import pandas as pd
import pytest
from comparetools import shared_table, stacked_table
from numpy.testing import assert_allclose, assert_array_equal
from plottingtools import TASKS, X, Y
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, PolynomialFeatures, StandardScaler
from test_compare_results import fake_comparison

import mtlinear as mt
from mtlinear.compare import from_table, make_models
from mtlinear.compare._best import make_estimator
from mtlinear.compare._command import write_results
from mtlinear.penalties import L1, L1Lq, TraceNorm
from mtlinear.plotting import (
    ConvergenceDisplay,
    ParameterMatrixDisplay,
    PathDisplay,
    SpectrumDisplay,
    StructureComparisonDisplay,
    TaskSimilarityDisplay,
    TransferDisplay,
)

matplotlib.use("Agg")

NAMES = list("abcdef")
FRAME = pd.DataFrame(X, columns=NAMES)
TABLE = FRAME.assign(site=TASKS)


def sparse(**parameters):
    return mt.BlockSparseRegressor(0.5, **parameters)


def with_tasks(**parameters):
    """A pipeline whose last step gets an array: names and the task column by position."""
    scale = ColumnTransformer(
        [("scale", StandardScaler(), ["c", "a"]), ("site", "passthrough", ["site"]), ("rest", "passthrough", ["b"])],
        verbose_feature_names_out=False,
    )
    return make_pipeline(scale, mt.TraceNormRegressor(0.1, task_feature=2, **parameters))


#: name -> (fitted estimator, the model in it, names of its features)
WRAPPED = {
    "pipeline": lambda: (e := make_pipeline(StandardScaler(), sparse()).fit(FRAME, Y), e[-1], NAMES),
    "pipeline of arrays": lambda: (
        e := make_pipeline(StandardScaler(), sparse()).fit(X, Y),
        e[-1],
        [f"x{j}" for j in range(6)],
    ),
    "pipeline with new features": lambda: (
        e := make_pipeline(PolynomialFeatures(2, include_bias=False), sparse()).fit(FRAME[["a", "b"]], Y),
        e[-1],
        ["a", "b", "a^2", "a b", "b^2"],
    ),
    "pipeline with tasks": lambda: (e := with_tasks().fit(TABLE, Y[:, 0]), e[-1], ["c", "a", "b"]),
    "pipeline in a pipeline": lambda: (
        e := make_pipeline(StandardScaler(), make_pipeline(StandardScaler(), sparse())).fit(FRAME, Y),
        e[-1][-1],
        NAMES,
    ),
    "step without names": lambda: (
        e := make_pipeline(FunctionTransformer(np.asarray), sparse()).fit(FRAME, Y),
        e[-1],
        [f"x{j}" for j in range(6)],
    ),
    "grid search": lambda: (
        e := GridSearchCV(sparse(), {"alpha": [0.5, 1.0]}, cv=2).fit(FRAME, Y),
        e.best_estimator_,
        NAMES,
    ),
    "random search of a pipeline": lambda: (
        e := RandomizedSearchCV(
            make_pipeline(StandardScaler(), sparse()), {"blocksparseregressor__alpha": [0.5]}, n_iter=1, cv=2
        ).fit(FRAME, Y),
        e.best_estimator_[-1],
        NAMES,
    ),
    "scaled target": lambda: (
        e := TransformedTargetRegressor(sparse(), transformer=StandardScaler()).fit(FRAME, Y),
        e.regressor_,
        NAMES,
    ),
    "frozen": lambda: (e := FrozenEstimator(sparse().fit(FRAME, Y)), e.estimator, NAMES),
}


@pytest.mark.parametrize("case", WRAPPED)
def test_the_model_inside_is_drawn_with_the_names_of_the_columns(case):
    estimator, model, names = WRAPPED[case]()
    display = ParameterMatrixDisplay.from_estimator(estimator)
    assert list(display.feature_names) == names
    assert_array_equal(display.matrices["A"], model.coef_.T)
    assert display.task_names == model.parameters_.task_names
    assert_allclose(SpectrumDisplay.from_estimator(estimator).singular_values["A"], model.parameters_.singular_values())
    similarity = TaskSimilarityDisplay.from_estimator(estimator).similarity
    assert_array_equal(similarity, model.parameters_.task_similarity())
    convergence = ConvergenceDisplay.from_estimator(estimator)
    assert list(convergence.gaps) == [type(model).__name__]
    assert len(convergence.gaps[type(model).__name__]) == len(model.history_)


def test_clusters_survive_the_new_names():
    model = make_pipeline(StandardScaler(), mt.ClusteredRegressor(2, 0.5)).fit(FRAME, Y)
    display = ParameterMatrixDisplay.from_estimator(model)
    assert_array_equal(display.task_clusters, model[-1].parameters_.task_clusters())


@pytest.mark.parametrize("several", [False, True], ids=["tasks in a column", "several targets"])
def test_what_compare_saves(several):
    table = shared_table() if several else stacked_table()
    data = from_table(table, ["y0", "y1", "y2"]) if several else from_table(table, ["y"], task="school")
    estimator = make_estimator(data, TraceNorm(0.1), 1e-4).fit(data.table, data.raw_target)
    names = ParameterMatrixDisplay.from_estimator(estimator).feature_names
    assert names[:3] == ["a", "b", "c"]
    assert several or "colour=red" in names
    assert several or "school" not in names
    y = table[["y0", "y1", "y2"]].to_numpy() if several else table["y"]
    path = PathDisplay.from_estimator(estimator, data.table, y, alphas=3)
    assert path.feature_names == names


def test_errors_are_short_and_say_what_was_found():
    long = GridSearchCV(
        make_pipeline(StandardScaler(), LinearRegression()), {"linearregression__n_jobs": [1] * 40}, cv=2
    )
    with pytest.raises(NotFittedError, match=r"this GridSearchCV first \(it has no best_estimator_\)"):
        SpectrumDisplay.from_estimator(long)
    with pytest.raises(NotFittedError, match="this TransformedTargetRegressor first"):
        SpectrumDisplay.from_estimator(TransformedTargetRegressor(sparse()))
    long.fit(X, Y)
    for call in (
        lambda: SpectrumDisplay.from_estimator(long),
        lambda: PathDisplay.from_penalty(long, X, Y),
        lambda: TransferDisplay.from_estimators(long, mt.BlockSparseClassifier().fit(X, Y > 0), X, Y),
        lambda: mt.regularization_path(long, X, Y),
    ):
        with pytest.raises(TypeError, match="GridSearchCV") as caught:
            call()
        assert len(str(caught.value)) < 250
    with pytest.raises(TypeError, match=r"got GridSearchCV of LinearRegression\.$"):
        SpectrumDisplay.from_estimator(long)


def test_transfer_of_classifiers_in_pipelines():
    labels = np.where(Y > 1, "yes", "no")
    alone = mt.TraceNormClassifier(0.01).fit(X, labels)
    rival = mt.BlockSparseClassifier(0.1).fit(X, labels)
    expected = TransferDisplay.from_estimators(alone, rival, X, labels).gains
    inside = make_pipeline(FunctionTransformer(), mt.TraceNormClassifier(0.01)).fit(X, labels)
    assert_allclose(TransferDisplay.from_estimators(inside, rival, X, labels).gains, expected)


# Paths of fitted estimators


@pytest.mark.parametrize("weighted", [False, True])
def test_path_of_a_cv_class_is_that_of_its_alphas(weighted):
    weights = np.arange(60) % 3 + 1.0 if weighted else None
    model = mt.MultiTaskRegressorCV(L1Lq(), alphas=8, cv=3).fit(FRAME, Y, sample_weight=weights)
    display = PathDisplay.from_estimator(model, FRAME, Y, weights)
    expected = mt.regularization_path(L1Lq(), FRAME, Y, weights, alphas=model.alphas_)
    assert_array_equal(display.alphas, model.alphas_)
    assert_allclose(display.row_norms, [A.row_norms() for A in expected.parameters], atol=1e-12)
    assert display.feature_names == NAMES
    chosen = int(np.flatnonzero(display.alphas == model.alpha_)[0])
    assert_allclose(display.row_norms[chosen], model.parameters_.row_norms(), atol=1e-3)
    assert_array_equal(display.chosen_line_.get_xdata(), [model.alpha_] * 2)


def test_path_of_a_cv_class_is_that_of_the_chosen_candidate():
    grid = {"penalty": [L1(), L1Lq(q=np.inf), TraceNorm()], "l2_alpha": [0.1]}
    model = mt.MultiTaskRegressorCV(alphas=6, cv=2, param_grid=grid).fit(X, Y)
    candidate = model.best_index_ // 6
    assert not np.array_equal(model.alphas_[0], model.alphas_[1])
    display = PathDisplay.from_estimator(model, X, Y, show="rank")
    assert_array_equal(display.alphas, model.alphas_[candidate])
    expected = mt.regularization_path(
        mt.MultiTaskRegressor(model.penalty_, l2_alpha=0.1), X, Y, alphas=model.alphas_[candidate]
    )
    assert_allclose(display.row_norms, [A.row_norms() for A in expected.parameters], atol=1e-12)
    assert model.get_params()["penalty"] is None  # and the model is as it was


def test_path_of_a_pipeline_is_that_of_the_rows_inside():
    inside = make_pipeline(StandardScaler(), TransformedTargetRegressor(sparse(), transformer=StandardScaler()))
    display = PathDisplay.from_estimator(inside.fit(FRAME, Y), FRAME, Y, alphas=5)
    scaled = [StandardScaler().fit_transform(each) for each in (X, Y)]
    expected = mt.regularization_path(sparse(), *scaled, alphas=5)
    assert_allclose(display.alphas, expected.alphas)
    assert_allclose(display.row_norms, [A.row_norms() for A in expected.parameters], atol=1e-10)
    assert display.feature_names == NAMES
    assert display.chosen_line_ is None
    stacked = PathDisplay.from_estimator(with_tasks().fit(TABLE, Y[:, 0]), TABLE, Y[:, 0], alphas=3)
    assert stacked.feature_names == ["c", "a", "b"]
    column = TransformedTargetRegressor(mt.TraceNormRegressor(0.1), transformer=StandardScaler()).fit(X, Y[:, 0])
    assert PathDisplay.from_estimator(column, X, Y[:, 0], alphas=2).row_norms.shape == (2, 6)


# What `mtlinear compare` writes


def test_structures_from_results(tmp_path):
    comparison = fake_comparison({"single-task": 0.0, "dirty": 0.2}, models=make_models(4, pooled_slopes=True))
    write_results(tmp_path / "results.csv", comparison)
    expected = StructureComparisonDisplay.from_comparison(comparison)
    for results in (tmp_path / "results.csv", str(tmp_path / "results.csv"), pd.read_csv(tmp_path / "results.csv")):
        display = StructureComparisonDisplay.from_results(results, score_name="explained variance")
        assert display.names == expected.names
        assert_allclose(display.scores, expected.scores)
        assert_allclose(display.errors, expected.errors, rtol=0.02)  # the first fold has 20 of 96 rows, not a fifth
        assert_allclose(display.reference, expected.reference)
        assert_array_equal(display.is_structure, expected.is_structure)
        assert [name for name, one in zip(display.names, display.is_structure, strict=True) if not one] == [
            "single-task",
            "pooled",
            "pooled slopes",
        ]
        assert display.best == expected.best == "dirty"
        assert display.ax_.get_xlabel() == "explained variance, mean and standard error over 5 splits"
    exact = StructureComparisonDisplay.from_results(tmp_path / "results.csv", test_share=20 / 96)
    assert_allclose(exact.errors, expected.errors)


def test_structures_from_partial_results():
    lines = [("single-task", 0, 0.5), ("single-task", 1, 0.6), ("dirty", 0, 0.9), ("clustered", 0, 0.5)]
    lines += [("clustered", 1, 0.7), ("trace norm", 0, np.nan), ("trace norm", 1, np.nan)]
    display = StructureComparisonDisplay.from_results(pd.DataFrame(lines, columns=["model", "fold", "score"]))
    assert display.best == "clustered"  # dirty has one fold only
    assert_allclose(display.scores, [0.55, 0.9, 0.6, np.nan])
    assert_array_equal(np.isnan(display.errors), [False, True, False, True])
    one = StructureComparisonDisplay.from_results(pd.DataFrame(lines[2:3], columns=["model", "fold", "score"]))
    assert one.reference is None


@pytest.mark.parametrize(
    ("results", "error", "message"),
    [
        (3, TypeError, "results must be the path of a results.csv.*type int"),
        (pd.DataFrame({"model": ["a"], "r2": [1.0]}), ValueError, r"\['score'\] is not among its columns"),
        (pd.DataFrame({"model": [], "score": []}), ValueError, "results has no line"),
    ],
    ids=["no path", "no score", "no lines"],
)
def test_results_that_are_none(results, error, message):
    with pytest.raises(error, match=message):
        StructureComparisonDisplay.from_results(results)


def test_test_share_must_be_a_share():
    with pytest.raises(ValueError, match="test_share must be a number > 0 and < 1"):
        StructureComparisonDisplay.from_results(pd.DataFrame({"model": ["a"], "score": [1.0]}), test_share=1.0)
