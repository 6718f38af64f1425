"""What runs on the compute node: simulate, measure, write the result, remove the simulation.

``python -m orchestrator.node.evaluate TASK_FILE`` only measures, for ``measure_on: controller``.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import resource
import shutil
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from orchestrator.files import tail, write_json
from orchestrator.node.claim import claim
from orchestrator.node.measuring import measured, targets_of
from orchestrator.node.task import NodeTask
from orchestrator.node.versions import versions_of
from orchestrator.paths import AttemptPaths
from orchestrator.records import Outcome, Result
from orchestrator.results import is_measured, read_result
from orchestrator.simulations.base import Simulation, SimulationFailed
from orchestrator.simulations.delivering import deliver
from orchestrator.simulations.failure_cause import CANNOT_DELIVER, FILE_SYSTEM_ERRORS
from orchestrator.simulations.phases import HEARTBEAT, Phase, note
from orchestrator.simulations.subprocesses import end_on_signals
from orchestrator.text import shortened

_LOG = logging.getLogger(__name__)
# how long whoever kills a job may take to kill all of its processes, in s
_OWN_END = 3.0
# of a message and, on average, of a line of a log, in characters
_LONGEST_TEXT = 2000
# man 2 prctl
_PR_SET_PDEATHSIG = 1


def evaluate(task_file: str) -> None:
    """Evaluate one offspring; the entry point of its job.

    Parameters
    ----------
    task_file : str
        Path of the task file that the controller wrote into the attempt's directory.
    """
    with working_on([NodeTask.read(Path(task_file))]) as tasks:
        for task in tasks:
            simulate_and_deliver(task)


@contextlib.contextmanager
def working_on(tasks: Sequence[NodeTask]) -> Iterator[list[NodeTask]]:
    """Claim attempts, and yield those that are this process's; give signs of life of them meanwhile."""
    own = [task for task in tasks if _is_claimed_now(task.paths)]
    for task in own:
        note(task.paths, Phase.STARTED, host=host())

    def ended(number: int) -> None:
        for task in own:
            note(task.paths, Phase.TERMINATED, signal=number)

    if own:
        end_on_signals(ended)
    with _heartbeat([task.paths.progress for task in own]):
        yield own


def _is_claimed_now(attempt: AttemptPaths) -> bool:
    if claim(attempt.directory, _slurm_job_id()):
        return True
    if os.environ.get("SLURM_RESTART_COUNT", "0") != "0":
        # by a site that makes every job one which may be requeued; what it had done is lost, and is no verdict
        note(attempt, Phase.TERMINATED, restarts=os.environ["SLURM_RESTART_COUNT"])
    return False


def simulate_and_deliver(task: NodeTask) -> None:
    """Evaluate an offspring whose attempt is this process's, and write its result."""
    started, result = time.time(), _evaluate(task, task.paths)
    _await_own_end(result)
    deliver_result(task, result, started, time.time())


def deliver_result(task: NodeTask, result: Result, started: float, finished: float) -> None:
    """Write the result of an evaluation that took from `started` to `finished`, Unix times in s, and tidy up."""
    attempt = task.paths
    ok = result.outcome is Outcome.OK
    log_tail = "" if ok else tail(attempt.log, task.log_lines) or result.log_tail
    result = replace(
        bounded(replace(result, log_tail=log_tail)),
        started=started,
        finished=finished,
        host=host(),
        job_id=job_id(),
        peak_memory=_peak_memory(),
        versions=versions_of(attempt),
        seeds=task.seeds,
    )
    # in this order: a job that is killed in between has delivered
    _deliver(attempt, result)
    _tidy_up(task, attempt, result)


def measure_attempt(task_file: str) -> None:
    """Measure what a simulation left if its job did not (``measure_on: controller``), and complete its result.

    Parameters
    ----------
    task_file : str
        The job's task file.
    """
    try:
        task = NodeTask.read(Path(task_file))
        attempt, result = task.paths, read_result(task.result)
    except OSError as error:
        _LOG.warning("%s: what is to be measured cannot be read (%s)", task_file, error)
        sys.exit(CANNOT_DELIVER)
    simulation = task.create_simulation()
    # a job for each trial: they have been brought here
    trials = [attempt.trial(number) for number in range(task.simulation.jobs_per_evaluation)]
    there = (attempt.directory, task.model_dir, *(trials if len(trials) > 1 else ()))
    measured = bounded(guarded(task, lambda: _measure(task, simulation, attempt), there))
    if measured.outcome is not Outcome.OK and is_measured(attempt.result):
        return  # by the process of a controller before this one, which has removed what it had measured
    result = replace(
        result,
        outcome=measured.outcome,
        values=measured.values,
        reasons=measured.reasons,
        outputs=measured.outputs,
        deviations=measured.deviations,
        errors=measured.errors,
        unfit=measured.unfit,
        recordings=measured.recordings,
        message=measured.message,
        log_tail=measured.log_tail,
        seconds={**result.seconds, **measured.seconds},
        measured=True,
    )
    _deliver(attempt, result)
    if not result.outcome.infrastructure:  # or it is to be measured again
        _tidy_up(task, attempt, result)


def _deliver(attempt: AttemptPaths, result: Result) -> None:
    """Write the result; raises `SystemExit` as `deliver` does."""
    deliver(attempt, attempt.result, lambda: write_json(attempt.result, result.to_json()))


def _await_own_end(result: Result) -> None:
    """Let whoever kills all of a job finish: SLURM's own word of its end is worth more than that of a killed child."""
    if result.outcome is Outcome.CANCELLED:
        time.sleep(_OWN_END)


def _tidy_up(task: NodeTask, attempt: AttemptPaths, result: Result) -> None:
    """Remove the simulation if it is measured and nobody wants to keep it."""
    if result.measured and (task.keep == "none" or (task.keep == "failed" and result.outcome is Outcome.OK)):
        shutil.rmtree(attempt.simulation, ignore_errors=True)


def _evaluate(task: NodeTask, attempt: AttemptPaths) -> Result:
    seconds: dict[str, float] = {}

    def run() -> Result:
        if task.no_value:
            raise SimulationFailed(Outcome.SIMULATION_ERROR, task.no_value)
        simulation = task.create_simulation()
        try:
            simulation.simulate(task.all_parameters, attempt)
        finally:
            seconds.update(simulation.seconds(attempt))
        if task.measure_on == "controller":
            return Result(Outcome.OK, measured=False)
        with contextlib.suppress(OSError):  # a disk that is full for the moment: the result is written patiently
            note(attempt, Phase.MEASURING)
        return _measure(task, simulation, attempt)

    result = guarded(task, run)
    return replace(result, seconds={**seconds, **result.seconds})


def guarded(task: NodeTask, step: Callable[[], Result], there: Sequence[Path] = ()) -> Result:
    """Return the result of a step; what fails because directories are gone says nothing of the parameters.

    Parameters
    ----------
    task : NodeTask
        What is evaluated.
    step : callable
        What may fail.
    there : sequence of pathlib.Path
        The directories that it needs; by default those of the attempt and of the model.
    """
    result = _caught(task, step)
    needed = there or (task.paths.directory, task.model_dir)
    gone = [str(each) for each in needed if not _is_there(each, if_unknown=False)]
    if result.outcome is Outcome.SIMULATION_ERROR and gone:
        return replace(result, outcome=Outcome.NODE_FAIL, message=f"{', '.join(gone)} is gone: {result.message}")
    return result


def _caught(task: NodeTask, step: Callable[[], Result]) -> Result:
    """Return the result of a step; a user's model or target may raise anything, and that must not be lost."""
    try:
        return step()
    except SimulationFailed as failure:
        return Result(failure.outcome, message=str(failure))
    except OSError as error:
        outcome = Outcome.NODE_FAIL if _is_file_systems(error) else Outcome.SIMULATION_ERROR
        return Result(outcome, message=f"{type(error).__name__}: {error}")
    except Exception as error:  # noqa: BLE001
        message = f"{type(error).__name__}: {error}"
        lines = traceback.format_exc().splitlines()[-task.log_lines :] if task.log_lines else []
        return Result(Outcome.SIMULATION_ERROR, message=message, log_tail="\n".join(lines))


def _is_file_systems(error: OSError) -> bool:
    """Return whether an error is the file system's: it is full or gone, or a file was gone for a moment."""
    missing = error.filename if isinstance(error, FileNotFoundError) else None
    was_gone = isinstance(missing, str) and _is_there(Path(missing), if_unknown=True)
    return error.errno in FILE_SYSTEM_ERRORS or was_gone


def _is_there(path: Path, *, if_unknown: bool) -> bool:
    """Return whether something is there; `if_unknown` if the file system, which is away, does not tell."""
    try:
        return path.exists()
    except OSError:
        return if_unknown


def bounded(result: Result) -> Result:
    """Return a result with texts that people can read: an exception may hold a whole array, or a whole file."""
    return replace(
        result,
        message=shortened(result.message, _LONGEST_TEXT),
        reasons={label: shortened(reason, _LONGEST_TEXT) for label, reason in result.reasons.items()},
        log_tail=shortened(result.log_tail, _LONGEST_TEXT * max(1, result.log_tail.count("\n"))),
    )


def _measure(task: NodeTask, simulation: Simulation[Any], attempt: AttemptPaths) -> Result:
    begin = time.monotonic()
    result = measured(task, simulation, targets_of(task), lambda: simulation.recordings(attempt))
    return replace(result, seconds={"measuring": time.monotonic() - begin})


@contextlib.contextmanager
def _heartbeat(paths: Sequence[Path]) -> Iterator[None]:
    """Touch files as long as the job lives, so that the controller can tell silence from death."""
    stopped = threading.Event()

    def beat() -> None:
        while not stopped.wait(HEARTBEAT):
            for path in paths:
                with contextlib.suppress(OSError):
                    os.utime(path)

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


def host() -> str:
    """Return the node's name in SLURM, which is what its options take, or the machine's own."""
    return os.environ.get("SLURMD_NODENAME") or socket.gethostname()


def _peak_memory() -> int:
    """Return the largest resident memory in bytes of this process or of one that it started."""
    used = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return 1024 * max(used)  # Linux counts kilobytes


def job_id() -> str:
    """Return the id of the job of this process, empty if it is none's."""
    return _slurm_job_id() or os.environ.get("SUBMITIT_LOCAL_JOB_ID", "")


def _slurm_job_id() -> str:
    array, index = os.environ.get("SLURM_ARRAY_JOB_ID"), os.environ.get("SLURM_ARRAY_TASK_ID")
    return f"{array}_{index}" if array and index else os.environ.get("SLURM_JOB_ID", "")


def end_with_the_controller() -> None:
    """Ask the kernel to end this process when its parent does: the next controller measures again."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    end_with_the_controller()
    measure_attempt(sys.argv[1])
