"""The sections of the configuration, each a table of keys with their units and defaults."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from orchestrator.config.section import Duration, Section


class ParameterRange(Section):
    """One parameter of the search space; ``[low, high]`` is short for its bounds."""

    bounds: tuple[float, float] = Field(description="smallest and largest value, in the parameter's own unit")
    scale: Literal["linear", "log"] = Field("linear", description="whether steps are sums or factors")
    integer: bool = Field(False, description="whether only whole numbers are tried")

    @model_validator(mode="after")
    def _ordered(self) -> ParameterRange:
        low, high = self.bounds
        if not (-float("inf") < low < high < float("inf")):
            raise ValueError(f"expected finite bounds [low, high] with low < high, got [{low:g}, {high:g}]")
        if self.scale == "log" and low <= 0:
            raise ValueError(f"scale: log needs bounds above 0, got [{low:g}, {high:g}]")
        if self.integer and not (low.is_integer() and high.is_integer()):
            raise ValueError(f"integer: true needs whole bounds, got [{low:g}, {high:g}]")
        return self


def _bounds_alone(value: object) -> object:
    return {"bounds": value} if isinstance(value, (list, tuple)) else value


RangeOrBounds = Annotated[ParameterRange, BeforeValidator(_bounds_alone)]


class ExplosionCheck(Section):
    """The short NoStimulus stimulus before everything else."""

    enabled: bool = Field(True, description="whether it is presented")
    duration: float = Field(500.0, gt=0, allow_inf_nan=False, description="biological time in ms")
    slices: int = Field(10, ge=1, description="number of equal slices; the rate is read after each")
    threshold: float = Field(100.0, gt=0, description="mean rate in Hz above which a sheet has exploded")
    sheet_name: str | None = Field(None, description="the sheet that is watched; by default every sheet")


def _lines(value: object) -> object:
    return value.splitlines() if isinstance(value, str) else value


class SlurmSection(Section):
    """What an offspring's job asks of SLURM; a key left out is left to the cluster."""

    partition: str | None = Field(None, description="--partition")
    account: str | None = Field(None, description="--account")
    qos: str | None = Field(None, description="--qos")
    nodes: int | None = Field(None, ge=1, description="--nodes")
    ntasks: int = Field(1, ge=1, description="--ntasks, the MPI processes of one simulation")
    cpus_per_task: int | None = Field(None, ge=1, description="--cpus-per-task")
    mem: str | None = Field(None, description="--mem of a job, such as 64G")
    time: Duration | None = Field(None, description="--time of a job: seconds, 2h, or 0-02:00:00")
    nodelist: str | None = Field(None, description="--nodelist")
    exclude: str | None = Field(None, description="--exclude, nodes that are not used")
    constraint: str | None = Field(None, description="--constraint")
    hint: str | None = Field(None, description="--hint, such as nomultithread")
    mpi: str = Field("pmix", description="--mpi of the srun that starts the simulation")
    setup: Annotated[tuple[str, ...], BeforeValidator(_lines)] = Field(
        (), description="shell lines at the start of a job, before the orchestrator's Python"
    )
    extra: dict[str, Any] = Field(default_factory=dict, description="further options of sbatch by their long name")
    retries: int = Field(2, ge=0, description="how often an offspring that the cluster lost is submitted again")
    array_size: int = Field(
        1000, ge=1, description="most jobs in one array; fewer if the cluster's MaxArraySize says so"
    )
    poll_interval: Duration = Field(30.0, description="longest time between two looks at the queue")
    result_grace: Duration = Field(
        60.0, description="patience for the result file of an ended job, on slow file systems"
    )

    @field_validator("mem", mode="before")
    @classmethod
    def _mem_text(cls, value: object) -> object:
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value

    @field_validator("extra")
    @classmethod
    def _no_shadowing(cls, value: dict[str, Any]) -> dict[str, Any]:
        for option in value:
            name = option.lstrip("-").replace("-", "_")
            if option.startswith("-"):
                raise ValueError(f"name the option without dashes: {option.lstrip('-')!r}, not {option!r}")
            if name in cls.model_fields or name in _OWN_OPTIONS:
                own = f"slurm.{name}" if name in cls.model_fields else "the orchestrator itself"
                raise ValueError(f"the option {option!r} is set by {own}")
        return value


_OWN_OPTIONS = frozenset(
    {"job_name", "array", "output", "error", "signal", "requeue", "no_requeue", "open_mode", "wait"}
)


class LocalSection(Section):
    """Offspring on this machine (``executor: local``)."""

    workers: int | None = Field(None, ge=1, description="simulations at once; by default all cores over threads")


class KeepSection(Section):
    """What stays of an offspring once it is in the checkpoint."""

    directories: Literal["none", "failed", "all"] = Field(
        "none", description="whose simulation directories are kept; they are large"
    )
    log_lines: int = Field(40, ge=0, description="last lines of a failed simulation's log in the checkpoint")
