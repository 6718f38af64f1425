"""The task file: what the controller hands to a node, typed and versioned."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.files import write_json
from orchestrator.paths import AttemptPaths
from orchestrator.simulations.base import Simulation
from orchestrator.simulations.registry import create_simulation, simulation_options
from orchestrator.simulations.seeds import seeds_of

if TYPE_CHECKING:
    from orchestrator.config.model import Config
    from orchestrator.records import Offspring
    from orchestrator.simulations.base import Model
    from orchestrator.simulations.options import SimulationContext, SimulationOptions

# goes up if a node of an earlier version would do something else with a task
VERSION = 1
# of a task that is one trial: before it, nodes knew no such tasks
_OF_TRIAL = 2
_KEPT = ("none", "failed", "all")


@dataclass(frozen=True)
class NodeTask:
    """One attempt at one evaluation.

    Parameters
    ----------
    generation, index, attempt : int
        Which one.
    parameters : mapping of str to float or int
        By name, in their own units: what is searched, constants and what is computed.
    model_dir : pathlib.Path
        Absolute path of the model.
    result, progress : pathlib.Path
        The files that the job writes.
    simulation : SimulationOptions
        The section ``simulation`` of the configuration, with the seeds of this evaluation.
    context : SimulationContext
        What else of the configuration concerns simulations.
    targets : sequence of mapping
        The section ``targets``.
    measure_on : str
        ``job`` or ``controller``: who measures the targets.
    keep : str
        Whose simulation directories stay: those of ``none``, ``failed`` or ``all``.
    log_lines : int
        Last lines of a failed simulation's log in its result.
    data : pathlib.Path, optional
        File with the measured recordings that targets compare with.
    keep_recordings : bool
        Whether traces and events are wanted beside the result.
    script : mapping
        What a program of the model reads from the file besides, `orchestrator.simulations.Model.task`.
    no_value : str
        Why an expression among the parameters has no value, so that there is nothing to simulate; empty if there are
        all.
    trial : int, optional
        The trial, from 0, that is simulated alone, and measured together with the others by somebody else.
    """

    generation: int
    index: int
    attempt: int
    parameters: Mapping[str, float | int]
    model_dir: Path
    result: Path
    progress: Path
    simulation: SimulationOptions
    context: SimulationContext
    targets: Sequence[Mapping[str, Any]]
    measure_on: str
    keep: str
    log_lines: int
    data: Path | None = None
    keep_recordings: bool = False
    script: Mapping[str, Any] = field(default_factory=dict)
    no_value: str = ""
    trial: int | None = None

    @classmethod
    def of(
        cls,
        config: Config,
        model: Model[Any],
        offspring: Offspring,
        attempt: AttemptPaths,
        number: int,
        *,
        data: Path | None = None,
        trial: int | None = None,
    ) -> NodeTask:
        """Return what a node has to do for an attempt.

        Parameters
        ----------
        config : Config
            Of the run.
        model : Model
            What is simulated.
        offspring : Offspring
            What is evaluated.
        attempt : AttemptPaths
            Files of the attempt.
        number : int
            Of the attempt, from 1.
        data : pathlib.Path, optional
            File with the recordings of the configuration's section ``data``.
        trial : int, optional
            The trial that alone is to be simulated.
        """
        options, (generation, index) = model.options, (offspring.generation, offspring.index)
        seeds = seeds_of(options.seeds, config.optimiser_seed, generation, index)
        parameters, no_value = _given(config, offspring)
        return cls(
            generation=generation,
            index=index,
            attempt=number,
            parameters=parameters,
            model_dir=config.model_dir,
            result=attempt.result,
            progress=attempt.progress,
            simulation=options.model_copy(update={"seeds": seeds}),
            context=model.context,
            trial=trial,
            targets=config.targets,
            measure_on=config.measure_on if trial is None else "controller",
            keep=config.keep.directories,
            log_lines=config.keep.log_lines,
            data=data if config.data else None,
            keep_recordings=config.keep.best > 0,
            script=model.task(),
            no_value=no_value,
        )

    @property
    def all_parameters(self) -> dict[str, float | int]:
        """Parameters and seeds, of a trial its own; a re-evaluation has other seeds among its parameters."""
        parameters = {**self.seeds, **self.parameters}
        return parameters if self.trial is None else self.simulation.parameters_of_trial(parameters, self.trial)

    @property
    def seeds(self) -> dict[str, int]:
        """The seeds that it is simulated with."""
        return {name: int(self.parameters.get(name, seed)) for name, seed in self.simulation.seeds.items()}

    @property
    def paths(self) -> AttemptPaths:
        """Files of the attempt: its directory is that of the progress file."""
        return AttemptPaths(self.progress.parent, self.result)

    def create_simulation(self) -> Simulation[Any]:
        """Return what simulates it."""
        options, context = self.simulation, self.context
        if self.trial is not None:
            options, context = options.of_one_trial(), context.model_copy(update={"trial": self.trial})
        return create_simulation(options, self.model_dir, context)

    def write(self) -> None:
        """Write the task file."""
        write_json(self.paths.task, self.to_json())

    @classmethod
    def read(cls, file: Path) -> NodeTask:
        """Read a task file; raises ValueError if it is none of this version."""
        return cls.from_json(json.loads(file.read_text(encoding="utf-8")))

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-compatible dictionary; a model's run script finds what it needs at the top."""
        return {
            "version": VERSION if self.trial is None else _OF_TRIAL,
            "generation": self.generation,
            "index": self.index,
            "attempt": self.attempt,
            "parameters": dict(self.parameters),
            "model_dir": str(self.model_dir),
            "result": str(self.result),
            "progress": str(self.progress),
            "simulation": self.simulation.model_dump(mode="json"),
            "context": self.context.model_dump(mode="json", exclude={"trial"}),
            "targets": list(self.targets),
            "measure_on": self.measure_on,
            "keep": {
                "directories": self.keep,
                "log_lines": self.log_lines,
                "recordings": self.keep_recordings,
            },
            "data": None if self.data is None else str(self.data),
            **({"no_value": self.no_value} if self.no_value else {}),
            **({} if self.trial is None else {"trial": self.trial}),
            **self.script,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> NodeTask:
        """Read what `to_json` wrote.

        Raises
        ------
        ValueError
            If `data` is not a task of this version.
        """
        version = VERSION if data.get("trial") is None else _OF_TRIAL
        if data.get("version") != version:
            found = data.get("version", "none, from orchestrator 0.1")
            raise ValueError(f"expected a task of version {version}, got {found}: nodes need the controller's version")
        from orchestrator.simulations.options import SimulationContext  # noqa: PLC0415  (pydantic, as late as can be)

        try:
            keep, model_dir = data["keep"], Path(data["model_dir"])
            if keep["directories"] not in _KEPT:
                raise ValueError(f"keep: unexpected {keep['directories']!r}")
            return cls(
                generation=int(data["generation"]),
                index=int(data["index"]),
                attempt=int(data["attempt"]),
                parameters=dict(data["parameters"]),
                model_dir=model_dir,
                result=Path(data["result"]),
                progress=Path(data["progress"]),
                simulation=simulation_options(data["simulation"], model_dir),
                context=SimulationContext.model_validate(data["context"]),
                targets=list(data["targets"]),
                measure_on=str(data["measure_on"]),
                keep=keep["directories"],
                log_lines=int(keep["log_lines"]),
                data=None if data.get("data") is None else Path(data["data"]),
                keep_recordings=bool(keep.get("recordings", False)),
                script={key: value for key, value in data.items() if key not in _OWN},
                no_value=str(data.get("no_value", "")),
                trial=None if data.get("trial") is None else int(data["trial"]),
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"is not a task: {type(error).__name__}: {error}") from error


_OWN = frozenset(
    {
        "version",
        "generation",
        "index",
        "attempt",
        "parameters",
        "model_dir",
        "result",
        "progress",
        "simulation",
        "context",
        "targets",
        "measure_on",
        "keep",
        "data",
        "no_value",
        "trial",
    }
)


def _given(config: Config, offspring: Offspring) -> tuple[dict[str, float | int], str]:
    """Return the parameters that a simulation gets, or why there are not all of them."""
    from orchestrator.parameters.expressions import NoNumber  # noqa: PLC0415  (the controller alone makes tasks)

    try:
        return config.given().values(offspring.parameters), ""
    except NoNumber as error:
        return {}, f"parameter {error.name}: {error}"
