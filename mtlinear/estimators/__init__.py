"""scikit-learn estimators: thin. They validate, build a problem, solve it and publish the result."""

from mtlinear.estimators._classifiers import (
    BlockSparseClassifier,
    ClusteredClassifier,
    DirtyClassifier,
    MeanRegularizedClassifier,
    MultiTaskClassifier,
    TraceNormClassifier,
)
from mtlinear.estimators._covariances import (
    FeatureLearningClassifier,
    FeatureLearningRegressor,
    TaskRelationshipClassifier,
    TaskRelationshipRegressor,
)
from mtlinear.estimators._cross_validated import MultiTaskClassifierCV, MultiTaskRegressorCV
from mtlinear.estimators._decompositions import (
    RobustClassifier,
    RobustFeaturesClassifier,
    RobustFeaturesRegressor,
    RobustRegressor,
    SparseLowRankClassifier,
    SparseLowRankRegressor,
)
from mtlinear.estimators._path import RegularizationPath, regularization_path
from mtlinear.estimators._regressors import (
    BlockSparseRegressor,
    ClusteredRegressor,
    DirtyRegressor,
    MeanRegularizedRegressor,
    MultiTaskRegressor,
    TraceNormRegressor,
)
from mtlinear.estimators._reweighted import ReweightedClassifier, ReweightedRegressor
from mtlinear.estimators._row_estimators import (
    FusedClassifier,
    FusedRegressor,
    GraphRegularizedClassifier,
    GraphRegularizedRegressor,
    SparseGroupClassifier,
    SparseGroupRegressor,
    TreeGuidedClassifier,
    TreeGuidedRegressor,
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
