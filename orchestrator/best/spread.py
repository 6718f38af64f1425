"""Mean and spread of what re-evaluations gave, beside what the optimiser saw."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from orchestrator.best.choosing import Candidate
from orchestrator.best.seeds import other_seeds
from orchestrator.best.store import Evaluated, Key, Request
from orchestrator.schedules.reevaluation import key_of


@dataclass(frozen=True)
class Spread:
    """Numbers of one kind under several seeds.

    Parameters
    ----------
    n : int
        How many numbers there are.
    mean, sd, low, high : float or None
        Mean, standard deviation (of the sample, over n - 1), smallest and largest; None if there are too few.
    """

    n: int
    mean: float | None
    sd: float | None
    low: float | None
    high: float | None

    @classmethod
    def of(cls, numbers: Sequence[float]) -> Spread:
        """Return the spread of the finite ones of these numbers."""
        finite = [number for number in numbers if math.isfinite(number)]
        if not finite:
            return cls(0, None, None, None, None)
        sd = statistics.stdev(finite) if len(finite) > 1 else None
        return cls(len(finite), statistics.fmean(finite), sd, min(finite), max(finite))


@dataclass(frozen=True)
class TargetSpread:
    """One target of one candidate: what the optimiser saw, and what other seeds gave."""

    name: str
    seen_value: float | None
    seen_score: float
    value: Spread
    score: Spread


@dataclass(frozen=True)
class CandidateSpread:
    """One candidate.

    Parameters
    ----------
    candidate : Candidate
        With what the optimiser saw.
    total : Spread
        Of the total score, explosions and failed simulations with their ``max_score`` included.
    targets : tuple of TargetSpread
        In the order of the run. Values are those of simulations that came to their end.
    outcomes : mapping of str to int
        How many simulations ended how.
    open : int
        How many have yet to be simulated, or did not finish.
    reasons : tuple of str
        Why some failed.
    """

    candidate: Candidate
    total: Spread
    targets: tuple[TargetSpread, ...]
    outcomes: Mapping[str, int]
    open: int
    reasons: tuple[str, ...]

    @property
    def lucky(self) -> bool:
        """Whether the optimiser saw a better total score than any of at least two other seeds gives."""
        return self.total.n > 1 and self.total.low is not None and self.candidate.total_score < self.total.low

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-compatible dictionary."""
        seen = self.candidate
        return {
            **{key: value for key, value in seen.to_json().items() if key not in ("targets", "total_score", "outcome")},
            "total_score": {"seen": seen.total_score, **_json(self.total)},
            "targets": [
                {
                    "name": target.name,
                    "value": {"seen": target.seen_value, **_json(target.value)},
                    "score": {"seen": target.seen_score, **_json(target.score)},
                }
                for target in self.targets
            ],
            "outcomes": dict(self.outcomes),
            "open": self.open,
            "lucky": self.lucky,
        }


@dataclass(frozen=True)
class Report:
    """What a re-evaluation says.

    Parameters
    ----------
    request : Request
        What was asked for.
    candidates : tuple of CandidateSpread
        In the order in which the optimiser ranked them.
    """

    request: Request
    candidates: tuple[CandidateSpread, ...]

    @property
    def open(self) -> int:
        """How many simulations are missing."""
        return sum(each.open for each in self.candidates)

    @property
    def by_mean(self) -> list[CandidateSpread]:
        """Candidates by the mean of their total score, best first; without those of which nothing is known."""
        known = [(each.total.mean, each) for each in self.candidates if each.total.mean is not None]
        return [each for _, each in sorted(known, key=lambda pair: pair[0])]

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-compatible dictionary."""
        request = self.request
        ranks = {id(each): n for n, each in enumerate(self.by_mean, start=1)}
        return {
            "seeds": [other_seeds(request.originals, number) for number in range(1, request.seeds + 1)],
            "open": self.open,
            "candidates": [{**each.to_json(), "rank_by_mean": ranks.get(id(each))} for each in self.candidates],
        }


def report(request: Request, known: Mapping[Key, Evaluated]) -> Report:
    """Return mean and spread of every candidate of a request.

    Parameters
    ----------
    request : Request
        What was asked for.
    known : mapping of tuple to Evaluated
        All evaluations so far.
    """
    return Report(request, tuple(_candidate(request, each, known) for each in request.candidates))


def _candidate(request: Request, candidate: Candidate, known: Mapping[Key, Evaluated]) -> CandidateSpread:
    found = [known[key] for task in request.tasks(candidate) if (key := key_of(task)) in known]
    settled = [each for each in found if each.settled]
    targets = [
        TargetSpread(
            name,
            candidate.values[name],
            score,
            Spread.of([each.values[name] for each in settled]),
            Spread.of([each.scores[name] for each in settled]),
        )
        for name, score in candidate.scores.items()
    ]
    return CandidateSpread(
        candidate,
        Spread.of([each.total_score for each in settled]),
        tuple(targets),
        Counter(each.outcome.value for each in found),
        request.seeds - len(settled),
        tuple(dict.fromkeys(f"{each.outcome.value}: {each.message}" for each in found if each.message)),
    )


def _json(spread: Spread) -> dict[str, Any]:
    names = {"low": "min", "high": "max"}
    return {names.get(name, name): value for name, value in asdict(spread).items()}
