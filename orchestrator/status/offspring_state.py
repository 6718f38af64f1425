"""Where an offspring stands, in a word for displays."""

from __future__ import annotations

from orchestrator.records import Outcome, Result
from orchestrator.simulations.phases import Phase

# in the order of an offspring's life
STATES = ("queued", "checking", "running", "measuring", "done", "exploded", "failed", "not evaluated")

_OUTCOMES = {Outcome.OK: "done", Outcome.EXPLODED: "exploded"}
_PHASES = {Phase.CHECK.value: "checking", Phase.MEASURING.value: "measuring"}


def state_of(result: Result | None, phase: str, *, speaks: bool = True) -> str:
    """Return one of `STATES`.

    Parameters
    ----------
    result : Result or None
        Its result, if there is one that counts.
    phase : str
        What its job is doing, empty if it has not started; building and the protocols are both ``running``.
    speaks : bool
        Whether the result says something of the parameters; the cluster's doing does not.
    """
    if not speaks:
        return "not evaluated"
    if result is not None:
        return _OUTCOMES.get(result.outcome, "failed") if result.measured else "measuring"
    return _PHASES.get(phase, "running") if phase else "queued"
