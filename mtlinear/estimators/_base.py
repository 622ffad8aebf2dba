"""What all estimators share: read the data, build the problem, solve it, publish the result.

Ways to say which task a row belongs to, exactly one at a time:

1. y is 2-D: every column of y is a task and all tasks share the rows of X;
2. ``task_feature``: the column of X (name or position) that holds the task label of the row;
3. ``tasks=``: the labels as an argument of fit, predict, ... .

With none of them, a 1-D y is a single task.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, is_classifier
from sklearn.utils.validation import _check_sample_weight, check_array, check_is_fitted, validate_data

from mtlinear._tasks import (
    check_task_column,
    check_unseen,
    encode,
    read_labels,
    read_task_weight,
    split_task_column,
)
from mtlinear._typing import Array, Indices, Labels
from mtlinear.designs import Design, Matrix, SharedDesign, StackedDesign
from mtlinear.estimators._constraints import COMMON, Constraints
from mtlinear.estimators._unusable import named_columns
from mtlinear.losses import Loss
from mtlinear.parameters import ParameterMatrix
from mtlinear.penalties import Penalty
from mtlinear.problem import Problem
from mtlinear.solvers import Callback, Solution, Solver, choose_solver

#: Sparse formats of X that are used as they are; others are converted.
_SPARSE = ("csr", "csc")
#: In which X is used as it is, if the loss allows both; everything else becomes the first.
_PRECISIONS = (np.float64, np.float32)


@dataclass(frozen=True)
class Rows:
    """Rows of X as read in fit and predict: features, and task labels and weights if there are any."""

    X: Matrix
    labels: Labels | None
    weights: Array | None = None


@dataclass(eq=False, repr=False, kw_only=True)
class MultiTaskLinearModel(BaseEstimator, ABC):
    """Base of all estimators; a subclass gives the loss, the penalty and the meaning of y.

    A dataclass, so that a structure states its own parameters and nothing else: the signature of ``__init__``, which is
    what scikit-learn reads parameters from, is made of the fields.
    """

    # Metadata routing: tasks are requested by every method, so that nobody needs set_fit_request(tasks=True).
    __metadata_request__fit: ClassVar[dict[str, bool]] = {"tasks": True}
    __metadata_request__predict: ClassVar[dict[str, bool]] = {"tasks": True}
    __metadata_request__score: ClassVar[dict[str, bool]] = {"tasks": True}

    # Types and ranges of all parameters of __init__, for scikit-learn's validation.
    _parameter_constraints: ClassVar[Constraints] = COMMON
    _default_loss: ClassVar[Loss]
    # Tasks of the rows that predict will be asked for, where they are known beforehand (held-out rows of a fold, which
    # set it for an instance; to a dataclass a variable of the class is what is no field).
    _tasks_of_rows: ClassVar[Any] = None

    # The parameters that every estimator has beside its own, by keyword only.
    l2_alpha: float = 0.0
    fit_intercept: bool = True
    task_feature: str | int | None = None
    task_weight: Any = None
    unseen_tasks: str = "error"
    warm_start: bool = False
    solver: Solver | None = None
    tol: float = 1e-6
    max_iter: int = 10_000
    verbose: int = 0
    callback: Callback | None = None

    @abstractmethod
    def _make_penalty(self) -> Penalty:
        """The penalty object with the present parameters."""

    def _make_loss(self) -> Loss:
        """The loss object; only the general estimators have a parameter for it."""
        return self._default_loss

    @property
    def _precisions(self) -> tuple[type, ...]:
        return _PRECISIONS if self._make_loss().single else _PRECISIONS[:1]

    def _problem(self, design: Design, target: Array) -> Problem:
        return Problem(
            design,
            target,
            self._make_loss(),
            self._make_penalty(),
            fit_intercept=self.fit_intercept,
            l2_alpha=self.l2_alpha,
        )

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        """A fit that raises leaves the model as it was, and not half of one and half of another."""
        before = dict(vars(self))
        try:
            yield
        except BaseException:
            self.__dict__ = before
            raise

    def _check_parameters(self) -> None:
        """Types and ranges of the constructor's parameters; what depends on the data is checked where it is used."""
        self._validate_params()
        if self._make_loss().of_labels != is_classifier(self):
            raise ValueError(
                f"loss={self._make_loss()!r} is not one for {type(self).__name__}: Logistic and SquaredHinge are for "
                "classifiers, all others for regressors."
            )

    def _read_rows(self, X: Any, tasks: ArrayLike | None, *, reset: bool, are_all: bool = True) -> Rows:
        """Features, float32 or float64, and the task labels, from ``task_feature`` or ``tasks``.

        ``are_all=False`` for rows that say too little yet of whether the task column looks like one.
        """
        if self.task_feature is None:
            with named_columns(X):
                features = validate_data(self, X, reset=reset, dtype=self._precisions, accept_sparse=_SPARSE)
            if reset:
                self._task_position = None
            return Rows(features, None if tasks is None else read_labels("tasks", tasks, features.shape[0]))
        if tasks is not None:
            raise ValueError("tasks and task_feature are both given; a row can get its task from one of them only.")
        if not hasattr(X, "columns"):  # sparse, 1-D or empty X: scikit-learn's own messages
            X = check_array(
                X,
                accept_sparse=_SPARSE,
                dtype=None,
                ensure_all_finite=False,
                ensure_min_features=2 if reset else 1,
                estimator=self,
            )
        validate_data(self, X, reset=reset, skip_check_array=True)
        names = getattr(X, "columns", None)
        rest, column, position = split_task_column(X, self.task_feature, None if names is None else np.asarray(names))
        if reset:
            self._task_position = position
        elif position != self._task_position:
            raise ValueError(
                f"task_feature={self.task_feature!r} is column {position} of X now, but was column "
                f"{self._task_position} in fit."
            )
        with named_columns(rest, self.task_feature, position):
            features = check_array(rest, accept_sparse=_SPARSE, dtype=self._precisions, input_name="X", estimator=self)
        labels = read_labels("the task column of X", column, features.shape[0])
        if reset and are_all:
            check_task_column(self.task_feature, labels)
        return Rows(features, labels)

    def _weigh(self, rows: Rows, y: Array, sample_weight: ArrayLike | None) -> tuple[Rows, Array]:
        """Rows with their sample weights, and y. Rows of weight zero are dropped, and tasks that have no others."""
        if sample_weight is None:
            return rows, y
        weights = _check_sample_weight(sample_weight, rows.X, dtype=rows.X.dtype, ensure_non_negative=True)
        counts = weights > 0
        if not counts.any():
            raise ValueError("sample_weight is zero for every row; at least one must be positive.")
        labels = None if rows.labels is None else rows.labels[counts]
        return Rows(rows.X[counts], labels, weights[counts]), y[counts]

    def _set_tasks(self, labels: Labels) -> Indices:
        """Publish the sorted labels as tasks_, and return the code of every row."""
        self.tasks_, codes = np.unique(labels, return_inverse=True)
        return codes

    def _build_design(self, rows: Rows, codes: Indices | None, observed: NDArray[np.bool_] | None = None) -> Design:
        """The layout that fits how tasks were given; codes None means all tasks share the rows."""
        task_weight = read_task_weight(self.task_weight, self.tasks_)
        if codes is None:
            return SharedDesign(rows.X, len(self.tasks_), rows.weights, task_weight, observed)
        return StackedDesign(rows.X, codes, len(self.tasks_), rows.weights, task_weight)

    def _solve(self, problem: Problem) -> None:
        """Solve and publish coef_, intercept_, parameters_ and the certificate."""
        self._solve_from(problem, self._warm_parts(problem))

    def _solve_from(self, problem: Problem, start: list[Array] | None) -> None:
        """Solve from these parts and publish; on Ctrl-C what has been reached."""
        solution = choose_solver(problem, self.solver).solve(
            problem,
            start,
            tol=self.tol,
            max_iter=self.max_iter,
            verbose=self.verbose,
            callback=self.callback,
            keep_interrupted=True,
        )
        self._publish(problem, solution)

    def _warm_parts(self, problem: Problem) -> list[Array] | None:
        if not self.warm_start or not hasattr(self, "parameters_"):
            return None
        parts = self.parameters_.parts
        same = tuple(parts) == problem.part_names and self.coef_.shape == (
            problem.n_tasks,
            problem.n_features,
        )
        return list(parts.values()) if same else None

    def _parameter_matrix(self, problem: Problem, solution: Solution) -> ParameterMatrix:
        names = getattr(self, "feature_names_in_", None)
        if names is not None and self._task_position is not None:
            names = np.delete(names, self._task_position)
        return ParameterMatrix(
            dict(zip(problem.part_names, solution.parts, strict=True)),
            None if names is None else names.tolist(),
            self.tasks_.tolist(),
            clusters=problem.penalty.task_clusters(solution.A),
        )

    def _publish(self, problem: Problem, solution: Solution) -> None:
        self.parameters_ = self._parameter_matrix(problem, solution)
        self.coef_ = np.ascontiguousarray(solution.A.T)
        self.intercept_ = solution.intercept
        self.dual_gap_ = solution.certificate.gap
        self.objective_ = solution.certificate.objective
        self.null_objective_ = problem.null_objective
        self.n_iter_ = max(solution.n_iter, 1)
        self.history_ = solution.history

    def _scores(self, X: Any, tasks: ArrayLike | None) -> Array:
        """``x . a_t + b_t``: (n_rows, n_tasks) where tasks share X, else (n_rows,) for the task of each row."""
        check_is_fitted(self)
        rows = self._read_rows(X, self._tasks_of_rows if tasks is None else tasks, reset=False)
        if not self._stacked:
            if rows.labels is not None:
                raise ValueError("tasks were given, but this model was fitted without: its tasks share the rows of X.")
            return rows.X @ self.coef_.T + self.intercept_
        if rows.labels is None:
            raise ValueError(
                "this model was fitted with tasks=, so it needs them to predict: pass tasks=, or use task_feature to "
                "carry the task in a column of X (scorers and meta-estimators cannot pass tasks)."
            )
        codes = encode(rows.labels, self.tasks_)
        check_unseen(rows.labels, codes, self.tasks_, self.unseen_tasks, self.task_feature)
        # Unseen tasks have code -1: the last column, the mean task.
        n_tasks = len(self.tasks_)
        coef = np.vstack([self.coef_, self.coef_.mean(axis=0)])
        intercept = np.append(self.intercept_, self.intercept_.mean())
        design = StackedDesign(rows.X, codes % (n_tasks + 1), n_tasks + 1)
        return design.restore(design.apply(coef.T)) + intercept[codes]

    @abstractmethod
    def _read_problem(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None, tasks: ArrayLike | None) -> Problem:
        """Read the data, publish what follows from them alone (tasks_, classes_, names), and state the problem."""

    @abstractmethod
    def fit(
        self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None, *, tasks: ArrayLike | None = None
    ) -> Self:
        """Fit the model."""
