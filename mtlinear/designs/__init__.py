"""Designs: the linear map from parameters to scores, for every way in which tasks share rows."""

from mtlinear.designs._base import Design
from mtlinear.designs._matrix import Matrix, symmetric_norm, to_dense, without_rounding
from mtlinear.designs._moments import Moments, RunningMoments
from mtlinear.designs._shared import SharedDesign
from mtlinear.designs._stacked import StackedDesign

__all__ = [
    "Design",
    "Matrix",
    "Moments",
    "RunningMoments",
    "SharedDesign",
    "StackedDesign",
    "symmetric_norm",
    "to_dense",
    "without_rounding",
]
