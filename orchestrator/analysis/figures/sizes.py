"""Size tuning of single cells: curves fitted to their responses, and suppression by surrounds."""

from __future__ import annotations

import math

import numpy as np

from orchestrator.analysis.figures.common import LEAST_EXPLAINED, distribution, missing, number, sentences, some_of
from orchestrator.analysis.opened import Inspected, defined
from orchestrator.analysis.size_fits import SizeFits, fit_sizes
from orchestrator.records import FloatArray
from orchestrator.report.domains import from_zero
from orchestrator.report.palette import BLUE, INK
from orchestrator.report.scene import Axis, Figure, Line, Panel, Points
from targets import DatastoreError, NoValue, SizeTuning
from targets.tuning import SizeResponses, size_responses

_COLUMNS = 4
_MOST_CELLS = 200
_DEFINITIONS = (
    "Suppression: the largest response minus the least to a larger disk, over the largest; counter-suppression: the "
    "largest one to a still larger disk minus that least one, over the largest; all of the curve, from the smallest "
    "disk on"
)


def size_fits(data: Inspected, sheet: str, contrast: float = 100.0, cells: int = 12) -> Figure:
    """Return the responses of some cells to disks of all sizes, and the curves fitted to them.

    Parameters
    ----------
    data : Inspected
        The datastore.
    sheet : str
        One of its sheets.
    contrast : float
        Of the gratings, in %.
    cells : int
        How many at most, evenly chosen from the weakest to the strongest.

    Raises
    ------
    orchestrator.errors.UsageError
        If no cells are wanted.
    """
    name, title = "size_fits", f"Size tuning of cells of {sheet}, contrast {contrast:g} %"
    found = _responses(data, sheet, contrast)
    if isinstance(found, str):
        return missing(name, title, [found])
    responses, where = found
    rates = responses.rates[np.isfinite(responses.radii)]
    tuned = np.flatnonzero(np.ptp(rates, axis=0) > 0)
    ranked = tuned[np.argsort(rates.max(axis=0)[tuned], kind="stable")]
    chosen = ranked[some_of(len(ranked), cells)]
    try:
        fits = fit_sizes(responses.of(chosen))
    except NoValue as reason:
        return missing(name, title, [f"{sheet}: {reason}"])
    if not len(chosen):
        return missing(name, title, [f"{sheet}: no cell responds to some disks more than to others"])
    curves = fits.curves()
    index, counter = fits.indices()
    across = Axis("radius of the disk (°)", (0.0, 1.04 * float(fits.radii[-1])))
    panels = []
    for n in range(len(chosen)):
        marks = (
            Line(fits.fine, curves[:, n], BLUE, "fit", 1.6),
            Points(fits.radii, fits.rates[:, n], INK, "a disk", 3),
        )
        words = f"{fits.explained[n]:.0%} explained, SI {index[n]:.2f}"
        words += f", CSI {counter[n]:.2f}" if fits.three else ""
        height = from_zero(fits.rates[:, n], curves[:, n])
        panels.append(Panel(across, Axis("rate (Hz)", height), marks, words, 120))
    caption = (
        f"{len(chosen)} of {responses.rates.shape[1]:,} cells, evenly chosen from the weakest to the strongest "
        f"response; {where}. {_gaussians(fits)}. SI, CSI: suppression and counter-suppression index"
    )
    return Figure(name, title, sentences(caption), tuple(panels), columns=_COLUMNS)


def suppression(data: Inspected, sheet: str, contrast: float = 100.0) -> Figure:
    """Return the distributions of suppression and counter-suppression index of a sheet's cells, and one over the other.

    They are those of the fitted curves, see `orchestrator.analysis.suppression_indices`.

    Parameters
    ----------
    data : Inspected
        The datastore.
    sheet : str
        One of its sheets.
    contrast : float
        Of the gratings, in %.
    """
    name, title = "suppression", f"Suppression by surrounds in {sheet}, contrast {contrast:g} %"
    found = _responses(data, sheet, contrast)
    if isinstance(found, str):
        return missing(name, title, [found])
    responses, where = found
    chosen = some_of(responses.rates.shape[1], _MOST_CELLS)
    try:
        fits = fit_sizes(responses.of(chosen))
    except NoValue as reason:
        return missing(name, title, [f"{sheet}: {reason}"])
    both = np.array(fits.indices())
    good = np.isfinite(both).all(axis=0) & (fits.explained >= LEAST_EXPLAINED)
    counted = (
        f"{int(good.sum()):,} of {len(chosen):,} fitted cells, those of whose responses the curve explains "
        f"{LEAST_EXPLAINED:.0%} or more; {where}. {_gaussians(fits)}"
    )
    if not good.any():
        return missing(name, title, [f"{sheet}: {counted}."])
    index, counter = both[:, good]
    unit = (0.0, 1.0)
    panels = [distribution(index, "suppression index", unit)]
    summary = f"Suppression index: {_summary(index)}"
    if fits.three:
        panels += _counter_suppression(index, counter)
        summary += f"; counter-suppression index: {_summary(counter)}"
    return Figure(name, title, sentences(counted, _DEFINITIONS, summary), tuple(panels))


def _responses(data: Inspected, sheet: str, contrast: float) -> tuple[SizeResponses, str] | str:
    """Return the responses of a sheet's cells and which cells they are, or why there are none."""
    if data.store is None or data.problem:
        return data.problem
    target = defined(SizeTuning, sheet, contrast=contrast)
    try:
        responses = size_responses(data.store, target)
    except (NoValue, DatastoreError) as reason:
        return f"{sheet}: {reason}"
    preferred = math.degrees(target.orientation)
    return responses, (
        f"cells that prefer {preferred:.3g}° within {target.tolerance:g} rad, within {target.radius:g}° of the centre"
    )


def _counter_suppression(index: FloatArray, counter: FloatArray) -> list[Panel]:
    reach = (0.0, max(0.2, 1.05 * float(counter.max())))
    axes = Axis("suppression index", (0.0, 1.0)), Axis("counter-suppression index", reach)
    return [
        distribution(counter, "counter-suppression index", reach),
        Panel(*axes, (Points(index, counter, INK, "a cell", 3, opacity=0.5),), "every cell", 270),
    ]


def _gaussians(fits: SizeFits) -> str:
    if fits.three:
        return "Difference of the integrals of two Gaussians, and a third one that facilitates"
    return f"Difference of the integrals of two Gaussians: {len(fits.radii)} disks are too few for counter-suppression"


def _summary(values: FloatArray) -> str:
    first, median, third = (float(np.quantile(values, at)) for at in (0.25, 0.5, 0.75))
    return f"median {number(median)}, quartiles {number(first)} to {number(third)}"
