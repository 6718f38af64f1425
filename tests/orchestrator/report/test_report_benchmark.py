"""The run that benchmarks/report.py makes up is one that there could be."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np

from orchestrator.checkpoint import Checkpoint
from orchestrator.report import History

BENCHMARK = Path(__file__).resolve().parents[3] / "benchmarks" / "report.py"


def test_points_lie_where_the_search_is(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("report_benchmark", BENCHMARK)
    assert spec is not None
    assert spec.loader is not None
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    file = tmp_path / "checkpoint.h5"
    benchmark.write_checkpoint(file, generations=8, size=12, n_parameters=4, n_targets=2)
    history = History.of(Checkpoint(file))
    assert [each.log for each in history.parameters] == [True, False, False, True]
    last = history.points[history.generation == 7]
    places = np.array([[p.encode(v) for p, v in zip(history.parameters, row, strict=True)] for row in last])
    spread = np.sqrt(np.diagonal(history.distribution["covariance"][-1]))
    assert (np.abs(places.mean(axis=0) - history.distribution["mean"][-1]) < 2 * spread).all()
