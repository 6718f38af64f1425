"""Which pool a configuration's evaluations have: of jobs, or of processes that stay up."""

from __future__ import annotations

import math
import statistics
import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from orchestrator.checkpoint import Checkpoint, tables_since
from orchestrator.cluster import Cluster
from orchestrator.config.model import Config
from orchestrator.jobs.chunks import Chunks
from orchestrator.jobs.cleanup import Cleanup
from orchestrator.jobs.entries import Landed, Terms
from orchestrator.jobs.measuring.pool import MeasuringPool
from orchestrator.jobs.measuring.trials import MeasuringOfTrials
from orchestrator.jobs.pool import JobPool
from orchestrator.jobs.trials.pool import TrialPool
from orchestrator.jobs.trials.trial import Trial
from orchestrator.jobs.workers.pool import WorkerPool
from orchestrator.jobs.workers.processes import Processes
from orchestrator.memory import bytes_of
from orchestrator.node.task import NodeTask
from orchestrator.paths import AttemptPaths, RunPaths
from orchestrator.records import Offspring, Outcome
from orchestrator.simulations import model_of
from orchestrator.simulations.base import Simulation
from orchestrator.simulations.options import SimulationContext
from orchestrator.simulations.registry import create_simulation

# what takes longer than so many s has a process that outlives a killed controller
_CHEAP = 60.0


class Pool(Protocol):
    """Evaluates offspring; knows no optimiser, and of a generation only where its files are."""

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to wait for."""

    def add(self, offspring: Sequence[Offspring]) -> None:
        """Take offspring of one generation, which share a deadline; what an earlier controller has of them is kept."""

    def wait(self) -> list[Landed]:
        """Return what has landed since the last call; waits until something has, if anything is in flight.

        Raises
        ------
        orchestrator.errors.Stopped
            If the run is to stop.
        orchestrator.errors.RunFailed
            If no simulation can start: no parameters are the cause then.
        """

    def forget(self, generation: int) -> None:
        """Drop a generation that has landed and is in the checkpoint."""

    def refuse_if_all_failed(self, offspring: Sequence[Offspring]) -> None:
        """Make sure that of offspring that are to be told together one speaks of its parameters.

        Raises
        ------
        orchestrator.errors.RunFailed
            If none does; all of them are evaluated again when the run is continued.
        """

    def discard_unused(self) -> None:
        """Remove the folders that nobody needs once the run has failed."""


def pool_for(
    config: Config,
    paths: RunPaths,
    cluster: Cluster,
    cleanup: Cleanup,
    *,
    name: str,
    stop: threading.Event,
    confirm: Callable[[], object],
) -> JobPool | TrialPool | WorkerPool:
    """Return the pool, which is to be entered.

    Parameters
    ----------
    config, paths, cluster, cleanup
        Of the run.
    name : str
        Start of the jobs' names.
    stop, confirm
        As `orchestrator.run.evaluating.carry_out` takes them.
    """
    model = model_of(config)

    def task_of(offspring: Offspring, attempt: AttemptPaths, number: int) -> NodeTask:
        if isinstance(offspring, Trial):
            whole, trial = offspring.whole, offspring.number
            return NodeTask.of(config, model, whole, attempt, number, data=paths.data, trial=trial)
        return NodeTask.of(config, model, offspring, attempt, number, data=paths.data)

    def first_task_of(offspring: Offspring) -> NodeTask:
        return task_of(offspring, paths.generation(offspring.generation).attempt(offspring.index, 1), 1)

    simulation = _simulation_of_workers(config, paths, model.context)
    if simulation is not None:
        most_memory = None if config.jobs.mem is None else bytes_of(config.jobs.mem)
        return WorkerPool(
            processes=Processes(config.workers, most_memory, paths.directory / "workers"),
            together=simulation.runs_many,
            timeout=config.timeout,
            limit=config.jobs.time,
            folder_of=paths.generation,
            task_of=first_task_of,
            stop=stop,
            confirm=confirm,
        )
    measuring = MeasuringPool(config.measuring_processes, config.timeout)
    trials = config.simulation.jobs_per_evaluation
    of_trials = MeasuringOfTrials(
        measuring,
        trials,
        folder_of=paths.generation,
        write_task=lambda offspring, attempt: task_of(offspring, attempt, 1).write(),
        confirm=confirm,
        grace=cluster.result_grace,
    )
    pool = JobPool(
        cluster,
        Terms(config.timeout, config.jobs.retries, name, _chunks(config, paths)),
        folder_of=paths.generation,
        write_task=lambda offspring, attempt, number: task_of(offspring, attempt, number).write(),
        measuring=measuring if trials == 1 else of_trials,
        cleanup=cleanup,
        stop=stop,
        confirm=confirm,
        first=Checkpoint(paths.checkpoint).n_generations == 0,
    )
    return pool if trials == 1 else TrialPool(pool, of_trials, trials)


def _simulation_of_workers(config: Config, paths: RunPaths, context: SimulationContext) -> Simulation[Any] | None:
    """Return what processes that stay up are to simulate; None if each evaluation has a job.

    What has begun is evaluated as it has begun, whatever is wanted now.
    """
    if config.executor != "local" or config.measure_on != "job" or config.simulation.jobs_per_evaluation > 1:
        return None
    begun = [paths.generation(number) for number in paths.generation_numbers()]
    stay = config.local.stay
    if any(each.workers.exists() for each in begun):
        stay = True
    elif any(each.journal.exists() for each in begun):
        stay = False
    if stay is False:
        return None
    simulation = create_simulation(config.simulation, config.model_dir, context)
    if not simulation.runs_here:
        return None
    # what is simulated at once takes many times longer one by one
    stays = stay or simulation.runs_many or are_cheap(seconds_of_evaluations(paths))
    return simulation if stays else None


def are_cheap(seconds: Sequence[float]) -> bool:
    """Return whether evaluations that took so long may end with their controller; the first ones may."""
    return not seconds or statistics.median(seconds) <= _CHEAP


def _chunks(config: Config, paths: RunPaths) -> Chunks:
    """Return how many evaluations a job gets; on this machine one."""
    jobs = config.jobs
    if config.executor != "slurm":
        return Chunks()
    took = seconds_of_evaluations(paths) if jobs.evaluations_per_job == "auto" else []
    return Chunks(jobs.evaluations_per_job, jobs.at_once, job=jobs.time, timeout=config.timeout, seconds=took)


def seconds_of_evaluations(paths: RunPaths) -> list[float]:
    """Return how long the evaluations of the run took that worked, in s."""
    _, tables = tables_since(paths.checkpoint, ("started", "finished", "outcome"), 0)
    return [
        float(end - begin)
        for table in tables
        for begin, end, outcome in zip(table["started"], table["finished"], table["outcome"], strict=True)
        if outcome == Outcome.OK.value.encode() and math.isfinite(end - begin)
    ]
