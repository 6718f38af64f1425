"""What a configuration says about simulations, typed: the options of a kind, and their context."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field, ValidationInfo, field_validator

from orchestrator.config.section import AnySeed, PluginOptions, Section
from orchestrator.config.sections import ExplosionCheck, JobsSection, SlurmSection
from orchestrator.simulations.seeds import seeds_of_trial


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

    @property
    def jobs_per_evaluation(self) -> int:
        """How many jobs simulate an evaluation, each one of its trials."""
        return 1

    def of_one_trial(self) -> SimulationOptions:
        """Return the section for a job that simulates one of the trials alone."""
        return self

    def parameters_of_trial(self, parameters: Mapping[str, float | int], trial: int) -> dict[str, float | int]:
        """Return the parameters of a trial, from 0, given those of the evaluation, with its seeds among them."""
        return dict(parameters)


class TrialOptions(SimulationOptions):
    """The section ``simulation`` of a kind that simulates an evaluation in several trials."""

    # whether trials differ in their seeds, and in nothing else
    trials_need_seeds: ClassVar[bool] = True

    trials: int = Field(
        1,
        ge=1,
        description="how often each evaluation is simulated, with other seeds each time; what it leaves is averaged as "
        "each target says",
    )
    job_per_trial: bool = Field(
        False,
        description="whether each trial has a job of its own; targets are measured beside the controller, once all "
        "trials are there",
    )

    @field_validator("trials")
    @classmethod
    def _differ(cls, trials: int, info: ValidationInfo) -> int:
        seeds = info.data.get("seeds")  # none if they are wrong themselves
        if cls.trials_need_seeds and trials > 1 and seeds is not None and not seeds:
            raise ValueError(
                f"{trials} trials would be the same: name the parameter that takes their seed in simulation.seeds, "
                "such as seeds: {seed: per_offspring}"
            )
        return trials

    @field_validator("job_per_trial")
    @classmethod
    def _are_several(cls, job_per_trial: bool, info: ValidationInfo) -> bool:
        if job_per_trial and info.data.get("trials") == 1:
            raise ValueError("expected several trials, got one, which has a job of its own in any case: set trials too")
        return job_per_trial

    @property
    def jobs_per_evaluation(self) -> int:
        """How many jobs simulate an evaluation, each one of its trials."""
        return self.trials if self.job_per_trial else 1

    def of_one_trial(self) -> TrialOptions:
        """Return the section with one trial."""
        return self.model_copy(update={"trials": 1, "job_per_trial": False})

    def parameters_of_trial(self, parameters: Mapping[str, float | int], trial: int) -> dict[str, float | int]:
        """Return the parameters with the seeds of that trial, `orchestrator.simulations.seeds.seeds_of_trial`."""
        if not self.trials_need_seeds:
            return dict(parameters)
        return {**parameters, **seeds_of_trial({name: int(parameters[name]) for name in self.seeds}, trial)}


class SimulationContext(Section):
    """What besides its own options concerns a simulation."""

    explosion_check: ExplosionCheck = Field(ExplosionCheck(), description="the section of that name")
    launcher: str = Field("", description="command that starts parallel processes, empty if there is only one process")
    jobs: JobsSection = Field(JobsSection(), description="the section of that name, for templates")
    slurm: SlurmSection = Field(SlurmSection(), description="the section of that name, for templates")
    trial: int = Field(0, description="the trial that is simulated alone, if each has a job of its own")

    def launcher_for(self, own: str | None) -> str:
        """Return the command that starts parallel processes: that of a simulation's own options, if they say one."""
        return self.launcher if own is None else own
