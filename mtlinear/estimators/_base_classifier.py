"""Classification: logistic loss, one binary problem per task."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import log_expit, logsumexp
from sklearn.base import ClassifierMixin
from sklearn.exceptions import DataConversionWarning
from sklearn.utils import Tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, check_consistent_length

from mtlinear._typing import Array, Labels
from mtlinear._warnings import warn
from mtlinear.designs import Design
from mtlinear.estimators._base import MultiTaskLinearModel
from mtlinear.estimators._missing import is_missing, observed_outputs
from mtlinear.estimators._unusable import missing_target
from mtlinear.losses import Logistic
from mtlinear.metrics import masked_accuracy_score
from mtlinear.problem import Problem

#: The derivative of the logistic loss is at most 1, so with features of unit scale an alpha of 1 leaves nothing.
CLASSIFIER_ALPHA = 0.01


def _has_probabilities(model: MultiTaskClassifierBase) -> bool:
    return isinstance(model._make_loss(), Logistic)


class MultiTaskClassifierBase(ClassifierMixin, MultiTaskLinearModel):
    """fit, predict, predict_proba, decision_function and score of every classifier; a subclass gives the penalty.

    What the tasks are follows from y:

    - 2-D y (n_rows, n_tasks): multi-label, each column a binary task with two labels of its own (NaN in a float y: not
      observed);
    - 1-D y with ``tasks`` or ``task_feature``: each row belongs to one binary task, all with the same two labels;
    - 1-D y with two classes: a single task;
    - 1-D y with K > 2 classes: K one-vs-rest tasks, coupled by the penalty.
    """

    __metadata_request__predict_proba: ClassVar[dict[str, bool]] = {"tasks": True}
    __metadata_request__predict_log_proba: ClassVar[dict[str, bool]] = {"tasks": True}
    __metadata_request__decision_function: ClassVar[dict[str, bool]] = {"tasks": True}

    _default_loss = Logistic()

    def fit(
        self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None, *, tasks: ArrayLike | None = None
    ) -> Self:
        """Fit one logistic model per task.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
            Dense, or sparse (CSR or CSC; never made dense). With ``task_feature`` one of its columns is the task label
            and not a feature.
        y : array-like of shape (n_rows, n_tasks) or (n_rows,)
            Labels; see the class for what 2-D, 1-D and more than two classes mean.
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
            Naming the argument, if the data or a parameter is not usable; among others if a task has one class only.
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
            self._solve(self._read_problem(X, y, sample_weight, tasks))
        return self

    def _read_problem(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None, tasks: ArrayLike | None) -> Problem:
        rows = self._read_rows(X, tasks, reset=True)
        column_names = getattr(y, "columns", None)
        labels = self._read_labels(y, rows.X.shape[0], stacked=rows.labels is not None)
        rows, labels = self._weigh(rows, labels, sample_weight)
        self._stacked = rows.labels is not None
        self._multilabel = labels.ndim == 2
        codes = observed = None
        if rows.labels is not None:
            codes = self._set_tasks(rows.labels)
            signs = self._two_classes(labels, "with tasks or task_feature every task is binary")
        elif self._multilabel:
            self.tasks_ = np.arange(labels.shape[1]) if column_names is None else np.asarray(column_names)
            observed = observed_outputs(labels, self.tasks_)
            signs = self._label_columns(labels)
        else:
            signs = self._one_vs_rest(labels)
        design = self._build_design(rows, codes, observed)
        target = design.arrange(signs)
        self._check_both_classes(design, target)
        return self._problem(design, target)

    def _read_labels(self, y: ArrayLike, n_rows: int, *, stacked: bool) -> Labels:
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None.")
        labels = check_array(
            y, dtype=None, ensure_2d=False, ensure_all_finite="allow-nan", input_name="y", estimator=self
        )
        missing = is_missing(labels) if labels.ndim == 1 or stacked else np.zeros(1, dtype=bool)
        if missing.any():
            raise missing_target(int(missing.reshape(len(labels), -1).any(axis=1).sum()))
        if labels.ndim not in (1, 2):
            raise ValueError(f"y must have one or two dimensions, got shape {labels.shape}.")
        check_consistent_length(np.empty(n_rows), labels)
        if labels.ndim == 2 and labels.shape[1] == 1:
            message = "A column-vector y was passed when a 1d array was expected."
            warn(message, DataConversionWarning)
            labels = labels[:, 0]
        if labels.ndim == 2 and stacked:
            raise ValueError(
                f"y must be 1-D when every row has a task of its own (tasks or task_feature), got shape {labels.shape}."
            )
        for column in labels.reshape(len(labels), -1).T:
            check_classification_targets(_present(column))
        return labels

    def _two_classes(self, labels: Labels, reason: str) -> Array:
        """Signs of a 1-D y with two classes."""
        self.classes_ = _pair(labels, reason)
        return np.where(labels == self.classes_[1], 1.0, -1.0)

    def _one_vs_rest(self, labels: Labels) -> Array:
        """Signs (n_rows, 1) of two classes, or (n_rows, K) with a column per class."""
        classes = np.unique(labels)
        if len(classes) <= 2:
            signs = self._two_classes(labels, "one alone cannot be learned")
            self.tasks_ = np.arange(1)
            return signs[:, None]
        self.classes_ = self.tasks_ = classes
        return np.where(labels[:, None] == classes[None, :], 1.0, -1.0)

    def _label_columns(self, labels: Labels) -> Array:
        """Signs (n_rows, n_tasks) of a multi-label y, every column with its own two labels (``task_classes_``)."""
        pairs = [
            _pair(_present(column), f"column {t}") for t, column in zip(self.tasks_.tolist(), labels.T, strict=True)
        ]
        self.task_classes_ = np.array(pairs, dtype=labels.dtype)
        self.classes_ = np.arange(labels.shape[1])
        return np.where(labels == self.task_classes_[:, 1], 1.0, -1.0)

    def _check_both_classes(self, design: Design, target: Array) -> None:
        """Every task must show both classes: without one its intercept would be infinite."""
        counts = design.weights > 0
        positive = design.task_sums(1.0 * (counts & (target > 0)))
        negative = design.task_sums(1.0 * (counts & (target < 0)))
        lacking = (positive == 0) | (negative == 0)
        if lacking.any():
            raise ValueError(
                f"y has one class only in task(s) {self.tasks_[lacking].tolist()}; every task needs rows of "
                "both classes (rows of weight zero do not count)."
            )

    def decision_function(self, X: Any, *, tasks: ArrayLike | None = None) -> Array:
        """Scores: with the logistic loss the log-odds of the positive label.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
        tasks : array-like of shape (n_rows,), default None
            Task labels, if the model was fitted with ``tasks``.

        Returns
        -------
        ndarray of shape (n_rows, n_tasks) for multi-label and K > 2 classes, else (n_rows,)
        """
        scores = self._scores(X, tasks)
        return scores[:, 0] if scores.ndim == 2 and scores.shape[1] == 1 else scores

    def predict(self, X: Any, *, tasks: ArrayLike | None = None) -> Labels:
        """Predict labels.

        Parameters
        ----------
        X, tasks
            As in `decision_function`.

        Returns
        -------
        ndarray of shape (n_rows, n_tasks) for multi-label, else (n_rows,)
        """
        scores = self.decision_function(X, tasks=tasks)
        if self._multilabel:
            return np.where(scores > 0, self.task_classes_[:, 1], self.task_classes_[:, 0])
        if scores.ndim == 2:
            return self.classes_[np.argmax(scores, axis=1)]
        return self.classes_[(scores > 0).astype(int)]

    @available_if(_has_probabilities)
    def predict_proba(self, X: Any, *, tasks: ArrayLike | None = None) -> Array:
        """Probabilities; other losses than the logistic have none.

        Parameters
        ----------
        X, tasks
            As in `decision_function`.

        Returns
        -------
        ndarray
            (n_rows, n_tasks) with the probability of each task's positive label for multi-label; else
            (n_rows, n_classes), where K > 2 one-vs-rest probabilities are normalised to sum to one.
        """
        scores = self.decision_function(X, tasks=tasks)
        log_positive = log_expit(scores)
        if self._multilabel:
            return np.exp(log_positive)
        if scores.ndim == 2:  # in logs, so that K tiny probabilities still normalise
            return np.exp(log_positive - logsumexp(log_positive, axis=1, keepdims=True))
        return np.exp(np.column_stack([log_expit(-scores), log_positive]))

    @available_if(_has_probabilities)
    def predict_log_proba(self, X: Any, *, tasks: ArrayLike | None = None) -> Array:
        """Logarithms of `predict_proba`.

        Parameters
        ----------
        X, tasks
            As in `decision_function`.

        Returns
        -------
        ndarray
        """
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X, tasks=tasks))

    def score(
        self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None, *, tasks: ArrayLike | None = None
    ) -> float:
        """Accuracy; for multi-label the share of rows with all (observed) labels right, as in scikit-learn.

        Parameters
        ----------
        X, y, sample_weight, tasks
            As in `fit`.
        """
        predicted = self.predict(X, tasks=tasks)
        if self._multilabel and np.shape(y) != predicted.shape:
            raise ValueError(f"y must have shape {predicted.shape}, one column per task, got {np.shape(y)}.")
        return masked_accuracy_score(y, predicted, sample_weight=sample_weight)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = self.task_feature is None
        tags.target_tags.single_output = True
        tags.input_tags.sparse = True
        tags.classifier_tags.multi_label = self.task_feature is None
        tags.classifier_tags.multi_class = self.task_feature is None
        return tags


def _present(column: Labels) -> Labels:
    """The labels of a column that are there, in the type of their own that a column of objects hides."""
    present = column[~is_missing(column)]
    return np.array(present.tolist()) if present.dtype.kind == "O" else present


def _pair(labels: Labels, where: str) -> Labels:
    """The two classes of a binary task, sorted."""
    classes = np.unique(labels)
    if len(classes) != 2:
        raise ValueError(
            f"y must have exactly two classes ({where}), got {len(classes)} class(es): {classes[:10].tolist()}. "
            "Only binary classification is supported here."
        )
    return classes
