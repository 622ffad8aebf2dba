"""Contracts of every penalty in the catalogue: value, prox, conjugate, gauge and each other."""

from __future__ import annotations

import numpy as np
import pytest
from catalogue import (
    MIXTURES,
    N_TASKS,
    NORMS,
    PENALTIES,
    QUADRATICS,
    each,
    is_norm,
    iterates,
    name_of,
    tells_features_apart,
    tells_tasks_apart,
    with_tasks_in_order,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from sklearn.base import clone

from mtlinear.penalties import (
    L1,
    Dirty,
    InfimalConvolution,
    MeanRegularized,
    Penalty,
)
from mtlinear.reference import dual_norm, penalty_conjugate, penalty_prox, penalty_value

#: Sums of parts have value and prox by an inner iteration, to about nine digits; the others are exact.
DIGITS = {True: 1e-8, False: 1e-12}

STEPS = st.sampled_from([1e-3, 0.1, 1.0, 30.0])


def accuracy(penalty):
    return DIGITS[iterates(penalty)]


def contract(**strategies):
    """Explore a check of one penalty with hypothesis; sums of parts, which iterate, get fewer examples.

    Few each, since there are ninety penalties.
    """

    def decorate(check):
        def test(penalty):
            examples = 3 if iterates(penalty) else 8
            explore = given(**strategies)(lambda **drawn: check(penalty, **drawn))
            settings(deadline=None, max_examples=examples, derandomize=True)(explore)()

        test.__name__, test.__doc__ = check.__name__, check.__doc__
        return test

    return decorate


@st.composite
def matrices(draw):
    """A matrix of 1 to 5 features and N_TASKS tasks: dense, sparse, of low rank, with ties or with equal tasks."""
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    d = draw(st.integers(1, 5))
    A = draw(st.sampled_from([1e-2, 1.0, 50.0])) * rng.standard_normal((d, N_TASKS))
    kind = draw(st.sampled_from(["dense", "sparse", "rows", "rank one", "ties", "equal tasks", "zero"]))
    if kind == "sparse":
        return A * (rng.random(A.shape) < 0.5)
    if kind == "rows":
        return A * (rng.random((d, 1)) < 0.5)
    if kind == "rank one":
        return A[:, :1] * rng.standard_normal((1, N_TASKS))
    if kind == "ties":
        return np.abs(A).max() * np.sign(A)
    if kind == "equal tasks":
        return np.repeat(A[:, :1], N_TASKS, axis=1)
    return A if kind == "dense" else np.zeros_like(A)


def inner(first, second):
    return float(np.sum(first * second))


def finite_dual(penalty, G):
    """G made a point where the conjugate is finite: no component in the null space, inside the dual ball."""
    Z = penalty.null_space(G.shape[1])
    G = G - (G @ Z) @ Z.T
    return penalty.dual_scale(G) * G


@each(PENALTIES, "penalty")
@contract(V=matrices(), step=STEPS, seed=st.integers(0, 1000))
def test_prox_satisfies_the_three_point_inequality(penalty, V, step, seed):
    """P = prox(V) minimises a 1-strongly convex function: every other W costs at least 1/2 ||W - P||^2 more."""
    P = penalty.prox(V, step)
    rng = np.random.default_rng(seed)
    scale = 1.0 + np.abs(V).max()

    def cost(A):
        return 0.5 * np.sum((A - V) ** 2) + step * penalty.value(A)

    slack = 100 * accuracy(penalty) * (scale**2 + cost(P))
    for size in (1e-4, 1e-2, 1.0):
        W = P + size * scale * rng.standard_normal(P.shape)
        assert cost(P) + 0.5 * np.sum((W - P) ** 2) <= cost(W) + slack
    for W in (np.zeros_like(P), V):
        assert cost(P) + 0.5 * np.sum((W - P) ** 2) <= cost(W) + slack


@each(PENALTIES, "penalty")
@contract(V=matrices(), A=matrices(), step=STEPS)
def test_fenchel_young(penalty, V, A, step):
    """<G, A> <= Omega(A) + Omega*(G), with equality at P = prox(V) and G = (V - P) / step in the subdifferential."""
    G = finite_dual(penalty, V)
    if G.shape == A.shape:
        room = 1e-10 + 100 * accuracy(penalty) * (np.abs(A).max() + 1.0) * (1.0 + np.abs(G).max())
        assert inner(G, A) <= penalty.value(A) + penalty.conjugate(G) + room
    P = penalty.prox(V, step)
    G = (V - P) / step
    Z = penalty.null_space(N_TASKS)
    assert_allclose(G @ Z, 0.0, atol=1e-9 * (1.0 + np.abs(V).max()) / step)
    # Rounding of the difference, over the step, may leave the dual ball by a hair: bring it back.
    inside = finite_dual(penalty, G)
    error = 100 * accuracy(penalty) * (np.abs(V).max() + 1.0) / step
    assert_allclose(inside, G, atol=error * (1.0 + np.abs(G).max()))
    total = penalty.value(P) + penalty.conjugate(inside)
    room = 10 * error * (np.sum(np.abs(P)) + np.sum(np.abs(G)) + 1.0)
    assert abs(total - inner(inside, P)) <= room


@each(PENALTIES, "penalty")
@contract(V=matrices(), seed=st.integers(0, 1000), step=STEPS)
def test_prox_is_firmly_non_expansive(penalty, V, seed, step):
    rng = np.random.default_rng(seed)
    for size in (1e-3, 1.0):
        W = V + size * rng.standard_normal(V.shape)
        moved = penalty.prox(V, step) - penalty.prox(W, step)
        slack = 10 * accuracy(penalty) * (1.0 + np.abs(V).max()) ** 2
        assert np.sum(moved**2) <= inner(moved, V - W) + slack


@each(NORMS, "penalty")
@contract(V=matrices(), step=STEPS)
def test_moreau_identity(penalty, V, step):
    """V - prox(V) is the projection onto the dual ball of radius step: inside it, and V has no other nearest point."""
    rest = V - penalty.prox(V, step)
    room = 100 * accuracy(penalty)
    assert penalty.gauge(rest) <= step * (1.0 + room) + room * np.abs(V).max()
    rng = np.random.default_rng(0)
    for _ in range(5):
        inside = rng.standard_normal(V.shape)
        inside *= step / penalty.gauge(inside)
        # Obtuse angle criterion of a projection.
        assert inner(V - rest, inside - rest) <= room * (1.0 + np.abs(V).max()) * (step + np.abs(V).max()) * V.size


@each(NORMS, "penalty")
@contract(G=matrices())
def test_gauge_says_when_the_prox_is_zero(penalty, G):
    gauge = penalty.gauge(G)
    if gauge == 0.0:
        assert not G.any()
        return
    on_the_boundary = G / gauge
    assert_allclose(penalty.gauge(on_the_boundary), 1.0, rtol=1e-12)
    assert not penalty.prox(on_the_boundary * (1.0 - 1e-12), 1.0).any()
    assert penalty.prox(on_the_boundary * (1.0 + 1e-5), 1.0).any()
    assert penalty.conjugate(on_the_boundary) == 0.0
    assert penalty.conjugate(on_the_boundary * (1.0 + 1e-9)) == np.inf
    assert penalty.dual_scale(0.5 * on_the_boundary) == 1.0
    assert_allclose(penalty.dual_scale(4.0 * on_the_boundary), 0.25, rtol=1e-12)


@each(PENALTIES, "penalty")
@contract(G=matrices())
def test_dual_scale_is_the_largest_scale_with_a_finite_conjugate(penalty, G):
    Z = penalty.null_space(N_TASKS)
    c = penalty.dual_scale(G)
    assert 0.0 <= c <= 1.0
    assert np.isfinite(penalty.conjugate(c * G))
    assert penalty.finite_conjugate(G, c) == penalty.conjugate(c * G)
    if c < 1.0:
        beyond = 1.0 + (4e-9 if iterates(penalty) else 1e-9)  # what was iterated counts as finite up to 1e-9 too far
        assert penalty.conjugate(max(c * beyond, 1e-6) * G) == np.inf
    elif penalty.gauge(G) == 0.0:
        assert np.isfinite(penalty.conjugate(1e6 * G))
    if Z.shape[1]:
        assert_allclose(finite_dual(penalty, G) @ Z, 0.0, atol=1e-11 * (1.0 + np.abs(G).max()))


@each(PENALTIES, "penalty")
@contract(A=matrices(), B=matrices(), share=st.floats(0.0, 1.0))
def test_value_is_convex_and_not_negative(penalty, A, B, share):
    B = B[: len(A)]
    A = A[: len(B)]
    first, second, between = penalty.value(A), penalty.value(B), penalty.value(share * A + (1.0 - share) * B)
    room = accuracy(penalty) * (1.0 + first + second)
    assert min(first, second) >= 0.0
    assert between <= share * first + (1.0 - share) * second + room
    assert penalty.value(np.zeros_like(A)) == 0.0
    assert_allclose(penalty.value(-A), first, rtol=100 * accuracy(penalty), atol=1e-15)


@each(PENALTIES, "penalty")
@contract(A=matrices(), factor=st.sampled_from([1e-6, 0.3, 7.0, 1e6]))
def test_degree_of_homogeneity_and_scaling(penalty, A, factor):
    value, rtol = penalty.value(A), 100 * accuracy(penalty)
    room = 1e-13 * (1 + np.abs(A).max()) ** 2  # values that are zero up to rounding: equal tasks, a free mean
    if penalty not in MIXTURES:
        degree = 1 if is_norm(penalty) else 2
        assert_allclose(penalty.value(factor * A), factor**degree * value, rtol=rtol, atol=room * factor**degree)
    before = repr(penalty)
    scaled = penalty.scaled(factor)
    assert type(scaled) is type(penalty)
    assert repr(penalty) == before
    assert_allclose(scaled.value(A), factor * value, rtol=rtol, atol=room * factor)
    G = finite_dual(penalty, A)
    conjugate = penalty.conjugate(G)
    assert_allclose(scaled.conjugate(factor * G), factor * conjugate, rtol=1e-9, atol=room * factor)
    moved = penalty.prox(A, factor * 0.1)
    assert_allclose(scaled.prox(A, 0.1), moved, rtol=0, atol=rtol * (1e-3 + np.abs(A).max()))


@each(PENALTIES, "penalty")
@contract(A=matrices(), seed=st.integers(0, 1000))
def test_null_space_costs_nothing(penalty, A, seed):
    Z = penalty.null_space(N_TASKS)
    assert Z.shape[0] == N_TASKS
    assert_allclose(Z.T @ Z, np.eye(Z.shape[1]), atol=1e-14)
    shift = np.random.default_rng(seed).standard_normal((len(A), Z.shape[1])) @ Z.T
    value = penalty.value(A)
    assert_allclose(penalty.value(A + shift), value, rtol=100 * accuracy(penalty), atol=1e-11)
    assert_allclose(penalty.prox(A + shift, 0.7), penalty.prox(A, 0.7) + shift, atol=1e-8 * (1 + np.abs(A).max()))
    if Z.shape[1] and np.abs(shift).max() > 0:
        assert penalty.conjugate(shift) == np.inf
        assert penalty.dual_scale(shift) == 0.0
    # Nothing outside of it is free.
    rest = A - (A @ Z) @ Z.T
    if np.abs(rest).max() > 1e-9 * (1.0 + np.abs(A).max()):
        assert penalty.value(rest) > 0.0


@each(PENALTIES, "penalty")
@contract(A=matrices(), step=STEPS, seed=st.integers(0, 1000))
def test_order_of_features_and_tasks_does_not_matter(penalty, A, step, seed):
    rng = np.random.default_rng(seed)
    rows = np.arange(len(A)) if tells_features_apart(penalty) else rng.permutation(len(A))
    columns = np.arange(N_TASKS) if tells_tasks_apart(penalty) else rng.permutation(N_TASKS)
    B = A[rows][:, columns]
    rtol, atol = 100 * accuracy(penalty), 100 * accuracy(penalty) * (1e-3 + np.abs(A).max())
    other = with_tasks_in_order(penalty, columns)
    assert_allclose(other.value(B), penalty.value(A), rtol=rtol, atol=1e-15 * (1 + np.abs(A).max()) ** 2)
    assert_allclose(other.gauge(B), penalty.gauge(A), rtol=1e-12)
    assert_allclose(other.prox(B, step), penalty.prox(A, step)[rows][:, columns], rtol=0, atol=atol)


@each(PENALTIES, "penalty")
def test_no_method_changes_the_object_or_its_arguments(penalty):
    A = np.random.default_rng(0).standard_normal((4, N_TASKS))
    kept, before = A.copy(), repr(penalty)
    state = dict(vars(penalty))
    penalty.check(4, N_TASKS)
    for call in (
        lambda: penalty.value(A),
        lambda: penalty.prox(A, 0.5),
        lambda: penalty.gauge(A),
        lambda: penalty.conjugate(A),
        lambda: penalty.dual_scale(A),
        lambda: penalty.scaled(2.0),
        lambda: penalty.parts(N_TASKS),
        lambda: penalty.null_space(N_TASKS),
        lambda: penalty.task_clusters(A),
    ):
        call()
        np.testing.assert_array_equal(A, kept)
    assert repr(penalty) == before
    assert vars(penalty) == state
    # The prox gives an array of its own, even where it moves nothing.
    out = penalty.prox(A, 0.5)
    assert not np.shares_memory(out, A)


@each(PENALTIES, "penalty")
def test_parameters_are_those_of_scikit_learn(penalty):
    copy = clone(penalty)
    assert copy is not penalty
    assert repr(copy) == repr(penalty)
    for name, value in penalty.get_params(deep=True).items():
        if not isinstance(value, Penalty):
            copy.set_params(**{name: value})
    A = np.random.default_rng(0).standard_normal((3, N_TASKS))
    assert copy.value(A) == penalty.value(A)
    with pytest.raises(ValueError, match=r"[Ii]nvalid parameter"):
        clone(penalty).set_params(no_such_parameter=1)


@each(PENALTIES, "penalty")
def test_set_params_takes_effect_at_once(penalty):
    A = np.random.default_rng(0).standard_normal((3, N_TASKS))
    others = ("mean_alpha", "norm__alpha")  # the strength of a norm that is squared counts twice
    alphas = [name for name in penalty.get_params() if name.endswith("alpha") and name not in others]
    twice = clone(penalty).set_params(**{name: 2 * penalty.get_params()[name] for name in alphas})
    if isinstance(penalty, MeanRegularized):
        twice.set_params(mean_alpha=2 * penalty.mean_alpha)
    for nested in [name for name in penalty.get_params() if name.endswith("__mean_alpha")]:
        twice.set_params(**{nested: 2 * penalty.get_params()[nested]})
    assert_allclose(twice.value(A), 2 * penalty.value(A), rtol=1e-8)


# Against cvxpy ------------------------------------------------------------------------------------------------------

SMALL = [(np.random.default_rng(k).standard_normal((d, N_TASKS)), step) for k, (d, step) in enumerate([(2, 2), (4, 9)])]


@each(PENALTIES, "penalty")
@pytest.mark.parametrize("A", [A for A, _ in SMALL], ids=["d2", "d4"])
def test_value_conjugate_and_gauge_are_those_of_cvxpy(penalty, A):
    assert_allclose(penalty.value(A), penalty_value(penalty, A), rtol=2e-8)
    G = finite_dual(penalty, A)
    if is_norm(penalty):
        Z = penalty.null_space(N_TASKS)
        A = A - (A @ Z) @ Z.T
        assert_allclose(penalty.gauge(A), dual_norm(penalty, A), rtol=1e-7)
    else:
        inside = 0.7 * G
        assert_allclose(penalty.conjugate(inside), penalty_conjugate(penalty, inside), rtol=1e-6, atol=1e-9)


@each(PENALTIES, "penalty")
@pytest.mark.parametrize(("V", "step"), SMALL, ids=["d2", "d4"])
def test_prox_is_that_of_cvxpy(penalty, V, step):
    """The oracle's objective is accurate, its point only to the square root of that (1e-4 with a semidefinite
    constraint); strong convexity turns the one into the other."""

    def objective(A):
        return 0.5 * np.sum((A - V) ** 2) + step * penalty.value(A)

    ours, theirs = penalty.prox(V, step), penalty_prox(penalty, V, step)
    lead = objective(theirs) - objective(ours)
    assert -1e-9 <= lead <= 1e-7
    assert np.sum((ours - theirs) ** 2) <= 2.0 * lead + 1e-9


# What the lists themselves say ----------------------------------------------------------------------------------------


@each(QUADRATICS, "penalty")
def test_quadratic_penalties_have_gauge_zero_off_the_null_space(penalty):
    G = np.random.default_rng(0).standard_normal((3, N_TASKS))
    Z = penalty.null_space(N_TASKS)
    assert penalty.gauge(G - (G @ Z) @ Z.T) == 0.0


@each(PENALTIES, "penalty")
def test_one_task_is_possible(penalty):
    penalty.check(3, 1)
    A = np.array([[1.0], [-2.0], [0.0]])
    for step in (0.1, 100.0):
        P = penalty.prox(A, step)
        assert np.all(np.isfinite(P))
        assert_allclose(P, penalty_prox(penalty, A, step), atol=2e-5)
    assert_allclose(penalty.value(A), penalty_value(penalty, A), rtol=1e-7, atol=1e-9)


def test_names_in_the_tests_are_unique():
    names = [name_of(penalty) for penalty in PENALTIES]
    assert len(set(names)) == len(names)


def test_infimal_convolution_has_nested_names():
    penalty = InfimalConvolution(L1(alpha=0.1), InfimalConvolution(Dirty(alpha=0.3), MeanRegularized(alpha=0.5)))
    params = penalty.get_params()
    assert params["penalty_0__alpha"] == 0.1
    assert params["penalty_1__penalty_1__mean_alpha"] == 0.0
    penalty.set_params(penalty_1__penalty_0__alpha=4.0)
    assert penalty.penalties[1].penalties[0].alpha == 4.0
    penalty.set_params(penalty_0=L1(alpha=9.0), penalty_0__alpha=2.0)
    assert penalty.penalties[0].alpha == 2.0
    assert [type(part).__name__ for _, part in penalty.parts(3)] == ["L1", "L1Lq", "L1", "MeanRegularized"]
