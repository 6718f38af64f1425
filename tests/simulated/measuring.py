"""Processes that measure beside a controller: on its host, and no longer than it lives."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING

from orchestrator.node.evaluate import measure_attempt

if TYPE_CHECKING:
    from simulated.world import World


def measuring_in(world: World) -> SimpleNamespace:
    """Return what stands for the module `subprocess` in a world."""

    class Started:
        """As `subprocess.Popen` of ``python -m orchestrator.node.evaluate TASK``."""

        def __init__(self, command: Sequence[str], **_: object):
            current = world.scheduler.current
            if current is None:
                raise RuntimeError("expected to be started by a controller of the world")
            self._parent = current.process
            self._code = -9
            self._process = world.spawn(f"measuring of {self._parent.name}", self._parent.host)
            self._parent.children.append(self._process)
            world.scheduler.start(self._process, lambda: self._measure(command[-1]))

        def poll(self) -> int | None:
            return None if self._process.lives else self._code

        def kill(self) -> None:
            if not self._parent.dead:
                world.kill(self._process)

        def wait(self) -> int:
            world.scheduler.sleep(60.0, lambda: not self._process.lives)
            return self._code

        def _measure(self, task: str) -> None:
            world.note(self._process.name, f"measures {task}")
            try:
                measure_attempt(task)
            except SystemExit as end:
                self._code = int(end.code or 0)
            except Exception as error:  # noqa: BLE001
                world.note(self._process.name, f"crashed: {error!r}")
                self._code = 1
            else:
                self._code = 0

    return SimpleNamespace(Popen=Started, DEVNULL=subprocess.DEVNULL)
