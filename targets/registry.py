"""Finds targets by name, and makes those that a configuration lists."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from pydantic import ValidationError

from targets.base import Target, UnfitData, takes_recordings
from targets.plugins import PluginError, Registry, nearest
from targets.recordings import Events, Trace

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

TargetClass = TypeVar("TargetClass", bound=type[Target])


class TargetProblem(NamedTuple):
    """One thing that is wrong with a list of target specifications."""

    loc: tuple[str | int, ...]
    """The place: the specification's index and its key, such as ``(2, "norm")``."""
    message: str


class TargetError(ValueError):
    """A target can't be made, or registered, from what was given.

    Attributes
    ----------
    problems : list of TargetProblem
        Everything that is wrong, in the order of the specifications.
    """

    def __init__(self, problems: list[TargetProblem]) -> None:
        self.problems = problems
        super().__init__(problems)

    def __str__(self) -> str:
        return "\n".join(f"targets{_path(loc)}: {message}" for loc, message in self.problems)


def _path(loc: tuple[str | int, ...]) -> str:
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in loc)


def target(name: str, *, unit: str | None) -> Callable[[TargetClass], TargetClass]:
    """Register the decorated class as `name`, and give it its unit.

    The class says the rest: its pydantic fields are the options, with their descriptions, units and defaults; its
    docstring is the documentation; ``needs`` is what has to be recorded and presented. `check`, error messages and the
    documentation follow from them.

    Parameters
    ----------
    name : str
        What a configuration calls it, usually the name of the class.
    unit : str or None
        Unit of its value; empty for a pure number, None if the class says it itself.

    Raises
    ------
    TargetError
        If another class has that name already.
    """

    def register(cls: TargetClass) -> TargetClass:
        try:
            REGISTRY.add(name, cls, cls)
        except PluginError as error:
            raise TargetError([TargetProblem((), str(error))]) from error
        if unit is not None:
            cls.unit = unit
        return cls

    return register


def known_targets() -> dict[str, type[Target]]:
    """Return the registered classes by name, sorted by name."""
    return REGISTRY.known()


def create_targets(
    specs: Sequence[Mapping[str, Any]],
    *,
    directory: Path | None = None,
    data: Mapping[str, Trace | Events] | None = None,
) -> list[Target]:
    """Make the targets that a configuration lists.

    Parameters
    ----------
    specs : sequence of mappings
        ``{"class": name, ...}`` each, the other keys being fields of the class. The class is a registered name,
        ``module:Class``, or ``file.py:Class``.
    directory : Path, optional
        Where ``file.py`` is looked for, and modules besides the usual places: the model's directory.
    data : mapping of str to Trace or Events, optional
        Measured recordings by name, which targets compare with; None if they are not at hand, so that only what needs
        no data can be asked of the targets.

    Returns
    -------
    list of Target
        In the order of `specs`, of each of which there may be several; a label that occurred before gets `` #2``,
        `` #3`` appended.

    Raises
    ------
    TargetError
        With every problem of every specification.
    """
    problems: list[TargetProblem] = []
    created: list[Target] = []
    for index, spec in enumerate(specs):
        try:
            parts = _create(spec, directory).parts()
            parts = parts if data is None else [part.with_data(data) for part in parts]
            created += [part.for_entry(index) for part in parts]
        except TargetError as error:
            problems += [TargetProblem((index, *loc), message) for loc, message in error.problems]
        except UnfitData as error:
            problems.append(TargetProblem((index, error.option), str(error)))
    if problems:
        raise TargetError(problems)
    return _with_unique_labels(created)


def _create(spec: Mapping[str, Any], directory: Path | None) -> Target:
    if not isinstance(spec, Mapping):
        raise TargetError([TargetProblem((), f"expected a mapping with the key 'class', got {spec!r}")])
    if not isinstance(spec.get("class"), str):
        got = f"got {spec['class']!r}" if "class" in spec else "it is missing"
        message = f"expected the name of a target class, {got}; known: {', '.join(known_targets())}"
        raise TargetError([TargetProblem(("class",), message)])
    cls = _find_class(spec["class"], directory)
    try:
        return cls(**{key: option for key, option in spec.items() if key != "class"})
    except ValidationError as error:
        raise TargetError([_problem(cls, details) for details in error.errors()]) from error
    except TypeError as error:  # keys that aren't strings
        raise TargetError([TargetProblem((), str(error))]) from error


def _problem(cls: type[Target], details: ErrorDetails) -> TargetProblem:
    loc, message = details["loc"], details["msg"].removeprefix("Value error, ")
    key = str(loc[0]) if loc else ""
    if details["type"] == "extra_forbidden":
        options = list(cls.model_fields)
        message = f"unknown option of {cls.__name__}{nearest(key, options)}; known: class, {', '.join(options)}"
    elif details["type"] == "missing" and key in cls.model_fields:
        message = f"{cls.__name__} needs it: {cls.model_fields[key].description or 'a required option'}"
    else:
        message = f"{message}, got {details['input']!r}"
    return TargetProblem(loc, message)


def _find_class(name: str, directory: Path | None) -> type[Target]:
    try:
        return REGISTRY.find(name, directory)
    except PluginError as error:
        raise TargetError([TargetProblem(("class",), str(error))]) from error


def _adopt(found: Any, name: str) -> type[Target]:
    if not (isinstance(found, type) and issubclass(found, Target)):
        raise PluginError(f"{name!r} must be a subclass of Target: it is {found!r}")
    if inspect.isabstract(found):
        missing = ", ".join(sorted(found.__abstractmethods__))
        raise PluginError(f"{name!r} lacks {missing}: a target needs a kind (such as PointTarget) and a method outputs")
    if takes_recordings(found.value):  # it would be given the outputs of the class that it is made from
        raise PluginError(f"{name!r}: its method value(recordings) is called outputs(recordings) now: rename it")
    return found


REGISTRY: Registry[type[Target]] = Registry("target", package="targets", group="orchestrator.targets", adopt=_adopt)
"""All targets by name."""


def _with_unique_labels(created: list[Target]) -> list[Target]:
    taken: set[str] = set()
    unique = []
    for each in created:
        label, count = each.label, 1
        while label in taken:
            count += 1
            label = f"{each.label} #{count}"
        taken.add(label)
        unique.append(each if label == each.label else each.model_copy(update={"name": label}))
    return unique
