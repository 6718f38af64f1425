"""How values depend on parameters."""

from __future__ import annotations

import numpy as np

from orchestrator.checkpoint import Checkpoint
from orchestrator.report.domains import parameter_domain
from orchestrator.report.figures.common import (
    labels,
    names,
    nothing,
    nothing_of,
    parameter_choice,
    parameter_names,
    pick_parameter,
    pick_target,
    target_choice,
    target_names,
    with_unit,
)
from orchestrator.report.figures.registry import figure
from orchestrator.report.figures.targets import target_domain, target_spans
from orchestrator.report.history import History
from orchestrator.report.naming import elided
from orchestrator.report.palette import BLUE, CORRELATION, INK, LIGHT_BLUE
from orchestrator.report.scene import Axis, Figure, Heat, Panel, Points, Taken
from orchestrator.report.statistics.ranks import FEWEST, rank_correlation

_MOST = 8000


@figure(section="parameters", order=30)
def parameter_target_correlation(run: Checkpoint | History) -> Figure:
    """Return Spearman's rank correlation of every parameter with every target's value.

    Parameters
    ----------
    run : Checkpoint or History
        The run.
    """
    history = History.of(run)
    title = "Correlation of parameters with targets"
    if not len(history):
        return nothing("parameter_target_correlation", title)
    rows = np.flatnonzero(history.ok)
    used = rows[np.unique(np.linspace(0, len(rows) - 1, min(len(rows), _MOST)).astype(int))] if len(rows) else rows
    if len(used) < FEWEST:
        why = f"It takes at least {FEWEST} measured evaluations; there are {len(used)}."
        return nothing("parameter_target_correlation", title, why)
    cells = rank_correlation(history.points[used], history.values[used])
    n_parameters, n_targets = len(history.parameters), len(history.targets)
    panel = Panel(
        Axis("", (-0.5, n_targets - 0.5), rows=target_names(history), full=labels(history)),
        Axis("", (-0.5, n_parameters - 0.5), rows=parameter_names(history), full=names(history)),
        (Heat(cells, CORRELATION, "Spearman's rank correlation", None, ("parameter", "target")),),
        height=17 * max(1, n_parameters),
    )
    of = f"{len(used):,} of {len(rows):,}" if len(used) < len(rows) else f"{len(used):,}"
    caption = (
        f"Spearman's rank correlation over {of} measured evaluations of all generations. The search drifts, so "
        "parameters that move together share a correlation. A click on a cell shows the two below."
    )
    return Figure("parameter_target_correlation", title, caption, (panel,))


@figure(section="parameters", order=40)
def parameter_against_target(run: Checkpoint | History) -> Figure:
    """Return the values of one target over one parameter.

    Choices: ``parameter``, ``target``.

    Parameters
    ----------
    run : Checkpoint or History
        The run.
    """
    history = History.of(run)
    title = "One target over one parameter"
    if history.best is None or not history.targets:
        return nothing("parameter_against_target", title, nothing_of(history))
    shown = history.shown
    half = np.median(history.place)
    measured = history.ok[shown]
    earlier = np.flatnonzero(measured & (history.place[shown] <= half))
    later = np.flatnonzero(measured & (history.place[shown] > half))
    columns = [history.points[shown, n] for n in range(len(history.parameters))]
    values = [history.values[shown, n] for n in range(len(history.targets))]
    best = history.best
    panel = Panel(
        Axis(
            pick_parameter(history, lambda n: history.parameters[n].name),
            pick_parameter(history, lambda n: parameter_domain(history.parameters[n])),
            pick_parameter(history, lambda n: "log" if history.parameters[n].log else "linear"),
        ),
        Axis(
            pick_target(history, lambda n: with_unit(elided(history.targets[n].label, 60), history.targets[n].unit)),
            pick_target(history, lambda n: target_domain(history, n)),
        ),
        (
            *target_spans(history, "y"),
            *(
                Points(
                    pick_parameter(history, lambda n, rows=rows: Taken(columns[n], rows)),  # type: ignore[misc]
                    pick_target(history, lambda n, rows=rows: Taken(values[n], rows)),  # type: ignore[misc]
                    colour, label, 3, symbol, 0.6, rows,  # type: ignore[arg-type]
                )
                for rows, colour, label, symbol in (
                    (earlier, LIGHT_BLUE, "first half of the generations", "ring"),
                    (later, BLUE, "second half", "dot"),
                )
            ),
            Points(
                pick_parameter(history, lambda n: history.points[[best], n]),
                pick_target(history, lambda n: history.values[[best], n]), INK, "best", 6, "diamond",
            ),
        ),
        height=340,
    )  # fmt: skip
    caption = f"Measured evaluations. Green: what is wanted, and 1 norm around it. {history.points_shown}"
    choices = (parameter_choice(history), target_choice(history))
    return Figure("parameter_against_target", title, caption.strip(), (panel,), choices)
