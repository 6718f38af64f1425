#!/usr/bin/env python
"""Simulate one offspring of an optimisation: check for explosion, then run the model's protocol.

The orchestrator starts this file, in the model's directory and in the environment of the simulation, as

    [launcher] python [-m mpi4py] param_optim/run_optimization_experiment.py SIMULATOR THREADS PARAMETERS
        results_dir "'DIRECTORY/'" [dotted.name value]... RUN_NAME

with ``ORCHESTRATOR_OFFSPRING`` naming a JSON file: ``model`` and ``experiments`` (``module:name``), ``progress`` (file
to append a line of JSON to at every step), ``explosion_check``, and ``before`` (lines of Python that are executed
before mozaik is imported; may be missing). It serves every model as it is: there is nothing to edit. It needs mozaik
and nothing of the orchestrator, and works with mozaik 0.1.0 and the versions since.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import inspect
import json
import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import threading
import time
import traceback
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import metadata
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any, ClassVar

OFFSPRING = "ORCHESTRATOR_OFFSPRING"
BEFORE = "simulation.before"


def load_settings() -> dict[str, Any]:
    """Content of the offspring's JSON file; SystemExit if there is none or it lacks a key."""
    path = os.environ.get(OFFSPRING)
    if not path:
        raise SystemExit(f"{OFFSPRING} is not set: this script is started by the orchestrator; use run.py by hand")
    try:
        settings = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SystemExit(f"{OFFSPRING}={path}: {error}") from None
    missing = [key for key in ("model", "experiments", "progress", "explosion_check") if key not in settings]
    if missing:
        raise SystemExit(f"{path}: no {', '.join(missing)}")
    return dict(settings)


def execute_before(lines: Sequence[str]) -> None:
    """Execute the user's own lines of Python; SystemExit says which of them fails."""
    try:
        exec(compile("\n".join(lines), BEFORE, "exec", dont_inherit=True), {"__name__": BEFORE})  # noqa: S102
    except (Exception, SystemExit) as error:  # noqa: BLE001  (they may raise anything, and exit with code 0)
        traceback.print_exc()
        number = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == BEFORE]
        line = lines[number[0] - 1].strip() if number and number[0] else ""
        raise SystemExit(f"{BEFORE}: {line}: {type(error).__name__}: {error}") from None


def end_other_ranks(failed: SystemExit) -> None:
    """Say why this rank ends, and end all, if there are others: they would wait for it in the start of MPI for ever."""
    if "mpi4py" not in sys.modules:  # it is no python -m mpi4py
        return
    with contextlib.suppress(Exception):  # a broken MPI has started nowhere
        from mpi4py import MPI  # noqa: PLC0415  (starts it)

        if MPI.COMM_WORLD.size > 1:
            sys.stderr.write(f"{failed}\n")
            sys.stderr.flush()
            time.sleep(1)  # mpiexec, which passes it on, ends with the ranks
            MPI.COMM_WORLD.Abort(1)


if __name__ == "__main__":  # run.py has such lines above its imports too, and they may matter to them
    sys.path.insert(0, str(Path.cwd()))
    try:
        execute_before(load_settings().get("before", []))
    except SystemExit as failed:
        end_other_ranks(failed)
        raise

import mozaik
import numpy
from mozaik.controller import run_workflow
from mozaik.experiments import NoStimulation
from parameters import ParameterSet

try:
    from mpi4py import MPI

    WORLD: Any = MPI.COMM_WORLD
except ImportError:  # a mozaik without MPI: one process
    WORLD = None

# for how long it is tried to tell of an explosion, and the pause between two tries, in s
TELLS_FOR, PAUSE = 600.0, 5.0
# in how many checks in a row the main thread waits in vain before all is ended, and the pause between two, in s
CHECKS, BETWEEN_CHECKS = 6, 5.0
# how deep in arguments, and in how long ones, queues are looked for
DEEPEST, LONGEST = 4, 1000
# the threads of Python's that put nothing into a queue of their own accord: ours, the main one, multiprocessing's
WATCH = "watches a process"
THREADS = (WATCH, "MainThread", "QueueFeederThread")


class Exploded(Exception):
    """The network fires above a threshold; raised on all ranks at the same moment.

    Its `report` holds `sheet`, `rate` (Hz, None if it is not known), `threshold` (Hz) and `slice` (0: it was settling;
    None: it was no slice of the check); of the check also `in_a_row` (slices above) and `certain` (whether no transient
    is like that); of mozaik's own monitoring `during` (the experiment).
    """

    def __init__(
        self, sheet: str, rate: float | None, threshold: float, slice_number: int | None, **details: Any
    ) -> None:
        fires = "fires" if rate is None else f"fires at {rate:.1f} Hz"
        super().__init__(f"sheet {sheet} {fires}, threshold {threshold:.1f} Hz")
        self.report = {"sheet": sheet, "rate": rate, "threshold": threshold, "slice": slice_number, **details}


class Progress:
    """Appends what is going on to a file, one JSON object per line; only rank 0 writes."""

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        self.torn = False

    def __call__(self, phase: str, **details: Any) -> None:
        """Append a line; no simulation ends because it cannot, but that it has exploded must be told."""
        if WORLD is not None and WORLD.rank != 0:
            return
        line = json.dumps({"time": time.time(), "phase": phase, **details})
        end = time.monotonic() + (TELLS_FOR if phase == "exploded" else 0.0)
        while not self.appended(line):
            if time.monotonic() >= end:
                if phase == "exploded":
                    raise OSError(f"{self.path} cannot be written: {line}")
                return
            time.sleep(PAUSE)

    def appended(self, line: str) -> bool:
        """Append a line if the file system is neither full nor gone; return whether it is."""
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(("\n" if self.torn else "") + line + "\n")
        except OSError:
            self.torn = True  # the beginning of a line may be there
            return False
        self.torn = False
        return True


class DiscardingStore:
    """A data store whose `add_...` methods do nothing: the check's activity is not the protocol's."""

    def __init__(self, data_store: Any) -> None:
        self._data_store = data_store

    def __getattr__(self, name: str) -> Any:
        return (lambda *_args, **_kwargs: None) if name.startswith("add_") else getattr(self._data_store, name)


class ExplosionCheck(NoStimulation):
    """A short time without stimulation that ends the simulation as soon as a sheet is known to explode."""

    def __init__(self, model: Any, settings: Mapping[str, Any], progress: Progress) -> None:
        duration = float(settings["duration"])
        if "parameters" in inspect.signature(NoStimulation.__init__).parameters:
            super().__init__(model, ParameterSet({"duration": duration}))
        else:  # mozaik 0.1.0
            super().__init__(model, duration=duration)
        self.settings = settings
        self.progress = progress

    def run(self, *args: Any, **kwargs: Any) -> Any:
        """Present the stimulus and keep nothing of it; arguments and result as mozaik's version has them.

        Raises
        ------
        Exploded
            As soon as a watched sheet has exploded.
        """
        args, kwargs = with_data_store(DiscardingStore, args, kwargs)
        watch = SliceWatch(self.model, self.settings, self.progress)
        parameters = self.model.parameters
        blank, parameters.null_stimulus_period = parameters.null_stimulus_period, 0.0  # no time unwatched
        self.model.run = watch.run
        try:
            result = super().run(*args, **kwargs)
        finally:
            del self.model.run  # the class's method is back
            parameters.null_stimulus_period = blank
        if watch.done < watch.slices:
            raise RuntimeError(f"mozaik simulated {watch.done} of the explosion check's {watch.slices} slices only")
        # mozaik's own monitoring judges the whole of it, the transient included, and would skip the protocol
        return (result[0], False) if isinstance(result, tuple) else result


class SliceWatch:
    """Stands in for `model.run`: simulates slice after slice and looks at the rates of each.

    The membrane potentials that a network begins with make it fire for some 50 ms, at rates that an explosion has too.
    An explosion lasts: a sheet has exploded if it was above `threshold` in `slices_above` successive slices, the time
    in which the network settles left out. Above `certain_threshold` it has exploded at once, at any time.

    Parameters
    ----------
    model : mozaik.models.Model
        The model, built.
    settings : dict
        `duration` (ms), `settle` (ms of it, 0 if missing), `slices` of the rest, `threshold` (Hz), `slices_above` (1
        if missing), `certain_threshold` (Hz, infinite if missing), `sheet_name` (None: all that record spikes).
    progress : Progress
        Is told the rates after each slice; slice 0 is the time in which the network settles.
    """

    def __init__(self, model: Any, settings: Mapping[str, Any], progress: Progress) -> None:
        self.model, self.model_run, self.progress = model, model.run, progress
        self.slices, self.threshold = int(settings["slices"]), float(settings["threshold"])
        self.enough = min(int(settings.get("slices_above", 1)), self.slices)
        self.certain = max(float(settings.get("certain_threshold", "inf")), self.threshold)
        self.sheet_name = settings.get("sheet_name")
        self.step = float(model.sim.get_time_step())  # ms; times below are in steps
        settling, end = (round(float(ms) / self.step) for ms in (settings.get("settle", 0.0), settings["duration"]))
        steps = end - settling
        if not 1 <= self.slices <= steps:
            raise SystemExit(f"explosion_check.slices: expected 1 to {steps} (time steps), got {self.slices}")
        ends = [settling + round(steps * k / self.slices) for k in range(self.slices + 1)]
        self.begins, self.ends = [0, *ends[:-1]], ends  # of slice 0, which is settling, and of those that are judged
        self.next = 0 if settling else 1
        self.time = 0
        self.counts: Any = 0
        self.in_a_row: dict[str, int] = {}
        progress("check", slice=0, slices=self.slices, rates={})

    @property
    def done(self) -> int:
        """How many slices are over."""
        return max(self.next - 1, 0)

    def run(self, duration: float) -> float:
        """Simulate `duration` ms, in as many pieces as there are slices to end; the wall time in s."""
        wall, stop = 0.0, self.time + round(duration / self.step)
        sheets = watched_sheets(self.model, self.sheet_name)
        while self.time < stop:
            ends = self.ends[self.next : self.next + 1]
            end = min([stop, *ends])
            before = local_spike_counts(sheets)
            wall += self.model_run(round((end - self.time) * self.step, 9))
            self.counts = self.counts + local_spike_counts(sheets) - before
            self.time = end
            if end in ends:
                self.judge(sheets)
        return wall

    def judge(self, sheets: Mapping[str, Any]) -> None:
        """Compare the rates of the slice that just ended with the thresholds."""
        number, self.next = self.next, self.next + 1
        rates = mean_rates(sheets, self.counts, (self.ends[number] - self.begins[number]) * self.step)
        self.counts = 0
        self.progress("check", slice=number, slices=self.slices, rates=rates)
        above = [name for name in rates if number > 0 and rates[name] > self.threshold]
        self.in_a_row = {name: self.in_a_row.get(name, 0) + 1 for name in above}
        worst = max(rates, key=lambda name: rates[name])
        if rates[worst] > self.certain:
            in_a_row = self.in_a_row.get(worst, 0)
            raise Exploded(worst, rates[worst], self.certain, number, in_a_row=in_a_row, certain=True)
        lasting = [name for name in above if self.in_a_row[name] >= self.enough]
        if lasting:
            worst = max(lasting, key=lambda name: rates[name])
            in_a_row = self.in_a_row[worst]
            raise Exploded(worst, rates[worst], self.threshold, number, in_a_row=in_a_row, certain=False)


def watched_sheets(model: Any, sheet_name: str | None) -> dict[str, Any]:
    """Sheets to watch, by name; SystemExit says what is wrong with `sheet_name` or the recorders."""
    recording = {
        name: sheet for name, sheet in model.sheets.items() if (sheet.to_record or {}).get("spikes") is not None
    }
    if sheet_name is None and recording:
        return recording
    if sheet_name is not None and sheet_name in recording:
        return {sheet_name: recording[sheet_name]}
    raise SystemExit(
        f"explosion_check.sheet_name: expected a sheet that records spikes ({', '.join(recording) or 'none does'}), "
        f"got {sheet_name!r}; add a recorder of 'spikes' or name another (the model has {', '.join(model.sheets)})"
    )


def local_spike_counts(sheets: Mapping[str, Any]) -> Any:
    """Spikes that this rank has recorded so far; shape (n_sheets,)."""
    return numpy.array([local_spike_count(sheet.pop) for sheet in sheets.values()], dtype=numpy.int64)


def local_spike_count(population: Any) -> int:
    """Spikes of one population that this rank has recorded so far.

    NEST knows the number; PyNN's public way goes through all spikes once per neuron, minutes in a large network.
    """
    detector: Any = getattr(population.recorder, "_spike_detector", None)
    if hasattr(detector, "device"):
        return int(importlib.import_module("nest").GetStatus(detector.device, "n_events")[0])
    return int(sum(population.get_spike_counts(gather=False).values()))


def mean_rates(sheets: Mapping[str, Any], local_counts: Any, length: float) -> dict[str, float]:
    """Mean rate (Hz) of the recorded neurons of each sheet in `length` ms; the same numbers on all ranks."""
    counts = local_counts if mozaik.mpi_comm is None else mozaik.mpi_comm.allreduce(local_counts)
    rates = {}
    for (name, sheet), count in zip(sheets.items(), counts):  # noqa: B905 (a cluster's Python may be older than strict)
        recorded = sheet.to_record["spikes"]  # of all ranks
        neurons = sheet.pop.size if isinstance(recorded, str) else len(recorded)
        rates[name] = 1000.0 * int(count) / (max(neurons, 1) * length)
    return rates


def with_data_store(change: Callable[[Any], Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any]:
    """Arguments of `Experiment.run` with the data store, which is the first, replaced by `change(data_store)`."""
    if args:
        return (change(args[0]), *args[1:]), kwargs
    return args, {**kwargs, "data_store": change(kwargs["data_store"])}


def announced(experiment: Any, step: int, steps: int, progress: Progress) -> Any:
    """The experiment, whose run now says that it starts, and when the data are saved at last."""
    run = experiment.run

    def announce_saving(data_store: Any) -> Any:
        save = data_store.save

        def announced_save(*args: Any, **kwargs: Any) -> Any:
            progress("saving")
            return save(*args, **kwargs)

        if step == 1:
            data_store.save = announced_save
        return data_store

    def announced_run(*args: Any, **kwargs: Any) -> Any:
        progress("protocols", step=step, steps=steps, name=type(experiment).__name__)
        args, kwargs = with_data_store(announce_saving, args, kwargs)
        result = run(*args, **kwargs)
        if isinstance(result, tuple) and result[1]:  # newer versions watch every stimulus, if told to
            monitor = experiment.model.parameters.explosion_monitoring
            rate = monitored_rate(experiment.model, monitor.sheet_name)
            during = type(experiment).__name__
            raise Exploded(str(monitor.sheet_name), rate, float(monitor.threshold), None, during=during)
        return result

    experiment.run = announced_run
    return experiment


def monitored_rate(model: Any, sheet_name: str) -> float | None:
    """Rate (Hz) of a sheet during the last stimulus, as mozaik's own monitoring has it on rank 0; None elsewhere."""
    if WORLD is not None and WORLD.rank != 0:
        return None
    count = getattr(model.sheets.get(sheet_name), "mean_spike_count", None)
    return None if count is None else float(count())


def with_check(create_experiments: Callable[[Any], Any], settings: Mapping[str, Any], progress: Progress) -> Any:
    """`create_experiments` of the model, with the explosion check in front and progress lines for the others.

    Parameters
    ----------
    create_experiments : callable
        Returns a list of experiments, or an OrderedDict of (class, parameters) by name (newer versions of mozaik).
    settings : dict
        The explosion check's: `enabled`, and what `SliceWatch` takes.
    progress : Progress
        Where to announce.
    """
    enabled = bool(settings.get("enabled", False))

    def create(model: Any) -> Any:
        experiments = create_experiments(model)
        if not isinstance(experiments, Mapping):
            experiments = list(experiments)
            rest = [announced(e, k, len(experiments), progress) for k, e in enumerate(experiments, start=1)]
            return [ExplosionCheck(model, settings, progress), *rest] if enabled else rest
        named: OrderedDict[str, Any] = OrderedDict()
        if enabled:
            duration = ParameterSet({"duration": float(settings["duration"])})
            named[ExplosionCheck.__name__] = (
                lambda model, _parameters: ExplosionCheck(model, settings, progress),
                duration,
            )
        for k, (name, (cls, parameters)) in enumerate(experiments.items(), start=1):
            named[name] = (made_and_announced(cls, k, len(experiments), progress), parameters)
        return named

    return create


def made_and_announced(cls: Any, step: int, steps: int, progress: Progress) -> Callable[[Any, Any], Any]:
    """What mozaik calls in place of the experiment's class: model, parameters -> announced experiment."""
    return lambda model, parameters: announced(cls(model, parameters), step, steps, progress)


class BuildingProcess(multiprocessing.Process):
    """A process that ends this one if it has failed and what it was to put into a queue is waited for in vain.

    mozaik builds connectors in processes that put them into queues, and takes them from there without asking whether
    the processes still live: one that raises, or is killed, would be waited for until the job's time is over.

    A thread waits in the kernel for the end of each process; nothing looks around as long as all is well. After a
    failure, all is ended only if the main thread is in a `get` without a time limit, of a queue that was an argument of
    the failed process, if no process lives that may have it too, if the model has no threads of its own, and if the
    main thread has used no time of a processor in several checks in a row: nobody can wake it any more. A process
    may have a queue that is an argument of it, or in one, or any if none is, or if it was started in another way: what
    it has is not known then. A process that its parent ended, one that fails and is not waited for, and one whose queue
    others can still fill, end nothing.
    """

    # those that may still put something into queues
    alive: ClassVar[list[BuildingProcess]] = []

    def __init__(
        self,
        group: None = None,
        target: Callable[..., Any] | None = None,
        name: str | None = None,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> None:
        args, kwargs = tuple(args), dict(kwargs or {})
        super().__init__(group, target, name, args, kwargs, **more)
        self.queues = [*queues_in((args, kwargs))]
        self.ended_by_parent = False

    def start(self) -> None:
        """Start it, and let a thread wait for its end."""
        super().start()
        if multiprocessing.parent_process() is None:
            self.alive.append(self)
            with contextlib.suppress(RuntimeError):  # no more threads: it stays among the living, and ends nothing
                threading.Thread(target=self.watch, args=(self.pid,), name=WATCH, daemon=True).start()

    def terminate(self) -> None:
        """End it, which is no failure."""
        self.ended_by_parent = True
        super().terminate()

    def kill(self) -> None:
        """End it, which is no failure."""
        self.ended_by_parent = True
        super().kill()

    def watch(self, pid: int) -> None:
        """Wait for its end, and end all if it has failed and is waited for in vain."""
        code = self.code_of_its_end(pid)
        self.alive.remove(self)
        if not code or self.ended_by_parent or not self.queues:
            self.queues = []  # which can be closed
            return
        checks, used = 0, processor_time()
        while checks < CHECKS:
            time.sleep(BETWEEN_CHECKS)
            used, before = processor_time(), used
            checks = checks + 1 if self.is_awaited() and used == before else 0
        end_all_because(pid, code)

    def code_of_its_end(self, pid: int) -> int | None:
        """Wait for its end; its exit code, negative for a signal, None if it cannot be known."""
        try:  # it is left for whoever joins it
            end = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        except ChildProcessError:  # the main thread was faster, and is about to know
            time.sleep(BETWEEN_CHECKS)
            with contextlib.suppress(ValueError):  # it is closed
                return self.exitcode
            return None
        return None if end is None else end.si_status if end.si_code == os.CLD_EXITED else -end.si_status

    def is_awaited(self) -> bool:
        """Whether the main thread waits for what is put into a queue that nobody has any more but this process."""
        awaited = awaited_queue()
        if not any(each is awaited for each in self.queues):
            return False
        others = list(self.alive)
        if any(not each.queues or any(queue is awaited for queue in each.queues) for each in others):
            return False
        if any(each not in others for each in living_processes()):
            return False
        return all(each.name in THREADS for each in threading.enumerate())


def queues_in(given: Any, deepest: int = DEEPEST) -> Iterator[Any]:
    """The queues of arguments, those in lists, tuples, sets and dictionaries among them, as far as these are short."""
    if isinstance(given, Queue):
        yield given
    elif deepest and isinstance(given, (list, tuple, set, frozenset, Mapping)) and len(given) <= LONGEST:
        for each in given.values() if isinstance(given, Mapping) else given:
            yield from queues_in(each, deepest - 1)


def living_processes() -> list[Any]:
    """All processes of multiprocessing's that live, in whichever way they were started.

    Its `active_children` would take their exit codes away from the main thread, which may be about to ask.
    """
    ends = {}
    for each in list(multiprocessing.process._children):  # type: ignore[attr-defined]
        with contextlib.suppress(ValueError):  # it is closed: it has ended
            ends[each.sentinel] = each
    ended = multiprocessing.connection.wait(list(ends), timeout=0)
    return [each for end, each in ends.items() if end not in ended]


def awaited_queue() -> Any:
    """The queue that the main thread waits for without a time limit, None if it does something else."""
    frame = sys._current_frames().get(main_thread_id())
    while frame is not None:
        if frame.f_code is Queue.get.__code__:
            given = frame.f_locals
            return given["self"] if given["block"] and given["timeout"] is None else None
        frame = frame.f_back
    return None


def processor_time() -> float:
    """Time of a processor that the main thread has used, in s."""
    return time.clock_gettime(time.pthread_getcpuclockid(main_thread_id()))


def main_thread_id() -> int:
    """What Python knows the main thread by."""
    return threading.main_thread().ident or 0


def end_all_because(pid: int, code: int) -> None:
    """End this process, and all ranks: a process with this exit code has failed and is waited for in vain."""
    frame = sys._current_frames().get(main_thread_id())
    name = next((each.name for each in signal.Signals if each == -code), f"signal {-code}")
    how = f"was killed by {name}" if code < 0 else f"ended with exit code {code}"
    stack = "".join(traceback.format_stack(frame))
    said = f"process {pid}, which was to build a part of the model, {how}, and is waited for in vain"
    for stream, text in ((sys.stdout, ""), (sys.stderr, f"\nThe simulation waits here:\n{stack}{said}\n")):
        with contextlib.suppress(OSError, ValueError):  # the disk is full: it has to end all the same
            stream.write(text)
            stream.flush()
    for each in multiprocessing.active_children():
        each.kill()
    # as if this one had been killed, which may say nothing of the model
    status = 128 - code if -code in (signal.SIGKILL, signal.SIGTERM) else 1
    if WORLD is not None and WORLD.size > 1:
        time.sleep(1)  # mpiexec, which passes on what was written, ends with the ranks
        threading.Timer(10, os._exit, (status,)).start()  # an MPI that is not made for threads may do nothing
        WORLD.Abort(status)
    os._exit(status)


def check_arguments(argv: list[str]) -> None:
    """Refuse what mozaik would misread; SystemExit says what was expected.

    mozaik takes SIMULATOR THREADS PARAMETERS [NAME VALUE]... RUN_NAME and evaluates every VALUE as Python.
    """
    if len(argv) <= 4 or len(argv) % 2 == 0:
        raise SystemExit(
            f"usage: {argv[0]} SIMULATOR THREADS PARAMETERS [dotted.name value]... RUN_NAME; got {argv[1:]}"
        )
    for name, text in zip(argv[4:-1:2], argv[5:-1:2]):  # noqa: B905 (as above)
        try:
            value = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            raise SystemExit(
                f"{name}: expected a Python literal (a string needs quotes of its own), got {text}"
            ) from None
        if name == "results_dir" and not (isinstance(value, str) and value.endswith("/")):
            raise SystemExit(f"results_dir: expected a string that ends with '/' (mozaik appends to it), got {text}")


def load(reference: str) -> Any:
    """Object that ``module:name`` names, as seen from the model's directory."""
    module, _, name = reference.partition(":")
    found = importlib.import_module(module)
    if not hasattr(found, name):
        raise SystemExit(f"{reference}: {found.__file__} has no {name!r}")
    return getattr(found, name)


def versions() -> dict[str, str]:
    """Versions of what simulates, by name, for the record."""
    found = {}
    for name, module in (("mozaik", "mozaik"), ("PyNN", "pyNN"), ("NEST", "nest")):
        version = getattr(sys.modules.get(module), "__version__", None)
        if version is None and module in sys.modules:
            with contextlib.suppress(metadata.PackageNotFoundError):
                version = metadata.version(name)
        if version is not None:
            found[name] = str(version)
    return found


def main() -> None:
    """Run the offspring; an explosion ends all ranks with exit code 0, an error takes all ranks down."""
    check_arguments(sys.argv)
    settings = load_settings()
    multiprocessing.Process = BuildingProcess  # type: ignore[misc]  (mozaik names it when it starts one)
    progress = Progress(settings["progress"])
    try:
        progress("building")
        model_class = load(settings["model"])
        create = with_check(load(settings["experiments"]), settings["explosion_check"], progress)
        run_workflow(model_class.__name__, model_class, create)
        progress("finished", versions=versions())
    except Exploded as exploded:
        progress("exploded", versions=versions(), **exploded.report)
    except (Exception, SystemExit):
        if WORLD is None or WORLD.size == 1:
            raise
        traceback.print_exc()  # the other ranks would wait for this one for ever
        sys.stderr.flush()
        time.sleep(1)  # mpiexec, which passes it on, ends with the ranks
        WORLD.Abort(1)


if __name__ == "__main__":
    main()
