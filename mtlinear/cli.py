"""The command ``mtlinear``."""

from __future__ import annotations

import argparse
import importlib
import shlex
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

import mtlinear

_INTERRUPTED = 130
_NEEDED = ("pandas", "matplotlib", "rich")


class _BadUsage(Exception):
    """What argparse complains about, without its usage text."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise _BadUsage(f"{message} (see: {self.prog} --help)")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code: 0 ok, 2 bad usage or bad data, 130 after Ctrl-C."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        args = make_parser().parse_args(arguments)
        for module in _NEEDED:
            _require(module)
    except _BadUsage as error:
        return _complain(error)
    from mtlinear.compare import UsageError, compare_command

    try:
        return compare_command(args, shlex.join(["mtlinear", *arguments]))
    except UsageError as error:
        return _complain(error)
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return _INTERRUPTED


def make_parser() -> argparse.ArgumentParser:
    """The parser of ``mtlinear`` with its one command, ``compare``."""
    parser = _Parser(prog="mtlinear", description="Multi-task learning with linear models.")
    parser.add_argument("--version", action="version", version=f"mtlinear {mtlinear.__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="compare")
    compare = commands.add_parser(
        "compare",
        help="does multi-task learning help on your data, and which structure?",
        description="Cross-validate single-task models, one pooled model and five multi-task structures on a table, "
        "and say whether sharing helps. Without DATA: scikit-learn's digits as ten tasks, with few training rows.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    compare.add_argument(
        "data", nargs="?", metavar="DATA", help=".csv or .parquet file; every other column is a feature"
    )
    compare.add_argument(
        "--target", nargs="+", default=[], metavar="COLUMN", help="what to predict; several share all rows"
    )
    compare.add_argument("--task", metavar="COLUMN", help="the column that says which task a row belongs to")
    compare.add_argument("--classify", action="store_true", help="the targets are labels")
    compare.add_argument("--drop", nargs="+", default=[], metavar="COLUMN", help="columns to leave out")
    compare.add_argument("--dataset", choices=("digits", "school"), help="a data set instead of DATA")
    compare.add_argument("--data-home", metavar="DIR", help="where school.mat is, or is put after a download")
    compare.add_argument(
        "--out", default="mtlinear-report", metavar="DIR", help="report.html, results.csv, best_model.joblib"
    )
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
    return parser


def _require(module: str) -> None:
    try:
        importlib.import_module(module)
    except ImportError as error:
        raise _BadUsage(f'mtlinear compare needs {module}: pip install "mtlinear[cli]"') from error


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
