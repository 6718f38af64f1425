"""Everything that can be wrong with a configuration, found before anything is submitted."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from orchestrator.checking.expressions import expression_findings
from orchestrator.checking.readable import readable_part
from orchestrator.checkpoint import Checkpoint
from orchestrator.cluster.environment import cluster_problem, with_cluster
from orchestrator.config.durations import format_duration
from orchestrator.config.file import load_frozen, read_config
from orchestrator.config.model import Config
from orchestrator.config.parameters import MIDDLE
from orchestrator.config.reevaluate import AUTO, NONE
from orchestrator.config.source import Source
from orchestrator.errors import ConfigError, ConfigProblem, UsageError
from orchestrator.paths import RunPaths
from orchestrator.scores.given_sets import given_sets
from orchestrator.scores.start_from import start_from
from orchestrator.simulations import Finding, Model, model_of

_SLURM_COMMANDS = ("sbatch", "squeue", "scancel", "srun")
# the first of these that a key begins with says how bad a problem is: without a model nothing works, and a wrong target
# is one of many
_WORST_FIRST = (
    *("model_dir", "simulation", "executor", "jobs", "slurm"),
    *("", "cp_filename", "parameters", "optimiser_centroid"),
)


@dataclasses.dataclass(frozen=True)
class Examined:
    """A configuration, and what is wrong with it.

    Parameters
    ----------
    config : Config or None
        With a start value for every parameter; if there are problems, what of it could be read.
    problems : list of ConfigProblem
        The worst first.
    source : Source or None
        The file; None if it is no configuration at all.
    """

    config: Config | None
    problems: list[ConfigProblem]
    source: Source | None = None


# what SLURM cannot have in a path
_REFUSED = {"%": "the %", "\\": "the backslash", "\n": "the line break"}


def load_checked_config(path: Path, overrides: Sequence[str] = (), text: str | None = None) -> Config:
    """Read a configuration and compare it with the model and the machine; nothing is asked or submitted.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    overrides : sequence of str
        ``dotted.key=value`` each.
    text : str or None
        The configuration, if it lies in a checkpoint, whose path is given then.

    Returns
    -------
    Config
        With a start value for every parameter.

    Raises
    ------
    ConfigError
        With all problems at once, the worst first.
    """
    examined = examine(path, overrides, text)
    missing = missing_slurm(examined.config) if examined.config else None
    problems = examined.problems
    if missing and examined.source:
        problems = worst_first([*problems, examined.source.problem(("executor",), missing)])
    if problems or examined.config is None:
        raise ConfigError(path, problems)
    return examined.config


def examine(path: Path, overrides: Sequence[str] = (), text: str | None = None) -> Examined:
    """Read a configuration and compare it with the model, as far as it can be read; never raises `ConfigError`."""
    try:
        source = Source(path, text)
    except ConfigError as error:
        return Examined(None, error.problems)
    try:
        config = read_config(source, overrides)
    except ConfigError as error:
        part = readable_part(source, overrides)
        if part is None:
            return Examined(None, worst_first(error.problems), source)
        begun = _has_begun(path, part.config)
        findings = [finding for finding in _findings(part.config, begun=begun)[1] if part.place(finding[0])]
        placed = [source.problem(part.place(at) or at, message) for at, message in findings]
        return Examined(part.config, worst_first([*error.problems, *part.problems, *placed]), source)
    if config.executor == "slurm":
        config = config.model_copy(update={"slurm": with_cluster(config.slurm)})
    config, findings = _findings(config, begun=_has_begun(path, config))
    return Examined(config, worst_first([source.problem(*finding) for finding in findings]), source)


def doubtful_time(source: Source, overrides: Sequence[str], config: Config) -> ConfigProblem | None:
    """Return a note on a time limit that is a number alone: seconds here, and minutes for who knows sbatch.

    Multiples of half an hour in seconds are hardly meant as minutes.
    """
    jobs = source.with_overrides(overrides).get("jobs") or {}
    written, seconds = str(jobs.get("time", "")).strip(), config.jobs.time or 0.0
    if config.executor != "slurm" or not re.fullmatch(r"[\d.]+", written) or seconds % 1800 == 0:
        return None
    minutes = format_duration(60 * seconds)
    message = (
        f"{written} are seconds here ({format_duration(seconds)}), but minutes in sbatch --time={written} ({minutes}): "
        f"write {written}m if you mean minutes, or {written}s"
    )
    return source.problem(("jobs", "time"), message)


def worst_first(problems: Iterable[ConfigProblem]) -> list[ConfigProblem]:
    """Return the problems by what they prevent, then in the order of the file."""

    def badness(problem: ConfigProblem) -> tuple[int, float]:
        section = problem.key.partition(".")[0].partition("[")[0]
        rank = _WORST_FIRST.index(section) if section in _WORST_FIRST else len(_WORST_FIRST)
        return rank, problem.line or 0

    return sorted(dict.fromkeys(problems), key=badness)


def missing_slurm(config: Config) -> str | None:
    """Return what is missing if jobs are to go to SLURM and its commands are not here."""
    missing = [command for command in _SLURM_COMMANDS if shutil.which(command) is None]
    if config.executor != "slurm" or not missing:
        return None
    return (
        f"executor: slurm needs {', '.join(_SLURM_COMMANDS)}, but there is no {', '.join(missing)} here. "
        "Log in to a cluster, load its SLURM module, or set executor: local (--set executor=local)"
    )


def _has_begun(path: Path, config: Config) -> bool:
    """Whether the configuration is of a run that has begun: its own, one that continues it, or that of its job."""
    restarted = os.environ.get("SLURM_RESTART_COUNT", "0") != "0"
    return config.continue_cp or restarted or RunPaths(path.parent).checkpoint.is_file()


def _findings(config: Config, *, begun: bool) -> tuple[Config, list[Finding]]:
    """Return the configuration with all start values, and what is wrong with it and the model."""
    model = model_of(config)
    findings = [
        *model.problems(config),
        *_executor_findings(config),
        *_checkpoint_findings(config),
        *_seeds_findings(config),
    ]
    at_fault = {at for at, _ in findings}
    if at_fault & {("model_dir",), *(("simulation", key) for key in model.essential)}:
        return config, findings
    if not begun:
        findings += model.unmeasurable(config)
    names = [name for name in config.searched if ("parameters", name) not in at_fault]
    found, wrong = _found_elsewhere(config, names)
    given, wrong_sets = _first_given(config)
    found, wrong = {**given, **found}, [*wrong, *wrong_sets]
    findings += wrong
    if wrong:
        return config, findings
    known = {**found, **config.optimiser_centroid}
    start = {**_own_start_values(config, model, names, known), **known}
    findings += _start_findings(config, names, start)
    if findings:
        return config, findings
    config = config.model_copy(update={"optimiser_centroid": {name: start[name] for name in config.searched}})
    findings += expression_findings(config)
    findings += [(("optimiser", key), message) for key, message in config.optimiser.problems(config.problem())]
    return config, findings


def _found_elsewhere(config: Config, names: Sequence[str]) -> tuple[Mapping[str, float], list[Finding]]:
    """Return the start values of what the search starts from, where the configuration has none, and what is wrong."""
    left = [name for name in names if name not in config.optimiser_centroid]
    key = ("optimiser", "start_from")
    try:
        if config.optimiser.start_from is None:
            return {}, []
        if config.run is not None:  # that has its start, whatever has become of the other one
            checkpoint = config.run.checkpoint
            begun_at = load_frozen(checkpoint, Checkpoint(checkpoint).config_text, looking=True).optimiser_centroid
            return {name: begun_at[name] for name in left if name in begun_at}, []
        if left:
            return start_from(config, left), []
    except UsageError as error:
        return {}, [(key, str(error))]
    return {}, [(key, "does nothing, because every parameter has a start value: take those away, or this")]


def _first_given(config: Config) -> tuple[Mapping[str, float], list[Finding]]:
    """Return the best of the parameter sets that are given, at which a run of them starts, and what is wrong."""
    if config.run is not None and config.run.sets.is_file():  # that has its own, whatever has become of the file
        return {}, []
    try:
        sets = given_sets(config)
    except UsageError as error:
        return {}, [(("optimiser", "file"), str(error))]
    return ({} if sets is None else sets.first), []


def _own_start_values(
    config: Config, model: Model[Any], names: Sequence[str], known: Mapping[str, float]
) -> Mapping[str, float]:
    """Return the model's own values, where all names of a parameter have the same; the middles if it has none.

    Middles of bounds that other parameters decide are those beside the start values that are known.
    """
    sources = config.given().sources
    own = model.start_values([name for name, source in sources.items() if source in names])
    if own is None:
        return config.space().completed(known)
    found: dict[str, set[float]] = {}
    for name, source in sources.items():
        if source in names:
            found.setdefault(source, set()).add(own.get(name, math.nan))
    return {source: value for source, (value, *others) in found.items() if not others and not math.isnan(value)}


def _executor_findings(config: Config) -> list[Finding]:
    # sbatch and submitit replace %j and the like in the names of log files; backslashes and line breaks get lost
    refused = [said for character, said in _REFUSED.items() if character in str(config.model_dir)]
    if config.executor == "slurm" and refused:
        message = f"SLURM takes {refused[0]} in {str(config.model_dir)!r} for something else: rename the directory"
        return [(("model_dir",), message)]
    several = cluster_problem(config.slurm)
    if config.executor == "slurm" and several is not None:
        return [(("slurm", "extra"), several)]
    return []


def _checkpoint_findings(config: Config) -> list[Finding]:
    if config.continue_cp and config.cp_filename is not None and not config.cp_filename.is_file():
        return [(("cp_filename",), f"there is no checkpoint {config.cp_filename}; the path is relative to this file")]
    return []


def _seeds_findings(config: Config) -> list[Finding]:
    if config.reevaluate in (AUTO, NONE) or set(config.simulation.seeds) - set(config.given().names):
        return []
    example = f"simulation.seeds: {{{config.simulation.seed_example}}}"
    message = (
        f"{config.reevaluate} needs seeds that can be others, and there are none: name them and their values, such as "
        f"{example}; or write auto, which evaluates nothing again then, or none"
    )
    return [(("reevaluate",), message)]


def _start_findings(config: Config, names: Sequence[str], start: dict[str, float]) -> list[Finding]:
    findings: list[Finding] = []
    for each in config.space().beside(start):
        name = each.name
        if name not in names or (name in start and each.allows(start[name])):
            continue
        bounds = config.space().bounds_in_words(name, start)
        if name not in start:
            message = (
                f"{name!r} has no default that is one number: give it a start value between {each.low:g} and "
                f"{each.high:g}, or middle, in optimiser_centroid"
            )
            findings.append((("optimiser_centroid", name), message))
        elif name in config.optimiser_centroid:
            message = f"the start value of {name!r} must be inside its bounds {bounds}, got {start[name]:g}"
            own = config.searched[name].start is not None
            if config.searched[name].start == MIDDLE:
                message += "; middle is that beside the start values of the file: give those of the others there too"
            findings.append((("parameters", name, "start") if own else ("optimiser_centroid", name), message))
        elif not each.low <= start[name] <= each.high:
            message = (
                f"the model's own value, {start[name]:g}, is outside the bounds {bounds}: widen them, "
                "or give a start value in optimiser_centroid"
            )
            findings.append((("parameters", name), message))
        else:
            message = (
                f"the model's own value, {start[name]:g}, is none of the choice, {each.choice}: add it, or give a "
                "start value in optimiser_centroid"
            )
            findings.append((("parameters", name), message))
    return findings


def frozen_of(paths: RunPaths, model_dir: Path) -> Config:
    """Return the configuration that a run was made with, its model being where it is now."""
    moved = [f"model_dir={json.dumps(str(model_dir))}"]
    return load_frozen(paths.checkpoint, Checkpoint(paths.checkpoint).config_text, moved)


def identity_differences(config: Config, frozen: Config) -> list[str]:
    """Return what makes one configuration another run than a frozen one, one line for each difference, for people."""
    if type(config.optimiser) is type(frozen.optimiser):
        # keys that came later have in both what they had in the run
        was = frozen.optimiser.as_it_was(frozen.optimiser)
        frozen = frozen.model_copy(update={"optimiser": was})
        config = config.model_copy(update={"optimiser": config.optimiser.as_it_was(was)})
    new, old = (_flat(each.identity(), "") for each in (config, frozen))
    return [
        f"{name}: {old.get(name, 'not there')} in the run, {new.get(name, 'not there')} now"
        for name in dict.fromkeys([*old, *new])
        if old.get(name, dataclasses.MISSING) != new.get(name, dataclasses.MISSING)
    ]


def _flat(value: object, name: str) -> dict[str, object]:
    if isinstance(value, dict):
        children = [(f"{name}.{key}" if name else str(key), child) for key, child in value.items()]
    elif isinstance(value, list):
        children = [(f"{name}[{n}]", child) for n, child in enumerate(value)]
    else:
        return {name: value}
    return {key: leaf for at, child in children for key, leaf in _flat(child, at).items()}
