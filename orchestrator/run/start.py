"""Starting and continuing a run: from what the user asked for to a controller that holds the run's lock."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from orchestrator.checking.model_identity import changed_data, changed_files, changed_parameters, commit_of, keep_model
from orchestrator.checking.problems import doubtful_time, frozen_of, identity_differences, load_checked_config
from orchestrator.checkpoint import Checkpoint
from orchestrator.cluster import create_cluster
from orchestrator.cluster.environment import leave_allocation
from orchestrator.config.file import dump_config
from orchestrator.config.model import Config
from orchestrator.config.reevaluate import NONE
from orchestrator.config.source import Source
from orchestrator.data import freeze_data
from orchestrator.display.live import displaying
from orchestrator.display.logs import LogFormat, logging_to
from orchestrator.errors import RunFailed, Stopped, UsageError
from orchestrator.files import remove_unfinished, set_mode, write_text
from orchestrator.lease import hold_of, only_controller, run_of_restarted_job
from orchestrator.optimisers import versions_of
from orchestrator.paths import RunPaths
from orchestrator.run.asked import Asks
from orchestrator.run.best_again import BestAgain
from orchestrator.run.cancel import end_if_asked
from orchestrator.run.evaluating import optimise
from orchestrator.run.report_refresher import ReportRefresher
from orchestrator.run.requeue import carries_out, load_for_script, requeue
from orchestrator.run.signals import listening, listening_as_guest, stopped_by
from orchestrator.scores.described import description_of
from orchestrator.scores.given_sets import GivenSets, freeze_sets, given_sets
from orchestrator.scores.other_runs import evaluations_of_others, freeze
from orchestrator.simulations.loaded import COMMIT
from orchestrator.status import Watcher
from orchestrator.text import command_line

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Ended:
    """How a run ended, for the last words to the user."""

    paths: RunPaths
    reason: str


def start(
    path: Path,
    overrides: Sequence[str],
    console: Console,
    log_format: LogFormat,
    *,
    text: str | None = None,
    as_guest: bool = False,
) -> Ended:
    """Run the configuration at `path`, in a new run directory or, with ``continue_cp``, in that of ``cp_filename``.

    Parameters
    ----------
    path : pathlib.Path
        The configuration.
    overrides : sequence of str
        ``dotted.key=value`` each.
    console : rich.console.Console
        Of the program.
    log_format : LogFormat
        Of what goes to the console.
    text : str or None
        The configuration, if there is no file; its paths are relative to the directory of `path`.
    as_guest : bool
        Whether this is part of a program of the user's, which goes on afterwards.

    Raises
    ------
    orchestrator.errors.OrchestratorError
        If it cannot start or go on.
    """
    load = load_for_script if as_guest else load_checked_config
    config = load(path, overrides, text)
    set_mode(config.run_mode)
    if config.continue_cp and config.cp_filename is not None:
        paths = RunPaths(config.cp_filename.parent)
        return _continue(config, paths, f"{path}: cp_filename", console, log_format, as_guest=as_guest)
    restarted = run_of_restarted_job(config.model_dir, os.environ)
    if restarted is not None:
        named_by = f"SLURM has restarted job {os.environ['SLURM_JOB_ID']}"
        return _continue(config, restarted, named_by, console, log_format, as_guest=as_guest)
    doubt = doubtful_time(Source(path, text), overrides, config)
    warnings = [f"{path}: {doubt.key}: {doubt.message}"] if doubt else ()
    return begin(config, console, log_format, warnings=warnings, as_guest=as_guest)


def begin(
    config: Config,
    console: Console,
    log_format: LogFormat,
    *,
    sets: GivenSets | None = None,
    warnings: Sequence[str] = (),
    as_guest: bool = False,
) -> Ended:
    """Run a checked configuration in a new run directory.

    Parameters
    ----------
    config : Config
        With a start value for every parameter.
    console : rich.console.Console
        For the log and the display.
    log_format : LogFormat
        Of the log.
    sets : GivenSets, optional
        The parameter sets that it evaluates, if they were read already.
    warnings : sequence of str
        Logged first.
    as_guest : bool
        As for `start`.

    Raises
    ------
    orchestrator.errors.OrchestratorError
        If it cannot start or go on; if nothing was simulated, no run directory is left.
    """
    paths = _new_run_directory(config.model_dir)
    try:
        create_run(config, paths, sets)
    except BaseException:
        shutil.rmtree(paths.directory, ignore_errors=True)
        raise
    try:
        return _control(config, paths, console, log_format, new=True, warnings=warnings, as_guest=as_guest)
    finally:
        _remove_if_empty(paths)


def go_on(
    paths: RunPaths, overrides: Sequence[str], console: Console, log_format: LogFormat, *, as_guest: bool = False
) -> Ended:
    """Continue a run with its own configuration: config.yaml, or what the checkpoint holds where that was removed."""
    if paths.config.is_file():
        config = load_checked_config(paths.config, overrides)
    else:
        config = load_checked_config(paths.checkpoint, overrides, Checkpoint(paths.checkpoint).config_text)
    set_mode(config.run_mode)
    return _continue(config, paths, "--continue", console, log_format, as_guest=as_guest)


def _continue(
    config: Config, paths: RunPaths, named_by: str, console: Console, log_format: LogFormat, *, as_guest: bool
) -> Ended:
    if not paths.checkpoint.is_file():
        raise UsageError(f"{named_by}: there is no checkpoint {paths.checkpoint}")
    # a moved model is where the user says it is now, or beside the run
    frozen = frozen_of(paths, config.model_dir)
    differences = identity_differences(config, frozen)
    if differences:
        listed = "\n  ".join(differences)
        raise UsageError(
            f"{named_by}: the run in {paths.directory} was made with another configuration, says its "
            f"{paths.checkpoint.name}:\n  {listed}\n"
            f"Continue it with its own (orchestrator run --continue; if its {paths.config.name} was edited, put that "
            "back, or remove it), or start a new run (continue_cp: false)"
        )
    config = _as_it_was(config, frozen)
    if lines := changed_parameters(config, paths):
        listed = "\n  ".join(lines)
        raise UsageError(
            f"{named_by}: the run in {paths.directory} was made with other parameters of the model:\n  {listed}\n"
            "Put them back, or start a new run"
        )
    return _control(config, paths, console, log_format, as_guest=as_guest)


def _as_it_was(config: Config, frozen: Config) -> Config:
    """Return the configuration of a run that goes on: what came with a later version is not added to it unasked."""
    update: dict[str, object] = {"optimiser": config.optimiser.as_it_was(frozen.optimiser)}
    if "reevaluate" not in config.model_fields_set:
        update["reevaluate"] = frozen.reevaluate if "reevaluate" in frozen.model_fields_set else NONE
    return config.model_copy(update=update)


def _control(
    config: Config,
    paths: RunPaths,
    console: Console,
    log_format: LogFormat,
    *,
    new: bool = False,
    warnings: Sequence[str] = (),
    as_guest: bool,
) -> Ended:
    allocation = leave_allocation()
    config = config.model_copy(update={"continue_cp": False, "cp_filename": None})
    job_id, stopped = allocation.get("SLURM_JOB_ID", ""), stopped_by(as_guest=as_guest)
    with (
        only_controller(paths, job_id, console.print, stopped) as lease,
        logging_to(paths.log, console, log_format),
        listening_as_guest() if as_guest else listening() as signals,
        contextlib.ExitStack() as held,
    ):
        if as_guest:
            carries_out(paths)
        lease.call_on_loss(signals.stop.set)
        for warning in warnings:
            _LOG.warning("%s", warning)
        for file in (paths.checkpoint, paths.config, paths.holder, paths.lock):
            remove_unfinished(file)
        cluster = create_cluster(config, signals.stop, lease.confirm)
        asks, checkpoint = Asks(paths, config.space()), Checkpoint(paths.checkpoint)
        asks.require_fit(checkpoint)
        # before the configuration says so: cancelling is done by that
        asks.require_executor(checkpoint, cluster.name)
        # how a run is carried out may change on the way; what it is may not
        text = dump_config(config, paths.directory)
        if not paths.config.is_file() or text != paths.config.read_text(encoding="utf-8"):
            write_text(paths.config, text, lease.confirm)
        if text != checkpoint.config_text:
            checkpoint.set_config(text, lease.confirm)
        if not new:
            for line in changed_data(config, paths):
                _LOG.warning("%s: the run goes on with the data that it began with, %s", line, paths.data.name)
        changed = changed_files(config, paths)
        for name in changed:
            _LOG.warning(
                "%s has changed since the run began: evaluations from now on are made with what it is now", name
            )
        report = ReportRefresher(paths, wanted=config.report)
        again = held.enter_context(
            BestAgain(
                config,
                paths,
                cluster,
                job_id=job_id,
                stop=signals.stop,
                confirm=lease.confirm,
                say=console.print,
                stopped_by=stopped,
            )
        )
        try:
            with displaying(Watcher(paths), console, log_format):
                reason = optimise(
                    config,
                    paths,
                    cluster,
                    stop=signals.stop,
                    confirm=lease.confirm,
                    appended=report.refresh,
                    between=again.between_generations,
                    changed=changed,
                )
                again.at_the_end(reason)
                lease.confirm()
                report.finish(reason)
        except Stopped as error:
            lease.confirm()
            jobs = end_if_asked([paths, *again.held], cluster, signals, console, lease.confirm)
            message = f"{error}. {jobs}; {_to_go_on(paths, new=new, as_guest=as_guest)}"
            if job_id and signal.SIGUSR1 in signals.received:
                console.print(f"{error}. {jobs}, and so does job {job_id}, which is queued again.")
                refused = requeue(job_id, signals.received)
                message = f"SLURM does not queue job {job_id} again: {refused}. {message}" if refused else str(error)
            raise Stopped(message) from error
        except OSError as error:
            # a full disk, an exceeded quota, a file system that is gone: what is in the checkpoint is safe
            place = error.filename or paths.directory
            how = _to_go_on(paths, new=new, as_guest=as_guest)
            message = f"{place}: {error.strerror or error}. The checkpoint is intact; fix it and {how}"
            raise RunFailed(message) from error
        lease.ending = ("finished", reason)
    return Ended(paths, reason)


def create_run(config: Config, paths: RunPaths, sets: GivenSets | None = None) -> None:
    """Write the frozen configuration and an empty checkpoint; parameter sets that are given are read, if none are."""
    text = dump_config(config, paths.directory)
    paths.config.write_text(text, encoding="utf-8")
    try:
        freeze_sets(sets or given_sets(config), paths)
    except UsageError as error:
        raise UsageError(f"optimiser.file: {error}") from error
    files = keep_model(config, paths)
    try:
        freeze(evaluations_of_others(config), paths)
    except UsageError as error:
        raise UsageError(f"optimiser.learn_from: {error}") from error
    freeze_data(config.measured, paths)
    targets = config.create_targets()
    Checkpoint.create(
        paths.checkpoint,
        config=text,
        parameters=list(config.searched),
        targets=[target.label for target in targets],
        versions=versions_of(config) | ({COMMIT: commit} if (commit := commit_of(config.model_dir, files)) else {}),
        described=[description_of(target) for target in targets],
    )


def _new_run_directory(model_dir: Path) -> RunPaths:
    stamp = time.strftime("%Y%m%d-%H%M%S")
    for suffix in ("", *(f"-{n}" for n in range(2, 100))):
        directory = model_dir / f"{stamp}{suffix}_Optimization"
        try:
            directory.mkdir()  # who may look is what `set_mode` has said
        except FileExistsError:
            continue
        except OSError as error:
            raise UsageError(f"model_dir: cannot make a run directory in {model_dir}: {error.strerror}") from error
        return RunPaths(directory)
    raise RunFailed(f"{model_dir} has too many run directories of {stamp}")


def _to_go_on(paths: RunPaths, *, new: bool, as_guest: bool) -> str:
    """Return what to do after a run has ended early."""
    if new and _is_empty(paths):
        return "start it again: nothing was simulated yet, and nothing of the run is kept"
    in_python = f"\nor, in Python\n  orchestrator.Run({str(paths.directory)!r}).continue_()" if as_guest else ""
    return f"continue with\n  {command_line('orchestrator', 'run', '--continue', paths.directory)}{in_python}"


def _is_empty(paths: RunPaths) -> bool:
    """Return whether nothing was simulated or is in flight, so that there is nothing to continue."""
    try:
        in_flight = paths.generations.is_dir() and any(paths.generations.iterdir())
        return not in_flight and Checkpoint(paths.checkpoint).n_generations == 0
    except (OSError, UsageError):
        return False


def _remove_if_empty(paths: RunPaths) -> None:
    """Leave nothing behind of a run in which not one offspring could be simulated, unless another controller has it."""
    if _is_empty(paths) and hold_of(paths) is None:
        shutil.rmtree(paths.directory, ignore_errors=True)
