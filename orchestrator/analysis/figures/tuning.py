"""Tuning to orientation and size."""

from __future__ import annotations

import math
import warnings

import numpy as np

from orchestrator.analysis.figures.common import LEAST_EXPLAINED, distribution, look, missing, number
from orchestrator.analysis.opened import Inspected, defined
from orchestrator.records import FloatArray
from orchestrator.report.domains import from_zero
from orchestrator.report.palette import BLUE, GREY, MUTED
from orchestrator.report.scene import Axis, Band, Figure, Line, Mark, Panel, Points, Rule
from targets import Datastore, DatastoreError, NoValue, OrientationTuningPreferenceTarget, SizeTuning
from targets.sheet_target import rates_by_cell
from targets.tuning import OrientationResponses, all_orientation_responses, size_responses


def orientation_tuning(data: Inspected, sheet: str) -> Figure:
    """Return the mean tuning curve of a sheet's cells at every contrast, and the distribution of their half widths.

    Parameters
    ----------
    data : Inspected
        The datastore.
    sheet : str
        One of its sheets.
    """
    title = f"Orientation tuning of {sheet}"
    if data.store is None or data.problem:
        return missing("orientation_tuning", title, [data.problem])
    try:
        responses = all_orientation_responses(data.store, sheet)
    except (NoValue, DatastoreError) as reason:
        return missing("orientation_tuning", title, [f"{sheet}: {reason}"])
    marks: list[Mark] = []
    tops: list[FloatArray] = []
    spontaneous = _spontaneous(data.store, sheet, np.isfinite(responses[0].preferred))
    if math.isfinite(spontaneous):
        marks.append(Rule("y", spontaneous, MUTED, f"spontaneous: {number(spontaneous, 'Hz')}"))
        tops.append(np.array([spontaneous]))
    for n, each in enumerate(responses):
        offsets, mean, error, cells = _curve(each)
        ratio = _ratio(data.store, sheet, each.contrast)
        label = f"contrast {each.contrast:g} %: {cells:,} cells{ratio}"
        marks += [
            Band(offsets, mean - error, mean + error, look(n), "", 0.2), Line(offsets, mean, look(n), label, 1.8),
            Points(offsets, mean, look(n), "", 3),
        ]  # fmt: skip
        tops.append((mean + error)[np.isfinite(mean)])
    curves = Panel(
        Axis("orientation of the grating from the cell's preferred one (°)", (-90.0, 90.0)),
        Axis("rate (Hz)", from_zero(*tops)), tuple(marks), "mean over the cells, with its standard error", 270,
    )  # fmt: skip
    widths, note = _widths(responses)
    n = len(responses[0].orientations)
    caption = (
        f"Full-field gratings of {n} orientations; bins of {180 / n:.3g}°. The preferred orientation is the one that "
        f"the model annotates the cell with. {note}"
    )
    return Figure("orientation_tuning", title, caption.strip(), (curves, widths) if widths else (curves,))


def size_tuning(data: Inspected, sheet: str, contrast: float = 100.0) -> Figure:
    """Return the mean response of a sheet's cells to gratings of all sizes, and the distribution of their suppression.

    Parameters
    ----------
    data : Inspected
        The datastore.
    sheet : str
        One of its sheets.
    contrast : float
        Of the gratings, in %.
    """
    title = f"Size tuning of {sheet}, contrast {contrast:g} %"
    target = defined(SizeTuning, sheet, contrast=contrast)
    if data.store is None or data.problem:
        return missing("size_tuning", title, [data.problem])
    try:
        responses = size_responses(data.store, target)
    except (NoValue, DatastoreError) as reason:
        return missing("size_tuning", title, [f"{sheet}: {reason}"])
    cells = responses.rates.shape[1]
    mean, error = responses.rates.mean(axis=1), responses.rates.std(axis=1) / math.sqrt(cells)
    disks = np.isfinite(responses.radii)
    reach = float(responses.radii[disks].max())
    at = np.where(disks, responses.radii, 1.25 * reach)
    marks: list[Mark] = [
        Band(at[disks], (mean - error)[disks], (mean + error)[disks], BLUE, "", 0.2),
        Line(at, mean, GREY, "", 0.8, dashed=True),
        Line(at[disks], mean[disks], BLUE, "", 1.8),
        Points(at[disks], mean[disks], BLUE, f"disks ({cells:,} cells)", 4),
    ]
    if not disks.all():
        marks.append(Points(at[~disks], mean[~disks], look(1), "full field", 5, "diamond"))
    curve = Panel(
        Axis("radius of the disk (°)", (0.0, 1.32 * reach)), Axis("rate (Hz)", from_zero(mean + error)), tuple(marks),
        "mean over the cells, with its standard error", 270,
    )  # fmt: skip
    panels: tuple[Panel, ...] = (curve,)
    try:
        index = responses.suppression()
        known = index[np.isfinite(index)]
        if len(known):
            panels = (curve, distribution(known, "suppression index (largest minus full size) / largest", (0.0, 1.0)))
        note = f"{len(index) - len(known)} cells do not respond. " if len(index) > len(known) else ""
    except NoValue as reason:
        note = f"{reason}. "
    try:
        share = f"By the target's definition, {target.measured(data.store):.0%} of the cells are suppressed."
    except (NoValue, DatastoreError) as reason:
        share = f"The target has no value: {reason}."
    caption = (
        f"Cells that prefer {math.degrees(target.orientation):.3g}° within {target.tolerance:g} rad and lie within "
        f"{target.radius:g}° of the centre. {note}{share}"
    )
    return Figure("size_tuning", title, caption, panels)


def _curve(responses: OrientationResponses) -> tuple[FloatArray, FloatArray, FloatArray, int]:
    """Return offsets in degrees, mean and standard error in Hz, and how many cells; both ends are the orthogonal."""
    offsets, rates = responses.aligned()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the mean of nothing is NaN, as wanted
        mean = np.nanmean(rates, axis=1)
        error = np.nanstd(rates, axis=1) / np.sqrt(np.isfinite(rates).sum(axis=1))
    degrees, around = np.degrees(offsets), np.arange(len(offsets))
    if len(offsets) % 2 == 0:  # the first one is -90 degrees, which is also 90
        degrees, around = np.append(degrees, 90.0), np.append(around, 0)
    return degrees, mean[around], error[around], int(np.isfinite(rates).any(axis=0).sum())


def _widths(responses: list[OrientationResponses]) -> tuple[Panel | None, str]:
    """Return the panel of half widths at the highest contrast at which some are known, and how they come about."""
    strongest = responses[-1]
    try:
        widths, explained = strongest.widths()
    except NoValue as reason:
        return None, f"Half widths: {reason}."
    fitted = np.isfinite(widths)
    good = fitted & (explained >= LEAST_EXPLAINED)
    note = (
        f"Half width at half height (HWHH) of a Gaussian, at least half the distance of two gratings, for narrower "
        f"tuning cannot be told; contrast {strongest.contrast:g} %, of the "
        f"{int(good.sum()):,} of {int(fitted.sum()):,} cells of whose responses it explains {LEAST_EXPLAINED:.0%} "
        "of the variance or more."
    )
    if not good.any():
        return None, note
    return distribution(np.degrees(widths[good]), "half width at half height (°)", (0.0, 75.0)), note


def _spontaneous(store: Datastore, sheet: str, cells: FloatArray) -> float:
    try:
        segments = store.spontaneous(sheet)
        rates = rates_by_cell(store, sheet, segments)[cells] if segments else np.zeros(0)
    except DatastoreError:
        return math.nan
    known = rates[np.isfinite(rates)]
    return float(known.mean()) if len(known) else math.nan


def _ratio(store: Datastore, sheet: str, contrast: float) -> str:
    """Return the target's value for the legend, nothing if there is none."""
    try:
        target = defined(OrientationTuningPreferenceTarget, sheet, contrast=contrast)
        return f", preferred / orthogonal {number(target.measured(store))}"
    except (NoValue, DatastoreError):
        return ""
