"""scikit-learn estimators: thin. They validate, build a problem, solve it and publish the result."""

from mtlinear.estimators._any import MultiTaskClassifier, MultiTaskRegressor
from mtlinear.estimators._cross_validated import MultiTaskClassifierCV, MultiTaskRegressorCV
from mtlinear.estimators._decompositions import (
    RobustClassifier,
    RobustFeaturesClassifier,
    RobustFeaturesRegressor,
    RobustRegressor,
    SparseLowRankClassifier,
    SparseLowRankRegressor,
)
from mtlinear.estimators._graphs import (
    FusedClassifier,
    FusedRegressor,
    GraphRegularizedClassifier,
    GraphRegularizedRegressor,
    MeanRegularizedClassifier,
    MeanRegularizedRegressor,
)
from mtlinear.estimators._path import RegularizationPath, regularization_path
from mtlinear.estimators._reweighted import ReweightedClassifier, ReweightedRegressor
from mtlinear.estimators._sparse import (
    BlockSparseClassifier,
    BlockSparseRegressor,
    DirtyClassifier,
    DirtyRegressor,
    SparseGroupClassifier,
    SparseGroupRegressor,
    TreeGuidedClassifier,
    TreeGuidedRegressor,
)
from mtlinear.estimators._spectral import (
    ClusteredClassifier,
    ClusteredRegressor,
    FeatureLearningClassifier,
    FeatureLearningRegressor,
    TaskRelationshipClassifier,
    TaskRelationshipRegressor,
    TraceNormClassifier,
    TraceNormRegressor,
)

__all__ = [
    "BlockSparseClassifier",
    "BlockSparseRegressor",
    "ClusteredClassifier",
    "ClusteredRegressor",
    "DirtyClassifier",
    "DirtyRegressor",
    "FeatureLearningClassifier",
    "FeatureLearningRegressor",
    "FusedClassifier",
    "FusedRegressor",
    "GraphRegularizedClassifier",
    "GraphRegularizedRegressor",
    "MeanRegularizedClassifier",
    "MeanRegularizedRegressor",
    "MultiTaskClassifier",
    "MultiTaskClassifierCV",
    "MultiTaskRegressor",
    "MultiTaskRegressorCV",
    "RegularizationPath",
    "ReweightedClassifier",
    "ReweightedRegressor",
    "RobustClassifier",
    "RobustFeaturesClassifier",
    "RobustFeaturesRegressor",
    "RobustRegressor",
    "SparseGroupClassifier",
    "SparseGroupRegressor",
    "SparseLowRankClassifier",
    "SparseLowRankRegressor",
    "TaskRelationshipClassifier",
    "TaskRelationshipRegressor",
    "TraceNormClassifier",
    "TraceNormRegressor",
    "TreeGuidedClassifier",
    "TreeGuidedRegressor",
    "regularization_path",
]
