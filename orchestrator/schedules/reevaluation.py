"""The schedule of a re-evaluation: all that is missing at once, what is in flight already first; nothing twice."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence

from orchestrator.optimisers.base import Told
from orchestrator.optimisers.space import SearchSpace
from orchestrator.records import Evaluation, FloatArray, Offspring
from orchestrator.schedules.base import RecordedGeneration, Schedule

_LOG = logging.getLogger(__name__)
Numbers = Mapping[str, float | int]


class Reevaluation(Schedule):
    """Evaluates parameter sets under given seeds; each round is a generation, and there is no optimiser.

    Parameters
    ----------
    tasks : sequence of mapping of str to float or int
        Parameters and seeds of each simulation, in the same order of names.
    space : SearchSpace
        Of the run; seeds are not in it.
    """

    def __init__(self, tasks: Sequence[Numbers], space: SearchSpace):
        self._waiting = list(tasks)
        self._space = space
        self._number = 0
        self._round: Sequence[Offspring] = ()
        self._landed: dict[int, Evaluation] = {}

    def resume(self, told: Sequence[Told], recorded: Mapping[int, RecordedGeneration]) -> list[Sequence[Offspring]]:
        """Go on with the round that is in flight, whatever is asked for now."""
        self._number = len(told)
        self._round = recorded.get(self._number, RecordedGeneration(())).offspring
        if not self._round:
            return []
        _LOG.info("going on with %d simulations that were submitted before", len(self._round))
        done = {key_of(offspring.parameters) for offspring in self._round}
        self._waiting = [task for task in self._waiting if key_of(task) not in done]
        return [self._round]

    def next(self) -> Sequence[Offspring]:
        """Return all that is missing, if no round is in flight."""
        if self._round or not self._waiting:
            return ()
        tasks, self._waiting = self._waiting, []
        self._round = [
            Offspring(self._number, index, self._point(task), task, asked_after=self._number)
            for index, task in enumerate(tasks)
        ]
        return self._round

    def take(self, evaluation: Evaluation) -> None:
        """Take one of the round."""
        self._landed[evaluation.offspring.index] = evaluation

    def due(self) -> Sequence[Evaluation]:
        """Return the round once all of it has landed."""
        if not self._round or len(self._landed) < len(self._round):
            return ()
        return [self._landed[offspring.index] for offspring in self._round]

    def tell(self, block: Sequence[Evaluation]) -> None:
        """Begin the next round."""
        self._number, self._round, self._landed = self._number + 1, (), {}

    def state(self) -> Mapping[str, FloatArray | float]:
        """Return nothing: there is no optimiser."""
        return {}

    def reason(self) -> str:
        """Return that all is done."""
        return "all that was asked for is evaluated"

    def _point(self, task: Numbers) -> tuple[float, ...]:
        """Return the point of the unit cube, NaN in the place of seeds, which are in no search space."""
        point = self._space.encode({name: float(task[name]) for name in self._space.names})
        return (*(float(x) for x in point), *[math.nan] * (len(task) - len(self._space)))


def key_of(numbers: Numbers) -> tuple[float, ...]:
    """Return what identifies an evaluation: its parameters and seeds, in their order."""
    return tuple(float(number) for number in numbers.values())
