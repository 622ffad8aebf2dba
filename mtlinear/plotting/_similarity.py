"""Which tasks have similar parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from mtlinear._typing import Array
from mtlinear.parameters import ParameterMatrix
from mtlinear.plotting._base import ParametersDisplay
from mtlinear.plotting._order import brackets, leaves, tree_of_similarity
from mtlinear.plotting._style import GREY, PALE, SIGNED, axes_for, clip, names_for, parameter_matrix

#: Places of the heat map, the dendrogram and the colour bar within the axes: left, bottom, width, height.
_MAP, _TREE, _BAR = (0.0, 0.0, 0.76, 1.0), (0.77, 0.0, 0.14, 1.0), (0.94, 0.0, 0.025, 1.0)


class TaskSimilarityDisplay(ParametersDisplay):
    """Correlations of the tasks' parameters, in the order of a hierarchical clustering, with its dendrogram.

    Parameters
    ----------
    similarity : array-like (n_tasks, n_tasks)
        Correlations, symmetric; NaN (grey) where a task has constant parameters.
    task_names : sequence of length n_tasks, default None
        None numbers them.

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

    def __init__(self, *, similarity: ArrayLike, task_names: Sequence[object] | None = None):
        self.similarity: Array = np.array(similarity, dtype=float)
        n_tasks = len(self.similarity) if self.similarity.ndim else 0
        if n_tasks == 0 or self.similarity.shape != (n_tasks, n_tasks):
            raise ValueError(f"similarity must be a square matrix, got shape {self.similarity.shape}.")
        if not np.allclose(self.similarity, self.similarity.T, equal_nan=True):
            raise ValueError("similarity must be symmetric.")
        self.task_names = names_for("task_names", task_names, n_tasks)
        self.linkage = tree_of_similarity(self.similarity)
        self.task_order = leaves(self.linkage, n_tasks)

    @classmethod
    def from_parameters(cls, parameters: ParameterMatrix, *, ax: Any = None) -> Self:
        """Draw the similarity of the tasks of a ParameterMatrix.

        Parameters
        ----------
        parameters : ParameterMatrix
        ax : matplotlib Axes, default None
            None: a new figure.

        Returns
        -------
        TaskSimilarityDisplay
        """
        parameters = parameter_matrix(parameters)
        return cls(similarity=parameters.task_similarity(), task_names=parameters.task_names).plot(ax)

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
        from matplotlib.collections import LineCollection

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
        dendrogram.set_axis_off()
        dendrogram.set_ylim(count - 0.5, -0.5)
        if self.linkage is not None:
            dendrogram.add_collection(
                LineCollection(brackets(self.linkage), colors=GREY, linewidths=1.0 if count <= 60 else 0.5)
            )
            dendrogram.set_xlim(0.0, max(1.02 * float(self.linkage[-1, 2]), 1e-12))
        self.heat_map_ax_, self.dendrogram_ax_ = heat_map, dendrogram
        self.colorbar_ = self.figure_.colorbar(self.image_, cax=self.ax_.inset_axes(_BAR), label="correlation")
        return self
