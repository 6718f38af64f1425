"""What a configuration says about programs: the surroundings that they are started in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field, model_validator

from orchestrator.config.section import CIRCUMSTANCE, Reference, Section, ShellLines
from orchestrator.simulations.options import TrialOptions

_WORKING_DIRECTORY = "where it works: in the model's directory, or in the simulation's own, which is directory"


def _variable(name: object) -> object:
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII):
        raise ValueError(f"expected the name of an environment variable, such as OMP_PROC_BIND, got {name!r}")
    return name


Variable = Annotated[str, BeforeValidator(_variable)]


class Before(Section):
    """What is prepared once, before the first simulation: mechanisms or a program that are compiled."""

    run: ShellLines = Field(
        min_length=1,
        description="shell lines, a list or a block of text, after those of setup; they work in an empty directory, "
        "which simulations find in $ORCHESTRATOR_PREPARED, and know $ORCHESTRATOR_MODEL_DIR",
    )
    inputs: tuple[str, ...] = Field(
        (),
        description="files that it is made of, as patterns relative to the model directory, such as mod/*.mod: if one "
        "changes, it is prepared anew",
    )
    per: Literal["run", "node"] = Field(
        "run", description="once for all nodes; or once for each, if what is compiled fits one kind of processor only"
    )


class ProgramOptions(TrialOptions):
    """A program, or a function in another Python."""

    setup: ShellLines = Field(
        (),
        description="shell lines before it, a list or a block of text: modules, environments",
        json_schema_extra=CIRCUMSTANCE,
    )
    launcher: str | None = Field(
        None,
        description="command before it, such as mpirun -n 4; by default srun with jobs.ntasks processes, or nothing "
        "for one",
        json_schema_extra=CIRCUMSTANCE,
    )
    threads: int | None = Field(
        None, ge=1, description="threads of each of its processes (OMP_NUM_THREADS), by default jobs.cpus_per_task or 1"
    )
    environment: dict[Variable, str] = Field(default_factory=dict, description="environment variables")
    working_directory: Literal["model_dir", "directory"] = Field("directory", description=_WORKING_DIRECTORY)
    before: Before | None = Field(
        None,
        description="a preparation that runs once, such as nrnivmodl or make: run, inputs, per",
        json_schema_extra=CIRCUMSTANCE,
    )
    files: tuple[str, ...] = Field(
        (),
        description="further files that decide about the values, as patterns relative to the model directory: it is "
        "told if they change during a run",
        json_schema_extra=CIRCUMSTANCE,
    )

    @property
    def cores(self) -> int:
        """Cores of this machine that one simulation takes."""
        return self.threads or 1

    def works_in(self, model_dir: Path, directory: Path) -> Path:
        """Return the working directory of a simulation that has this directory."""
        return model_dir if self.working_directory == "model_dir" else directory


class FunctionOptions(ProgramOptions):
    """A Python function ``f(parameters: dict, directory: pathlib.Path)`` that returns numbers, traces and events."""

    stand_ins: ClassVar[dict[str, object]] = {"function": "missing:Missing"}

    type: str = Field("function", description="name of the kind of simulation, or file.py:Class for one of your own")
    function: Reference = Field(description="module:function, importable from the model directory")
    python: str | None = Field(
        None,
        description="Python that has what the function imports, by default the orchestrator's own; it needs numpy, and "
        "nothing of the orchestrator",
        json_schema_extra=CIRCUMSTANCE,
    )
    working_directory: Literal["model_dir", "directory"] = Field("model_dir", description=_WORKING_DIRECTORY)
    function_of_many: bool = Field(
        False,
        description="whether the function takes a list of parameter sets, with one directory, and returns a list of "
        "what each gives, so that a simulator can simulate them together; if that fails, they are tried one by one",
        json_schema_extra=CIRCUMSTANCE,
    )

    @model_validator(mode="after")
    def _is_called_here(self) -> FunctionOptions:
        needed = [name for name in ("python", "setup", "launcher", "threads", "environment") if getattr(self, name)]
        if self.function_of_many and needed:
            raise ValueError(
                f"a function_of_many is called in the orchestrator's own Python, which has no {needed[0]} of its own; "
                f"leave out {' and '.join(needed)}, or function_of_many"
            )
        return self
