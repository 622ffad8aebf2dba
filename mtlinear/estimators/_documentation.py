"""The parts of the public docstrings and signatures that all estimators share, written once."""

from __future__ import annotations

from typing import TypeVar

C = TypeVar("C", bound=type)

_PARAMETERS = """l2_alpha : float >= 0, default 0.0
    Strength of a ridge term ``l2_alpha/2 ||A||_F^2`` beside Omega (an elastic net, whatever the structure).
fit_intercept : bool, default True
    One unpenalised intercept per task, solved exactly.
task_feature : str or int, default None
    Column of X (name, or position; negative counts from the end) that holds the task label of each row.
task_weight : mapping or sequence, default None
    Positive weight w_t of each task in the objective: a mapping from task label (labels that do not occur are no error,
    so that folds without a task can be fitted), or numbers in the order of ``tasks_``. None means 1.
unseen_tasks : {'error', 'mean'}, default 'error'
    What predict does with a task label that was not in fit: raise, or use the mean task vector and intercept.
warm_start : bool, default False
    Start the next fit from the present coefficients.
solver : Solver, default None
    An object of `mtlinear.solvers`; None chooses: ``WorkingSet()`` for penalties on rows with many features, else
    ``FISTA()`` (`mtlinear.solvers.choose_solver`).
tol : float > 0, default 1e-6
    Stop when duality gap <= tol * (objective at A = 0 with the best intercept). With a float32 X everything is computed
    in float32, whose rounding allows no tol below 4e-6: a smaller one counts as that.
max_iter : int >= 1, default 10000
    Iterations after which the solver stops with a ConvergenceWarning.
verbose : int >= 0, default 0
    1 prints a line at every look at the duality gap.
callback : callable, default None
    Called with a `mtlinear.solvers.Check` (n_iter, objective, gap, seconds) at every look at the duality gap, also at
    the start. If the answer is true the fit ends there, with a ConvergenceWarning; an error it raises leaves the model
    as it was. It is a parameter like any other: ``clone`` copies objects that have a state with it, and a model can be
    pickled if it can (functions of a module; not a lambda).

Attributes
----------
coef_ : ndarray of shape (n_tasks, n_features)
    Parameter vectors of the tasks, the transpose of A. The task column, if any, is not a feature.
intercept_ : ndarray of shape (n_tasks,)
parameters_ : ParameterMatrix
    A with names, parts, row norms, support, rank, similarity and clusters of tasks.
tasks_ : ndarray of shape (n_tasks,)
    Labels of the tasks: the sorted labels, the columns of y, or the classes of one-vs-rest tasks.
dual_gap_ : float
    Proof of optimality: no parameters have an objective below ``objective_ - dual_gap_``.
objective_ : float
null_objective_ : float
    Objective at A = 0 with the best intercept: the unit of ``tol``.
n_iter_ : int
history_ : tuple of Check
    Iterations, objective, gap and seconds at every look at the certificate.
n_features_in_ : int
    Columns of X in fit, the task column included."""

_CLASSIFIER_ATTRIBUTES = """
classes_ : ndarray
    The class labels; for multi-label y ``arange(n_tasks)``.
task_classes_ : ndarray of shape (n_tasks, 2)
    Negative and positive label of every column of a multi-label y (only then)."""

_PENALTIES = "\n        +  Omega(A)  +  l2_alpha/2 ||A||_F^2"
_CV = """alphas : int or array-like of float > 0, default 100
    How many, or which. A number gives each candidate its own log-spaced grid from alpha_max, the smallest alpha with
    A = 0, down to ``eps * alpha_max``; for quadratic penalties see `mtlinear.path.alpha_max`.
eps : float in (0, 1], default 1e-3
    Smallest alpha over the largest, for a number of alphas.
param_grid : dict or list of dicts, default None
    More to choose: lists of values by name of a parameter of the penalty (``{"q": [2, np.inf]}``), ``"l2_alpha"``, or
    ``"penalty"`` for whole penalty objects. For an InfimalConvolution ``"penalty_0__alpha"`` and the like: since alphas
    multiply all of it, these are the proportions of its parts.
scoring : str, callable or None, default None
    A scorer of scikit-learn or of `mtlinear.metrics`; larger is better. It gets the model that fit would make of the
    training rows; tasks are handed to it where it takes them, and any scorer works with ``tasks=``; sample weights are
    not. None: minus the mean squared error or log loss of the held-out rows, weighted as in the objective; it takes
    NaN in y.
cv : int, splitter or iterable, default None
    None: 5 folds. A number: `TaskKFold` where rows belong to tasks, StratifiedKFold for a 1-D y of classes, else KFold.
    A `TaskKFold` without tasks of its own gets those of fit. An iterable gives pairs (train, test) of row numbers or
    boolean masks. The mean over folds counts each the same.
one_standard_error : bool, default False
    Take, of the best candidate, the largest alpha whose mean score is within one standard error of the best."""

_CV_SOLVING = """n_jobs : int, default None
    Processes of joblib, over candidates and folds; None is 1.
verbose : int >= 0, default 0
    1 prints a line to stderr for every path that is done; 2 also, to stdout, one at every look at the duality gap in
    the last fit, on all rows."""

_CV_ATTRIBUTES = """alpha_ : float
    The chosen one.
penalty_ : Penalty
    The chosen penalty, with its alpha.
l2_alpha_ : float
alphas_ : ndarray of shape (n_alphas,), or (n_candidates, n_alphas) with param_grid
    From the largest.
score_path_ : ndarray of shape (n_alphas, n_folds), or (n_candidates, n_alphas, n_folds) with param_grid
    Scores of the held-out rows.
dual_gap_path_ : ndarray of the same shape
    Duality gap of every fit on a fold, as a fraction of its objective at A = 0.
cv_results_ : dict
    The same in the keys of GridSearchCV.
best_params_, best_score_, best_index_
    As in GridSearchCV.
n_splits_ : int"""

_OBJECTIVE = {
    "Regressor": "(1/m) sum_t w_t sum_{i in task t} s_i (y_i - x_i . a_t - b_t)^2 / 2" + _PENALTIES,
    "Classifier": "(1/m) sum_t w_t sum_{i in task t} s_i log(1 + exp(-y_i (x_i . a_t + b_t)))" + _PENALTIES,
}
_NOTES = """Minimises

    %s

with sample weights s_i, task weights w_t and m = (sum of s_i) / n_tasks; for one X shared by all tasks and no weights
m is the number of rows."""


def documented(cls: C) -> C:
    """Fill the ``%(...)s`` in the docstring of an estimator."""
    kind = "Classifier" if "Classifier" in cls.__name__ else "Regressor"
    common = _PARAMETERS + (_CLASSIFIER_ATTRIBUTES if kind == "Classifier" else "")
    if cls.__name__.endswith("CV"):
        before, rest = common.split("warm_start : ")
        common = before + rest[rest.index("solver : ") :]
        before, rest = common.split("verbose : ")  # its own; no callback, for which fit a check belongs to is not said
        common = f"{before}{_CV_SOLVING}" + rest[rest.index("\n\nAttributes") :]
    fields = {"objective": _NOTES % _OBJECTIVE[kind], "common": common, "cv": _CV, "cv_attributes": _CV_ATTRIBUTES}
    cls.__doc__ = (cls.__doc__ or "") % {name: _indent(text) for name, text in fields.items()}
    return cls


def _indent(text: str) -> str:
    first, *rest = text.split("\n")
    return "\n".join([first, *(f"    {line}" if line else line for line in rest)])
