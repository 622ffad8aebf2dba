"""Argyriou, Evgeniou & Pontil (Machine Learning 2008), "Convex multi-task feature learning": the School data.

Explained variance of multi-task feature learning (the squared trace norm) against independent and pooled ridge
regression. Ten splits with 75 % of the rows of every school for training; strengths by cross-validation on these; then
one certified fit. All of that is ``benchmarks/school.py``, which says what the five definitions of explained variance
are. Here they stand beside the paper's figures, which are from memory: docs/school.md has what is known of them.

The constant column of the data is a feature like the others and is penalised, as in the paper (``--encoding free``: an
unpenalised intercept for every school instead). Half a minute.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from _common import parser, print_header, print_table, repeat, seeds
from _school import add_data_home, load, school, scores, with_deviation
from sklearn.exceptions import ConvergenceWarning

from mtlinear.penalties import Ridge, SquaredNorm

#: alpha/2 (trace norm)^2 has the slope alpha times the trace norm of A, which is a hundred or so here.
SQUARED_ALPHAS = tuple(np.geomspace(1.0, 1e-5, 13).tolist())
STRUCTURES = {
    "aggregate (one ridge for all schools)": school.STRUCTURES["pooled"],
    "independent ridge": school.Structure("ridge", (Ridge(),)),
    "multi-task feature learning": school.Structure("feature learning", (SquaredNorm(),), SQUARED_ALPHAS),
}
#: In percent, from memory and not checked.
PAPER = {
    "aggregate (one ridge for all schools)": "22.7 ± 1.3",
    "independent ridge": "23.8 ± 2.0",
    "multi-task feature learning": "26.7 ± 2.0",
}


def report(done: list[dict[str, dict[str, Any]]]) -> None:
    """Every definition, and what sharing adds on the same splits."""
    lines = []
    for label in STRUCTURES:
        found = [one[label] for one in done]
        cells = [with_deviation([result["scores"][name] for result in found]) for name in school.SCORES]
        lines.append([label, PAPER[label], *cells])
    base = "independent ridge"
    for label in ("aggregate (one ridge for all schools)", "multi-task feature learning"):
        gain = float(PAPER[label].split()[0]) - float(PAPER[base].split()[0])
        differences = [
            with_deviation([one[label]["scores"][name] - one[base]["scores"][name] for one in done])
            for name in school.SCORES
        ]
        lines.append([f"{label}, minus {base}", f"{gain:+.1f}", *differences])
    print_table(["percent of variance, mean ± standard deviation", "paper (from memory)", *school.SCORES], lines)
    gap = max(result["relative_gap"] for one in done for result in one.values())
    ends = sum(result["at_end_of_grid"] for one in done for label, result in one.items() if "aggregate" not in label)
    print(f"largest relative duality gap {gap:.0e}; strengths at an end of their grid (but aggregate): {ends}")


def main() -> None:
    """Run and print."""
    arguments_parser = parser(__doc__, repetitions=10, figure=False)
    add_data_home(arguments_parser)
    arguments_parser.add_argument("--encoding", choices=("constant", "free"), default="constant")
    arguments_parser.add_argument("--folds", type=int, default=3, help="folds inside the training rows (default 3)")
    arguments = arguments_parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)  # fits inside the folds are only ranked
    rows, chosen = load(arguments), seeds(arguments)
    print_header(
        "Argyriou, Evgeniou & Pontil (2008), School data",
        {"seeds": f"{chosen[0]}-{chosen[-1]}", "encoding": arguments.encoding, "folds": arguments.folds},
    )
    done = repeat(lambda seed: scores(STRUCTURES, rows, arguments.encoding, seed, arguments.folds), chosen)
    if done:
        report(done)


if __name__ == "__main__":
    main()
