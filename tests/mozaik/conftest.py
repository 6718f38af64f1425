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

from orchestrator.config.sections import ExplosionCheck

ROOT = Path(__file__).resolve().parents[2]


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
            "explosion_check": ExplosionCheck(**check).model_dump(mode="json"),
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
def exploded_datastore(balanced: Model) -> Path:
    """Spontaneous activity of a network that exploded, all of it, for nothing checked."""
    background = "sheets.exc.params.artificial_stimulators.background.params"
    parameters = {
        "sheets.exc.ExcExcConnection.weights": 0.004,
        "sheets.exc.ExcInhConnection.weights": 0.0005,
        "sheets.inh.InhExcConnection.weights": 0.002,
        f"{background}.exc_weight": 0.002,
        "spontaneous_duration": 500.0,
    }
    return finished(balanced.run("exploded", parameters, enabled=False))


@pytest.fixture(scope="session")
def partial_datastore(balanced: Model) -> Path:
    """The spikes of 300 of the 1,600 neurons of Exc, any, and of 64 of the 400 of Inh, those next to a grid."""
    selectors = "mozaik.sheets.population_selector"
    exc, inh = (f"sheets.{sheet}.params.recorders.spikes" for sheet in ("exc", "inh"))
    grid = {"size": 3200.0, "spacing": 400.0, "offset_x": 0.0, "offset_y": 0.0}  # micrometres
    parameters = {
        f"{exc}.component": f"{selectors}.RCRandomN",
        f"{exc}.params.num_of_cells": 300,
        f"{inh}.component": f"{selectors}.RCGrid",
        **{f"{inh}.params.{name}": value for name, value in grid.items()},
        "spontaneous_duration": 700.0,
    }
    return finished(balanced.run("partial", parameters, enabled=False))


@pytest.fixture(scope="session")
def shuffled_datastore(visual: Model) -> Path:
    """Three short trials of every stimulus, in any order; of V1_Exc_L2/3, 135 of the 225 neurons, any.

    The sheets are smaller, nothing is shown in between and the background is stronger than in the model: most of the
    time goes into spike trains and presentations, and short trials need spikes.
    """
    l4, l23 = (f"sheets.{layer}_cortex_exc.params" for layer in ("l4", "l23"))
    rate = "artificial_stimulators.background.params.exc_firing_rate"
    parameters = {
        "protocol.num_trials": 3,
        "protocol.shuffle": True,
        "protocol.spontaneous_duration": 504.0,
        "protocol.grating_duration": 203.0,  # two cycles in whole frames
        "protocol.temporal_frequency": 10.0,
        "null_stimulus_period": 0.0,
        f"{l4}.density": 36.0,
        f"{l23}.density": 36.0,
        f"{l4}.{rate}": 900.0,
        f"{l23}.{rate}": 700.0,
        f"{l23}.recorders.spikes.component": "mozaik.sheets.population_selector.RCRandomPercentage",
        f"{l23}.recorders.spikes.params.percentage": 60.0,
    }
    return finished(visual.run("shuffled", parameters, enabled=False))


def finished(run: Run) -> Path:
    """Datastore of a run, checked to have come to its end."""
    assert run.returncode == 0, run.stderr
    assert run.progress[-1]["phase"] == "finished"
    return run.datastore


@pytest.fixture(scope="session")
def balanced_datastore(balanced_run: Run) -> Path:
    return balanced_run.datastore


@pytest.fixture(scope="session")
def visual_datastore(visual_run: Run) -> Path:
    return visual_run.datastore
