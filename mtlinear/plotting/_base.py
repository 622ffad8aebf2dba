"""Displays of a parameter matrix: from the matrix, or from the estimator that has it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Self

from mtlinear.parameters import ParameterMatrix
from mtlinear.plotting._style import fitted_model


class ParametersDisplay(ABC):
    """A display that a ParameterMatrix is enough for."""

    @classmethod
    @abstractmethod
    def from_parameters(cls, parameters: ParameterMatrix) -> Self:
        """Draw a ParameterMatrix."""

    @classmethod
    def from_estimator(cls, estimator: Any, **options: Any) -> Self:
        """Draw the parameters of a fitted estimator.

        Parameters
        ----------
        estimator : fitted estimator of mtlinear
        **options
            As in `from_parameters`.

        Returns
        -------
        The display.

        Raises
        ------
        TypeError
            If it is no estimator of mtlinear.
        NotFittedError
            If it is not fitted.
        """
        return cls.from_parameters(fitted_model(estimator).parameters_, **options)
