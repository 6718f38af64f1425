"""Evaluating the best again under other seeds: the part that a command and the controller of a run share."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Sequence

from orchestrator.checkpoint import Checkpoint
from orchestrator.cluster import Cluster
from orchestrator.config.file import dump_config
from orchestrator.config.model import Config
from orchestrator.files import write_text
from orchestrator.lease import hold_of
from orchestrator.optimisers import versions_of
from orchestrator.paths import ReevaluationPaths
from orchestrator.records import Offspring
from orchestrator.reevaluation.store import ReevaluationRequest, evaluated, missing
from orchestrator.run.asked import Asks
from orchestrator.run.evaluating import carry_out
from orchestrator.schedules.reevaluation import Reevaluation


def make_ready(config: Config, paths: ReevaluationPaths, request: ReevaluationRequest) -> Asks:
    """Write configuration and empty checkpoint where they are missing; return what was asked for before.

    Raises
    ------
    orchestrator.errors.OrchestratorError
        If what is in flight does not go on from what is there.
    """
    if not paths.checkpoint.is_file():
        text = dump_config(config, paths.directory)
        names, labels = list(request.all_tasks[0]), [target.label for target in config.create_targets()]
        write_text(paths.config, text)
        Checkpoint.create(paths.checkpoint, config=text, parameters=names, targets=labels, versions=versions_of(config))
    asks = Asks(paths, config.space())
    asks.require_fit(Checkpoint(paths.checkpoint))
    return asks


def evaluate_again(
    request: ReevaluationRequest,
    config: Config,
    paths: ReevaluationPaths,
    cluster: Cluster,
    *,
    stop: threading.Event,
    confirm: Callable[[], object],
    before: Callable[[Sequence[Offspring]], object] = lambda _: None,
) -> None:
    """Evaluate what is missing of a request, after what is in flight; `make_ready` was called, the lease is held.

    Jobs in flight are with the same executor: cancelling is done by the configuration that is written here.

    Parameters
    ----------
    request : ReevaluationRequest
        Kept as the last one.
    config : Config
        Of the run; says how.
    paths : ReevaluationPaths
        Where.
    cluster : Cluster
        Runs the jobs.
    stop, confirm, before
        As `orchestrator.run.evaluating.carry_out` takes them.

    Raises
    ------
    orchestrator.errors.Stopped
        If `stop` was set; the same call goes on.
    orchestrator.errors.RunFailed
        If it cannot go on.
    """

    def show(offspring: Sequence[Offspring]) -> None:
        """Let those who look on see a run of one generation more."""
        before(offspring)
        update = {"offspring_size": len(offspring), "max_ngen": offspring[0].generation + 1, "max_evaluations": None}
        write_text(paths.config, dump_config(config.model_copy(update=update), paths.directory))

    request.write(paths)
    carry_out(
        Reevaluation(missing(request, evaluated(paths)), config.space()),
        config,
        paths,
        cluster,
        name=paths.job_name,
        stop=stop,
        confirm=confirm,
        before=show,
    )


def remove_if_empty(paths: ReevaluationPaths) -> None:
    """Leave nothing behind if not one simulation could be started."""
    in_flight = paths.generations.is_dir() and any(paths.generations.iterdir())
    if not in_flight and not evaluated(paths) and hold_of(paths) is None:
        shutil.rmtree(paths.directory, ignore_errors=True)
