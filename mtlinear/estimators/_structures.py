"""The structures: for each, its parameters and its penalty. `_regressors` and `_classifiers` join them with a loss.

The long signatures are what scikit-learn reads parameters from; nothing else is repeated here.
"""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import clone

from mtlinear import penalties
from mtlinear.estimators._base import MultiTaskLinearModel
from mtlinear.estimators._constraints import ALPHA, CLUSTERS, COMMON, L1_RATIO, MEAN_ALPHA, PENALTY, Constraints, Q
from mtlinear.penalties import Penalty
from mtlinear.solvers import Callback, Solver


class _BlockSparse(MultiTaskLinearModel):
    """A few features, the same for all tasks (block-sparse L1/Lq): parameters and penalty."""

    _parameter_constraints: ClassVar[Constraints] = ALPHA | Q | COMMON

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        q: float = 2,
        l2_alpha: float = 0.0,
        fit_intercept: bool = True,
        task_feature: str | int | None = None,
        task_weight: Any = None,
        unseen_tasks: str = "error",
        warm_start: bool = False,
        solver: Solver | None = None,
        tol: float = 1e-6,
        max_iter: int = 10_000,
        verbose: int = 0,
        callback: Callback | None = None,
    ):
        self.alpha = alpha
        self.q = q
        self.l2_alpha = l2_alpha
        self.fit_intercept = fit_intercept
        self.task_feature = task_feature
        self.task_weight = task_weight
        self.unseen_tasks = unseen_tasks
        self.warm_start = warm_start
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.verbose = verbose
        self.callback = callback

    def _make_penalty(self) -> Penalty:
        return penalties.L1Lq(self.alpha, self.q)


class _Dirty(MultiTaskLinearModel):
    """Shared features plus private ones (dirty model, A = B + S): parameters and penalty."""

    _parameter_constraints: ClassVar[Constraints] = ALPHA | L1_RATIO | Q | COMMON

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        l1_ratio: float | None = None,
        q: float = np.inf,
        l2_alpha: float = 0.0,
        fit_intercept: bool = True,
        task_feature: str | int | None = None,
        task_weight: Any = None,
        unseen_tasks: str = "error",
        warm_start: bool = False,
        solver: Solver | None = None,
        tol: float = 1e-6,
        max_iter: int = 10_000,
        verbose: int = 0,
        callback: Callback | None = None,
    ):
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.q = q
        self.l2_alpha = l2_alpha
        self.fit_intercept = fit_intercept
        self.task_feature = task_feature
        self.task_weight = task_weight
        self.unseen_tasks = unseen_tasks
        self.warm_start = warm_start
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.verbose = verbose
        self.callback = callback

    def _make_penalty(self) -> Penalty:
        return penalties.Dirty(self.alpha, self.l1_ratio, self.q)


class _TraceNorm(MultiTaskLinearModel):
    """A common low-dimensional subspace (trace norm): parameters and penalty."""

    _parameter_constraints: ClassVar[Constraints] = ALPHA | COMMON

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        l2_alpha: float = 0.0,
        fit_intercept: bool = True,
        task_feature: str | int | None = None,
        task_weight: Any = None,
        unseen_tasks: str = "error",
        warm_start: bool = False,
        solver: Solver | None = None,
        tol: float = 1e-6,
        max_iter: int = 10_000,
        verbose: int = 0,
        callback: Callback | None = None,
    ):
        self.alpha = alpha
        self.l2_alpha = l2_alpha
        self.fit_intercept = fit_intercept
        self.task_feature = task_feature
        self.task_weight = task_weight
        self.unseen_tasks = unseen_tasks
        self.warm_start = warm_start
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.verbose = verbose
        self.callback = callback

    def _make_penalty(self) -> Penalty:
        return penalties.TraceNorm(self.alpha)


class _MeanRegularized(MultiTaskLinearModel):
    """All tasks near their mean: parameters and penalty."""

    _parameter_constraints: ClassVar[Constraints] = ALPHA | MEAN_ALPHA | COMMON

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        mean_alpha: float = 0.0,
        l2_alpha: float = 0.0,
        fit_intercept: bool = True,
        task_feature: str | int | None = None,
        task_weight: Any = None,
        unseen_tasks: str = "error",
        warm_start: bool = False,
        solver: Solver | None = None,
        tol: float = 1e-6,
        max_iter: int = 10_000,
        verbose: int = 0,
        callback: Callback | None = None,
    ):
        self.alpha = alpha
        self.mean_alpha = mean_alpha
        self.l2_alpha = l2_alpha
        self.fit_intercept = fit_intercept
        self.task_feature = task_feature
        self.task_weight = task_weight
        self.unseen_tasks = unseen_tasks
        self.warm_start = warm_start
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.verbose = verbose
        self.callback = callback

    def _make_penalty(self) -> Penalty:
        return penalties.MeanRegularized(self.alpha, self.mean_alpha)


class _Clustered(MultiTaskLinearModel):
    """Tasks fall into clusters (convex relaxation): parameters and penalty."""

    _parameter_constraints: ClassVar[Constraints] = ALPHA | CLUSTERS | COMMON

    def __init__(
        self,
        n_clusters: int = 2,
        alpha: float = 1.0,
        *,
        between_ratio: float = 0.1,
        mean_ratio: float | None = 0.0,
        l2_alpha: float = 0.0,
        fit_intercept: bool = True,
        task_feature: str | int | None = None,
        task_weight: Any = None,
        unseen_tasks: str = "error",
        warm_start: bool = False,
        solver: Solver | None = None,
        tol: float = 1e-6,
        max_iter: int = 10_000,
        verbose: int = 0,
        callback: Callback | None = None,
    ):
        self.n_clusters = n_clusters
        self.alpha = alpha
        self.between_ratio = between_ratio
        self.mean_ratio = mean_ratio
        self.l2_alpha = l2_alpha
        self.fit_intercept = fit_intercept
        self.task_feature = task_feature
        self.task_weight = task_weight
        self.unseen_tasks = unseen_tasks
        self.warm_start = warm_start
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.verbose = verbose
        self.callback = callback

    def _make_penalty(self) -> Penalty:
        return penalties.Clustered(self.n_clusters, self.alpha, self.between_ratio, self.mean_ratio)


class _AnyPenalty(MultiTaskLinearModel):
    """Whatever is believed about the tasks, as a penalty object."""

    _default_penalty: ClassVar[Penalty]

    _parameter_constraints: ClassVar[Constraints] = PENALTY | COMMON

    def __init__(
        self,
        penalty: Penalty | None = None,
        *,
        l2_alpha: float = 0.0,
        fit_intercept: bool = True,
        task_feature: str | int | None = None,
        task_weight: Any = None,
        unseen_tasks: str = "error",
        warm_start: bool = False,
        solver: Solver | None = None,
        tol: float = 1e-6,
        max_iter: int = 10_000,
        verbose: int = 0,
        callback: Callback | None = None,
    ):
        self.penalty = penalty
        self.l2_alpha = l2_alpha
        self.fit_intercept = fit_intercept
        self.task_feature = task_feature
        self.task_weight = task_weight
        self.unseen_tasks = unseen_tasks
        self.warm_start = warm_start
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.verbose = verbose
        self.callback = callback

    def set_params(self, **params: Any) -> Self:
        """Set parameters; ``penalty__alpha`` and the like also where penalty is None, on the default penalty.

        Parameters
        ----------
        **params
            Values by name, as in scikit-learn.
        """
        if self.penalty is None and "penalty" not in params and any(name.startswith("penalty__") for name in params):
            self.penalty = clone(self._default_penalty)
        return super().set_params(**params)

    def _make_penalty(self) -> Penalty:
        return self._default_penalty if self.penalty is None else self.penalty
