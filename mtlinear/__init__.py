"""Multi-task learning with linear models: every structure, one scikit-learn API, every convex fit certified.

Several related tasks, each a linear model; their parameter vectors are the columns of one matrix A, and a penalty on A
says how the tasks are related. The pieces, from the data up:

designs, losses, penalties (blind to each other) -> problem -> certificate -> solvers -> path -> estimators -> compare.
"""

from mtlinear.estimators import (
    BlockSparseClassifier,
    BlockSparseRegressor,
    ClusteredClassifier,
    ClusteredRegressor,
    DirtyClassifier,
    DirtyRegressor,
    FusedClassifier,
    FusedRegressor,
    MeanRegularizedClassifier,
    MeanRegularizedRegressor,
    MultiTaskClassifier,
    MultiTaskClassifierCV,
    MultiTaskRegressor,
    MultiTaskRegressorCV,
    RegularizationPath,
    ReweightedClassifier,
    ReweightedRegressor,
    SparseGroupClassifier,
    SparseGroupRegressor,
    TraceNormClassifier,
    TraceNormRegressor,
    TreeGuidedClassifier,
    TreeGuidedRegressor,
    regularization_path,
)
from mtlinear.parameters import ParameterMatrix

__version__ = "0.1.0.dev0"

__all__ = [
    "BlockSparseClassifier",
    "BlockSparseRegressor",
    "ClusteredClassifier",
    "ClusteredRegressor",
    "DirtyClassifier",
    "DirtyRegressor",
    "FusedClassifier",
    "FusedRegressor",
    "MeanRegularizedClassifier",
    "MeanRegularizedRegressor",
    "MultiTaskClassifier",
    "MultiTaskClassifierCV",
    "MultiTaskRegressor",
    "MultiTaskRegressorCV",
    "ParameterMatrix",
    "RegularizationPath",
    "ReweightedClassifier",
    "ReweightedRegressor",
    "SparseGroupClassifier",
    "SparseGroupRegressor",
    "TraceNormClassifier",
    "TraceNormRegressor",
    "TreeGuidedClassifier",
    "TreeGuidedRegressor",
    "regularization_path",
]
