"""The nouns of a status: what a display shows and ``--json`` prints. All times are Unix times in s."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

from orchestrator.status.in_flight import GenerationStatus

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
class Best:
    """The best evaluation so far.

    Parameters
    ----------
    total_score : float
        Sum of its scores.
    generation, offspring : int
        Which one it is.
    origin : str
        Where it comes from.
    value : str
        The value with its unit, such as ``TraceRMSE 24.3 nAm``, of a run with one target; empty otherwise.
    """

    total_score: float
    generation: int
    offspring: int
    origin: str = ""
    value: str = ""


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

    Examples
    --------
    >>> from orchestrator import Run
    >>> status = Run("20261120-104608_Optimization").status()
    >>> status.complete, status.best_scores[-1], status.generation
    (3, 1.25, None)
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
        """Return the same for ``--json``; numbers that are not known are null.

        Examples
        --------
        >>> from orchestrator import Run
        >>> Run("20261120-104608_Optimization").status().to_json()["best"]["total_score"]
        0.5
        """
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
