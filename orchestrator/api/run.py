"""`Run`: what a run has found so far, and what can be done with it."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.api.carrying_out import as_guest, carried_out
from orchestrator.api.keywords import as_overrides
from orchestrator.checkpoint import Checkpoint
from orchestrator.display.logs import LogFormat
from orchestrator.errors import UsageError
from orchestrator.paths import run_paths
from orchestrator.reevaluation.choosing import Candidate
from orchestrator.reevaluation.front import Front
from orchestrator.reevaluation.noise import Luck
from orchestrator.run.cancel import cancel_with_reevaluation
from orchestrator.run.start import go_on
from orchestrator.status import RunStatus, Watcher
from targets.plugins import nearest

if TYPE_CHECKING:
    import pandas as pd

    from orchestrator.report import History
    from orchestrator.report.scene import Figure

_LOG = logging.getLogger(__name__)


class Run:
    """A run directory, of a run that is over, goes on, or was stopped; it is read anew each time.

    Looking at a run neither imports nor executes anything of its model.

    Parameters
    ----------
    directory : pathlib.Path or str
        The run directory, or its ``checkpoint.h5``.

    Raises
    ------
    orchestrator.UsageError
        If there is no run.

    Examples
    --------
    >>> from orchestrator import Run
    >>> run = Run("20261120-104608_Optimization")
    >>> run
    Run('20261120-104608_Optimization'): 12 evaluations, best total score 0.5, generation 1 offspring 2
    """

    def __init__(self, directory: Path | str):
        self._named = Path(directory).expanduser()
        self._paths = run_paths(self._named)

    def __repr__(self) -> str:
        checkpoint = self.checkpoint
        words = f"{len(checkpoint.evaluations())} evaluations"
        best = Luck.of(checkpoint, 1).choice.best
        if best:
            words += f", best {best[0].score_words}, {best[0].name}"
        return f"{type(self).__name__}({str(self._named)!r}): {words}"

    @property
    def directory(self) -> Path:
        """The run directory.

        Examples
        --------
        >>> Run("20261120-104608_Optimization").directory.name
        '20261120-104608_Optimization'
        """
        return self._paths.directory

    @property
    def checkpoint(self) -> Checkpoint:
        """All that was kept: recordings of the best, what the optimiser knew, the configuration.

        Examples
        --------
        >>> Run("20261120-104608_Optimization").checkpoint.target_labels
        ['ReturnedValue(rate)', 'ReturnedValue(cv)']
        """
        return Checkpoint(self._paths.checkpoint)

    @property
    def best(self) -> Candidate:
        """The best evaluation: ``parameters``, ``values`` and ``scores`` by name, ``total_score``.

        Only those that were measured can be best. Once the best were evaluated again under other seeds, it is the one
        with the best mean (``again``).

        Raises
        ------
        orchestrator.UsageError
            If none was measured yet.

        Examples
        --------
        >>> Run("20261120-104608_Optimization").best.parameters
        {'x': 0.35, 'y': 1.0}
        """
        return self.ranked(1)[0]

    def ranked(self, top: int = 10) -> list[Candidate]:
        """Return the best evaluations, the best first; parameters that were tried twice count once.

        Parameters
        ----------
        top : int
            How many, from 1; fewer are returned if there are no more.

        Raises
        ------
        orchestrator.UsageError
            If none was measured yet.

        Examples
        --------
        >>> [each.total_score for each in Run("20261120-104608_Optimization").ranked(3)]
        [0.5, 1.25, 2.0]
        """
        if top < 1:
            raise UsageError(f"ranked(): expected how many of the best, from 1, got {top}")
        return list(Luck.of(self.checkpoint, top).choice.required().best)

    def front(self, *targets: str) -> Front:
        """Return the Pareto front: what no other evaluation is better than in a target without being worse in another.

        Parameters
        ----------
        *targets : str
            Labels of the targets that count, by default all do.

        Returns
        -------
        Front
            Its ``members``, that of the least total score first, and its ``knee``.

        Raises
        ------
        orchestrator.UsageError
            If there is no such target, or none was measured yet.

        Examples
        --------
        >>> front = Run("20261120-104608_Optimization").front()
        >>> [each.total_score for each in front.members], front.knee.total_score
        ([0.5, 1.25], 0.5)
        """
        found = Front.of(self.checkpoint, targets)
        found.choice.required()
        return found

    def evaluations(self) -> pd.DataFrame:
        """Return a row for each evaluation, as `Checkpoint.evaluations` does.

        Examples
        --------
        >>> frame = Run("20261120-104608_Optimization").evaluations()
        >>> frame[["generation", "offspring", "outcome", "total_score", "parameter:x"]].tail(2)
            generation  offspring outcome  total_score  parameter:x
        10           2          2      OK         1.25          0.3
        11           2          3      OK         2.00          0.5
        """
        return self.checkpoint.evaluations()

    @property
    def figures(self) -> Figures:
        """The figures of the report, by name, drawn when they are looked up; a notebook shows one as it is.

        Examples
        --------
        >>> Run("20261120-104608_Optimization").figures["score_by_generation"].title
        'Total score by generation'
        """
        from orchestrator.report.history import History  # noqa: PLC0415  (figures take longer to import than the rest)

        return Figures(History.of(self.checkpoint))

    def report(self, output: Path | str | None = None) -> Path:
        """Write ``report.html``, one file with all figures, and return its path.

        Parameters
        ----------
        output : pathlib.Path or str, optional
            Where to, by default into the run directory.

        Raises
        ------
        OSError
            If it cannot be written.

        Examples
        --------
        >>> Run("20261120-104608_Optimization").report().name
        'report.html'
        """
        from orchestrator.report import write_report  # noqa: PLC0415

        return write_report([self._paths], self._paths.report if output is None else Path(output).expanduser())

    def status(self) -> RunStatus:
        """Return how the run stands: its controller, what is in flight, the best so far, when it will end.

        Examples
        --------
        >>> status = Run("20261120-104608_Optimization").status()
        >>> status.complete, status.controller.state
        (3, 'none')
        """
        return Watcher(self._paths).look()

    def continue_(self, *, progress: bool = True, **keys: object) -> Run:
        """Go on with the run, after it was stopped or killed, or with more evaluations, and return it.

        Finished simulations are collected, living jobs taken over, and only what is missing is simulated.

        Parameters
        ----------
        progress : bool
            As for `optimise`.
        **keys
            Keys of the configuration that change, such as ``max_evaluations=400``: how a run is carried out may; its
            parameters, targets and seeds may not, because it would be another run.

        Raises
        ------
        orchestrator.OrchestratorError
            As `optimise` does; also if another controller has the run.

        Examples
        --------
        >>> run = run.continue_(max_evaluations=18, progress=False)
        >>> len(run.evaluations())
        18
        """
        overrides = as_overrides(keys, of="continue_()")
        carried_out(
            lambda console: go_on(self._paths, overrides, console, LogFormat.AUTO, as_guest=True), progress=progress
        )
        return self

    def cancel(self) -> int:
        """End the run's controller, if there is one, and all of its jobs; it can be continued later.

        A script or a notebook that carries the run out gets `orchestrator.Stopped`, and goes on.

        Returns
        -------
        int
            How many jobs were in flight.

        Raises
        ------
        orchestrator.UsageError
            If its controller cannot be stopped from here: it is this process, or a thread of another program.

        Examples
        --------
        >>> run.cancel()
        0
        """
        with as_guest():
            return cancel_with_reevaluation(self._paths, _LOG.warning)


class Figures(Mapping[str, "Figure"]):
    """The figures that the report of a run shows, by name, in the order of the page.

    Parameters
    ----------
    history : orchestrator.report.History
        Of the run, read once.

    Examples
    --------
    >>> from orchestrator import Run
    >>> figures = Run("20261120-104608_Optimization").figures
    >>> list(figures)[:2]
    ['score_by_generation', 'target_scores']
    >>> figures["parameter_exploration"].save("x.svg", parameter="x").name
    'x.svg'
    """

    def __init__(self, history: History):
        from orchestrator.report.figures.registry import sections_of  # noqa: PLC0415

        self._history = history
        self._kinds = {kind.name: kind for section in sections_of(history) for kind in section.figures}

    def __repr__(self) -> str:
        return f"{type(self).__name__}: {', '.join(self)}"

    def __getitem__(self, name: str) -> Figure:
        if name not in self._kinds:
            raise KeyError(f"there is no figure {name!r} of this run{nearest(name, self._kinds)}")
        return self._kinds[name].draw(self._history)

    def __contains__(self, name: object) -> bool:
        return name in self._kinds

    def __iter__(self) -> Iterator[str]:
        return iter(self._kinds)

    def __len__(self) -> int:
        return len(self._kinds)
