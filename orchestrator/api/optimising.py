"""`optimise`: a configuration in keywords, carried out by the controller that the command line has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from orchestrator.api.carrying_out import carried_out
from orchestrator.api.functions import LocatedFunction, located
from orchestrator.api.keywords import NAME, as_overrides, as_targets, as_text
from orchestrator.api.run import Run
from orchestrator.display.console import PlainConsole
from orchestrator.display.logs import LogFormat
from orchestrator.errors import ConfigError, UsageError
from orchestrator.run.start import Ended, start


def optimise(
    model: Callable[..., object] | str | Path | None = None,
    parameters: Mapping[str, object] | None = None,
    targets: Mapping[str, object] | Sequence[object] | None = None,
    *,
    progress: bool = True,
    **keys: object,
) -> Run:
    """Carry an optimisation out, from a script or a notebook, and return what it has found.

    It does what ``orchestrator run`` does, and leaves the same run directory, with which all commands work. The process
    may be killed at any moment, and Ctrl-C stops it: `Run.continue_` goes on, in another process, or on another day.

    Parameters
    ----------
    model : function, str or pathlib.Path, optional
        A function ``f(parameters, directory)``, which returns numbers, traces and events by name. One of the script or
        of a cell is written down with what it uses, in the folder ``optimised_functions``, so that jobs, and a run that
        is continued, find it as it is now; one that is imported from a file stays there. Or the path of a
        configuration, of which the other arguments change keys. Without, the keyword ``simulation`` says what is
        simulated.
    parameters : mapping, optional
        As in a configuration, by name: ``(low, high)``, or ``{"bounds": (low, high), "scale": "log"}`` and more.
    targets : mapping or sequence, optional
        By the name of what the function returns, the wanted number, a tenth of which is the norm (1 if it is 0), or
        ``{"target_value": 10, "norm": 2}`` and more; or a list as in a configuration, or of objects of `targets`.
    progress : bool
        Whether it is shown how the run goes: on a terminal, below the cell of a notebook, or as lines on standard
        error. What is wrong is always told.
    **keys
        Any other key of a configuration, sections as mappings: ``executor="local"``, ``max_evaluations=200``,
        ``optimiser={"method": "tpe"}``, ``jobs={"time": "1h"}``, ``model_dir="model"``. Paths in them are relative to
        ``model_dir``, which is by default the directory of the script or module, or the working directory of a
        notebook; there is the run directory, too.

    Returns
    -------
    Run
        The run, which has ended.

    Raises
    ------
    orchestrator.UsageError
        If something is wrong with what was given, a `orchestrator.ConfigError` with all problems at once; nothing is
        left behind then.
    orchestrator.RunFailed
        If the run cannot go on; what is finished is in its checkpoint.
    orchestrator.Stopped
        If Ctrl-C stopped it.

    Examples
    --------
    >>> import orchestrator
    >>> def simulate(parameters, directory):
    ...     return {"rate": 40 * parameters["drive"] / (1 + parameters["tau"] / 20)}
    >>> run = orchestrator.optimise(
    ...     simulate, {"drive": (0, 2), "tau": {"bounds": (5, 50), "scale": "log"}}, {"rate": 20},
    ...     executor="local", max_evaluations=12, progress=False,
    ... )
    >>> len(run.evaluations()), sorted(run.best.parameters)
    (12, ['drive', 'tau'])
    """
    given = {"parameters": parameters, "targets": None if targets is None else as_targets(targets)}
    keys = {**{key: value for key, value in given.items() if value is not None}, **keys}
    if isinstance(model, (str, Path)):
        file, overrides = Path(model), as_overrides(keys)
        return _run(lambda console: start(file, overrides, console, LogFormat.AUTO, as_guest=True), progress)
    model_dir = _directory(keys.pop("model_dir", None))
    if model is None:
        return _of_keywords({**keys, "model_dir": model_dir or Path.cwd()}, progress)
    found = located(model, model_dir)
    is_new = found.write()
    try:
        return _of_keywords({**keys, **_naming(found, keys.get("simulation"))}, progress)
    except BaseException:
        if is_new:
            found.remove_if_unused()
        raise


def _of_keywords(keys: Mapping[str, Any], progress: bool) -> Run:
    """Carry out what is said in keywords alone; what is wrong is told by keyword, not by the lines of a file."""
    text, place = as_text(keys), Path(keys["model_dir"]) / NAME
    try:
        return _run(lambda console: start(place, (), console, LogFormat.AUTO, text=text, as_guest=True), progress)
    except ConfigError as error:
        raise ConfigError(Path(NAME), [replace(each, line=None) for each in error.problems]) from error


def _run(carry_out: Callable[[PlainConsole], Ended], progress: bool) -> Run:
    return Run(carried_out(carry_out, progress=progress).directory)


def _naming(found: LocatedFunction, simulation: object) -> dict[str, object]:
    """Return the keys that name a function."""
    given = {} if simulation is None else simulation
    if not isinstance(given, Mapping) or {"function", "model"} & given.keys():
        raise UsageError(
            f"{NAME}: simulation: expected further keys of the function that is given, such as {{'trials': 3}}, "
            f"got {given!r}"
        )
    return {
        "simulation": {"type": "function", "function": found.reference, **given},
        "model_dir": found.model_dir,
    }


def _directory(given: object) -> Path | None:
    """Return ``model_dir`` as a path that does not depend on where the program is later."""
    if given is None:
        return None
    if not isinstance(given, (str, Path)):
        raise UsageError(f"{NAME}: model_dir: expected a path, got {given!r}")
    return Path(given).expanduser().resolve()
