"""The part of a wrong configuration that can be read, so that it is compared with the model all the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from orchestrator.config.file import explain
from orchestrator.config.model import Config
from orchestrator.config.plugin_sections import Reading
from orchestrator.config.points import POINTS
from orchestrator.config.source import Location, Source
from orchestrator.errors import ConfigProblem
from targets import TargetError, create_targets
from targets.plugins import PluginError

_SEEDS = ("simulation", "seeds")
# a problem may come to light when another one is gone
_ROUNDS = 6
# stands in for targets that are missing; what is found out about it is not told
_NO_TARGET = {"class": "ReturnedValue", "key": "missing", "target_value": 0, "norm": 1}


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
    problems : tuple of ConfigProblem
        What is wrong with the start values, which came to light when other mistakes were gone.
    """

    config: Config
    targets: tuple[int, ...]
    left_out: frozenset[Location]
    problems: tuple[ConfigProblem, ...]

    def place(self, location: Location) -> Location | None:
        """Return where in the file something is, None if it was left out or is not there."""
        if location[0] == "targets" and len(location) > 1 and isinstance(location[1], int):
            number = self.targets[location[1]]
            return None if number < 0 else ("targets", number, *location[2:])
        hidden = any(location[: len(each)] == each or each[: len(location)] == location for each in self.left_out)
        return None if hidden else location


def readable_part(source: Source, overrides: Sequence[str]) -> Readable | None:
    """Return what of a configuration that `read_config` refuses can be read; None if too little is left."""
    data = source.with_overrides(overrides)
    reading = Reading(source.path.resolve().parent)
    targets = data.get("targets")
    numbers = list(range(len(targets))) if isinstance(targets, list) else []
    left_out: set[Location] = set()
    problems: list[ConfigProblem] = []
    for number in range(_ROUNDS):
        try:
            config = Config.model_validate(data, context=reading)
        except ValidationError as error:
            locations = {_location(details["loc"]) for details in error.errors()}
            if locations & _UNREADABLE:
                return None
            if number:
                problems += _of_start_values(source, error, left_out)
            # start values and seeds are corrected, not left out
            left_out |= {each for each in locations if each[0] != "optimiser_centroid" and each[:2] != _SEEDS}
            for location in sorted(locations, key=_number, reverse=True):
                _take_away(data, numbers, location, reading)
            continue
        model_dir = reading.directory(config.model_dir)
        kept = {n: part for n, spec in enumerate(config.targets) if (part := _readable_target(spec, model_dir))}
        update = {"model_dir": model_dir, "targets": list(kept.values()) or [_NO_TARGET]}
        places = tuple(numbers[n] if n < len(numbers) else -1 for n in kept) or (-1,)
        config = config.model_copy(update=update).without_data()
        return Readable(config, places, frozenset(left_out), tuple(problems))
    return None


# without a directory or a kind of simulation nothing can be known of the model
_UNREADABLE: set[Location] = {("model_dir",), ("simulation", POINTS["simulation"].key)}


def _of_start_values(source: Source, error: ValidationError, left_out: set[Location]) -> Iterator[ConfigProblem]:
    """Yield what is wrong with the start values, except of parameters that were left out."""
    for details in error.errors():
        loc = details["loc"]
        if loc[0] == "optimiser_centroid" and not left_out & {("parameters",), ("parameters", *loc[1:2])}:
            yield explain(source, details)


def _location(loc: Location) -> Location:
    """Return the section and the key at fault, or the seed."""
    return loc[: 3 if loc[:2] == _SEEDS else 2]


def _number(location: Location) -> int:
    """Order places in a list, so that those behind are taken away before those in front."""
    return location[1] if len(location) > 1 and isinstance(location[1], int) else -1


def _take_away(data: dict[str, Any], numbers: list[int], location: Location, reading: Reading) -> None:
    match location:
        case ("simulation",):
            data["simulation"] = {}
            _stand_in(data, "simulation", reading)
        case ("simulation", "seeds", str(name)):
            data["simulation"]["seeds"][name] = 0
        case ("simulation" | "optimiser" as section, str(key)) if isinstance(data[section], dict):
            data[section].pop(key, None)
            _stand_in(data, section, reading)
        case ("targets", int(number)) if isinstance(data.get("targets"), list):
            del data["targets"][number]
            del numbers[number]
        case ("targets", *_):
            data["targets"] = [_NO_TARGET]
            numbers[:] = [-1]
        case ("optimiser_centroid", *_):
            data["optimiser_centroid"] = dict(_inside(data.get("optimiser_centroid"), data.get("parameters")))
        case ("cp_filename",):
            data.pop("continue_cp", None)
            data.pop("cp_filename", None)
        case (section, key) if isinstance(data.get(str(section)), dict):
            data[str(section)].pop(key, None)
        case (key, *_):
            data.pop(str(key), None)


def _stand_in(data: dict[str, Any], section: str, reading: Reading) -> None:
    """Give the required keys of a plug-in that are missing a value that is valid."""
    point = POINTS[section]
    name = str(data[section].get(point.key, point.default))
    try:
        options = point.find(name, reading.directory(Path(str(data["model_dir"])))).options
    except PluginError:
        return
    data[section] = {**options.stand_ins, **data[section]}


def _inside(start: object, parameters: object) -> Iterator[tuple[str, Any]]:
    """Yield the start values that belong to a parameter, moved into its bounds."""
    for name, value in start.items() if isinstance(start, Mapping) else ():
        spec = parameters.get(name) if isinstance(parameters, Mapping) else None
        bounds = spec.get("bounds") if isinstance(spec, Mapping) else spec
        has_own = isinstance(spec, Mapping) and "start" in spec
        if isinstance(bounds, list) and len(bounds) == 2 and all(map(_is_number, [value, *bounds])) and not has_own:
            yield name, min(max(value, min(bounds)), max(bounds))


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _readable_target(spec: Mapping[str, Any], model_dir: Path) -> Mapping[str, Any] | None:
    """Return a target, or what stands in for a wrong one, on its sheet; None if that is not known either."""
    try:
        create_targets([spec], directory=model_dir)
    except TargetError as error:
        sheet = spec.get("sheet_name")
        at_fault = any("sheet_name" in problem.loc for problem in error.problems)
        return {**_NO_TARGET, "sheet_name": sheet} if isinstance(sheet, str) and not at_fault else None
    return spec
