"""What runs on the compute node: simulate, measure, write the result, remove the simulation.

``python -m orchestrator.node.evaluate TASK_FILE`` only measures, for ``measure_on: controller``.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import resource
import shutil
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from orchestrator import __version__
from orchestrator.files import tail, write_json
from orchestrator.node.claim import claim
from orchestrator.node.task import NodeTask
from orchestrator.paths import AttemptPaths
from orchestrator.records import Outcome, Result
from orchestrator.results import read_result
from orchestrator.simulations.base import Simulation, SimulationFailed
from orchestrator.simulations.failure_cause import FILE_SYSTEM_ERRORS
from orchestrator.simulations.phases import HEARTBEAT, Phase, note
from orchestrator.simulations.subprocesses import end_on_signals

# man 2 prctl
_PR_SET_PDEATHSIG = 1


def evaluate(task_file: str) -> None:
    """Evaluate one offspring; the entry point of its job.

    Parameters
    ----------
    task_file : str
        Path of the task file that the controller wrote into the attempt's directory.
    """
    task = NodeTask.read(Path(task_file))
    attempt = task.paths
    if not claim(attempt.directory):
        if os.environ.get("SLURM_RESTART_COUNT", "0") != "0":
            # by a site that makes every job one which may be requeued; what it had done is lost, and is no verdict
            note(attempt, Phase.TERMINATED, restarts=os.environ["SLURM_RESTART_COUNT"])
        return
    started = time.time()
    note(attempt, Phase.STARTED, host=_host())
    end_on_signals(lambda number: note(attempt, Phase.TERMINATED, signal=number))
    with _heartbeat(attempt.progress):
        result = _evaluate(task, attempt)
    ok = result.outcome is Outcome.OK
    result = replace(
        result,
        log_tail="" if ok else tail(attempt.log, task.log_lines) or result.log_tail,
        started=started,
        finished=time.time(),
        host=_host(),
        job_id=_job_id(),
        peak_memory=_peak_memory(),
        versions={"orchestrator": __version__, "python": platform.python_version()},
    )
    # in this order: a job that is killed in between has delivered
    write_json(attempt.result, result.to_json())
    _tidy_up(task, attempt, result)


def measure_attempt(task_file: str) -> None:
    """Measure what a simulation left if its job did not (``measure_on: controller``), and complete its result.

    Parameters
    ----------
    task_file : str
        The job's task file.
    """
    task = NodeTask.read(Path(task_file))
    attempt, result, simulation = task.paths, read_result(task.result), task.create_simulation()
    measured = _guarded(task, lambda: _measure(task, simulation, attempt))
    result = replace(
        result,
        outcome=measured.outcome,
        values=measured.values,
        reasons=measured.reasons,
        message=measured.message,
        log_tail=measured.log_tail,
        seconds={**result.seconds, **measured.seconds},
        measured=True,
    )
    write_json(attempt.result, result.to_json())
    _tidy_up(task, attempt, result)


def _tidy_up(task: NodeTask, attempt: AttemptPaths, result: Result) -> None:
    """Remove the simulation if it is measured and nobody wants to keep it."""
    if result.measured and (task.keep == "none" or (task.keep == "failed" and result.outcome is Outcome.OK)):
        shutil.rmtree(attempt.simulation, ignore_errors=True)


def _evaluate(task: NodeTask, attempt: AttemptPaths) -> Result:
    seconds: dict[str, float] = {}

    def run() -> Result:
        simulation = task.create_simulation()
        try:
            simulation.simulate({**task.simulation.seeds, **task.parameters}, attempt)
        finally:
            seconds.update(simulation.seconds(attempt))
        if task.measure_on == "controller":
            return Result(Outcome.OK, measured=False)
        note(attempt, Phase.MEASURING)
        return _measure(task, simulation, attempt)

    result = _guarded(task, run)
    return replace(result, seconds={**seconds, **result.seconds})


def _guarded(task: NodeTask, step: Callable[[], Result]) -> Result:
    """Return the result of a step; a user's model or target may raise anything, and that must not be lost."""
    try:
        return step()
    except SimulationFailed as failure:
        return Result(failure.outcome, message=str(failure))
    except OSError as error:
        outcome = Outcome.NODE_FAIL if error.errno in FILE_SYSTEM_ERRORS else Outcome.SIMULATION_ERROR
        return Result(outcome, message=f"{type(error).__name__}: {error}")
    except Exception as error:  # noqa: BLE001
        message = f"{type(error).__name__}: {error}"
        lines = traceback.format_exc().splitlines()[-task.log_lines :] if task.log_lines else []
        return Result(Outcome.SIMULATION_ERROR, message=message, log_tail="\n".join(lines))


def _measure(task: NodeTask, simulation: Simulation[Any], attempt: AttemptPaths) -> Result:
    from targets import create_targets, measure  # noqa: PLC0415  (most of the time that importing takes)

    begin = time.monotonic()
    targets = create_targets(task.targets, directory=task.model_dir)
    found = measure(targets, simulation.recordings(attempt), FILE_SYSTEM_ERRORS)
    values = {target.label: measurement.value for target, measurement in zip(targets, found, strict=True)}
    pairs = zip(targets, found, strict=True)
    reasons = {target.label: measurement.reason for target, measurement in pairs if measurement.reason is not None}
    return Result(Outcome.OK, values=values, reasons=reasons, seconds={"measuring": time.monotonic() - begin})


@contextlib.contextmanager
def _heartbeat(path: Path) -> Iterator[None]:
    """Touch `path` as long as the job lives, so that the controller can tell silence from death."""
    stopped = threading.Event()

    def beat() -> None:
        while not stopped.wait(HEARTBEAT):
            with contextlib.suppress(OSError):
                os.utime(path)

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


def _host() -> str:
    """Return the node's name in SLURM, which is what its options take, or the machine's own."""
    return os.environ.get("SLURMD_NODENAME") or socket.gethostname()


def _peak_memory() -> int:
    """Return the largest resident memory in bytes of this process or of one that it started."""
    used = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return 1024 * max(used)  # Linux counts kilobytes


def _job_id() -> str:
    array, index = os.environ.get("SLURM_ARRAY_JOB_ID"), os.environ.get("SLURM_ARRAY_TASK_ID")
    if array and index:
        return f"{array}_{index}"
    return os.environ.get("SLURM_JOB_ID") or os.environ.get("SUBMITIT_LOCAL_JOB_ID", "")


def _end_with_the_controller() -> None:
    """Ask the kernel to end this process when its parent does: the next controller measures again."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    _end_with_the_controller()
    measure_attempt(sys.argv[1])
