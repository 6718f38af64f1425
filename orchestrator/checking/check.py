"""All that `orchestrator check` finds out: what is quick comes first, what takes the cluster comes last."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from orchestrator.checking.acceptance import ask_about_offspring, key_of
from orchestrator.checking.costs import Costs, costs
from orchestrator.checking.disk import Disk, disk
from orchestrator.checking.expressions import expression_notes
from orchestrator.checking.model_identity import changed_data, changed_parameters
from orchestrator.checking.on_node import Rehearsed
from orchestrator.checking.partitions import asked_for, never_starts, waits
from orchestrator.checking.problems import doubtful_time, examine, identity_differences, missing_slurm, worst_first
from orchestrator.checking.scripts import CONTROLLER_SCRIPT, controller_options, script_remarks
from orchestrator.checking.surroundings import surroundings_findings
from orchestrator.checkpoint import Checkpoint
from orchestrator.cluster.commands import CommandFailed
from orchestrator.cluster.environment import inherited
from orchestrator.cluster.partitions import Partition, node_states, partitions
from orchestrator.cluster.submission import Answer, ask_about
from orchestrator.config.durations import format_duration
from orchestrator.config.file import load_frozen
from orchestrator.config.model import Config
from orchestrator.config.source import Location, Source
from orchestrator.errors import ConfigProblem, RunFailed, UsageError
from orchestrator.paths import RunPaths
from orchestrator.records import Result
from orchestrator.scores.evaluations import at_the_cap
from orchestrator.scores.other_runs import evaluations_of_others
from orchestrator.simulations import model_of
from targets import ScoreError, score_of

# a key at which there is a problem, and what is not looked at then
_NOT_RENDERED = ("model_dir", "simulation")
_LOG_LINES = 12
_LONGEST_LINE = 300


@dataclass
class Inspection:
    """What was found out.

    Parameters
    ----------
    path : pathlib.Path
        The configuration file.
    config : Config or None
        The configuration, if it fits the model.
    problems : list of ConfigProblem
        What has to be fixed.
    notes : list of ConfigProblem
        What is worth knowing.
    unknown : list of ConfigProblem
        What could not be found out here, and who can.
    """

    path: Path
    config: Config | None
    problems: list[ConfigProblem]
    notes: list[ConfigProblem] = field(default_factory=list)
    unknown: list[ConfigProblem] = field(default_factory=list)
    costs: Costs | None = None
    disk: Disk | None = None
    cluster: str = ""
    node: str = ""

    @property
    def sound(self) -> bool:
        """Whether nothing has to be fixed."""
        return not self.problems


def inspect(path: Path, overrides: Sequence[str], rehearse: Callable[[Config], Rehearsed] | None = None) -> Inspection:
    """Look at a configuration, its model, its scripts, the cluster and, if wanted, a node.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    overrides : sequence of str
        ``dotted.key=value`` each.
    rehearse : callable or None
        Tries one offspring; called if nothing else is wrong.
    """
    examined = examine(path, overrides)
    config = examined.config
    # what could be read of a wrong configuration is no base for figures
    found = Inspection(path, None if examined.problems else config, list(examined.problems))
    source = examined.source
    if config is None or source is None:
        return found
    at_fault = {problem.key.partition(".")[0].partition("[")[0] for problem in found.problems}
    partition = None
    if not at_fault & {"jobs", "slurm", "executor"}:
        partition = _ask_cluster(config, source, found)
    if not at_fault & set(_NOT_RENDERED):
        _look_at_scripts(config, source, found)
    if found.config is not None:
        found.notes += [source.problem(*note) for note in model_of(config).notes(config)]
        found.notes += [source.problem(*note) for note in expression_notes(config)]
        if rehearse is None:  # a node tells otherwise
            found.unknown += [source.problem(*each) for each in model_of(config).unknown(config)]
            _look_at_surroundings(config, source, found)
    if not found.problems and config.continue_cp:
        _compare_with_run(config, source, found)
    if found.config is None:
        found.problems = worst_first(found.problems)
        return found
    try:
        evaluations_of_others(config)
    except UsageError as error:
        found.problems.append(source.problem(("optimiser", "learn_from"), str(error)))
    _look_at_times(config, source, found)
    found.notes += filter(None, [doubtful_time(source, overrides, config)])
    found.notes += [source.problem(("slurm", key), message) for key, message in _without_effect(config)]
    found.costs = costs(config, partition)
    rehearsed = None
    if rehearse is not None and not found.problems:
        rehearsed = rehearse(config)
        _look_at_node(rehearsed, source, found)
        if rehearsed.whole:
            _look_at_values(config, rehearsed.result, source, found)
    recorded = model_of(config).recorded()
    found.disk = disk(config, recorded, rehearsed.protocol if rehearsed else None)
    found.notes += [source.problem(tuple(key.split(".")), message) for key, message in found.disk.warnings()]
    found.problems = worst_first(found.problems)
    return found


def _ask_cluster(config: Config, source: Source, found: Inspection) -> Partition | None:
    """Ask SLURM whether it accepts the jobs, and whether they would ever start; return their partition."""
    if config.executor == "local":
        found.cluster = "not asked (executor: local)"
        return None
    if missing_slurm(config) is not None:
        found.cluster = "no SLURM here, not asked"
        message = "there is no SLURM here: run this check on the cluster as well, or set executor: local"
        found.unknown.append(source.problem(("executor",), f"whether the cluster accepts the jobs: {message}"))
        return None
    cluster, known = config.slurm.cluster, []
    answer = ask_about_offspring(config)
    try:
        known = partitions(cluster)
    except CommandFailed as error:
        if answer.accepted is not None:
            message = f"the limits of partitions: scontrol does not answer: {_one_line(str(error))}"
            found.unknown.append(source.problem(("slurm",), message))
    candidates = asked_for(config, known)
    found.cluster = f"{cluster} {_cluster_text(answer)}" if cluster else _cluster_text(answer)
    if answer.accepted is False:
        message = f"SLURM refuses such a job: {_one_line(answer.words)}"
        names = ", ".join(each.name for each in known)
        key = key_of(config, answer.words)
        hint = f". Partitions: {names}" if key == ("slurm", "partition") and names and not candidates else ""
        found.problems.append(source.problem(key, f"{message}{hint}"))
    elif answer.accepted is None:
        message = f"whether the cluster accepts the jobs: SLURM does not answer: {_one_line(answer.words)}"
        found.unknown.append(source.problem(("slurm",), message))
    elif (never := never_starts(config, candidates)) is not None:
        # a quality of service may lift the partition's limits
        (found.notes if config.slurm.qos or inherited("qos") else found.problems).append(source.problem(*never))
        found.cluster = "accepts the job, and would never start it"
    if answer.limited:
        message = f"SLURM takes no more jobs of yours for now, which a run waits for: {_one_line(answer.words)}"
        found.notes.append(source.problem(("slurm",), message))
    found.notes += [
        source.problem(("slurm", "partition"), each) for each in waits(candidates, node_states(candidates, cluster))
    ]
    _ask_about_controller(config, answer, found)
    return candidates[0] if candidates else None


def _ask_about_controller(config: Config, offspring: Answer, found: Inspection) -> None:
    script = config.model_dir / CONTROLLER_SCRIPT
    if offspring.accepted is not None and script.is_file():
        answer = ask_about(script, config.model_dir, controller_options(config))
        if answer.accepted is False:
            message = f"{script}: SLURM refuses the controller's job: {_one_line(answer.words)}"
            found.problems.append(ConfigProblem("", message))


def _cluster_text(answer: Answer) -> str:
    if answer.accepted is None:
        return "does not answer"
    if not answer.accepted:
        return "refuses the job"
    return f"accepts the job{f' ({answer.where})' if answer.where else ''}"


def _look_at_scripts(config: Config, source: Source, found: Inspection) -> None:
    for remark in script_remarks(config, model_of(config)):
        problem = source.problem(remark.location, remark.message)
        (found.problems if remark.error else found.notes).append(problem)


def _look_at_surroundings(config: Config, source: Source, found: Inspection) -> None:
    missing, unknown = surroundings_findings(model_of(config))
    found.problems += [source.problem(*each) for each in missing]
    found.unknown += [source.problem(*each) for each in unknown]


def _compare_with_run(config: Config, source: Source, found: Inspection) -> None:
    if config.cp_filename is None:
        return
    try:
        frozen = load_frozen(config.cp_filename, Checkpoint(config.cp_filename).config_text)
    except UsageError as error:
        found.problems.append(source.problem(("cp_filename",), f"the run's own configuration cannot be read: {error}"))
        return
    for difference in identity_differences(config, frozen):
        location: Location = (difference.partition(":")[0].partition(".")[0].partition("[")[0],)
        message = f"the run that is continued was made with another configuration: {difference}"
        found.problems.append(source.problem(location, message))
    for difference in changed_parameters(config, RunPaths(config.cp_filename.parent)):
        message = f"the run that is continued was made with other parameters of the model: {difference}"
        found.problems.append(source.problem(("cp_filename",), message))
    try:
        for line in changed_data(config, RunPaths(config.cp_filename.parent)):
            message = f"{line}: the run goes on with the data that it began with"
            found.notes.append(source.problem(("data",), message))
    except RunFailed as error:
        found.problems.append(source.problem(("data",), str(error)))


def _look_at_times(config: Config, source: Source, found: Inspection) -> None:
    time = config.jobs.time
    if config.executor == "slurm" and time and time > config.timeout:
        message = (
            f"a generation times out after {format_duration(config.timeout)}, queue included, before its jobs reach "
            f"their own limit of {format_duration(time)}"
        )
        found.notes.append(source.problem(("timeout",), message))
    if config.executor == "slurm" and not time and not inherited("time"):
        message = "is not given, so that SLURM takes its own default; jobs with a short limit start sooner"
        found.notes.append(replace(source.problem(("jobs",), message), key="jobs.time"))


def _without_effect(config: Config) -> Iterator[tuple[str, str]]:
    """Yield the keys of ``slurm`` that are given and do nothing, and why."""
    given = config.slurm.model_dump(exclude_defaults=True)
    if config.executor != "slurm":
        for key in given:
            yield key, f"does nothing with executor: {config.executor}"
    elif "mpi" in given and config.jobs.ntasks == 1:
        yield "mpi", "does nothing, because a simulation has one process: see jobs.ntasks"


def _look_at_node(rehearsed: Rehearsed, source: Source, found: Inspection) -> None:
    result = rehearsed.result
    host = f" on {result.host}" if result.host else ""
    if not rehearsed.works:
        found.node = f"fails{host}: {result.outcome.value}"
        said = "\n".join(f"  {line[:_LONGEST_LINE]}" for line in result.log_tail.splitlines()[-_LOG_LINES:])
        log = f"\nThe last lines of its log:\n{said}" if said else ""
        message = f"an offspring with the start values was tried{host} and failed ({result.outcome.value}): "
        found.problems.append(ConfigProblem("", f"{message}{result.message[:_LONGEST_LINE]}{log}"))
        return
    parts = [
        f"{name} {format_duration(seconds)}" for name, seconds in result.seconds.items() if name in ("build", "check")
    ]
    if result.finished > result.started:
        parts.append(f"altogether {format_duration(result.finished - result.started)}")
    if result.peak_memory and not rehearsed.processes:
        parts.append(f"peak memory {result.peak_memory / 1e6:,.0f} MB")
    found.node = f"works{host} ({', '.join(parts)})"
    found.problems += [source.problem(*finding) for finding in rehearsed.findings]
    if result.outcome.value == "EXPLODED":
        message = f"the start values explode: {result.message}"
        found.notes.append(source.problem(("optimiser_centroid",), message))


def _look_at_values(config: Config, result: Result, source: Source, found: Inspection) -> None:
    """Note the targets of which the start values score ``max_score``; one that can have no right score is a problem."""
    for target in config.create_targets():
        value, reason = result.values.get(target.label), result.reasons.get(target.label)
        if (option := result.unfit.get(target.label)) is not None:
            message = f"{target.label} has no value, whatever the parameters are: {reason}"
            found.problems.append(source.problem(("targets", target.entry, option), message))
        elif value is None and reason is not None:
            message = f"with the start values {target.label} has no value: {reason}"
            found.notes.append(source.problem(("targets", target.entry), message))
        try:
            if value is not None and score_of(target, value) >= target.max_score:
                message = f"with the start values {at_the_cap(target, [value])}"
                found.notes.append(source.problem(("targets", target.entry), message))
        except ScoreError as error:
            found.problems.append(source.problem(("targets", target.entry), str(error)))


def _one_line(words: str) -> str:
    return "; ".join(dict.fromkeys(line.strip().removeprefix("error: ") for line in words.splitlines() if line.strip()))


def next_command(found: Inspection, config: Path, overrides: Sequence[str]) -> list[str]:
    """Return the command that starts the run."""
    changes = [word for override in overrides for word in ("--set", override)]
    checked = found.config
    usual = checked is not None and config.resolve() == checked.model_dir / "param_optim" / "config_optimisation.yaml"
    if checked is not None and checked.executor == "slurm" and usual and shutil.which("sbatch"):
        script = checked.model_dir / CONTROLLER_SCRIPT
        if script.is_file() and checked.model_dir == Path.cwd():
            return ["sbatch", *controller_options(checked), CONTROLLER_SCRIPT, *changes]
    return ["orchestrator", "run", str(config), *changes]
