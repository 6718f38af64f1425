"""What runs on the compute node: simulate, measure, write the result, remove the simulation."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import resource
import shutil
import signal
import socket
import threading
import time
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from orchestrator import __version__
from orchestrator.files import append_json_line, tail, write_json
from orchestrator.paths import AttemptPaths
from orchestrator.records import Outcome, Result
from orchestrator.simulations import SimulationFailed, create_simulation
from orchestrator.simulations.subprocesses import end_at_once

# how often a living job touches its progress file, in s
HEARTBEAT = 20.0


def evaluate(task_file: str) -> None:
    """Evaluate one offspring; the entry point of its job.

    Parameters
    ----------
    task_file : str
        Path of the task file that the controller wrote into the attempt's directory.
    """
    signal.signal(signal.SIGTERM, end_at_once)
    task = json.loads(Path(task_file).read_text(encoding="utf-8"))
    attempt = AttemptPaths(Path(task_file).parent, Path(task["result"]))
    started = time.time()
    append_json_line(attempt.progress, {"time": started, "phase": "started", "host": socket.gethostname()})
    with _heartbeat(attempt.progress):
        result = _evaluate(task, attempt)
        keep = task["keep"]["directories"]
        if keep == "none" or (keep == "failed" and result.outcome is Outcome.OK):
            shutil.rmtree(attempt.simulation, ignore_errors=True)
    log_tail = "" if result.outcome is Outcome.OK else tail(attempt.log, task["keep"]["log_lines"]) or result.log_tail
    result = replace(
        result,
        log_tail=log_tail,
        started=started,
        finished=time.time(),
        host=socket.gethostname(),
        job_id=_job_id(),
        # Linux counts kilobytes
        peak_memory=1024 * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss,
        versions={"orchestrator": __version__, "python": platform.python_version()},
    )
    write_json(attempt.result, result.to_json())


def _evaluate(task: Mapping[str, Any], attempt: AttemptPaths) -> Result:
    seconds: dict[str, float] = {}
    try:
        simulation = create_simulation(task["simulation"], Path(task["model_dir"]), task)
        try:
            simulation.simulate(task["parameters"], attempt)
        finally:
            seconds.update(simulation.seconds(attempt))
        begin = time.monotonic()
        append_json_line(attempt.progress, {"time": time.time(), "phase": "measuring"})
        values, reasons = _measure(task, simulation.recordings(attempt))
        seconds["measuring"] = time.monotonic() - begin
    except SimulationFailed as failure:
        return Result(failure.outcome, message=str(failure), seconds=seconds)
    except Exception as error:  # noqa: BLE001  (a user's model or target may raise anything; it must not be lost)
        message = f"{type(error).__name__}: {error}"
        lines = traceback.format_exc().splitlines()[-task["keep"]["log_lines"] :] if task["keep"]["log_lines"] else []
        return Result(Outcome.SIMULATION_ERROR, message=message, seconds=seconds, log_tail="\n".join(lines))
    return Result(Outcome.OK, values=values, reasons=reasons, seconds=seconds)


def _measure(task: Mapping[str, Any], recordings: object) -> tuple[dict[str, float | None], dict[str, str]]:
    from targets import create_targets, measure  # noqa: PLC0415  (most of the time that importing takes)

    targets = create_targets(task["targets"], directory=Path(task["model_dir"]))
    measured = list(zip(targets, measure(targets, recordings), strict=True))
    values = {target.label: measurement.value for target, measurement in measured}
    return values, {target.label: found.reason for target, found in measured if found.reason is not None}


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


def _job_id() -> str:
    array, index = os.environ.get("SLURM_ARRAY_JOB_ID"), os.environ.get("SLURM_ARRAY_TASK_ID")
    if array and index:
        return f"{array}_{index}"
    return os.environ.get("SLURM_JOB_ID") or os.environ.get("SUBMITIT_LOCAL_JOB_ID", "")
