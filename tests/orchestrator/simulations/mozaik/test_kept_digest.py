"""What a job of a mozaik model keeps of its datastore, which is deleted."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from stores import plain_store

from orchestrator.node.measuring import measured, targets_of
from orchestrator.node.task import NodeTask
from orchestrator.records import Outcome, Result
from orchestrator.simulations.mozaik.options import MozaikOptions
from orchestrator.simulations.options import SimulationContext
from targets import Datastore
from targets.recordings.file import load

RATE = "SpontActivityTarget(Exc)"


def result(directory: Path, *, kept: bool = True, recordings: object = None) -> Result:
    """Return what a job measures of the plain store, or of other recordings."""
    task = NodeTask(
        generation=0,
        index=3,
        attempt=1,
        parameters={},
        model_dir=directory,
        result=directory / "3.1.json",
        progress=directory / "attempt" / "progress.jsonl",
        simulation=MozaikOptions.model_validate({"model": "model:Net"}),
        context=SimulationContext(),
        targets=[{"class": "SpontActivityTarget", "sheet_name": "Exc", "target_value": [1, 5], "norm": 1}],
        measure_on="node",
        keep="none",
        log_lines=40,
        keep_recordings=kept,
    )
    return measured(task, task.create_simulation(), targets_of(task), lambda: recordings)


@pytest.fixture
def datastore(tmp_path: Path) -> Datastore:
    return Datastore(plain_store(tmp_path / "store"))


def test_a_digest_lies_beside_the_result(tmp_path: Path, datastore: Datastore) -> None:
    found = result(tmp_path, recordings=datastore)
    assert found.recordings == "3.1.npz"
    kept = load(tmp_path / found.recordings, tmp_path)
    assert kept.numbers["Exc: mean rate (Hz), spontaneous"] == found.values[RATE]
    assert sorted(kept.events) == ["Exc: spikes, spontaneous", "Inh: spikes, spontaneous"]


def test_a_digest_may_take_as_long_as_the_targets(
    tmp_path: Path, datastore: Datastore, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds: list[float] = []
    clock = iter([100.0, 145.0])
    monkeypatch.setattr("orchestrator.node.measuring.time", SimpleNamespace(monotonic=lambda: next(clock)))
    monkeypatch.setattr("targets.recordings.digest.digest", lambda *given: seconds.append(given[2]))
    result(tmp_path, recordings=datastore)
    assert seconds == [45.0]


def test_none_is_made_where_none_is_kept(tmp_path: Path, datastore: Datastore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("targets.recordings.digest.digest")
    found = result(tmp_path, kept=False, recordings=datastore)
    assert (found.recordings, found.values[RATE]) == ("", 19.225)


def test_one_that_fails_costs_no_evaluation(
    tmp_path: Path, datastore: Datastore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: Any) -> None:
        raise MemoryError("of the node")

    monkeypatch.setattr("targets.recordings.digest.digest", fails)
    found = result(tmp_path, recordings=datastore)
    assert (found.outcome, found.recordings, found.values[RATE]) == (Outcome.OK, "", 19.225)
    assert "nothing is kept of the recordings: MemoryError: of the node" in caplog.text
