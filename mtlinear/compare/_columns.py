"""What the feature columns of a table are: numbers, truth values or categories; and what is wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from mtlinear._typing import Indices
from mtlinear.compare._errors import UsageError, listed, rows_listed

if TYPE_CHECKING:
    import pandas as pd

#: A text column with more levels than this, and than half the rows, is an identifier rather than a category.
_MANY_LEVELS = 20
#: A column of texts with this share of numbers is one of numbers, with mistakes.
_MOSTLY = 0.9


@dataclass
class Features:
    """The feature columns by how they are prepared, and what there is to say about them."""

    numeric: list[str] = field(default_factory=list)
    categorical: list[str] = field(default_factory=list)
    boolean: list[str] = field(default_factory=list)
    imputed: list[str] = field(default_factory=list)
    filled: list[str] = field(default_factory=list)
    constant: list[str] = field(default_factory=list)
    row_numbers: list[str] = field(default_factory=list)

    def notes(self) -> list[str]:
        """What is done with which column, for the user."""
        count = len(self.numeric)
        notes = []
        if count:
            which = f": {listed(self.numeric)}" if count <= 10 else ""
            notes.append(f"{count} numeric feature column(s), standardised{which}")
        kinds = (
            ("of them true/false, as 1 and 0", self.boolean),
            ("of them with missing values, filled with the median of the training rows", self.imputed),
            ("categories, one indicator per level", self.categorical),
            ("of them with missing values, a level of their own", self.filled),
            ("constant, no use to any model", self.constant),
        )
        notes += [f"{kind}: {listed(columns)}" for kind, columns in kinds if columns]
        notes += [
            f"column {name!r} looks like a row number; --drop {name!r} leaves it out" for name in self.row_numbers
        ]
        return notes


def sort_features(table: pd.DataFrame, names: Sequence[str]) -> Features:
    """Say which feature columns are numbers and which are categories.

    Raises
    ------
    UsageError
        For a column that is neither.
    """
    import pandas as pd

    found = Features()
    for name in names:
        column = table[name]
        present = column.dropna()
        gaps = len(present) < len(column)
        if present.empty:
            raise UsageError(f"column {name!r} has no value at all; leave it out with --drop.")
        if present.nunique() == 1 and not gaps:
            found.constant.append(name)
        if _is_row_number(name, column):
            found.row_numbers.append(name)
        truth_values = all(isinstance(value, (bool, np.bool_)) for value in present)
        if truth_values or is_numeric(column):
            check_finite(f"column {name!r}", present)
            found.numeric.append(name)
            if truth_values:
                found.boolean.append(name)
            if gaps:
                found.imputed.append(name)
            continue
        if pd.api.types.is_datetime64_any_dtype(column) or pd.api.types.is_timedelta64_dtype(column):
            raise UsageError(f"column {name!r} holds dates or times; turn it into numbers or leave it out with --drop.")
        _check_category(name, column)
        found.categorical.append(name)
        if gaps:
            found.filled.append(name)
    return found


def is_numeric(column: pd.Series) -> bool:
    """Numbers or truth values, not categories that are numbered."""
    import pandas as pd

    return pd.api.types.is_numeric_dtype(column) and not isinstance(column.dtype, pd.CategoricalDtype)


def check_finite(what: str, present: pd.Series) -> None:
    """Raise for infinite values."""
    values = present.to_numpy(dtype=float)
    infinite = int(np.sum(~np.isfinite(values)))
    if infinite:
        raise UsageError(f"{what} has {infinite} infinite value(s); only finite numbers can be used.")


def check_mostly_numbers(what: str, column: pd.Series, way_out: str) -> None:
    """Raise for a column of texts of which most, but not all, are numbers: the others are probably mistakes.

    Parameters
    ----------
    what : str
        Stands before the complaint: the column or option.
    column : Series
    way_out : str
        What can be done besides correcting the values.
    """
    wrong = not_numbers(column)
    count = int(column.notna().sum())
    if not 0 < len(wrong) <= (1.0 - _MOSTLY) * count:
        return
    is_no, it = ("is not a number", "it") if len(wrong) == 1 else ("are not numbers", "them")
    texts = listed(dict.fromkeys(column.iloc[wrong]), 3)
    raise UsageError(
        f"{what}: {len(wrong)} of {count} values {is_no} ({texts}, {rows_listed(wrong)}): "
        f"correct or empty {it}{way_out}."
    )


def not_numbers(column: pd.Series) -> Indices:
    """Positions of the values that are there but are no numbers."""
    import pandas as pd

    numbers = pd.to_numeric(column.astype(object).where(column.notna()).astype(str), errors="coerce")
    return np.flatnonzero(column.notna() & numbers.isna())


def _check_category(name: str, column: pd.Series) -> None:
    import pandas as pd

    if not isinstance(column.dtype, pd.CategoricalDtype):  # that says what it is
        check_mostly_numbers(f"column {name!r}", column, f", or leave the column out with --drop {name!r}")
    levels, rows = column.nunique(), len(column)
    if levels == rows or levels > max(_MANY_LEVELS, rows // 2):
        raise UsageError(
            f"column {name!r} has {levels} different texts in {rows} rows, like an identifier: as a category "
            "it would become that many features. Leave it out with --drop."
        )


def _is_row_number(name: str, column: pd.Series) -> bool:
    """The index that pandas or R writes: 0, 1, 2, ... or 1, 2, 3, ..., or a column without a name."""
    import pandas as pd

    if name == "Unnamed: 0":
        return True
    if not pd.api.types.is_integer_dtype(column) or column.isna().any():
        return False
    values = column.to_numpy()
    return bool(values[0] in (0, 1) and np.array_equal(values - values[0], np.arange(len(values))))
