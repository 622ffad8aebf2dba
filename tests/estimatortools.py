"""What the tests of the estimators share: their names, settings that suit the fixtures, and targets."""

from __future__ import annotations

import numpy as np

import mtlinear
from mtlinear.penalties import L1Lq

#: Without the classes that choose their parameters by cross-validation (tests/test_cross_validated.py).
ESTIMATORS = [name for name in mtlinear.__all__ if name.endswith(("Regressor", "Classifier"))]
REGRESSORS = [name for name in ESTIMATORS if name.endswith("Regressor")]
CLASSIFIERS = [name for name in ESTIMATORS if name.endswith("Classifier")]
TIGHT = {"tol": 1e-12, "max_iter": 100_000}


def make(name, **parameters):
    return getattr(mtlinear, name)(**parameters)


def binary(y):
    return (y > np.median(y)).astype(int)


class _LeavesAndRoot:
    """A tree for any number of tasks: a function whose name is the same in every process, for identifiers of tests."""

    def __call__(self, n_tasks):
        everyone = list(range(n_tasks))
        return [([t], 0.5) for t in everyone] + [(everyone, 0.5)]

    def __repr__(self):
        return "leaves_and_root"

    def __deepcopy__(self, memo):
        return self  # as functions are


leaves_and_root = _LeavesAndRoot()


SMALL = {
    "SparseGroupRegressor": {"alpha": 0.2},
    "SparseGroupClassifier": {"alpha": 0.02},
    "TreeGuidedRegressor": {"tree": leaves_and_root, "alpha": 0.2},
    "TreeGuidedClassifier": {"tree": leaves_and_root, "alpha": 0.02},
    "FusedRegressor": {"alpha": 0.2},
    "FusedClassifier": {"alpha": 0.02},
    "GraphRegularizedRegressor": {"alpha": 0.2},
    "GraphRegularizedClassifier": {"alpha": 0.02},
    "ReweightedRegressor": {"penalty": L1Lq(alpha=0.2), "n_stages": 3},
    "ReweightedClassifier": {"penalty": L1Lq(alpha=0.02), "n_stages": 3},
    "BlockSparseRegressor": {"alpha": 0.2},
    "DirtyRegressor": {"alpha": 0.3},
    "TraceNormRegressor": {"alpha": 0.2},
    "MeanRegularizedRegressor": {"alpha": 0.5},
    "ClusteredRegressor": {"alpha": 0.3},
    "MultiTaskRegressor": {"penalty": L1Lq(alpha=0.2, q=3)},
    "BlockSparseClassifier": {"alpha": 0.02},
    "DirtyClassifier": {"alpha": 0.03},
    "TraceNormClassifier": {"alpha": 0.02},
    "MeanRegularizedClassifier": {"alpha": 0.05, "mean_alpha": 0.01},
    "ClusteredClassifier": {"alpha": 0.05, "mean_ratio": 0.1},
    "MultiTaskClassifier": {"penalty": L1Lq(alpha=0.02, q=3)},
}

# Decompositions, and models that learn a covariance along
SMALL |= {
    "RobustRegressor": {"alpha": 0.4},
    "RobustFeaturesRegressor": {"alpha": 0.4},
    "SparseLowRankRegressor": {"alpha": 0.3},
    "FeatureLearningRegressor": {"alpha": 0.2},
    "TaskRelationshipRegressor": {"alpha": 0.2},
    "RobustClassifier": {"alpha": 0.04},
    "RobustFeaturesClassifier": {"alpha": 0.04},
    "SparseLowRankClassifier": {"alpha": 0.03},
    "FeatureLearningClassifier": {"alpha": 0.02},
    "TaskRelationshipClassifier": {"alpha": 0.02},
}


def target_for(name, Y):
    return binary(Y - np.median(Y, axis=0) + np.median(Y)) if name in CLASSIFIERS else Y
