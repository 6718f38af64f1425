"""Looking at a run while it goes on: the controller's display and its lines in a batch log, and ``status --watch``."""

from __future__ import annotations

import contextlib
import json
import logging
import math
import threading
import time
from collections.abc import Callable, Iterator

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from orchestrator.display.logs import SHOWN_LIVE, LogFormat, interactive
from orchestrator.display.notebook import NotebookDisplay
from orchestrator.display.terminal import one_line, print_status, render
from orchestrator.status import RunStatus, Watcher
from orchestrator.text import LOG_DATA

_LOG = logging.getLogger(__name__)
# between two checks in s; a slow file system is asked less often, to spend a twentieth of the time there at most
_SHORTEST, _LONGEST, _SHARE = 2.0, 30.0, 20.0
# between two lines of a batch log in s, but where a generation begins or the queue has something new to say
_BETWEEN_LINES = 60.0
_REFRESHES = 2


class StatusThread:
    """Looks at a run again and again, in a thread of its own: a file system that hangs does not hold anything up.

    Parameters
    ----------
    watcher : Watcher
        Of the run.
    told : callable
        Takes each new status.
    """

    def __init__(self, watcher: Watcher, told: Callable[[RunStatus], object]):
        self._watcher = watcher
        self._told = told
        self._failed = False
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="display", daemon=True)

    def __enter__(self) -> StatusThread:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(_SHORTEST)  # where the file system hangs, the process's end ends it

    def look(self) -> None:
        """Look at the run; what goes wrong is told once."""
        try:
            self._told(self._watcher.look())
        except Exception:  # noqa: BLE001  (a display must not end, or disturb, what it displays)
            if not self._failed:
                _LOG.warning("this cannot be displayed", exc_info=True)
            self._failed = True

    def _run(self) -> None:
        pause = 0.0
        while not self._over.wait(pause):
            begin = time.monotonic()
            self.look()
            pause = min(max(_SHORTEST, _SHARE * (time.monotonic() - begin)), _LONGEST)


class ChangeLines:
    """Logs a line where something has changed, and not more often than is good for a log."""

    def __init__(self) -> None:
        self._last: object = None
        self._urgent: object = None
        self._next = 0.0

    def __call__(self, status: RunStatus) -> None:
        """Take a new status."""
        generation, again = status.generation, status.reevaluation
        changing: tuple[object, ...]
        urgent: tuple[object, ...]
        # what is urgent changes seldom, and people wait for it
        if generation is not None and not math.isnan(generation.submitted):
            changing = (generation.counts, generation.pending, generation.queue.silence)
            urgent = (generation.number, set(generation.pending), generation.queue.silence)
        elif again is not None and again.running:
            changing, urgent = (again.counts, again.pending), ("again", set(again.pending))
        else:
            return
        if changing == self._last or (urgent == self._urgent and time.monotonic() < self._next):
            return
        self._last, self._urgent, self._next = changing, urgent, time.monotonic() + _BETWEEN_LINES
        extra = {SHOWN_LIVE: True, LOG_DATA: {"event": "status", "status": status.to_json()}}
        _LOG.info("%s", one_line(status), extra=extra)


@contextlib.contextmanager
def displaying(watcher: Watcher, console: Console, log_format: LogFormat = LogFormat.AUTO) -> Iterator[None]:
    """Show a run while it is carried out: live on a terminal or in a notebook, and a line per change in the log."""
    lines = ChangeLines()
    if log_format is LogFormat.AUTO and console.is_jupyter and not console.quiet:
        with _in_notebook(watcher, lines):
            yield
        return
    if log_format is not LogFormat.AUTO or not interactive(console):
        with StatusThread(watcher, lines):
            yield
        return
    screen = _Screen(looking_on=False)

    def told(status: RunStatus) -> None:
        screen.show(status)
        lines(status)

    with (
        Live(console=console, get_renderable=screen.render, refresh_per_second=_REFRESHES, transient=True),
        StatusThread(watcher, told),
    ):
        yield


@contextlib.contextmanager
def _in_notebook(watcher: Watcher, lines: Callable[[RunStatus], object]) -> Iterator[None]:
    display = NotebookDisplay()

    def told(status: RunStatus) -> None:
        display.show(status)
        lines(status)

    with StatusThread(watcher, told) as thread:
        yield
    thread.look()  # what it has come to stays below the cell


def watch(
    watcher: Watcher, console: Console, print_line: Callable[[str], object], over: threading.Event, *, as_json: bool
) -> None:
    """Show a run until Ctrl-C: on the whole terminal, or a line per change where there is none.

    Parameters
    ----------
    watcher : Watcher
        Of the run.
    console : rich.console.Console
        Where to.
    print_line : callable
        Prints a line, where a live display makes no sense.
    over : threading.Event
        Set to end it otherwise.
    as_json : bool
        Whether lines are JSON.
    """
    if as_json or not interactive(console):
        lines = _PrintedLines(print_line, as_json=as_json)
        with contextlib.suppress(KeyboardInterrupt), StatusThread(watcher, lines):
            over.wait()
        return
    screen = _Screen(looking_on=True)
    with (
        contextlib.suppress(KeyboardInterrupt),
        Live(console=console, get_renderable=screen.render, refresh_per_second=_REFRESHES, screen=True),
        StatusThread(watcher, screen.show),
    ):
        over.wait()
    if screen.status is not None:
        print_status(console, screen.status)


class _PrintedLines:
    def __init__(self, print_line: Callable[[str], object], *, as_json: bool):
        self._print = print_line
        self._as_json = as_json
        self._last: object = None

    def __call__(self, status: RunStatus) -> None:
        # times pass without anything having changed
        again = status.reevaluation and (status.reevaluation.counts, status.reevaluation.done)
        now = (status.controller.state, status.complete, status.generation and status.generation.offspring, again)
        if now != self._last:
            self._last = now
            self._print(json.dumps(status.to_json()) if self._as_json else f"{time.strftime('%X')} {one_line(status)}")


class _Screen:
    def __init__(self, *, looking_on: bool):
        self._looking_on = looking_on
        self.status: RunStatus | None = None
        self._shown = 0.0

    def show(self, status: RunStatus) -> None:
        self.status, self._shown = status, time.monotonic()

    def render(self) -> Group:
        if self.status is None:
            return Group(Text("looking ...", style="dim"))
        now = self.status.time + time.monotonic() - self._shown
        shown = render(self.status, now=now, looking_on=self._looking_on)
        return shown if self._looking_on else Group(Text(), shown)
