"""What a model's script does before it runs the model: what of it every simulation has to do, found in its text."""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.simulations.mozaik.modules import python_tree
from orchestrator.simulations.mozaik.sources.preceding import SAYING, called_name, following, only_says, preceding
from orchestrator.text import shortened

# what is called for its effect on the process alone, however often
_EFFECTS = {
    *("nest.Install", "nest.set_verbosity", "pyNN.nest.Install", "pyNN.nest.nest.Install"),
    *("os.environ.update", "os.environ.setdefault", "os.environ.pop", "os.putenv", "os.unsetenv"),
    *("sys.path.append", "sys.path.insert", "sys.path.extend", "sys.setrecursionlimit", "resource.setrlimit"),
    *("matplotlib.use", "matplotlib.pyplot.switch_backend", "warnings.filterwarnings", "warnings.simplefilter"),
    *("numpy.seterr", "numpy.random.seed", "random.seed", "faulthandler.enable"),
}
# packages whose tables and settings are changed, such as pyNN.nest.cells.UNITS_MAP, and how
_PACKAGES = {"nest", "pyNN", "mozaik", "matplotlib", "numpy", "neo", "quantities"}
_CHANGES = {"update", "setdefault", "append", "extend", "insert", "add"}
# mozaik's own bookkeeping of one run, which is another one in an optimisation
_OF_A_RUN = "mozaik.controller"
# what is without effect, among what texts and paths are made of
_VALUES = {
    *("os.getcwd", "os.getenv", "os.environ.get", "pathlib.Path"),
    *("os.path.join", "os.path.abspath", "os.path.dirname", "os.path.expanduser", "os.path.expandvars"),
    *("str", "int", "float", "len", "range", "dict", "list", "tuple", "sorted"),
}
# those whose import has no effect that mozaik's own does not have
_IMPORTED_ANYWAY = {"mozaik", "pyNN", "nest", "numpy", "parameters", "neo", "quantities", "matplotlib", "mpi4py"}
_EXPRESSIONS = (
    *(ast.Constant, ast.List, ast.Tuple, ast.Set, ast.Dict, ast.UnaryOp, ast.BinOp, ast.BoolOp, ast.Compare, ast.IfExp),
    *(ast.JoinedStr, ast.FormattedValue, ast.Subscript, ast.Slice, ast.Starred, ast.keyword, ast.expr_context),
    *(ast.operator, ast.unaryop, ast.boolop, ast.cmpop),
)
_LONGEST = 80
Import = ast.Import | ast.ImportFrom


@dataclass(frozen=True)
class OwnStatements:
    """What a script does besides running the model.

    Parameters
    ----------
    script : str
        Its name; empty if there is none.
    lines : sequence of str
        Lines of Python for ``simulation.before``.
    left : sequence of str
        What was not carried over, with its line.
    after : int or None
        Line of what it does with the results; None if that is nothing.
    """

    script: str = ""
    lines: Sequence[str] = ()
    left: Sequence[str] = ()
    after: int | None = None

    def notes(self) -> Iterator[str]:
        """Yield what a user should know of it."""
        if self.lines:
            effects = [line for line in self.lines if not line.startswith(("import ", "from "))]
            what = shortened("; ".join(effects or self.lines), 3 * _LONGEST)
            yield f"simulation.before has what {self.script} does before it runs the model: {what}"
        if self.left:
            what = f"{'; '.join(self.left)}. Put into simulation.before what simulations need of it"
            yield f"not carried over from {self.script}, because it may do more than prepare a simulation: {what}"
        if self.after is not None:
            where = f"line {self.after} of {self.script}"
            yield f"what comes after run_workflow, from {where} on, is not carried over: targets are what is measured"


def own_statements(script: Path | None) -> OwnStatements:
    """Return what every simulation has to do of what a script does before its ``run_workflow``.

    Parameters
    ----------
    script : pathlib.Path or None
        The script; None if there is none.

    Raises
    ------
    orchestrator.errors.UsageError
        If it cannot be read.
    """
    if script is None:
        return OwnStatements()
    tree = python_tree(script)
    statements = preceding(tree)
    reading = _Reading(tree, statements)
    left = []
    for number, node in enumerate(statements):
        if isinstance(node, Import) or _is_a_value(node) or only_says(node):
            continue
        if not reading.take(number):
            left.append(f"line {node.lineno}, {shortened(ast.unparse(node).partition(chr(10))[0], _LONGEST)}")
    after = next((node for node in following(tree) if not _only_saves(node)), None)
    lines = [line for text in _once_imported(reading.taken()) for line in text.splitlines()]
    return OwnStatements(script.name, lines, left, None if after is None else after.lineno)


class _Reading:
    """Decides what can be carried over, and with it what it needs.

    Parameters
    ----------
    tree : ast.Module
        The script.
    statements : sequence of ast.stmt
        What it does before it runs the model, in this order.
    """

    def __init__(self, tree: ast.Module, statements: Sequence[ast.stmt]):
        self._statements = statements
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        self._taken = {n for n, node in enumerate(statements) if _has_effects(node, used)}

    def take(self, number: int) -> bool:
        """Carry a statement over if it is safe; return whether it is."""
        needed = self._needed_by(self._statements[number], number, frozenset())
        if needed is None:
            return False
        self._taken |= {number, *needed}
        return True

    def taken(self) -> list[ast.stmt]:
        """Return what is carried over, in its order, with an import of MPI, which starts it, that comes before."""
        last = max(self._taken, default=-1)
        mpi = {n for n, node in enumerate(self._statements[: last + 1]) if _roots(node) == {"mpi4py"}}
        return [self._statements[n] for n in sorted(self._taken | mpi)] if self._taken else []

    def _needed_by(self, node: ast.stmt, number: int, own: frozenset[str]) -> set[int] | None:
        """Return the numbers of the statements that one needs, None if it is not safe; `own` are names it is given."""
        if isinstance(node, (ast.Pass, Import)):
            return set()
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            name = self._dotted(node.value.func, number)
            return self._all(_inside(node.value), number, own) if _is_an_effect(name) else None
        if isinstance(node, (ast.Assign, ast.Delete)):
            changed = [self._dotted(_table(each), number) for each in node.targets]
            if all(isinstance(each, ast.Name) for each in node.targets) or all(map(_may_be_changed, changed)):
                return self._all([node], number, own)
            return None
        if isinstance(node, ast.For) and isinstance(node.target, ast.Name):
            return self._block([node.iter], [*node.body, *node.orelse], number, own | {node.target.id})
        if isinstance(node, ast.If):
            return self._block([node.test], [*node.body, *node.orelse], number, own)
        if isinstance(node, ast.Try):
            caught = [handler.type for handler in node.handlers if handler.type]
            inner = [*node.body, *(each for handler in node.handlers for each in handler.body), *node.orelse]
            return self._block(caught, [*inner, *node.finalbody], number, own)
        return None

    def _block(
        self, heads: Sequence[ast.expr], body: Sequence[ast.stmt], number: int, own: frozenset[str]
    ) -> set[int] | None:
        known = own | {alias for each in body if isinstance(each, Import) for alias in _bound(each)}
        found = [self._all(heads, number, own)]
        for each in body:
            says = only_says(each)
            found.append(self._all([each], number, known) if says else self._needed_by(each, number, known))
        return None if any(each is None for each in found) else {n for each in found if each for n in each}

    def _all(self, nodes: Sequence[ast.AST], number: int, own: frozenset[str]) -> set[int] | None:
        """Return the numbers of the statements that expressions need, None if they are not safe."""
        needed: set[int] = set()
        waiting = list(nodes)
        while waiting:
            node = waiting.pop()
            if isinstance(node, (ast.Name, ast.Attribute)) and self._dotted(node, number) == "sys.argv":
                return None
            if isinstance(node, ast.Name):
                found = set() if node.id in own or isinstance(node.ctx, ast.Store) else self._binding(node.id, number)
                if found is None:
                    return None
                needed |= found
                continue
            if isinstance(node, ast.Call):
                name = self._dotted(node.func, number)
                if not (name in _VALUES or name in SAYING or _is_an_effect(name)):
                    return None
            elif not isinstance(node, (ast.stmt, ast.Attribute, *_EXPRESSIONS)):
                return None
            waiting += ast.iter_child_nodes(node)
        return needed

    def _binding(self, name: str, number: int) -> set[int] | None:
        """Return the statements that give a name its meaning, none for one of Python's own; None if it is not said."""
        for n in range(number - 1, -1, -1):
            node = self._statements[n]
            if isinstance(node, Import) and name in _bound(node):
                return {n}
            if name in _stored(node):
                more = self._needed_by(node, n, frozenset()) if _is_a_value(node) else None
                return None if more is None else {n, *more}
        return set() if _is_of_python(name) else None

    def _dotted(self, node: ast.AST, number: int) -> str:
        """Return where something is from, ``os.environ.update``; empty if that is not said."""
        if isinstance(node, ast.Attribute):
            before = self._dotted(node.value, number)
            return f"{before}.{node.attr}" if before else ""
        if not isinstance(node, ast.Name):
            return ""
        for earlier in reversed(self._statements[:number]):
            if isinstance(earlier, Import) and node.id in (bound := _bound(earlier)):
                return bound[node.id]
            if node.id in _stored(earlier):
                return ""
        return node.id if _is_of_python(node.id) else ""


def _is_of_python(name: str) -> bool:
    """Whether a name means the same everywhere, as ``__name__`` does not."""
    return hasattr(builtins, name) and not name.startswith("__")


def _bound(node: Import) -> dict[str, str]:
    """Return the names that an import makes, and where they are from."""
    if isinstance(node, ast.ImportFrom):
        return {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return {
        alias.asname or alias.name.partition(".")[0]: alias.name if alias.asname else alias.name.partition(".")[0]
        for alias in node.names
    }


def _once_imported(nodes: Sequence[ast.stmt]) -> Iterator[str]:
    """Yield the text of statements, without imports of what their names mean already."""
    meanings: dict[str, str] = {}
    for node in nodes:
        text = ast.unparse(node)
        names = _bound(node) if isinstance(node, Import) else _stored(node)
        if not isinstance(node, Import) or any(meanings.get(name) != text for name in names):
            yield text
        meanings |= dict.fromkeys(names, text)


def _roots(node: ast.stmt) -> set[str]:
    """Return the packages that an import is of."""
    return {name.partition(".")[0] for name in _bound(node).values()} if isinstance(node, Import) else set()


def _has_effects(node: ast.stmt, used: set[str]) -> bool:
    """Whether something is imported that is never used: it is imported for what that does."""
    if not isinstance(node, ast.Import) or used.intersection(_bound(node)):
        return False
    return not _roots(node) <= {*_IMPORTED_ANYWAY, *sys.stdlib_module_names}


def _is_a_value(node: ast.stmt) -> bool:
    """Whether a statement gives names a value, without calling anything that might do something besides."""
    if not isinstance(node, ast.Assign) or not all(isinstance(each, ast.Name) for each in node.targets):
        return False
    return _called(node) <= {*SAYING, *(value.rpartition(".")[2] for value in _VALUES)}


def _only_saves(node: ast.stmt) -> bool:
    """Whether nothing is called but the data store's save, which mozaik does itself."""
    return _called(node) <= {"save", *SAYING}


def _called(node: ast.stmt) -> set[str]:
    return {called_name(each.func) for each in ast.walk(node) if isinstance(each, ast.Call)}


def _is_an_effect(name: str) -> bool:
    changed, _, method = name.rpartition(".")
    return name in _EFFECTS or (method in _CHANGES and _may_be_changed(changed))


def _may_be_changed(name: str) -> bool:
    if name.startswith(_OF_A_RUN):
        return False
    return name.partition(".")[0] in _PACKAGES or name == "os.environ"


def _table(node: ast.expr) -> ast.expr:
    """Return what is changed if this is given a value: the table of an item; of an attribute the whole name."""
    return node.value if isinstance(node, ast.Subscript) else node


def _inside(call: ast.Call) -> list[ast.AST]:
    return [call.func, *call.args, *call.keywords]


def _stored(node: ast.stmt) -> set[str]:
    """Return the names that a statement gives a value."""
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)}
