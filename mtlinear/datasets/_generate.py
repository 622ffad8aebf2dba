"""Rows and targets for a parameter matrix that is known: what all generators have in common."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from numbers import Integral
from typing import Any

import numpy as np
from scipy.special import expit
from sklearn.utils import check_random_state

from mtlinear._typing import Array, Indices
from mtlinear._validation import check_boolean, check_integer, check_real
from mtlinear.parameters import ParameterMatrix

_COMMON = """
    n_samples : int, or sequence of n_tasks ints, default 50
        Rows of every task; a sequence makes tasks of different sizes, which need ``shared_rows=False``.
    n_features : int, default 30
    n_tasks : int, default 10
    noise : float >= 0, default None
        Standard deviation of what is added to the target; None is 1.0. With ``classification`` it is added to the
        scores, None is 0.0, and only then are the labels those of the logistic model of the true parameters.
    correlation : float in (-1, 1), default 0.0
        Of neighbouring features, which are standard normal: ``correlation ** |i - j|`` (an AR(1) design).
    shared_rows : bool, default True
        True: all tasks have the same rows. False: every task has rows of its own, one task after the other.
    classification : bool, default False
        Labels 0 and 1, drawn with probability ``1 / (1 + exp(-score))``, in place of numbers.
    return_parameters : bool, default False
        Return the true parameters, too.
    random_state : int, RandomState or None, default None
        The same seed gives the same data.

    Returns
    -------
    X : ndarray (n_samples, n_features), or with ``shared_rows=False`` (n_rows, n_features)
    y : ndarray (n_samples, n_tasks), or with ``shared_rows=False`` (n_rows,)
    tasks : ndarray of int (n_rows,)
        Only with ``shared_rows=False``: the task of every row, 0, 1, ...%(more)s
    parameters : ParameterMatrix
        Only with ``return_parameters=True``; %(parts)s. There are no intercepts.
"""


def generator(*, more: str = "", parts: str = "one part, A") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make a public generator of a function ``(sizes, *, own parameters) -> parameters or (parameters, more, ...)``.

    The result takes the common parameters, has them in its signature and, where its docstring says ``%(common)s``, in
    its documentation; it returns the data.
    """

    def make(truth: Callable[..., Any]) -> Callable[..., Any]:
        own = list(inspect.signature(truth).parameters.values())[1:]
        common = list(inspect.signature(Sizes).parameters.values())
        names = {parameter.name for parameter in own}

        @functools.wraps(truth)
        def make_data(*args: Any, **options: Any) -> tuple[Any, ...]:
            bound = signature.bind(*args, **options)
            given = bound.arguments
            sizes = Sizes(**{name: value for name, value in given.items() if name not in names})
            found = truth(sizes, **{name: value for name, value in given.items() if name in names})
            parameters, *rest = found if isinstance(found, tuple) else (found,)
            return sizes.data(parameters, *rest)

        signature = inspect.Signature([*common[:3], *own, *common[3:]], return_annotation=tuple[Any, ...])
        make_data.__signature__ = signature  # type: ignore[attr-defined]
        text = (_COMMON % {"more": more, "parts": parts}).strip("\n").lstrip()
        make_data.__doc__ = (truth.__doc__ or "").replace("%(common)s", text)
        return make_data

    return make


class Sizes:
    """Checked sizes of a data set, and the random numbers it is made of."""

    def __init__(
        self,
        n_samples: int | Sequence[int] = 50,
        n_features: int = 30,
        n_tasks: int = 10,
        *,
        noise: float | None = None,
        correlation: float = 0.0,
        shared_rows: bool = True,
        classification: bool = False,
        return_parameters: bool = False,
        random_state: Any = None,
    ):
        self.n_features = check_integer("n_features", n_features, at_least=1)
        self.n_tasks = check_integer("n_tasks", n_tasks, at_least=1)
        self.correlation = check_real("correlation", correlation, above=-1.0, below=1.0)
        self.shared_rows = check_boolean("shared_rows", shared_rows)
        self.classification = check_boolean("classification", classification)
        default = 0.0 if self.classification else 1.0
        self.noise = default if noise is None else check_real("noise", noise, at_least=0.0)
        self.return_parameters = check_boolean("return_parameters", return_parameters)
        self.rows = _rows(n_samples, self.n_tasks, self.shared_rows)
        self.random = check_random_state(random_state)

    def normal(self, *shape: int) -> Array:
        """Standard normal numbers."""
        return np.asarray(self.random.standard_normal(shape))

    def choose(self, count: int, among: int | Array) -> Indices:
        """So many different ones."""
        return np.asarray(self.random.choice(among, count, replace=False))

    def check_informative(self, n_informative: int, name: str = "n_informative") -> int:
        """A number of features, at most all."""
        count = check_integer(name, n_informative, at_least=1)
        if count > self.n_features:
            raise ValueError(f"{name} must be at most n_features={self.n_features}, got {count}.")
        return count

    def data(self, parameters: ParameterMatrix, *more: Any) -> tuple[Any, ...]:
        """The tuple that a generator returns: rows, targets, tasks, what else there is, and the true parameters."""
        A = parameters.values
        codes = np.repeat(np.arange(self.n_tasks), self.rows)
        X = self._features(self.rows[0] if self.shared_rows else len(codes))
        scores = X @ A if self.shared_rows else np.einsum("ij,ij->i", X, A.T[codes])
        scores = scores + self.noise * self.normal(*scores.shape)
        y = (self.random.uniform(size=scores.shape) < expit(scores)).astype(int) if self.classification else scores
        rows = (X, y) if self.shared_rows else (X, y, codes)
        return (*rows, *more, parameters) if self.return_parameters else (*rows, *more)

    def _features(self, n_rows: int) -> Array:
        X = self.normal(n_rows, self.n_features)
        for j in range(1, self.n_features if self.correlation else 0):
            X[:, j] = self.correlation * X[:, j - 1] + np.sqrt(1.0 - self.correlation**2) * X[:, j]
        return X


def _rows(n_samples: int | Sequence[int], n_tasks: int, shared: bool) -> list[int]:
    """Rows of every task."""
    if isinstance(n_samples, int | Integral):
        return [check_integer("n_samples", n_samples, at_least=1)] * n_tasks
    if isinstance(n_samples, str) or not isinstance(n_samples, Sequence | np.ndarray):
        raise TypeError(f"n_samples must be a whole number >= 1, or one for each task, got {n_samples!r}.")
    if shared:
        raise ValueError("n_samples must be one number with shared_rows=True; for tasks of different sizes, use False.")
    if len(n_samples) != n_tasks:
        raise ValueError(f"n_samples must have a number for each of the {n_tasks} tasks, got {len(n_samples)}.")
    return [check_integer("n_samples", size, at_least=1) for size in n_samples]
