"""Of which evaluations figures show what is kept, and which targets want something of the same quantity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from orchestrator.report.described import Wanted
from orchestrator.report.figures.common import NOTHING_YET
from orchestrator.report.history import History
from orchestrator.report.palette import BLUE, GREY, LIGHT_BLUE
from targets.digest import SPONTANEOUS_RATES, sheet_and_quantity
from targets.recordings import Recordings
from targets.registry import known_targets
from targets.spontaneous import SpontaneousRate

# other good evaluations that are drawn
_OTHERS = 3
_NOTHING = "No traces or events are kept of any evaluation."


@dataclass(frozen=True)
class Shown:
    """One evaluation that is drawn.

    Parameters
    ----------
    label, colour : str
        Of its marks.
    width : float
        Of its lines in CSS pixels.
    kind : str
        ``best``, ``start`` or ``other``.
    recordings : Recordings
        What is kept of it.
    """

    label: str
    colour: str
    width: float
    kind: Literal["best", "start", "other"]
    recordings: Recordings


def shown_of(history: History) -> list[Shown]:
    """Return the best, the start values, and the best others of which recordings are kept."""
    rows = {key: n for n, key in enumerate(zip(history.generation.tolist(), history.offspring.tolist(), strict=True))}
    kept = sorted((key for key in history.recordings if key in rows), key=lambda key: history.standing[rows[key]])
    found: list[Shown] = []
    others = 0
    for key in kept:
        row, place = rows[key], f"generation {key[0]} offspring {key[1]}"
        recordings = history.recordings[key]
        if row == history.best:
            found.append(Shown(f"best: {place}", BLUE, 2.0, "best", recordings))
        elif row == history.start:
            found.append(Shown(f"start values: {place}", GREY, 1.4, "start", recordings))
        elif others < _OTHERS:
            others += 1
            found.append(Shown(place, LIGHT_BLUE, 0.9, "other", recordings))
    return found


def why_none_shown(history: History) -> str:
    """Return why nothing that is kept can be shown."""
    return _NOTHING if len(history) else NOTHING_YET


def wanted_of(history: History, name: str) -> list[Wanted]:
    """Return the targets of the quantity that a trace or a number of a digest is called after."""
    sheet, quantity = sheet_and_quantity(name)
    if quantity not in SPONTANEOUS_RATES:
        return []
    known = known_targets()
    return [
        each
        for each in history.targets
        if each.sheet == sheet and issubclass(known.get(each.class_name, object), SpontaneousRate)
    ]
