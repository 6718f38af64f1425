"""Several offspring in one call of a function of many."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.node.evaluate import bounded, guarded
from orchestrator.node.measuring import measured
from orchestrator.node.task import NodeTask
from orchestrator.records import Result
from orchestrator.simulations.base import Simulation

if TYPE_CHECKING:
    from targets import Recordings, Target

_LOG = logging.getLogger(__name__)


def evaluated_together(tasks: Sequence[NodeTask], targets: Sequence[Target], directory: Path) -> list[Result] | None:
    """Return what came of several evaluations; None if they cannot be simulated together.

    Parameters
    ----------
    tasks : sequence of NodeTask
        Of which each has parameters that can be simulated.
    targets : sequence of Target
        What is measured.
    directory : pathlib.Path
        Where the simulation may write files.
    """
    try:
        simulation = tasks[0].create_simulation()
        found = simulation.run_together([task.all_parameters for task in tasks], directory, tasks[0].paths)
    except Exception as error:  # noqa: BLE001  (whatever a user's function raises; each says it again alone)
        reason = f"{type(error).__name__}: {error}"
        _LOG.warning("%d offspring were not simulated together, and are one by one: %s", len(tasks), reason)
        return None
    return [_result_of(task, simulation, each, targets, directory) for task, each in zip(tasks, found, strict=True)]


def _result_of(
    task: NodeTask,
    simulation: Simulation[Any],
    left: Recordings | Exception,
    targets: Sequence[Target],
    directory: Path,
) -> Result:
    def read() -> Recordings:
        if isinstance(left, Exception):
            raise left
        return left

    there = (directory, task.model_dir)
    return bounded(guarded(task, lambda: measured(task, simulation, targets, read), there))
