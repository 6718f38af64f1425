"""Which simulators, of which versions, an evaluation was made with."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest
from program_jobs import attempt_of

from orchestrator.files import append_json_line
from orchestrator.simulations.loaded import LONGEST, loaded
from orchestrator.simulations.phases import Phase, note, noted_versions


def test_simulators_that_are_loaded_have_their_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("nest", "pyNN", "brian2"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    before = loaded()
    assert not {"NEST", "PyNN"} & before.keys()
    nest, brian = ModuleType("nest"), ModuleType("brian2")
    nest.__version__ = "3.9.0"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "nest", nest)
    monkeypatch.setitem(sys.modules, "brian2", brian)  # of no distribution that is installed, and silent
    assert loaded() == {**before, "NEST": "3.9.0"}


def test_versions_that_another_process_notes_are_texts_of_known_simulators(tmp_path: Path) -> None:
    attempt = attempt_of(tmp_path)
    assert noted_versions(attempt) == {}
    note(attempt, Phase.BUILDING)
    note(attempt, Phase.FINISHED, versions={"NEST": "3.9", "PyNN": 12, "<script>": "1", "mozaik": "x" * 1000})
    append_json_line(attempt.progress, {"versions": "none", "phase": "finished", "time": 1.0})
    assert noted_versions(attempt) == {"NEST": "3.9", "mozaik": "x" * LONGEST}
