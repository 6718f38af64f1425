"""What follows from attempts that say nothing about the parameters: wait, avoid a node, or stop the run."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from orchestrator.cluster import SubmissionFailed
from orchestrator.errors import RunFailed
from orchestrator.jobs.entries import Entries, Entry, Stage, Terms, said_of
from orchestrator.jobs.submissions import Loss
from orchestrator.jobs.verdicts import failure
from orchestrator.records import Outcome, Result
from orchestrator.simulations.phases import Phase, phases

_LOG = logging.getLogger(__name__)
# so many offspring that cannot even start, if none does, mean that none will
_ENOUGH = 3
# longest pause before the next attempt, in s
_LONGEST_PAUSE = 600.0


class Retries:
    """Keeps count of lost attempts.

    Parameters
    ----------
    terms : Terms
        How many attempts there are before a run of which nothing has ever worked ends.
    first : bool
        Whether no simulation of the run has worked yet: it may show that nothing works at all.
    one_node : bool
        Whether there is only one node to run on.
    """

    def __init__(self, terms: Terms, *, first: bool, one_node: bool):
        self._terms = terms
        self._nothing_worked = first
        self._one_node = one_node
        self._refusal = ""
        self._limited = False
        self._unstartable: dict[tuple[int, int], Result] = {}
        # nodes on which a simulation could not be started, and when that is forgotten, in s of `time.monotonic`:
        # somebody may have repaired them
        self._bad_nodes: dict[str, float] = {}
        # nodes on which a simulation has run since the last generation began
        self._good_lately: set[str] = set()

    def begin_generation(self) -> None:
        """Note that a generation begins: a node that has worked before it may be broken now."""
        self._good_lately = set()

    def worked(self, result: Result) -> None:
        """Note that a simulation has run."""
        self._nothing_worked = False
        if result.host:
            self._good_lately.add(result.host)

    def lost(self, entry: Entry, result: Result, node: str = "") -> None:
        """Note that an attempt was lost.

        Parameters
        ----------
        entry : Entry
            Whose attempt.
        result : Result
            What became of it.
        node : str
            The node that died under it, empty if none did.
        """
        outcome = result.outcome
        entry.folder.journal.lost(entry.index, Loss(outcome, result.message, node))
        _LOG.warning("%s: attempt lost, %s", entry, said_of(result, result.job_id, result.host))
        entry.not_before = time.monotonic() + min(2.0 ** len(entry.history.losses), _LONGEST_PAUSE)
        if outcome is Outcome.LAUNCH_FAILED:
            # what has ended while nobody watched may start now
            if not entry.deadline.in_doubt(entry.index):
                self._unstartable[entry.key] = result
            self._bad_nodes[result.host] = time.monotonic() + self._terms.timeout

    def refused(self, entries: Sequence[Entry], error: SubmissionFailed, pause: float) -> None:
        """Note that a submission failed; if the executor was not there, it is repeated after a `pause` in s."""
        if not error.transient:
            # what is asked for may be impossible because of the nodes that are to be avoided
            self._bad_nodes.clear()
            for entry in entries:
                self.lost(entry, Result(Outcome.SUBMIT_FAILED, message=str(error)))
            return
        self._wait(entries, error, pause)
        if str(error) != self._refusal:
            generation = entries[0].offspring.generation
            _LOG.warning("generation %d: nothing submitted, trying again: %s", generation, error)
        self._refusal = str(error)

    def limited(self, entries: Sequence[Entry], error: SubmissionFailed, pause: float) -> None:
        """Note that the executor takes no more jobs of this user for now; a smaller number is tried after a `pause`."""
        self._wait(entries, error, pause)
        if not self._limited:
            said = "generation %d: so many jobs are not taken; smaller arrays are tried, and the rest as jobs end: %s"
            _LOG.warning(said, entries[0].offspring.generation, error)
        self._limited = True

    @staticmethod
    def _wait(entries: Sequence[Entry], error: SubmissionFailed, pause: float) -> None:
        for entry in entries:
            entry.not_before, entry.refusal = time.monotonic() + pause, str(error)

    def accepted(self) -> None:
        """Note that a submission was taken: if the next one is refused, that is told again."""
        self._refusal = ""

    @property
    def avoid(self) -> set[str]:
        """Nodes on which simulations could not be started, as long as the executor has others."""
        now = time.monotonic()
        return {node for node, until in self._bad_nodes.items() if node and until > now} - self._good_lately

    def stop_if_nothing_works(self, entries: Entries) -> None:
        """End the run rather than try until the deadline, if nothing of it has ever worked and nothing is in flight.

        Raises
        ------
        RunFailed
            If no simulation can be started, or each was lost as often as it may be.
        """
        if self._nothing_worked:
            self._stop_if_all_are_lost(entries)
            self._stop_if_nothing_can_start(entries)

    def _stop_if_all_are_lost(self, entries: Entries) -> None:
        losses = [entry.history.losses for entry in entries]
        least = min(map(len, losses), default=0)
        if least <= self._terms.retries or any(entry.stage is not Stage.WAITING for entry in entries):
            return
        outcomes = {loss.outcome for each in losses for loss in each}
        what = "nothing could be submitted" if outcomes == {Outcome.SUBMIT_FAILED} else "no simulation has worked"
        raise RunFailed(f"{what} in {least} attempts{self._where}: {losses[-1][-1].reason}")

    def _stop_if_nothing_can_start(self, entries: Entries) -> None:
        if not self._unstartable:
            return
        if any(entry.stage is Stage.LANDED or not entry.deadline.settled for entry in entries):
            return
        if any(Phase.BUILDING in phases(entry.paths) for entry in entries.watched()):
            return
        size, failed = len(entries), len(self._unstartable)
        nodes = {result.host for result in self._unstartable.values()}
        # one node that starts nothing among others that do draws all jobs to itself
        if (self._one_node or len(nodes) > 1) and failed >= min(_ENOUGH, size):
            what = f"no simulation can be started{self._where}"
            raise RunFailed(failure(what, list(self._unstartable.values())[-1]))

    @property
    def _where(self) -> str:
        nodes = sorted({result.host for result in self._unstartable.values() if result.host})
        return f" on {', '.join(nodes)}" if nodes else ""
