"""A configuration file as it is written: YAML or the predecessor's JSON, the lines of its keys, and overrides."""

from __future__ import annotations

import copy
import re
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from orchestrator.config.moved_keys import MOVED, new_place, old_place, with_moved_keys
from orchestrator.config.yaml_text import read_yaml
from orchestrator.errors import ConfigError, ConfigProblem, UsageError
from orchestrator.files import read_text

Location = tuple[str | int, ...]
_NAMED_MAPPINGS = ("parameters", "optimiser_centroid")
# all that the predecessor's files have
PREDECESSOR_SECTIONS = ("parameters", "optimiser_centroid", "targets")
# levels of a file, and size of a number; figures are computed in floats
_DEEPEST, _LARGEST = 40, 10**30
_OCTAL = re.compile(r"[-+]?0[0-7_]*[0-7]")
_TOO_DEEP = f"is nested too deeply, or holds itself by an alias: expected at most {_DEEPEST} levels"


class Source:
    """A configuration file with the line of each of its keys.

    Parameters
    ----------
    path : pathlib.Path
        YAML, or JSON, which is YAML too.
    text : str or None
        What is in it, if it is not the file itself but lies in it, as the configuration of a run in its checkpoint.

    Attributes
    ----------
    data : dict
        What is in it.
    repeated : list of ConfigProblem
        Keys that are given twice; the last counts in `data`.

    Raises
    ------
    ConfigError
        If the file is missing, not YAML, or not a mapping; or is too deep, or a number in it too large, or written with
        a leading zero.
    """

    def __init__(self, path: Path, text: str | None = None):
        self.path = path
        try:
            text = read_text(path) if text is None else text
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise ConfigError(path, [ConfigProblem("", f"cannot be read: {reason}")]) from error
        # JSON files of other editors may indent with tabs, which YAML refuses outside strings
        text = text.replace("\t", "    ")
        try:
            self.data = read_yaml(text, self._note_lines)
        except (yaml.YAMLError, ValueError) as error:
            mark = getattr(error, "problem_mark", None)
            message = f"is not YAML: {getattr(error, 'problem', None) or error}"
            # libyaml sees the end of a file one line after its last
            line = min(mark.line + 1, max(1, len(text.splitlines()))) if mark else None
            raise ConfigError(path, [ConfigProblem("", message, line)]) from error
        except RecursionError as error:
            raise ConfigError(path, [ConfigProblem("", f"{_TOO_DEEP}. Fix it")]) from error
        if not isinstance(self.data, dict):
            raise ConfigError(path, [ConfigProblem("", "expected keys such as 'parameters' and 'targets', got none")])
        if wrong := [*self._misread, *(self.problem(at, message) for at, message in _too_large(self.data, ()))]:
            raise ConfigError(path, wrong)

    def _note_lines(self, node: yaml.Node | None) -> None:
        self._lines = dict(_key_lines(node, ()))
        self.repeated = [
            ConfigProblem(dotted(at), "is given twice; take one of the two away", line)
            for at, line in _repeated_keys(node, ())
        ]
        self._misread = [ConfigProblem(dotted(at), message, line) for at, line, message in _octal_numbers(node, (), 1)]

    def with_overrides(self, overrides: Sequence[str]) -> dict[str, Any]:
        """Return the data with ``dotted.key=value`` each put in, and the model's directory if it is not given."""
        data: dict[str, Any] = with_moved_keys(copy.deepcopy(self.data))
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

    def problem(self, location: Location, message: str) -> ConfigProblem:
        """Return a `ConfigProblem` with the line filled in, at the key as it is written in the file."""
        old = old_place(location)
        if old is not None and location[:2] not in self._lines and old[:2] in self._lines:
            location = old
        return ConfigProblem(dotted(location), message, self.line(location))


def dotted(location: Location) -> str:
    """Return ``jobs.ntasks`` or ``targets[2].norm`` for a location."""
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


def _octal_numbers(node: yaml.Node | None, at: Location, line: int) -> Iterator[tuple[Location, int, str]]:
    """Yield the numbers with a leading zero, which YAML 1.1 reads with base 8: as another number than is written."""
    if isinstance(node, yaml.ScalarNode) and node.tag.endswith(":int") and _OCTAL.fullmatch(node.value):
        read = int(node.value.replace("_", ""), 8)
        message = f"expected a number without a leading zero, got {node.value}, which YAML reads as {read}"
        yield at, line, f"{message}; what is text needs quotes"
    for location, line_of_child, child in _children(node, at):
        yield from _octal_numbers(child, location, line_of_child)


def _too_large(value: object, at: Location) -> Iterator[tuple[Location, str]]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from _too_large(child, (*at, key if isinstance(value, list) else str(key)))
    if isinstance(value, int) and abs(value) > _LARGEST:
        yield at, f"expected a number below {_LARGEST:.0e}, got a larger one"


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
        If there is no such key to set, or the value is not YAML.
    """
    key, equals, text = override.partition("=")
    if not equals or not key.strip():
        raise UsageError(f"--set {override}: expected KEY=VALUE, such as --set jobs.ntasks=8")
    first, _, rest = key.strip().partition(".")
    # parameter names have dots of their own
    parts = [first, *([rest] if first in _NAMED_MAPPINGS else rest.split("."))] if rest else [first]
    parts = new_place(parts)
    wrong: list[str] = []

    def look(node: yaml.Node | None) -> None:
        deque(_key_lines(node, ()), maxlen=0)
        wrong.extend(message for _, _, message in _octal_numbers(node, (), 1))

    try:
        value = read_yaml(text, look)
    except (yaml.YAMLError, ValueError) as error:
        raise UsageError(f"--set {override}: the value is not YAML: {getattr(error, 'problem', error)}") from error
    except RecursionError as error:
        raise UsageError(f"--set {key}: the value {_TOO_DEEP}") from error
    for message in (*wrong, *(message for _, message in _too_large(value, ()))):
        raise UsageError(f"--set {key}: {message}")
    here: Any = data
    try:
        for part in parts[:-1]:
            here = here[int(part)] if isinstance(here, list) else here.setdefault(part, {})
        here[int(parts[-1]) if isinstance(here, list) else parts[-1]] = value
    except (ValueError, IndexError, TypeError, AttributeError) as error:
        raise UsageError(f"--set {override}: there is no key {key!r} to set") from error
    if len(parts) == 1 and parts[0] in MOVED:
        data.update(with_moved_keys(data, override=True))
