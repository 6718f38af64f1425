"""Every directory of examples/ is an optimisation that goes its way: checked on a node, run, and measured."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from shown import ROOT

from orchestrator.checkpoint import Checkpoint

EXAMPLES = ROOT / "examples"
# those that another test runs
ELSEWHERE = {
    "annarchy_neuron": "tests/annarchy/test_opt_neuron.py",
    "hnn_evoked_response": "tests/hnn/test_evoked_response.py",
}
SMALL = {"max_ngen": 2, "offspring_size": 3, "report": "false", "reevaluate": "none"}


def run(name: str, tmp_path: Path, **changes: str) -> Checkpoint:
    """Check and run an example, smaller, and return what it has found."""
    model = Path(shutil.copytree(EXAMPLES / name, tmp_path / name))
    options = [f"--set={key}={value}" for key, value in {**SMALL, **changes}.items()]
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    for command in (["check", "--on-node"], ["run"]):
        done = subprocess.run(
            [str(Path(sys.executable).parent / "orchestrator"), *command, "config.yaml", *options],
            cwd=model,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    (directory,) = model.glob("*_Optimization")
    return Checkpoint(directory)


def test_no_example_is_forgotten() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    text = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    for config in EXAMPLES.glob("*/config.yaml"):
        if (test := ELSEWHERE.get(config.parent.name)) is None:
            assert f'run("{config.parent.name}"' in source
        else:
            assert config.parent.name in (ROOT / test).read_text(encoding="utf-8")
        assert f"[{config.parent.name}]({config.parent.name}/config.yaml)" in text
        assert yaml.safe_load(config.read_text(encoding="utf-8"))["targets"]


@pytest.mark.run
def test_a_program_in_c(tmp_path: Path) -> None:
    checkpoint = run("c_program", tmp_path)
    found = checkpoint.evaluations()
    assert set(found["outcome"]) == {"OK"}
    assert found["value:ReturnedValue(rate)"].between(0, 400).all()
    # the neuron is driven in proportion to its input
    by_drive = found.assign(drive=found["parameter:weight"] * found["parameter:tau"]).sort_values("drive")
    assert by_drive["value:ReturnedValue(rate)"].iloc[-1] > by_drive["value:ReturnedValue(rate)"].iloc[0]
    prepared = list((checkpoint.path.parent / "prepared").glob("*/*/lif"))
    assert len(prepared) == 1


@pytest.mark.mozaik
def test_a_script_for_nest(tmp_path: Path) -> None:
    found = run("nest_script", tmp_path).evaluations()
    assert set(found["outcome"]) <= {"OK", "EXPLODED"}
    assert found["value:ReturnedValue(rate)"].between(0.1, 300).any()
    assert found["value:ReturnedValueAtLeast(cv)"].between(0, 2).any()


@pytest.mark.run
def test_a_function_for_brian_in_an_environment_of_its_own(tmp_path: Path, with_brian: Path) -> None:
    found = run("brian2_network", tmp_path, **{"simulation.python": str(with_brian)}).evaluations()
    assert set(found["outcome"]) <= {"OK", "EXPLODED"}
    assert found["value:ReturnedValue(rate)"].between(0.1, 200).any()


@pytest.mark.run
def test_a_single_cell_against_a_recording(tmp_path: Path) -> None:
    found = run("cell", tmp_path).evaluations()
    assert set(found["outcome"]) == {"OK"}
    counts = found[[f"value:SpikeCount(v)[{sweep}]" for sweep in range(3)]]
    assert counts.notna().all(axis=None)
    assert found["value:TraceRMSE(v)[0]"].gt(0).all()


@pytest.mark.run
def test_the_recording_of_the_single_cell_is_that_of_the_known_one(tmp_path: Path) -> None:
    model = Path(shutil.copytree(EXAMPLES / "cell", tmp_path / "cell"))
    program = "import recording, cell, numpy; recording.main()"
    kept = dict(np.load(model / "recording.npz"))
    (model / "recording.npz").unlink()
    subprocess.run([sys.executable, "-c", program], cwd=model, check=True)
    made = np.load(model / "recording.npz")
    assert kept.keys() == set(made.files)
    for name, each in kept.items():
        assert made[name] == pytest.approx(each, abs=1e-3), name


@pytest.fixture(scope="session")  # tests of other marks are in between
def neuron_cell(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of a neuron cell on this machine."""
    return run("neuron_cell", tmp_path_factory.mktemp("example")).path.parent


@pytest.mark.simulators
def test_a_neuron_cell_against_a_recording(neuron_cell: Path) -> None:
    checkpoint = Checkpoint(neuron_cell)
    found = checkpoint.evaluations()
    assert set(found["outcome"]) == {"OK"}
    assert found[[f"value:SpikeCount(v)[{sweep}]" for sweep in range(5)]].notna().all(axis=None)
    # one value that is searched goes to all sections
    assert found["parameter:tuft.e_pas"].tolist() == found["parameter:e_leak"].tolist()
    assert len(list((neuron_cell / "prepared").glob("*/*/*/mod_func.o"))) == 1


@pytest.mark.slurm
@pytest.mark.simulators
@pytest.mark.usefixtures("on_cluster")
def test_a_neuron_cell_goes_on_in_jobs_of_a_cluster_with_what_was_compiled(neuron_cell: Path) -> None:
    before = len(Checkpoint(neuron_cell).evaluations())
    jobs = "jobs={poll_interval: 1, result_grace: 2}"
    options = [f"--set={each}" for each in ("executor=slurm", jobs, f"max_ngen={int(SMALL['max_ngen']) + 1}")]
    program = str(Path(sys.executable).parent / "orchestrator")
    subprocess.run([program, "run", "--continue", neuron_cell, *options], check=True, timeout=400, capture_output=True)
    found = Checkpoint(neuron_cell).evaluations().iloc[before:]
    assert list(found["outcome"]) == ["OK"] * int(SMALL["offspring_size"])
    assert found["job_id"].str.fullmatch(r"\d+_\d+").all()
    assert len(list((neuron_cell / "prepared").glob("*/*/*/mod_func.o"))) == 1


@pytest.mark.simulators
def test_the_recording_of_the_neuron_cell_is_that_of_the_known_one(tmp_path: Path) -> None:
    model = Path(shutil.copytree(EXAMPLES / "neuron_cell", tmp_path / "cell"))
    kept = dict(np.load(model / "recording.npz"))
    (model / "recording.npz").unlink()
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    for command in (["nrnivmodl", "mod"], [sys.executable, "recording.py"]):
        subprocess.run(command, cwd=model, env=environment, capture_output=True, check=True)
    made = np.load(model / "recording.npz")
    assert kept.keys() == set(made.files)
    for name, each in kept.items():
        assert made[name] == pytest.approx(each, abs=0.5), name  # of another version of NEURON
