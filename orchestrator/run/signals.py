"""What signals mean to a controller: stop soon; Ctrl-C once more on a terminal: end the jobs as well?"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from types import FrameType

from rich.console import Console
from rich.prompt import Confirm

# ``optimisation.sbatch`` asks SLURM for SIGUSR1 some minutes before the time limit
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)
# for the second Ctrl-C, in s
_PATIENCE = 4.0


@dataclass(frozen=True)
class Signals:
    """What has been asked of this process.

    Parameters
    ----------
    stop : threading.Event
        Set by the first signal.
    again : threading.Event
        Set by the second Ctrl-C.
    received : list of int
        All of them, in their order.
    """

    stop: threading.Event = field(default_factory=threading.Event)
    again: threading.Event = field(default_factory=threading.Event)
    received: list[int] = field(default_factory=list)


def listening() -> contextlib.AbstractContextManager[Signals]:
    """Collect signals instead of ending on them; a third Ctrl-C ends the process at once."""
    return _collecting(_STOP_SIGNALS, _end_process)


def listening_as_guest() -> contextlib.AbstractContextManager[Signals]:
    """Collect Ctrl-C alone, in a program of the user's, whose other signals are its own; a third one is an exception.

    Outside of the main thread no signal arrives.
    """
    return _collecting(_heard_as_guest(), _raise)


def stopped_by(*, as_guest: bool) -> str:
    """Return the name of the signal by which others can stop what this thread does, empty if it hears none."""
    heard = _heard_as_guest() if as_guest else (signal.SIGTERM,)
    return heard[0].name if heard else ""


def _heard_as_guest() -> tuple[signal.Signals, ...]:
    return (signal.SIGINT,) if threading.current_thread() is threading.main_thread() else ()


@contextlib.contextmanager
def _collecting(numbers: Sequence[signal.Signals], end: Callable[[int], object]) -> Iterator[Signals]:
    signals = Signals()

    def take(number: int, _frame: FrameType | None) -> None:
        signals.received.append(number)
        signals.stop.set()
        presses = signals.received.count(signal.SIGINT)
        if number == signal.SIGINT and presses == 2:
            signals.again.set()
        elif number == signal.SIGINT and presses > 2:
            end(number)

    before = {number: signal.signal(number, take) for number in numbers}
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end_process(number: int) -> None:
    os._exit(128 + number)


def _raise(_number: int) -> None:
    raise KeyboardInterrupt


def asked_to_cancel(signals: Signals, console: Console) -> bool:
    """Return whether a person who has pressed Ctrl-C twice really wants the jobs to end."""
    if set(signals.received) != {signal.SIGINT} or not (console.is_terminal and sys.stdin.isatty()):
        return False
    if not signals.again.is_set():
        console.print("Stopping. The jobs in the queue go on; press Ctrl-C again to cancel them.")
        if not signals.again.wait(_PATIENCE):
            return False
    with contextlib.suppress(EOFError):
        return Confirm.ask("Cancel all jobs of this run?", console=console, default=False)
    return False
