"""benchmarks/reproduce: every script runs, and what their numbers hang on."""

from __future__ import annotations

import importlib
import os
import re
import runpy
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from mtlinear.datasets import get_data_home
from mtlinear.kernels import MeanCoupling, MultiTaskKernel

FOLDER = Path(__file__).parents[1] / "benchmarks" / "reproduce"
SCHOOL = ["argyriou_2008_school", "evgeniou_pontil_2004_school"]
SIMULATED = ["jacob_2009_clusters", "jalali_2010", "negahban_wainwright_2008"]


@pytest.fixture(autouse=True)
def _folder_on_path(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.syspath_prepend(str(FOLDER.parent))


@pytest.fixture
def school_folder():
    """Of school.mat: the data home, or beside the checkout."""
    folders = [get_data_home()] if "MTLINEAR_DATA" in os.environ else []
    folders.append(FOLDER.parents[2] / "shared" / "data")
    found = next((folder for folder in folders if (folder / "school.mat").is_file()), None)
    if found is None:
        pytest.skip("school.mat not found; set MTLINEAR_DATA to the directory that has it")
    return str(found)


def run(name, monkeypatch, capsys, *more):
    monkeypatch.setattr(sys, "argv", [f"{name}.py", "--quick", "--repetitions", "1", *more])
    runpy.run_path(str(FOLDER / f"{name}.py"), run_name="__main__")
    return capsys.readouterr()


@pytest.mark.slow
@pytest.mark.parametrize("name", SIMULATED)
def test_a_simulation_runs(name, monkeypatch, capsys):
    printed = run(name, monkeypatch, capsys)
    assert "seeds 0-0" in printed.out
    assert printed.out.count("|") > 20
    assert "repetition 1 of 1 (seed 0)" in printed.err


@pytest.mark.slow
@pytest.mark.parametrize("name", SCHOOL)
def test_a_school_experiment_runs(name, monkeypatch, capsys, school_folder):
    printed = run(name, monkeypatch, capsys, "--data-home", school_folder)
    assert "seeds 0-0" in printed.out
    assert "largest relative" in printed.out


@pytest.mark.slow
def test_curves_are_drawn(monkeypatch, capsys, tmp_path):
    path = tmp_path / "curves.png"
    run("negahban_wainwright_2008", monkeypatch, capsys, "--figure", str(path))
    assert path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_the_dirty_model_is_left_of_lasso_and_block_at_two_thirds(monkeypatch):
    """Figure 1 (b) of Jalali et al.: where lasso and L1/Linf are about alike, the dirty model needs fewer rows."""
    jalali, two = importlib.import_module("jalali_2010"), importlib.import_module("_two_tasks")
    monkeypatch.setattr(jalali, "N_FITS", 30)
    found = [jalali.successes(two.Sizes(64, 6, 2 / 3), np.array([1.4]), "exists", seed) for seed in range(12)]
    counts = {method: sum(sum(one[method]) for one in found) for method in jalali.METHODS}
    assert counts["dirty"] >= counts["lasso"] + 3
    assert counts["dirty"] >= counts["block L1/Linf"] + 3


@pytest.mark.parametrize("overlap", [0.0, 0.3, 1.0])
def test_the_truth_has_the_supports_it_should(overlap, rng):
    two = importlib.import_module("_two_tasks")
    sizes = two.Sizes(40, 10, overlap)
    A = two.draw_truth(sizes, rng)
    both = np.all(A != 0, axis=1)
    assert np.array_equal(np.sum(A != 0, axis=0), [10, 10])
    assert both.sum() == round(10 * overlap)
    assert np.array_equal(np.abs(A[both, 0]), np.abs(A[both, 1]))
    assert np.all(np.abs(A[A != 0]) >= two.LEAST)


def test_dual_recovery_keeps_the_entries_at_the_largest_magnitude_of_their_row():
    two = importlib.import_module("_two_tasks")
    A = np.array([[2.0, -2.0], [1.0, 0.3], [-0.1, -0.4], [0.0, 0.0]])
    expected = [[1, -1], [1, 0], [0, -1], [0, 0]]
    assert np.array_equal(two.signed_support(two.BLOCK, A), expected)
    assert np.array_equal(two.signed_support(two.LASSO, A), np.sign(A))


def test_the_features_of_the_joint_machine_have_the_kernel_of_the_mean_coupling(rng):
    evgeniou = importlib.import_module("evgeniou_pontil_2004_school")
    X, tasks, mu = rng.standard_normal((12, 3)), np.arange(12) % 4, 0.7
    Z = evgeniou.joint_features(X, tasks, 4, mu).toarray()
    coupling = MeanCoupling(alpha=1.0, mean_alpha=mu / (4 + mu))
    kernel = MultiTaskKernel(coupling, "linear").fit(np.column_stack([X, tasks]))
    np.testing.assert_allclose(Z @ Z.T, kernel.transform(np.column_stack([X, tasks])), atol=1e-12)


def test_both_losses_of_evgeniou_and_pontil_see_the_same_split(rng):
    evgeniou, school = importlib.import_module("evgeniou_pontil_2004_school"), importlib.import_module("school")
    tasks = np.repeat(np.arange(3), [11, 20, 9])
    rows = school.Rows(rng.standard_normal((40, 2)), np.arange(40.0), tasks)
    for seed in range(2):
        _, test = importlib.import_module("_school").split(rows, seed)
        assert np.array_equal(test.y, rows.y[evgeniou.school_test(rows, seed)])


def test_the_penalty_of_the_known_clusters_is_the_variance_within_them(rng):
    jacob = importlib.import_module("jacob_2009_clusters")
    A = rng.standard_normal((5, 6))
    centers = np.repeat(np.stack([A[:, :3].mean(axis=1), A[:, 3:].mean(axis=1)], axis=1), 3, axis=1)
    for share, penalty in zip(jacob.SHARES, jacob.methods(3)["known clusters"], strict=True):
        expected = 0.5 * np.sum((A - centers) ** 2) + 0.5 * share * np.sum(A**2)
        assert penalty.value(A) == pytest.approx(expected, rel=1e-12)


def test_the_theorems_are_about_the_overlap_that_the_data_have():
    jalali, two = importlib.import_module("jalali_2010"), importlib.import_module("_two_tasks")
    sizes = two.Sizes(128, 12, 0.7)  # 8 of 12
    assert sizes.unit == pytest.approx(12 * np.log(128 - 16))
    assert sizes.block_step == pytest.approx(2.0)
    assert sizes.lasso_step == pytest.approx(2.0 * np.log(116) / np.log(112))
    assert jalali.expected("dirty", sizes) == pytest.approx(4.0 / 3.0)
    full = two.Sizes(128, 12, 1.0)
    assert jalali.expected("dirty", full) == jalali.expected("block L1/Linf", full) == 1.0
    assert jalali.expected("lasso", full) == 2.0


def test_where_neither_is_ahead_in_theory_or_clearly_ahead_here():
    negahban, two = importlib.import_module("negahban_wainwright_2008"), importlib.import_module("_two_tasks")
    grid = np.arange(4.0)
    early, late = np.tile([0.0, 1.0, 1.0, 1.0], (8, 1)), np.tile([0.0, 0.0, 0.0, 1.0], (8, 1))
    assert negahban.better(two.Sizes(128, 12, 0.7), grid, {"lasso": early, "block L1/Linf": early})[0] == "tie"
    assert negahban.better(two.Sizes(128, 12, 1.0), grid, {"lasso": late, "block L1/Linf": early}) == ["block", "block"]
    assert negahban.better(two.Sizes(128, 12, 0.1), grid, {"lasso": early, "block L1/Linf": late}) == ["lasso", "lasso"]
    half = np.concatenate([early[:4], late[:4]])
    mixed = negahban.better(two.Sizes(128, 12, 0.1), grid, {"lasso": half, "block L1/Linf": half[::-1]})
    assert mixed == ["lasso", "undecided"]


def test_where_a_curve_gets_to_one_half():
    common = importlib.import_module("_common")
    assert common.crossing([1.0, 2.0, 3.0], [0.0, 0.25, 0.75]) == pytest.approx(2.5)
    assert np.isnan(common.crossing([1.0, 2.0], [0.0, 0.4]))
    assert common.crossing([1.0, 2.0], [0.5, 1.0]) == -np.inf
    # 0.6 and 0.2 become 0.4: one lucky point is no step.
    assert common.crossing([1.0, 2.0, 3.0, 4.0], [0.0, 0.6, 0.2, 1.0]) == pytest.approx(3.0 + 0.1 / 0.6)
    assert common.crossing([1.0, 2.0, 3.0, 4.0], [0.0, 0.5, 0.5, 1.0]) == pytest.approx(2.5)


def test_steps_and_their_errors_are_of_the_same_draws(rng):
    draws = importlib.import_module("_draws")
    grid = np.arange(6.0)
    first = rng.integers(1, 5, size=30)[:, None] <= grid  # draw by draw a step of its own
    found = {"base": first, "same": first, "later": np.roll(first, 1, axis=1) & (grid > 0), "never": 0.0 * first}
    steps = draws.steps(grid, {name: values.astype(float) for name, values in found.items()}, "base")
    assert steps["base"].error > 0.05
    assert (steps["same"].behind, steps["same"].behind_error) == (0.0, 0.0)
    assert steps["later"].behind == pytest.approx(-1.0)
    assert steps["later"].behind_error < 1e-9  # always one later: what the two share does not count
    assert np.isnan(steps["never"].at)
    assert np.isnan(steps["never"].behind_error)
    assert draws.discordant(np.array([[1.0, 0.0], [1.0, 1.0]]), np.array([[0.0, 1.0], [0.0, 1.0]])) == (2, 1)


def test_draws_of_the_file_are_not_run_again(tmp_path):
    draws, two = importlib.import_module("_draws"), importlib.import_module("_two_tasks")
    path, sizes, runs = tmp_path / "draws.csv", two.Sizes(64, 6, 2 / 3), []

    def run():
        runs.append(1)
        return {"lasso": [False, True], "dirty": [np.True_, np.False_]}

    first = draws.Kept(str(path)).successes("exists", sizes, 3, [1.0, 2.0], run)
    again = draws.Kept(str(path)).successes("exists", sizes, 3, [1.0, 2.0], run)
    assert first == again == {"lasso": [False, True], "dirty": [True, False]}
    assert len(runs) == 1
    others = ("validation", sizes, 3, [1, 2]), ("exists", sizes, 4, [1, 2]), ("exists", sizes, 3, [1, 3])
    for key in (*others, ("exists", two.Sizes(64, 6, 0.5), 3, [1, 2])):
        draws.Kept(str(path)).successes(*key, run)
    assert len(runs) == 5


def kept_row(name, *key):
    """What a committed file of draws has for it: a method and its successes."""
    lines = (FOLDER / "results" / name).read_text().splitlines()
    rows = [line.split(",") for line in lines if line.startswith(",".join(key) + ",")]
    return {method: [one == "1" for one in found] for *_, method, found in rows}


@pytest.mark.slow
def test_the_kept_draws_are_those_of_the_scripts():
    two = importlib.import_module("_two_tasks")
    negahban, jalali = importlib.import_module("negahban_wainwright_2008"), importlib.import_module("jalali_2010")
    kept = kept_row("negahban_wainwright_2008_draws.csv", "theory", "128", "1", "0")
    assert negahban.successes(two.Sizes(128, 12, 1.0), negahban.GRID, "theory", 0) == kept
    kept = kept_row("jalali_2010_draws.csv", "exists", "128", "0.6667", "0")
    early = jalali.successes(two.Sizes(128, 12, 2 / 3), jalali.THETAS["exists"][:4], "exists", 0)
    assert early == {method: found[:4] for method, found in kept.items()}
    assert any(early["dirty"])


def test_every_figure_with_an_error_is_in_a_committed_result():
    results = "\n".join(path.read_text(encoding="utf-8") for path in sorted((FOLDER / "results").glob("*.txt")))
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    figures = re.findall(r"\d+\.\d+ ± \d+\.\d+", readme)
    assert len(figures) > 100
    assert [figure for figure in figures if figure not in results] == []


def test_a_choice_at_an_end_of_its_grid():
    common = importlib.import_module("_common")
    ends = [common.at_end_of_grid(SimpleNamespace(alphas_=np.ones((2, 4)), best_index_=k)) for k in range(8)]
    assert ends == [True, False, False, True] * 2


def test_standardized_inputs_of_evgeniou_and_pontil_use_the_training_rows(rng):
    evgeniou, school = importlib.import_module("evgeniou_pontil_2004_school"), importlib.import_module("school")
    X = np.column_stack([rng.normal(3.0, 2.0, size=(40, 2)), np.ones(40)])
    rows, test = school.Rows(X, rng.standard_normal(40), np.zeros(40, dtype=int)), np.arange(40) < 10
    Z, level = evgeniou.inputs(rows, test, "standardized")
    assert Z.shape == (40, 2)
    np.testing.assert_allclose(Z[10:].mean(axis=0), 0.0, atol=1e-12)
    np.testing.assert_allclose(Z[10:].std(axis=0), 1.0)
    assert level == np.median(rows.y[10:])
    raw, nothing = evgeniou.inputs(rows, test, "raw")
    assert raw is rows.X
    assert nothing == 0.0


def test_ctrl_c_keeps_the_repetitions_that_are_complete(capsys):
    common = importlib.import_module("_common")

    def one(seed):
        if seed == 2:
            raise KeyboardInterrupt
        return 10 * seed

    assert common.repeat(one, range(5)) == [0, 10]
    assert "the results are of 2 repetitions" in capsys.readouterr().out
