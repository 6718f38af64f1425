"""Several runs in one figure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from orchestrator.checkpoint import Checkpoint
from orchestrator.report.domains import around, from_zero, log_domain
from orchestrator.report.figures.common import NOTHING_MEASURED, NOTHING_YET, nothing
from orchestrator.report.figures.parameters import between_bounds
from orchestrator.report.figures.scores import hours_at_ends
from orchestrator.report.history import History
from orchestrator.report.naming import elided, plural, short_labels, short_names
from orchestrator.report.palette import FAINT, MUTED, RUNS, SYMBOLS
from orchestrator.report.scene import Axis, Figure, Line, Mark, Panel, Pick, Points, Rule, Selector, Symbol

_ACROSS = ("generation", "evaluations", "hours since the first submission")
_SCALES = ("linear", "log")


def compare_scores(runs: Sequence[Checkpoint | History]) -> Figure:
    """Return the best total score so far of every run.

    Choices: ``horizontal`` (generation, evaluations, hours), ``vertical`` (linear, log).

    Parameters
    ----------
    runs : sequence of Checkpoint or History
        In the order of the legend.
    """
    histories = [History.of(run) for run in runs]
    title = "Best total score so far"
    measured = _measured(histories)
    if not measured:
        return nothing("compare_scores", title, _nothing_of(histories))
    names = run_names(histories)
    best = [each.best_so_far(each.total) for _, each, _ in measured]
    across = [[each.numbers.astype(float), each.ends.astype(float), hours_at_ends(each)] for _, each, _ in measured]
    marks: list[Mark] = []
    for (n, _, _), y, x in zip(measured, best, across, strict=True):
        colour, symbol = look(n)
        places = Pick("horizontal", tuple(x))
        marks.append(Line(places, y, colour, names[n], 2.0, dashed=n >= len(RUNS), step=True))
        ends = Pick("horizontal", tuple(each[-1:] for each in x))
        marks.append(Points(ends, y[-1:], colour, "", 6, symbol))
    domains = [around(0.0, *(x[k] for x in across), share=0.015) for k in range(len(_ACROSS))]
    panel = Panel(
        Axis(
            Pick("horizontal", _ACROSS),
            Pick("horizontal", tuple(domains)),
            whole=Pick("horizontal", (True, True, False)),
        ),
        Axis("total score", Pick("vertical", (from_zero(*best), log_domain(*best))), Pick("vertical", _SCALES)),
        tuple(marks),
        height=340,
    )
    caption = "Sum of the scores of all targets of the best evaluation so far; smaller is better."
    if len({frozenset(each.label for each in history.targets) for history in histories}) > 1 or _differing(histories):
        caption += " The runs have different targets: their totals are sums of different scores."
    choices = (Selector("horizontal", "Over", _ACROSS), Selector("vertical", "Scale", _SCALES))
    return Figure("compare_scores", title, caption, (panel,), choices)


def compare_targets(runs: Sequence[Checkpoint | History]) -> Figure:
    """Return the score of every target of the best evaluation of each run.

    Parameters
    ----------
    runs : sequence of Checkpoint or History
        Targets are matched by their labels.
    """
    histories = [History.of(run) for run in runs]
    title = "Scores of every target, best evaluation of each run"
    measured = _measured(histories)
    labels = list(dict.fromkeys(wanted.label for _, each, _ in measured for wanted in each.targets))
    if not labels:
        return nothing("compare_targets", title, _nothing_of(histories))
    row_of = {label: n for n, label in enumerate(labels)}
    names, marks, largest = run_names(histories), [], 1.5
    for n, each, best in measured:
        colour, symbol = look(n)
        scores = each.scores[best]
        at = np.array([row_of[wanted.label] for wanted in each.targets], dtype=float) + _beside(n, len(histories))
        marks.append(Points(scores, at, colour, names[n], 5, symbol))
        largest = max(largest, float(scores.max()))
    panel = Panel(
        Axis("score, in norms", (0.0, largest * 1.06)),
        Axis("", (-0.5, len(labels) - 0.5), rows=tuple(short_labels(labels)), full=tuple(labels)),
        (Rule("x", 1.0, MUTED, "1 norm"), *marks),
        height=24 * len(labels),
    )
    caption = "Left of the line: within 1 norm."
    if differ := _differing(histories):
        caption += f" Of {plural(differ, 'target')} what is wanted, the norm or max_score differs between the runs."
    return Figure("compare_targets", title, caption, (panel,))


def compare_parameters(runs: Sequence[Checkpoint | History]) -> Figure:
    """Return the parameters of the best evaluation of each run, between the bounds of that run.

    Parameters
    ----------
    runs : sequence of Checkpoint or History
        Parameters are matched by their names.
    """
    histories = [History.of(run) for run in runs]
    title = "Parameters of the best evaluation of each run"
    measured = _measured(histories)
    names = list(dict.fromkeys(parameter.name for _, each, _ in measured for parameter in each.parameters))
    if not names:
        return nothing("compare_parameters", title, _nothing_of(histories))
    row_of = {name: n for n, name in enumerate(names)}
    labels, marks = run_names(histories), []
    for n, each, best in measured:
        colour, symbol = look(n)
        at = np.array([row_of[p.name] for p in each.parameters], dtype=float) + _beside(n, len(histories))
        marks.append(Points(between_bounds(each, best), at, colour, labels[n], 5, symbol))
    panel = Panel(
        Axis("between the lower (0) and the upper bound (1) of the run, on the parameter's scale", (-0.03, 1.03)),
        Axis("", (-0.5, len(names) - 0.5), rows=tuple(short_names(names)), full=tuple(names)),
        (Rule("x", 0.0, FAINT, dashed=False), Rule("x", 1.0, FAINT, dashed=False), *marks),
        height=24 * len(names),
    )
    bounds: dict[str, set[tuple[object, ...]]] = {}
    for _, each, _ in measured:
        for p in each.parameters:
            ends = (p.low, p.high) if p.moving is None else (str(p.moving),)
            bounds.setdefault(p.name, set()).add((*ends, p.log, p.choice and p.choice.values))
    differ = sum(len(each) > 1 for each in bounds.values())
    caption = f"The bounds of {plural(differ, 'parameter')} differ between the runs." if differ else ""
    return Figure("compare_parameters", title, caption, (panel,))


def run_names(histories: Sequence[History]) -> list[str]:
    """Return the runs' names, numbered if two are the same."""
    counts = Counter(each.name for each in histories)
    return [
        f"{n}: {elided(each.name, 48)}" if counts[each.name] > 1 else elided(each.name, 48)
        for n, each in enumerate(histories, start=1)
    ]


def look(n: int) -> tuple[str, Symbol]:
    """Return the colour and the symbol of run number `n`; the next run of a colour has another symbol."""
    return RUNS[n % len(RUNS)], SYMBOLS[(n + n // len(RUNS)) % len(SYMBOLS)]


def _measured(histories: Sequence[History]) -> list[tuple[int, History, int]]:
    """Return the runs that have a best evaluation: number, run, row of the best."""
    return [(n, each, each.best) for n, each in enumerate(histories) if each.best is not None]


def _nothing_of(histories: Sequence[History]) -> str:
    return NOTHING_MEASURED if any(len(each) for each in histories) else NOTHING_YET


def _differing(histories: Sequence[History]) -> int:
    """Return how many targets of one label are scored differently in two runs, as far as that is known."""
    numbers: dict[str, list[tuple[float, ...]]] = {}
    for wanted in (wanted for each in histories for wanted in each.targets):
        own = (wanted.low, wanted.high, wanted.norm, wanted.max_score)
        numbers.setdefault(wanted.label, []).append(own)
    columns = {label: np.array(rows).T for label, rows in numbers.items()}
    return sum(any(len(np.unique(each[~np.isnan(each)])) > 1 for each in known) for known in columns.values())


def _beside(n: int, of: int) -> float:
    """Return how far the symbols of a run lie beside the middle of a row, so that equal ones stay visible."""
    return 0.5 * ((n + 0.5) / of - 0.5)
