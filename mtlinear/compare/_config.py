"""Options of ``mtlinear compare`` from a TOML file: the same names and checks as on the command line."""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mtlinear.compare._errors import UsageError, did_you_mean, listed


def read_config(path: str) -> dict[str, Any]:
    """The table ``[compare]`` of a TOML file, or its top level where there is no such table.

    Raises
    ------
    UsageError
        If the file is missing, is no TOML, or has other tables.
    """
    file = Path(path)
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"--config {file}: cannot be read ({error.strerror}).") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"--config {file}: not a TOML file ({error}).") from error
    options = content.get("compare", content)
    if not isinstance(options, dict):
        raise UsageError(f"--config {file}: compare must be a table, [compare], got {options!r}.")
    if options is not content and len(content) > 1:
        others = listed(sorted(set(content) - {"compare"}))
        raise UsageError(f"--config {file}: only the table [compare] is used; take {others} into it, or out.")
    return {name.replace("-", "_"): value for name, value in options.items()}


def set_from_config(compare: argparse.ArgumentParser, path: str, parse: Callable[[list[str]], Any]) -> None:
    """Make the options of a file the defaults of the parser; what stands on the command line wins.

    Parameters
    ----------
    compare : ArgumentParser
        Of the command.
    path : str
    parse : function of words
        Parses ``compare WORDS``: every value goes through the checks of the command line.
    """
    actions = {action.dest: action for action in compare._actions if action.dest not in {"help", "config"}}
    for name, value in read_config(path).items():
        if name not in actions:
            known = listed(sorted(known.replace("_", "-") for known in actions), 30)
            hint = did_you_mean([name], actions)
            raise UsageError(f"--config {path}: {name!r} is no option; the options are {known}.{hint}")
        action = actions[name]
        words = _words(action, value)
        if words is None:
            kind = "true or false" if action.nargs == 0 else "a text or number" + ", or a list" * (action.nargs == "+")
            raise UsageError(f"--config {path}: {name} must be {kind}, got {value!r}.")
        try:
            compare.set_defaults(**{name: getattr(parse(words), name)})
        except Exception as error:
            raise UsageError(f"--config {path}: {error}") from error


def _words(action: argparse.Action, value: object) -> list[str] | None:
    """The value as words of a command line; None if it has the wrong type."""
    if action.nargs == 0:
        return None if not isinstance(value, bool) else list(action.option_strings[:1]) if value else []
    values = value if isinstance(value, list) and action.nargs == "+" else [value]
    if not values or any(isinstance(v, bool) or not isinstance(v, str | int | float) for v in values):
        return None
    return [*action.option_strings[:1], *(str(v) for v in values)]
