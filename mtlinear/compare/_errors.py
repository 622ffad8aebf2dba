"""What the user can put right."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class UsageError(ValueError):
    """Bad usage or bad data: one line that names the option or column and says what would be right."""


def listed(names: Iterable[object], most: int = 10) -> str:
    """At most ``most`` names in quotes, and how many there are when they are more."""
    quoted = [repr(str(name)) for name in names]
    shown = ", ".join(quoted[:most])
    return shown if len(quoted) <= most else f"{shown}, ... ({len(quoted)} in all)"


def rows_listed(positions: Iterable[int], most: int = 5) -> str:
    """Rows by their number below the header, the first is 1; at most ``most``."""
    numbers = [str(int(position) + 1) for position in positions]
    shown = ", ".join(numbers[:most]) + (", ..." if len(numbers) > most else "")
    return f"row{'s' if len(numbers) > 1 else ''} {shown} below the header"


def did_you_mean(names: Iterable[str], known: Iterable[object]) -> str:
    """ " Did you mean 'b'?" for names that are nearly known ones, upper case or not; empty if there are none."""
    by_lower = {str(name).casefold(): str(name) for name in known}
    near = [match for name in names for match in get_close_matches(name.casefold(), by_lower, n=1)]
    return f" Did you mean {', '.join(repr(by_lower[match]) for match in dict.fromkeys(near))}?" if near else ""


def needs(package: str, extra: str = "cli") -> str:
    """How to install a package that an extra brings."""
    return f'needs {package}: pip install "mtlinear[{extra}]", or in a clone of the repository pip install ".[{extra}]"'
