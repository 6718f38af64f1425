"""Reads annotations of stimuli, which are the text of a dict, without executing them."""

from __future__ import annotations

import ast
from typing import Any, NamedTuple

_LONGEST = 4_000_000
_DEEPEST = 40

_WRAPPERS = {"MozaikExtendedParameterSet", "ParameterSet", "OrderedDict", "dict", "array", "np.array", "numpy.array"}
"""Calls that stand for their first argument."""

_NUMBERS = {
    f"{module}.{kind}"
    for module in ("np", "numpy")
    for kind in (
        "float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
        "bool", "bool_", "str_",
    )
}  # fmt: skip
"""How numpy >= 2 writes its scalars."""

_OPAQUE = {"PyNNDistribution", "RandomDistribution", "NumpyRNG", "ParameterWithUnitsAndPeriod", "url", "ref"}
"""Other calls of parameter sets; kept as data."""

_CONSTANTS = {"nan": float("nan"), "inf": float("inf"), "np.nan": float("nan"), "np.inf": float("inf")}


class Call(NamedTuple):
    """A call in an annotation, which was not made."""

    function: str
    args: list[Any]
    keywords: dict[str, Any]


class AnnotationError(ValueError):
    """The text of an annotation is not the dict of values that mozaik writes."""


def read_stimulus(text: object) -> dict[str, Any]:
    """Read the annotation of a stimulus.

    Parameters
    ----------
    text : str
        A dict of literals, in which nested ``MozaikExtendedParameterSet({...})`` and the like stand for their contents.

    Raises
    ------
    AnnotationError
        For anything else, such as a call of a function.
    """
    if not isinstance(text, str):
        raise AnnotationError(f"expected text, got {type(text).__name__}")
    if len(text) > _LONGEST:
        raise AnnotationError(f"the text has {len(text)} characters, at most {_LONGEST} are read")
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise AnnotationError(f"no dict of values: {error}") from None
    stimulus = _value(tree.body, 0)
    if not isinstance(stimulus, dict) or not all(isinstance(key, str) for key in stimulus):
        raise AnnotationError("expected a dict with names as keys")
    return stimulus


def _value(node: ast.expr, depth: int) -> Any:
    if depth > _DEEPEST:
        raise AnnotationError(f"nested more than {_DEEPEST} deep")
    match node:
        case ast.Constant():
            return node.value
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
            return _signed(node.op, _value(operand, depth + 1))
        case ast.List() | ast.Tuple() | ast.Set():
            return [_value(item, depth + 1) for item in node.elts]
        case ast.Dict():
            return {_key(key): _value(value, depth + 1) for key, value in zip(node.keys, node.values, strict=True)}
        case ast.Call():
            return _call(node, depth)
        case ast.Name() | ast.Attribute() if _dotted(node) in _CONSTANTS:
            return _CONSTANTS[_dotted(node)]
    raise AnnotationError(f"{_shown(node)} is no value")


def _key(node: ast.expr | None) -> object:
    if not isinstance(node, ast.Constant):
        raise AnnotationError("a key that is no literal")
    return node.value


def _signed(sign: ast.unaryop, number: object) -> object:
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        raise AnnotationError("a sign before something that is no number")
    return -number if isinstance(sign, ast.USub) else number


def _call(node: ast.Call, depth: int) -> Any:
    function = _dotted(node.func)
    if function not in _WRAPPERS | _NUMBERS | _OPAQUE:
        raise AnnotationError(f"a call of {_shown(node.func)}, which is not made")
    args = [_value(argument, depth + 1) for argument in node.args]
    if function in _OPAQUE:
        keywords = {keyword.arg or "": _value(keyword.value, depth + 1) for keyword in node.keywords}
        return Call(function, args, keywords)
    if len(args) != 1:
        raise AnnotationError(f"a call of {function} with {len(args)} arguments")
    return args[0]


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"{node.value.id}.{node.attr}"
    return ""


def _shown(node: ast.expr) -> str:
    try:
        text = ast.unparse(node)
    except (RecursionError, ValueError):
        text = type(node).__name__
    return f"{text:.60}"
