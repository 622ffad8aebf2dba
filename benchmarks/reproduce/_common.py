"""What the reproductions share: their arguments, repetitions that Ctrl-C may end, tables, and curves as text."""

from __future__ import annotations

import argparse
import platform
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import scipy
import sklearn
from numpy.typing import ArrayLike
from sklearn.isotonic import isotonic_regression

import mtlinear

Result = TypeVar("Result")

#: Height and width of a plot in characters.
_HEIGHT, _WIDTH = 12, 64


def parser(description: str | None, repetitions: int, *, figure: bool = True) -> argparse.ArgumentParser:
    """The arguments that every script has."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--quick", action="store_true", help="small problems and few repetitions: a few seconds")
    made.add_argument(
        "--repetitions", type=_positive, metavar="N", help=f"random repetitions (default {repetitions}, 2 with --quick)"
    )
    made.add_argument("--seed", type=int, default=0, help="of the first repetition; the others follow (default 0)")
    if figure:
        made.add_argument("--figure", metavar="PATH", help="also draw the curves to this file (needs matplotlib)")
    made.set_defaults(default_repetitions=repetitions)
    return made


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {text}")
    return value


def seeds(arguments: argparse.Namespace) -> range:
    """One seed for each repetition."""
    count = arguments.repetitions or (2 if arguments.quick else arguments.default_repetitions)
    return range(arguments.seed, arguments.seed + count)


def repeat(one: Callable[[int], Result], all_seeds: Sequence[int]) -> list[Result]:
    """``one(seed)`` for every seed, with progress on stderr; after Ctrl-C what is complete."""
    done: list[Result] = []
    start = time.perf_counter()
    try:
        for seed in all_seeds:
            done.append(one(seed))
            spent = time.perf_counter() - start
            progress = f"repetition {len(done)} of {len(all_seeds)} (seed {seed}): {spent:.0f} s"
            print(progress, file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        print(f"interrupted: the results are of {len(done)} repetitions", flush=True)
    return done


def print_header(title: str, settings: Mapping[str, Any]) -> None:
    """What a reader needs to repeat the run."""
    versions = {
        "mtlinear": mtlinear.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "scikit-learn": sklearn.__version__,
    }
    print(title)
    print(", ".join(f"{key} {value}" for key, value in {**settings, **versions}.items()), flush=True)


def with_error(values: ArrayLike, digits: int = 2) -> str:
    """Mean and standard error over the repetitions."""
    found = np.asarray(values, dtype=float)
    error = f"{np.std(found, ddof=1) / np.sqrt(len(found)):.{digits}f}" if len(found) > 1 else "?"
    return f"{np.mean(found):.{digits}f} ± {error}"


def at_end_of_grid(model: Any) -> bool:
    """Whether a cross-validated model took the largest or the smallest strength on offer: then more might be better."""
    n_alphas = np.shape(model.alphas_)[-1]
    return int(model.best_index_) % n_alphas in (0, n_alphas - 1)


def print_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A Markdown table with aligned columns."""
    lines = [list(header), *map(list, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    for number, line in enumerate(lines):
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |")
        if number == 0:
            print("|" + "|".join("-" * (width + 2) for width in widths) + "|")


def crossing(x: ArrayLike, probability: ArrayLike, level: float = 0.5) -> float:
    """Where the rising curve next to these points (isotonic regression) gets to the level, by linear interpolation.

    The first of noisy points that is above the level would be early. nan if it does not get there; -inf if it is there
    from the start; the middle, where it stays at the level for a while.
    """
    x, rising = np.asarray(x, dtype=float), isotonic_regression(np.asarray(probability, dtype=float))
    above = np.flatnonzero(rising >= level - 1e-12)
    if not len(above):
        return float("nan")
    k = int(above[0])
    if k == 0:
        return float("-inf")
    at = np.flatnonzero(np.abs(rising - level) <= 1e-12)
    if len(at):
        return float((x[at[0]] + x[at[-1]]) / 2.0)
    share = (level - rising[k - 1]) / (rising[k] - rising[k - 1])
    return float(x[k - 1] + share * (x[k] - x[k - 1]))


def print_curves(x: ArrayLike, curves: Mapping[str, ArrayLike], x_name: str, *, top: float | None = None) -> None:
    """Curves over one x as a plot of characters; the first letters of their names mark them."""
    x = np.asarray(x, dtype=float)
    top = top or max(float(np.max(np.asarray(values))) for values in curves.values()) or 1.0
    cells = [[" "] * _WIDTH for _ in range(_HEIGHT)]
    for name, values in curves.items():
        columns = np.round((x - x[0]) / (x[-1] - x[0]) * (_WIDTH - 1)).astype(int)
        lines = np.round((1.0 - np.asarray(values) / top) * (_HEIGHT - 1)).astype(int)
        for column, line in zip(columns, lines, strict=True):
            # Where two curves meet the later one would hide the earlier.
            cells[line][column] = name[0] if cells[line][column] == " " else "*"
    for number, line in enumerate(cells):
        label = {0: f"{top:6.4g}", _HEIGHT - 1: f"{0:6d}"}.get(number, " " * 6)
        print(f"{label} |{''.join(line)}".rstrip())
    print(" " * 7 + "+" + "-" * _WIDTH)
    left, right = f"{x[0]:.4g}", f"{x[-1]:.4g}"
    print(" " * 8 + left + x_name.center(_WIDTH - len(left) - len(right)) + right)
    print(" " * 8 + ", ".join(f"{name[0]} {name}" for name in curves) + ", * several")


def draw(path: str, panels: Mapping[str, tuple[ArrayLike, Mapping[str, ArrayLike]]], x_name: str, y_name: str) -> None:
    """One panel beside the other, each with its x and its curves."""
    try:
        import matplotlib
    except ImportError as error:
        raise ImportError("--figure needs matplotlib: pip install matplotlib") from error
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(panels), figsize=(4.2 * len(panels), 3.4), squeeze=False, layout="constrained")
    for ax, (title, (x, curves)) in zip(axes[0], panels.items(), strict=True):
        for name, values in curves.items():
            ax.plot(x, values, marker="o", markersize=3, label=name)
        ax.set(title=title, xlabel=x_name, ylabel=y_name)
    axes[0][0].legend(fontsize=8)
    figure.savefig(path, dpi=110)
    plt.close(figure)
