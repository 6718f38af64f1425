"""Which pool evaluations have: processes that stay up are for those that may end with their controller."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from exported_runs import exported_run
from run_on_disk import RunOnDisk
from scripted_pool import FakeCluster

from orchestrator.config.file import load_config
from orchestrator.jobs.cleanup import Cleanup
from orchestrator.jobs.pool import JobPool
from orchestrator.run import pools
from orchestrator.run.pools import are_cheap, pool_for, seconds_of_evaluations


@pytest.mark.parametrize(
    ("seconds", "cheap"),
    [
        ([], True),
        ([0.01, 0.02, 500.0], True),
        ([59.0, 60.0, 61.0], True),
        ([61.0], False),
        ([1.0, 90.0, 3600.0], False),
    ],
)
def test_evaluations_that_take_long_have_processes_that_outlive_a_controller(seconds: list[float], cheap: bool) -> None:
    assert are_cheap(seconds) is cheap


def test_how_long_the_evaluations_of_a_run_took_is_read_of_those_that_worked(tmp_path: Path) -> None:
    assert seconds_of_evaluations(exported_run(tmp_path / "model")) == pytest.approx([60.5] * 4)


def test_what_has_jobs_is_not_simulated_by_the_controller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It made the simulation, of which only processes that stay up have a use, before it looked for ``stay: false``."""

    def made_here(*_: object) -> Any:
        raise AssertionError("the controller made a simulation")

    monkeypatch.setattr(pools, "create_simulation", made_here)
    function = {"type": "function", "function": "model:simulate"}
    run = RunOnDisk(tmp_path / "run", executor="local", local={"stay": False}, simulation=function)
    config, cluster = load_config(run.paths.config), FakeCluster(run.paths.generation(0))
    cleanup = Cleanup(run.paths, cluster, "none", lambda: None)
    pool = pool_for(config, run.paths, cluster, cleanup, name="run", stop=threading.Event(), confirm=lambda: None)
    assert isinstance(pool, JobPool)
