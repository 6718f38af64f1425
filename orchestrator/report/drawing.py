"""Figures as PNG, SVG and PDF, drawn with matplotlib from the same description as the page's."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np

from orchestrator.errors import UsageError
from orchestrator.files import replacing
from orchestrator.report.palette import FAINT, INK, MUTED, NO_VALUE
from orchestrator.report.scene import Axis, Band, Bars, Figure, Heat, Line, Mark, Panel, Points, Profiles, Rule, Span

try:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.colors import FuncNorm, LinearSegmentedColormap
    from matplotlib.figure import Figure as Canvas
    from matplotlib.patches import Patch
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator
except ImportError as error:
    raise UsageError("figures are drawn with matplotlib, which is not installed: pip install matplotlib") from error

_SUFFIXES = (".png", ".svg", ".pdf")
_INCH = 96.0
# stops that are closer than this are where one colour ends and another begins: a sliver of the scale
_JUMP, _JUMP_SHARE = 0.001, 0.05
_SYMBOLS = {"dot": "o", "ring": "o", "cross": "x", "diamond": "D", "square": "s", "triangle": "^"}
# text stays text in vector files, so that it can be edited and searched
_STYLE: Any = {
    "svg.fonttype": "none", "pdf.fonttype": 42, "svg.hashsalt": "orchestrator", "font.size": 8, "axes.edgecolor": FAINT,
    "axes.labelcolor": INK, "text.color": INK, "xtick.color": MUTED, "ytick.color": MUTED, "axes.linewidth": 0.6,
    "xtick.major.width": 0.6, "ytick.major.width": 0.6, "legend.frameon": False, "legend.fontsize": 7,
    "text.parse_math": False,
}  # fmt: skip


def save(figure: Figure, path: Path, *, width: float, dpi: float) -> Path:
    """Draw a figure, in which every choice is made, into a file; see `Figure.save`."""
    if path.suffix.lower() not in _SUFFIXES:
        raise UsageError(f"{path}: expected a name that ends in {', '.join(_SUFFIXES)}, got {path.suffix or 'none'}")
    image = _image(figure, path.suffix[1:].lower(), width, dpi)
    with replacing(path) as temporary:
        temporary.write_bytes(image)
    return path


def png(figure: Figure, width: float = 8.0, dpi: float = 110) -> bytes:
    """Return a figure as PNG."""
    return _image(figure, "png", width, dpi)


def _image(figure: Figure, kind: str, width: float, dpi: float) -> bytes:
    import matplotlib as mpl  # noqa: PLC0415

    buffer = io.BytesIO()
    # no date, so that the same run gives the same file
    metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {}}[kind]
    with mpl.rc_context(_STYLE):
        canvas = _draw(figure, width)
        canvas.savefig(buffer, format=kind, dpi=dpi, metadata=metadata)
    return buffer.getvalue()


def _draw(figure: Figure, width: float) -> Any:
    wide = max(1, min(figure.columns or len(figure.panels), len(figure.panels)))
    tall = max(1, -(-len(figure.panels) // wide))
    height = tall * (max((panel.height for panel in figure.panels), default=60) / _INCH + 0.55) + 0.75
    if any(_texts(panel.x.rows) for panel in figure.panels):
        height += 1.2
    canvas = Canvas(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(canvas)
    outside = len(figure.panels) == 1 or figure.columns > 0
    places: Any = canvas.subplots(tall, wide, squeeze=False).ravel() if figure.panels else []
    legends = [
        _panel(canvas, axes, panel, legend_inside=not outside)
        for axes, panel in zip(places, figure.panels, strict=False)
    ]
    for axes in places[len(figure.panels) :]:
        axes.remove()
    if figure.columns:
        for axes, panel in zip(places, figure.panels, strict=False):
            _few_ticks(axes, panel.x)
    if outside and legends[0]:
        columns = int(width * 13 / (max(len(label) for _, label in legends[0]) + 7))
        canvas.legend(
            *zip(*legends[0], strict=True), loc="outside upper left", ncols=min(max(1, columns), len(legends[0])),
            title=figure.title, title_fontproperties={"size": 10, "weight": "bold"}, alignment="left",
        )  # fmt: skip
    else:
        canvas.suptitle(figure.title, x=0.01, ha="left", fontsize=10, fontweight="bold")
    if not figure.panels:
        canvas.text(0.01, 0.4, figure.empty, color=MUTED)
    return canvas


def _few_ticks(axes: Any, across: Axis) -> None:
    """Leave as many ticks of a small panel's horizontal axis as there is room for."""
    if not across.rows and across.scale != "log":
        axes.xaxis.set_major_locator(MaxNLocator(integer=bool(across.whole), nbins=3))


def _texts(rows: Any) -> tuple[str, ...]:
    return tuple(rows)


def _panel(canvas: Any, axes: Any, panel: Panel, *, legend_inside: bool) -> list[tuple[Any, str]]:
    """Draw a panel; return what its legend says, or would."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_axisbelow(True)
    _axis(axes, "x", panel.x)
    _axis(axes, "y", panel.y)
    axes.set_xlim(*panel.x.domain)  # type: ignore[misc]
    low, high = panel.y.domain  # type: ignore[misc]
    axes.set_ylim(*((high, low) if panel.y.rows else (low, high)))
    axes.set_autoscale_on(False)
    handles = []
    for mark in panel.marks:
        handle = _mark(canvas, axes, panel, mark)
        if handle is not None and not isinstance(mark, Heat) and mark.label:
            handles.append((handle, mark.label))
    if panel.title:
        axes.set_title(str(panel.title), fontsize=8, loc="left")
    if len(handles) > 1 and legend_inside:
        axes.legend(*zip(*handles, strict=True), loc="best", frameon=True, framealpha=0.7, edgecolor="none")
    return handles


def _axis(axes: Any, which: str, axis: Axis) -> None:
    own = getattr(axes, f"{which}axis")
    if axis.rows:
        rows = _texts(axis.rows)
        size = 8 if len(rows) <= (16 if which == "x" else 45) else 5
        slots = axis.slot(np.arange(len(rows), dtype=float))
        own.set_ticks(slots, rows, fontsize=size, rotation=90 if which == "x" else 0)
        own.set_tick_params(length=0)
        place = axes.get_yaxis_transform()
        for slot, note in zip(slots, _texts(axis.notes), strict=False):
            axes.text(1.01, slot, note, transform=place, va="center", fontsize=7, color=MUTED)
        for slot, heading in axis.headings:
            axes.axhspan(slot - 0.5, slot + 0.5, color="white", zorder=2)
            axes.text(-0.01, slot, heading, transform=place, va="center", ha="right", fontsize=size, fontweight="bold")
        return
    getattr(axes, f"set_{which}scale")(str(axis.scale))
    getattr(axes, f"set_{which}label")(str(axis.title))
    if axis.scale == "log":
        low, high = axis.domain  # type: ignore[misc]
        few = MaxNLocator(4) if high < 4 * low else LogLocator(subs=(1, 2, 5) if high < 300 * low else (1,))
        own.set_major_locator(few)
        own.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        own.set_minor_locator(NullLocator())
    elif axis.whole:
        own.set_major_locator(MaxNLocator(integer=True, nbins=8))
    axes.grid(axis=which, color=FAINT, linewidth=0.4, alpha=0.6)


def _mark(canvas: Any, axes: Any, panel: Panel, mark: Mark) -> Any:
    if isinstance(mark, Line):
        style = "steps-post" if mark.step else "default"
        dashes = "--" if mark.dashed else "-"
        x, y = _clamped(panel.x, mark.x), _clamped(panel.y, mark.y)
        return axes.plot(x, y, dashes, color=mark.colour, linewidth=mark.width * 0.75, drawstyle=style)[0]
    if isinstance(mark, Band):
        low, high = _clamped(panel.y, mark.low), _clamped(panel.y, mark.high)
        axes.fill_between(mark.x, low, high, color=mark.colour, alpha=mark.opacity, linewidth=0)
        return Patch(color=mark.colour, alpha=mark.opacity)
    if isinstance(mark, Points):
        open_ = {"facecolors": "none", "edgecolors": mark.colour} if mark.symbol == "ring" else {"color": mark.colour}
        x, y = _clamped(panel.x, mark.x), _clamped(panel.y, mark.y)
        area, marker = (mark.size * 1.5) ** 2 * (0.6 if mark.symbol != "cross" else 1), _SYMBOLS[mark.symbol]
        return axes.scatter(
            x, y, s=area, marker=marker, alpha=mark.opacity, linewidths=0.8 if mark.symbol in ("ring", "cross") else 0,
            rasterized=len(x) > 2000, clip_on=False, zorder=3, **open_,
        )  # fmt: skip
    if isinstance(mark, Profiles):
        x = _clamped(panel.x, mark.x)
        rows = panel.y.slot(np.arange(x.shape[1], dtype=float))
        lines = axes.plot(
            x.T, rows, color=mark.colour, linewidth=mark.width * 0.75, alpha=mark.opacity,
            rasterized=x.size > 4000,
        )  # fmt: skip
        return lines[0] if lines else None
    if isinstance(mark, Bars):
        low, high = _clamped(panel.x, mark.low), _clamped(panel.x, mark.high)
        at = panel.y.slot(np.asarray(mark.at, dtype=float))
        return axes.barh(at, high - low, mark.thickness, low, color=mark.colour, alpha=mark.opacity, linewidth=0)
    if isinstance(mark, Heat):
        _heat(canvas, axes, panel.y, mark)
        return None
    return _background(axes, panel, mark)


def _heat(canvas: Any, axes: Any, axis: Axis, mark: Heat) -> None:
    # spread evenly over the stops, as in the page's legend: by value, the colours below 1 norm would be too few to tell
    stops = np.array([at for at, _ in mark.stops])
    jump = np.diff(stops) < _JUMP
    places = np.r_[0.0, np.cumsum(np.where(jump, _JUMP_SHARE, 1.0))]
    pairs = [(at / places[-1], colour) for at, (_, colour) in zip(places, mark.stops, strict=True)]
    colours = LinearSegmentedColormap.from_list("", pairs, N=1024)
    there, back = lambda values: np.interp(values, stops, places), lambda at: np.interp(at, places, stops)
    norm = FuncNorm((there, back), float(stops[0]), float(stops[-1]))
    axes.set_facecolor(NO_VALUE)  # seen where there is no value
    own = np.asarray(mark.cells, dtype=float)
    slots = axis.slot(np.arange(len(own), dtype=float)).astype(int)
    cells = np.full((max(slots, default=-1) + 1, own.shape[1]), np.nan)
    cells[slots] = own
    edges = np.arange(cells.shape[1] + 1) - 0.5 if mark.edges is None else np.asarray(mark.edges)
    rows = np.arange(cells.shape[0] + 1) - 0.5
    mesh = axes.pcolormesh(edges, rows, cells, cmap=colours, norm=norm, rasterized=cells.size > 4000)
    ticks = stops[np.r_[True, ~jump]]
    bar = canvas.colorbar(mesh, ax=axes, shrink=0.6, pad=0.02, ticks=ticks, format="%.3g")
    bar.set_label(mark.title)
    bar.outline.set_visible(False)


def _background(axes: Any, panel: Panel, mark: Rule | Span) -> Any:
    across = mark.axis == "x"
    if isinstance(mark, Rule):
        draw = axes.axvline if across else axes.axhline
        return draw(mark.at, color=mark.colour, linestyle="--" if mark.dashed else "-", linewidth=0.8)
    first, last = (panel.x if across else panel.y).domain  # type: ignore[misc]
    low, high = max(float(mark.low), first), min(float(mark.high), last)  # type: ignore[arg-type]
    if not low <= high:
        return None
    if low == high:
        draw = axes.axvline if across else axes.axhline
        return draw(low, color=mark.colour, alpha=mark.opacity, linewidth=1.5)
    draw = axes.axvspan if across else axes.axhspan
    return draw(low, high, color=mark.colour, alpha=mark.opacity, linewidth=0)


def _clamped(axis: Axis, values: Any) -> Any:
    low, high = sorted(axis.domain)  # type: ignore[arg-type]
    return np.clip(axis.slot(np.asarray(values, dtype=float)), low, high)
