"""What a user may write into config_optimisation.yaml, validated, and frozen with the run."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    Field,
    PlainValidator,
    PrivateAttr,
    SerializeAsAny,
    ValidationInfo,
    field_validator,
    model_validator,
)

from orchestrator.config.moved_keys import with_moved_keys
from orchestrator.config.parameters import (
    ParameterRange,
    ReadParameter,
    given_by,
    require_fit,
    searched_among,
    space_of,
    start_problem,
    start_values,
)
from orchestrator.config.points import OPTIMISER, SCHEDULE, SIMULATION, misfit, with_default_method
from orchestrator.config.reevaluate import AUTO, Reevaluate
from orchestrator.config.section import CIRCUMSTANCE, Duration, Section
from orchestrator.config.sections import (
    Budget,
    ExplosionCheck,
    JobsSection,
    KeepSection,
    LocalSection,
    SlurmSection,
)
from orchestrator.config.words import said
from orchestrator.data import DataSources, frozen_data, load_data
from orchestrator.optimisers.base import Problem, Told
from orchestrator.optimisers.options import OptimiserOptions
from orchestrator.optimisers.space import SearchSpace
from orchestrator.optimisers.vectors import TargetVector, has_vector, scale_of
from orchestrator.parameters.given import Given
from orchestrator.schedules.registry import ScheduleOptions
from orchestrator.simulations.options import SimulationOptions
from targets import Target, create_targets

if TYPE_CHECKING:
    from orchestrator.paths import RunPaths
    from targets import Events, Trace


class Config(Budget):
    """One optimisation.

    The predecessor's JSON file, with ``parameters``, ``optimiser_centroid`` and ``targets``, has the same meaning here.
    """

    parameters: dict[str, ReadParameter] = Field(
        min_length=1,
        description="dotted name in the model's parameter tree: [low, high] or {bounds, scale, integer, names, prior, "
        "start}, which is searched; a number, which is a constant; or {expression: text}, which is computed from the "
        "others",
    )
    optimiser_centroid: dict[str, float] = Field(
        default_factory=dict,
        validate_default=True,
        description="start values, or middle; a name left out starts at the model's own value, or in the middle of its "
        "range if models of its kind have none",
    )
    targets: list[dict[str, Any]] = Field(
        min_length=1,
        description="list of {class, target_value, sheet_name, norm, max_score, name} and the class's options",
    )
    data: DataSources = Field(
        default_factory=dict,
        description="measured recordings that targets compare with, by name: {file, columns, unit, window} and more, "
        "or a path; what is read when a run starts stays with it",
    )
    model_dir: Path = Field(
        Path(),
        description="the model's directory, relative to this file; by default the one above param_optim",
        json_schema_extra=CIRCUMSTANCE,
    )
    optimiser: Annotated[SerializeAsAny[OptimiserOptions], PlainValidator(OPTIMISER.read)] = Field(
        default_factory=dict,
        validate_default=True,
        description="how new offspring are found; by default hybrid if all targets compare traces, cma otherwise",
    )
    offspring_size: int = Field(
        0,
        ge=0,
        validate_default=True,
        description="offspring in a generation; 0 takes the method's default: 4 + 3 ln(number of parameters), or 32 of "
        "nsga2, nsga3 and ga",
    )
    schedule: Annotated[SerializeAsAny[ScheduleOptions], PlainValidator(SCHEDULE.read)] = Field(
        default_factory=dict,
        validate_default=True,
        description="when evaluations are asked for and told",
        json_schema_extra=CIRCUMSTANCE,
    )
    timeout: Duration = Field(
        86400.0,
        description="longest time of a generation from its first submission, the queue included",
        json_schema_extra=CIRCUMSTANCE,
    )
    reevaluate: Reevaluate = Field(
        AUTO,
        description="whether the best are evaluated again under other seeds when the search ends, and once when its "
        "sigma has come down to 0.05: auto, none, or the number of the best x that of other seeds, such as 5 x 4; auto "
        "costs at most 10 % of the evaluations so far at the end, 5 x 4 at most, and 5 % before; runs of earlier "
        "versions have none",
        json_schema_extra=CIRCUMSTANCE,
    )
    optimiser_seed: int = Field(1, ge=0, lt=2**32, description="seed of the optimiser's random numbers")
    optimiser_sigma: float = Field(
        0.2, gt=0, le=1, description="initial standard deviation, as a fraction of each parameter's range"
    )
    continue_cp: bool = Field(
        False, description="whether to continue the run of cp_filename", json_schema_extra=CIRCUMSTANCE
    )
    cp_filename: Path | None = Field(
        None,
        validate_default=True,
        description="checkpoint.h5 of the run that is continued, relative to this file",
        json_schema_extra=CIRCUMSTANCE,
    )
    measure_on: Literal["job", "controller"] = Field(
        "job",
        description="where targets are measured: on the offspring's node, or beside the controller, as always with "
        "simulation.job_per_trial",
        json_schema_extra=CIRCUMSTANCE,
    )
    measure_workers: int | None = Field(
        None,
        ge=1,
        description="processes that measure beside the controller at once, by default all cores, fewer if memory is "
        "short",
        json_schema_extra=CIRCUMSTANCE,
    )
    executor: Literal["slurm", "local"] = Field(
        "slurm", description="where offspring run", json_schema_extra=CIRCUMSTANCE
    )
    simulation: Annotated[SerializeAsAny[SimulationOptions], PlainValidator(SIMULATION.read)] = Field(
        description="how offspring are simulated"
    )
    explosion_check: ExplosionCheck = ExplosionCheck()
    jobs: JobsSection = Field(JobsSection(), json_schema_extra=CIRCUMSTANCE)
    slurm: SlurmSection = Field(SlurmSection(), json_schema_extra=CIRCUMSTANCE)
    local: LocalSection = Field(LocalSection(), json_schema_extra=CIRCUMSTANCE)
    keep: KeepSection = Field(KeepSection(), json_schema_extra=CIRCUMSTANCE)
    run_mode: Literal["private", "group"] = Field(
        "private",
        description="who may look at the run: private, its user alone; group, whoever the umask allows",
        json_schema_extra=CIRCUMSTANCE,
    )
    report: bool = Field(
        True, description="whether report.html is refreshed after every generation", json_schema_extra=CIRCUMSTANCE
    )

    _run: RunPaths | None = PrivateAttr(None)

    @model_validator(mode="before")
    @classmethod
    def _keys_in_their_place(cls, value: object) -> object:
        return with_default_method(with_moved_keys(value)) if isinstance(value, dict) else value

    @field_validator("parameters")
    @classmethod
    def _parameters_fit(cls, value: dict[str, ReadParameter]) -> dict[str, ReadParameter]:
        require_fit(value)
        return value

    @field_validator("optimiser_centroid", mode="before")
    @classmethod
    def _start_in_numbers(cls, value: object, info: ValidationInfo) -> object:
        return start_values(value, info.data.get("parameters") or {})

    @field_validator("optimiser_centroid")
    @classmethod
    def _centroid_fits(cls, value: dict[str, float], info: ValidationInfo) -> dict[str, float]:
        parameters: dict[str, ReadParameter] = info.data.get("parameters") or {}
        wrong = [
            ((name,), message, start)
            for name, start in value.items()
            if parameters and (message := start_problem(name, start, parameters))
        ]
        if wrong:
            raise said(wrong)
        return value

    @field_validator("offspring_size")
    @classmethod
    def _enough_offspring(cls, value: int, info: ValidationInfo) -> int:
        optimiser: OptimiserOptions | None = info.data.get("optimiser")
        if optimiser is None or "parameters" not in info.data:
            return value
        if value == 0:
            return optimiser.default_offspring(len(searched_among(info.data["parameters"])))
        if value < optimiser.least_offspring:
            raise ValueError(
                f"the optimiser {optimiser.method} needs at least {optimiser.least_offspring} offspring in a "
                f"generation, got {value}"
            )
        return value

    @field_validator("schedule", "jobs")
    @classmethod
    def _suits_what_it_is_for(cls, value: Section, info: ValidationInfo) -> Section:
        if problem := misfit(value, info.data):
            raise ValueError(problem)
        return value

    @field_validator("cp_filename")
    @classmethod
    def _continued_file(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if info.data.get("continue_cp") and value is None:
            raise ValueError("continue_cp: true needs cp_filename, the checkpoint.h5 of the run that is continued")
        return value

    def space(self) -> SearchSpace:
        """Return the search space in the order of the file."""
        return space_of(self.parameters)

    @property
    def searched(self) -> dict[str, ParameterRange]:
        """The parameters that are searched, in the order of the file."""
        return searched_among(self.parameters)

    def given(self) -> Given:
        """Return what a simulation gets of what is searched, constants and expressions included."""
        return self._given

    @cached_property
    def _given(self) -> Given:
        return given_by(self.parameters)

    @property
    def start(self) -> dict[str, float | int]:
        """The start values, whole ones of whole numbers; there is one for every parameter that is searched."""
        space = self.space()
        return space.decode(space.encode(self.optimiser_centroid))

    def problem(self, known: Told | None = None) -> Problem:
        """Return what the optimiser is to solve; there is a start value for every parameter.

        Parameters
        ----------
        known : Told, optional
            Evaluations of other runs.
        """
        space, targets = self.space(), self.create_targets()
        return Problem(
            start=space.encode(self.optimiser_centroid),
            steps=space.steps,
            sigma=self.optimiser_sigma,
            size=self.offspring_size,
            seed=self.optimiser_seed,
            targets=[target.label for target in targets],
            scales=[scale_of(target) for target in targets],
            space=space,
            known=known,
            vectors={n: TargetVector(target) for n, target in enumerate(targets) if has_vector(target)},
            directory=self.model_dir,
            budget=self.generations * self.offspring_size,
        )

    def create_targets(self) -> list[Target]:
        """Return the targets in the order of the file, made once.

        Raises
        ------
        targets.TargetError
            If one cannot be made.
        orchestrator.data.DataError
            If what they compare with cannot be read.
        """
        return list(self._targets)

    @cached_property
    def _targets(self) -> list[Target]:
        return create_targets(self.targets, directory=self.model_dir, data=self.measured)

    @cached_property
    def measured(self) -> Mapping[str, Trace | Events]:
        """The recordings of ``data``, read once: as they are in the files now, or as the run began with them.

        Raises
        ------
        orchestrator.data.DataError
            If one cannot be read.
        orchestrator.errors.RunFailed
            If those of a run cannot be read.
        """
        return load_data(self) if self._run is None else frozen_data(self._run, self.data)

    @property
    def run(self) -> RunPaths | None:
        """The run that this is the configuration of, or that it continues; None if none has begun."""
        return self._run

    def of_run(self, paths: RunPaths) -> Config:
        """Return a copy that takes its recordings from a run that has begun, not from their files."""
        copy = self.model_copy()
        copy._run = paths
        for name in ("measured", "_targets"):
            copy.__dict__.pop(name, None)
        return copy

    def without_data(self) -> Config:
        """Return a copy whose targets compare with nothing, for what is asked of them where data cannot be read."""
        copy = self.model_copy()
        copy.__dict__["_targets"] = create_targets(self.targets, directory=self.model_dir)
        return copy

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Config:
        """Return a copy with changed keys, which are not validated."""
        copy = super().model_copy(update=update, deep=deep)
        if update and not update.keys().isdisjoint(("targets", "model_dir", "data")):
            copy.__dict__.pop("_targets", None)
            copy.__dict__.pop("measured", None)
        if update and "parameters" in update:
            copy.__dict__.pop("_given", None)
        return copy

    @property
    def workers(self) -> int:
        """Simulations at once with ``executor: local``."""
        return self.local.workers or max(1, _cores() // self.simulation.cores)

    @property
    def measuring_processes(self) -> int:
        """Measuring processes at once with ``measure_on: controller``."""
        return self.measure_workers or _cores()


def _cores() -> int:
    return len(os.sched_getaffinity(0))
