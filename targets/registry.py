"""Targets by name: the ``@target`` decorator, and targets made from a config's specifications."""

from __future__ import annotations

import difflib
import hashlib
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from pydantic import ValidationError

from targets.base import Target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic_core import ErrorDetails

TargetClass = TypeVar("TargetClass", bound=type[Target])

_REGISTERED: dict[str, type[Target]] = {}


class Problem(NamedTuple):
    """One thing that is wrong with a list of target specifications."""

    loc: tuple[str | int, ...]
    """Where: the specification's index and its key, e.g. ``(2, "norm")``."""
    message: str


class TargetError(ValueError):
    """A target can't be made, or registered, from what was given.

    Attributes
    ----------
    problems : list of Problem
        Everything that is wrong, in the order of the specifications.
    """

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("\n".join(f"targets{_path(loc)}: {message}" for loc, message in problems))


def _path(loc: tuple[str | int, ...]) -> str:
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in loc)


def target(name: str, *, unit: str) -> Callable[[TargetClass], TargetClass]:
    """Register the decorated class as `name`, and give it its unit.

    Parameters
    ----------
    name : str
        What a config calls it, usually the name of the class.
    unit : str
        Unit of its value; empty for a pure number.

    Raises
    ------
    TargetError
        If another class has that name already.
    """

    def register(cls: TargetClass) -> TargetClass:
        known = _REGISTERED.get(name)
        # The same class again is a reloaded module (notebooks do that); another class is a mistake.
        if known is not None and (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
            message = f"the target name {name!r} of {_origin(cls)} is taken by {_origin(known)}; choose another"
            raise TargetError([Problem((), message)])
        cls.unit = unit
        _REGISTERED[name] = cls
        return cls

    return register


def _origin(cls: type) -> str:
    return f"{cls.__module__}:{cls.__qualname__}"


def known_targets() -> dict[str, type[Target]]:
    """Return the registered classes by name, sorted by name."""
    return dict(sorted(_REGISTERED.items()))


def create_targets(specs: Sequence[Mapping[str, Any]], *, directory: Path | None = None) -> list[Target]:
    """Make the targets that a config lists.

    Parameters
    ----------
    specs : sequence of mappings
        ``{"class": name, ...}`` each, the other keys being fields of the class. The class is a registered name,
        ``module:Class``, or ``file.py:Class``.
    directory : Path, optional
        Where ``file.py`` is looked for, and modules besides the usual places: the model directory.

    Returns
    -------
    list of Target
        In the order of `specs`; a label that occurred before gets `` #2``, `` #3`` appended.

    Raises
    ------
    TargetError
        With every problem of every specification.
    """
    problems: list[Problem] = []
    created: list[Target] = []
    for index, spec in enumerate(specs):
        try:
            created.append(_create(spec, directory))
        except TargetError as error:
            problems += [Problem((index, *loc), message) for loc, message in error.problems]
    if problems:
        raise TargetError(problems)
    return _with_unique_labels(created)


def _create(spec: Mapping[str, Any], directory: Path | None) -> Target:
    if not isinstance(spec, Mapping):
        raise TargetError([Problem((), f"expected a mapping with the key 'class', got {spec!r}")])
    if not isinstance(spec.get("class"), str):
        got = f"got {spec['class']!r}" if "class" in spec else "it is missing"
        message = f"expected the name of a target class, {got}; known: {', '.join(known_targets())}"
        raise TargetError([Problem(("class",), message)])
    cls = _find_class(spec["class"], directory)
    try:
        return cls(**{key: option for key, option in spec.items() if key != "class"})
    except ValidationError as error:
        raise TargetError([_problem(cls, details) for details in error.errors()]) from error
    except TypeError as error:  # keys that aren't strings
        raise TargetError([Problem((), str(error))]) from error


def _problem(cls: type[Target], details: ErrorDetails) -> Problem:
    loc, message = details["loc"], details["msg"].removeprefix("Value error, ")
    key = str(loc[0]) if loc else ""
    if details["type"] == "extra_forbidden":
        options = list(cls.model_fields)
        message = f"unknown option of {cls.__name__}{_nearest(key, options)}; known: class, {', '.join(options)}"
    elif details["type"] == "missing" and key in cls.model_fields:
        message = f"{cls.__name__} needs it: {cls.model_fields[key].description or 'a required option'}"
    else:
        message = f"{message}, got {details['input']!r}"
    return Problem(loc, message)


def _nearest(name: str, known: Sequence[str]) -> str:
    matches = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f", did you mean {matches[0]!r}?" if matches else ""


def _find_class(name: str, directory: Path | None) -> type[Target]:
    if ":" not in name:
        if name not in _REGISTERED:
            known = list(known_targets())
            hint = "; one of your own is named module:Class or file.py:Class"
            message = f"unknown target {name!r}{_nearest(name, known)}; known: {', '.join(known)}{hint}"
            raise TargetError([Problem(("class",), message)])
        return _REGISTERED[name]
    source, _, class_name = name.rpartition(":")
    try:
        found = getattr(_import(source, directory), class_name, None)
    except TargetError:
        raise
    except Exception as error:  # whatever a user's module raises while it is imported
        message = f"importing {source!r} for {name!r} failed: {type(error).__name__}: {error}"
        raise TargetError([Problem(("class",), message)]) from error
    if not (isinstance(found, type) and issubclass(found, Target)):
        got = "there is no such name" if found is None else f"it is {found!r}"
        raise TargetError([Problem(("class",), f"{class_name!r} in {source!r} must be a subclass of Target: {got}")])
    if inspect.isabstract(found):
        missing = ", ".join(sorted(found.__abstractmethods__))
        message = f"{name!r} lacks {missing}: a target needs a kind (such as PointTarget) and a method value"
        raise TargetError([Problem(("class",), message)])
    return found


def _import(source: str, directory: Path | None) -> Any:
    if not source.endswith(".py"):
        with _importable(directory):
            return importlib.import_module(source)
    path = ((directory or Path()) / source).resolve()
    if not path.is_file():
        raise TargetError([Problem(("class",), f"no such file: {path}")])
    module_name = f"{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise TargetError([Problem(("class",), f"not a Python file: {path}")])
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module  # pydantic looks annotations up there
    try:
        with _importable(directory):
            spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[module_name]
        raise
    return module


@contextmanager
def _importable(directory: Path | None) -> Iterator[None]:
    """Let modules of `directory` be imported for a while, after those that are importable anyway."""
    if directory is None:
        yield
        return
    entry = str(directory.resolve())
    sys.path.append(entry)
    try:
        yield
    finally:
        sys.path.remove(entry)


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
