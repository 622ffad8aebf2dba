"""Calibration and tuned thresholds against own sigmoids, own folds and own thresholds."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.isotonic import IsotonicRegression
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV
from toolstable import CLASSIFIERS, IN_X, N_ROWS, by_hand, same, way_of, works

ALL = slice(None)


def expit(x):
    return 1 / (1 + np.exp(-x))


def isotonic(scores, truth):
    return IsotonicRegression(out_of_bounds="clip").fit(scores, truth).predict


def platt(scores, truth):
    """Platt's sigmoid by Newton's method: log-odds a s + b, fitted to targets that are a little inside of 0 and 1."""
    n_negative, n_positive = np.sum(~truth), np.sum(truth)
    target = np.where(truth, (n_positive + 1) / (n_positive + 2), 1 / (n_negative + 2))
    inputs, solution = np.column_stack([scores, np.ones(len(scores))]), np.zeros(2)
    for _ in range(50):
        p = expit(inputs @ solution)
        solution += np.linalg.solve((inputs.T * (p * (1 - p))) @ inputs, inputs.T @ (target - p))
    assert np.max(np.abs(inputs.T @ (target - expit(inputs @ solution)))) < 1e-12
    return lambda new: expit(solution[0] * new + solution[1])


#: scikit-learn stops L-BFGS for the sigmoid at a gradient of 1e-6.
METHODS = {"isotonic": (isotonic, 1e-7), "sigmoid": (platt, 1e-5)}


@works("CalibratedClassifierCV", *IN_X, models=CLASSIFIERS)
def test_calibration(way, model):
    truth = way.labels == "yes"
    fits = [(by_hand(way, model, train), test) for train, test in way.folds(way.labels)]
    out_of_fold = np.empty(N_ROWS)
    for fit, test in fits:
        out_of_fold[test] = fit.on(test)
    for method, (calibrator, tolerance) in METHODS.items():
        # a model and a calibrator per fold, averaged
        calibrated = CalibratedClassifierCV(way.make(model), method=method, cv=way.cv()).fit(way.X, way.labels)
        positive = np.mean([calibrator(fit.on(test), truth[test])(fit.on(ALL)) for fit, test in fits], axis=0)
        same(calibrated.predict_proba(way.X), np.column_stack([1 - positive, positive]), tolerance)
        # one model of all rows, and one calibrator on what cross-validation predicts
        calibrated = CalibratedClassifierCV(way.make(model), method=method, cv=way.cv(), ensemble=False)
        calibrated.fit(way.X, way.labels)
        positive = calibrator(out_of_fold, truth)(by_hand(way, model).on(ALL))
        same(calibrated.predict_proba(way.X), np.column_stack([1 - positive, positive]), tolerance)


@pytest.mark.parametrize("name", IN_X)
def test_calibration_of_a_frozen_model(name):
    way, model = way_of(name), CLASSIFIERS[0]
    train, test = slice(0, 70), slice(70, N_ROWS)
    frozen = FrozenEstimator(way.make(model).fit(way.take(train), way.labels[train]))
    calibrated = CalibratedClassifierCV(frozen, method="isotonic").fit(way.take(test), way.labels[test])
    fit = by_hand(way, model, train)
    positive = isotonic(fit.on(test), way.labels[test] == "yes")(fit.on(ALL))
    same(calibrated.predict_proba(way.X)[:, 1], positive)


def balanced_accuracy(truth, predicted):
    return (np.mean(predicted[truth]) + np.mean(~predicted[~truth])) / 2


@works("TunedThresholdClassifierCV", *IN_X, models=CLASSIFIERS)
def test_tuned_threshold(way, model):
    tuned = TunedThresholdClassifierCV(way.make(model), cv=way.cv(), store_cv_results=True)
    tuned.fit(way.X, way.labels)
    truth = way.labels == "yes"
    curves = []
    for train, test in way.folds(way.labels):
        p = expit(by_hand(way, model, train).on(test))
        thresholds = np.linspace(p.min(), p.max(), 100)
        # the two ends are themselves probabilities: compare with what lies a little below
        scores = [balanced_accuracy(truth[test], p >= threshold * (1 - 1e-9)) for threshold in thresholds]
        curves.append((thresholds, scores))
    common = np.linspace(min(t[0] for t, _ in curves), max(t[-1] for t, _ in curves), 100)
    mean = np.mean([np.interp(common, t, s) for t, s in curves], axis=0)
    same(tuned.cv_results_["thresholds"], common)
    same(tuned.cv_results_["scores"], mean)
    best = common[np.argmax(mean)]
    same(tuned.best_threshold_, best)
    positive = expit(by_hand(way, model).on(ALL))
    same(tuned.predict_proba(way.X)[:, 1], positive)
    expected = np.where(positive >= best, "yes", "no")
    assert tuned.predict(way.X).tolist() == expected.tolist()
    fixed = FixedThresholdClassifier(way.make(model), threshold=best, response_method="predict_proba")
    assert fixed.fit(way.X, way.labels).predict(way.X).tolist() == expected.tolist()
