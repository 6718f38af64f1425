"""The run that benchmarks/report.py makes up is one that there could be, and what is above a limit is an error."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from orchestrator.checkpoint import Checkpoint
from orchestrator.report import History

BENCHMARK = Path(__file__).resolve().parents[3] / "benchmarks" / "report.py"


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    spec = importlib.util.spec_from_file_location("report_benchmark", BENCHMARK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_points_lie_where_the_search_is(benchmark: ModuleType, tmp_path: Path) -> None:
    file = tmp_path / "checkpoint.h5"
    benchmark.write_checkpoint(file, generations=8, size=12, n_parameters=4, n_targets=2)
    history = History.of(Checkpoint(file))
    assert [each.log for each in history.parameters] == [True, False, False, True]
    last = history.points[history.generation == 7]
    places = np.array([[p.encode(v) for p, v in zip(history.parameters, row, strict=True)] for row in last])
    spread = np.sqrt(np.diagonal(history.distribution["covariance"][-1]))
    assert (np.abs(places.mean(axis=0) - history.distribution["mean"][-1]) < 2 * spread).all()


@pytest.mark.parametrize(("above", "said"), [({}, ""), ({"file_mb": 15.1}, "file_mb is 15.1, more than 15\n")])
def test_what_is_above_its_limit_is_an_error(
    benchmark: ModuleType, above: dict[str, float], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = {"evaluations": 64_000, "seconds": 20.0, "peak_mb": 999.0, "file_mb": 15.0, "drawn_seconds": 2.9, **above}
    assert benchmark.judged(figures, benchmark.LIMITS) == (1 if above else 0)
    output, errors = capsys.readouterr()
    assert json.loads(output.splitlines()[-1]) == figures
    assert errors == said
