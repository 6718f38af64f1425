"""What given parameter sets were worth where they were found, and in the run that evaluated them again."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from orchestrator.checkpoint import Checkpoint
from orchestrator.errors import UsageError
from orchestrator.optimisers.points.evaluated import keys_of
from orchestrator.paths import RunPaths
from orchestrator.records import Outcome
from orchestrator.scores.given_sets import GivenSet, GivenSets, frozen_sets
from orchestrator.scores.ranks import rank_correlation


@dataclass(frozen=True)
class Validated:
    """One parameter set.

    Parameters
    ----------
    rank : int
        From 1, the best where it was found.
    found : GivenSet
        The set, and what it was worth there.
    outcome : str
        What became of its evaluation; empty if there is none yet.
    total_score : float
        Of its evaluation; NaN if there is none.
    values, scores : mapping of str to float
        By target of the second configuration; NaN if there is none.
    row : int or None
        Of the evaluation among those of the run.
    rank_here : int or None
        Rank among those that were measured, by the total score; None if it was not.
    """

    rank: int
    found: GivenSet
    outcome: str
    total_score: float
    values: Mapping[str, float]
    scores: Mapping[str, float]
    row: int | None = None
    rank_here: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-compatible dictionary."""
        targets = {
            label: {
                "fit": _pair(self.found.values, self.found.scores, label),
                "validation": _pair(self.values, self.scores, label),
            }
            for label in dict.fromkeys([*self.found.values, *self.found.scores, *self.scores])
        }
        return {
            "rank": self.rank,
            "rank_validation": self.rank_here,
            "name": self.found.name,
            "outcome": self.outcome or None,
            "total_score_fit": _or_none(self.found.total_score),
            "total_score_validation": _or_none(self.total_score),
            "parameters": dict(self.found.parameters),
            "targets": [{"name": label, **each} for label, each in targets.items()],
        }


@dataclass(frozen=True)
class Validation:
    """All parameter sets of a run that evaluates given ones.

    Parameters
    ----------
    source : str
        Where they were found.
    rows : sequence of Validated
        In the order in which they were given, the best first.
    fit_labels, labels : sequence of str
        Labels of the targets there, as far as they are known, and of the run.
    """

    source: str
    rows: Sequence[Validated]
    fit_labels: Sequence[str]
    labels: Sequence[str]

    @classmethod
    def of(cls, paths: RunPaths) -> Validation | None:
        """Return what a run says of the parameter sets that were given, None if it searched for its own.

        Raises
        ------
        orchestrator.errors.OrchestratorError
            If its files cannot be read.
        """
        sets = frozen_sets(paths)
        return None if sets is None else cls._joined(sets, Checkpoint(paths.checkpoint))

    @classmethod
    def required(cls, paths: RunPaths) -> Validation:
        """Return the same; raises `orchestrator.errors.UsageError` if the run searched for its own."""
        found = cls.of(paths)
        if found is None:
            raise UsageError(
                f"{paths.directory}: is not a run of given parameter sets, which orchestrator validate makes"
            )
        return found

    @classmethod
    def _joined(cls, sets: GivenSets, run: Checkpoint) -> Validation:
        labels, rows = run.target_labels, run.evaluations().to_dict("records")
        # one that the cluster had lost was evaluated again
        points = [point for block in run.told() for point in block.points]
        by_point = {key: n for n, key in enumerate(keys_of(points[: len(rows)]))}
        found = []
        for rank, (each, key) in enumerate(zip(sets.sets, keys_of(sets.points), strict=True), 1):
            place = by_point.get(key)
            row: Mapping[Any, Any] = {} if place is None else rows[place]
            values, scores = (
                {label: float(row.get(f"{kind}:{label}", math.nan)) for label in labels} for kind in ("value", "score")
            )
            total = float(row.get("total_score", math.nan))
            found.append(Validated(rank, each, str(row.get("outcome", "")), total, values, scores, place))
        fit_labels = list(dict.fromkeys(label for each in sets.sets for label in (*each.values, *each.scores)))
        return cls(sets.source, _ranked(found), fit_labels, labels)

    @property
    def measured(self) -> list[Validated]:
        """Those that were measured, the best in validation first."""
        return sorted((each for each in self.rows if each.rank_here), key=lambda each: each.rank_here or 0)

    @property
    def correlation(self) -> float:
        """Spearman's rank correlation of the two total scores; NaN of fewer than 8 sets, or equal ones."""
        pairs = [(each.found.total_score, each.total_score) for each in self.measured]
        fit, here = np.array([pair for pair in pairs if math.isfinite(pair[0])]).reshape(-1, 2).T
        return float(rank_correlation(fit[:, None], here[:, None])[0, 0])

    def to_csv(self) -> str:
        """Return a table with a row for each set, in the order in which they were given.

        The columns are ``rank``, ``rank_validation``, ``name``, ``outcome``, ``total_score_fit`` and
        ``total_score_validation``, then ``parameter:<name>``, ``fit:value:<target>`` and ``fit:score:<target>``,
        ``validation:value:<target>`` and ``validation:score:<target>``; a cell is empty where there is nothing.
        """
        text = io.StringIO()
        names = list(self.rows[0].found.parameters)
        writer = csv.writer(text, lineterminator="\n")
        kinds = [f"fit:{kind}:{label}" for kind in ("value", "score") for label in self.fit_labels]
        kinds += [f"validation:{kind}:{label}" for kind in ("value", "score") for label in self.labels]
        identity = ["rank", "rank_validation", "name", "outcome", "total_score_fit", "total_score_validation"]
        writer.writerow([*identity, *(f"parameter:{name}" for name in names), *kinds])
        for each in self.rows:
            totals = [_or_none(each.found.total_score), _or_none(each.total_score)]
            there = [of.get(label) for of in (each.found.values, each.found.scores) for label in self.fit_labels]
            here = [_or_none(of[label]) for of in (each.values, each.scores) for label in self.labels]
            row = [each.rank, each.rank_here, each.found.name, each.outcome, *totals]
            writer.writerow([*row, *(each.found.parameters[name] for name in names), *there, *here])
        return text.getvalue()


def _ranked(rows: Sequence[Validated]) -> list[Validated]:
    """Return the same with ranks of those that were measured."""
    measured = [each for each in rows if each.outcome == Outcome.OK.value and math.isfinite(each.total_score)]
    best_first = sorted(measured, key=lambda each: each.total_score)
    ranks = {each.rank: n for n, each in enumerate(best_first, 1)}
    return [replace(each, rank_here=ranks.get(each.rank)) for each in rows]


def _or_none(number: float) -> float | None:
    return number if math.isfinite(number) else None


def _pair(values: Mapping[str, float], scores: Mapping[str, float], label: str) -> dict[str, float | None]:
    return {"value": _or_none(values.get(label, math.nan)), "score": _or_none(scores.get(label, math.nan))}
