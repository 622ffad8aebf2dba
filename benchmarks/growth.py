"""How our time and memory grow with the rows n, the features d and the tasks T.

Run ``python benchmarks/growth.py``; about two minutes. Every size is fitted in a process of its own. Memory is the peak
of what NumPy allocates during a fit (tracemalloc, in one more run that is not timed), beside the data themselves. The
exponents are slopes of least squares of log time (log memory) on log size: 1 is linear.

- n, d: L1/L2 on a shared X, at a tenth of alpha_max; T: L1/L2 and the trace norm on tasks with rows of their own.
- "fit" is building the problem and solving to a gap of 1e-6; making the data is not part of it.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import time
import tracemalloc
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from measure import THREAD_VARIABLES, TOL
from problems import Arrays, Cell, shared_sparse, stacked_sparse
from threadpoolctl import threadpool_limits

from mtlinear.penalties import L1Lq, Penalty, TraceNorm
from mtlinear.solvers import choose_solver


@dataclass(frozen=True)
class Series:
    """Sizes that differ in one number, ``letter``, the ``position``-th of (n, d, T)."""

    label: str
    letter: str
    position: int
    make: Callable[..., Arrays]
    penalty: Penalty
    sizes: tuple[tuple[int, int, int], ...]


SERIES = (
    Series("L1/L2 shared", "n", 0, shared_sparse, L1Lq(), tuple((n, 300, 10) for n in (1000, 4000, 16000, 64000))),
    Series("L1/L2 shared", "d", 1, shared_sparse, L1Lq(), tuple((200, d, 10) for d in (1000, 4000, 16000, 64000))),
    Series("L1/L2 shared", "T", 2, shared_sparse, L1Lq(), tuple((500, 300, T) for T in (10, 40, 160, 640))),
    Series("L1/L2 stacked", "n", 0, stacked_sparse, L1Lq(), tuple((n, 30, 50) for n in (100, 400, 1600, 6400))),
    Series("L1/L2 stacked", "T", 2, stacked_sparse, L1Lq(), tuple((50, 30, T) for T in (100, 400, 1600, 6400))),
    Series("trace stacked", "T", 2, stacked_sparse, TraceNorm(), tuple((50, 30, T) for T in (100, 400, 1600, 6400))),
)


def fit(cell: Cell, threads: int, repeats: int, answers: multiprocessing.Queue) -> None:
    """Put (seconds, bytes at the peak of a fit, bytes of X, relative gap, iterations)."""
    warnings.simplefilter("ignore")
    data = cell.build()

    def run() -> tuple[float, int]:
        problem = data.problem()
        solution = choose_solver(problem).solve(problem, tol=TOL)
        return solution.certificate.gap / problem.null_objective, solution.n_iter

    with threadpool_limits(threads):
        seconds = []
        for _ in range(repeats):
            start = time.perf_counter()
            gap, n_iter = run()
            seconds.append(time.perf_counter() - start)
        tracemalloc.start()
        run()
        peak = tracemalloc.get_traced_memory()[1]
    answers.put((min(seconds), peak, data.arrays.X.nbytes, gap, n_iter))


def measured(cell: Cell, threads: int, repeats: int) -> tuple[float, int, int, float, int]:
    """`fit` in a process of its own, with the same threads for whatever counts them."""
    os.environ.update({variable: str(threads) for variable in THREAD_VARIABLES})
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    process = context.Process(target=fit, args=(cell, threads, repeats, answers))
    process.start()
    process.join()
    if process.exitcode:
        raise RuntimeError(f"{cell.label}: the process ended with {process.exitcode}")
    return answers.get(timeout=10.0)


def slope(sizes: list[int], values: list[float]) -> float:
    """Exponent p of ``value ~ size^p``."""
    return float(np.polyfit(np.log(sizes), np.log(values), 1)[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="only the two smallest sizes of each series")
    arguments = parser.parse_args()
    print("| problem | n x d x T | fit | iterations | gap | X | memory of a fit |\n|---|---|---|---|---|---|---|")
    for series in SERIES:
        grown, seconds, memory = [], [], []
        for sizes in series.sizes[:2] if arguments.quick else series.sizes:
            cell = Cell(series.label, series.make, sizes, series.penalty, fraction=0.1)
            time_, peak, n_bytes, gap, n_iter = measured(cell, arguments.threads, arguments.repeats)
            grown.append(sizes[series.position])
            seconds.append(time_)
            memory.append(peak)
            label = " x ".join(str(size) for size in sizes)
            print(
                f"| {series.label} | {label} | {time_:.3g} s | {n_iter} | {gap:.0e} | {n_bytes / 2**20:.1f} MiB | "
                f"{peak / 2**20:.1f} MiB |",
                flush=True,
            )
        exponents = f"time ~ {series.letter}^{slope(grown, seconds):.2f}, memory ~ {series.letter}^"
        print(f"| {series.label} | **{exponents}{slope(grown, memory):.2f}** | | | | | |", flush=True)


if __name__ == "__main__":
    main()
