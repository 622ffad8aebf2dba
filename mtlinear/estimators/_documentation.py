"""The docstring of a public estimator, put together from what the class, its structure and all models have to say.

A structure says what is believed, its Omega, its parameters and where they come from; a public class its loss and its
examples; here is what all estimators share. All are written once, as sections of numpydoc.
"""

from __future__ import annotations

import inspect
import re
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
    An object of `mtlinear.solvers`; None chooses by loss, penalty and sizes (`mtlinear.solvers.choose_solver`).
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
    pickled if it can (functions of a module; not a lambda)."""

_ATTRIBUTES = """coef_ : ndarray of shape (n_tasks, n_features)
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

_CLASSIFIER_ATTRIBUTES = """classes_ : ndarray
    The class labels; for multi-label y ``arange(n_tasks)``.
task_classes_ : ndarray of shape (n_tasks, 2)
    Negative and positive label of every column of a multi-label y (only then)."""

_PENALTIES = "\n        +  Omega(A)  +  l2_alpha/2 ||A||_F^2"
_OBJECTIVE = {
    "Regressor": "(1/m) sum_t w_t sum_{i in task t} s_i (y_i - x_i . a_t - b_t)^2 / 2" + _PENALTIES,
    "Classifier": "(1/m) sum_t w_t sum_{i in task t} s_i log(1 + exp(-y_i (x_i . a_t + b_t)))" + _PENALTIES,
}

#: What the parameter ``loss`` may be.
_LOSSES = {
    "Regressor": (
        "An object of `mtlinear.losses`: ``Huber(delta=1.35)`` for outliers, ``Poisson()`` for counts (predict then\n"
        "    gives their expectation, the exponential of the score), or one of your own. None is the squared loss."
    ),
    "Classifier": (
        "An object of `mtlinear.losses`: ``SquaredHinge()`` for a support vector machine, which has no probabilities.\n"
        "    None is the logistic loss."
    ),
}

_MINIMISES = """Minimises

    %s

with sample weights s_i, task weights w_t and m = (sum of s_i) / n_tasks; for one X shared by all tasks and no weights
m is the number of rows."""


def documented(cls: C) -> C:
    """Put the docstring of a public estimator together; its first base is the structure.

    Of the parameters and attributes, entries of a structure come before those of all models, and hold instead of them;
    an entry of the class with a bare name goes on where the structure's ends. Filled in are ``%(objective)s``,
    ``%(losses)s`` (what ``loss`` may be), ``%(kind)s`` (Regressor or Classifier), ``%(default_penalty)s``, and
    ``%(name)s`` with the default of any parameter.
    """
    kind = "Classifier" if "Classifier" in cls.__name__ else "Regressor"
    signature = inspect.signature(cls).parameters
    own, structure = _sections(cls), _sections(cls.__bases__[0])
    belief, *formula = structure[""].split("\n\n")
    loss, *notes = own[""].split("\n\n")
    parameters = _described(cls, "Parameters")
    parameters |= {name: text for name, text in _COMMON.items() if name in signature and name not in parameters}
    attributes = _COMMON_ATTRIBUTES[kind] | _described(cls, "Attributes")
    sections = {
        "Parameters": "\n".join(parameters.values()),
        "Attributes": "\n".join(attributes.values()),
        "References": structure.get("References"),
        "Examples": own.get("Examples"),
    }
    texts = [f"{belief.removesuffix('.')}; {loss[0].lower()}{loss[1:]}", *formula, *notes]
    texts += [f"{title}\n{'-' * len(title)}\n{text}" for title, text in sections.items() if text]
    fields = {name: parameter.default for name, parameter in signature.items()} | {
        "objective": _MINIMISES % _OBJECTIVE[kind],
        "losses": _LOSSES[kind],
        "kind": kind,
        "default_penalty": getattr(cls, "_default_penalty", None),
    }
    cls.__doc__ = "\n\n".join(texts) % fields + "\n"
    return cls


def _sections(cls: type) -> dict[str, str]:
    """The sections of a docstring by title; "" is what stands before the first."""
    before, *rest = re.split(r"^(\w+)\n-+\n", inspect.cleandoc(cls.__doc__ or ""), flags=re.MULTILINE)
    return {"": before.strip()} | {title: text.strip() for title, text in zip(rest[::2], rest[1::2], strict=True)}


def _described(cls: type, title: str) -> dict[str, str]:
    """Entries of a section, of a class and the structures it is made from, those of the most general first."""
    base = cls.__bases__[0]
    entries = _described(base, title) if base.__name__.startswith("_") else {}
    for name, text in _entries(_sections(cls).get(title, "")).items():
        goes_on = text.startswith(f"{name}\n") and name in entries
        entries[name] = entries[name] + text.removeprefix(name) if goes_on else text
    return entries


def _entries(section: str) -> dict[str, str]:
    """The entries of a section by name."""
    entries = re.split(r"\n(?=\S)", section) if section else []
    return {re.split(r" : |\n", entry)[0]: entry for entry in entries}


_COMMON = _entries(_PARAMETERS)
_COMMON_ATTRIBUTES = {
    "Regressor": _entries(_ATTRIBUTES),
    "Classifier": _entries(f"{_ATTRIBUTES}\n{_CLASSIFIER_ATTRIBUTES}"),
}
