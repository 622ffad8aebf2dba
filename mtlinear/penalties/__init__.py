"""Penalties: what is believed about how the tasks are related, as functions of the parameter matrix."""

from mtlinear.penalties._base import Norm, Penalty, Quadratic
from mtlinear.penalties._box_norms import ConvexASO, SpectralBox, SpectralKSupport
from mtlinear.penalties._clustered import Clustered
from mtlinear.penalties._columns import ColumnSparse
from mtlinear.penalties._decompositions import Robust, RobustFeatures, SparseLowRank
from mtlinear.penalties._graph import chain_graph
from mtlinear.penalties._infimal import Dirty, InfimalConvolution
from mtlinear.penalties._laplacian import GraphLaplacian
from mtlinear.penalties._quadratic import MeanRegularized, Ridge
from mtlinear.penalties._rows import L1, L1Lq, RowSeparable
from mtlinear.penalties._spectral import TraceNorm
from mtlinear.penalties._squared import FeatureLearning, SquaredNorm, TaskRelationship
from mtlinear.penalties._sum import Sum, joint_null_space
from mtlinear.penalties._tangent import Tangent
from mtlinear.penalties._task_quadratic import TaskQuadratic

__all__ = [
    "L1",
    "Clustered",
    "ColumnSparse",
    "ConvexASO",
    "Dirty",
    "FeatureLearning",
    "GraphLaplacian",
    "InfimalConvolution",
    "L1Lq",
    "MeanRegularized",
    "Norm",
    "Penalty",
    "Quadratic",
    "Ridge",
    "Robust",
    "RobustFeatures",
    "RowSeparable",
    "SparseLowRank",
    "SpectralBox",
    "SpectralKSupport",
    "SquaredNorm",
    "Sum",
    "Tangent",
    "TaskQuadratic",
    "TaskRelationship",
    "TraceNorm",
    "chain_graph",
    "joint_null_space",
]
