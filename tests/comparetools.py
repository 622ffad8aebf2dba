"""Small tables for the tests of `mtlinear compare`, with a known answer."""

from __future__ import annotations

import numpy as np
import pandas as pd


def stacked_table(n_tasks=4, rows=24, seed=0, classify=False, names="school"):
    """Tasks in a column; near-equal parameters, so that sharing helps. Columns a, b, c, colour, flag."""
    rng = np.random.default_rng(seed)
    n = n_tasks * rows
    X = rng.standard_normal((n, 3))
    task = np.arange(n) % n_tasks
    A = np.array([2.0, -1.0, 0.5])[:, None] + 0.1 * rng.standard_normal((3, n_tasks))
    y = np.einsum("ij,ji->i", X, A[:, task]) + task + rng.standard_normal(n)
    table = pd.DataFrame(X, columns=["a", "b", "c"])
    table["colour"] = rng.choice(["red", "green", "blue"], n)
    table["flag"] = rng.random(n) > 0.5
    table["school"] = [f"{names}{t}" for t in task]
    table["y"] = np.where(y > np.median(y), "yes", "no") if classify else y
    return table


def shared_table(n_tasks=3, rows=40, seed=0, classify=False):
    """Several targets y0, y1, ... on the same rows; units differ."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((rows, 4))
    Y = X[:, [0]] @ rng.standard_normal((1, n_tasks)) + 0.5 * rng.standard_normal((rows, n_tasks))
    table = pd.DataFrame(X, columns=list("abcd"))
    for t in range(n_tasks):
        table[f"y{t}"] = np.where(Y[:, t] > 0, "up", "down") if classify else 10.0**t * Y[:, t]
    return table


def classes_table(rows=60, seed=0):
    """One target, ``kind``, with three classes."""
    rng = np.random.default_rng(seed)
    kind = np.arange(rows) % 3
    X = rng.standard_normal((rows, 4))
    X[:, 0] += 2.0 * (kind == 1)
    X[:, 1] += 2.0 * (kind == 2)
    table = pd.DataFrame(X, columns=list("abcd"))
    table["kind"] = np.array(["x", "y", "z"])[kind]
    return table
