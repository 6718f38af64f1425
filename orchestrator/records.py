"""The nouns: offspring, what became of it, and what it was worth."""

from __future__ import annotations

import enum
import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, TypeGuard

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


class Outcome(enum.Enum):
    """What became of one offspring.

    Scientific outcomes are final and scored. Infrastructure outcomes say nothing about the parameters: the offspring is
    submitted again until its deadline, and has no score then. `UNKNOWN` is no verdict at all.
    """

    OK = "OK"
    EXPLODED = "EXPLODED"
    SIMULATION_ERROR = "SIMULATION_ERROR"
    OUT_OF_MEMORY = "OUT_OF_MEMORY"
    TIME_LIMIT = "TIME_LIMIT"
    TIMEOUT = "TIMEOUT"
    NODE_FAIL = "NODE_FAIL"
    PREEMPTED = "PREEMPTED"
    SUBMIT_FAILED = "SUBMIT_FAILED"
    LAUNCH_FAILED = "LAUNCH_FAILED"
    CANCELLED = "CANCELLED"
    UNKNOWN = "UNKNOWN"

    @property
    def infrastructure(self) -> bool:
        """Whether the cluster, not the parameters, is to blame."""
        return self in _INFRASTRUCTURE


_INFRASTRUCTURE = frozenset(
    {Outcome.NODE_FAIL, Outcome.PREEMPTED, Outcome.SUBMIT_FAILED, Outcome.LAUNCH_FAILED, Outcome.CANCELLED}
)


class Origin(enum.Enum):
    """Why a point is evaluated."""

    START = "start"
    """It is where the search begins."""
    SAMPLE = "sample"
    """It was drawn from the search distribution."""
    MODEL = "model"
    """A model of the values proposed it."""
    INJECTED = "injected"
    """The user asked for it."""

    @property
    def words(self) -> str:
        """Where the point comes from."""
        return _ORIGINS[self]


_ORIGINS = {
    Origin.START: "the start values",
    Origin.SAMPLE: "a sample of the search",
    Origin.MODEL: "a proposal of the model",
    Origin.INJECTED: "injected by you",
}


@dataclass(frozen=True)
class Offspring:
    """One point that is evaluated; (generation, index) is its identity.

    Parameters
    ----------
    generation, index : int
        Generation that it was asked for with and its place there, from 0.
    point : tuple of float
        Coordinates in the unit cube, shape (n_parameters,).
    parameters : mapping of str to float or int
        The same point in the parameters' own units.
    origin : Origin
        Why it is evaluated.
    asked_after : int
        How often the optimiser had been told when it asked for it: what a replay needs to ask for it again.
    """

    generation: int
    index: int
    point: tuple[float, ...]
    parameters: Mapping[str, float | int]
    origin: Origin = Origin.SAMPLE
    asked_after: int = 0

    # several of them, and whether it is told what becomes of each
    noun: ClassVar[str] = "offspring"
    is_told: ClassVar[bool] = True

    @property
    def key(self) -> tuple[int, int]:
        """Generation and index: its identity."""
        return self.generation, self.index

    @property
    def place(self) -> dict[str, int]:
        """Its identity, for programs that read logs."""
        return {"generation": self.generation, "offspring": self.index}

    def __str__(self) -> str:
        return " ".join(f"{name} {number}" for name, number in self.place.items())


@dataclass(frozen=True)
class Result:
    """What the job of one offspring reports; the content of its result file.

    Parameters
    ----------
    outcome : Outcome
        `OK`, or why there are no values.
    values : mapping of str to (float or None)
        Value of every target by label; None if there is none.
    reasons : mapping of str to str
        Why a target has no value, by label.
    message : str
        For people: the error, the sheet that exploded.
    log_tail : str
        Last lines of the simulation's log, for outcomes other than `OK`.
    seconds : mapping of str to float
        Wall time of ``build``, ``check``, ``protocols`` and ``measuring`` in s.
    peak_memory : int
        Largest resident memory of the simulation in bytes.
    host, job_id : str
        Where it ran.
    started, finished : float
        Unix times in s; NaN if unknown.
    versions : mapping of str to str
        Versions of the programs involved.
    seeds : mapping of str to int
        Seeds of the simulation by name; none if its job did not come so far.
    outputs : mapping of str to sequence of float
        The numbers that a target's value is computed from, by label, of targets of which these are several.
    deviations : mapping of str to float
        Standard deviation (n - 1) of a target's values of single trials, by label, if a simulation has several.
    errors : mapping of str to float
        Standard error of a target's value over trials, by label, likewise.
    unfit : mapping of str to str
        The option because of which a target has no value, whatever the parameters are, by label.
    recordings : str
        Name of a file beside the result file with traces and events; empty if there is none.
    measured : bool
        False if the simulation is there and the controller has yet to measure it.
    """

    outcome: Outcome
    values: Mapping[str, float | None] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)
    message: str = ""
    log_tail: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)
    peak_memory: int = 0
    host: str = ""
    job_id: str = ""
    started: float = math.nan
    finished: float = math.nan
    versions: Mapping[str, str] = field(default_factory=dict)
    seeds: Mapping[str, int] = field(default_factory=dict)
    outputs: Mapping[str, Sequence[float]] = field(default_factory=dict)
    deviations: Mapping[str, float] = field(default_factory=dict)
    errors: Mapping[str, float] = field(default_factory=dict)
    unfit: Mapping[str, str] = field(default_factory=dict)
    recordings: str = ""
    measured: bool = True

    @property
    def worked(self) -> bool:
        """Whether it speaks of the parameters: if none of many does, the cause is elsewhere."""
        ran_too_long = self.outcome is Outcome.TIMEOUT and not self.says_nothing
        return ran_too_long or self.outcome in (Outcome.OK, Outcome.EXPLODED)

    @property
    def says_nothing(self) -> bool:
        """Whether it is the cluster's doing: its job was lost, or had not begun at the deadline."""
        never_began = self.outcome is Outcome.TIMEOUT and math.isnan(self.started)
        return never_began or self.outcome.infrastructure

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-compatible dictionary."""
        return {**asdict(self), "outcome": self.outcome.value}

    @classmethod
    def from_json(cls, data: object) -> Result:
        """Read what `to_json` of this version, or of one that knew more or fewer keys, wrote.

        Raises
        ------
        ValueError
            If `data` is not a result; the message names the key.
        """
        if not isinstance(data, Mapping) or "outcome" not in data:
            raise ValueError("expected an object with the key 'outcome'")
        found: dict[str, Any] = {"outcome": Outcome(data["outcome"])}
        if found["outcome"] is Outcome.UNKNOWN:
            raise ValueError("outcome: expected what became of the simulation, got UNKNOWN")
        for key, expects in _EXPECTED.items():
            if key in data:
                if not expects(data[key]):
                    raise ValueError(f"{key}: unexpected {data[key]!r}")
                found[key] = data[key]
        return cls(**found)


def _is_number(value: object) -> bool:
    # JSON has whole numbers of any length
    return isinstance(value, float) or (_is_whole(value) and abs(value) <= sys.float_info.max)


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _maps(value: object, is_right: Callable[[object], bool]) -> bool:
    return isinstance(value, Mapping) and all(isinstance(k, str) and is_right(v) for k, v in value.items())


_EXPECTED: dict[str, Callable[[object], bool]] = {
    "values": lambda value: _maps(value, lambda each: each is None or _is_number(each)),
    "reasons": lambda value: _maps(value, _is_text),
    "message": _is_text,
    "log_tail": _is_text,
    "seconds": lambda value: _maps(value, _is_number),
    "peak_memory": lambda value: _is_whole(value) and 0 <= value < 2**63,
    "host": _is_text,
    "job_id": _is_text,
    "started": _is_number,
    "finished": _is_number,
    "versions": lambda value: _maps(value, _is_text),
    "seeds": lambda value: _maps(value, _is_whole),
    "outputs": lambda value: _maps(value, lambda row: isinstance(row, list) and all(map(_is_number, row))),
    "deviations": lambda value: _maps(value, _is_number),
    "errors": lambda value: _maps(value, _is_number),
    "unfit": lambda value: _maps(value, _is_text),
    "recordings": lambda value: isinstance(value, str) and "/" not in value,
    "measured": lambda value: isinstance(value, bool),
}


@dataclass(frozen=True)
class Evaluation:
    """An offspring with its result and scores: one row of the checkpoint.

    Parameters
    ----------
    offspring : Offspring
        What was evaluated.
    result : Result
        What came of it.
    values : tuple of float
        Value of every target in the order of the configuration, NaN if there is none, shape (n_targets,).
    scores : tuple of float
        Score of every target as people see it, at most its ``max_score``, shape (n_targets,); all NaN if it was not
        evaluated because of the cluster.
    attempts : int
        How often it was submitted.
    submitted : float
        Unix time of the last submission in s.
    told_in : int
        Number of the tell, from 0, by which the optimiser learnt of it.
    ranked_scores : tuple of float or None
        Score of every target that the optimiser is told, which goes on growing above ``max_score``; None if it is told
        the scores as they are.
    outputs : mapping of int to sequence of float
        The numbers that a target's value is computed from, by index of the target, of targets of which these are
        several.
    deviations : tuple of float
        Standard deviation of every target's values of single trials, NaN if there is none, shape (n_targets,); empty if
        simulations have one trial.
    errors : tuple of float
        Standard error of every target's value over trials, likewise.
    recordings : bytes
        Traces and events that are kept with it, as `targets.recordings.file` writes them; empty if none are.
    """

    offspring: Offspring
    result: Result
    values: tuple[float, ...]
    scores: tuple[float, ...]
    attempts: int
    submitted: float
    told_in: int = 0
    ranked_scores: tuple[float, ...] | None = None
    outputs: Mapping[int, Sequence[float]] = field(default_factory=dict)
    deviations: tuple[float, ...] = ()
    errors: tuple[float, ...] = ()
    recordings: bytes = b""

    @property
    def total_score(self) -> float:
        """Sum of the scores, which people see; NaN if it was not evaluated."""
        return total_of(self.scores)

    @property
    def told_scores(self) -> tuple[float, ...]:
        """The scores that the optimiser is told; their sum is the loss of single-objective optimisers."""
        return self.scores if self.ranked_scores is None else self.ranked_scores


def rows_of_outputs(evaluations: Sequence[Evaluation]) -> dict[int, FloatArray]:
    """Return the outputs of evaluations by index of the target, shape (n_evaluations, n_outputs).

    Rows of NaN are those of evaluations that have none, and of those that have another number of them than the first.
    """
    widths: dict[int, int] = {}
    for evaluation in evaluations:
        for target, row in evaluation.outputs.items():
            widths.setdefault(target, len(row))
    rows = {target: np.full((len(evaluations), width), math.nan) for target, width in sorted(widths.items())}
    for n, evaluation in enumerate(evaluations):
        for target, row in evaluation.outputs.items():
            if len(row) == widths[target]:
                rows[target][n] = row
    return rows


def total_of(scores: Iterable[float]) -> float:
    """Return the sum of scores, exact up to its last digit; infinite if it is beyond the largest number."""
    try:
        return math.fsum(scores)
    except OverflowError:
        return math.inf
