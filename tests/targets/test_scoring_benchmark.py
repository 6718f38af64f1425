"""The benchmark of scoring writes what neo writes, and its two ways agree."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import scoring
import synthetic_evaluation

BENCHMARK = Path(__file__).resolve().parents[2] / "benchmarks" / "scoring.py"


@pytest.mark.parametrize("protocol", [4, 5])
def test_stand_ins_are_pickled_as_neos_spike_trains(protocol: int) -> None:
    counts = [3, 0, 1, 40, 0, 2] * 50  # silent ones, across frames
    times = np.concatenate([np.linspace(1, 900, n) for n in counts])
    ids = np.arange(250, 250 + len(counts)) * 100
    trains = synthetic_evaluation.Trains(times, np.concatenate(([0], np.cumsum(counts))), ids, 1000.0)
    assert synthetic_evaluation.same_bytes(trains, protocol=protocol)


@pytest.mark.run
def test_both_ways_have_the_same_values(tmp_path: Path) -> None:
    options = ["--neurons", "1200", "--repeats", "1", "--directory", str(tmp_path)]
    lines = subprocess.run(
        [sys.executable, str(BENCHMARK), *options], check=True, capture_output=True, text=True
    ).stdout.splitlines()
    assert "36 values, equal within 1e-09" in "\n".join(lines)
    figures = json.loads(lines[-1])
    assert {"speedup", "memory_ratio", "seconds", "peak_mb", "page_cache_seconds"} <= figures.keys()
    assert figures["speedup"] > 1


def test_the_evaluation_is_written_once(tmp_path: Path) -> None:
    store, size = scoring.evaluation(tmp_path / "cache", 100)
    written = {file: file.stat().st_mtime_ns for file in store.iterdir()}
    assert 200 < size < 1000
    assert scoring.evaluation(tmp_path / "cache", 100) == (store, size)
    assert {file: file.stat().st_mtime_ns for file in store.iterdir()} == written
    (tmp_path / "cache" / "evaluation-100.json").unlink()  # as after a crash
    scoring.evaluation(tmp_path / "cache", 100)
    assert {file: file.stat().st_mtime_ns for file in store.iterdir()} != written


@pytest.mark.parametrize("value", [1.0 + 1e-8, None])
def test_other_values_are_told(value: float | None) -> None:
    scoring.require_same({"a": 1.0, "b": 1 + 1e-12}, {"a": 1.0, "b": 1.0})
    with pytest.raises(SystemExit, match="the two ways differ"):
        scoring.require_same({"a": 1.0, "b": value}, {"a": 1.0, "b": 1.0})
    with pytest.raises(SystemExit, match="the two ways differ"):
        scoring.require_same({}, {})
