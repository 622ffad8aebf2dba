"""What is shown in the terminal: rich where there is one, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any, Self

from mtlinear.compare._crossvalidation import FoldResult
from mtlinear.compare._models import Model
from mtlinear.compare._results import Comparison, Estimate, Row
from mtlinear.compare._scores import score_name


class Progress:
    """A progress bar on a terminal; elsewhere one line per finished model. Both on stderr."""

    def __init__(self, models: tuple[Model, ...], folds: int):
        self._remaining = {model.name: folds for model in models}
        self._total = len(models) * folds
        self._done = 0
        self._started = time.monotonic()
        self._bar: Any = None

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
            from rich.progress import Progress as Bar

            columns = (TextColumn("{task.description:<18}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
            self._bar = Bar(*columns, console=Console(stderr=True), transient=True)
            self._bar.start()
            self._task = self._bar.add_task("starting", total=self._total)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def advance(self, result: FoldResult) -> None:
        """One model has finished one fold."""
        self._done += 1
        self._remaining[result.model] -= 1
        if self._bar is not None:
            self._bar.update(self._task, completed=self._done, description=result.model)
        elif self._remaining[result.model] == 0:
            seconds = time.monotonic() - self._started
            print(f"{result.model} done ({self._done} of {self._total}, {seconds:.0f} s)", file=sys.stderr, flush=True)


def print_table(comparison: Comparison) -> None:
    """The table of the models on stdout."""
    head, lines = table_cells(comparison)
    if sys.stdout.isatty():
        from rich.console import Console
        from rich.table import Table

        table = Table(*head, row_styles=["", "dim"])
        best = comparison.best
        for row, line in zip(comparison.rows, lines, strict=True):
            table.add_row(*line, style="bold green" if row is best else None)
        Console().print(table)
        return
    widths = [max(len(line[k]) for line in [head, *lines]) for k in range(len(head))]
    for line in [head, ["-" * width for width in widths], *lines]:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def table_cells(comparison: Comparison) -> tuple[list[str], list[list[str]]]:
    """Head and lines of the table."""
    head = ["model", f"{score_name(comparison.data)} ± SE", "against single-task", "ms per fit", "chosen parameters"]
    return head, [_line(row, comparison) for row in comparison.rows]


def _line(row: Row, comparison: Comparison) -> list[str]:
    folds = len(comparison.splits)
    name = row.model.name if len(row.folds) == folds else f"{row.model.name} ({len(row.folds)} of {folds} folds)"
    difference = "reference" if row.difference is None else format_estimate(row.difference, "+.4f")
    return [name, format_estimate(row.score, ".4f"), difference, f"{1000 * row.seconds:.0f}", row.chosen]


def format_estimate(value: Estimate, form: str) -> str:
    """A mean with its standard error; without one for a single fold."""
    mean = format(value.mean, form)
    return f"{mean} ± {value.error:.4f}" if value.error == value.error else mean
