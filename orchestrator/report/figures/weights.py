"""What targets count for in the sum that is ranked."""

from __future__ import annotations

import numpy as np

from orchestrator.checkpoint import Checkpoint
from orchestrator.report.domains import log_domain
from orchestrator.report.figures.common import generations_axis, labels, nothing, pick_target, target_choice
from orchestrator.report.figures.registry import figure
from orchestrator.report.history import History
from orchestrator.report.palette import INK, LIGHT_BLUE
from orchestrator.report.scene import Axis, Figure, Line, Panel


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
        "told; the largest is 1. Where a line is interrupted, the target does not count."
    )
    return Figure("target_weights", title, caption, (panel,), (target_choice(history),))
