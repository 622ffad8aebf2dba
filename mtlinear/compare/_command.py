"""``mtlinear compare``: from the parsed command line to the table and the files."""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import joblib

from mtlinear.compare._answer import certificate, losers, verdict
from mtlinear.compare._best import BestModel, fit_best, parameter_names
from mtlinear.compare._console import Progress, print_table
from mtlinear.compare._data import TaskData
from mtlinear.compare._errors import UsageError
from mtlinear.compare._files import READ_AS, read_table
from mtlinear.compare._json import as_json
from mtlinear.compare._models import check_candidates, make_models
from mtlinear.compare._report import render_report
from mtlinear.compare._results import Comparison, records, summarise
from mtlinear.compare._run import run_all
from mtlinear.compare._saved import check_new_table, check_save, predict_table, save_model
from mtlinear.compare._settings import Settings
from mtlinear.compare._splits import Split, make_splits
from mtlinear.compare._tables import from_table, load_digits_data, load_school_data

if TYPE_CHECKING:
    import pandas as pd

#: Training rows per split of the digits: 18 of each digit, so few that sharing between the tasks could matter.
DIGITS_TRAIN_SIZE = 180
#: Exit code after Ctrl-C, as shells have it.
INTERRUPTED = 130
#: What is written into --out when a comparison is complete.
REPORT, MODEL, PREDICTIONS = "report.html", "best_model.joblib", "predictions.csv"
#: Tasks of a cluster that are named in the terminal.
_SHOWN = 20


def compare_command(args: argparse.Namespace, command: str) -> int:
    """Run the comparison; returns the exit code.

    Raises
    ------
    UsageError
    """
    data, settings = load(args)
    models = make_models(
        data.n_tasks,
        classification=data.classification,
        structures=args.structures,
        pooled_slopes=data.has_levels,
    )
    check_candidates(models, settings.candidates)
    splits = make_splits(data, settings)
    check_save(args.save)
    # With --json the results alone are on stdout.
    talk = sys.stderr if args.json else sys.stdout
    new = None if args.predict is None else read_table(args.predict, option="--predict ")
    if new is not None:
        check_new_table(data, new, args.predict)
    out = make_folder(args.out)
    introduce(data, splits, talk)
    with Progress(models, len(splits)) as progress:
        run = run_all(data, models, splits, settings, progress.advance)
    comparison = summarise(data, models, splits, settings, run.results)
    files = {"results": out / "results.csv"}
    write_results(files["results"], comparison)
    if not args.json:
        show(comparison)
    best = None
    if not run.interrupted and comparison.best is not None:
        best = fit_best(data, comparison.best.model, settings)
        comparison.tally.include(best.tally)
    if not args.json:
        print(certificate(comparison.tally, settings.tol), flush=True)
    if best is not None:
        clear_earlier(out, keep=[args.data, args.predict], talk=talk)
        files |= finish(comparison, best, out, command)
        files |= use(data, best, new, args.save, out, talk)
        show_best(comparison, best, talk)
        print(f"written: {', '.join(str(path) for path in files.values())}", file=talk)
    elif run.interrupted:
        earlier = " The report and the model there are of an earlier run." if (out / REPORT).exists() else ""
        print(f"Interrupted: the table is partial. Finished folds are in {files['results']}.{earlier}", file=talk)
    if args.json:
        print(json.dumps(as_json(comparison, best, files), indent=2))
    return INTERRUPTED if run.interrupted else 0


def introduce(data: TaskData, splits: Sequence[Split], talk: TextIO) -> None:
    """Say what the data are taken for."""
    print(data.description, file=talk)
    for note in data.notes:
        print(f"  {note}", file=talk)
    first = splits[0]
    sizes = f"{len(first.train):,} training and {len(first.test):,} test rows"
    print(f"  {len(splits)} splits, {sizes}", file=talk, flush=True)


def clear_earlier(out: Path, keep: Sequence[str | None], talk: TextIO) -> None:
    """Say that the report of an earlier run is replaced, and remove its predictions: they are of another model."""
    if (out / REPORT).exists():
        print(f"\nthe report and the model of an earlier run in {out} are replaced", file=talk)
    predictions = out / PREDICTIONS
    used = {Path(name).resolve() for name in keep if name is not None}
    if predictions.exists() and predictions.resolve() not in used:
        predictions.unlink()
        print(f"{predictions} of an earlier run is removed", file=talk)


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
    """Table, answer and losers on stdout."""
    print()
    if comparison.rows:
        print_table(comparison)
        print()
    print(verdict(comparison))
    best = comparison.best
    if best is not None:
        print(f"{best.model.name} against single-task: {losers(comparison.gains(), comparison.data.classification)}")
    sys.stdout.flush()


def show_best(comparison: Comparison, best: BestModel, talk: TextIO) -> None:
    """The model that is saved, in a line, and its clusters."""
    name = comparison.best.model.name if comparison.best else ""
    print(f"\nbest model on all rows: {name}, {best.label}", file=talk)
    for k, tasks in enumerate(best.clusters or [], start=1):
        more = f", ... ({len(tasks)} in all)" if len(tasks) > _SHOWN else ""
        print(f"  cluster {k}: {', '.join(tasks[:_SHOWN])}{more}", file=talk)
    if not best.converged:
        print("WARNING: its duality gap did not reach the tolerance.", file=talk)


def finish(comparison: Comparison, best: BestModel, out: Path, command: str) -> dict[str, Path]:
    """Write the refitted best model and the report; returns their paths."""
    files = {"report": out / REPORT, "model": out / MODEL}
    joblib.dump(best.estimator, files["model"])
    names = parameter_names(comparison.data, comparison.splits[0].train)
    files["report"].write_text(render_report(comparison, best, names, command), encoding="utf-8")
    return files


def use(
    data: TaskData, best: BestModel, new: pd.DataFrame | None, save: str | None, out: Path, talk: TextIO
) -> dict[str, Path]:
    """Save the best model where --save says, and predict the table of --predict; returns the paths."""
    files = {}
    if save is not None:
        files["saved"] = Path(save)
        save_model(best.estimator, save)
    if new is not None:
        files["predictions"] = out / PREDICTIONS
        predictions, notes = predict_table(data, best.estimator, new)
        notes = [str(new.attrs[READ_AS]), *notes] if READ_AS in new.attrs else notes
        predictions.to_csv(files["predictions"], index=False)
        for note in notes:
            print(f"--predict: {note}", file=talk)
    return files


def write_results(path: Path, comparison: Comparison) -> None:
    """One line per model and finished fold."""
    lines: Sequence[dict[str, object]] = records(comparison)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(lines[0]) if lines else ["model", "fold", "score"])
        writer.writeheader()
        writer.writerows(lines)
