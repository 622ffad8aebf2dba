"""How solvers come to their certificates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from mtlinear._typing import Array
from mtlinear.plotting._style import GREY, PALETTE, axes_for, one_of, short, vector
from mtlinear.plotting._unwrap import unwrap

_LABELS = {"seconds": "seconds", "iterations": "iterations"}


class ConvergenceDisplay:
    """Duality gaps of one or several fits, relative to the objective at A = 0, as they went.

    Parameters
    ----------
    gaps : mapping of str to array-like (n_checks,)
        Relative duality gap at every look of the solver at it; the key names the model.
    seconds, iterations : mapping of str to array-like (n_checks,)
        When that was.
    tolerances : mapping of str to float
        Relative gap at which each fit may stop.

    Attributes
    ----------
    ax_ : matplotlib Axes
    lines_ : dict of str to matplotlib Line2D
    tolerance_lines_ : list of matplotlib Line2D
        One per different tolerance.
    figure_ : matplotlib Figure

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import numpy as np
    >>> from mtlinear import BlockSparseRegressor
    >>> from mtlinear.plotting import ConvergenceDisplay
    >>> rng = np.random.default_rng(0)
    >>> model = BlockSparseRegressor(0.1).fit(rng.standard_normal((40, 6)), rng.standard_normal((40, 3)))
    >>> display = ConvergenceDisplay.from_estimator({"block-sparse": model})
    >>> bool(display.gaps["block-sparse"][-1] <= 1e-6)
    True
    """

    def __init__(
        self,
        *,
        gaps: Mapping[str, ArrayLike],
        seconds: Mapping[str, ArrayLike],
        iterations: Mapping[str, ArrayLike],
        tolerances: Mapping[str, float],
    ):
        names = list(gaps)
        if not names or any(list(each) != names for each in (seconds, iterations, tolerances)):
            raise ValueError("gaps, seconds, iterations and tolerances must have the same keys, one at least.")
        self.gaps: dict[str, Array] = {name: vector(f"gaps of {name!r}", values) for name, values in gaps.items()}
        self.seconds, self.iterations = (
            {name: vector(f"{argument} of {name!r}", values[name], len(self.gaps[name])) for name in names}
            for argument, values in (("seconds", seconds), ("iterations", iterations))
        )
        self.tolerances = {name: float(tolerance) for name, tolerance in tolerances.items()}

    @classmethod
    def from_estimator(cls, estimator: Any, *, x: str = "seconds", ax: Any = None) -> Self:
        """Draw how a fit, or several, came to its gap (``history_``).

        Parameters
        ----------
        estimator : fitted estimator of mtlinear, or mapping of str to these
            Also in a Pipeline or a search. A mapping draws all of them in one picture, under these names. Of a CV class
            or a search it is the last fit, on all rows.
        x, ax
            As in `plot`.

        Returns
        -------
        ConvergenceDisplay

        Raises
        ------
        TypeError
            If there is no estimator of mtlinear in it.
        NotFittedError
            If it is not fitted.
        ValueError
            If the mapping is empty.
        """
        if isinstance(estimator, Mapping):
            if not estimator:
                raise ValueError("estimator must hold one estimator at least, but the mapping is empty.")
            models = {str(name): unwrap(each, f"estimator[{name!r}]").model for name, each in estimator.items()}
        else:
            model = unwrap(estimator).model
            models = {type(model).__name__: model}
        return cls(
            gaps={
                name: np.array([check.gap for check in model.history_]) / _unit(model) for name, model in models.items()
            },
            seconds={name: [check.seconds for check in model.history_] for name, model in models.items()},
            iterations={name: [check.n_iter for check in model.history_] for name, model in models.items()},
            tolerances={name: model.tol for name, model in models.items()},
        ).plot(ax, x=x)

    def plot(self, ax: Any = None, *, x: str = "seconds") -> Self:
        """Draw.

        Gaps of zero stand at the rounding error, 1e-16; infinite ones, before there is any bound, are left out.

        Parameters
        ----------
        ax : matplotlib Axes, default None
            None: a new figure.
        x : {"seconds", "iterations"}, default "seconds"

        Returns
        -------
        self
        """
        one_of("x", x, list(_LABELS))
        self.ax_ = axes_for(ax, (6.0, 3.8), type(self).__name__)
        self.figure_ = self.ax_.figure
        self.lines_ = {}
        for k, (name, gaps) in enumerate(self.gaps.items()):
            place = (self.seconds if x == "seconds" else self.iterations)[name]
            known = np.isfinite(gaps)
            few = known.sum() <= 40
            (self.lines_[name],) = self.ax_.plot(
                place[known],
                np.maximum(gaps[known], 1e-16),
                color=PALETTE[k % len(PALETTE)],
                linestyle=("-", "--", ":")[k // len(PALETTE) % 3],
                marker="o" if few else None,
                markersize=3.5,
                label=short(name),
            )
        self.tolerance_lines_ = [
            self.ax_.axhline(tolerance, color=GREY, linestyle="--", linewidth=1, label=f"tol = {tolerance:g}")
            for tolerance in sorted(set(self.tolerances.values()), reverse=True)
        ]
        self.ax_.set_yscale("log")
        self.ax_.set(xlabel=_LABELS[x], ylabel="duality gap / objective at A = 0")
        self.ax_.legend(fontsize="small")
        return self


def _unit(model: Any) -> float:
    return float(model.null_objective_) or 1.0
