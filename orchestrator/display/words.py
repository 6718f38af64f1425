"""The words of displays: a run's state in sentences."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

from orchestrator.config.durations import format_duration
from orchestrator.lease import since_words
from orchestrator.simulations.phases import Phase
from orchestrator.status.described import (
    Best,
    ModelStatus,
    ReevaluationStatus,
    RunStatus,
    Winner,
)
from orchestrator.status.in_flight import GenerationStatus, OffspringStatus
from orchestrator.text import command_line

# phases of a job in their order, as they are told; what counts slices or protocols is told with the count
_PHASES = {
    Phase.STARTED.value: "started",
    Phase.BUILDING.value: "building",
    Phase.CHECK.value: "in the check",
    Phase.PROTOCOLS.value: "in protocols",
    Phase.SAVING.value: "saving",
    Phase.FINISHED.value: "finishing",
    Phase.MEASURING.value: "measuring",
    Phase.DELIVERING.value: "unable to write their results",
    Phase.EXPLODED.value: "exploded",
    Phase.TERMINATED.value: "being ended",
}
_COUNTED = {Phase.CHECK.value: "slice ", Phase.PROTOCOLS.value: ""}
_ONE = {Phase.CHECK.value: "slice", Phase.PROTOCOLS.value: "protocol"}
_MODEL_STATES = {
    "on": "",
    "restarted": "the search had stalled and began anew; ",
    "off": "off, because the search has stalled twice; ",
}
_RECENT = 10
# a living controller renews its hold every few seconds; network file systems are late by a minute, in s
_QUIET = 30.0


def clock_time(when: float) -> str:
    """Return a Unix time in s as local time for people: ``Tue 24 Nov 15:00``."""
    try:
        return time.strftime("%a %d %b %H:%M", time.localtime(when))
    except (OverflowError, ValueError, OSError):  # a file may hold any number
        return "at an unknown time"


def start_words(score: float) -> str:
    """Return what the start values scored, NaN if they were not evaluated."""
    return f"{score:.4g} at the start" if math.isfinite(score) else "the start values are not evaluated"


def best_words(best: Best) -> str:
    """Return which evaluation is the best, and where it comes from."""
    origin = f", {best.origin}" if best.origin else ""
    value = f"{best.value}; " if best.value else ""
    return f"{value}generation {best.generation}, offspring {best.offspring}{origin}"


def model_words(model: ModelStatus) -> str:
    """Return what the model of the values does, and what it is worth."""
    proposals = f"proposed {model.proposals} of the last {model.evaluations} evaluations"
    worth = "" if math.isnan(model.win) else f", better in {model.win:.0%} of the pairs"
    return f"{_MODEL_STATES.get(model.state, model.state)}{proposals}{worth}"


def again_words(again: ReevaluationStatus, now: float) -> str:
    """Return how far the re-evaluation of the best is; nothing if it is done."""
    if again.done == again.simulations:
        return ""
    best = f"the {again.candidates} best" if again.candidates > 1 else "the best"
    words = f"{best} under {again.seeds} other seeds each: {again.done} of {again.simulations} simulations done"
    if not again.running:
        return f"{words}; nobody goes on with it now"
    counts = [f"{n} {state}" for state, n in again.counts.items() if n and state in ("queued", "checking", "running")]
    pending = [f"{n} pending ({reason})" for reason, n in again.pending.items()]
    late = [f"times out in {format_duration(again.deadline - now)}"] if again.deadline > now else []
    return "; ".join([words, *filter(None, [", ".join(counts), ", ".join(pending)]), *late])


def winner_words(winner: Winner) -> str:
    """Return which evaluation is the best by the mean."""
    spread = f" +- {winner.sd:.2g}" if math.isfinite(winner.sd) else ""
    return (
        f"best by the mean {winner.mean:.4g}{spread} (mean +- sd of {winner.n} other seeds; generation "
        f"{winner.generation}, offspring {winner.offspring}, seen as {winner.seen:.4g})"
    )


def ago(when: float, now: float) -> str:
    """Return ``3 min 20 s ago``."""
    return f"{format_duration(now - when)} ago"


def controller_words(status: RunStatus, now: float) -> str:
    """Return whether the run is being carried out, and by whom."""
    who = status.controller
    job = f", SLURM job {who.job}" if who.job else ""
    name = f"process {who.pid} on {who.host}{job}, since {since_words(who.since)}" if who.host else "unknown"
    ended = f" {ago(who.ended, now)} ({clock_time(who.ended)})" if math.isfinite(who.ended) else ""
    reason = f": {who.reason.strip().partition(chr(10))[0]}" if who.reason else ""
    match who.state:
        case "alive":
            quiet = f", last sign of life {ago(who.last_sign, now)}" if now - who.last_sign > _QUIET else ""
            return f"alive: {name}{quiet}"
        case "none":
            return "none yet"
        case "dead":
            return f"died: {name}"
        case "silent":
            seen = f" since {clock_time(who.last_sign)}" if who.last_sign > 0 else ""
            return f"no sign of life{seen}: {name}"
        case "gone":
            return f"gone without a word: {name}"
    return f"{who.state}{ended}{reason}"


def how_to_go_on(status: RunStatus) -> str:
    """Return the command that continues a run which nobody carries out, nothing if there is none."""
    if status.controller.state in ("alive", "none", "finished"):
        return ""
    return command_line("orchestrator", "run", "--continue", status.run)


def jobs_words(generation: GenerationStatus) -> str:
    """Return how many jobs are in which phase, and how far: from what they note, not from guesses."""
    words = []
    in_flight = [each for each in generation.offspring if each.phase]
    for phase, said in _PHASES.items():
        own = [each for each in in_flight if each.phase == phase]
        if own:
            words.append(f"{len(own)} {said}{_counted(phase, own)}")
    silent = [each for each in in_flight if each.silent]
    if silent:
        quiet = format_duration(min(each.silent for each in silent))
        words.append(f"{len(silent)} without a sign of life for {quiet} or more")
    return ", ".join(words)


def _counted(phase: str, own: Sequence[OffspringStatus]) -> str:
    if phase not in _COUNTED or not own[0].steps:
        return ""
    low, high = min(each.step for each in own), max(each.step for each in own)
    steps = max(each.steps for each in own)
    return f" ({_COUNTED[phase]}{low}{f'-{high}' if high > low else ''} of {steps})"


def slowest_words(generation: GenerationStatus, now: float) -> str:
    """Return which job is least far, and for how long it has been at it; nothing if there is one or none."""
    order = list(_PHASES)
    in_flight = [each for each in generation.offspring if each.phase in _PHASES]
    if len(in_flight) < 2:
        return ""
    last = min(in_flight, key=lambda each: (order.index(each.phase), each.step / max(each.steps, 1), each.started))
    counted = _ONE.get(last.phase)
    where = f"{counted} {last.step} of {last.steps}" if counted and last.steps else _PHASES[last.phase]
    where = "" if last.phase == Phase.STARTED.value else f", {where}"
    name = f" ({last.name})" if last.name else ""
    host = f" on {last.host}" if last.host else ""
    return f"offspring {last.place}{where}{name}, started {ago(last.started, now)}{host}"


def trend(scores: Sequence[float]) -> str:
    """Return how much the best score so far has changed over the last generations."""
    if len(scores) < 2:
        return ""
    back = min(_RECENT, len(scores) - 1)
    before, now = min(scores[:-back]), min(scores)
    if not (math.isfinite(before) and before > 0):
        return ""
    change = f"{100 * (now / before - 1):.1f} %" if now < before else "unchanged"
    return f"{change} in {back} generation{'s' if back > 1 else ''}"


def _about(seconds: float) -> str:
    """Return an estimate without digits that it does not have."""
    unit = 3600 if seconds >= 2 * 86400 else 60 if seconds >= 600 else 1
    return format_duration(unit * round(seconds / unit))


def end_words(status: RunStatus, now: float) -> str:
    """Return when the run is expected to end; says so where that is not known."""
    expected = status.forecast
    if status.complete >= status.max_ngen:
        return ""
    if not math.isfinite(expected.end):
        latest = f"; {clock_time(expected.latest)} at the latest" if math.isfinite(expected.latest) else ""
        return f"not known before a generation ends{latest}"
    shortest, longest = expected.range_seconds
    low, high = _about(shortest), _about(longest)
    each = _about(expected.generation_seconds)
    spread = f", {low} to {high}" if shortest < 0.9 * longest else ""
    left = _about(expected.end - now)
    return f"about {clock_time(expected.end)}, in {left} (a generation takes {each}{spread})"
