"""benchmarks/reproduce: every script runs, and what their numbers hang on."""

from __future__ import annotations

import importlib
import os
import runpy
import sys
from pathlib import Path

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
    fewer = {name: count // 2 for name, count in jalali.N_ALPHAS.items()}  # still as many fits for every method
    monkeypatch.setattr(jalali, "N_ALPHAS", fewer)
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


def test_where_a_curve_gets_to_one_half():
    common = importlib.import_module("_common")
    assert common.crossing([1.0, 2.0, 3.0], [0.0, 0.25, 0.75]) == pytest.approx(2.5)
    assert np.isnan(common.crossing([1.0, 2.0], [0.0, 0.4]))
    assert common.crossing([1.0, 2.0], [0.5, 1.0]) == -np.inf


def test_ctrl_c_keeps_the_repetitions_that_are_complete(capsys):
    common = importlib.import_module("_common")

    def one(seed):
        if seed == 2:
            raise KeyboardInterrupt
        return 10 * seed

    assert common.repeat(one, range(5)) == [0, 10]
    assert "the results are of 2 repetitions" in capsys.readouterr().out
