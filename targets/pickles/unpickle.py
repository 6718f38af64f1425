"""Files of one pickle each, read without executing anything in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from targets.errors import DatastoreError
from targets.pickles.frames import without_frames
from targets.pickles.inert import MOZAIK, Refused, Vocabulary
from targets.pickles.reader import MalformedError, PickleReader, ReferenceToUnreadError


def read_pickle(path: Path, vocabulary: Vocabulary = MOZAIK) -> Any:
    """Read a file of one pickle into plain data, :class:`Instance`, :class:`Array` and :class:`Global`.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    vocabulary : Vocabulary
        What it may name, by default what mozaik's files name.

    Raises
    ------
    DatastoreError
        If the file is missing, no pickle, truncated, or asks for anything that isn't allowed; names file and request.
    """
    try:
        content = without_frames(path.read_bytes())
    except OSError as error:
        raise DatastoreError(f"can't read {path}: {error.strerror or error}") from error
    except MemoryError:
        raise DatastoreError(f"can't read {path}: its {path.stat().st_size} bytes don't fit into memory") from None
    try:
        try:
            return PickleReader(content, vocabulary).read()
        except ReferenceToUnreadError:
            return PickleReader(content, vocabulary, one_by_one=True).read()
    except Refused as refusal:
        raise DatastoreError(f"{path} is refused: it holds {refusal}") from None
    except MalformedError as error:
        raise DatastoreError(f"{path} is truncated or no pickle: {error}") from None
