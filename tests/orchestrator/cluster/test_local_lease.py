"""Processes of this machine and the lease of their run."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from orchestrator.cluster import State, Task
from orchestrator.cluster.local import LocalCluster
from orchestrator.errors import Stopped


def test_processes_are_begun_and_ended_by_the_holder_of_the_lease_alone(tmp_path: Path) -> None:
    errors: list[BaseException] = [Stopped("another controller has taken this run over")]

    def confirm() -> None:
        if errors:
            raise errors[0]

    cluster, task = LocalCluster(workers=1, confirm=confirm), Task.of(0, tmp_path / "0" / "1" / "offspring.json")
    with pytest.raises(Stopped):
        cluster.submit([task], "run-g0-aa", tmp_path, ())
    assert list(tmp_path.iterdir()) == []
    # what waits is not begun by a look at it either
    (waiting,) = (entry.job for entry in cluster._waiting)
    with pytest.raises(Stopped):
        cluster.poll([waiting])
    with pytest.raises(Stopped):
        cluster.cancel([waiting])
    assert len(cluster._waiting) == 1
    # nobody else ends them if the file system is away
    errors[0] = OSError(errno.EIO, "Input/output error")
    cluster.cancel([waiting])
    assert not cluster._waiting
    errors.clear()
    assert cluster.poll([waiting])[waiting].state is State.ENDED
