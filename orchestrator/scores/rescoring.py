"""Scores of a checkpoint's stored values under the targets of another configuration, without any datastore."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.config.file import TargetList
from orchestrator.config.source import Source
from orchestrator.config.yaml_text import read_yaml
from orchestrator.errors import ConfigError, UsageError
from orchestrator.scores.datastores import Score
from targets import Target, TargetError, create_targets
from targets.plugins import nearest

if TYPE_CHECKING:
    import pandas as pd

    from orchestrator.checkpoint import Checkpoint

# What a score depends on besides the value.
_SCORING = frozenset({"target_value", "norm", "max_score", "name"})


@dataclass(frozen=True)
class Rescored:
    """One evaluation of a run under other targets.

    Parameters
    ----------
    generation, offspring : int
        Its identity.
    outcome : str
        What became of the simulation.
    parameters : mapping of str to float
        In the parameters' own units.
    scores : tuple of Score
        Under the new targets.
    old_scores : tuple of float
        Of the same targets, under the run's own.
    old_total : float
        Total score in the run, of all targets that it had.
    """

    generation: int
    offspring: int
    outcome: str
    parameters: Mapping[str, float]
    scores: tuple[Score, ...]
    old_scores: tuple[float, ...]
    old_total: float

    @property
    def total_score(self) -> float:
        """Sum of the new scores."""
        return math.fsum(each.score for each in self.scores)

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-compatible dictionary."""
        return {
            "generation": self.generation,
            "offspring": self.offspring,
            "outcome": self.outcome,
            "total_score": self.total_score,
            "old_total_score": self.old_total,
            "parameters": dict(self.parameters),
            "targets": [each.to_json() for each in self.scores],
        }


def rescore(checkpoint: Checkpoint, wanted: TargetList, source: Path) -> list[Rescored]:
    """Score the stored values of a run under the targets of another configuration.

    Parameters
    ----------
    checkpoint : orchestrator.checkpoint.Checkpoint
        Of the run.
    wanted : TargetList
        The targets of another configuration, which are matched with the stored values by label.
    source : pathlib.Path
        Its file, for messages.

    Returns
    -------
    list of Rescored
        In the order of the checkpoint; without those that were not evaluated, which have no score under any targets.

    Raises
    ------
    orchestrator.errors.UsageError
        If the run has no evaluations yet.
    orchestrator.errors.ConfigError
        With every target that the run has no values of, or whose values were measured in another way.
    """
    if not checkpoint.n_generations:
        raise UsageError(f"{checkpoint.path}: no generation is complete yet")
    _require_stored_values(checkpoint, wanted, source)
    frame, details = checkpoint.evaluations(), checkpoint.details()
    rows = []
    for (_, row), (_, more) in zip(frame.iterrows(), details.iterrows(), strict=True):
        if math.isnan(row["total_score"]):
            continue
        scores = [
            Score(target, name, *_stored(row, more, target.label))
            for target, name in zip(wanted.targets, wanted.classes, strict=True)
        ]
        rows.append(
            Rescored(
                int(row["generation"]),
                int(row["offspring"]),
                str(row["outcome"]),
                {name: float(row[f"parameter:{name}"]) for name in checkpoint.parameter_names},
                tuple(scores),
                tuple(float(row[f"score:{target.label}"]) for target in wanted.targets),
                float(row["total_score"]),
            )
        )
    return rows


def _stored(row: pd.Series[Any], more: pd.Series[Any], label: str) -> tuple[float | None, str | None]:
    """Return the value of a target in the checkpoint, or the reason why it has none."""
    value = float(row[f"value:{label}"])
    if math.isfinite(value):
        return value, None
    message = more["reasons"].get(label) or more["message"]
    if row["outcome"] != "OK":
        message = f"{row['outcome']}: {message}" if message else str(row["outcome"])
    return None, message or "no value was stored"


def _require_stored_values(checkpoint: Checkpoint, wanted: TargetList, source: Path) -> None:
    frozen = read_yaml(checkpoint.config_text)
    try:
        specs: dict[str, Any] = dict(zip(checkpoint.target_labels, frozen["targets"], strict=True))
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{checkpoint.path}: its configuration does not list the targets that it stores") from error
    file = Source(source)
    problems = []
    for index, target in enumerate(wanted.targets):
        if target.label not in specs:
            known = ", ".join(specs)
            message = (
                f"{checkpoint.path} has no values of {target.label!r}{nearest(target.label, specs) or '.'} "
                f"It has values of: {known}. Name the target as the run did (key: name), or leave it out"
            )
            problems.append(file.problem(("targets", index), message))
            continue
        for difference in _differences(target, specs[target.label], wanted.model_dir):
            message = (
                f"{difference}: the values of {target.label!r} in {checkpoint.path} were measured otherwise. "
                "Only target_value, norm, max_score and the kind may differ; others need the datastores"
            )
            problems.append(file.problem(("targets", index), message))
    if problems:
        raise ConfigError(source, problems)


def _differences(target: Target, spec: Mapping[str, Any], model_dir: Path) -> list[str]:
    """Return in what the value of a target differs from that of the run's own target."""
    try:
        # one at a time, and with the same model directory: a file of targets may have moved with its model
        (own,) = create_targets([spec], directory=model_dir)
    except TargetError as error:
        return [f"the run's own target cannot be made for comparison, {error.problems[0].message}"]
    if _value_of(own) != _value_of(target):
        return [f"class: {spec['class']} in the run, {type(target).__name__} now, which is another value"]
    old, new = (each.model_dump(exclude=set(_SCORING)) for each in (own, target))
    missing = "not there"
    return [
        f"{key}: {old.get(key, missing)} in the run, {new.get(key, missing)} now"
        for key in dict.fromkeys([*old, *new])
        if old.get(key, missing) != new.get(key, missing)
    ]


def _value_of(target: Target) -> tuple[str, str]:
    """Return where the value is defined, which classes that differ in kind only have in common."""
    method = type(target).value
    return method.__module__, method.__qualname__
