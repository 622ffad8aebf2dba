"""Losses: one number per observation."""

from mtlinear.losses._base import Loss
from mtlinear.losses._huber import Huber
from mtlinear.losses._logistic import Logistic
from mtlinear.losses._poisson import Poisson
from mtlinear.losses._squared import Squared
from mtlinear.losses._squared_hinge import SquaredHinge

__all__ = ["Huber", "Logistic", "Loss", "Poisson", "Squared", "SquaredHinge"]
