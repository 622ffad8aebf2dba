"""Tables on disk: .csv, .tsv and .parquet."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtlinear.compare._errors import UsageError, needs

if TYPE_CHECKING:
    import pandas as pd

_SUFFIXES = (".csv", ".tsv", ".parquet")
#: What separates columns where the first line has no comma, and what to call it.
_SEPARATORS = {";": "';'", "\t": "tabs", "|": "'|'"}
#: Characters of a file that are looked at.
_SAMPLE = 20_000
#: Key of ``table.attrs``: how the file was read, where that is not plain.
READ_AS = "mtlinear_read_as"


def read_table(path: str | os.PathLike[str], option: str = "") -> pd.DataFrame:
    """Read a .csv, .tsv or .parquet file; column names become strings.

    A .csv file whose first line has no comma may be separated by ``;``, tabs or ``|``; what was taken is in
    ``attrs[READ_AS]``.

    Parameters
    ----------
    path : path-like
    option : str
        Stands before the name of the file in complaints.

    Raises
    ------
    UsageError
    """
    import pandas as pd

    file = Path(path)
    suffix = file.suffix.lower()
    if file.is_dir():
        raise UsageError(f"{option}{file}: this is a folder; name a {_any_of()} file in it.")
    if not file.is_file():
        raise UsageError(f"{option}{file}: there is no such file.")
    if suffix not in _SUFFIXES:
        raise UsageError(f"{option}{file}: the data must be a {_any_of()} file.")
    try:
        layout, read_as = ({}, "") if suffix == ".parquet" else _layout(file)
        table = pd.read_parquet(file) if suffix == ".parquet" else pd.read_csv(file, **layout)
    except ImportError:
        raise UsageError(f"{option}{file}: reading Parquet {needs('pyarrow')}") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{option}{file}: not in UTF-8 ({error.reason}); save it as UTF-8.") from error
    except Exception as error:  # pandas and pyarrow raise many kinds for a broken file
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise UsageError(f"{option}{file}: not a readable {file.suffix} file ({reason[0]}).") from error
    table.columns = [str(column) for column in table.columns]
    if len(table) == 0:
        raise UsageError(f"{option}{file}: the table has no rows.")
    table = table.reset_index(drop=True)
    if read_as:
        table.attrs[READ_AS] = read_as
    return table


def _layout(file: Path) -> tuple[dict[str, Any], str]:
    """Arguments of ``read_csv``, and how the file is read, for the user; empty for commas."""
    with file.open(encoding="utf-8-sig") as lines:
        head, rest = lines.readline(), lines.read(_SAMPLE)
    names = re.sub(r'"[^"]*"', "", head)  # what is in quotes separates nothing
    if file.suffix.lower() == ".tsv":
        separator = "\t"
    elif "," in names or not any(mark in names for mark in _SEPARATORS):
        return {}, ""
    else:
        separator = max(_SEPARATORS, key=names.count)
    read_as = f"columns separated by {_SEPARATORS[separator]}"
    if re.search(r"\d,\d", rest) and not re.search(r"\d\.\d", rest):
        return {"sep": separator, "decimal": ","}, f"{read_as}, with decimal commas"
    return {"sep": separator}, read_as


def _any_of() -> str:
    return f"{', '.join(_SUFFIXES[:-1])} or {_SUFFIXES[-1]}"
