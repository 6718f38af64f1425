"""Scores of datastores, outside of a run.

They need neither the model nor a simulator; targets of the user's own come from the configuration's model directory.
"""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.config.file import TargetList
from orchestrator.errors import UsageError
from orchestrator.records import total_of
from targets import Datastore, DatastoreError, ScoreError, Target, measure, score_of


@dataclass(frozen=True)
class Score:
    """The score of one target.

    Parameters
    ----------
    target : targets.Target
        With its label, unit, target value and norm.
    class_name : str
        What the configuration calls its class.
    value : float or None
        In the target's unit.
    reason : str or None
        Why there is no value.
    """

    target: Target
    class_name: str
    value: float | None
    reason: str | None

    @property
    def score(self) -> float:
        """``max_score`` if there is no value.

        Raises
        ------
        orchestrator.errors.UsageError
            If a target of the user's own gives no finite number, or a negative one.
        """
        try:
            return score_of(self.target, self.value)
        except ScoreError as error:
            raise UsageError(str(error)) from error

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-compatible dictionary."""
        return {
            "name": self.target.label,
            "class": self.class_name,
            "sheet_name": self.target.sheet_name,
            "value": self.value,
            "unit": self.target.unit,
            "score": self.score,
            "reason": self.reason,
        }


@dataclass(frozen=True)
class ScoredDatastore:
    """The scores of one datastore.

    Parameters
    ----------
    datastore : str
        Its directory.
    scores : tuple of Score
        In the order of the configuration.
    error : str or None
        Why nothing of it could be read; no target has a value then.
    """

    datastore: str
    scores: tuple[Score, ...]
    error: str | None

    @property
    def total_score(self) -> float:
        """Sum of the scores."""
        return total_of(each.score for each in self.scores)

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-compatible dictionary."""
        return {"datastore": self.datastore, "targets": [each.to_json() for each in self.scores]}


def find_datastores(patterns: Sequence[str]) -> list[Path]:
    """Return the directories that paths and glob patterns stand for, each once, in the order given.

    A path that does not exist, and a pattern that matches no directory, stand for themselves. A part of a pattern that
    is the name of a directory stands for that directory, even if it has brackets.
    """
    found: dict[Path, Path] = {}
    for pattern in patterns:
        parts = Path(pattern).parts
        paths = [path for path in _matches(Path(), parts) if path.is_dir()] or [Path(pattern)]
        for path in paths:
            found.setdefault(path.resolve(), path)
    return list(found.values())


def _matches(base: Path, parts: Sequence[str]) -> Iterator[Path]:
    """Yield what the parts of a pattern stand for below a directory."""
    if not parts:
        yield base
        return
    first, rest = parts[0], parts[1:]
    if (base / first).exists():
        yield from _matches(base / first, rest)
        return
    for name in sorted(glob.glob(first, root_dir=base, recursive=True)):  # noqa: PTH207
        yield from _matches(base / name, rest)


def score_datastores(paths: Sequence[Path], wanted: TargetList) -> Iterator[ScoredDatastore]:
    """Measure and score one datastore after the other; one that cannot be read costs its own values only.

    Raises
    ------
    orchestrator.errors.ConfigError
        If a target cannot be made.
    """
    targets = wanted.create(data=wanted.read_data())
    for path in paths:
        error = None
        try:
            measured = [(found.value, found.reason) for found in measure(targets, Datastore(path))]
        except (DatastoreError, OSError) as problem:
            error = f"{problem}{_datastores_inside(path)}"
            measured = [(None, error) for _ in targets]
        scores = [
            Score(target, wanted.class_of(target), *found) for target, found in zip(targets, measured, strict=True)
        ]
        yield ScoredDatastore(str(path), tuple(scores), error)


def _datastores_inside(path: Path) -> str:
    """Return a hint where a directory around datastores was given, such as an offspring's ``simulation``."""
    inside = sorted(str(file.parent) for file in path.glob("*/datastore.recordings.pickle")) if path.is_dir() else []
    return f"; did you mean {', '.join(inside[:3])}?" if inside else ""
