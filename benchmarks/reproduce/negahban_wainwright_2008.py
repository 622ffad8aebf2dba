"""Negahban & Wainwright (NIPS 2008): L1/Linf against the lasso for two tasks, by how much their supports overlap.

Probability of finding both supports with their signs, against the rescaled sample size n / (2 s log(p - (2 - a) s)),
for overlaps a. Their theorem puts the step of L1/Linf at (4 - 3 a) / 2; that of the lasso is at
log(p - s) / log(p - (2 - a) s), which is 1 but for terms that vanish. So sharing wins for a > 2/3, and loses below. The
a of the theorem is the overlap that the data have: 0.7 of 12 features is 8/12.

Two rules for the strength:

theory
    one fit at a strength of the order the theory asks for: 2 sigma sqrt(log(s) log(p - s) / n) for the lasso, sqrt(2)
    times that for L1/Linf (r = 2 tasks).
path
    a success if any of 30 strengths finds the signed supports: what no rule can beat.
"""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

import numpy as np
from _common import draw, parser, print_curves, print_header, print_table, repeat, seeds
from _draws import Kept, print_steps, steps, table
from _two_tasks import BLOCK, LASSO, NOISE, TOL, Array, Rows, Sizes, draw_rows, draw_truth, fits, signed_support

METHODS = {"lasso": LASSO, "block L1/Linf": BLOCK}
OVERLAPS = (0.1, 0.4, 0.7, 1.0)
#: Rescaled sample sizes: the steps are between 0.5 and 1.85.
GRID = np.array([0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.4, 1.6, 1.8, 2.0, 2.2, 2.4])
N_ALPHAS = 30


def theory(method: str, sizes: Sizes, n: int) -> Array:
    """The strength as an array of one."""
    strength = 2.0 * NOISE * np.sqrt(np.log(sizes.s) * np.log(sizes.p - sizes.s) / n)
    return np.array([strength * (np.sqrt(2.0) if METHODS[method] is BLOCK else 1.0)])


def found(method: str, truth: Array, rows: Rows, alphas: int | Array) -> bool:
    """Whether one of the fits has the signed supports of the truth."""
    solutions = fits(METHODS[method], rows, alphas, eps=1e-2)
    return any(np.array_equal(signed_support(METHODS[method], A), np.sign(truth)) for A in solutions)


def successes(sizes: Sizes, grid: Array, rule: str, seed: int) -> dict[str, list[bool]]:
    """One draw at every sample size, for every method."""
    rng = np.random.default_rng([seed, sizes.p, round(100 * sizes.overlap)])
    results: dict[str, list[bool]] = {method: [] for method in METHODS}
    for control in grid:
        n = max(2, round(2.0 * control * sizes.unit))
        truth = draw_truth(sizes, rng)
        rows = draw_rows(truth, n, rng)
        for method, listed in results.items():
            listed.append(found(method, truth, rows, theory(method, sizes, n) if rule == "theory" else N_ALPHAS))
    return results


def expected(method: str, sizes: Sizes) -> float:
    """The theorem's step."""
    return (sizes.block_step if METHODS[method] is BLOCK else sizes.lasso_step) / 2.0


def better(sizes: Sizes, grid: Array, found: dict[str, Array]) -> list[str]:
    """Which one the theorem has ahead (leading order), and which one is ahead here in 39 of 40 bootstrap samples."""
    theirs = "tie" if np.isclose(sizes.block_step, 2.0) else "block" if sizes.block_step < 2.0 else "lasso"
    lead = steps(grid, found, "block L1/Linf")["lasso"]
    return [theirs, "block" if lead.before >= 0.975 else "lasso" if lead.after >= 0.975 else "undecided"]


def report(done: list[dict[Sizes, Any]], problems: list[Sizes], grid: Array) -> dict[str, Any]:
    """Steps of the curves as a table, and the curves themselves."""
    found = {sizes: table([one[sizes] for one in done]) for sizes in problems}
    print("\nSample size n / (2 s log(p - (2 - a) s)) at which half of the draws succeed (in brackets: the theorem):")
    print_steps({sizes: (grid, values) for sizes, values in found.items()}, expected, "block L1/Linf")
    print("\nWhich is better:")
    lines = [[str(sizes), *better(sizes, grid, values)] for sizes, values in found.items()]
    print_table(["", "theorem", "ours, in 39 of 40 bootstrap samples"], lines)
    panels = {}
    for sizes, values in found.items():
        curves = {method: np.mean(one, axis=0) for method, one in values.items()}
        panels[str(sizes)] = (grid, curves)
        print(f"\n{sizes}: probability of both signed supports")
        print_curves(grid, curves, "n / (2 s log(p - (2 - a) s))", top=1.0)
    return panels


def main() -> None:
    """Run, print, draw."""
    arguments_parser = parser(__doc__, repetitions=50)
    arguments_parser.add_argument("--rule", choices=("theory", "path"), default="theory", help="(default theory)")
    arguments_parser.add_argument("--p", type=int, nargs="+", help="numbers of features (default 128 256, 64 if quick)")
    arguments_parser.add_argument(
        "--draws", metavar="PATH", help="keep the draws in this file; those it has are not run again"
    )
    arguments = arguments_parser.parse_args()
    run(arguments)


def run(arguments: argparse.Namespace) -> None:
    problems = [
        Sizes(p, p // 10, overlap)
        for p in arguments.p or ([64] if arguments.quick else [128, 256])
        for overlap in ((0.1, 1.0) if arguments.quick else OVERLAPS)
    ]
    rule, chosen, kept = arguments.rule, seeds(arguments), Kept(arguments.draws)
    grid = GRID[::5] if arguments.quick else GRID
    about = {"seeds": f"{chosen[0]}-{chosen[-1]}", "draws of every cell": len(chosen), "rule": rule}
    print_header("Negahban & Wainwright (2008)", about | {"s": "p // 10", "noise": NOISE, "gap": TOL})

    def one(seed: int) -> dict[Sizes, Any]:
        return {
            sizes: kept.successes(rule, sizes, seed, grid, partial(successes, sizes, grid, rule, seed))
            for sizes in problems
        }

    done = repeat(one, chosen)
    if done:
        panels = report(done, problems, grid)
        if arguments.figure:
            draw(arguments.figure, panels, "n / (2 s log(p - (2 - a) s))", "probability of both signed supports")


if __name__ == "__main__":
    main()
