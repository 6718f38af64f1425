"""Scores of a checkpoint's stored values under the targets of another configuration, without any datastore."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ConfigDict

from orchestrator.config.file import TargetList
from orchestrator.config.yaml_text import read_mapping
from orchestrator.errors import ConfigError, UsageError
from orchestrator.records import total_of
from orchestrator.scores.datastores import Score
from orchestrator.scores.described import entry_in, is_own, unit_in
from orchestrator.scores.stored_outputs import NOT_KEPT, Data, data_for, data_of, outputs_of
from targets import NoValue, Target, TargetError, create_targets
from targets.measuring import value_of
from targets.plugins import nearest

if TYPE_CHECKING:
    import pandas as pd

    from orchestrator.checkpoint import Checkpoint


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
        return total_of(each.score for each in self.scores)

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


class _NotImported(Target):
    """A target of the user's own whose file is not imported: it has a label, and its scores are those of the run."""

    model_config = ConfigDict(extra="ignore")

    def outputs(self, recordings: Any) -> float:
        raise NoValue("its class is not imported")

    def distance(self, value: float) -> float:
        return math.nan


@dataclass(frozen=True)
class StoredScore(Score):
    """The score that a run has stored, which is not computed again.

    Parameters
    ----------
    stored : float
        The score.
    unit : str
        Of the value, as the checkpoint keeps it.
    """

    stored: float = math.nan
    unit: str = ""

    @property
    def score(self) -> float:
        """The stored one."""
        return self.stored

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-compatible dictionary, with ``rescored: false``."""
        return {**super().to_json(), "unit": self.unit, "rescored": False}


def not_imported(wanted: TargetList) -> list[str]:
    """Return the classes of the user's own among the targets, whose scores `rescore` leaves as they are."""
    return list(dict.fromkeys(str(wanted.specs[n]["class"]) for n in _own(wanted)))


def rescore(checkpoint: Checkpoint, wanted: TargetList, *, import_targets: bool = False) -> list[Rescored]:
    """Score the stored values of a run under the targets of another configuration.

    Parameters
    ----------
    checkpoint : orchestrator.checkpoint.Checkpoint
        Of the run.
    wanted : TargetList
        The targets of another configuration, which are matched with the stored values by label.
    import_targets : bool
        Whether classes of the user's own, ``file.py:Class``, are imported. Otherwise nothing of theirs is executed, and
        their scores are those that the run has stored.

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
    specs = specs_of(checkpoint)
    frozen = data_of(checkpoint, list(specs.values()))
    data = data_for(checkpoint, wanted, frozen)
    targets = wanted.create(data=data) if import_targets else _without_import(wanted, specs, data)
    same = _require_stored_values(checkpoint, wanted, targets, specs, frozen, import_targets=import_targets)
    outputs = outputs_of(checkpoint)
    units = dict(zip(checkpoint.target_labels, map(unit_in, checkpoint.described), strict=False))
    frame, details = checkpoint.evaluations(), checkpoint.details()
    rows = []
    for number, ((_, row), (_, more)) in enumerate(zip(frame.iterrows(), details.iterrows(), strict=True)):
        if math.isnan(row["total_score"]):
            continue
        scores: list[Score] = []
        for target in targets:
            name, found = wanted.class_of(target), _stored(row, more, target.label)
            kept_outputs = outputs[target.label][number]
            if kept_outputs is not None and not isinstance(target, _NotImported):
                measured = value_of(target, kept_outputs)
                found = measured.value, measured.reason
            elif found[0] is not None and target.options_of_value and target.label not in same:
                found = None, NOT_KEPT
            if isinstance(target, _NotImported):
                kept = float(row[f"score:{target.label}"])
                scores.append(StoredScore(target, name, *found, kept, units.get(target.label, "")))
            else:
                scores.append(Score(target, name, *found))
        rows.append(
            Rescored(
                int(row["generation"]),
                int(row["offspring"]),
                str(row["outcome"]),
                {name: float(row[f"parameter:{name}"]) for name in checkpoint.parameter_names},
                tuple(scores),
                tuple(float(row[f"score:{target.label}"]) for target in targets),
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


def specs_of(checkpoint: Checkpoint) -> dict[str, Mapping[str, Any]]:
    """Return what a run's configuration says of the targets that it stores, by label.

    Raises
    ------
    orchestrator.errors.UsageError
        If it does not list them.
    """
    try:
        listed = read_mapping(checkpoint.config_text)["targets"]
        places = [entry_in(each, n) for n, each in enumerate(checkpoint.described)] or range(len(listed))
        specs = {label: listed[place] for label, place in zip(checkpoint.target_labels, places, strict=True)}
        if not all(isinstance(spec, Mapping) for spec in specs.values()):
            raise TypeError("expected mappings")
    except (LookupError, TypeError, ValueError) as error:
        raise UsageError(f"{checkpoint.path}: its configuration does not list the targets that it stores") from error
    return specs


def _own(wanted: TargetList) -> list[int]:
    """Return the numbers of the targets whose classes are of the user's own."""
    return [n for n, spec in enumerate(wanted.specs) if isinstance(spec, Mapping) and is_own(spec.get("class"))]


def _without_import(wanted: TargetList, specs: Mapping[str, Mapping[str, Any]], data: Data) -> list[Target]:
    """Return the targets of a configuration, with what stands for those of the user's own.

    Raises
    ------
    orchestrator.errors.ConfigError
        With every target that cannot be made, or of which it is not known which of the run's it is.
    """
    own = _own(wanted)
    made: list[Target] = []
    problems = []
    labels = list(specs)
    for n in own:
        spec = wanted.specs[n]
        label = spec.get("name") or next((each for each in labels if _same_value(specs[each], spec)), None)
        if label is None:
            message = (
                f"expected a target of the run with the same options, besides {_listed(Target)}: the class "
                f"{spec['class']!r} is not imported to compare them otherwise. --import-targets imports it"
            )
            problems.append(wanted.source.problem(("targets", n), message))
            continue
        labels = [each for each in labels if each != label]
        stand_in = _NotImported.model_construct(
            name=str(label), sheet_name=spec.get("sheet_name"), norm=math.nan, max_score=math.nan, target_value=0.0
        )
        made.append(stand_in.for_entry(n))
    others = [n for n in range(len(wanted.specs)) if n not in own]
    try:
        made += wanted.create(others, data)
    except ConfigError as error:
        problems += error.problems
    if problems:
        raise ConfigError(wanted.source.path, problems)
    return sorted(made, key=lambda target: target.entry)


def _same_value(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return whether two targets of one class are of one value: what only concerns the score may differ."""
    return all(one.get(key) == other.get(key) for key in {*one, *other} - Target.options_of_score)


def _require_stored_values(
    checkpoint: Checkpoint,
    wanted: TargetList,
    targets: Sequence[Target],
    specs: Mapping[str, Mapping[str, Any]],
    frozen: Data,
    *,
    import_targets: bool,
) -> set[str]:
    """Return the labels of the targets whose values follow from the stored ones as they did in the run."""
    same = set()
    problems = []
    told = set()
    for target in targets:
        if target.label not in specs:
            known = ", ".join(specs)
            message = (
                f"{checkpoint.path} has no values of {target.label!r}{nearest(target.label, specs) or '.'} "
                f"It has values of: {known}. Name the target as the run did (key: name), or leave it out"
            )
            problems.append(wanted.source.problem(("targets", target.entry), message))
            continue
        if isinstance(target, _NotImported):
            continue
        own = _own_target(target, specs[target.label], wanted.model_dir, frozen, import_targets=import_targets)
        if isinstance(own, Target) and wanted.data is None and _options(own) == _options(target):
            same.add(target.label)
        for difference in [own] if isinstance(own, str) else _differences(own, target):
            if (target.entry, difference) in told:  # of another sweep of the same entry
                continue
            told.add((target.entry, difference))
            message = (
                f"{difference}: the values of {target.label!r} in {checkpoint.path} were measured otherwise. "
                f"Only {_listed(type(target))} and the kind may differ; others need the recordings"
            )
            problems.append(wanted.source.problem(("targets", target.entry), message))
    if problems:
        raise ConfigError(wanted.source.path, problems)
    return same


def _listed(cls: Any) -> str:
    """Return which options of a target may be others than in the run, for people."""
    return ", ".join(sorted(cls.options_of_score | cls.options_of_value))


def _options(target: Target) -> dict[str, Any]:
    return {name: value for name, value in target.model_dump().items() if name in target.options_of_value}


def _own_target(
    target: Target, spec: Mapping[str, Any], model_dir: Path, frozen: Data, *, import_targets: bool
) -> Target | str:
    """Return the run's own target of the same label, or what is wrong with it."""
    another = f"class: {spec['class']} in the run, {type(target).__name__} now, which is another value"
    if is_own(spec.get("class")) and not import_targets:
        return another
    try:
        # one at a time, and with the same model directory: a file of targets may have moved with its model
        parts = create_targets([spec], directory=model_dir, data=frozen)
    except TargetError as error:
        return f"the run's own target cannot be made for comparison, {error.problems[0].message}"
    own = next((part for part in parts if part.label == target.label), parts[0])
    return own if _value_of(own) == _value_of(target) else another


def _differences(own: Target, target: Target) -> list[str]:
    """Return in what the outputs of a target differ from those of the run's own target."""
    free = target.options_of_score | target.options_of_value
    # as in a configuration: lists, not tuples
    old, new = (each.model_dump(mode="json", exclude=set(free)) for each in (own, target))
    missing = "not there"
    found = [
        f"{key}: {old.get(key, missing)} in the run, {new.get(key, missing)} now"
        for key in dict.fromkeys([*old, *new])
        if old.get(key, missing) != new.get(key, missing)
    ]
    of_data = target.difference_of_outputs(own)
    return found if found or of_data is None else [of_data]


def _value_of(target: Target) -> tuple[str, ...]:
    """Return where outputs and value are defined, which classes that differ in kind only have in common."""
    methods = type(target).outputs, type(target).value
    return tuple(name for method in methods for name in (method.__module__, method.__qualname__))
