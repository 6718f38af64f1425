"""What every schedule promises: when to ask, how many evaluations are in flight, and when to tell."""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from orchestrator.errors import RunFailed
from orchestrator.optimisers.base import Asked, Optimiser, Told, known_errors
from orchestrator.optimisers.space import SearchSpace
from orchestrator.records import Evaluation, FloatArray, Offspring, Outcome, rows_of_outputs


class ReplayDiffers(RunFailed):
    """The optimiser asks for other points than a run's record says.

    Parameters
    ----------
    number : int
        Of the generation.
    """

    def __init__(self, number: int):
        super().__init__(number)
        self.number = number

    def __str__(self) -> str:
        return f"generation {self.number} has other points than the optimiser asks for now"


@dataclass(frozen=True)
class RecordedGeneration:
    """What is recorded of a generation.

    Parameters
    ----------
    offspring : sequence of Offspring
        What was to be submitted.
    kept : sequence of Offspring
        What was asked for with it and was not to be submitted yet, as `Schedule.kept` says.
    """

    offspring: Sequence[Offspring]
    kept: Sequence[Offspring] = ()


@dataclass
class Search:
    """What a schedule schedules.

    Parameters
    ----------
    optimiser : Optimiser
        Is asked and told.
    space : SearchSpace
        Between the unit cube and the parameters' own units.
    max_ngen : int
        Tells altogether.
    size : int
        Offspring that the optimiser wants to be told of at once.
    at_once : int
        Jobs that may run at once as far as the configuration says; 0 if it does not.
    limit : str
        What says how many tells there are, for people.
    stop_at : float, optional
        Total score that ends the search.
    seconds_left : float
        For how long something may be asked for, in s from now.
    """

    optimiser: Optimiser
    space: SearchSpace
    max_ngen: int
    size: int
    at_once: int = 0
    limit: str = ""
    stop_at: float | None = None
    seconds_left: float = math.inf
    best: float = field(default=math.inf, init=False)

    def __post_init__(self) -> None:
        self._begun = time.monotonic()

    def tell(self, told: Told) -> None:
        """Tell the optimiser, and note the best total score."""
        self.optimiser.tell(told)
        totals = [total for total, outcome in zip(told.totals, told.outcomes, strict=True) if outcome is Outcome.OK]
        self.best = min([self.best, *(float(total) for total in totals if math.isfinite(total))])

    def offspring_of(self, generation: int, asked: Asked, tells: int) -> list[Offspring]:
        """Return the offspring of a generation that was asked for after so many tells."""
        return [
            Offspring(generation, index, tuple(float(x) for x in point), self.space.decode(point), origin, tells)
            for index, (point, origin) in enumerate(zip(asked.points, asked.origins, strict=True))
        ]

    def array(self, points: Sequence[Sequence[float] | FloatArray]) -> FloatArray:
        """Return points as an array of shape (n_points, n_parameters)."""
        return np.array([*points], dtype=float).reshape(len(points), len(self.space))

    def reason_to_stop(self, tells: int) -> str:
        """Return why nothing more is asked for after so many tells, empty if more is."""
        if tells >= self.max_ngen:
            return f"{self.limit or f'max_ngen of {self.max_ngen} generations'} reached"
        if self.stop_at is not None and self.best <= self.stop_at:
            return f"stop_at of {self.stop_at:g} reached, with a total score of {self.best:.4g}"
        if time.monotonic() - self._begun > self.seconds_left:
            return "max_hours are over"
        reason = self.optimiser.stop() if tells else None
        return f"the optimiser has converged ({reason})" if reason else ""


class Schedule(ABC):
    """The policy between an optimiser, or whatever else knows what to evaluate, and the pool of jobs.

    The controller asks `next` for what is to be submitted until there is nothing for the moment, hands over each
    evaluation that has landed by `take`, and carries out each block that is `due`: it is appended to the checkpoint and
    then told. The state is a function of what was told in which order, and of what was asked for: a controller that
    continues a run calls `resume` with both, and goes on as the one before it would have.
    """

    @abstractmethod
    def resume(self, told: Sequence[Told], recorded: Mapping[int, RecordedGeneration]) -> list[Sequence[Offspring]]:
        """Go on from a run's record; called once, before everything else, with nothing for a new run.

        Parameters
        ----------
        told : sequence of Told
            The blocks in the checkpoint, in their order.
        recorded : mapping of int to RecordedGeneration
            What was asked for, by generation, of the generations that are not in the checkpoint completely, or of which
            something was kept.

        Returns
        -------
        list of sequence of Offspring
            What of it is still to be evaluated, each the offspring that share a deadline.

        Raises
        ------
        ReplayDiffers
            If other points would be asked for now than the record says.
        """

    @abstractmethod
    def next(self) -> Sequence[Offspring]:
        """Return offspring of one generation that are to be submitted now and share a deadline; none if none are due.

        Called again and again until it returns none, at the start and whenever something has landed or was told.
        """

    def kept(self) -> Sequence[Offspring]:
        """Return what was asked for together with what `next` has returned last, and is not to be submitted yet.

        It is written down with it: a controller that goes on from there need not compute it again.
        """
        return ()

    @abstractmethod
    def take(self, evaluation: Evaluation) -> None:
        """Take an evaluation that has landed; they come in any order."""

    @abstractmethod
    def due(self) -> Sequence[Evaluation]:
        """Return the block that is to be appended to the checkpoint and told now, in its order; none if none is."""

    @abstractmethod
    def tell(self, block: Sequence[Evaluation]) -> None:
        """Tell the optimiser of a block that is in the checkpoint."""

    @abstractmethod
    def state(self) -> Mapping[str, FloatArray | float]:
        """Return what the checkpoint keeps with the block that is due; called before it is told."""

    @abstractmethod
    def reason(self) -> str:
        """Return why nothing more is asked for, empty if more is."""

    def is_closed(self, generation: int) -> bool:
        """Return whether nothing more of a generation will be submitted."""
        return True


def told_of(block: Sequence[Evaluation]) -> Told:
    """Return a block as an optimiser sees it."""
    return Told(
        points=np.array([evaluation.offspring.point for evaluation in block]),
        values=np.array([evaluation.values for evaluation in block]),
        scores=np.array([evaluation.told_scores for evaluation in block]),
        outcomes=[evaluation.result.outcome for evaluation in block],
        origins=[evaluation.offspring.origin for evaluation in block],
        ids=[evaluation.offspring.key for evaluation in block],
        asked_after=[evaluation.offspring.asked_after for evaluation in block],
        outputs=rows_of_outputs(block),
        errors=known_errors([each.errors or (math.nan,) * len(each.values) for each in block]),
    )
