"""Errors that a user can cause, each with a message that says what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.text import plain


class OrchestratorError(Exception):
    """Base of all errors that are shown to users as one message, without a traceback."""

    exit_code = 1

    def _render_traceback_(self) -> list[str]:
        """Return what Jupyter shows: the message alone."""
        return [plain(f"orchestrator: {self}")]


class UsageError(OrchestratorError):
    """Wrong usage: nothing was started."""

    exit_code = 2


class RunFailed(OrchestratorError):
    """A run that had started could not go on; what is finished is in its checkpoint."""


class Stopped(OrchestratorError):
    """A signal stopped the run; it can be continued."""

    exit_code = 3


@dataclass(frozen=True)
class ConfigProblem:
    """One thing that is wrong with a configuration.

    Parameters
    ----------
    key : str
        Dotted key in the file, such as ``jobs.ntasks``; empty for the whole file.
    message : str
        What was expected, what was found and what to do.
    line : int or None
        Line of the key in the file, counted from 1.
    """

    key: str
    message: str
    line: int | None = None


class ConfigError(UsageError):
    """All problems of one configuration, at once.

    Parameters
    ----------
    source : pathlib.Path
        The configuration file.
    problems : sequence of ConfigProblem
        At least one.
    """

    def __init__(self, source: Path, problems: Sequence[ConfigProblem]):
        self.source = source
        self.problems = list(problems)
        super().__init__(source, self.problems)

    def __str__(self) -> str:
        lines = []
        for problem in self.problems:
            place = f"{self.source}:{problem.line}" if problem.line else f"{self.source}"
            lines.append(f"{place}: {problem.key + ': ' if problem.key else ''}{problem.message}")
        return "\n".join(lines)
