"""Result files: what jobs report of their evaluations, read in one place."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

from orchestrator.files import read_json, replacing
from orchestrator.records import Result

_LOG = logging.getLogger(__name__)
# of one evaluation in the checkpoint
_MOST_SAMPLES = 100_000


def read_result(path: Path) -> Result:
    """Return the content of a result file.

    Raises
    ------
    OSError
        If it cannot be read, or is not there.
    ValueError
        If it is not a result.
    """
    return Result.from_json(read_json(path))


def result_in(path: Path) -> Result | None:
    """Return the content of a result file, None if there is none, or none that is readable."""
    try:
        return read_result(path)
    except (OSError, ValueError):
        return None


def is_measured(path: Path) -> bool:
    """Return whether a result file says what its targets were measured to be, or why they cannot be."""
    found = result_in(path)
    return found is not None and found.measured and not found.outcome.infrastructure


def why_unreadable(path: Path) -> str:
    """Return what is wrong with a result file; empty if it is good, or not there."""
    try:
        read_result(path)
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        return str(error)
    return ""


def keep_beside(result: Path, digest: Callable[[], object]) -> str:
    """Write what is kept of recordings, if it is anything, beside a result yet to be written; return the file's name.

    That of an evaluation that is among the best goes into the checkpoint, the others go with their generation. If it
    cannot be had or written nothing is kept: the evaluation is worth more.

    Parameters
    ----------
    result : pathlib.Path
        The result's file.
    digest : callable
        Returns what is kept, as `orchestrator.simulations.base.Simulation.digest` does.
    """
    from targets.recordings import Recordings  # noqa: PLC0415  (the controller reads results without targets)
    from targets.recordings.file import save, thinned  # noqa: PLC0415

    path = result.with_suffix(".npz")
    try:
        recordings = digest()
        kept = thinned(recordings, _MOST_SAMPLES) if isinstance(recordings, Recordings) else Recordings()
    except Exception as error:  # noqa: BLE001  (whatever it is, the values are measured)
        _LOG.warning("%s: nothing is kept of the recordings: %s: %s", path, type(error).__name__, error)
        return ""
    if not (kept.numbers or kept.traces or kept.events):
        return ""
    try:
        with replacing(path) as temporary:
            save(kept, temporary, compressed=True)
    except OSError as error:
        _LOG.warning("%s cannot be written, and is not kept: %s", path, error)
        return ""
    return path.name


def new_results(folder: Path, seen: set[str]) -> Iterator[tuple[int, int, Result]]:
    """Yield offspring, attempt and content of the result files that are not `seen` yet, and add them to it.

    Results that are yet to be measured come again each time. A file that cannot be read is no news: it is looked at
    again the next time, and what is wrong with it is told once, for which it is kept in `seen` as well.

    Raises
    ------
    OSError
        If the folder is not there, or cannot be listed: nothing is known of its files then.
    """
    paths = sorted(path for path in folder.iterdir() if path.suffix == ".json")
    for path in paths:
        if path.name in seen:
            continue
        try:
            result = read_result(path)
            index, number = (int(part) for part in path.stem.split("."))
        except (OSError, ValueError) as error:
            said = f"{path.name}: {error}"
            if said not in seen:
                seen.add(said)
                _LOG.warning("%s is not readable yet: %s", path, error)
            continue
        if result.measured:
            seen.add(path.name)
        yield index, number, result
