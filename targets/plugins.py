"""Plug-ins by name: registered by a decorator, in entry points of installed distributions, or in a user's file.

A plug-in is one file. Those of the program itself are the modules of one package, and the module that is called like
the plug-in is imported first, so that what is not used is not imported. A plug-in of the program comes before an
installed one of the same name. What a user's file registers has no name besides ``file.py:name``, so that several runs,
each with its own copy of a file, can be looked at in one process.
"""

from __future__ import annotations

import difflib
import hashlib
import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Generic, TypeVar

Plugin = TypeVar("Plugin")

# how the modules of users' files are called in sys.modules
_FILE = "plugin_file_"
# characters of an exception's text that are told
_LONGEST = 2000


class PluginError(ValueError):
    """There is no such plug-in, it cannot be imported, or it is not what it should be; the message says what to do."""


class _NoSuchFileError(FileNotFoundError):
    """The file of a user's plug-in is not there; other files may be missing while it is imported."""


class Registry(Generic[Plugin]):
    """The plug-ins of one plug-in point.

    Parameters
    ----------
    what : str
        What one is called, for messages, such as ``optimiser``.
    package : str
        The package whose modules are the plug-ins of the program itself.
    group : str
        Group of the entry points, such as ``orchestrator.optimisers``.
    adopt : callable
        Given an object that was found as ``module:name``, as ``file.py:name`` or by an entry point, and that name;
        returns the plug-in that the object is, or raises `PluginError` if it is none.
    """

    def __init__(self, what: str, *, package: str, group: str, adopt: Callable[[Any, str], Plugin]):
        self._what = what
        self._package = package
        self._group = group
        self._adopt = adopt
        self._plugins: dict[str, Plugin] = {}
        self._origins: dict[str, str] = {}

    def add(self, name: str, plugin: Plugin, origin: type | Callable[..., Any]) -> None:
        """Register a plug-in; one of a user's file is left to `find`.

        Parameters
        ----------
        name : str
            What a configuration calls it.
        plugin : Plugin
            What `find` returns.
        origin : class or function
            What was decorated. A second one with the same name is refused, unless it is the same one whose module was
            loaded again, as notebooks do.

        Raises
        ------
        PluginError
            If another one has that name.
        """
        if not origin.__module__.startswith(_FILE):
            self._register(name, plugin, f"{origin.__module__}:{origin.__qualname__}")

    def find(self, name: str, directory: Path | None = None) -> Plugin:
        """Return a plug-in.

        Parameters
        ----------
        name : str
            A registered name, ``module:name``, or ``file.py:name``.
        directory : pathlib.Path, optional
            Where a file is looked for, and modules besides the usual places: the model's directory.

        Raises
        ------
        PluginError
            If there is none of that name, or it cannot be imported.
        """
        if ":" in name:
            return self._adopt(import_named(name, self._what, directory), name)
        if name not in self._plugins:
            self._import_named(name)
        if name not in self._plugins and name not in (known := self.known()):  # it may be in a module of another name
            hint = f"; one of your own is named module:name or file.py:name{self._unloadable()}"
            message = f"unknown {self._what} {name!r}{nearest(name, known)}; known: {', '.join(known)}{hint}"
            raise PluginError(message)
        return self._plugins[name]

    def known(self) -> dict[str, Plugin]:
        """Return all plug-ins by name, sorted by name; installed ones that cannot be used are left out."""
        for name in self._modules():
            importlib.import_module(f"{self._package}.{name}")
        for name in sorted({entry.name for entry in self._entries()} - self._plugins.keys()):
            with suppress(PluginError):
                self._load(name)
        return dict(sorted(self._plugins.items()))

    @contextmanager
    def restored(self) -> Iterator[None]:
        """Forget at the end what others than the program register meanwhile, for tests of plug-ins."""
        plugins, origins = dict(self._plugins), dict(self._origins)
        try:
            yield
        finally:
            own = {name for name, place in self._origins.items() if place.startswith(f"{self._package}.")}
            self._plugins = {name: self._plugins[name] for name in own} | plugins
            self._origins = {name: self._origins[name] for name in own} | origins

    def _register(self, name: str, plugin: Plugin, place: str) -> None:
        known = self._origins.get(name, place)
        if known != place:
            raise PluginError(f"the {self._what} name {name!r} of {place} is taken by {known}; choose another")
        self._plugins[name], self._origins[name] = plugin, place

    def _import_named(self, name: str) -> None:
        """Import the module of the program, or of an installed distribution, that has the plug-in `name`."""
        if name in self._modules():
            importlib.import_module(f"{self._package}.{name}")
        if name not in self._plugins:
            self._load(name)

    def _modules(self) -> list[str]:
        """Return the names of the package's modules, without those of the interpreter's such as ``__main__``."""
        package = importlib.import_module(self._package)
        names = [module.name for module in pkgutil.iter_modules(package.__path__)]
        return [name for name in names if not name.startswith("__")]

    def _load(self, name: str) -> None:
        """Import the installed plug-in `name`, if there is one."""
        entries = {entry.value: entry for entry in self._entries() if entry.name == name}
        if len(entries) > 1:
            raise PluginError(f"the {self._what} name {name!r} is that of several installed: {', '.join(entries)}")
        for value, entry in entries.items():
            try:
                found = entry.load()
            except (Exception, SystemExit) as error:  # whatever a distribution's module raises while it is imported
                message = f"importing the {self._what} {name!r} of {value} failed: {said(error)}"
                raise PluginError(message) from error
            if name not in self._plugins:  # otherwise its decorator has registered it
                self._register(name, self._adopt(found, value), value)

    def _unloadable(self) -> str:
        missing = [entry for entry in self._entries() if entry.name not in self._plugins]
        return "".join(f"; {entry.name!r} of {entry.value} cannot be used" for entry in missing)

    def _entries(self) -> list[EntryPoint]:
        return _entries_of(self._group, tuple(sys.path))


@lru_cache(maxsize=16)  # to look for them reads a file of every installed distribution
def _entries_of(group: str, _places: tuple[str, ...]) -> list[EntryPoint]:
    """Return what the distributions at `_places`, which are those of ``sys.path``, say of a group."""
    return sorted(entry_points(group=group), key=lambda entry: (entry.name, entry.value))


def decorated(kind: type[Plugin], by: str, *, what: str = "class") -> Callable[[Any, str], Plugin]:
    """Return how a registry adopts what a decorator has given an attribute ``plugin``.

    Parameters
    ----------
    kind : type
        What the attribute must be.
    by : str
        Name of the decorator, for messages.
    what : str
        What is decorated, for messages.
    """

    def adopt(found: Any, name: str) -> Plugin:
        # its own, not that of a base class: each plug-in is registered by itself
        plugin = getattr(found, "__dict__", {}).get("plugin")
        if not isinstance(plugin, kind):
            raise PluginError(f"{name!r} must be a {what} that is decorated with @{by}: it is {found!r}")
        return plugin

    return adopt


def said(error: BaseException) -> str:
    """Return an exception in one line for people: ``ValueError: too large``; of a long one the beginning."""
    line = f"{type(error).__name__}: {' '.join(str(error).split())}".removesuffix(": ")
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]} ..."


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ``; did you mean '...'?`` for the most similar of the `known` names, or nothing."""
    matches = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {matches[0]!r}?" if matches else ""


def import_named(name: str, what: str, directory: Path | None = None) -> Any:
    """Return what ``module:name`` or ``file.py:name`` refers to.

    Parameters
    ----------
    name : str
        The reference; a file is relative to `directory`.
    what : str
        What is expected, for messages, such as ``optimiser``.
    directory : pathlib.Path, optional
        Where it may import from besides the usual places.

    Raises
    ------
    PluginError
        If it cannot be imported, or there is no such name.
    """
    source, _, attribute = name.rpartition(":")
    try:
        found = getattr(import_from(source, directory), attribute, None)
    except _NoSuchFileError as error:
        raise PluginError(str(error)) from error
    except (Exception, SystemExit) as error:  # whatever a user's module raises while it is imported
        raise PluginError(f"importing {source!r} for {name!r} failed: {said(error)}") from error
    if found is None:
        raise PluginError(f"{attribute!r} in {source!r} must be a {what}: there is no such name")
    return found


def import_from(source: str, directory: Path | None = None) -> Any:
    """Import a module by its dotted name, or a file by its path.

    Parameters
    ----------
    source : str
        ``package.module``, or a path that ends in ``.py``, relative to `directory`.
    directory : pathlib.Path, optional
        Where it may import from besides the usual places.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    Exception
        Whatever the module raises.
    """
    if not source.endswith(".py"):
        with importable(directory):
            return importlib.import_module(source)
    path = ((directory or Path()) / source).resolve()
    if not path.is_file():
        raise _NoSuchFileError(f"no such file: {path}")
    module_name = f"{_FILE}{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"not a Python file: {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module  # pydantic looks annotations up there
    try:
        with importable(directory):
            spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[module_name]
        raise
    return module


@contextmanager
def importable(directory: Path | None) -> Iterator[None]:
    """Let modules of `directory` be imported for a while, after those that are importable anyway."""
    entry = None if directory is None else str(directory.resolve())
    if entry is None or entry in sys.path:
        yield
        return
    sys.path.append(entry)
    try:
        yield
    finally:
        with suppress(ValueError):  # what was imported may have changed the path
            sys.path.remove(entry)
