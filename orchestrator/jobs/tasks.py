"""What happens to every generation before and after its flight: the content of task files, scores, tidying up."""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.config.model import Config
from orchestrator.errors import RunFailed
from orchestrator.jobs.attempts import Landed
from orchestrator.jobs.verdicts import result_in
from orchestrator.paths import GenerationPaths, RunPaths
from orchestrator.records import Evaluation, Offspring, Outcome
from targets import ScoreError, Target, score_of


def task_file(
    config: Config, how: Mapping[str, Any], paths: GenerationPaths, offspring: Offspring, number: int
) -> dict[str, Any]:
    """Return the content of the task file of attempt `number` of an offspring.

    Parameters
    ----------
    config : Config
        Of the run.
    how : mapping
        What the simulation adds, `orchestrator.simulations.Simulation.task`.
    paths : GenerationPaths
        Of the generation.
    offspring : Offspring
        What is evaluated.
    number : int
        From 1.
    """
    attempt = paths.attempt(offspring.index, number)
    return {
        "generation": offspring.generation,
        "index": offspring.index,
        "attempt": number,
        "parameters": dict(offspring.parameters),
        "model_dir": str(config.model_dir),
        "result": str(attempt.result),
        "progress": str(attempt.progress),
        "simulation": config.simulation.model_dump(mode="json"),
        "targets": config.targets,
        "measure_on": config.measure_on,
        "keep": config.keep.model_dump(mode="json"),
        **how,
    }


def scored(targets: Sequence[Target], offspring: Offspring, landed: Landed) -> Evaluation:
    """Return the row of the checkpoint of an offspring that has landed.

    Raises
    ------
    orchestrator.errors.RunFailed
        If a target's own score is no number, or negative: no optimiser can be told that.
    """
    values = [landed.result.values.get(target.label) for target in targets]
    scores = tuple(_score(target, value) for target, value in zip(targets, values, strict=True))
    numbers = tuple(math.nan if value is None else float(value) for value in values)
    return Evaluation(offspring, landed.result, numbers, scores, landed.attempts, landed.submitted)


def _score(target: Target, value: float | None) -> float:
    try:
        return score_of(target, value)
    except ScoreError as error:
        raise RunFailed(f"{error}. Fix the target and continue: no simulation is lost") from error


def discard(config: Config, paths: RunPaths, number: int) -> None:
    """Delete the directory of a generation that is in the checkpoint, but for what ``keep.directories`` asks for."""
    if config.keep.directories != "none":
        _keep_simulations(paths, number, only_failed=config.keep.directories == "failed")
    shutil.rmtree(paths.generation(number).directory, ignore_errors=True)


def _keep_simulations(paths: RunPaths, number: int, *, only_failed: bool) -> None:
    for simulation in paths.generation(number).directory.glob("*/*/simulation"):
        attempt = simulation.parent
        # a job may have been ended while it removed what it had measured
        result = result_in(paths.generation(number).attempt(int(attempt.parent.name), int(attempt.name)).result)
        if only_failed and result is not None and result.outcome is Outcome.OK:
            continue
        kept = paths.kept / str(number) / attempt.parent.name / attempt.name
        kept.mkdir(parents=True, exist_ok=True)
        for file in (simulation, attempt / "simulation.log"):
            if file.exists():
                shutil.move(file, kept / file.name)
