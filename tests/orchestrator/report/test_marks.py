"""Both renderers of a figure, the page's script and the one for files, know every mark and each of its fields."""

from __future__ import annotations

import re
import typing
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from orchestrator import report
from orchestrator.report import scene
from orchestrator.report.scene import Axis, Figure, Mark, Panel

WEB = Path(report.__file__).parent / "web"
SCRIPTS = "".join(file.read_text() for file in sorted(WEB.glob("*.js")))
MARKS = typing.get_args(Mark)
ONE = np.array([0.5])
# what a mark needs to be drawn
REQUIRED: dict[str, Any] = {"x": ONE, "y": ONE, "low": ONE, "high": ONE, "at": ONE, "cells": np.array([[0.5]])}
# only a page can be hovered over and clicked
ONLY_ON_THE_PAGE = {
    (scene.Points, "evaluations"),
    (scene.Profiles, "evaluations"),
    (scene.Heat, "chooses"),
    (scene.Band, "step"),
}
Png = Callable[[Figure], bytes]
# of legends and hovering
BESIDE_THE_DRAWING = {"label", "title"}


def made(mark: type[Any], read: set[str], **changes: Any) -> Any:
    """Return a mark that notes which of its fields are read."""

    def noting(self: Any, name: str) -> Any:
        read.add(name)
        return object.__getattribute__(self, name)

    values = {field.name: REQUIRED[field.name] for field in fields(mark) if field.name in REQUIRED}
    if mark in (scene.Rule, scene.Span):
        values |= {"axis": "x", **{name: 0.2 + 0.1 * n for n, name in enumerate(values)}}
    if mark is scene.Profiles:
        values |= {"x": ONE[None], "evaluations": np.array([0])}
    if mark is scene.Heat:
        values["stops"] = ((0.0, "#ffffff"), (1.0, "#000000"))
    return type(mark.__name__, (mark,), {"__getattribute__": noting})(**{**values, **changes})


@pytest.fixture
def png() -> Png:
    """With matplotlib, which the tests of the page do without."""
    from orchestrator.report import drawing  # noqa: PLC0415

    return drawing.png


@pytest.mark.drawing
@pytest.mark.usefixtures("no_layout")
@pytest.mark.parametrize("mark", MARKS, ids=lambda mark: mark.__name__)
def test_a_file_shows_every_field_of_a_mark(mark: type[Any], png: Png) -> None:
    read: set[str] = set()
    panel = Panel(Axis(), Axis(), (made(mark, read, **({} if mark is scene.Heat else {"label": "a mark"})),))
    assert png(Figure("figure", "Figure", panels=(panel,)))
    assert {field.name for field in fields(mark) if (mark, field.name) not in ONLY_ON_THE_PAGE} <= read


@pytest.mark.parametrize("mark", MARKS, ids=lambda mark: mark.__name__)
def test_the_page_shows_every_field_of_a_mark(mark: type[Any]) -> None:
    drawing = re.search(rf"^  {mark.__name__}\(mark, x, y\) {{$(.*?)^  }},$", SCRIPTS, re.MULTILINE | re.DOTALL)
    assert drawing, f"marks.js draws no {mark.__name__}"
    helpers = "".join(re.findall(r"^function (?:symbolStyle|swatch)\(.*?^}$", SCRIPTS, re.MULTILINE | re.DOTALL))
    elsewhere = SCRIPTS.replace(drawing[0], "")
    for field in fields(mark):
        word = rf"\.{field.name}\b"
        beside = field.name in BESIDE_THE_DRAWING or (mark, field.name) in ONLY_ON_THE_PAGE
        assert re.search(word, elsewhere if beside else drawing[1] + helpers), field.name


@pytest.mark.drawing
@pytest.mark.usefixtures("no_layout")
@pytest.mark.parametrize("symbol", typing.get_args(scene.Symbol))
def test_both_draw_every_symbol(symbol: str, png: Png) -> None:
    panel = Panel(Axis(), Axis(), (scene.Points(ONE, ONE, symbol=symbol),))  # type: ignore[arg-type]
    assert png(Figure("figure", "Figure", panels=(panel,)))
    table = re.search(r"const SYMBOLS = {(.*?)^};", SCRIPTS, re.MULTILINE | re.DOTALL)
    assert table
    assert re.search(rf"^  {symbol}: ", table[1], re.MULTILINE)
