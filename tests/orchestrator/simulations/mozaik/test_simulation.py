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


def failure(tmp_path: Path, script: str | None, **options: Any) -> SimulationFailed:
    """Return how a simulation ends whose launch script does this in place of simulating; None: the shipped one."""
    if script is not None:
        (tmp_path / "offspring.sh").write_text(script)
        options["launch_script"] = "offspring.sh"
    attempt = AttemptPaths(tmp_path / "attempt", tmp_path / "result.json")
    attempt.directory.mkdir()
    section = MozaikOptions.model_validate({"model": "model:Net", **options})
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


SETUP = """# the environment
source unclean.sh

if true; then
  loaded() { false; true; }
fi
loaded
[ -n "" ] && echo never
echo "$FROM_UNCLEAN"
"""
# ends with its own exit code: what follows is no part of a setup line
SCRIPT_THAT_STOPS = "echo simulated with $-; exit 3\n"


@pytest.mark.parametrize("own", [False, True], ids=["shipped script", "script of before"])
def test_setup_lines_that_are_not_clean_for_set_e_work(tmp_path: Path, own: bool) -> None:
    """conda's and many a site's scripts have commands that fail; a block of text was refused."""
    (tmp_path / "unclean.sh").write_text("false\nls /nowhere/at/all 2> /dev/null\nexport FROM_UNCLEAN=loaded\n")
    python = tmp_path / "python"
    python.write_text(f"#!/bin/bash\n{SCRIPT_THAT_STOPS}")
    python.chmod(0o755)
    template = "set -e\n{% for line in setup %}{{ line }}\n{% endfor %}" + SCRIPT_THAT_STOPS if own else None
    found = failure(tmp_path, template, setup=SETUP, python=str(python))
    log = (tmp_path / "attempt" / "simulation.log").read_text()
    assert (found.outcome, log.splitlines()[0]) == (Outcome.LAUNCH_FAILED, "loaded")
    assert "exit code 3: simulated with" in str(found)
    if own:
        assert "e" in log.splitlines()[1].rpartition(" ")[2]  # its own set -e holds again


def test_a_setup_line_that_fails_is_named_with_its_number_and_text(tmp_path: Path) -> None:
    found = failure(tmp_path, None, setup=f"{SETUP.replace('source unclean.sh', 'true')}ls /nowhere/at/all\necho no")
    assert found.outcome is Outcome.LAUNCH_FAILED
    assert str(found) == (
        "the simulation ended with exit code 2: simulation.setup, line 10: exit code 2 from: ls /nowhere/at/all"
    )
    assert "no" not in (tmp_path / "attempt" / "simulation.log").read_text().splitlines()
