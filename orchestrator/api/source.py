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
from orchestrator.errors import UsageError

_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
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

    def _source_of(self, name: str, value: Any) -> tuple[str, _Definition]:
        """Return the text of a definition, with its decorators, and what it consists of."""
        value = inspect.unwrap(value)
        code = None if isinstance(value, type) else value.__code__
        for file in self._files_of(value):
            text = "".join(linecache.getlines(file, dict(self._namespace)))
            for node in _definitions_in(text, name):
                if code is None or _is_same(code, node, text):
                    return _text_of(node, text), node
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


def _definitions_in(text: str, name: str) -> list[_Definition]:
    """Return the definitions of a name in a text, the last first; not those inside of others."""
    try:
        waiting: list[ast.AST] = [ast.parse(text)]
    except (SyntaxError, ValueError):
        return []
    found = []
    while waiting:
        node = waiting.pop()
        if isinstance(node, _Definition):
            found += [node] if node.name == name else []
        else:
            waiting += ast.iter_child_nodes(node)
    return sorted(found, key=lambda node: -node.lineno)


def _first_line(node: _Definition) -> int:
    return min([node.lineno, *(each.lineno for each in node.decorator_list)])


def _text_of(node: _Definition, text: str) -> str:
    lines = text.split("\n")[_first_line(node) - 1 : node.end_lineno]
    # with other indents, texts over several lines would be other texts
    return "\n".join(["if True:", *lines] if node.col_offset else lines)


def _is_same(code: types.CodeType, node: _Definition, text: str) -> bool:
    """Whether a definition is what was executed: a script may have been edited since it began."""
    if code.co_firstlineno != _first_line(node):
        return False
    flags = code.co_flags & sum(getattr(__future__, name).compiler_flag for name in __future__.all_feature_names)
    # a script is compiled as a whole, and a cell statement by statement; what is imported beside makes a difference
    for each in (text, _text_of(node, text)):
        compiled = compile(each, code.co_filename, "exec", flags=flags, dont_inherit=True)
        if any(_equal(code, found) for found in _functions_in(compiled, code.co_name)):
            return True
    return False


def _functions_in(code: types.CodeType, name: str) -> Iterator[types.CodeType]:
    for each in code.co_consts:
        if isinstance(each, types.CodeType):
            if each.co_name == name:
                yield each
            yield from _functions_in(each, name)


def _equal(one: types.CodeType, other: types.CodeType) -> bool:
    """Whether two functions do the same, whatever their lines are."""
    if (one.co_code, one.co_names, one.co_varnames) != (other.co_code, other.co_names, other.co_varnames):
        return False
    pairs = list(zip(one.co_consts, other.co_consts, strict=False))
    return len(one.co_consts) == len(other.co_consts) and all(
        _equal(a, b) if isinstance(a, types.CodeType) and isinstance(b, types.CodeType) else repr(a) == repr(b)
        for a, b in pairs
    )


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
