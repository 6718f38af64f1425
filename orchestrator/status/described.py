"""The nouns of a status: what a display shows and ``--json`` prints. All times are Unix times in s."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

from orchestrator.jobs.queue_note import QueueNote
from orchestrator.status.offspring_state import STATES

# of the content of --json; keys are added without a new number, not removed or changed
FORMAT = 1
START_EXPLODED = (
    "the start values explode: the search begins where nothing has a value, and whole generations may score the same. "
    "Begin with weaker excitation; or, if the model is meant to be so active, raise explosion_check.threshold"
)


@dataclass(frozen=True)
class ControllerStatus:
    """Whether somebody carries the run out.

    Parameters
    ----------
    state : str
        ``alive``; ``dead``: its process is gone although it never said goodbye; ``silent``: on another machine, and it
        has not renewed its hold; ``finished``, ``stopped``, ``failed`` or ``cancelled``, by its own last words;
        ``gone``: it left without any; ``none``: there never was one.
    host, pid, job : str or int
        Which one: its machine, process, and SLURM job.
    since : float
        When it started, NaN if unknown.
    last_sign : float
        When it was last known to live, NaN if unknown.
    ended : float
        When it ended, by its own words.
    reason : str
        Why it ended.
    """

    state: str
    host: str = ""
    pid: int | None = None
    job: str = ""
    since: float = math.nan
    last_sign: float = math.nan
    ended: float = math.nan
    reason: str = ""


@dataclass(frozen=True)
class OffspringStatus:
    """One offspring of the generation in generation.

    Parameters
    ----------
    index : int
        Its place in the generation.
    state : str
        One of `orchestrator.status.offspring_state.STATES`.
    phase, name, step, steps, started, since, host
        As `orchestrator.simulations.phases.JobProgress` has them; empty, 0 or NaN if the job has not started.
    in_flight : bool
        Whether a job of its last submission exists, for all that its controller has noted.
    attempt : int
        Number of its last submission, 0 before the first.
    job_id : str
        The executor's id.
    silent : float
        For how long the job has given no sign of life, in s; 0 if that is no longer than usual.
    outcome, message : str
        What became of it, if something has.
    """

    index: int
    state: str
    phase: str = ""
    name: str = ""
    step: int = 0
    steps: int = 0
    started: float = math.nan
    since: float = math.nan
    host: str = ""
    in_flight: bool = False
    attempt: int = 0
    job_id: str = ""
    silent: float = 0.0
    outcome: str = ""
    message: str = ""


@dataclass(frozen=True)
class GenerationStatus:
    """The generation in generation.

    Parameters
    ----------
    number : int
        From 0.
    submitted : float
        When its time began: the first submission; NaN before that.
    deadline : float
        When it times out.
    timed_out : bool
        Whether the timeout is being enforced.
    offspring : sequence of OffspringStatus
        All of them.
    queue : QueueNote
        What the executor said last of the jobs.
    lost : mapping of str to int
        Attempts that were lost and submitted again, by outcome.
    """

    number: int
    submitted: float
    deadline: float
    timed_out: bool
    offspring: Sequence[OffspringStatus]
    queue: QueueNote = field(default_factory=QueueNote)
    lost: Mapping[str, int] = field(default_factory=dict)

    @property
    def counts(self) -> dict[str, int]:
        """Number of offspring in each state, all states."""
        found = Counter(each.state for each in self.offspring)
        return {state: found[state] for state in STATES}

    @property
    def pending(self) -> dict[str, int]:
        """Number of jobs that are pending for each reason."""
        return self.queue.counted({each.index for each in self.offspring if each.state == "queued" and each.in_flight})

    @property
    def unsubmitted(self) -> int:
        """How many wait for their submission, the first or another one."""
        return sum(each.state == "queued" and not each.in_flight for each in self.offspring)

    @property
    def in_flight(self) -> bool:
        """Whether any job exists."""
        return any(each.in_flight for each in self.offspring)

    @property
    def landed(self) -> int:
        """How many are done, exploded, failed or not evaluated."""
        counts = self.counts
        return counts["done"] + counts["exploded"] + counts["failed"] + counts["not evaluated"]

    @property
    def failures(self) -> list[OffspringStatus]:
        """Those that exploded, failed or were not evaluated."""
        return [each for each in self.offspring if each.state in ("exploded", "failed", "not evaluated")]


@dataclass(frozen=True)
class Best:
    """The best evaluation so far."""

    total_score: float
    generation: int
    offspring: int
    origin: str = ""


@dataclass(frozen=True)
class ModelStatus:
    """What the model of the values does, as of the last evaluations that were told.

    Parameters
    ----------
    proposals, evaluations : int
        How many of the evaluations that were told at once it had proposed, and how many there were.
    win : float
        In which share of the pairs of a proposal and another of them the proposal is better; NaN if there is no pair.
    state : str
        ``on``; ``restarted``: the search had stalled, began anew at its best, and takes a quarter of proposals at most;
        ``off``: it has stalled again, and goes on without.
    """

    proposals: int
    evaluations: int
    win: float
    state: str


@dataclass(frozen=True)
class Winner:
    """The best by the mean over other seeds.

    Parameters
    ----------
    generation, offspring : int
        Which evaluation.
    mean, sd : float
        Of its total score under other seeds; the standard deviation is NaN if there is one seed.
    n : int
        How many other seeds.
    seen : float
        What the optimiser saw.
    """

    generation: int
    offspring: int
    mean: float
    sd: float
    n: int
    seen: float


@dataclass(frozen=True)
class ReevaluationStatus:
    """The re-evaluation of the best that was asked for last.

    Parameters
    ----------
    candidates, seeds : int
        How many of the best, and how many other seeds each.
    simulations, done : int
        How many simulations that is, and how many of them are done.
    winner : Winner or None
        None as long as the best was not evaluated again.
    running : bool
        Whether somebody carries it out.
    counts, pending : mapping of str to int
        Of the simulations in flight, as of `GenerationStatus`.
    deadline : float
        When they time out, NaN if none is in flight.
    """

    candidates: int
    seeds: int
    simulations: int
    done: int
    winner: Winner | None = None
    running: bool = False
    counts: Mapping[str, int] = field(default_factory=dict)
    pending: Mapping[str, int] = field(default_factory=dict)
    deadline: float = math.nan


@dataclass(frozen=True)
class Forecast:
    """When ``max_ngen`` generations are done, if generations go on to take as long as they did.

    Parameters
    ----------
    generation_seconds : float
        Median duration of the last generations, NaN before the first is complete.
    range_seconds : tuple of float
        Quartiles of the same.
    end : float
        Expected end, NaN if unknown.
    latest : float
        When the timeouts of all generations would have passed.
    """

    generation_seconds: float = math.nan
    range_seconds: tuple[float, float] = (math.nan, math.nan)
    end: float = math.nan
    latest: float = math.nan


@dataclass(frozen=True)
class RunStatus:
    """A run at one moment.

    Parameters
    ----------
    run : str
        Its directory.
    time : float
        Of this moment.
    controller : ControllerStatus
        Whether somebody carries it out.
    complete, max_ngen : int
        How many generations are in the checkpoint, and how many there will be.
    timeout : float
        Of a generation in s.
    best : Best or None
        None before the first generation is complete.
    start_score : float
        Total score of the start values; NaN if they are not evaluated (yet).
    best_scores : sequence of float
        Best total score of each complete generation.
    generation : GenerationStatus or None
        In flight; None between two generations, and when nothing is.
    forecast : Forecast
        Only if a controller lives.
    problems : sequence of str
        Files that could not be read.
    warnings : sequence of str
        What deserves a look in the evaluations of the complete generations.
    model : ModelStatus or None
        None if the optimiser has no model of the values, or no generation is complete.
    reevaluation : ReevaluationStatus or None
        None if nothing was evaluated again.
    """

    run: str
    time: float
    controller: ControllerStatus
    complete: int = 0
    max_ngen: int = 0
    timeout: float = math.nan
    best: Best | None = None
    start_score: float = math.nan
    best_scores: Sequence[float] = ()
    generation: GenerationStatus | None = None
    forecast: Forecast = field(default_factory=Forecast)
    problems: Sequence[str] = ()
    warnings: Sequence[str] = ()
    model: ModelStatus | None = None
    reevaluation: ReevaluationStatus | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the same for ``--json``; numbers that are not known are null."""
        data: dict[str, Any] = {"format": FORMAT, **_plain(self)}
        generation = self.generation
        if generation is not None:
            data["generation"] |= {
                "counts": generation.counts,
                "pending": generation.pending,
                "unsubmitted": generation.unsubmitted,
            }
            queue = generation.queue
            said = {"time": _plain(queue.time), "silence": queue.silence, "refusal": queue.refusal}
            data["generation"]["queue"] = said
        return data


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value
