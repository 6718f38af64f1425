"""Which evaluations of a run are its best."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from orchestrator.config.section import PER_OFFSPRING
from orchestrator.config.yaml_text import read_mapping
from orchestrator.errors import UsageError
from orchestrator.optimisers.evolution.domination import non_dominated
from orchestrator.records import Origin
from orchestrator.reevaluation.spread import Again

if TYPE_CHECKING:
    import pandas as pd

    from orchestrator.checkpoint import Checkpoint

# values of the parameters in their order
Key = tuple[float, ...]
# a mean of fewer has no spread
FEWEST = 2
# standard errors of few trials are uncertain: they are averaged over so many of the best
_AVERAGED = 10


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
        Those that are searched, in their own units.
    values : mapping of str to (float or None)
        By target; None if there is none.
    scores : mapping of str to float
        By target.
    origin : Origin or None
        Where the point comes from; None if it was written down by an earlier version.
    seeds : mapping of str to int
        What it was simulated with, as far as that was noted.
    again : Again or None
        What other seeds gave; None if it was not evaluated again.
    given : mapping of str to float or int
        What the simulation got: searched parameters under all of their names, constants, and what is computed.
    errors : mapping of str to float
        Standard errors of the values over trials, by target; only those that are known.

    Examples
    --------
    >>> from orchestrator import Run
    >>> Run("20261120-104608_Optimization").best.values
    {'ReturnedValue(rate)': 3.5, 'ReturnedValue(cv)': 1.0}
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
    seeds: Mapping[str, int] = field(default_factory=dict)
    again: Again | None = None
    given: Mapping[str, float | int] = field(default_factory=dict)
    errors: Mapping[str, float] = field(default_factory=dict)

    @property
    def derived(self) -> dict[str, float | int]:
        """What the simulation got and that is not searched under this name.

        Examples
        --------
        >>> Run("20261120-104608_Optimization").best.derived
        {'doubled': 0.7}
        """
        return {name: value for name, value in self.given.items() if name not in self.parameters}

    @property
    def name(self) -> str:
        """The evaluation in words.

        Examples
        --------
        >>> Run("20261120-104608_Optimization").best.name
        'generation 1 offspring 2'
        """
        return f"generation {self.generation} offspring {self.offspring}"

    @property
    def name_and_origin(self) -> str:
        """The evaluation, and where its point comes from, in words."""
        return self.name if self.origin is None else f"{self.name}: {self.origin.words}"

    @property
    def score_words(self) -> str:
        """The total score in words: by the mean over other seeds if it was evaluated again, beside what was seen."""
        if self.again is None or self.again.total.mean is None:
            return f"total score {self.total_score:.4g}"
        return f"total score {self.again.total.words}; the optimiser saw {self.total_score:.4g}"

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-compatible dictionary."""
        targets = [
            {"name": name, "value": self.values[name], "score": score}
            | ({"standard_error": self.errors[name]} if name in self.errors else {})
            for name, score in self.scores.items()
        ]
        return {
            "rank": self.rank,
            "generation": self.generation,
            "offspring": self.offspring,
            "origin": None if self.origin is None else self.origin.value,
            "outcome": self.outcome,
            "total_score": self.total_score,
            "parameters": dict(self.parameters),
            "given": {name: value if math.isfinite(value) else None for name, value in self.given.items()},
            "targets": targets,
            "seeds": dict(self.seeds),
            "again": None if self.again is None else self.again.to_json(),
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
            seeds={str(name): int(seed) for name, seed in data.get("seeds", {}).items()},
            given={str(n): math.nan if v is None else _number(v) for n, v in data.get("given", {}).items()},
            errors={str(t["name"]): float(t["standard_error"]) for t in data["targets"] if "standard_error" in t},
        )


def _number(value: object) -> float | int:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"expected a number, got {value!r}")
    return value


@dataclass(frozen=True)
class BestEvaluations:
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
    by_mean : bool
        Whether the first ones are ordered by the mean of what other seeds gave of them.
    on_front : int or None
        How many different ones are on the Pareto front if only these count.
    errors : mapping of str to float
        Standard errors of the values over trials, by target: the root mean square of those of the ten best.
    """

    best: tuple[Candidate, ...]
    start: Candidate | None
    wanted: int
    outcomes: Mapping[str, int]
    source: str
    by_mean: bool = False
    on_front: int | None = None
    errors: Mapping[str, float] = field(default_factory=dict)

    @property
    def note(self) -> str:
        """What a reader has to know: which evaluations count, and whether there are fewer than asked for."""
        if not self.outcomes:
            return "No generation is complete yet."
        total, ok = sum(self.outcomes.values()), self.outcomes.get("OK", 0)
        text = f"{total} evaluations, {ok} of them OK; only these can be best"
        if others := ", ".join(f"{n} {name}" for name, n in self.outcomes.items() if name != "OK"):
            text += f" ({others})"
        if self.on_front is not None:
            text += (
                f". {self.on_front} different ones are on the Pareto front: none is better in a target without being "
            )
            text += "worse in another"
        if len(self.best) < self.wanted:
            text += f". {self.wanted} were asked for, there are {len(self.best)} different ones"
        if self.by_mean:
            text += ". Those that were evaluated again come first, by the mean over other seeds, which is not luck"
        return f"{text}."

    def required(self) -> BestEvaluations:
        """Return the choice itself.

        Raises
        ------
        orchestrator.errors.UsageError
            If there is none.
        """
        if not self.best:
            raise UsageError(f"{self.source}: nothing is best yet. {self.note}")
        return self

    def only(self, rank: int) -> BestEvaluations:
        """Return the choice of one rank alone; raises as `ranked`."""
        return replace(self, best=(self.ranked(rank),), wanted=1)

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


def choose(
    checkpoint: Checkpoint, top: int, again: Mapping[Key, Again] | None = None, front: Sequence[str] = ()
) -> BestEvaluations:
    """Return the best evaluations of a run.

    Only those with outcome ``OK`` count: the others have no values, and ``max_score`` if all are bad is no
    achievement. Parameters that were evaluated twice (whole numbers) count once. Ties are decided by what the optimiser
    ranked, which tells scores at ``max_score`` from each other, and then by the order of the run.

    Once the best of them was evaluated again, those that were come first, ordered by the mean over other seeds: the
    best of many noisy evaluations is in part the luckiest. If the run has found something better since, that is not
    known to be luck or not, and the order is that of the optimiser.

    Parameters
    ----------
    checkpoint : orchestrator.checkpoint.Checkpoint
        Of the run.
    top : int
        How many.
    again : mapping of tuple to Again, optional
        What other seeds gave, by the parameters' values; `FEWEST` of them count at least.
    front : sequence of str
        Labels of targets: if there are any, only what is on the Pareto front of their scores counts.
    """
    frame = checkpoint.evaluations()
    frame["ranked"] = [total for block in checkpoint.told() for total in block.totals]
    if _has_seeds_of_its_own(checkpoint):
        frame["seeds"] = checkpoint.details()["seeds"]
    order = frame[frame["outcome"] == "OK"].sort_values(["total_score", "ranked"], kind="stable")
    names = [f"parameter:{name}" for name in checkpoint.parameter_names]
    first: dict[Key, int] = {}
    for row, values in enumerate(order[names].to_numpy(dtype=float).tolist()):
        first.setdefault(tuple(values), row)
    if front:
        scores = order[[f"score:{label}" for label in front]].to_numpy(dtype=float)[list(first.values())]
        first = {key: first[key] for key, best in zip(list(first), non_dominated(scores), strict=True) if best}
    means = {
        key: mean
        for key, found in (again or {}).items()
        if key in first and found.total.n >= FEWEST and (mean := found.total.mean) is not None
    }
    by_mean = bool(first) and next(iter(first)) in means
    keys = sorted(first, key=lambda key: means.get(key, math.inf)) if by_mean else list(first)
    integers = _integers(checkpoint)
    best = [
        replace(_candidate(order.iloc[first[key]], checkpoint, integers, rank), again=(again or {}).get(key))
        for rank, key in enumerate(keys[:top], start=1)
    ]
    starts = frame[frame["origin"] == Origin.START.value]
    start = None if starts.empty else _candidate(starts.iloc[0], checkpoint, integers, 0)
    outcomes = {str(name): int(n) for name, n in frame["outcome"].value_counts().items()}
    on_front = len(first) if front else None
    errors = _errors(order.head(_AVERAGED), checkpoint)
    return BestEvaluations(tuple(best), start, top, outcomes, str(checkpoint.path), by_mean, on_front, errors)


def _errors(rows: pd.DataFrame, checkpoint: Checkpoint) -> dict[str, float]:
    """Return the root mean square of the standard errors of some evaluations, by target, of those that have any."""
    found = {label: rows[f"se:{label}"].dropna() for label in checkpoint.target_labels if f"se:{label}" in rows}
    return {label: math.sqrt((each**2).mean()) for label, each in found.items() if len(each)}


def _candidate(row: pd.Series[Any], checkpoint: Checkpoint, integers: Sequence[str], rank: int) -> Candidate:
    values = {label: float(row[f"value:{label}"]) for label in checkpoint.target_labels}
    numbers = {name: float(row[f"parameter:{name}"]) for name in checkpoint.parameter_names}
    parameters = {n: int(x) if n in integers and math.isfinite(x) else x for n, x in numbers.items()}
    return Candidate(
        rank,
        int(row["generation"]),
        int(row["offspring"]),
        float(row["total_score"]),
        str(row["outcome"]),
        parameters,
        {label: value if math.isfinite(value) else None for label, value in values.items()},
        {label: float(row[f"score:{label}"]) for label in checkpoint.target_labels},
        origin=Origin(row["origin"]),
        seeds=row.get("seeds", {}),
        given=checkpoint.given.values_or_nan(parameters),
        errors={
            label: float(error)
            for label in checkpoint.target_labels
            if math.isfinite(error := row.get(f"se:{label}", math.nan))
        },
    )


def _integers(checkpoint: Checkpoint) -> list[str]:
    """Return the parameters that are whole numbers: the checkpoint holds all as floating-point numbers."""
    specs = _config(checkpoint).get("parameters")
    named = specs.items() if isinstance(specs, dict) else ()
    return [name for name, spec in named if isinstance(spec, dict) and spec.get("integer") is True]


def _has_seeds_of_its_own(checkpoint: Checkpoint) -> bool:
    """Whether every evaluation has others, so that they are worth reading."""
    simulation = _config(checkpoint).get("simulation")
    seeds = simulation.get("seeds") if isinstance(simulation, dict) else None
    return isinstance(seeds, dict) and PER_OFFSPRING in seeds.values()


def _config(checkpoint: Checkpoint) -> Mapping[str, Any]:
    try:
        return read_mapping(checkpoint.config_text)
    except ValueError:
        return {}  # the numbers are there all the same
