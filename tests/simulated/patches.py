"""What of the real code is replaced while a world goes on: the outermost functions of the system, and nothing else."""

from __future__ import annotations

import atexit
import builtins
import contextlib
import functools
import io
import json
import logging
import os
import pickle
import secrets
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import h5py
import pebble
import psutil

from orchestrator import clocks, lease, processes
from orchestrator.checking import problems
from orchestrator.checkpoint import history, reading
from orchestrator.cluster import commands, submission
from orchestrator.config import source, yaml_text
from orchestrator.config.file import dump_config
from orchestrator.jobs import result_watch
from orchestrator.jobs.measuring import pool as measuring_pool
from orchestrator.node import evaluate as node
from orchestrator.node import several
from orchestrator.run import start
from orchestrator.run.signals import Signals
from simulated.measuring import measuring_in
from simulated.threads import Event, Thread

if TYPE_CHECKING:
    from simulated.hosts import Process
    from simulated.world import World

# so many steps are what is done after a look at the lease, at most
_ACTS = 12
# how many times longer than wanted it takes until somebody looks again
_LOOKS_LATE = 3.0
_STRFTIME, _READ_YAML, _RUN_IN = time.strftime, yaml_text.read_yaml, reading.run_in


@contextlib.contextmanager
def patched(world: World) -> Iterator[None]:
    """Let the real code run in a world."""
    replaced = [
        (module, name, getattr(module, name), value)
        for module, names in _replacements(world)
        for name, value in names.items()
    ]
    for module, name, _, value in replaced:
        setattr(module, name, value)
    try:
        with _logging(world):
            yield
    finally:
        for module, name, before, _ in replaced:
            setattr(module, name, before)


def _replacements(world: World) -> list[tuple[Any, dict[str, Any]]]:
    scheduler = world.scheduler
    of_process = _Asking(world)
    of_job = _of_job(of_process)
    return [
        (os, {**world.calls.replacements(), "getpid": of_process(os.getpid, lambda process: process.pid)}),
        (io, {"open": world.calls.open}),
        (builtins, {"open": world.calls.open}),
        (shutil, {"_use_fd_functions": False}),
        (socket, {"gethostname": of_process(socket.gethostname, _name), "getfqdn": of_process(socket.getfqdn, _name)}),
        (time, _times(world, of_process)),
        (threading, {"Event": lambda: Event(scheduler), "Thread": lambda **given: Thread(scheduler, **given)}),
        (lease, {"random": scheduler.random}),
        (lease.Lease, {"confirm": _guarding(world, lease.Lease.confirm)}),
        (clocks, {"boot": of_process(clocks.boot, _name)}),
        (processes, {"psutil": _processes_of(world), "_machine": of_process(processes._machine, _machine)}),
        (commands, {"finish": world.slurm.finish}),
        (submission, {"DelayedSubmission": _Handed}),
        (result_watch, {"_changes": _changes}),
        (measuring_pool, {"subprocess": measuring_in(world), "available_memory": lambda: 1 << 40}),
        (node, {"end_on_signals": _noting_signals(world), "_peak_memory": lambda: 1, **of_job}),
        (
            several,
            {"end_on_signals": _noting_signals(world), "evaluate": world.evaluate, "host": of_job["host"]},
        ),
        (pebble, {"ProcessPool": _OneAfterTheOther}),
        (secrets, {"token_hex": lambda n=8: f"{scheduler.random.getrandbits(8 * n):0{2 * n}x}"}),
        (source, {"read_yaml": _read_yaml}),
        (yaml_text, {"read_yaml": _read_yaml}),
        (reading, {"h5py": SimpleNamespace(File=_opened)}),
        (history, {"run_in": _run_in}),
        (problems, {"missing_slurm": lambda _config: None}),
        (
            start,
            {
                "leave_allocation": dict,
                "set_mode": lambda _run_mode: None,
                "dump_config": lambda config, folder: _dumped(config.model_dump_json(), folder, _Unhashed(config)),
                "listening": _listening(world),
                "logging_to": lambda *_: contextlib.nullcontext(),
                "displaying": lambda *_: contextlib.nullcontext(),
            },
        ),
    ]


@contextlib.contextmanager
def _logging(world: World) -> Iterator[None]:
    """Add what the programs log to the trace of a world, if it has one."""
    logger = logging.getLogger("orchestrator")
    before, handler = (logger.level, logger.propagate), _Tracing(world)
    logger.propagate = False
    logger.setLevel(logging.CRITICAL + 1 if world.trace is None else logging.INFO)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before[0])
        logger.propagate = before[1]


class _Tracing(logging.Handler):
    def __init__(self, world: World):
        super().__init__()
        self._world = world

    def emit(self, record: logging.LogRecord) -> None:
        task = self._world.scheduler.current
        self._world.note("-" if task is None else task.process.name, f"{record.levelname} {record.getMessage()}")


class _Asking:
    """Makes functions that answer for the process that is running, and as before for everybody else."""

    def __init__(self, world: World):
        self._scheduler = world.scheduler

    def __call__(self, real: Callable[..., Any], ours: Callable[[Process], Any]) -> Callable[..., Any]:
        scheduler = self._scheduler

        def answer(*arguments: Any) -> Any:
            task = scheduler.current
            return real(*arguments) if task is None else ours(task.process)

        return answer


def _name(process: Process) -> str:
    return process.host.name


def _machine(process: Process) -> dict[str, str]:
    return {"boot": process.host.name, "namespace": process.host.name}


def _of_job(of_process: _Asking) -> dict[str, Any]:
    return {
        "host": of_process(node.host, _name),
        "_slurm_job_id": of_process(node._slurm_job_id, lambda process: process.variables["job"].id),
    }


def _times(world: World, of_process: _Asking) -> dict[str, Any]:
    scheduler = world.scheduler

    def strftime(pattern: str, when: Any = None) -> str:
        task = scheduler.current
        if when is None and task is not None:
            when = time.gmtime(task.process.wall())
        return _STRFTIME(pattern) if when is None else _STRFTIME(pattern, when)

    real_sleep, real_clock = time.sleep, time.clock_gettime

    def clock_gettime(clock: int) -> float:
        task = scheduler.current
        if task is None:
            return real_clock(clock)
        process = task.process
        return process.since_boot() if clock == time.CLOCK_BOOTTIME else process.monotonic()

    return {
        "time": of_process(time.time, lambda process: process.wall()),
        "time_ns": of_process(time.time_ns, lambda process: int(process.wall() * 1e9)),
        "monotonic": of_process(time.monotonic, lambda process: process.monotonic()),
        "clock_gettime": clock_gettime,
        "sleep": lambda seconds: real_sleep(seconds) if scheduler.current is None else scheduler.sleep(seconds),
        "strftime": strftime,
    }


def _guarding(world: World, confirm: Callable[[Any], None]) -> Callable[[Any], None]:
    """Let nobody be suspended between a look at the lease and what it is for: nothing that files offer prevents it."""

    def guarded(held: Any) -> None:
        task = world.scheduler.current
        before = task.process.steps if task is not None else 0
        confirm(held)
        # one that does not ask the file system is no look
        if task is not None and task.process.steps > before:
            task.process.guarded_until = task.process.steps + _ACTS

    return guarded


def _processes_of(world: World) -> SimpleNamespace:
    class Known:
        """As `psutil.Process`, of the host on which the question is asked."""

        def __init__(self, pid: int | None = None):
            current = world.scheduler.current
            here = None if current is None else current.process
            found = here if pid is None else world.process_at(here.host if here else None, pid)
            if found is None or not found.lives:
                raise psutil.NoSuchProcess(pid or 0)
            self._process = found
            self.pid = found.pid

        def create_time(self) -> float:
            return self._process.created

        def status(self) -> str:
            return "running"

        def terminate(self) -> None:
            world.terminate(self._process)

    return SimpleNamespace(
        Process=Known, NoSuchProcess=psutil.NoSuchProcess, STATUS_ZOMBIE=psutil.STATUS_ZOMBIE, Error=psutil.Error
    )


class _Handed:
    """What submitit hands over to a job: of it, only which tasks these are."""

    def __init__(self, _function: Callable[..., None], *tasks: str):
        self._tasks = tasks

    def set_timeout(self, *_: float) -> None:
        pass

    def dump(self, path: Path) -> None:
        path.write_text(json.dumps({"tasks": self._tasks}))


class _OneAfterTheOther:
    """As `pebble.ProcessPool`: what is scheduled is done at once, and may end the process in which it is done."""

    def __init__(self, **_: object):
        pass

    def __enter__(self) -> _OneAfterTheOther:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def schedule(self, function: Callable[..., None], args: Sequence[object]) -> Future[None]:
        done = Future[None]()
        try:
            function(*args)
        except SystemExit as end:
            done.set_exception(pebble.ProcessExpired("ended", int(end.code or 0)))
        except Exception as error:  # noqa: BLE001
            done.set_exception(error)
        else:
            done.set_result(None)
        return done


def _changes(_folders: Sequence[Path], interval: float, stop: Any) -> Iterator[None]:
    """Tell nothing: what other hosts change is seen by looking, as seldom as a busy host may do it."""
    while not stop.is_set():
        stop.wait(_LOOKS_LATE * interval)
        yield


def _noting_signals(world: World) -> Callable[[Callable[[int], object]], None]:
    def end_on_signals(note: Callable[[int], object]) -> None:
        task = world.scheduler.current
        if task is None:
            raise RuntimeError("expected to be called by a job of the world")

        def noted() -> None:
            with contextlib.suppress(OSError):
                note(15)

        task.process.on_signal = noted

    return end_on_signals


def _listening(world: World) -> Callable[[], Any]:
    @contextlib.contextmanager
    def listening() -> Iterator[Signals]:
        task = world.scheduler.current
        if task is None:
            raise RuntimeError("expected to be called by a controller of the world")
        process, signals = task.process, Signals(threading.Event(), threading.Event())

        def take() -> None:
            signals.received.append(15)
            signals.stop.set()

        process.on_signal = take
        try:
            yield signals
        finally:
            process.on_signal = None

    return listening


# The same few texts are read and written a million times: that they give the same is no matter of the world's.


@functools.lru_cache(maxsize=256)
def _parsed(text: str) -> tuple[bytes, Any]:
    nodes: list[Any] = []
    return pickle.dumps(_READ_YAML(text, nodes.append)), nodes[0]


def _read_yaml(text: str, look: Callable[[Any], None] = lambda _: None) -> Any:
    data, node = _parsed(text)
    look(node)
    return pickle.loads(data)  # faster than `copy.deepcopy`


def _opened(file: Any, _mode: str, *, locking: bool | None = None) -> contextlib.nullcontext[h5py.File]:
    """Take the place of `h5py.File`, for files that are read."""
    if locking is not None:
        raise FileNotFoundError(file)  # HDF5's own calls do not find what is in the world
    file.seek(0)
    return contextlib.nullcontext(_hdf5(file.read()))


@functools.lru_cache(maxsize=32)
def _hdf5(content: bytes) -> h5py.File:
    return h5py.File(io.BytesIO(content), "r")


@functools.lru_cache(maxsize=32)
def _run_in(file: h5py.File) -> dict[str, str]:
    return _RUN_IN(file)


@atexit.register
def _close_files() -> None:
    """HDF5 closes what is open after Python has ended, and a file in Python's memory ends the process then."""
    _run_in.cache_clear()
    _hdf5.cache_clear()


class _Unhashed:
    """A configuration, which is none of what tells two calls apart."""

    def __init__(self, config: Any):
        self.config = config

    def __hash__(self) -> int:
        return 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Unhashed)


@functools.lru_cache(maxsize=256)
def _dumped(_text: str, folder: Path, unhashed: _Unhashed) -> str:
    return dump_config(unhashed.config, folder)
