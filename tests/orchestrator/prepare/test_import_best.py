"""Start values from a checkpoint of the predecessor, which is not executed and needs no BluePyOpt."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

import pytest
from bare_models import bare_model, snapshot
from predecessor_checkpoints import write_checkpoint
from typer.testing import CliRunner

from orchestrator.checking.problems import load_checked_config
from orchestrator.cli import app
from orchestrator.errors import UsageError
from orchestrator.prepare import prepare_model
from orchestrator.prepare.predecessor_checkpoint import read_best

EXC, INH = "sheets.exc.ExcExcConnection.weights", "sheets.inh.InhExcConnection.weights"
NAMES = (EXC, INH)
# the second one is the best: 0.5 + 0.25
INDIVIDUALS = [((0.001, 0.02), (1.0, 3.0)), ((0.00123456789, 0.03), (0.5, 0.25)), ((0.002, 0.04), (2.0, 2.0))]
PREDECESSOR: dict[str, Any] = {
    "parameters": {EXC: [1e-05, 0.004], INH: [0.002, 0.06], "sheets.exc.params.cell.params.tau_m": [10, 30]},
    "optimiser_centroid": {EXC: 0.0003, INH: 0.004, "sheets.exc.params.cell.params.tau_m": 25},
    "targets": [{"class": "SpontActivityTarget", "sheet_name": "Exc", "target_value": [1, 2.5], "norm": 0.1}],
}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "config_optimisation").write_text(json.dumps(PREDECESSOR))
    return bare_model("balanced_network", tmp_path)


def prepare(model: Path, checkpoint: Path, **options: Any) -> str:
    given = {"imported": model.parent / "config_optimisation", **options}
    return "\n".join(prepare_model(model, best=checkpoint, **given))


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_the_best_of_the_hall_of_fame_is_read_with_every_digit(tmp_path: Path, protocol: int) -> None:
    best = read_best(write_checkpoint(tmp_path / "opt_check.pkl", INDIVIDUALS, NAMES, protocol=protocol))
    assert (best.names, best.values, best.total_score) == ([EXC, INH], [0.00123456789, 0.03], 0.75)
    assert best.described == "the best of opt_check.pkl after 5 generations, of total score 0.75"


def test_the_search_begins_at_the_best_and_elsewhere_at_the_predecessors_own(model: Path) -> None:
    checkpoint = write_checkpoint(model.parent / "opt_check.pkl", INDIVIDUALS, NAMES)
    said = prepare(model, checkpoint)
    assert "Note: the search begins at the best of opt_check.pkl after 5 generations, of total score 0.75." in said
    assert "Note: opt_check.pkl has no sheets.exc.params.cell.params.tau_m: begun at as without it." in said
    path = model / "param_optim/config_optimisation.yaml"
    assert load_checked_config(path, ["executor=local"]).optimiser_centroid == {
        EXC: 0.00123456789,
        INH: 0.03,
        "sheets.exc.params.cell.params.tau_m": 25,
    }
    assert "# Where the search begins: the best of opt_check.pkl after 5 generations, of total score 0.75. A" in (
        path.read_text()
    )


def test_a_better_one_of_the_last_generation_counts(tmp_path: Path) -> None:
    better = [((0.003, 0.05), (0.1, 0.1)), ((0.003, 0.05), ()), ((0.003, 0.05), (float("nan"), 0.0))]
    checkpoint = write_checkpoint(tmp_path / "opt_check.pkl", INDIVIDUALS, NAMES, in_population=better)
    assert read_best(checkpoint).values == [0.003, 0.05]


def test_a_checkpoint_without_names_is_of_the_imported_file_s_parameters(model: Path) -> None:
    three = [((0.001, 0.02, 15.0), (1.0, 3.0))]
    prepare(model, write_checkpoint(model.parent / "old.pkl", three, None))
    config = load_checked_config(model / "param_optim/config_optimisation.yaml", ["executor=local"])
    assert list(config.optimiser_centroid.values()) == [0.001, 0.02, 15.0]


def test_without_an_import_the_suggested_space_begins_there(model: Path) -> None:
    prepare(model, write_checkpoint(model.parent / "opt_check.pkl", INDIVIDUALS, NAMES), imported=None)
    config = load_checked_config(model / "param_optim/config_optimisation.yaml", ["executor=local"])
    assert (config.optimiser_centroid[EXC], config.optimiser_centroid[INH]) == (0.00123456789, 0.03)
    assert len(config.optimiser_centroid) > 2  # the others at the model's own


def refused(model: Path, checkpoint: Path, **options: Any) -> str:
    before = snapshot(model)
    with pytest.raises(UsageError) as caught:
        prepare(model, checkpoint, **options)
    assert str(caught.value).startswith(f"--import-best {checkpoint}: ") or f"--import-best: {checkpoint} " in str(
        caught.value
    )
    assert snapshot(model) == before
    return str(caught.value)


def test_other_parameters_are_refused_with_the_nearest(model: Path) -> None:
    names = ("sheets.exc.ExcExcConection.weights", INH)
    said = refused(model, write_checkpoint(model.parent / "opt_check.pkl", INDIVIDUALS, names))
    assert f"parameters that are not searched by config_optimisation: {names[0]}; did you mean {EXC!r}?" in said
    assert said.endswith("Give the config_optimisation that it was made with: --import FILE")
    said = refused(model, write_checkpoint(model.parent / "old.pkl", INDIVIDUALS, None))
    assert "its individuals have 2 parameters, config_optimisation has 3" in said


def test_a_best_outside_the_bounds_is_refused_with_all_that_are(model: Path) -> None:
    outside = [((0.005, 0.07), (0.1, 0.1))]
    said = refused(model, write_checkpoint(model.parent / "opt_check.pkl", outside, NAMES))
    assert f"outside the bounds of config_optimisation; widen them:\n  {EXC}: 0.005, expected 1e-05 to 0.004\n" in said
    assert f"\n  {INH}: 0.07, expected 0.002 to 0.06" in said


def test_a_name_of_elsewhere_is_refused_and_never_looked_up(model: Path) -> None:
    checkpoint = write_checkpoint(model.parent / "opt_check.pkl", INDIVIDUALS, NAMES, reduce=os.system)
    said = refused(model, checkpoint)
    assert "is refused: it holds the name posix.system, which is not one of BluePyOpt's or deap's" in said


class Command:
    """A pickle that runs a command when it is loaded as pickles usually are."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> Any:
        return os.system, (self.command,)


def test_a_hostile_checkpoint_runs_nothing(model: Path) -> None:
    mark = model.parent / "executed"
    checkpoint = model.parent / "opt_check.pkl"
    checkpoint.write_bytes(pickle.dumps({"population": [Command(f"touch {mark}")]}))
    assert "posix.system" in refused(model, checkpoint)
    assert not mark.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is truncated or no pickle"),
        (b"(dp0\n.", "is truncated or no pickle"),  # of Python 2
        (
            pickle.dumps([1, 2]),
            "expected a checkpoint of BluePyOpt, a dict with 'population' and 'halloffame', got list",
        ),
        (pickle.dumps({"a": 1}), "expected a checkpoint of BluePyOpt"),
        (pickle.dumps({"population": [1, None], "halloffame": 3}), "has no individual that was evaluated"),
    ],
)
def test_what_is_no_checkpoint_is_one_message(model: Path, content: bytes, message: str) -> None:
    checkpoint = model.parent / "opt_check.pkl"
    checkpoint.write_bytes(content)
    assert message in refused(model, checkpoint)


def test_a_file_that_is_not_there(model: Path) -> None:
    with pytest.raises(UsageError, match=r"--import-best: can't read .*nowhere.pkl: No such file or directory"):
        prepare(model, model / "nowhere.pkl")


def test_the_command_has_the_option(model: Path) -> None:
    checkpoint = write_checkpoint(model.parent / "opt_check.pkl", INDIVIDUALS, NAMES)
    imported = ["--import", str(model.parent / "config_optimisation"), "--import-best", str(checkpoint)]
    done = CliRunner().invoke(app, ["prepare", str(model), *imported])
    assert done.exit_code == 0, done.output
    assert "the search begins at the best of opt_check.pkl" in done.output
