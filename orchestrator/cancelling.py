"""Ending a run's jobs, whether or not its controller is alive."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import threading
import time

from orchestrator.attempts import Journal
from orchestrator.cluster import create_cluster
from orchestrator.cluster.ending import end_jobs
from orchestrator.cluster.environment import leave_allocation
from orchestrator.config_file import load_config
from orchestrator.errors import UsageError
from orchestrator.lock import is_held, only_controller
from orchestrator.paths import RunPaths

_PATIENCE = 30.0


def cancel_run(paths: RunPaths) -> int:
    """Stop a run's controller and end all of its jobs; the run can be continued later.

    Returns
    -------
    int
        How many jobs were in flight.

    Raises
    ------
    orchestrator.errors.UsageError
        Where the controller cannot be stopped from here.
    """
    leave_allocation()
    if is_held(paths):
        _stop_controller(paths)
    config = load_config(paths.config)
    cluster = create_cluster(config)
    ended = 0
    with only_controller(paths):
        for directory in sorted(paths.generations.glob("[0-9]*")):
            journal = Journal(paths.generation(int(directory.name)), cluster, "", threading.Event())
            attempts = journal.recover()
            end_jobs(cluster, [attempt.job for attempt in attempts])
            journal.withdrawn([attempt.index for attempt in attempts])
            ended += len(attempts)
    return ended


def _stop_controller(paths: RunPaths) -> None:
    try:
        holder = json.loads(paths.holder.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        holder = {}
    if holder.get("host") == socket.gethostname():
        os.kill(int(holder["pid"]), signal.SIGTERM)
    elif holder.get("job"):
        subprocess.run(["scancel", str(holder["job"])], check=False, stdin=subprocess.DEVNULL)
    else:
        host = holder.get("host", "another host")
        raise UsageError(f"{paths.directory}: its controller runs on {host}; stop it there")
    end = time.monotonic() + _PATIENCE
    while is_held(paths):
        if time.monotonic() > end:
            raise UsageError(f"{paths.directory}: its controller does not stop; end process {holder.get('pid')}")
        time.sleep(0.1)
