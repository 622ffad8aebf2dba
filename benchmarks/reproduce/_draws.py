"""Draws of the recovery curves: kept in a file, and what they say about the steps, with errors."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from _common import crossing, print_table
from _two_tasks import Array, Sizes
from numpy.typing import ArrayLike

#: For every method, whether it succeeded at each point of the grid.
Successes = Mapping[str, Sequence[bool]]

_FIELDS = ("rule", "p", "overlap", "seed", "grid", "method", "found")
_N_BOOTSTRAP = 1000


class Kept:
    """Successes of every draw. With a path they are in that file: a draw that is there is not run again.

    The file knows the rule, p, overlap, seed and grid of a draw. Whoever changes anything else (noise, penalties,
    numbers of strengths) has to delete it.
    """

    def __init__(self, path: str | None = None) -> None:
        self.path = Path(path) if path else None
        self._known: dict[tuple[str, ...], dict[str, list[bool]]] = {}
        if self.path is not None and self.path.is_file():
            with self.path.open(newline="") as file:
                for row in csv.DictReader(file):
                    key = tuple(row[name] for name in _FIELDS[:5])
                    self._known.setdefault(key, {})[row["method"]] = [one == "1" for one in row["found"]]

    def successes(
        self, rule: str, sizes: Sizes, seed: int, grid: ArrayLike, run: Callable[[], Successes]
    ) -> dict[str, list[bool]]:
        """Those of the file, or else of ``run()``, which are then added to it."""
        points = " ".join(f"{x:g}" for x in np.asarray(grid, dtype=float))
        key = (rule, str(sizes.p), f"{sizes.overlap:.4g}", str(seed), points)
        if key not in self._known:
            self._known[key] = {method: [bool(one) for one in found] for method, found in run().items()}
            self._append(key)
        return self._known[key]

    def _append(self, key: tuple[str, ...]) -> None:
        if self.path is None:
            return
        is_new = not self.path.is_file()
        with self.path.open("a", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            if is_new:
                writer.writerow(_FIELDS)
            for method, found in self._known[key].items():
                writer.writerow([*key, method, "".join("1" if one else "0" for one in found)])


def table(done: Sequence[Successes]) -> dict[str, Array]:
    """For every method 0 or 1, draws x grid."""
    return {method: np.array([one[method] for one in done], dtype=float) for method in done[0]}


class Step(NamedTuple):
    """Of one method: its step, and the base's step minus it, with standard errors.

    ``before`` and ``after``: the shares of the bootstrap samples in which the base's step is before and after it; one
    that is not on the grid is after all others.
    """

    at: float
    error: float
    behind: float
    behind_error: float
    before: float
    after: float


def _finite_spread(values: Array) -> float:
    """Standard deviation, nan unless nine in ten are finite."""
    finite = values[np.isfinite(values)]
    return float(np.std(finite)) if len(finite) >= 0.9 * len(values) else float("nan")


def steps(grid: ArrayLike, found: Mapping[str, Array], base: str) -> dict[str, Step]:
    """For every method.

    The errors are of a bootstrap over the draws, the same draws for all methods: differences are paired. nan where
    fewer than nine in ten of the bootstrap samples have a step on the grid.
    """
    n = len(found[base])
    rng = np.random.default_rng(0)
    samples = [np.arange(n), *(rng.integers(n, size=n) for _ in range(_N_BOOTSTRAP))]
    at = {
        method: np.array([crossing(grid, np.mean(values[sample], axis=0)) for sample in samples])
        for method, values in found.items()
    }
    results = {}
    with np.errstate(invalid="ignore"):  # inf - inf
        for method, values in at.items():
            behind = at[base] - values
            first, second = (
                np.nan_to_num(one[1:], nan=np.inf, posinf=np.inf, neginf=-np.inf) for one in (at[base], values)
            )
            results[method] = Step(
                values[0],
                _finite_spread(values[1:]),
                behind[0],
                _finite_spread(behind[1:]),
                float(np.mean(first < second)),
                float(np.mean(first > second)),
            )
    return results


def discordant(first: Array, second: Array) -> tuple[int, int]:
    """Draws, over all points of the grid, where only the first succeeded, and where only the second did."""
    return int(np.sum(first > second)), int(np.sum(first < second))


def _with_error(value: float, error: float, sign: str = "") -> str:
    return f"{value:{sign}.2f} ± {error:.2f}" if np.isfinite(error) else f"{value:{sign}.2f} ± ?"


def _place(step: Step, grid: ArrayLike) -> str:
    first, *_, last = np.asarray(grid)
    if np.isnan(step.at):
        return f"after {last:g}"
    return f"before {first:g}" if np.isinf(step.at) else _with_error(step.at, step.error)


def print_steps(
    problems: Mapping[Sizes, tuple[Array, dict[str, Array]]], theorem: Callable[[str, Sizes], float], base: str
) -> None:
    """Two tables: the steps, the theorem's in brackets; and the base against every other method, draw by draw."""
    names = list(next(iter(problems.values()))[1])
    others = [name for name in names if name != base]
    places, differences = [], []
    for sizes, (grid, found) in problems.items():
        what = [str(sizes.p), f"{sizes.overlap:.2f} ({sizes.shared}/{sizes.s})"]
        at = steps(grid, found, base)
        places.append([*what, *(f"{_place(at[name], grid)} ({theorem(name, sizes):.2f})" for name in names)])
        cells = []
        for name in others:
            only = "{}:{}".format(*discordant(found[base], found[name]))
            known = np.isfinite(at[name].behind)
            cells.append(
                f"{_with_error(at[name].behind, at[name].behind_error, '+')}, {only}" if known else f"?, {only}"
            )
        differences.append([*what, *cells])
    print_table(["p", "overlap", *names], places)
    print(f"\n{base} minus the others, on the same draws, and draws where only {base} succeeds : only the other:")
    print_table(["p", "overlap", *others], differences)
    print("± standard error: bootstrap over the draws")
