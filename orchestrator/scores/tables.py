"""Scores as tables for people."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from orchestrator.scores.datastores import Score, ScoredDatastore
from orchestrator.scores.rescoring import Rescored, StoredScore


def number(value: float | None) -> str:
    """Return a number with four digits, ``-`` where there is none."""
    return "-" if value is None or math.isnan(value) else f"{value:.4g}"


def _table(*columns: str) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in columns:
        table.add_column(name, overflow="fold")
    return table


def _target_cells(score: Score) -> tuple[Text, ...]:
    target = score.target
    value, points = number(score.value), number(score.score)
    if isinstance(score, StoredScore):
        return tuple(Text(cell) for cell in (target.label, value, score.unit, "", "", f"{points} (stored)"))
    wanted = target.wanted_in_words
    return tuple(Text(cell) for cell in (target.label, value, target.unit, wanted, number(target.norm), points))


def score_table(scored: ScoredDatastore) -> Table:
    """Return one row per target."""
    table = _table("target", "value", "unit", "target value", "norm", "score", "reason")
    for each in scored.scores:
        table.add_row(*_target_cells(each), Text("" if scored.error else each.reason or "", style="yellow"))
    return table


def totals_table(scored: Sequence[ScoredDatastore]) -> Table:
    """Return one row per datastore."""
    table = _table("datastore", "total score", "targets without value")
    for each in scored:
        missing = sum(score.value is None for score in each.scores)
        note = Text("not readable", style="red") if each.error else Text(str(missing) if missing else "")
        table.add_row(Text(each.datastore), number(each.total_score), note)
    return table


def best_table(evaluations: Sequence[Rescored], top: int) -> Table:
    """Return the best evaluations under the run's own or the new targets, with their ranks under both."""
    old, new = _ranks([each.old_total for each in evaluations]), _ranks([each.total_score for each in evaluations])
    table = _table("generation", "offspring", "outcome", "old score", "rank", "new score", "rank")
    shown = [n for n in sorted(range(len(evaluations)), key=new.__getitem__) if min(old[n], new[n]) <= top]
    for n in shown:
        each = evaluations[n]
        table.add_row(
            str(each.generation), str(each.offspring), each.outcome,
            number(each.old_total), str(old[n]), number(each.total_score), str(new[n]),
        )  # fmt: skip
    return table


def _ranks(scores: Sequence[float]) -> list[int]:
    """Return the rank of each score from 1, ties in the order of the run."""
    ranks = [0] * len(scores)
    for rank, n in enumerate(sorted(range(len(scores)), key=scores.__getitem__), start=1):
        ranks[n] = rank
    return ranks


def rescored_table(evaluation: Rescored) -> Table:
    """Return one row per target of one evaluation, with its old and new score."""
    table = _table("target", "value", "unit", "target value", "norm", "new score", "old score", "reason")
    for score, old in zip(evaluation.scores, evaluation.old_scores, strict=True):
        table.add_row(*_target_cells(score), number(old), Text(score.reason or "", style="yellow"))
    return table
