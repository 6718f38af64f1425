"""A run with all that an export has to tell: whole numbers, derived parameters, seeds, failures, times, units."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import yaml
from in_process import Done, command
from orchestrator_project import Project, origin_of

from orchestrator.checkpoint import Checkpoint
from orchestrator.config.file import load_config
from orchestrator.paths import RunPaths
from orchestrator.records import Evaluation, Offspring, Outcome, Result
from orchestrator.run.start import create_run

RATE, CV = "rate", "ReturnedValue(cv)"
CONFIG: dict[str, Any] = {
    "parameters": {
        "w": {"bounds": [0.1, 10.0], "scale": "log"},
        "n": {"bounds": [1, 8], "integer": True},
        "twice": {"expression": "2 * w"},
    },
    "optimiser_centroid": {"w": 1.0, "n": 3},
    "targets": [
        {"class": "EventRateRange", "window": [0, 10], "target_value": [3, 4], "norm": 1, "name": RATE},
        {"class": "ReturnedValue", "key": "cv", "target_value": 1, "norm": 0.3},
    ],
    "simulation": {"type": "function", "function": "model:simulate", "seeds": {"seed": "per_offspring"}},
}
BEGIN = 1_790_000_000.25
# what became of evaluations, and their values
ROWS: list[tuple[Outcome, tuple[float, float]]] = [
    (Outcome.OK, (7.1, 1.0)),
    (Outcome.EXPLODED, (math.nan, math.nan)),
    (Outcome.OK, (3.5, 1 / 3)),
    (Outcome.OK, (3.5, math.nan)),
    (Outcome.NODE_FAIL, (math.nan, math.nan)),
    (Outcome.OK, (4.2, 1.1)),
]


def exported_run(directory: Path) -> RunPaths:
    """Write the run directory."""
    settings = load_config(Project.create(directory, CONFIG).config)
    paths = RunPaths(settings.model_dir / "20261120-104608_Optimization")
    paths.directory.mkdir()
    create_run(settings, paths)
    targets = settings.create_targets()
    evaluations = []
    for n, (outcome, values) in enumerate(ROWS):
        lost = outcome.infrastructure
        times = {"started": math.nan if lost else BEGIN + n, "finished": math.nan if lost else BEGIN + n + 60.5}
        message = "" if outcome is Outcome.OK else f"=1+1, and \x1b[31mred\x1b[0m: {outcome.value}"
        more: dict[str, Any] = {"host": f"node{n}", "job_id": f"12_{n}", "seeds": {} if lost else {"seed": 2**40 + n}}
        result = Result(outcome, message=message, seconds={"build": 1.5}, peak_memory=10**9, **more, **times)
        pairs = zip(targets, values, strict=True)
        scores = [math.nan if lost else target.score(None if math.isnan(v) else v) for target, v in pairs]
        parameters = {"w": 0.1 + n / 3, "n": 1 + n}
        point = tuple(settings.space().encode(parameters))
        offspring = Offspring(n // 3, n % 3, point, parameters, origin_of(n // 3, n % 3))
        evaluations.append(Evaluation(offspring, result, values, tuple(scores), 1, BEGIN - 9, n // 3))
    for told_in in range(2):
        Checkpoint(paths.checkpoint).append(evaluations[3 * told_in : 3 * told_in + 3], {"mean": [0.5, 0.5]})
    return paths


def of_a_choice(run: RunPaths) -> None:
    """Make the whole numbers of a run a choice."""
    checkpoint = Checkpoint(run.checkpoint)
    config = yaml.safe_load(checkpoint.config_text)
    config["parameters"]["n"] = {"prior": {"choice": [1, 2, 3, 4, 5, 6, 9]}}
    checkpoint.set_config(yaml.safe_dump(config))


def export(run: RunPaths, *options: object) -> Done:
    """Run the command."""
    return command("export", str(run.directory), *map(str, options), cwd=run.surroundings)


def exported(run: RunPaths, *options: object) -> list[Path]:
    """Return what the command has written."""
    done = export(run, *options)
    assert (done.returncode, done.stderr) == (0, "")
    return [Path(line.removeprefix("Written: ")) for line in done.stdout.splitlines()]
