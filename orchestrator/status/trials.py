"""How an evaluation stands of which each trial has a job of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from orchestrator.status.in_flight import OffspringStatus

# those that say most of an evaluation first: what runs, what is to run, what waits for the others
_TELLING = ("running", "checking", "queued", "measuring")


def as_one(index: int, trials: Sequence[OffspringStatus]) -> OffspringStatus:
    """Return how an evaluation stands.

    What one trial says of the parameters is said of the evaluation; as long as none has, it stands where the one does
    that is least far.

    Parameters
    ----------
    index : int
        Of the evaluation.
    trials : sequence of OffspringStatus
        How its trials stand, in their order.
    """
    decided = [each for each in trials if each.state not in _TELLING]
    if decided:
        return replace(decided[0], index=index)
    typical = min(trials, key=lambda each: (_TELLING.index(each.state), not each.in_flight, each.step))
    there = sum(each.state == "measuring" for each in trials)
    return replace(
        typical,
        index=index,
        name=f"{there} of {len(trials)} trials are there",
        step=0,
        steps=0,
        in_flight=any(each.in_flight for each in trials),
        attempt=max(each.attempt for each in trials),
    )
