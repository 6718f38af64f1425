"""A controller whose SLURM job comes to its time limit, or loses its node, goes on in the same job, queued again."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from orchestrator.checking.problems import frozen_of, identity_differences, load_checked_config
from orchestrator.cluster.commands import CommandFailed, requeue_job
from orchestrator.config.file import read_config
from orchestrator.config.model import Config
from orchestrator.config.source import Source
from orchestrator.errors import ConfigError
from orchestrator.lease import runs_of_restarted_job
from orchestrator.paths import RunPaths

# SLURM's own patience between SIGTERM and SIGKILL is half a minute by default, in s
_PATIENCE = 60.0
# what this process has carried out: of calls with one configuration, each goes on with a run of its own
_CARRIED_OUT: set[Path] = set()


def requeue(job_id: str, received: Sequence[int]) -> str | None:
    """Queue the job of this process again; return SLURM's words if it refuses.

    Parameters
    ----------
    job_id : str
        The job.
    received : sequence of int
        Signals that this process has received; grows while it waits for the one by which SLURM ends it. A process that
        ended by itself meanwhile would make SLURM take the whole job for ended.
    """
    try:
        requeue_job(job_id)
    except CommandFailed as error:
        return str(error)
    end = time.monotonic() + _PATIENCE
    while signal.SIGTERM not in received and time.monotonic() < end:
        time.sleep(0.1)
    return None


def carries_out(paths: RunPaths) -> None:
    """Note that a call in this process carries a run out."""
    _CARRIED_OUT.add(paths.directory.resolve())


def load_for_script(path: Path, overrides: Sequence[str] = (), text: str | None = None) -> Config:
    """Do as `load_checked_config` for a call in a script, which may call more than once.

    If SLURM has restarted the script's job, the call goes on with the oldest run of the job that has its configuration
    and that no call has yet gone on with: that is what the configuration says then. If there is none, it begins anew.
    """
    environment = dict(os.environ)
    os.environ.pop("SLURM_RESTART_COUNT", None)  # otherwise it would be the latest run, whatever its configuration is
    with contextlib.suppress(ConfigError):  # below, it is told with all that is wrong
        given = read_config(Source(path, text), overrides, targets=False)
        for run in () if given.continue_cp else runs_of_restarted_job(given.model_dir, environment):
            if (config := _going_on(run, path, overrides, text)) is not None:
                return config
    return load_checked_config(path, overrides, text)


def _going_on(run: RunPaths, path: Path, overrides: Sequence[str], text: str | None) -> Config | None:
    """Return the configuration as one that goes on with a run, None if the run is of another, or of another call."""
    if run.directory.resolve() in _CARRIED_OUT:
        return None
    continuing = ["continue_cp=true", f"cp_filename={json.dumps(str(run.checkpoint))}"]
    try:
        config = load_checked_config(path, [*overrides, *continuing], text)
    except ConfigError:  # it has other data
        return None
    return None if identity_differences(config, frozen_of(run, config.model_dir)) else config
