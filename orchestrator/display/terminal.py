"""A run as a person sees it on a terminal: `orchestrator.status.RunStatus` as rows that fit any width."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.measure import Measurement
from rich.progress_bar import ProgressBar
from rich.segment import Segment
from rich.style import Style
from rich.table import Table
from rich.text import Text

from orchestrator.config.durations import format_duration
from orchestrator.display.words import (
    again_words,
    ago,
    best_words,
    clock_time,
    controller_words,
    end_words,
    how_to_go_on,
    jobs_words,
    model_words,
    slowest_words,
    start_words,
    trend,
    winner_words,
)
from orchestrator.status.described import RunStatus
from orchestrator.status.in_flight import GenerationStatus, OffspringStatus
from orchestrator.text import plain

_STYLES = {
    "queued": "dim",
    "checking": "yellow",
    "running": "cyan",
    "measuring": "blue",
    "done": "green",
    "exploded": "magenta",
    "failed": "red",
    "not evaluated": "yellow",
}
# symbols tell the states apart where colours do not, and where the terminal has no others
_BLOCKS = dict(zip(_STYLES, "░▒▓▓█x!?", strict=True))
_ASCII_BLOCKS = dict(zip(_STYLES, ".crm#x!?", strict=True))
# what is reached grows from the left
_BAR = ("done", "exploded", "failed", "not evaluated", "measuring", "running", "checking", "queued")
_LEVELS, _ASCII_LEVELS = "▁▂▃▄▅▆▇█", "_.-~+=*#"
_WIDEST = 60
_CONTROLLER_STYLES = {"alive": "green", "finished": "green", "dead": "red", "silent": "red", "failed": "red"}


def render(status: RunStatus, *, now: float | None = None, looking_on: bool = True, most_failures: int = 8) -> Group:
    """Return what to print.

    Parameters
    ----------
    status : RunStatus
        The run.
    now : float or None
        Unix time in s, where it is shown later than it was looked at.
    looking_on : bool
        Whether it is shown outside the controller, that is with the controller's state and the failures.
    most_failures : int
        How many exploded or failed offspring are listed.
    """
    now = status.time if now is None else now
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold", ratio=1)
    for label, value in _rows(status, now, looking_on):
        table.add_row(label, value)
    name = Text(plain(status.run.rpartition("/")[2]), style="bold", overflow="fold")
    parts: list[Text | Table] = [name, table]
    if looking_on and status.generation is not None and status.generation.failures:
        parts.append(_failures(status.generation.failures, most_failures))
    parts += [Text(plain(f"! {warning}"), style="yellow", overflow="fold") for warning in status.warnings]
    parts += [Text(plain(f"! {problem}"), style="red", overflow="fold") for problem in status.problems]
    return Group(*parts)


def print_status(console: Console, status: RunStatus) -> None:
    """Print a run once, with the command that continues it where that is needed."""
    console.print(render(status))
    if command := how_to_go_on(status):
        console.print(f"To go on:\n  {command}", soft_wrap=True, markup=False, highlight=False)


def one_line(status: RunStatus) -> str:
    """Return the same in a line for a batch log."""
    generation = status.generation
    if generation is None:
        words = [f"{status.complete} of {status.max_ngen} generations complete"]
    else:
        counts = ", ".join(f"{count} {state}" for state, count in generation.counts.items() if count)
        words = [f"generation {generation.number}: {counts}"]
        words += [text for text in (jobs_words(generation), _queue(status, generation)) if text]
        if math.isfinite(generation.deadline):
            words.append(f"times out in {format_duration(generation.deadline - status.time)}")
    again = status.reevaluation
    if again is not None and (left := again_words(again, status.time)):
        words.append(f"again {left}")
    if status.best is not None:
        words.append(f"best total score {status.best.total_score:.4g}")
    if again is not None and again.winner is not None:
        words.append(winner_words(again.winner))
    if math.isfinite(status.forecast.end):
        words.append(f"ends about {clock_time(status.forecast.end)}")
    return "; ".join(words)


def _rows(status: RunStatus, now: float, looking_on: bool) -> Iterator[tuple[str, Text | Group | Progress]]:
    if looking_on:
        style = _CONTROLLER_STYLES.get(status.controller.state, "yellow")
        yield "controller", Text(plain(controller_words(status, now)), style=style)
    yield "generation", _progress(status)
    generation = status.generation
    if generation is not None:
        yield "offspring", Group(Bar(generation), _counts(generation))
        for label, words in (
            ("jobs", jobs_words(generation)),
            ("slowest", slowest_words(generation, now)),
            ("queue", _queue(status, generation)),
            ("lost", ", ".join(f"{count} {outcome}" for outcome, count in generation.lost.items())),
        ):
            if words:
                yield label, Text(plain(words))
        if math.isfinite(generation.deadline) and (generation.in_flight or (generation.unsubmitted and _alive(status))):
            yield "timeout", Text(_deadline(generation, status.timeout, now))
    again = status.reevaluation
    if again is not None and (words := again_words(again, now)):
        yield "again", Text(plain(words))
    if status.best is not None:
        best = status.best
        at = f"best {best.total_score:.4g} ({best_words(best)})"
        lines: list[Text | Sparkline] = [Text(f"{at}, {start_words(status.start_score)}")]
        if again is not None and again.winner is not None:
            lines.insert(0, Text(winner_words(again.winner)))
        if len(status.best_scores) > 1:
            lines.append(Sparkline(_running_best(status.best_scores), trend(status.best_scores)))
        yield "score", Group(*lines)
    if status.model is not None:
        yield "model", Text(model_words(status.model))
    if _alive(status) and (words_of_end := end_words(status, now)):
        yield "end", Text(words_of_end)


def _progress(status: RunStatus) -> Progress:
    complete = f"{status.complete} of {status.max_ngen} complete"
    in_flight = status.generation is not None and status.complete < status.max_ngen
    return Progress(
        f"{status.complete} in flight, {complete}" if in_flight else complete, _done(status), status.max_ngen
    )


def _done(status: RunStatus) -> float:
    generation = status.generation
    share = generation.share if generation is not None else 0.0
    return min(status.complete + share, float(max(status.max_ngen, 1)))


def _counts(generation: GenerationStatus) -> Text:
    counts = generation.counts
    words = (Text(f"{counts[state]} {state}", style=_STYLES[state]) for state in _BAR if counts[state])
    return Text("  ").join(words)


def _alive(status: RunStatus) -> bool:
    return status.controller.state == "alive"


def _queue(status: RunStatus, generation: GenerationStatus) -> str:
    """Return why jobs wait, in the executor's words; and since when nobody has asked it, if so."""
    words = [f"{count} pending ({reason})" for reason, count in generation.pending.items()]
    words += [generation.queue.silence] if generation.queue.silence else []
    if words and not _alive(status):
        words[-1] += f" on {clock_time(generation.queue.time)}, when its controller asked last"
    if generation.unsubmitted:
        why = generation.queue.refusal.strip().partition("\n")[0]
        words.append(f"{generation.unsubmitted} not submitted yet{f' ({why})' if why else ''}")
    return ", ".join(words)


def _deadline(generation: GenerationStatus, timeout: float, now: float) -> str:
    if generation.timed_out:
        return "reached: unfinished jobs are being cancelled"
    if generation.deadline <= now:
        return f"passed {ago(generation.deadline, now)}"
    left, whole = format_duration(generation.deadline - now), format_duration(timeout)
    return f"in {left} ({clock_time(generation.deadline)}, {whole} after the first submission)"


def _failures(failures: Iterable[OffspringStatus], most: int) -> Table:
    failures = list(failures)
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for each in failures[:most]:
        message = (each.message or each.outcome).strip().partition("\n")[0]
        text = plain(message if each.state == "exploded" else f"{each.outcome}: {message}")
        table.add_row(Text(f"offspring {each.place} {each.state}", style=_STYLES[each.state]), Text(text))
    if len(failures) > most:
        table.add_row("", Text(f"and {len(failures) - most} more (--json lists all)", style="dim"))
    return table


def _running_best(scores: Iterable[float]) -> list[float]:
    best, found = math.inf, []
    for score in scores:
        best = min(best, score)
        found.append(best)
    return found


class Progress:
    """Words and, where there is room, a bar behind them."""

    def __init__(self, words: str, done: float, total: int):
        self._words = words
        self._bar = ProgressBar(max(total, 1), done, 24, complete_style="green", finished_style="green")

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if len(self._words) + 26 > options.max_width:
            yield Text(self._words)
            return
        yield Segment(f"{self._words}  ")
        yield self._bar
        yield Segment.line()


class Bar:
    """Offspring by state, side by side in the width there is."""

    def __init__(self, generation: GenerationStatus):
        self._counts = generation.counts
        self._total = len(generation.offspring)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(1, min(_WIDEST, options.max_width))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width, blocks = min(_WIDEST, options.max_width), _ASCII_BLOCKS if options.ascii_only else _BLOCKS
        seen, drawn = 0, 0
        for state in _BAR:
            seen += self._counts[state]
            end = round(width * seen / max(self._total, 1))
            yield Segment(blocks[state] * (end - drawn), console.get_style(_STYLES[state]))
            drawn = end
        yield Segment.line()


class Sparkline:
    """Numbers as a row of blocks, with some words behind it.

    Parameters
    ----------
    numbers : sequence of float
        Where there are more than room, the last of each of equal parts is drawn.
    words : str
        Behind it.
    """

    def __init__(self, numbers: list[float], words: str):
        self._numbers = [number for number in numbers if math.isfinite(number)]
        self._words = words

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(1, options.max_width)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        levels = _ASCII_LEVELS if options.ascii_only else _LEVELS
        room = min(_WIDEST // 2, max(options.max_width - len(self._words) - 2, 8), options.max_width)
        count = len(self._numbers)
        shown = self._numbers
        if count > room:
            shown = [self._numbers[(n + 1) * count // room - 1] for n in range(room)]
        if min(shown, default=0.0) > 0:
            shown = [math.log(number) for number in shown]  # late improvements are small, and matter
        low, high = min(shown, default=0.0), max(shown, default=0.0)
        scale = (len(levels) - 1) / (high - low) if high > low else 0.0
        yield Segment("".join(levels[round((number - low) * scale)] for number in shown), Style(color="green"))
        if len(shown) + 2 + len(self._words) <= options.max_width:
            yield Segment(f"  {self._words}")
        yield Segment.line()
