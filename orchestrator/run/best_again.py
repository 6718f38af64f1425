"""The best of a run, evaluated again by its own controller: when the search ends, and once when it has closed in."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Sequence
from types import TracebackType

import numpy as np

from orchestrator.checkpoint import Checkpoint
from orchestrator.cluster import Cluster
from orchestrator.config.model import Config
from orchestrator.config.reevaluate import NONE, SHARE_AT_THE_END, SHARE_BEFORE, candidates_and_seeds
from orchestrator.errors import RunFailed, Stopped, UsageError
from orchestrator.lease import STOPPED_BY, only_controller
from orchestrator.paths import ReevaluationPaths, RunPaths
from orchestrator.reevaluation.choosing import choose
from orchestrator.reevaluation.noise import Luck
from orchestrator.reevaluation.store import ReevaluationRequest, evaluated, missing
from orchestrator.run.evaluating import require_same_model
from orchestrator.run.reevaluating import evaluate_again, make_ready, remove_if_empty
from orchestrator.simulations.seeds import originals_of

_LOG = logging.getLogger(__name__)
# in the unit cube: a search that varies parameters by less than a twentieth of their ranges has closed in
_CLOSED_IN = 0.05


class BestAgain:
    """Does what ``reevaluate`` says; a context, which keeps what it holds until it is left if it was interrupted.

    Parameters
    ----------
    config : Config
        Of the run.
    paths : RunPaths
        The run; this process is its controller.
    cluster : Cluster
        Runs the jobs; of the run, too.
    job_id : str
        SLURM job of this process, empty if there is none.
    stop : threading.Event
        Set to stop early.
    confirm : callable
        Raises `orchestrator.errors.Stopped` if another controller has taken the run over.
    say : callable
        Told why it takes a while.
    stopped_by : str
        As for `orchestrator.lease.only_controller`.
    """

    def __init__(
        self,
        config: Config,
        paths: RunPaths,
        cluster: Cluster,
        *,
        job_id: str,
        stop: threading.Event,
        confirm: Callable[[], object],
        say: Callable[[str], object],
        stopped_by: str = STOPPED_BY,
    ):
        self._config = config
        self._run = paths
        self._paths = ReevaluationPaths.of(paths)
        self._cluster = cluster
        self._job_id = job_id
        self._stop = stop
        self._confirm = confirm
        self._say = say
        self._stopped_by = stopped_by
        self._sigmas: list[float] = []
        self._leases = contextlib.ExitStack()
        self.held: Sequence[RunPaths] = ()

    def __enter__(self) -> BestAgain:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._leases.__exit__(kind, error, at)
        if self._paths.directory.is_dir():
            with contextlib.suppress(UsageError):
                remove_if_empty(self._paths)

    def between_generations(self) -> None:
        """Evaluate the best again if the last generation in the checkpoint is the first after which sigma was low.

        Nothing of the run is in flight. What comes of it is not told to the optimiser: the search goes on as it would
        have.
        """
        if self._config.reevaluate == NONE or not self._seeds:
            return
        sigmas = Checkpoint(self._run.checkpoint).distribution(len(self._sigmas)).get("sigma", np.zeros(0))
        if sigmas.ndim == 1:
            self._sigmas += sigmas.tolist()
        if has_just_closed_in(self._sigmas):
            self._evaluate(SHARE_BEFORE, f"sigma has come down to {self._sigmas[-1]:.3g}")
            self._tell()

    def at_the_end(self, reason: str) -> None:
        """Evaluate the best again when nothing more is searched, and say which is best by the mean, and what is noise.

        Parameters
        ----------
        reason : str
            Why the search has ended.

        Raises
        ------
        orchestrator.errors.Stopped
            If it was stopped; a controller that continues the run goes on with it.
        orchestrator.errors.RunFailed
            If the best cannot be evaluated again.
        """
        if self._config.reevaluate != NONE and not self._seeds:
            _LOG.info("nothing is evaluated again at the end: simulation.seeds names no seeds that are not searched")
        self._evaluate(SHARE_AT_THE_END, f"the search has ended ({reason})")
        self._tell()

    @property
    def _seeds(self) -> dict[str, int]:
        """The seeds that can be others, by name: what the parameters give cannot."""
        originals = originals_of(self._config.simulation.seeds, self._config.optimiser_seed)
        return {name: seed for name, seed in originals.items() if name not in self._config.given().names}

    def _evaluate(self, share: float, why: str) -> None:
        """Evaluate what is missing, of the best that there are now."""
        run, originals = Checkpoint(self._run.checkpoint), self._seeds
        evaluations = sum(len(block.points) for block in run.told())
        top, seeds = candidates_and_seeds(self._config.reevaluate, evaluations, share)
        best = choose(run, top).best if originals and top else ()
        if not best:
            return
        request = ReevaluationRequest(top, seeds, originals, best, evaluations)
        try:
            if left := len(missing(request, evaluated(self._paths))):
                _LOG.info(
                    "%s: the best %d of %d evaluations again, under %d other seeds each: %d simulations",
                    *(why, len(best), evaluations, seeds, left),
                )
                self._carry_out(request)
            else:
                request.write(self._paths)
        except Stopped as error:
            raise Stopped("stopped while the best were evaluated again") from error
        except (RunFailed, UsageError) as error:
            raise RunFailed(
                f"the best cannot be evaluated again: {error}\nThe search itself is whole. Fix it and continue; or "
                "continue with --set reevaluate=none, which leaves it out"
            ) from error

    def _carry_out(self, request: ReevaluationRequest) -> None:
        paths = self._paths
        paths.directory.mkdir(exist_ok=True)
        try:
            lease = self._leases.enter_context(only_controller(paths, self._job_id, self._say, self._stopped_by))
        except UsageError as error:
            _LOG.warning("the best are not evaluated again by this controller: %s", error)
            return
        self.held = (paths,)
        lease.call_on_loss(self._stop.set)

        def confirm() -> None:
            self._confirm()
            lease.confirm()

        asks = make_ready(self._config, paths, request)
        asks.require_executor(Checkpoint(paths.checkpoint), self._cluster.name)
        evaluate_again(
            request,
            self._config,
            paths,
            self._cluster,
            stop=self._stop,
            confirm=confirm,
            before=lambda _: require_same_model(self._config, self._run),
        )
        self._leases.close()
        self.held = ()
        if left := len(missing(request, evaluated(paths))):
            _LOG.warning("%d of these simulations did not finish, and count for nothing", left)

    def _tell(self) -> None:
        """Say which is best by the mean, and which norms are below the noise."""
        try:
            luck = Luck.of(Checkpoint(self._run.checkpoint), 1)
        except UsageError as error:
            _LOG.warning("%s", error)
            return
        for candidate in luck.choice.best if luck.choice.by_mean else ():
            _LOG.info("best by the mean: %s, %s", candidate.name, candidate.score_words)
        for warning in luck.warnings:
            _LOG.warning("%s", warning)


def has_just_closed_in(sigmas: Sequence[float]) -> bool:
    """Return whether the last of a search's step sizes, one for each generation, is the first below 0.05.

    A search that begins with less has not come down.
    """
    low = [sigma < _CLOSED_IN for sigma in sigmas]
    falls = [n for n in range(1, len(low)) if low[n] and sigmas[n - 1] >= _CLOSED_IN]
    return bool(falls) and falls[0] == len(low) - 1
