"""Which evaluations of a run are its best."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.config.yaml_text import read_mapping
from orchestrator.errors import UsageError
from orchestrator.records import Origin

if TYPE_CHECKING:
    import pandas as pd

    from orchestrator.checkpoint import Checkpoint


@dataclass(frozen=True)
class Candidate:
    """One evaluation.

    Parameters
    ----------
    rank : int
        From 1, the best; 0 for the start values if they are shown beside.
    generation, offspring : int
        Its identity.
    total_score : float
        Sum of the scores.
    outcome : str
        ``OK``, except of the start.
    parameters : mapping of str to float or int
        In the parameters' own units.
    values : mapping of str to (float or None)
        By target; None if there is none.
    scores : mapping of str to float
        By target.
    origin : Origin or None
        Where the point comes from; None if it was written down by an earlier version.
    """

    rank: int
    generation: int
    offspring: int
    total_score: float
    outcome: str
    parameters: Mapping[str, float | int]
    values: Mapping[str, float | None]
    scores: Mapping[str, float]
    origin: Origin | None = None

    @property
    def name(self) -> str:
        """The evaluation in words."""
        return f"generation {self.generation} offspring {self.offspring}"

    @property
    def name_and_origin(self) -> str:
        """The evaluation, and where its point comes from, in words."""
        return self.name if self.origin is None else f"{self.name}: {self.origin.words}"

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-compatible dictionary."""
        targets = [{"name": name, "value": self.values[name], "score": score} for name, score in self.scores.items()]
        return {
            "rank": self.rank,
            "generation": self.generation,
            "offspring": self.offspring,
            "origin": None if self.origin is None else self.origin.value,
            "outcome": self.outcome,
            "total_score": self.total_score,
            "parameters": dict(self.parameters),
            "targets": targets,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Candidate:
        """Read what `to_json` wrote; raises `ValueError`, `TypeError` or `KeyError` if that is something else."""
        values = {str(target["name"]): target["value"] for target in data["targets"]}
        return cls(
            rank=int(data["rank"]),
            generation=int(data["generation"]),
            offspring=int(data["offspring"]),
            total_score=float(data["total_score"]),
            outcome=str(data["outcome"]),
            parameters={str(name): _number(value) for name, value in data["parameters"].items()},
            values={name: None if value is None else float(value) for name, value in values.items()},
            scores={str(target["name"]): float(target["score"]) for target in data["targets"]},
            origin=None if data.get("origin") is None else Origin(data["origin"]),
        )


def _number(value: object) -> float | int:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"expected a number, got {value!r}")
    return value


@dataclass(frozen=True)
class Choice:
    """The best evaluations of a run.

    Parameters
    ----------
    best : tuple of Candidate
        Best first; as many as were asked for, or all there are.
    start : Candidate or None
        The start values; None if they are not evaluated, or not yet.
    wanted : int
        How many were asked for.
    outcomes : mapping of str to int
        How many evaluations there are of each outcome.
    source : str
        The checkpoint, for messages.
    """

    best: tuple[Candidate, ...]
    start: Candidate | None
    wanted: int
    outcomes: Mapping[str, int]
    source: str

    @property
    def note(self) -> str:
        """What a reader has to know: which evaluations count, and whether there are fewer than asked for."""
        if not self.outcomes:
            return "No generation is complete yet."
        total, ok = sum(self.outcomes.values()), self.outcomes.get("OK", 0)
        text = f"{total} evaluations, {ok} of them OK; only these can be best"
        if others := ", ".join(f"{n} {name}" for name, n in self.outcomes.items() if name != "OK"):
            text += f" ({others})"
        if len(self.best) < self.wanted:
            text += f". {self.wanted} were asked for, there are {len(self.best)} different ones"
        return f"{text}."

    def required(self) -> Choice:
        """Return the choice itself.

        Raises
        ------
        orchestrator.errors.UsageError
            If there is none.
        """
        if not self.best:
            raise UsageError(f"{self.source}: nothing is best yet. {self.note}")
        return self

    def ranked(self, rank: int) -> Candidate:
        """Return the candidate of a rank, from 1.

        Raises
        ------
        orchestrator.errors.UsageError
            If there are fewer.
        """
        best = self.required().best
        if rank > len(best):
            raise UsageError(f"--rank {rank}: expected 1 to {len(best)}. {self.source}: {self.note}")
        return best[rank - 1]


def choose(checkpoint: Checkpoint, top: int) -> Choice:
    """Return the best evaluations of a run.

    Only those with outcome ``OK`` count: the others have no values, and ``max_score`` if all are bad is no
    achievement. Parameters that were evaluated twice (whole numbers) count once. Ties are decided by what the optimiser
    ranked, which tells scores at ``max_score`` from each other, and then by the order of the run.

    Parameters
    ----------
    checkpoint : orchestrator.checkpoint.Checkpoint
        Of the run.
    top : int
        How many.
    """
    frame = checkpoint.evaluations()
    integers = _integers(checkpoint)
    best: list[Candidate] = []
    seen = set()
    frame["ranked"] = [total for block in checkpoint.told() for total in block.totals]
    for _, row in frame[frame["outcome"] == "OK"].sort_values(["total_score", "ranked"], kind="stable").iterrows():
        candidate = _candidate(row, checkpoint, integers, len(best) + 1)
        key = tuple(candidate.parameters.values())
        if key in seen:
            continue
        seen.add(key)
        best.append(candidate)
        if len(best) == top:
            break
    starts = frame[frame["origin"] == Origin.START.value]
    start = None if starts.empty else _candidate(starts.iloc[0], checkpoint, integers, 0)
    outcomes = {str(name): int(n) for name, n in frame["outcome"].value_counts().items()}
    return Choice(tuple(best), start, top, outcomes, str(checkpoint.path))


def _candidate(row: pd.Series[Any], checkpoint: Checkpoint, integers: Sequence[str], rank: int) -> Candidate:
    values = {label: float(row[f"value:{label}"]) for label in checkpoint.target_labels}
    numbers = {name: float(row[f"parameter:{name}"]) for name in checkpoint.parameter_names}
    return Candidate(
        rank,
        int(row["generation"]),
        int(row["offspring"]),
        float(row["total_score"]),
        str(row["outcome"]),
        {n: int(number) if n in integers and math.isfinite(number) else number for n, number in numbers.items()},
        {label: value if math.isfinite(value) else None for label, value in values.items()},
        {label: float(row[f"score:{label}"]) for label in checkpoint.target_labels},
        Origin(row["origin"]),
    )


def _integers(checkpoint: Checkpoint) -> list[str]:
    """Return the parameters that are whole numbers: the checkpoint holds all as floating-point numbers."""
    try:
        specs = read_mapping(checkpoint.config_text).get("parameters")
    except ValueError:
        return []  # the numbers are there all the same
    named = specs.items() if isinstance(specs, dict) else ()
    return [name for name, spec in named if isinstance(spec, dict) and spec.get("integer") is True]
