"""What a figure consists of: panels, axes and marks, free of any way to draw them.

A figure is described once. The page draws it with its own script, where one can hover and choose; `save` draws the same
with matplotlib for papers. `Pick` stands wherever something depends on a choice, such as the target that is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from orchestrator.errors import UsageError
from orchestrator.report.palette import INK, Stops

Array = npt.NDArray[Any]
Symbol = Literal["dot", "ring", "cross", "diamond", "square", "triangle"]


@dataclass(frozen=True)
class Pick:
    """One of several things, by what is chosen under `key`."""

    key: str
    of: tuple[Any, ...]


@dataclass(frozen=True, eq=False)
class Taken:
    """Rows of an array that several marks share."""

    array: Array
    rows: Array


Numbers = Array | Taken | Pick


@dataclass(frozen=True)
class Selector:
    """What a reader of a figure may choose.

    Parameters
    ----------
    key : str
        Name of the choice; figures on a page that share it follow each other.
    label : str
        In front of the list.
    options : tuple of str
        Their names, unique.
    default : int
        Index of the option that is shown first.
    """

    key: str
    label: str
    options: tuple[str, ...]
    default: int = 0


@dataclass(frozen=True)
class Axis:
    """One axis of a panel.

    Parameters
    ----------
    title : str or Pick
        With the unit.
    domain : tuple of float or Pick
        First and last value; marks beyond are drawn on the edge.
    scale : str or Pick
        ``linear`` or ``log``.
    rows : tuple of str or Pick
        Names of rows 0, 1, ... from the top (or columns from the left); the axis has no numbers then.
    notes : tuple of str or Pick
        Text at the far end of each row.
    whole : bool or Pick
        Whether only whole numbers are ticks.
    full : tuple of str
        The names of the rows as they are, for hovering, if `rows` are shortened.
    slots : tuple of float
        Where each row is along the axis, if not in their order one by one: rows in groups, each below its heading.
    headings : tuple of (float, str)
        Place along the axis and name of each group.
    """

    title: str | Pick = ""
    domain: tuple[float, float] | Pick = (0.0, 1.0)
    scale: str | Pick = "linear"
    rows: tuple[str, ...] | Pick = ()
    notes: tuple[str, ...] | Pick = ()
    whole: bool | Pick = False
    full: tuple[str, ...] = ()
    slots: tuple[float, ...] = ()
    headings: tuple[tuple[float, str], ...] = ()

    def slot(self, rows: Array) -> Array:
        """Return where rows are along the axis, those between two whole numbers beside the nearest one."""
        if not self.slots:
            return rows
        nearest = np.clip(np.rint(np.nan_to_num(rows)), 0, len(self.slots) - 1)
        return np.asarray(np.asarray(self.slots)[nearest.astype(int)] + rows - nearest)


@dataclass(frozen=True, eq=False)
class Line:
    """A line through points; interrupted if a number is NaN."""

    x: Numbers
    y: Numbers
    colour: str = INK
    label: str = ""
    width: float = 1.6
    dashed: bool = False
    step: bool = False


@dataclass(frozen=True, eq=False)
class Band:
    """The area between two lines; if it is made of steps, the page tells the height of one on hovering."""

    x: Numbers
    low: Numbers
    high: Numbers
    colour: str = INK
    label: str = ""
    opacity: float = 0.2
    step: bool = False


@dataclass(frozen=True, eq=False)
class Points:
    """Symbols; `evaluations` are positions in `Figure.shown`, of which the page tells everything on hovering."""

    x: Numbers
    y: Numbers
    colour: str = INK
    label: str = ""
    size: float = 4.0
    symbol: Symbol = "dot"
    opacity: float = 1.0
    evaluations: Numbers | None = None


@dataclass(frozen=True, eq=False)
class Profiles:
    """A line through the rows of a panel for each evaluation, `x` of shape (n_lines, n_rows), interrupted by NaN.

    `evaluations` are as those of `Points`; on the page they are chosen by drawing along rows.
    """

    x: Array | Pick
    evaluations: Array | Pick
    colour: str = INK
    label: str = ""
    width: float = 1.0
    opacity: float = 1.0


@dataclass(frozen=True, eq=False)
class Bars:
    """Horizontal bars from `low` to `high` in rows `at`; `hover` says more about each."""

    low: Numbers
    high: Numbers
    at: Numbers
    colour: str = INK
    label: str = ""
    thickness: float = 0.5
    opacity: float = 1.0


@dataclass(frozen=True, eq=False)
class Heat:
    """Coloured cells, shape (n_rows, n_columns), NaN if there is no value; `edges` are those of the columns."""

    cells: Numbers
    stops: Stops
    title: str = ""
    edges: Numbers | None = None
    chooses: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class Rule:
    """A straight line across the panel at one value of an axis."""

    axis: Literal["x", "y"]
    at: float | Pick
    colour: str = INK
    label: str = ""
    dashed: bool = True


@dataclass(frozen=True)
class Span:
    """The background between two values of an axis; infinite values reach to the end."""

    axis: Literal["x", "y"]
    low: float | Pick
    high: float | Pick
    colour: str = INK
    label: str = ""
    opacity: float = 0.15


Mark = Line | Band | Points | Profiles | Bars | Heat | Rule | Span


@dataclass(frozen=True, eq=False)
class Panel:
    """A pair of axes with marks, the later ones in front; `height` in CSS pixels (1/96 inch)."""

    x: Axis
    y: Axis
    marks: tuple[Mark, ...]
    title: str | Pick = ""
    height: int = 260


@dataclass(frozen=True, eq=False)
class Figure:
    """A figure of one or several panels side by side, or of many in a grid.

    Parameters
    ----------
    name : str
        Identifies it on a page.
    title, caption : str
        What is seen, and how it was computed; how many of how many points if not all are drawn.
    panels : tuple of Panel
        From the left.
    choices : tuple of Selector
        What can be chosen.
    empty : str
        Why there is nothing to see, if so.
    columns : int
        Of a grid, as many as there is room for, at most; its panels have the legend of the first. 0: no grid.

    Examples
    --------
    >>> from orchestrator import Run
    >>> figure = Run("20261120-104608_Optimization").figures["parameter_exploration"]
    >>> figure.choices[0].key, figure.choices[0].options
    ('parameter', ('x', 'y'))
    """

    name: str
    title: str
    caption: str = ""
    panels: tuple[Panel, ...] = ()
    choices: tuple[Selector, ...] = ()
    empty: str = ""
    columns: int = 0

    def choose(self, **options: str | int) -> Figure:
        """Return the figure with every choice made.

        Parameters
        ----------
        **options : str or int
            By the key of a choice, the name of an option or its index; the others take their default.

        Raises
        ------
        orchestrator.errors.UsageError
            If there is no such choice or option.

        Examples
        --------
        >>> figure.choose(parameter="y").choices
        ()
        """
        known = {choice.key: choice for choice in self.choices}
        if unknown := [key for key in options if key not in known]:
            raise UsageError(f"{self.name}: there is no choice {unknown[0]!r}; known: {', '.join(known) or 'none'}")
        chosen = {key: _option(self.name, choice, options.get(key, choice.default)) for key, choice in known.items()}
        panels = tuple(_resolve(panel, chosen) for panel in self.panels)
        return replace(self, panels=panels, choices=())

    def save(self, path: Path | str, *, width: float = 7.0, dpi: float = 200, **options: str | int) -> Path:
        """Draw the figure into a file.

        Parameters
        ----------
        path : pathlib.Path or str
            Its suffix says how: ``.png``, ``.svg`` or ``.pdf``.
        width : float
            In inches.
        dpi : float
            Dots per inch of a PNG.
        **options : str or int
            As `choose` takes them.

        Returns
        -------
        pathlib.Path
            The file.

        Raises
        ------
        orchestrator.errors.UsageError
            If the suffix or an option is unknown, or matplotlib is not installed.

        Examples
        --------
        >>> figure.save("y.png", dpi=100, parameter="y").name
        'y.png'
        """
        from orchestrator.report.drawing import save  # noqa: PLC0415  (matplotlib is heavy)

        return save(self.choose(**options), Path(path), width=width, dpi=dpi)

    def _repr_png_(self) -> bytes:
        """Return the figure as a notebook shows it."""
        from orchestrator.report.drawing import png  # noqa: PLC0415

        return png(self.choose())


def _option(figure: str, choice: Selector, wanted: str | int) -> int:
    if isinstance(wanted, int) and 0 <= wanted < len(choice.options):
        return wanted
    if wanted in choice.options:
        return choice.options.index(str(wanted))
    some = ", ".join(choice.options[:10]) + (", ..." if len(choice.options) > 10 else "")
    raise UsageError(f"{figure}: {choice.key} has no option {wanted!r}; there are: {some}")


def _resolve(part: Any, chosen: Mapping[str, int]) -> Any:
    """Return a part of a figure with every `Pick` and `Taken` replaced by what it stands for."""
    if isinstance(part, Pick):
        return _resolve(part.of[chosen[part.key]], chosen)
    if isinstance(part, Taken):
        return np.asarray(part.array)[part.rows]
    if isinstance(part, tuple):
        return tuple(_resolve(each, chosen) for each in part)
    if is_dataclass(part) and not isinstance(part, type):
        return type(part)(**{field.name: _resolve(getattr(part, field.name), chosen) for field in fields(part)})
    return part
