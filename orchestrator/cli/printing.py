"""The one place that prints, and what several commands print.

Texts of users, models, checkpoints and clusters are neither markup nor control: whatever is printed here is shown
letter by letter.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from orchestrator.text import plain

if TYPE_CHECKING:
    from orchestrator.checkpoint import Checkpoint
    from orchestrator.reevaluation.noise import Luck
    from orchestrator.reevaluation.reports import Report

# columns where nobody says how many there are, as in a file or a pipe: more than any table needs
_WIDE = 10_000


class PlainConsole(Console):
    """A console to which texts are texts: no markup, no names of emoji, no control characters.

    Parameters
    ----------
    stderr : bool
        Whether it prints to standard error.
    width : int or None
        In columns; None for the terminal's, and `_WIDE` where there is none.
    soft_wrap : bool
        Whether long lines are left to the terminal.
    """

    def __init__(self, *, stderr: bool = False, width: int | None = None, soft_wrap: bool = False):
        wide = None if sys.stdout is not None and sys.stdout.isatty() else _WIDE
        super().__init__(
            stderr=stderr,
            width=width or wide,
            soft_wrap=soft_wrap,
            markup=False,
            emoji=False,
            highlight=False,
        )

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield what is printed; control characters that are not rich's own are taken out."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(plain(segment.text), segment.style)


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
