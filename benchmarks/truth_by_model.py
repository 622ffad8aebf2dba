"""Truth x model: on data that follow a belief, does the model with that belief win?

For every seed, five kinds of data (`mtlinear.datasets`, default structure parameters) and six models, all tuned the
same way: a path of alphas and a grid of second parameters by 5-fold cross-validation on the training rows. The error
is the mean squared error of the noiseless target on fresh rows, over its variance: 0 is perfect, 1 is no better than
the mean.

    python benchmarks/truth_by_model.py --figure docs/pictures/truth_by_model.png --out benchmarks/truth_by_model.md
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from sklearn.model_selection import StratifiedKFold

from mtlinear import MultiTaskRegressorCV, datasets
from mtlinear.penalties import L1, Clustered, Dirty, L1Lq, MeanRegularized, Ridge, TraceNorm

N_ROWS, N_FEATURES, N_TASKS, NOISE, N_TEST = 30, 50, 20, 1.0, 200

#: A kind of data, and what makes it.
TRUTHS: dict[str, Callable] = {
    "shared features": datasets.make_shared_support,
    "shared + private": datasets.make_dirty,
    "low rank": datasets.make_low_rank,
    "near a mean": datasets.make_mean_related,
    "clusters": datasets.make_clustered,
}

#: A model: what is tuned beside alpha.
MODELS: dict[str, list] = {
    "single-task": [Ridge(), L1()],
    "block-sparse": [L1Lq(q=2), L1Lq(q=np.inf)],
    "dirty": [Dirty(q=2, l1_ratio=share) for share in (0.25, 0.4, 0.6)],
    "trace norm": [TraceNorm()],
    "mean-regularized": [MeanRegularized(mean_alpha=share) for share in (0.0, 0.03, 0.1, 0.3)],
    "clustered": [Clustered(k, between_ratio=share) for k in (2, 3, 4) for share in (0.02, 0.1)],
}
#: The model at home on each kind of data.
HOME = dict(zip(TRUTHS, ["block-sparse", "dirty", "trace norm", "mean-regularized", "clustered"], strict=True))


def errors(truth: str, seed: int) -> np.ndarray:
    """Error of every model on one draw of one kind of data."""
    X, y, tasks = TRUTHS[truth](
        n_samples=N_ROWS + N_TEST,
        n_features=N_FEATURES,
        n_tasks=N_TASKS,
        noise=0.0,
        shared_rows=False,
        random_state=seed,
    )
    train = np.arange(len(y)) % (N_ROWS + N_TEST) < N_ROWS
    y = y / np.std(y)  # one unit of signal over all tasks, and as much noise, whatever the structure
    noisy = y[train] + NOISE * np.random.default_rng(seed).standard_normal(train.sum())
    folds = list(StratifiedKFold(5, shuffle=True, random_state=seed).split(X[train], tasks[train]))
    found = []
    for penalties in MODELS.values():
        model = MultiTaskRegressorCV(param_grid={"penalty": penalties}, alphas=15, eps=1e-3, cv=folds, tol=1e-4)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # "the largest alpha was chosen"
            model.fit(X[train], noisy, tasks=tasks[train])
        predicted = model.predict(X[~train], tasks=tasks[~train])
        found.append(np.mean((predicted - y[~train]) ** 2) / np.var(y[~train]))
    return np.array(found)


def table(results: np.ndarray) -> str:
    """Mean errors (truths x models) with paired standard errors against the model at home, as Markdown."""
    models = list(MODELS)
    lines = [f"| data \\ model | {' | '.join(models)} |", "|---" * (len(models) + 1) + "|"]
    for truth, draws in zip(TRUTHS, results, strict=True):
        home = draws[:, models.index(HOME[truth])]
        cells = []
        for name, own in zip(models, draws.T, strict=True):
            text = f"{own.mean():.3f}"
            if name == HOME[truth]:
                text = f"**{text}**"
            else:
                text += f" ({(own - home).mean():+.3f} ± {standard_error(own - home):.3f})"
            cells.append(text)
        lines.append(f"| {truth} | {' | '.join(cells)} |")
    return "\n".join(lines)


def standard_error(differences: np.ndarray) -> float:
    return float(np.std(differences, ddof=1) / np.sqrt(len(differences)))


def verdicts(results: np.ndarray) -> list[str]:
    """For every kind of data, what the model at home reaches."""
    models, lines = list(MODELS), []
    for truth, draws in zip(TRUTHS, results, strict=True):
        home = models.index(HOME[truth])
        t = {
            name: float(np.mean(own - draws[:, home])) / standard_error(own - draws[:, home])
            for name, own in zip(models, draws.T, strict=True)
            if name != HOME[truth]
        }
        best = min(t.values()) >= -1.0
        beaten = [name for name in models[1:] if name in t and t[name] > 2.0]
        rank = "the best, or within one standard error of it" if best else "NOT the best"
        lines.append(
            f"- {truth}: {HOME[truth]} is {rank}; "
            f"{'beats' if t['single-task'] > 2 else 'does NOT beat'} single-task models by more than two; beats "
            f"{len(beaten)} other structures by more than two ({', '.join(beaten) or 'none'})"
        )
    return lines


def draw(results: np.ndarray, path: str) -> None:
    """Heat map of the errors relative to the best of each row."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    mean = results.mean(axis=1)
    relative = mean / mean.min(axis=1, keepdims=True)
    figure, axes = plt.subplots(figsize=(7.6, 3.9), layout="constrained")
    axes.imshow(np.log(relative), cmap="Blues", vmin=0.0, vmax=np.log(3.0), aspect="auto")
    axes.set_xticks(range(len(MODELS)), list(MODELS), rotation=20, ha="right")
    axes.set_yticks(range(len(TRUTHS)), list(TRUTHS))
    axes.set(xlabel="model", ylabel="data")
    for i, truth in enumerate(TRUTHS):
        for j, name in enumerate(MODELS):
            home = name == HOME[truth]
            colour = "white" if relative[i, j] > 1.9 else "black"
            axes.text(j, i, f"{mean[i, j]:.3f}", ha="center", va="center", color=colour, weight="bold" * home or None)
            if home:
                axes.add_patch(plt.Rectangle((j - 0.48, i - 0.48), 0.96, 0.96, fill=False, edgecolor="#D55E00", lw=2))
    axes.set_title("Error on fresh rows; framed: the model whose belief the data follow", fontsize=10)
    figure.savefig(path, dpi=110)


def main() -> None:
    """Run, print the table and the verdicts, and write what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--n-jobs", type=int, default=-1)
    parser.add_argument("--figure", metavar="PNG")
    parser.add_argument("--out", metavar="MD")
    args = parser.parse_args()
    jobs = (delayed(errors)(truth, seed) for truth in TRUTHS for seed in range(args.seeds))
    found = Parallel(n_jobs=args.n_jobs, verbose=1)(jobs)
    results = np.array(found).reshape(len(TRUTHS), args.seeds, len(MODELS))
    text = (
        f"{args.seeds} seeds, {N_ROWS} training rows of each task, {N_FEATURES} features, {N_TASKS} tasks, as much "
        "noise as signal. Mean squared error of the noiseless target on fresh rows over its variance; in brackets the "
        "paired difference to the model at home (bold) ± its standard error: positive means that the model at home is "
        "better.\n\n"
        f"{table(results)}\n\n" + "\n".join(verdicts(results))
    )
    print(text)
    if args.out:
        Path(args.out).write_text(
            f"# Truth x model\n\nMade by `benchmarks/truth_by_model.py`.\n\n{text}\n", encoding="utf-8"
        )
    if args.figure:
        draw(results, args.figure)


if __name__ == "__main__":
    main()
