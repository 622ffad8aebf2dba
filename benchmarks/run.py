"""Our solver beside its peers at equal true gap: one table, with the geometric mean of the ratios.

Run ``python benchmarks/run.py --suite l1l2`` (or logistic, spectral, school, many-tasks, small, all); ``--quick`` takes
sizes of which a fit lasts a second, ``--school PATH`` the School data, ``--out FILE.md`` appends the table. Everyone
reaches a gap of 1e-6 of the objective at A = 0 and has the same threads; compare ratios, not seconds.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
from datetime import date
from pathlib import Path

import numpy as np
import problems
from comparison import Comparison, compare
from measure import TOL, Failed, Worker
from peer import NO_MODEL
from problems import Cell
from threadpoolctl import threadpool_info

SUITES = {
    "l1l2": problems.l1l2_cells,
    "logistic": problems.logistic_cells,
    "spectral": problems.spectral_cells,
    "many-tasks": problems.many_tasks_cells,
    "small": problems.small_cells,
}
#: The suites in which issue 1's solver is measured, too.
WITH_FISTA = ("spectral",)
RATIOS = ("ratio", "as called", "proved")
COLUMNS = ("problem", "gap", "ours", "solver", "iterations", "passes", "best peer", "its time", *RATIOS)
PEERS = ("scikit-learn", "celer", "skglm", "adelie", "spams-bin", "cvxpy", "clarabel", "scs")


def cells_of(suite: str, school: str | None, quick: bool) -> list[Cell]:
    """The problems of a suite, or of all of them; School only where its file is named."""
    if suite == "school":
        if school is None:
            raise SystemExit("--suite school needs --school PATH")
        return problems.school_cells(school, quick)
    if suite != "all":
        return SUITES[suite](quick)
    cells = [cell for make in SUITES.values() for cell in make(quick)]
    return cells + (problems.school_cells(school, quick) if school else [])


def machine(threads: int) -> list[str]:
    """What the times depend on, one fact a line."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    blas = {f"{info['internal_api']} {info['version']}" for info in threadpool_info() if info["user_api"] == "blas"}
    versions = []
    for name in ("numpy", "scipy", *PEERS):
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            versions.append(f"{name} not installed")
    return [
        f"{date.today()}, {model}, {os.cpu_count()} cores, {threads} thread(s) for everyone",
        f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {', '.join(sorted(blas))}",
        ", ".join(versions),
    ]


def row_of(comparison: Comparison) -> list[str]:
    """The cells of the table's row."""
    run, best, ratio = comparison.run, comparison.best, comparison.ratio
    late = ratio is not None and not ratio[1]
    return [
        comparison.cell.label,
        f"{run.gap:.1e}" + ("" if run.gap <= TOL else " !"),
        f"{comparison.seconds:.3g} s",
        run.solver,
        str(run.n_iter),
        f"{comparison.passes:.1f}",
        best.name if best else "-",
        f"{best.best:.3g} s" if best else (f"> {comparison.limit:g} s" if late else "-"),
        "-" if ratio is None else f"{'> ' if late else ''}{ratio[0]:.3g}",
        "-" if comparison.ratio_as_called is None else f"{comparison.ratio_as_called:.3g}",
        "-" if comparison.ratio_proved is None else f"{comparison.ratio_proved:.3g}",
    ]


def details_of(comparison: Comparison) -> str:
    """Every peer's time and tolerance, and why the others are missing."""
    times = [
        f"{peer.name} {peer.best:.3g} s (tol {peer.tol:.0e}, gap {peer.gap:.0e}{_beside(peer.preparation)})"
        for peer in sorted(comparison.found, key=lambda peer: peer.best)
    ]
    skipped = comparison.skipped
    others = [f"{name}: {_in_words(reason)}" for name, reason in skipped.items() if reason != NO_MODEL]
    without = [name for name, reason in skipped.items() if reason == NO_MODEL]
    times += [
        f"{peer.name} proves it in {min(peer.proof_seconds):.3g} s (tol {peer.proof_tol:.0e})"
        for peer in comparison.found
        if peer.proof_seconds
    ]
    return "; ".join([*times, *others] + ([f"not in {', '.join(without)}"] if without else []))


def _beside(preparation: float) -> str:
    return f", and {preparation:.2g} s to bring the data to its format" if preparation >= 0.01 else ""


def _in_words(reason: str) -> str:
    return reason if reason.startswith(">") or " s, gap" in reason else f"skipped: {reason}"


def geometric_mean(comparisons: list[Comparison]) -> str:
    """Of the ratios where a peer took part; a lower bound if some peer was stopped at the limit."""
    ratios = [comparison.ratio for comparison in comparisons if comparison.ratio is not None]
    if not ratios:
        return "no peer took part"
    mean = _mean([ratio for ratio, _ in ratios])
    exact = all(exact for _, exact in ratios)
    lowest = min(ratio for ratio, _ in ratios)
    text = f"geometric mean of {len(ratios)} ratios: {'' if exact else 'at least '}{mean:.3g}, lowest {lowest:.3g}"
    for name, attribute in (("as called", "ratio_as_called"), ("proved", "ratio_proved")):
        others = [ratio for ratio in (getattr(each, attribute) for each in comparisons) if ratio is not None]
        text += f"; {name} {_mean(others):.3g}, lowest {min(others):.3g}" if others else ""
    return text


def _mean(ratios: list[float]) -> float:
    return float(np.exp(np.mean(np.log(ratios))))


def measure(worker: Worker, cells: list[Cell], repeats: int, with_fista: bool) -> tuple[list[Comparison], list[str]]:
    """Compare on every cell, printing as it goes; also what failed."""
    print("  ".join(COLUMNS))
    comparisons, failures = [], []
    for cell in cells:
        try:
            comparison = compare(worker, cell, repeats, with_fista)
        except Failed as failure:
            failures.append(f"{cell.label}: ours failed: {failure}")
            print(failures[-1], flush=True)
            continue
        comparisons.append(comparison)
        print("  ".join(row_of(comparison)), flush=True)
        print(f"    {details_of(comparison)}", flush=True)
    return comparisons, failures


def as_markdown(suite: str, comparisons: list[Comparison], failures: list[str], facts: list[str]) -> str:
    """The dated section that ``--out`` appends."""
    lines = ["", f"## {suite}, {date.today()}", "", *(f"- {fact}" for fact in facts), ""]
    lines += ["| " + " | ".join(COLUMNS) + " |", "|" + "---|" * len(COLUMNS)]
    lines += ["| " + " | ".join(row_of(comparison)) + " |" for comparison in comparisons]
    lines += [
        "",
        "Ratio: best peer's time over ours; as called: with what it takes to bring arrays to its format; proved: until "
        f"its answer proves the gap by itself, as ours does; {geometric_mean(comparisons)}.",
        "",
        "All peers:",
        "",
    ]
    lines += [f"- {comparison.cell.label}: {details_of(comparison)}" for comparison in comparisons]
    lines += [f"- {failure}" for failure in failures]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", choices=[*SUITES, "school", "all"], default="all")
    parser.add_argument("--school", metavar="PATH", help="path of school.mat")
    parser.add_argument("--quick", action="store_true", help="small problems only")
    parser.add_argument("--only", metavar="TEXT", help="only problems whose label contains this")
    parser.add_argument("--without", nargs="+", default=[], metavar="PEER", help="leave out peers, by their names")
    parser.add_argument("--limit", type=float, default=60.0, help="seconds that one run may take (default 60)")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="for everyone (default: all cores)")
    parser.add_argument("--repeats", type=int, default=3, help="runs of which the best counts (default 3)")
    parser.add_argument("--out", metavar="FILE.md", help="append the table to this file")
    arguments = parser.parse_args()
    cells = cells_of(arguments.suite, arguments.school, arguments.quick)
    cells = [cell for cell in cells if arguments.only is None or arguments.only in cell.label]
    facts = machine(arguments.threads)
    print("\n".join(facts), flush=True)
    worker = Worker(arguments.threads, arguments.limit, arguments.without)
    try:
        with_fista = arguments.suite in WITH_FISTA
        comparisons, failures = measure(worker, cells, arguments.repeats, with_fista)
    finally:
        worker.stop()
    print(geometric_mean(comparisons))
    if arguments.out:
        with Path(arguments.out).open("a") as file:
            file.write(as_markdown(arguments.suite, comparisons, failures, facts))


if __name__ == "__main__":
    main()
