"""What one target costs another."""

from __future__ import annotations

import numpy as np

from orchestrator.checkpoint import Checkpoint
from orchestrator.report.domains import from_zero
from orchestrator.report.figures.common import labels, nothing, nothing_of, pick_target, target_choice
from orchestrator.report.figures.registry import figure
from orchestrator.report.history import History
from orchestrator.report.naming import elided
from orchestrator.report.palette import BAD, INK, LIGHT_BLUE
from orchestrator.report.scene import Axis, Figure, Panel, Pick, Points, Selector, Taken

# of all scores that are seen: a few far ones don't hide the rest
_SEEN = 0.9


@figure(section="targets", order=50, when=lambda history: len(history.targets) > 1)
def trade_off(run: Checkpoint | History) -> Figure:
    """Return the scores of one target over those of another, with the Pareto front of all targets marked.

    Choices: ``target``, ``over`` (any target).

    Parameters
    ----------
    run : Checkpoint or History
        The run.
    """
    history = History.of(run)
    title = "Compromises between targets"
    if history.best is None or len(history.targets) < 2:
        why = nothing_of(history) if history.best is None else "The run has only one target."
        return nothing("trade_off", title, why)
    shown, best = history.shown, history.best
    on_front = np.isin(shown, history.front)
    others = np.flatnonzero(history.ok[shown] & ~on_front)
    members = np.flatnonzero(on_front)
    columns = [history.scores[shown, n] for n in range(len(history.targets))]
    domains = [
        from_zero(np.quantile(history.scores[history.ok, n], _SEEN), column[members])
        for n, column in enumerate(columns)
    ]

    def pick_over(of: list[object]) -> Pick:
        return Pick("over", tuple(of))

    names = [f"score of {elided(label, 60)}" for label in labels(history)]
    panel = Panel(
        Axis(pick_over([*names]), pick_over([*domains])),
        Axis(pick_target(history, names.__getitem__), pick_target(history, domains.__getitem__)),
        (
            *(
                Points(
                    pick_over([Taken(column, rows) for column in columns]),
                    pick_target(history, lambda n, rows=rows: Taken(columns[n], rows)),  # type: ignore[misc]
                    colour, label, size, symbol, opacity, rows,  # type: ignore[arg-type]
                )
                for rows, colour, label, size, symbol, opacity in (
                    (others, LIGHT_BLUE, "dominated", 2.6, "dot", 0.5),
                    (members, BAD, "on the front", 3.4, "square", 0.9),
                )
            ),
            Points(
                pick_over([history.scores[[best], n] for n in range(len(columns))]),
                pick_target(history, lambda n: history.scores[[best], n]), INK, "best total score", 6, "diamond",
            ),
        ),
        height=340,
    )  # fmt: skip
    caption = (
        f"{len(history.front):,} of {int(history.ok.sum()):,} measured evaluations are on the Pareto front of all "
        f"targets: no other is better in one without being worse in another. The others are dominated. "
        f"{history.points_shown}"
    )
    first = target_choice(history)
    second = int(np.argmax(np.where(np.arange(len(columns)) == first.default, -1.0, history.scores[best])))
    choices = (first, Selector("over", "Over", labels(history), second))
    return Figure("trade_off", title, caption.strip(), (panel,), choices)
