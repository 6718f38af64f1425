"""The best, the Pareto front, and re-evaluations, for people."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from orchestrator.reevaluation.choosing import Candidate
from orchestrator.reevaluation.front import Front
from orchestrator.reevaluation.noise import Luck, Noise
from orchestrator.reevaluation.reports import CandidateSpread, Report
from orchestrator.reevaluation.spread import Spread
from orchestrator.scores.tables import number
from orchestrator.text import command_line


def best_parts(luck: Luck) -> Iterator[RenderableType]:
    """Yield the best evaluations of a run, each beside the start values, which evaluations count, and what is noise."""
    choice = luck.choice
    start = choice.start
    for candidate in choice.best:
        title = Text()
        title.append(f"{candidate.rank}. " if choice.wanted > 1 else "")
        title.append(_total(candidate), style="bold")
        title.append(f" ({candidate.name_and_origin})")
        if candidate.again is not None:
            title.append(f"; the optimiser saw {number(candidate.total_score)}")
        if start is not None:
            outcome = "" if start.outcome == "OK" else f", {start.outcome}"
            score = "not evaluated" if math.isnan(start.total_score) else number(start.total_score)
            title.append(f"; at the start {score}{outcome}")
        yield title
        if candidate.seeds:
            yield Text("seeds " + ", ".join(f"{name} {seed}" for name, seed in candidate.seeds.items()))
        yield _parameters(candidate, start)
        yield Text()
        yield _targets(candidate, start, luck.noises)
        yield Text()
    yield Text(choice.note, style="dim")
    for warning in luck.warnings:
        yield Text(f"! {warning}", style="yellow")


def front_parts(front: Front, run: object) -> Iterator[RenderableType]:
    """Yield the members of a Pareto front with their scores of the targets that count, and what can be done with them.

    Parameters
    ----------
    front : Front
        Of the run.
    run : object
        The run as the user calls it, for commands.
    """
    knee = front.knee
    if knee is not None:
        table = empty_table("rank", "evaluation", "total score", *front.targets, "", names=2)
        for each in front.members:
            scores = (number(each.scores[label]) for label in front.targets)
            table.add_row(str(each.rank), each.name, number(each.total_score), *scores, "knee" if each is knee else "")
        yield table
        yield Text()
    yield Text(front.choice.note, style="dim")
    if knee is not None:
        words = command_line("orchestrator", "best", run, *front.options, "--rank", knee.rank)
        yield Text(f"The knee gives up little in every target. Its parameters: {words}", style="dim")


def _total(candidate: Candidate) -> str:
    again = candidate.again.total.words if candidate.again is not None else ""
    return f"Total score {again or number(candidate.total_score)}"


def empty_table(*columns: str, names: int = 1) -> Table:
    """Return a table without rows, of which the first columns are names and the others numbers."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for n, name in enumerate(columns):
        table.add_column(name, overflow="fold", justify="left" if n < names else "right")
    return table


def _parameters(candidate: Candidate, start: Candidate | None) -> Table:
    table = empty_table("parameter", "start", "best")
    for name, value in candidate.parameters.items():
        before = "-" if start is None else f"{start.parameters[name]:.5g}"
        table.add_row(Text(name), before, f"{value:.5g}")
    for name, value in candidate.derived.items():
        before = "-" if start is None else f"{start.derived[name]:.5g}"
        table.add_row(Text(name, style="dim"), before, f"{value:.5g}")
    return table


def _targets(candidate: Candidate, start: Candidate | None, noises: Mapping[str, Noise]) -> Table:
    again = candidate.again
    columns = ["target", "value at start", "score", "value", *(["+- se"] if candidate.errors else []), "score"]
    table = empty_table(*columns, *(["mean", "sd"] if again else []), *(["noise", "norm"] if noises else []))
    for name, score in candidate.scores.items():
        before = (None, None) if start is None else (start.values[name], start.scores[name])
        error = (candidate.errors.get(name),) if candidate.errors else ()
        spread = (again.values[name].mean, again.values[name].sd) if again else ()
        noise = noises.get(name)
        beside = (noise.sd if noise else None, noise.norm if noise else None) if noises else ()
        table.add_row(Text(name), *map(number, (*before, candidate.values[name], *error, score, *spread, *beside)))
    return table


def report_parts(report: Report) -> Iterator[RenderableType]:
    """Yield what a re-evaluation says: the total scores of all candidates, their targets, and what follows."""
    request = report.request
    candidates = f"The {len(request.candidates)} best" if len(request.candidates) > 1 else "The best"
    of_front = " of the Pareto front" if request.front else ""
    yield Text(
        f"{candidates}{of_front} of {request.evaluations} evaluations again, under {request.seeds} other seeds each "
        f"({', '.join(request.originals)})",
        style="bold",
    )
    yield _totals(report)
    for each in report.candidates:
        yield Text()
        yield Text(f"{each.candidate.rank}. {each.candidate.name}", style="bold")
        yield _target_spreads(each)
    yield Text()
    yield from map(Text, conclusions(report))


def _totals(report: Report) -> Table:
    table = empty_table(
        "rank", "evaluation", "score seen", "mean", "sd", "min", "max", "rank by mean", "ended", names=2
    )
    by_mean = {id(each): str(n) for n, each in enumerate(report.by_mean, start=1)}
    for each in report.candidates:
        ended = ", ".join(f"{n} {name}" for name, n in each.outcomes.items()) or "-"
        table.add_row(
            str(each.candidate.rank), each.candidate.name, number(each.candidate.total_score), *_cells(each.total),
            by_mean.get(id(each), "-"), ended,
        )  # fmt: skip
    return table


def _target_spreads(each: CandidateSpread) -> Table:
    table = empty_table("target", "value seen", "mean", "sd", "min", "max", "n", "score seen", "mean score", "sd")
    for target in each.targets:
        seen, score = number(target.seen_value), number(target.seen_score)
        mean, sd = number(target.score.mean), number(target.score.sd)
        table.add_row(Text(target.name), seen, *_cells(target.value), str(target.value.n), score, mean, sd)
    return table


def _cells(spread: Spread) -> tuple[str, ...]:
    return tuple(map(number, (spread.mean, spread.sd, spread.low, spread.high)))


def conclusions(report: Report) -> Iterator[str]:
    """Yield what the numbers say, a sentence each."""
    for each in report.candidates:
        if each.lucky:
            yield (
                f"Rank {each.candidate.rank} was lucky: the optimiser saw {number(each.candidate.total_score)}, "
                f"better than any of {each.total.n} other seeds ({_range(each.total)})."
            )
    if report.by_mean:
        first = report.by_mean[0]
        spread = f" (sd {number(first.total.sd)})" if first.total.sd is not None else ""
        yield (
            f"Best by the mean: rank {first.candidate.rank}, {first.candidate.name}, "
            f"total score {number(first.total.mean)}{spread}."
        )
    bad = [f"rank {each.candidate.rank}: {reason}" for each in report.candidates for reason in each.reasons]
    yield from bad
    if any(name != "OK" for each in report.candidates for name in each.outcomes):
        yield "Explosions and failed simulations count with max_score in total scores, and have no values."
    if report.open:
        yield (
            f"{report.open} of {len(report.request.all_tasks)} simulations are missing, or did not finish, and count "
            "for nothing; the same command simulates them."
        )


def _range(spread: Spread) -> str:
    return f"{number(spread.low)} to {number(spread.high)}"
