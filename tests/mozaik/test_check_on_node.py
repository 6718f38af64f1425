"""`orchestrator check --on-node` of a real model: what its experiments present, and where its neurons are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from bare_models import bare_model, make_small

pytestmark = pytest.mark.mozaik

CONFIG = "param_optim/config_optimisation.yaml"


def command(model: Path, *arguments: str, code: int = 0) -> str:
    program = [sys.executable, "-c", "from orchestrator.cli import main; main()"]
    done = subprocess.run([*program, *arguments], cwd=model, capture_output=True, text=True, check=False, timeout=400)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def test_a_node_finds_targets_that_could_never_have_a_value(tmp_path: Path) -> None:
    """A stimulus that only the running model shows to be missing, and neurons in a window of another unit."""
    model = make_small(bare_model("balanced_network", tmp_path))
    command(model, "prepare", ".")
    experiments = model / "experiments.py"
    opaque = "getattr(__import__('mozaik.experiments').experiments, 'NoStimulation')"
    experiments.write_text(experiments.read_text().replace("[NoStimulation(", f"[{opaque}("))
    config = yaml.safe_load((model / CONFIG).read_text())
    sheet = {"sheet_name": "Exc", "target_value": 0.5, "norm": 1}
    config["targets"] = [{**config["targets"][0]}, {"class": "SynchronyTarget", **sheet, "window": 1e-6}]
    config["executor"] = "local"
    (model / CONFIG).write_text(yaml.safe_dump(config))
    assert "sound, as far as could be found out here." in command(model, "check", CONFIG)

    said = command(model, "check", CONFIG, "--on-node", code=2)
    assert "targets[1].window: SynchronyTarget needs 2 neurons of Exc in the centred square of 1e-06 degrees, " in said
    assert "its positions are x from -" in said
    config["targets"][1] = {"class": "ModulationRatio", **sheet}
    (model / CONFIG).write_text(yaml.safe_dump(config))
    assert "sound, as far as could be found out here." in command(model, "check", CONFIG)
    said = command(model, "check", CONFIG, "--on-node", code=2)
    assert "targets[1].class: ModulationRatio needs FullfieldDriftingSinusoidalGrating; the model presents " in said
    assert not list(model.glob("orchestrator_check_*"))
