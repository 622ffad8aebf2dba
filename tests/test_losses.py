"""Contracts of every loss."""

from __future__ import annotations

import numpy as np
import pytest
from catalogue import LOSSES, OF_SIGNS, each
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from ownloss import Cosh
from sklearn.base import clone

from mtlinear.losses import Huber, Logistic, Poisson, Squared, SquaredHinge

ALL = [*LOSSES, Cosh()]
MANY = settings(deadline=None, max_examples=60, derandomize=True)
SCORES = st.floats(-12.0, 12.0)


def targets(loss, rng, size):
    if isinstance(loss, OF_SIGNS):
        return rng.choice([-1.0, 1.0], size)
    return rng.poisson(2.0, size).astype(float) if isinstance(loss, Poisson) else rng.standard_normal(size)


def sample(loss, seed, center=0.0, size=6):
    rng = np.random.default_rng(seed)
    return targets(loss, rng, size), center + rng.standard_normal(size)


@each(ALL, "loss")
@MANY
@given(seed=st.integers(0, 1000), center=SCORES)
def test_derivatives_by_finite_differences(loss, seed, center):
    y, z = sample(loss, seed, center)
    h = 1e-5
    size = 1.0 + np.abs(loss.value(y, z))
    slope = (loss.value(y, z + h) - loss.value(y, z - h)) / (2 * h)
    second = (loss.gradient(y, z + h) - loss.gradient(y, z - h)) / (2 * h)
    assert np.all(np.abs(loss.gradient(y, z) - slope) <= 1e-8 * size)
    # Where the second derivative jumps, the quotient is between its values on the two sides.
    ends = np.sort([loss.second(y, z - h), loss.second(y, z + h)], axis=0)
    smooth = np.abs(loss.second(y, z) - second) <= 1e-8 * size
    assert np.all(smooth | ((ends[0] < ends[1]) & (ends[0] <= second) & (second <= ends[1])))
    assert np.all(smooth | (np.abs(loss.second(y, z) - 0.5) == 0.5))


@each(ALL, "loss")
@MANY
@given(seed=st.integers(0, 1000), center=SCORES, other=SCORES)
def test_fenchel_young(loss, seed, center, other):
    y, z = sample(loss, seed, center)
    u = loss.gradient(y, z)
    room = 1e-12 * (1.0 + np.abs(u * z) + np.abs(loss.value(y, z)))
    assert np.all(np.abs(loss.value(y, z) + loss.conjugate(y, u) - u * z) <= room)
    elsewhere = np.full_like(z, other)
    assert np.all(loss.value(y, elsewhere) + loss.conjugate(y, u) >= u * elsewhere - 1e-9 * (1 + np.abs(u * other)))


@each(ALL, "loss")
@MANY
@given(seed=st.integers(0, 1000), center=SCORES, share=st.floats(0.0, 1.0))
def test_convex_not_negative_and_curvature_is_a_bound(loss, seed, center, share):
    y, z = sample(loss, seed, center)
    other = z[::-1]
    between = loss.value(y, share * z + (1 - share) * other)
    chord = share * loss.value(y, z) + (1 - share) * loss.value(y, other)
    assert np.all(between <= chord + 1e-12 * (1.0 + chord))
    # The tolerance is a fraction of the null objective, so a loss must not be negative.
    assert np.all(loss.value(y, z) >= -1e-12 * (1.0 + np.exp(np.abs(z))))
    assert np.all(loss.second(y, z) >= 0.0)
    if loss.curvature is not None:
        assert np.all(loss.second(y, z) <= loss.curvature)
    if loss.quadratic:
        assert np.all(loss.second(y, z) == 1.0)


@each(ALL, "loss")
@MANY
@given(seed=st.integers(0, 1000), center=SCORES, c=st.floats(0.0, 1.0))
def test_domain_of_the_conjugate_is_an_interval_with_zero(loss, seed, center, c):
    """The certificate shrinks derivatives towards zero and relies on staying inside."""
    y, z = sample(loss, seed, center)
    assert np.all(np.isfinite(loss.conjugate(y, c * loss.gradient(y, z))))


def test_curvature_of_the_logistic_loss_is_attained():
    assert Logistic().second(np.ones(1), np.zeros(1))[0] == Logistic.curvature


@pytest.mark.parametrize("u", [0.1, 1.0, -1.0 - 1e-9, -2.0, 1e6])
def test_logistic_conjugate_is_infinite_outside_its_domain(u):
    """p = -y u must lie in [0, 1]."""
    y = np.array([1.0])
    assert Logistic().conjugate(y, np.array([u]))[0] == np.inf
    assert Logistic().conjugate(-y, np.array([-u]))[0] == np.inf


def test_logistic_conjugate_at_the_ends_of_its_domain():
    y = np.array([1.0, 1.0, -1.0, -1.0])
    assert_allclose(Logistic().conjugate(y, np.array([0.0, -1.0, 0.0, 1.0])), 0.0)
    assert_allclose(Logistic().conjugate(y, np.array([-0.5, -0.5, 0.5, 0.5])), -np.log(2.0))


@each(LOSSES, "loss")
@pytest.mark.parametrize("size", [1e2, 1e4, 1e8])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_extreme_scores_are_finite_and_right(loss, size, dtype):
    y = np.array([1.0, 0.0, 1.0, 0.0] if isinstance(loss, Poisson) else [1.0, -1.0, 1.0, -1.0], dtype)
    z = (size * np.array([1.0, 1.0, -1.0, -1.0])).astype(dtype)
    for values in (loss.value(y, z), loss.gradient(y, z), loss.second(y, z), loss.inverse_link(z)):
        assert np.all(np.isfinite(values))
        assert values.dtype == dtype
    assert np.all(np.isfinite(loss.conjugate(y, loss.gradient(y, z))))
    assert loss.least_bend(y, z).dtype == dtype
    if isinstance(loss, Logistic):
        assert_allclose(loss.value(y, z), [0.0, size, size, 0.0], atol=1e-40)
        assert_allclose(loss.gradient(y, z), [0.0, 1.0, -1.0, 0.0], atol=1e-40)
        assert_allclose(loss.inverse_link(z), [1.0, 1.0, 0.0, 0.0], atol=1e-40)


def test_logistic_keeps_its_digits_where_the_loss_is_small():
    z = np.array([40.0, 300.0])
    assert_allclose(Logistic().value(np.ones(2), z), np.exp(-z), rtol=1e-12)
    assert_allclose(Logistic().gradient(np.ones(2), z), -np.exp(-z), rtol=1e-12)
    assert_allclose(Logistic().second(np.ones(2), z), np.exp(-z), rtol=1e-12)


@pytest.mark.parametrize("bad", [0.0, 2.0, 0.5, np.nan, np.inf])
def test_logistic_wants_plus_and_minus_one(bad):
    Logistic().check_target(np.array([1.0, -1.0]))
    with pytest.raises(ValueError, match=r"\by\b"):
        Logistic().check_target(np.array([1.0, bad]))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_squared_wants_finite_targets(bad):
    Squared().check_target(np.array([1e300, -3.0]))
    with pytest.raises(ValueError, match=r"\by\b"):
        Squared().check_target(np.array([1.0, bad]))


@each(ALL, "loss")
def test_losses_are_scikit_learn_objects(loss):
    assert repr(clone(loss)) == repr(loss)
    assert loss.get_params() == ({"delta": loss.delta} if isinstance(loss, Huber) else {})


# The others ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", [SquaredHinge(), Huber(0.7), Poisson()], ids=repr)
@MANY
@given(y=st.floats(0.0, 5.0), u=st.floats(-4.0, 4.0))
def test_conjugate_is_the_supremum_and_infinite_outside_its_domain(loss, y, u):
    """Against a grid of scores: the supremum is attained there, or grows with the grid."""
    y = 2.0 * (y > 2.5) - 1.0 if isinstance(loss, SquaredHinge) else y
    inside = {SquaredHinge: y * u <= 0, Huber: abs(u) <= 0.7, Poisson: u >= -y}[type(loss)]
    conjugate = float(loss.conjugate(np.array([y]), np.array([u]))[0])
    assert np.isfinite(conjugate) == inside
    near, far = (np.linspace(-size, size, 400_001) for size in (20.0, 2e4))
    largest, further = (np.max(u * z - loss.value(np.full_like(z, y), z)) for z in (near, far))
    if inside:
        assert largest <= conjugate + 1e-9
        assert_allclose(further if abs(u + y) < 1e-6 else largest, conjugate, rtol=1e-6, atol=1e-6)
    else:
        assert further >= largest


def test_squared_hinge_is_that_of_scikit_learn():
    y, scores = np.array([1.0, -1.0, 1.0, -1.0]), np.array([0.3, 0.3, 2.0, -2.0])
    assert_allclose(SquaredHinge().value(y, scores), [0.245, 0.845, 0.0, 0.0])
    assert_allclose(SquaredHinge().second(y, scores), [1.0, 1.0, 0.0, 0.0])


def test_huber_is_squared_near_and_linear_far():
    y, z = np.zeros(3), np.array([0.5, 1.0, -11.0])
    assert_allclose(Huber(1.0).value(y, z), [0.125, 0.5, 10.5])
    assert_allclose(Huber(1.0).gradient(y, z), [0.5, 1.0, -1.0])
    near = Huber(1e9)
    assert_allclose(near.value(y, z), Squared().value(y, z))


def test_huber_touches_its_outliers_from_above():
    """What `least_bend` is a fraction of is a parabola above the loss."""
    y, z, new = np.zeros(4), np.array([2.0, -5.0, 30.0, 0.1]), np.linspace(-40.0, 40.0, 801)[:, None]
    loss = Huber(1.35)
    bend = loss.least_bend(y, z) / 0.01
    above = loss.value(y, z) + loss.gradient(y, z) * (new - z) + 0.5 * bend * (new - z) ** 2
    assert np.all(above >= loss.value(y, new) - 1e-12)


def test_poisson_is_half_the_deviance():
    from sklearn.metrics import mean_poisson_deviance

    rng = np.random.default_rng(0)
    y, z = rng.poisson(2.0, 50).astype(float), rng.standard_normal(50)
    assert_allclose(2.0 * Poisson().value(y, z).mean(), mean_poisson_deviance(y, np.exp(z)))


@pytest.mark.parametrize(
    ("loss", "bad", "message"),
    [
        (SquaredHinge(), 0.0, "coded as -1 and"),
        (SquaredHinge(), np.nan, "coded as -1 and"),
        (Huber(), np.nan, "y contains NaN"),
        (Huber(0.0), 1.0, "delta must be a number > 0"),
        (Huber(-1.0), 1.0, "delta must be a number > 0"),
        (Poisson(), -1.0, "y must not be negative"),
        (Poisson(), np.inf, "y contains NaN or infinity"),
    ],
    ids=str,
)
def test_targets_and_parameters_that_make_no_sense_are_refused(loss, bad, message):
    with pytest.raises(ValueError, match=message):
        loss.check_target(np.array([1.0, bad]))
