"""The School experiment of ``benchmarks/school.py`` for the reproductions: data, splits, chosen structures."""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mtlinear.datasets import fetch_school

sys.path.insert(0, str(Path(__file__).parents[1]))

import school

#: Schools that --quick keeps.
FEW = 6


def add_data_home(arguments_parser: argparse.ArgumentParser) -> None:
    """Where school.mat is."""
    arguments_parser.add_argument(
        "--data-home",
        metavar="FOLDER",
        help="folder of school.mat (default: MTLINEAR_DATA or ~/mtlinear_data; it is fetched if it is not there)",
    )


def load(arguments: argparse.Namespace) -> school.Rows:
    """All schools; the first few with --quick."""
    X, y, tasks = fetch_school(arguments.data_home, return_X_y=True)
    tasks = tasks - tasks.min()
    rows = school.Rows(X, y, tasks)
    return rows.take(np.flatnonzero(tasks < FEW)) if arguments.quick else rows


def split(rows: school.Rows, seed: int) -> tuple[school.Rows, school.Rows]:
    """Training and test rows of the split with this seed, as ``benchmarks/school.py`` draws it."""
    return next(itertools.islice(school.splits(rows, seed + 1), seed, None))


def scores(
    structures: Mapping[str, school.Structure], rows: school.Rows, encoding: str, seed: int, n_folds: int
) -> dict[str, dict[str, Any]]:
    """Every structure tuned inside the training rows of one split: what ``school.run_one`` says."""
    train, test = split(rows, seed)
    return {
        label: school.run_one(structure, train, test, encoding, n_folds, seed)
        for label, structure in structures.items()
    }


def with_deviation(values: list[float]) -> str:
    """Mean and standard deviation over the splits, as the papers give them."""
    deviation = f"{np.std(values, ddof=1):.1f}" if len(values) > 1 else "?"
    return f"{np.mean(values):.1f} ± {deviation}"
