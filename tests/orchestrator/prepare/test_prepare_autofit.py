"""``orchestrator prepare --import-pna``: ranges, modes, mask and recording of pyneuronautofit, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from in_process import command
from measured_files import write_abf

from orchestrator.checking.problems import load_checked_config
from orchestrator.config.model import Config
from orchestrator.errors import UsageError
from orchestrator.prepare import prepare_function
from orchestrator.prepare.autofit_targets import MODES
from targets import known_targets

pytestmark = pytest.mark.reference  # neo takes half a second to import

CELL = """
param_nslh = [
    ("gna", "log", 0.01, 1.0),
    (("soma.ena", "axon.ena"), "lin", 40, 60),
    ("celsius", "con", 35, 35),
    ("leak", "lin", 1e-05, 2e-05),
    ("tiny", "con", 1e-06, 1e-06),
    ("n", "int", 1, 9),
    ("gk", "lin", "gna/10", "gna"),
    ("ca.g", "log", 1e-5, "gna/100"),
]

def simulate(parameters, directory):
    raise SystemExit("must not be executed")
"""
TIMES = np.arange(0.0, 60.0, 0.1)
STIMULUS = (TIMES >= 20) & (TIMES < 40)


def potential(*spikes: float) -> Any:
    noise = np.random.default_rng(len(spikes)).normal(scale=0.1, size=TIMES.size)
    return -70 + noise + sum((90 * np.exp(-((TIMES - each) ** 2)) for each in spikes), np.zeros(TIMES.size))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "cell.py").write_text(CELL)
    (tmp_path / "project.py").write_text("from cell import param_nslh\nproject = 'cell'\n")
    (tmp_path / "mask.json").write_text('{"T": [1, 2], "O": 1}')
    rows = [potential(), potential(25), potential(25, 35, 50)]
    sweeps = np.array([[row, amount * STIMULUS] for row, amount in zip(rows, (-50.0, 100, 200), strict=True)])
    write_abf(tmp_path / "cell.abf", sweeps, ("Vm", "Im"), ("mV", "pA"))
    return tmp_path


def prepared(model: Path, arguments: str) -> tuple[dict[str, Any], list[str], Config]:
    lines = list(prepare_function(model, "cell:simulate", autofit=arguments, force=True))
    path = model / "param_optim/config_optimisation.yaml"
    return yaml.safe_load(path.read_text()), lines, load_checked_config(path, ["executor=local"])


def test_ranges_are_parameters_tied_constant_and_depending_on_others(model: Path) -> None:
    written, _, config = prepared(model, "-m O cell.abf")
    assert written["parameters"]["gna"] == {"bounds": [0.01, 1.0], "scale": "log"}
    assert written["parameters"]["soma.ena"] == {"names": ["soma.ena", "axon.ena"], "bounds": [40, 60]}
    assert written["parameters"]["celsius"] == 35.0
    names = [each.name for each in config.space().parameters]
    assert names == ["gna", "soma.ena", "leak", "n", "gk", "ca.g"]
    assert written["parameters"]["gk"] == ["gna/10", "gna"]
    assert written["parameters"]["ca.g"] == {"bounds": [1e-5, "gna/100"], "scale": "log"}
    assert written["parameters"]["n"] == {"bounds": [1, 9], "integer": True}
    middle = {"gna": 0.5, "leak": 1e-5, "n": 3, "soma.ena": 50.0}
    point = [*config.space().encode(config.space().completed(middle))[:4], 1.0, 0.0]
    got = config.given().values(config.space().decode(point))
    assert {name: got[name] for name in ("axon.ena", "celsius", "gk")} == {
        "axon.ena": 50, "celsius": 35, "gk": pytest.approx(0.5),
    }  # fmt: skip
    assert got["ca.g"] == pytest.approx(1e-5)
    assert (got["leak"], got["tiny"]) == (1e-5, 1e-6)
    assert "scale" not in prepared(model, "-L -m O cell.abf")[0]["parameters"]["gna"]


def test_modes_are_targets_with_the_sweeps_of_the_mask(model: Path) -> None:
    written, lines, config = prepared(model, "-m OTA -k mask.json -c 3 -t -10 -l 10 -r 25 cell.abf")
    count, times, shape = written["targets"]
    assert (count["class"], count["sweeps"], count["threshold"]) == ("SpikeCount", [0, 1], -10)
    assert (times["class"], times["sweeps"], times["spikes"]) == ("SpikeTimes", [1, 2], 3)
    assert (shape["class"], shape["sweeps"]) == ("MeanSpike", [1, 2])
    assert (shape["window"], shape["before"], shape["after"], shape["step"]) == ([20, 39.9], 1, 2.5, 0.1)
    assert "Note: A: sweeps [0] have no spikes, which MeanSpike could compare" in lines
    wanted = [each.wanted_interval for each in config.create_targets() if type(each).__name__ == "SpikeCount"]
    assert wanted == [(-np.inf, 0), (1, 1)]


def test_every_mode_is_one_that_the_recording_can_be_compared_in(model: Path) -> None:
    written, _, config = prepared(model, f"-m {''.join(MODES)} cell.abf")
    assert {each["class"] for each in written["targets"]} <= set(known_targets())
    assert {each["name"][0] for each in written["targets"]} == set(MODES)
    assert len({each.label for each in config.create_targets()}) == len(config.create_targets())


def test_three_numbers_of_spikes(model: Path) -> None:
    written, _, config = prepared(model, "-m N -k (2,2) cell.abf")
    assert [each.get("window") for each in written["targets"]] == [None, [20, 39.9], [39.9, 59.8]]
    assert [each.wanted_interval for each in config.create_targets()] == [(3, 3), (2, 2), (1, 1)]


def test_what_is_not_taken_over_is_said(model: Path) -> None:
    done = command(
        *("prepare", "--function", "cell:simulate", "--import-pna", "-A K -P32 --dt=0.1 -e -m O cell.abf"), cwd=model
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "Note: not taken over: -A K -P32 --dt=0.1 -e" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("-m OY cell.abf", "--import-pna: -m OY: expected modes of TSUWRLMANOVCDZPQFX, got Y"),
        ("-m O", "--import-pna: the following arguments are required: recording"),
        ("-m O 'cell.abf", "No closing quotation"),
        ("-m O --colour red cell.abf", "--import-pna: unrecognized arguments: --colour"),
        (
            "-m O other.abf",
            "--import-pna: the potential, channel 0: .*other.abf: there is no such file; did you mean 'cell.abf'",
        ),
        ("-m O cell.json", "cell.json: expected a recording such as .abf: its own npz and json files"),
        ("-m O -k nothing.json cell.abf", "-k nothing.json: expected a number, tuple, list or mapping, or a file"),
        ("-m O -k (1,2,3) cell.abf", r"-k: expected a number, \(first, last\) or a list of sweeps, got \(1, 2, 3\)"),
        ("-m T -k 0 cell.abf", r"-m T: expected a mode that has something to compare; T: sweeps \[0\] have no spikes"),
    ],
)
def test_what_is_not_understood_is_refused(model: Path, arguments: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        prepared(model, arguments)
    assert not (model / "param_optim").exists()


@pytest.mark.parametrize(
    ("ranges", "said"),
    [
        ("", "expected one file in .* with param_nslh = .*, got none"),
        ("param_nslh = make()", "expected a list of .* that are written out, got something that is computed"),
        ("param_nslh = []", r"expected a list of .*, got \[\]"),
        ('param_nslh = [("g", "lin", 1)]', r"got \('g', 'lin', 1\)"),
        ('param_nslh = [("g", "lag", 1, 2)]', "with a scale of lin, log, int, con, got 'lag'; did you mean"),
        ('param_nslh = [(3, "lin", 1, 2)]', "got the name 3"),
        ('param_nslh = [("g", "lin", None, 2)]', "with numbers or expressions as bounds, got None and 2"),
    ],
)
def test_ranges_that_are_not_understood_are_refused(model: Path, ranges: str, said: str) -> None:
    (model / "cell.py").write_text(f"{ranges}\n\ndef simulate(parameters, directory): ...\n")
    with pytest.raises(UsageError, match=said):
        prepared(model, "-m O cell.abf")


def test_options_of_both_ways_are_refused(model: Path) -> None:
    done = command("prepare", "--function", "cell:simulate", "--import-pna", "x", "--target", "a=1:1", cwd=model)
    assert done.returncode != 0
    assert "--import-pna: has parameters and targets of its own" in done.stderr
