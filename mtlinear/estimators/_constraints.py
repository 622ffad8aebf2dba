"""What each parameter of the estimators may be; scikit-learn's own validation reads it at the start of fit.

What depends on the data (``n_clusters <= n_tasks``, the tasks of ``task_weight``) is checked where the data are known;
penalties and solvers check themselves too, since they are used without estimators.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sklearn.utils._param_validation import StrOptions

from mtlinear._validation import Number, ObjectOf, WholeNumber
from mtlinear.losses import Loss
from mtlinear.penalties import Penalty
from mtlinear.solvers import Solver

#: What `_parameter_constraints` of an estimator holds: parameter -> constraints, or no validation.
Constraints = dict[str, list[Any] | str]

#: The parameters of every model.
COMMON: Constraints = {
    "l2_alpha": [Number(at_least=0)],
    "fit_intercept": ["boolean"],
    "task_feature": [str, WholeNumber(), None],
    "task_weight": "no_validation",  # depends on the tasks: `read_task_weight`
    "unseen_tasks": [StrOptions({"error", "mean"})],
    "warm_start": ["boolean"],
    "solver": [ObjectOf(Solver, "an object of mtlinear.solvers, like FISTA()"), None],
    "tol": [Number(above=0)],
    "max_iter": [WholeNumber(at_least=1)],
    "verbose": ["verbose"],
    "callback": [callable, None],
}

#: The parameters of the penalties that have a structure of their own.
ALPHA: Constraints = {"alpha": [Number(above=0)]}
Q: Constraints = {"q": [Number(at_least=1, infinite=True)]}
L1_RATIO: Constraints = {"l1_ratio": [Number(above=0, below=1), None]}
COLUMN_RATIO: Constraints = {"column_ratio": [Number(above=0, below=1), None]}
MEAN_ALPHA: Constraints = {"mean_alpha": [Number(at_least=0)]}
CLUSTERS: Constraints = {
    "n_clusters": [WholeNumber(at_least=1)],
    "between_ratio": [Number(above=0, at_most=1)],
    "mean_ratio": [Number(at_least=0), None],
}

#: What a share of the whole may be, the ends included.
SHARE: list[Any] = [Number(at_least=0, at_most=1)]

#: Any penalty.
PENALTY: Constraints = {
    "penalty": [ObjectOf(Penalty, "an object of mtlinear.penalties, like TraceNorm(alpha=0.1)"), None]
}

#: Any loss; whether it is one for labels is checked where it is used.
LOSS: Constraints = {"loss": [ObjectOf(Loss, "an object of mtlinear.losses, like Huber()"), None]}

#: All parameters of an estimator that chooses some by cross-validation.
CROSS_VALIDATED: Constraints = {
    **{name: allowed for name, allowed in COMMON.items() if name not in {"warm_start", "callback"}},
    **PENALTY,
    **LOSS,
    "alphas": [WholeNumber(at_least=1), "array-like"],
    "eps": [Number(above=0, at_most=1)],
    "param_grid": [Mapping, list, tuple, None],
    "scoring": "no_validation",  # the search says what is wrong in fewer words than a list of sixty scorers
    "cv": ["cv_object"],
    "one_standard_error": ["boolean"],
    "n_jobs": [WholeNumber(), None],
}
