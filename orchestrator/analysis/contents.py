"""What is in a datastore: presentations, cells, spikes, signals and files, as tables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from orchestrator.analysis.finding import FoundSimulation
from orchestrator.analysis.opened import Inspected
from orchestrator.analysis.rows import table_of
from targets import Datastore, DatastoreError, Segment

_MB = 1024**2
_ANGLES = {"orientation"}
_UNITS = {"contrast": "%", "orientation": "°", "radius": "°", "duration": "ms"}
# of a stimulus, in this order where stimuli differ in them
_TELLING = ("contrast", "orientation", "radius", "spatial_frequency", "temporal_frequency", "duration")


def found_table(
    simulations: Sequence[FoundSimulation], outcomes: Mapping[tuple[int, int], str] | None = None
) -> pd.DataFrame:
    """Return one row per simulation: whether it saved a datastore, and how large it is.

    Parameters
    ----------
    simulations : sequence of FoundSimulation
        As `find_simulations` returns them.
    outcomes : mapping of (generation, offspring) to str, optional
        Of the run, where they belong to one.

    Returns
    -------
    pandas.DataFrame
        Columns ``datastore``, ``saved``, ``outcome``, ``size (MB)``, ``largest file (MB)``, ``files``, ``directory``.
    """
    rows = []
    for each in simulations:
        sizes = [size for _, size in _files(each.path)]
        place = (each.generation, each.offspring)
        rows.append(
            {
                "datastore": each.name,
                "saved": "yes" if each.saved else "no",
                "outcome": (outcomes or {}).get(place, "in flight" if each.generation is not None else ""),  # type: ignore[arg-type]
                "size (MB)": sum(sizes) / _MB,
                "largest file (MB)": max(sizes, default=0) / _MB,
                "files": len(sizes),
                "directory": str(each.path),
            }
        )
    columns = ["datastore", "saved", "outcome", "size (MB)", "largest file (MB)", "files", "directory"]
    return table_of(rows, columns)


def unsaved_table(simulations: Sequence[FoundSimulation]) -> pd.DataFrame:
    """Return one row per simulation that saved no datastore: its name, and ``last words``, the end of its output."""
    rows = [{"datastore": each.name, "last words": each.last_words} for each in simulations if not each.saved]
    return table_of(rows, ["datastore", "last words"])


def presentations_table(data: Inspected) -> pd.DataFrame:
    """Return one row per sheet and stimulus, in the order of presentation; every segment is read, one after the other.

    Returns
    -------
    pandas.DataFrame
        Columns ``sheet``, ``stimulus`` (with the parameters in which stimuli differ), ``trials``, ``duration (ms)``,
        ``cells`` with recorded spikes, ``spikes`` and ``rate (Hz)`` over all trials, ``signals`` (with their cells),
        ``size (MB)`` on disk, ``problem`` (what can't be read).
    """
    rows: list[dict[str, Any]] = []
    if data.store is not None:
        differing = _differing(data.store.segments())
        for sheet in data.sheets:
            for trials in data.store.by_stimulus(data.store.segments(sheet)):
                rows.append({"sheet": sheet, **_presentation(data.store, trials, differing)})
    columns = [
        "sheet", "stimulus", "trials", "duration (ms)", "cells", "spikes", "rate (Hz)", "signals", "size (MB)",
        "problem",
    ]  # fmt: skip
    return table_of(rows, columns)


def sheets_table(data: Inspected) -> pd.DataFrame:
    """Return one row per sheet: its neurons, and what is known of them.

    Returns
    -------
    pandas.DataFrame
        Columns ``sheet``, ``neurons``, ``positions`` (extent in degrees), ``preferred orientations`` (how many have
        one), ``problem``.
    """
    rows = []
    for name in data.sheets if data.store is not None else ():
        row: dict[str, Any] = {"sheet": name, "neurons": 0, "positions": "", "preferred orientations": 0, "problem": ""}
        try:
            sheet = data.store.sheet(name)  # type: ignore[union-attr]
            row["neurons"] = sheet.ids.size
            if sheet.positions is not None and sheet.ids.size:
                width, height = np.ptp(sheet.positions[:2], axis=1)
                row["positions"] = f"{width:.3g}° x {height:.3g}°"
            if sheet.orientations is not None:
                row["preferred orientations"] = int(np.isfinite(sheet.orientations).sum())
        except DatastoreError as error:
            row["problem"] = str(error)
        rows.append(row)
    return table_of(rows, ["sheet", "neurons", "positions", "preferred orientations", "problem"])


def files_table(simulation: FoundSimulation, largest: int = 12) -> pd.DataFrame:
    """Return the largest files of a simulation's directory, the largest first: columns ``file``, ``size (MB)``."""
    files = sorted(_files(simulation.path), key=lambda each: -each[1])[:largest]
    rows = [{"file": str(path.relative_to(simulation.path)), "size (MB)": size / _MB} for path, size in files]
    return table_of(rows, ["file", "size (MB)"])


def stimulus_text(stimulus: Mapping[str, Any], parameters: Sequence[str] = _TELLING) -> str:
    """Return what people call a stimulus: ``FullfieldDriftingSinusoidalGrating, contrast 100 %, orientation 90°``."""
    parts = [str(stimulus.get("name", "stimulus without a name"))]
    direct = stimulus.get("direct_stimulation_name")
    if direct not in {None, "None"}:
        parts.append(str(direct))
    for name in parameters:
        value = stimulus.get(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            number = math.degrees(value) if name in _ANGLES else value
            unit = _UNITS.get(name, "")
            parts.append(f"{name} {number:.4g}{'' if unit == '°' or not unit else ' '}{unit}")
    return ", ".join(parts)


def _differing(segments: Sequence[Segment]) -> list[str]:
    """Return the telling parameters in which stimuli of one class differ."""
    seen: dict[tuple[object, str], set[str]] = {}
    for each in segments:
        for name in _TELLING:
            if name in each.stimulus:
                seen.setdefault((each.stimulus.get("name"), name), set()).add(repr(each.stimulus[name]))
    differing = {name for (_, name), values in seen.items() if len(values) > 1}
    return [name for name in _TELLING if name in differing or name in {"contrast", "orientation", "radius"}]


def _presentation(store: Datastore, trials: Sequence[Segment], differing: Sequence[str]) -> dict[str, Any]:
    first = trials[0]
    row: dict[str, Any] = {"stimulus": stimulus_text(first.stimulus, differing), "trials": len(trials)}
    cells: set[int] = set()
    spikes, seconds, size, durations = 0, 0.0, 0, []
    signals: dict[str, int] = {}
    problems = [first.problem] if first.problem else []
    for each in trials:
        try:
            size += store.segment_file(each).stat().st_size
            signals |= {signal.name: signal.n_cells for signal in each.signals()}
            trains = each.spikes()
        except DatastoreError as error:
            problems.append(str(error))
            continue
        cells.update(trains.ids.tolist())
        spikes += trains.times.size
        durations.append(trains.duration)
        seconds += len(trains) * trains.duration / 1000
    return row | {
        "duration (ms)": float(np.mean(durations)) if durations else math.nan,
        "cells": len(cells),
        "spikes": spikes,
        "rate (Hz)": spikes / seconds if seconds else math.nan,
        "signals": ", ".join(f"{name} ({number})" for name, number in sorted(signals.items())),
        "size (MB)": size / _MB,
        "problem": "; ".join(dict.fromkeys(problems)),
    }


def _files(path: Path) -> list[tuple[Path, int]]:
    files = [each for each in path.rglob("*") if each.is_file() and not each.is_symlink()]
    return [(each, each.stat().st_size) for each in files]
