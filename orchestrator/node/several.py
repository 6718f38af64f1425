"""What a job runs on its node that evaluates several offspring: `evaluate`, in processes that stay up."""

from __future__ import annotations

import logging
import math
import multiprocessing
import os
import time
from collections.abc import Sequence
from concurrent.futures import Future, as_completed
from dataclasses import replace
from pathlib import Path

from orchestrator.files import write_json
from orchestrator.node.evaluate import (
    deliver_result,
    end_with_the_controller,
    evaluate,
    host,
    job_id,
    simulate_and_deliver,
    working_on,
)
from orchestrator.node.measuring import targets_of
from orchestrator.node.task import NodeTask
from orchestrator.node.together import evaluated_together
from orchestrator.node.worker import of_ended_process
from orchestrator.paths import AttemptPaths
from orchestrator.records import Outcome, Result
from orchestrator.simulations.delivering import deliver
from orchestrator.simulations.phases import Phase, phases
from orchestrator.simulations.subprocesses import end_on_signals

_LOG = logging.getLogger(__name__)
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def evaluate_several(*task_files: str) -> None:
    """Evaluate several offspring of a generation; the entry point of their job.

    Each has a result file of its own, written as soon as it is there: a job that is lost costs what it has not
    delivered. A simulation that ends its process costs its own evaluation. A function of many is called once in each
    process, with its share.

    Parameters
    ----------
    *task_files : str
        Paths of the task files that the controller wrote into the attempts' directories.
    """
    from pebble import ProcessExpired, ProcessPool  # noqa: PLC0415  (of jobs like these alone)

    end_on_signals(lambda _: None)  # each of its evaluations notes that itself
    first = NodeTask.read(Path(task_files[0]))
    jobs = first.context.jobs
    processes = min(jobs.at_once, len(task_files))
    for name in _THREADS:
        os.environ.setdefault(name, str(max(1, jobs.ntasks * (jobs.cpus_per_task or 1) // processes)))
    number = processes if first.create_simulation().runs_many else len(task_files)
    spawning = multiprocessing.get_context("spawn")
    with ProcessPool(max_workers=processes, context=spawning, initializer=end_with_the_controller) as pool:
        shares: dict[Future[None], Sequence[str]] = {}
        for n in range(number):
            share: Sequence[str] = task_files[n::number]
            shares[pool.schedule(_evaluate, args=[share])] = share
        for done in as_completed(shares):
            error, files = done.exception(), shares[done]
            if isinstance(error, ProcessExpired):
                _say_that_it_ended(files, of_ended_process(error.exitcode))
            elif error is not None:  # the controller sees that there is no result
                _LOG.error("%s: %s: %s", ", ".join(files), type(error).__name__, error)


def _evaluate(files: Sequence[str]) -> None:
    """Evaluate one offspring, or several together, in a process that stays up."""
    if len(files) == 1:
        evaluate(files[0])
        return
    with working_on([NodeTask.read(Path(file)) for file in files]) as tasks:
        together = [task for task in tasks if not task.no_value and task.measure_on == "job"]
        delivered = len(together) > 1 and _delivered_together(together)
        for task in tasks:
            if not delivered or task not in together:
                simulate_and_deliver(task)


def _delivered_together(tasks: Sequence[NodeTask]) -> bool:
    """Simulate several at once and write their results, of which each took its share of the time; or return False."""
    directory, started = tasks[0].paths.simulation, time.time()
    directory.mkdir(exist_ok=True)
    results = evaluated_together(tasks, targets_of(tasks[0]), directory)
    if results is None:
        return False
    finished = started + (time.time() - started) / len(tasks)
    for task, result in zip(tasks, results, strict=True):
        deliver_result(task, result, started, finished)
    return True


def _say_that_it_ended(files: Sequence[str], result: Result) -> None:
    """Write the results of evaluations whose process has ended; of several it is not known whose doing that was."""
    if len(files) > 1:
        message = f"{result.message}, while it evaluated others as well"
        result = replace(result, outcome=Outcome.CANCELLED, message=message)
    for file in files:
        attempt = NodeTask.read(Path(file)).paths
        if not attempt.result.exists():
            _deliver(attempt, result)


def _deliver(attempt: AttemptPaths, result: Result) -> None:
    whole = replace(
        result,
        started=phases(attempt).get(Phase.STARTED, math.nan),
        finished=time.time(),
        host=host(),
        job_id=job_id(),
    )
    deliver(attempt, attempt.result, lambda: write_json(attempt.result, whole.to_json()))
