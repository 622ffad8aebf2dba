"""Parameters of the penalties: errors that name them, and the cases in which one model is really another."""

from __future__ import annotations

import warnings

import catalogue
import numpy as np
import pytest
from catalogue import PENALTIES, each
from numpy.testing import assert_allclose
from problems import make_problem

from mtlinear.penalties import L1, Clustered, Dirty, InfimalConvolution, L1Lq, MeanRegularized, Ridge, TraceNorm
from mtlinear.solvers import FISTA

BAD = [
    (L1(alpha=0.0), ValueError, "alpha"),
    (L1(alpha=-1.0), ValueError, "alpha"),
    (L1(alpha=np.nan), ValueError, "alpha"),
    (L1(alpha=np.inf), ValueError, "alpha"),
    (L1(alpha="1"), TypeError, "alpha"),
    (L1(alpha=True), TypeError, "alpha"),
    (TraceNorm(alpha=None), TypeError, "alpha"),
    (Ridge(alpha=0.0), ValueError, "alpha"),
    (L1Lq(alpha=-0.1), ValueError, "alpha"),
    (L1Lq(q=0.5), ValueError, "q"),
    (L1Lq(q=np.nan), ValueError, "q"),
    (L1Lq(q="inf"), TypeError, "q"),
    (Dirty(alpha=0.0), ValueError, "alpha"),
    (Dirty(l1_ratio=0.0), ValueError, "l1_ratio"),
    (Dirty(l1_ratio=1.0), ValueError, "l1_ratio"),
    (Dirty(l1_ratio=-0.2), ValueError, "l1_ratio"),
    (Dirty(l1_ratio="half"), TypeError, "l1_ratio"),
    (Dirty(q=0.9), ValueError, "q"),
    (MeanRegularized(alpha=0.0), ValueError, "alpha"),
    (MeanRegularized(mean_alpha=-1.0), ValueError, "mean_alpha"),
    (MeanRegularized(mean_alpha=None), TypeError, "mean_alpha"),
    (Clustered(n_clusters=0), ValueError, "n_clusters"),
    (Clustered(n_clusters=4), ValueError, "n_clusters"),
    (Clustered(n_clusters=2.0), TypeError, "n_clusters"),
    (Clustered(alpha=0.0), ValueError, "alpha"),
    (Clustered(between_ratio=0.0), ValueError, "between_ratio"),
    (Clustered(between_ratio=1.5), ValueError, "between_ratio"),
    (Clustered(mean_ratio=-0.1), ValueError, "mean_ratio"),
    (Clustered(mean_ratio="free"), TypeError, "mean_ratio"),
    (InfimalConvolution(L1()), ValueError, "at least two"),
    (InfimalConvolution(L1(), 3.0), TypeError, "penalty_1"),
    (InfimalConvolution(L1(), L1Lq(q=0.0)), ValueError, "q"),
]


@pytest.mark.parametrize(("penalty", "error", "name"), BAD, ids=lambda thing: repr(thing).replace(" ", ""))
def test_bad_parameters_are_refused_by_name(penalty, error, name):
    with pytest.raises(error, match=rf"\b{name}\b"):
        penalty.check(5, 3)
    with pytest.raises(error, match=rf"\b{name}\b"):
        make_problem(penalty)


@each(PENALTIES, "penalty")
def test_the_catalogue_is_accepted_without_a_warning(penalty):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        penalty.check(5, catalogue.N_TASKS)
        penalty.check(5, 1)


def optimum(penalty, seed=0, loss=None):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="l1_ratio", category=UserWarning)
        problem = make_problem(penalty, loss, seed=seed)
    return FISTA().solve(problem, tol=1e-12, max_iter=100_000)


def limits(q, T):
    """Range of l1_ratio in which shared and private features mix: 1 < block / sparse < T^(1/q')."""
    largest = T ** (1.0 - 1.0 / q)
    return 1.0 / (1.0 + largest), 0.5


@pytest.mark.parametrize("q", [1.5, 2, 4, np.inf])
@pytest.mark.parametrize("seed", [0, 1])
def test_degenerate_dirty_models_are_what_the_warning_says(q, seed):
    alpha = 0.4
    low, high = limits(q, catalogue.N_TASKS)
    for share, says, model in (
        (0.98 * low, "the lasso", L1(alpha=alpha * 0.98 * low)),
        (low, "the lasso", L1(alpha=alpha * low)),
        (high, "pure block sparsity", L1Lq(alpha=alpha * 0.5, q=q)),
        (0.6, "pure block sparsity", L1Lq(alpha=alpha * 0.4, q=q)),
    ):
        dirty = Dirty(alpha=alpha, l1_ratio=share, q=q)
        if share != low:  # at the limit itself rounding decides which side it is
            with pytest.warns(UserWarning, match=says):
                dirty.check(4, catalogue.N_TASKS)
        same, one = optimum(dirty, seed), optimum(model, seed)
        assert_allclose(same.certificate.objective, one.certificate.objective, rtol=1e-10)
        assert_allclose(same.A, one.A, atol=1e-5 * (1e-3 + np.abs(one.A).max()))
    for share in (1.02 * low, 0.98 * high, None):
        dirty = Dirty(alpha=alpha, l1_ratio=share, q=q)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            dirty.check(4, catalogue.N_TASKS)


@pytest.mark.parametrize("q", [2, 4, np.inf])
def test_dirty_inside_its_range_is_cheaper_than_both_ends(q):
    """Omega is the infimal convolution: at some A strictly below either penalty alone."""
    dirty = Dirty(alpha=1.0, q=q)
    (_, block), (_, sparse) = dirty.parts(3)
    A = np.array([[1.0, 1.0, 1.0], [5.0, 0.0, 0.0], [4.0, 1.0, 1.0]])
    assert dirty.value(A) < min(block.value(A), sparse.value(A)) - 1e-3


def test_dirty_ratio_is_sqrt_of_tasks_for_q_inf():
    (_, block), (_, sparse) = Dirty(alpha=2.0).parts(n_tasks=9)
    assert_allclose(block.alpha / sparse.alpha, 3.0)
    assert_allclose(block.alpha + sparse.alpha, 2.0)


def test_clusters_equal_to_tasks_without_mean_is_a_ridge_between():
    """All T directions at the top: 1/2 alpha between_ratio ||A||^2; and between_ratio = 1 is alpha/2 ||A||^2."""
    A = np.random.default_rng(0).standard_normal((4, 3))
    penalty = Clustered(n_clusters=3, alpha=0.7, between_ratio=0.2, mean_ratio=None)
    assert_allclose(penalty.value(A), Ridge(alpha=0.7 * 0.2).value(A))
    flat = Clustered(n_clusters=2, alpha=0.7, between_ratio=1.0, mean_ratio=0.3)
    assert_allclose(flat.value(A), MeanRegularized(alpha=0.7, mean_alpha=0.21).value(A))
    one = Clustered(n_clusters=1, alpha=0.7, between_ratio=0.01, mean_ratio=0.0)
    assert_allclose(one.value(A), MeanRegularized(alpha=0.7).value(A))


def test_clustered_pays_only_between_for_tight_clusters():
    """With an exact cluster matrix the relaxation is tight: Jacob et al.'s sum over clusters."""
    rng = np.random.default_rng(1)
    labels = np.array([0, 0, 1, 1, 2])
    centres = rng.standard_normal((6, 3))
    penalty = Clustered(n_clusters=3, alpha=2.0, between_ratio=0.1, mean_ratio=0.4)
    A = centres[:, labels]
    mean = A.mean(axis=1, keepdims=True)
    between = np.sum((A - mean) ** 2)
    assert_allclose(penalty.value(A), 0.5 * 2.0 * (0.1 * between + 0.4 * 5 * np.sum(mean**2)))
    n_clusters, embedding = penalty.task_clusters(A)
    assert n_clusters == 3
    # Tasks of one cluster have the same embedding, tasks of two do not.
    distance = np.linalg.norm(embedding[:, None] - embedding[None, :], axis=2)
    assert np.all((distance < 1e-6) == (labels[:, None] == labels[None, :]))


@pytest.mark.parametrize(("q", "p"), [(1.001, 1), (2.0, 2), (1e6, np.inf)])
def test_q_is_continuous(q, p):
    near, limit = optimum(L1Lq(alpha=0.1, q=q)), optimum(L1Lq(alpha=0.1, q=p))
    assert_allclose(near.certificate.objective, limit.certificate.objective, rtol=2e-3)


def test_block_penalty_with_one_part_convolved_with_itself_is_itself():
    alone, twice = optimum(L1Lq(alpha=0.1)), optimum(InfimalConvolution(L1Lq(alpha=0.1), L1Lq(alpha=0.1)))
    assert_allclose(alone.certificate.objective, twice.certificate.objective, rtol=1e-10)
    assert_allclose(alone.A, twice.A, atol=1e-5)
