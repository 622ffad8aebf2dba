"""What the folds say: means with standard errors, paired differences, gains per task."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student_t

from mtlinear._typing import Array
from mtlinear.compare._crossvalidation import FoldResult, Tally
from mtlinear.compare._data import TaskData
from mtlinear.compare._models import SINGLE, Model
from mtlinear.compare._scores import score_name
from mtlinear.compare._settings import Settings
from mtlinear.compare._splits import Split

#: Standard errors from which on a difference is worth a word. For the best of several structures more are asked, see
#: `Comparison.clear`.
NOTABLE = 2.0
#: Two-sided level of a clear difference.
_LEVEL = 0.05


@dataclass(frozen=True)
class Estimate:
    """A mean over folds with its standard error (NaN for a single fold)."""

    mean: float
    error: float

    @property
    def notable(self) -> bool:
        """The mean differs from zero by more than two standard errors."""
        return abs(self.mean) > NOTABLE * self.error


@dataclass(frozen=True)
class Row:
    """One row of the table.

    Attributes
    ----------
    model : Model
    folds : list of FoldResult
        The finished folds, in order.
    score : Estimate
    difference : Estimate or None
        Score minus that of the single-task models, paired by fold; None for these themselves.
    seconds : float
        Median time of a fit.
    chosen : str
        Chosen parameters over the folds.
    """

    model: Model
    folds: list[FoldResult]
    score: Estimate
    difference: Estimate | None
    seconds: float
    chosen: str

    @property
    def at_edge(self) -> int:
        """Folds in which the chosen alpha was the largest or smallest of its path."""
        return sum(count_edges(self.folds).values())


@dataclass(frozen=True)
class TaskGain:
    """What one task gains by sharing.

    Attributes
    ----------
    task : str
    single, shared : float
        Mean squared error (regression) or ROC AUC (classification) of the single-task and the multi-task model.
    gain : Estimate
        Regression: reduction of the mean squared error, as a fraction of that of the single-task model.
        Classification: difference of the AUC. Positive is better.
    """

    task: str
    single: float
    shared: float
    gain: Estimate


@dataclass(frozen=True)
class Comparison:
    """The whole answer.

    Attributes
    ----------
    data, settings, splits
        What was compared, and how.
    rows : list of Row
        One per model with at least one finished fold.
    partial : bool
        Some folds are missing.
    tally : Tally
        Of all fits.
    """

    data: TaskData
    settings: Settings
    splits: Sequence[Split]
    rows: list[Row]
    partial: bool
    tally: Tally

    def row(self, name: str) -> Row | None:
        """The row of a model, or None if no fold of it has finished."""
        return next((row for row in self.rows if row.model.name == name), None)

    @property
    def single(self) -> Row | None:
        """The row of the single-task models, the reference."""
        return self.row(SINGLE)

    @property
    def score_label(self) -> str:
        """What the scores are, for the axis of a picture."""
        return f"{score_name(self.data)}, mean and standard error over {len(self.splits)} splits"

    @property
    def best(self) -> Row | None:
        """The multi-task structure with the best score, among those with as many folds as any."""
        rows = [row for row in self.rows if row.model.structure and row.difference is not None]
        most = max((len(row.folds) for row in rows), default=0)
        return max((row for row in rows if len(row.folds) == most), key=lambda row: row.score.mean, default=None)

    @property
    def n_structures(self) -> int:
        """Structures among which the best is picked."""
        return sum(row.model.structure for row in self.rows)

    @property
    def clear(self) -> float:
        """Standard errors from which on the difference of the best structure is clear.

        Student's t with K - 1 degrees of freedom, and Bonferroni for picking the best: with five splits, two standard
        errors are often exceeded by the best of five structures that all do nothing.
        """
        freedom = max(len(self.splits) - 1, 1)
        return float(student_t.ppf(1.0 - 0.5 * _LEVEL / max(self.n_structures, 1), freedom))

    def gains(self) -> list[TaskGain]:
        """Gain of every task by the best structure over single-task models, the largest loss first."""
        single, best = self.single, self.best
        if single is None or best is None:
            return []
        return task_gains(self.data, single.folds, best.folds, correlation(self.splits))


def summarise(
    data: TaskData, models: Iterable[Model], splits: Sequence[Split], settings: Settings, results: list[FoldResult]
) -> Comparison:
    """Put the finished folds together."""
    rho = correlation(splits)
    by_model = {
        model.name: sorted((r for r in results if r.model == model.name), key=lambda r: r.fold) for model in models
    }
    single = {result.fold: result.score.value for result in by_model.get(SINGLE, [])}
    rows = []
    tally = Tally()
    for model in models:
        folds = by_model[model.name]
        if not folds:
            continue
        own = Tally()
        for result in folds:
            own.include(result.tally)
        tally.include(own)
        paired = [result.score.value - single[result.fold] for result in folds if result.fold in single]
        rows.append(
            Row(
                model=model,
                folds=folds,
                score=estimate([result.score.value for result in folds], rho),
                difference=estimate(paired, rho) if paired and model.name != SINGLE else None,
                seconds=float(np.median(own.seconds)),
                chosen=describe_choices(folds),
            )
        )
    partial = sum(len(row.folds) for row in rows) < len(by_model) * len(splits)
    return Comparison(data, settings, splits, rows, partial, tally)


def correlation(splits: Sequence[Split]) -> float:
    """Assumed correlation between the scores of two splits: the share of test rows, or of training rows if smaller.

    Nadeau & Bengio (2003) take the share of test rows. That is meant for test sets that are the smaller part; where few
    rows are drawn for training, it is the overlap of the training rows that makes splits alike.
    """
    train, test = len(splits[0].train), len(splits[0].test)
    return min(train, test) / (train + test)


def estimate(values: Sequence[float], rho: float) -> Estimate:
    """Mean, and standard error ``sqrt(s^2 (1/K + rho / (1 - rho)))`` (Nadeau & Bengio 2003, corrected resampled)."""
    known = np.array([value for value in values if np.isfinite(value)])
    if known.size == 0:
        return Estimate(np.nan, np.nan)
    if known.size == 1:
        return Estimate(float(known[0]), np.nan)
    return Estimate(float(known.mean()), float(known.std(ddof=1) * np.sqrt(1.0 / known.size + rho / (1.0 - rho))))


def task_gains(
    data: TaskData, single: Sequence[FoldResult], shared: Sequence[FoldResult], rho: float
) -> list[TaskGain]:
    """Gains of all tasks over the folds that both models have finished, the largest loss first."""
    folds = sorted({r.fold for r in single} & {r.fold for r in shared})
    before = _per_task([r for r in single if r.fold in folds])
    after = _per_task([r for r in shared if r.fold in folds])
    weight = np.array([r.score.weight for r in single if r.fold in folds])
    gains = []
    for t, task in enumerate(data.task_names):
        used = weight[:, t] > 0
        if not used.any():
            continue
        old, new, w = before[used, t], after[used, t], weight[used, t]
        pooled_old, pooled_new = float(np.average(old, weights=w)), float(np.average(new, weights=w))
        if data.classification:
            total, per_fold = pooled_new - pooled_old, new - old
        else:
            unit = pooled_old if pooled_old > 0 else 1.0
            total, per_fold = (pooled_old - pooled_new) / unit, (old - new) / unit
        gains.append(TaskGain(task, pooled_old, pooled_new, Estimate(total, estimate(per_fold.tolist(), rho).error)))
    return sorted(gains, key=lambda gain: gain.gain.mean)


def _per_task(results: Sequence[FoldResult]) -> Array:
    return np.array([result.score.per_task for result in results])


def count_edges(folds: Sequence[FoldResult]) -> Counter[str]:
    """In how many folds the chosen alpha was the "largest" or the "smallest" that was tried."""
    return Counter(result.chosen.edge for result in folds if result.chosen.edge)


def describe_choices(folds: Sequence[FoldResult]) -> str:
    """The variant that was chosen most often, how often, the range of its alphas, and how often one was at an end."""
    edges = "".join(f"; {edge} tried in {n} of {len(folds)}" for edge, n in sorted(count_edges(folds).items()))
    return _most_chosen(folds) + edges


def _most_chosen(folds: Sequence[FoldResult]) -> str:
    counts = Counter(result.chosen.variant.label for result in folds)
    label, count = counts.most_common(1)[0]
    alphas = [result.chosen.alpha for result in folds if result.chosen.variant.label == label]
    low, high = f"{min(alphas):.2g}", f"{max(alphas):.2g}"
    alpha = f"alpha {low}" if low == high else f"alpha {low} to {high}"
    if not label:
        return alpha
    often = "" if count == len(folds) else f" ({count} of {len(folds)} folds)"
    return f"{label}{often}, {alpha}"


def records(comparison: Comparison) -> list[dict[str, object]]:
    """One record per model and finished fold, for results.csv."""
    single = comparison.single
    reference = {result.fold: result.score.value for result in single.folds} if single else {}
    return [
        {
            "model": row.model.name,
            "fold": result.fold,
            "score": result.score.value,
            "difference_to_single_task": result.score.value - reference.get(result.fold, np.nan),
            "variant": result.chosen.variant.label,
            "alpha": result.chosen.alpha,
            "edge_of_grid": result.chosen.edge,
            "tasks_left_out": result.score.left_out,
            "fits": len(result.tally.relative_gaps),
            "largest_relative_gap": max(result.tally.relative_gaps),
            "uncertified_fits": result.tally.uncertified,
            "seconds": sum(result.tally.seconds),
        }
        for row in comparison.rows
        for result in row.folds
    ]
