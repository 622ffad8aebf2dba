"""Random problems that are hard on purpose, and their objective written out once more, in extended precision.

A problem follows from its seed. Rounding is derived, not guessed: `Evaluation` says how far the scores at a point may
be off, entry by entry, from the sizes of the numbers that were added up, and what that does to objective and bound.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from unittest.mock import patch

import catalogue
import numpy as np
import problems
import scipy.sparse as sp

from mtlinear.certificate import Certificate
from mtlinear.datafit import RowsReading
from mtlinear.designs import Design, SharedDesign, StackedDesign
from mtlinear.losses import Logistic, Loss, Squared
from mtlinear.penalties import L1, Clustered, L1Lq, MeanRegularized, Penalty, Ridge, TraceNorm
from mtlinear.problem import Problem
from mtlinear.solvers import Solution

LONG = np.longdouble

#: What centring drops as rounding, relative to the mean (`mtlinear.designs._matrix`), by the precision of the data.
CENTRING = {np.dtype(np.float64): 1e-13, np.dtype(np.float32): 2.0**-22}
#: Units of machine epsilon by which a dual norm and a residual on the null space may be too large (`mtlinear.penalties.
#: _base`, `mtlinear.certificate`).
BOUNDARY, FEASIBLE = 64, 450


@dataclass(frozen=True)
class HardProblem:
    """A problem, the design before centring and the target as the caller gave it."""

    seed: int
    name: str
    problem: Problem
    design: Design
    target: np.ndarray

    @property
    def dtype(self) -> np.dtype:
        return self.problem.data.dtype


# Generator ----------------------------------------------------------------------------------------------------------


def hard_problem(seed: int) -> HardProblem:
    """The problem of a seed."""
    rng = np.random.default_rng(seed)
    n, d, T = _sizes(rng)
    layout = str(rng.choice([*problems.DESIGNS, *OWN_DESIGNS]))
    with patch.object(problems, "_features", _hard_features):
        made = (problems.DESIGNS | OWN_DESIGNS)[layout](n, d, T, rng)
    dtype = np.dtype(np.float32 if rng.random() < 0.15 else np.float64)
    design = _reweighted(made, dtype, rng)
    loss: Loss = Logistic() if rng.random() < 0.5 else Squared()
    kind, target = _target(design, loss, rng)
    options = {
        "fit_intercept": bool(rng.random() < 0.7),
        "l2_alpha": 0.0,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # "l1_ratio makes the dirty model the lasso"
        bare = Problem(design, target.astype(dtype), loss, Ridge(), **options)
        penalty, power = _penalty(bare, rng)
        if rng.random() < 0.3:
            options["l2_alpha"] = float(_size(bare) * 10.0 ** rng.uniform(-8, 1))
        problem = Problem(design, target.astype(dtype), loss, penalty, **options)
    name = (
        f"seed {seed}: {layout} n{n}-d{d}-T{T} {dtype} {type(loss).__name__} ({kind}) {penalty!r} "
        f"10^{power:.1f} {options}"
    )
    return HardProblem(seed, name, problem, design, target.astype(dtype))


def _sizes(rng: np.random.Generator) -> tuple[int, int, int]:
    """Rows of a task (often one), features (often many more), tasks."""
    n = int(rng.choice([1, 2, 3, 8, 20, 40], p=[0.1, 0.1, 0.1, 0.3, 0.3, 0.1]))
    d = int(rng.choice([1, 2, 5, 12, 30, 60, 120, 310], p=[0.05, 0.1, 0.25, 0.25, 0.2, 0.08, 0.06, 0.01]))
    return n, d, int(rng.choice([1, 2, 3, 5], p=[0.15, 0.15, 0.5, 0.2]))


def _hard_features(n: int, d: int, rng: np.random.Generator) -> np.ndarray:
    """Columns of very different scale and offset; some constant, zero, twice there, or nearly so."""
    spread, far = rng.choice([0.0, 1.0, 3.0, 6.0]), rng.choice([0.0, 0.0, 1.0, 6.0])
    X = rng.standard_normal((n, d))
    if rng.random() < 0.3:  # correlated
        X = X @ rng.standard_normal((d, d)) / np.sqrt(d) + rng.standard_normal((n, 1))
    scale = 10.0 ** rng.uniform(-spread, spread, d)
    X = X * scale
    if far:
        X += rng.choice([-1.0, 1.0], d) * 10.0 ** rng.uniform(-far, far, d)
    for j in range(d):
        if rng.random() < 0.25:
            other = int(rng.integers(d))
            X[:, j] = {
                0: X[:, other],
                1: X[:, other] * (1.0 + 1e-9 * rng.standard_normal(n)),
                2: -X[:, other] * 1e3,
                3: np.full(n, X[0, j]),
                4: np.zeros(n),
                5: np.where(np.arange(n) == 0, X[:, j], 0.0),
            }[int(rng.integers(6))]
    return X / np.maximum(np.abs(X).max(axis=0) / 1e9, 1.0)


def _lonely(n: int, d: int, T: int, rng: np.random.Generator) -> Design:
    """All tasks but the last have one row."""
    codes = rng.permutation(np.concatenate([np.arange(T - 1), np.full(n, T - 1)]))
    return StackedDesign(_hard_features(len(codes), d, rng), codes, T)


def _far_sparse(n: int, d: int, T: int, rng: np.random.Generator) -> Design:
    """A sparse X with full columns far from zero, which must not be centred on the fly."""
    X = _hard_features(n, d, rng)
    full = rng.random(d) < 0.5
    X = np.where(full | (rng.random((n, d)) < 0.5), X + full * 10.0 ** rng.uniform(0, 8, d), 0.0)
    if rng.random() < 0.5:
        return SharedDesign(sp.csr_array(X), T)
    return StackedDesign(sp.csr_array(X), rng.permutation(np.arange(n) % T), T) if n >= T else SharedDesign(X, T)


#: Designs beside those of the catalogue.
OWN_DESIGNS: dict[str, problems.MakeDesign] = {"stacked-lonely": _lonely, "sparse-far": _far_sparse}


def _reweighted(design: Design, dtype: np.dtype, rng: np.random.Generator) -> Design:
    """The same rows in a precision, with weights that differ by orders of magnitude; some are zero."""
    sample, task = design.sample_weight, design.task_weight
    if rng.random() < 0.3:
        sample = sample * 10.0 ** rng.uniform(-4, 4, len(sample))
    if rng.random() < 0.2:
        sample = sample * 10.0 ** rng.uniform(-8, 8)
    if rng.random() < 0.1:
        sample = np.where(rng.random(len(sample)) < 0.2, 0.0, sample)
        sample[0] = 1.0
    if rng.random() < 0.2:
        task = task * 10.0 ** rng.uniform(-4, 4, len(task))
    X = design.X.astype(dtype)
    sample, task = sample.astype(dtype), task.astype(dtype)
    if isinstance(design, SharedDesign):
        return SharedDesign(X, design.n_tasks, sample, task, design.observed)
    if np.any(np.bincount(design.codes, weights=sample, minlength=design.n_tasks) == 0):
        sample = np.where(sample == 0, dtype.type(1e-3), sample)
    return StackedDesign(X, design.codes, design.n_tasks, sample, task)


def _target(design: Design, loss: Loss, rng: np.random.Generator) -> tuple[str, np.ndarray]:
    """A name, and numbers of any size or labels: noisy, perfectly separable, of one class in some tasks."""
    d, T = design.n_features, design.n_tasks
    norms = np.sqrt(np.asarray((abs(design.X) ** 2).sum(axis=0)).astype(float) + 1e-300)
    truth = (rng.standard_normal((d, 1)) + 0.5 * rng.standard_normal((d, T))) * (rng.random((d, 1)) < 0.4)
    scores = design.apply(truth / norms[:, None]).astype(float)
    scores = scores / (float(np.max(np.abs(scores))) or 1.0)
    noise = float(rng.choice([0.0, 0.1, 1.0]))
    y = scores + noise * rng.standard_normal(scores.shape)
    if not isinstance(loss, Logistic):
        scale, offset = 10.0 ** rng.choice([0, 0, -6, 6]), 10.0 ** rng.uniform(-3, 6) * (rng.random() < 0.4)
        return f"noise {noise}, scale {scale:.0e}, offset {offset:.0e}", scale * y + offset
    labels = np.where(y > np.median(y), 1.0, -1.0)
    kind = f"noise {noise}"
    if rng.random() < 0.2:
        kind = "some tasks of one class"
        one = design.spread((rng.random(T) < 0.5).astype(design.weights.dtype))
        labels = np.where(np.broadcast_to(one, labels.shape) > 0, 1.0, labels)
    return kind, labels


def _size(problem: Problem) -> float:
    """The curvature of the data, or 1 where there is none."""
    bound = float(problem.data.norm_bound)
    return bound if np.isfinite(bound) and bound > 0 else 1.0


def _penalty(bare: Problem, rng: np.random.Generator) -> tuple[Penalty, float]:
    """Any penalty of the catalogue, of a strength that is many orders of magnitude from anything."""
    while True:
        penalty = catalogue.PENALTIES[int(rng.integers(len(catalogue.PENALTIES)))]
        try:
            penalty.check(bare.n_features, bare.n_tasks)
        except ValueError:  # more clusters than tasks
            continue
        break
    largest = float(penalty.gauge(-bare.data.null_reading.gradient))
    if np.isfinite(largest) and largest > 0:  # that factor makes A = 0 optimal
        power = float(rng.uniform(-6, 0.5) if rng.random() < 0.3 else rng.uniform(-2, 0))
    else:
        largest, power = _size(bare), float(rng.uniform(-6, 4))
    return penalty.scaled(largest * 10.0**power), power


# The objective once more --------------------------------------------------------------------------------------------


class Evaluation:
    """The objective at parts and intercept for the rows as they were given, and what rounding may do to it.

    ``noise`` bounds the error of every score: of the products with d features, of means over n rows, and of deviations
    that centring takes for rounding.
    """

    def __init__(self, hard: HardProblem, solution: Solution):
        self.hard = hard
        problem, design = hard.problem, hard.design
        self.parts = [part.astype(np.float64) for part in solution.parts]
        self.A = np.sum(self.parts, axis=0)
        self.intercept = solution.intercept.astype(np.float64)
        self.unit = float(np.finfo(hard.dtype).eps) * (design.n_rows + design.n_features + 8)
        center = np.abs(np.broadcast_to(problem.data.design.center, self.A.shape))
        self.weights, self.noise, self.slope, loss = [], [], [], LONG(0)
        for t in range(design.n_tasks):
            X, weights = _rows(design, t, design.weights)
            _, y = _rows(design, t, hard.target)
            a, b = self.A[:, t].astype(LONG), LONG(self.intercept[t])
            z = X.astype(LONG) @ a + b
            loss += np.sum(weights.astype(LONG) * _loss(problem.data.loss, y.astype(LONG), z))
            size = (np.abs(X) + center[:, t]) @ np.abs(self.A[:, t]) + abs(self.intercept[t]) + np.abs(y)
            self.weights.append(weights)
            self.noise.append((self.unit + CENTRING[hard.dtype]) * size)
            self.slope.append(np.abs(_slope(problem.data.loss, y, z.astype(np.float64))))
        ridge = 0.5 * problem.l2_alpha * float(np.sum(self.A**2))
        self.penalty = sum(omega(p, part) for p, part in zip(problem.part_penalties, self.parts, strict=True))
        own = problem.penalty.smooth_part(problem.n_tasks)[1]
        if own is not None:
            self.penalty += _quadratic(own.matrix, self.A.astype(LONG))
        self.objective = float(loss + LONG(self.penalty) + LONG(ridge))

    @property
    def rounding(self) -> float:
        """By how much the objective that a solver computes for this point may be off."""
        own = sum(float(w @ (s * e + e * e)) for w, s, e in zip(self.weights, self.slope, self.noise, strict=True))
        return own + self.unit * abs(self.objective)

    def bound_rounding(self, certificate: Certificate) -> float:
        """By how much a bound may exceed the objective here: rounding of the dual point meets this A and intercept.

        With G for the computed ``-X'(weights u)``, Omega*(G) >= <A, G> - Omega(A): errors of G, of the sums of u over
        the tasks and on the null space are multiplied with this point and with nothing else.
        """
        problem, dual = self.hard.problem, certificate.dual
        reading = dual.reading
        assert isinstance(reading, RowsReading)
        design, target = problem.data.design, problem.data.target
        u = np.abs(reading.derivative.astype(np.float64))
        met, sizes = 0.0, 0.0
        for t in range(design.n_tasks):
            _, own = _rows(design, t, u)
            _, y = _rows(design, t, target)
            met += float(self.weights[t] @ (own * self.noise[t]))
            sizes += float(self.weights[t] @ (own * (own + np.abs(y)) + 1.0 * (not problem.data.loss.quadratic)))
        ridge = problem.l2_alpha * float(np.sum(np.abs(self.A) * np.abs(dual.A)))
        eps = float(np.finfo(self.hard.dtype).eps)
        slack = BOUNDARY * eps * self.penalty + self._null_space(reading, u, eps)
        return self.rounding + met + slack + self.unit * (2.0 * sizes + ridge + abs(certificate.bound))

    def _null_space(self, reading: RowsReading, u: np.ndarray, eps: float) -> float:
        problem = self.hard.problem
        Z = problem.null_space.astype(np.float64)
        if Z.shape[1] == 0:
            return 0.0
        design, data = problem.data.design, problem.data
        noise = u + data.loss.second(data.target, reading.scores) * np.abs(reading.scores)
        length = float(np.sqrt(np.sum(design.weights * noise**2)))
        squares = np.zeros(self.A.shape)
        for t in range(design.n_tasks):
            X, weights = _rows(design, t, design.weights)
            squares[:, t] = weights @ X**2
        units = np.sqrt(squares @ Z**2)
        return FEASIBLE * eps * length * float(np.sum(np.abs(self.A @ Z) * units))


def _rows(design: Design, t: int, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    X, own = design.task_rows(t, np.broadcast_to(values, design.weights.shape))
    return np.asarray(X.toarray() if sp.issparse(X) else X, dtype=np.float64), own.astype(np.float64)


def _loss(loss: Loss, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    return (z - y) ** 2 / 2 if isinstance(loss, Squared) else np.logaddexp(LONG(0), -y * z)


def _slope(loss: Loss, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    return z - y if isinstance(loss, Squared) else np.exp(-np.logaddexp(0.0, y * z))


def omega(penalty: Penalty, A: np.ndarray) -> float:
    """The value of a penalty that is not a sum: of the five first by its definition, else as cvxpy confirms it.

    `test_penalties` holds every value against cvxpy's; what is hard here, features and weights of any size, meets the
    others through the same solvers.
    """
    if isinstance(penalty, L1):
        return float(penalty.alpha * np.sum(np.abs(A)))
    if isinstance(penalty, L1Lq):
        return float(penalty.alpha * sum(np.linalg.norm(row, ord=penalty.q) for row in A))
    if isinstance(penalty, TraceNorm):
        return float(penalty.alpha * np.sum(np.linalg.svd(A, compute_uv=False)))
    if isinstance(penalty, Ridge):
        return float(0.5 * penalty.alpha * np.sum(A**2))
    if not isinstance(penalty, MeanRegularized | Clustered):
        return float(penalty.value(A))
    mean = A.astype(LONG).mean(axis=1, keepdims=True)
    deviations, mean = (A - mean).astype(np.float64), mean.astype(np.float64)
    if isinstance(penalty, MeanRegularized):
        common = A.shape[1] * np.sum(mean**2)
        return float(0.5 * (penalty.alpha * np.sum(deviations**2) + penalty.mean_alpha * common))
    return _clustered(penalty, A if penalty.mean_ratio is None else deviations, mean)


def _quadratic(Q: np.ndarray, A: np.ndarray) -> float:
    """``1/2 tr(A Q A')`` by differences between tasks, so that what costs nothing costs nothing in rounding either."""
    own = Q.sum(axis=1)  # in a Laplacian nothing but rounding
    own[np.abs(own) <= 1e-13 * np.abs(Q).sum(axis=1)] = 0.0
    apart = (A[:, :, None] - A[:, None, :]) ** 2  # features x tasks x tasks; each pair twice, the diagonal is zero
    return float(0.5 * np.sum(A**2 * own) - 0.25 * np.sum(apart * Q))


def _clustered(penalty: Clustered, A: np.ndarray, mean: np.ndarray) -> float:
    """``1/2 min_theta sum s^2 / theta`` of A or its deviations by bisection on the multiplier, and the mean."""
    T, alpha = A.shape[1], penalty.alpha
    apart = penalty.mean_ratio is not None
    count = T - 1 if apart else T
    top = min(penalty.n_clusters, T) - 1 if apart else min(penalty.n_clusters, T)
    lower, upper = 1.0 / alpha, 1.0 / (alpha * penalty.between_ratio)
    s = np.zeros(max(count, min(A.shape)))
    values = np.linalg.svd(A, compute_uv=False)
    s[: len(values)] = values
    s = s[:count]
    budget = top * upper + (count - top) * lower
    low, high = 0.0, upper / max(float(np.min(s[s > 0], initial=np.inf)), 1e-300)
    if not np.any(s > 0):
        high = 0.0
    for _ in range(800):  # a singular value of 1e-80 makes the first interval a long one
        middle = 0.5 * (low + high) if low == 0 or high / low < 4 else float(np.sqrt(low) * np.sqrt(high))
        low, high = (middle, high) if np.sum(np.clip(middle * s, lower, upper)) < budget else (low, middle)
    spectral = 0.5 * float(np.sum(s**2 / np.clip(high * s, lower, upper)))
    return spectral + 0.5 * alpha * float(penalty.mean_ratio or 0.0) * T * float(np.sum(mean**2))
