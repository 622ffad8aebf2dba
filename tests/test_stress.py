"""Two thousand problems that are hard on purpose: each ends in a certified gap or an honest ConvergenceWarning.

``python tests/test_stress.py 0 2000 500`` (first seed, problems, iterations) prints how often each solver converges;
with ``all`` every solver takes part.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections import defaultdict
from dataclasses import dataclass

import catalogue
import numpy as np
import pytest
from hardproblems import Evaluation, HardProblem, hard_problem
from sklearn.exceptions import ConvergenceWarning

from mtlinear.solvers import Solution, Solver, choose_solver

N_PROBLEMS, PER_TEST = 2000, 50
TOL = 1e-6
#: Of the chosen solver, and of the other, which need not get there.
MAX_ITER, OF_OTHERS = 300, 100


@dataclass(frozen=True)
class Run:
    """A solver, what it found, and what it said."""

    solver: Solver
    solution: Solution
    warned: int
    seconds: float


def run_of(hard: HardProblem, solver: Solver, max_iter: int) -> Run:
    """Solve; every warning but a ConvergenceWarning is an error."""
    started = time.perf_counter()
    with warnings.catch_warnings(record=True) as caught, np.errstate(all="warn", under="ignore"):
        warnings.simplefilter("error")
        warnings.simplefilter("always", ConvergenceWarning)
        solution = solver.solve(hard.problem, tol=TOL, max_iter=max_iter)
    return Run(solver, solution, len(caught), time.perf_counter() - started)


def solvers_for(hard: HardProblem) -> list[Solver]:
    """The one that is chosen, and another that accepts the problem."""
    chosen = choose_solver(hard.problem)
    others = [s for s in catalogue.SOLVERS if s.refuses(hard.problem) is None and repr(s) != repr(chosen)]
    return [chosen, others[int(np.random.default_rng([hard.seed, 1]).integers(len(others)))]]


def complaints(hard: HardProblem, runs: list[Run]) -> list[str]:
    """What is wrong with these runs of one problem; nothing, it is to be hoped."""
    problem, found = hard.problem, []
    limit = problem.gap_limit(TOL)
    evaluations = [Evaluation(hard, run.solution) for run in runs]
    best = min(evaluations, key=lambda evaluation: evaluation.objective)
    for run, evaluation in zip(runs, evaluations, strict=True):
        solution, certificate, who = run.solution, run.solution.certificate, repr(run.solver)
        numbers = [*solution.parts, solution.intercept, np.array([certificate.objective, certificate.bound])]
        if not all(np.all(np.isfinite(values)) for values in numbers):
            found.append(f"{who}: not finite")
            continue
        if solution.converged and not certificate.gap <= limit:
            found.append(f"{who}: converged with gap {certificate.gap:.3g} > {limit:.3g}")
        if solution.converged and not certificate.bound - certificate.objective <= limit:
            found.append(f"{who}: converged below its bound, {certificate.objective!r} < {certificate.bound!r}")
        if run.warned != (not solution.converged):
            found.append(f"{who}: converged={solution.converged}, {run.warned} warnings")
        off = abs(certificate.objective - evaluation.objective)
        if not off <= evaluation.rounding:
            found.append(f"{who}: objective {certificate.objective!r} is off by {off:.3g} > {evaluation.rounding:.3g}")
        over, allowed = certificate.bound - best.objective, best.bound_rounding(certificate)
        if not over <= allowed:
            found.append(f"{who}: bound {certificate.bound!r} too high by {over:.3g} > {allowed:.3g}")
    converged = [run.solution.certificate for run in runs if run.solution.converged]
    if len(converged) > 1:
        apart = abs(converged[0].objective - converged[1].objective)
        if not apart <= converged[0].gap + converged[1].gap + sum(e.rounding for e in evaluations):
            found.append(f"objectives {apart:.3g} apart, gaps {[c.gap for c in converged]}")
    return found


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, N_PROBLEMS, PER_TEST))
def test_hard_problems_end_certified_or_with_an_honest_warning(first):
    found = []
    for seed in range(first, first + PER_TEST):
        hard = hard_problem(seed)
        chosen, other = solvers_for(hard)
        runs = [run_of(hard, chosen, MAX_ITER)]
        if seed % 2:  # half of them by another solver, too
            runs.append(run_of(hard, other, OF_OTHERS))
        found += [f"{hard.name}\n    {complaint}" for complaint in complaints(hard, runs)]
    assert not found, "\n" + "\n".join(found)


def main(first: int, count: int, max_iter: int, everyone: bool) -> None:
    """Print complaints at once, then how often each solver converged."""
    results = defaultdict(list)
    for seed in range(first, first + count):
        hard = hard_problem(seed)
        solvers = solvers_for(hard)
        if everyone:
            solvers = solvers[:1] + [s for s in catalogue.SOLVERS if s.refuses(hard.problem) is None]
        runs = []
        for k, solver in enumerate(solvers):
            try:
                runs.append(run_of(hard, solver, max_iter))
            except Exception as error:
                print(f"{hard.name}\n    {solver!r}: {type(error).__name__}: {error}", flush=True)
                continue
            results["CHOSEN " * (k == 0) + repr(solver)].append((hard, runs[-1]))
        for complaint in complaints(hard, runs) if runs else []:
            print(f"{hard.name}\n    {complaint}", flush=True)
    for name, pairs in sorted(results.items()):
        share = np.mean([run.solution.converged for _, run in pairs])
        endless = np.mean([hard.problem.has_no_minimum(run.solution.certificate.objective) for hard, run in pairs])
        seconds = sum(run.seconds for _, run in pairs)
        print(f"{name}: {share:.1%} of {len(pairs)} converged, {endless:.1%} without a minimum, {seconds:.1f} s")


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:] if word.isdigit()]
    first, count, max_iter = [*given, *[0, 200, MAX_ITER][len(given) :]]
    main(first, count, max_iter, "all" in sys.argv)
