"""What a configuration says about simulations, typed: the options of a kind, and their context."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from orchestrator.config.section import AnySeed, PluginOptions, Section
from orchestrator.config.sections import ExplosionCheck, JobsSection, SlurmSection


class SimulationOptions(PluginOptions):
    """The section ``simulation``; a kind that has options of its own adds them in a subclass."""

    # an example of seeds in messages
    seed_example: ClassVar[str] = "seed: 1"

    type: str = Field(description="name of the kind of simulation, or file.py:Class for one of your own")
    seeds: dict[str, AnySeed] = Field(
        default_factory=dict,
        description="further entries of the parameters that hold seeds, and their values; or per_offspring: every "
        "evaluation has one of its own, a function of optimiser_seed, generation and offspring",
    )

    @property
    def cores(self) -> int:
        """Cores of this machine that one simulation takes."""
        return 1


def refuse_equal_trials(trials: int, seeds: Mapping[str, AnySeed]) -> None:
    """Raise `ValueError` if several trials would be the same, because no seed tells them apart."""
    if trials > 1 and not seeds:
        raise ValueError(
            f"{trials} trials would be the same: name the parameter that takes their seed in simulation.seeds, "
            "such as seeds: {seed: per_offspring}"
        )


class SimulationContext(Section):
    """What besides its own options concerns a simulation."""

    explosion_check: ExplosionCheck = Field(ExplosionCheck(), description="the section of that name")
    launcher: str = Field("", description="command that starts parallel processes, empty if there is only one process")
    jobs: JobsSection = Field(JobsSection(), description="the section of that name, for templates")
    slurm: SlurmSection = Field(SlurmSection(), description="the section of that name, for templates")

    def launcher_for(self, own: str | None) -> str:
        """Return the command that starts parallel processes: that of a simulation's own options, if they say one."""
        return self.launcher if own is None else own
