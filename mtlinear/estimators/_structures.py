"""The structures: for each, its parameters and its penalty. `_regressors` and `_classifiers` join them with a loss.

A structure is a dataclass: its fields come before those of `MultiTaskLinearModel` in the signature.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import clone

from mtlinear import penalties
from mtlinear.estimators._base import MultiTaskLinearModel
from mtlinear.estimators._constraints import (
    ALPHA,
    CLUSTERS,
    COMMON,
    L1_RATIO,
    LOSS,
    MEAN_ALPHA,
    PENALTY,
    Constraints,
    Q,
)
from mtlinear.losses import Loss
from mtlinear.penalties import Penalty


@dataclass(eq=False, repr=False)
class _BlockSparse(MultiTaskLinearModel):
    """A few features, the same for all tasks (block-sparse L1/Lq): parameters and penalty."""

    _parameter_constraints: ClassVar[Constraints] = ALPHA | Q | COMMON

    alpha: float = 1.0
    _: KW_ONLY
    q: float = 2

    def _make_penalty(self) -> Penalty:
        return penalties.L1Lq(self.alpha, self.q)


@dataclass(eq=False, repr=False)
class _Dirty(MultiTaskLinearModel):
    """Shared features plus private ones (dirty model, A = B + S): parameters and penalty."""

    _parameter_constraints: ClassVar[Constraints] = ALPHA | L1_RATIO | Q | COMMON

    alpha: float = 1.0
    _: KW_ONLY
    l1_ratio: float | None = None
    q: float = np.inf

    def _make_penalty(self) -> Penalty:
        return penalties.Dirty(self.alpha, self.l1_ratio, self.q)


@dataclass(eq=False, repr=False)
class _TraceNorm(MultiTaskLinearModel):
    """A common low-dimensional subspace (trace norm): parameters and penalty."""

    _parameter_constraints: ClassVar[Constraints] = ALPHA | COMMON

    alpha: float = 1.0

    def _make_penalty(self) -> Penalty:
        return penalties.TraceNorm(self.alpha)


@dataclass(eq=False, repr=False)
class _MeanRegularized(MultiTaskLinearModel):
    """All tasks near their mean: parameters and penalty."""

    _parameter_constraints: ClassVar[Constraints] = ALPHA | MEAN_ALPHA | COMMON

    alpha: float = 1.0
    _: KW_ONLY
    mean_alpha: float = 0.0

    def _make_penalty(self) -> Penalty:
        return penalties.MeanRegularized(self.alpha, self.mean_alpha)


@dataclass(eq=False, repr=False)
class _Clustered(MultiTaskLinearModel):
    """Tasks fall into clusters (convex relaxation): parameters and penalty."""

    _parameter_constraints: ClassVar[Constraints] = ALPHA | CLUSTERS | COMMON

    n_clusters: int = 2
    alpha: float = 1.0
    _: KW_ONLY
    between_ratio: float = 0.1
    mean_ratio: float | None = 0.0

    def _make_penalty(self) -> Penalty:
        return penalties.Clustered(self.n_clusters, self.alpha, self.between_ratio, self.mean_ratio)


@dataclass(eq=False, repr=False)
class _AnyPenalty(MultiTaskLinearModel):
    """Whatever is believed about the tasks, as a penalty object."""

    _default_penalty: ClassVar[Penalty]

    _parameter_constraints: ClassVar[Constraints] = PENALTY | LOSS | COMMON

    penalty: Penalty | None = None
    _: KW_ONLY
    loss: Loss | None = None

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

    def _make_loss(self) -> Loss:
        return self._default_loss if self.loss is None else self.loss
