"""A function of the model's, imported as a script of the user's would; nothing here needs more than Python."""

from __future__ import annotations

import contextlib
import importlib
import sys
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

# what it returns is whatever `targets.recordings.taking.as_recordings` takes
Function = Callable[[Any, Path], Any]


def load(reference: str, model_dir: Path) -> Function:
    """Return the function that ``module:name`` refers to, imported from the model's directory.

    Raises
    ------
    Exception
        Whatever the module raises while it is imported.
    TypeError
        If what is found is no function.
    """
    function = imported(reference, model_dir)
    if not callable(function):
        raise TypeError(f"{reference} is not callable")
    return function  # type: ignore[no-any-return]


def imported(reference: str, model_dir: Path) -> Any:
    """Return what ``module:name`` refers to, imported from the model's directory; raises whatever its module does."""
    module, _, name = reference.partition(":")
    file = model_dir / f"{module}.py"
    # import would find the module of the standard library
    named_alike = module in sys.stdlib_module_names and file.is_file()
    if named_alike:
        from targets.plugins import import_from  # noqa: PLC0415  (most of the time that importing takes)

        return getattr(import_from(str(file)), name)
    return getattr(importlib.import_module(module), name)


@contextlib.contextmanager
def modules_of(model_dir: Path) -> Iterator[None]:
    """Let modules of the model be imported for a while.

    They come before installed packages, as in a script of the user's, but after the standard library, of which this
    program and what it uses import parts at any moment.
    """
    entry, standard = str(model_dir), sysconfig.get_paths()["stdlib"]
    if entry in sys.path:  # the user has put it there
        yield
        return
    places = [n for n, place in enumerate(sys.path) if place in (standard, f"{standard}/lib-dynload")]
    sys.path.insert(max(places, default=-1) + 1, entry)
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):  # what was imported may have changed the path
            sys.path.remove(entry)


def place_of(reference: str, model_dir: Path) -> str:
    """Return where the function of a reference is, for messages: file and name."""
    module, _, name = reference.partition(":")
    files = (model_dir / each for each in module_files(reference))
    return f"{next((file for file in files if file.is_file()), module)}: {name}()"


def module_files(reference: str) -> list[str]:
    """Return where the module of a reference may be in the model's directory."""
    module = reference.partition(":")[0].replace(".", "/")
    return [f"{module}.py", f"{module}/__init__.py"]
