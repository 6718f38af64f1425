"""What a job of a mozaik model makes of the end of its simulation, without mozaik."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from orchestrator.paths import AttemptPaths
from orchestrator.records import Outcome
from orchestrator.simulations.base import SimulationFailed
from orchestrator.simulations.mozaik.options import MozaikOptions
from orchestrator.simulations.mozaik.simulation import MozaikSimulation
from orchestrator.simulations.options import SimulationContext


def failure(tmp_path: Path, script: str, **options: Any) -> SimulationFailed:
    """Return how a simulation ends whose launch script does this in place of simulating."""
    (tmp_path / "offspring.sh").write_text(script)
    attempt = AttemptPaths(tmp_path / "attempt", tmp_path / "result.json")
    attempt.directory.mkdir()
    section = MozaikOptions(model="model:Net", launch_script=Path("offspring.sh"), **options)
    with pytest.raises(SimulationFailed) as caught:
        MozaikSimulation(section, tmp_path, SimulationContext()).simulate({}, attempt)
    return caught.value


EXPLOSIONS: list[tuple[dict[str, Any], str]] = [
    (
        {"rate": 159.6, "threshold": 100.0, "slice": 2, "in_a_row": 2, "certain": False},
        "at 160 Hz in slice 2, the last of 2 successive ones above the threshold of 100.0 Hz",
    ),
    ({"rate": 159.6, "threshold": 100.0, "slice": 1}, "at 160 Hz in slice 1, above the threshold of 100.0 Hz"),
    (
        {"rate": 612.0, "threshold": 500.0, "slice": 0, "in_a_row": 0, "certain": True},
        "at 612 Hz while the network settled, above the certain_threshold of 500.0 Hz, as no transient is",
    ),
    (
        {"rate": 41.5, "threshold": 30.0, "slice": None, "during": "MeasureSizeTuning"},
        "at 42 Hz during a stimulus of MeasureSizeTuning, above the 30.0 Hz of the model's explosion_monitoring",
    ),
    (
        {"rate": None, "threshold": 30.0, "slice": None},
        "during a stimulus, above the 30.0 Hz of the model's explosion_monitoring",
    ),
]


@pytest.mark.parametrize(("entry", "message"), EXPLOSIONS)
def test_an_explosion_is_told_with_sheet_rate_and_slice(tmp_path: Path, entry: dict[str, Any], message: str) -> None:
    line = json.dumps({"time": 1.0, "phase": "exploded", "sheet": "Exc", **entry})
    found = failure(tmp_path, f"cat > attempt/progress.jsonl <<'END'\n{line}\nEND\n")
    assert (found.outcome, str(found)) == (Outcome.EXPLODED, f"sheet Exc fired {message}")
