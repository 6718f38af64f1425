"""What is wrong with measured recordings, with the key of the configuration at which it can be put right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from orchestrator.errors import UsageError

if TYPE_CHECKING:
    from orchestrator.data.section import DataSource


class Unreadable(ValueError):
    """One recording cannot be had.

    Parameters
    ----------
    key : str
        The key of its section at fault; empty for the section.
    message : str
        What was expected, what there is, and what to do.
    """

    def __init__(self, key: str, message: str):
        super().__init__(key, message)
        self.key = key

    def __str__(self) -> str:
        return str(self.args[1])


def require_only(source: DataSource, others: Iterable[str], why: str) -> None:
    """Refuse keys that say nothing of what is read, rather than to leave them out silently.

    Parameters
    ----------
    source : DataSource
        The section.
    others : iterable of str
        Keys that are for other files.
    why : str
        What there is instead.

    Raises
    ------
    Unreadable
        If one is given.
    """
    for key in others:
        if getattr(source, key) is not None:
            raise Unreadable(key, f"says nothing here: {why}. Take it away")


class DataError(UsageError):
    """All that is wrong with the section ``data``.

    Parameters
    ----------
    problems : sequence of (tuple, str)
        Location in the configuration, such as ``("data", "dipole", "columns")``, and message; at least one.
    """

    def __init__(self, problems: Sequence[tuple[tuple[str, ...], str]]):
        self.problems = list(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        return "\n".join(f"{'.'.join(at)}: {message}" for at, message in self.problems)
