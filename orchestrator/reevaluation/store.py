"""What is kept of re-evaluations: what was asked, and every evaluation under other seeds, beside the run itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.checkpoint import Checkpoint
from orchestrator.errors import UsageError
from orchestrator.files import read_json, write_json
from orchestrator.paths import ReevaluationPaths, RunPaths
from orchestrator.records import Outcome, total_of
from orchestrator.reevaluation.choosing import Candidate, Key
from orchestrator.reevaluation.spread import Again, Spread
from orchestrator.schedules.reevaluation import Numbers, key_of
from orchestrator.simulations.seeds import other_seeds

# for each of the best: more would be a damaged file
MOST_SEEDS = 10_000


@dataclass(frozen=True)
class ReevaluationRequest:
    """What somebody wants to know.

    Parameters
    ----------
    top, seeds : int
        How many of the best evaluations, and how many other seeds for each.
    originals : mapping of str to int
        The seeds of the optimisation.
    candidates : tuple of Candidate
        The best evaluations when it was asked.
    evaluations : int
        How many evaluations the run had then.
    front : tuple of str
        Labels of the targets of whose Pareto front the candidates are; none if they are the best of all.
    """

    top: int
    seeds: int
    originals: Mapping[str, int]
    candidates: tuple[Candidate, ...]
    evaluations: int
    front: tuple[str, ...] = ()

    def tasks(self, candidate: Candidate) -> list[Numbers]:
        """Return the parameters and seeds of one candidate's simulations."""
        return [{**candidate.parameters, **other_seeds(self.originals, number)} for number in range(1, self.seeds + 1)]

    @property
    def all_tasks(self) -> list[Numbers]:
        """The parameters and seeds of all simulations, first the first other seeds of all candidates."""
        return [task for tasks in zip(*map(self.tasks, self.candidates), strict=True) for task in tasks]

    def write(self, paths: ReevaluationPaths) -> None:
        """Keep it as the last."""
        data = {"top": self.top, "seeds": self.seeds, "originals": dict(self.originals)}
        found = [candidate.to_json() for candidate in self.candidates]
        write_json(paths.request, {**data, "candidates": found, "evaluations": self.evaluations, "front": self.front})

    @classmethod
    def read(cls, paths: ReevaluationPaths) -> ReevaluationRequest | None:
        """Return the last, None if there is none.

        Raises
        ------
        orchestrator.errors.UsageError
            If the file is not what `write` wrote.
        """
        try:
            data = read_json(paths.request)
            candidates = tuple(Candidate.from_json(each) for each in data["candidates"])
            numbers = [int(data[key]) for key in ("top", "seeds", "evaluations")]
            originals = {str(name): int(seed) for name, seed in data["originals"].items()}
            front = tuple(str(label) for label in data.get("front", ()))
            if not 1 <= numbers[1] <= MOST_SEEDS:
                raise ValueError(f"seeds: expected 1 to {MOST_SEEDS:,}, got {numbers[1]}")
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
            raise UsageError(
                f"{paths.request}: does not say what was asked for ({type(error).__name__}: {error}). Remove it, and "
                "ask again: what was simulated is kept"
            ) from error
        top, seeds, evaluations = numbers
        return cls(top, seeds, originals, candidates, evaluations, front)


@dataclass(frozen=True)
class SeedEvaluation:
    """One evaluation under other seeds.

    Parameters
    ----------
    outcome : Outcome
        What became of the simulation.
    message : str
        Why, if it is not `OK`.
    total_score : float
        Sum of the scores.
    values, scores : mapping of str to float
        By target; a value is NaN if there is none.
    """

    outcome: Outcome
    message: str
    total_score: float
    values: Mapping[str, float]
    scores: Mapping[str, float]

    @property
    def settled(self) -> bool:
        """Whether it says something: what did not finish in time, or was lost by the cluster, is simulated again."""
        return self.outcome is not Outcome.TIMEOUT and not self.outcome.infrastructure


def evaluated(paths: ReevaluationPaths) -> dict[Key, SeedEvaluation]:
    """Return all evaluations so far by their parameters and seeds; of repeated ones the last."""
    if not paths.checkpoint.is_file():
        return {}
    checkpoint = Checkpoint(paths.checkpoint)
    rows = checkpoint.evaluations().to_dict("records")
    messages = checkpoint.details()["message"]
    return {
        tuple(float(row[f"parameter:{name}"]) for name in checkpoint.parameter_names): _evaluated(
            row, str(message), checkpoint.target_labels
        )
        for row, message in zip(rows, messages, strict=True)
    }


def _evaluated(row: Mapping[Any, Any], message: str, labels: Sequence[str]) -> SeedEvaluation:
    values = {label: float(row[f"value:{label}"]) for label in labels}
    scores = {label: float(row[f"score:{label}"]) for label in labels}
    return SeedEvaluation(Outcome(row["outcome"]), message, total_of(scores.values()), values, scores)


def again_of(run: Checkpoint) -> dict[Key, Again]:
    """Return what other seeds gave of the evaluations of a run, by the values of the parameters.

    Raises
    ------
    orchestrator.errors.UsageError
        If what is kept of the re-evaluations cannot be read.
    """
    paths = ReevaluationPaths.of(RunPaths(run.path.parent))
    width = len(run.parameter_names)
    if not paths.checkpoint.is_file():
        return {}
    held = Checkpoint(paths.checkpoint)
    if (held.parameter_names[:width], held.target_labels) != (run.parameter_names, run.target_labels):
        return {}
    found: dict[Key, list[SeedEvaluation]] = {}
    for key, each in evaluated(paths).items():
        if each.settled:
            found.setdefault(key[:width], []).append(each)
    return {
        key: Again(
            Spread.of([one.total_score for one in several]),
            {label: Spread.of([one.values[label] for one in several]) for label in run.target_labels},
        )
        for key, several in found.items()
    }


def missing(request: ReevaluationRequest, known: Mapping[Key, SeedEvaluation]) -> list[Numbers]:
    """Return what has yet to be simulated of a request."""
    return [task for task in request.all_tasks if (key := key_of(task)) not in known or not known[key].settled]
