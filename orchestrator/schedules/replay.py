"""Going on from a run's record: the optimiser is asked and told again what it was, in the order in which it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from orchestrator.optimisers.base import Asked, Told, same_points
from orchestrator.records import FloatArray, Offspring, Origin
from orchestrator.schedules.base import RecordedGeneration, ReplayDiffers, Search

Key = tuple[int, int]


@dataclass
class _Ask:
    """An ask of which something was evaluated: after how many tells it was made, and its points by their place."""

    after: int
    rows: dict[int, tuple[FloatArray, Origin]] = field(default_factory=dict)
    # how many of them were handed out; the others never were, or are still to be
    handed: int = 0

    def add(self, index: int, point: Sequence[float] | FloatArray, origin: Origin, *, handed: bool = True) -> None:
        self.rows[index] = (np.asarray(point, dtype=float), origin)
        self.handed += handed

    def asked(self, number: int) -> Asked:
        """Return its points in their order; raises `ReplayDiffers` if some are missing."""
        if sorted(self.rows) != list(range(len(self.rows))):
            raise ReplayDiffers(number)
        rows = [self.rows[index] for index in range(len(self.rows))]
        return Asked(np.array([point for point, _ in rows]), tuple(origin for _, origin in rows))


def replay(search: Search, told: Sequence[Told], recorded: Mapping[int, RecordedGeneration]) -> int:
    """Ask and tell the optimiser of a search all again; return how many asks there were.

    Parameters
    ----------
    search : Search
        Whose optimiser is new.
    told : sequence of Told
        The blocks in the checkpoint, in their order.
    recorded : mapping of int to RecordedGeneration
        What was asked for, by generation, of those that are not in the checkpoint completely.

    Raises
    ------
    ReplayDiffers
        If other points are asked for now than the record says.
    """
    asks, optimiser = _asks(told, recorded), search.optimiser
    done, pending = 0, dict[Key, FloatArray]()

    def tell() -> None:
        nonlocal done
        search.tell(told[done])
        for key in told[done].ids:
            pending.pop(key, None)
        done += 1

    for number in range(len(asks)):
        if number not in asks:
            raise ReplayDiffers(number)
        while done < min(asks[number].after, len(told)):
            tell()
        again = asks[number].asked(number)
        points = optimiser.ask(again, search.array([pending[key] for key in sorted(pending)])).points
        if not same_points(points[: len(again.points)], again.points):
            raise ReplayDiffers(number)
        pending |= {(number, index): point for index, point in enumerate(again.points[: asks[number].handed])}
    while done < len(told):
        tell()
    return len(asks)


def _asks(told: Sequence[Told], recorded: Mapping[int, RecordedGeneration]) -> dict[int, _Ask]:
    asks: dict[int, _Ask] = {}
    for block in told:
        for n, (number, index) in enumerate(block.ids):
            asks.setdefault(number, _Ask(block.asked_after[n])).add(index, block.points[n], block.origins[n])
    for number, each in recorded.items():
        for offspring in each.offspring:
            ask = asks.setdefault(number, _Ask(offspring.asked_after))
            if offspring.index not in ask.rows:
                ask.add(offspring.index, offspring.point, offspring.origin)
        for offspring in each.kept:
            asks.setdefault(number, _Ask(offspring.asked_after)).add(
                offspring.index, offspring.point, offspring.origin, handed=False
            )
    return asks


def untold(told: Sequence[Told], recorded: Mapping[int, RecordedGeneration]) -> list[Offspring]:
    """Return the offspring that were handed out and are in no block, in the order in which they were asked for."""
    done = {each for block in told for each in block.ids}
    handed = [each for number in sorted(recorded) for each in recorded[number].offspring]
    return [each for each in handed if each.key not in done]
