"""The data fit from the rows of X: any design, any loss."""

from __future__ import annotations

from copy import copy
from functools import cached_property

import numpy as np

from mtlinear._precision import sum_rows, total
from mtlinear._products import rows_in_use
from mtlinear._typing import Array, Indices
from mtlinear.datafit._base import DataFit, Oracle, Reading
from mtlinear.datafit._gram import GramFit, gram_norm
from mtlinear.datafit._gram_blocks import GramBlocks
from mtlinear.datafit._oracles import GramOracle, ScoreOracle
from mtlinear.datafit._resolvent import Resolvent, RowKernels
from mtlinear.datafit._rows_reading import RowsReading
from mtlinear.datafit._unpenalised import Unpenalised, same_freedom
from mtlinear.designs import Design, Moments, without_rounding
from mtlinear.losses import Loss
from mtlinear.penalties import TaskQuadratic

#: Gram matrices of up to so many numbers are small, however few the rows.
_SMALL_GRAM = 100_000
#: Gram matrices larger than this many numbers are not formed.
_GRAM_LIMIT = 50_000_000
#: Up to this many features per row their Gram matrices make an iteration cheaper than the rows do.
_DENSE = 2.0
#: Up to this many features a norm of their own is cheap, and a shorter way for a solver.
_FEW = 100


class RowsFit(DataFit):
    """Design, target and loss.

    Parameters
    ----------
    design : Design
    target : ndarray, shape of the scores of the design (``design.arrange(y)``)
    loss : Loss
    fit_intercept : bool
        The design is then centred, and with squared loss the target too, which changes nothing but the conditioning.

    Attributes
    ----------
    target : ndarray, shape of the scores
        As solvers see it: minus ``target_center``.
    target_center : ndarray of shape (n_tasks,)
        Weighted mean of the target per task, for losses of differences (squared, Huber) with intercepts; else zeros.
    """

    def __init__(self, design: Design, target: Array, loss: Loss, fit_intercept: bool):
        target = target.astype(design.weights.dtype, copy=False)
        loss.check_target(target)
        if target.shape != design.weights.shape:
            raise ValueError(f"target must have the shape of the scores, {design.weights.shape}, got {target.shape}.")
        self.n_features, self.n_tasks = design.n_features, design.n_tasks
        self.dtype = design.weights.dtype
        self.loss = loss
        self.fit_intercept = fit_intercept
        self.design = design
        self.target_center: Array = np.zeros(design.n_tasks, self.dtype)
        if fit_intercept and loss.of_difference:
            target, self.target_center = _center_target(design, target)
        if fit_intercept and loss.quadratic:
            # The first two things that anyone wants of X, in one look at it where that is possible.
            self.design, linear = design.centered_with(design.weights * target)
            if linear is not None:
                self.__dict__["linear"] = linear
        elif fit_intercept:
            self.design = design.centered()
        self.target = target
        self._unpenalised: Unpenalised | None = None

    @property
    def rows_per_task(self) -> float:
        return self.design.n_rows / (1 if self.target.ndim == 2 else self.n_tasks)

    @cached_property
    def norm_bound(self) -> float:
        return gram_norm(*self.gram) if self.gram_is_smaller else self.design.norm_bound()

    @property
    def null_value(self) -> float:
        return self.null_reading.value

    @cached_property
    def can_vanish(self) -> bool:
        weights = np.broadcast_to(self.design.weights, self.target.shape)
        return bool(np.all(self.loss.vanishes(self.target) | (weights == 0)))

    @cached_property
    def conjugate_at_zero(self) -> float:
        """``sum weights loss*(y, 0)``: minus the lowest value that the loss can have."""
        losses = self.loss.conjugate(self.target, np.zeros_like(self.target))
        return total(self.design.weights * losses)

    @cached_property
    def null_reading(self) -> RowsReading:
        """The reading at A = 0, where every solver and every path starts."""
        reading = self.read(np.zeros(self.design.weights.shape, self.dtype))
        if "linear" in self.__dict__:
            reading.__dict__["force"] = self.linear
        return reading

    @cached_property
    def gram(self) -> tuple[Array, Array]:
        """Gram matrices of the tasks and their scale, as in `Design.gram`."""
        return self.design.gram()

    @property
    def gram_is_smaller(self) -> bool:
        """Whether Gram matrices can stand for the rows (quadratic loss) and are smaller than these."""
        gram_size = self.n_features**2 * len(self.design.distinct_tasks())
        data_size = 2 * self.n_features * self.design.weights.shape[0]
        return self.loss.quadratic and gram_size <= min(data_size, _GRAM_LIMIT)

    @property
    def _has_gram_fit(self) -> bool:
        """Whether solvers work on Gram matrices: where they are smaller, or small anyway (whatever the rows repeat)."""
        gram_size = self.n_features**2 * len(self.design.distinct_tasks())
        return self.loss.quadratic and (self.gram_is_smaller or gram_size <= _SMALL_GRAM)

    def take(self, samples: Indices) -> RowsFit:
        """The data fit of the rows ``samples`` of X, in the caller's numbering (a fold), centred anew."""
        design = self.design.take(samples).unshifted()
        target = design.arrange(self.design.restore(self.target)[samples])
        fold = RowsFit(design, target, self.loss, self.fit_intercept)
        fold.target_center = fold.target_center + self.target_center
        return fold

    def moments(self, samples: Indices | None = None) -> Moments:
        """Sums over the rows (or the rows ``samples`` of X): under squared loss they say all about the data."""
        if samples is None:
            return Moments.of(self.design, self.target, self.target_center)
        design = self.design.take(samples)
        target = design.arrange(self.design.restore(self.target)[samples])
        return Moments.of(design, target, self.target_center)

    @cached_property
    def all_moments(self) -> Moments:
        """`moments` of all rows, kept."""
        return self.moments()

    def prepare_folds(self) -> None:
        """Compute what all folds share, once, before the work is divided among processes."""
        if self.gram_is_smaller:
            _ = self.all_moments

    def read(self, linear: Array, intercept: Array | None = None) -> RowsReading:
        """The reading at scores ``linear`` before the intercept, with the best intercept."""
        b = self.intercepts.intercept(linear, intercept)
        return RowsReading(self, b, linear + self.design.spread(b), self.intercepts)

    @cached_property
    def intercepts(self) -> Unpenalised:
        """Exact minimisation over the intercepts alone."""
        nothing = np.zeros((self.n_tasks, 0), self.dtype)
        return Unpenalised(self.design, self.target, self.loss, nothing, self.fit_intercept, None)

    def unpenalised(self, null_space: Array, smooth: TaskQuadratic | None) -> Unpenalised:
        """Exact minimisation over intercepts and null space; the last one is kept, with its factorization."""
        if null_space.shape[1] == 0:
            return self.intercepts
        last = self._unpenalised
        if last is None or not same_freedom(last.null_space, last.smooth, null_space, smooth):
            last = Unpenalised(self.design, self.target, self.loss, null_space, self.fit_intercept, smooth)
            self._unpenalised = last
        return last

    def settle(
        self, A: Array, null_space: Array, smooth: TaskQuadratic | None, intercept: Array | None = None
    ) -> tuple[Array | None, RowsReading]:
        free = self.unpenalised(null_space, smooth)
        if free is self.intercepts and not A.any():
            return None, self.null_reading
        shift, b, scores = free.solve(A, self.design.apply(A), intercept)
        return shift, RowsReading(self, b, scores, free)

    @cached_property
    def linear(self) -> Array:
        """``X'(weights y)``, (n_features, n_tasks), for squared loss: minus the gradient at A = 0."""
        return self.null_reading.force

    @cached_property
    def precise_linear(self) -> Array:
        """`linear`, in float64 also for float32 rows."""
        design = self.design.precise()
        return self.linear if design is self.design else design.adjoint(design.weights * self.target)

    @cached_property
    def gram_blocks(self) -> GramBlocks:
        """Gram matrices of working sets, kept."""
        return GramBlocks(self.design.precise())

    def compressed(self) -> DataFit:
        return self._gram_fit if self._has_gram_fit else self

    @cached_property
    def _gram_fit(self) -> GramFit:
        precise = self.design.precise()
        matrices, scale = self.gram if precise is self.design else precise.gram()
        return GramFit.of_matrices(matrices, scale.astype(np.float64, copy=False), self.precise_linear, self.square)

    @property
    def has_resolvent(self) -> bool:
        kernel_size = self.rows_per_task**2 * len(self.design.distinct_tasks())
        return self.loss.quadratic and (self._has_gram_fit or kernel_size <= _GRAM_LIMIT)

    @property
    def has_one_gram(self) -> bool:
        return len(self.design.distinct_tasks()) == 1

    def resolvent(self) -> Resolvent:
        return self._gram_fit.resolvent() if self._has_gram_fit else self._row_kernels

    @cached_property
    def _row_kernels(self) -> RowKernels:
        return RowKernels(self.design.precise())

    def restrict_rows(self, features: Indices) -> RowsFit:
        """As `restrict`, but with the rows of X, whatever Gram matrices would save."""
        if np.array_equal(features, np.arange(self.n_features)):
            return self
        return self._with_design(self.design.restrict(features))

    def restrict(self, features: Indices) -> DataFit:
        if np.array_equal(features, np.arange(self.n_features)):
            return self.compressed()
        # Gram matrices as soon as they make an iteration cheaper: their products take k^2 a task, the rows 2 n k.
        part: DataFit
        if self.loss.quadratic and len(features) <= _DENSE * self.rows_per_task:
            # Also for float32 rows in float64, of which a working set needs little: see `Oracle.agree`.
            scale = self.design.gram(features[:0])[1].astype(np.float64, copy=False)
            linear = self.precise_linear[features]
            part = GramFit.of_matrices(self.gram_blocks.of(features), scale, linear, self.square)
        else:
            part = self.restrict_rows(features)
        if len(features) > _FEW and "norm_bound" in self.__dict__:  # a bound for all features is one for some
            part.__dict__["norm_bound"] = self.norm_bound
        elif isinstance(part, GramFit):
            part.__dict__["norm_bound"] = part.quick_norm_bound()
        return part

    def _with_design(self, design: Design) -> RowsFit:
        """The same rows and target with other features, centred already."""
        part = copy(self)
        for name, attribute in vars(RowsFit).items():
            if isinstance(attribute, cached_property):
                part.__dict__.pop(name, None)
        part._unpenalised = None
        part.design = design
        part.n_features = design.n_features
        return part

    @cached_property
    def square(self) -> float:
        """``sum weights y^2``."""
        return total(self.design.weights * self.target**2)

    def oracle(self, reading: Reading, smooth: TaskQuadratic | None) -> Oracle:
        """Gram matrices where the loss allows them and they are smaller than the data they replace."""
        if self.gram_is_smaller:
            return GramOracle(*self.gram, self.linear, smooth)
        assert isinstance(reading, RowsReading)
        return ScoreOracle(reading.free, reading.intercept, smooth)

    def original_intercept(self, A: Array, intercept: Array) -> Array:
        used = rows_in_use(A)
        return intercept + self.target_center - sum_rows(self.design.center[used] * A[used])


def _center_target(design: Design, target: Array) -> tuple[Array, Array]:
    """The target without its weighted mean per task, and that mean (what an intercept absorbs under squared loss).

    Twice, since the first mean is off by its own rounding: so the weighted sums of what is left are zero up to the
    rounding of the deviations (which have lost the digits that a large mean has taken from the target itself).
    """
    weights = design.weights.astype(np.float64, copy=False)
    sums = design.task_sums(weights)
    sums = np.where(sums > 0, sums, 1.0)
    mean = (design.task_sums(weights * target) / sums).astype(target.dtype, copy=False)
    spread = design.spread(mean)
    centered = without_rounding(target - spread, spread)
    rest = (design.task_sums(weights * centered) / sums).astype(target.dtype, copy=False)
    centered -= design.spread(rest)
    return centered, mean + rest
