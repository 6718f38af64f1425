"""Measures the targets of a task, and keeps what the report may show beside the result."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from orchestrator.node.task import NodeTask
from orchestrator.records import Outcome, Result
from orchestrator.results import keep_beside
from orchestrator.simulations.base import Simulation
from orchestrator.simulations.failure_cause import FILE_SYSTEM_ERRORS

if TYPE_CHECKING:
    from targets import Target


def targets_of(task: NodeTask) -> list[Target]:
    """Return the targets of a task, with the measured recordings that they compare with."""
    from orchestrator.data.freezing import read_data  # noqa: PLC0415  (most of the time that importing takes)
    from targets import create_targets  # noqa: PLC0415

    data = {} if task.data is None else read_data(task.data)
    return create_targets(task.targets, directory=task.model_dir, data=data)


def measured(
    task: NodeTask, simulation: Simulation[Any], targets: Sequence[Target], read: Callable[[], object]
) -> Result:
    """Return the values of the targets, of what `read` returns.

    Parameters
    ----------
    task : NodeTask
        Says whether traces and events are kept beside the result.
    simulation : Simulation
        Says what is kept of the recordings.
    targets : sequence of Target
        What is measured.
    read : callable
        Returns the recordings; may raise `targets.errors.NoValue` if a simulation says that there are none.
    """
    from targets import NoValue, measure  # noqa: PLC0415  (most of the time that importing takes)

    try:
        recordings = read()
    except NoValue as error:
        labels, why = [target.label for target in targets], str(error) or "no value"
        return Result(Outcome.OK, values=dict.fromkeys(labels), reasons=dict.fromkeys(labels, why))
    begin = time.monotonic()
    found = measure(targets, recordings, FILE_SYSTEM_ERRORS)
    taken = time.monotonic() - begin
    kept = ""
    if task.keep_recordings:
        kept = keep_beside(task.result, lambda: simulation.digest(recordings, targets, taken))
    by_label = {target.label: measurement for target, measurement in zip(targets, found, strict=True)}
    return Result(
        Outcome.OK,
        values={label: each.value for label, each in by_label.items()},
        reasons={label: each.reason for label, each in by_label.items() if each.reason is not None},
        outputs={label: list(each.outputs) for label, each in by_label.items() if each.outputs},
        deviations={label: each.deviation for label, each in by_label.items() if each.deviation is not None},
        errors={label: each.error for label, each in by_label.items() if each.error is not None},
        unfit={label: each.option for label, each in by_label.items() if each.option},
        recordings=kept,
    )
