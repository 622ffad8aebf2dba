"""What a search by cross-validation chooses from beside alpha: the candidates of ``param_grid``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sklearn.base import clone
from sklearn.model_selection import ParameterGrid

from mtlinear.penalties import Penalty
from mtlinear.problem import Problem


def read_candidates(
    param_grid: Mapping[str, Sequence[Any]] | Sequence[Mapping[str, Sequence[Any]]] | None, penalty: Penalty
) -> list[dict[str, Any]]:
    """Values by name, for every candidate of a grid; where it names no penalty, they are of the given one."""
    grid = {} if param_grid is None else param_grid
    dicts = [grid] if isinstance(grid, Mapping) else list(grid)
    if not all(isinstance(each, Mapping) for each in dicts):
        raise TypeError(f"param_grid must be a dict of lists, or a list of such dicts, got {grid!r}.")
    if not dicts:
        raise ValueError("param_grid is an empty list; None means that only alpha is chosen.")
    for each in dicts:
        if "alpha" in each:
            raise ValueError("param_grid must not hold 'alpha': alphas= says which are tried.")
        if "penalty" not in each:
            known = {*penalty.get_params(), "l2_alpha"} - {"alpha"}
            wrong = sorted(set(each) - known)
            if wrong:
                raise ValueError(
                    f"param_grid names {wrong}, which {type(penalty).__name__} does not have; it may name "
                    f"{sorted({*known, 'penalty'})}."
                )
    return list(ParameterGrid(dicts))


def with_values(problem: Problem, candidate: Mapping[str, Any]) -> Problem:
    """The problem with the penalty, its parameters and the ridge of a candidate."""
    values = {name: clone(value, safe=False) for name, value in candidate.items()}
    l2_alpha = values.pop("l2_alpha", problem.l2_alpha)
    penalty = values.pop("penalty", problem.penalty)
    if not isinstance(penalty, Penalty):
        raise TypeError(f"param_grid: penalty must be an object of mtlinear.penalties, got {penalty!r}.")
    return Problem.of(problem.data, clone(penalty).set_params(**values), l2_alpha=l2_alpha)
