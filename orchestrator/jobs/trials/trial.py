"""The trial: an evaluation's part that has a job of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from orchestrator.records import Offspring

# a configuration that cannot be has no more
_MOST = 1_000_000


@dataclass(frozen=True)
class Trial(Offspring):
    """One trial of an evaluation, which the pool of jobs takes for an offspring.

    Its `index` is that of the evaluation times the number of trials, plus its number: in a generation's folder, each
    trial has files as an offspring has.

    Parameters
    ----------
    whole : Offspring
        The evaluation.
    number : int
        From 0.
    """

    noun: ClassVar[str] = "trials"
    # its evaluation is
    is_told: ClassVar[bool] = False

    whole: Offspring = field(kw_only=True)
    number: int = field(kw_only=True)

    @property
    def place(self) -> dict[str, int]:
        """The evaluation's identity, and which trial it is."""
        return {**self.whole.place, "trial": self.number}


def trials_in(config: Mapping[str, Any]) -> int:
    """Return how many trials of an evaluation have a job each, by a configuration that may say anything; 1 if none."""
    simulation = config.get("simulation")
    if not isinstance(simulation, Mapping) or simulation.get("job_per_trial") is not True:
        return 1
    trials = simulation.get("trials")
    return trials if isinstance(trials, int) and 1 <= trials <= _MOST else 1


def trials_of(offspring: Offspring, count: int) -> list[Trial]:
    """Return the trials of an evaluation."""
    return [
        Trial(
            offspring.generation,
            offspring.index * count + number,
            offspring.point,
            offspring.parameters,
            offspring.origin,
            offspring.asked_after,
            whole=offspring,
            number=number,
        )
        for number in range(count)
    ]
