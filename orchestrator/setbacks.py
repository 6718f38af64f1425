"""What follows from attempts that say nothing about the parameters: wait, avoid a node, or stop the run."""

from __future__ import annotations

import time
from collections.abc import Iterable

from orchestrator.attempts import Terms
from orchestrator.errors import RunFailed
from orchestrator.records import Generation, Outcome, Result
from orchestrator.verdicts import failure

# so many offspring that cannot even start, where none does, mean that none will
_HOPELESS = 3
# longest pause before the next attempt, in s
_LONGEST_PAUSE = 600.0


class Setbacks:
    """Keeps count of one generation's lost attempts.

    Parameters
    ----------
    terms : Terms
        How many attempts there are.
    generation : Generation
        The first of a run may show that nothing works at all.
    one_node : bool
        Whether there is only one node to run on.
    """

    def __init__(self, terms: Terms, generation: Generation, *, one_node: bool):
        self._terms = terms
        self._size = len(generation.offspring)
        self._first = generation.number == 0
        self._one_node = one_node
        self._not_before: dict[int, float] = {}
        self._unstartable: dict[int, Result] = {}
        self._bad_nodes: set[str] = set()
        self._good_nodes: set[str] = set()

    def worked(self, result: Result) -> None:
        """Note that a simulation has run."""
        self._first = False
        self._good_nodes.add(result.host)

    def lost(self, index: int, result: Result, losses: int) -> bool:
        """Note that attempt number `losses` of an offspring was lost; return whether it is to be given up.

        Raises
        ------
        RunFailed
            Where the executor refuses all that was ever submitted.
        """
        self._not_before[index] = time.time() + min(2.0**losses, _LONGEST_PAUSE)
        if result.outcome is Outcome.LAUNCH_FAILED:
            self._unstartable[index] = result
            self._bad_nodes.add(result.host)
        if result.outcome is Outcome.SUBMIT_FAILED and self._first and losses > self._terms.retries:
            raise RunFailed(failure(f"nothing could be submitted in {losses} attempts", result))
        # what cannot start is not the parameters' fault, however often: it is tried until the deadline
        return losses > self._terms.retries and not result.outcome.setup

    def delay(self, indices: Iterable[int], seconds: float) -> None:
        """Let some offspring wait."""
        self._not_before.update(dict.fromkeys(indices, time.time() + seconds))

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
        if self._first and several and failed >= min(_HOPELESS, self._size):
            raise RunFailed(failure("no simulation can be started", list(self._unstartable.values())[-1]))
