"""`mtlinear compare`: nested cross-validation, fairness of the grids, no leakage, interruption."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from comparetools import classes_table, shared_table, stacked_table
from numpy.testing import assert_allclose, assert_array_equal

from mtlinear import MultiTaskRegressor
from mtlinear.compare import Settings, UsageError, from_table, make_models, make_splits, run_all
from mtlinear.compare import _run as run_module
from mtlinear.compare._crossvalidation import choose, evaluate
from mtlinear.compare._fitting import fit_path, make_candidates, make_problem, prepare_rows
from mtlinear.compare._models import check_candidates

SETTINGS = Settings(folds=3, inner_folds=2, candidates=4, n_jobs=1, tol=1e-4)
DATA = {
    "stacked": from_table(stacked_table(), ["y"], task="school"),
    "stacked labels": from_table(stacked_table(classify=True), ["y"], task="school", classify=True),
    "classes": from_table(classes_table(), ["kind"], classify=True),
    "targets": from_table(shared_table(), ["y0", "y1", "y2"]),
    "label columns": from_table(shared_table(rows=80, classify=True), ["y0", "y1", "y2"], classify=True),
}
MODELS = {model.name: model for model in make_models(4)}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("kind", DATA)
def test_every_model_on_every_kind_of_data(kind, name):
    data = DATA[kind]
    model = make_models(data.n_tasks, classification=data.classification)[list(MODELS).index(name)]
    result = evaluate(data, model, make_splits(data, SETTINGS)[0], 0, SETTINGS)
    assert np.isfinite(result.score.value)
    assert result.A.shape[1] == data.n_tasks
    assert result.tally.uncertified == 0
    assert max(result.tally.relative_gaps) <= SETTINGS.tol
    assert len(result.tally.seconds) >= SETTINGS.candidates * SETTINGS.inner_folds + 1


@pytest.mark.parametrize("n_tasks", [2, 3, 4, 5, 10, 139])
def test_all_models_have_the_same_number_of_candidates(n_tasks):
    data = from_table(stacked_table(n_tasks=n_tasks, rows=12), ["y"], task="school")
    split = make_splits(data, SETTINGS)[0]
    rows, _ = prepare_rows(data, split.train, split.test)
    for model in make_models(n_tasks):
        for count in (2, 5, 12):
            candidates = make_candidates(data, model, rows, count)
            assert len(candidates) == count
            assert len({c.label for c in candidates}) == count
            for candidate in candidates:
                candidate.penalty.check(3, n_tasks)


def test_too_few_candidates():
    with pytest.raises(UsageError, match="--candidates must be at least 2"):
        check_candidates(make_models(4), 1)


def test_pooled_is_one_model_for_all_tasks():
    for kind in ("stacked", "targets"):
        data = DATA[kind]
        rows, _ = prepare_rows(data, np.arange(data.n_rows), np.arange(1))
        model = MODELS["pooled"]
        candidate = make_candidates(data, model, rows, 2)[0]
        fit = next(fit_path(data, model, rows, [candidate], 1e-10))
        assert_array_equal(fit.A, np.repeat(fit.A[:, :1], data.n_tasks, axis=1))
        targets = rows.y if rows.y.ndim == 2 else rows.y[:, None]
        X = np.tile(rows.X, (targets.shape[1], 1))
        alone = MultiTaskRegressor(candidate.penalty, tol=1e-10).fit(X, targets.T.ravel())
        assert_allclose(fit.A[:, 0], alone.coef_[0], atol=1e-6)
        assert_allclose(fit.intercept[0], alone.intercept_[0], atol=1e-6)


def test_pooled_slopes_are_one_model_with_an_intercept_per_task():
    """The same as unpenalised indicators of the tasks, by least squares with a ridge on the slopes alone."""
    data = DATA["stacked"]
    train, test = prepare_rows(data, np.arange(80), np.arange(80, data.n_rows))
    model = make_models(4, pooled_slopes=True)[2]
    assert model.name == "pooled slopes"
    candidate = replace(make_candidates(data, model, train, 2)[0], alpha=0.3)
    assert candidate.label == "ridge, alpha=0.3"
    fit = next(fit_path(data, model, train, [candidate], 1e-10))
    n, d = train.X.shape
    indicators = np.eye(4)[train.codes]
    normal = np.block(
        [
            [train.X.T @ train.X / n + 0.3 * np.eye(d), train.X.T @ indicators / n],
            [indicators.T @ train.X / n, indicators.T @ indicators / n],
        ]
    )
    solution = np.linalg.solve(normal, np.concatenate([train.X.T @ train.y, indicators.T @ train.y]) / n)
    assert_allclose(fit.A, np.repeat(solution[:d, None], 4, axis=1), atol=1e-6)
    assert_allclose(fit.intercept, solution[d:], atol=1e-6)
    expected = test.X @ solution[:d] + solution[d:][test.codes]
    assert_allclose(test.predict(fit.A, fit.intercept), expected, atol=1e-6)


def test_pooled_slopes_are_compared_where_levels_count():
    assert [data.has_levels for data in DATA.values()] == [True, False, False, False, False]
    assert "pooled slopes" not in MODELS
    assert [m.name for m in make_models(4, structures=["dirty"], pooled_slopes=True)] == [
        "single-task", "pooled", "pooled slopes", "dirty",
    ]  # fmt: skip


def test_pooled_labels_weigh_as_repeated_rows():
    data = DATA["label columns"]
    rows, _ = prepare_rows(data, np.arange(data.n_rows), np.arange(1))
    model = MODELS["pooled"]
    penalty = model.variants[0].penalty.scaled(0.1)
    problem = make_problem(data, model, rows, penalty)
    A = np.array([[0.3], [-0.2], [0.1], [0.5]])
    scores = rows.X @ A
    expected = np.mean(np.logaddexp(0.0, -rows.y * scores))
    data = problem.data
    linear = data.design.apply(A) + data.design.center.T @ A
    found = np.sum(data.design.weights * data.loss.value(data.target, linear))
    assert_allclose(found, expected)


@pytest.mark.parametrize("kind", ["stacked", "classes"])
def test_test_rows_have_no_say_in_the_choice(kind):
    data = DATA[kind]
    split = make_splits(data, SETTINGS)[0]
    before = evaluate(data, MODELS["trace norm"], split, 0, SETTINGS)
    target, table = data.target.copy(), data.table.copy()
    target[split.test] *= -1.0
    table.loc[split.test, "a"] *= 100.0
    after = evaluate(replace(data, target=target, table=table), MODELS["trace norm"], split, 0, SETTINGS)
    assert before.chosen.label == after.chosen.label
    assert_array_equal(before.A, after.A)
    assert before.score.value != after.score.value


def test_the_first_of_tied_candidates_is_chosen():
    candidates = ["strong", "weak", "weaker"]
    assert choose(candidates, np.array([[1.0, 1.0, 0.5], [0.5, 0.5, 1.0]])) == "strong"
    assert choose(candidates, np.array([[1.0, np.nan, 0.5], [0.5, 1.5, 1.0]])) == "weak"
    assert choose(candidates, np.full((2, 3), np.nan)) == "strong"


def fold_numbers(run):
    return {(r.model, r.fold): (r.score.value, r.chosen.label, tuple(r.tally.relative_gaps)) for r in run.results}


def test_results_do_not_depend_on_n_jobs():
    data = DATA["stacked"]
    models = [MODELS["single-task"], MODELS["clustered"]]
    runs = []
    for n_jobs in (1, 2):
        settings = Settings(folds=3, inner_folds=2, candidates=4, n_jobs=n_jobs, tol=1e-4)
        runs.append(run_all(data, models, make_splits(data, settings), settings, lambda result: None))
    assert fold_numbers(runs[0]) == fold_numbers(runs[1])
    assert len(runs[0].results) == 6


def test_interruption_keeps_what_has_finished(monkeypatch):
    data = DATA["stacked"]
    splits = make_splits(data, SETTINGS)
    real = run_module.evaluate

    def impatient(data, model, split, fold, settings):
        if model.name == "pooled":
            raise KeyboardInterrupt
        return real(data, model, split, fold, settings)

    monkeypatch.setattr(run_module, "evaluate", impatient)
    seen = []
    run = run_all(data, list(MODELS.values()), splits, SETTINGS, seen.append)
    assert run.interrupted
    assert [r.model for r in run.results] == ["single-task"] * 3
    assert seen == run.results


def test_sharing_wins_where_tasks_are_alike_and_rows_few():
    data = from_table(stacked_table(n_tasks=12, rows=10, seed=3), ["y"], task="school")
    splits = make_splits(data, SETTINGS)
    models = [MODELS["single-task"], MODELS["mean-regularized"]]
    run = run_all(data, models, splits, SETTINGS, lambda result: None)
    mean = {m.name: np.mean([r.score.value for r in run.results if r.model == m.name]) for m in models}
    assert mean["mean-regularized"] > mean["single-task"]


def test_features_that_are_constant_within_every_task_stay_unused():
    """Centring leaves rounding of 1e-16 of them; a free mean must not fit that with parameters of 1e15 (School)."""
    table = stacked_table(rows=40)
    table["of_school"] = table["school"].map({f"school{t}": 0.1 + 0.3 * t for t in range(4)})
    data = from_table(table, ["y"], task="school")
    rows, _ = prepare_rows(data, np.arange(data.n_rows), np.arange(1))
    for name in ("mean-regularized", "clustered"):
        candidates = make_candidates(data, MODELS[name], rows, 4)[:2]
        for fit in fit_path(data, MODELS[name], rows, candidates, 1e-6):
            assert fit.certified
            assert np.abs(fit.A).max() < 10
