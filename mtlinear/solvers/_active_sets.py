"""Active sets: tasks that share nothing and have a penalty on entries (the lasso), every one at its own minimum."""

from __future__ import annotations

import numpy as np

from mtlinear._typing import Array
from mtlinear.datafit import GramFit, gram_times
from mtlinear.penalties import RowSeparable
from mtlinear.problem import Problem
from mtlinear.solvers._blocks import Blocks

#: Rounds in which entries drop out of use.
_MOST_ROUNDS = 20


def lowest_in_use(problem: Problem, A: Array, gradient: Array) -> Array:
    """A with every task at the minimum of its objective over the entries that it has in use, as far as signs go.

    In one orthant a task is a quadratic, whose minimum is a linear system away. Where the way there crosses zeros the
    task stops at the first of them, or goes on with zeros for all that have crossed, whichever is lower; then it solves
    for the entries that are left. Without that the collinear entries of a task would run past each other for ever: the
    penalty tilts the line along which the data do not see them.

    Parameters
    ----------
    problem : Problem
        Squared loss on Gram matrices, one part, of which every entry has a penalty of its own.
    A : ndarray (n_features, n_tasks)
    gradient : ndarray (n_features, n_tasks)
        Of the smooth half at A.

    References
    ----------
    Lee, Battle, Raina & Ng (2007), NIPS 19 (feature-sign search). Osborne, Presnell & Turlach (2000), IMA J. Numer.
    Anal. 20.
    """
    data, penalty = problem.data, problem.part_penalties[0]
    assert isinstance(data, GramFit)
    assert isinstance(penalty, RowSeparable)
    tangent = penalty.tangent(A)
    assert tangent is not None
    A, slope, ridge = A.copy(), gradient + tangent.gradient, problem.smooth_curvature
    tasks = np.arange(A.shape[1])
    for _ in range(_MOST_ROUNDS):
        start = A[:, tasks]
        free = start != 0
        rows = np.flatnonzero(free.any(axis=1))
        if len(rows) == 0:
            break
        matrices = data.matrices if len(data.matrices) == 1 else data.matrices[tasks]
        blocks = Blocks(matrices, data.scale[tasks], rows, free[rows], np.full((len(rows), len(tasks)), ridge))
        move = np.zeros_like(start)
        move[rows] = blocks.solve(np.where(free[rows], -slope[np.ix_(rows, tasks)], 0.0))
        crosses = (start + move) * start < 0
        fraction = np.where(crosses, start / np.where(crosses, -move, 1.0), 1.0)
        first = fraction.min(axis=0)
        ends = [
            np.where(crosses, 0.0, start + move),
            np.where(crosses & (fraction == first), 0.0, start + first * move),
        ]
        best, fall = start, np.zeros(len(tasks))
        bend = np.zeros_like(start)
        for end in ends:
            D = end - start
            bent = gram_times(matrices, data.scale[tasks], D) + ridge * D
            change = np.sum(D * (slope[:, tasks] + 0.5 * bent), axis=0)
            lower = change < fall
            best, bend, fall = np.where(lower, end, best), np.where(lower, bent, bend), np.where(lower, change, fall)
        A[:, tasks] = best
        slope[:, tasks] += bend
        tasks = tasks[np.any(free & (best == 0), axis=0)]
        if len(tasks) == 0:
            break
    return A
