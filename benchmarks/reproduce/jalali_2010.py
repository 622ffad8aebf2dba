"""Jalali, Ravikumar, Sanghavi & Ruan (NIPS 2010), "A dirty model for multi-task learning": figure 1 and the digits.

curves
    Two tasks whose supports overlap by 0.3, 2/3 or 0.8, and not at all or fully: probability of finding the signed
    support against theta = n / (s log(p - (2 - overlap) s)). Their theorem puts the steps at 2 - overlap (dirty), 2
    (lasso, but for terms that vanish) and 4 - 3 overlap (L1/Linf): the dirty model is left of both, but at the ends,
    where it has that of the lasso (0) and of L1/Linf (1). The overlap is the one that the data have: 0.3 of 12 features
    is 4/12.
digits
    Ten one-vs-rest tasks on 10, 20 and 40 training rows of each class: test error and sizes of the supports. The paper
    has the Multiple Features data of UCI (649 features); offline there are only the 8 x 8 images of scikit-learn's
    load_digits (64 features), so the numbers cannot be compared with the paper's, only the order.

Two rules for the strengths of the curves, for all methods alike:

exists
    a success if any fit of the grid has the signed support, exactly: what the theorem is about ("no solution exists for
    any choices of lambda_s and lambda_b").
validation
    the paper's: the fit with the smallest error on a second set of rows of the same size. Such strengths are too small
    to clear every other entry, so a support is read off after a tolerance, half of the smallest magnitude. That holds
    for L1/Linf too, whose support is read off by dual recovery under the other rule.
"""

from __future__ import annotations

import argparse
import warnings
from functools import partial
from typing import Any

import numpy as np
from _common import at_end_of_grid, draw, parser, print_curves, print_header, print_table, repeat, seeds, with_error
from _draws import Kept, print_steps, table
from _two_tasks import BLOCK, LASSO, LEAST, NOISE, TOL, Array, Sizes, dirty, draw_rows, draw_truth, fits, signed_support
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import StratifiedKFold

from mtlinear import MultiTaskRegressorCV
from mtlinear.penalties import L1, Dirty, L1Lq, Penalty

#: lambda_s / lambda_b: both parts are used between 1/2 and 1, and there the paper searches. The bounds of its theorem
#: have a ratio near 1 / sqrt(2); a curve of its own shows what that ratio alone does.
MIDDLE = float(np.sqrt(0.5))
RATIOS = (0.55, MIDDLE, 0.85)
METHODS = ("dirty", "one-ratio dirty", "lasso", "block L1/Linf")
OVERLAPS = (0.0, 0.3, 2.0 / 3.0, 0.8, 1.0)
THETAS = {
    "exists": np.array([0.8, 1.1, 1.4, 1.7, 2.0, 2.3, 2.6, 3.0, 3.5, 4.0]),
    "validation": np.array([0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.4]),
}
#: At full overlap all steps but that of the lasso are early.
EARLY = {"exists": np.array([0.5]), "validation": np.array([0.1, 0.2])}
#: Fits to choose from, for every method: those of the dirty model are shared by its ratios.
N_FITS = 60
#: The smallest strength over the largest.
SHARE = {"exists": 1e-2, "validation": 1e-3}

#: The paper's table 1, from memory and not checked: error in percent, rows of the support, entries of the support.
PAPER_DIGITS = {
    (10, "dirty"): ("8.6", "B 165, B + S 171", "S 18, B + S 1651"),
    (10, "block L1/Linf"): ("9.9", "170", "1700"),
    (10, "lasso"): ("10.8", "123", "539"),
    (20, "dirty"): ("3.0", "B 211, B + S 226", "S 34, B + S 2118"),
    (20, "block L1/Linf"): ("3.5", "217", "2165"),
    (20, "lasso"): ("4.1", "173", "821"),
    (40, "dirty"): ("2.2", "B 270, B + S 299", "S 67, B + S 2761"),
    (40, "block L1/Linf"): ("3.2", "368", "3669"),
    (40, "lasso"): ("2.8", "354", "2053"),
}
DIGITS: dict[str, dict[str, list[Penalty]]] = {
    # For ten tasks both parts are used for a share of L1 between 1/11 and 1/2.
    "dirty": {"penalty": [Dirty(l1_ratio=share) for share in (0.15, 0.24, 0.35)]},
    "block L1/Linf": {"penalty": [L1Lq(q=np.inf)]},
    "lasso": {"penalty": [L1()]},
}

DIGITS_PAIRS = [("lasso", "dirty"), ("lasso", "block L1/Linf"), ("block L1/Linf", "dirty")]


def expected(method: str, sizes: Sizes) -> float:
    """The theorem's step."""
    return {"lasso": sizes.lasso_step, "block L1/Linf": sizes.block_step}.get(method, 2.0 - sizes.share)


def grid(rule: str, overlap: float, quick: bool = False) -> Array:
    """Values of theta."""
    thetas = THETAS[rule][:: 4 if quick else 1]
    return np.concatenate([EARLY[rule], thetas]) if overlap == 1.0 else thetas


def successes(
    sizes: Sizes, thetas: Array, rule: str, seed: int, ratios: tuple[float, ...] = RATIOS
) -> dict[str, list[bool]]:
    """One draw at every sample size, for every method; "one-ratio dirty" has the middle one of the ratios."""
    rng = np.random.default_rng([seed, sizes.p, round(100 * sizes.overlap)])
    families = {"dirty": [dirty(ratio) for ratio in ratios], "lasso": [LASSO], "block L1/Linf": [BLOCK]}
    results: dict[str, list[bool]] = {method: [] for method in METHODS}
    for theta in thetas:
        n = max(2, round(theta * sizes.unit))
        truth = draw_truth(sizes, rng)
        rows, fresh = draw_rows(truth, n, rng), draw_rows(truth, n, rng)
        solutions: dict[str, list[tuple[Penalty, Array]]] = {
            method: [(one, fits(one, rows, N_FITS // len(family), SHARE[rule])) for one in family]
            for method, family in families.items()
        }
        middle = len(ratios) // 2
        solutions["one-ratio dirty"] = solutions["dirty"][middle : middle + 1]
        for method, listed in results.items():
            if rule == "exists":
                supports = [signed_support(penalty, A) for penalty, path in solutions[method] for A in path]
            else:
                best = min((A for _, path in solutions[method] for A in path), key=fresh.error)
                supports = [np.where(np.abs(best) > LEAST / 2.0, np.sign(best), 0.0)]
            listed.append(any(np.array_equal(support, np.sign(truth)) for support in supports))
    return results


def report_curves(done: list[dict[Sizes, Any]], grids: dict[Sizes, Array]) -> dict[str, Any]:
    """Steps of the curves as a table, and the curves themselves."""
    problems = {sizes: (thetas, table([one[sizes] for one in done])) for sizes, thetas in grids.items()}
    print("\ntheta at which half of the draws succeed (in brackets: the paper's theorem, p to infinity):")
    print_steps(problems, expected, "dirty")
    panels = {}
    for sizes, (thetas, found) in problems.items():
        curves = {method: np.mean(values, axis=0) for method, values in found.items()}
        panels[str(sizes)] = (thetas, curves)
        print(f"\n{sizes}: probability of the signed support")
        print_curves(thetas, curves, "theta", top=1.0)
    return panels


def run_curves(arguments: argparse.Namespace) -> None:
    overlaps = arguments.overlaps or (OVERLAPS[2:3] if arguments.quick else OVERLAPS)
    problems = [Sizes(p, p // 10, a) for p in arguments.p or ([64] if arguments.quick else [128]) for a in overlaps]
    rule, ratios, chosen, kept = arguments.rule, tuple(arguments.ratios), seeds(arguments), Kept(arguments.draws)
    ratio_text = " ".join(f"{ratio:.2f}" for ratio in ratios)
    label = rule if ratios == RATIOS else f"{rule}; ratios {ratio_text}"
    grids = {one: grid(rule, one.overlap, arguments.quick) for one in problems}
    about = {"seeds": f"{chosen[0]}-{chosen[-1]}", "draws of every cell": len(chosen), "rule": rule}
    about |= {"lambda_s / lambda_b": ratio_text}
    print_header("Jalali et al. (2010), figure 1", about | {"s": "p // 10", "noise": NOISE, "gap": TOL})

    def one(seed: int) -> dict[Sizes, Any]:
        return {
            sizes: kept.successes(label, sizes, seed, thetas, partial(successes, sizes, thetas, rule, seed, ratios))
            for sizes, thetas in grids.items()
        }

    done = repeat(one, chosen)
    if done:
        panels = report_curves(done, grids)
        if arguments.figure:
            draw(arguments.figure, panels, "theta", "probability of the signed support")


def classify(n_train: int, seed: int, quick: bool) -> dict[str, tuple[float, ...]]:
    """For every method: test error in percent, rows of B and of A, entries of S and of A, strength at an end or not."""
    X, y = load_digits(return_X_y=True)
    X = X / 16.0
    rng = np.random.default_rng(seed)
    train = np.concatenate([rng.permutation(np.flatnonzero(y == k))[:n_train] for k in range(10)])
    test = np.setdiff1d(np.arange(len(y)), train)
    targets = np.eye(10)[y[train]]
    folds = list(StratifiedKFold(2 if quick else 5, shuffle=True, random_state=seed).split(X[train], y[train]))
    results = {}
    for method, candidates in DIGITS.items():
        model = MultiTaskRegressorCV(param_grid=candidates, alphas=5 if quick else 20, eps=1e-3, cv=folds, tol=TOL)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # fits inside the folds are only ranked
            model.fit(X[train], targets)
        wrong = np.mean(np.argmax(model.predict(X[test]), axis=1) != y[test])
        A = model.coef_.T
        parts = dict(model.parameters_.parts) if method == "dirty" else {"B": A, "S": np.zeros_like(A)}
        B, S = np.asarray(parts["B"]), np.asarray(parts["S"])
        results[method] = (100.0 * wrong, *(float(np.sum(np.any(Z != 0, axis=1))) for Z in (B, A)))
        results[method] += (*(float(np.sum(Z != 0)) for Z in (S, A)), float(at_end_of_grid(model)))
    return results


def run_digits(arguments: argparse.Namespace) -> None:
    sizes = (10,) if arguments.quick else (10, 20, 40)
    chosen = seeds(arguments)
    print_header(
        "\nJalali et al. (2010), table 1, on other digits: load_digits (64 features), not Multiple Features (649)",
        {"seeds": f"{chosen[0]}-{chosen[-1]}", "draws of every cell": len(chosen), "gap": TOL},
    )
    done = repeat(lambda seed: {n: classify(n, seed, arguments.quick) for n in sizes}, chosen)
    if done:
        report_digits({n: {method: np.array([one[n][method] for one in done]) for method in DIGITS} for n in sizes})


def report_digits(found: dict[int, dict[str, Array]]) -> None:
    """Errors and supports beside the paper's; differences of the errors on the same draws."""
    lines, differences, ends = [], [], dict.fromkeys(DIGITS, 0)
    for n, of_methods in found.items():
        for method, values in of_methods.items():
            error, *support = PAPER_DIGITS[n, method]
            rows_b, rows, entries_s, entries = np.mean(values[:, 1:5], axis=0)
            ours = [f"{rows:.0f}", f"{entries:.0f}"]
            if method == "dirty":
                ours = [f"B {rows_b:.0f}, B + S {rows:.0f}", f"S {entries_s:.0f}, B + S {entries:.0f}"]
            lines.append([str(n), method, with_error(values[:, 0]), *ours, error, *support])
            ends[method] += int(np.sum(values[:, 5]))
        differences.append([str(n), *(with_error(of_methods[a][:, 0] - of_methods[b][:, 0]) for a, b in DIGITS_PAIRS)])
    names = ["test error %", "rows of the support", "entries of the support"]
    print_table(["rows a class", "method", *names, *(f"paper (other data): {name}" for name in names)], lines)
    print("\ndifferences of the test errors on the same draws, mean ± standard error")
    print_table(["rows a class", *(f"{a} minus {b}" for a, b in DIGITS_PAIRS)], differences)
    print(f"strengths at an end of their grid: {ends}")


def main() -> None:
    """Run, print, draw."""
    arguments_parser = parser(__doc__, repetitions=20)
    arguments_parser.add_argument("--part", choices=("curves", "digits", "both"), default="both", help="(default both)")
    arguments_parser.add_argument("--rule", choices=tuple(THETAS), default="exists", help="(default exists)")
    arguments_parser.add_argument("--p", type=int, nargs="+", help="numbers of features (default 128, 64 if quick)")
    arguments_parser.add_argument("--overlaps", type=float, nargs="+", help="(default 0, 0.3, 2/3, 0.8, 1)")
    arguments_parser.add_argument("--ratios", type=float, nargs="+", default=list(RATIOS), help="lambda_s / lambda_b")
    arguments_parser.add_argument(
        "--draws", metavar="PATH", help="keep the draws in this file; those it has are not run again"
    )
    arguments = arguments_parser.parse_args()
    if arguments.part != "digits":
        run_curves(arguments)
    if arguments.part != "curves":
        run_digits(arguments)


if __name__ == "__main__":
    main()
