"""Whether what the source of a function makes once may be in what it returns more than once; nothing is executed."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_REPEATED = (ast.For, ast.While, ast.If, ast.IfExp, *_COMPREHENSIONS, ast.FunctionDef, ast.Lambda, ast.NamedExpr)
_HOLDING = {"OrderedDict", "append", "dict", "extend", "insert", "list", "setdefault", "tuple", "update"}
"""Functions and methods that hold what they are given as often as they are given it."""


class Repetition:
    """What may come again of that which a function makes.

    Parameters
    ----------
    function : ast.FunctionDef
        The function.
    """

    def __init__(self, function: ast.FunctionDef):
        self._function = function
        self.parents = {child: parent for parent in ast.walk(function) for child in ast.iter_child_nodes(parent)}

    def may_come_again(self, node: ast.AST, followed: frozenset[str] = frozenset()) -> bool:
        """Return whether what an expression makes may be there any number of times.

        It may in a loop or a list times ten, in an argument of a function that is not known, if it is put into anything
        but one variable, and if that variable is taken more than once, or may come again itself.

        Parameters
        ----------
        node : ast.AST
            The expression.
        followed : frozenset of str
            Variables that it has been put into.
        """
        around = [*self._around(node)]
        if any(_repeats(each) or _passes_on(each, part) for part, each in pairwise([node, *around])):
            return True
        filled = [each for each in map(_filled_by, around) if each]
        names = {each.id for (each, *others) in filled if isinstance(each, ast.Name) and not others}
        if len(names) < len(filled):
            return True
        return any(self._may_be_taken_again(name, followed | {name}) for name in names - followed)

    def _may_be_taken_again(self, name: str, followed: frozenset[str]) -> bool:
        stored = [each for each in self._uses(name) if isinstance(each.ctx, ast.Store)]
        if any(_repeats(self.parents[each]) for each in stored):
            return True
        taken = [each for each in self._loads(name) if not self._is_looked_at(each) and not self._is_looped_over(each)]
        # of a = a + [b], which takes what it replaces; all others are one
        replaced = Counter(self._replacing(each) for each in taken)
        return max(replaced.values(), default=0) > 1 or any(self.may_come_again(each, followed) for each in taken)

    def _uses(self, name: str) -> list[ast.Name]:
        return [each for each in ast.walk(self._function) if isinstance(each, ast.Name) and each.id == name]

    def _loads(self, name: str) -> list[ast.Name]:
        return [each for each in self._uses(name) if isinstance(each.ctx, ast.Load)]

    def _around(self, node: ast.AST) -> Iterator[ast.AST]:
        """Yield what is around an expression, from within, but not the function."""
        while (node := self.parents[node]) is not self._function:
            yield node

    def _is_looked_at(self, name: ast.Name) -> bool:
        """Whether what a variable holds is asked for something, or something is put into it, which takes nothing."""
        parent = self.parents[name]
        if isinstance(parent, ast.Attribute):
            call = self.parents[parent]
            is_called = isinstance(call, ast.Call) and call.func is parent
            return not is_called or isinstance(self.parents[call], ast.Expr)  # a copy would be used
        return isinstance(parent, ast.Subscript) and isinstance(parent.ctx, ast.Store)

    def _is_looped_over(self, name: ast.Name) -> bool:
        """Whether each thing that a variable holds is looked at, and nothing else."""
        loop = self.parents[name]
        if not isinstance(loop, ast.For) or not isinstance(loop.target, ast.Name):
            return False
        return all(self._is_looked_at(each) for each in self._loads(loop.target.id))

    def _replacing(self, name: ast.Name) -> ast.AST | None:
        """Return the assignment to a variable that takes what it held, None if what it held is taken elsewhere."""
        statement = next((each for each in self._around(name) if isinstance(each, ast.stmt)), None)
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        return statement if any(isinstance(each, ast.Name) and each.id == name.id for each in targets) else None


def _repeats(node: ast.AST) -> bool:
    """Whether what is in an expression or a statement may be there any number of times, as in a list times ten."""
    if isinstance(node, (ast.BinOp, ast.AugAssign)):
        return not isinstance(node.op, ast.Add)
    return isinstance(node, _REPEATED)


def _passes_on(node: ast.AST, part: ast.AST) -> bool:
    """Whether a part of an expression is given to a function that may take it any number of times."""
    if not isinstance(node, ast.Call) or part is node.func:
        return False
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    return name not in _HOLDING


def _filled_by(statement: ast.AST) -> list[ast.expr]:
    """Return what a statement puts something into, by an assignment, also to an item of it, or by a method of it."""
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        method = statement.value.func
        return [method.value] if isinstance(method, ast.Attribute) else []
    targets: list[ast.expr] = []
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    elif isinstance(statement, (ast.AugAssign, ast.AnnAssign)):
        targets = [statement.target]
    return [each.value if isinstance(each, ast.Subscript) else each for each in targets]
