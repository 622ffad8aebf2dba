"""What a model looks like along alpha."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.cluster.hierarchy import fcluster, linkage

from mtlinear._typing import Array, Indices
from mtlinear._validation import check_integer, check_real
from mtlinear.estimators import MultiTaskClassifierCV, MultiTaskRegressorCV, RegularizationPath, regularization_path
from mtlinear.penalties import Penalty
from mtlinear.plotting._style import BLUE, GREY, PALETTE, axes_for, names_for, one_of, short, vector
from mtlinear.plotting._unwrap import unwrap

_LABELS = {
    "row_norms": "row norm of the feature",
    "rank": "rank of A",
    "support": "selected features",
    "clusters": "different task vectors",
}
#: Task vectors closer than this share of the longest count as equal.
_EQUAL = 1e-3


class PathDisplay:
    """Norms of the features, rank, selected features or clusters of tasks along a regularization path.

    Parameters
    ----------
    alphas : array-like (n_alphas,)
    row_norms : array-like (n_alphas, n_features)
        ``||A[j, :]||`` of every feature.
    ranks, n_selected, n_clusters : array-like of int (n_alphas,)
        Rank of A, features that some task uses, and different task vectors.
    feature_names : sequence of length n_features, default None
        None numbers them.
    chosen : float, default None
        The alpha that is marked.

    Attributes
    ----------
    ax_ : matplotlib Axes
    lines_ : list of matplotlib Line2D
        One per feature, in the order of the features; or a single one.
    chosen_line_ : matplotlib Line2D or None
    figure_ : matplotlib Figure

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("Agg")
    >>> import numpy as np
    >>> from mtlinear.penalties import L1Lq
    >>> from mtlinear.plotting import PathDisplay
    >>> X = np.random.default_rng(0).standard_normal((50, 4))
    >>> Y = X[:, [0]] @ [[1.0, -2.0, 3.0]] + X[:, [1]]
    >>> display = PathDisplay.from_penalty(L1Lq(), X, Y, alphas=20, show="support")
    >>> display.n_selected[:5]
    array([0, 1, 1, 2, 2])
    """

    def __init__(
        self,
        *,
        alphas: ArrayLike,
        row_norms: ArrayLike,
        ranks: ArrayLike,
        n_selected: ArrayLike,
        n_clusters: ArrayLike,
        feature_names: Sequence[object] | None = None,
        chosen: float | None = None,
    ):
        self.alphas = vector("alphas", alphas)
        count = len(self.alphas)
        if count == 0 or not np.all(self.alphas > 0):
            raise ValueError(f"alphas must hold positive numbers, one at least, got {self.alphas.tolist()}.")
        self.row_norms: Array = np.array(row_norms, dtype=float)
        if self.row_norms.ndim != 2 or len(self.row_norms) != count:
            raise ValueError(f"row_norms must have a row for each of {count} alphas, got shape {self.row_norms.shape}.")
        self.ranks = _counts("ranks", ranks, count)
        self.n_selected = _counts("n_selected", n_selected, count)
        self.n_clusters = _counts("n_clusters", n_clusters, count)
        self.feature_names = names_for("feature_names", feature_names, self.row_norms.shape[1])
        self.chosen = None if chosen is None else check_real("chosen", chosen, above=0.0)

    @classmethod
    def from_path(
        cls,
        path: RegularizationPath,
        *,
        chosen: float | None = None,
        show: str = "row_norms",
        n_named: int = 6,
        ax: Any = None,
    ) -> Self:
        """Draw what `regularization_path` has returned.

        Two task vectors count as different if they are further apart than a thousandth of the longest of that alpha
        (and are not linked by others in between).

        Parameters
        ----------
        path : RegularizationPath
        chosen : float, default None
            The alpha that is marked.
        show, n_named, ax
            As in `plot`.

        Returns
        -------
        PathDisplay

        Raises
        ------
        TypeError
            If it is no RegularizationPath.
        ValueError
            If it has no alphas.
        """
        if not isinstance(path, RegularizationPath):
            raise TypeError(
                f"path must be what mtlinear.regularization_path returns, got an object of type {type(path).__name__}."
            )
        if len(path) == 0:
            raise ValueError("path must have one alpha at least, but it is empty.")
        matrices = path.parameters
        return cls(
            alphas=path.alphas,
            row_norms=[A.row_norms() for A in matrices],
            ranks=[A.rank() for A in matrices],
            n_selected=[A.support().any(axis=1).sum() for A in matrices],
            n_clusters=[_different_columns(A.values) for A in matrices],
            feature_names=matrices[0].feature_names,
            chosen=chosen,
        ).plot(ax, show=show, n_named=n_named)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        tasks: ArrayLike | None = None,
        alphas: int | ArrayLike | None = None,
        eps: float = 1e-3,
        show: str = "row_norms",
        n_named: int = 6,
        ax: Any = None,
    ) -> Self:
        """Compute the path of a fitted estimator on the rows of its fit, which it does not keep, and draw it.

        Of `MultiTaskRegressorCV` and `MultiTaskClassifierCV` it is the path of the chosen candidate; the chosen alpha
        is marked.

        Parameters
        ----------
        estimator : fitted estimator of mtlinear
            Also at the end of a Pipeline, in a search (its best), or in a TransformedTargetRegressor.
        X, y, sample_weight, tasks
            As in ``fit`` of the estimator.
        alphas : int or array-like of float > 0, default None
            As in `mtlinear.regularization_path`. None: those of the CV class, else 100.
        eps : float in (0, 1], default 1e-3
            As in `mtlinear.regularization_path`.
        show, n_named, ax
            As in `plot`.

        Returns
        -------
        PathDisplay

        Raises
        ------
        TypeError, ValueError
            If there is no estimator of mtlinear in it, and as `mtlinear.regularization_path`.
        NotFittedError
            If it is not fitted.
        """
        found = unwrap(estimator)
        model, chosen = found.model, getattr(found.model, "alpha_", None)
        if isinstance(model, (MultiTaskRegressorCV, MultiTaskClassifierCV)):
            grids = np.atleast_2d(model.alphas_)
            alphas = grids[model.best_index_ // grids.shape[1]] if alphas is None else alphas
            model = model._model().set_params(penalty=model.penalty_, l2_alpha=model.l2_alpha_)
        X, y = found.reach(X, y)
        path = regularization_path(
            model, X, y, sample_weight, tasks=tasks, alphas=100 if alphas is None else alphas, eps=eps
        )
        path = replace(path, parameters=tuple(map(found.named, path.parameters)))
        return cls.from_path(path, chosen=chosen, show=show, n_named=n_named, ax=ax)

    @classmethod
    def from_penalty(
        cls,
        penalty: Penalty,
        X: Any,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        tasks: ArrayLike | None = None,
        alphas: int | ArrayLike = 100,
        eps: float = 1e-3,
        show: str = "row_norms",
        n_named: int = 6,
        ax: Any = None,
    ) -> Self:
        """Compute the path of a penalty (with squared loss) and draw it; for other models see `from_path`.

        Parameters
        ----------
        penalty : Penalty
        X, y, sample_weight, tasks, alphas, eps
            As in `mtlinear.regularization_path`.
        show, n_named, ax
            As in `plot`.

        Returns
        -------
        PathDisplay

        Raises
        ------
        TypeError, ValueError
            If it is no penalty, and as `mtlinear.regularization_path`.
        """
        if not isinstance(penalty, Penalty):
            raise TypeError(
                f"penalty must be one of mtlinear.penalties, got an object of type {type(penalty).__name__}; for an "
                "estimator use from_estimator(estimator, X, y)."
            )
        path = regularization_path(penalty, X, y, sample_weight, tasks=tasks, alphas=alphas, eps=eps)
        return cls.from_path(path, show=show, n_named=n_named, ax=ax)

    def plot(self, ax: Any = None, *, show: str = "row_norms", n_named: int = 6) -> Self:
        """Draw; a dashed line marks the chosen alpha.

        Parameters
        ----------
        ax : matplotlib Axes, default None
            None: a new figure.
        show : {"row_norms", "rank", "support", "clusters"}, default "row_norms"
            A line per feature, or one of the rank, of the number of selected features or of different task vectors.
        n_named : int >= 0, default 6
            For "row_norms": how many features, those with the largest norms on the path, are named; at most seven.

        Returns
        -------
        self
        """
        one_of("show", show, list(_LABELS))
        n_named = min(check_integer("n_named", n_named, at_least=0), len(PALETTE), self.row_norms.shape[1])
        self.ax_ = axes_for(ax, (6.4, 4.0), type(self).__name__)
        self.figure_ = self.ax_.figure
        if show == "row_norms":
            self._plot_row_norms(n_named)
        else:
            from matplotlib.ticker import MaxNLocator

            values = {"rank": self.ranks, "support": self.n_selected, "clusters": self.n_clusters}[show]
            marker = "o" if len(values) <= 30 else None
            self.lines_ = self.ax_.plot(
                self.alphas, values, color=BLUE, drawstyle="steps-mid", marker=marker, markersize=4
            )
            self.ax_.yaxis.set_major_locator(MaxNLocator(integer=True))
            self.ax_.set_ylim(bottom=-0.03 * max(values.max(), 1))
        self.chosen_line_ = None
        if self.chosen is not None:
            self.chosen_line_ = self.ax_.axvline(self.chosen, color=GREY, linewidth=1, linestyle="--", zorder=1)
        self.ax_.set_xscale("log")
        self.ax_.set(xlabel="alpha" if self.chosen is None else "alpha (dashed: chosen)", ylabel=_LABELS[show])
        return self

    def _plot_row_norms(self, n_named: int) -> None:
        strongest = np.argsort(-self.row_norms.max(axis=0), kind="stable")[:n_named]
        rank = {int(j): k for k, j in enumerate(strongest)}
        self.lines_ = []
        for j, values in enumerate(self.row_norms.T):
            named = j in rank
            style: dict[str, Any] = {"color": GREY, "linewidth": 0.7, "alpha": 0.6}
            if named:
                style = {
                    "color": PALETTE[rank[j]],
                    "linewidth": 1.8,
                    "zorder": 3,
                    "label": short(self.feature_names[j]),
                }
            self.lines_ += self.ax_.plot(self.alphas, values, **style)
        if n_named:
            handles = [self.lines_[j] for j in strongest]
            others = len(self.feature_names) - n_named
            title = f"strongest of {len(self.feature_names)}" if others else None
            self.ax_.legend(handles=handles, title=title, fontsize="small", title_fontsize="small")
        self.ax_.set_ylim(bottom=0.0)


def _different_columns(A: Array) -> int:
    """Groups of columns that chains of distances below `_EQUAL` hold together."""
    longest = np.max(np.linalg.norm(A, axis=0), initial=0.0)
    if A.shape[1] == 1 or longest == 0.0:
        return 1
    return int(fcluster(linkage(A.T, "single"), _EQUAL * longest, criterion="distance").max())


def _counts(argument: str, values: ArrayLike, count: int) -> Indices:
    return vector(argument, values, count).astype(np.intp)
