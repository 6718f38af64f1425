"""The section ``simulation`` of a mozaik model."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from pydantic import Field

from orchestrator.config.section import CIRCUMSTANCE, PythonLines, Reference, Seed, ShellLines
from orchestrator.simulations.options import SimulationOptions


class MozaikOptions(SimulationOptions):
    """A mozaik model."""

    seed_example: ClassVar[str] = "pynn_seed: 513"
    stand_ins: ClassVar[dict[str, object]] = {"model": "missing:Missing"}

    type: str = Field("mozaik", description="name of the kind of simulation, or file.py:Class for one of your own")
    model: Reference = Field(description="module:class of the model, importable from the model directory")
    experiments: Reference = Field(
        "experiments:create_experiments", description="module:function that returns the model's experiments"
    )
    before: PythonLines = Field(
        (),
        description="lines of Python that every process of a simulation executes before it imports mozaik, a list or a "
        'block of text, such as nest.Install("stepcurrentmodule") below import nest: what the model\'s own run.py does',
    )
    run_script: Path = Field(
        Path("param_optim/run_optimization_experiment.py"),
        description="script that simulates one offspring, relative to the model directory",
    )
    parameters_url: Path = Field(
        Path("param_optim/defaults"), description="root parameter file, relative to the model directory"
    )
    simulator: str = Field("nest", description="PyNN back-end")
    threads: int = Field(1, ge=1, description="threads of the simulator in each MPI process")
    seeds: dict[str, Seed] = Field(
        default_factory=dict,
        description="root parameters that hold the model's seeds, and their values; or per_offspring: every evaluation "
        "has one of its own, a function of optimiser_seed, generation and offspring",
    )
    python: str | None = Field(
        None,
        description="Python of the simulation's environment; by default the one the orchestrator runs on",
        json_schema_extra=CIRCUMSTANCE,
    )
    setup: ShellLines = Field(
        (),
        description="shell lines before the simulation, a list or a block of text: modules, environments",
        json_schema_extra=CIRCUMSTANCE,
    )
    launcher: str | None = Field(
        None,
        description="command before python; by default srun with jobs.ntasks processes, or nothing for one",
        json_schema_extra=CIRCUMSTANCE,
    )
    launch_script: Path | None = Field(
        None,
        description="offspring.sh of your own, relative to the model directory; by default the shipped one",
        json_schema_extra=CIRCUMSTANCE,
    )

    @property
    def cores(self) -> int:
        """Cores of this machine that one simulation takes."""
        return self.threads
