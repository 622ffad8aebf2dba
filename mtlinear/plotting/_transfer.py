"""Who gains and who loses by sharing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from mtlinear._validation import check_boolean
from mtlinear.plotting._gains import predicted_pairs, task_gains
from mtlinear.plotting._style import BLUE, PALE, VERMILLION, axes_for, names_for, vector

#: Standard errors of the intervals, and from which on a loss is counted.
NOTABLE = 2.0
#: With more tasks bars stand upright.
_MANY = 30
_MEASURES = {
    "squared_error": "reduction of squared error",
    "log_loss": "reduction of log loss",
    "zero_one": "gain in accuracy",
}


class TransferDisplay:
    """Gain of every task by a multi-task model over single-task models, sorted, with intervals of two standard errors.

    Parameters
    ----------
    gains : array-like (n_tasks,)
        Positive is better; NaN (no rows) is not drawn.
    errors : array-like (n_tasks,)
        Standard errors; NaN if unknown.
    tasks : sequence of length n_tasks, default None
        Names. None numbers them.
    relative : bool, default False
        Gains are fractions, and shown as per cent.
    measure : str, default "gain"
        What a gain is, for the axis.

    Attributes
    ----------
    n_losers : int
        Tasks whose loss is larger than two standard errors. Among many tasks some are so by chance.
    task_order : ndarray of int
        Tasks in the order of drawing, the largest gain first.
    ax_ : matplotlib Axes
    bars_ : matplotlib BarContainer
        In the order of ``task_order``; losses have another colour.
    figure_ : matplotlib Figure

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from mtlinear.plotting import TransferDisplay
    >>> y, tasks = [1.0, 3.0, 2.0, 5.0], ["north", "north", "south", "south"]
    >>> display = TransferDisplay.from_predictions(y, [1.0, 2.5, 4.0, 7.0], [2.0, 2.0, 2.0, 4.0], tasks=tasks)
    >>> display.tasks, display.gains, display.n_losers
    (['north', 'south'], array([ 0.875, -7.   ]), 1)
    """

    def __init__(
        self,
        *,
        gains: ArrayLike,
        errors: ArrayLike,
        tasks: Sequence[object] | None = None,
        relative: bool = False,
        measure: str = "gain",
    ):
        self.gains = vector("gains", gains)
        self.errors = vector("errors", errors, len(self.gains))
        self.tasks = names_for("tasks", tasks, len(self.gains))
        self.relative = check_boolean("relative", relative)
        self.measure = measure
        self.n_losers = int(np.sum(self.gains < -NOTABLE * self.errors))
        order = np.argsort(-self.gains, kind="stable")  # NaN last
        self.task_order = order[np.isfinite(self.gains[order])]

    @classmethod
    def from_predictions(
        cls,
        y_true: ArrayLike,
        y_multi: ArrayLike,
        y_single: ArrayLike,
        *,
        tasks: ArrayLike | None = None,
        loss: str = "squared_error",
        relative: bool | None = None,
        ax: Any = None,
    ) -> Self:
        """Draw the gains that predictions of held-out rows show.

        The gain of a task is the mean over its rows of what the multi-task model saves; its standard error is that of
        this mean, so paired by row, with the models as they are (not what other training rows would have given).

        Parameters
        ----------
        y_true : array-like (n_rows, n_tasks) or (n_rows,)
            2-D: each column is a task, NaN is not observed. 1-D: ``tasks`` names the task of every row; without it
            there is one task.
        y_multi, y_single : array-like of the shape of y_true
            Predictions of the multi-task model and of the single-task models: values; labels for "zero_one";
            probabilities of 1 for "log_loss".
        tasks : array-like (n_rows,), default None
        loss : {"squared_error", "log_loss", "zero_one"}, default "squared_error"
            "zero_one" is one minus the accuracy. For "log_loss" y_true holds 0 and 1 (or -1 and 1).
        relative : bool, default None
            Gains as fractions of the loss of the single-task models (and absolute, where that is zero). None: for the
            squared error, whose unit differs from task to task.
        ax : matplotlib Axes, default None
            None: a new figure.

        Returns
        -------
        TransferDisplay

        Raises
        ------
        ValueError, TypeError
            Naming the argument, if shapes, labels or values do not fit.
        """
        relative = loss == "squared_error" if relative is None else check_boolean("relative", relative)
        names, gains, errors = task_gains(y_true, y_multi, y_single, tasks, loss, relative)
        return cls(gains=gains, errors=errors, tasks=names, relative=relative, measure=_MEASURES[loss]).plot(ax)

    @classmethod
    def from_estimators(
        cls,
        multi: Any,
        single: Any,
        X: Any,
        y: ArrayLike,
        *,
        tasks: ArrayLike | None = None,
        loss: str | None = None,
        relative: bool | None = None,
        ax: Any = None,
    ) -> Self:
        """Draw the gains of two fitted models on rows that neither has seen.

        Parameters
        ----------
        multi, single : fitted estimators
            A multi-task model and its rival, for example ``MultiTaskRegressor(Ridge(alpha))``; both regressors or both
            classifiers.
        X, y, tasks
            Held-out rows, in the layout of fit; tasks also come from ``task_feature`` of multi. For a 1-D y of more
            than two classes the tasks are the classes, one against the rest.
        loss : {"squared_error", "log_loss", "zero_one"}, default None
            None: the squared error of regressors; the log loss of classifiers if both have probabilities, else
            "zero_one".
        relative, ax
            As in `from_predictions`.

        Returns
        -------
        TransferDisplay

        Raises
        ------
        ValueError, TypeError
            Naming the argument, if the models or the data do not fit.
        NotFittedError
            If a model is not fitted.
        """
        y, y_multi, y_single, tasks, loss, names = predicted_pairs(multi, single, X, y, tasks, loss)
        relative = loss == "squared_error" if relative is None else check_boolean("relative", relative)
        found, gains, errors = task_gains(y, y_multi, y_single, tasks, loss, relative)
        return cls(
            gains=gains,
            errors=errors,
            tasks=found if names is None else names,
            relative=relative,
            measure=_MEASURES[loss],
        ).plot(ax)

    def figsize(self) -> tuple[float, float]:
        """Inches in which these tasks are well readable."""
        count = len(self.task_order)
        return (7.2, 0.26 * count + 1.1) if count <= _MANY else (10.0, 3.4)

    def plot(self, ax: Any = None) -> Self:
        """Draw: lying bars with names for up to 30 tasks, upright ones for more.

        Parameters
        ----------
        ax : matplotlib Axes, default None
            None: a new figure.

        Returns
        -------
        self
        """
        self.ax_ = axes_for(ax, self.figsize(), type(self).__name__)
        self.figure_ = self.ax_.figure
        import matplotlib
        from matplotlib.ticker import PercentFormatter

        from mtlinear.plotting._ticks import name_axis

        gains, errors = self.gains[self.task_order], self.errors[self.task_order]
        arms = NOTABLE * np.where(np.isfinite(errors), errors, 0.0)
        ink, count = matplotlib.rcParams["text.color"], len(gains)
        lying, place = count <= _MANY, np.arange(count)
        style: dict[str, Any] = {"color": [BLUE if gain >= 0 else VERMILLION for gain in gains]}
        line = {"color": ink, "linewidth": 0.8 if lying else 0.5}
        if lying:
            self.bars_ = self.ax_.barh(place, gains, height=0.72, **style)
            self.ax_.hlines(place, gains - arms, gains + arms, **line)
            self.ax_.axvline(0, color=ink, linewidth=0.8)
        else:
            self.bars_ = self.ax_.bar(place, gains, width=0.8, **style)
            self.ax_.vlines(place, gains - arms, gains + arms, alpha=0.6, **line)
            self.ax_.axhline(0, color=ink, linewidth=0.8)
        ends = (-0.6, count - 0.4)
        self.ax_.set(**({"ylim": ends[::-1]} if lying else {"xlim": ends}))
        names, values = (self.ax_.yaxis, self.ax_.xaxis) if lying else (self.ax_.xaxis, self.ax_.yaxis)
        if count:
            name_axis(names, [self.tasks[t] for t in self.task_order])
        if self.relative:
            values.set_major_formatter(PercentFormatter(1.0))
        values.set_label_text(self.measure)
        self.ax_.grid(axis="x" if lying else "y", color=PALE)
        self.ax_.set_axisbelow(True)
        self.ax_.set_title(self.summary(), fontsize="medium")
        return self

    def summary(self) -> str:
        """How many tasks lose, in a sentence."""
        count, losing = len(self.task_order), int(np.sum(self.gains < 0))
        if losing == 0:
            return f"none of {count} tasks loses"
        return f"{losing} of {count} tasks lose, {self.n_losers} by more than {NOTABLE:g} standard errors"
