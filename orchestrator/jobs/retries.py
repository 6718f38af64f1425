"""What follows from attempts that say nothing about the parameters: wait, avoid a node, or stop the run."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence

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
        How many attempts there are.
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
        self._unstartable: dict[tuple[int, int], Result] = {}
        # nodes on which a simulation could not be started, and when that is forgotten: somebody may have repaired them
        self._bad_nodes: dict[str, float] = {}
        # nodes on which a simulation has run, in this run and since its last generation began
        self._good_nodes: set[str] = set()
        self._good_lately: set[str] = set()

    def begin_generation(self) -> None:
        """Note that a generation begins: a node that has worked before it may be broken now."""
        self._good_lately = set()

    def worked(self, result: Result) -> None:
        """Note that a simulation has run."""
        self._nothing_worked = False
        if result.host:
            self._good_nodes.add(result.host)
            self._good_lately.add(result.host)

    def lost(self, entry: Entry, result: Result, node: str, others: Iterable[Entry]) -> None:
        """Note that an attempt was lost.

        Parameters
        ----------
        entry : Entry
            Whose attempt.
        result : Result
            What became of it.
        node : str
            The node that died under it, empty if none did.
        others : iterable of Entry
            All that are in the pool.

        Raises
        ------
        RunFailed
            If the executor refuses all that was ever submitted.
        """
        outcome = result.outcome
        entry.folder.journal.lost(entry.index, Loss(outcome, result.message, node))
        _LOG.warning("%s: attempt lost, %s", entry, said_of(result, result.job_id))
        losses = len(entry.history.losses)
        entry.not_before = time.time() + min(2.0**losses, _LONGEST_PAUSE)
        if outcome is Outcome.LAUNCH_FAILED:
            self._unstartable[entry.key] = result
            self._bad_nodes[result.host] = time.time() + self._terms.timeout
        accepted = not self._nothing_worked or any(other.history.submissions for other in others)
        if outcome is Outcome.SUBMIT_FAILED and losses > self._terms.retries and not accepted:
            raise RunFailed(failure(f"nothing could be submitted in {losses} attempts", result))

    def is_given_up(self, entry: Entry) -> bool:
        """Return whether an offspring is not tried again after its last loss."""
        return entry.history.is_given_up(self._terms.retries)

    def refused(self, entries: Sequence[Entry], error: SubmissionFailed, pause: float, others: Iterable[Entry]) -> None:
        """Note that a submission failed; if the executor was not there, it is repeated after a `pause` in s.

        Raises
        ------
        RunFailed
            If the executor refuses all that was ever submitted.
        """
        if not error.transient:
            for entry in entries:
                self.lost(entry, Result(Outcome.SUBMIT_FAILED, message=str(error)), "", others)
            return
        for entry in entries:
            entry.not_before = time.time() + pause
        if str(error) != self._refusal:
            generation = entries[0].offspring.generation
            _LOG.warning("generation %d: nothing submitted, trying again: %s", generation, error)
        self._refusal = str(error)

    def accepted(self) -> None:
        """Note that a submission was taken: if the next one is refused, that is told again."""
        self._refusal = ""

    @property
    def avoid(self) -> set[str]:
        """Nodes on which simulations could not be started, if others are known to work."""
        now = time.time()
        bad = {node for node, until in self._bad_nodes.items() if node and until > now} - self._good_lately
        return bad if self._good_nodes - bad else set()

    def stop_if_nothing_can_start(self, entries: Entries) -> None:
        """End the run rather than try all of it several times, if nothing has started, runs, or may yet be found.

        Raises
        ------
        RunFailed
            If no simulation can be started.
        """
        if not self._unstartable or not self._nothing_worked:
            return
        if any(entry.stage is Stage.LANDED or not entry.deadline.settled for entry in entries):
            return
        if any(Phase.BUILDING in phases(entry.paths) for entry in entries.watched()):
            return
        size, failed = len(entries), len(self._unstartable)
        several = self._one_node or len(self._bad_nodes) > 1 or failed == size
        if several and failed >= min(_ENOUGH, size):
            raise RunFailed(failure("no simulation can be started", list(self._unstartable.values())[-1]))
