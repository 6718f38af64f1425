"""What parameter sets that were found elsewhere are worth here."""

from __future__ import annotations

import numpy as np

from orchestrator.checkpoint import Checkpoint
from orchestrator.records import FloatArray
from orchestrator.report.domains import from_zero
from orchestrator.report.figures.common import NOTHING_MEASURED, nothing
from orchestrator.report.figures.registry import figure
from orchestrator.report.history import History
from orchestrator.report.palette import BLUE, FAINT, INK
from orchestrator.report.scene import Axis, Figure, Line, Panel, Points
from orchestrator.scores.validation import Validated


def _was_scored(history: History) -> bool:
    return history.validation is not None and any(
        np.isfinite(each.found.total_score) for each in history.validation.rows
    )


@figure(section="scores", order=20, when=_was_scored)
def fit_and_validation(run: Checkpoint | History) -> Figure:
    """Return the total scores of given parameter sets over those that they had where they were found.

    Parameters
    ----------
    run : Checkpoint or History
        The run.
    """
    history = History.of(run)
    title = "Validation over fit"
    if not len(history):
        return nothing("fit_and_validation", title)
    if history.validation is None or not _was_scored(history):
        return nothing("fit_and_validation", title, "The run has searched for its own parameter sets.")
    measured = [each for each in history.validation.measured if np.isfinite(each.found.total_score)]
    if not measured:
        return nothing("fit_and_validation", title, NOTHING_MEASURED)
    fit, here = _scores(measured)
    places = {int(row): n for n, row in enumerate(history.shown)}
    drawn = np.array([n for n, each in enumerate(measured) if each.row in places])
    rows = np.array([places[each.row] for each in measured if each.row in places])
    across, up = from_zero(fit), from_zero(here)
    same = np.array([0.0, min(across[1], up[1])])
    panel = Panel(
        Axis("total score in the fit", across),
        Axis("total score in validation", up),
        (
            Line(same, same, FAINT, "equal", 1.0, dashed=True),
            Points(fit[drawn], here[drawn], BLUE, "parameter sets", 3.4, evaluations=rows),
            Points(fit[:1], here[:1], INK, "best in validation", 6, "diamond"),
        ),
        height=320,
    )
    missing = len(history.validation.rows) - len(measured)
    caption = f"{len(measured)} parameter sets of {history.validation.source}."
    if missing:
        caption += f" {missing} more are not evaluated yet, were not measured, or had no score before."
    if np.isfinite(history.validation.correlation):
        caption += f" Rank correlation (Spearman): {history.validation.correlation:.2f}."
    return Figure("fit_and_validation", title, caption, (panel,))


def _scores(measured: list[Validated]) -> tuple[FloatArray, FloatArray]:
    """Return both total scores, shape (n_sets,) each."""
    pairs = np.array([(each.found.total_score, each.total_score) for each in measured])
    return pairs[:, 0], pairs[:, 1]
