"""Cheap evaluations, one after the other in a process that stays up: imported once, and without files for each."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.node.evaluate import bounded, end_with_the_controller, guarded, host
from orchestrator.node.measuring import measured, targets_of
from orchestrator.node.task import NodeTask
from orchestrator.node.together import evaluated_together
from orchestrator.node.versions import own_versions
from orchestrator.records import Outcome, Result
from orchestrator.simulations.base import SimulationFailed
from orchestrator.simulations.failure_cause import is_from_outside

if TYPE_CHECKING:
    from targets import Target


@dataclass(frozen=True)
class Order:
    """One evaluation that a worker is asked for.

    Parameters
    ----------
    generation, index : int
        Which one.
    parameters : mapping of str to float or int
        All that the simulation gets, except seeds.
    seeds : mapping of str to int
        Of this evaluation.
    no_value : str
        Why there is nothing to simulate; empty if there is.
    """

    generation: int
    index: int
    parameters: Mapping[str, float | int]
    seeds: Mapping[str, int]
    no_value: str = ""

    @classmethod
    def of(cls, task: NodeTask) -> Order:
        """Return what a worker, which knows the rest, has to be told of a task."""
        return cls(task.generation, task.index, task.parameters, task.seeds, task.no_value)


class Worker:
    """Evaluates one offspring after the other.

    Parameters
    ----------
    task : NodeTask
        Any of the run: what all of them have in common.
    scratch : pathlib.Path
        Directory of this worker's own; made here.
    """

    def __init__(self, task: NodeTask, scratch: Path):
        self._task = task
        self._scratch = scratch
        self._targets: list[Target] | None = None
        self._evaluated = 0
        self.out_of_memory = False

    def evaluate(self, order: Order) -> Result:
        """Return what came of an evaluation."""
        task, started = self._task_of(order), time.time()
        self._begin_in_an_empty_directory()
        result = bounded(guarded(task, lambda: self._evaluate(task), there=(self._scratch, task.model_dir)))
        self._tidy_up(task, result)
        self._evaluated += 1
        self.out_of_memory = result.outcome is Outcome.OUT_OF_MEMORY
        return self._completed(result, task, started, time.time())

    def evaluate_together(self, orders: Sequence[Order]) -> list[Result | None]:
        """Return what came of several evaluations: in one call of a function of many, or one by one if that fails.

        Each is said to have taken its share of the time. None for those that a new process is to evaluate, because
        this one has no memory left.
        """
        tasks, started = [self._task_of(order) for order in orders], time.time()
        self._begin_in_an_empty_directory()
        able = [task for task in tasks if not task.no_value]
        found = evaluated_together(able, self._targets_of(tasks[0]), self._scratch) if able else None
        self._evaluated += len(able)
        if found is None:
            return self._one_by_one(orders)
        finished = started + (time.time() - started) / len(able)
        done = {
            task.index: self._completed(each, task, started, finished) for task, each in zip(able, found, strict=True)
        }
        return [done.get(task.index) or self.evaluate(order) for task, order in zip(tasks, orders, strict=True)]

    def _one_by_one(self, orders: Sequence[Order]) -> list[Result | None]:
        results: list[Result | None] = []
        for order in orders:
            result = None if self.is_worn_out else self.evaluate(order)
            results.append(None if self.is_worn_out else result)
        return results

    @property
    def is_worn_out(self) -> bool:
        """Whether it has no memory left, and earlier evaluations may have it."""
        return self.out_of_memory and self._evaluated > 1

    def _task_of(self, order: Order) -> NodeTask:
        options = self._task.simulation.model_copy(update={"seeds": dict(order.seeds)})
        generations = self._task.paths.result.parents[2]
        folder = generations / str(order.generation)
        return replace(
            self._task,
            generation=order.generation,
            index=order.index,
            parameters=order.parameters,
            simulation=options,
            no_value=order.no_value,
            result=folder / "results" / f"{order.index}.1.json",
            progress=folder / str(order.index) / "1" / "progress.jsonl",
        )

    def _completed(self, result: Result, task: NodeTask, started: float, finished: float) -> Result:
        return replace(
            result, started=started, finished=finished, host=host(), versions=own_versions(), seeds=task.seeds
        )

    def _targets_of(self, task: NodeTask) -> list[Target]:
        if self._targets is None:
            self._targets = targets_of(task)
        return self._targets

    def _evaluate(self, task: NodeTask) -> Result:
        if task.no_value:
            raise SimulationFailed(Outcome.SIMULATION_ERROR, task.no_value)
        targets, simulation = self._targets_of(task), task.create_simulation()
        simulate = partial(simulation.run_here, task.all_parameters, self._scratch, task.paths)
        return measured(task, simulation, targets, simulate)

    def _tidy_up(self, task: NodeTask, result: Result) -> None:
        """Put what is to be kept of the scratch directory where a job would have left it."""
        left = list(self._scratch.iterdir()) if self._scratch.is_dir() else []
        if left and (task.keep == "all" or (task.keep == "failed" and result.outcome is not Outcome.OK)):
            with contextlib.suppress(OSError):  # a result is worth more than what was to be kept beside it
                task.paths.simulation.mkdir(parents=True, exist_ok=True)
                for path in left:
                    shutil.move(path, task.paths.simulation / path.name)

    def _begin_in_an_empty_directory(self) -> None:
        self._scratch.mkdir(parents=True, exist_ok=True)
        for path in self._scratch.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


# with which pebble's processes end on SIGTERM, before a simulation says how, and on SIGHUP
_FROM_OUTSIDE = (int(signal.SIGTERM), -int(signal.SIGHUP), 128 + int(signal.SIGHUP))
_workers: list[Worker] = []


def of_ended_process(code: int) -> Result:
    """Return what the end of a worker's process, by its exit code, means for what it was evaluating.

    Whoever has ended it from outside says nothing of the parameters.
    """
    how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    outcome = Outcome.CANCELLED if is_from_outside(code) or code in _FROM_OUTSIDE else Outcome.SIMULATION_ERROR
    return Result(outcome, message=f"its process ended by {how}")


def begin(task: Mapping[str, Any], scratch: str, most_memory: int | None) -> None:
    """Make this process a worker; the first thing that it does.

    Parameters
    ----------
    task : mapping
        A task as `NodeTask.to_json` returns it.
    scratch : str
        Directory in which those of the workers are.
    most_memory : int or None
        Bytes that it may have, beyond which its allocations fail; None if there is no limit.
    """
    for number in (signal.SIGINT, signal.SIGHUP):  # Ctrl-C and a terminal that closes are the controller's affair
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    end_with_the_controller()
    own = Path(scratch, str(os.getpid()))
    _workers.append(Worker(NodeTask.from_json(task), own))
    log = os.open(own.with_suffix(".log"), os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o666)
    sys.stdout.flush()
    for stream in (1, 2):
        os.dup2(log, stream)
    os.close(log)
    if most_memory is not None:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_AS, (most_memory, most_memory))


def evaluate(orders: Sequence[Order]) -> list[Result | None]:
    """Return what came of evaluations that belong together, in a process that `begin` has made a worker.

    None for those that ran out of memory after others, which may have left them nothing: a new process is to evaluate
    them.
    """
    worker = _workers[0]
    if worker.out_of_memory:
        return [None] * len(orders)
    if len(orders) > 1:
        return worker.evaluate_together(orders)
    result = worker.evaluate(orders[0])
    return [None if worker.is_worn_out else result]
