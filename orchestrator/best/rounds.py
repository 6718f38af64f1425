"""Simulating candidates under other seeds: each round is a generation in the air, as the optimisation's are."""

from __future__ import annotations

import json
import logging
import math
import shutil
import threading
from collections.abc import Callable, Sequence

import numpy as np

from orchestrator.best.store import Numbers, ReevaluationPaths, key_of
from orchestrator.checkpoint import Checkpoint
from orchestrator.cluster import Cluster
from orchestrator.config.file import dump_config
from orchestrator.config.model import Config
from orchestrator.errors import RunFailed
from orchestrator.files import write_json, write_text
from orchestrator.jobs.attempts import Terms
from orchestrator.jobs.cleanup import Wake
from orchestrator.jobs.measuring_pool import MeasuringPool
from orchestrator.jobs.pool import Flight
from orchestrator.jobs.queue_note import QueueNotes
from orchestrator.jobs.tasks import scored, task_file
from orchestrator.records import Evaluation, FloatArray, Generation, Offspring
from orchestrator.simulations import simulation_of

_LOG = logging.getLogger(__name__)


class Rounds:
    """Flies what is missing, a round after the other, and appends it to the re-evaluations' checkpoint.

    Parameters
    ----------
    config : Config
        Of the run, checked.
    paths : ReevaluationPaths
        The checkpoint exists.
    cluster : Cluster
        Runs the simulations.
    name : str
        Start of the jobs' names.
    stop : threading.Event
        Set to stop early.
    confirm : callable
        Raises `Stopped` where somebody else has taken over.
    """

    def __init__(
        self,
        config: Config,
        paths: ReevaluationPaths,
        cluster: Cluster,
        name: str,
        *,
        stop: threading.Event,
        confirm: Callable[[], object],
    ):
        self._config = config
        self._paths = paths
        self._cluster = cluster
        self._name = name
        self._stop = stop
        self._confirm = confirm
        self._checkpoint = Checkpoint(paths.checkpoint)
        self._wake = Wake(config, paths, cluster)

    def fly(self, tasks: Sequence[Numbers]) -> None:
        """Simulate all tasks, what is in flight already first; nothing twice.

        Raises
        ------
        orchestrator.errors.Stopped
            Where `stop` was set; doing the same again goes on.
        orchestrator.errors.RunFailed
            Where no simulation can start, or all fail.
        """
        waiting = list(tasks)
        while waiting:
            number = self._checkpoint.n_generations
            in_flight = tasks_in_flight(self._paths, number)
            now = in_flight or waiting
            if in_flight:
                _LOG.info("going on with %d simulations that were submitted before", len(in_flight))
            self._fly(number, now)
            done = {key_of(task) for task in now}
            waiting = [task for task in waiting if key_of(task) not in done]
        self._wake.leave(self._checkpoint.n_generations)
        self._wake.settle()

    def _fly(self, number: int, tasks: Sequence[Numbers]) -> None:
        self._wake.leave(number)
        paths = self._paths.generation(number)
        if not paths.record.exists():
            paths.directory.mkdir(parents=True, exist_ok=True)
            write_json(paths.record, {"generation": number, "tasks": [dict(task) for task in tasks]})
        offspring = [Offspring(number, index, self._point(task), task) for index, task in enumerate(tasks)]
        # for those who look on: a run of one generation more
        shown = self._config.model_copy(update={"offspring_size": len(tasks), "max_ngen": number + 1})
        write_text(self._paths.config, dump_config(shown, self._paths.directory))
        how, notes = simulation_of(self._config).task(), QueueNotes(paths.queue)
        flight = Flight(
            Generation(number, offspring),
            paths,
            self._cluster,
            Terms(self._config.timeout, self._config.jobs.retries, f"{self._name}-g{number}"),
            task_of=lambda index, attempt: task_file(self._config, how, paths, offspring[index], attempt),
            measuring=MeasuringPool(self._config.measuring_processes, self._config.timeout),
            wake=self._wake,
            stop=self._stop,
            report=lambda statuses, _deadline: notes.note(statuses),
        )
        try:
            landed = flight.bring_in()
        except RunFailed:
            if not flight.has_landed:
                shutil.rmtree(paths.directory, ignore_errors=True)
            raise
        targets = self._config.create_targets()
        self._append([scored(targets, *pair) for pair in zip(offspring, landed, strict=True)])

    def _point(self, task: Numbers) -> tuple[float, ...]:
        """Return the point of the unit cube, NaN in the place of seeds, which are in no search space."""
        space = self._config.space()
        point = space.encode({name: float(task[name]) for name in space.names})
        return (*(float(x) for x in point), *[math.nan] * (len(task) - len(space)))

    def _append(self, evaluations: Sequence[Evaluation]) -> None:
        self._confirm()
        width = len(self._checkpoint.parameter_names)
        # there is no optimiser here
        nothing: dict[str, FloatArray | float] = {"mean": np.full(width, np.nan), "sigma": math.nan}
        nothing["covariance"] = np.full((width, width), np.nan)
        self._checkpoint.append(evaluations, nothing)


def tasks_in_flight(paths: ReevaluationPaths, number: int) -> list[Numbers]:
    """Return the tasks of the round that somebody has begun, empty where there is none."""
    record = paths.generation(number).record
    return list(json.loads(record.read_text(encoding="utf-8"))["tasks"]) if record.exists() else []
