"""Displays of a parameter matrix: from the matrix, or from the estimator that has it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Self

from mtlinear.parameters import ParameterMatrix
from mtlinear.plotting._unwrap import unwrap


class ParametersDisplay(ABC):
    """A display that a ParameterMatrix is enough for."""

    @classmethod
    @abstractmethod
    def from_parameters(cls, parameters: ParameterMatrix) -> Self:
        """Draw a ParameterMatrix."""

    @classmethod
    def from_estimator(cls, estimator: Any, **options: Any) -> Self:
        """Draw the parameters of a fitted estimator.

        Features have the names of the columns that reach the model.

        Parameters
        ----------
        estimator : fitted estimator of mtlinear
            Also at the end of a Pipeline, in a search (its best), or in a TransformedTargetRegressor (the parameters
            are then those of the transformed target).
        **options
            As in `from_parameters`.

        Returns
        -------
        The display.

        Raises
        ------
        TypeError
            If there is no estimator of mtlinear in it.
        NotFittedError
            If it is not fitted.
        """
        return cls.from_parameters(unwrap(estimator).parameters, **options)
