"""The phases that a job notes in its progress file, a JSON object a line."""

from __future__ import annotations

from orchestrator.files import read_json_lines
from orchestrator.paths import AttemptPaths


def phases(paths: AttemptPaths) -> dict[str, float]:
    """Return when each phase that a job has noted began first, Unix times in s."""
    first: dict[str, float] = {}
    for entry in read_json_lines(paths.progress):
        if isinstance(entry.get("phase"), str) and isinstance(entry.get("time"), (int, float)):
            first.setdefault(entry["phase"], float(entry["time"]))
    return first
