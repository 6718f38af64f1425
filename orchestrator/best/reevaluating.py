"""Evaluating the best again under other seeds: from what the user asked for to a report."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

from rich.console import Console

from orchestrator.checking.model_identity import changed_parameters
from orchestrator.checking.problems import identity_differences, load_checked_config
from orchestrator.checkpoint import Checkpoint
from orchestrator.cluster import Cluster, create_cluster
from orchestrator.cluster.environment import leave_allocation
from orchestrator.config.file import load_frozen
from orchestrator.config.model import Config
from orchestrator.display.live import displaying
from orchestrator.display.logs import logging_to
from orchestrator.errors import RunFailed, Stopped, UsageError
from orchestrator.files import set_mode
from orchestrator.lease import Lease, only_controller
from orchestrator.paths import ReevaluationPaths, RunPaths
from orchestrator.reevaluation.choosing import choose
from orchestrator.reevaluation.front import front_options
from orchestrator.reevaluation.reports import Report, report
from orchestrator.reevaluation.store import ReevaluationRequest, evaluated, missing
from orchestrator.run.asked import Asks
from orchestrator.run.cancel import end_all_jobs, end_if_asked
from orchestrator.run.reevaluating import evaluate_again, make_ready, remove_if_empty
from orchestrator.run.signals import listening
from orchestrator.schedules.reevaluation import key_of
from orchestrator.simulations.seeds import originals_of
from orchestrator.status import Watcher
from orchestrator.text import command_line


def last_report(run: RunPaths) -> Report:
    """Return what the last re-evaluation of a run says, without simulating anything.

    Raises
    ------
    orchestrator.errors.UsageError
        If there is none.
    """
    paths = ReevaluationPaths.of(run)
    request = ReevaluationRequest.read(paths)
    if request is None:
        raise UsageError(
            f"{run.directory}: nothing was evaluated again yet; do it with "
            f"{command_line('orchestrator', 'best', run.directory, '--reevaluate', 3, '--seeds', 5)}"
        )
    return report(request, evaluated(paths))


def reevaluate(
    run: RunPaths,
    top: int,
    seeds: int,
    overrides: Sequence[str],
    console: Console,
    *,
    front: Sequence[str] = (),
    force: bool = False,
) -> Report:
    """Evaluate the `top` best of a run again under other seeds, and wait for it.

    What is simulated already, now or by an earlier re-evaluation of the run, is not simulated again. The run itself
    may go on meanwhile.

    Parameters
    ----------
    run : RunPaths
        The run.
    top, seeds : int
        How many of the best evaluations, and how many other seeds for each.
    overrides : sequence of str
        ``dotted.key=value`` each; what the optimisation was may not change.
    console : rich.console.Console
        For the log and the display.
    front : sequence of str
        Labels of targets: if there are any, only what is on their Pareto front counts.
    force : bool
        Whether to end another re-evaluation of the run that is unfinished.

    Raises
    ------
    orchestrator.errors.OrchestratorError
        If it cannot start or go on.
    """
    config = _checked(run, overrides)
    paths = ReevaluationPaths.of(run)
    _refuse_other_names(paths, [*config.searched, *config.simulation.seeds])
    request = _going_on(paths, config, top, seeds, tuple(front))
    if request is not None:
        console.print(_going_on_words(request, len(missing(request, evaluated(paths)))))
    else:
        choice = choose(Checkpoint(run.checkpoint), top, front=front).required()
        if len(choice.best) < top:
            console.print(choice.note)
        number = sum(choice.outcomes.values())
        request = ReevaluationRequest(top, seeds, _originals(config), choice.best, number, tuple(front))
    if not missing(request, evaluated(paths)):
        request.write(paths)
        return report(request, evaluated(paths))
    allocation = leave_allocation()
    set_mode(config.run_mode)
    paths.directory.mkdir(exist_ok=True)
    of_front = front_options(front, Checkpoint(run.checkpoint).target_labels)
    to_go_on = command_line("orchestrator", "best", run.directory, "--reevaluate", top, "--seeds", seeds, *of_front)
    try:
        with (
            only_controller(paths, allocation.get("SLURM_JOB_ID", ""), console.print) as lease,
            logging_to(paths.log, console),
            listening() as signals,
        ):
            lease.call_on_loss(signals.stop.set)
            cluster = create_cluster(config, signals.stop, lease.confirm)
            _clear(paths, make_ready(config, paths, request), request, cluster, lease, force=force)
            try:
                with displaying(Watcher(paths), console):
                    evaluate_again(request, config, paths, cluster, stop=signals.stop, confirm=lease.confirm)
            except Stopped as error:
                lease.confirm()
                jobs = end_if_asked([paths], cluster, signals, console, lease.confirm)
                message = f"stopped while the best were evaluated again. {jobs}; go on with\n  {to_go_on}"
                raise Stopped(message) from error
            except OSError as error:
                place = error.filename or paths.directory
                message = f"{place}: {error.strerror or error}. Nothing is lost; fix it and go on with\n  {to_go_on}"
                raise RunFailed(message) from error
    finally:
        remove_if_empty(paths)
    return report(request, evaluated(paths))


def _checked(run: RunPaths, overrides: Sequence[str]) -> Config:
    """Return the run's configuration, changed as far as its circumstances may change."""
    config = load_checked_config(run.config, overrides)
    frozen = load_frozen(run.checkpoint, Checkpoint(run.checkpoint).config_text)
    # a run whose model has seeds of its own may be told here which parameters hold them
    unnamed = not frozen.simulation.seeds
    differences = [
        line for line in identity_differences(config, frozen) if not (unnamed and line.startswith("simulation.seeds"))
    ]
    if differences:
        listed = "\n  ".join(differences)
        raise UsageError(
            f"{run.config}, or --set: what the optimiser saw was evaluated with another configuration, says "
            f"{run.checkpoint.name}:\n  {listed}\n"
            "Only how it is carried out may change, such as timeout, executor, jobs and slurm"
        )
    if lines := changed_parameters(config, run):
        listed = "\n  ".join(lines)
        raise UsageError(
            f"{run.directory}: what the optimiser saw was simulated with other parameters of the model:\n  {listed}\n"
            "Put them back"
        )
    own = config.simulation.seeds
    if not own:
        raise UsageError(
            f"{run.config}: simulation.seeds is empty, so that there are no seeds to change. Name what holds the seeds "
            f"of the optimisation, and their values: --set 'simulation.seeds={{{config.simulation.seed_example}}}'"
        )
    if both := sorted(set(own) & set(config.given().names)):
        raise UsageError(
            f"{run.config}: {', '.join(both)} is among parameters and among simulation.seeds: it can be only one"
        )
    return config


def _refuse_other_names(paths: ReevaluationPaths, names: list[str]) -> None:
    """Refuse seeds of other names than those of earlier re-evaluations: theirs would be taken for these."""
    if paths.checkpoint.is_file() and (before := Checkpoint(paths.checkpoint).parameter_names) != names:
        raise UsageError(
            f"{paths.checkpoint}: holds evaluations of {', '.join(before)}; this would be of {', '.join(names)}. Name "
            f"the same seeds, or move {paths.directory} away"
        )


def _originals(config: Config) -> dict[str, int]:
    return originals_of(config.simulation.seeds, config.optimiser_seed)


def _going_on(
    paths: ReevaluationPaths, config: Config, top: int, seeds: int, front: tuple[str, ...]
) -> ReevaluationRequest | None:
    """Return the last request if the same is asked for and it is unfinished; the best may be others by now."""
    last = ReevaluationRequest.read(paths)
    asked = (top, seeds, _originals(config), front)
    if last is None or (last.top, last.seeds, dict(last.originals), last.front) != asked:
        return None
    return last if missing(last, evaluated(paths)) else None


def _going_on_words(request: ReevaluationRequest, left: int) -> str:
    return (
        f"Going on with the re-evaluation of the best of {request.evaluations} evaluations: {left} of "
        f"{len(request.all_tasks)} simulations are missing."
    )


def _clear(
    paths: ReevaluationPaths, asks: Asks, request: ReevaluationRequest, cluster: Cluster, lease: Lease, *, force: bool
) -> None:
    """Refuse, or end, what is in flight and not asked for; refuse what is with another executor."""
    checkpoint = Checkpoint(paths.checkpoint)
    number, wanted = checkpoint.n_generations, {key_of(task) for task in request.all_tasks}
    in_flight = asks.recorded(number).offspring
    foreign = [offspring for offspring in in_flight if key_of(offspring.parameters) not in wanted]
    if foreign and not force:
        last = ReevaluationRequest.read(paths)
        asked = f"--reevaluate {last.top} --seeds {last.seeds}" if last else "another one"
        raise UsageError(
            f"{paths.directory}: a re-evaluation is unfinished ({asked}). Go on with that one, or add --force to end "
            "its jobs and lose what they have not delivered yet"
        )
    asks.require_executor(checkpoint, cluster.name)
    if foreign:
        end_all_jobs(paths, cluster, lease.confirm)
        lease.confirm()
        shutil.rmtree(paths.generation(number).directory, ignore_errors=True)
