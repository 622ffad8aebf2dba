"""What all displays share: colours, where to draw, and checks of what was given."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mtlinear._typing import Array
from mtlinear.parameters import ParameterMatrix

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Okabe & Ito (2008): told apart by colour-blind readers too. Without their yellow, which is pale on white.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
BLUE, VERMILLION = PALETTE[:2]
GREY, PALE = "#8a8f98", "#e6e8eb"
#: Diverging, for matrices with a sign: white is zero.
SIGNED = "RdBu_r"
LONGEST_NAME = 24


def axes_for(ax: Any, figsize: tuple[float, float], caller: str) -> Axes:
    """The axes to draw on: those given, or new ones of a new figure of pyplot.

    Parameters
    ----------
    ax : matplotlib Axes or None
    figsize : tuple of float
        Of the new figure, inches.
    caller : str
        Who needs matplotlib, for the error if it is not there.
    """
    try:
        from matplotlib.axes import Axes
    except ImportError as error:
        raise ImportError(f"{caller} needs matplotlib: pip install matplotlib, or mtlinear[cli].") from error
    if ax is None:
        import matplotlib.pyplot as plt

        return plt.subplots(figsize=figsize, layout="constrained")[1]
    if not isinstance(ax, Axes):
        raise TypeError(f"ax must be a matplotlib Axes or None, got {ax!r} of type {type(ax).__name__}.")
    return ax


def colour_limit(matrices: Iterable[Array]) -> float:
    """The absolute value with the full colour: the 99th percentile of all that are not zero, and 1 if all are.

    A few large ones must not bleach the rest; of fewer than a hundred it is the largest.
    """
    sizes = np.concatenate([np.abs(A[np.isfinite(A) & (A != 0)]) for A in matrices])
    return float(np.percentile(sizes, 99, method="higher")) if sizes.size else 1.0


def short(name: object, most: int = LONGEST_NAME) -> str:
    """A name as it is drawn: cut if it is long, and without mathematics (a dollar is a dollar)."""
    text = str(name)
    return (text if len(text) <= most else text[: most - 1] + "…").replace("$", r"\$")


def clip(value: float, low: float, high: float) -> float:
    """The value, or the nearer end of the range."""
    return float(min(max(value, low), high))


def parameter_matrix(parameters: Any) -> ParameterMatrix:
    """The parameters, if they are a ParameterMatrix."""
    if not isinstance(parameters, ParameterMatrix):
        raise TypeError(
            "parameters must be a ParameterMatrix (parameters_ of a fitted estimator), got an object of type "
            f"{type(parameters).__name__}."
        )
    return parameters


def matrices_of(parameters: ParameterMatrix) -> dict[str, Array]:
    """The matrix, and if it is a sum its parts, by what they are called in a picture: "A = B + S", "B", "S"."""
    parts = parameters.parts
    if len(parts) == 1:
        return dict(parts)
    return {f"A = {' + '.join(parts)}": parameters.values, **parts}


def names_for(argument: str, names: Sequence[object] | None, count: int) -> list[object]:
    """The names as a list, or 0, 1, ... for None."""
    if names is None:
        return list(range(count))
    if len(names) != count:
        raise ValueError(f"{argument} must have {count} entries, got {len(names)}.")
    return list(names)


def one_of(argument: str, value: object, allowed: Sequence[str]) -> None:
    """Check that the value is one of a few words."""
    if value not in allowed:
        raise ValueError(f"{argument} must be one of {list(allowed)}, got {value!r}.")


def vector(argument: str, values: Any, length: int | None = None) -> Array:
    """The values as a 1-D float array, of this length if one is given."""
    array = np.array(values, dtype=float)
    if array.ndim != 1 or (length is not None and len(array) != length):
        wanted = "" if length is None else f" of length {length}"
        raise ValueError(f"{argument} must be 1-D{wanted}, got shape {array.shape}.")
    return array
