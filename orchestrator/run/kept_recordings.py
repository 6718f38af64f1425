"""Which evaluations' traces and events go into the checkpoint: those of the start and of the best ones so far."""

from __future__ import annotations

import heapq
import logging
import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

from orchestrator.paths import RunPaths
from orchestrator.records import Evaluation, Origin

_LOG = logging.getLogger(__name__)
# in bytes; what a node leaves is far smaller
_LARGEST = 1 << 24


class KeptRecordings:
    """Adds to evaluations the recordings that are kept of them.

    Parameters
    ----------
    paths : RunPaths
        Of the run.
    count : int
        Of how many of the best evaluations recordings are kept; of none at all, not even the start, if it is 0.
    """

    def __init__(self, paths: RunPaths, count: int):
        self._paths = paths
        self._count = count
        # the best totals so far, negative: the worst of them comes first
        self._best: list[float] = []

    def resume(self, totals: Iterable[float]) -> None:
        """Take the total scores of what is in the checkpoint already."""
        for total in totals:
            self._take(total)

    def added(self, block: Sequence[Evaluation]) -> list[Evaluation]:
        """Return the evaluations of a block with what is kept of them, and count them."""
        if not self._count:
            return list(block)
        wanted = [self._take(each.total_score) or each.offspring.origin is Origin.START for each in block]
        return [self._with(each) if one else each for each, one in zip(block, wanted, strict=True)]

    def _take(self, total: float) -> bool:
        """Count a total score; return whether it is among the best so far."""
        if math.isnan(total) or not self._count:
            return False
        if len(self._best) < self._count:
            heapq.heappush(self._best, -total)
            return True
        return -heapq.heappushpop(self._best, -total) > total

    def _with(self, evaluation: Evaluation) -> Evaluation:
        name = evaluation.result.recordings
        if not name:
            return evaluation
        path = self._paths.generation(evaluation.offspring.generation).recordings(name)
        try:
            if path.stat().st_size > _LARGEST:
                raise OSError(f"it is larger than {_LARGEST} bytes")
            return replace(evaluation, recordings=path.read_bytes())
        except OSError as error:
            _LOG.warning("%s cannot be read, and is not kept: %s", path, error)
            return evaluation
