"""Which tasks have similar parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from mtlinear._typing import Array
from mtlinear._validation import check_boolean
from mtlinear.parameters import ParameterMatrix
from mtlinear.plotting._base import ParametersDisplay
from mtlinear.plotting._order import brackets, leaves, tree_of_similarity
from mtlinear.plotting._style import GREY, PALE, SIGNED, axes_for, clip, names_for, parameter_matrix

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Places of the heat map, the dendrogram and the colour bar within the axes: left, bottom, width, height.
_MAP, _TREE, _BAR = (0.0, 0.0, 0.73, 1.0), (0.775, 0.0, 0.135, 1.0), (0.94, 0.0, 0.025, 1.0)
#: The least height that the axis of the dendrogram shows: what is smaller looks as small as it is.
_LEAST_HEIGHT = 0.05
#: Tasks whose correlations are all larger are called practically identical.
_IDENTICAL = 0.999
_MEASURES = {False: "correlation", True: "correlation of deviations"}


class TaskSimilarityDisplay(ParametersDisplay):
    """Correlations of the tasks' parameters, in the order of a hierarchical clustering, with its dendrogram.

    The dendrogram has an axis, 1 - correlation, which shows 0.05 at least. If all correlations are above 0.999 the
    title says that the tasks are practically identical; ``center=True`` then shows in which directions they differ.

    Parameters
    ----------
    similarity : array-like (n_tasks, n_tasks)
        Correlations, symmetric; NaN (grey) where a task has constant parameters.
    task_names : sequence of length n_tasks, default None
        None numbers them.
    measure : str, default "correlation"
        What the similarity is, for the axes.

    Attributes
    ----------
    linkage : ndarray (n_tasks - 1, 4) or None
        Average linkage of the distances 1 - correlation, as `scipy.cluster.hierarchy.linkage` has it; None for one
        task. Tasks with NaN count as alike, and as far from all others as can be (distance 2).
    task_order : ndarray of int (n_tasks,)
        Tasks from the top, and from the left.
    ax_ : matplotlib Axes
        What was drawn on; the heat map and the dendrogram are axes inside of it.
    heat_map_ax_, dendrogram_ax_ : matplotlib Axes
    image_ : matplotlib AxesImage
    colorbar_ : matplotlib Colorbar
    figure_ : matplotlib Figure

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> from mtlinear import ParameterMatrix
    >>> from mtlinear.plotting import TaskSimilarityDisplay
    >>> A = ParameterMatrix({"A": [[1.0, -1.0, 1.1], [2.0, -2.0, 2.0], [0.0, 0.1, 0.0]]}, task_names=["u", "v", "w"])
    >>> display = TaskSimilarityDisplay.from_parameters(A)
    >>> sorted(display.task_names[t] for t in display.task_order[1:])  # v stands alone
    ['u', 'w']
    """

    def __init__(
        self,
        *,
        similarity: ArrayLike,
        task_names: Sequence[object] | None = None,
        measure: str = _MEASURES[False],
    ):
        self.similarity: Array = np.array(similarity, dtype=float)
        n_tasks = len(self.similarity) if self.similarity.ndim else 0
        if n_tasks == 0 or self.similarity.shape != (n_tasks, n_tasks):
            raise ValueError(f"similarity must be a square matrix, got shape {self.similarity.shape}.")
        if not np.allclose(self.similarity, self.similarity.T, equal_nan=True):
            raise ValueError("similarity must be symmetric.")
        self.task_names = names_for("task_names", task_names, n_tasks)
        self.measure = measure
        self.linkage = tree_of_similarity(self.similarity)
        self.task_order = leaves(self.linkage, n_tasks)

    @classmethod
    def from_parameters(cls, parameters: ParameterMatrix, *, center: bool = False, ax: Any = None) -> Self:
        """Draw the similarity of the tasks of a ParameterMatrix.

        Parameters
        ----------
        parameters : ParameterMatrix
        center : bool, default False
            True compares the deviations of the tasks from their mean, a_t - mean: for tasks that are nearly the same.
            Deviations add up to zero, so those of T unrelated tasks have correlations about -1 / (T - 1).
        ax : matplotlib Axes, default None
            None: a new figure.

        Returns
        -------
        TaskSimilarityDisplay
        """
        parameters = parameter_matrix(parameters)
        compared = _deviations(parameters) if check_boolean("center", center) else parameters
        return cls(
            similarity=compared.task_similarity(), task_names=parameters.task_names, measure=_MEASURES[bool(center)]
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
        count = len(self.task_names)
        side = clip(0.2 * count, 2.6, 7.0)
        self.ax_ = axes_for(ax, (side / _MAP[2] + 1.2, side + 0.6), type(self).__name__)
        self.figure_ = self.ax_.figure
        import matplotlib

        from mtlinear.plotting._ticks import name_axis

        self.ax_.set_axis_off()
        heat_map, dendrogram = self.ax_.inset_axes(_MAP), self.ax_.inset_axes(_TREE)
        self.image_ = heat_map.imshow(
            self.similarity[np.ix_(self.task_order, self.task_order)],
            cmap=matplotlib.colormaps[SIGNED].with_extremes(bad=PALE),
            vmin=-1.0,
            vmax=1.0,
            aspect="auto",
            interpolation="nearest",
        )
        heat_map.spines[:].set_visible(True)
        names = [self.task_names[t] for t in self.task_order]
        name_axis(heat_map.yaxis, names)
        name_axis(heat_map.xaxis, names)
        heat_map.set_ylabel("tasks")
        self._draw_tree(dendrogram)
        self.heat_map_ax_, self.dendrogram_ax_ = heat_map, dendrogram
        self.colorbar_ = self.figure_.colorbar(self.image_, cax=self.ax_.inset_axes(_BAR), label=self.measure)
        self.ax_.set_title(self.summary(), fontsize="medium")
        return self

    def _draw_tree(self, dendrogram: Axes) -> None:
        from matplotlib.collections import LineCollection

        count, height = len(self.task_names), 0.0
        if self.linkage is not None:
            lines = LineCollection(brackets(self.linkage), colors=GREY, linewidths=1.0 if count <= 60 else 0.5)
            dendrogram.add_collection(lines)
            height = float(self.linkage[-1, 2])
        limit = max(1.02 * height, _LEAST_HEIGHT)
        unit = 10.0 ** np.floor(np.log10(limit))
        dendrogram.spines[["left", "top", "right"]].set_visible(False)
        dendrogram.set(xlim=(0.0, limit), ylim=(count - 0.5, -0.5), yticks=[])
        last = round(float(np.floor(limit / unit + 1e-9) * unit), 12)  # the largest of one digit: there is little room
        dendrogram.set_xticks([0.0, last], ["0", f"{last:g}"], fontsize="small")
        dendrogram.set_xlabel(f"1 -\n{self.measure.replace(' of ', chr(10) + 'of ')}", fontsize="small")

    def summary(self) -> str:
        """That the tasks are practically identical, or that nothing can be compared; else nothing."""
        others = self.similarity[~np.eye(len(self.similarity), dtype=bool)]
        least = float(np.min(others, initial=1.0))
        if others.size and np.all(np.isnan(others)):
            return f"no {self.measure}: nothing varies"
        if others.size == 0 or not least > _IDENTICAL:  # NaN is not known to be alike
            return ""
        return f"practically identical: no {self.measure} below {np.floor(1e6 * least) / 1e6:.6g}"


def _deviations(parameters: ParameterMatrix) -> ParameterMatrix:
    """Task vectors minus their mean, without what is rounding only."""
    deviations = parameters.deviations
    unit = np.max(parameters.column_norms(), initial=0.0)
    rounding = 100.0 * float(np.finfo(deviations.dtype).eps) * unit
    nothing = np.linalg.norm(deviations, axis=0) <= rounding
    return ParameterMatrix({"A": np.where(nothing, 0.0, deviations)}, None, parameters.task_names)
