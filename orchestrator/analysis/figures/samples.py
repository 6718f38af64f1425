"""Values of single cells during spontaneous activity, and the value that a target's definition gives for the sheet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from orchestrator.analysis.figures.common import evenly
from orchestrator.analysis.opened import defined
from orchestrator.records import FloatArray
from targets import Datastore, IrregularityTarget, NoValue, SpontActivityTarget, SynchronyTarget
from targets.sheet_target import rates_by_cell

_MOST_TRAINS = 400


@dataclass(frozen=True, eq=False)
class Sample:
    """What a distribution is made of.

    Parameters
    ----------
    values : ndarray, (n,)
        One a cell, or a pair of cells.
    value : float
        What the target's definition gives for the sheet.
    of : str
        What the values are of, such as ``1,600 cells``.
    note : str
        What is left out.
    step : float
        Between two possible values, 0 where they are continuous.
    """

    values: FloatArray
    value: float
    of: str
    note: str = ""
    step: float = 0.0


def rates_sample(store: Datastore, sheet: str) -> Sample:
    """Return the rates of the cells during spontaneous activity, averaged over trials, in Hz."""
    target = defined(SpontActivityTarget, sheet)
    trials = target.spontaneous(store)
    by_cell = rates_by_cell(store, sheet, trials)
    known = by_cell[np.isfinite(by_cell)]
    silent = int((known == 0).sum())
    note = f"{sheet}: {silent:,} of {len(known):,} cells are silent." if silent else ""
    step = 1000 / trials[0].spikes().duration / len(trials)  # one spike in one trial
    return Sample(known, target.measured(store), f"{len(known):,} cells", note, step)


def irregularity_sample(store: Datastore, sheet: str) -> Sample:
    """Return the coefficients of variation of the inter-spike intervals, of every trial."""
    target = defined(IrregularityTarget, sheet)
    value = target.measured(store)
    parts, recorded = [], 0
    for segment in target.spontaneous(store):
        recorded += len(segment.spikes())
        try:
            parts.append(target.coefficients(segment))
        except NoValue:
            continue  # a trial without: the target leaves it out too
    values = np.concatenate(parts)
    few = recorded - len(values)
    note = f"{sheet}: {few:,} of {recorded:,} trains have {target.min_intervals} intervals or fewer." if few else ""
    return Sample(values, value, f"{len(values):,} trains", note)


def correlations_sample(store: Datastore, sheet: str) -> Sample:
    """Return the pairwise correlations of spike counts during spontaneous activity, of every trial."""
    target = defined(SynchronyTarget, sheet)
    value = target.measured(store)
    parts, note, cells = [], "", 0
    for segment in target.spontaneous(store):
        try:
            trains = target.central_trains(store, segment)
        except NoValue:
            continue  # a trial without: the target leaves it out too
        cells = max(cells, len(trains))
        if len(trains) > _MOST_TRAINS:
            note = f"{sheet}: the pairs of {_MOST_TRAINS} of {len(trains):,} cells are drawn."
            trains = evenly(trains, _MOST_TRAINS)
        parts.append(trains.correlations(target.bin_of(trains)))
    return Sample(np.concatenate(parts), value, f"{cells:,} cells", note)
