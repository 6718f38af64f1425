"""A child process that never outlives the job that started it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import IO

_GRACE = 0.5
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
# Asks the kernel to kill it when its parent is gone (PR_SET_PDEATHSIG, man 2 prctl), leaves a process that then kills
# the group as well, because the kernel's promise is not for grandchildren, and becomes the command.
_DIE_WITH_PARENT = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, 9)
alive = int(sys.argv[1])
if os.fork() == 0:
    if os.fork() == 0:
        os.read(alive, 1)
        os.killpg(0, 9)
    os._exit(0)
os.wait()
os.close(alive)
os.execvp(sys.argv[2], sys.argv[2:])
"""


def run_in_own_group(command: Sequence[str], *, cwd: Path, log: IO[bytes]) -> int:
    """Run `command` to its end and return its exit code, negative for a signal.

    The command and its children end when this process does, whatever ends it.

    Parameters
    ----------
    command : sequence of str
        Program and arguments.
    cwd : pathlib.Path
        Working directory.
    log : binary file
        Takes standard output and error.
    """
    # its other end closes with this process
    alive, own = os.pipe()
    child = subprocess.Popen(
        # isolated: modules of the model are none of this program's
        [sys.executable, "-S", "-I", "-c", _DIE_WITH_PARENT, str(alive), *command],
        pass_fds=(alive,),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    os.close(alive)
    try:
        with _ending_on_signals(child):
            return child.wait()
    finally:
        os.close(own)


@contextlib.contextmanager
def programs_of_this_python(*, first: bool = False) -> Iterator[None]:
    """Let programs beside this Python be found by their names for a while, whose environment need not be activated.

    Parameters
    ----------
    first : bool
        Whether before others of the same name.
    """
    before, own = os.environ.get("PATH", os.defpath), str(Path(sys.executable).parent)
    os.environ["PATH"] = os.pathsep.join([own, before] if first else [before, own])
    try:
        yield
    finally:
        os.environ["PATH"] = before


def end_on_signals(note: Callable[[int], object]) -> None:
    """End this process at once on SIGTERM, SIGHUP and SIGINT, after a `note` of the signal's number.

    submitit's own handler would ignore SIGTERM until SLURM kills, which takes half a minute.
    """

    def end(number: int, _frame: FrameType | None) -> None:
        _ignore_further_signals()
        with contextlib.suppress(OSError):
            note(number)
        os._exit(128 + number)

    _let_signals_wake_the_main_thread()
    for number in _SIGNALS:
        # whoever started this process may have wanted it not to hear of Ctrl-C
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, end)


# the signals that the thread which forks let in before it did
_before_fork = threading.local()


def _hold_signals() -> None:
    """Let no signal in while this process forks: the child would write it to what wakes the parent."""
    _before_fork.mask = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)


def _let_signals_in() -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, _before_fork.mask)


def _listen_no_more() -> None:
    """Let signals of a forked child, such as one of a pool of a model's own, be the child's affair."""
    signal.set_wakeup_fd(-1)
    _woken.clear()
    for number in _SIGNALS:
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)
    _let_signals_in()


def _ignore_further_signals() -> None:
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


# threads that are woken: a process that evaluates many begins with each
_woken: set[int] = set()


def _let_signals_wake_the_main_thread() -> None:
    """Interrupt the main thread, where Python runs handlers, whichever thread the kernel gives a signal to.

    scancel sends SIGCONT before SIGTERM; while the one is pending for the main thread, Linux gives the other to another
    thread (wants_signal in kernel/signal.c), and the main thread, which waits for a simulation, would not hear of it.
    """
    main = threading.get_ident()  # only there can handlers be set
    if main in _woken:
        return
    _woken.add(main)
    receiver, sender = os.pipe()
    os.set_blocking(sender, False)
    # written to in whichever thread
    signal.set_wakeup_fd(sender, warn_on_full_buffer=False)
    os.register_at_fork(before=_hold_signals, after_in_parent=_let_signals_in, after_in_child=_listen_no_more)

    def pass_on() -> None:
        passed_on: set[int] = set()
        while numbers := set(os.read(receiver, 64)):
            # once only: what is passed on comes by here as well
            for number in numbers.intersection(_SIGNALS) - passed_on:
                passed_on.add(number)
                signal.pthread_kill(main, number)

    threading.Thread(target=pass_on, daemon=True).start()


@contextlib.contextmanager
def _ending_on_signals(child: subprocess.Popen[bytes]) -> Iterator[None]:
    """End the child first if a signal ends this process."""
    before = {number: signal.getsignal(number) for number in _SIGNALS}

    def end(number: int, frame: FrameType | None) -> None:
        _ignore_further_signals()
        _end_group(child)
        handler = before[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)
        os._exit(128 + number)

    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _end_group(child)


def _end_group(child: subprocess.Popen[bytes]) -> None:
    """End what is left of the child's group; the group's number is that of the child, which leads it."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, number)
        if number is signal.SIGTERM:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(_GRACE)
