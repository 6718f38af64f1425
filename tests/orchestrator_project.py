"""A small project for tests: a model that is a Python function, and its configuration."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from orchestrator.checkpoint import Checkpoint
from orchestrator.records import Origin

# Every simulation leaves a line in `simulated`, so that tests can count them.
MODEL = """
import json
import os
import time
from pathlib import Path


def simulate(parameters, directory):
    here = Path(__file__).parent
    with open(here / "simulated", "a") as log:
        log.write(json.dumps(parameters) + "\\n")
    time.sleep(float(os.environ.get("TEST_SECONDS", "0")))
    x, y = parameters["x"], parameters["y"]
    if y > 1.5:
        raise RuntimeError(f"y = {y} is too much")
    return {"rate": 10 * x, "cv": y**2}
"""

CONFIG: dict[str, Any] = {
    "parameters": {"x": [0, 1], "y": [-2, 2]},
    "optimiser_centroid": {"x": 0.9, "y": -1.5},
    "targets": [
        {"class": "ReturnedValue", "key": "rate", "target_value": 3, "norm": 1},
        {"class": "ReturnedValue", "key": "cv", "target_value": 1, "norm": 0.2},
    ],
    "offspring_size": 4,
    "max_ngen": 2,
    "timeout": 120,
    "executor": "local",
    "local": {"workers": 2, "stay": False},
    "report": False,
    "simulation": {"type": "function", "function": "model:simulate"},
}

# what differs between two runs of the same: when and where
CIRCUMSTANCES = ["job_id", "host", "submitted", "started", "finished"]


@dataclass(frozen=True)
class Project:
    """A model directory with a configuration, and the commands a user would give there."""

    directory: Path
    config_name: str = "config.yaml"

    @classmethod
    def create(
        cls,
        directory: Path,
        changes: Mapping[str, Any] | None = None,
        model: str = MODEL,
        config_name: str = "config.yaml",
    ) -> Project:
        project = cls(directory, config_name)
        project.config.parent.mkdir(parents=True, exist_ok=True)
        (directory / "model.py").write_text(model)
        project.configure(changes or {})
        return project

    def configure(self, changes: Mapping[str, Any]) -> None:
        self.config.write_text(yaml.safe_dump({**CONFIG, **changes}, sort_keys=False))

    @property
    def config(self) -> Path:
        return self.directory / self.config_name

    @property
    def runs(self) -> list[Path]:
        return sorted(self.directory.glob("*_Optimization"))

    @property
    def simulated(self) -> int:
        log = self.directory / "simulated"
        return len(log.read_text().splitlines()) if log.exists() else 0

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start ``orchestrator ARGUMENTS`` in the background."""
        return subprocess.Popen(
            # with python -c, files of the model would be modules of the controller
            [Path(sys.executable).parent / "orchestrator", *arguments],
            cwd=self.directory,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
        )

    def command(self, *arguments: str, code: int = 0, **environment: str) -> str:
        """Run ``orchestrator ARGUMENTS`` to its end; return what it printed."""
        process = self.start(*arguments, **environment)
        out, err = process.communicate(timeout=180)
        assert process.returncode == code, out + err
        assert "Traceback" not in err, err
        return out + err

    def frame(self, run: int = -1) -> pd.DataFrame:
        """Return the evaluations of one of the runs."""
        return Checkpoint(self.runs[run]).evaluations()


def same(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    """Whether two runs gave bit for bit the same, times, hosts and job ids aside."""
    pd.testing.assert_frame_equal(
        one.drop(columns=CIRCUMSTANCES), other.drop(columns=CIRCUMSTANCES), check_exact=True, check_dtype=True
    )
    return True


def wait_for(condition: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)


def origin_of(generation: int, index: int) -> Origin:
    """Return the origin of an offspring as an optimiser would say it: the first of a run is the start."""
    return Origin.SAMPLE if generation or index else Origin.START
