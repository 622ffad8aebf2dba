"""Penalties made of others, as scikit-learn parameter objects: the others are parameters, named by position."""

from __future__ import annotations

from typing import Self

from sklearn.base import clone

from mtlinear._typing import Indices
from mtlinear.penalties._base import Penalty


class Composite(Penalty):
    """A penalty made of two or more: ``penalty_0``, ``penalty_1``, ..., with parameters ``penalty_0__alpha``, ..."""

    def __init__(self, *penalties: Penalty):
        self.penalties = penalties

    # scikit-learn reads parameters from the signature, which *penalties has none of: they are named by position.
    def get_params(self, deep: bool = True) -> dict[str, object]:
        params: dict[str, object] = {}
        for k, penalty in enumerate(self.penalties):
            params[f"penalty_{k}"] = penalty
            if deep:
                params |= {f"penalty_{k}__{name}": value for name, value in penalty.get_params().items()}
        return params

    def set_params(self, **params: object) -> Self:
        penalties = list(self.penalties)
        nested: dict[int, dict[str, object]] = {}
        for key, value in params.items():
            name, _, inner = key.partition("__")
            known = {f"penalty_{k}": k for k in range(len(penalties))}
            if name not in known:
                raise ValueError(f"Invalid parameter {key!r}; {type(self).__name__} has {sorted(known)}.")
            if inner:
                nested.setdefault(known[name], {})[inner] = value
            else:
                penalties[known[name]] = value  # type: ignore[call-overload]
        for k, inner_params in nested.items():
            penalties[k].set_params(**inner_params)
        self.penalties = tuple(penalties)
        return self

    def __sklearn_clone__(self) -> Self:
        return type(self)(*(clone(penalty) for penalty in self.penalties))

    def check(self, n_features: int, n_tasks: int) -> None:
        if len(self.penalties) < 2:
            raise ValueError(f"{type(self).__name__} needs at least two penalties, got {len(self.penalties)}.")
        for k, penalty in enumerate(self.penalties):
            if not isinstance(penalty, Penalty):
                raise TypeError(
                    f"penalty_{k} must be a Penalty object, got {penalty!r} of type {type(penalty).__name__}."
                )
            penalty.check(n_features, n_tasks)

    def restrict(self, rows: Indices) -> Self:
        return type(self)(*(penalty.restrict(rows) for penalty in self.penalties))

    def scaled(self, factor: float) -> Self:
        return type(self)(*(penalty.scaled(factor) for penalty in self.penalties))
