"""The model's Python files, parsed and never imported."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

from orchestrator.errors import UsageError


def python_tree(path: Path) -> ast.Module:
    """Return the syntax tree of a Python file.

    Raises
    ------
    orchestrator.errors.UsageError
        If it cannot be read or is not Python 3.
    """
    try:
        return _parsed(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = f":{error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        why = getattr(error, "msg", None) or error
        raise UsageError(f"{path}{line}: is not Python 3: {why}. Fix it: the simulation imports it") from error


@functools.lru_cache(maxsize=64)  # one command asks for the same few modules again and again
def _parsed(content: bytes) -> ast.Module:
    return ast.parse(content)


def module_file(model_dir: Path, module: str) -> Path | None:
    """Return the file of a module of the model's directory, None if there is none."""
    if not module:
        return None
    path = model_dir.joinpath(*module.split("."))
    return next((each for each in (path.with_suffix(".py"), path / "__init__.py") if each.is_file()), None)


def module_tree(model_dir: Path, module: str) -> ast.Module | None:
    """Return the syntax tree of a module of the model's directory, None if there is none."""
    path = module_file(model_dir, module)
    return python_tree(path) if path else None


def classes_like_models(tree: ast.Module) -> Iterator[str]:
    """Yield the names of the classes that derive from something called Model."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and any(ast.unparse(base).endswith("Model") for base in node.bases):
            yield node.name


def defined_in(tree: ast.Module) -> dict[str, ast.AST]:
    """Return what a module defines or imports at its top level, by name; ``*`` if it imports everything of another."""
    found: dict[str, ast.AST] = {}
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found[node.name] = node
            continue
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            found |= {alias.asname or alias.name: node for alias in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found[node.id] = node
        waiting += ast.iter_child_nodes(node)
    return found


def candidates(model_dir: Path) -> str:
    """Return the classes and functions of a model's directory that look right, for the end of a message."""
    classes, functions = [], []
    for path in sorted(model_dir.glob("*.py")):
        try:
            tree = python_tree(path)
        except UsageError:
            continue
        classes += [f"{path.stem}:{name}" for name in classes_like_models(tree)]
        functions += [
            f"{path.stem}:{each.name}"
            for each in tree.body
            if isinstance(each, ast.FunctionDef) and each.name.startswith("create_")
        ]
    found = ", ".join(classes + functions)
    return f". Candidates: {found}" if found else ". There is no class of a model either"
