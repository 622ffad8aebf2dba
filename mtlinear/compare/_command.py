"""``mtlinear compare``: from the parsed command line to the table and the files."""

from __future__ import annotations

import argparse
import csv
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import joblib

from mtlinear.compare._best import fit_best, parameter_names
from mtlinear.compare._console import Progress, print_table
from mtlinear.compare._data import TaskData
from mtlinear.compare._errors import UsageError
from mtlinear.compare._models import check_candidates, make_models
from mtlinear.compare._report import render_report
from mtlinear.compare._results import Comparison, certificate, losers, records, summarise, verdict
from mtlinear.compare._run import run_all
from mtlinear.compare._settings import Settings
from mtlinear.compare._splits import make_splits
from mtlinear.compare._tables import from_table, load_digits_data, load_school_data, read_table

#: Training rows per split of the digits: 18 of each digit, so few that sharing between the tasks could matter.
DIGITS_TRAIN_SIZE = 180
#: Exit code after Ctrl-C, as shells have it.
INTERRUPTED = 130


def compare_command(args: argparse.Namespace, command: str) -> int:
    """Run the comparison; returns the exit code.

    Raises
    ------
    UsageError
    """
    data, settings = load(args)
    models = make_models(data.n_tasks, classification=data.classification)
    check_candidates(models, settings.candidates)
    splits = make_splits(data, settings)
    out = make_folder(args.out)
    print(data.description)
    for note in data.notes:
        print(f"  {note}")
    first = splits[0]
    print(f"  {len(splits)} splits, {len(first.train):,} training and {len(first.test):,} test rows", flush=True)
    with Progress(models, len(splits)) as progress:
        run = run_all(data, models, splits, settings, progress.advance)
    comparison = summarise(data, models, splits, settings, run.results)
    write_results(out / "results.csv", comparison)
    show(comparison)
    if run.interrupted:
        print(f"Interrupted: the table is partial. Finished folds are in {out / 'results.csv'}.")
        return INTERRUPTED
    finish(comparison, out, command)
    return 0


def load(args: argparse.Namespace) -> tuple[TaskData, Settings]:
    """Data and settings that the command line asks for."""
    settings = Settings(
        seed=args.seed, folds=args.folds, inner_folds=args.inner_folds, candidates=args.candidates,
        train_size=args.train_size, n_jobs=args.n_jobs, tol=args.tol,
    )  # fmt: skip
    if args.data is not None:
        if args.dataset is not None:
            raise UsageError(
                f"--dataset {args.dataset} and the file {args.data} are both given; one of them is enough."
            )
        table = read_table(args.data)
        data = from_table(
            table, args.target, task=args.task, classify=args.classify, drop=args.drop, name=Path(args.data).name
        )
        return data, settings
    used = [
        option
        for option, value in (
            ("--target", args.target), ("--task", args.task), ("--classify", args.classify), ("--drop", args.drop)
        )
        if value
    ]  # fmt: skip
    if used:
        raise UsageError(
            f"{used[0]} describes the columns of a file; give the file first: mtlinear compare DATA.csv ..."
        )
    if args.dataset == "school":
        return load_school_data(args.data_home), settings
    if settings.train_size is None:
        settings = replace(settings, train_size=DIGITS_TRAIN_SIZE)
    return load_digits_data(), settings


def make_folder(path: str | os.PathLike[str]) -> Path:
    """Create the output folder, before any work is done for it."""
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--out {folder}: cannot be made a folder ({error.strerror}).") from error
    if not os.access(folder, os.W_OK):
        raise UsageError(f"--out {folder}: no permission to write there.")
    return folder


def show(comparison: Comparison) -> None:
    """Table, answer, losers and certificate on stdout."""
    print()
    if comparison.rows:
        print_table(comparison)
        print()
    print(verdict(comparison))
    best = comparison.best
    if best is not None:
        print(f"{best.model.name} against single-task: {losers(comparison.gains(), comparison.data.classification)}")
    print(certificate(comparison.tally, comparison.settings.tol), flush=True)


def finish(comparison: Comparison, out: Path, command: str) -> None:
    """Refit the best structure on all rows and write the report."""
    if comparison.best is None:
        return
    data = comparison.data
    best = fit_best(data, comparison.best.model, comparison.settings)
    joblib.dump(best.estimator, out / "best_model.joblib")
    comparison.tally.include(best.tally)
    names = parameter_names(data, comparison.splits[0].train)
    (out / "report.html").write_text(render_report(comparison, best, names, command), encoding="utf-8")
    print(f"\nbest model on all rows: {comparison.best.model.name}, {best.chosen.label}")
    if not best.converged:
        print("WARNING: its duality gap did not reach the tolerance.")
    print(f"written: {', '.join(str(out / name) for name in ('report.html', 'results.csv', 'best_model.joblib'))}")


def write_results(path: Path, comparison: Comparison) -> None:
    """One line per model and finished fold."""
    lines: Sequence[dict[str, object]] = records(comparison)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(lines[0]) if lines else ["model", "fold", "score"])
        writer.writeheader()
        writer.writerows(lines)
