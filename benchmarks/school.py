"""The School experiment of the multi-task literature: every structure, tuned inside the training rows, fits certified.

139 schools are the tasks. Ten times, 75 % of the rows of every school are drawn for training and the rest for testing;
the strength of every penalty (and its second parameter, where it has one) is chosen by cross-validation on the training
rows alone, the model is refitted on all of them, and the test rows are scored. Papers disagree on what "explained
variance" is, so every definition is printed (docs/school.md says who uses which), in percent:

overall      1 - SSE / SST over all test rows, SST about their one mean
task         the same with SST about the mean of every school
macro R2     mean over schools of 1 - mean squared error / variance
macro EV     mean over schools of 1 - variance of the error / variance: a constant error does not count
macro corr2  mean over schools of the squared correlation of target and prediction

Two encodings of the level of a school:

free
    one unpenalised intercept per school (what the estimators of mtlinear do by default). The features that are the same
    for all students of a school then have no effect, except in the pooled model.
constant
    no intercept; the constant column of the data, its "bias attribute", is a feature like the others and is penalised.

Run ``python benchmarks/school.py --school PATH`` (the file ``mtlinear.datasets.fetch_school`` gets); about ten minutes.
Ctrl-C prints the table of the splits that are complete.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
import sklearn
from numpy.typing import NDArray
from scipy.io import loadmat
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import StandardScaler

import mtlinear
from mtlinear import MultiTaskRegressor
from mtlinear.metrics import (
    explained_variance_per_task,
    macro_average,
    r2_per_task,
    score_per_task,
    total_explained_variance,
)
from mtlinear.model_selection import TaskKFold
from mtlinear.penalties import L1, Clustered, Dirty, L1Lq, MeanRegularized, Penalty, Ridge, TraceNorm

Array = NDArray[np.floating[Any]]

#: Strengths, largest first: the warm starts go down. The table says how often an end of the grid was chosen.
ALPHAS = tuple(np.geomspace(316.0, 0.0316, 13).tolist())
#: One model for all rows needs little regularization: 28 parameters, thousands of rows.
POOLED_ALPHAS = tuple(np.geomspace(1.0, 1e-4, 9).tolist())
#: Relative duality gaps: fits inside the cross-validation only have to rank the strengths.
TUNING_TOL, FINAL_TOL = 1e-4, 1e-6
MAX_ITER = 50_000
TEST_SHARE = 0.25
SCORES = ("overall", "task", "macro R2", "macro EV", "macro corr2")
BASELINE = "ridge"


@dataclass(frozen=True)
class Structure:
    """A belief about the tasks: the penalties to choose from, each at all strengths.

    ``penalties`` hold the second parameters, for ``alpha=1``. ``pooled`` ignores the schools: one model for all rows.
    """

    label: str
    penalties: tuple[Penalty, ...]
    alphas: tuple[float, ...] = ALPHAS
    pooled: bool = False


STRUCTURES = {
    "ridge": Structure("single-task ridge", (Ridge(),)),
    "pooled": Structure("pooled ridge (one model)", (Ridge(),), POOLED_ALPHAS, pooled=True),
    "lasso": Structure("single-task lasso (L1)", (L1(),)),
    "l1l2": Structure("block-sparse L1/L2", (L1Lq(),)),
    "l1linf": Structure("block-sparse L1/Linf", (L1Lq(q=np.inf),)),
    "dirty": Structure("dirty (L1/Linf + L1)", (Dirty(),)),
    "trace": Structure("trace norm", (TraceNorm(),)),
    # Strengths on the mean, as a share of those on the deviations: 0 leaves it free.
    "mean": Structure("mean-regularized", tuple(MeanRegularized(mean_alpha=ratio) for ratio in (0.0, 0.01))),
    "clustered": Structure(
        "clustered", tuple(Clustered(k, between_ratio=ratio) for k in (2, 3, 5) for ratio in (0.1, 0.3))
    ),
}


@dataclass(frozen=True)
class Rows:
    """Some rows of the data: features, scores, schools."""

    X: Array
    y: Array
    tasks: NDArray[np.intp]

    def take(self, rows: NDArray[np.intp]) -> Rows:
        return Rows(self.X[rows], self.y[rows], self.tasks[rows])


def read_school(path: str) -> Rows:
    cells = loadmat(path)
    blocks = [block.astype(np.float64) for block in cells["X"].ravel()]
    y = np.concatenate([block.ravel().astype(np.float64) for block in cells["Y"].ravel()])
    return Rows(np.vstack(blocks), y, np.repeat(np.arange(len(blocks)), [len(block) for block in blocks]))


def splits(school: Rows, n_splits: int) -> Iterator[tuple[Rows, Rows]]:
    """Random training and test rows; every school gives a quarter of its rows, rounded, to the test."""
    for seed in range(n_splits):
        rng = np.random.default_rng(seed)
        test = np.zeros(len(school.y), dtype=bool)
        for task in np.unique(school.tasks):
            rows = np.flatnonzero(school.tasks == task)
            test[rng.choice(rows, size=round(TEST_SHARE * len(rows)), replace=False)] = True
        yield standardized(school.take(np.flatnonzero(~test)), school.take(np.flatnonzero(test)))


def standardized(train: Rows, test: Rows) -> tuple[Rows, Rows]:
    """Features with mean 0 and variance 1 over all training rows (not per school); the constant column stays 1.

    One scale for all schools keeps their parameters comparable, which is what the penalties are about.
    """
    scaler = StandardScaler().fit(train.X)
    constant = np.ptp(train.X, axis=0) == 0

    def scaled(rows: Rows) -> Rows:
        return Rows(np.where(constant, 1.0, scaler.transform(rows.X)), rows.y, rows.tasks)

    return scaled(train), scaled(test)


def estimator(encoding: str, tol: float) -> MultiTaskRegressor:
    return MultiTaskRegressor(fit_intercept=encoding == "free", tol=tol, max_iter=MAX_ITER, warm_start=True)


def fit(model: MultiTaskRegressor, structure: Structure, rows: Rows) -> MultiTaskRegressor:
    return model.fit(rows.X, rows.y, tasks=None if structure.pooled else rows.tasks)


def predict(model: MultiTaskRegressor, structure: Structure, rows: Rows) -> Array:
    return model.predict(rows.X, tasks=None if structure.pooled else rows.tasks)


def tune(structure: Structure, train: Rows, encoding: str, n_folds: int, seed: int) -> tuple[Penalty, bool]:
    """Penalty with the smallest squared error over the folds, and whether its strength is an end of the grid."""
    errors = np.zeros((len(structure.penalties), len(structure.alphas)))
    folds = TaskKFold(n_folds, shuffle=True, random_state=seed, by_class=False)
    for inner, held_out in folds.split(train.X, groups=train.tasks):
        fitted, validation = train.take(inner), train.take(held_out)
        for k, penalty in enumerate(structure.penalties):
            model = estimator(encoding, TUNING_TOL)
            for a, alpha in enumerate(structure.alphas):
                fit(model.set_params(penalty=penalty.scaled(alpha)), structure, fitted)
                errors[k, a] += np.sum((validation.y - predict(model, structure, validation)) ** 2)
    k, a = divmod(int(np.argmin(errors)), len(structure.alphas))
    return structure.penalties[k].scaled(structure.alphas[a]), a in (0, len(structure.alphas) - 1)


def squared_correlation(y: Array, prediction: Array) -> float:
    """What papers on Gaussian processes call explained variance; a prediction that is constant explains nothing."""
    return float(np.corrcoef(y, prediction)[0, 1] ** 2) if np.ptp(prediction) > 0 else 0.0


def score(y: Array, prediction: Array, tasks: NDArray[np.intp]) -> dict[str, float]:
    """Percent of variance explained on the test rows, by every definition."""
    values = (
        total_explained_variance(y, prediction, tasks=tasks, about="overall"),
        total_explained_variance(y, prediction, tasks=tasks, about="task"),
        macro_average(r2_per_task(y, prediction, tasks=tasks)),
        macro_average(explained_variance_per_task(y, prediction, tasks=tasks)),
        macro_average(score_per_task(squared_correlation, y, prediction, tasks=tasks)),
    )
    return dict(zip(SCORES, (100.0 * value for value in values), strict=True))


def score_of_school_means(train: Rows, test: Rows) -> dict[str, float]:
    """What the level of the school alone explains: the floor under every model with an intercept per school."""
    means = np.bincount(train.tasks, weights=train.y) / np.bincount(train.tasks)
    return score(test.y, means[test.tasks], test.tasks)


def run_one(structure: Structure, train: Rows, test: Rows, encoding: str, n_folds: int, seed: int) -> dict[str, Any]:
    """Tune on the training rows, refit on all of them, score the test rows."""
    start = time.perf_counter()
    penalty, at_end = tune(structure, train, encoding, n_folds, seed)
    model = fit(estimator(encoding, FINAL_TOL).set_params(penalty=penalty), structure, train)
    return {
        "scores": score(test.y, predict(model, structure, test), test.tasks),
        "penalty": repr(penalty),
        "at_end_of_grid": bool(at_end),
        "relative_gap": float(model.dual_gap_ / model.null_objective_),
        "seconds": time.perf_counter() - start,
    }


def run(school: Rows, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Results of the complete splits: all of them, or those before Ctrl-C."""
    done: list[dict[str, Any]] = []
    try:
        for number, (train, test) in enumerate(splits(school, arguments.splits)):
            start = time.perf_counter()
            results = {
                (encoding, name): run_one(STRUCTURES[name], train, test, encoding, arguments.folds, number)
                for encoding in arguments.encodings
                for name in arguments.structures
            }
            done.append({"means": score_of_school_means(train, test), "results": results})
            print(f"split {number + 1} of {arguments.splits}: {time.perf_counter() - start:.0f} s", flush=True)
    except KeyboardInterrupt:
        print("interrupted")
    return done


def with_error(values: list[float]) -> str:
    """Mean and standard error over the splits."""
    error = np.std(values, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
    return f"{round(float(np.mean(values)), 2) + 0.0:6.2f} +- {error:.2f}"  # + 0.0: no "-0.00"


def print_scores(title: str, rows: dict[str, list[dict[str, float]]], notes: dict[str, str]) -> None:
    print(f"\n{title:28}" + "".join(f"{name:>16}" for name in SCORES))
    for label, values in rows.items():
        cells = "".join(f"{with_error([value[name] for value in values]):>16}" for name in SCORES)
        print(f"{label:28}{cells}  {notes.get(label, '')}".rstrip())


def print_tables(done: list[dict[str, Any]], arguments: argparse.Namespace) -> None:
    """For every encoding the scores, and the differences to single-task ridge on the same splits."""
    means = {"mean score of the school": [split["means"] for split in done]}
    for encoding in arguments.encodings:
        rows, notes = {}, {}
        for name in arguments.structures:
            results = [split["results"][encoding, name] for split in done]
            label = STRUCTURES[name].label
            rows[label] = [result["scores"] for result in results]
            ends = sum(result["at_end_of_grid"] for result in results)
            notes[label] = f"gap {max(result['relative_gap'] for result in results):.0e}, end of grid {ends}"
        print_scores(f"encoding: {encoding}", means | rows, notes)
        base = rows.pop(STRUCTURES[BASELINE].label, None)
        if base is not None:
            differences = {
                label: [{k: a[k] - b[k] for k in SCORES} for a, b in zip(values, base, strict=True)]
                for label, values in rows.items()
            }
            print_scores("minus single-task ridge", differences, {})


def settings(n_splits: int, n_folds: int) -> dict[str, Any]:
    """What a reader needs to repeat the run."""
    return {
        "date": time.strftime("%Y-%m-%d"),
        "mtlinear": mtlinear.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "scikit-learn": sklearn.__version__,
        "splits": n_splits,
        "folds": n_folds,
        "tuning tol": TUNING_TOL,
        "final tol": FINAL_TOL,
    }


def write_json(path: str, about: dict[str, Any], done: list[dict[str, Any]]) -> None:
    """Every score and every choice of every split."""
    listed = [
        {
            "means": split["means"],
            "results": [{"encoding": e, "structure": s, **result} for (e, s), result in split["results"].items()],
        }
        for split in done
    ]
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"settings": about, "splits": listed}, file, indent=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--school", required=True, metavar="PATH", help="path of school.mat")
    parser.add_argument("--splits", type=int, default=10, help="random splits (default 10)")
    parser.add_argument("--folds", type=int, default=3, help="folds inside the training rows (default 3)")
    parser.add_argument("--structures", nargs="+", choices=STRUCTURES, default=list(STRUCTURES), metavar="NAME")
    parser.add_argument("--encodings", nargs="+", choices=("free", "constant"), default=["free", "constant"])
    parser.add_argument("--json", metavar="OUT", help="also write every score and choice to this file")
    arguments = parser.parse_args()
    # Inner fits that stop early are only ranked; the gaps of the final fits are in the table.
    warnings.simplefilter("ignore", ConvergenceWarning)
    about = settings(arguments.splits, arguments.folds)
    print(", ".join(f"{key} {value}" for key, value in about.items()))
    start = time.perf_counter()
    done = run(read_school(arguments.school), arguments)
    if done:
        print_tables(done, arguments)
        print(f"\n{len(done)} splits, {time.perf_counter() - start:.0f} s; percent of variance, mean +- standard error")
    if arguments.json:
        write_json(arguments.json, about, done)


if __name__ == "__main__":
    main()
