"""alpha_max and grids: A is zero at alpha_max and not just below it."""

from __future__ import annotations

import numpy as np
import pytest
from catalogue import LOSSES, PENALTIES, name_of
from sklearn.linear_model import MultiTaskLasso

from mtlinear.designs import SharedDesign
from mtlinear.losses import Squared
from mtlinear.path import alpha_grid, alpha_max, gauge_at_zero
from mtlinear.penalties import L1, InfimalConvolution, L1Lq, MeanRegularized, Quadratic, Ridge, TraceNorm
from mtlinear.problem import Problem
from mtlinear.solvers import FISTA


def problem_with(penalty, loss, rng, *, n=40, d=6, n_tasks=4):
    X = rng.standard_normal((n, d)) + 2
    z = X[:, :2] @ rng.standard_normal((2, n_tasks)) + rng.standard_normal((n, n_tasks))
    y = z if isinstance(loss, Squared) else np.where(z > np.median(z, axis=0), 1.0, -1.0)
    return Problem(SharedDesign(X, n_tasks), y, loss, penalty)


def vanishes(penalty, n_tasks=4):
    free = penalty.null_space(n_tasks).shape[1] > 0
    return not free and not any(isinstance(part, Quadratic) for _, part in penalty.parts(n_tasks))


@pytest.mark.parametrize("loss", LOSSES[:2], ids=lambda loss: type(loss).__name__)
@pytest.mark.parametrize("penalty", [p for p in PENALTIES if vanishes(p)], ids=name_of)
def test_zero_at_alpha_max_and_not_just_below(penalty, loss, rng):
    scale = gauge_at_zero(problem_with(penalty, loss, rng))
    rng = np.random.default_rng(0)
    at = FISTA().solve(problem_with(penalty.scaled(scale * (1 + 1e-12)), loss, rng), tol=1e-12)
    rng = np.random.default_rng(0)
    below = FISTA().solve(problem_with(penalty.scaled(0.99 * scale), loss, rng), tol=1e-10)
    assert not np.any(at.A)
    assert at.n_iter == 0
    assert np.any(below.A)
    assert below.certificate.objective < at.certificate.objective


def test_alpha_max_is_that_of_scikit_learn(rng):
    problem = problem_with(L1Lq(alpha=7.0), Squared(), rng)
    X, Y = problem.data.design.X, problem.data.target
    top = alpha_max(problem)
    assert not np.any(MultiTaskLasso(top * 1.0001, tol=1e-10).fit(X, Y).coef_)
    assert np.any(MultiTaskLasso(top * 0.99, tol=1e-10).fit(X, Y).coef_)


@pytest.mark.parametrize("penalty", [Ridge(), MeanRegularized(), InfimalConvolution(Ridge(), L1())], ids=repr)
def test_quadratic_penalties_get_a_grid_from_the_curvature(penalty, rng):
    problem = problem_with(penalty, Squared(), rng)
    X, _ = problem.data.design.task_rows(0, problem.data.design.weights)
    assert alpha_max(problem) == pytest.approx(10 * np.linalg.eigvalsh(X.T @ X / len(X))[-1])


def test_ridge_at_the_top_shrinks_to_a_tenth(rng):
    problem = problem_with(Ridge(), Squared(), rng)
    least_squares = np.linalg.lstsq(problem.data.design.X, problem.data.target, rcond=None)[0]
    solution = FISTA().solve(problem_with(Ridge(alpha_max(problem)), Squared(), np.random.default_rng(0)), tol=1e-10)
    assert np.linalg.norm(solution.A) <= np.linalg.norm(least_squares) / 10


def test_grid_is_logarithmic_from_the_top(rng):
    problem = problem_with(TraceNorm(), Squared(), rng)
    grid = alpha_grid(problem, 5, eps=1e-2)
    np.testing.assert_allclose(grid, alpha_max(problem) * np.array([1, 10**-0.5, 0.1, 10**-1.5, 0.01]))
    assert alpha_grid(problem, 1)[0] == alpha_max(problem)
    with pytest.raises(ValueError, match="eps must be"):
        alpha_grid(problem, eps=1.1)
    with pytest.raises(ValueError, match="n_alphas must be"):
        alpha_grid(problem, 0)
