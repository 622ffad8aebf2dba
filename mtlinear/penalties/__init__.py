"""Penalties: what is believed about how the tasks are related, as functions of the parameter matrix."""

from mtlinear.penalties._base import Norm, Penalty, Quadratic
from mtlinear.penalties._box_norms import ConvexASO, SpectralBox, SpectralKSupport
from mtlinear.penalties._clustered import Clustered
from mtlinear.penalties._columns import ColumnSparse
from mtlinear.penalties._concave import Capped, Concave, Logarithm, Root
from mtlinear.penalties._decompositions import Robust, RobustFeatures, SparseLowRank
from mtlinear.penalties._fused import GraphFused
from mtlinear.penalties._graph import chain_graph
from mtlinear.penalties._infimal import Dirty, InfimalConvolution
from mtlinear.penalties._laplacian import GraphLaplacian
from mtlinear.penalties._quadratic import MeanRegularized, Ridge
from mtlinear.penalties._rows import L1, L1Lq, RowSeparable
from mtlinear.penalties._smoothed import GraphRegularized
from mtlinear.penalties._sparse_group import SparseGroup
from mtlinear.penalties._spectral import TraceNorm
from mtlinear.penalties._squared import FeatureLearning, SquaredNorm, TaskRelationship
from mtlinear.penalties._sum import Sum, joint_null_space
from mtlinear.penalties._tangent import Tangent
from mtlinear.penalties._task_quadratic import TaskQuadratic
from mtlinear.penalties._task_tree import kim_xing_groups
from mtlinear.penalties._tree import TreeGuided
from mtlinear.penalties._weighted import Weighted

__all__ = [
    "L1",
    "Capped",
    "Clustered",
    "ColumnSparse",
    "Concave",
    "ConvexASO",
    "Dirty",
    "FeatureLearning",
    "GraphFused",
    "GraphLaplacian",
    "GraphRegularized",
    "InfimalConvolution",
    "L1Lq",
    "Logarithm",
    "MeanRegularized",
    "Norm",
    "Penalty",
    "Quadratic",
    "Ridge",
    "Robust",
    "RobustFeatures",
    "Root",
    "RowSeparable",
    "SparseGroup",
    "SparseLowRank",
    "SpectralBox",
    "SpectralKSupport",
    "SquaredNorm",
    "Sum",
    "Tangent",
    "TaskQuadratic",
    "TaskRelationship",
    "TraceNorm",
    "TreeGuided",
    "Weighted",
    "chain_graph",
    "joint_null_space",
    "kim_xing_groups",
]
