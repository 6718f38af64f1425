"""The main job: sample, submit, check, score, tell, append."""

from __future__ import annotations

import json
import logging
import math
import platform
import shutil
import threading
from collections.abc import Callable, Sequence
from importlib.metadata import version

import numpy as np

from orchestrator import __version__
from orchestrator.checking.model_identity import changed_files, changed_parameters, keep_model
from orchestrator.checkpoint import Checkpoint
from orchestrator.cluster import Cluster
from orchestrator.config.file import dump_config
from orchestrator.config.model import Config
from orchestrator.errors import RunFailed
from orchestrator.files import write_json
from orchestrator.jobs.attempts import Landed, Terms
from orchestrator.jobs.cleanup import Wake
from orchestrator.jobs.measuring_pool import MeasuringPool
from orchestrator.jobs.pool import Flight
from orchestrator.jobs.queue_note import QueueNotes
from orchestrator.jobs.tasks import scored, task_file
from orchestrator.optimisers import Optimiser, create_optimiser
from orchestrator.optimisers.base import Told, same_points
from orchestrator.paths import RunPaths
from orchestrator.records import Evaluation, Generation, Offspring, Outcome
from orchestrator.simulations import simulation_of
from targets import Target

_LOG = logging.getLogger(__name__)


class Controller:
    """Runs one optimisation to its end.

    Parameters
    ----------
    config : Config
        Checked, with a start value for every parameter.
    paths : RunPaths
        The run's files; the checkpoint exists.
    cluster : Cluster
        Runs the offspring.
    stop : threading.Event
        Set to stop early.
    confirm : callable
        Raises `Stopped` where another controller has taken the run over.
    appended : callable
        Called whenever a generation has been added to the checkpoint.
    """

    def __init__(
        self,
        config: Config,
        paths: RunPaths,
        cluster: Cluster,
        *,
        stop: threading.Event,
        confirm: Callable[[], object],
        appended: Callable[[], object] = lambda: None,
    ):
        self._config = config
        self._paths = paths
        self._cluster = cluster
        self._stop = stop
        self._confirm = confirm
        self._appended = appended
        self._space = config.space()
        self._targets: list[Target] = config.create_targets()
        self._simulation = simulation_of(config)
        self._checkpoint = Checkpoint(paths.checkpoint)
        self._wake = Wake(config, paths, cluster)
        self._best: list[float] = []

    def run(self) -> str:
        """Optimise; return why it ended.

        Raises
        ------
        orchestrator.jobs.pool.Stopped
            Where `stop` was set; the run can be continued.
        RunFailed
            Where it cannot go on.
        """
        optimiser, number = self._replay()
        self._wake.leave(number)
        for name in changed_files(self._config, self._paths):
            _LOG.warning(
                "%s has changed since the run began: evaluations from now on are made with what it is now", name
            )
        while (reason := self._reason_to_stop(optimiser, number)) is None:
            self._require_same_model()
            generation = self._sample(optimiser, number)
            landed = self._fly(generation)
            pairs = zip(generation.offspring, landed, strict=True)
            evaluations = [scored(self._targets, *pair) for pair in pairs]
            self._warn_of_missing_values(evaluations)
            self._confirm()
            self._checkpoint.append(evaluations, optimiser.state())
            optimiser.tell(_told(evaluations))
            self._note(number, [evaluation.total_score for evaluation in evaluations])
            self._appended()
            number += 1
            self._wake.leave(number)
        self._wake.settle()
        return reason

    def _reason_to_stop(self, optimiser: Optimiser, number: int) -> str | None:
        if number >= self._config.max_ngen:
            return f"max_ngen of {self._config.max_ngen} generations reached"
        reason = optimiser.stop() if number else None
        return f"the optimiser has converged ({reason})" if reason else None

    def _replay(self) -> tuple[Optimiser, int]:
        """Rebuild the optimiser by telling it again what the checkpoint says it was told."""
        config = self._config
        optimiser = create_optimiser(
            config.optimiser.method,
            start=self._space.encode(config.optimiser_centroid),
            steps=self._space.steps,
            sigma=config.optimiser_sigma,
            size=config.offspring_size,
            seed=config.optimiser_seed,
        )
        history = self._checkpoint.told()
        for number, told in enumerate(history):
            if not same_points(optimiser.ask(), told.points):
                raise RunFailed(
                    f"{self._paths.checkpoint}: replaying generation {number} asks other points than it did. "
                    f"The run was made with {self._checkpoint.versions}; continue it with these versions"
                )
            optimiser.tell(told)
            self._remember([math.fsum(row) for row in told.scores])
        if history:
            _LOG.info("continuing after %d generations, best total score %.4g", len(history), min(self._best))
        return optimiser, len(history)

    def _require_same_model(self) -> None:
        """Refuse to go on where somebody has changed the model's parameters, for another optimisation perhaps."""
        if lines := changed_parameters(self._config, self._paths):
            listed = "\n  ".join(lines)
            raise RunFailed(
                f"the model's parameters were changed while the run went on:\n  {listed}\n"
                "Put them back and continue; simulations that began meanwhile were made with the changed ones"
            )

    def _sample(self, optimiser: Optimiser, number: int) -> Generation:
        points = optimiser.ask()
        paths = self._paths.generation(number)
        if paths.record.exists():
            # what is in flight has these points, whatever the rounding of the processor that asks again
            recorded = np.array(json.loads(paths.record.read_text(encoding="utf-8"))["points"])
            if not same_points(points, recorded):
                raise RunFailed(
                    f"{paths.record}: the generation in flight has other points than the optimiser asks now"
                )
            points = recorded
        else:
            paths.directory.mkdir(parents=True, exist_ok=True)
            write_json(paths.record, {"generation": number, "points": points.tolist()})
        offspring = [
            Offspring(number, index, tuple(float(x) for x in point), self._space.decode(point))
            for index, point in enumerate(points)
        ]
        return Generation(number, offspring)

    def _fly(self, generation: Generation) -> list[Landed]:
        name = f"{self._paths.job_name}-g{generation.number}"
        terms = Terms(self._config.timeout, self._config.jobs.retries, name)
        paths, how = self._paths.generation(generation.number), self._simulation.task()
        notes = QueueNotes(paths.queue)
        flight = Flight(
            generation,
            paths,
            self._cluster,
            terms,
            task_of=lambda index, attempt: task_file(self._config, how, paths, generation.offspring[index], attempt),
            measuring=MeasuringPool(self._config.measuring_processes, self._config.timeout),
            wake=self._wake,
            stop=self._stop,
            report=lambda statuses, _deadline: notes.note(statuses),
        )
        try:
            return flight.bring_in()
        except RunFailed:
            # nothing of this generation is worth keeping unless something of it was simulated
            if not flight.has_landed:
                shutil.rmtree(paths.directory, ignore_errors=True)
            raise

    def _warn_of_missing_values(self, evaluations: Sequence[Evaluation]) -> None:
        """Say which targets have no value at all: some are for silent networks, others are mistakes."""
        good = [evaluation for evaluation in evaluations if evaluation.result.outcome is Outcome.OK]
        for n, target in enumerate(self._targets):
            if good and all(math.isnan(evaluation.values[n]) for evaluation in good):
                reason = good[0].result.reasons.get(target.label, "")
                _LOG.warning("target %s has no value in any offspring of this generation: %s", target.label, reason)

    def _note(self, number: int, totals: Sequence[float]) -> None:
        self._remember(totals)
        _LOG.info(
            "generation %d done: best total score %.4g, mean %.4g; best so far %.4g",
            number,
            min(totals),
            float(np.mean(totals)),
            min(self._best),
        )

    def _remember(self, totals: Sequence[float]) -> None:
        self._best.append(min(totals))


def create_run(config: Config, paths: RunPaths) -> None:
    """Write the frozen configuration and an empty checkpoint."""
    text = dump_config(config, paths.directory)
    paths.config.write_text(text, encoding="utf-8")
    keep_model(config, paths)
    labels = [target.label for target in config.create_targets()]
    names = list(config.parameters)
    Checkpoint.create(paths.checkpoint, config=text, parameters=names, targets=labels, versions=versions())


def versions() -> dict[str, str]:
    """Return the versions that decide whether a run can be replayed."""
    return {
        "orchestrator": __version__,
        "python": platform.python_version(),
        "cma": version("cma"),
        "numpy": version("numpy"),
    }


def _told(evaluations: Sequence[Evaluation]) -> Told:
    return Told(
        points=np.array([evaluation.offspring.point for evaluation in evaluations]),
        values=np.array([evaluation.values for evaluation in evaluations]),
        scores=np.array([evaluation.scores for evaluation in evaluations]),
        outcomes=[evaluation.result.outcome for evaluation in evaluations],
    )
