"""CompNeuroPy's example of OptNeuron, and a noisy spiking neuron, on the real ANNarchy."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from orchestrator_project import Project

from orchestrator.simulations import SimulationFailed
from orchestrator.simulations.annarchy.network import Network
from orchestrator.simulations.annarchy.options import AnnarchyOptions
from targets import Recordings

pytestmark = pytest.mark.simulators

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "annarchy_neuron"
SPIKING = """
import numpy as np
from ANNarchy import Neuron
from CompNeuroPy import CompNeuroExp, CompNeuroSim, current_step

parameters = '''
    I_app = 0.0
    gain = 0.5
    tau = 10.0
    noise = 0.0
'''
equations = "tau * dv/dt = -v + gain * I_app + noise * Normal(0, 1)"
searched = Neuron(parameters=parameters, equations=equations, spike="v > 1.0", reset="v = 0.0")
wanted = Neuron(parameters="I_app = 0.0", equations="10.0 * dv/dt = -v + 0.5 * I_app", spike="v > 1.0", reset="v = 0.0")


class Steps(CompNeuroExp):
    def run(self, population_name):
        arguments = {"pop": population_name, "t1": 5, "t2": 35, "a1": 0, "a2": 4}
        step = CompNeuroSim(current_step, arguments, kwargs_warning=False, monitor_object=self.monitors)
        self.monitors.start()
        step.run()
        self.reset()
        step.run({"a2": 8})
        self.data["name"] = population_name
        return self.results()


def get_loss(results_ist, results_soll):
    own, other = (f"{each.data['name']};v" for each in (results_ist, results_soll))
    chunks = zip(results_ist.recordings, results_soll.recordings, strict=True)
    return [float(np.abs(found[own][:, 0] - known[other][:, 0]).max()) for found, known in chunks]
"""


def by_hand(gain: float, tau: float, current: float) -> tuple[list[float], list[float]]:
    """The same by the forward Euler method in steps of 0.5 ms: potentials, and times of spikes in ms."""
    v, potentials, spikes = 0.0, [], []
    for step in range(80):
        v += 0.5 / tau * (-v + gain * (current if step >= 10 else 0.0))
        if v > 1.0:
            spikes.append(step * 0.5)
            v = 0.0
        potentials.append(v)
    return potentials, spikes


@pytest.fixture(scope="module")
def spiking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """The network of this process: there can be one only."""
    directory, before = tmp_path_factory.mktemp("spiking"), sys.path[:]
    (directory / "spiking_cell.py").write_text(SPIKING)
    section = {
        "experiment": "spiking_cell:Steps",
        "neuron_model": "spiking_cell:searched",
        "target_neuron_model": "spiking_cell:wanted",
        "get_loss": "spiking_cell:get_loss",
        "record": ["v", "spike"],
        "time_step": 0.5,
        "population": 3,
    }
    (directory / "compiled" / "annarchy_folders").mkdir(parents=True)
    options = AnnarchyOptions.model_validate(section)
    yield Network(options, directory, directory / "compiled")
    sys.path[:] = before


def test_each_neuron_is_a_cell_of_its_own(spiking: Network, tmp_path: Path) -> None:
    cells = [(0.5, 10.0), (1.0, 10.0), (0.5, 20.0), (0.1, 5.0)]
    left = spiking.left_by([{"gain": gain, "tau": tau, "noise": 0.0} for gain, tau in cells], None, tmp_path)
    for found, cell in zip(left, cells, strict=True):
        assert isinstance(found, Recordings)
        for chunk, current in enumerate((4.0, 8.0)):
            potentials, spikes = by_hand(*cell, current)
            assert found.traces["v"].rows[chunk] == pytest.approx(potentials, abs=1e-12)
            assert found.traces["v"].times.tolist() == np.arange(0, 40, 0.5).tolist()
            assert found.events["spike"].of(str(chunk)).tolist() == spikes
            known, _ = by_hand(0.5, 10.0, current)
            assert found[f"loss.{chunk}"] == pytest.approx(np.abs(np.subtract(potentials, known)).max(), abs=1e-12)
    # the neuron that is wanted has spiked
    assert len(by_hand(0.5, 10.0, 8.0)[1]) > 1


def test_noise_is_that_of_the_seed_whatever_came_before(spiking: Network, tmp_path: Path) -> None:
    def potentials(seed: int) -> Any:
        (left,) = spiking.left_by([{"gain": 0.0, "tau": 10.0, "noise": 0.1}], seed, tmp_path)
        assert isinstance(left, Recordings)
        return left.traces["v"].rows

    first = potentials(3)
    assert first.std() > 0.001
    assert not np.array_equal(potentials(4), first)
    assert np.array_equal(potentials(3), first)


def test_a_parameter_that_the_neuron_has_not_is_named(spiking: Network, tmp_path: Path) -> None:
    with pytest.raises(SimulationFailed, match=r"spiking_cell:searched has no 'tua'; did you mean 'tau'\?"):
        spiking.left_by([{"tua": 10.0}], None, tmp_path)


@pytest.fixture(scope="session")  # tests of other marks are in between
def run_here(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, pd.DataFrame]:
    """The example, which has run on this machine, and its evaluations."""
    model = tmp_path_factory.mktemp("example") / "model"
    project = Project(Path(shutil.copytree(EXAMPLE, model, ignore=shutil.ignore_patterns("__pycache__"))))
    content = {**yaml.safe_load(project.config.read_text()), "max_evaluations": 18, "report": False}
    project.config.write_text(yaml.safe_dump(content))
    # its environment need not be activated
    own = Path(sys.executable).parent
    path = os.pathsep.join(each for each in os.environ["PATH"].split(os.pathsep) if Path(each) != own)
    process = project.start("run", "config.yaml", PATH=path)
    said, error = process.communicate(timeout=400)
    assert process.returncode == 0, error
    assert "max_evaluations of 18 reached" in said
    return project, project.frame()


def test_the_example_runs_on_this_machine_compiled_once(run_here: tuple[Project, pd.DataFrame]) -> None:
    project, frame = run_here
    assert list(frame["outcome"]) == ["OK"] * 18
    assert_exact(frame)
    assert compiled(project) == 1


@pytest.mark.slurm
@pytest.mark.usefixtures("on_cluster")
def test_the_example_goes_on_in_a_job_of_a_cluster_with_what_was_compiled(
    run_here: tuple[Project, pd.DataFrame],
) -> None:
    project, before = run_here
    jobs = "jobs={poll_interval: 1, result_grace: 2, evaluations_per_job: 6}"
    changes = ("executor=slurm", jobs, "max_evaluations=24")
    project.command("run", "--continue", project.runs[0], *(word for each in changes for word in ("--set", each)))
    frame = project.frame().iloc[len(before) :]
    assert list(frame["outcome"]) == ["OK"] * 6
    assert len(set(frame["job_id"])) == 1
    assert_exact(frame)
    assert compiled(project) == 1


def assert_exact(frame: pd.DataFrame) -> None:
    """Compare what a network gave with the neuron's equation."""
    a, b = frame["parameter:a"].to_numpy(), frame["parameter:b"].to_numpy()
    for current, name in ((5, "step to 5"), (10, "step to 10")):
        exact = np.sqrt(((b - 2) ** 2 + (current * a + b - 2 - 0.8 * current) ** 2) / 2)
        assert frame[f"value:{name}"].to_numpy() == pytest.approx(exact, rel=1e-12)


def compiled(project: Project) -> int:
    """Return how often the network was compiled."""
    return len(list((project.runs[0] / "prepared").glob("*/*/annarchy_folders")))
