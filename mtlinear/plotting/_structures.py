"""Which structure fits: scores of several models side by side."""

from __future__ import annotations

import csv
import os
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
        """Draw a comparison in memory; for the file that ``mtlinear compare`` writes see `from_results`.

        Parameters
        ----------
        comparison : mtlinear.compare.Comparison
            What `mtlinear.compare.summarise` makes of the results of `mtlinear.compare.run_all`.
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

    @classmethod
    def from_results(
        cls, results: Any, *, test_share: float | None = None, score_name: str = "score", ax: Any = None
    ) -> Self:
        """Draw results.csv, which ``mtlinear compare`` writes.

        The file does not say how many rows the test sets have, which the standard errors depend on (Nadeau & Bengio
        2003), nor what the score is.

        Parameters
        ----------
        results : str, path or DataFrame
            The file, or the table in it: of its columns "model" and "score" are used.
        test_share : float in (0, 1), default None
            Share of the rows that are in one test set. None: one in K for K folds, which is cross-validation; for
            ``--train-size`` it is the smaller of the shares of test and of training rows.
        score_name : str, default "score"
            What the score is, for the axis; the table of ``mtlinear compare`` has it above its first column.
        ax : matplotlib Axes, default None
            None: a new figure.

        Returns
        -------
        StructureComparisonDisplay

        Raises
        ------
        TypeError, ValueError
            If it is neither, a column is missing, or there is no line.
        """
        from mtlinear.compare._models import SINGLE, make_models
        from mtlinear.compare._results import estimate

        references = {model.name for model in make_models(2, pooled_slopes=True) if not model.structure}
        scores = _scores_by_model(results)
        n_folds = max(map(len, scores.values()))
        if test_share is None:
            share = 1.0 / max(n_folds, 2)  # with one fold there is no standard error
        else:
            share = check_real("test_share", test_share, above=0.0, below=1.0)
        found = {name: estimate(values, share) for name, values in scores.items()}
        complete = {
            name: found[name].mean
            for name, values in scores.items()
            if name not in references and len(values) == n_folds and np.isfinite(found[name].mean)
        }
        single = found[SINGLE].mean if SINGLE in found else np.nan
        return cls(
            names=list(found),
            scores=[each.mean for each in found.values()],
            errors=[each.error for each in found.values()],
            reference=single if np.isfinite(single) else None,
            is_structure=[name not in references for name in found],
            best=max(complete, key=complete.__getitem__, default=None),
            score_name=f"{score_name}, mean and standard error over {n_folds} splits",
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


def _scores_by_model(results: Any) -> dict[str, list[float]]:
    """Scores over the folds by name of the model, in the order of the table."""
    if hasattr(results, "columns"):
        columns = [str(name) for name in results.columns]
        lines = [dict(zip(columns, line, strict=True)) for line in results.itertuples(index=False, name=None)]
    elif isinstance(results, (str, os.PathLike)):
        with open(results, newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            lines, columns = list(reader), list(reader.fieldnames or [])
    else:
        raise TypeError(
            "results must be the path of a results.csv of mtlinear compare or a DataFrame of it, got an object of type "
            f"{type(results).__name__}."
        )
    missing = [name for name in ("model", "score") if name not in columns]
    if missing:
        raise ValueError(
            "results must have the columns 'model' and 'score', like results.csv of mtlinear compare; "
            f"{missing} is not among its columns {columns[:20]}."
        )
    if not lines:
        raise ValueError("results has no line: no fold had finished.")
    scores: dict[str, list[float]] = {}
    for line in lines:
        scores.setdefault(str(line["model"]), []).append(float(line["score"]))
    return scores
