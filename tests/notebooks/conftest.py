"""Real runs of the test models that notebooks look at, and their execution."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]

BALANCED: dict[str, Any] = {
    "parameters": {
        "sheets.exc.ExcExcConnection.weights": {"bounds": [0.0002, 0.004], "scale": "log"},
        "sheets.inh.InhExcConnection.weights": {"bounds": [0.002, 0.06], "scale": "log"},
    },
    "targets": [
        {"class": "SpontActivityTarget", "sheet_name": "Exc", "target_value": [4, 8], "norm": 2},
        {"class": "IrregularityTarget", "sheet_name": "Exc", "target_value": 1, "norm": 0.1},
        {"class": "ConductanceRatio", "sheet_name": "Inh", "target_value": 4, "norm": 0.5},
    ],
    "offspring_size": 3,
    "max_ngen": 1,
    "timeout": "10m",
    "optimiser_sigma": 0.6,
    "optimiser_seed": 1,  # so far from the start values that a network explodes
    "simulation": {"model": "model:BalancedNetwork", "seeds": {"pynn_seed": 513, "mpi_seed": 1023}},
    "executor": "local",
    "local": {"workers": 2},
    "keep": {"directories": "all"},
    "explosion_check": {"duration": 100, "slices": 2},
}
RATE = "sheets.l4_cortex_exc.params.artificial_stimulators.background.params.exc_firing_rate"
VISUAL: dict[str, Any] = {
    "parameters": {RATE: [500, 1100]},
    "optimiser_centroid": {RATE: 900},
    "targets": [
        {"class": "SpontActivityTarget", "sheet_name": "V1_Exc_L4", "target_value": [1, 5], "norm": 2},
        {"class": "OrientationTuningPreferenceTarget", "sheet_name": "V1_Exc_L4", "target_value": 3, "norm": 1},
    ],
    "offspring_size": 6,  # far more than are simulated while a notebook runs
    "max_ngen": 1,
    "timeout": "20m",
    "simulation": {"model": "model:VisualModel", "seeds": {"pynn_seed": 513, "mpi_seed": 1023}},
    "executor": "local",
    "local": {"workers": 1},
    "keep": {"directories": "all"},
    "explosion_check": {"enabled": False},
}


@dataclass(frozen=True)
class Executed:
    """A notebook that was executed, and what its variables held then."""

    notebook: Any
    probed: dict[str, Any]

    @property
    def text(self) -> str:
        """Everything that it showed, except pictures."""
        outputs = [output for cell in self.notebook.cells for output in cell.get("outputs", [])]
        return "\n".join(str(o.get("text", "")) + str(o.get("data", {}).get("text/html", "")) for o in outputs)

    @property
    def pictures(self) -> int:
        """How many figures it drew."""
        outputs = [output for cell in self.notebook.cells for output in cell.get("outputs", [])]
        return sum("image/png" in output.get("data", {}) for output in outputs)


def execute(folder: Path, name: str, parameters: Mapping[str, Any], probes: Mapping[str, str]) -> Executed:
    """Run a notebook from top to bottom in `folder`, as papermill would; then evaluate expressions in it."""
    from nbclient import NotebookClient  # noqa: PLC0415  (the core has this module too, and executes nothing)

    notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
    (place,) = [n for n, cell in enumerate(notebook.cells) if "parameters" in cell.metadata.get("tags", [])]
    values = "\n".join(f"{key} = {value!r}" for key, value in parameters.items())
    notebook.cells.insert(place + 1, nbformat.v4.new_code_cell(values))
    expressions = ", ".join(f"{key!r}: {expression}" for key, expression in probes.items())
    probe = f"import json\nprint(json.dumps({{{expressions}}}))"
    notebook.cells.append(nbformat.v4.new_code_cell(probe))
    client = NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(folder)}})
    client.execute()
    last = notebook.cells.pop()
    return Executed(notebook, json.loads(last.outputs[0].text))


@pytest.fixture(scope="session")
def run_notebook(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Executed]]:
    """Executes a notebook in a directory that is empty; nothing of the user's Jupyter is read or written."""
    folder = tmp_path_factory.mktemp("notebooks")
    variables = {name: str(folder / name) for name in ("JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "IPYTHONDIR")}
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    here = folder / "here"
    here.mkdir()

    def run(name: str, probes: Mapping[str, str], **parameters: Any) -> Executed:
        executed = execute(here, name, parameters, probes)
        assert not list(here.iterdir()), "a notebook leaves nothing behind"
        return executed

    yield run
    for name, value in before.items():
        if value is None:
            del os.environ[name]
        else:
            os.environ[name] = value


def prepare(model: str, folder: Path, config: Mapping[str, Any], changes: Mapping[str, Mapping[str, str]]) -> Path:
    """Copy a test model, make it ready for an optimisation, and make its simulations short."""
    directory = folder / model
    shutil.copytree(ROOT / "tests" / "models" / model, directory, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "param_optim" / "run_optimization_experiment.py", directory / "param_optim")
    for file, replacements in changes.items():
        text = (directory / file).read_text()
        for old, new in replacements.items():
            assert text.count(old) == 1, f"{file}: {old}"
            text = text.replace(old, new)
        (directory / file).write_text(text)
    (directory / "param_optim" / "config.yaml").write_text(yaml.safe_dump(dict(config), sort_keys=False))
    return directory


def start(directory: Path) -> subprocess.Popen[str]:
    """Start an optimisation as a user would, in the model's directory."""
    command = [sys.executable, "-c", "from orchestrator.cli import main; main()", "run", "param_optim/config.yaml"]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=directory, stdout=pipe, stderr=subprocess.STDOUT, text=True)


@pytest.fixture(scope="session")
def balanced_optimisation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished optimisation of the balanced network, of one generation, that kept its simulations."""
    changes = {"param_optim/defaults": {"'spontaneous_duration': 1000.0": "'spontaneous_duration': 600.0"}}
    directory = prepare("balanced_network", tmp_path_factory.mktemp("optimisation"), BALANCED, changes)
    controller = start(directory)
    said, _ = controller.communicate(timeout=300)
    assert controller.returncode == 0, said
    (run,) = directory.glob("*_Optimization")
    return run


@dataclass(frozen=True)
class Interrupted:
    """An optimisation of the visual model that was ended when one offspring of its first generation was measured."""

    run: Path
    analysed: Executed
    """`optimization_analyze`, executed while the second offspring was simulated."""

    @property
    def datastore(self) -> Path:
        """Of the first offspring, which has the start values."""
        (path,) = (self.run / "generations/0/0/1/simulation").iterdir()
        return path


@pytest.fixture(scope="session")
def visual_optimisation(tmp_path_factory: pytest.TempPathFactory, run_notebook: Callable[..., Executed]) -> Interrupted:
    changes = {
        "experiments.py": {
            "num_orientations=2": "num_orientations=4",
            "contrasts=[10, 100]": "contrasts=[100]",
            "num_sizes=1": "num_sizes=2",
        },
        "param_optim/defaults": {
            "'spontaneous_duration': 1001.0": "'spontaneous_duration': 504.0",
            "'grating_duration': 1001.0": "'grating_duration': 203.0",  # two cycles in whole frames
            "'temporal_frequency': 2.0": "'temporal_frequency': 10.0",
            "'null_stimulus_period': 147.0": "'null_stimulus_period': 0.0",
        },
        "param_optim/retina_lgn": {"'density': 8,": "'density': 5,"},
        "param_optim/l23_cortex_exc": {"'density': 64.0": "'density': 36.0"},
    }
    directory = prepare("visual_model", tmp_path_factory.mktemp("optimisation"), VISUAL, changes)
    controller = start(directory)
    try:
        end = time.monotonic() + 240
        while not list(directory.glob("*_Optimization/generations/0/results/0.1.json")):
            assert controller.poll() is None, controller.communicate()[0]
            assert time.monotonic() < end, "waited too long for the first simulation"
            time.sleep(0.1)
        (run,) = directory.glob("*_Optimization")
        analysed = run_notebook(
            "optimization_analyze",
            {
                "evaluations": "len(history)",
                "flight": "in_flight.to_dict('records')",
                "controller": "status.controller.state",
                "empty": "scores_figure.empty",
            },
            run=str(run),
        )
        assert controller.poll() is None, "the run came to its end before the notebook"
    finally:
        if controller.poll() is None:
            controller.send_signal(signal.SIGINT)
        controller.communicate(timeout=120)
    return Interrupted(run, analysed)
