"""Reads a mozaik results directory, of any generation of the format, as arrays.

Nothing in the directory is executed and mozaik isn't needed: files are read by :mod:`targets.pickles`,
annotations of stimuli by :mod:`targets.annotations`. Files of segments are read when they are asked for; of what was
read, the spike trains stay in memory up to a limit, because several targets ask for the same ones.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from targets.annotations import AnnotationError, read_stimulus
from targets.errors import DatastoreError
from targets.pickles import Instance, Refused, items_of, read_pickle
from targets.plugins import nearest
from targets.segment import Recording, Segment, read_recording
from targets.sheet import Sheet, read_sheet
from targets.signals import Signal, read_traces
from targets.stimuli import is_spontaneous, is_stimulus, number_of

_RECORDINGS = "datastore.recordings.pickle"


class Datastore:
    """A mozaik results directory.

    Parameters
    ----------
    path : Path or str
        The directory that holds ``datastore.recordings.pickle``.
    memory : int
        Bytes of spike trains that are kept after they were read.

    Raises
    ------
    DatastoreError
        If it isn't one, or its recordings file is missing, truncated, foreign, or asks for anything else than data.
    """

    def __init__(self, path: Path | str, *, memory: int = 256 * 1024**2) -> None:
        self.path = Path(path)
        self._memory = memory
        self._recordings: OrderedDict[str, Recording | DatastoreError] = OrderedDict()
        self._sheets: dict[str, Sheet] = {}
        if not self.path.is_dir():
            raise DatastoreError(f"no such directory: {self.path}")
        self._root = self.path.resolve()
        block = read_pickle(self._file(_RECORDINGS))
        if not isinstance(block, Instance) or block.name != "Block":
            raise DatastoreError(f"{self.path / _RECORDINGS} holds no neo block: it isn't one of mozaik's")
        annotations = block.state.get("annotations")
        self._annotations: dict[Any, Any] = annotations if isinstance(annotations, dict) else {}
        stubs = items_of(block.state.get("_segments", block.state.get("segments")))
        self._segments = [self._segment(stub) for stub in stubs]

    def __repr__(self) -> str:
        return f"Datastore({str(self.path)!r})"

    @property
    def sheets(self) -> list[str]:
        """Names of the model's sheets, and of those that recorded anything."""
        names = [name for name in self._neurons("neuron_ids") if isinstance(name, str)]
        return sorted({*names, *(each.sheet_name for each in self._segments if each.sheet_name is not None)})

    def segments(self, sheet_name: str | None = None) -> list[Segment]:
        """Return what a sheet (or every sheet) recorded, in the order of presentation, the blanks in between left out.

        Raises
        ------
        DatastoreError
            If the model has no such sheet.
        """
        if sheet_name is not None and sheet_name not in self.sheets:
            hint = nearest(sheet_name, self.sheets)
            raise DatastoreError(f"{self.path} has no sheet {sheet_name!r}{hint}; sheets: {', '.join(self.sheets)}")
        return [each for each in self._segments if not each.is_null and sheet_name in {None, each.sheet_name}]

    def spontaneous(self, sheet_name: str | None, duration: float | None = None) -> list[Segment]:
        """Return a sheet's recordings of spontaneous activity, in the order of presentation.

        These are the ``InternalStimulus`` presentations without direct stimulation: neither kicks, nor blanks.

        Parameters
        ----------
        sheet_name : str
            The sheet; None is any.
        duration : float, optional
            Only stimuli of this duration, ms. By default those of the longest one: a check for explosions, say, may
            have recorded shorter ones.
        """
        found = [each for each in self.segments(sheet_name) if is_spontaneous(each.stimulus)]
        durations = [number_of(each.stimulus.get("duration")) for each in found]
        wanted = max((d for d in durations if d is not None), default=None) if duration is None else duration
        if wanted is None:
            return found
        return [each for each, d in zip(found, durations, strict=True) if d is not None and abs(d - wanted) < 1e-6]

    def trials(self, sheet_name: str | None, name: str, **parameters: float | None) -> list[Segment]:
        """Return all trials of the first presented stimulus that has the given class and parameters.

        Parameters
        ----------
        sheet_name : str
            The sheet; None is any.
        name : str
            Class of the stimulus, such as ``FullfieldDriftingSinusoidalGrating``.
        **parameters
            Wanted values of its parameters; None is any. ``orientation`` has period pi.

        Returns
        -------
        list of Segment
            In the order of presentation; empty if there is none.
        """
        return _trials_of_the_first(self.presentations(sheet_name, name, **parameters))

    def first_trials(self, sheet_name: str | None) -> list[Segment]:
        """Return all trials of the stimulus that was presented first, of those whose annotations can be read.

        Returns
        -------
        list of Segment
            As of `trials`.
        """
        return _trials_of_the_first([each for each in self.segments(sheet_name) if each.problem is None])

    @staticmethod
    def by_stimulus(segments: Iterable[Segment]) -> list[list[Segment]]:
        """Group presentations into the trials of each stimulus, in the order of their first presentation."""
        groups: list[list[Segment]] = []
        for each in segments:
            group = next((group for group in groups if _without_trial(group[0]) == _without_trial(each)), None)
            if group is None:
                groups.append([each])
            else:
                group.append(each)
        return groups

    def presentations(self, sheet_name: str | None, name: str, **parameters: float | None) -> list[Segment]:
        """Return the presentations of every stimulus that has the given class and parameters, as in `trials`."""
        return [each for each in self.segments(sheet_name) if is_stimulus(each.stimulus, name, parameters)]

    def sheet(self, name: str) -> Sheet:
        """Return ids, positions and preferred orientations of a sheet's neurons.

        Raises
        ------
        DatastoreError
            If there is no such sheet, or its description is missing or broken.
        """
        if name not in self._sheets:
            self.segments(name)
            parts = ("neuron_ids", "neuron_positions", "neuron_annotations")
            try:
                self._sheets[name] = read_sheet(name, *(self._neurons(part).get(name) for part in parts))
            except Refused as refusal:
                file = self.path / _RECORDINGS
                raise DatastoreError(f"{file} can't be read: sheet {name!r} has {refusal}") from None
        return self._sheets[name]

    def problems(self, sheet_name: str | None) -> list[str]:
        """Return what could not be read of the annotations of a sheet's segments."""
        return [f"{each.identifier}: {each.problem}" for each in self.segments(sheet_name) if each.problem]

    def traces(self, segment: Segment) -> list[Signal]:
        """Return a segment's analog signals over time; they are read each time, because they may be large.

        Raises
        ------
        DatastoreError
            If the file is missing, broken or unsafe.
        """
        return read_traces(self.segment_file(segment))

    def segment_file(self, segment: Segment) -> Path:
        """Return the file of a segment.

        Raises
        ------
        DatastoreError
            If it is missing, or lies outside of the directory.
        """
        if not re.fullmatch(r"[\w-]+", segment.identifier):
            raise DatastoreError(f"{self.path / _RECORDINGS} names a segment {segment.identifier!r:.60}")
        return self._file(f"{segment.identifier}.pickle")

    def release(self) -> None:
        """Forget what was read of the segments; it is read again when it is asked for."""
        self._recordings.clear()

    def _neurons(self, part: str) -> dict[Any, Any]:
        by_sheet = self._annotations.get(part)
        if isinstance(by_sheet, Instance):
            return by_sheet.entries
        return by_sheet if isinstance(by_sheet, dict) else {}

    def _file(self, name: str) -> Path:
        """Return the path of a file of the directory, refusing what lies outside or isn't a file."""
        path = self.path / name
        if not path.exists():
            raise DatastoreError(f"no such file: {path}")
        if not path.resolve().is_relative_to(self._root):
            raise DatastoreError(f"{path} is refused: it is a link out of the directory")
        if not path.is_file():
            raise DatastoreError(f"{path} is no file")
        return path

    def _segment(self, stub: object) -> Segment:
        state = stub.state if isinstance(stub, Instance) else {}
        annotations = state.get("annotations")
        identifier = state.get("identifier")
        if not isinstance(annotations, dict) or not isinstance(identifier, str):
            raise DatastoreError(f"{self.path / _RECORDINGS} holds a segment without identifier or annotations")
        sheet_name = annotations.get("sheet_name")
        stimulus, problem = {}, None
        try:
            stimulus = read_stimulus(annotations.get("stimulus"))
        except AnnotationError as error:
            problem = str(error)
        return Segment(
            identifier,
            sheet_name if isinstance(sheet_name, str) else None,
            stimulus,
            bool(state.get("null", False)),
            problem,
            self._read,
        )

    def _read(self, identifier: str) -> Recording:
        known = self._recordings.get(identifier)
        if known is None:
            try:
                if not re.fullmatch(r"[\w-]+", identifier):
                    raise DatastoreError(f"{self.path / _RECORDINGS} names a segment {identifier!r:.60}")
                known = read_recording(self._file(f"{identifier}.pickle"))
            except DatastoreError as error:
                known = error
            self._recordings[identifier] = known
            self._forget_the_oldest()
        self._recordings.move_to_end(identifier)
        if isinstance(known, DatastoreError):
            raise known
        return known

    def _forget_the_oldest(self) -> None:
        def size(recordings: Iterable[Recording | DatastoreError]) -> int:
            return sum(each.size for each in recordings if isinstance(each, Recording))

        while len(self._recordings) > 1 and size(self._recordings.values()) > self._memory:
            self._recordings.popitem(last=False)


def _trials_of_the_first(segments: Sequence[Segment]) -> list[Segment]:
    """Return those that present the same stimulus as the first of them."""
    return [each for each in segments if _without_trial(each) == _without_trial(segments[0])]


def _without_trial(segment: Segment) -> dict[str, Any]:
    return {key: value for key, value in segment.stimulus.items() if key != "trial"}
