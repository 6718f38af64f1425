"""The sections of the configuration, each a table of keys with their units and defaults."""

from __future__ import annotations

import datetime
import re
from typing import Annotated, Literal

from pydantic import (
    BeforeValidator,
    Field,
    FiniteFloat,
    PositiveFloat,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)

from orchestrator.config.budget import MAX_NGEN, generations_of
from orchestrator.config.section import CIRCUMSTANCE, Duration, Section, ShellLines


class ExplosionCheck(Section):
    """The short NoStimulus stimulus before everything else."""

    enabled: bool = Field(True, description="whether it is presented")
    duration: float = Field(500.0, gt=0, allow_inf_nan=False, description="biological time in ms, `settle` included")
    settle: float | None = Field(
        None,
        ge=0,
        validate_default=True,
        description="first ms of it, in which only `certain_threshold` counts; by default 100, at most half of it",
    )
    slices: int = Field(10, ge=1, description="number of equal slices of the rest; the rate is read after each")
    threshold: float = Field(
        100.0,
        gt=0,
        description="a sheet with a higher mean rate in Hz in `slices_above` successive slices has exploded",
    )
    slices_above: int = Field(
        2, ge=1, description="number of successive slices above `threshold`; all, if there are fewer"
    )
    certain_threshold: float = Field(
        500.0,
        gt=0,
        description="a higher mean rate in Hz is no transient: it ends the simulation at once, while settling too",
    )
    sheet_name: str | None = Field(None, description="the sheet that is watched; by default every sheet")

    @field_validator("settle")
    @classmethod
    def _leaves_time(cls, value: float | None, info: ValidationInfo) -> float | None:
        duration: float | None = info.data.get("duration")
        if duration is None:
            return value
        if value is None:
            return min(_SETTLE, duration / 2)
        if value >= duration:
            raise ValueError(
                f"expected less than the duration of {duration:g} ms, got {value:g}: nothing would be judged"
            )
        return value

    @property
    def judged(self) -> float:
        """Biological time in ms that the slices make up."""
        return self.duration - (self.settle or 0.0)


# after so long the transient of the initial membrane potentials is over, in ms
_SETTLE = 100.0


class JobsSection(Section):
    """What the job of one offspring needs, wherever it runs; a key left out is left to the cluster."""

    retries: int = Field(
        2,
        ge=0,
        description="how often each offspring is submitted again before a new run, of which nothing has ever worked, "
        "ends with what was wrong; once something has worked, what the cluster loses is submitted again until the "
        "timeout",
    )
    ntasks: int = Field(1, ge=1, description="MPI processes of one simulation; SLURM's --ntasks")
    cpus_per_task: int | None = Field(None, ge=1, description="cores of each process; SLURM's --cpus-per-task")
    mem: Annotated[str | None, WithJsonSchema({"type": ["string", "integer", "null"]})] = Field(
        None, description="memory of a job on each node, such as 64G; SLURM's --mem"
    )
    time: Duration | None = Field(
        None,
        description="time limit of a job: 2h, 30m, 0-02:00:00; a number alone is seconds; SLURM's --time",
    )
    setup: ShellLines = Field(
        (), description="shell lines at the start of a job on a cluster, before the orchestrator's own Python starts"
    )
    poll_interval: Duration = Field(30.0, description="longest time between two questions about the jobs to a cluster")
    result_grace: Duration = Field(
        60.0, description="how long the result file of an ended job may take to appear on a cluster's file system"
    )
    evaluations_per_job: int | Literal["auto"] = Field(
        1,
        description="how many offspring a job on a cluster evaluates; auto makes jobs of about three minutes, by what "
        "evaluations have taken so far. For evaluations that are cheap beside a job",
    )
    processes_per_job: int | None = Field(
        None,
        ge=1,
        description="how many of its offspring a job evaluates at once; by default as many as it has cores, which are "
        "ntasks times cpus_per_task",
    )

    @property
    def at_once(self) -> int:
        """How many offspring a job evaluates at once if it evaluates several."""
        return self.processes_per_job or self.ntasks * (self.cpus_per_task or 1)

    @field_validator("evaluations_per_job")
    @classmethod
    def _several(cls, value: int | str) -> int | str:
        if isinstance(value, int) and value < 1:
            raise ValueError(f"expected a whole number from 1, or auto, got {value}")
        return value

    @field_validator("mem", mode="before")
    @classmethod
    def _mem_text(cls, value: object) -> object:
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _option(value: object) -> object:
    if isinstance(value, datetime.date):  # of YAML, for what --begin and --deadline take
        return value.isoformat()
    if not isinstance(value, (str, int, float, type(None))):
        raise ValueError(f"expected text, a number, true, false or null, got {value!r}")
    return value


_Option = Annotated[str | int | float | bool | None, BeforeValidator(_option)]


class SlurmSection(Section):
    """What only SLURM knows about a job (``executor: slurm``); a key left out is left to the cluster."""

    partition: str | None = Field(None, description="partitions that may run the jobs, with commas; --partition")
    account: str | None = Field(None, description="account that pays for the jobs; --account")
    qos: str | None = Field(None, description="quality of service; --qos")
    nodes: int | None = Field(None, ge=1, description="number of nodes of one job; --nodes")
    nodelist: str | None = Field(None, description="names of nodes that a job has to use; --nodelist")
    exclude: str | None = Field(None, description="names of nodes that are not used; --exclude")
    constraint: str | None = Field(None, description="features that a node must have; --constraint")
    hint: str | None = Field(None, description="how processes are bound to cores, such as nomultithread; --hint")
    mpi: str = Field("pmix", description="how the srun that starts a simulation of several processes starts MPI; --mpi")
    extra: dict[str, _Option] = Field(
        default_factory=dict, description="further options of sbatch by their long name; false or null: not given"
    )
    array_size: int = Field(
        1000, ge=1, description="most jobs in one array; fewer if the cluster's MaxArraySize is smaller"
    )

    @field_validator("extra")
    @classmethod
    def _no_shadowing(cls, value: dict[str, _Option]) -> dict[str, _Option]:
        for option, given in value.items():
            if problem := _extra_problem(option, given, cls):
                raise ValueError(problem)
        return value

    @property
    def further_options(self) -> dict[str, str | int | float | bool]:
        """Options of ``extra`` that are given: ``exclusive: false`` is not."""
        return {name: value for name, value in self.extra.items() if value is not None and value is not False}

    @property
    def cluster(self) -> str | None:
        """Cluster that jobs are submitted to, if it is not the one of this machine."""
        named = self.further_options.get("clusters")
        return None if named is None else str(named)


# options that are part of how a job is submitted, and those with which sbatch does something else
_OWN_OPTIONS = frozenset(
    {"job_name", "array", "output", "error", "signal", "requeue", "no_requeue", "open_mode", "wait", "chdir"}
)
_OTHER_ACTIONS = frozenset({"test_only", "quiet", "help", "usage", "version", "wrap"})
_TIMES = ("begin", "deadline")


def _extra_problem(option: str, given: object, section: type[Section]) -> str | None:
    """Return why an option of sbatch cannot be in ``slurm.extra``, None if it can."""
    name = option.lstrip("-").replace("-", "_")
    if option.startswith("-"):
        return f"name the option without dashes: {option.lstrip('-')!r}, not {option!r}"
    for key, fields in (("slurm", section.model_fields), ("jobs", JobsSection.model_fields)):
        if name in fields:
            return f"the option {option!r} is set by {key}.{name}"
    if name in _OWN_OPTIONS:
        return f"the option {option!r} is set by the orchestrator itself"
    if name in _OTHER_ACTIONS:
        return f"with the option {option!r} sbatch would not submit a job, or not say which"
    if name in _TIMES and isinstance(given, int) and not isinstance(given, bool):
        return f"{option}: YAML reads this as the number {given}: put it in quotes"
    if name == "clusters" and given not in (None, False) and not is_one_cluster(given):
        return f"clusters: expected the name of one cluster, where jobs are watched too, got {given!r}"
    return None


def is_one_cluster(name: object) -> bool:
    """Return whether this names one cluster, and not several, or all."""
    return isinstance(name, str) and name != "all" and re.fullmatch(r"[\w.-]+", name) is not None


class LocalSection(Section):
    """Offspring on this machine (``executor: local``)."""

    workers: int | None = Field(None, ge=1, description="simulations at once; by default all cores over threads")
    stay: bool | None = Field(
        None,
        description="whether the processes of a function stay up from one evaluation to the next, for functions that "
        "leave nothing behind in them; by default they do, unless evaluations have taken longer than a minute",
    )


class KeepSection(Section):
    """What stays of an offspring once it is in the checkpoint."""

    directories: Literal["none", "failed", "all"] = Field(
        "none", description="whose simulation directories are kept; they are large"
    )
    log_lines: int = Field(40, ge=0, description="last lines of a failed simulation's log in the checkpoint")
    best: int = Field(
        1,
        ge=0,
        description="traces and events, or a digest of a datastore of mozaik, of how many of the best evaluations, and "
        "of the start, are kept in the checkpoint; 0 keeps none",
    )


class Budget(Section):
    """What ends a search, whichever comes first."""

    max_ngen: int | None = Field(
        None,
        ge=1,
        description="generations altogether, continued runs included; by default 100, or what max_evaluations allows",
        json_schema_extra=CIRCUMSTANCE,
    )
    max_evaluations: int | None = Field(
        None,
        ge=1,
        description="evaluations altogether, continued runs included; a generation that would exceed it is not begun",
        json_schema_extra=CIRCUMSTANCE,
    )
    stop_at: FiniteFloat | None = Field(
        None,
        ge=0,
        description="total score with which the search ends, once an evaluation has it or a smaller one",
        json_schema_extra=CIRCUMSTANCE,
    )
    max_hours: PositiveFloat | None = Field(
        None,
        description="hours since the first submission after which nothing more is asked for; what is in flight ends",
        json_schema_extra=CIRCUMSTANCE,
    )

    @property
    def generations(self) -> int:
        """Generations altogether, of ``max_ngen`` and ``max_evaluations``."""
        return generations_of(self.__dict__) or MAX_NGEN

    @property
    def limit(self) -> str:
        """What limits them, for people."""
        by_evaluations = self.max_evaluations is not None and self.generations != self.max_ngen
        return (
            f"max_evaluations of {self.max_evaluations}"
            if by_evaluations
            else f"max_ngen of {self.generations} generations"
        )
