"""Singular values of parameter matrices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from mtlinear._typing import Array
from mtlinear._validation import check_integer
from mtlinear.parameters import ParameterMatrix
from mtlinear.plotting._base import ParametersDisplay
from mtlinear.plotting._style import PALETTE, axes_for, matrices_of, parameter_matrix, short, vector


class SpectrumDisplay(ParametersDisplay):
    """Singular values of a parameter matrix and its parts, with their ranks: how many directions the tasks share.

    Parameters
    ----------
    singular_values : mapping of str to array-like (min(n_features, n_tasks),)
        In descending order; the key names the matrix.
    ranks : mapping of str to int
        Rank of each.

    Attributes
    ----------
    ax_ : matplotlib Axes
    lines_ : dict of str to matplotlib Line2D
        The singular values; up to the rank (a dotted line) as full dots, beyond it as hollow ones.
    figure_ : matplotlib Figure

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from mtlinear import ParameterMatrix
    >>> from mtlinear.plotting import SpectrumDisplay
    >>> display = SpectrumDisplay.from_parameters(ParameterMatrix({"A": [[3.0, 0.0], [4.0, 0.0]]}))
    >>> display.singular_values["A"], display.ranks["A"]
    (array([5., 0.]), 1)
    """

    def __init__(self, *, singular_values: Mapping[str, ArrayLike], ranks: Mapping[str, int]):
        if not singular_values or list(singular_values) != list(ranks):
            raise ValueError(
                "singular_values and ranks must have the same keys, one at least, got "
                f"{list(singular_values)} and {list(ranks)}."
            )
        self.singular_values: dict[str, Array] = {
            name: vector(f"singular_values of {name!r}", values) for name, values in singular_values.items()
        }
        self.ranks = {name: check_integer(f"ranks of {name!r}", rank, at_least=0) for name, rank in ranks.items()}

    @classmethod
    def from_parameters(cls, parameters: ParameterMatrix, *, ax: Any = None) -> Self:
        """Draw the singular values of a ParameterMatrix and, if there are several, of its parts.

        Parameters
        ----------
        parameters : ParameterMatrix
        ax : matplotlib Axes, default None
            None: a new figure.

        Returns
        -------
        SpectrumDisplay
        """
        parameters = parameter_matrix(parameters)
        parts = dict.fromkeys(matrices_of(parameters)) | {name: name for name in parameters.parts}
        return cls(
            singular_values={title: parameters.singular_values(part) for title, part in parts.items()},
            ranks={title: parameters.rank(part=part) for title, part in parts.items()},
        ).plot(ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default None
            None: a new figure.

        Returns
        -------
        self
        """
        self.ax_ = axes_for(ax, (5.6, 3.6), type(self).__name__)
        self.figure_ = self.ax_.figure
        from matplotlib.ticker import MaxNLocator

        self.lines_ = {}
        for k, (name, values) in enumerate(self.singular_values.items()):
            colour, rank, count = PALETTE[k % len(PALETTE)], self.ranks[name], len(values)
            place, size = np.arange(1, count + 1), 6.0 if count <= 30 else 3.0
            (self.lines_[name],) = self.ax_.plot(
                place,
                values,
                marker="o",
                markersize=size,
                markerfacecolor="white",
                color=colour,
                linewidth=1,
            )
            label = f"{short(name)}: rank {rank} of {count}"
            self.ax_.plot(place[:rank], values[:rank], "o", markersize=size, color=colour, label=label)
            self.ax_.axvline(rank + 0.5, color=colour, linewidth=1, linestyle=":")
        self.ax_.xaxis.set_major_locator(MaxNLocator(integer=True))
        largest = max(float(np.max(values, initial=0.0)) for values in self.singular_values.values())
        self.ax_.set_ylim(bottom=-0.03 * (largest or 1.0))
        self.ax_.set(xlabel="number", ylabel="singular value")
        self.ax_.legend()
        return self
