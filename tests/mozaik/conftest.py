"""Runs test models through the run script, as the offspring job does."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
CHECK = {"enabled": True, "duration": 500.0, "slices": 10, "threshold": 100.0, "sheet_name": None}


@dataclass
class Run:
    """What one run of the run script left behind."""

    attempt: Path
    returncode: int
    stderr: str
    seconds: float

    @property
    def progress(self) -> list[dict[str, Any]]:
        """Lines of progress, in order."""
        return [json.loads(line) for line in (self.attempt / "progress.jsonl").read_text().splitlines()]

    def phases(self, phase: str) -> list[dict[str, Any]]:
        """Lines of one phase."""
        return [line for line in self.progress if line["phase"] == phase]

    @property
    def datastore(self) -> Path:
        """The results directory, the only one there."""
        (path,) = (self.attempt / "simulation").iterdir()
        return path

    def segments(self) -> list[Any]:
        """neo segments in the order of the recordings, read with mozaik's own classes."""
        with (self.datastore / "datastore.recordings.pickle").open("rb") as file:
            block = pickle.load(file)
        found = []
        for stub in block.segments:
            with (self.datastore / f"{stub.identifier}.pickle").open("rb") as file:
                found.append(pickle.load(file))
        return found


class Model:
    """A copy of a test model with the run script in its `param_optim`."""

    def __init__(self, name: str, reference: str, directory: Path) -> None:
        self.path = directory / name
        self.reference = reference
        shutil.copytree(ROOT / "tests" / "models" / name, self.path, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "param_optim" / "run_optimization_experiment.py", self.path / "param_optim")

    def attempt(self, name: str, parameters: Mapping[str, Any], check: Mapping[str, Any]) -> Path:
        """Directory of an attempt with its overlay and settings, as the offspring job writes them."""
        attempt = self.path / "attempts" / name
        (attempt / "simulation").mkdir(parents=True)
        values = ", ".join(f"{key!r}: {value!r}" for key, value in parameters.items())
        (attempt / "overlay").write_text(
            f'(lambda p: [p.replace_values(**{{{values}}}), p][1])(url("param_optim/defaults"))\n'
        )
        settings = {
            "model": self.reference,
            "experiments": "experiments:create_experiments",
            "progress": str(attempt / "progress.jsonl"),
            "explosion_check": {**CHECK, **check},
        }
        (attempt / "offspring.json").write_text(json.dumps(settings))
        return attempt

    def command(self, attempt: Path, *overrides: str) -> list[str]:
        """Arguments of Python."""
        script = "param_optim/run_optimization_experiment.py"
        results = ["results_dir", f"'{attempt}/simulation/'"]
        return [script, "nest", "1", str(attempt / "overlay"), *results, *overrides, "offspring"]

    def run(
        self,
        name: str,
        parameters: Mapping[str, Any] | None = None,
        *overrides: str,
        launcher: tuple[str, ...] = (sys.executable, "-m", "mpi4py"),
        **check: Any,
    ) -> Run:
        """Run one offspring and wait for it."""
        attempt = self.attempt(name, parameters or {}, check)
        return self.launch(attempt, [*launcher, *self.command(attempt, *overrides)])

    def launch(self, attempt: Path, command: list[str]) -> Run:
        """Run a command in the model's directory, with the settings of an attempt."""
        environment = {**os.environ, "ORCHESTRATOR_OFFSPRING": str(attempt / "offspring.json"), "OMP_NUM_THREADS": "1"}
        started = time.monotonic()
        done = subprocess.run(
            command, cwd=self.path, env=environment, capture_output=True, text=True, check=False, timeout=300
        )
        return Run(attempt, done.returncode, done.stderr, time.monotonic() - started)


@pytest.fixture(scope="session")
def make_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Model]:
    """Copies a model of tests/models to a directory of its own."""
    return lambda name, reference: Model(name, reference, tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="session")
def balanced(make_model: Callable[[str, str], Model]) -> Model:
    return make_model("balanced_network", "model:BalancedNetwork")


@pytest.fixture(scope="session")
def balanced_run(balanced: Model) -> Run:
    """Run the model as its user would, with run.py and the base parameters."""
    attempt = balanced.attempt("by_hand", {}, {})
    results = f"'{attempt}/simulation/'"
    run = balanced.launch(
        attempt, [sys.executable, "run.py", "nest", "1", "param/defaults", "results_dir", results, "by_hand"]
    )
    assert run.returncode == 0, run.stderr
    return run


@pytest.fixture(scope="session")
def visual(make_model: Callable[[str, str], Model]) -> Model:
    return make_model("visual_model", "model:VisualModel")


@pytest.fixture(scope="session")
def visual_run(visual: Model) -> Run:
    run = visual.run("full", duration=140.0, slices=2)
    assert run.returncode == 0, run.stderr
    return run


@pytest.fixture(scope="session")
def balanced_datastore(balanced_run: Run) -> Path:
    return balanced_run.datastore


@pytest.fixture(scope="session")
def visual_datastore(visual_run: Run) -> Path:
    return visual_run.datastore
