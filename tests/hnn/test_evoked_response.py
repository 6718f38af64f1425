"""The example of an evoked response, smaller and coarser, on the real hnn-core."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from orchestrator_project import Project, same, wait_for
from slurm_project import SLURM

from orchestrator.config.file import load_config
from orchestrator.paths import AttemptPaths
from orchestrator.simulations import create_simulation
from orchestrator.simulations.options import SimulationContext
from orchestrator.simulations.registry import simulation_options
from targets import Recordings

pytestmark = pytest.mark.simulators

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "hnn_evoked_response"
SMALL: dict[str, Any] = {"network_arguments": {"mesh_shape": [3, 3]}, "dt": 0.1}
CELLS = ("L2_basket", "L2_pyramidal", "L5_basket", "L5_pyramidal")
MIDDLE = {f"evprox2_{sort}_{cell}": 0.505 for sort in ("ampa", "nmda") for cell in CELLS}
MIDDLE |= {"evprox2_mu": 110.0, "evprox2_sigma": 16.0}
# the last time of the data in ms
TSTOP = 173.33333333333334


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """The example with nine pyramidal cells in a layer, three evaluations in a generation, and two generations."""
    shutil.copytree(EXAMPLE, tmp_path / "model", ignore=shutil.ignore_patterns("__pycache__"))
    made = Project(tmp_path / "model")
    configured(made)
    return made


def configured(project: Project, **changes: Any) -> None:
    content = yaml.safe_load((EXAMPLE / "config.yaml").read_text())
    section = {**content["simulation"], **SMALL, **changes.pop("simulation", {})}
    small = {"offspring_size": 3, "max_ngen": 2, "local": {"workers": 2}, "report": False, **changes}
    chosen = {**content, **small, "simulation": section}
    project.config.write_text(yaml.safe_dump({key: each for key, each in chosen.items() if each is not None}))


@pytest.fixture
def set_params() -> Callable[[Any, dict[str, float]], None]:
    spec = importlib.util.spec_from_file_location("evoked", EXAMPLE / "evoked.py")
    module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
    spec.loader.exec_module(module)  # type: ignore[union-attr]
    return module.set_params  # type: ignore[no-any-return]


def by_hnn_core(set_params: Any, trials: int) -> tuple[list[Any], Any]:
    """What hnn-core itself makes of it: dipoles, each scaled and then smoothed, and the network."""
    from hnn_core import JoblibBackend, jones_2009_model, simulate_dipole  # noqa: PLC0415

    net = jones_2009_model(mesh_shape=(3, 3))
    set_params(net, MIDDLE)
    with JoblibBackend(n_jobs=1):
        dipoles = simulate_dipole(net, TSTOP, dt=0.1, n_trials=trials, verbose=False)
    return [each.scale(3000).smooth(30) for each in dipoles], net


def by_a_job(
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    context: SimulationContext = SimulationContext(),  # noqa: B008  (it does not change)
    **changes: Any,
) -> Recordings:
    """What a job of this program leaves of it."""
    monkeypatch.chdir(project.directory)
    monkeypatch.setattr(sys, "path", sys.path[:])
    section = {**yaml.safe_load(project.config.read_text())["simulation"], **changes}
    made = create_simulation(simulation_options(section, project.directory), project.directory, context)
    files = AttemptPaths(project.directory / "0/1", project.directory / "0.1.json")
    files.directory.mkdir(parents=True)
    made.simulate(MIDDLE, files)
    found = made.recordings(files)
    assert isinstance(found, Recordings)
    return found


def test_dipoles_and_spikes_of_trials_are_those_of_hnn_core(
    project: Project, set_params: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    dipoles, net = by_hnn_core(set_params, trials=2)
    found = by_a_job(project, monkeypatch, trials=2)
    for layer in ("agg", "L2", "L5"):
        trace = found.traces[f"dipole.{layer}"]
        assert np.array_equal(trace.times, dipoles[0].times)
        assert np.array_equal(trace.rows, [each.data[layer] for each in dipoles])
    spikes = found.trials[1].events["spikes"]
    assert np.array_equal(spikes.times, np.sort(net.cell_response.spike_times[1]))
    labels = sorted(net.cell_response.spike_types[1])
    assert sorted(spikes.labels.tolist()) == labels
    assert {"evprox1", "evdist1", "evprox2", "L5_pyramidal"} <= set(labels)
    # trials differ in the times of their drives' events
    assert not np.array_equal(found.trials[0].events["spikes"].of("evprox2"), spikes.of("evprox2"))


def test_a_trial_alone_is_that_of_hnn_core(project: Project, set_params: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    dipoles, net = by_hnn_core(set_params, trials=2)
    found = by_a_job(project, monkeypatch, SimulationContext(trial=1), trials=1)
    assert np.array_equal(found.traces["dipole.agg"].values, dipoles[1].data["agg"])
    assert np.array_equal(found.events["spikes"].times, np.sort(net.cell_response.spike_times[1]))


def test_the_error_is_that_of_hnn_core(project: Project, set_params: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from hnn_core import read_dipole  # noqa: PLC0415
    from hnn_core.dipole import _rmse, average_dipoles  # noqa: PLC0415

    dipoles, _ = by_hnn_core(set_params, trials=2)
    measured = read_dipole(str(EXAMPLE / "S1_SupraT.txt"))
    found = by_a_job(project, monkeypatch, trials=2)
    (target,) = load_config(project.config).create_targets()
    value = target.value(target.outputs(found))
    assert value == pytest.approx(_rmse(average_dipoles(dipoles), measured, tstop=TSTOP), rel=1e-12)


def test_mpi_processes_leave_the_same(project: Project, set_params: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    library = Path(sys.prefix) / "lib" / "libmpi.so.12"  # of the package mpich
    monkeypatch.setenv("MPI_LIB_NRN_PATH", str(library))
    dipoles, _ = by_hnn_core(set_params, trials=1)
    found = by_a_job(project, monkeypatch, n_procs=2)
    # added in another order
    np.testing.assert_allclose(found.traces["dipole.agg"].rows[0], dipoles[0].data["agg"], rtol=0, atol=1e-9)


def test_check_asks_the_real_network(project: Project) -> None:
    configured(project, parameters={**yaml.safe_load(project.config.read_text())["parameters"], "evprox2_sd": [1, 2]})
    said = project.command("check", "config.yaml")
    assert "parameters.evprox2_sd: evoked:set_params does not read evprox2_sd with the start values" in said
    parameters = yaml.safe_load(project.config.read_text())["parameters"]
    del parameters["evprox2_mu"]
    configured(project, parameters=parameters)
    said = project.command("check", "config.yaml", code=2)
    assert "parameters: evoked:set_params reads 'evprox2_mu', which is neither here nor in simulation.seeds" in said
    assert "1 problem in config.yaml" in said


def test_a_run_on_this_machine_finds_a_network_that_hnn_core_reads(project: Project) -> None:
    from hnn_core.hnn_io import read_network_configuration  # noqa: PLC0415

    said = project.command("run", "config.yaml")
    assert "Done: max_ngen of 2 generations reached" in said
    frame = project.frame()
    assert list(frame["outcome"]) == ["OK"] * 6
    (value,) = [name for name in frame.columns if name.startswith("value:")]
    start = frame.iloc[0]
    assert start["origin"] == "start"
    assert start[value] == pytest.approx(57.8, abs=0.5)
    project.command("best", str(project.runs[0]), "--apply", "best.json")
    net = read_network_configuration(project.directory / "best.json")
    best = frame.loc[frame["total_score"].idxmin()]
    assert net.external_drives["evprox2"]["dynamics"]["mu"] == best["parameter:evprox2_mu"]
    assert net.external_drives["evprox2"]["weights_nmda"]["L5_basket"] == best["parameter:evprox2_nmda_L5_basket"]


@pytest.mark.slurm
@pytest.mark.usefixtures("on_cluster")
def test_a_killed_run_on_a_cluster_is_continued(project: Project) -> None:
    """Which repeats no simulation, and gives what an undisturbed run on this machine gives."""
    project.command("run", "config.yaml")
    undisturbed = project.frame()
    configured(project, **SLURM, report=True)
    controller = project.start("run", "config.yaml")
    run = lambda: project.runs[-1] if len(project.runs) == 2 else None  # noqa: E731
    wait_for(lambda: run() and list((run() / "generations").glob("0/results/*.json")), 180)
    controller.kill()
    controller.communicate(timeout=20)
    assert len(project.runs) == 2
    project.command("run", "--continue", str(project.runs[-1]))
    assert same(project.frame(), undisturbed)
    assert (project.frame()["attempts"] == 1).all()
    assert "evoked response" in (project.runs[-1] / "report.html").read_text()
