"""What a user may write into config_optimisation.yaml, validated, and frozen with the run."""

from __future__ import annotations

import difflib
import math
import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from orchestrator.config.moved_keys import with_moved_keys
from orchestrator.config.sections import (
    Duration,
    ExplosionCheck,
    FunctionSection,
    JobsSection,
    KeepSection,
    LocalSection,
    MozaikSection,
    OptimiserSection,
    RangeOrBounds,
    Section,
    SlurmSection,
)
from orchestrator.optimisers.space import Parameter, SearchSpace
from targets import Target, create_targets

# Keys that make a run what it is: with others it would be another optimisation.
IDENTITY = (
    "parameters",
    "optimiser_centroid",
    "targets",
    "offspring_size",
    "optimiser_seed",
    "optimiser_sigma",
    "optimiser",
    "simulation",
    "explosion_check",
)
# but these only say how a simulation is started
CIRCUMSTANCES = ("simulation.python", "simulation.setup", "simulation.launcher", "simulation.launch_script")


class Config(Section):
    """One optimisation.

    The predecessor's JSON file, with ``parameters``, ``optimiser_centroid`` and ``targets``, has the same meaning here.
    """

    parameters: dict[str, RangeOrBounds] = Field(
        min_length=1, description="dotted name in the model's parameter tree: [low, high] or {bounds, scale, integer}"
    )
    optimiser_centroid: dict[str, float] = Field(
        default_factory=dict, description="start values; a name left out starts at the model's own default"
    )
    targets: list[dict[str, Any]] = Field(
        min_length=1,
        description="list of {class, target_value, sheet_name, norm, max_score, name} and the class's options",
    )
    model_dir: Path = Field(
        Path(), description="the model's directory, relative to this file; by default the one above param_optim"
    )
    offspring_size: int = Field(
        0,
        ge=0,
        validate_default=True,
        description="offspring in a generation; 0 takes CMA-ES' default, 4 + 3 ln(number of parameters)",
    )
    timeout: Duration = Field(86400.0, description="of a generation, from its first submission, queue included")
    max_ngen: int = Field(100, ge=1, description="generations altogether, continued runs included")
    optimiser_seed: int = Field(1, ge=0, lt=2**32, description="seed of the optimiser's random numbers")
    optimiser_sigma: float = Field(
        0.2, gt=0, le=1, description="initial standard deviation, as a fraction of each parameter's range"
    )
    continue_cp: bool = Field(False, description="whether to continue the run of cp_filename")
    cp_filename: Path | None = Field(
        None, validate_default=True, description="checkpoint.h5 of the run that is continued, relative to this file"
    )
    measure_on: Literal["job", "controller"] = Field(
        "job", description="where targets are measured: on the offspring's node, or beside the controller"
    )
    measure_workers: int | None = Field(
        None,
        ge=1,
        description="measure_on: controller: processes at once, by default all cores, fewer if memory is short",
    )
    executor: Literal["slurm", "local"] = Field("slurm", description="where offspring run")
    simulation: Annotated[MozaikSection | FunctionSection, Field(discriminator="type")]
    optimiser: OptimiserSection = OptimiserSection()
    explosion_check: ExplosionCheck = ExplosionCheck()
    jobs: JobsSection = JobsSection()
    slurm: SlurmSection = SlurmSection()
    local: LocalSection = LocalSection()
    keep: KeepSection = KeepSection()
    report: bool = Field(True, description="whether report.html is refreshed after every generation")

    @model_validator(mode="before")
    @classmethod
    def _keys_in_their_place(cls, value: object) -> object:
        return with_moved_keys(value) if isinstance(value, dict) else value

    @field_validator("simulation", mode="before")
    @classmethod
    def _mozaik_by_default(cls, value: object) -> object:
        return {"type": "mozaik", **value} if isinstance(value, dict) else value

    @field_validator("optimiser_centroid")
    @classmethod
    def _centroid_fits(cls, value: dict[str, float], info: ValidationInfo) -> dict[str, float]:
        ranges: dict[str, RangeOrBounds] = info.data.get("parameters") or {}
        for name, start in value.items() if ranges else ():
            if name not in ranges:
                raise ValueError(f"{name!r} is not among parameters{nearest(name, ranges)}")
            low, high = ranges[name].bounds
            if not low <= start <= high:
                raise ValueError(
                    f"the start value of {name!r} must be inside its bounds [{low:g}, {high:g}], got {start:g}"
                )
        return value

    @field_validator("offspring_size")
    @classmethod
    def _enough_offspring(cls, value: int, info: ValidationInfo) -> int:
        if value == 0 and "parameters" in info.data:
            return 4 + math.floor(3 * math.log(len(info.data["parameters"])))
        if 0 < value < 3:
            raise ValueError(f"CMA-ES needs at least 3 offspring in a generation to rank them, got {value}")
        return value

    @field_validator("cp_filename")
    @classmethod
    def _continued_file(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if info.data.get("continue_cp") and value is None:
            raise ValueError("continue_cp: true needs cp_filename, the checkpoint.h5 of the run that is continued")
        return value

    def space(self) -> SearchSpace:
        """Return the search space in the order of the file."""
        return SearchSpace(
            [
                Parameter(name, *spec.bounds, log=spec.scale == "log", integer=spec.integer)
                for name, spec in self.parameters.items()
            ]
        )

    def create_targets(self) -> list[Target]:
        """Return the targets in the order of the file; raises `targets.TargetError`."""
        return create_targets(self.targets, directory=self.model_dir)

    @property
    def workers(self) -> int:
        """Simulations at once with ``executor: local``."""
        threads = self.simulation.threads if isinstance(self.simulation, MozaikSection) else 1
        return self.local.workers or max(1, _cores() // threads)

    @property
    def measuring_processes(self) -> int:
        """Measuring processes at once with ``measure_on: controller``."""
        return self.measure_workers or _cores()


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def nearest(name: str, known: Any) -> str:
    """Return ``; did you mean '...'?`` for the most similar of the `known` names, or nothing."""
    matches = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {matches[0]!r}?" if matches else ""
