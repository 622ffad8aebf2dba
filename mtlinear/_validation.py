"""Checks of single arguments. Each raises an error that names the argument, its value and what is allowed.

The functions check a value where it is used. The classes are constraints for ``_parameter_constraints``, by which
scikit-learn checks the parameters of an estimator; unlike its own they take True and False for no numbers, and say in
words what is right.
"""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils._param_validation import HasMethods, Interval


def check_real(
    name: str,
    value: Any,
    *,
    above: float | None = None,
    at_least: float | None = None,
    below: float | None = None,
    at_most: float | None = None,
    infinite: bool = False,
) -> float:
    """Return value as a float if it is a real number within the bounds; say what would be right otherwise."""
    allowed = _describe(above, at_least, below, at_most)
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number{allowed}, got {value!r} of type {type(value).__name__}.")
    number = float(value)
    if np.isnan(number) or (np.isinf(number) and not infinite):
        raise ValueError(f"{name} must be a finite number{allowed}, got {value!r}.")
    outside = (
        (above is not None and number <= above)
        or (at_least is not None and number < at_least)
        or (below is not None and number >= below)
        or (at_most is not None and number > at_most)
    )
    if outside:
        raise ValueError(f"{name} must be a number{allowed}, got {value!r}.")
    return number


def check_integer(name: str, value: Any, *, at_least: int) -> int:
    """Return value as an int if it is a whole number >= at_least."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be a whole number >= {at_least}, got {value!r} of type {type(value).__name__}.")
    if value < at_least:
        raise ValueError(f"{name} must be a whole number >= {at_least}, got {value!r}.")
    return int(value)


def check_boolean(name: str, value: Any) -> bool:
    """Return value if it is True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False, got {value!r} of type {type(value).__name__}.")
    return bool(value)


class Number(Interval):  # a subclass, since scikit-learn accepts no constraints but its own
    """A finite real number within bounds (``infinite=True``: or infinity), for ``_parameter_constraints``.

    Bounds as in `check_real`.
    """

    def __init__(
        self,
        *,
        above: float | None = None,
        at_least: float | None = None,
        below: float | None = None,
        at_most: float | None = None,
        infinite: bool = False,
    ):
        self.allowed = ("a number" if infinite else "a finite number") + _describe(above, at_least, below, at_most)
        closed = {(False, False): "neither", (True, False): "left", (False, True): "right", (True, True): "both"}
        left = above if at_least is None else at_least
        right = below if at_most is None else at_most
        super().__init__(Real, left, right, closed=closed[at_least is not None, at_most is not None or infinite])

    def is_satisfied_by(self, val: Any) -> bool:
        return not isinstance(val, bool) and super().is_satisfied_by(val)

    def __str__(self) -> str:
        return self.allowed


class WholeNumber(Interval):
    """An integer, or one >= at_least, for ``_parameter_constraints``."""

    def __init__(self, *, at_least: int | None = None):
        super().__init__(Integral, at_least, None, closed="neither" if at_least is None else "left")

    def is_satisfied_by(self, val: Any) -> bool:
        return not isinstance(val, bool) and super().is_satisfied_by(val)

    def __str__(self) -> str:
        return "a whole number" + _describe(None, self.left, None, None)


class ObjectOf(HasMethods):
    """An instance of a class, described in words, for ``_parameter_constraints``."""

    def __init__(self, cls: type, description: str):
        super().__init__("get_params")
        self.cls = cls
        self.description = description

    def is_satisfied_by(self, val: Any) -> bool:
        return isinstance(val, self.cls)

    def __str__(self) -> str:
        return self.description


def _describe(above: float | None, at_least: float | None, below: float | None, at_most: float | None) -> str:
    bounds = [
        f"{sign} {bound:g}"
        for sign, bound in ((">", above), (">=", at_least), ("<", below), ("<=", at_most))
        if bound is not None
    ]
    return " " + " and ".join(bounds) if bounds else ""
