"""Where the evaluations come from, and how far the model of the values is trusted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from orchestrator.checkpoint import Checkpoint
from orchestrator.optimisers.models.trust import win_share
from orchestrator.records import FloatArray, Origin
from orchestrator.report.domains import from_zero, log_domain
from orchestrator.report.figures.common import (
    counts_panel,
    nothing,
    step_edges,
    steps,
    why_nothing_of_model,
)
from orchestrator.report.figures.registry import figure
from orchestrator.report.history import BoolArray, History, IntArray
from orchestrator.report.naming import plural
from orchestrator.report.palette import BAD, INK, MUTED, ORIGINS
from orchestrator.report.scene import Axis, Band, Figure, Line, Panel, Pick, Points, Rule, Selector

_NAMES = {
    "start": "start values",
    "sample": "samples of the search",
    "model": "proposals of the model",
    "injected": "injected by you",
}
_RECENT = 10
_SCALES = ("linear", "log")


@figure(section="model", order=10, needs=("model_proposals",))
def origin_of_evaluations(run: Checkpoint | History) -> Figure:
    """Return how many evaluations of each generation come from where, and the best total score so far of each origin.

    Choices: ``vertical`` (linear, log).

    Parameters
    ----------
    run : Checkpoint or History
        The run.
    """
    history = History.of(run)
    title = "Where the evaluations come from"
    if not len(history):
        return nothing("origin_of_evaluations", title)
    numbers, place = history.numbers, history.place
    known = [(name, history.frame["origin"].to_numpy() == name) for name in _NAMES]
    known = [(name, own) for name, own in known if own.any()]
    counts = counts_panel(numbers, place, [(_NAMES[name], ORIGINS[name], own) for name, own in known])
    lines = []
    for name, own in known:
        if name != Origin.START.value and np.isfinite(history.measured[own]).any():
            best = _best_so_far(np.where(own, history.measured, np.nan), place, len(numbers))
            lines.append(Line(numbers.astype(float), best, ORIGINS[name], _NAMES[name], 2.0, step=True))
    seen = [np.zeros(0), *(line.y for line in lines)]
    scores = Panel(
        counts.x,
        Axis("total score", Pick("vertical", (from_zero(*seen), log_domain(*seen))), Pick("vertical", _SCALES)),
        tuple(lines),
        "best so far of each origin",
        190,
    )
    best_ten = history.ranked(10)
    caption = f"Of {plural(len(history), 'evaluation')}: {_shares(known, np.arange(len(history)))}."
    if len(best_ten):
        caption += f" Of the best {len(best_ten)}: {_shares(known, best_ten)}."
    return Figure(
        "origin_of_evaluations", title, caption, (_titled(counts, "evaluations"), scores),
        (Selector("vertical", "Scale", _SCALES),),
    )  # fmt: skip


@figure(section="model", order=20, needs=("model_proposals",))
def model_trust(run: Checkpoint | History) -> Figure:
    """Return how often proposals are better than samples, and how many there are, by generation.

    Parameters
    ----------
    run : Checkpoint or History
        The run.
    """
    history = History.of(run)
    title = "How far the model is trusted"
    trusted = history.distribution.get("model_proposals", np.zeros(0))
    if not len(trusted) or not len(history):
        return nothing("model_trust", title, why_nothing_of_model(history))
    numbers, place = history.numbers, history.place
    proposed = history.frame["origin"].to_numpy() == Origin.MODEL.value
    wins = _wins(history, place, len(numbers), proposed)
    asked = np.bincount(place[proposed], minlength=len(numbers)).astype(float)
    limit = trusted[numbers[numbers < len(trusted)]]
    x, edges = numbers.astype(float), step_edges(numbers.astype(float))
    stalls = history.distribution.get("model_stalls", np.zeros(0))
    ended = [float(n) - 0.5 for n in np.flatnonzero(np.diff(stalls, prepend=0.0) > 0)]
    rules = [Rule("x", at, BAD, "the search had stalled" if n == 0 else "") for n, at in enumerate(ended)]
    across = Axis("generation", (float(edges[0]), float(edges[-1])), whole=True)
    panels = (
        Panel(
            across,
            Axis("share of the pairs", (0.0, 1.0)),
            (
                Rule("y", 0.5, MUTED, "no better"),
                *rules,
                Points(x, wins, ORIGINS["model"], "of one generation", 2.6, opacity=0.6),
                Line(x, _running_mean(wins), INK, f"mean of the last {_RECENT}", 1.8),
            ),
            "a proposal is better than a sample",
            190,
        ),
        Panel(
            across,
            Axis("offspring", from_zero(asked, limit), whole=True),
            (
                *rules,
                Band(edges, np.zeros(len(edges)), steps(asked), ORIGINS["model"], "proposals", 0.8, True),
                Line(edges[: 2 * len(limit)], steps(limit), INK, "trusted with", 1.2, dashed=True),
            ),
            "proposals",
            190,
        ),
    )
    known = wins[np.isfinite(wins)]
    caption = "Where proposals are better in less than half of the pairs, it is trusted with fewer; above 65 %, more."
    if len(known):
        caption += f" On average of {plural(len(known), 'generation')} they were better in {known.mean():.0%}."
    if ended:
        caption += f" The search has stalled {'once' if len(ended) == 1 else 'twice'}."
    return Figure("model_trust", title, caption, panels)


def _best_so_far(totals: FloatArray, place: IntArray, n_blocks: int) -> FloatArray:
    """Return the least of the totals until the end of each block, NaN before there is one."""
    best = np.full(n_blocks, np.inf)
    known = np.isfinite(totals)
    np.minimum.at(best, place[known], totals[known])
    least = np.minimum.accumulate(best)
    return np.where(np.isfinite(least), least, np.nan)


def _wins(history: History, place: IntArray, n_blocks: int, proposed: BoolArray) -> FloatArray:
    """Return the share of the pairs of a proposal and a sample in which the proposal is better, of each block."""
    totals = np.where(history.evaluated, history.details["ranked"].to_numpy(dtype=float), np.nan)
    known = np.isfinite(totals)
    own = [(place == n) & known for n in range(n_blocks)]
    return np.array([win_share(totals[rows & proposed], totals[rows & ~proposed]) for rows in own])


def _running_mean(numbers: FloatArray) -> FloatArray:
    parts = [numbers[max(0, n - _RECENT + 1) : n + 1] for n in range(len(numbers))]
    known = [part[np.isfinite(part)] for part in parts]
    return np.array([part.mean() if len(part) else np.nan for part in known])


def _shares(known: Sequence[tuple[str, BoolArray]], rows: IntArray) -> str:
    """Return ``12 (30%) samples of the search, 28 (70%) proposals of the model``."""
    counts = [(_NAMES[name], int(own[rows].sum())) for name, own in known]
    return ", ".join(f"{count:,} ({count / len(rows):.0%}) {name}" for name, count in counts if count)


def _titled(panel: Panel, title: str) -> Panel:
    return Panel(panel.x, panel.y, panel.marks, title, panel.height)
