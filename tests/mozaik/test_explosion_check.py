"""The run script's explosion check on a real network."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.mozaik

BACKGROUND = "sheets.exc.params.artificial_stimulators.background.params.exc_weight"
HEALTHY = {"spontaneous_duration": 300.0}
EXPLODING = {
    "sheets.exc.ExcExcConnection.weights": 0.004,
    "sheets.exc.ExcInhConnection.weights": 0.0005,
    "sheets.inh.InhExcConnection.weights": 0.002,
    BACKGROUND: 0.002,
}

# NEST from PyPI knows no MPI and ends at once where a launcher's variables say otherwise. With mpi4py initialised and
# the variables gone, each rank simulates a network of its own while mozaik and the run script see all of them.
RANKS = """
import os, runpy, sys
from mpi4py import MPI
for name in list(os.environ):
    if name.startswith(("PMI", "MPI_", "HYDI_", "OMPI_")):
        del os.environ[name]
sys.argv = sys.argv[1:]
if MPI.COMM_WORLD.rank == 1:
    sys.argv[3] += "_of_rank_1"
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture(scope="module")
def model(make_model: Callable[[str, str], Any]) -> Any:
    return make_model("balanced_network", "model:BalancedNetwork")


@pytest.fixture(scope="module")
def healthy(model: Any) -> Any:
    return model.run("healthy", HEALTHY, settle=0.0, duration=200.0, slices=4)


@pytest.fixture(scope="module")
def exploded(model: Any) -> Any:
    return model.run("exploded", {**EXPLODING, "spontaneous_duration": 2000.0})


def two_ranks(model: Any, name: str, own: dict[str, float], other: dict[str, float], **check: Any) -> Any:
    """Run with parameters `own` on rank 0 and `other` on rank 1."""
    script = model.path / "two_ranks.py"
    script.write_text(RANKS)
    attempt = model.attempt(name, own, check)
    overlay = model.attempt(f"{name}_rank_1", other, check) / "overlay"
    overlay.rename(attempt / "overlay_of_rank_1")
    return model.launch(
        attempt,
        [
            str(Path(sys.executable).with_name("mpiexec")),
            "-n",
            "2",
            sys.executable,
            str(script),
            *model.command(attempt),
        ],
    )


def test_an_exploding_network_is_stopped_at_an_early_slice(exploded: Any) -> None:
    assert exploded.returncode == 0, exploded.stderr
    last = exploded.progress[-1]
    assert (last["phase"], last["sheet"], last["threshold"]) == ("exploded", "Exc", 100.0)
    assert last["rate"] > 150
    assert (last["slice"], last["in_a_row"], last["certain"]) == (2, 2, False)
    assert exploded.phases("check")[-1]["rates"]["Exc"] == last["rate"]
    assert not exploded.phases("protocols")
    assert not list(exploded.datastore.glob("*.pickle"))


def test_the_stop_saves_most_of_the_protocols_wall_time(
    model: Any, exploded: Any, record_property: Callable[[str, object], None]
) -> None:
    """Building included; the protocol takes 2 s of biological time only, real ones a hundred times as long."""
    full = model.run("full", {**EXPLODING, "spontaneous_duration": 2000.0}, enabled=False)
    assert full.returncode == 0, full.stderr
    assert full.progress[-1]["phase"] == "finished"
    assert full.progress[-1]["versions"].keys() >= {"mozaik", "PyNN", "NEST"}
    ratio = exploded.seconds / full.seconds
    record_property("wall_time_ratio", ratio)
    print(f"stopped after {exploded.seconds:.1f} s, full protocol {full.seconds:.1f} s, ratio {ratio:.2f}")
    assert ratio < 0.5


@pytest.fixture
def starting_high(make_model: Callable[[str, str], Any]) -> Any:
    """Make the same network, with a current into every neuron of its first 40 ms."""
    model = make_model("balanced_network", "model:BalancedNetwork")
    scattered = "sheet.pop.initialize(v=rng.uniform(cell.v_reset, cell.v_thresh, sheet.pop.size))\n"
    text = (model.path / "model.py").read_text()
    current = f"{scattered}            sheet.pop.inject(sim.DCSource(amplitude=100.0, start=0.0, stop=40.0))  # nA\n"
    assert scattered in text
    (model.path / "model.py").write_text(text.replace(scattered, current))
    return model


def test_a_start_up_transient_is_no_explosion(starting_high: Any) -> None:
    """Above the threshold in the first slice, calm afterwards: real networks were called exploded for it."""
    settled = starting_high.run("settled", {"spontaneous_duration": 50.0}, duration=250.0, settle=50.0, slices=4)
    assert settled.returncode == 0, settled.stderr
    settling, *judged = [line["rates"]["Exc"] for line in settled.phases("check")[1:]]
    assert settling > 110
    assert max(judged) < 30
    assert settled.progress[-1]["phase"] == "finished"
    unsettled = starting_high.run("unsettled", {"spontaneous_duration": 50.0}, duration=200.0, settle=0.0, slices=4)
    assert unsettled.phases("check")[1]["rates"]["Exc"] == pytest.approx(settling, rel=0.01)
    assert unsettled.progress[-1]["phase"] == "finished"  # one slice is not what lasts


def test_a_healthy_network_passes_and_says_what_it_does(healthy: Any) -> None:
    assert healthy.returncode == 0, healthy.stderr
    phases = [line["phase"] for line in healthy.progress]
    assert phases == ["building", *["check"] * 5, "protocols", "saving", "finished"]
    checks = healthy.phases("check")
    assert [line["slice"] for line in checks] == [0, 1, 2, 3, 4]
    assert {line["slices"] for line in checks} == {4}
    assert all(2 < line["rates"]["Exc"] < 20 and 4 < line["rates"]["Inh"] < 30 for line in checks[1:])
    (protocol,) = healthy.phases("protocols")
    assert (protocol["step"], protocol["steps"], protocol["name"]) == (1, 1, "NoStimulation")
    moments = [line["time"] for line in healthy.progress]
    assert moments == sorted(moments)


def test_the_datastore_holds_only_the_protocols_activity(healthy: Any) -> None:
    segments = healthy.segments()
    assert [segment.annotations["sheet_name"] for segment in segments] == ["Exc", "Inh"]
    for segment, size in zip(segments, (1600, 400), strict=True):
        stimulus = ast.literal_eval(segment.annotations["stimulus"])
        assert (stimulus["name"], stimulus["duration"]) == ("InternalStimulus", 300.0)
        assert len(segment.spiketrains) == size
        assert {(float(train.t_start), float(train.t_stop)) for train in segment.spiketrains} == {(0.0, 300.0)}
        spikes = np.concatenate([train.magnitude for train in segment.spiketrains])
        assert spikes.min() < 1
        assert 299 < spikes.max() <= 300
        assert {signal.name for signal in segment.analogsignals} == {"gsyn_exc", "gsyn_inh"}
        for signal in segment.analogsignals:
            assert signal.shape == (3000, 16)
            assert float(signal.t_start) == 0.0


def test_the_rates_of_the_check_are_those_of_the_spikes(model: Any) -> None:
    """The check's first 200 ms and a protocol of 200 ms from the same seeds are the same network's same time."""
    checked = model.run("counted", {"spontaneous_duration": 1.0}, settle=0.0, duration=200.0, slices=4)
    recorded = model.run("recorded", {"spontaneous_duration": 200.0}, enabled=False)
    for number, name in enumerate(("Exc", "Inh")):
        trains = recorded.segments()[number].spiketrains
        counts, _ = np.histogram(np.concatenate([train.magnitude for train in trains]), [0, 50, 100, 150, 200.01])
        rates = [line["rates"][name] for line in checked.phases("check")[1:]]
        np.testing.assert_allclose(rates, 20.0 * counts / len(trains), rtol=0.05)  # NEST records 0.1 ms more at first


def test_the_same_seeds_give_identical_spikes_and_others_do_not(model: Any, healthy: Any) -> None:
    def spikes(run: Any) -> list[Any]:
        assert run.returncode == 0, run.stderr
        return [train.magnitude for segment in run.segments() for train in segment.spiketrains]

    again = model.run("again", HEALTHY, settle=0.0, duration=200.0, slices=4)
    other = model.run("other", HEALTHY, "pynn_seed", "4711", "mpi_seed", "7", settle=0.0, duration=200.0, slices=4)
    assert all(np.array_equal(a, b) for a, b in zip(spikes(healthy), spikes(again), strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(spikes(healthy), spikes(other), strict=True))


def test_one_sheet_can_be_watched_alone(model: Any) -> None:
    run = model.run("one_sheet", {"spontaneous_duration": 1.0}, duration=50.0, slices=1, sheet_name="Inh")
    assert run.returncode == 0, run.stderr
    assert set(run.phases("check")[1]["rates"]) == {"Inh"}


def test_an_unknown_sheet_is_refused_with_the_known_ones(model: Any) -> None:
    run = model.run("unknown_sheet", sheet_name="V1_Exc_L4")
    assert run.returncode != 0
    assert "explosion_check.sheet_name: expected a sheet that records spikes (Exc, Inh), got 'V1_Exc_L4'" in run.stderr


def test_all_ranks_take_the_same_decision_even_if_only_one_saw_the_spikes(model: Any) -> None:
    """Rank 0, which reports, simulates a healthy network: alone it would go on without rank 1."""
    run = two_ranks(model, "ranks", HEALTHY, EXPLODING)
    assert run.returncode == 0, run.stderr
    last = run.progress[-1]
    assert (last["phase"], last["slice"]) == ("exploded", 2)
    assert 150 < last["rate"] < 250
    assert len(run.phases("check")) == 4  # rank 0 alone writes
    assert not run.phases("protocols")
    assert not list(run.datastore.rglob("*.pickle"))


def test_an_error_on_one_rank_ends_the_others(model: Any) -> None:
    """Rank 1 cannot build its network; rank 0 would wait for it in the first slice, for ever."""
    run = two_ranks(model, "broken_rank", HEALTHY, {"no.such.name": 1.0})
    assert run.returncode != 0
    assert "no.such.name" in run.stderr or "KeyError" in run.stderr
    assert not run.phases("finished")
