"""The file of a generation in which worker processes evaluate: when that began, and each result as it lands."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from orchestrator.files import append_json_lines, read_json_lines
from orchestrator.records import Result


@dataclass(frozen=True)
class WorkersLog:
    """What a generation's file says.

    Parameters
    ----------
    begun : float
        When its evaluation began, Unix time in s; NaN if it has not, or others evaluate it than workers.
    results : mapping of int to Result
        What has landed, by index.
    """

    begun: float = math.nan
    results: dict[int, Result] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> WorkersLog:
        """Read a file; what is no entry of this version, or of one before, is passed over: it is evaluated again."""
        begun, results = math.nan, dict[int, Result]()
        for row in read_json_lines(path):
            with contextlib.suppress(ValueError, KeyError, TypeError):
                if "dropped" in row:
                    for index in row["dropped"]:
                        results.pop(int(index), None)
                elif "begun" in row:
                    begun = min(float(row["begun"]), begun if math.isfinite(begun) else math.inf)
                else:
                    results[int(row["index"])] = Result.from_json(row["result"])
        return cls(begun, results)


def note_begin(path: Path) -> None:
    """Note that evaluations of the generation begin now."""
    append_json_lines(path, [{"begun": time.time()}])


def note_dropped(path: Path, indices: Sequence[int]) -> None:
    """Note that what has landed of these does not count: they are evaluated again."""
    append_json_lines(path, [{"dropped": list(indices)}])


def note_results(path: Path, results: Iterable[tuple[int, Result]]) -> None:
    """Note what has landed, by index."""
    append_json_lines(path, [{"index": index, "result": result.to_json()} for index, result in results])
