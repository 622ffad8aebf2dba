"""The answer in sentences: does sharing help, who loses, and how well certified that is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mtlinear._typing import Array
from mtlinear.compare._crossvalidation import Tally
from mtlinear.compare._data import TaskData
from mtlinear.compare._models import POOLED, POOLED_SLOPES
from mtlinear.compare._results import NOTABLE, Comparison, Row, TaskGain
from mtlinear.compare._scores import score_name

#: Tasks whose parameters are all within this fraction of their mean are all but identical: any two of them have a
#: cosine of 0.999 or more.
_SAME = 0.02


def verdict(comparison: Comparison) -> str:
    """The answer in a sentence or two."""
    single, best = comparison.single, comparison.best
    if single is None or best is None or best.difference is None:
        return "Too few models have finished for an answer."
    name, difference = score_name(comparison.data), best.difference
    times = abs(difference.mean) / difference.error if difference.error > 0 else np.inf
    values = (
        f"{name} {best.score.mean:.4f} against {single.score.mean:.4f} of single-task models, a difference of "
        f"{difference.mean:+.4f} ({times:.1f} standard errors)"
    )
    several = comparison.n_structures > 1
    structure = f"{'the best structure' if several else 'the structure'} is {best.model.name} ({best.model.belief})"
    if not np.isfinite(difference.error):
        text = f"One split only, so no answer yet: so far {structure}, {values}."
    elif times > comparison.clear and difference.mean > 0:
        text = f"Multi-task learning helps, and {structure}: {values}."
    elif times > NOTABLE and difference.mean > 0:
        among = f"the best of {comparison.n_structures} structures" if several else "one structure"
        text = (
            f"Multi-task learning may help a little; {structure}: {values}. That is not yet clear: for {among} on "
            f"{len(comparison.splits)} splits it would take {comparison.clear:.1f} standard errors. More splits "
            "(--folds) would tell."
        )
    elif times > NOTABLE:
        text = f"Multi-task learning does not help: {structure}, {values}."
    else:
        text = f"No clear gain from multi-task learning: {structure}, {values}."
    text += _on_sameness([result.A for result in best.folds]) + _on_pooling(comparison, best, single)
    return f"So far, with some folds missing: {text}" if comparison.partial else text


def _on_sameness(matrices: Sequence[Array]) -> str:
    """A sentence if the tasks have all but the same parameters in every split."""
    for A in matrices:
        mean = A.mean(axis=1, keepdims=True)
        if not np.all(np.linalg.norm(A - mean, axis=0) <= _SAME * np.linalg.norm(mean)) or not np.any(mean):
            return ""
    return (
        f" Its tasks have all but the same parameters (within {100 * _SAME:g} % of their mean in every split), so it "
        "is nearly one model for all tasks, with an intercept for each."
    )


def _on_pooling(comparison: Comparison, best: Row, single: Row) -> str:
    """A sentence if one model for all tasks scores more than single-task models: then it has a share in the gain."""
    pooled, slopes = comparison.row(POOLED), comparison.row(POOLED_SLOPES)
    rows = [row for row in (pooled, slopes) if row is not None]
    first = max(rows, key=lambda row: row.score.mean, default=None)
    if first is None or not first.score.mean > single.score.mean:
        return ""
    if first is slopes:
        text = f" One model with common slopes and an intercept per task ({POOLED_SLOPES}) scores"
        meaning = "the tasks may differ in their level only"
    else:
        text, meaning = " One pooled model for all tasks scores", "the tasks may not differ"
    text += f" {first.score.mean:.4f}"
    return f"{text}, more than both: {meaning}." if first.score.mean > best.score.mean else f"{text}."


def gain_measure(data: TaskData) -> str:
    """What the gain of a task is."""
    if data.classification:
        return "difference of the ROC AUC"
    scaled = " (of the target in units of its standard deviation)" if data.scales_targets else ""
    return f"reduction of the mean squared error{scaled}, as a fraction of that of the single-task models"


def format_gain(value: float, classification: bool) -> str:
    """A gain: a difference of AUC, or a reduction of the mean squared error in percent."""
    return f"{value:+.4f}" if classification else f"{100 * value:+.1f} %"


def losers(gains: Sequence[TaskGain], classification: bool) -> str:
    """The tasks that lose by sharing, at most ten by name."""
    losing = [gain for gain in gains if gain.gain.mean < 0]
    if not gains:
        return ""
    if not losing:
        return f"No task of {len(gains)} loses by sharing."
    clear = sum(gain.gain.notable for gain in losing)
    shown = ", ".join(f"{gain.task} ({format_gain(gain.gain.mean, classification)})" for gain in losing[:10])
    end = ", ..." if len(losing) > 10 else "."
    unit = "in ROC AUC" if classification else "in % of their single-task mean squared error"
    count = f"{len(losing)} of {len(gains)} tasks lose by sharing ({unit}), {clear} of them"
    return f"{count} by more than two standard errors: {shown}{end}"


def certificate(tally: Tally, tol: float) -> str:
    """How many fits there were, and how well certified."""
    count = len(tally.relative_gaps)
    if count == 0:
        return "No fit has finished."
    largest = max(tally.relative_gaps)
    if tally.uncertified:
        return (
            f"WARNING: {tally.uncertified:,} of {count:,} fits did not reach the duality gap of {tol:g} of the "
            f"objective at A = 0 (largest: {largest:.2g}); the numbers that rest on them are not certified. A larger "
            "--tol or other features may help."
        )
    return (
        f"Every number comes from fits certified to a duality gap of at most {tol:g} of the objective at A = 0 "
        f"({count:,} fits, largest gap {largest:.3g})."
    )
