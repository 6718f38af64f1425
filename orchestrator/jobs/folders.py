"""The folders of generations in flight: of each one journal, one list of results, one note for those who look on."""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from orchestrator.cluster import Cluster
from orchestrator.jobs.entries import Entries, Entry, Stage
from orchestrator.jobs.journal import Journal
from orchestrator.jobs.queue_note import QueueNotes
from orchestrator.jobs.submitter import Submitter
from orchestrator.paths import GenerationPaths
from orchestrator.records import Result
from orchestrator.results import new_results

_LOG = logging.getLogger(__name__)


@dataclass
class Folder:
    """A generation's folder: one journal, one list of results, one note for those who look on.

    Parameters
    ----------
    paths : GenerationPaths
        Its files.
    journal : Journal
        Of its submissions.
    submitter : Submitter
        Submits its attempts.
    """

    paths: GenerationPaths
    journal: Journal
    submitter: Submitter
    # names of the result files that were taken already, and what was said of others
    seen: set[str] = field(default_factory=set)
    # whether its results could not be looked at the last time: a job that has ended may well have delivered
    is_away: bool = False
    notes: QueueNotes = field(init=False)

    def __post_init__(self) -> None:
        self.notes = QueueNotes(self.paths.queue)

    @classmethod
    def open(
        cls, paths: GenerationPaths, cluster: Cluster, name: str, stop: threading.Event, confirm: Callable[[], object]
    ) -> Folder:
        """Make the folder of a generation, or take over that of a controller that is gone."""
        paths.create()
        journal = Journal(paths, confirm)
        return cls(paths, journal, Submitter(journal, paths, cluster, name, stop))

    def look_again(self, indices: Collection[int]) -> None:
        """Take the results of these offspring: they were passed over as long as nobody waited for them."""
        again = {str(index) for index in indices}  # text, because a file that is no result may have any name
        self.seen = {name for name in self.seen if name.partition(".")[0] not in again}

    def new_results(self) -> list[tuple[int, int, Result]]:
        """Return offspring, attempt and content of the results that have come in since the last look."""
        try:
            found = list(new_results(self.paths.results, self.seen))
        except OSError as error:  # of a file system that is away for a moment, or of a folder that somebody has renamed
            if not self.is_away:
                moved = isinstance(error, FileNotFoundError)
                remedy = "; put it back, or make an empty one if it is lost" if moved else ""
                words = "%s cannot be looked at, nothing is decided meanwhile: %s%s"
                _LOG.warning(words, self.paths.results, error.strerror or error, remedy)
            self.is_away, found = True, []
        else:
            self.is_away = False
        return found

    def elapsed(self, entries: Iterable[Entry]) -> float | None:
        """Return the time since the first submission of any of its entries in s, None if there was none."""
        begins = [entry.history.begin for entry in entries if entry.history.begin is not None]
        return self.journal.time - min(begins) if begins else None

    def withdraw(self, entries: Sequence[Entry]) -> None:
        """Note that the jobs of these of its entries were ended, except what needs none; they wait again."""
        own = [entry for entry in entries if entry.stage not in (Stage.LANDED, Stage.MEASURING)]
        self.journal.withdrawn([entry.index for entry in own])
        for entry in own:
            entry.leave(Stage.WAITING)

    def start_afresh(self, entries: Sequence[Entry]) -> None:
        """Forget results and losses of these of its entries: they are evaluated again when the run is continued."""
        indices = {str(entry.index) for entry in entries}
        for path in self.paths.results.glob("*.json"):
            if path.name.partition(".")[0] in indices:
                path.unlink()
        for entry in entries:
            entry.leave(Stage.WAITING)
        self.withdraw(entries)

    def note_queue(self, entries: Iterable[Entry]) -> None:
        """Note what the executor said last of the jobs of its entries, and why it did not take some."""
        own = list(entries)
        said = {entry.index: entry.status for entry in own if entry.attempt is not None}
        refusal = next((entry.refusal for entry in own if entry.stage is Stage.WAITING and entry.refusal), "")
        self.notes.note({index: status for index, status in said.items() if status is not None}, refusal)


class Folders:
    """Those of all generations in the pool.

    Parameters
    ----------
    paths_of : callable
        Returns the files of a generation, given its number.
    cluster : Cluster
        Runs the jobs.
    name : str
        Start of the jobs' names.
    stop : threading.Event
        Set to leave.
    confirm : callable
        Raises `orchestrator.errors.Stopped` if another controller has taken the run over.
    """

    def __init__(
        self,
        paths_of: Callable[[int], GenerationPaths],
        cluster: Cluster,
        name: str,
        stop: threading.Event,
        confirm: Callable[[], object],
    ):
        self._paths_of = paths_of
        self._cluster = cluster
        self._name = name
        self._stop = stop
        self._confirm = confirm
        self._folders: dict[int, Folder] = {}

    def __iter__(self) -> Iterator[Folder]:
        return iter(list(self._folders.values()))

    def __contains__(self, generation: int) -> bool:
        return generation in self._folders

    def of(self, generation: int) -> Folder:
        """Return that of a generation, opened if it is not open yet."""
        if generation not in self._folders:
            paths, name = self._paths_of(generation), f"{self._name}-g{generation}"
            self._folders[generation] = Folder.open(paths, self._cluster, name, self._stop, self._confirm)
        return self._folders[generation]

    def drop(self, generation: int) -> None:
        """Look at that of a generation no more."""
        self._folders.pop(generation, None)

    def new_results(self) -> Iterator[tuple[int, int, int, Result]]:
        """Yield generation, index, attempt and content of the results that have come in since the last look."""
        for generation, folder in list(self._folders.items()):
            for found in folder.new_results():
                yield (generation, *found)

    def withdraw(self, entries: Entries) -> None:
        """Note that the jobs of all entries were ended, except what needs none; they wait again."""
        for folder in self:
            folder.withdraw(entries.of(folder))

    def note_queues(self, entries: Entries) -> None:
        """Note what the executor said last of the jobs of all entries."""
        for folder in self:
            folder.note_queue(entries.of(folder))

    def discard_unused(self, entries: Entries) -> None:
        """Remove those in which nothing goes on or has landed."""
        for folder in self:
            if all(entry.stage is Stage.WAITING for entry in entries.of(folder)):
                shutil.rmtree(folder.paths.directory, ignore_errors=True)

    def start_afresh(self, entries: Sequence[Entry]) -> None:
        """Forget results and losses of these entries."""
        for folder in self:
            folder.start_afresh([entry for entry in entries if entry.folder is folder])
