"""The Python of another environment in which simulations run, as far as a configuration names it."""

from __future__ import annotations

import ast
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.errors import UsageError
from orchestrator.simulations.mozaik.modules import module_tree
from orchestrator.simulations.setup_lines import watched

# what is printed of a version and of a module that is not found, between the lines of a user's own
_VERSION, _MISSING = "orchestrator: version", "orchestrator: missing"
# is understood by any Python; a module that is found is not imported, because that may need what only nodes have
_LOOK = f"""\
import sys
print("{_VERSION} %d.%d" % sys.version_info[:2])
from importlib.util import find_spec
for name in sys.argv[1:]:
    if find_spec(name) is None:
        print("{_MISSING} " + name)
"""
# of this program, which hands them to functions in whichever Python
_HANDED = ("orchestrator", "targets")


@dataclass(frozen=True)
class Surroundings:
    """What starts a simulation's Python, and what that has to have.

    Parameters
    ----------
    python : str or None
        Words of a shell that start it, as ``simulation.python`` says; None for this program's own.
    model_dir : pathlib.Path
        Where it is started.
    setup : tuple of str
        Shell lines before it.
    variables : mapping of str to str
        Further environment variables.
    modules : tuple of str
        Names of modules or packages, without dots, that a simulation cannot do without.
    at_least : (int, int) or None
        The oldest version that will do, None if that is not known.
    """

    python: str | None
    model_dir: Path
    setup: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    modules: tuple[str, ...] = ()
    at_least: tuple[int, int] | None = None

    @property
    def key(self) -> tuple[str, str]:
        """The key of the configuration that decides which Python it is."""
        return ("simulation", "setup" if self.python is None else "python")

    @property
    def command(self) -> str:
        """Words of a shell that start it."""
        return shlex.quote(sys.executable) if self.python is None else self.python

    def script(self) -> str:
        """Return a script of bash that prints what `found_by` reads."""
        lines = [
            f"cd {shlex.quote(str(self.model_dir))}",
            *watched(self.setup, "simulation.setup"),
            *(f"export {name}={shlex.quote(value)}" for name, value in self.variables.items()),
            f"exec {self.command} -c {shlex.quote(_LOOK)} {shlex.join(self.modules)}",
        ]
        return "\n".join(["set -e", *lines, ""])

    def found_by(self, printed: str) -> Found | None:
        """Return what the script has printed, None if no Python has been started."""
        lines = printed.splitlines()
        versions = [line.removeprefix(_VERSION).strip() for line in lines if line.startswith(_VERSION)]
        if not versions:
            return None
        missing = tuple(line.removeprefix(_MISSING).strip() for line in lines if line.startswith(_MISSING))
        major, _, minor = versions[-1].partition(".")
        is_old = self.at_least is not None and (int(major), int(minor)) < self.at_least
        return Found(versions[-1], missing, is_old)


@dataclass(frozen=True)
class Found:
    """What a simulation's Python is like.

    Parameters
    ----------
    version : str
        Such as ``3.11``.
    missing : tuple of str
        The modules that it does not find.
    is_old : bool
        Whether its version is too old.
    """

    version: str
    missing: tuple[str, ...]
    is_old: bool


def required_by(model_dir: Path, modules: Iterable[str], lines: ast.Module | None = None) -> tuple[str, ...]:
    """Return what modules of a model import whatever happens: their own statements, none under ``if`` or ``try``.

    Parameters
    ----------
    model_dir : pathlib.Path
        The model's directory.
    modules : iterable of str
        Dotted names; of one that is no file of the model it is the package that is needed.
    lines : ast.Module, optional
        What is executed besides.
    """
    found: dict[str, None] = {}
    besides = () if lines is None else imported_by(lines)
    # of the model's own modules, what those import
    for module in (*modules, *besides):
        try:
            tree = module_tree(model_dir, module)
        except UsageError:  # which is told elsewhere
            continue
        names = [module] if tree is None else imported_by(tree)
        found |= dict.fromkeys(name.partition(".")[0] for name in names)
    return tuple(name for name in found if name not in _HANDED)


def imported_by(tree: ast.Module) -> Iterator[str]:
    """Yield the dotted names of the modules that a module's own statements import, none under ``if`` or ``try``."""
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module
