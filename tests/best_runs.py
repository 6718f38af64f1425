"""Run directories with a history that was written rather than simulated, for tests of what is made of the best."""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from orchestrator_project import origin_of
from typer.testing import CliRunner

from orchestrator.checkpoint import Checkpoint
from orchestrator.cli import app
from orchestrator.config.file import load_config
from orchestrator.errors import UsageError
from orchestrator.paths import RunPaths
from orchestrator.records import Evaluation, Offspring, Outcome, Result
from orchestrator.run.start import create_run

ROOT = Path(__file__).resolve().parents[1]
MODELS = ROOT / "tests" / "models"

# parameters and values of one evaluation, or its parameters and why it has no values
Row = tuple[Mapping[str, float], Sequence[float] | Outcome]


def written_run(
    config: Path, rows: Sequence[Row], per_generation: int = 4, outputs: Sequence[Mapping[int, Sequence[float]]] = ()
) -> RunPaths:
    """Write the run directory of an optimisation with these evaluations, and outputs of targets if each has some."""
    settings = load_config(config)
    paths = RunPaths(settings.model_dir / "20261120-104608_Optimization")
    paths.directory.mkdir()
    create_run(settings, paths)
    targets, width = settings.create_targets(), len(settings.searched)
    evaluations = []
    for n, (parameters, found) in enumerate(rows):
        values = [math.nan] * len(targets) if isinstance(found, Outcome) else list(found)
        pairs = zip(targets, values, strict=True)
        scores = [target.score(None if math.isnan(value) else value) for target, value in pairs]
        outcome = found if isinstance(found, Outcome) else Outcome.OK
        result = Result(outcome)
        scores = [math.nan] * len(targets) if result.says_nothing else scores
        point = tuple(settings.space().encode(parameters))
        offspring = Offspring(n // per_generation, n % per_generation, point, parameters, origin_of(0, n))
        told_in = offspring.generation
        told = Evaluation(offspring, result, tuple(values), tuple(scores), 1, 0.0, told_in)
        evaluations.append(replace(told, outputs=outputs[n]) if outputs else told)
    state = {"mean": np.zeros(width), "sigma": 0.2, "covariance": np.eye(width)}
    for first in range(0, len(rows), per_generation):
        Checkpoint(paths.checkpoint).append(evaluations[first : first + per_generation], state)
    return paths


def copied(run: RunPaths, directory: Path) -> RunPaths:
    """Copy a model's directory together with its run, which takes a tenth of the time of writing it."""
    shutil.copytree(run.directory.parent, directory)
    return RunPaths(directory / run.directory.name)


def model_run(directory: Path, name: str, values: Mapping[str, float], **simulation: Any) -> RunPaths:
    """Copy a mozaik model of the tests, and write a run whose best has these values."""
    model = directory / name
    shutil.copytree(MODELS / name, model, ignore=shutil.ignore_patterns("__pycache__", "*_Optimization", "param_best"))
    folder = model / "param_optim"
    folder.mkdir(exist_ok=True)
    config = {
        "parameters": {each: [value / 2, value * 2] for each, value in values.items()},
        "optimiser_centroid": {each: value / 2 for each, value in values.items()},
        "targets": [{"class": "SpontActivityTarget", "sheet_name": "Exc", "target_value": [4, 8], "norm": 2}],
        "simulation": {"model": "model:BalancedNetwork", "seeds": {"pynn_seed": 513, "mpi_seed": 1023}, **simulation},
        "executor": "local",
    }
    (folder / "config_optimisation.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    start = {each: value / 2 for each, value in values.items()}
    return written_run(folder / "config_optimisation.yaml", [(start, [40.0]), (values, [6.0]), (start, [9.0])])


def said(*arguments: object) -> str:
    """What a command prints; the message where it fails."""
    result = CliRunner().invoke(app, [str(each) for each in arguments])
    if isinstance(result.exception, UsageError):
        return f"refused: {result.exception}"
    assert result.exit_code == 0, result.output
    return result.stdout
