"""What follows from attempts that say nothing about the parameters: wait, avoid a node, or stop the run."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from orchestrator.cluster import SubmissionFailed
from orchestrator.errors import RunFailed
from orchestrator.jobs.attempts import Loss, Terms
from orchestrator.jobs.journal import Journal
from orchestrator.jobs.verdicts import failure
from orchestrator.records import Generation, Outcome, Result

_LOG = logging.getLogger(__name__)
# so many offspring that cannot even start, where none does, mean that none will
_HOPELESS = 3
# longest pause before the next attempt, in s
_LONGEST_PAUSE = 600.0


class Setbacks:
    """Keeps count of one generation's lost attempts.

    Parameters
    ----------
    journal : Journal
        Remembers them.
    terms : Terms
        How many attempts there are.
    generation : Generation
        The first of a run may show that nothing works at all.
    one_node : bool
        Whether there is only one node to run on.
    """

    def __init__(self, journal: Journal, terms: Terms, generation: Generation, *, one_node: bool):
        self._journal = journal
        self._terms = terms
        self._number = generation.number
        self._size = len(generation.offspring)
        self._nothing_worked = generation.number == 0
        self._one_node = one_node
        self._not_before: dict[int, float] = {}
        self._refusal = ""
        self._unstartable: dict[int, Result] = {}
        self._bad_nodes: set[str] = set()
        self._good_nodes: set[str] = set()

    def worked(self, result: Result) -> None:
        """Note that a simulation has run."""
        self._nothing_worked = False
        self._good_nodes.add(result.host)

    def lost(self, index: int, result: Result, node: str = "") -> None:
        """Note that an attempt of an offspring was lost, and the `node` that died under it, if one did.

        Raises
        ------
        RunFailed
            Where the executor refuses all that was ever submitted.
        """
        outcome = result.outcome
        self._journal.lost(index, Loss(outcome, result.message, node))
        lost = f"attempt lost, {outcome.value}: {result.message}"
        _LOG.warning("generation %d offspring %d: %s", self._number, index, lost)
        losses = len(self._journal.history(index).losses)
        self._not_before[index] = time.time() + min(2.0**losses, _LONGEST_PAUSE)
        if outcome is Outcome.LAUNCH_FAILED:
            self._unstartable[index] = result
            self._bad_nodes.add(result.host)
        if outcome is Outcome.SUBMIT_FAILED and losses > self._terms.retries and self._nothing_was_accepted:
            raise RunFailed(failure(f"nothing could be submitted in {losses} attempts", result))

    def gives_up(self, index: int) -> bool:
        """Return whether an offspring is not tried again after its last loss."""
        return self._journal.history(index).is_given_up(self._terms.retries)

    @property
    def _nothing_was_accepted(self) -> bool:
        submissions = (history.submissions for history in self._journal.histories.values())
        return self._nothing_worked and not any(submissions)

    def refused(self, indices: Sequence[int], error: SubmissionFailed, pause: float) -> None:
        """Note that a submission failed; where the executor was not there, it is repeated after a `pause` in s.

        Raises
        ------
        RunFailed
            Where the executor refuses all that was ever submitted.
        """
        if error.transient:
            self._not_before.update(dict.fromkeys(indices, time.time() + pause))
            if str(error) != self._refusal:
                _LOG.warning("generation %d: nothing submitted, trying again: %s", self._number, error)
            self._refusal = str(error)
            return
        for index in indices:
            self.lost(index, Result(Outcome.SUBMIT_FAILED, message=str(error)))

    def may_submit(self, index: int) -> bool:
        """Return whether an offspring has waited for long enough."""
        return self._not_before.get(index, 0.0) <= time.time()

    @property
    def avoid(self) -> set[str]:
        """Nodes on which simulations could not be started, where others are known to work."""
        return self._bad_nodes - self._good_nodes - {""} if self._good_nodes else set()

    @property
    def cannot_start(self) -> bool:
        """Whether any simulation could not be started."""
        return bool(self._unstartable)

    def refuse_the_hopeless(self) -> None:
        """Stop where nothing can start, rather than try all of it several times; called where nothing is running."""
        failed = len(self._unstartable)
        several = self._one_node or len(self._bad_nodes) > 1 or failed == self._size
        if self._nothing_worked and several and failed >= min(_HOPELESS, self._size):
            raise RunFailed(failure("no simulation can be started", list(self._unstartable.values())[-1]))
