"""Directories in which the pages' commands are executed."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from bare_models import bare_model, make_small
from best_runs import model_run
from orchestrator_project import MODEL, Project
from shown import ROOT, build_site
from stores import GRATING, SPONTANEOUS, Store, plain_store, poisson_trains

from orchestrator.checking.model_identity import keep_model
from orchestrator.config.file import load_config

BACKGROUND = "sheets.exc.params.artificial_stimulators.background.params"
VALUES = {
    "sheets.exc.ExcExcConnection.weights": 0.0011,
    "sheets.inh.InhExcConnection.weights": 0.021,
    f"{BACKGROUND}.exc_weight": 0.00052,
}
# the predecessor's, for a page that takes one over
PREDECESSOR = {
    "parameters": {name: [value / 2, value * 2] for name, value in VALUES.items()},
    "optimiser_centroid": dict(VALUES),
    "targets": [{"class": "SpontActivityTarget", "sheet_name": "Exc", "target_value": [4, 8], "norm": 2}],
}
# and its experiments, for a page that takes these over
REDUCED = """\
import model
from mozaik.controller import run_workflow
from mozaik.experiments import NoStimulation


def create_experiments_optimization(model):
    return [NoStimulation(model, duration=210.0)]


data_store, network = run_workflow("Reduced", model.{}, create_experiments_optimization)
"""


def visual_store(directory: Path) -> None:
    """Write a datastore with spontaneous activity, and gratings of four orientations."""
    rng, ids = np.random.default_rng(1), range(40)
    store = Store(directory).sheet("V1_Exc_L4", ids, rng.uniform(-2, 2, (3, 40)), rng.uniform(0, np.pi, 40))
    gratings = [{**GRATING, "orientation": n * np.pi / 4} for n in range(4)]
    for stimulus in (SPONTANEOUS, *gratings):
        store.segment("V1_Exc_L4", stimulus, poisson_trains(ids, 10, 1000, rng))
    store.write()


@pytest.fixture(scope="session")
def finished_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mozaik model with two runs, whose history was written rather than simulated, and some datastores."""
    run = model_run(tmp_path_factory.mktemp("finished"), "balanced_network", VALUES)
    # to be simulated again
    model = make_small(run.directory.parent, "param_optim")
    keep_model(load_config(run.config), run)
    shutil.copytree(run.directory, model / "20261121-091500_Optimization")
    shutil.copy(ROOT / "param_optim/run_optimization_experiment.py", model / "param_optim")
    shutil.copy(model / "param_optim/config_optimisation.yaml", model / "other.yaml")
    for name in ("results/MyModel_run_____", "results/BalancedNetwork_test_____", "kept/0/MyModel_offspring_____"):
        plain_store(model / name)
    visual_store(model / "results/Model_run_____")
    return model


@pytest.fixture
def copy_of_finished(finished_model: Path, tmp_path: Path) -> Path:
    """A copy of it, of which a page may do what it likes."""
    return Path(shutil.copytree(finished_model, tmp_path / finished_model.name))


@pytest.fixture(scope="session")
def function_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that is a Python function, with a run of one generation that was carried out."""
    project = Project.create(
        tmp_path_factory.mktemp("function") / "model",
        {"offspring_size": 3, "max_ngen": 1},
        MODEL,
        "param_optim/config_optimisation.yaml",
    )
    project.command("run", "param_optim/config_optimisation.yaml")
    return project.directory


@pytest.fixture
def copy_of_function(function_model: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(function_model, tmp_path / "model"))


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages as a site, built without a network and without a warning."""
    return build_site(tmp_path_factory.mktemp("docs") / "site")


@pytest.fixture
def bare(tmp_path: Path) -> Callable[[str], Path]:
    """Copies a small test model without anything of an optimisation, but with the predecessor's configuration."""

    def make(name: str) -> Path:
        model = make_small(bare_model(name, tmp_path))
        (model / "config_optimisation").write_text(json.dumps(PREDECESSOR), encoding="utf-8")
        own = REDUCED.format("".join(word.title() for word in name.split("_")))
        (model / "run_optimization_experiment.py").write_text(own, encoding="utf-8")
        return model

    return make


@pytest.fixture(scope="session")
def with_brian(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python of an environment of its own, with Brian 2 and without this program."""
    place = tmp_path_factory.mktemp("brian") / "environment"
    subprocess.run([sys.executable, "-m", "venv", place], check=True)
    pip = [place / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    # Brian 2.9 uses what numpy 2 has left out
    subprocess.run([*pip, "brian2", "numpy<2"], check=True, timeout=500)
    return place / "bin/python"
