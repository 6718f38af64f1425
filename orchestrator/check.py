"""Everything that can be wrong with a configuration, found before anything is submitted."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Sequence
from pathlib import Path

from orchestrator.config import CIRCUMSTANCES, Config
from orchestrator.config_file import Source, load_config
from orchestrator.errors import ConfigError
from orchestrator.simulations import Finding, simulation_of

_SLURM_COMMANDS = ("sbatch", "squeue", "scancel", "srun")


def load_checked_config(path: Path, overrides: Sequence[str] = ()) -> Config:
    """Read a configuration and compare it with the model and the machine.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    overrides : sequence of str
        ``dotted.key=value`` each.

    Returns
    -------
    Config
        With a start value for every parameter.

    Raises
    ------
    ConfigError
        With all problems at once.
    """
    config = load_config(path, overrides)
    simulation = simulation_of(config)
    findings = [*simulation.problems(config), *_executor_findings(config)]
    if not findings:
        start = {**simulation.start_values(list(config.parameters)), **config.optimiser_centroid}
        findings = _start_findings(config, start)
        config = config.model_copy(update={"optimiser_centroid": {name: start.get(name) for name in config.parameters}})
    if findings:
        source = Source(path)
        raise ConfigError(path, [source.problem(location, message) for location, message in findings])
    return config


def _executor_findings(config: Config) -> list[Finding]:
    missing = [command for command in _SLURM_COMMANDS if shutil.which(command) is None]
    if config.executor == "slurm" and missing:
        message = (
            f"executor: slurm needs {', '.join(_SLURM_COMMANDS)}, but there is no {', '.join(missing)} here. "
            "Log in to a cluster, load its SLURM module, or set executor: local (--set executor=local)"
        )
        return [(("executor",), message)]
    if config.executor == "slurm" and "%" in str(config.model_dir):
        # sbatch and submitit replace %j and the like in the names of log files
        return [(("model_dir",), f"SLURM takes the % in {config.model_dir} for a pattern: rename the directory")]
    return []


def _start_findings(config: Config, start: dict[str, float]) -> list[Finding]:
    findings: list[Finding] = []
    for name, spec in config.parameters.items():
        low, high = spec.bounds
        if name not in start:
            message = f"{name!r} has no default that is a number: give it a start value between {low:g} and {high:g}"
            findings.append((("optimiser_centroid", name), message))
        elif not low <= start[name] <= high:
            message = (
                f"the model's own value, {start[name]:g}, is outside the bounds [{low:g}, {high:g}]: widen them, "
                "or give a start value in optimiser_centroid"
            )
            findings.append((("parameters", name), message))
    return findings


def identity_differences(config: Config, frozen: Config, keys: Sequence[str]) -> list[str]:
    """Return what differs between two configurations under `keys`, a line each, for people."""
    differences = []
    for key in keys:
        new, old = (_flat(c.model_dump(mode="json")[key], key) for c in (config, frozen))
        for name in dict.fromkeys([*old, *new]):
            same = old.get(name, dataclasses.MISSING) == new.get(name, dataclasses.MISSING)
            if not same and not name.startswith(CIRCUMSTANCES):
                differences.append(f"{name}: {old.get(name, 'not there')} in the run, {new.get(name, 'not there')} now")
    return differences


def _flat(value: object, name: str) -> dict[str, object]:
    if isinstance(value, dict):
        children = [(f"{name}.{key}", child) for key, child in value.items()]
    elif isinstance(value, list):
        children = [(f"{name}[{n}]", child) for n, child in enumerate(value)]
    else:
        return {name: value}
    return {key: leaf for at, child in children for key, leaf in _flat(child, at).items()}
