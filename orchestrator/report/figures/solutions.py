"""How far good solutions spread: which parameters the targets determine, and which pairs trade off."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import floor, log10

import numpy as np

from orchestrator.checkpoint import Checkpoint
from orchestrator.records import FloatArray
from orchestrator.report.domains import parameter_domain
from orchestrator.report.figures.common import (
    names,
    nothing,
    nothing_of,
    parameter_choice,
    parameter_names,
)
from orchestrator.report.figures.parameters import between_bounds
from orchestrator.report.figures.registry import figure
from orchestrator.report.history import History, IntArray
from orchestrator.report.naming import plural
from orchestrator.report.palette import BLUE, CORRELATION, FAINT, INK, LIGHT_BLUE
from orchestrator.report.scene import Axis, Bars, Figure, Heat, Panel, Pick, Points, Selector, Taken
from orchestrator.scores.ranks import FEWEST, rank_correlation, rank_correlation_interval

# how many evaluations the choices of a distance from the best are meant to hold, and the one that is shown first; the
# last is a half of all
_COUNTS, _FIRST = (5, 10, 20, 50, 100, 200, 500, 1000), 20


@dataclass(frozen=True)
class _Near:
    """Evaluations whose total score is within `beyond` of the best.

    Parameters
    ----------
    beyond : float
        In norms.
    rows : ndarray of int
        The evaluations, the best first.
    """

    beyond: float
    rows: IntArray

    @property
    def label(self) -> str:
        return f"best + {self.beyond:g} ({plural(len(self.rows), 'evaluation')})"


@figure(section="parameters", order=50)
def good_solutions(run: Checkpoint | History) -> Figure:
    """Return how far every parameter spreads among the evaluations that are as good as the best, or nearly.

    Choices: ``within`` (distances of the total score from the best).

    Parameters
    ----------
    run : Checkpoint or History
        The run.
    """
    history = History.of(run)
    title = "How far good solutions spread"
    if history.best is None:
        return nothing("good_solutions", title, nothing_of(history))
    near = _distances(history)
    tried = history.places[history.ok]
    at = np.arange(len(history.parameters), dtype=float)
    notes = tuple(_in_units(history, each) for each in near)

    def ends(low: float, high: float) -> tuple[Pick, Pick]:
        found = [np.quantile(history.places[each.rows], [low, high], axis=0) for each in near]
        return Pick("within", tuple(each[0] for each in found)), Pick("within", tuple(each[1] for each in found))

    panel = Panel(
        Axis("between the lower (0) and the upper bound (1), on the parameter's scale", (-0.03, 1.03)),
        Axis(
            "", (-0.5, len(at) - 0.5), rows=parameter_names(history), full=names(history), notes=Pick("within", notes)
        ),
        (
            Bars(tried.min(axis=0), tried.max(axis=0), at, FAINT, "all that was measured", 0.12),
            Bars(*ends(0.0, 1.0), at, LIGHT_BLUE, "good ones", 0.4, 0.6),
            Bars(*ends(0.1, 0.9), at, BLUE, "central 80 % of them", 0.4, 0.8),
            Points(between_bounds(history, history.best), at, INK, "best", 4.5, "diamond"),
        ),
        height=22 * max(1, len(at)),
    )
    caption = (
        "Evaluations whose total score is no worse than that of the best by more than is chosen; beside, the central "
        "80 % of them. A parameter that is spread widely is not determined by the targets, on its own at least; one "
        "that is not may be, or the search has looked nowhere else: orchestrator posterior RUN tells them apart."
    )
    return Figure("good_solutions", title, caption, (panel,), (_within_choice(near),))


@figure(section="parameters", order=55, when=lambda history: len(history.parameters) > 1)
def good_pairs(run: Checkpoint | History) -> Figure:
    """Return which parameters go together among the evaluations that are as good as the best, or nearly.

    Choices: ``within`` (distances of the total score from the best), ``parameter``, ``other`` (any parameter).

    Parameters
    ----------
    run : Checkpoint or History
        The run.
    """
    history = History.of(run)
    title = "Pairs of parameters of good solutions"
    n = len(history.parameters)
    if history.best is None or n < 2:
        why = nothing_of(history) if history.best is None else "The run has only one parameter."
        return nothing("good_pairs", title, why)
    near = _distances(history)
    axis = Axis("", (-0.5, n - 0.5), rows=parameter_names(history), full=names(history))
    cells = tuple(_correlations(history, each.rows) for each in near)
    heat = Heat(Pick("within", cells), CORRELATION, "rank correlation", None, ("other", "parameter"))
    caption = (
        f"Spearman's rank correlation of every two parameters among the good ones, if these are at least {FEWEST}; "
        "empty where its 95 % interval contains 0. Two that are strongly correlated make up for each other: the "
        f"targets determine a combination of them. A click on a cell shows the pair. {history.points_shown}"
    )
    choices = (_within_choice(near), parameter_choice(history), Selector("other", "Other", names(history), 1))
    panels = (Panel(axis, axis, (heat,), height=max(120, 17 * n)), _pair(history, near))
    return Figure("good_pairs", title, caption.strip(), panels, choices)


def _pair(history: History, near: Sequence[_Near]) -> Panel:
    """Return the two parameters that are chosen, of the good ones and of the others."""
    shown = history.shown
    columns = [history.points[shown, n] for n in range(len(history.parameters))]
    good = [np.flatnonzero(np.isin(shown, each.rows)) for each in near]
    measured = np.flatnonzero(history.ok[shown])
    others = [np.setdiff1d(measured, rows) for rows in good]

    def points(rows: Sequence[IntArray], colour: str, label: str, size: float, opacity: float) -> Points:
        def of(key: str) -> Pick:
            return Pick("within", tuple(Pick(key, tuple(Taken(column, own) for column in columns)) for own in rows))

        return Points(
            of("parameter"), of("other"), colour, label, size, opacity=opacity, evaluations=Pick("within", tuple(rows))
        )

    def axis(key: str) -> Axis:
        def pick(of: Callable[[int], object]) -> Pick:
            return Pick(key, tuple(of(n) for n in range(len(columns))))

        scale = pick(lambda n: "log" if history.parameters[n].log else "linear")
        return Axis(pick(names(history).__getitem__), pick(lambda n: parameter_domain(history.parameters[n])), scale)

    x, y = (Pick(key, tuple(history.points[history.best][:, None])) for key in ("parameter", "other"))
    marks = (
        points(others, LIGHT_BLUE, "others", 2.2, 0.4),
        points(good, BLUE, "good ones", 3.2, 0.8),
        Points(x, y, INK, "best", 5, "diamond"),
    )
    return Panel(axis("parameter"), axis("other"), marks, height=300)


def _distances(history: History) -> list[_Near]:
    """Return the distances from the best that can be chosen, ascending, in round numbers."""
    ranked = history.ranked(len(history))
    beyond = history.total[ranked] - history.total[ranked[0]]
    wanted = [count for count in _COUNTS if count < len(ranked) / 2] + [(len(ranked) + 1) // 2]
    rounded = sorted({_rounded_up(float(beyond[count - 1])) for count in wanted})
    # rounding up must not leave out the last one that was wanted
    return [_Near(each, ranked[: np.searchsorted(beyond, each * (1 + 1e-12), side="right")]) for each in rounded]


def _rounded_up(number: float) -> float:
    """Return 1, 2 or 5 times a power of ten that is not less, or 0."""
    if number <= 0:
        return 0.0
    power = floor(log10(number))
    # by way of its digits, which is the nearest number to it
    return next(found for step in (1, 2, 5, 10) if (found := float(f"{step}e{power}")) >= number * (1 - 1e-12))


def _within_choice(near: Sequence[_Near]) -> Selector:
    enough = [n for n, each in enumerate(near) if len(each.rows) >= _FIRST]
    return Selector("within", "Good is", tuple(each.label for each in near), enough[0] if enough else len(near) - 1)


def _in_units(history: History, near: _Near) -> tuple[str, ...]:
    """Return the central 80 % of each parameter in its own unit."""
    pairs = np.quantile(history.points[near.rows], [0.1, 0.9], axis=0, method="nearest").T
    return tuple(f"{low:.3g} … {high:.3g}" for low, high in pairs)


def _correlations(history: History, rows: IntArray) -> FloatArray:
    """Return the rank correlations of all pairs, NaN of those that may be chance, and of a parameter with itself."""
    found = rank_correlation(history.points[rows], history.points[rows])
    low, high = rank_correlation_interval(found, max(len(rows), FEWEST))
    found[(low <= 0) & (high >= 0)] = np.nan
    np.fill_diagonal(found, np.nan)  # always 1, which would outshine the rest
    return found
