"""How much disk the recordings of one simulation take, estimated from the sheets and their recorders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestrator.simulations.base import RecordingSize
from orchestrator.simulations.mozaik.sheets import SheetDescription, sheets_of

# measured on datastores of the balanced network and the visual model: a pickled train without its spikes, a neuron's
# share of the annotations; and the rate (Hz) of a network that is somewhat more active than it should be
_BYTES_PER_TRAIN = 550.0
_ASSUMED_RATE = 10.0
_BYTES_PER_NUMBER = 8.0


def recorded_by(tree: Mapping[str, Any]) -> RecordingSize | None:
    """Return an estimate of the size of what all sheets record; None if a sheet's recorders are not known."""
    sheets = list(sheets_of(tree).values())
    trains, signals, per_second = 0, 0, 0.0
    for sheet in sheets:
        if sheet.recorders is None:
            return None
        cells = _cells_by_variable(sheet)
        if None in cells.values():
            return None
        for variable, number in cells.items():
            if variable == "spikes":
                trains += number or 0
            else:
                signals += number or 0
                per_second += (number or 0) * 1000.0 / sheet.interval * _BYTES_PER_NUMBER
    if not sheets or not (trains or signals):
        return None
    per_second += trains * _ASSUMED_RATE * _BYTES_PER_NUMBER
    made_of = f"spikes of {trains:,} neurons at {_ASSUMED_RATE:g} Hz and {signals:,} signals"
    return RecordingSize(trains * _BYTES_PER_TRAIN, per_second, made_of)


def _cells_by_variable(sheet: SheetDescription) -> dict[str, int | None]:
    """Return of how many neurons each variable is recorded, at most; None if that is not known."""
    cells: dict[str, int | None] = {}
    for variable in sheet.variables:
        numbers = [each.cells for each in sheet.recorders_of(variable)]
        known = [number for number in numbers if number is not None]
        total = sum(known)
        cells[variable] = None if len(known) < len(numbers) else min(total, sheet.neurons or total)
    return cells
