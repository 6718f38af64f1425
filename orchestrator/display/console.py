"""A console to which texts are texts.

Texts of users, models, checkpoints and clusters are neither markup nor control: whatever is printed is shown letter by
letter.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import IO

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from orchestrator.text import plain

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
    quiet : bool
        Whether it prints nothing.
    recorded_in : text stream or None
        If given, it prints there alone, and what it has printed can be exported.
    """

    def __init__(
        self,
        *,
        stderr: bool = False,
        width: int | None = None,
        soft_wrap: bool = False,
        quiet: bool = False,
        recorded_in: IO[str] | None = None,
    ):
        stream = sys.stderr if stderr else sys.stdout
        wide = None if stream is not None and stream.isatty() else _WIDE
        super().__init__(
            stderr=stderr,
            width=width or wide,
            soft_wrap=soft_wrap,
            quiet=quiet,
            file=recorded_in,
            record=recorded_in is not None,
            # what is recorded is not shown, in a notebook either
            force_jupyter=None if recorded_in is None else False,
            markup=False,
            emoji=False,
            highlight=False,
        )

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield what is printed; control characters that are not rich's own are taken out."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(plain(segment.text), segment.style)
