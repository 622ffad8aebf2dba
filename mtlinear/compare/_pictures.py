"""The pictures of the report, as SVG text: made without a display, the same bytes for the same numbers."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mtlinear._typing import Array
from mtlinear.compare._results import NOTABLE, Comparison, Row, TaskGain
from mtlinear.compare._scores import score_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe & Ito: told apart by colour-blind readers too.
_BLUE, _ORANGE, _GREY, _INK = "#0072B2", "#D55E00", "#8a8f98", "#222831"
#: More names than this are unreadable on an axis of the report.
_MANY_FEATURES, _MANY_TASKS = 40, 30
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
    rows = comparison.rows[::-1]
    best = comparison.best
    with _style() as pyplot_figure:
        figure = pyplot_figure(figsize=(7.2, 0.42 * len(rows) + 0.9))
        axes = figure.add_subplot()
        for k, row in enumerate(rows):
            colour = _BLUE if row.model.structure else _GREY
            axes.errorbar(
                row.score.mean,
                k,
                xerr=_finite(row.score.error),
                fmt="o",
                color=colour,
                capsize=3,
                markersize=7 if row is best else 5,
            )
        single = comparison.row("single-task")
        if single is not None:
            axes.axvline(single.score.mean, color=_GREY, linewidth=1, linestyle=":")
        axes.set_yticks(range(len(rows)), [row.model.name for row in rows])
        for label, row in zip(axes.get_yticklabels(), rows, strict=True):
            label.set_fontweight("bold" if row is best else "normal")
        _focus(axes, [row for row in rows if np.isfinite(row.score.mean)])
        axes.set_xlabel(f"{score_name(comparison.data)}, mean and standard error over {len(comparison.splits)} splits")
        axes.grid(axis="x", color="#e6e8eb")
        axes.set_axisbelow(True)
        return _svg(figure)


def gain_picture(gains: Sequence[TaskGain], classification: bool, best: str) -> str:
    """Gain of every task by the best structure, sorted; named bars for few tasks, thin ones for many."""
    gains = sorted(gains, key=lambda gain: gain.gain.mean, reverse=True)
    means = np.array([gain.gain.mean for gain in gains]) * (1.0 if classification else 100.0)
    errors = np.array([_finite(gain.gain.error) for gain in gains]) * (1.0 if classification else 100.0)
    colours = [_BLUE if mean >= 0 else _ORANGE for mean in means]
    unit = "difference in ROC AUC" if classification else "reduction of squared error, %"
    few = len(gains) <= _MANY_TASKS
    with _style() as pyplot_figure:
        figure = pyplot_figure(figsize=(7.2, 0.24 * len(gains) + 0.9) if few else (10.0, 3.2))
        axes = figure.add_subplot()
        place = np.arange(len(gains))
        if few:
            axes.barh(
                place, means, xerr=errors, color=colours, height=0.72, error_kw={"ecolor": _INK, "elinewidth": 0.8}
            )
            axes.set_yticks(place, [_short(gain.task) for gain in gains])
            axes.invert_yaxis()
            axes.axvline(0, color=_INK, linewidth=0.8)
            axes.set_xlabel(f"{unit}: {best} against single-task")
        else:
            axes.bar(place, means, color=colours, width=0.8)
            axes.vlines(place, means - errors, means + errors, color=_INK, linewidth=0.5, alpha=0.6)
            axes.axhline(0, color=_INK, linewidth=0.8)
            axes.set_xticks([])
            axes.set_xlabel(f"{len(gains)} tasks, sorted by gain ({best} against single-task)")
            axes.set_ylabel(unit)
            axes.margins(x=0.01)
        axes.grid(axis="x" if few else "y", color="#e6e8eb")
        axes.set_axisbelow(True)
        return _svg(figure)


def matrix_picture(comparison: Comparison, feature_names: Sequence[str]) -> str:
    """Parameter matrices of all models side by side, features x tasks, on one symmetric colour scale."""
    rows = comparison.rows
    matrices = [row.folds[0].A for row in rows]
    n_features, n_tasks = matrices[0].shape
    limit = _colour_limit(matrices)
    wide = n_tasks > 1.6 * n_features
    columns = 2 if wide else min(len(rows), 4 if n_tasks > 0.5 * n_features else len(rows))
    lines = -(-len(rows) // columns)
    width = 11.0 / columns
    named = 0.1 * n_features if n_features <= _MANY_FEATURES else 0.0  # room for the names
    height = float(np.clip(width * n_features / n_tasks, max(1.4, named), 6.0))
    with _style() as pyplot_figure:
        figure = pyplot_figure(figsize=(11.0, lines * (height + 0.55) + 0.5), layout="constrained")
        panels = figure.subplots(lines, columns, squeeze=False)
        for panel in panels.ravel()[len(rows) :]:
            panel.set_axis_off()
        for k, (panel, row, A) in enumerate(zip(panels.ravel(), rows, matrices, strict=False)):
            image = panel.imshow(A, cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="auto", interpolation="nearest")
            panel.set_title(row.model.name, fontsize=9, fontweight="bold" if row is comparison.best else "normal")
            panel.spines[:].set_visible(True)
            _name_axes(panel, comparison, feature_names, first=k % columns == 0)
        bar = figure.colorbar(image, ax=panels, location="right", shrink=0.6, extend="both", aspect=30)
        bar.set_label("parameter of the standardised feature")
        return _svg(figure)


def _name_axes(panel: Axes, comparison: Comparison, feature_names: Sequence[str], first: bool) -> None:
    tasks = comparison.data.task_names
    if len(tasks) <= _MANY_TASKS and max(map(len, tasks)) <= 12:
        rotation = 0 if max(map(len, tasks)) <= 2 else 90
        panel.set_xticks(range(len(tasks)), tasks, fontsize=6, rotation=rotation)
    else:
        panel.set_xticks([])
    panel.tick_params(length=0)
    panel.set_xlabel(f"{len(tasks)} tasks", fontsize=8)
    if first and len(feature_names) <= _MANY_FEATURES:
        panel.set_yticks(range(len(feature_names)), [_short(name) for name in feature_names], fontsize=5.5)
    else:
        panel.set_yticks([])
        if first:
            panel.set_ylabel(f"{len(feature_names)} features", fontsize=8)


def _colour_limit(matrices: Sequence[Array]) -> float:
    """The 99th percentile of the absolute parameters that are not zero: a few large ones must not bleach the rest."""
    sizes = np.concatenate([np.abs(A[A != 0]) for A in matrices])
    return float(np.percentile(sizes, 99)) if sizes.size else 1.0


def _focus(axes: Axes, rows: Sequence[Row]) -> None:
    """Zoom in on the models that are close: one far below all others would hide every difference."""
    scores = np.array([row.score.mean for row in rows])
    errors = np.array([_finite(row.score.error) for row in rows])
    if scores.size < 3:
        return
    median = np.median(scores)
    spread = max(np.median(np.abs(scores - median)), 1e-12)
    near = np.abs(scores - median) <= 12 * spread
    low, high = np.min((scores - NOTABLE * errors)[near]), np.max((scores + NOTABLE * errors)[near])
    pad = 0.06 * max(high - low, 1e-9)
    axes.set_xlim(low - pad, high + pad)
    for k in np.flatnonzero(~near):
        left = scores[k] < median
        axes.annotate(
            f"{'◀ ' if left else ''}{scores[k]:.3f}{'' if left else ' ▶'}",
            xy=(0.01 if left else 0.99, k),
            xycoords=("axes fraction", "data"),
            ha="left" if left else "right",
            va="center",
            color=_GREY,
        )


def _finite(value: float) -> float:
    return value if np.isfinite(value) else 0.0


def _short(name: str, most: int = 24) -> str:
    return name if len(name) <= most else name[: most - 1] + "…"


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
