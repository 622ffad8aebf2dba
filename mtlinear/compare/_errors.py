"""What the user can put right."""

from __future__ import annotations

from collections.abc import Iterable


class UsageError(ValueError):
    """Bad usage or bad data: one line that names the option or column and says what would be right."""


def listed(names: Iterable[object], most: int = 10) -> str:
    """At most ``most`` names in quotes, and how many there are when they are more."""
    quoted = [repr(str(name)) for name in names]
    shown = ", ".join(quoted[:most])
    return shown if len(quoted) <= most else f"{shown}, ... ({len(quoted)} in all)"
