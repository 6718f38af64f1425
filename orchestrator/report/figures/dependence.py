"""Which parameters each target depends on."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain

import numpy as np

from orchestrator.checkpoint import Checkpoint
from orchestrator.report.domains import Domain
from orchestrator.report.figures.common import (
    labels,
    names,
    nothing,
    nothing_of,
    parameter_names,
    pick_target,
    target_choice,
    target_names,
)
from orchestrator.report.figures.registry import figure
from orchestrator.report.history import History
from orchestrator.report.palette import BLUE, FAINT, IMPORTANCE, LIGHT_BLUE
from orchestrator.report.scene import Axis, Bars, Figure, Heat, Panel, Pick, Points, Rule, Selector
from orchestrator.report.statistics.dependence import REGIONS, Dependence
from orchestrator.scores.ranks import FEWEST, rank_correlation_interval

_MODEL = "total index of Sobol', under a model"
_RANKS = "Spearman's rank correlation"


@figure(section="parameters", order=27)
def importance(run: Checkpoint | History) -> Figure:
    """Return how much every target depends on every parameter, and how well that is known.

    Choices: ``region`` (all evaluations, the best fifth).

    Parameters
    ----------
    run : Checkpoint or History
        The run.
    """
    history = History.of(run)
    title = "Which parameters each target depends on"
    if why := _why_nothing(history):
        return nothing("importance", title, why)
    regions = [each[:-1] for each in history.dependences.regions]
    notes = tuple(tuple(_note(each) for each in region) for region in regions)
    cells = tuple(np.array([each.explained for each in region]) for region in regions)
    panel = Panel(
        Axis("", (-0.5, len(history.parameters) - 0.5), rows=parameter_names(history), full=names(history)),
        Axis(
            "", (-0.5, len(history.targets) - 0.5), rows=target_names(history), full=labels(history),
            notes=Pick("region", notes),
        ),
        (Heat(Pick("region", cells), IMPORTANCE, "share of the variance", None, ("target", "parameter")),),
        height=17 * len(history.targets),
    )  # fmt: skip
    model = _of_model(history)
    error = " Beside a row: the error of the model at evaluations that it has not learnt, in standard deviations."
    caption = (
        f"{model}{error if model else ''} {_of_ranks(model)} Here it is squared; beside the row: what chance reaches "
        "(95 %). A click on a cell shows its target and its parameter below."
    )
    return Figure("importance", title, caption.strip(), (panel,), (_region_choice(),))


@figure(section="parameters", order=28)
def dependence(run: Checkpoint | History) -> Figure:
    """Return how much one target, and the total score, depend on every parameter, with 95 % intervals.

    Choices: ``target``, ``region`` (all evaluations, the best fifth).

    Parameters
    ----------
    run : Checkpoint or History
        The run.
    """
    history = History.of(run)
    title = "What one target, and the total score, depend on"
    if why := _why_nothing(history):
        return nothing("dependence", title, why)
    regions = history.dependences.regions

    def of_target(what: Callable[[Dependence], object]) -> Pick:
        return Pick("region", tuple(pick_target(history, lambda n, own=own: what(own[n])) for own in regions))  # type: ignore[misc]

    def of_total(what: Callable[[Dependence], object]) -> Pick:
        return Pick("region", tuple(what(own[-1]) for own in regions))

    named = pick_target(history, target_names(history).__getitem__)
    panels = (_panel(history, of_target, named), _panel(history, of_total, "total score"))
    model = _of_model(history)
    certain = " The interval of an index is that of its estimate, the model being right."
    caption = f"{model}{certain if model else ''} {_of_ranks(model)}"
    return Figure("dependence", title, caption.strip(), panels, (target_choice(history), _region_choice()))


def _panel(history: History, of: Callable[[Callable[[Dependence], object]], Pick], title: str | Pick) -> Panel:
    at = np.arange(len(history.parameters), dtype=float)
    return Panel(
        Axis(of(_axis_title), of(_domain)),
        Axis("", (-0.5, len(at) - 0.5), rows=parameter_names(history), full=names(history)),
        (
            Rule("x", 0.0, FAINT, dashed=False),
            Bars(of(lambda each: each.low), of(lambda each: each.high), at, LIGHT_BLUE, "95 % interval", 0.35),
            Points(of(lambda each: each.share), at, BLUE, "index, or correlation", 4),
        ),
        title,
        height=17 * max(2, len(at)),
    )


def _axis_title(each: Dependence) -> str:
    return f"{_MODEL}, error {each.error:.2f} sd" if each.by_model else f"{_RANKS}, {each.number:,} evaluations"


def _domain(each: Dependence) -> Domain:
    return (0.0, max(1.0, float(np.max(each.high)))) if each.by_model else (-1.0, 1.0)


def _note(each: Dependence) -> str:
    if each.by_model:
        return f"error {each.error:.2f} sd"
    if not np.isfinite(each.share).any():
        return "not known"
    _, high = rank_correlation_interval(np.zeros(1), max(each.number, FEWEST))
    return f"ranks, chance {high[0] ** 2:.2g}"


def _why_nothing(history: History) -> str:
    if history.best is None or not history.targets:
        return nothing_of(history)
    measured = int(np.isfinite(history.measured).sum())
    return f"It takes at least {FEWEST} measured evaluations; there are {measured}." if measured < FEWEST else ""


def _of_model(history: History) -> str:
    learnt = history.dependences.learnt
    if not any(each.by_model for each in chain.from_iterable(history.dependences.regions)):
        return ""
    return (
        f"By a Gaussian process of {learnt} measured evaluations at most, if it explains half of the variance of those"
        " that are left out: the total index, the share of the variance that remains when all other parameters are"
        " known (Sobol' 2001), parameters being spread as in the evaluations, but independent."
    )


def _of_ranks(model: str) -> str:
    """Return what is shown where there is no model."""
    if model:
        return "Otherwise Spearman's rank correlation; parameters that the search has moved together share one."
    return (
        "Spearman's rank correlation, as there are too few evaluations for a model, or none explains half of the "
        "variance. Parameters that the search has moved together share a correlation."
    )


def _region_choice() -> Selector:
    return Selector("region", "Over", tuple(REGIONS))
