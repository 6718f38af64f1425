"""A function of a script or a notebook with all that it uses of it, as the source of a module."""

from __future__ import annotations
import __future__

import ast
import builtins
import inspect
import linecache
import symtable
import sys
import types
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

import orchestrator
from orchestrator.api.constants import written
from orchestrator.api.definitions import Definition, definitions_in, differences, is_same, text_of
from orchestrator.errors import UsageError

_LATER = __future__.annotations.compiler_flag


def module_of(function: Callable[..., object]) -> str:
    """Return the source of a module that has a function, with the imports, constants, functions and classes it uses.

    Parameters
    ----------
    function : function
        Defined at the top of a script, or of a cell of a notebook.

    Raises
    ------
    orchestrator.errors.UsageError
        If its source is not there, or it uses something that cannot be written down.
    """
    return _Module(function).text


class _Module:
    """What is found for a function, in the order in which it has to be defined."""

    def __init__(self, function: Callable[..., object]):
        self._function = function.__name__
        self._namespace: Mapping[str, Any] = function.__globals__
        self._imports: set[str] = set()
        self._constants: dict[str, str] = {}
        self._definitions: dict[str, str] = {}
        self._seen: set[str] = set()
        self._later_annotations = bool(function.__code__.co_flags & _LATER)
        if self._namespace.get(self._function) is not function:
            raise self._error(f"the name {self._function} means something else by now: give the function anew")
        self._add(self._function, function)

    @property
    def text(self) -> str:
        """The module."""
        parts = [f'"""{self._function}() when a run began, with what it uses; written by orchestrator.optimise."""']
        if self._later_annotations:
            parts.append("from __future__ import annotations")
        parts += ["\n".join(each) for each in (sorted(self._imports), self._constants.values()) if each]
        return "\n\n\n".join(["\n\n".join(parts), *self._definitions.values()]) + "\n"

    def _add(self, name: str, value: object) -> None:
        if name in self._seen:
            return
        self._seen.add(name)
        if isinstance(value, types.ModuleType):
            self._imports.add(_import_of(value.__name__, name))
        elif self._is_defined_here(name, value):
            self._define(name, value)
        elif (place := _place_of(value, self._namespace.get("__name__"))) is not None:
            self._imports.add(f"from {place[0]} import {place[1]}" + (f" as {name}" if place[1] != name else ""))
        elif (constant := written(value)) is not None:
            self._imports |= constant.imports
            self._constants[name] = f"{name} = {constant.text}"
        else:
            kind = type(value).__name__
            raise self._error(
                f"uses {name}, a {kind} of the script, which cannot be written down: make it inside of the function, "
                "or put both into a file and import the function from that"
            )

    def _define(self, name: str, value: object) -> None:
        text, node = self._source_of(name, value)
        for each in _names_used(text):
            if each in self._namespace and not _is_builtin(each, self._namespace[each]):
                self._add(each, self._namespace[each])
        self._imports |= set(_submodules(node, self._namespace))
        self._definitions[name] = text

    def _is_defined_here(self, name: str, value: Any) -> bool:
        named = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
        if named != (self._namespace.get("__name__"), name):
            return False
        # what a decorator was given, if it says so, as those made with functools.wraps do
        return isinstance(inspect.unwrap(value), (types.FunctionType, type))

    def _source_of(self, name: str, value: Any) -> tuple[str, Definition]:
        """Return the text of a definition, with its decorators, and what it consists of."""
        value, other = inspect.unwrap(value), None
        for file in self._files_of(value):
            text = "".join(linecache.getlines(file, dict(self._namespace)))
            for node in definitions_in(text, name):
                if is_same(value, node, text):
                    other = next(differences(value, node, self._namespace), None)
                    if other is None:
                        return text_of(node, text), node
        if other is not None:
            raise self._error(f"{other}: execute it again")
        what = f"the source of {name} is not there" if name != self._function else "its source is not there"
        raise self._error(
            f"{what}, or has been edited since it was executed: execute it again; what was typed at a prompt of Python "
            "belongs in a file"
        )

    def _files_of(self, value: types.FunctionType | type) -> Iterator[str]:
        if not isinstance(value, type):
            yield value.__code__.co_filename
            return
        # a notebook's cells are files, too, but its classes do not say which
        functions = (each for each in vars(value).values() if isinstance(each, types.FunctionType))
        yield from dict.fromkeys(each.__code__.co_filename for each in functions)
        if (script := self._namespace.get("__file__")) is not None:
            yield script

    def _error(self, what: str) -> UsageError:
        return UsageError(f"{self._function}(): {what}")


def _is_builtin(name: str, value: Any) -> bool:
    """Whether something is the builtin of its name; IPython gives notebooks an ``open`` around that of Python."""
    return hasattr(builtins, name) and inspect.unwrap(value) is getattr(builtins, name)


def _names_used(text: str) -> Iterator[str]:
    """Yield the names that a definition has from around it, in the order of the alphabet."""
    top = symtable.symtable(text, "<definition>", "exec")
    found = {each.get_name() for each in top.get_symbols() if each.is_referenced()}
    waiting = list(top.get_children())
    while waiting:
        table = waiting.pop()
        waiting += table.get_children()
        found |= {each.get_name() for each in table.get_symbols() if each.is_global()}
    yield from sorted(found)


def _import_of(module: str, name: str) -> str:
    return f"import {module}" if module == name else f"import {module} as {name}"


def _submodules(node: ast.AST, namespace: Mapping[str, Any]) -> Iterator[str]:
    """Yield the imports of submodules: ``import a.b`` gives the name a alone."""
    for each in ast.walk(node):
        names: list[str] = []
        while isinstance(each, ast.Attribute):
            names.insert(0, each.attr)
            each = each.value  # noqa: PLW2901
        top = namespace.get(each.id) if isinstance(each, ast.Name) and names else None
        if isinstance(top, types.ModuleType) and isinstance(each, ast.Name) and top.__name__ == each.id:
            for n in range(1, len(names) + 1):
                module = ".".join([top.__name__, *names[:n]])
                if module in sys.modules:
                    yield f"import {module}"


def _module_with(name: str, value: object, own: Collection[object]) -> str | None:
    modules = [(each, module) for each, module in list(sys.modules.items()) if each not in own]
    return next((each for each, module in modules if getattr(module, "__dict__", {}).get(name) is value), None)


def _place_of(value: object, script: object) -> tuple[str, str] | None:
    """Return the module and the name by which something is imported, the shortest module that has it.

    Parameters
    ----------
    value : object
        What the script has imported.
    script : object
        The name of the script as a module, which has it, too, and cannot be imported.
    """
    own = ("__main__", "__mp_main__", script)
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", getattr(value, "__name__", None))
    if not isinstance(name, str) or not name.isidentifier():
        return None
    # functions in another Python have these from nowhere else
    if name in orchestrator.__all__ and getattr(orchestrator, name) is value:
        return "orchestrator", name
    if module is None:  # of C
        module = _module_with(name, value, own)
    if not isinstance(module, str) or module in own:
        return None
    parts = module.split(".")
    for n in range(1, len(parts) + 1):
        known = sys.modules.get(".".join(parts[:n]))
        if known is not None and getattr(known, name, None) is value:
            return ".".join(parts[:n]), name
    return None
