"""What `optimise` is given, as the keys of a configuration: there is no second vocabulary."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from orchestrator.config.model import Config
from orchestrator.config.yaml_text import write_yaml
from orchestrator.errors import UsageError
from orchestrator.text import shortened
from targets import Target
from targets.plugins import nearest
from targets.registry import known_targets

NAME = "optimise()"
# of a wanted value that is a number alone: the distance from it that scores 1
_NORM = 0.1
# characters of a wrong value that are told
_LONGEST = 200
# which run is continued is said by `Run`
_NOT_GIVEN = ("continue_cp", "cp_filename")


def as_text(keys: Mapping[str, object]) -> str:
    """Return a configuration as YAML.

    Raises
    ------
    orchestrator.errors.UsageError
        If there is no such key, or a value is nothing that a configuration can hold.
    """
    return _yaml(_known(keys), NAME)


def as_overrides(keys: Mapping[str, object], *, of: str = NAME) -> list[str]:
    """Return what ``--set`` would be given, one for each key, or for each key of a section.

    Parameters
    ----------
    keys : mapping of str to object
        Keys of a configuration.
    of : str
        What they were given to, for messages.

    Raises
    ------
    orchestrator.errors.UsageError
        As `as_text`.
    """
    return [f"{key}={_yaml(value, f'{of}: {key}', flow=True)}" for key, value in _by_leaf(_known(keys, of))]


def as_targets(given: Mapping[str, object] | Sequence[object]) -> list[object]:
    """Return the list ``targets`` of a configuration.

    Parameters
    ----------
    given : mapping or sequence
        By the name of what the simulation returns: the wanted number, of which a tenth is the norm (1 if it is 0); or
        keys of a target, by default of `targets.ReturnedValue`, or of ``ReturnedValueRange`` if two values are wanted.
        Or a list of entries as a configuration has them, or of targets.

    Raises
    ------
    orchestrator.errors.UsageError
        If one is neither.
    """
    if isinstance(given, Mapping):
        return [_named(str(name), each) for name, each in given.items()]
    if isinstance(given, (str, bytes)) or not isinstance(given, Sequence):
        raise UsageError(f"{NAME}: targets: expected wanted values by name, or a list of targets, got {_told(given)}")
    return [_entry(each) if isinstance(each, Target) else each for each in given]


def _named(name: str, given: object) -> object:
    if isinstance(given, Target):
        return _entry(given) | {"name": name}
    if isinstance(given, Mapping):
        wanted = given.get("target_value")
        kind = "ReturnedValueRange" if isinstance(wanted, (tuple, list)) else "ReturnedValue"
        return {"class": kind, "key": name, **given} if "class" not in given else {"name": name, **given}
    if isinstance(given, bool) or not isinstance(given, (int, float, np.integer, np.floating)):
        message = "expected a number, the keys of a target such as {'target_value': 10, 'norm': 2}, or a target"
        raise UsageError(f"{NAME}: targets: {name}: {message}, got {_told(given)}")
    wanted = float(given)
    norm = abs(wanted) * _NORM if wanted and math.isfinite(wanted) else 1.0
    return {"class": "ReturnedValue", "key": name, "target_value": wanted, "norm": norm}


def _entry(target: Target) -> dict[str, Any]:
    """Return the entry of a configuration that makes a target."""
    name = type(target).__name__
    if known_targets().get(name) is not type(target):
        raise UsageError(
            f"{NAME}: targets: {name} is a class of your own: expected an entry with its file, such as "
            f"{{'class': 'my_targets.py:{name}', 'target_value': 10, 'norm': 2}}"
        )
    return {"class": name, **target.model_dump(mode="json", exclude_unset=True)}


def _known(keys: Mapping[str, object], of: str = NAME) -> dict[str, Any]:
    """Return the keys with plain values; refuse those that no configuration has, or that say which run it is."""
    for key in keys:
        if key in _NOT_GIVEN:
            raise UsageError(f"{of}: {key}: continue a run with Run(its directory).continue_()")
        if key not in Config.model_fields:
            raise UsageError(f"{of}: there is no key {key!r} of a configuration{nearest(key, Config.model_fields)}")
    return {key: _plain(value) for key, value in keys.items()}


def _by_leaf(data: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield each key of a section of its own, so that it is added to what the section has."""
    for key, value in data.items():
        whole = key == "targets" or not isinstance(value, dict) or not value
        yield from [(key, value)] if whole else ((f"{key}.{name}", each) for name, each in value.items())


def _plain(value: object) -> Any:
    """Return what YAML can hold of a value of Python's or numpy's."""
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return os.fspath(value) if isinstance(value, Path) else value


def _yaml(value: object, of: str, *, flow: bool = False) -> str:
    try:
        return write_yaml(value, width=10_000 if flow else 120, flow=flow).removesuffix("...\n").strip()
    except yaml.YAMLError as error:
        wrong = error.args[-1] if error.args else error
        got = f"{type(wrong).__name__} ({_told(wrong)})"
        raise UsageError(f"{of}: expected numbers, text, lists and mappings, got {got}") from error


def _told(value: object) -> str:
    return shortened(repr(value), _LONGEST)
