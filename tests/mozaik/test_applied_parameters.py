"""Folders of ``orchestrator best --apply`` in the package parameters and in mozaik itself."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from best_runs import ROOT, model_run
from typer.testing import CliRunner

from orchestrator.checking.model_identity import keep_model
from orchestrator.checkpoint import Checkpoint
from orchestrator.cli import app
from orchestrator.config.file import load_config
from orchestrator.simulations.seeds import other_seeds

pytestmark = pytest.mark.mozaik

BACKGROUND = "sheets.exc.params.artificial_stimulators.background.params"
BALANCED = {
    "sheets.exc.ExcExcConnection.weights": 0.0011,
    "sheets.exc.ExcInhConnection.weights": 0.00123456789012345678,
    "sheets.inh.InhExcConnection.weights": 0.021,
    f"{BACKGROUND}.exc_weight": 0.00052,
}
L4 = "sheets.l4_cortex_exc.connections"
VISUAL = {
    f"{L4}.L4ExcL4ExcConnection.params.base_weight": 0.0123,
    f"{L4}.L4ExcL23ExcConnection.params.num_samples": 33.0,
    # of a file that many connections share
    f"{L4}.L4ExcL4InhConnection.params.weight_functions.pushpull.params.or_sigma": 0.7,
    "sheets.l4_cortex_exc.params.cell.params.tau_m": 8.5,
}
SEEDS = {"pynn_seed": 513, "mpi_seed": 1023}

# what mozaik reads of a root file, with values overridden as on its command line, flat and as text
LOADED = """
import json, sys
import mozaik
from mozaik.tools.distribution_parametrization import load_parameters
tree = load_parameters(sys.argv[1], json.loads(sys.argv[2]))
flat = {name: repr(value) for name, value in tree.flatten().items()}
print("LOADED " + json.dumps(flat))
"""


def loaded(model: Path, root: str, values: dict[str, Any]) -> dict[str, str]:
    """Return every parameter as mozaik has it once it has loaded a root file."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED, root, json.dumps(values)], cwd=model, capture_output=True, text=True, check=True
    )
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("LOADED ")]
    return dict(json.loads(line.removeprefix("LOADED ")))


def applied(run: Path) -> None:
    result = CliRunner().invoke(app, ["best", str(run), "--apply", "param_best"])
    assert result.exit_code == 0, (result.output, result.exception)


@pytest.mark.parametrize(
    ("name", "values"), [("balanced_network", BALANCED), ("visual_model", VISUAL)], ids=["balanced", "visual"]
)
def test_mozaik_loads_all_values_as_if_they_were_overridden(
    tmp_path: Path, name: str, values: dict[str, float]
) -> None:
    run = model_run(tmp_path, name, values)
    applied(run.directory)
    model = run.directory.parent
    new = loaded(model, "param_best/defaults", {})
    assert new == loaded(model, "param/defaults", values)
    assert {each: float(new[each]) for each in values} == values
    before = loaded(model, "param/defaults", {})
    assert all(before[each] != new[each] for each in values)


def test_the_network_of_the_folder_is_the_one_that_was_optimised(
    tmp_path: Path, make_model: Callable[[str, str], Any]
) -> None:
    """Bit for bit the same spikes, from run.py with the folder and from the run script with the overlay."""
    model = make_model("balanced_network", "model:BalancedNetwork")
    optimised = model.run("optimised", {**BALANCED, **SEEDS, "spontaneous_duration": 100.0}, enabled=False)
    assert optimised.returncode == 0, optimised.stderr

    written = model_run(tmp_path, "balanced_network", BALANCED)
    applied(written.directory)
    (written.directory.parent / "param_best").rename(model.path / "param_best")
    attempt = model.attempt("by_hand", {}, {})
    words = ["spontaneous_duration", "100.0", *(str(word) for pair in SEEDS.items() for word in pair)]
    results = ["results_dir", f"'{attempt}/simulation/'"]
    by_hand = model.launch(
        attempt, [sys.executable, "run.py", "nest", "1", "param_best/defaults", *words, *results, "best"]
    )
    assert by_hand.returncode == 0, by_hand.stderr
    spikes = 0
    for one, two in zip(optimised.segments(), by_hand.segments(), strict=True):
        for a, b in zip(one.spiketrains, two.spiketrains, strict=True):
            np.testing.assert_array_equal(a.magnitude, b.magnitude)
            spikes += len(a)
    assert spikes > 100


def test_a_network_is_evaluated_again_under_other_seeds(tmp_path: Path) -> None:
    run = model_run(tmp_path, "balanced_network", BALANCED)
    folder = run.directory.parent / "param_optim"
    shutil.copy(ROOT / "param_optim/run_optimization_experiment.py", folder)
    defaults = folder / "defaults"
    defaults.write_text(defaults.read_text().replace("'spontaneous_duration': 1000.0", "'spontaneous_duration': 200.0"))
    keep_model(load_config(run.config), run)  # as if it had been so
    command = ["best", str(run.directory), "--reevaluate", "1", "--seeds", "2", "--json"]
    program = [sys.executable, "-c", "from orchestrator.cli import main; main()", *command]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (candidate,) = json.loads(done.stdout)["candidates"]
    assert candidate["outcomes"] == {"OK": 2}
    rates = candidate["targets"][0]["value"]
    # two networks of the same kind: not the same spikes, but much the same rate
    assert rates["n"] == 2
    assert 2 < rates["min"] < rates["max"] < 20
    assert rates["max"] < 1.5 * rates["min"]
    stored = Checkpoint(run.directory / "reevaluation/reevaluation.h5").evaluations()
    expected = [other_seeds(SEEDS, number) for number in (1, 2)]
    for name in SEEDS:
        assert stored[f"parameter:{name}"].tolist() == [seeds[name] for seeds in expected]
