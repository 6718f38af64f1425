"""Checks that a target keeps the rules, for the tests of whoever writes one."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

from targets.base import Target
from targets.datastore import Datastore
from targets.measuring import Measurement, measure, ranked_score_of
from targets.needs import Located, Needs, Presented, Recorded


class BrokenTarget(AssertionError):
    """A target does not keep a rule; the message says which."""


def check_target(target: Target, good: Sequence[object], bad: Sequence[object] = ()) -> None:
    """Check that a target keeps the rules.

    Parameters
    ----------
    target : Target
        Made with any options.
    good : sequence
        Recordings, of at least one of which it has a value.
    bad : sequence
        Recordings of which it has none; whatever it raises is fine.

    Raises
    ------
    BrokenTarget
        If it breaks a rule.
    """
    _require(isinstance(target.label, str) and target.label.strip() != "", "the label is no text")
    _require(isinstance(target.unit, str), "the unit is no text")
    _check_options(target)
    _check_needs(target)
    values = [_measured(target, recordings) for recordings in good]
    _require(any(each.value is not None for each in values), f"no value of recordings that have one: {values}")
    for recordings in bad:
        _require(_measured(target, recordings).value is None, "a value of recordings that have none")
    _check_scores(target, [each.value for each in values if each.value is not None])


def _require(kept: bool, rule: str) -> None:
    if not kept:
        raise BrokenTarget(rule)


def _measured(target: Target, recordings: object) -> Measurement:
    """Measure twice: the values are the same, and the recordings are as before."""
    before = _state(recordings)
    first, second = (measure([target], recordings)[0] for _ in range(2))
    _require(_state(recordings) == before, f"{target.label} changed the recordings")
    _require(first == second, f"two values of the same recordings: {first}, {second}")
    _require((first.value is None) == bool(first.reason), f"there is either a value or a reason, got {first}")
    return first


def _state(recordings: object) -> object:
    """Return what tells whether recordings have changed; a datastore may be too large to be read for that."""
    if isinstance(recordings, Datastore):
        files = {path.name: path.stat() for path in recordings.path.iterdir()}
        return {name: (stat.st_size, stat.st_mtime_ns) for name, stat in files.items()}
    return repr(recordings)


def _check_options(target: Target) -> None:
    """Options survive JSON, as the task of a job is written in it; the copy is the same target."""
    options = json.loads(target.model_dump_json())
    again = type(target).model_validate(options)
    is_same = again.model_dump() == target.model_dump() and again.label == target.label
    _require(is_same, f"its options are others after JSON: {options}")


def _check_needs(target: Target) -> None:
    needs = target.needs
    _require(isinstance(needs, Needs), f"needs must be Needs, got {needs!r}")
    _require(target.needs == needs, "needs are others when they are asked for again")
    for recorded in needs.recorded:
        _require(isinstance(recorded, Recorded), f"what is recorded must be Recorded, got {recorded!r}")
        names = recorded.variables
        _require(isinstance(names, tuple) and all(names) and bool(names), "a recorded variable without a name")
        _require(recorded.option in type(target).model_fields, f"it has no option {recorded.option!r}")
    for place in needs.located:
        _require(isinstance(place, Located), f"where neurons are must be Located, got {place!r}")
        _require(place.option in type(target).model_fields, f"it has no option {place.option!r}")
    for stimulus in needs.presented:
        _require(isinstance(stimulus, Presented), f"what is presented must be Presented, got {stimulus!r}")
        _require(bool(stimulus.name), "a stimulus without a name")
        _require(all(math.isfinite(each) for each in stimulus.parameters.values()), "a parameter that is no number")
        for option in stimulus.options.values():
            _require(option in type(target).model_fields, f"it has no option {option!r}")


def _check_scores(target: Target, values: Sequence[float]) -> None:
    tried = _values_around(target, values)
    scores = {value: target.score(value) for value in tried}
    for value, score in scores.items():
        _require(0 <= score < math.inf, f"the score {score} of {value} is negative or no finite number")
        _require(score <= target.max_score, f"the score {score} of {value} exceeds max_score")
        _require(target.score(value) == score, f"two scores of {value}")
        _require(target.distance(value) >= 0, f"the distance of {value} is negative")
    ranked = {value: ranked_score_of(target, value) for value in tried}
    by_distance = sorted(tried, key=target.distance)
    for found in (scores, ranked):
        falling = [(one, other) for one, other in pairwise(by_distance) if found[one] > found[other]]
        _require(not falling, f"scores must not fall with the distance, they do from one to the other of {falling[:1]}")
    for missing in (None, math.nan, math.inf, -math.inf):
        _require(target.score(missing) == target.max_score, f"no value must score max_score, {missing} does not")
        worst = ranked_score_of(target, missing)
        _require(worst > target.max_score, f"no value must be ranked behind max_score, {missing} is not")
        _require(worst >= max(ranked.values()), f"no value must be ranked behind all values, {missing} is not")
    if target.wanted_interval is not None:
        _check_interval(target, *target.wanted_interval, scores)


def _values_around(target: Target, values: Sequence[float]) -> list[float]:
    """Return values of every size beside those that were measured and the edges of what is wanted."""
    edges = [edge for edge in target.wanted_interval or () if math.isfinite(edge)]
    steps = [sign * step * target.norm for step in (0, 1e-9, 0.1, 0.5, 1, 2, 10, 1e3, 1e12) for sign in (-1, 1)]
    return sorted({value + step for value in (*values, *edges, 0.0) for step in steps} | {-1e300, 1e300})


def _check_interval(target: Target, low: float, high: float, scores: Mapping[float, float]) -> None:
    _require(low <= high, f"the wanted interval [{low}, {high}] is empty")
    for value, score in scores.items():
        inside = low <= value <= high
        _require(not inside or score == 0, f"{value} is wanted, [{low}, {high}], and scores {score}")
        _require(inside or target.distance(value) > 0, f"{value} is not wanted, and its distance is 0")
    _require(bool(target.wanted_in_words), "it does not say in words what it wants")
