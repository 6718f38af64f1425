"""Text of the user's in which ``{name}`` and ``{name:.3f}`` stand for values; ``{{`` and ``}}`` are braces."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

Value = float | int | str
_PARTS = re.compile(r"\{\{|\}\}|\{(?P<name>[^{}:]*)(?::(?P<format>[^{}]*))?\}|[{}]")


def filled(text: str, values: Mapping[str, Value], quoted: Callable[[str], str] = str) -> str:
    """Return the text with the values in it, floats with all their digits unless a format says otherwise.

    Parameters
    ----------
    text : str
        For example ``--gain={soma.gain:.3f}``.
    values : mapping of str to float, int or str
        By name.
    quoted : callable
        What is done with each value.

    Raises
    ------
    ValueError
        If there is no such value, a format does not fit it, or a brace stands alone; the message says which.
    """

    def put(part: re.Match[str]) -> str:
        name = part["name"]
        if name is None:
            if len(part[0]) == 1:
                raise ValueError(f"{part[0]} stands alone in {text!r}: braces of the program's own are doubled")
            return part[0][0]
        if name not in values:
            raise ValueError(f"unknown {{{name}}}{_nearest(name, values)}")
        value = values[name]
        try:
            shown = format(value, part["format"]) if part["format"] else str(value)
        except ValueError as error:
            raise ValueError(f"{part[0]}: {value!r} cannot be written so: {error}") from error
        return quoted(shown)

    return _PARTS.sub(put, text)


def names_in(text: str) -> Iterator[str]:
    """Yield the names of the values that stand in a text."""
    return (part["name"] for part in _PARTS.finditer(text) if part["name"] is not None)


def _nearest(name: str, values: Mapping[str, Value]) -> str:
    from targets.plugins import nearest  # noqa: PLC0415  (a job needs it if something is wrong)

    return f"{nearest(name, values) or '.'} There are: {', '.join(values)}"
