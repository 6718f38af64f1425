"""What a script does before, and after, it calls mozaik's ``run_workflow``: statements in the order of execution."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence

_RUNS = "run_workflow"
# what is called to say something
SAYING = {"print", "info", "debug", "warning", "getMozaikLogger", "getLogger"}
_GUARD = ast.unparse(ast.parse('__name__ == "__main__"', mode="eval"))
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
# the names whose call runs the model, and their bodies if they are functions of the script
Running = Mapping[str, Sequence[ast.stmt]]


def called_name(function: ast.expr) -> str:
    """Return the last part of the name of what is called, empty if it has none."""
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def runs_model(node: ast.AST) -> bool:
    """Return whether ``run_workflow`` is called in a statement."""
    return _runs(node, {_RUNS: ()})


def only_says(node: ast.stmt) -> bool:
    """Return whether a statement says something at most, or is a block of such ones."""
    if isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
        return True
    if isinstance(node, ast.If):
        return all(map(only_says, [*node.body, *node.orelse]))
    call = node.value if isinstance(node, ast.Expr) else None
    return isinstance(call, ast.Call) and called_name(call.func) in SAYING


def preceding(tree: ast.Module) -> list[ast.stmt]:
    """Return what is executed before the first call of ``run_workflow``, without definitions.

    Of a condition, a loop or a function in which the call is, it is what stands before the call; of an
    ``if __name__ == "__main__"``, which is always true of a script, its body.
    """
    return _around(tree.body, _running(tree))[0]


def following(tree: ast.Module) -> list[ast.stmt]:
    """Return what stands after the call of ``run_workflow``, where `preceding` has what stands before it."""
    return _around(tree.body, _running(tree))[1]


def _running(tree: ast.Module) -> Running:
    running: dict[str, Sequence[ast.stmt]] = {_RUNS: ()}
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    for _ in functions:
        running |= {each.name: each.body for each in functions if each.name not in running and _runs(each, running)}
    return running


def _runs(node: ast.AST, running: Running) -> bool:
    return any(isinstance(each, ast.Call) and called_name(each.func) in running for each in ast.walk(node))


def _around(body: Sequence[ast.stmt], running: Running) -> tuple[list[ast.stmt], list[ast.stmt]]:
    statements = [node for node in _unguarded(body) if not isinstance(node, _DEFINITIONS)]
    place = next((n for n, node in enumerate(statements) if _runs(node, running)), None)
    if place is None:
        return [], []
    before, after = _inside(statements[place], running)
    return [*statements[:place], *before], [*after, *statements[place + 1 :]]


def _unguarded(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == _GUARD:
            yield from _unguarded(node.body)
        else:
            yield node


def _inside(node: ast.stmt, running: Running) -> tuple[list[ast.stmt], list[ast.stmt]]:
    """Return what is around the call in a block of a statement, or in a function that it calls."""
    blocks = [(getattr(node, name), running) for name in ("body", "orelse", "finalbody") if getattr(node, name, None)]
    for name in {called_name(each.func) for each in ast.walk(node) if isinstance(each, ast.Call)} & running.keys():
        blocks.append((running[name], {other: body for other, body in running.items() if other != name}))
    found = (_around(block, inner) for block, inner in blocks if any(_runs(each, inner) for each in block))
    return next(found, ([], []))
