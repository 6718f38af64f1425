"""Where an offspring stands, in a word for displays."""

from __future__ import annotations

from orchestrator.records import Outcome

# in the order of an offspring's life
STATES = ("queued", "checking", "running", "measuring", "done", "exploded", "failed")

_LANDED = {Outcome.OK: "done", Outcome.EXPLODED: "exploded"}
_PHASES = {"check": "checking", "measuring": "measuring"}


def standing(outcome: Outcome | None, *, measured: bool, phase: str) -> str:
    """Return one of `STATES`.

    Parameters
    ----------
    outcome : Outcome or None
        Of its result, where there is a final one.
    measured : bool
        Whether that result is complete.
    phase : str
        What its job is doing, empty where it has not started; building and the protocols are both ``running``.
    """
    if outcome is not None:
        return _LANDED.get(outcome, "failed") if measured else "measuring"
    return _PHASES.get(phase, "running") if phase else "queued"
