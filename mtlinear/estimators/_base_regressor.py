"""Regression: squared loss."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin
from sklearn.exceptions import DataConversionWarning
from sklearn.utils import Tags
from sklearn.utils.validation import assert_all_finite, check_array, check_consistent_length

from mtlinear._typing import Array
from mtlinear._warnings import warn
from mtlinear.designs import Design, Matrix
from mtlinear.estimators._base import MultiTaskLinearModel
from mtlinear.estimators._missing import observed_outputs
from mtlinear.estimators._unusable import missing_target, numeric_target
from mtlinear.losses import Poisson, Squared
from mtlinear.metrics import masked_r2_score
from mtlinear.problem import Problem


class MultiTaskRegressorBase(RegressorMixin, MultiTaskLinearModel):
    """fit, predict and score of every regressor; a subclass gives the penalty."""

    _default_loss = Squared()
    # What partial_fit has added up (`mtlinear.estimators._streaming`); fit starts anew.
    _chunks: Any = None

    def fit(
        self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None, *, tasks: ArrayLike | None = None
    ) -> Self:
        """Fit one linear model per task.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
            Dense, or sparse (CSR or CSC; never made dense). With ``task_feature`` one of its columns is the task label
            and not a feature.
        y : array-like of shape (n_rows, n_tasks) or (n_rows,)
            2-D: a column per task, all tasks share the rows of X; NaN means not observed. 1-D: each row belongs to one
            task, named by ``task_feature`` or ``tasks``; without either there is a single task.
        sample_weight : array-like of shape (n_rows,), default None
            Non-negative weights; 2 counts a row twice.
        tasks : array-like of shape (n_rows,), default None
            Task label of every row: numbers or strings.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            Naming the argument, if the data or a parameter is not usable.
        KeyboardInterrupt
            On Ctrl-C before the solver begins, or in a fit that begins within a second of one that Ctrl-C ended: twice
            in a row it leaves any loop over fits. The model is then what it was before, as after any error.

        Warns
        -----
        ConvergenceWarning
            If the duality gap did not reach ``tol`` within ``max_iter``, or before the callback or Ctrl-C ended the
            solver. The model then has the best parameters so far, and ``dual_gap_`` says how good they are.
        """
        with self._all_or_nothing():
            self._check_parameters()
            self._chunks = None
            self._solve(self._read_problem(X, y, sample_weight, tasks))
        return self

    def _read_problem(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None, tasks: ArrayLike | None) -> Problem:
        rows = self._read_rows(X, tasks, reset=True)
        column_names = getattr(y, "columns", None)
        rows, target = self._weigh(rows, self._read_target(y, rows.X), sample_weight)
        self._stacked = rows.labels is not None
        self._y_ndim = target.ndim
        if rows.labels is not None:
            target = one_column(target)
            design = self._build_design(rows, self._set_tasks(rows.labels))
        else:
            target = target.reshape(len(target), -1)
            n_tasks = target.shape[1]
            self.tasks_ = np.arange(n_tasks) if column_names is None else np.asarray(column_names)
            design = self._build_design(rows, None, observed_outputs(target, self.tasks_))
        target = np.nan_to_num(design.arrange(target))
        self._check_finite_intercepts(design, target)
        return self._problem(design, target)

    def _check_finite_intercepts(self, design: Design, target: Array) -> None:
        """No task may have nothing but targets whose loss only vanishes at infinity (zeros, with the Poisson loss)."""
        self._make_loss().check_target(target)
        lost = design.task_sums(1.0 * ((design.weights > 0) & self._make_loss().vanishes(target))) == 0
        if self.fit_intercept and lost.any():
            raise ValueError(
                f"y of task(s) {self.tasks_[lost].tolist()} is {np.unique(target)[0]:g} in every row; with "
                f"loss={self._make_loss()!r} the intercept would be infinite (rows of weight zero do not count)."
            )

    def _read_target(self, y: ArrayLike, X: Matrix) -> Array:
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None.")
        with numeric_target(y, self):
            target = check_array(
                y, dtype=X.dtype, ensure_2d=False, ensure_all_finite="allow-nan", input_name="y", estimator=self
            )
        if target.ndim == 1:
            if np.isnan(target).any():
                raise missing_target(int(np.isnan(target).sum()))
            assert_all_finite(target, input_name="y", estimator_name=type(self).__name__)
        if target.ndim > 2 or target.ndim == 0:
            raise ValueError(f"y must have one or two dimensions, got shape {target.shape}.")
        check_consistent_length(X, target)
        if target.ndim == 2 and target.shape[1] == 0:
            raise ValueError("y has no columns, so there is no task to fit.")
        return target

    def predict(self, X: Any, *, tasks: ArrayLike | None = None) -> Array:
        """Predict the targets: the scores, or with the Poisson loss their exponentials, the expected counts.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
        tasks : array-like of shape (n_rows,), default None
            Task labels, if the model was fitted with ``tasks``.

        Returns
        -------
        ndarray of shape (n_rows, n_tasks) for tasks that share X, else (n_rows,)
        """
        scores = self._make_loss().inverse_link(self._scores(X, tasks))
        return scores[:, 0] if not self._stacked and self._y_ndim == 1 else scores

    def score(
        self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None, *, tasks: ArrayLike | None = None
    ) -> float:
        """R2 of the predictions: the mean over the columns of a 2-D y, over all rows for stacked tasks.

        NaN in a 2-D y is left out. It is R2 for every loss: for the deviance that a Poisson model explains there is
        `sklearn.metrics.d2_tweedie_score(y, model.predict(X), power=1)`.

        Parameters
        ----------
        X, y, sample_weight, tasks
            As in `fit`.
        """
        return masked_r2_score(y, self.predict(X, tasks=tasks), sample_weight=sample_weight)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = self.task_feature is None
        tags.target_tags.single_output = True
        tags.target_tags.positive_only = isinstance(self._make_loss(), Poisson)
        tags.input_tags.sparse = True
        return tags


def one_column(target: Array) -> Array:
    """The target of rows that have a task of their own, 1-D."""
    if target.ndim == 1:
        return target
    if np.isnan(target).any():
        raise missing_target(int(np.isnan(target).any(axis=1).sum()))
    if target.shape[1] > 1:
        raise ValueError(
            f"y must be 1-D when every row has a task of its own (tasks or task_feature), got shape {target.shape}."
        )
    warn("A column-vector y was passed when a 1d array was expected.", DataConversionWarning)
    return target[:, 0]
