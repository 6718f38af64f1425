"""Evaluating what a configuration describes: the parts that it takes, put together."""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from orchestrator.checking.model_identity import changed_parameters, keep_changes
from orchestrator.checkpoint import tables_since
from orchestrator.cluster import Cluster
from orchestrator.config.model import Config
from orchestrator.errors import RunFailed
from orchestrator.jobs.cleanup import Cleanup
from orchestrator.optimisers import create_optimiser
from orchestrator.paths import RunPaths
from orchestrator.records import Offspring
from orchestrator.run.asked import Asks
from orchestrator.run.controller import Controller
from orchestrator.run.kept_recordings import KeptRecordings
from orchestrator.run.pools import pool_for
from orchestrator.schedules import Schedule, Search
from orchestrator.schedules.registry import create_schedule
from orchestrator.scores.given_sets import frozen_sets
from orchestrator.scores.other_runs import frozen


def carry_out(
    schedule: Schedule,
    config: Config,
    paths: RunPaths,
    cluster: Cluster,
    *,
    name: str,
    stop: threading.Event,
    confirm: Callable[[], object],
    before: Callable[[Sequence[Offspring]], object] = lambda _: None,
    appended: Callable[[], object] = lambda: None,
    between: Callable[[], object] = lambda: None,
) -> str:
    """Evaluate what a schedule wants, to its end; return why it ended.

    Parameters
    ----------
    schedule : Schedule
        Says what.
    config : Config
        Checked; says how.
    paths : RunPaths
        Files of the run; the checkpoint exists.
    cluster : Cluster
        Runs the jobs.
    name : str
        Start of the jobs' names.
    stop : threading.Event
        Set to stop early.
    confirm : callable
        Raises `orchestrator.errors.Stopped` if another controller has taken the run over.
    before : callable
        Called with offspring before they are submitted.
    appended : callable
        Called whenever something has been added to the checkpoint.
    between : callable
        Called before anything is asked for after that, if nothing is in flight.

    Raises
    ------
    orchestrator.errors.Stopped
        If `stop` was set; the run can be continued.
    orchestrator.errors.RunFailed
        If it cannot go on.
    """
    trials = config.simulation.jobs_per_evaluation
    cleanup = Cleanup(paths, cluster, config.keep.directories, confirm, trials=trials)
    with pool_for(config, paths, cluster, cleanup, name=name, stop=stop, confirm=confirm) as pool:
        return Controller(
            schedule,
            pool,
            config.create_targets(),
            paths=paths,
            asks=Asks(paths, config.space()),
            cleanup=cleanup,
            kept=KeptRecordings(paths, config.keep.best),
            confirm=confirm,
            before=before,
            appended=appended,
            between=between,
        ).run()


def optimise(
    config: Config,
    paths: RunPaths,
    cluster: Cluster,
    *,
    stop: threading.Event,
    confirm: Callable[[], object],
    appended: Callable[[], object] = lambda: None,
    between: Callable[[], object] = lambda: None,
    changed: Sequence[str] = (),
) -> str:
    """Carry out the schedule, with the optimiser, that a configuration describes; as `carry_out`.

    Parameters
    ----------
    config : Config
        Checked, with a start value for every parameter.
    changed : sequence of str
        Files of the model that have changed since the run began, which is written down if anything is evaluated.

    Raises
    ------
    orchestrator.errors.RunFailed
        Also if somebody changes the model's parameters meanwhile.
    """

    def before(_: Sequence[Offspring]) -> None:
        require_same_model(config, paths)
        keep_changes(changed, paths, confirm)

    sets = frozen_sets(paths)
    problem = replace(config.problem(frozen(paths)), sets=None if sets is None else sets.points)
    with contextlib.closing(create_optimiser(config.optimiser, problem)) as optimiser:
        search = Search(
            optimiser,
            config.space(),
            max_ngen=config.generations,
            size=config.offspring_size,
            at_once=config.workers if config.executor == "local" else 0,
            limit=config.limit,
            stop_at=config.stop_at,
            seconds_left=_seconds_left(config, paths),
        )
        return carry_out(
            create_schedule(config.schedule, search),
            config,
            paths,
            cluster,
            name=paths.job_name,
            stop=stop,
            confirm=confirm,
            before=before,
            appended=appended,
            between=between,
        )


def _seconds_left(config: Config, paths: RunPaths) -> float:
    """Return for how long something may still be asked for, in s, by ``max_hours``."""
    if config.max_hours is None:
        return math.inf
    _, tables = tables_since(paths.checkpoint, ("submitted",), 0)
    submitted = [float(each) for table in tables for each in table["submitted"] if math.isfinite(each)]
    now = time.time()
    return config.max_hours * 3600 - (now - min(submitted, default=now))


def require_same_model(config: Config, paths: RunPaths) -> None:
    """Refuse to go on if somebody has changed the model's parameters, for another optimisation perhaps."""
    if lines := changed_parameters(config, paths):
        listed = "\n  ".join(lines)
        raise RunFailed(
            f"the model's parameters were changed while the run went on:\n  {listed}\n"
            "Put them back and continue; simulations that began meanwhile were made with the changed ones"
        )
