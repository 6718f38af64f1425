"""How far the re-evaluation of a run's best is, and which is best by the mean, from the files that it leaves."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from orchestrator.config.yaml_text import read_mapping
from orchestrator.errors import UsageError
from orchestrator.files import read_text
from orchestrator.jobs.trials.trial import trials_in
from orchestrator.lease import is_held
from orchestrator.paths import ReevaluationPaths, RunPaths
from orchestrator.status.described import ReevaluationStatus, Winner
from orchestrator.status.in_progress import GenerationReader


@dataclass(frozen=True)
class Reevaluated:
    """What the files say.

    Parameters
    ----------
    status : ReevaluationStatus or None
        None if nothing was evaluated again.
    warnings : tuple of str
        Norms that are below the noise.
    """

    status: ReevaluationStatus | None = None
    warnings: tuple[str, ...] = ()


class ReevaluationReader:
    """Reads a run's re-evaluations again if they have changed.

    Parameters
    ----------
    run : RunPaths
        The run.
    """

    def __init__(self, run: RunPaths):
        self._run = run
        self._paths = ReevaluationPaths.of(run)
        self._seen: object = None
        self._known = Reevaluated()
        self._generation: GenerationReader | None = None

    def read(self, now: float, timeout: float) -> Reevaluated:
        """Return what is known at `now`, Unix time in s, if a simulation times out after `timeout` s.

        Raises
        ------
        orchestrator.errors.UsageError
            If a file is not what the program writes.
        """
        if not self._paths.request.is_file():
            return Reevaluated()
        files = (self._paths.request, self._paths.checkpoint, self._paths.config, self._run.checkpoint)
        stats = [file.stat() for file in files if file.exists()]
        seen = [(found.st_ino, found.st_mtime_ns, found.st_size) for found in stats]
        if seen != self._seen:
            self._known, self._generation = self._read()
            self._seen = seen
        status, reader = self._known.status, self._generation
        if status is None or reader is None or status.done == status.simulations:
            return self._known
        found = reader.read(now, timeout)
        status = replace(
            status,
            done=status.done + found.landed,
            running=is_held(self._paths),
            counts=found.counts,
            pending=found.pending,
            deadline=found.deadline,
        )
        return replace(self._known, status=status)

    def _read(self) -> tuple[Reevaluated, GenerationReader | None]:
        # not at once: most who look at a run need none of them
        from orchestrator.checkpoint import Checkpoint  # noqa: PLC0415
        from orchestrator.reevaluation.noise import Luck  # noqa: PLC0415
        from orchestrator.reevaluation.store import ReevaluationRequest, evaluated, missing  # noqa: PLC0415

        request = ReevaluationRequest.read(self._paths)
        if request is None or not self._paths.checkpoint.is_file():
            return Reevaluated(), None
        simulations = len(request.all_tasks)
        luck = Luck.of(Checkpoint(self._run.checkpoint), 1)
        best = luck.choice.best[0] if luck.choice.by_mean else None
        total = best.again.total if best is not None and best.again is not None else None
        winner = None
        if best is not None and total is not None and total.mean is not None:
            sd = math.nan if total.sd is None else total.sd
            winner = Winner(best.generation, best.offspring, total.mean, sd, total.n, best.total_score)
        status = ReevaluationStatus(
            candidates=len(request.candidates),
            seeds=request.seeds,
            simulations=simulations,
            done=simulations - len(missing(request, evaluated(self._paths))),
            winner=winner,
        )
        number = Checkpoint(self._paths.checkpoint).n_generations
        generation = self._paths.generation(number)
        size, trials = self._sizes()
        reader = GenerationReader(generation, number, size=size, trials=trials)
        return Reevaluated(status, tuple(luck.warnings)), reader

    def _sizes(self) -> tuple[int, int]:
        """Return how many offspring a generation has, and how many trials with a job each one of them."""
        try:
            config = read_mapping(read_text(self._paths.config))
        except (OSError, ValueError) as error:
            raise UsageError(f"{self._paths.config}: cannot be read ({error})") from error
        size = config.get("offspring_size")
        return (size if isinstance(size, int) and 0 <= size <= 1_000_000 else 0), trials_in(config)
