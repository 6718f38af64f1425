"""The one place that prints, and what several commands print.

Texts of users, models, checkpoints and clusters are neither markup nor control: whatever is printed here is shown
letter by letter.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rich.console import Console

from orchestrator.display.console import PlainConsole
from orchestrator.text import plain

if TYPE_CHECKING:
    from orchestrator.checkpoint import Checkpoint
    from orchestrator.reevaluation.noise import Luck
    from orchestrator.reevaluation.reports import Report

__all__ = ["PlainConsole", "print_best", "print_luck", "print_report", "say", "show_all_letters"]


def say(text: object, *, error: bool = False, end: str = "\n") -> None:
    """Print a text to standard output, or to standard error, letter by letter."""
    print(plain(str(text)), file=sys.stderr if error else sys.stdout, end=end, flush=True)


def show_all_letters() -> None:
    """Let standard output and error show letters that their encoding lacks by their numbers, rather than fail."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def print_best(console: Console, checkpoint: Checkpoint, top: int) -> None:
    """Print the best evaluations of a run beside the start values, or that there are none."""
    from orchestrator.reevaluation.noise import Luck  # noqa: PLC0415  (commands that need little start quickly)

    print_luck(console, Luck.of(checkpoint, top))


def print_luck(console: Console, luck: Luck) -> None:
    """Print the best evaluations, and which norms are below the noise."""
    from orchestrator.best.tables import best_parts  # noqa: PLC0415

    console.print()
    for part in best_parts(luck):
        console.print(part)


def print_report(console: Console, report: Report) -> None:
    """Print what a re-evaluation says."""
    from orchestrator.best.tables import report_parts  # noqa: PLC0415

    console.print()
    for part in report_parts(report):
        console.print(part)
