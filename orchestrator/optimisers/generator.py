"""Any generator of the gest-api standard as an optimiser, used as it is."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field, field_validator

from orchestrator.errors import UsageError
from orchestrator.optimisers.base import Asked, Problem, Told, same_points
from orchestrator.optimisers.gest.used import TOTAL, GeneratorFailed, UsedGenerator
from orchestrator.optimisers.options import missing_extra
from orchestrator.optimisers.points.design import DesignOptions
from orchestrator.optimisers.registry import optimiser
from orchestrator.records import FloatArray, Origin

_LOG = logging.getLogger(__name__)


class GeneratorOptions(DesignOptions):
    """A class of the gest-api standard."""

    stand_ins: ClassVar[dict[str, object]] = {"generator": "missing:Missing"}

    method: str = Field("generator", description="name of the optimiser, or file.py:Class for one of your own")
    generator: str = Field(
        description="module:Class with suggest and ingest, such as my_package.generators:Simplex, or file.py:Class in "
        "the model's directory"
    )
    options: dict[str, Any] = Field(
        default_factory=dict,
        description="arguments of its constructor by name, besides vocs; seed is optimiser_seed if it takes one",
    )
    objectives: Literal["total", "targets"] = Field(
        "total", description="what it minimises: the total score, or the score of each target"
    )
    initial: int = Field(
        1,
        ge=1,
        description="evaluations before its first suggestion: the start, and a Latin hypercube of optimiser_sigma "
        "around it, or another design",
    )

    @field_validator("generator")
    @classmethod
    def _is_a_reference(cls, value: str) -> str:
        if not re.fullmatch(r"[^:]+:[A-Za-z_]\w*", value):
            raise ValueError(f"expected module:Class or file.py:Class, got {value!r}")
        return value

    @property
    def by_sigma(self) -> bool:
        """Whether the problem's sigma decides where the method looks: a design of more than the start is around it."""
        return super().by_sigma and self.initial > 1

    def missing(self) -> str | None:
        """Return that gest-api is not installed."""
        return missing_extra(f"the optimiser {self.method}", "gest_api", "gest")

    def problems(self, problem: Problem) -> list[tuple[str, str]]:
        """Return why the generator cannot be made: it is, and ended again."""
        if problems := super().problems(problem):
            return problems
        try:
            made = self.made(problem)
        except GeneratorFailed as error:
            return [("generator", str(error))]
        # some cannot be ended before they have suggested anything
        with suppress(GeneratorFailed):
            made.finalize()
        return []

    def made(self, problem: Problem) -> UsedGenerator:
        """Return a new generator for a problem; raises `GeneratorFailed`."""
        return UsedGenerator(self.generator, self.options, problem, self.objectives_of(problem))

    def objectives_of(self, problem: Problem) -> list[str]:
        """Return the names of what it minimises."""
        return list(problem.targets) if self.objectives == "targets" else [TOTAL]


@optimiser("generator", options=GeneratorOptions, packages=("numpy", "gest-api"), any_rows=True, proposes=True)
class GeneratorOfOthers:
    """A generator of the gest-api standard: what it suggests is evaluated, and what comes back is ingested.

    The start is asked for first, and a Latin hypercube around it if ``initial`` says so. Nothing is known of how a
    generator decides: what it suggested is taken from the record in a replay. It is asked again there as long as it
    suggests the same, and then knows its own points by their ``_id``; otherwise it ingests them as points that were
    evaluated elsewhere. What failed is ingested with the scores of a failure, what was not evaluated is not.

    Parameters
    ----------
    options : GeneratorOptions
        Which generator.
    problem : Problem
        Any number of offspring.
    """

    def __init__(self, options: GeneratorOptions, problem: Problem):
        if missing := options.missing():
            raise UsageError(missing)
        self._options, self._size = options, problem.size
        with _named():
            self._generator = options.made(problem)
        self._objectives = options.objectives_of(problem)
        self._design = options.first_points(problem, options.initial)
        # how much of the design was asked for
        self._designed = 0
        # suggestions that were not told yet, by the bytes of their point
        self._open: dict[bytes, list[dict[str, Any]]] = {}
        # whether it has suggested in this replay what it suggested then
        self._repeats = True
        if problem.known is not None:
            self.tell(problem.known)

    def ask(self, recorded: Asked | None = None, pending: FloatArray | None = None) -> Asked:
        """Return the next points: of the design to its end, then what is suggested."""
        design = self._design[self._designed : self._designed + self._size]
        origins = [Origin.START if not self._designed + n else Origin.SAMPLE for n in range(len(design))]
        self._designed += len(design)
        wanted = self._size - len(design)
        if recorded is not None:
            if wanted:
                self._repeat(wanted, recorded.points[len(design) :])
            # of a record that has more samples than this design, which does not go on then
            rest = np.zeros((max(len(recorded.points) - len(design), 0), design.shape[1]))
            return recorded.redrawn(np.vstack([design, rest]))
        if not wanted:
            return Asked(design, tuple(origins))
        with _named():
            suggestions, points = self._suggested(wanted)
        self._keep(suggestions, points)
        return Asked(np.vstack([design, points]), (*origins, *[Origin.MODEL] * len(points)))

    def tell(self, told: Told) -> None:
        """Let the generator ingest what was evaluated, its own points first."""
        own, others = list[dict[str, Any]](), list[dict[str, Any]]()
        evaluated, proposed = set(told.evaluated), set(told.proposed)
        for row, point in enumerate(told.points):
            # the start may be suggested as well
            suggestions = self._open.get(point.tobytes()) if row in proposed else None
            suggestion = suggestions.pop(0) if suggestions else None
            if row not in evaluated:
                continue
            values = self._values(told, row)
            if suggestion is None:
                others.append({**dict(zip(self._generator.names, point.tolist(), strict=True)), **values})
            else:
                own.append({**suggestion, **values})
        self._open = {key: suggestions for key, suggestions in self._open.items() if suggestions}
        # apart, because some make a table of what they get at once, whose rows have the same keys
        for results in filter(None, (own, others)):
            with _named():
                self._generator.ingest(results)

    def stop(self) -> str | None:
        """Return None: generators do not say that there is nothing more to gain."""
        return None

    def state(self) -> Mapping[str, FloatArray | float]:
        """Return nothing: what a generator knows is its own."""
        return {}

    def close(self) -> None:
        """Let the generator end what it has begun."""
        try:
            self._generator.finalize()
        except GeneratorFailed as error:
            _LOG.warning("optimiser.generator: %s; what was evaluated is in the checkpoint", error)

    def _suggested(self, number: int) -> tuple[list[dict[str, Any]], FloatArray]:
        """Return what it suggests, and the same as points of the cube, shape (n_suggestions, n_parameters)."""
        suggestions = self._generator.suggest(number)
        return suggestions, np.array([self._generator.point(each) for each in suggestions])

    def _keep(self, suggestions: list[dict[str, Any]], points: FloatArray) -> None:
        for suggestion, point in zip(suggestions, points, strict=True):
            self._open.setdefault(point.tobytes(), []).append(suggestion)

    def _repeat(self, number: int, recorded: FloatArray) -> None:
        """Ask it again what it was asked in a run's record, unless it has suggested something else before."""
        if not self._repeats:
            return
        try:
            suggestions, points = self._suggested(number)
        except GeneratorFailed as error:
            _LOG.info("%s", error)
            suggestions, points = [], recorded[:0]
        begin = points[: len(recorded)]
        self._repeats = len(begin) == len(recorded) and (not len(begin) or same_points(begin, recorded))
        if self._repeats:
            self._keep(suggestions, np.vstack([recorded, points[len(recorded) :]]))
        else:
            _LOG.info("%s suggests something else now: it learns from the record", self._options.generator)

    def _values(self, told: Told, row: int) -> dict[str, float]:
        scores = told.scores[row] if self._options.objectives == "targets" else told.totals[[row]]
        return dict(zip(self._objectives, scores.tolist(), strict=True))


@contextmanager
def _named() -> Iterator[None]:
    """Say of what a generator does wrong where it is named, and what to do."""
    try:
        yield
    except GeneratorFailed as error:
        message = f"optimiser.generator: {error}. Nothing that was evaluated is lost: fix it and continue the run"
        raise GeneratorFailed(message) from error
