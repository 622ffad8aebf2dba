"""TransferDisplay: gains of tasks by hand, and what is drawn of them."""

from __future__ import annotations

import matplotlib
import numpy as np
import pandas as pd
from numpy.testing import assert_allclose, assert_array_equal
from plottingtools import (
    RNG,
    TASKS,
    X,
    Y,
    drawn_labels,
    labels_apart,
)
from scipy.special import expit
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

import mtlinear as mt
from mtlinear.penalties import L1, Ridge
from mtlinear.plotting import (
    TransferDisplay,
)

matplotlib.use("Agg")


def test_transfer_by_hand():
    y, multi, single = RNG.standard_normal((3, 60))
    display = TransferDisplay.from_predictions(y, multi, single, tasks=TASKS)
    assert display.tasks == ["a", "b", "c", "d"]
    for k, task in enumerate("abcd"):
        saved = [(s - t) ** 2 - (m - t) ** 2 for t, m, s, of in zip(y, multi, single, TASKS, strict=True) if of == task]
        unit = np.mean([(s - t) ** 2 for t, s, of in zip(y, single, TASKS, strict=True) if of == task])
        assert_allclose(display.gains[k], np.mean(saved) / unit)
        assert_allclose(display.errors[k], np.std(saved, ddof=1) / np.sqrt(15) / unit)
    absolute = TransferDisplay.from_predictions(y, multi, single, tasks=TASKS, relative=False)
    ratios = absolute.gains / display.gains
    assert_allclose(ratios, absolute.errors / display.errors)
    assert_allclose(ratios[0], np.mean((single - y)[TASKS == "a"] ** 2))


def test_transfer_is_antisymmetric_if_absolute():
    y, multi, single = RNG.standard_normal((3, 60, 4))
    one = TransferDisplay.from_predictions(y, multi, single, relative=False)
    other = TransferDisplay.from_predictions(y, single, multi, relative=False)
    assert_allclose(one.gains, -other.gains)
    assert_allclose(one.errors, other.errors)


def test_transfer_draws_sorted_bars_and_counts_losers():
    display = TransferDisplay(
        gains=[0.1, -0.5, 0.3, -0.1, np.nan], errors=[0.1, 0.2, np.nan, 0.06, np.nan], tasks=list("abcde")
    ).plot()
    assert display.n_losers == 1
    assert [display.tasks[t] for t in display.task_order] == ["c", "a", "d", "b"]
    assert [bar.get_width() for bar in display.bars_] == [0.3, 0.1, -0.1, -0.5]
    colours = [bar.get_facecolor() for bar in display.bars_]
    assert colours[0] == colours[1] != colours[2] == colours[3]
    assert drawn_labels(display.ax_.yaxis)[0] == ["c", "a", "d", "b"]
    assert display.ax_.get_title() == "2 of 4 tasks lose, 1 by more than 2 standard errors"
    arms = display.ax_.collections[0].get_segments()
    assert_allclose(arms[3][:, 0], [-0.9, -0.1])
    assert_allclose(arms[0][:, 0], [0.3, 0.3])


def test_transfer_labels_of_300_tasks_do_not_overlap():
    gains = RNG.standard_normal(300)
    display = TransferDisplay(gains=gains, errors=np.ones(300), tasks=[f"school number {t}" for t in range(300)]).plot()
    display.figure_.canvas.draw()
    labels = labels_apart(display.ax_.xaxis)
    assert labels[0] == f"school number {np.argmax(gains)}"
    assert 10 < len(labels) < 100
    assert_allclose([bar.get_height() for bar in display.bars_], np.sort(gains)[::-1])


def test_transfer_from_regressors():
    multi = mt.MeanRegularizedRegressor(1.0).fit(X, Y[:, 0], tasks=TASKS)
    single = mt.MultiTaskRegressor(Ridge(0.1)).fit(X, Y[:, 0], tasks=TASKS)
    expected = TransferDisplay.from_predictions(
        Y[:, 0], multi.predict(X, tasks=TASKS), single.predict(X, tasks=TASKS), tasks=TASKS
    )
    found = TransferDisplay.from_estimators(multi, single, X, Y[:, 0], tasks=TASKS)
    assert_array_equal(found.gains, expected.gains)
    assert found.measure == "reduction of squared error"
    frame = pd.DataFrame(X, columns=list("uvwxyz")).assign(site=TASKS)
    models = [clone.set_params(task_feature="site").fit(frame, Y[:, 0]) for clone in (multi, single)]
    by_column = TransferDisplay.from_estimators(*models, frame, Y[:, 0])
    assert by_column.tasks == ["a", "b", "c", "d"]
    assert_allclose(by_column.gains, expected.gains)


def test_transfer_of_columns_with_missing_entries_and_a_rival_of_scikit_learn():
    y = pd.DataFrame(Y, columns=["p", "q", "r", "s"])
    multi, single = mt.TraceNormRegressor(0.5).fit(X, y), LinearRegression().fit(X, Y)
    y.iloc[:50, 2], y.iloc[:, 3] = np.nan, np.nan
    display = TransferDisplay.from_estimators(multi, single, X, y)
    assert display.tasks == ["p", "q", "r", "s"]
    old, new = ((model.predict(X)[50:, 2] - Y[50:, 2]) ** 2 for model in (single, multi))
    assert_allclose(display.gains[2], 1 - new.mean() / old.mean())
    assert np.isnan(display.gains[3])
    assert len(display.bars_) == 3


def test_transfer_of_binary_tasks():
    labels = np.where(Y[:, 0] > 0, "yes", "no")
    multi = mt.MeanRegularizedClassifier(0.1).fit(X, labels, tasks=TASKS)
    single = mt.MultiTaskClassifier(Ridge(0.1)).fit(X, labels, tasks=TASKS)
    scores = [model.decision_function(X, tasks=TASKS) * np.where(Y[:, 0] > 0, 1, -1) for model in (multi, single)]
    losses = [np.logaddexp(0, -s) for s in scores]
    found = TransferDisplay.from_estimators(multi, single, X, labels, tasks=TASKS)
    assert found.measure == "reduction of log loss"
    assert_allclose(found.gains, [np.mean((losses[1] - losses[0])[task == TASKS]) for task in "abcd"], atol=1e-12)
    accuracy = TransferDisplay.from_estimators(multi, single, X, labels, tasks=TASKS, loss="zero_one")
    right = [s > 0 for s in scores]
    assert_allclose(accuracy.gains, [right[0][t == TASKS].mean() - right[1][t == TASKS].mean() for t in "abcd"])


def test_transfer_of_columns_of_labels():
    labels = np.where(Y > 0, 1.0, 0.0)
    multi, single = (mt.MultiTaskClassifier(penalty).fit(X, labels) for penalty in (L1(0.01), Ridge(0.1)))
    labels[:20, 1] = np.nan
    found = TransferDisplay.from_estimators(multi, single, X, pd.DataFrame(labels, columns=list("pqrs")))
    assert found.tasks == list("pqrs")
    signs = 2 * labels[20:, 1] - 1
    losses = [-np.log(expit(signs * model.decision_function(X)[20:, 1])) for model in (multi, single)]
    assert_allclose(found.gains[1], np.mean(losses[1] - losses[0]))


def test_transfer_of_columns_of_labels_against_a_model_of_scikit_learn():
    labels = np.where(Y > 0, 1, 0)
    ours, theirs = mt.MultiTaskClassifier(L1(0.01)).fit(X, labels), KNeighborsClassifier(20).fit(X, labels)
    one = TransferDisplay.from_estimators(ours, theirs, X, labels)
    other = TransferDisplay.from_estimators(theirs, ours, X, labels)
    assert_allclose(one.gains, -other.gains)
    loss = -np.log(np.where(labels[:, 2] == 1, *[theirs.predict_proba(X)[2][:, k] for k in (1, 0)]))
    own = np.logaddexp(0, (1 - 2 * labels[:, 2]) * ours.decision_function(X)[:, 2])
    assert_allclose(one.gains[2], np.mean(loss - own))


def test_transfer_of_classes():
    y = np.array(["u", "v", "w"])[np.argmax(Y[:, :3], axis=1)]
    multi, single = mt.TraceNormClassifier(0.05).fit(X, y), LogisticRegression().fit(X, y)
    found = TransferDisplay.from_estimators(multi, single, X, y)
    assert found.tasks == ["u", "v", "w"]
    p, q = multi.predict_proba(X)[:, 1], single.predict_proba(X)[:, 1]
    losses = [-np.log(np.where(y == "v", r, 1 - r)) for r in (p, q)]
    assert_allclose(found.gains[1], np.mean(losses[1] - losses[0]))
    accuracy = TransferDisplay.from_estimators(multi, single, X, y, loss="zero_one")
    right = [(model.predict(X) == "v") == (y == "v") for model in (multi, single)]
    assert_allclose(accuracy.gains[1], right[0].mean() - right[1].mean())


def test_transfer_of_a_task_with_one_row_has_no_error():
    display = TransferDisplay.from_predictions([1.0, 2.0, 3.0], [1.0, 2.0, 2.0], [2.0, 2.0, 3.0], tasks=["a", "a", "b"])
    assert_allclose(display.gains, [1.0, -1.0])
    assert np.isnan(display.errors[1])
    assert display.n_losers == 0
