"""A schedule of somebody else's: generations, until several of them in a row have brought nothing better."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from pydantic import Field

from orchestrator.optimisers.base import Told
from orchestrator.records import Evaluation, Offspring
from orchestrator.schedules.base import RecordedGeneration, Search, told_of
from orchestrator.schedules.generations import Generations, GenerationsOptions
from orchestrator.schedules.registry import schedule


class PatientOptions(GenerationsOptions):
    """The section ``schedule`` for patient generations."""

    kind: str = Field("patient", description="name of the schedule")
    patience: int = Field(3, ge=1, description="generations in a row without a better total score that end the run")


@schedule("patient", options=PatientOptions)
class Patient(Generations):
    """Generations, until several of them in a row have brought no better total score."""

    def __init__(self, options: PatientOptions, search: Search):
        super().__init__(options, search)
        self._patience, self._best, self._without = options.patience, math.inf, 0

    def resume(self, told: Sequence[Told], recorded: Mapping[int, RecordedGeneration]) -> list[Sequence[Offspring]]:
        for block in told:
            self._note(block)
        return super().resume(told, recorded)

    def tell(self, block: Sequence[Evaluation]) -> None:
        self._note(told_of(block))
        super().tell(block)

    def reason(self) -> str:
        if self._without >= self._patience:
            return f"nothing better in {self._without} generations"
        return super().reason()

    def _note(self, block: Told) -> None:
        best = float(block.scores.sum(axis=1).min())
        self._without = 0 if best < self._best else self._without + 1
        self._best = min(best, self._best)
