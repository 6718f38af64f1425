"""Which model a run is of: its parameters, code and data when it began, so that no other one runs in its name."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from orchestrator.config.model import Config
from orchestrator.data import Unreadable, digest_of, read
from orchestrator.errors import RunFailed
from orchestrator.files import read_json, write_json
from orchestrator.paths import RunPaths
from orchestrator.scores.given_sets import digest_of_sets
from orchestrator.simulations import Identity, ModelUnreadable, digests, model_of

_MOST = 10
# patience with files that cannot be read, in s between two checks
_TRIES, _PAUSE = 5, 2.0
# with git, in s
_PATIENCE = 20.0


def keep_model(config: Config, paths: RunPaths) -> list[str]:
    """Write down which model a new run is of, and of which parameter sets, if these are kept with it already.

    Returns
    -------
    list of str
        The model's files of code, relative to its directory.
    """
    identity = _identity(config)
    data = {name: digest_of(each) for name, each in config.measured.items()}
    found: dict[str, object] = {"parameters": dict(identity.parameters), "files": dict(identity.files), "data": data}
    if (sets := digest_of_sets(paths)) is not None:
        found["sets"] = sets
    write_json(paths.model, found)
    return list(identity.files)


def commit_of(directory: Path, files: Sequence[str] = ()) -> str:
    """Return the git commit of a model, and how many of its files differ from that; empty if it is in no repository.

    Of files that git does not know, such as runs, only those of the model count. A directory that a repository ignores
    is not in it.

    Parameters
    ----------
    directory : pathlib.Path
        Of the model.
    files : sequence of str
        The model's own, relative to it; those outside of it do not count.
    """
    status = _git(directory, "status", "--porcelain=v2", "--branch", "--untracked-files=no", ".").splitlines()
    commit = next((line.rpartition(" ")[2] for line in status if line.startswith("# branch.oid ")), "")
    if not commit or commit == "(initial)" or _git(directory, "check-ignore", "."):
        return ""
    changed = sum(not line.startswith("#") for line in status)
    text = f"commit {commit}, with changes in {_files(changed)}" if changed else f"commit {commit}, without changes"
    relative = {os.path.relpath(directory / name, directory) for name in files}
    own = sorted(name for name in relative if not name.startswith(".."))
    tracked = _git(directory, "--literal-pathspecs", "ls-files", "-z", "--", *own).split("\0") if own else []
    unknown = len(set(own) - set(tracked))
    are = "is" if unknown == 1 else "are"
    return f"{text}, and {_files(unknown)} of the model {are} not in it" if unknown else text


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count} files"


def _git(directory: Path, *words: str) -> str:
    """Return what git prints, nothing if it cannot tell."""
    try:
        return subprocess.run(
            ["git", "--no-optional-locks", "-C", str(directory), *words],
            capture_output=True, text=True, errors="replace", timeout=_PATIENCE, check=True, stdin=subprocess.DEVNULL,
        ).stdout  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return ""


def changed_parameters(config: Config, paths: RunPaths) -> list[str]:
    """Return what differs between the model's parameters when the run began and now, one line for each, for people.

    Parameters that the configuration gives, seeds, and where results go do not count: every simulation gets its own.
    Runs of versions that did not write their model down have no differences.
    """
    before = _kept(paths, "parameters")
    if not before:
        return []
    try:
        now = _readable(config).parameters
    except ModelUnreadable as error:
        return [str(error)]
    own = {*config.given().names, *config.simulation.seeds, "results_dir"}
    lines = [
        f"{name}: {before.get(name, 'not there')} in the run, {now.get(name, 'not there')} now"
        for name in dict.fromkeys([*before, *now])
        if name not in own and before.get(name) != now.get(name)
    ]
    return [*lines[:_MOST], *([f"and {len(lines) - _MOST} more"] if len(lines) > _MOST else [])]


def changed_files(config: Config, paths: RunPaths) -> list[str]:
    """Return which of the model's files of code have changed since the run began; that may be a mistake fixed."""
    try:
        now = _identity(config).files
    except ModelUnreadable:
        return []
    before = _kept(paths, "files")
    return [name for name in before if before[name] != now.get(name)]


def keep_changes(changed: Sequence[str], paths: RunPaths, confirm: Callable[[], object]) -> None:
    """Write down beside the run's model which of its files have changed, and since when (Unix time in s) at the least.

    Parameters
    ----------
    changed : sequence of str
        As `changed_files` returns them.
    paths : RunPaths
        Of the run.
    confirm : callable
        As for `orchestrator.files.replacing`.
    """
    before = _kept(paths, "changed") if changed else {}
    if new := dict.fromkeys([name for name in changed if name not in before], time.time()):
        write_json(paths.model, {**read_json(paths.model), "changed": {**before, **new}}, confirm)


def changed_data(config: Config, paths: RunPaths) -> list[str]:
    """Return what differs between the recordings that a run goes on with and those of their files now, for people.

    What a function has made is not made again.

    Raises
    ------
    orchestrator.errors.RunFailed
        If the run's own are not those that it began with.
    """
    before, own = _kept(paths, "data"), config.measured
    for name, each in own.items():
        known = before.get(name)
        if isinstance(known, str) and known != digest_of(each):
            raise RunFailed(f"{paths.data}: expected the data {name!r} that the run began with, got others. Restore it")
    lines = []
    for name, source in config.data.items():
        try:
            if source.file is not None and digest_of(read(source, config.model_dir)) != digest_of(own[name]):
                lines.append(f"data.{name} is not what it was when the run began ({source.file})")
        except Unreadable as error:
            lines.append(f"data.{name} cannot be read any more ({error})")
    return lines


def _readable(config: Config) -> Identity:
    """Return the identity as it is now; a file that is just being saved is looked at again."""
    for _ in range(_TRIES - 1):
        try:
            return _identity(config)
        except ModelUnreadable:
            time.sleep(_PAUSE)
    return _identity(config)


def _identity(config: Config) -> Identity:
    identity = model_of(config).identity()
    own_targets = {str(target.get("class", "")).partition(":")[0] for target in config.targets}
    files = digests(config.model_dir, (name for name in own_targets if name.endswith(".py")))
    return Identity(identity.parameters, {**identity.files, **files})


def _kept(paths: RunPaths, key: str) -> dict[str, Any]:
    try:
        return dict(read_json(paths.model)[key])
    except (OSError, ValueError, TypeError, KeyError):
        return {}
