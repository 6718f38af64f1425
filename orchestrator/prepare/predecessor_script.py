"""The settings in the predecessor's run_optimisation.py, read from its text and never executed."""

from __future__ import annotations

import ast
import contextlib
import math
import operator
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.errors import UsageError
from orchestrator.simulations.mozaik.modules import python_tree

SCRIPT = "run_optimisation.py"
_OPERATORS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
}
_DEEPEST = 20


@dataclass(frozen=True)
class _Setting:
    """One setting: its key here and its variable there, the call that it is handed to and the name of it there."""

    key: str
    call: str
    keyword: str
    expected: str
    accepts: Callable[[float], bool]
    whole: bool = True


_SETTINGS = (
    _Setting("offspring_size", "DEAPOptimisationCMA", "offspring_size", "a whole number above 0", lambda n: n >= 1),
    _Setting("max_ngen", "run", "max_ngen", "a whole number above 0", lambda n: n >= 1),
    _Setting("timeout", "define_evaluator", "timeout", "seconds above 0", lambda s: s > 0, whole=False),
    _Setting(
        "optimiser_sigma", "DEAPOptimisationCMA", "sigma", "a number above 0, at most 2", lambda s: 0 < s <= 2, False
    ),
    _Setting("optimiser_seed", "DEAPOptimisationCMA", "seed", "a whole number from 0", lambda n: 0 <= n < 2**32),
)


@dataclass
class ScriptSettings:
    """What the script says.

    Parameters
    ----------
    path : pathlib.Path or None
        The script; None if there is none.
    values : dict of str to (int or float)
        By the key of our configuration, as the script has them: `optimiser_sigma` is a fraction of half a range there.
    unread : list of str
        What could not be taken over, and why.
    """

    path: Path | None = None
    values: dict[str, int | float] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)

    @property
    def sigma(self) -> float | None:
        """Initial standard deviation as a fraction of each range: BluePyOpt searches [-1, 1]; None if not known."""
        given = self.values.get("optimiser_sigma")
        return None if given is None else given / 2

    def notes(self, imported: Path) -> Iterator[str]:
        """Yield what a user who imports a configuration should know of the settings beside it."""
        half = "BluePyOpt searches [-1, 1], so that its sigma is a fraction of half a range"
        if self.path is None:
            settings = "offspring, timeout, generations, seed and sigma are defaults"
            yield f"there is no {SCRIPT} beside {imported.name}: {settings}. {half}: take half of its optimiser_sigma"
            return
        taken = ", ".join(f"{key} {value}" for key, value in self.values.items() if key != "optimiser_sigma")
        if taken:
            yield f"from {self.path}: {taken}"
        if self.sigma is not None:
            yield f"optimiser_sigma is {self.sigma:g}, {self.values['optimiser_sigma']:g} in {SCRIPT}: {half}"
        for each in self.unread:
            yield f"not taken over from {self.path}, the default is written: {each}"


def read_script(folders: Iterable[Path]) -> ScriptSettings:
    """Return the settings of the first of these folders that has a run_optimisation.py."""
    path = next((folder / SCRIPT for folder in folders if (folder / SCRIPT).is_file()), None)
    settings = ScriptSettings(path)
    if path is None:
        return settings
    try:
        tree = python_tree(path)
    except UsageError as error:
        settings.unread.append(f"its settings: {str(error).partition('. Fix it')[0]}")
        return settings
    script = _Script(tree)
    for each in _SETTINGS:
        expression = script.origin(script.handed(each) or script.variables.get(each.key))
        if expression is None:
            settings.unread.append(f"{each.key}: is not there")
            continue
        try:
            value = script.value(expression)
        except ValueError as error:
            settings.unread.append(f"{each.key}: line {expression.lineno} is {error}, expected {each.expected}")
            continue
        if value is None:
            continue  # BluePyOpt's own choice, which is ours too
        if not math.isfinite(value) or not each.accepts(value) or (each.whole and value != int(value)):
            settings.unread.append(f"{each.key}: line {expression.lineno} is {value}, expected {each.expected}")
            continue
        settings.values[each.key] = int(value) if value == int(value) else value
    return settings


class _Script:
    """Looks up the numbers of a script.

    Parameters
    ----------
    tree : ast.Module
        Its text as a syntax tree.
    """

    def __init__(self, tree: ast.Module):
        self._tree = tree
        self.variables = {name: value for node in tree.body for name, value in _assigned(node)}
        # under a condition, in a loop, or changed in place: the text does not say which value counts
        self._unclear = {name for node in tree.body for each in _inside(node) for name, _ in _assigned(each)}

    def handed(self, setting: _Setting) -> ast.expr | None:
        """Return what a setting's call is handed, None if there is no such call."""
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Call):
                called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                for word in node.keywords:
                    if called == setting.call and word.arg == setting.keyword:
                        return word.value
        return None

    def origin(self, node: ast.expr | None) -> ast.expr | None:
        """Return what a variable is given in the end, anything else as it is."""
        for _ in range(_DEEPEST):
            if isinstance(node, ast.Name) and node.id not in self._unclear:
                node = self.variables.get(node.id, node)
        return node

    def value(self, node: ast.expr, deepest: int = _DEEPEST) -> float | None:
        """Return the number that an expression is, None if it is None; raises ValueError with its text."""
        number: float | None = None
        if isinstance(node, ast.Constant) and (node.value is None or type(node.value) in (int, float)):
            return node.value  # type: ignore[return-value]
        if isinstance(node, ast.Name) and node.id in self._unclear:
            raise ValueError(f"{node.id}, which has one of several values")
        if isinstance(node, ast.Name) and node.id in self.variables and deepest > 0:
            return self.value(self.variables[node.id], deepest - 1)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and deepest > 0:
            operand = self.value(node.operand, deepest - 1)
            number = None if operand is None else -operand
        elif isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS and deepest > 0:
            left, right = (self.value(each, deepest - 1) for each in (node.left, node.right))
            if left is not None and right is not None:
                with contextlib.suppress(ArithmeticError):
                    number = _OPERATORS[type(node.op)](left, right)
        if number is None:
            raise ValueError(f"{ast.unparse(node):.60}")
        return number


def _assigned(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Yield the variables that a statement gives a value to, and the value."""
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, (ast.AnnAssign, ast.AugAssign)):
        targets = [node.target]
    for target in targets:
        value = getattr(node, "value", None)
        if isinstance(target, ast.Name) and isinstance(value, ast.expr):
            yield target.id, value


def _inside(node: ast.stmt) -> Iterator[ast.AST]:
    """Yield the statements inside a condition or a loop, and one that changes a variable in place."""
    if not isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign)):
        yield from ast.walk(node)
