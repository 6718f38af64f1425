"""What a schedule that does not wait for every generation has saved."""

from __future__ import annotations

import numpy as np

from orchestrator.checkpoint import Checkpoint
from orchestrator.config.durations import format_duration
from orchestrator.report.domains import from_zero
from orchestrator.report.figures.common import nothing
from orchestrator.report.figures.registry import figure
from orchestrator.report.history import History
from orchestrator.report.palette import BLUE, GREY
from orchestrator.report.scene import Axis, Figure, Line, Panel
from orchestrator.report.waiting import compare_with_waiting, differs_from_asking

_TITLE = "Hours that not waiting has saved"


def _does_not_wait(history: History) -> bool:
    return differs_from_asking(history.frame)


@figure(section="simulations", order=25, when=_does_not_wait)
def hours_saved(run: Checkpoint | History) -> Figure:
    """Return when so many evaluations had ended, beside when they would have if every generation were waited for.

    `orchestrator.report.waiting.compare_with_waiting` says how that is estimated.

    Parameters
    ----------
    run : Checkpoint or History
        The run.
    """
    history = History.of(run)
    if not len(history):
        return nothing("hours_saved", _TITLE)
    size = history.config.get("offspring_size")
    if not isinstance(size, int) or isinstance(size, bool) or size < 1:
        size = int(np.median(np.bincount(history.frame["told_in"])))
    found = compare_with_waiting(history.frame, size)
    if found is None:
        return nothing("hours_saved", _TITLE, "The checkpoint holds no times of jobs.")
    evaluations, took, waiting = (np.r_[0.0, each] for each in (found.evaluations, found.took, found.waiting))
    panel = Panel(
        Axis("evaluations that have ended", (0.0, float(evaluations[-1])), whole=True),
        Axis("hours", from_zero(took / 3600, waiting / 3600)),
        (
            Line(evaluations, waiting / 3600, GREY, f"waiting for all of every {size}", 1.8, dashed=True),
            Line(evaluations, took / 3600, BLUE, "as it was", 2.0),
        ),
        height=230,
    )
    difference = f"{format_duration(abs(found.saved))} {'saved' if found.saved >= 0 else 'lost'}"
    both = [format_duration(float(seconds[-1])) for seconds in (took, waiting)]
    caption = (
        f"{int(evaluations[-1]):,} evaluations took {both[0]}; to wait for all of every {size}, and to have no others "
        f"at the same time, would have taken about {both[1]}: {difference}. An estimate: every job is taken to wait in "
        "the queue and to run as long as it did, and time without any job is left out."
    )
    return Figure("hours_saved", _TITLE, caption, (panel,))
