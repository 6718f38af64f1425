"""A validation, for people and other programs."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from orchestrator.best.tables import empty_table
from orchestrator.records import Outcome
from orchestrator.scores.tables import number
from orchestrator.scores.validation import Validated, Validation


def as_json(validation: Validation) -> str:
    """Return what is known of every parameter set, in the order in which they were given."""
    return json.dumps([each.to_json() for each in validation.rows], indent=1, allow_nan=False)


def validation_parts(validation: Validation) -> Iterator[RenderableType]:
    """Yield the parameter sets with both total scores, then their targets in both, and what follows."""
    yield Text(f"{len(validation.rows)} parameter sets of {validation.source}", style="bold")
    yield _totals(validation)
    for each in validation.rows:
        yield Text()
        yield Text(f"{each.rank}. {each.found.name}", style="bold")
        yield _targets(each)
    yield Text()
    yield from map(Text, conclusions(validation))


def conclusions(validation: Validation) -> Iterator[str]:
    """Yield what the numbers say, a sentence each."""
    measured = validation.measured
    if measured:
        best = measured[0]
        yield (
            f"Best in validation: rank {best.rank}, {best.found.name}, total score {number(best.total_score)} "
            f"({number(best.found.total_score)} in the fit)."
        )
    if math.isfinite(validation.correlation):
        yield f"Rank correlation (Spearman) of the two total scores: {validation.correlation:.2f}."
    failed = [each for each in validation.rows if each.outcome not in ("", Outcome.OK.value)]
    if failed:
        listed = ", ".join(f"rank {each.rank} {each.outcome}" for each in failed)
        yield f"Not measured: {listed}."
    if missing := sum(not each.outcome for each in validation.rows):
        yield f"{missing} of {len(validation.rows)} are not evaluated yet."


def _totals(validation: Validation) -> Table:
    table = empty_table(
        "rank", "parameter set", "score in the fit", "in validation", "rank in validation", "ended", names=2
    )
    for each in validation.rows:
        scores = number(each.found.total_score), number(each.total_score)
        rank = str(each.rank_here) if each.rank_here else "-"
        table.add_row(str(each.rank), each.found.name, *scores, rank, each.outcome or "-")
    return table


def _targets(each: Validated) -> Table:
    table = empty_table("target", "value in the fit", "score", "value in validation", "score")
    for label in dict.fromkeys([*each.found.scores, *each.found.values, *each.scores]):
        pairs = (each.found.values, each.found.scores), (each.values, each.scores)
        table.add_row(Text(label), *(number(of.get(label)) for pair in pairs for of in pair))
    return table
