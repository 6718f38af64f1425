"""Which points a simplex will need next, the likeliest first, so that a whole batch can be evaluated at once."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Mapping
from itertools import count

from orchestrator.optimisers.simplex.steps import Simplex, Value
from orchestrator.records import FloatArray

# simplices that are looked at for each point that is wanted
_LOOKED_AT = 20


def needed(
    simplex: Simplex,
    value: Value,
    key: Callable[[FloatArray], bytes],
    number: int,
    *,
    moved: int,
    known: Collection[bytes],
) -> list[FloatArray]:
    """Return the points whose values the next steps depend on: the one that is needed in any case, then likely ones.

    A step whose value is missing is followed under each value that it may have (speculative evaluation), the likeliest
    sequence of values first.

    Parameters
    ----------
    simplex : Simplex
        The present one.
    value : callable
        Of a point, None if it was not evaluated.
    key : callable
        Of a point, the same of those that are simulated as the same one.
    number : int
        How many are wanted; fewer are returned if all further ones are unlikely.
    moved : int
        Points that each step moves.
    known : collection of bytes
        Keys of points that are not wanted.
    """
    serial, found = count(), dict[bytes, FloatArray]()
    # minus the likelihood, a number that decides between equal ones, and what is assumed
    waiting: list[tuple[float, int, Simplex, dict[bytes, float]]] = [(-1.0, next(serial), simplex, {})]
    for _ in range(_LOOKED_AT * number):
        if not waiting or len(found) >= number:
            break
        chance, _, present, assumed = heapq.heappop(waiting)

        def assuming(point: FloatArray, assumed: Mapping[bytes, float] = assumed) -> float | None:
            return assumed.get(key(point), value(point))

        step = present.after_a_step(assuming, moved)
        if isinstance(step, Simplex):
            heapq.heappush(waiting, (chance, next(serial), step, assumed))
            continue
        for missing in step:
            own = key(missing.point)
            if own not in known:
                found.setdefault(own, missing.point)
            for outcome, likelihood in missing.outcomes:
                heapq.heappush(waiting, (chance * likelihood, next(serial), present, {**assumed, own: outcome}))
    return list(found.values())[:number]
