"""``orchestrator prepare --function``: what it reads of a function's source, writes, and refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from in_process import command
from jsonschema import Draft7Validator

from orchestrator.checking.problems import load_checked_config
from orchestrator.errors import ConfigError, UsageError
from orchestrator.prepare import prepare_function

SOURCE = '''
from orchestrator import Trace

def simulate(p, directory):
    """A cell."""
    g, tau = p["g.na"], p.get("tau", 3)
    if p["seed"] > 3:
        return {"rate": None}
    return {"rate": 30 * g, "on": tau, "v": Trace([0, 1], [2, 3])}

made = lambda parameters, directory: {}
'''
COMPLETE = {"parameters": ["g.na=0:1", "tau=1:2e1:log"], "targets": ["rate=3:1", "on=-4:.5"]}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "cell.py").write_text(SOURCE)
    return tmp_path


def test_three_commands_lead_from_nothing_to_the_first_generation(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    options = ["--parameter", "g.na=0:1", "--parameter", "tau=1:20:log", "--target", "rate=3:1", "--target", "on=4:.5"]
    done = command("prepare", "--function", "cell:simulate", *options, cwd=model)
    assert (done.returncode, done.stderr) == (0, "")
    check, run = [line.split() for line in done.stdout.splitlines()[-2:]]
    assert run == ["orchestrator", "run", "param_optim/config_optimisation.yaml"]
    done = command(*check[1:], cwd=model)
    assert (done.returncode, "sound" in done.stdout) == (0, True), done.stdout
    assert (model / "optimisation.sbatch").read_text().endswith('param_optim/config_optimisation.yaml "$@"\n')


def test_what_the_source_says_and_nobody_has_said_is_to_be_completed(model: Path) -> None:
    lines = list(prepare_function(model, "cell:simulate", parameters=["tau=1:20:log"]))
    config = model / "param_optim/config_optimisation.yaml"
    written = yaml.safe_load(config.read_text())
    assert written["parameters"] == {"tau": {"bounds": [1, 20], "scale": "log"}, "g.na": "EDIT"}
    assert [(each["key"], each["norm"]) for each in written["targets"]] == [("rate", "EDIT"), ("on", "EDIT")]
    assert written["simulation"]["seeds"] == {"seed": 1}
    assert any(line.startswith("\nComplete the 3 lines with EDIT in ") for line in lines)
    with pytest.raises(ConfigError) as caught:
        load_checked_config(config, ["executor=local"])
    assert {problem.key for problem in caught.value.problems} >= {"parameters.g.na", "targets[0].norm"}


def test_what_is_complete_is_a_configuration(model: Path) -> None:
    assert not [line for line in prepare_function(model, "cell:simulate", **COMPLETE) if "EDIT" in line]
    config = load_checked_config(model / "param_optim/config_optimisation.yaml", ["executor=local"])
    assert dict(config.parameters)["tau"].scale == "log"
    assert [target.target_value for target in config.create_targets()] == [3, -4]
    assert config.model_dir == model
    text = (model / "param_optim/config_optimisation.yaml").read_text()
    assert text.startswith("# yaml-language-server: $schema=config.schema.json\n")
    schema = json.loads((model / "param_optim/config.schema.json").read_text())
    # to YAML 1.2, which editors read, 2e1 is a number
    Draft7Validator(schema).validate(yaml.safe_load(text.replace("2e1", "20")))
    again = list(prepare_function(model, "cell:simulate", **COMPLETE))
    assert again[0] == f"{model} is prepared already: nothing to change."


def test_what_is_no_plain_function_is_taken_with_what_is_said(model: Path) -> None:
    list(prepare_function(model, "cell:made", parameters=["x=0:1"]))
    written = yaml.safe_load((model / "param_optim/config_optimisation.yaml").read_text())
    assert written["parameters"] == {"x": [0, 1]}
    assert [each["key"] for each in written["targets"]] == ["EDIT"]


def test_a_name_that_the_source_does_not_have_is_noted(model: Path) -> None:
    lines = list(prepare_function(model, "cell:simulate", parameters=["g_na=0:1"], targets=["rat=1:1"]))
    assert "Note: --parameter g_na: the source of cell:simulate has g.na, tau, seed; did you mean 'g.na'?" in lines
    assert any(line.startswith("Note: --target rat: the source of cell:simulate has rate, on;") for line in lines)


def test_traces_that_a_function_returns_are_noted_with_their_targets(model: Path) -> None:
    lines = list(prepare_function(model, "cell:simulate", **COMPLETE))
    expected = (
        "Note: v: traces or events, on which there are targets of their own: TraceRMSE, PeakLatency, EventRate, ..."
    )
    assert [line.partition(" (docs")[0] for line in lines if line.startswith("Note")] == [expected]


def test_a_dry_run_writes_nothing_and_what_is_there_stays_without_force(model: Path) -> None:
    shown = "\n".join(prepare_function(model, "cell:simulate", dry_run=True))
    assert "g.na: EDIT" in shown
    assert not (model / "param_optim").exists()
    list(prepare_function(model, "cell:simulate"))
    with pytest.raises(UsageError, match="there already"):
        list(prepare_function(model, "cell:simulate", **COMPLETE))
    list(prepare_function(model, "cell:simulate", **COMPLETE, force=True))
    assert "EDIT" not in (model / "param_optim/config_optimisation.yaml").read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--function", "cel:simulate"], "/cel.py, which is not there; did you mean 'cell'?"),
        (["--function", "cell:simulat"], "cell.py has no 'simulat'; did you mean 'simulate'?"),
        (["--function", "cell"], "--function cell: expected module:function, such as model:simulate"),
        (["--function", "cell:simulate", "--parameter", "x"], "--parameter x: expected NAME=LOW:HIGH"),
        (["--function", "cell:simulate", "--parameter", "x=2:1"], "--parameter x=2:1: expected low < high"),
        (["--function", "cell:simulate", "--target", "x=2"], "--target x=2: expected KEY=VALUE:NORM"),
        (["--function", "cell:simulate", "--model", "a:B"], "--model: is of mozaik models, not of --function"),
        ([".", "--parameter", "x=1:2"], "--parameter: is of --function"),
        (["nowhere", "--function", "cell:simulate"], "nowhere: there is no such directory"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_written(arguments: list[str], said: str, model: Path) -> None:
    done = command("prepare", *arguments, cwd=model)
    assert done.returncode == 2
    assert said in done.stderr
    assert sorted(path.name for path in model.iterdir()) == ["cell.py"]
