"""Where jobs find the function that is simulated: in its module, or in one that is written for it."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import inspect
import sys
import sysconfig
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.api.source import module_of
from orchestrator.errors import UsageError
from orchestrator.files import write_text

# in the model's directory, a module for each version of each function
FOLDER = "optimised_functions"
_INSTALLED = ("purelib", "platlib", "stdlib")


@dataclass(frozen=True)
class LocatedFunction:
    """A function as a configuration names it.

    Parameters
    ----------
    reference : str
        ``module:function``.
    model_dir : pathlib.Path
        From where it is imported.
    source : str or None
        Content of the module, if it is to be written.
    """

    reference: str
    model_dir: Path
    source: str | None = None

    @property
    def file(self) -> Path:
        """Where the module is, or is written."""
        return self.model_dir / f"{self.reference.partition(':')[0].replace('.', '/')}.py"

    def write(self) -> bool:
        """Write the module, unless it is there; return whether it was not.

        Raises
        ------
        orchestrator.errors.UsageError
            If it cannot be written, or somebody has edited it.
        """
        if self.source is None:
            return False
        try:
            if self.file.exists():
                self._require_unchanged()
                return False
            self.file.parent.mkdir(parents=True, exist_ok=True)
            write_text(self.file, self.source)
        except OSError as error:
            raise UsageError(f"{self.file}: cannot be written: {error.strerror}") from error
        importlib.invalidate_caches()
        return True

    def _require_unchanged(self) -> None:
        """Make sure that what would be simulated is what was given."""
        if self.file.read_text(encoding="utf-8", errors="replace") != self.source:
            raise UsageError(
                f"{self.file}: expected the function that its name has a digest of, got another: somebody has edited "
                "it. Rename it, so that it is written anew"
            )

    def remove_if_unused(self) -> None:
        """Take the module away if no run names it."""
        with contextlib.suppress(OSError):
            configs = self.model_dir.glob("*_Optimization/config.yaml")
            if not any(self.reference in config.read_text(encoding="utf-8", errors="replace") for config in configs):
                self.file.unlink()
                self.file.parent.rmdir()


def located(function: Callable[..., object], model_dir: Path | None) -> LocatedFunction:
    """Return how jobs find a function.

    One of a module is imported from there. One of a script, or of a cell, is written down, with what it uses of the
    script: jobs must not execute the script, which would begin the optimisation anew, and may run long after the
    notebook has been closed or edited. It is written as source, and not pickled, because source can be read, compared
    and imported months later, by another version of Python, where a pickle of code could not; the name of its module
    has a digest of it, so that a run is continued with what it began with.

    Parameters
    ----------
    function : callable
        Takes parameters and a directory.
    model_dir : pathlib.Path or None
        From where it is imported, if that is said; by default where its module is, the script's directory, or, in a
        notebook, the working directory.

    Raises
    ------
    orchestrator.errors.UsageError
        If it is no function that can be found again, with what to do.
    """
    name = _require_plain_function(function)
    namespace: Mapping[str, Any] = function.__globals__
    module = str(namespace.get("__name__"))
    file = namespace.get("__file__")
    if module == "__main__" or file is None:
        text = module_of(function)
        place = model_dir or (Path(file).resolve().parent if file is not None else Path.cwd())
        digest = hashlib.sha256(text.encode()).hexdigest()[:8]
        return LocatedFunction(f"{FOLDER}.{name}_{digest}:{name}", place, text)
    if getattr(sys.modules.get(module), name, None) is not function:
        raise UsageError(f"{name}(): its module {module} has another {name}, or none: reload it, or give that one")
    return LocatedFunction(f"{module}:{name}", model_dir or _root_of(module, Path(file).resolve()))


def _require_plain_function(function: Callable[..., object]) -> str:
    """Return the name of a function; refuse what jobs could not find by it."""
    if not isinstance(function, types.FunctionType):
        kind = type(function).__name__
        raise UsageError(f"expected a function that is written with def, got {kind}: write one that calls it")
    name, inner = function.__name__, inspect.unwrap(function)
    within = inner.__code__.co_freevars
    if within:
        raise UsageError(
            f"{name}(): uses {', '.join(within)} of the function that it is defined in, which jobs do not have: define "
            f"it outside of that, and give it what it needs as constants, such as parameters={{'{within[0]}': 3}}"
        )
    if not name.isidentifier() or "." in function.__qualname__:
        raise UsageError(
            f"{function.__qualname__}: expected a function with a name of its own, outside of classes and of other "
            "functions: jobs find it by that"
        )
    try:
        inspect.signature(function).bind({}, Path())
    except TypeError as error:
        raise UsageError(
            f"{name}(): expected {name}(parameters, directory), a dict and a pathlib.Path, got "
            f"{name}{inspect.signature(function)}: {error}"
        ) from error
    return name


def _root_of(module: str, file: Path) -> Path:
    """Return the directory from which a module is imported; the working directory if it is installed."""
    places = [Path(sysconfig.get_paths()[kind]).resolve() for kind in _INSTALLED]
    if any(file.is_relative_to(place) for place in places):
        return Path.cwd()
    depth = module.count(".") + (file.name == "__init__.py")
    return file.parents[depth]
