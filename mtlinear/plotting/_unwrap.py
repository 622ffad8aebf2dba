"""The model inside of what is around it: pipelines, searches, and transformers of the target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from mtlinear.estimators._base import MultiTaskLinearModel
from mtlinear.metrics._responses import WRAPPERS
from mtlinear.parameters import ParameterMatrix


@dataclass(frozen=True)
class Unwrapped:
    """A fitted model of mtlinear, and what it was in.

    Attributes
    ----------
    model : MultiTaskLinearModel
    around : tuple
        From outside in: the earlier steps of pipelines, and what transforms the target.
    """

    model: MultiTaskLinearModel
    around: tuple[Pipeline | TransformedTargetRegressor, ...]

    @property
    def parameters(self) -> ParameterMatrix:
        """``parameters_``, with the names of the columns that reach the model."""
        return self.named(self.model.parameters_)

    def named(self, parameters: ParameterMatrix) -> ParameterMatrix:
        """The same, where features that the model knows by number only have the names of the steps before it."""
        if hasattr(self.model, "feature_names_in_"):
            return parameters
        names = None
        for steps in self.around:
            names = _names_after(steps, names) if isinstance(steps, Pipeline) else names
        if names is None or len(names) != self.model.n_features_in_:
            return parameters
        position = self.model._task_position
        kept = [name for k, name in enumerate(names) if k != position]
        return ParameterMatrix(parameters.parts, kept, parameters.task_names, parameters._clusters)

    def reach(self, X: Any, y: ArrayLike) -> tuple[Any, Any]:
        """The rows as the model gets them."""
        target: Any = y
        for steps in self.around:
            if isinstance(steps, Pipeline):
                X = steps.transform(X)
            else:
                columns = np.asarray(target)
                target = steps.transformer_.transform(columns.reshape(len(columns), -1)).reshape(columns.shape)
        return X, target


def unwrap(estimator: Any, argument: str = "estimator") -> Unwrapped:
    """The fitted model of mtlinear at the end of pipelines, searches (their best) and the like.

    Raises
    ------
    TypeError
        If there is another one at the end.
    NotFittedError
        If it is not fitted.
    """
    inner, around = innermost(estimator, argument)
    if not isinstance(inner, MultiTaskLinearModel):
        found = type(estimator).__name__
        raise TypeError(
            f"{argument} must be a fitted estimator of mtlinear, alone or at the end of a Pipeline, a search or a "
            f"TransformedTargetRegressor, got {found if inner is estimator else f'{found} of {type(inner).__name__}'}."
        )
    check_is_fitted(inner, msg=f"{argument} is not fitted yet: call fit of this {type(estimator).__name__} first.")
    return Unwrapped(inner, around)


def innermost(estimator: Any, argument: str) -> tuple[Any, tuple[Pipeline | TransformedTargetRegressor, ...]]:
    """What is at the end, whatever it is, and what is around it (`Unwrapped.around`)."""
    around: list[Pipeline | TransformedTargetRegressor] = []
    while True:
        if isinstance(estimator, Pipeline):
            around += [estimator[:-1]] if len(estimator) > 1 else []
            estimator = estimator[-1]
            continue
        if isinstance(estimator, TransformedTargetRegressor):
            around.append(estimator)
        attribute = next((name for kind, name in WRAPPERS if isinstance(estimator, kind)), None)
        if attribute is None:
            return estimator, tuple(around)
        if not hasattr(estimator, attribute):
            raise NotFittedError(
                f"{argument} is not fitted yet: call fit of this {type(estimator).__name__} first (it has no "
                f"{attribute})."
            )
        estimator = getattr(estimator, attribute)


def _names_after(steps: Pipeline, names: Sequence[object] | None) -> Sequence[object] | None:
    """Names of the columns that these steps make; None where a step does not tell."""
    try:
        return list(steps.get_feature_names_out(names))
    except (AttributeError, ValueError):
        return None
