"""Figures of the report by name: the ``@figure`` decorator, and which of them a run's page shows in which order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import TypeVar

from orchestrator.checkpoint import Checkpoint
from orchestrator.report.history import History
from orchestrator.report.scene import Figure
from targets.plugins import PluginError, Registry, decorated

Draw = TypeVar("Draw", bound=Callable[..., Figure])

# sections of the page with figures, in their order, and their headings; the first needs none
SECTIONS = {
    "scores": "",
    "recordings": "Recordings",
    "targets": "Targets",
    "parameters": "Parameters",
    "posterior": "Posterior",
    "search": "Search",
}
SECTIONS |= {"model": "Model of the values", "simulations": "Simulations", "more": "More"}
_NAVIGATION = {"scores": "Score", "model": "Model"}


@dataclass(frozen=True)
class FigureKind:
    """A registered figure.

    Parameters
    ----------
    name : str
        What identifies it on the page; that of the figure which is drawn.
    draw : callable
        Returns the figure of a run.
    section : str
        Section of the page, one of `SECTIONS`.
    order : int
        Place in its section; figures of smaller numbers come first.
    needs : sequence of str
        Arrays of the optimiser's state without which there is nothing to see.
    half : bool
        Whether it takes half of the page's width.
    when : callable
        Takes a `History` and returns whether there is something to see.
    """

    name: str
    draw: Callable[[Checkpoint | History], Figure]
    section: str
    order: int
    needs: Sequence[str]
    half: bool
    when: Callable[[History], bool]


@dataclass(frozen=True)
class PageSection:
    """A section of the page with its figures.

    Parameters
    ----------
    id, title, link : str
        Anchor, heading (empty for none), and word of the navigation.
    figures : sequence of FigureKind
        In their order, at least one.
    """

    id: str
    title: str
    link: str
    figures: Sequence[FigureKind]

    @property
    def rows(self) -> list[tuple[bool, list[FigureKind]]]:
        """Figures below each other, and those of half the width that follow each other side by side (True)."""
        return [(half, list(kinds)) for half, kinds in groupby(self.figures, key=lambda kind: kind.half)]


def _always(_: History) -> bool:
    return True


def figure(
    *,
    section: str = "more",
    order: int = 100,
    needs: Sequence[str] = (),
    half: bool = False,
    when: Callable[[History], bool] = _always,
) -> Callable[[Draw], Draw]:
    """Register the decorated function, which takes a run and returns a `Figure` of the function's name.

    Parameters
    ----------
    section : str
        Section of the page, one of `SECTIONS`.
    order : int
        Place in its section; figures of smaller numbers come first.
    needs : sequence of str
        Arrays of the optimiser's state without which there is nothing to see.
    half : bool
        Whether it takes half of the page's width; two that follow each other are side by side.
    when : callable
        Takes a `History` and returns whether there is something to see, beside what is needed.

    Raises
    ------
    targets.plugins.PluginError
        If there is no such section, or another figure has that name already.
    """
    if section not in SECTIONS:
        raise PluginError(f"there is no section {section!r} of the report; known: {', '.join(SECTIONS)}")

    def register(draw: Draw) -> Draw:
        name = draw.__name__
        kind = FigureKind(name, draw, section, order, tuple(needs), half, when)
        draw.plugin = kind  # type: ignore[attr-defined]
        known_figures().add(name, kind, draw)
        return draw

    return register


def sections_of(history: History) -> list[PageSection]:
    """Return what a run's page shows: each section that has figures of what is there."""
    known = known_figures().known().values()
    drawn = [kind for kind in known if set(kind.needs) <= set(history.distribution) and kind.when(history)]
    found = []
    for name, title in SECTIONS.items():
        own = sorted((kind for kind in drawn if kind.section == name), key=lambda kind: (kind.order, kind.name))
        if own:
            found.append(PageSection(name, title, _NAVIGATION.get(name, title), own))
    return found


@cache
def known_figures() -> Registry[FigureKind]:
    """Return the registry of figures."""
    return Registry(
        "figure",
        package="orchestrator.report.figures",
        group="orchestrator.figures",
        adopt=decorated(FigureKind, "figure", what="function"),
    )
