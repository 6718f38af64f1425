"""Figures, tables and text as a notebook shows them."""

from __future__ import annotations

import html
import importlib
import math
import re
from collections.abc import Sequence
from typing import Any

import pandas as pd

from orchestrator.errors import UsageError
from orchestrator.report.scene import Figure

_MOST_ROWS = 60
# of a figure: pixels on the page, and twice as many in the file for sharp screens
_WIDTH = 860
_INCHES, _DPI = 9.0, 150
# what captions say of the page report.html, whose figures react
_CLICKS = re.compile(r"\s*A click [^.]*\.")
_STYLE = [
    {"selector": "th", "props": "text-align: left; vertical-align: bottom; padding-right: 1em"},
    {
        "selector": "td",
        "props": "text-align: left; vertical-align: top; white-space: pre-wrap; padding-right: 1em",
    },
]


def show(*things: Figure | pd.DataFrame | str | Sequence[str]) -> None:
    """Show figures with their captions, tables without the numbers of their rows, and text, one paragraph per string.

    Of a table, 60 rows at most are shown; one without rows says so.

    Raises
    ------
    orchestrator.errors.UsageError
        Outside of Jupyter: IPython is not installed.
    """
    try:
        jupyter: Any = importlib.import_module("IPython.display")  # needed in notebooks only
    except ImportError as error:
        raise UsageError("show() is for notebooks: pip install 'mozaik-orchestrator[notebooks]'") from error
    for thing in things:
        if isinstance(thing, Figure):
            if thing.panels:
                jupyter.display(jupyter.Image(data=_png(thing), format="png", width=_WIDTH))
            jupyter.display(jupyter.HTML(_caption(thing)))
        elif isinstance(thing, pd.DataFrame):
            jupyter.display(jupyter.HTML(table_html(thing)))
        elif lines := [line for line in ([thing] if isinstance(thing, str) else thing) if line]:
            jupyter.display(jupyter.HTML(_paragraphs(lines)))


def _png(figure: Figure) -> bytes:
    from orchestrator.report.drawing import png  # noqa: PLC0415  (matplotlib is heavy)

    return png(figure.choose(), _INCHES, _DPI)


def _caption(figure: Figure) -> str:
    if not figure.panels:
        return _paragraphs([f"{figure.title}: nothing to draw.", *figure.empty.splitlines()])
    return _paragraphs([_CLICKS.sub("", figure.caption)]) if figure.caption else ""


def _paragraphs(lines: Sequence[str]) -> str:
    text = "".join(f"<div>{html.escape(line)}</div>" for line in lines)
    return f'<div style="max-width: 60em; margin-bottom: 1em; white-space: pre-wrap">{text}</div>'


def table_html(table: pd.DataFrame) -> str:
    """Return a table as HTML: numbers with four digits, ``–`` where there is none, scores within 1 norm in green.

    Parameters
    ----------
    table : pandas.DataFrame
        Its columns whose name is or begins with ``score`` are coloured.
    """
    if not len(table):
        return _paragraphs(["none"])
    some = table.head(_MOST_ROWS)
    style = some.style.format(_text, escape="html").format_index(escape="html", axis=1).hide(axis="index")
    scores = [name for name in some.columns if str(name) == "score"]
    style = style.map(_score_colour, subset=scores).set_table_styles(_STYLE)
    more = _paragraphs([f"{len(some)} of {len(table):,} rows."]) if len(some) < len(table) else ""
    return str(style.to_html()) + more


def _text(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def _score_colour(value: Any) -> str:
    if not isinstance(value, float):
        return ""
    return "color: #0f7b6c" if value <= 1 else "color: #b2420f; font-weight: 600"
