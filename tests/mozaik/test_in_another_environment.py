"""A mozaik model is simulated by a Python of its own, in which nothing of this program is importable."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from importlib.metadata import distribution
from pathlib import Path

import numpy as np
import pytest
import yaml
from bare_models import bare_model, make_small

from orchestrator.checkpoint import Checkpoint

pytestmark = pytest.mark.mozaik

CONFIG = "param_optim/config_optimisation.yaml"
# distributions that are left out, and lines of a model that would notice them
LEFT_OUT = ("mozaik-orchestrator", "cma", "pydantic", "pydantic-core", "submitit", "typer", "watchfiles")
REFUSAL = """\
import importlib.util
for _name in ("orchestrator", "targets", "cma", "pydantic", "submitit", "typer", "watchfiles"):
    assert importlib.util.find_spec(_name) is None, _name
"""


@pytest.fixture(scope="module")
def of_mozaik(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with all that is installed here, except this program and what it needs."""
    place = tmp_path_factory.mktemp("mozaik") / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place], check=True)
    (packages,) = place.glob("lib/*/site-packages")
    left_out = {file.parts[0] for name in LEFT_OUT for file in distribution(name).files or ()}
    for entry in Path(sysconfig.get_paths()["purelib"]).iterdir():
        if entry.name not in left_out:
            (packages / entry.name).symlink_to(entry)
    for library in Path(sys.prefix, "lib").glob("[!p]*"):  # of MPI
        (place / "lib" / library.name).symlink_to(library)
    return place / "bin/python"


def test_a_model_is_simulated_where_nothing_of_this_program_is_importable(of_mozaik: Path, tmp_path: Path) -> None:
    model = make_small(bare_model("balanced_network", tmp_path))
    command(model, "prepare", ".")
    module = model / "model.py"
    module.write_text(REFUSAL + module.read_text())
    config = yaml.safe_load((model / CONFIG).read_text())
    config["simulation"] |= {"python": str(of_mozaik), "setup": ["unset PYTHONPATH"]}
    config |= {"executor": "local", "max_ngen": 1, "offspring_size": 3, "report": False, "reevaluate": "none"}
    config["optimiser_sigma"] = 0.05  # close to the model's own values, none of which explodes
    config["explosion_check"] = {"duration": 70, "slices": 2}
    (model / CONFIG).write_text(yaml.safe_dump(config))

    assert "Not found out" not in command(model, "check", CONFIG)
    command(model, "run", CONFIG)
    (run,) = model.glob("*_Optimization")
    checkpoint = Checkpoint(run)
    frame = checkpoint.evaluations()
    assert list(frame["outcome"]) == ["OK"] * 3, list(checkpoint.details()["message"])
    values = frame.filter(like="value:")
    assert values.shape == (3, len(config["targets"]))
    assert np.isfinite(values).all(axis=None)

    module.write_text(f"import no_such_simulator\n{module.read_text()}")
    said = command(model, "check", CONFIG, code=2)
    assert "does not find no_such_simulator" in " ".join(said.split())


def command(model: Path, *arguments: str, code: int = 0) -> str:
    program = [sys.executable, "-c", "from orchestrator.cli import main; main()"]
    done = subprocess.run([*program, *arguments], cwd=model, capture_output=True, text=True, check=False, timeout=400)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout
