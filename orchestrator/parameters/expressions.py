"""Arithmetic with named numbers, as a user writes it into a configuration; nothing else is ever computed."""

from __future__ import annotations

import ast
import keyword
import math
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

Number = float | int
Numbers = Mapping[str, Number]
_Compute = Callable[[Numbers], Number]

# characters of an expression, and operations in one another
_LONGEST, _DEEPEST = 1000, 100
_PI = "pi"
_PLAIN_NAME = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
_OPERATORS: dict[type[ast.AST], Callable[..., Number]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: math.pow,  # of real numbers only, and without end for none
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
}
# halves go up, as they do in the search space
_FUNCTIONS: dict[str, Callable[..., Number]] = {
    "abs": abs,
    "ceil": math.ceil,
    "exp": math.exp,
    "floor": math.floor,
    "log": math.log,
    "log10": math.log10,
    "max": max,
    "min": min,
    "round": lambda number: math.floor(number + 0.5),
    "sqrt": math.sqrt,
}
_OF_SEVERAL = ("max", "min")
_EXPECTED = f"numbers, names of parameters, + - * / ** and parentheses, {_PI}, and {', '.join(_FUNCTIONS)}"


class NotAnExpression(ValueError):
    """A text is not arithmetic with named numbers; the message says why."""


class NoNumber(ArithmeticError):
    """An expression has no value with these numbers; the message says which, and why.

    Parameters
    ----------
    message : str
        For people.
    name : str
        The parameter that is computed, if it is known.
    """

    def __init__(self, message: str, name: str = ""):
        super().__init__(message)
        self.name = name


class Expression:
    """One expression, such as ``2 * soma.gna``.

    Numbers are those of Python: whole ones stay whole under ``+``, ``-`` and ``*``, and ``floor``, ``ceil`` and
    ``round`` make whole ones.

    Parameters
    ----------
    text : str
        The expression. Names are written in quotes if they are not words with dots between them, or have one of
        Python's keywords among these.

    Attributes
    ----------
    names : tuple of str
        The names in it, each once.

    Raises
    ------
    NotAnExpression
        If it is anything else.
    """

    def __init__(self, text: str):
        self.text = text
        found: dict[str, None] = {}
        if len(text) > _LONGEST:
            raise NotAnExpression(f"expected at most {_LONGEST} characters, got {len(text)}")
        try:
            tree = ast.parse(text.strip(), mode="eval")
            self._compute = _compiled(tree.body, found, 0)
        except NotAnExpression:
            raise
        except (OverflowError, RecursionError, MemoryError) as error:
            raise NotAnExpression("a number in it is too large, or it is nested too deeply") from error
        except (SyntaxError, ValueError) as error:
            raise NotAnExpression(
                f"expected an expression of {_EXPECTED}, got {text!r} ({getattr(error, 'msg', None) or error}); "
                "names such as 'g-Na' or 'soma.lambda' are written in quotes"
            ) from error
        self.names = tuple(found)

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    def value(self, numbers: Numbers) -> Number:
        """Return the value, which is finite.

        Parameters
        ----------
        numbers : mapping of str to float or int
            A number for each of `names`.

        Raises
        ------
        NoNumber
            If there is none: a division by zero, a root or logarithm of a negative number, or one that is too large.
        """
        try:
            return self._compute(numbers)
        except ZeroDivisionError:
            reason = "division by zero"
        except OverflowError:
            reason = "it is too large"
        except ValueError:  # of math, for what is not defined
            reason = "it is not defined"
        given = ", ".join(f"{name} = {numbers[name]:.6g}" for name in self.names)
        raise NoNumber(f"{self.text!r} has no value{f' with {given}' if given else ''}: {reason}")


def needs_quotes(name: str) -> bool:
    """Return whether a name is written in quotes in expressions."""
    return _PLAIN_NAME.fullmatch(name) is None or any(keyword.iskeyword(word) for word in name.split("."))


def _compiled(node: ast.expr, names: dict[str, None], depth: int) -> _Compute:
    """Return what computes a part of an expression, and add its names to `names`."""
    if depth > _DEEPEST:
        raise NotAnExpression(f"expected at most {_DEEPEST} operations in one another")

    def parts(*nodes: ast.expr) -> list[_Compute]:
        return [_compiled(each, names, depth + 1) for each in nodes]

    match node:
        case ast.Constant(value=bool()):
            pass
        case ast.Constant(value=int() | float() as number):
            constant: Number = _finite(number)
            return lambda _: constant
        case ast.Name(id=name) if name == _PI:
            return lambda _: math.pi
        case ast.Constant(value=str()) | ast.Name() | ast.Attribute() if found := _name(node):
            names[found] = None
            return operator.itemgetter(found)
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _OPERATORS:
            return _applied(_OPERATORS[type(op)], parts(operand))
        case ast.BinOp(op=op, left=left, right=right) if type(op) in _OPERATORS:
            return _applied(_OPERATORS[type(op)], parts(left, right))
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
            return _applied(_function(name, len(arguments)), parts(*arguments))
    raise NotAnExpression(f"expected an expression of {_EXPECTED}, got {ast.unparse(node)!r}")


def _function(name: str, arguments: int) -> Callable[..., Number]:
    if name not in _FUNCTIONS:
        from targets.plugins import nearest  # noqa: PLC0415  (of targets, which take longer to import than all else)

        raise NotAnExpression(f"there is no function {name!r}{nearest(name, _FUNCTIONS) or '.'} Expected {_EXPECTED}")
    if arguments < 2 if name in _OF_SEVERAL else arguments != 1:
        expected = "two numbers or more" if name in _OF_SEVERAL else "one number"
        raise NotAnExpression(f"{name} takes {expected}, got {arguments}")
    return _FUNCTIONS[name]


def _applied(operation: Callable[..., Number], parts: list[_Compute]) -> _Compute:
    return lambda numbers: _finite(operation(*(part(numbers) for part in parts)))


def _finite(number: Number) -> Number:
    """Return the number; raises `OverflowError` if it is infinite, or a whole number beyond the largest float."""
    if not math.isfinite(number):
        raise OverflowError
    return number


def _name(node: Any) -> str | None:
    """Return a name that is written in quotes, or as words with dots between them; None if it is something else."""
    match node:
        case ast.Constant(value=str(name)) if name:
            return name
        case ast.Name(id=name):
            return str(name)
        case ast.Attribute(value=ast.Name() | ast.Attribute() as owner, attr=attribute):
            before = _name(owner)
            return None if before is None else f"{before}.{attribute}"
    return None
