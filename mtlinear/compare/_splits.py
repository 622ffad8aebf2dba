"""Folds that keep every task, and for classification both of its classes, in every part."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mtlinear._typing import Indices
from mtlinear.compare._data import TaskData
from mtlinear.compare._errors import UsageError, listed
from mtlinear.compare._settings import Settings


@dataclass(frozen=True)
class Split:
    """Training and test rows of one outer fold, and the inner fold of every training row."""

    train: Indices
    test: Indices
    inner: Indices


def make_splits(data: TaskData, settings: Settings) -> list[Split]:
    """The outer splits with their inner folds: the same for all models, and for every n_jobs.

    Rows are spread stratum by stratum, where a stratum is a task, for classification a class of a task (for several
    labels per row: a combination of labels).

    Raises
    ------
    UsageError
        If a stratum has too few rows for the folds, or ``train_size`` does not fit the data.
    """
    strata = data.strata
    rng = np.random.default_rng([settings.seed, 0])
    if settings.train_size is None:
        _check_sizes(data, settings)
        fold = spread(strata, settings.folds, rng)
        tests = [np.flatnonzero(fold == k) for k in range(settings.folds)]
    else:
        quotas = train_quotas(data, train_rows(data, settings), settings.inner_folds)
        tests = [np.flatnonzero(~_draw(strata, quotas, rng)) for _ in range(settings.folds)]
    splits = []
    for k, test in enumerate(tests):
        train = np.setdiff1d(np.arange(len(strata)), test)
        inner = spread(strata[train], settings.inner_folds, np.random.default_rng([settings.seed, 1, k]))
        splits.append(Split(train, test, inner))
    for split in splits:
        _check_labels(data, split, settings)
    return splits


def spread(strata: Indices, n_folds: int, rng: np.random.Generator) -> Indices:
    """Fold of every row: each stratum, in random order, is dealt round the folds: its shares differ by one row."""
    order = rng.permutation(len(strata))
    order = order[np.argsort(strata[order], kind="stable")]
    fold = np.empty(len(strata), dtype=np.intp)
    fold[order] = np.arange(len(strata)) % n_folds
    return fold


def train_rows(data: TaskData, settings: Settings) -> int:
    """``train_size`` as a number of rows."""
    size = settings.train_size
    if size is None:
        raise ValueError("train_size is not set.")
    rows = round(size * data.n_rows) if isinstance(size, float) else size
    if not 1 < rows < data.n_rows:
        raise UsageError(
            f"--train-size must be a number of rows from 2 to {data.n_rows - 1} or a fraction between 0 and 1, "
            f"got {size} ({data.n_rows} rows in the data)."
        )
    return rows


def train_quotas(data: TaskData, n_train: int, inner_folds: int) -> Indices:
    """Training rows of every stratum: proportional to its size, enough for the inner folds, at least one row left over.

    Label combinations (several labels per row) may be too rare for that; they have no lower limit.
    """
    sizes = np.bincount(data.strata)
    lower = np.zeros_like(sizes) if data.free_strata else np.full_like(sizes, inner_folds)
    upper = sizes if data.free_strata else sizes - 1
    if np.any(lower > upper):
        _raise_too_few(data, sizes, inner_folds + 1, f"--train-size with --inner-folds {inner_folds}")
    if not lower.sum() <= n_train <= upper.sum():
        raise UsageError(
            f"--train-size {n_train} is out of range: {len(sizes)} {data.stratum_kind} with at least "
            f"{inner_folds} training rows and one test row each allow {lower.sum()} to {upper.sum()} rows."
        )
    ideal = n_train * sizes / sizes.sum()
    quotas = np.clip(np.floor(ideal).astype(np.intp), lower, upper)
    while quotas.sum() != n_train:  # one row at a time to or from the stratum that is furthest from its share
        step = 1 if quotas.sum() < n_train else -1
        allowed = quotas < upper if step > 0 else quotas > lower
        furthest = np.where(allowed, step * (ideal - quotas), -np.inf)
        quotas[np.argmax(furthest)] += step
    return quotas


def _draw(strata: Indices, quotas: Indices, rng: np.random.Generator) -> np.ndarray:
    """Mask of the rows drawn for training: the first ``quotas[s]`` of every stratum s in random order."""
    order = rng.permutation(len(strata))
    order = order[np.argsort(strata[order], kind="stable")]
    starts = np.concatenate([[0], np.cumsum(np.bincount(strata))[:-1]])
    rank = np.arange(len(strata)) - starts[strata[order]]
    drawn = np.zeros(len(strata), dtype=bool)
    drawn[order] = rank < quotas[strata[order]]
    return drawn


def _check_sizes(data: TaskData, settings: Settings) -> None:
    """Every stratum must be in the test rows of every outer fold and in every inner fold of its training rows."""
    if data.free_strata:
        return
    sizes = np.bincount(data.strata)
    needed = rows_needed(settings.folds, settings.inner_folds)
    if np.any(sizes < needed):
        least = f" ({rows_needed(2, 2)} rows are enough for --folds 2 --inner-folds 2)"
        reason = f"--folds {settings.folds} with --inner-folds {settings.inner_folds}"
        _raise_too_few(data, sizes, needed, reason, least)


def rows_needed(folds: int, inner_folds: int) -> int:
    """Rows of a stratum that are enough for a test row in every fold and a row in every inner fold."""
    needed = folds
    while needed - -(-needed // folds) < inner_folds:
        needed += 1
    return needed


def _raise_too_few(data: TaskData, sizes: Indices, needed: int, reason: str, least: str = "") -> None:
    small = np.flatnonzero(sizes < needed)
    named = listed(f"{data.stratum_names[k]}: {sizes[k]}" for k in small)
    option = f"--task {data.task_column}" if data.codes is not None else f"--target {data.targets[0]}"
    raise UsageError(
        f"{option}: {len(small)} of the {data.stratum_kind} have fewer than the {needed} rows that {reason} needs: "
        f"{named}. Lower these options{least} or leave those rows out."
    )


def _check_labels(data: TaskData, split: Split, settings: Settings) -> None:
    """With free strata: each label column must show both classes in all training rows."""
    if not data.free_strata:
        return
    for k in range(-1, settings.inner_folds):
        rows = split.train[split.inner != k]
        signs = data.target[rows]
        lacking = np.flatnonzero(np.all(signs > 0, axis=0) | np.all(signs < 0, axis=0))
        if lacking.size:
            target = data.targets[lacking[0]]
            labels, counts = np.unique(np.asarray(data.raw_target[target]), return_counts=True)
            rare = int(np.argmin(counts))
            raise UsageError(
                f"--target {target}: label {str(labels[rare])!r} has {counts[rare]} of {data.n_rows} rows, too few for "
                f"--folds {settings.folds} with --inner-folds {settings.inner_folds}: some training rows have one "
                "label only. Every label needs three rows at the very least; lower these options, or leave the target "
                "out."
            )
