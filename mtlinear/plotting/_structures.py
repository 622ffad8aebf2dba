"""Which structure fits: scores of several models side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from mtlinear._validation import check_real
from mtlinear.plotting._style import BLUE, GREY, PALE, axes_for, short, vector

if TYPE_CHECKING:
    from mtlinear.compare import Comparison

#: Standard errors that stay in the picture, and the distance from the median (in units of the median distance) from
#: which on a model is far below or above all others.
_SHOWN, _FAR = 2.0, 12.0


class StructureComparisonDisplay:
    """Scores of several models with their standard errors, and that of the single-task models as a line.

    Parameters
    ----------
    names : sequence of str
        Of the models, from the top.
    scores : array-like (n_models,)
        NaN if unknown.
    errors : array-like (n_models,), default None
        Standard errors; NaN if unknown, and so for None.
    reference : float, default None
        Score of the single-task models.
    is_structure : array-like of bool (n_models,), default None
        The multi-task models; others are drawn grey. None: all are.
    best : str, default None
        Name of the model that is marked.
    score_name : str, default "score"

    Attributes
    ----------
    ax_ : matplotlib Axes
    reference_line_ : matplotlib Line2D or None
    figure_ : matplotlib Figure

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from mtlinear.plotting import StructureComparisonDisplay
    >>> display = StructureComparisonDisplay(
    ...     names=["single-task", "trace norm"], scores=[0.34, 0.37], errors=[0.01, 0.01], reference=0.34
    ... ).plot()
    >>> [label.get_text() for label in display.ax_.get_yticklabels()]
    ['single-task', 'trace norm']
    """

    def __init__(
        self,
        *,
        names: Sequence[str],
        scores: ArrayLike,
        errors: ArrayLike | None = None,
        reference: float | None = None,
        is_structure: ArrayLike | None = None,
        best: str | None = None,
        score_name: str = "score",
    ):
        self.names = list(names)
        count = len(self.names)
        if count == 0:
            raise ValueError("names must name one model at least.")
        self.scores = vector("scores", scores, count)
        self.errors = np.full(count, np.nan) if errors is None else vector("errors", errors, count)
        self.reference = None if reference is None else check_real("reference", reference)
        self.is_structure = np.ones(count, dtype=bool) if is_structure is None else np.array(is_structure, dtype=bool)
        if self.is_structure.shape != (count,):
            raise ValueError(f"is_structure must have shape ({count},), got {self.is_structure.shape}.")
        if best is not None and best not in self.names:
            raise ValueError(f"best must be one of names or None, got {best!r}.")
        self.best = best
        self.score_name = score_name

    @classmethod
    def from_comparison(cls, comparison: Comparison, *, ax: Any = None) -> Self:
        """Draw the scores of `mtlinear.compare.run_all`.

        Parameters
        ----------
        comparison : mtlinear.compare.Comparison
        ax : matplotlib Axes, default None
            None: a new figure.

        Returns
        -------
        StructureComparisonDisplay

        Raises
        ------
        TypeError
            If it is no Comparison.
        """
        rows = getattr(comparison, "rows", None)
        if rows is None or not hasattr(comparison, "score_label"):
            raise TypeError(
                "comparison must be a Comparison of mtlinear.compare, got an object of type "
                f"{type(comparison).__name__}."
            )
        single = comparison.single
        return cls(
            names=[row.model.name for row in rows],
            scores=[row.score.mean for row in rows],
            errors=[row.score.error for row in rows],
            reference=None if single is None or not np.isfinite(single.score.mean) else single.score.mean,
            is_structure=[row.model.structure for row in rows],
            best=comparison.best.model.name if comparison.best else None,
            score_name=comparison.score_label,
        ).plot(ax)

    @staticmethod
    def figsize(n_models: int) -> tuple[float, float]:
        """Inches in which so many models are well readable."""
        return 7.2, 0.42 * n_models + 0.9

    def plot(self, ax: Any = None) -> Self:
        """Draw.

        If a few models are far from all others, the picture shows the others; an arrow and a number stand for these.

        Parameters
        ----------
        ax : matplotlib Axes, default None
            None: a new figure.

        Returns
        -------
        self
        """
        count = len(self.names)
        self.ax_ = axes_for(ax, self.figsize(count), type(self).__name__)
        self.figure_ = self.ax_.figure
        bars = np.where(np.isfinite(self.errors), self.errors, 0.0)
        for k, (name, score) in enumerate(zip(self.names, self.scores, strict=True)):
            self.ax_.errorbar(
                score,
                k,
                xerr=bars[k],
                fmt="o",
                color=BLUE if self.is_structure[k] else GREY,
                capsize=3,
                markersize=7 if name == self.best else 5,
            )
        self.reference_line_ = None
        if self.reference is not None:
            self.reference_line_ = self.ax_.axvline(self.reference, color=GREY, linewidth=1.2, linestyle="--", zorder=1)
        self.ax_.set_yticks(range(count), [short(name) for name in self.names])
        self.ax_.set_ylim(count - 0.5, -0.5)
        for label, name in zip(self.ax_.get_yticklabels(), self.names, strict=True):
            label.set_fontweight("bold" if name == self.best else "normal")
        self._focus(bars)
        self.ax_.set_xlabel(self.score_name)
        self.ax_.grid(axis="x", color=PALE)
        self.ax_.set_axisbelow(True)
        return self

    def _focus(self, bars: ArrayLike) -> None:
        """Zoom in on the models that are close: one far below all others would hide every difference."""
        known = np.flatnonzero(np.isfinite(self.scores))
        if known.size < 3:
            return
        scores, errors = self.scores[known], np.asarray(bars)[known]
        median = np.median(scores)
        spread = max(np.median(np.abs(scores - median)), 1e-12)
        near = np.abs(scores - median) <= _FAR * spread
        low, high = np.min((scores - _SHOWN * errors)[near]), np.max((scores + _SHOWN * errors)[near])
        pad = 0.06 * max(high - low, 1e-9)
        self.ax_.set_xlim(low - pad, high + pad)
        for k in known[~near]:
            left = self.scores[k] < median
            self.ax_.annotate(
                f"{'◀ ' if left else ''}{self.scores[k]:.3f}{'' if left else ' ▶'}",
                xy=(0.01 if left else 0.99, k),
                xycoords=("axes fraction", "data"),
                ha="left" if left else "right",
                va="center",
                color=GREY,
            )
