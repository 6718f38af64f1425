"""Whether a posterior is to be believed: what is predicted at its samples beside the data, and ranks of known ones."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from orchestrator.checkpoint import Checkpoint
from orchestrator.posterior.predicted import Predicted
from orchestrator.posterior.ranks import GRID, Ranks, Uniformity
from orchestrator.records import FloatArray
from orchestrator.report.described import Wanted
from orchestrator.report.domains import around
from orchestrator.report.figures.common import (
    NOTHING_YET,
    height_of_rows,
    labels,
    nothing,
    parameter_names,
    target_rows,
    with_unit,
)
from orchestrator.report.figures.registry import figure
from orchestrator.report.figures.targets import ROW
from orchestrator.report.history import History
from orchestrator.report.palette import AMBER, BLUE, GOOD, INK, LIGHT_BLUE, MUTED
from orchestrator.report.scene import Axis, Band, Bars, Figure, Line, Panel, Pick, Points, Rule, Selector

# norms that the axis of predictions reaches at least and at most
_NEAR, _FAR = 3.0, 12.0
_DRAWN = "orchestrator posterior RUN draws samples of it."


def _predicted(history: History) -> Predicted | None:
    """Return the predictions, None if there are none, or they are of other targets."""
    found = history.posterior.predicted if history.posterior is not None else None
    return found if found is not None and tuple(found.targets) == labels(history) else None


def _calibration(history: History) -> Ranks | None:
    return history.posterior.calibration if history.posterior is not None else None


@figure(section="posterior", order=30, when=lambda history: _predicted(history) is not None)
def posterior_predictive(run: Checkpoint | History) -> Figure:
    """Return the values that the model of the posterior expects at its samples, beside what is wanted and the best.

    Parameters
    ----------
    run : Checkpoint or History
        The run.
    """
    history, title = History.of(run), "Values that the posterior predicts"
    predicted = _predicted(history)
    if predicted is None:
        return nothing("posterior_predictive", title, _DRAWN if len(history) else NOTHING_YET)
    at = np.arange(len(history.targets), dtype=float)
    edges, rows = (
        np.array([_in_norms(each, numbers) for each, numbers in zip(history.targets, of_targets, strict=True)]).T
        for of_targets in ([(each.low, each.high) for each in history.targets], predicted.quantiles.T)
    )
    best = _best(history)
    finite = np.abs(np.concatenate([rows.ravel(), edges.ravel()]))
    reach = float(np.clip(finite[np.isfinite(finite)].max(initial=0.0) * 1.15, _NEAR, _FAR))
    low, high = (np.clip(each, -reach, reach) for each in edges)
    axis = target_rows(history, tuple(map(_note, history.targets, predicted.quantiles.T)))
    panel = Panel(
        Axis("distance from the middle of what is wanted, in norms", (-reach, reach)),
        axis,
        (
            Bars(np.maximum(low - 1, -reach), np.minimum(high + 1, reach), at, GOOD, "within 1 norm", 0.8, 0.12),
            Bars(low, high, at, GOOD, "wanted", 0.8, 0.2),
            Rule("x", 0.0, MUTED, dashed=False),
            Bars(rows[0], rows[4], at, LIGHT_BLUE, "95 % of predictions", 0.3, 0.7),
            Bars(rows[1], rows[3], at, BLUE, "68 % of predictions", 0.3, 0.8),
            Points(rows[2], at, INK, "their median", 3, "dot"),
            Points(best, at, AMBER, "best evaluation", 5, "diamond"),
        ),
        height=height_of_rows(axis, ROW),
    )  # fmt: skip
    caption = (
        "What simulations would give at samples of the posterior, as its model expects, without noise between seeds. "
        "Beside: median, ends of 95 % of the predictions, what is wanted. If they miss it, no parameters that the "
        "model knows give the data. What reaches an edge of the axis may lie beyond."
    )
    return Figure("posterior_predictive", title, caption, (panel,))


@figure(section="posterior", order=40, when=lambda history: bool(getattr(_predicted(history), "traces", ())))
def posterior_traces(run: Checkpoint | History) -> Figure:
    """Return a trace that the model of the posterior expects at its samples, over the data and the best evaluation's.

    Choices: ``compared`` (the target that compares it).

    Parameters
    ----------
    run : Checkpoint or History
        The run.
    """
    history, title = History.of(run), "Traces that the posterior predicts"
    predicted = _predicted(history)
    if predicted is None or not predicted.traces:
        return nothing("posterior_traces", title, _DRAWN if len(history) else NOTHING_YET)
    traces = predicted.traces

    def pick(*of: object) -> Pick:
        return Pick("compared", of)

    x = pick(*(each.times for each in traces))
    low, inner_low, median, inner_high, high = (pick(*(each.quantiles[n] for each in traces)) for n in range(5))
    domains = pick(*(around(each.quantiles, each.data, each.best) for each in traces))
    panel = Panel(
        Axis("time (ms)", pick(*(around(each.times, share=0.01) for each in traces))),
        Axis(pick(*(with_unit("value", each.unit) for each in traces)), domains),
        (
            Band(x, low, high, LIGHT_BLUE, "95 % of predictions", 0.35),
            Band(x, inner_low, inner_high, BLUE, "68 % of predictions", 0.35),
            Line(x, median, BLUE, "their median", 1.4),
            Line(x, pick(*(each.best for each in traces)), AMBER, "best evaluation", 1.4),
            Line(x, pick(*(each.data for each in traces)), INK, "data", 1.8, dashed=True),
        ),
        height=300,
    )
    caption = (
        "As they are compared with the data, scaled and smoothed if the target does so; without noise between seeds."
    )
    choice = Selector("compared", "Of", tuple(each.target for each in traces))
    return Figure("posterior_traces", title, caption, (panel,), (choice,))


@figure(section="posterior", order=50, when=lambda history: _calibration(history) is not None)
def posterior_calibration(run: Checkpoint | History) -> Figure:
    """Return whether ranks of known parameters among samples of their posteriors are uniform, for each parameter.

    Parameters
    ----------
    run : Checkpoint or History
        The run.
    """
    history, title = History.of(run), "Calibration of the posterior"
    found = _calibration(history)
    if found is None:
        why = "orchestrator posterior RUN --calibrate 100 finds it." if len(history) else NOTHING_YET
        return nothing("posterior_calibration", title, why)
    shown = zip(parameter_names(history), found.parameters, strict=True)
    evaluations, repeats, _ = found.ranks.shape
    caption = (
        f"Posteriors of {evaluations} evaluations that the model was not told, {repeats} of each. Lines: the share of "
        "their parameters below each quantile of their posterior, less what it should be. One that rises first and "
        "falls then means too narrow, the reverse too wide; one above 0 too high, one below 0 too low. If posteriors "
        "are right, all lines are within their bands in 95 of 100 runs. Not tested is a parameter whose posteriors are "
        "as wide as their prior: such lines lie within their bands even if the noise is wrong."
    )
    panels = tuple(_ranks_panel(name, each) for name, each in shown)
    return Figure("posterior_calibration", title, caption, panels, columns=4)


def _ranks_panel(name: str, found: Uniformity) -> Panel:
    low, high = found.band
    differences = found.differences
    return Panel(
        Axis("quantile of the posterior", (0.0, 1.0)),
        Axis("", around(low, high, differences)),
        (
            Band(GRID, low, high, GOOD, "if posteriors are right", 0.2),
            Rule("y", 0.0, MUTED, dashed=False),
            Line(GRID, differences, BLUE, "true parameters", 1.8, step=True),
        ),
        f"{name}: {found.verdict}",
        170,
    )


def _best(history: History) -> FloatArray:
    """Return the values of the best evaluation in norms, as `_in_norms`, NaN if there is none; shape (n_targets,)."""
    if history.best is None:
        return np.full(len(history.targets), np.nan)
    values = history.values[history.best]
    return np.array([_in_norms(each, value) for each, value in zip(history.targets, values, strict=True)])


def _in_norms(wanted: Wanted, values: npt.ArrayLike) -> FloatArray:
    """Return how far values are from the middle of what is wanted, or from its only edge, in norms; NaN if unknown."""
    finite = [edge for edge in (wanted.low, wanted.high) if math.isfinite(edge)]
    middle = sum(finite) / len(finite) if finite and not math.isnan(wanted.low + wanted.high) else math.nan
    return np.asarray((np.asarray(values, dtype=float) - middle) / wanted.norm)


def _note(wanted: Wanted, quantiles: FloatArray) -> str:
    low, median, high = quantiles[[0, 2, 4]]
    text = f"{median:.3g} [{low:.3g}, {high:.3g}] {wanted.unit}".strip() if math.isfinite(median) else "not predicted"
    return f"{text} ({wanted.text})" if wanted.text else text
