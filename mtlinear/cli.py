"""The command ``mtlinear``."""

from __future__ import annotations

import argparse
import importlib
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

import mtlinear

#: Exit codes of shells: after Ctrl-C, and where nobody reads the output any more (``| head``).
_INTERRUPTED, _BROKEN_PIPE = 130, 141
_NEEDED = ("pandas", "matplotlib", "rich")

_DESCRIPTION = """\
Cross-validate single-task models, one pooled model and multi-task structures on a table, and say whether sharing
helps. Without DATA: scikit-learn's digits as ten tasks, with few training rows."""

_EXAMPLES = """\
examples:
  mtlinear compare patients.csv --target outcome --task hospital      rows belong to tasks
  mtlinear compare plants.parquet --target height weight yield        several targets, the same rows
  mtlinear compare flowers.csv --target species --classify            a task per class
  mtlinear compare patients.csv --target outcome --task hospital --structures clustered robust trace-norm
  mtlinear compare --config study.toml --predict new_patients.csv --save model.joblib
  mtlinear compare patients.csv --target outcome --task hospital --json > answer.json

a config file has the same names:
  [compare]
  data = "patients.csv"
  target = "outcome"
  task = "hospital"
  folds = 10

exit codes: 0 done, 2 bad usage or bad data (one line on stderr says which), 130 interrupted by Ctrl-C (finished folds
are in results.csv)."""

_SAVE = "save the best model, refitted on all rows: .joblib, or .skops (which needs: pip install skops)"
_NO_LOAD = """\
there is no --load; in Python: joblib.load("mtlinear-report/best_model.joblib").predict(table), where table is a pandas
DataFrame with the columns of your data; or repeat the comparison with --predict NEW."""


class _BadUsage(Exception):
    """What argparse complains about, without its usage text."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        if "--load" in message:
            message = _NO_LOAD
        raise _BadUsage(f"{message} (see: mtlinear compare --help)")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code: 0 ok, 2 bad usage or bad data, 130 after Ctrl-C."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    from mtlinear.compare import UsageError, compare_command, set_from_config

    parser, compare = make_parsers()
    try:
        _check_command(arguments)
        args = parser.parse_args(arguments)
        for module in _NEEDED:
            _require(module)
        if args.config is not None:
            set_from_config(compare, args.config, lambda words: parser.parse_args(["compare", *words]))
            args = parser.parse_args(arguments)
        return compare_command(args, shlex.join(["mtlinear", *arguments]))
    except (_BadUsage, UsageError) as error:
        return _complain(error)
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return _INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains when it flushes
        return _BROKEN_PIPE


def make_parsers() -> tuple[argparse.ArgumentParser, argparse.ArgumentParser]:
    """The parser of ``mtlinear``, and that of its one command, ``compare``."""
    from mtlinear.compare import DEFAULT_STRUCTURES, STRUCTURES

    parser = _Parser(prog="mtlinear", description="Multi-task learning with linear models.")
    parser.add_argument("--version", action="version", version=f"mtlinear {mtlinear.__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="compare")
    compare = commands.add_parser(
        "compare",
        help="does multi-task learning help on your data, and which structure?",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=_Help,
    )
    compare.add_argument(
        "data", nargs="?", metavar="DATA", help=".csv, .tsv or .parquet file; every other column is a feature"
    )
    compare.add_argument(
        "--target", nargs="+", default=[], metavar="COLUMN", help="what to predict; several share all rows"
    )
    compare.add_argument("--task", metavar="COLUMN", help="the column that says which task a row belongs to")
    compare.add_argument("--classify", action="store_true", help="the targets are labels")
    compare.add_argument("--drop", nargs="+", default=[], metavar="COLUMN", help="columns to leave out")
    compare.add_argument(
        "--structures", nargs="+", type=_structure, default=list(DEFAULT_STRUCTURES), metavar="NAME",
        help=f"what to compare with single-task and pooled models: {', '.join(STRUCTURES)} (default: the first five)",
    )  # fmt: skip
    compare.add_argument("--dataset", choices=("digits", "school"), help="a data set instead of DATA")
    compare.add_argument("--data-home", metavar="DIR", help="where school.mat is, or is put after a download")
    compare.add_argument(
        "--out", default="mtlinear-report", metavar="DIR", help="report.html, results.csv, best_model.joblib"
    )
    compare.add_argument("--save", metavar="FILE", help=_SAVE)
    compare.add_argument(
        "--predict", metavar="NEW", help=".csv, .tsv or .parquet file: predict its rows, into predictions.csv in --out"
    )
    compare.add_argument("--json", action="store_true", help="print the results as JSON, everything else on stderr")
    compare.add_argument("--config", metavar="FILE", help="TOML file with these options; the command line wins")
    compare.add_argument("--seed", type=_whole(0), default=0, metavar="N", help="seed of the folds")
    compare.add_argument("--folds", type=_whole(2), default=5, metavar="K", help="outer folds, or random splits")
    compare.add_argument(
        "--inner-folds", type=_whole(2), default=3, metavar="K", help="folds that choose the parameters"
    )
    compare.add_argument("--candidates", type=_whole(1), default=12, metavar="N", help="candidates per model")
    compare.add_argument(
        "--train-size", type=_size, metavar="SIZE", help="random splits with so many training rows (or a fraction)"
    )
    compare.add_argument("--n-jobs", type=_jobs, default=-1, metavar="N", help="processes; -1: one per core")
    compare.add_argument("--tol", type=_tolerance, default=1e-6, metavar="T", help="relative duality gap of every fit")
    return parser, compare


class _Help(argparse.RawDescriptionHelpFormatter):
    """Examples as they are written, and the defaults that are numbers or names."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        shown = isinstance(action.default, str | int | float) and not isinstance(action.default, bool)
        shown = shown and action.default != argparse.SUPPRESS  # of --help itself
        return f"{action.help} (default: {action.default})" if shown else action.help


def _require(module: str) -> None:
    try:
        importlib.import_module(module)
    except ImportError as error:
        from mtlinear.compare._errors import needs

        raise _BadUsage(f"mtlinear compare {needs(module)}") from error


def _check_command(arguments: Sequence[str]) -> None:
    """Raise if a file stands where the command should."""
    first = arguments[0] if arguments else ""
    if first.lower().endswith((".csv", ".tsv", ".parquet")):
        raise _BadUsage(f"the command is missing before the file; try: mtlinear compare {shlex.join(arguments)}")


def _complain(error: Exception) -> int:
    print(f"mtlinear: error: {' '.join(str(error).split())}", file=sys.stderr)
    return 2


def _whole(at_least: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = at_least - 1
        if value < at_least:
            raise argparse.ArgumentTypeError(f"must be a whole number >= {at_least}, got {text!r}")
        return value

    return parse


def _structure(text: str) -> str:
    from mtlinear.compare import STRUCTURES
    from mtlinear.compare._errors import did_you_mean

    if text not in STRUCTURES:
        hint = did_you_mean([text], STRUCTURES)
        raise argparse.ArgumentTypeError(f"invalid choice: {text!r}; the structures are {', '.join(STRUCTURES)}.{hint}")
    return text


def _jobs(text: str) -> int:
    if text == "-1":
        return -1
    return _whole(1)(text)


def _size(text: str) -> int | float:
    """``150`` is a number of rows, ``0.2`` a fraction."""
    try:
        return int(text)
    except ValueError:
        pass
    return _fraction(text, "a number of rows or a fraction")


def _tolerance(text: str) -> float:
    return _fraction(text, "a number")


def _fraction(text: str, what: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.0 < value < 1.0:
        raise argparse.ArgumentTypeError(f"must be {what} between 0 and 1, got {text!r}")
    return value
