"""Losses: one number per observation."""

from mtlinear.losses._base import Loss
from mtlinear.losses._logistic import Logistic
from mtlinear.losses._squared import Squared

__all__ = ["Logistic", "Loss", "Squared"]
