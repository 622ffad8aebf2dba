"""scikit-learn's four multi-task estimators, made of ours: their constructors, our fits.

Each adapter translates parameters, fits an estimator of mtlinear and publishes its attributes; nothing is computed
here. docs/drop_in.md says the same in words. Names are scikit-learn's own, since its tests look at them.
"""

from __future__ import annotations

from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from mtlinear import BlockSparseRegressor, MultiTaskRegressor, MultiTaskRegressorCV
from mtlinear.penalties import L1Lq, Penalty, Ridge

Array = np.ndarray

#: Smallest gap, as a fraction of the objective at A = 0, that double precision can prove.
CERTIFIABLE = 1e-13
#: One pass of coordinate descent over the features is worth about this many of our iterations.
ITERATIONS_PER_EPOCH = 10


def solving(theirs: Any, tol: float) -> dict[str, Any]:
    """fit_intercept, tol and max_iter in our units."""
    if theirs.tol < 0:
        raise ValueError(f"tol must not be negative, got {theirs.tol}.")
    return {
        "fit_intercept": theirs.fit_intercept,
        "tol": max(tol, CERTIFIABLE),
        "max_iter": theirs.max_iter * ITERATIONS_PER_EPOCH,
    }


def elastic_net(alpha: float, l1_ratio: float, **more: Any) -> BlockSparseRegressor | MultiTaskRegressor:
    """Our model of alpha * l1_ratio * ||A||_21 + alpha * (1 - l1_ratio) / 2 * ||A||_F^2."""
    if l1_ratio == 0:
        return MultiTaskRegressor(Ridge(alpha), **more)
    return BlockSparseRegressor(alpha * l1_ratio, l2_alpha=alpha * (1.0 - l1_ratio), **more)


class ElasticNetRows(Penalty):
    """alpha * (l1_ratio ||A||_21 + (1 - l1_ratio)/2 ||A||_F^2) as one penalty, for paths along which both terms shrink.

    (l2_alpha of a model stays the same along a path.)
    """

    def __init__(self, alpha: float = 1.0, l1_ratio: float = 0.5):
        self.alpha = alpha
        self.l1_ratio = l1_ratio

    def check(self, n_features: int, n_tasks: int) -> None:
        if not (self.alpha > 0 and 0 <= self.l1_ratio <= 1):
            raise ValueError(f"alpha must be positive and l1_ratio in [0, 1], got {self}.")

    @property
    def _l1(self) -> float:
        return self.alpha * self.l1_ratio

    @property
    def _l2(self) -> float:
        return self.alpha * (1.0 - self.l1_ratio)

    def value(self, A: Array) -> float:
        return self._l1 * np.linalg.norm(A, axis=1).sum() + self._l2 / 2.0 * np.sum(A**2)

    def prox(self, V: Array, step: float) -> Array:
        norms = np.maximum(np.linalg.norm(V, axis=1, keepdims=True), np.finfo(float).tiny)
        return V * np.maximum(1.0 - step * self._l1 / norms, 0.0) / (1.0 + step * self._l2)

    def gauge(self, G: Array) -> float:
        """From which factor on A = 0: the ridge does not matter there."""
        largest = np.linalg.norm(G, axis=1).max(initial=0.0)
        return largest / self._l1 if self.l1_ratio else 0.0

    def dual_scale(self, G: Array) -> float:
        return 1.0 if self.l1_ratio < 1 else super().dual_scale(G)

    def conjugate(self, G: Array) -> float:
        over = np.maximum(np.linalg.norm(G, axis=1) - self._l1, 0.0)
        if self.l1_ratio == 1:
            return 0.0 if np.all(over <= 1e-13 * self._l1) else np.inf
        return np.sum(over**2) / (2.0 * self._l2)

    def scaled(self, factor: float) -> ElasticNetRows:
        return ElasticNetRows(self.alpha * factor, self.l1_ratio)


class Adapter(MultiOutputMixin, RegressorMixin, BaseEstimator):
    """What all four share: several columns in y, and everything fitted comes from ``model_``."""

    _single_task_name: ClassVar[str]

    def _publish(self, model: Any, y: Any) -> None:
        """Take over what the model, already fitted, has found; ours would take a 1-D y as a single task."""
        if np.asarray(y).ndim == 1:
            raise ValueError(f"For mono-task outputs, use {self._single_task_name}")
        self.model_ = model
        for name in ("coef_", "intercept_", "n_iter_", "dual_gap_", "n_features_in_", "feature_names_in_"):
            if hasattr(model, name):
                setattr(self, name, getattr(model, name))
            elif hasattr(self, name):
                delattr(self, name)

    def predict(self, X: Any) -> Array:
        check_is_fitted(self)
        return self.model_.predict(X)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.target_tags.single_output = False
        return tags


class MultiTaskElasticNet(Adapter):
    """BlockSparseRegressor with l2_alpha."""

    _single_task_name = "ElasticNet"

    def __init__(
        self,
        alpha=1.0,
        *,
        l1_ratio=0.5,
        fit_intercept=True,
        copy_X=True,
        max_iter=1000,
        tol=1e-4,
        warm_start=False,
        random_state=None,
        selection="cyclic",
    ):
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.max_iter = max_iter
        self.tol = tol
        self.warm_start = warm_start
        self.random_state = random_state
        self.selection = selection

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        # They stop when the gap is small *and* the coefficients change by less than tol of the largest; we look at the
        # gap alone, and coefficients good to tol have a gap of about tol^2.
        solver = solving(self, self.tol**2)
        ours = elastic_net(self.alpha, getattr(self, "l1_ratio", 1.0), warm_start=self.warm_start, **solver)
        if self.warm_start and hasattr(self, "model_"):
            ours = self.model_.set_params(**ours.get_params(deep=False))
        self._publish(ours.fit(X, y, sample_weight), y)
        return self


class MultiTaskLasso(MultiTaskElasticNet):
    """BlockSparseRegressor."""

    _single_task_name = "Lasso"

    def __init__(
        self,
        alpha=1.0,
        *,
        fit_intercept=True,
        copy_X=True,
        max_iter=1000,
        tol=1e-4,
        warm_start=False,
        random_state=None,
        selection="cyclic",
    ):
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.max_iter = max_iter
        self.tol = tol
        self.warm_start = warm_start
        self.random_state = random_state
        self.selection = selection


class AdapterCV(Adapter):
    __metadata_request__fit: ClassVar[dict[str, bool]] = {"groups": True}

    def _search(
        self, X: Any, y: Any, sample_weight: Any, groups: Any, penalty: Penalty, param_grid: Any = None
    ) -> MultiTaskRegressorCV:
        """Fit ours, and publish what both CV classes have."""
        ours = MultiTaskRegressorCV(
            penalty,
            param_grid=param_grid,
            alphas=self.alphas,
            eps=self.eps,
            cv=self.cv,
            n_jobs=self.n_jobs,
            verbose=int(self.verbose),
            **solving(self, 2.0 * self.tol),  # the same bound on the gap: theirs counts ||Y - mean||^2, ours its half
        )
        self._publish(ours.fit(X, y, sample_weight, groups=groups), y)
        self.alpha_ = ours.alpha_
        return ours


class MultiTaskLassoCV(AdapterCV):
    """MultiTaskRegressorCV(L1Lq())."""

    _single_task_name = "LassoCV"

    def __init__(
        self,
        *,
        eps=1e-3,
        alphas=100,
        fit_intercept=True,
        max_iter=1000,
        tol=1e-4,
        copy_X=True,
        cv=None,
        verbose=False,
        n_jobs=None,
        random_state=None,
        selection="cyclic",
    ):
        self.eps = eps
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.copy_X = copy_X
        self.cv = cv
        self.verbose = verbose
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.selection = selection

    def fit(self, X: Any, y: Any, sample_weight: Any = None, *, groups: Any = None) -> Self:
        ours = self._search(X, y, sample_weight, groups, L1Lq())
        self.alphas_, self.mse_path_ = ours.alphas_, ours.mse_path_
        return self


class MultiTaskElasticNetCV(AdapterCV):
    """MultiTaskRegressorCV(ElasticNetRows(), param_grid={"l1_ratio": ...})."""

    _single_task_name = "ElasticNetCV"

    def __init__(
        self,
        *,
        l1_ratio=0.5,
        eps=1e-3,
        alphas=100,
        fit_intercept=True,
        max_iter=1000,
        tol=1e-4,
        cv=None,
        copy_X=True,
        verbose=0,
        n_jobs=None,
        random_state=None,
        selection="cyclic",
    ):
        self.l1_ratio = l1_ratio
        self.eps = eps
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.cv = cv
        self.copy_X = copy_X
        self.verbose = verbose
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.selection = selection

    def fit(self, X: Any, y: Any, sample_weight: Any = None, *, groups: Any = None) -> Self:
        ratios = np.atleast_1d(self.l1_ratio)
        if isinstance(self.alphas, Integral) and 0 in ratios:
            raise ValueError(
                "Automatic alpha grid generation is not supported for l1_ratio=0. Please supply a grid by providing "
                "your estimator with the appropriate `alphas=` argument."
            )
        ours = self._search(X, y, sample_weight, groups, ElasticNetRows(), {"l1_ratio": ratios.tolist()})
        self.l1_ratio_ = ours.penalty_.l1_ratio
        self.mse_path_ = np.squeeze(ours.mse_path_)
        same = len(ratios) == 1 or not isinstance(self.alphas, Integral)
        self.alphas_ = ours.alphas_[0] if same else ours.alphas_
        return self
