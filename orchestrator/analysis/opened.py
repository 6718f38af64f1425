"""A datastore that is looked at, or why there is nothing to see."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from orchestrator.analysis.finding import FoundSimulation, choose_simulation, find_simulations
from targets import Datastore, DatastoreError, NoValue, Target

Value = TypeVar("Value")
TargetClass = TypeVar("TargetClass", bound=Target)


@dataclass(frozen=True, eq=False)
class Inspected:
    """One datastore and the sheets that are looked at.

    Parameters
    ----------
    simulation : FoundSimulation
        Where it is.
    store : targets.Datastore or None
        None if it can't be read.
    sheets : tuple of str
        In the order of figures and tables.
    problem : str
        Why it can't be read.
    note : str
        Which one of several this is.
    """

    simulation: FoundSimulation
    store: Datastore | None
    sheets: tuple[str, ...] = ()
    problem: str = ""
    note: str = ""

    @property
    def path(self) -> Path:
        """Its directory."""
        return self.simulation.path

    def by_sheet(self, value: Callable[[Datastore, str], Value]) -> tuple[dict[str, Value], list[str]]:
        """Compute something of every sheet.

        Returns
        -------
        dict
            What there is, by sheet.
        list of str
            Why there is nothing of the others, ``sheet: reason``.
        """
        found: dict[str, Value] = {}
        reasons = []
        for sheet in self.sheets if self.store is not None else ():
            try:
                found[sheet] = value(self.store, sheet)  # type: ignore[arg-type]
            except (NoValue, DatastoreError) as reason:
                reasons.append(f"{sheet}: {reason}")
        return found, [self.problem] if self.problem else reasons


def open_datastore(where: str | Path | FoundSimulation, sheets: Sequence[str] | None = None) -> Inspected:
    """Open a datastore; one that can't be read says why, and so does everything that is made of it.

    Parameters
    ----------
    where : str, pathlib.Path or FoundSimulation
        A datastore, or a directory around some, such as a run: the first one that was saved then.
    sheets : sequence of str, optional
        By default all.

    Raises
    ------
    orchestrator.errors.UsageError
        If there is no such directory.
    """
    found = [where] if isinstance(where, FoundSimulation) else find_simulations(where)
    chosen = choose_simulation(found)
    note = f"{chosen.path}: one of the {len(found)} in {where}" if len(found) > 1 else ""
    try:
        store = Datastore(chosen.path)
        for name in sheets or ():
            store.segments(name)  # says which sheets there are
    except DatastoreError as error:
        return Inspected(chosen, None, problem=_explained(chosen, str(error)), note=note)
    return Inspected(chosen, store, tuple(sheets or store.sheets), "" if store.segments() else _EMPTY, note)


_EMPTY = "The datastore holds no recordings of any stimulus."


def _explained(simulation: FoundSimulation, error: str) -> str:
    if simulation.saved:
        return error
    words = simulation.last_words
    return f"{error}. The simulation saved no recordings" + (f"; its last words:\n{words}" if words else "")


def defined(cls: type[TargetClass], sheet: str, **options: object) -> TargetClass:
    """Return a target that stands for a definition only: its value counts, and not what it should be."""
    return cls.model_validate({"sheet_name": sheet, "target_value": cls.any_target_value, "norm": 1} | options)
