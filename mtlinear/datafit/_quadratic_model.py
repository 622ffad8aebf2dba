"""The second-order model of the data fit about a point: weighted least squares, from Gram matrices alone."""

from __future__ import annotations

import numpy as np

from mtlinear._precision import machine_epsilon, total
from mtlinear._typing import Array
from mtlinear.datafit._gram import GramFit
from mtlinear.datafit._rows import _GRAM_LIMIT, RowsFit
from mtlinear.datafit._rows_reading import RowsReading, balance
from mtlinear.datafit._unpenalised import Unpenalised
from mtlinear.penalties import TaskQuadratic

#: How far (in scores) one step may want to move an observation: the second derivative is taken to be at least
#: ``|first| / _REACH``. A saturated loss would otherwise ask for steps without bound.
_REACH = 1e3
#: Relative change of the second derivatives of a task up to which its Gram matrix is kept.
_KEPT = 0.03


class QuadraticModel:
    """``F(A) ~ F(A0) + <gradient, A - A0> + 1/2 sum_t (a_t - a0_t)' H_t (a_t - a0_t)``, intercepts eliminated.

    ``H_t = X_t' D_t X_t - g_t g_t' / sum D_t`` with ``D = weights * loss''(scores)`` and ``g_t = X_t' D_t 1``. The
    linear term is always that of the point; the Gram matrices of tasks whose D hardly changed since the last call are
    used again.

    Parameters
    ----------
    data : RowsFit

    Attributes
    ----------
    n_grams : int
        Gram matrices computed so far.
    """

    def __init__(self, data: RowsFit):
        self._data = data
        d, n_tasks = data.n_features, data.n_tasks
        self._matrices = np.zeros((n_tasks, d, d))
        self._D = np.zeros_like(data.target)
        self.n_grams = 0

    @staticmethod
    def is_too_large(data: RowsFit) -> bool:
        """Whether the Gram matrices of all tasks are too many numbers to keep."""
        return data.n_tasks * data.n_features**2 > _GRAM_LIMIT

    def at(self, A: Array, reading: RowsReading, *, fresh: bool = False) -> GramFit:
        """The model at a point, of which the matrices are valid until the next call.

        Parameters
        ----------
        A : ndarray (n_features, n_tasks)
        reading : RowsReading
            At A.
        fresh : bool, default False
            No old Gram matrices.
        """
        weighted = np.abs(self._data.design.weights * reading.derivative)
        self._refresh(self._curvature(reading, weighted), fresh)
        A = A.astype(np.float64, copy=False)
        model = GramFit.of_matrices(self._matrices, np.ones(len(self._matrices)), np.zeros_like(A), 0.0)
        image = model.settle(A, np.zeros((A.shape[1], 0)), None)[1].gradient
        model._linear = image - reading.gradient
        # As of squared loss with weights D and targets at a distance u / loss'' from the scores.
        most = np.inf if self._data.loss.linear_far_out else _REACH * self._D
        residual = total(weighted * np.minimum(weighted, most) / np.where(self._D > 0, self._D, 1.0))
        model.square = residual + total(A * (2.0 * model.linear - image))
        model.__dict__["norm_bound"] = model.quick_norm_bound()
        return model

    def linearised(self, reading: RowsReading, change: Array, free: Unpenalised) -> LinearisedReading:
        """What the last model, made at ``reading``, says of a point whose scores, intercepts aside, differ so much."""
        data, weights = self._data, self._data.design.weights
        if data.fit_intercept:
            sums = data.design.task_sums(self._D)
            mean = data.design.task_sums(self._D * change) / np.where(sums > 0, sums, 1.0)
            change = change - data.design.spread(mean)
        slope = self._D / np.where(weights > 0, weights, 1.0)
        u, scores = reading.derivative + slope * change, reading.scores + change
        with np.errstate(all="ignore"):
            outside = ~np.isfinite(data.loss.conjugate(data.target, u))
            if np.any(outside):
                u = np.where(outside, data.loss.gradient(data.target, scores), u)
        return LinearisedReading(data, scores, balance(data.design, u) if data.fit_intercept else u, free)

    def _curvature(self, reading: RowsReading, weighted: Array) -> Array:
        """D, bounded from below."""
        data = self._data
        y, z, weights = data.target, reading.scores, data.design.weights
        second = np.maximum(data.loss.second(y, z), data.loss.least_bend(y, z))
        return weights * second if data.loss.linear_far_out else np.maximum(weights * second, weighted / _REACH)

    def _refresh(self, D: Array, fresh: bool) -> None:
        """Gram matrices of the tasks whose weights are no longer D."""
        design = self._data.design
        change, size = design.task_sums(np.abs(D - self._D)), design.task_sums(self._D)
        stale = np.ones(len(size), bool) if fresh else change > _KEPT * size
        if not np.any(stale):
            return
        self._D = np.where(design.spread(stale.astype(np.float64)) > 0, D, self._D)
        if self._data.fit_intercept:
            sums = design.task_sums(self._D)
            first = design.adjoint(self._D) / np.sqrt(np.where(sums > 0, sums, 1.0))
        rounding = 1.0 + self._data.n_features * machine_epsilon(self._data.dtype)
        for t in np.flatnonzero(stale):
            gram = design.task_gram(int(t), self._D)
            if self._data.fit_intercept:
                gram -= np.outer(first[:, t], first[:, t])
            # Rounding must not make it indefinite, nor leave a constant feature a negative square.
            gram[np.diag_indices_from(gram)] = rounding * np.maximum(np.diagonal(gram), 0.0)
            self._matrices[t] = gram
        self.n_grams += int(np.sum(stale))


class LinearisedReading(RowsReading):
    """A point as the quadratic model sees it: a dual point, without a value of its own.

    Its dual point u is linear in A. At the minimum of the model ``X'(weights u)`` is a subgradient of the penalty up to
    the accuracy of the inner solution, and u is ``loss'(scores)`` up to the square of the last step: so the bound is as
    good as the point, where that of ``u = loss'(scores)`` (which is no subgradient, and must be scaled) lags behind.
    """

    def __init__(self, data: RowsFit, scores: Array, derivative: Array, free: Unpenalised):
        super().__init__(data, np.zeros(data.n_tasks, data.dtype), scores, free)
        self.__dict__.update(value=np.inf, derivative=derivative)

    def lifted(self, data: RowsFit) -> LinearisedReading:
        return LinearisedReading(data, self.scores, self.derivative, data.intercepts)

    def is_settled_for(self, null_space: Array, smooth: TaskQuadratic | None) -> bool:
        return False
