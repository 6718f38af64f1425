"""What a person sees of a run: a live display on a terminal, a line per change in a batch log."""

from __future__ import annotations

import contextlib
import logging
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.console import Console, Group
from rich.live import Live
from rich.logging import RichHandler
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from orchestrator.controller import Snapshot
from orchestrator.durations import format_duration

_STYLES = {
    "queued": "dim",
    "running": "cyan",
    "measuring": "blue",
    "done": "green",
    "exploded": "magenta",
    "failed": "red",
}


@contextlib.contextmanager
def logging_to(path: Path, console: Console) -> Iterator[None]:
    """Write the log into the run directory, and to the console as it suits it."""
    logger = logging.getLogger("orchestrator")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logging.raiseExceptions = False  # a full disk is told once, where it matters
    plain = logging.Formatter("%(asctime)s %(levelname)-7s %(message)s")
    to_file = logging.FileHandler(path, encoding="utf-8")
    to_file.setFormatter(plain)
    to_console: logging.Handler
    if console.is_terminal:
        to_console = RichHandler(console=console, show_path=False, show_level=False, markup=False, highlighter=None)
    else:
        to_console = logging.StreamHandler(console.file)
        to_console.setFormatter(plain)
    for handler in (to_file, to_console):
        logger.addHandler(handler)
    try:
        yield
    finally:
        for handler in (to_file, to_console):
            logger.removeHandler(handler)
            handler.close()


@contextlib.contextmanager
def live(console: Console) -> Iterator[Callable[[Snapshot], None]]:
    """Yield a function that shows a `Snapshot`; a batch log, which has the lines of the logger, gets nothing more."""
    if not console.is_terminal:
        yield lambda _snapshot: None
        return
    begin = time.time()
    current: list[Snapshot] = []
    with Live(
        console=console, get_renderable=lambda: _render(current[-1:], begin), refresh_per_second=4, transient=True
    ):

        def show(snapshot: Snapshot) -> None:
            current[:] = [snapshot]

        yield show


def _render(current: list[Snapshot], begin: float) -> Group:
    if not current:
        return Group(Text("preparing ...", style="dim"))
    snapshot = current[0]
    total = sum(snapshot.counts.values())
    finished = sum(snapshot.counts.get(state, 0) for state in ("done", "exploded", "failed"))
    done = snapshot.generation + (finished / total if total else 0.0)
    table = Table.grid(padding=(0, 2))
    table.add_row(
        "generation", f"{snapshot.generation + 1} of {snapshot.max_ngen}", ProgressBar(snapshot.max_ngen, done, 30)
    )
    states = Text()
    for state, style in _STYLES.items():
        if snapshot.counts.get(state):
            states.append(f"{snapshot.counts[state]} {state}  ", style=style)
    table.add_row("offspring", states)
    if math.isfinite(snapshot.best_score):
        table.add_row("total score", f"{snapshot.best_score:.3g} best, {snapshot.start_score:.3g} at the start")
    times = f"{format_duration(time.time() - begin)} so far"
    if math.isfinite(snapshot.deadline):
        times += f", this generation times out in {format_duration(snapshot.deadline - time.time())}"
    table.add_row("time", times)
    return Group(Text(), table)
