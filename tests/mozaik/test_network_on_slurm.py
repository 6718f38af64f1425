"""The main job as a user runs it: a real network on a real SLURM."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from orchestrator_project import wait_for
from virtual_cluster import VirtualCluster

from orchestrator.checkpoint import Checkpoint

pytestmark = [pytest.mark.slurm, pytest.mark.mozaik]

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def model(cluster: VirtualCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The balanced network, made ready for an optimisation by copying three files."""
    for name, value in cluster.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    directory = tmp_path / "balanced network"
    shutil.copytree(ROOT / "tests/models/balanced_network", directory, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "param_optim/run_optimization_experiment.py", directory / "param_optim")
    shutil.copy(ROOT / "slurm_templates/optimisation.sbatch", directory)
    return directory


def jobs(cluster: VirtualCluster, model: Path, generation: int, *states: str) -> list[str]:
    """Ids of a generation's jobs, read from SLURM."""
    run = "".join(letter if letter.isalnum() else "-" for path in model.glob("*_Optimization") for letter in path.name)
    rows = [row.split("|") for row in cluster.run("squeue", "-h", "-r", "-t", "all", "-o", "%i|%T|%j").splitlines()]
    return sorted(
        job
        for job, state, name in rows
        if run and name.startswith(f"{run}-g{generation}-") and (not states or state in states)
    )


def test_two_generations_with_an_explosion_and_a_job_held_in_the_queue(cluster: VirtualCluster, model: Path) -> None:
    options = {
        "executor": "slurm",
        "offspring_size": 4,
        "max_ngen": 2,
        "timeout": 75,
        # every job waits until it is released, so that the test decides which one never starts
        "jobs": "{poll_interval: 5, cpus_per_task: 1}",
        "slurm": "{extra: {hold: true}}",
    }
    settings = " ".join(f"--set '{key}={value}'" for key, value in options.items())
    command = f"cd '{model}' && sbatch --parsable optimisation.sbatch {settings}"
    controller = cluster.run("sh", "-c", command).strip()
    log = model / f"optimisation-{controller}.log"

    def wait_for_generation(number: int) -> list[str]:
        failed = lambda: log.exists() and "orchestrator:" in log.read_text()  # noqa: E731
        wait_for(lambda: len(jobs(cluster, model, number, "PENDING")) == 4 or failed(), 240)
        return jobs(cluster, model, number)

    held, *others = wait_for_generation(0)
    cluster.run("scontrol", "release", *others)
    second = wait_for_generation(1)
    assert held not in jobs(cluster, model, 0, "PENDING", "RUNNING", "COMPLETING")
    cluster.run("scontrol", "release", *second)
    ended = ("COMPLETED", "FAILED", "CANCELLED")
    wait_for(lambda: cluster.run("squeue", "-h", "-j", controller, "-t", "all", "-o", "%T").strip() in ended, 240)
    text = log.read_text()
    assert "Done: max_ngen of 2 generations reached" in text, text

    (run,) = model.glob("*_Optimization")
    checkpoint = Checkpoint(run)
    frame, details = checkpoint.evaluations(), checkpoint.details()
    assert len(frame) == 8
    outcomes = list(frame["outcome"])
    assert outcomes[0] == "TIMEOUT"
    assert outcomes.count("TIMEOUT") == 1
    assert "EXPLODED" in outcomes
    assert outcomes.count("OK") >= 2
    assert set(outcomes) == {"TIMEOUT", "EXPLODED", "OK"}
    values = [column for column in frame.columns if column.startswith("value:")]
    assert len(values) == 4
    good, exploded = frame["outcome"] == "OK", frame["outcome"] == "EXPLODED"
    assert frame.loc[good, values].notna().all().all()
    assert frame.loc[~good, values].isna().all().all()
    assert (frame.loc[exploded, "total_score"] == 80).all()
    # it never began, which says nothing of its parameters
    assert frame.loc[frame["outcome"] == "TIMEOUT", "total_score"].isna().all()
    assert frame.loc[good, "total_score"].min() < 47
    assert (details.loc[good, ["build", "check", "protocols", "measuring"]] > 0).all().all()
    assert (details.loc[good, "peak_memory"] > 10**8).all()
    assert details.loc[exploded, "message"].str.contains("Hz in slice").all()
    assert details.loc[exploded, "protocols"].isna().all()
    # nothing of the simulations is left, in the run or in the queue
    assert not any((run / "generations").iterdir())
    assert not jobs(cluster, model, 0, "PENDING", "RUNNING", "COMPLETING")
    assert not jobs(cluster, model, 1, "PENDING", "RUNNING", "COMPLETING")


def test_a_run_script_that_crashes_at_import_is_one_message_and_leaves_nothing(model: Path) -> None:
    script = model / "param_optim" / "run_optimization_experiment.py"
    script.write_text("import no_such_module\n")
    command = [sys.executable, "-c", "from orchestrator.cli import main; main()", "run"]
    wrong = _run([*command, "param_optim/config_optimisation.yaml"], model)
    node = socket.gethostname()
    message = f"orchestrator: no simulation can be started on {node}: the simulation ended with exit code 1: "
    assert wrong == (1, f"{message}ModuleNotFoundError: No module named 'no_such_module' ({script}, line 1)\n")
    assert not list(model.glob("*_Optimization"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            "parameters.sheets.exc.ExcExcConnection.wieghts=[0, 1]",
            "did you mean 'sheets.exc.ExcExcConnection.weights'?",
        ),
        ("parameters.sheets.exc=[0, 1]", "'sheets.exc' is a group of parameters"),
        ("targets.0.sheet_name=Ecx", "targets[0].sheet_name: the model has no sheet 'Ecx'; did you mean 'Exc'?"),
        ("explosion_check.sheet_name=V1", "explosion_check.sheet_name: the model has no sheet 'V1'"),
        ("simulation.seeds={model_seed: 1}", "simulation.seeds.model_seed: the model has no parameter 'model_seed'"),
        ("simulation.parameters_url=param_optim/default", "simulation.parameters_url: "),
        ("simulation.run_script=run_it.py", "simulation.run_script: there is no file"),
        ("simulation.model='modle:Net'", "simulation.model: there is no module 'modle'"),
        ("model_dir=nowhere", "model_dir: there is no directory"),
    ],
)
def test_what_does_not_fit_the_model_is_refused(model: Path, change: str, message: str) -> None:
    command = [sys.executable, "-c", "from orchestrator.cli import main; main()", "run"]
    code, said = _run([*command, "param_optim/config_optimisation.yaml", "--set", change], model)
    assert code == 2
    assert message in said
    assert "Traceback" not in said
    assert not list(model.glob("*_Optimization"))


def _run(command: list[str], directory: Path) -> tuple[int, str]:
    """Return exit code and standard error of a command."""
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False, timeout=120)
    return done.returncode, done.stderr
