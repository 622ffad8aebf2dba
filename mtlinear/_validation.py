"""Checks of single arguments. Each raises an error that names the argument, its value and what is allowed."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np


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


def _describe(above: float | None, at_least: float | None, below: float | None, at_most: float | None) -> str:
    bounds = [
        f"{sign} {bound:g}"
        for sign, bound in ((">", above), (">=", at_least), ("<", below), ("<=", at_most))
        if bound is not None
    ]
    return " " + " and ".join(bounds) if bounds else ""
