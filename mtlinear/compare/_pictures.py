"""The pictures of the report, as SVG text: made without a display, the same bytes for the same numbers."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mtlinear.compare._results import Comparison, TaskGain
from mtlinear.plotting import ParameterMatrixDisplay, StructureComparisonDisplay, TransferDisplay

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_GREY, _INK = "#8a8f98", "#222831"
_STYLE: Any = {
    "font.size": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": _GREY,
    "axes.labelcolor": _INK,
    "text.color": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "figure.dpi": 150,
    "svg.hashsalt": "mtlinear",
}


def score_picture(comparison: Comparison) -> str:
    """Score of every model with its standard error, the single-task score as a line."""
    with _style() as make_figure:
        figure = make_figure(figsize=StructureComparisonDisplay.figsize(len(comparison.rows)))
        StructureComparisonDisplay.from_comparison(comparison, ax=figure.add_subplot())
        return _svg(figure)


def gain_picture(gains: Sequence[TaskGain], classification: bool, best: str) -> str:
    """Gain of every task by the best structure, sorted; named bars for few tasks, thin ones for many."""
    unit = "difference in ROC AUC" if classification else "reduction of squared error"
    display = TransferDisplay(
        gains=[gain.gain.mean for gain in gains],
        errors=[gain.gain.error for gain in gains],
        tasks=[gain.task for gain in gains],
        relative=not classification,
        measure=f"{unit}\n{best} against single-task",
    )
    with _style() as make_figure:
        figure = make_figure(figsize=display.figsize())
        display.plot(figure.add_subplot())
        return _svg(figure)


def matrix_picture(comparison: Comparison, feature_names: Sequence[str]) -> str:
    """Parameter matrices of all models side by side, features x tasks, on one symmetric colour scale."""
    rows = comparison.rows
    display = ParameterMatrixDisplay(
        matrices={row.model.name: row.folds[0].A for row in rows},
        feature_names=feature_names,
        task_names=comparison.data.task_names,
    )
    n_features, n_tasks = rows[0].folds[0].A.shape
    wide = n_tasks > 1.6 * n_features
    columns = 2 if wide else min(len(rows), 4 if n_tasks > 0.5 * n_features else len(rows))
    lines = -(-len(rows) // columns)
    height = float(np.clip(11.0 / columns * n_features / n_tasks, 1.6, 6.0))
    with _style() as make_figure:
        figure = make_figure(figsize=(11.0, lines * (height + 0.9) + 0.5), layout="constrained")
        panels = figure.subplots(lines, columns, squeeze=False).ravel()
        for panel in panels[len(rows) :]:
            panel.set_axis_off()
        display.plot(panels[: len(rows)])
        for panel, row in zip(panels, rows, strict=False):
            panel.title.set_fontweight("bold" if row is comparison.best else "normal")
        return _svg(figure)


class _style:
    """The style of the report, and a way to make figures that never touches pyplot or a display."""

    def __enter__(self) -> Any:
        import matplotlib
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        self._context = matplotlib.rc_context(_STYLE)
        self._context.__enter__()

        def make(**options: Any) -> Figure:
            figure = Figure(**options)
            FigureCanvasAgg(figure)
            return figure

        return make

    def __exit__(self, *error: Any) -> None:
        self._context.__exit__(*error)


def _svg(figure: Figure) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", bbox_inches="tight", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()
