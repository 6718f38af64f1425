"""Datastores that a run has kept or is making, or that lie anywhere; also what a crashed simulation left instead."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import UsageError
from orchestrator.files import tail
from orchestrator.paths import AttemptPaths, RunPaths
from orchestrator.scores.datastores import find_datastores

RECORDINGS = "datastore.recordings.pickle"
_LOG_LINES = 15


@dataclass(frozen=True)
class FoundSimulation:
    """What one simulation left.

    Parameters
    ----------
    path : pathlib.Path
        The datastore; of a simulation that saved none, the directory where it would be.
    name : str
        Short and unique among those found together: ``g3 o12`` in a run, the directory's name elsewhere.
    generation, offspring, attempt : int or None
        Where it belongs in a run, the attempt from 1.
    log : pathlib.Path or None
        Output of the simulation, where that is known.
    """

    path: Path
    name: str
    generation: int | None = None
    offspring: int | None = None
    attempt: int | None = None
    log: Path | None = None

    @property
    def saved(self) -> bool:
        """Whether it came as far as saving its recordings."""
        return (self.path / RECORDINGS).is_file()

    @property
    def last_words(self) -> str:
        """Last lines of its output, empty if there are none."""
        return tail(self.log, _LOG_LINES).strip() if self.log is not None and self.log.is_file() else ""


def find_simulations(where: str | Path | Sequence[str | Path]) -> list[FoundSimulation]:
    """Return the simulations that a run directory, a datastore, a directory around some, or a pattern stands for.

    Parameters
    ----------
    where : str, pathlib.Path, or a sequence of them
        Patterns such as ``results/*`` are expanded.

    Returns
    -------
    list of FoundSimulation
        Of a run those that it keeps and those in flight, by generation and offspring; elsewhere in the order given. A
        directory in which there is no datastore stands for a simulation that saved none.

    Raises
    ------
    orchestrator.errors.UsageError
        If there is no such directory, or a run keeps no simulations.
    """
    given = [where] if isinstance(where, (str, Path)) else list(where)
    found: list[FoundSimulation] = []
    for path in find_datastores([str(Path(each).expanduser()) for each in given]):
        if not path.is_dir():
            raise UsageError(f"{path}: there is no such directory")
        found += _of_run(path) if (path / "checkpoint.h5").is_file() else _of_directory(path)
    return _with_unique_names(found)


def choose_simulation(simulations: Sequence[FoundSimulation], name: str = "") -> FoundSimulation:
    """Return the simulation of a name; without one the first that saved a datastore, or the first.

    Raises
    ------
    orchestrator.errors.UsageError
        If there is none of that name.
    """
    if name:
        named = [each for each in simulations if each.name == name]
        if not named:
            known = ", ".join(each.name for each in simulations[:20])
            raise UsageError(f"there is no datastore {name!r} among those found: {known}")
        return named[0]
    return next((each for each in simulations if each.saved), simulations[0])


def _of_run(path: Path) -> list[FoundSimulation]:
    paths = RunPaths(path)
    found = [*_attempts(paths.kept), *_attempts(paths.generations)]
    if not found:
        raise UsageError(
            f"{path}: this run keeps no simulations, and none is in flight. Set keep.directories to 'failed' or 'all' "
            "to keep them, also of a run that is continued: orchestrator run --continue RUN --set keep.directories=all"
        )
    return sorted(found, key=lambda each: (each.generation, each.offspring, each.attempt))


def _attempts(folder: Path) -> Iterator[FoundSimulation]:
    for simulation in folder.glob("*/*/*/simulation"):
        attempt = AttemptPaths(simulation.parent, Path())
        numbers = attempt.directory.parts[-3:]
        if not all(each.isdigit() for each in numbers):
            continue
        generation, offspring, number = map(int, numbers)
        inside = sorted(file.parent for file in simulation.glob(f"*/{RECORDINGS}"))
        folders = sorted(each for each in simulation.iterdir() if each.is_dir())
        store = (inside or folders or [simulation])[0]
        name = f"g{generation} o{offspring}" + (f" attempt {number}" if number > 1 else "")
        yield FoundSimulation(store, name, generation, offspring, number, attempt.log)


def _of_directory(path: Path) -> list[FoundSimulation]:
    inside = sorted(file.parent for file in path.rglob(RECORDINGS))
    stores = [path] if path in inside or not inside else inside
    return [FoundSimulation(store, store.resolve().name) for store in stores]


def _with_unique_names(found: list[FoundSimulation]) -> list[FoundSimulation]:
    names = [each.name for each in found]
    if len(set(names)) == len(names):
        return found
    return [
        FoundSimulation(each.path, f"{n}: {each.name}", each.generation, each.offspring, each.attempt, each.log)
        for n, each in enumerate(found)
    ]
