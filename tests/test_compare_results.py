"""`mtlinear compare`: scores, standard errors, gains and the answer, against scikit-learn and by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from comparetools import classes_table, shared_table, stacked_table
from numpy.testing import assert_allclose
from sklearn.metrics import explained_variance_score, mean_squared_error, r2_score, roc_auc_score

from mtlinear.compare import Settings, from_table, make_models, make_splits
from mtlinear.compare._answer import certificate, gain_measure, losers, verdict
from mtlinear.compare._crossvalidation import FoldResult, Tally
from mtlinear.compare._fitting import Candidate
from mtlinear.compare._results import correlation, estimate, summarise, task_gains
from mtlinear.compare._scores import Score, auc, score

STACKED = from_table(stacked_table(), ["y"], task="school")
CLASSES = from_table(classes_table(), ["kind"], classify=True)
SPLITS = make_splits(STACKED, Settings())


def test_auc_equals_scikit_learn(rng):
    signs = np.where(rng.random((50, 3)) > 0.4, 1.0, -1.0)
    scores = np.round(rng.standard_normal((50, 3)), 1)  # with ties
    expected = [roc_auc_score(signs[:, t], scores[:, t]) for t in range(3)]
    assert_allclose(auc(signs, scores), expected)
    signs[:, 1] = 1.0
    assert np.isnan(auc(signs, scores)[1])


def test_stacked_regression_score():
    rng = np.random.default_rng(1)
    y, predicted = STACKED.target, STACKED.target + rng.standard_normal(96)
    found = score(STACKED, y, predicted, STACKED.codes)
    assert_allclose(found.value, r2_score(y, predicted))
    assert found.value <= explained_variance_score(y, predicted)
    rows = STACKED.codes == 2
    assert_allclose(found.per_task[2], mean_squared_error(y[rows], predicted[rows]))
    assert_allclose(found.weight, 24)


def test_shared_regression_score():
    data = from_table(shared_table(), ["y0", "y1", "y2"])
    predicted = data.target * 0.7
    assert_allclose(score(data, data.target, predicted, None).value, r2_score(data.target, predicted))
    constant = data.target.copy()
    constant[:, 0] = 1.0
    found = score(data, constant, predicted, None)
    assert found.left_out == 1
    assert_allclose(found.value, r2_score(constant[:, 1:], predicted[:, 1:]))


def test_classification_score_leaves_out_tasks_without_both_classes():
    predicted = np.random.default_rng(2).standard_normal((60, 3))
    expected = [roc_auc_score(CLASSES.target[:, t], predicted[:, t]) for t in range(3)]
    assert_allclose(score(CLASSES, CLASSES.target, predicted, None).value, np.mean(expected))
    rows = CLASSES.target[:, 0] < 0
    found = score(CLASSES, CLASSES.target[rows], predicted[rows], None)
    assert found.left_out == 1
    assert np.isfinite(found.value)
    assert found.weight[0] == 0


def test_stacked_classification_score():
    data = from_table(stacked_table(classify=True), ["y"], task="school", classify=True)
    predicted = np.random.default_rng(3).standard_normal(96)
    rows = [data.codes == t for t in range(4)]
    expected = [roc_auc_score(data.target[r], predicted[r]) for r in rows]
    assert_allclose(score(data, data.target, predicted, data.codes).per_task, expected)


def test_standard_error_by_hand():
    found = estimate([1.0, 2.0, 3.0, 6.0], rho=0.2)
    assert found.mean == 3.0
    variance = (4 + 1 + 0 + 9) / 3
    assert_allclose(found.error, np.sqrt(variance * (1 / 4 + 0.25)))
    assert np.isnan(estimate([1.0], 0.2).error)
    assert np.isnan(estimate([], 0.2).mean)
    assert estimate([1.0, np.nan, 3.0], 0.0).mean == 2.0


def test_correlation_is_the_share_of_the_smaller_part():
    assert_allclose(correlation(SPLITS), 0.2, atol=0.02)
    few = make_splits(STACKED, Settings(train_size=24))
    assert_allclose(correlation(few), 0.25)


def fake(model, fold, value, per_task, edge=False, certified=True, A=None):
    variant = model.variants[0]
    candidate = Candidate(variant, 0.5, 0 if edge else 1, [1.0, 0.5, 0.1])
    tally = Tally([1e-6, 2e-6], [0.1, 0.3], 0 if certified else 1)
    weight = np.array([4.0, 4.0, 8.0, 8.0])
    A = np.ones((3, 4)) + np.eye(3, 4) if A is None else A
    return FoldResult(model.name, fold, Score(value, np.array(per_task), weight, 0), candidate, tally, A)


def fake_comparison(gains, n_folds=5, models=None, **options):
    models = models or make_models(4)
    results = []
    for model in models:
        for fold in range(n_folds):
            gain = gains.get(model.name, -0.5) + 0.001 * fold
            mse = np.array([1.0, 1.0, 1.0, 1.0]) - 0.1 * gain * np.array([1, 2, 3, -1])
            results.append(fake(model, fold, 0.5 + 0.01 * fold + gain, mse, **options))
    return summarise(STACKED, models, SPLITS, Settings(), results)


def test_rows_are_paired_by_fold():
    found = fake_comparison({"single-task": 0.0, "dirty": 0.2})
    row = found.row("dirty")
    assert_allclose(row.difference.mean, 0.2)
    assert_allclose(row.difference.error, 0.0, atol=1e-12)  # the folds differ, the differences do not
    assert row.score.error > 0.001
    assert found.row("single-task").difference is None
    assert found.best is row
    assert not found.partial
    assert_allclose(row.seconds, 0.2)


def test_gains_pool_the_rows_of_the_folds():
    model = make_models(4)[0]
    single = [fake(model, 0, 0.5, [1.0, 2.0, 4.0, 1.0]), fake(model, 1, 0.5, [3.0, 2.0, 4.0, 1.0])]
    shared = [fake(model, 0, 0.5, [0.5, 2.0, 2.0, 2.0]), fake(model, 1, 0.5, [1.5, 2.0, 1.0, 3.0])]
    gains = {gain.task: gain for gain in task_gains(STACKED, single, shared, rho=0.2)}
    assert_allclose(gains["school0"].gain.mean, 0.5)
    assert_allclose(gains["school2"].gain.mean, 1 - 1.5 / 4.0)
    assert_allclose(gains["school3"].gain.mean, -1.5)
    assert_allclose(gains["school3"].gain.error, np.std([-1, -2], ddof=1) * np.sqrt(0.5 + 0.25))
    first = task_gains(STACKED, single, shared, rho=0.2)[0]
    assert first.task == "school3"


def test_losers_are_counted_and_named():
    found = fake_comparison({"single-task": 0.0, "dirty": 0.2})
    text = losers(found.gains(), classification=False)
    assert text.startswith("1 of 4 tasks lose by sharing (in % of their single-task mean squared error)")
    assert losers(found.gains(), classification=True).startswith("1 of 4 tasks lose by sharing (in ROC AUC)")
    assert "school3 (-" in text
    assert losers(found.gains()[1:], classification=False) == "No task of 3 loses by sharing."
    many = [replace(found.gains()[0], task=f"t{k}") for k in range(12)]
    assert losers(many, classification=False).count("t") >= 10
    assert losers(many, classification=False).endswith(", ...")


@pytest.mark.parametrize(
    ("gain", "sentence"),
    [(0.2, "Multi-task learning helps"), (0.0, "No clear gain"), (-0.1, "Multi-task learning does not help")],
)
def test_verdict(gain, sentence):
    names = ["block-sparse", "dirty", "trace norm", "mean-regularized", "clustered"]
    gains = dict.fromkeys(names, gain - 0.01) | {"single-task": 0.0, "trace norm": gain}
    found = fake_comparison(gains)
    for row in found.rows:  # noise, as the fakes have none
        object.__setattr__(row, "difference", row.difference and replace(row.difference, error=0.005))
    text = verdict(found)
    assert text.startswith(sentence)
    assert "trace norm" in text


def test_a_small_gain_is_not_called_clear():
    """2.5 standard errors are nothing special for the best of five structures on five splits."""
    found = fake_comparison({"single-task": 0.0, "dirty": 0.025})
    for row in found.rows:
        object.__setattr__(row, "difference", row.difference and replace(row.difference, error=0.01))
    assert_allclose(found.clear, 4.604, atol=1e-3)  # t with 4 degrees of freedom at 1 - 0.05 / 10
    assert verdict(found).startswith("Multi-task learning may help a little")
    assert "for the best of 5 structures on 5 splits it would take 4.6 standard errors" in verdict(found)
    alone = fake_comparison({"single-task": 0.0, "dirty": 0.035}, models=make_models(4, structures=["dirty"]))
    for row in alone.rows:
        object.__setattr__(row, "difference", row.difference and replace(row.difference, error=0.0143))
    assert "the structure is dirty" in verdict(alone)
    assert "for one structure on 5 splits it would take 2.8 standard errors" in verdict(alone)


def test_tasks_that_are_all_but_identical_are_mentioned():
    same = np.outer([1.0, -2.0, 0.5], [1.0, 1.0, 1.0, 1.01])
    gains = {"single-task": 0.0, "dirty": 0.2}
    assert "all but the same parameters" in verdict(fake_comparison(gains, A=same))
    # Of the same direction, but not of the same size: the correlation alone would say that they are the same.
    assert "all but the same" not in verdict(fake_comparison(gains, A=same * [1.0, 2.0, 3.0, 4.0]))
    assert "all but the same" not in verdict(fake_comparison(gains, A=0.0 * same))
    assert "all but the same" not in verdict(fake_comparison(gains))


def test_what_a_gain_is_depends_on_the_data():
    assert (
        gain_measure(STACKED) == "reduction of the mean squared error, as a fraction of that of the single-task models"
    )
    assert gain_measure(CLASSES) == "difference of the ROC AUC"
    assert "standard deviation" in gain_measure(from_table(shared_table(), ["y0", "y1"]))


def test_pooled_and_partial_are_mentioned():
    assert "One pooled model" in verdict(fake_comparison({"single-task": 0.0, "dirty": 0.1, "pooled": 0.3}))
    slopes = fake_comparison(
        {"single-task": 0.0, "dirty": 0.1, "pooled": 0.2, "pooled slopes": 0.3},
        models=make_models(4, pooled_slopes=True),
    )
    assert "One model with common slopes and an intercept per task (pooled slopes) scores" in verdict(slopes)
    assert slopes.best.model.name == "dirty"
    assert verdict(slopes).endswith("0.8220, more than both: the tasks may differ in their level only.")
    between = fake_comparison({"single-task": 0.0, "dirty": 0.2, "pooled": 0.1})
    assert verdict(between).endswith("One pooled model for all tasks scores 0.6220.")
    assert "pooled" not in verdict(fake_comparison({"single-task": 0.0, "dirty": 0.2, "pooled": -0.1}))
    partial = fake_comparison({"single-task": 0.0, "dirty": 0.1}, n_folds=3)
    assert partial.partial
    assert verdict(partial).startswith("So far, with some folds missing")
    alone = fake_comparison({"single-task": 0.0}, models=make_models(4)[:1])
    assert verdict(alone) == "Too few models have finished for an answer."


def test_certificate_is_honest():
    good = certificate(Tally([1e-6, 3e-6], [1.0, 1.0], 0), 1e-5)
    assert "2 fits, largest gap 3e-06" in good
    bad = certificate(Tally([1e-6, 3e-2], [1.0, 1.0], 1), 1e-5)
    assert bad.startswith("WARNING: 1 of 2 fits")


def test_choices_at_the_edge_are_counted():
    row = fake_comparison({"single-task": 0.0}, edge=True).rows[0]
    assert row.at_edge == 5
    assert row.chosen == "ridge, alpha 0.5; largest tried in 5 of 5"
    row = fake_comparison({"single-task": 0.0}).rows[0]
    assert row.at_edge == 0
    assert row.chosen == "ridge, alpha 0.5"
