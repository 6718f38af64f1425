"""What is prepared once, before the first simulation, by whichever job comes first; the others wait for it.

Each try has a directory of its own, because compiled programs know where they were made; a file that appears at once
says which one is whole. A lock that its holder renews lets one job at a time try.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import platform
import random
import secrets
import shlex
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from orchestrator.clocks import FileSystemClock
from orchestrator.files import write_text
from orchestrator.lock import Lock, tokens
from orchestrator.paths import AttemptPaths
from orchestrator.records import Outcome
from orchestrator.simulations.base import SimulationFailed, digests
from orchestrator.simulations.phases import Phase, note
from orchestrator.simulations.programs.ending import ended_with
from orchestrator.simulations.programs.launching import MODEL_DIR, PREPARED
from orchestrator.simulations.programs.options import Before, ProgramOptions
from orchestrator.simulations.setup_lines import watched
from orchestrator.simulations.subprocesses import run_in_own_group

# how often a builder renews its lock, after how long without that it is taken for dead, and the shortest and the
# longest time between two checks of those who wait, in s
_RENEW, _DEAD = 5.0, 60.0
_PAUSES = (0.2, 2.0)
_WHOLE, _FAILED, _LOCK = "whole", "failed", "lock"


def matching(model_dir: Path, patterns: tuple[str, ...]) -> Iterator[tuple[str, list[str]]]:
    """Yield each pattern with the files of the model that it stands for, by their names relative to its directory."""
    for pattern in patterns:
        found = sorted(path for path in model_dir.glob(pattern) if path.is_file())
        yield pattern, [path.relative_to(model_dir).as_posix() for path in found]


def digests_of(model_dir: Path, patterns: tuple[str, ...]) -> Mapping[str, str]:
    """Return the SHA-256 of the files of the model that patterns stand for."""
    return digests(model_dir, [name for _, names in matching(model_dir, patterns) for name in names])


def prepared(options: ProgramOptions, model_dir: Path, attempt: AttemptPaths) -> Path | None:
    """Return the directory that ``before`` has made, now or in another job; None if nothing is to be prepared.

    Parameters
    ----------
    options : ProgramOptions
        The section ``simulation``.
    model_dir, attempt
        As for `prepared_once`.

    Raises
    ------
    SimulationFailed
        If it cannot be prepared, here or in the job that was waited for.
    """
    if options.before is None:
        return None
    return prepared_once(options.before, model_dir, attempt, setup=options.setup)


def prepared_once(
    before: Before,
    model_dir: Path,
    attempt: AttemptPaths,
    *,
    setup: tuple[str, ...] = (),
    what: str = "simulation.before",
) -> Path:
    """Return the directory that a preparation has made, now or in another job.

    Parameters
    ----------
    before : Before
        What is run, and for whom.
    model_dir : pathlib.Path
        Absolute path of the model.
    attempt : AttemptPaths
        Of the job that needs it; the log says what was done.
    setup : tuple of str
        Shell lines before it.
    what : str
        What it is, for messages.

    Raises
    ------
    SimulationFailed
        If it cannot be prepared, here or in the job that was waited for.
    """
    folder = attempt.prepared / _key(before, setup, model_dir)
    folder.mkdir(parents=True, exist_ok=True)
    if (found := _whole(folder)) is not None:
        return found
    note(attempt, Phase.BUILDING)
    lock, clock, failed = folder / _LOCK, FileSystemClock(folder / _LOCK), _text(folder / _FAILED)
    script_in = partial(_script, before, setup, model_dir)
    pause = _PAUSES[0]
    while True:
        holders = tokens(lock)
        mine = Lock(lock)
        if not holders:
            taken = mine.create()
        else:
            taken = all(clock.age(each.renewed) > _DEAD for each in holders) and mine.take_over(holders)
        if taken:
            with _renewed(mine):
                # whoever had the lock before may have finished
                return _whole(folder) or _made(folder, model_dir, attempt, script_in, what)
        time.sleep(pause * random.uniform(0.5, 1))
        pause = min(2 * pause, _PAUSES[1])
        if (found := _whole(folder)) is not None:
            return found
        if (now := _text(folder / _FAILED)) != failed:
            raise SimulationFailed(Outcome.LAUNCH_FAILED, now.partition("\n")[2])


def _key(before: Before, setup: tuple[str, ...], model_dir: Path) -> str:
    """Return what tells one preparation from others: all that decides about it."""
    node = {"per": socket.gethostname()} if before.per == "node" else {}
    decides = {
        "model_dir": str(model_dir),
        "setup": setup,
        "run": before.run,
        "inputs": digests_of(model_dir, before.inputs),
        "machine": platform.machine(),
        **node,
    }
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:24]


def _made(folder: Path, model_dir: Path, attempt: AttemptPaths, script_in: Callable[[Path], str], what: str) -> Path:
    """Prepare it, and say so to the others."""
    directory = folder / secrets.token_hex(8)
    directory.mkdir()
    file = folder / f"{directory.name}.sh"
    file.write_text(f"{script_in(directory)}\n", encoding="utf-8")
    with attempt.log.open("ab") as log:
        code = run_in_own_group(["bash", str(file)], cwd=model_dir, log=log)
    if code == 0:
        write_text(folder / _WHOLE, directory.name)
        return directory
    failure = ended_with(code, started=False, log=attempt.log, what=what)
    if failure.outcome is Outcome.LAUNCH_FAILED:  # not if it was killed: the next one may do better
        where = f"{failure} (in the job of {attempt.log})"
        write_text(folder / _FAILED, f"{directory.name}\n{where}")
    raise failure


def _script(before: Before, setup: tuple[str, ...], model_dir: Path, directory: Path) -> str:
    return "\n".join(
        [
            "set -e",
            f"cd {shlex.quote(str(model_dir))}",
            *watched(setup, "simulation.setup"),
            *(
                f"export {name}={shlex.quote(str(path))}"
                for name, path in ((MODEL_DIR, model_dir), (PREPARED, directory))
            ),
            f"cd {shlex.quote(str(directory))}",
            *watched(before.run, "simulation.before.run"),
        ]
    )


def _whole(folder: Path) -> Path | None:
    name = _text(folder / _WHOLE)
    return folder / name if name and (folder / name).is_dir() else None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""


@contextlib.contextmanager
def _renewed(lock: Lock) -> Iterator[None]:
    """Hold a lock for a while, renewing it so that nobody takes its holder for dead."""
    done = threading.Event()

    def renew() -> None:
        while not done.wait(_RENEW):
            with contextlib.suppress(OSError):
                lock.renew()

    thread = threading.Thread(target=renew, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        lock.release()
