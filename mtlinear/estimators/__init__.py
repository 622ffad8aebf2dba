"""scikit-learn estimators: thin. They validate, build a problem, solve it and publish the result."""

from mtlinear.estimators._public import (
    BlockSparseClassifier,
    BlockSparseRegressor,
    ClusteredClassifier,
    ClusteredRegressor,
    DirtyClassifier,
    DirtyRegressor,
    MeanRegularizedClassifier,
    MeanRegularizedRegressor,
    MultiTaskClassifier,
    MultiTaskRegressor,
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
    "MeanRegularizedClassifier",
    "MeanRegularizedRegressor",
    "MultiTaskClassifier",
    "MultiTaskRegressor",
    "TraceNormClassifier",
    "TraceNormRegressor",
]
