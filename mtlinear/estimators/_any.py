"""Any belief about the tasks, as a penalty object, and any loss."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar, Self

from sklearn.base import clone

from mtlinear import penalties
from mtlinear.estimators._base import MultiTaskLinearModel
from mtlinear.estimators._base_classifier import CLASSIFIER_ALPHA, MultiTaskClassifierBase
from mtlinear.estimators._constraints import COMMON, LOSS, PENALTY, Constraints
from mtlinear.estimators._documentation import documented
from mtlinear.estimators._streaming import StreamingRegressorBase
from mtlinear.losses import Loss
from mtlinear.penalties import Penalty


@dataclass(eq=False, repr=False)
class _AnyPenalty(MultiTaskLinearModel):
    """Any belief about the tasks, as a penalty object.

    %(objective)s

        Omega = penalty

    Parameters
    ----------
    penalty : Penalty, default None
        An object of `mtlinear.penalties`, e.g. ``TraceNorm(alpha=0.1)`` or
        ``InfimalConvolution(TraceNorm(), L1())``. None is ``%(default_penalty)s``. Its parameters can be searched as
        ``penalty__alpha``, and penalties as ``{"penalty": [TraceNorm(), L1Lq()]}``.
    loss : Loss, default None
        %(losses)s
    """

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


@documented
class MultiTaskRegressor(_AnyPenalty, StreamingRegressorBase):
    """Squared loss, or any other.

    Parameters
    ----------
    loss
        partial_fit knows no other.

    Examples
    --------
    >>> import numpy as np
    >>> from mtlinear import MultiTaskRegressor
    >>> from mtlinear.penalties import L1, InfimalConvolution, TraceNorm
    >>> X = np.random.default_rng(0).standard_normal((50, 4))
    >>> Y = X[:, [0]] @ [[1.0, -2.0, 3.0]] + 1.0
    >>> sparse_plus_low_rank = InfimalConvolution(TraceNorm(alpha=0.1), L1(alpha=0.05))
    >>> MultiTaskRegressor(sparse_plus_low_rank).fit(X, Y).score(X, Y) > 0.9
    True
    """

    _default_penalty = penalties.L1Lq(alpha=0.1)


@documented
class MultiTaskClassifier(_AnyPenalty, MultiTaskClassifierBase):
    """Logistic loss, or squared hinge.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from mtlinear import MultiTaskClassifier
    >>> from mtlinear.penalties import L1Lq
    >>> X, y = load_iris(return_X_y=True)
    >>> MultiTaskClassifier(L1Lq(alpha=0.01, q=1.5)).fit(X, y).score(X, y) > 0.8
    True
    """

    _default_penalty = penalties.L1Lq(alpha=CLASSIFIER_ALPHA)
