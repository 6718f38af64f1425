"""One job of a simulation that is a program or a function, in this process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from orchestrator.config.file import load_config
from orchestrator.node.evaluate import evaluate
from orchestrator.node.task import NodeTask
from orchestrator.paths import AttemptPaths, RunPaths
from orchestrator.records import Offspring, Result
from orchestrator.results import read_result
from orchestrator.simulations import create_simulation, model_of
from orchestrator.simulations.base import Finding
from orchestrator.simulations.options import SimulationContext
from orchestrator.simulations.registry import simulation_options

CONFIG: dict[str, Any] = {
    "parameters": {"soma.g": [0, 1], "n": {"bounds": [1, 5], "integer": True}},
    "targets": [{"class": "ReturnedValue", "key": "x", "target_value": 1, "norm": 1}],
    "executor": "local",
}
PARAMETERS = {"soma.g": 0.125, "n": 3}


def attempt_of(model: Path, number: int = 1) -> AttemptPaths:
    """The files of an attempt of a run of this model; its directories are there."""
    generation = RunPaths(model / "run_Optimization").generation(0)
    generation.create()
    attempt = generation.attempt(0, number)
    attempt.directory.mkdir(parents=True)
    return attempt


def simulated(model: Path, section: dict[str, Any], attempt: AttemptPaths | None = None, **context: Any) -> Any:
    """What a simulation leaves for targets."""
    options = simulation_options({"type": "command", **section}, model)
    made = create_simulation(options, model, SimulationContext(**context))
    attempt = attempt or attempt_of(model)
    made.simulate(PARAMETERS, attempt)
    return made.recordings(attempt)


def config_of(model: Path, section: dict[str, Any], **changes: Any) -> Any:
    """A configuration with this section."""
    file = model / "config.yaml"
    file.write_text(json.dumps({**CONFIG, "simulation": {"type": "command", **section}, **changes}))
    return load_config(file)


def problems_of(model: Path, section: dict[str, Any], **changes: Any) -> list[Finding]:
    """What is wrong with a model."""
    config = config_of(model, section, **changes)
    return model_of(config).problems(config)


def result_of(model: Path, section: dict[str, Any], **changes: Any) -> Result:
    """The result of a job."""
    config, attempt = config_of(model, section, **changes), attempt_of(model)
    NodeTask.of(config, model_of(config), Offspring(0, 0, (0.125, 0.5), PARAMETERS), attempt, 1).write()
    evaluate(str(attempt.task))
    return read_result(attempt.result)
