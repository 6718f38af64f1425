"""What became of the jobs, and where the time went."""

from __future__ import annotations

import math

import numpy as np

from orchestrator.checkpoint import Checkpoint
from orchestrator.config.durations import format_duration
from orchestrator.records import FloatArray
from orchestrator.report.domains import from_zero
from orchestrator.report.figures.common import counts_panel, means, nothing, step_edges, steps
from orchestrator.report.figures.registry import figure
from orchestrator.report.history import QUEUE, WORKER, History, IntArray
from orchestrator.report.palette import LIGHT_BLUE, LOST, OUTCOMES, PHASES
from orchestrator.report.scene import Axis, Band, Bars, Figure, Panel, Pick, Selector

_TIMELINES = 24
_BINS = 300
_WAITING = {QUEUE: "in the queue", WORKER: "waiting for a worker"}
_NO_TIMES = "The checkpoint holds no times of jobs."


@figure(section="simulations", order=10)
def outcomes_by_generation(run: Checkpoint | History) -> Figure:
    """Return how many offspring of each generation ended in which way.

    Parameters
    ----------
    run : Checkpoint or History
        The run.
    """
    history = History.of(run)
    title = "Outcomes by generation"
    if not len(history):
        return nothing("outcomes_by_generation", title)
    names = [name for name in OUTCOMES if (history.outcome == name).any()]
    others = ~np.isin(history.outcome.astype(str), list(OUTCOMES))
    groups = [(name, OUTCOMES[name], history.outcome == name) for name in names]
    if others.any():
        groups.append(("lost by the cluster", LOST, others))
    panel = counts_panel(history.numbers, history.place, groups)
    return Figure("outcomes_by_generation", title, "From below, in the order of the legend.", (panel,))


@figure(section="simulations", order=30)
def wall_time(run: Checkpoint | History) -> Figure:
    """Return where the wall time of the jobs went: altogether, and on average by generation.

    Parameters
    ----------
    run : Checkpoint or History
        The run.
    """
    history = History.of(run)
    title = "Where the wall time went"
    phases = {name: seconds for name, seconds in history.phases.items() if seconds.sum() > 0}
    if not phases:
        return nothing("wall_time", title, _NO_TIMES if len(history) else "No generation is complete yet.")
    totals = {name: float(seconds.sum()) for name, seconds in phases.items()}
    unit, divisor = time_unit(max(totals.values()))
    share = sum(totals.values())
    at = np.arange(len(totals), dtype=float)
    notes = tuple(f"{format_duration(total)} ({total / share:.0%})" for total in totals.values())
    bars = tuple(
        Bars(np.zeros(1), np.array([total / divisor]), at[[n]], PHASES[name], thickness=0.62)
        for n, (name, total) in enumerate(totals.items())
    )
    sums = Panel(
        Axis(f"all jobs together, {unit}", from_zero(max(totals.values()) / divisor)),
        Axis("", (-0.5, len(totals) - 0.5), rows=tuple(totals), notes=notes),
        bars,
        "altogether",
        height=230,
    )
    by_generation = {name: np.nan_to_num(means(history, seconds)) for name, seconds in phases.items()}
    unit, divisor = time_unit(max(float(np.sum(list(by_generation.values()), axis=0).max()), 1e-9))
    x, floor, marks = step_edges(history.numbers.astype(float)), np.zeros(len(history.numbers)), []
    for name, mean in by_generation.items():
        top = floor + mean / divisor
        marks.append(Band(x, steps(floor), steps(top), PHASES[name], name, 1.0, True))
        floor = top
    average = Panel(
        Axis("generation", (float(x[0]), float(x[-1])), whole=True),
        Axis(unit, from_zero(floor)),
        tuple(marks),
        "mean of a generation's jobs",
        height=230,
    )
    caption = (
        f"{history.waiting.capitalize()}: from the last submission to the start, or to the end of a job that never "
        "started. The rest of a job is its start and end, and simulations whose phases are not noted. "
        f"{history.ends_unknown}"
    )
    return Figure("wall_time", title, caption.strip(), (sums, average))


@figure(section="simulations", order=40)
def job_timeline(run: Checkpoint | History) -> Figure:
    """Return the jobs of one generation: queue, building, check, protocols, measuring.

    Choices: ``generation`` (the last ones, and some from all over the run).

    Parameters
    ----------
    run : Checkpoint or History
        The run.
    """
    history = History.of(run)
    title = "Timeline of a generation's jobs"
    if not len(history):
        return nothing("job_timeline", title)
    if not math.isfinite(history.begin):
        return nothing("job_timeline", title, _NO_TIMES)
    n = len(history.numbers)
    last = np.arange(max(0, n - _TIMELINES // 2), n)
    some = np.unique(np.r_[np.linspace(0, n - 1, _TIMELINES // 2).astype(int), last])[::-1]
    rows = [np.flatnonzero(history.place == place) for place in some]
    submitted = [history.times["submitted"][own] for own in rows]
    zero = [float(np.nanmin(times)) if np.isfinite(times).any() else history.begin for times in submitted]
    ends = [np.nanmax(np.fmax(history.times["finished"][own], submitted[k]) - zero[k]) for k, own in enumerate(rows)]
    units = [time_unit(float(end)) for end in ends]
    names = tuple(_job_names(history, own) for own in rows)
    marks = []
    begins = [np.nan_to_num(times - zero[k]) / units[k][1] for k, times in enumerate(submitted)]
    for phase, seconds in history.phases.items():
        if not seconds.sum():
            continue
        widths = [seconds[own] / units[k][1] for k, own in enumerate(rows)]
        ats = [np.flatnonzero(width > 0) for width in widths]
        low = Pick("generation", tuple(begins[k][ats[k]] for k in range(len(rows))))
        high = Pick("generation", tuple((begins[k] + widths[k])[ats[k]] for k in range(len(rows))))
        at = Pick("generation", tuple(each.astype(float) for each in ats))
        marks.append(Bars(low, high, at, PHASES[phase], phase, 0.35 if phase == history.waiting else 0.7))
        begins = [begin + width for begin, width in zip(begins, widths, strict=True)]
    most = max(len(own) for own in rows)
    panel = Panel(
        Axis(
            Pick("generation", tuple(f"{unit} since the generation's first submission" for unit, _ in units)),
            Pick("generation", tuple(from_zero(end / units[k][1]) for k, end in enumerate(ends))),
        ),
        Axis(
            "", Pick("generation", tuple((-0.5, len(own) - 0.5) for own in rows)),
            rows=Pick("generation", tuple(texts for texts, _ in names)),
            notes=Pick("generation", tuple(notes for _, notes in names)),
        ),
        tuple(marks),
        height=int(np.clip(18 * most, 60, 760)),
    )  # fmt: skip
    caption = "One row for each offspring: its last submission. Beside it: outcome, and attempts if there were several."
    options = tuple(str(number) for number in history.numbers[some])
    if len(some) < n:
        caption += f" {len(some)} of {n:,} generations can be chosen."
    caption = f"{caption} {history.ends_unknown}".strip()
    return Figure("job_timeline", title, caption, (panel,), (Selector("generation", "Generation", options),))


@figure(section="simulations", order=20)
def jobs_at_once(run: Checkpoint | History) -> Figure:
    """Return how many jobs were running and waiting over the whole run.

    Parameters
    ----------
    run : Checkpoint or History
        The run.
    """
    history = History.of(run)
    title = "Jobs over the whole run"
    if not len(history):
        return nothing("jobs_at_once", title)
    submitted, started, finished = history.times.values()
    latest = np.fmax(finished, np.fmax(started, submitted))
    if not math.isfinite(history.begin) or not np.isfinite(started).any():
        return nothing("jobs_at_once", title, _NO_TIMES)
    end = float(np.nanmax(latest))
    edges = np.linspace(history.begin, max(end, history.begin + 1e-3), _BINS + 1)
    running = _occupancy(started, finished, edges)
    waiting = _occupancy(submitted, np.where(np.isfinite(started), started, latest), edges)
    unit, divisor = time_unit(end - history.begin)
    grey, words = PHASES[history.waiting], _WAITING[history.waiting]
    x = np.repeat((edges - history.begin) / divisor, 2)[1:-1]
    panel = Panel(
        Axis(f"{unit} since the first submission", (0.0, float(x[-1]))),
        Axis("jobs, mean", from_zero(running + waiting)),
        (
            Band(x, np.zeros(len(x)), steps(running), LIGHT_BLUE, "running", 0.9, True),
            Band(x, steps(running), steps(running + waiting), grey, words, 0.9, True),
        ),
        height=190,
    )
    caption = (
        f"Gaps in which nothing runs are between generations, or while no controller was alive. {history.ends_unknown}"
    )
    return Figure("jobs_at_once", title, caption.strip(), (panel,))


def time_unit(seconds: float) -> tuple[str, float]:
    """Return the unit in which a time is best told, and its seconds."""
    for unit, divisor in (("days", 86400.0), ("hours", 3600.0), ("minutes", 60.0)):
        if seconds >= 2 * divisor:
            return unit, divisor
    return "seconds", 1.0


def _job_names(history: History, rows: IntArray) -> tuple[tuple[str, ...], tuple[str, ...]]:
    attempts = np.asarray(history.frame["attempts"])
    together = bool((history.generation[rows] == history.block[rows]).all())
    names = tuple(
        f"offspring {'' if together else f'{history.generation[row]}/'}{history.offspring[row]}" for row in rows
    )
    more = tuple(f", {attempts[row]} attempts" if attempts[row] > 1 else "" for row in rows)
    return names, tuple(f"{history.outcome[row]}{text}" for row, text in zip(rows, more, strict=True))


def _occupancy(begin: FloatArray, end: FloatArray, edges: FloatArray) -> FloatArray:
    """Return the mean number of intervals that cover each bin of time."""
    known = np.isfinite(begin) & np.isfinite(end) & (end > begin)
    # seconds covered until each edge, summed over intervals
    begins, ends = np.sort(begin[known]), np.sort(end[known])

    def until(sorted_times: FloatArray) -> FloatArray:
        sums = np.r_[0.0, np.cumsum(sorted_times - edges[0])]
        n = np.searchsorted(sorted_times, edges)
        return np.asarray(n * (edges - edges[0]) - sums[n])

    return np.asarray(np.maximum(np.diff(until(begins) - until(ends)) / np.diff(edges), 0.0))
