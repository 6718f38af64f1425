"""What the optimiser has learnt: step size, shape and correlations of its search distribution, weights of targets."""

from __future__ import annotations

import numpy as np

from orchestrator.checkpoint import Checkpoint
from orchestrator.records import FloatArray
from orchestrator.report.domains import log_domain
from orchestrator.report.figures.common import (
    correlation_limit,
    correlation_of,
    generations_axis,
    labels,
    names,
    nothing,
    parameter_names,
    pick_target,
    target_choice,
)
from orchestrator.report.figures.registry import figure
from orchestrator.report.history import History
from orchestrator.report.palette import BLUE, CORRELATION, INK, LIGHT_BLUE
from orchestrator.report.scene import Axis, Figure, Heat, Line, Panel, Pick, Selector

_SNAPSHOTS = 6


@figure(section="search", order=20, needs=("covariance",))
def learnt_correlation(run: Checkpoint | History) -> Figure:
    """Return the correlation matrix of the search distribution.

    Choices: ``snapshot`` (the last generation, and five before).

    Parameters
    ----------
    run : Checkpoint or History
        The run.
    """
    history = History.of(run)
    title = "Correlations that the optimiser has learnt"
    covariance = history.distribution.get("covariance", np.zeros((0, 0, 0)))
    if not len(covariance):
        return nothing("learnt_correlation", title)
    n = len(history.parameters)
    at = np.unique(np.linspace(0, len(covariance) - 1, min(_SNAPSHOTS, len(covariance))).astype(int))[::-1]
    cells = tuple(correlation_of(covariance[generation]) for generation in at)
    limit = correlation_limit(cells)
    stops = tuple((at * limit, colour) for at, colour in CORRELATION)
    axis = Axis("", (-0.5, n - 0.5), rows=parameter_names(history), full=names(history))
    panel = Panel(
        axis,
        axis,
        (Heat(Pick("snapshot", cells), stops, "correlation", None, ("parameter", "")),),
        height=17 * n,
    )
    caption = (
        "Correlation matrix of the distribution from which a generation was drawn. Blue pairs trade off against "
        "each other, orange ones rise together. Parameters are compared in the coordinates of the search."
    )
    numbers = history.numbers[at] if len(history.numbers) >= len(covariance) else at
    options = tuple(f"generation {number}" for number in numbers)
    return Figure("learnt_correlation", title, caption, (panel,), (Selector("snapshot", "Drawn for", options),))


@figure(section="search", order=10, needs=("sigma", "covariance"))
def search_distribution(run: Checkpoint | History) -> Figure:
    """Return sigma, the axis ratio and the lengths of the principal axes of the search by generation.

    Parameters
    ----------
    run : Checkpoint or History
        The run.
    """
    history = History.of(run)
    title = "Step size and shape of the search"
    covariance = history.distribution.get("covariance", np.zeros((0, 0, 0)))
    n = min(len(covariance), len(history.numbers))
    if not n:
        return nothing("search_distribution", title)
    sigma = history.distribution["sigma"]
    lengths = _axis_lengths(covariance[:n])
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = lengths[:, -1] / lengths[:, 0]
    x = history.numbers[:n].astype(float)
    across = generations_axis(history)

    def panel(name: str, *lines: Line) -> Panel:
        domain = log_domain(*(line.y for line in lines))
        return Panel(across, Axis("", domain, "log"), lines, name, 220)

    middle = [Line(x, lengths[:, k], LIGHT_BLUE, "", 0.8) for k in range(1, lengths.shape[1] - 1)]
    axes = [*middle, Line(x, lengths[:, -1], BLUE, "longest", 1.8)]
    if lengths.shape[1] > 1:
        axes.append(Line(x, lengths[:, 0], INK, "shortest", 1.8))
    panels = (
        panel("step size σ", Line(x, sigma[:n], INK, "sigma", 1.8)),
        panel("axis ratio", Line(x, ratio, INK, "longest to shortest", 1.8)),
        panel("lengths of the principal axes", *axes),
    )
    caption = (
        "Lengths are standard deviations as fractions of the parameters' ranges. σ falls as the search closes in; a "
        "large axis ratio means that some combinations of parameters matter far more than others."
    )
    return Figure("search_distribution", title, caption, panels)


@figure(section="search", order=30, needs=("weights",))
def target_weights(run: Checkpoint | History) -> Figure:
    """Return the weight of every target in the sum that the optimiser ranks, by generation.

    Choices: ``target``.

    Parameters
    ----------
    run : Checkpoint or History
        The run.
    """
    history = History.of(run)
    title = "Weights of the targets"
    weights = history.distribution.get("weights", np.zeros((0, 0)))
    n = min(len(weights), len(history.numbers))
    if not n or weights.shape[1] != len(labels(history)):
        return nothing("target_weights", title)
    # a target of weight 0 does not count, which is no place on a logarithmic axis
    columns = np.where(weights[:n] > 0, weights[:n], np.nan).T
    x = history.numbers[:n].astype(float)
    panel = Panel(
        generations_axis(history),
        Axis("weight", log_domain(columns), "log"),
        (
            *(Line(x, column, LIGHT_BLUE, "", 0.8, step=True) for column in columns),
            Line(x, pick_target(history, lambda n: columns[n]), INK, "chosen target", 2.0, step=True),
        ),
        height=260,
    )
    caption = (
        "What the score of each target is multiplied with in the sum that the optimiser ranks, before a generation was "
        "told; the largest is 1. If a line is interrupted, the target does not count there."
    )
    return Figure("target_weights", title, caption, (panel,), (target_choice(history),))


def _axis_lengths(covariance: FloatArray) -> FloatArray:
    """Return the square roots of the eigenvalues, ascending, NaN if a matrix is not finite."""
    lengths = np.full(covariance.shape[:2], np.nan)
    finite = np.isfinite(covariance).all(axis=(1, 2))
    if finite.any():
        lengths[finite] = np.sqrt(np.maximum(np.linalg.eigvalsh(covariance[finite]), 0.0))
    return lengths
