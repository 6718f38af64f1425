"""Scores of several datastores at a glance."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from orchestrator.analysis.figures.common import missing
from orchestrator.analysis.measured import Measured
from orchestrator.report.naming import elided, short_labels
from orchestrator.report.palette import score_stops
from orchestrator.report.scene import Axis, Figure, Heat, Panel

_MOST = 40


def scores_by_datastore(measured: Mapping[str, Measured]) -> Figure:
    """Return the score of every target of every datastore, the best datastore first; at most 40 are drawn.

    Parameters
    ----------
    measured : mapping of str to Measured
        As `orchestrator.analysis.score_all` returns them.
    """
    title = "Scores of the datastores"
    ranked = sorted(measured.items(), key=lambda each: each[1].scored.total_score)[:_MOST]
    if not ranked or not ranked[0][1].scored.scores:
        return missing("scores_by_datastore", title, ["No datastore was measured."])
    labels = [score.target.label for score in ranked[0][1].scored.scores]
    cells = np.array([[score.score for score in each.scored.scores] for _, each in ranked])
    largest = max(score.target.max_score for score in ranked[0][1].scored.scores)
    totals = tuple(f"{each.scored.total_score:.4g}" for _, each in ranked)
    panel = Panel(
        Axis("", (-0.5, len(labels) - 0.5), rows=tuple(short_labels(labels)), full=tuple(labels)),
        Axis("", (-0.5, len(ranked) - 0.5), rows=tuple(elided(name, 40) for name, _ in ranked), notes=totals),
        (Heat(cells, score_stops(largest), "score, in norms"),),
        height=max(60, 24 * len(ranked)),
    )
    caption = "Green: within 1 norm of what is wanted. At the right: the sum of the scores."
    if len(measured) > len(ranked):
        caption += f" The best {len(ranked)} of {len(measured):,} datastores are drawn."
    return Figure("scores_by_datastore", title, caption, (panel,))
