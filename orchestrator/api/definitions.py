"""Definitions in the text of a script or a cell, and whether they give what was executed."""

from __future__ import annotations
import __future__

import ast
import inspect
import textwrap
import types
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from orchestrator.api.constants import written

_Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = _Function | ast.ClassDef
# of an expression in a message, in characters
_SHOWN = 60


def definitions_in(text: str, name: str) -> list[Definition]:
    """Return the definitions of a name in a text, the last first; not those inside of others."""
    try:
        nodes = list(_in_scope([ast.parse(text)]))
    except (SyntaxError, ValueError):
        return []
    return sorted(
        (each for each in nodes if isinstance(each, Definition) and each.name == name), key=lambda each: -each.lineno
    )


def text_of(node: Definition, text: str) -> str:
    """Return a definition with its decorators as a text of its own."""
    lines = text.split("\n")[_first_line(node) - 1 : node.end_lineno]
    # with other indents, texts over several lines would be other texts
    return "\n".join(["if True:", *lines] if node.col_offset else lines)


def is_same(value: types.FunctionType | type, node: Definition, text: str) -> bool:
    """Return whether a definition has the code that was executed: a script may have been edited since it began."""
    if isinstance(value, type):
        methods = [each for each in _in_scope(node.body) if isinstance(each, _Function)]
        return isinstance(node, ast.ClassDef) and all(_has_method(value, node, each, text) for each in methods)
    code = value.__code__
    return code.co_firstlineno == _first_line(node) and any(
        _equal(code, each) for each in _compiled(node, text, like=code)
    )


def differences(value: Any, node: Definition, namespace: Mapping[str, Any]) -> Iterator[str]:
    """Yield which values a definition would give now that are not those of what it gave when it was executed.

    Defaults of functions and attributes of classes. What is called there is not called again, and not compared.

    Parameters
    ----------
    value : function or type
        What was executed, of the same code.
    node : Definition
        Its definition.
    namespace : mapping
        What the names of the script mean now.
    """
    if isinstance(node, ast.ClassDef):
        yield from _differences_of_class(value, node, namespace)
    else:
        yield from _differences_of_function(value, node, namespace, ())


def _differences_of_function(
    function: types.FunctionType, node: _Function, namespace: Mapping[str, Any], local: Collection[str]
) -> Iterator[str]:
    actual = {name: each.default for name, each in inspect.signature(function).parameters.items()}
    arguments = node.args
    positional = [*arguments.posonlyargs, *arguments.args]
    pairs = [
        *zip(reversed(positional), reversed(arguments.defaults), strict=False),
        *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
    ]
    for argument, expression in pairs:
        name = argument.arg
        if expression is not None and name in actual and _differs(expression, actual[name], namespace, local):
            yield f"the default {name} of {node.name}() is not what {_shown(expression)} is now"


def _differences_of_class(value: type, node: ast.ClassDef, namespace: Mapping[str, Any]) -> Iterator[str]:
    scope = list(_in_scope(node.body))
    stored = Counter(each.id for each in scope if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store))
    local = {*stored, *(each.name for each in scope if isinstance(each, Definition))}
    for name, expression in _assigned(node.body):
        # what is assigned again depends on where
        if stored[name] == 1 and name in vars(value) and _differs(expression, vars(value)[name], namespace, local):
            yield f"{name} of the class {node.name} is not what its definition says, {_shown(expression)}"
    for each in scope:
        if isinstance(each, _Function):
            for function in _functions_of(vars(value).get(each.name)):
                yield from _differences_of_function(function, each, namespace, local)


def _assigned(statements: Iterable[ast.stmt]) -> Iterator[tuple[str, ast.expr]]:
    """Yield the names that are assigned to, and what."""
    for each in statements:
        if isinstance(each, ast.Assign):
            yield from ((target.id, each.value) for target in each.targets if isinstance(target, ast.Name))
        elif isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name) and each.value is not None:
            yield each.target.id, each.value


def _differs(expression: ast.expr, actual: object, namespace: Mapping[str, Any], local: Collection[str]) -> bool:
    """Whether an expression gives something else now, as far as that can be known without calling anything."""
    for each in ast.walk(expression):
        if isinstance(each, ast.Call | ast.Lambda) or (isinstance(each, ast.Name) and each.id in local):
            return False
    try:
        code = compile(ast.Expression(expression), "<definition>", "eval")
        now = eval(code, dict(namespace))  # noqa: S307  (of the script, which has executed it)
    except Exception:  # noqa: BLE001  (jobs would get it, too)
        return True
    if type(now) in (list, dict, set) and not now:  # what is remembered there from call to call begins anew in each job
        return False
    texts = written(now), written(actual)
    if None in texts:
        return isinstance(actual, (types.FunctionType, type)) and now is not actual
    return texts[0] != texts[1]


def _shown(expression: ast.expr) -> str:
    return textwrap.shorten(ast.unparse(expression), _SHOWN, placeholder="...")


def _in_scope(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Yield all that is not inside of definitions, and those themselves."""
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, Definition):
            waiting += ast.iter_child_nodes(node)


def _first_line(node: Definition) -> int:
    return min([node.lineno, *(each.lineno for each in node.decorator_list)])


def _has_method(value: type, node: Definition, method: _Function, text: str) -> bool:
    """Whether a class has a method as it is in a definition; what decorators make of it is theirs."""
    functions = _functions_of(vars(value).get(method.name))
    if method.decorator_list or node.decorator_list or type(value) is not type:
        functions = [each for each in functions if each.__name__ == method.name]
    elif not functions:
        return False
    return all(
        any(
            _equal(each.__code__, found)
            for body in _compiled(node, text, like=each.__code__)
            for found in _functions_in(body, each.__name__)
        )
        for each in functions
    )


def _functions_of(attribute: object) -> list[types.FunctionType]:
    """Return the functions of an attribute of a class: a method, or those of a property."""
    parts: list[Any] = [attribute, *(getattr(attribute, name, None) for name in ("fget", "fset", "fdel", "func"))]
    return [each for part in parts if isinstance(each := inspect.unwrap(part), types.FunctionType)]


def _compiled(node: Definition, text: str, *, like: types.CodeType) -> Iterator[types.CodeType]:
    """Yield what a definition may have been compiled to, with the imports from `__future__` that something had."""
    flags = like.co_flags & sum(getattr(__future__, name).compiler_flag for name in __future__.all_feature_names)
    # a script is compiled as a whole, and a cell statement by statement; what is imported beside makes a difference
    for each, line in ((text, _first_line(node)), (text_of(node, text), 2 if node.col_offset else 1)):
        compiled = compile(each, like.co_filename, "exec", flags=flags, dont_inherit=True)
        yield from (code for code in _functions_in(compiled, node.name) if code.co_firstlineno == line)


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
