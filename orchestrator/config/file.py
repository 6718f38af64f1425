"""Reading a configuration: YAML or the predecessor's JSON, overrides, and errors that name file, line and key."""

from __future__ import annotations

import copy
import os
import shlex
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from orchestrator.config.model import Config, nearest
from orchestrator.config.sections import FunctionSection, MozaikSection, ParameterRange
from orchestrator.config.yaml_text import read_yaml
from orchestrator.errors import ConfigError, Problem, UsageError
from targets import TargetError, create_targets

Location = tuple[str | int, ...]
_NAMED_MAPPINGS = ("parameters", "optimiser_centroid")
# all that the predecessor's files have
PREDECESSOR_SECTIONS = ("parameters", "optimiser_centroid", "targets")
# levels of a file, and size of a number; figures are computed in floats
_DEEPEST, _LARGEST = 40, 10**30
_TOO_DEEP = f"is nested too deeply, or holds itself by an alias: expected at most {_DEEPEST} levels"


class Source:
    """A configuration file with the line of each of its keys.

    Parameters
    ----------
    path : pathlib.Path
        YAML, or JSON, which is YAML too.

    Attributes
    ----------
    data : dict
        What is in it.
    repeated : list of Problem
        Keys that are given twice; the last counts in `data`.

    Raises
    ------
    ConfigError
        Where the file is missing, not YAML, or not a mapping; or is too deep, or a number in it too large.
    """

    def __init__(self, path: Path):
        self.path = path
        try:
            # JSON files of other editors may indent with tabs, which YAML refuses outside strings
            text = path.read_text(encoding="utf-8").replace("\t", "    ")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise ConfigError(path, [Problem("", f"cannot be read: {reason}")]) from error
        try:
            self.data = read_yaml(text, self._note_lines)
        except (yaml.YAMLError, ValueError) as error:
            mark = getattr(error, "problem_mark", None)
            message = f"is not YAML: {getattr(error, 'problem', None) or error}"
            # libyaml sees the end of a file one line after its last
            line = min(mark.line + 1, max(1, len(text.splitlines()))) if mark else None
            raise ConfigError(path, [Problem("", message, line)]) from error
        except RecursionError as error:
            raise ConfigError(path, [Problem("", f"{_TOO_DEEP}. Mend it")]) from error
        if not isinstance(self.data, dict):
            raise ConfigError(path, [Problem("", "expected keys such as 'parameters' and 'targets', got none")])
        if large := [self.problem(at, message) for at, message in _too_large(self.data, ())]:
            raise ConfigError(path, large)

    def _note_lines(self, node: yaml.Node | None) -> None:
        self._lines = dict(_key_lines(node, ()))
        self.repeated = [
            Problem(dotted(at), "is given twice; take one of the two away", line)
            for at, line in _repeated_keys(node, ())
        ]

    def with_overrides(self, overrides: Sequence[str]) -> dict[str, Any]:
        """Return the data with ``dotted.key=value`` each put in, and the model's directory where it is not given."""
        data: dict[str, Any] = copy.deepcopy(self.data)
        for override in overrides:
            override_key(data, override)
        data.setdefault("model_dir", ".." if self.path.resolve().parent.name == "param_optim" else ".")
        return data

    def line(self, location: Location) -> int | None:
        """Return the line of the key at `location`, or of the nearest section around it that is in the file."""
        for end in range(len(location), 0, -1):
            if location[:end] in self._lines:
                return self._lines[location[:end]]
        return None

    def problem(self, location: Location, message: str) -> Problem:
        """Return a `Problem` with the line filled in."""
        return Problem(dotted(location), message, self.line(location))


def dotted(location: Location) -> str:
    """Return ``slurm.ntasks`` or ``targets[2].norm`` for a location."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _children(node: yaml.Node | None, at: Location) -> Iterator[tuple[Location, int, yaml.Node]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield (*at, str(key.value)), key.start_mark.line + 1, value
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield (*at, index), value.start_mark.line + 1, value


def _key_lines(node: yaml.Node | None, at: Location) -> Iterator[tuple[Location, int]]:
    if len(at) > _DEEPEST:
        raise RecursionError
    for location, line, child in _children(node, at):
        yield location, line
        yield from _key_lines(child, location)


def _repeated_keys(node: yaml.Node | None, at: Location) -> Iterator[tuple[Location, int]]:
    seen = set()
    for location, line, child in _children(node, at):
        if location in seen:
            yield location, line
        seen.add(location)
        yield from _repeated_keys(child, location)


def _too_large(value: object, at: Location) -> Iterator[tuple[Location, str]]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from _too_large(child, (*at, key if isinstance(value, list) else str(key)))
    if isinstance(value, int) and abs(value) > _LARGEST:
        yield at, f"expected a number below {_LARGEST:.0e}, got a larger one"


def load_config(path: Path, overrides: Sequence[str] = ()) -> Config:
    """Read and validate a configuration; its paths become absolute.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    overrides : sequence of str
        ``dotted.key=value`` each, the value in YAML: ``slurm.ntasks=8``, ``targets.0.norm=2``.

    Raises
    ------
    ConfigError
        With all problems at once.
    """
    source = Source(path)
    data = source.with_overrides(overrides)
    folder = path.resolve().parent
    try:
        config = Config.model_validate(data)
    except ValidationError as error:
        targets = []
        if isinstance(data.get("targets"), list) and isinstance(data["model_dir"], str):
            targets = _target_problems(source, data["targets"], folder / data["model_dir"])
        told = {problem.key for problem in targets}
        others = [_explain(source, details) for details in error.errors()]
        problems = [*source.repeated, *(problem for problem in others if problem.key not in told), *targets]
        raise ConfigError(path, problems) from error
    paths = {"model_dir": (folder / config.model_dir.expanduser()).resolve()}
    if config.cp_filename is not None:
        paths["cp_filename"] = (folder / config.cp_filename.expanduser()).resolve()
    config = config.model_copy(update=paths)
    if problems := [*source.repeated, *_target_problems(source, config.targets, config.model_dir)]:
        raise ConfigError(path, problems)
    return config


# pydantic's words, and ours
_PAIR = ("Input should be a valid tuple", "expected a pair [low, high]")


def _target_problems(source: Source, specs: Sequence[Any], model_dir: Path) -> list[Problem]:
    try:
        create_targets(specs, directory=model_dir)
    except TargetError as error:
        return [source.problem(("targets", *p.loc), p.message.replace(*_PAIR)) for p in error.problems]
    return []


def dump_config(config: Config, folder: Path) -> str:
    """Return the whole configuration, defaults included, as YAML that `load_config` reads in `folder`.

    The model's directory is relative to it, so that a model can be moved together with its runs.
    """
    data = config.model_dump(mode="json")
    data["model_dir"] = os.path.relpath(config.model_dir, folder)
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=120)


def override_key(data: dict[str, Any], override: str) -> None:
    """Set one key of a configuration that is read but not validated, as ``--set`` does.

    Parameters
    ----------
    data : dict
        The configuration; changed in place.
    override : str
        ``KEY=VALUE``, dotted and in YAML.

    Raises
    ------
    orchestrator.errors.UsageError
        Where there is no such key to set, or the value is not YAML.
    """
    key, equals, text = override.partition("=")
    if not equals or not key.strip():
        raise UsageError(f"--set {override}: expected KEY=VALUE, such as --set slurm.ntasks=8")
    first, _, rest = key.strip().partition(".")
    # parameter names have dots of their own
    parts = [first, *([rest] if first in _NAMED_MAPPINGS else rest.split("."))] if rest else [first]
    try:
        value = read_yaml(text, lambda node: deque(_key_lines(node, ()), maxlen=0).clear())
    except (yaml.YAMLError, ValueError) as error:
        raise UsageError(f"--set {override}: the value is not YAML: {getattr(error, 'problem', error)}") from error
    except RecursionError as error:
        raise UsageError(f"--set {key}: the value {_TOO_DEEP}") from error
    for _, message in _too_large(value, ()):
        raise UsageError(f"--set {key}: {message}")
    here: Any = data
    try:
        for part in parts[:-1]:
            here = here[int(part)] if isinstance(here, list) else here.setdefault(part, {})
        here[int(parts[-1]) if isinstance(here, list) else parts[-1]] = value
    except (ValueError, IndexError, TypeError, AttributeError) as error:
        raise UsageError(f"--set {override}: there is no key {key!r} to set") from error


def _explain(source: Source, details: Mapping[str, Any]) -> Problem:
    """Return pydantic's finding in the user's words."""
    # a discriminated union puts its tag into the location
    location: Location = tuple(
        part
        for n, part in enumerate(details["loc"])
        if not (n == 1 and details["loc"][0] == "simulation" and part in _TAGS)
    )
    key = str(location[-1]) if location else ""
    if details["type"] == "extra_forbidden":
        known = _keys_at(location[:-1], details["loc"])
        return source.problem(location, f"unknown key{nearest(key, known) or '.'} Known keys: {', '.join(known)}")
    if details["type"] == "missing":
        if location == ("simulation",):
            return source.problem(location, _no_simulation(source))
        model = _model_at(location[:-1], details["loc"])
        meaning = model.model_fields[key].description if model and key in model.model_fields else None
        return source.problem(location, f"is missing{f': {meaning}' if meaning else ''}")
    message = str(details["msg"]).removeprefix("Value error, ").replace(*_PAIR)
    if details["type"] != "value_error":
        message = f"{message[0].lower()}{message[1:]}, got {details['input']!r}"
    return source.problem(location, message)


def _no_simulation(source: Source) -> str:
    message = "is missing: how offspring are simulated, such as simulation: {model: 'model:VisualModel'}"
    if source.data.keys() <= set(PREDECESSOR_SECTIONS):
        message += f". For a file of the predecessor: orchestrator prepare --import {shlex.quote(str(source.path))}"
    return message


_TAGS: dict[str, type[BaseModel]] = {"mozaik": MozaikSection, "function": FunctionSection}


def _model_at(location: Location, raw: Location) -> type[BaseModel] | None:
    """Return the section that the keys at `location` belong to."""
    if not location:
        return Config
    if location[0] == "simulation":
        return _TAGS.get(str(raw[1]) if len(raw) > 1 else "")
    if location[0] == "parameters":
        return ParameterRange
    annotation: Any = Config.model_fields[str(location[0])].annotation
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def _keys_at(location: Location, raw: Location) -> Iterable[str]:
    model = _model_at(location, raw)
    return list(model.model_fields) if model else []
