"""The program installed beside a model, which changes none of its packages, and apart from it."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from environments import Environment, outside
from install_mozaik import build
from mozaik_patches import IMAGEN
from orchestrator_project import Project

from orchestrator.checkpoint import Checkpoint

pytestmark = [pytest.mark.run, pytest.mark.timeout(1800)]  # a minute each, on a quiet core

ROOT = Path(__file__).resolve().parents[2]
# what mozaik stands on, as far as numpy's version matters to it; imagen is built
OF_MOZAIK = ("numpy==1.26.4", "neo", "param<2", "parameters", "PyNN")
MODEL = """
import numpy

def simulate(parameters, directory):
    return {"rate": float(numpy.float64(10 * parameters["x"])), "cv": parameters["y"] ** 2}
"""
SMALL = {"max_ngen": 1, "offspring_size": 3, "report": True}


def shown(beginning: str) -> str:
    """Return the block of the README that begins so."""
    found = re.search(rf"```sh\n({re.escape(beginning)}.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert found is not None
    return found[1]


def install(block: str, **variables: str) -> None:
    """Do what a block says, in the repository."""
    done = subprocess.run(
        ["bash", "-e", "-c", block],
        cwd=ROOT,
        env={**outside(), **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def optimise_in(environment: Environment, directory: Path) -> None:
    """Make sure that an optimisation with this environment's program goes its way."""
    project = Project.create(directory, SMALL, MODEL)
    for command in ("check", "run"):
        done = subprocess.run(
            [environment.place / "bin/orchestrator", command, "config.yaml"],
            cwd=directory,
            env=outside(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
    (run,) = project.runs
    assert set(Checkpoint(run).evaluations()["outcome"]) == {"OK"}
    assert (run / "report.html").stat().st_size > 10_000


def test_installed_into_an_environment_of_its_own_it_works_with_the_newest_packages(tmp_path: Path) -> None:
    install(shown("python3 -m venv ~/orchestrator"), HOME=str(tmp_path))
    environment = Environment(tmp_path / "orchestrator")
    environment.pip("check")
    assert environment.packages["numpy"].startswith("2.")
    optimise_in(environment, tmp_path / "model")


def imagen(scratch: Path) -> Path:
    """Build imagen as it was before numpy 2, of which its release knows as little: a wheel."""
    of_numpy_2 = [patch for patch in IMAGEN.patches if re.search("alltrue|Infinity", patch.old)]
    assert of_numpy_2
    scratch.mkdir()
    return build(IMAGEN._replace(patches=tuple(each for each in IMAGEN.patches if each not in of_numpy_2)), scratch)


def test_installed_beside_mozaik_it_changes_no_package_and_works(wheel: Path, tmp_path: Path) -> None:
    """The newest pandas raised numpy from 1.26 to 2, and imagen, which mozaik needs, died."""
    environment = Environment.create(tmp_path / "environment", *OF_MOZAIK)
    environment.pip("install", "--no-deps", str(imagen(tmp_path / "imagen")))  # its numbergen replaces that of param
    before = environment.packages
    assert {"imagen", "numpy"} <= before.keys()
    assert before.keys().isdisjoint(would_be_installed(environment, wheel))
    install(shown("pip install --constraint"), PATH=f"{environment.place}/bin:{os.environ['PATH']}")
    after = environment.packages
    assert {name: after.get(name) for name in before} == before
    assert "mozaik-orchestrator" in after
    environment.pip("check")
    draws = "import imagen; assert imagen.Gaussian()().max() > 0.5"
    subprocess.run([environment.python, "-c", draws], env=outside(), check=True, timeout=60)
    optimise_in(environment, tmp_path / "model")


def test_it_would_not_change_a_newer_numpy_either(wheel: Path, tmp_path: Path) -> None:
    environment = Environment.create(tmp_path / "environment", "numpy>=2,<2.3")
    assert "pandas" in (installed := would_be_installed(environment, wheel))
    assert "numpy" not in installed


def would_be_installed(environment: Environment, wheel: Path) -> set[str]:
    """Return the packages that a plain ``pip install`` would install or change."""
    report = environment.pip("install", "--quiet", "--dry-run", "--report", "-", str(wheel))
    return {each["metadata"]["name"] for each in json.loads(report)["install"]}


@pytest.fixture(scope="module")
def of_model(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment of a model, in which nothing of this program is importable."""
    environment = Environment.create(tmp_path_factory.mktemp("model") / "environment", "numpy==1.26.4")
    assert environment.packages.keys() <= {"numpy", "pip", "setuptools"}
    return environment


# as a program, and as a function
APART = """
import importlib.util
import json
import sys
import numpy

def simulate(parameters, directory):
    from pathlib import Path
    assert numpy.__version__ == "1.26.4"
    for name in ("pydantic", "cma", "pandas", "submitit"):
        assert importlib.util.find_spec(name) is None, name
    return {"rate": 10 * parameters["x"], "cv": parameters["y"] ** 2}

if __name__ == "__main__":
    for name in ("orchestrator", "targets"):
        assert importlib.util.find_spec(name) is None, name
    found = simulate(dict(zip("xy", map(float, sys.argv[1:]), strict=True)), None)
    with open("returned.json", "w") as file:
        json.dump(found, file)
"""
SIMULATIONS: dict[str, dict[str, Any]] = {
    "function": {"type": "function", "function": "model:simulate", "python": "PYTHON"},
    "function by setup": {
        "type": "function",
        "function": "model:simulate",
        "setup": ["source ENVIRONMENT/bin/activate"],
        "python": "python",
    },
    "command": {
        "type": "command",
        "command": "python {model_dir}/model.py {x} {y}",
        "setup": ["source ENVIRONMENT/bin/activate"],
    },
}


@pytest.mark.parametrize("simulation", SIMULATIONS.values(), ids=SIMULATIONS)
def test_installed_apart_it_needs_nothing_in_the_environment_of_the_model(
    simulation: dict[str, Any], of_model: Environment, tmp_path: Path
) -> None:
    places = {"PYTHON": str(of_model.python), "ENVIRONMENT": str(of_model.place)}
    section = {key: _with(places, value) for key, value in simulation.items()}
    # what makes this program importable here is none of the model's
    section["setup"] = ["unset PYTHONPATH", *section.get("setup", ())]
    project = Project.create(tmp_path, {**SMALL, "report": False, "simulation": section}, APART)
    said = project.command("check", "config.yaml")
    assert "does not find" not in said
    assert "works on" in project.command("check", "config.yaml", "--on-node")
    project.command("run", "config.yaml")
    assert set(project.frame()["outcome"]) == {"OK"}


def _with(places: dict[str, str], value: Any) -> Any:
    if isinstance(value, list):
        return [_with(places, each) for each in value]
    for name, place in places.items():
        value = value.replace(name, place)
    return value


def test_check_names_what_the_environment_of_the_model_has_not(of_model: Environment, tmp_path: Path) -> None:
    section = {**SIMULATIONS["function"], "python": str(of_model.python), "setup": ["unset PYTHONPATH"]}
    project = Project.create(tmp_path, {"simulation": section}, f"import neuron\n{APART}")
    said = project.command("check", "config.yaml", code=2)
    assert "does not find neuron: install that in its environment" in " ".join(said.split())
