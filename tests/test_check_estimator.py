"""scikit-learn's own checks. No failure is expected; what does not apply is skipped by scikit-learn itself."""

from __future__ import annotations

import pytest
from sklearn.utils.estimator_checks import check_dataframe_column_names_consistency, parametrize_with_checks

import mtlinear

ESTIMATORS = [getattr(mtlinear, name)() for name in mtlinear.__all__ if name != "ParameterMatrix"]


# Separable toy data without a penalty on the mean: the loss goes to zero at infinity, and a warning says so.
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(ESTIMATORS)
def test_sklearn_compatible(estimator, check):
    check(estimator)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
def test_column_names(estimator):
    check_dataframe_column_names_consistency(type(estimator).__name__, estimator)


#: Checks that cannot pass when the last column of the checks' random data is taken for the task.
REGRESSORS_BY_COLUMN = [
    getattr(mtlinear, name)(task_feature=-1, unseen_tasks="mean")
    for name in mtlinear.__all__
    if name.endswith("Regressor")
]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(REGRESSORS_BY_COLUMN)
def test_sklearn_compatible_with_a_task_column(estimator, check):
    check(estimator)
