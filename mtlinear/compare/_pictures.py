"""The pictures of the report, as SVG text: made without a display, the same bytes for the same numbers."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mtlinear.compare._results import NOTABLE, Comparison, TaskGain
from mtlinear.compare._scores import score_name
from mtlinear.parameters import ParameterMatrix
from mtlinear.plotting import (
    ParameterMatrixDisplay,
    StructureComparisonDisplay,
    TaskSimilarityDisplay,
    TransferDisplay,
)
from mtlinear.plotting._order import order_of_tasks

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_GREY, _INK = "#8a8f98", "#222831"
#: Smallest correlation of two tasks from which on only their deviations from the mean show a structure.
_ALIKE = 0.9
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
    """Difference of every model to single-task models, paired by split, with two standard errors."""
    rows = [row for row in comparison.rows if row.difference is not None]
    differences = [row.difference for row in rows if row.difference is not None]
    display = StructureComparisonDisplay(
        names=[row.model.name for row in rows],
        scores=[difference.mean for difference in differences],
        errors=[NOTABLE * difference.error for difference in differences],
        reference=0.0,
        is_structure=[row.model.structure for row in rows],
        best=comparison.best.model.name if comparison.best else None,
        score_name=f"{score_name(comparison.data)} minus that of single-task models, mean ± {NOTABLE:g} SE",
    )
    with _style() as make_figure:
        figure = make_figure(figsize=StructureComparisonDisplay.figsize(len(rows)))
        display.plot(figure.add_subplot())
        return _svg(figure)


def gain_picture(gains: Sequence[TaskGain], classification: bool, best: str) -> str:
    """Gain of every task by the best structure, sorted; named bars for few tasks, thin ones for many."""
    unit = "difference in ROC AUC" if classification else "reduction of squared error"
    display = TransferDisplay(
        gains=[gain.gain.mean for gain in gains],
        errors=[gain.gain.error for gain in gains],
        tasks=[gain.task for gain in gains],
        relative=not classification,
        measure=f"{unit}, ± {NOTABLE:g} SE\n{best} against single-task",
    )
    with _style() as make_figure:
        figure = make_figure(figsize=display.figsize())
        display.plot(figure.add_subplot())
        return _svg(figure)


def structure_picture(parameters: ParameterMatrix) -> str:
    """A matrix with its tasks sorted by cluster or similarity."""
    n_features, n_tasks = parameters.values.shape
    panels = 1 if len(parameters.parts) == 1 else 1 + len(parameters.parts)
    width = float(np.clip(panels * np.clip(0.3 * n_tasks, 2.2, 9.0), 5.0, 11.0))
    with _style() as make_figure:
        figure = make_figure(figsize=(width, float(np.clip(0.2 * n_features, 2.0, 7.0)) + 0.8))
        ParameterMatrixDisplay.from_parameters(parameters, ax=figure.add_subplot())
        return _svg(figure)


def similarity_picture(parameters: ParameterMatrix) -> str:
    """Which tasks have similar parameters; where all have, which deviate alike from their mean."""
    alike = bool(np.min(parameters.task_similarity(), initial=1.0) > _ALIKE)  # NaN, where a task has none, is not
    side = float(np.clip(0.25 * parameters.n_tasks, 2.6, 7.0))
    with _style() as make_figure:
        figure = make_figure(figsize=(side / 0.76 + 1.2, side + 0.6))
        TaskSimilarityDisplay.from_parameters(parameters, center=alike, ax=figure.add_subplot())
        return _svg(figure)


def matrix_picture(
    comparison: Comparison, feature_names: Sequence[str], parameters: ParameterMatrix | None = None
) -> str:
    """Parameter matrices of all models side by side, features x tasks, on one symmetric colour scale.

    Tasks are in the order that `structure_picture` has for ``parameters``; None: as in the data.
    """
    rows = comparison.rows
    display = ParameterMatrixDisplay(
        matrices={row.model.name: row.folds[0].A for row in rows},
        feature_names=feature_names,
        task_names=comparison.data.task_names,
        task_order=None if parameters is None else order_of_tasks(parameters)[0],
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
