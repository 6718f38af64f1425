"""What a script for CompNeuroPy's OptNeuron defines, imported from the model's directory."""

from __future__ import annotations

import contextlib
import os
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from orchestrator.simulations.annarchy.options import AnnarchyOptions
from orchestrator.simulations.programs.importing import imported, modules_of
from orchestrator.text import shortened

# importing the original ends the program unless hyperopt, torch, pybads and sbi are installed, none of which is needed
_OPT_NEURON = "CompNeuroPy.opt_neuron"
# characters of an exception that are told
_LONGEST = 2000


class Unusable(Exception):
    """Something that the section names cannot be used.

    Parameters
    ----------
    key : str
        Of the section.
    message : str
        For people.
    """

    def __init__(self, key: str, message: str):
        super().__init__(key, message)
        self.key = key

    def __str__(self) -> str:
        return str(self.args[1])


def part(options: AnnarchyOptions, key: str, model_dir: Path) -> Any:
    """Return what a key of the section refers to, None if it is not given.

    Parameters
    ----------
    options : AnnarchyOptions
        The section ``simulation``.
    key : str
        One of those whose values are references.
    model_dir : pathlib.Path
        Absolute path of the model.

    Raises
    ------
    Unusable
        If it cannot be imported, or is not what it should be.
    """
    reference = getattr(options, key)
    if reference is None:
        return None
    try:
        with modules_of(model_dir), _without_opt_neuron():
            found = imported(reference, model_dir)
            if key == "results_soll" and callable(found):
                found = found()
    except (Exception, SystemExit) as error:
        raise Unusable(key, said_of(error, reference)) from error
    if wrong := _wrong(key, found):
        raise Unusable(key, f"{reference}: expected {wrong}, got {type(found).__name__}")
    return found


def said_of(error: BaseException, reference: str) -> str:
    """Return what to tell of what a user's code raised, of which the reference is given."""
    return shortened(f"{reference}: {type(error).__name__}: {error}", _LONGEST)


@contextlib.contextmanager
def without_arguments() -> Iterator[None]:
    """Hide the program's arguments for a while: ANNarchy takes them for its own when it is imported, and later."""
    arguments, sys.argv = sys.argv, sys.argv[:1]
    try:
        yield
    finally:
        sys.argv = arguments


@contextlib.contextmanager
def working_in(directory: Path) -> Iterator[None]:
    """Work in a directory for a while."""
    before = Path.cwd()
    os.chdir(directory)
    try:
        yield
    finally:
        os.chdir(before)


def _wrong(key: str, found: Any) -> str | None:
    """Return what was expected if something is not that; None if it is."""
    import ANNarchy  # noqa: PLC0415  (seconds)
    from CompNeuroPy import CompNeuroExp  # noqa: PLC0415

    if key in ("neuron_model", "target_neuron_model") and not isinstance(found, ANNarchy.Neuron):
        return "a Neuron of ANNarchy"
    if key == "experiment" and not (isinstance(found, type) and issubclass(found, CompNeuroExp)):
        return "a class derived from CompNeuroExp"
    if key == "get_loss" and not callable(found):
        return "a function"
    return None


@contextlib.contextmanager
def _without_opt_neuron() -> Iterator[None]:
    """Let scripts import OptNeuron, but not use it, while they are imported themselves."""

    class OptNeuron:
        """In the place of CompNeuroPy's."""

        def __init__(self, *_: Any, **__: Any):
            raise RuntimeError('an OptNeuron is made at import: put that below if __name__ == "__main__":')

    stand_in = types.ModuleType(_OPT_NEURON)
    stand_in.OptNeuron = stand_in.opt_neuron = OptNeuron  # type: ignore[attr-defined]
    before = sys.modules.get(_OPT_NEURON)
    sys.modules[_OPT_NEURON] = stand_in
    try:
        with without_arguments():
            yield
    finally:
        del sys.modules[_OPT_NEURON]
        if before is not None:
            sys.modules[_OPT_NEURON] = before
