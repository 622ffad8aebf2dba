"""Heat maps of parameter matrices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from mtlinear._typing import Array, Indices
from mtlinear._validation import check_boolean, check_real
from mtlinear.parameters import ParameterMatrix
from mtlinear.plotting._base import ParametersDisplay
from mtlinear.plotting._order import order_of_features, order_of_tasks
from mtlinear.plotting._style import (
    GREY,
    SIGNED,
    axes_for,
    clip,
    colour_limit,
    matrices_of,
    names_for,
    parameter_matrix,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Of the axes that hold several panels: the height of panels below their titles, the width without the colour bar, and
#: the space between two panels.
_HEIGHT, _WIDTH, _SPACE = 0.92, 0.93, 0.03


class ParameterMatrixDisplay(ParametersDisplay):
    """Heat maps of a parameter matrix and its parts, features as rows, tasks as columns, zero white.

    All matrices have one colour scale and one order of rows and columns.

    Parameters
    ----------
    matrices : mapping of str to array-like (n_features, n_tasks)
        One panel each; the key is its title.
    feature_names, task_names : sequence, default None
        None numbers them.
    feature_order, task_order : array-like of int, default None
        Features from the top, tasks from the left. None: as they are.
    task_clusters : array-like of int (n_tasks,), default None
        Cluster of every task; lines are drawn where it changes.

    Attributes
    ----------
    ax_ : matplotlib Axes, or list of these
        What was drawn on: the ``ax`` of `plot`.
    panels_ : list of matplotlib Axes
        One per matrix: ``ax_`` itself for a single one, else axes inside of it.
    images_ : list of matplotlib AxesImage
    colorbar_ : matplotlib Colorbar or None
    figure_ : matplotlib Figure

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import numpy as np
    >>> from mtlinear import DirtyRegressor
    >>> from mtlinear.plotting import ParameterMatrixDisplay
    >>> X = np.random.default_rng(0).standard_normal((60, 5))
    >>> Y = X[:, [2]] @ [[3.0, 3.0, 3.0]] + X[:, [4]] @ [[0.0, 2.0, 0.0]]
    >>> model = DirtyRegressor(0.5, l1_ratio=0.4).fit(X, Y)
    >>> display = ParameterMatrixDisplay.from_estimator(model)
    >>> list(display.matrices)
    ['A = B + S', 'B', 'S']
    >>> [display.feature_names[j] for j in display.feature_order[:2]]
    ['x2', 'x4']
    """

    def __init__(
        self,
        *,
        matrices: Mapping[str, ArrayLike],
        feature_names: Sequence[object] | None = None,
        task_names: Sequence[object] | None = None,
        feature_order: ArrayLike | None = None,
        task_order: ArrayLike | None = None,
        task_clusters: ArrayLike | None = None,
    ):
        self.matrices: dict[str, Array] = {name: np.array(A, dtype=float) for name, A in matrices.items()}
        shapes = {A.shape for A in self.matrices.values()}
        if len(shapes) != 1 or len(next(iter(shapes))) != 2:
            raise ValueError(f"matrices must hold matrices of one shape, got shapes {sorted(shapes)}.")
        n_features, n_tasks = shapes.pop()
        self.feature_names = names_for("feature_names", feature_names, n_features)
        self.task_names = names_for("task_names", task_names, n_tasks)
        self.feature_order = _order("feature_order", feature_order, n_features)
        self.task_order = _order("task_order", task_order, n_tasks)
        self.task_clusters: Indices | None = None if task_clusters is None else np.array(task_clusters)
        if self.task_clusters is not None and self.task_clusters.shape != (n_tasks,):
            raise ValueError(
                f"task_clusters must have shape ({n_tasks},), a number per task, got {self.task_clusters.shape}."
            )

    @classmethod
    def from_parameters(
        cls,
        parameters: ParameterMatrix,
        *,
        sort_features: bool = True,
        sort_tasks: bool = True,
        limit: float | None = None,
        colorbar: bool = True,
        ax: Any = None,
    ) -> Self:
        """Draw a ParameterMatrix: the sum and, if there are several, its parts.

        Parameters
        ----------
        parameters : ParameterMatrix
        sort_features : bool, default True
            Features that most tasks use first, and among these those with the largest row norm. False: as in X.
        sort_tasks : bool, default True
            By cluster for a model that has clusters, else so that tasks with similar parameters are neighbours
            (average linkage of the Euclidean distances). False: in the order of ``task_names``.
        limit, colorbar, ax
            As in `plot`.

        Returns
        -------
        ParameterMatrixDisplay
        """
        parameters = parameter_matrix(parameters)
        task_order, clusters = None, None
        if check_boolean("sort_tasks", sort_tasks):
            task_order, clusters = order_of_tasks(parameters)
        display = cls(
            matrices=matrices_of(parameters),
            feature_names=parameters.feature_names,
            task_names=parameters.task_names,
            feature_order=order_of_features(parameters) if check_boolean("sort_features", sort_features) else None,
            task_order=task_order,
            task_clusters=clusters,
        )
        return display.plot(ax, limit=limit, colorbar=colorbar)

    def plot(self, ax: Any = None, *, limit: float | None = None, colorbar: bool = True) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, or a sequence of these, default None
            One to draw on (several panels stand side by side in its place), or one per matrix. None: a new figure.
        limit : float > 0, default None
            Value with the full colour. None: the 99th percentile of the absolute values that are not zero.
        colorbar : bool, default True

        Returns
        -------
        self
        """
        limit = colour_limit(self.matrices.values()) if limit is None else check_real("limit", limit, above=0.0)
        check_boolean("colorbar", colorbar)
        bar_axes = None
        if isinstance(ax, (list, tuple, np.ndarray)):
            self.panels_ = [
                axes_for(each, (0, 0), type(self).__name__) for each in np.ravel(np.array(ax, dtype=object))
            ]
            if len(self.panels_) != len(self.matrices):
                raise ValueError(
                    f"ax must be one Axes or {len(self.matrices)}, one per matrix, got {len(self.panels_)}."
                )
            self.ax_: Any = list(self.panels_)
        else:
            self.ax_ = axes_for(ax, self._figsize(), type(self).__name__)
            self.panels_, bar_axes = self._split(self.ax_, colorbar)
        self.figure_ = self.panels_[0].figure
        self.images_ = []
        for k, (panel, (title, A)) in enumerate(zip(self.panels_, self.matrices.items(), strict=True)):
            self.images_.append(self._heat_map(panel, A, limit, named=k == 0 or _starts_a_row(panel)))
            if len(self.matrices) > 1:
                panel.set_title(title, fontsize="medium")
        self.colorbar_ = None
        if colorbar:
            largest = max(np.max(np.abs(A), initial=0.0) for A in self.matrices.values())
            place: dict[str, Any] = {"ax": self.panels_, "aspect": 30} if bar_axes is None else {"cax": bar_axes}
            extend = "both" if largest > limit else "neither"
            self.colorbar_ = self.figure_.colorbar(
                self.images_[0], extend=extend, extendfrac=0.02, label="parameter", **place
            )
        return self

    def _heat_map(self, panel: Axes, A: Array, limit: float, named: bool) -> Any:
        from mtlinear.plotting._ticks import name_axis

        image = panel.imshow(
            A[np.ix_(self.feature_order, self.task_order)],
            cmap=SIGNED,
            vmin=-limit,
            vmax=limit,
            aspect="auto",
            interpolation="nearest",
        )
        panel.spines[:].set_visible(True)
        panel.set_xlabel("tasks")
        name_axis(panel.xaxis, [self.task_names[t] for t in self.task_order])
        if named:
            panel.set_ylabel("features")
            name_axis(panel.yaxis, [self.feature_names[j] for j in self.feature_order])
        else:
            panel.set_yticks([])
        if self.task_clusters is not None:
            changes = np.flatnonzero(np.diff(self.task_clusters[self.task_order]))
            for place in changes:
                panel.axvline(place + 0.5, color=GREY, linewidth=0.8)
        return image

    def _split(self, ax: Axes, colorbar: bool) -> tuple[list[Axes], Axes | None]:
        """The axes themselves for one matrix; for several, axes inside of them, and one for the colour bar."""
        count = len(self.matrices)
        if count == 1:
            return [ax], None
        ax.set_axis_off()
        total = _WIDTH if colorbar else 1.0
        width = (total + _SPACE) / count - _SPACE
        panels = [ax.inset_axes((k * (width + _SPACE), 0.0, width, _HEIGHT)) for k in range(count)]
        return panels, ax.inset_axes((total + 0.02, 0.0, 0.02, _HEIGHT)) if colorbar else None

    def _figsize(self) -> tuple[float, float]:
        n_features, n_tasks = len(self.feature_names), len(self.task_names)
        width = clip(0.18 * n_tasks, 2.0, 4.4 if len(self.matrices) > 1 else 8.0)
        return len(self.matrices) * width + 3.0, clip(0.18 * n_features, 1.8, 7.0) + 1.6


def _starts_a_row(panel: Axes) -> bool:
    """Panels that stand in a grid of subplots are named at its left end."""
    place = panel.get_subplotspec()
    return place is not None and place.is_first_col()


def _order(argument: str, order: ArrayLike | None, count: int) -> Indices:
    if order is None:
        return np.arange(count)
    indices = np.array(order)
    if indices.shape != (count,) or not np.array_equal(np.sort(indices), np.arange(count)):
        raise ValueError(f"{argument} must hold each of 0 to {count - 1} once, got {order!r}.")
    return indices.astype(np.intp)
