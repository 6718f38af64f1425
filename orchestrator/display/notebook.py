"""A run as it is shown below the cell of a notebook that carries it out."""

from __future__ import annotations

import importlib
import io
from typing import Any

from orchestrator.display.console import PlainConsole
from orchestrator.display.terminal import render
from orchestrator.status import RunStatus

_COLUMNS = 100
# what a page puts around the text, in the colours of the notebook's theme
_PAGE = '<pre style="white-space: pre; overflow-x: auto; line-height: 1.3">{code}</pre>'


class NotebookDisplay:
    """Shows how a run stands below the cell that is executed, each time in the place of the last."""

    def __init__(self) -> None:
        self._jupyter: Any = importlib.import_module("IPython.display")  # it is there, in a notebook
        self._handle = self._jupyter.display(self._jupyter.HTML(""), display_id=True)

    def show(self, status: RunStatus) -> None:
        """Show a new status."""
        self._handle.update(self._jupyter.HTML(html_of(status)))


def html_of(status: RunStatus) -> str:
    """Return a status as a notebook shows it: what a terminal shows, as HTML."""
    console = PlainConsole(width=_COLUMNS, recorded_in=io.StringIO())
    console.print(render(status, looking_on=False))
    return console.export_html(inline_styles=True, code_format=_PAGE)
