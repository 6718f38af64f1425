"""The predecessor's config_optimisation (JSON) as a commented YAML."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from orchestrator.config.source import PREDECESSOR_SECTIONS, Source
from orchestrator.errors import ConfigError, ConfigProblem
from orchestrator.prepare.predecessor_checkpoint import BestIndividual
from orchestrator.prepare.predecessor_script import ScriptSettings
from orchestrator.prepare.suggested_space import number, suggest_space, yaml_key
from orchestrator.simulations.mozaik.parameters import lookup
from orchestrator.simulations.mozaik.sheets import SheetDescription
from targets import known_targets


@dataclass(frozen=True)
class Imported:
    """The three sections of a predecessor's file.

    Parameters
    ----------
    path : pathlib.Path
        The file that was read.
    data : mapping
        The sections of the file, by name.
    script : ScriptSettings
        The settings beside it.
    best : BestIndividual or None
        Where the search begins, if not at its own start values.
    """

    path: Path
    data: Mapping[str, Any]
    script: ScriptSettings = field(default_factory=ScriptSettings)
    best: BestIndividual | None = None

    def parameter_lines(self, tree: Mapping[str, Any], sheets: Sequence[SheetDescription]) -> list[tuple[str, str]]:
        """Return sheet and text of the lines of ``parameters``, with the model's present values, in their order."""
        units = {each.name: each.unit for each in suggest_space(tree, sheets)}
        lines = []
        for name, spec in self.data["parameters"].items():
            text = f"{yaml_key(name)}: {_flow(spec)}"
            value = _value(tree, name)
            if value is not None:
                text += f" # now {number(value)} {units.get(name, '')}".rstrip()
            sheet = next((each.label for each in sheets if str(name).startswith(f"{each.key}.")), "")
            lines.append((sheet, text))
        return lines

    def bounds(self) -> dict[str, tuple[float, float]]:
        """Return the bounds of each parameter, infinite if they are none: that is said with the file's lines."""
        found = {}
        for name, spec in self.data["parameters"].items():
            pair = spec.get("bounds") if isinstance(spec, dict) else spec
            numbers = [each for each in pair if isinstance(each, (int, float))] if isinstance(pair, list) else []
            found[str(name)] = (min(numbers), max(numbers)) if len(numbers) == 2 else (-math.inf, math.inf)
        return found

    def beginning_at(self, best: BestIndividual) -> Imported:
        """Return the same with the start values of a checkpoint; those that it does not have stay.

        Raises
        ------
        orchestrator.errors.UsageError
            If the checkpoint is of other parameters, or of a value outside these bounds.
        """
        start = {**self.data.get("optimiser_centroid", {}), **best.start_values(self.bounds(), self.path.name)}
        centroid = {name: start[name] for name in self.data["parameters"] if name in start}
        return replace(self, data={**self.data, "optimiser_centroid": centroid}, best=best)

    def notes(self) -> Iterator[str]:
        """Yield what the user should know of what was taken over, and of what was not."""
        yield from self.script.notes(self.path)
        if self.best is not None:
            yield f"the search begins at {self.best.described}"
            others = [name for name in self.data["parameters"] if self.best.names and name not in self.best.names]
            if others:
                yield f"{self.best.path.name} has no {', '.join(others)}: begun at as without it"

    def centroid(self) -> list[str]:
        """Return the lines of ``optimiser_centroid``."""
        return centroid_lines(self.data.get("optimiser_centroid", {}))

    def target_lines(self) -> list[tuple[str, str]]:
        """Return sheet and text of the lines of ``targets``, with kind and unit, in their order."""
        lines = []
        for spec in self.data["targets"]:
            meaning = _meaning(str(spec.get("class")))
            line = f"- {_flow(spec)}{f' # {meaning}' if meaning else ''}"
            lines.append((str(spec.get("sheet_name", "")), line))
        return lines


def centroid_lines(start: Mapping[str, Any]) -> list[str]:
    """Return the lines of ``optimiser_centroid`` with these start values."""
    return [f"{yaml_key(name)}: {_flow(value)}" for name, value in start.items()]


def read_predecessor(path: Path) -> Imported:
    """Read a predecessor's file.

    Raises
    ------
    orchestrator.errors.ConfigError
        If it is not one: missing, no JSON, sections missing or of the wrong kind, keys that it never had.
    """
    source = Source(path)
    data = _numbers_as_in_json(path) or source.data
    kinds: dict[str, type] = {"parameters": dict, "optimiser_centroid": dict, "targets": list}
    sections = ", ".join(PREDECESSOR_SECTIONS)
    problems = [
        *source.repeated,
        *(
            source.problem((str(key),), f"is no section of the predecessor's files, which have {sections} alone")
            for key in source.data
            if key not in PREDECESSOR_SECTIONS
        ),
    ]
    for section, kind in kinds.items():
        value = source.data.get(section)
        if section not in source.data and section == "optimiser_centroid":
            continue
        if not isinstance(value, kind):
            expected = "an object {...}" if kind is dict else "a list [...]"
            problems.append(source.problem((section,), f"expected {expected}, got {value!r}"))
    targets = source.data.get("targets")
    for index, spec in enumerate(targets if isinstance(targets, list) else ()):
        if not isinstance(spec, dict):
            problems.append(source.problem(("targets", index), f"expected an object {{...}}, got {spec!r}"))
    if not source.data.get("parameters") and not problems:
        problems.append(ConfigProblem("parameters", "expected at least one parameter"))
    if problems:
        raise ConfigError(path, problems)
    return Imported(path, data)


def _numbers_as_in_json(path: Path) -> dict[str, Any] | None:
    """Return the file read as JSON, to which 1e-05 is a number and not text as to YAML; None if it is not JSON."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return None
    return data if isinstance(data, dict) else None


def _meaning(name: str) -> str:
    cls = known_targets().get(name)
    if cls is None:
        return ""
    kind = {"range": "from to", "point": ""}.get(cls.wanted_kind, cls.wanted_kind)
    unit = cls.unit if isinstance(cls.unit, str) else ""  # those of traces have the trace's
    return ", ".join(filter(None, (unit, kind)))


def _flow(value: Any) -> str:
    text = yaml.dump(value, Dumper=_Dumper, default_flow_style=True, sort_keys=False, width=10_000, allow_unicode=True)
    return str(text).removesuffix("...\n").strip()


class _Dumper(yaml.SafeDumper):
    """Writes every digit of a number, and no more than it needs."""


_Dumper.add_representer(
    float, lambda dumper, value: dumper.represent_scalar("tag:yaml.org,2002:float", _exactly(value))
)


def _exactly(value: float) -> str:
    text = repr(value)
    mantissa, e, exponent = text.partition("e")
    return f"{mantissa}.0{e}{exponent}" if e and "." not in mantissa else text


def _value(tree: Mapping[str, Any], name: str) -> float | None:
    try:
        value = lookup(tree, name)
    except KeyError:
        return None
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
