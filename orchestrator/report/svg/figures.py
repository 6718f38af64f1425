"""Figures as SVG inside the page, for readers without JavaScript: previews of mails, printers, archives.

What `marks.js` and `panel.js` draw when a page is opened, drawn once when it is written: each mark is one path, so that
a figure is small. Every choice is its default. `orchestrator.report.drawing` draws for papers, in seconds instead of
milliseconds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup, escape

from orchestrator.records import FloatArray
from orchestrator.report.naming import cut_apart
from orchestrator.report.scene import Axis, Band, Bars, Figure, Heat, Line, Panel, Points, Profiles, Rule, Span
from orchestrator.report.svg.scales import AxisScale, Colours, number, text_width, ticks_of
from orchestrator.text import plain

WIDTH = 640
_FONT = 11.0
_ROOM = 18.0  # between a name and its axis, and for letters that are wider than believed


def static(figure: Figure) -> Markup:
    """Return a figure as HTML with one SVG for each panel, empty if there is nothing to see, or nothing can be drawn.

    Parameters
    ----------
    figure : Figure
        With choices or without.
    """
    chosen = figure.choose()
    options = [f"{choice.label}: {choice.options[choice.default]}" for choice in figure.choices if choice.options]
    made = [svg for panel in chosen.panels if (svg := _drawn(panel, figure.title))]
    if made and options:
        made.insert(0, Markup('<p class="lead">{}</p>').format(plain("; ".join(options))))
    return Markup("").join(made)


def _drawn(panel: Panel, title: str) -> Markup:
    """Return a panel, empty if it has numbers that are beyond drawing: the page is there without it too."""
    try:
        return _panel(panel, title)
    except (ArithmeticError, ValueError):
        return Markup("")


def _panel(panel: Panel, title: str) -> Markup:
    left, right, bottom = _margins(panel)
    height = panel.height + 8 + bottom
    x = AxisScale(panel.x, left, max(WIDTH - right, left + 40))
    y = AxisScale(panel.y, 8, 8 + panel.height) if panel.y.rows else AxisScale(panel.y, 8 + panel.height, 8)
    parts = [_rows(panel, x, y, left, right) if panel.y.rows else _upwards(panel.y, x, y)]
    parts.append(_columns(panel.x, x, y) if panel.x.rows else _across(panel.x, x, y))
    parts += [MARKS[type(mark)](mark, x, y) for mark in panel.marks]
    label = f"{title}: {panel.title}" if panel.title else title
    head = Markup("<h4>{}</h4>").format(plain(str(panel.title))) if panel.title else ""
    svg = Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        WIDTH, f"{height:.0f}", plain(label), Markup("").join(parts)
    )
    return Markup('<div class="panel">{}{}<div class="wide">{}</div></div>').format(head, _legend(panel), svg)


def _margins(panel: Panel) -> tuple[float, float, float]:
    """Return the room left, right and below."""

    def widest(texts: Any, share: float) -> float:
        return min(max((text_width(text, _FONT) for text in texts), default=0.0) + _ROOM, WIDTH * share)

    y, x = panel.y, panel.x
    left = widest([*_texts(y.rows), *(name for _, name in y.headings)], 0.34) if y.rows else 62.0 if y.title else 46.0
    right = widest(_texts(y.notes), 0.34) if y.notes else 12.0
    below = min(max(text_width(text, _FONT) for text in _texts(x.rows)) + 12, 190.0) if x.rows else 0.0
    return left, right, below or (44.0 if x.title else 26.0)


def _texts(rows: Any) -> tuple[str, ...]:
    return tuple(plain(str(text)) for text in rows)


def _text(text: str, at: str, anchor: str, kind: str) -> Markup:
    return Markup('<text {} text-anchor="{}" class="{}">{}</text>').format(Markup(at), anchor, kind, plain(text))


def _path(d: str, **style: Any) -> Markup:
    given = "".join(f' {name.rstrip("_").replace("_", "-")}="{escape(value)}"' for name, value in style.items())
    return Markup(f'<path d="{d}"{given}/>') if d else Markup("")


def _upwards(axis: Axis, x: AxisScale, y: AxisScale) -> Markup:
    parts = []
    for tick in ticks_of(axis, max(2, abs(y.last - y.first) / 44)):
        at = float(y.place(tick))
        parts.append(_path(f"M{x.first:.1f} {at:.1f}H{x.last:.1f}", class_="grid"))
        parts.append(_text(number(tick), f'x="{x.first - 7:.1f}" y="{at + 4:.1f}"', "end", "tick"))
    middle = f'transform="translate(11 {(y.first + y.last) / 2:.1f}) rotate(-90)"'
    parts.append(_text(str(axis.title), middle, "middle", "axis"))
    parts.append(_path(f"M{x.first:.1f} {y.first:.1f}H{x.last:.1f}", class_="frame"))
    return Markup("").join(parts)


def _across(axis: Axis, x: AxisScale, y: AxisScale) -> Markup:
    low, high = min(y.first, y.last), max(y.first, y.last)
    parts = []
    for tick in ticks_of(axis, max(2, (x.last - x.first) / 64)):
        at = float(x.place(tick))
        parts.append(_path(f"M{at:.1f} {low:.1f}V{high + 4:.1f}", class_="grid"))
        parts.append(_text(number(tick), f'x="{at:.1f}" y="{high + 17:.1f}"', "middle", "tick"))
    parts.append(_text(str(axis.title), f'x="{(x.first + x.last) / 2:.1f}" y="{high + 36:.1f}"', "middle", "axis"))
    return Markup("").join(parts)


def _rows(panel: Panel, x: AxisScale, y: AxisScale, left: float, right: float) -> Markup:
    size = min(_FONT, max(7.0, y.step - 3))
    every, parts = math.ceil(9 / y.step), []
    names = _fitted(_texts(panel.y.rows), left - _ROOM, size)
    notes = [_ended(note, right - _ROOM, size) for note in _texts(panel.y.notes)]
    heat = any(isinstance(mark, Heat) for mark in panel.marks)
    for n in range(0, len(names), every):
        at = float(y.place(float(n)))
        if not heat:
            parts.append(_path(f"M{x.first:.1f} {at:.1f}H{x.last:.1f}", class_="grid"))
        where = f'y="{at + size * 0.36:.1f}" font-size="{size:.3g}" '
        parts.append(_text(names[n], where + f'x="{x.first - 7:.1f}"', "end", "name"))
        if n < len(notes) and notes[n]:
            parts.append(_text(notes[n], where + f'x="{x.last + 12:.1f}"', "start", "note"))
    headings = _fitted([plain(heading) for _, heading in panel.y.headings], left - 4, size)
    for (slot, _), heading in zip(panel.y.headings, headings, strict=True):
        where = f'x="2" y="{y.at_slot(slot) + size * 0.36:.1f}" font-size="{size:.3g}"'
        parts.append(_text(heading, where, "start", "heading"))
    return Markup("").join(parts)


def _columns(axis: Axis, x: AxisScale, y: AxisScale) -> Markup:
    size = min(_FONT, max(7.0, x.step - 2))
    names = _fitted(_texts(axis.rows), 178, size)
    below = max(y.first, y.last) + 7
    return Markup("").join(
        _text(
            names[n],
            f'transform="translate({float(x.place(float(n))) + size * 0.3:.1f} {below:.1f}) rotate(-90)" '
            f'font-size="{size:.3g}"',
            "end",
            "name",
        )
        for n in range(0, len(names), math.ceil(9 / x.step))
    )


def _fitted(texts: Sequence[str], width: float, size: float) -> list[str]:
    """Return texts of at most that many pixels."""
    if all(text_width(text, size) <= width + 0.5 for text in texts):
        return list(texts)
    return cut_apart(texts, max(6, int(width / text_width("n", size))))


def _ended(text: str, width: float, size: float) -> str:
    """Return the beginning of a text of at most that many pixels."""
    if text_width(text, size) <= width + 0.5:
        return text
    return f"{text[: max(3, int(width / text_width('n', size)) - 1)].rstrip()}…"


def _joined(pattern: str, *columns: FloatArray) -> str:
    """Return the pattern for every row of the columns that has numbers only."""
    rows = np.column_stack(columns)
    return "".join([pattern % tuple(row) for row in rows[np.isfinite(rows).all(axis=1)].tolist()])


def _line(mark: Line, x: AxisScale, y: AxisScale) -> Markup:
    path, across, up = "", x.clamped(mark.x), y.clamped(mark.y)
    further = "H%.1fV%.1f" if mark.step else "L%.1f %.1f"
    for run in _unbroken(across, up):
        path += _joined("M%.1f %.1f", across[run[:1]], up[run[:1]]) + _joined(further, across[run[1:]], up[run[1:]])
    if len(across) == 1 and path:
        path += "m-4 0h8"
    dashes = {"stroke_dasharray": "5 4"} if mark.dashed else {}
    return _path(path, fill="none", stroke=mark.colour, stroke_width=mark.width, **dashes)


def _unbroken(*columns: FloatArray) -> list[Any]:
    """Return the positions of numbers that follow each other, in one array for each stretch."""
    known = np.flatnonzero(np.isfinite(np.column_stack(columns)).all(axis=1))
    return np.split(known, np.flatnonzero(np.diff(known) > 1) + 1) if len(known) else []


def _band(mark: Band, x: AxisScale, y: AxisScale) -> Markup:
    path, across, low, high = "", x.clamped(mark.x), y.clamped(mark.low), y.clamped(mark.high)
    for run in _unbroken(across, low, high):
        if len(run) == 1:
            at = int(run[0])
            path += f"M{across[at] - 4:.1f} {high[at]:.1f}h8V{low[at]:.1f}h-8z"
            continue
        around = _joined("L%.1f %.1f", np.r_[across[run], across[run[::-1]]], np.r_[high[run], low[run[::-1]]])
        path += f"M{around[1:]}z"
    return _path(path, fill=mark.colour, opacity=mark.opacity)


def _points(mark: Points, x: AxisScale, y: AxisScale) -> Markup:
    r = mark.size
    slant = f"{1.25 * r:g}"
    shapes = {
        "dot": "h0",
        "ring": f"m{-r:g} 0a{r:g} {r:g} 0 1 0 {2 * r:g} 0a{r:g} {r:g} 0 1 0 {-2 * r:g} 0",
        "cross": f"m{-r:g} {-r:g}l{2 * r:g} {2 * r:g}m0 {-2 * r:g}l{-2 * r:g} {2 * r:g}",
        "diamond": f"m0 -{slant}l{slant} {slant}l-{slant} {slant}l-{slant} -{slant}z",
        "square": f"m{-r:g} {-r:g}h{2 * r:g}v{2 * r:g}h{-2 * r:g}z",
        "triangle": f"m0 {-1.2 * r:g}l{r:g} {2.1 * r:g}h{-2 * r:g}z",
    }
    path = _joined(f"M%.1f %.1f{shapes[mark.symbol]}", x.clamped(mark.x), y.clamped(mark.y))
    return _path(path, **_symbol_style(mark, r))


def _symbol_style(mark: Points, size: float) -> dict[str, Any]:
    if mark.symbol == "dot":
        width = {"stroke_width": f"{2 * size:g}", "stroke_linecap": "round"}
        return {"fill": "none", "stroke": mark.colour, "opacity": mark.opacity, **width}
    if mark.symbol in ("ring", "cross"):
        return {"fill": "none", "stroke": mark.colour, "stroke_width": 1.5, "opacity": mark.opacity}
    return {"fill": mark.colour, "opacity": mark.opacity}


def _profiles(mark: Profiles, x: AxisScale, y: AxisScale) -> Markup:
    across, path = x.clamped(mark.x), ""
    down = y.place(np.arange(across.shape[1], dtype=float))
    for line in across:
        for run in _unbroken(line):
            path += _joined("M%.1f %.1f", line[run[:1]], down[run[:1]])
            path += _joined("L%.1f %.1f", line[run[1:]], down[run[1:]])
    return _path(path, fill="none", stroke=mark.colour, stroke_width=mark.width, opacity=mark.opacity)


def _bars(mark: Bars, x: AxisScale, y: AxisScale) -> Markup:
    thick = max(1.5, y.step * mark.thickness)
    low, high = x.clamped(mark.low), x.clamped(mark.high)
    top = y.place(mark.at) - thick / 2
    return _path(
        _joined(f"M%.1f %.1fh%.1fv{thick:.1f}H%.1fz", low, top, np.maximum(high - low, 0.5), low),
        fill=mark.colour,
        opacity=mark.opacity,
    )


def _heat(mark: Heat, x: AxisScale, y: AxisScale) -> Markup:
    cells = np.asarray(mark.cells, dtype=float)
    edges = x.clamped(np.arange(cells.shape[1] + 1) - 0.5 if mark.edges is None else mark.edges)
    colours, paths = Colours(mark.stops), dict[str, list[str]]()
    gap = 1.0 if y.step > 8 else 0.0
    tops = y.place(np.arange(len(cells), dtype=float)) - y.step / 2
    for top, row in zip(tops, cells, strict=True):
        named = [colours.of(value) for value in row.tolist()]
        begin = 0
        for n in range(1, len(named) + 1):  # cells of one colour that follow each other are one
            if n == len(named) or named[n] != named[begin]:
                wide = edges[n] - edges[begin]
                cell = f"M{edges[begin]:.1f} {top:.1f}h{wide:.1f}v{y.step - gap:.1f}h{-wide:.1f}z"
                paths.setdefault(named[begin], []).append(cell)
                begin = n
    return Markup("").join(_path("".join(own), fill=colour) for colour, own in paths.items())


def _rule(mark: Rule, x: AxisScale, y: AxisScale) -> Markup:
    scale = x if mark.axis == "x" else y
    at = float(scale.place(float(mark.at)))  # type: ignore[arg-type]
    low, high = sorted((scale.first, scale.last))
    if not low - 1 <= at <= high + 1:
        return Markup("")
    up, across = f"M{at:.1f} {y.first:.1f}V{y.last:.1f}", f"M{x.first:.1f} {at:.1f}H{x.last:.1f}"
    ends = up if mark.axis == "x" else across
    dashes = {"stroke_dasharray": "4 3"} if mark.dashed else {}
    return _path(ends, fill="none", stroke=mark.colour, stroke_width=1.2, **dashes)


def _span(mark: Span, x: AxisScale, y: AxisScale) -> Markup:
    scale, other = (x, y) if mark.axis == "x" else (y, x)
    first, last = scale.axis.domain  # type: ignore[misc]
    edges = [float(mark.low), float(mark.high)]  # type: ignore[arg-type]
    if math.isnan(edges[0]) or math.isnan(edges[1]) or edges[0] > last or edges[1] < first:
        return Markup("")
    low, high = sorted(float(scale.clamped(edge)) for edge in edges)
    low, high = (low - 1, low + 1) if high - low < 2 else (low, high)
    a, b = sorted((other.first, other.last))
    box = (low, a, high, b) if mark.axis == "x" else (a, low, b, high)
    return _path("M{0:.1f} {1:.1f}H{2:.1f}V{3:.1f}H{0:.1f}z".format(*box), fill=mark.colour, opacity=mark.opacity)


MARKS: dict[type, Callable[[Any, AxisScale, AxisScale], Markup]] = {
    Line: _line, Band: _band, Points: _points, Profiles: _profiles, Bars: _bars, Heat: _heat, Rule: _rule, Span: _span,
}  # fmt: skip


def _legend(panel: Panel) -> Markup:
    named = {mark.label: mark for mark in reversed(panel.marks) if not isinstance(mark, Heat) and mark.label}
    parts = [_entry(_swatch(mark), label) for label, mark in reversed(named.items())]
    parts += [_heat_entry(mark) for mark in panel.marks if isinstance(mark, Heat)]
    return Markup('<div class="legend">{}</div>').format(Markup("").join(parts))


def _entry(picture: Markup, label: str) -> Markup:
    svg = Markup('<svg width="22" height="12" class="swatch" aria-hidden="true">{}</svg>').format(picture)
    return Markup("<span>{}{}</span>").format(svg, plain(label))


def _swatch(mark: Line | Band | Points | Profiles | Bars | Rule | Span) -> Markup:
    if isinstance(mark, (Line, Profiles, Rule)):
        dashes = {"stroke_dasharray": "4 3"} if getattr(mark, "dashed", False) else {}
        return _path("M1 6h20", stroke=mark.colour, stroke_width=getattr(mark, "width", 1.4), **dashes)
    if isinstance(mark, Points):
        whole = AxisScale(Axis(), 0, 1)
        one = np.zeros(1)
        size = max(3.0, min(mark.size, 4.0))
        return Markup('<g transform="translate(11 6)">{}</g>').format(
            _points(Points(one, one, mark.colour, "", size, mark.symbol, max(mark.opacity, 0.7)), whole, whole)
        )
    return _path("M2 1h18v10h-18z", fill=mark.colour, opacity=max(getattr(mark, "opacity", 1.0), 0.2))


def _heat_entry(mark: Heat) -> Markup:
    low, high = mark.stops[0][0], mark.stops[-1][0]
    steps: Sequence[Markup] = [
        _path(f"M{3.2 * n:.1f} 1h3.4v10h-3.4z", fill=colour) for n, (_, colour) in enumerate(mark.stops)
    ]
    svg = Markup('<svg width="{}" height="12" class="swatch" aria-hidden="true">{}</svg>').format(
        f"{3.2 * len(steps) + 0.2:.1f}", Markup("").join(steps)
    )
    return Markup("<span>{}:  {} {} {}</span>").format(plain(mark.title), number(low), svg, number(high))
