"""Validating: what a run has found, or a table, is evaluated under a second configuration, in a run of its own."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from orchestrator.checking.model_identity import changed_files, changed_parameters
from orchestrator.checking.problems import load_checked_config
from orchestrator.checkpoint import Checkpoint
from orchestrator.config.model import Config
from orchestrator.config.reevaluate import NONE
from orchestrator.display.logs import LogFormat
from orchestrator.errors import UsageError
from orchestrator.files import set_mode
from orchestrator.lease import run_of_restarted_job
from orchestrator.optimisers.table import AT_ONCE, TableOptions
from orchestrator.paths import RunPaths, run_paths
from orchestrator.run.start import Ended, begin, go_on
from orchestrator.scores.given_sets import GivenSets
from orchestrator.scores.parameter_sets import is_run, sets_in

# keys of a search: what is evaluated here is given
_OF_SEARCHES = (
    *("optimiser", "optimiser_centroid", "max_ngen", "max_evaluations", "stop_at", "max_hours"),
    *("continue_cp", "cp_filename"),
)


def validate(
    source: Path,
    config: Path | None,
    overrides: Sequence[str],
    console: Console,
    log_format: LogFormat,
    *,
    best: int | None = None,
    front: bool | Sequence[str] = False,
) -> Ended:
    """Evaluate parameter sets under a configuration, in a new run, and wait for it.

    Parameters
    ----------
    source : pathlib.Path
        A run, or a table (.csv) or parameter sets (.json).
    config : pathlib.Path or None
        The second configuration; None for the run's own.
    overrides : sequence of str
        ``dotted.key=value`` each, of that configuration.
    console : rich.console.Console
        For the log and the display.
    log_format : LogFormat
        Of the log.
    best : int, optional
        How many of the best at most.
    front : bool or sequence of str
        Whether only the Pareto front of the run counts, of all targets or of those with these labels.

    Raises
    ------
    orchestrator.errors.OrchestratorError
        If the configuration does not fit the parameter sets, or it cannot start or go on.
    """
    _refuse_keys_of_searches(overrides, own=config is None)
    found = sets_in(source, best, front)
    options = TableOptions(file=source.resolve(), best=best, front=front if isinstance(front, bool) else [*front])
    wanted = [
        *("continue_cp=false", "max_ngen=null", "max_evaluations=null", "stop_at=null", "max_hours=null"),
        *(f"reevaluate={NONE}", f"offspring_size={min(len(found), AT_ONCE)}", "schedule=generations", *overrides),
        f"optimiser={options.model_dump_json()}",
    ]
    checked = _own_config(source, wanted) if config is None else load_checked_config(config, wanted)
    sets = GivenSets.of(options.file, found, checked)
    generations = math.ceil(len(sets.sets) / checked.offspring_size)
    checked = checked.model_copy(update={"optimiser_centroid": sets.first, "max_ngen": generations})
    set_mode(checked.run_mode)
    restarted = run_of_restarted_job(checked.model_dir, os.environ)
    if restarted is not None and restarted.sets.is_file():
        return go_on(restarted, (), console, log_format)
    changes = _changes(source, checked) if config is None else ()
    return begin(checked, console, log_format, sets=sets, warnings=changes)


def _own_config(source: Path, overrides: Sequence[str]) -> Config:
    """Return the configuration of a run, as it was frozen with it."""
    if not is_run(source):
        raise UsageError(f"{source}: is no run, which has a configuration of its own: name one to evaluate it under")
    paths = run_paths(source)
    if paths.config.is_file():
        return load_checked_config(paths.config, overrides)
    return load_checked_config(paths.checkpoint, overrides, Checkpoint(paths.checkpoint).config_text)


def _changes(source: Path, config: Config) -> list[str]:
    """Return what of the model is not what it was in a run, for people."""
    paths: RunPaths = run_paths(source)
    files = [f"{name} has changed" for name in changed_files(config, paths)]
    return [f"since {paths.directory.name} began: {line}" for line in (*changed_parameters(config, paths), *files)]


def _refuse_keys_of_searches(overrides: Sequence[str], *, own: bool) -> None:
    for override in overrides:
        key = override.partition("=")[0].strip()
        if key.partition(".")[0] in _OF_SEARCHES:
            raise UsageError(f"--set {key}: is of a search; what is evaluated here is given")
        if own and key.partition(".")[0] == "data":
            raise UsageError(f"--set {key}: a run has its data with it: name a configuration with others after the run")
