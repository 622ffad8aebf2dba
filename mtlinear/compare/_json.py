"""The results of a comparison for other programs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mtlinear.compare._answer import certificate, gain_measure, verdict
from mtlinear.compare._best import BestModel
from mtlinear.compare._results import Comparison, Estimate, Row, TaskGain, count_edges
from mtlinear.compare._scores import score_name


def as_json(comparison: Comparison, best: BestModel | None, files: Mapping[str, Path]) -> dict[str, Any]:
    """What the table, the answer and the report say, as numbers and texts; null where there is no number."""
    data, settings, tally = comparison.data, comparison.settings, comparison.tally
    return {
        "data": {
            "name": data.name,
            "rows": data.n_rows,
            "features": len(data.numeric) + len(data.categorical),
            "tasks": data.task_names,
            "classification": data.classification,
            "notes": data.notes,
        },
        "settings": {
            "seed": settings.seed,
            "splits": len(comparison.splits),
            "inner_folds": settings.inner_folds,
            "candidates": settings.candidates,
            "train_size": settings.train_size,
            "tol": settings.tol,
        },
        "score": score_name(data),
        "partial": comparison.partial,
        "models": [_row(row) for row in comparison.rows],
        "best": comparison.best.model.name if comparison.best else None,
        "chosen": best.label if best else None,
        "clusters": best.clusters if best else None,
        "answer": verdict(comparison),
        "gain_measure": gain_measure(data),
        "gains": [_gain(gain, data.classification) for gain in comparison.gains()],
        "certificate": {
            "text": certificate(tally, settings.tol),
            "fits": len(tally.relative_gaps),
            "uncertified": tally.uncertified,
            "largest_relative_gap": _number(max(tally.relative_gaps, default=math.nan)),
        },
        "files": {name: str(path) for name, path in files.items()},
    }


def _row(row: Row) -> dict[str, Any]:
    difference = row.difference or Estimate(math.nan, math.nan)
    return {
        "model": row.model.name,
        "belief": row.model.belief,
        "splits": len(row.folds),
        **_estimate(row.score),
        "difference": _number(difference.mean),
        "difference_error": _number(difference.error),
        "chosen": row.chosen,
        "at_edge": {edge: count_edges(row.folds)[edge] for edge in ("largest", "smallest")},
    }


def _gain(gain: TaskGain, classification: bool) -> dict[str, Any]:
    return {
        "task": gain.task,
        "measure": "ROC AUC" if classification else "mean squared error",
        "single_task": _number(gain.single),
        "best": _number(gain.shared),
        "gain": _number(gain.gain.mean),
        "gain_error": _number(gain.gain.error),
    }


def _estimate(estimate: Estimate) -> dict[str, float | None]:
    return {"mean": _number(estimate.mean), "error": _number(estimate.error)}


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
