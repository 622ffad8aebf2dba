"""Names on an axis, as many as there is room for. Imported only when something is drawn: it needs matplotlib."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path
from matplotlib.ticker import FuncFormatter, Locator

from mtlinear.plotting._style import short

#: Height of a line of text, in units of the font size, with some space to the next.
_LINE = 1.4
#: Share of the present length that an axis keeps for sure when a layout makes room for names beside it.
_KEPT = 0.7


class NameLocator(Locator):
    """Ticks at 0, step, 2 step, ..., the smallest step at which labels of this size do not touch.

    It is asked whenever the axis is drawn, so the labels fit after a change of size or a zoom too.

    Parameters
    ----------
    count : int
        Number of names; name k stands at k.
    room : float
        What a label needs along the axis, in points.
    """

    def __init__(self, count: int, room: float):
        self.count = count
        self.room = room

    def __call__(self) -> list[float]:
        axis: Any = self.axis
        low, high = sorted(axis.get_view_interval())
        step = max(1, math.ceil(self.room * (high - low) / max(axis_length(axis), 1.0)))
        return [k for k in self.tick_values(low, high) if k % step == 0]

    def tick_values(self, vmin: float, vmax: float) -> list[float]:
        """All positions, whatever the room."""
        return [float(k) for k in range(max(math.ceil(vmin), 0), min(math.floor(vmax), self.count - 1) + 1)]


def axis_length(axis: Any) -> float:
    """Length of an axis on paper, in points."""
    box = axis.axes.get_window_extent()
    return (box.width if axis.axis_name == "x" else box.height) * 72.0 / axis.axes.figure.dpi


def name_axis(axis: Any, names: Sequence[object], size: str = "small") -> None:
    """Write names at 0, 1, ... of an axis; on a horizontal one upright if they do not fit side by side."""
    shown = [short(name) for name in names]
    font = FontProperties(size=size)
    points = font.get_size_in_points()
    rotation, room = 0, _LINE * points
    if axis.axis_name == "x":
        rotation, each = 90, _KEPT * axis_length(axis) / len(shown)
        if room <= each:  # otherwise there is no need to measure hundreds of names
            widest = max(text_to_path.get_text_width_height_descent(text, font, ismath=False)[0] for text in shown)
            if widest + points <= each:
                room, rotation = widest + points, 0
    axis.set_major_locator(NameLocator(len(shown), room))
    axis.set_major_formatter(FuncFormatter(lambda place, _: shown[round(place)] if 0 <= place < len(shown) else ""))
    axis.set_tick_params(labelsize=size, labelrotation=rotation, length=2)
