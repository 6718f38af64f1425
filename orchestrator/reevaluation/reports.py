"""What a re-evaluation says: mean and spread of each candidate, beside what the optimiser saw."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.reevaluation.choosing import Candidate, Key
from orchestrator.reevaluation.spread import Spread
from orchestrator.reevaluation.store import ReevaluationRequest, SeedEvaluation
from orchestrator.schedules.reevaluation import key_of
from orchestrator.simulations.seeds import other_seeds

# of what is said of a candidate as it was seen
_TOLD_OTHERWISE = ("targets", "total_score", "outcome", "again")


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
            **{
                key: value
                for key, value in seen.to_json().items()
                if key not in ("targets", "total_score", "outcome", "again")
            },
            "total_score": {"seen": seen.total_score, **self.total.to_json()},
            "targets": [
                {
                    "name": target.name,
                    "value": {"seen": target.seen_value, **target.value.to_json()},
                    "score": {"seen": target.seen_score, **target.score.to_json()},
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
    request : ReevaluationRequest
        What was asked for.
    candidates : tuple of CandidateSpread
        In the order in which the optimiser ranked them.
    """

    request: ReevaluationRequest
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


def report(request: ReevaluationRequest, known: Mapping[Key, SeedEvaluation]) -> Report:
    """Return mean and spread of every candidate of a request.

    Parameters
    ----------
    request : ReevaluationRequest
        What was asked for.
    known : mapping of tuple to SeedEvaluation
        All evaluations so far.
    """
    return Report(request, tuple(_candidate(request, each, known) for each in request.candidates))


def _candidate(
    request: ReevaluationRequest, candidate: Candidate, known: Mapping[Key, SeedEvaluation]
) -> CandidateSpread:
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
