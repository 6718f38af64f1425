"""The part of a wrong configuration that can be read, so that it is compared with the model all the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from orchestrator.config.file import Location, Source
from orchestrator.config.model import Config, nearest
from orchestrator.errors import Problem
from targets import TargetError, create_targets

_TAGS = ("mozaik", "function")
_SEEDS = ("simulation", "seeds")
# a problem may come to light when another one is gone
_ROUNDS = 6
# stand in for what is missing; what is found out about them is not told
_NO_TARGET = {"class": "ReturnedValue", "key": "missing", "target_value": 0, "norm": 1}
_NO_REFERENCE = "missing:Missing"


@dataclass(frozen=True)
class Readable:
    """What is left of a configuration without its mistakes.

    Parameters
    ----------
    config : Config
        Valid.
    targets : tuple of int
        The place in the file of each of its targets; -1 for one that is not there.
    left_out : frozenset
        Locations of what was taken away.
    """

    config: Config
    targets: tuple[int, ...]
    left_out: frozenset[Location]

    def place(self, location: Location) -> Location | None:
        """Return where in the file something is, None where it was left out or is not there."""
        if location[0] == "targets" and len(location) > 1 and isinstance(location[1], int):
            number = self.targets[location[1]]
            return None if number < 0 else ("targets", number, *location[2:])
        hidden = any(location[: len(each)] == each or each[: len(location)] == location for each in self.left_out)
        return None if hidden else location


def readable_part(source: Source, overrides: Sequence[str]) -> Readable | None:
    """Return what of a configuration that `load_config` refuses can be read; None where too little is left."""
    data = source.with_overrides(overrides)
    folder = source.path.resolve().parent
    targets = data.get("targets")
    numbers = list(range(len(targets))) if isinstance(targets, list) else []
    left_out: set[Location] = set()
    for _ in range(_ROUNDS):
        try:
            config = Config.model_validate(data)
        except ValidationError as error:
            locations = {_location(details["loc"]) for details in error.errors()}
            if ("model_dir",) in locations:
                return None
            # start values and seeds are mended, not left out
            left_out |= {each for each in locations if each != ("optimiser_centroid",) and each[:2] != _SEEDS}
            for location in sorted(locations, key=_number, reverse=True):
                _take_away(data, numbers, location)
            continue
        model_dir = (folder / config.model_dir.expanduser()).resolve()
        kept = {n: part for n, spec in enumerate(config.targets) if (part := _readable_target(spec, model_dir))}
        update = {"model_dir": model_dir, "targets": list(kept.values()) or [_NO_TARGET]}
        places = tuple(numbers[n] if n < len(numbers) else -1 for n in kept) or (-1,)
        return Readable(config.model_copy(update=update), places, frozenset(left_out))
    return None


def centroid_problems(source: Source, overrides: Sequence[str]) -> list[Problem]:
    """Return everything that is wrong with the start values, each with its own line; validation stops at the first."""
    data = source.with_overrides(overrides)
    start, parameters = data.get("optimiser_centroid"), data.get("parameters")
    if not isinstance(start, Mapping) or not isinstance(parameters, Mapping):
        return []
    problems = []
    for name, value in start.items():
        spec = parameters.get(name)
        bounds = spec.get("bounds") if isinstance(spec, Mapping) else spec
        location = ("optimiser_centroid", str(name))
        if name not in parameters:
            problems.append(source.problem(location, f"{name!r} is not among parameters{nearest(name, parameters)}"))
        elif _is_number(value) and isinstance(bounds, list) and len(bounds) == 2 and all(map(_is_number, bounds)):
            low, high = bounds
            if not low <= value <= high:
                message = f"the start value of {name!r} must be inside its bounds [{low:g}, {high:g}], got {value:g}"
                problems.append(source.problem(location, message))
    return problems


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _location(loc: Location) -> Location:
    """Return the section and the key at fault, or the seed; a union's tag, which pydantic puts in, is no key."""
    keys = tuple(part for n, part in enumerate(loc) if not (n == 1 and loc[0] == "simulation" and part in _TAGS))
    return keys[: 3 if keys[:2] == _SEEDS else 2]


def _number(location: Location) -> int:
    """Order places in a list, so that those behind are taken away before those in front."""
    return location[1] if len(location) > 1 and isinstance(location[1], int) else -1


def _mended(start: Mapping[str, Any], parameters: object) -> Iterator[tuple[str, Any]]:
    """Yield the start values that belong to a parameter, moved into its bounds."""
    for name, value in start.items():
        spec = parameters.get(name) if isinstance(parameters, Mapping) else None
        bounds = spec.get("bounds") if isinstance(spec, Mapping) else spec
        if isinstance(bounds, list) and len(bounds) == 2 and all(map(_is_number, [value, *bounds])):
            yield name, min(max(value, bounds[0]), bounds[1])


def _take_away(data: dict[str, Any], numbers: list[int], location: Location) -> None:
    match location:
        case ("simulation",) | ("simulation", "model" | "function"):
            section = data.get("simulation")
            section = section if isinstance(section, dict) else {}
            key = "function" if section.get("type") == "function" else "model"
            data["simulation"] = {**section, key: _NO_REFERENCE}
        case ("simulation", "seeds", str(name)):
            data["simulation"]["seeds"][name] = 0
        case ("targets", int(number)) if isinstance(data.get("targets"), list):
            del data["targets"][number]
            del numbers[number]
        case ("targets", *_):
            data["targets"] = [_NO_TARGET]
            numbers[:] = [-1]
        case ("optimiser_centroid",) if isinstance(data.get("optimiser_centroid"), dict):
            data["optimiser_centroid"] = dict(_mended(data["optimiser_centroid"], data.get("parameters")))
        case ("cp_filename",):
            data.pop("continue_cp", None)
            data.pop("cp_filename", None)
        case (section, key) if isinstance(data.get(str(section)), dict):
            data[str(section)].pop(key, None)
        case (key, *_):
            data.pop(str(key), None)


def _readable_target(spec: Mapping[str, Any], model_dir: Path) -> Mapping[str, Any] | None:
    """Return a target, or what stands in for a wrong one, on its sheet; None where that is not known either."""
    try:
        create_targets([spec], directory=model_dir)
    except TargetError as error:
        sheet = spec.get("sheet_name")
        at_fault = any("sheet_name" in problem.loc for problem in error.problems)
        return {**_NO_TARGET, "sheet_name": sheet} if isinstance(sheet, str) and not at_fault else None
    return spec
