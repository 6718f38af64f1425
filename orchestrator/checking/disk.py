"""The disk that a generation takes, measured on an earlier run or estimated, beside what is free."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from orchestrator.config.model import Config
from orchestrator.simulations import RecordingSize

# the newest ones that are looked at
_STORES = 10


@dataclass(frozen=True)
class Disk:
    """What simulations take, as far as it is known.

    Parameters
    ----------
    each : float or None
        Bytes of one simulation; None if only `per_second` is known, or nothing.
    per_second : float or None
        Bytes of one simulation for every second of biological time.
    source : str
        How that is known.
    at_once : int
        Simulations of a generation that are there at the same time.
    kept : int
        Simulations that are there in the end.
    free : int or None
        Bytes that are free in the model's file system.
    """

    each: float | None
    per_second: float | None
    source: str
    at_once: int
    kept: int
    free: int | None

    @property
    def generation(self) -> float | None:
        """Bytes of a generation."""
        return None if self.each is None else self.each * self.at_once

    def text(self) -> str:
        """Return it for people."""
        free = f"; {size_text(self.free)} are free" if self.free is not None else ""
        if self.generation is not None and self.each is not None:
            parts = f"{self.at_once} x {size_text(self.each)}" if self.at_once > 1 else "one at a time"
            return f"about {size_text(self.generation)} per generation ({parts}, {self.source}){free}"
        if self.per_second is not None:
            rate = size_text(self.per_second * self.at_once)
            return f"about {rate} per generation for every second of stimuli ({self.source}){free}"
        return f"not known before a simulation has been kept (keep.directories: all){free}"

    def warnings(self) -> list[tuple[str, str]]:
        """Return what does not fit, each with the key that it belongs to."""
        if self.free is None:
            return []
        found = []
        if self.generation is not None and self.generation > self.free:
            message = (
                f"a generation takes about {size_text(self.generation)}, and {size_text(self.free)} are free there"
            )
            found.append(("model_dir", message))
        if self.each is not None and self.kept and self.each * self.kept > self.free:
            total = size_text(self.each * self.kept)
            message = f"keeps up to {self.kept} simulations, about {total}, and {size_text(self.free)} are free there"
            found.append(("keep.directories", message))
        return found


def disk(config: Config, recorded: RecordingSize | None, protocol: tuple[int, float] | None) -> Disk:
    """Return what is known of the disk that a run takes.

    Parameters
    ----------
    config : Config
        Valid.
    recorded : RecordingSize or None
        An estimate from the model's recorders.
    protocol : (int, float) or None
        Number of presentations, and their seconds, if a node has counted them.
    """
    at_once = config.offspring_size
    if config.executor == "local" and config.measure_on == "job":
        at_once = min(at_once, config.workers)  # each is measured and removed before the next begins
    kept = config.offspring_size * config.generations if config.keep.directories == "all" else 0
    each, per_second, source = None, None, ""
    measured = _measured(config.model_dir)
    if measured is not None:
        each, source = measured
    elif recorded is not None and protocol is not None:
        each = recorded.size(*protocol)
        source = f"an estimate: {protocol[0]} stimuli, {protocol[1]:g} s, {recorded.made_of}"
    elif recorded is not None:
        per_second, source = recorded.per_presentation + recorded.per_second, f"an estimate: {recorded.made_of}"
    try:
        free = shutil.disk_usage(config.model_dir).free
    except OSError:
        free = None
    return Disk(each, per_second, source, at_once, kept, free)


def _measured(model_dir: Path) -> tuple[float, str] | None:
    """Return the size of the largest of the newest simulations that a run has kept, and where they are."""
    for run in sorted(model_dir.glob("*_Optimization"), reverse=True):
        kept = sorted(run.glob("kept/*/*/*/simulation"))[-_STORES:]
        sizes = [_size(directory) for directory in kept]
        if any(sizes):
            return float(max(sizes)), f"the largest of {len(sizes)} kept in {run.name}"
    return None


def _size(directory: Path) -> int:
    return sum((Path(folder) / file).lstat().st_size for folder, _, files in os.walk(directory) for file in files)


def size_text(size: float) -> str:
    """Return bytes for people: ``840 MB``, ``1.2 TB``."""
    for unit, factor in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= factor:
            number = size / factor
            return f"{number:.2g} {unit}" if number < 10 else f"{number:,.0f} {unit}"
    return f"{size:.0f} bytes"
