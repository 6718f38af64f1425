"""What several commands print."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from orchestrator.best.choosing import Choice
    from orchestrator.best.spread import Report

# more than any table needs, in characters
_WIDE = 10_000


def width_of_tables() -> int | None:
    """Return how wide tables may be: None for the terminal's own width; in files and pipes as wide as they need."""
    return None if sys.stdout.isatty() else _WIDE


def print_best(console: Console, path: Path, top: int) -> None:
    """Print the best evaluations of a checkpoint beside the start values, or that there are none."""
    from orchestrator.best.choosing import choose  # noqa: PLC0415  (commands that need little start quickly)
    from orchestrator.checkpoint import Checkpoint  # noqa: PLC0415

    print_choice(console, choose(Checkpoint(path), top))


def print_choice(console: Console, choice: Choice) -> None:
    """Print the best evaluations."""
    from orchestrator.best.tables import best_parts  # noqa: PLC0415

    console.print()
    for part in best_parts(choice):
        console.print(part, highlight=False)


def print_report(console: Console, report: Report) -> None:
    """Print what a re-evaluation says."""
    from orchestrator.best.tables import report_parts  # noqa: PLC0415

    console.print()
    for part in report_parts(report):
        console.print(part, highlight=False)
