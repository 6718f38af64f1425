"""Simulations that are programs: what they get, what they may leave, and what their end means."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from program_jobs import PARAMETERS, attempt_of, config_of, problems_of, result_of, simulated

from orchestrator.config.file import load_config
from orchestrator.errors import ConfigError
from orchestrator.records import Outcome
from orchestrator.simulations import SimulationFailed, create_simulation, model_of
from orchestrator.simulations.options import SimulationContext
from orchestrator.simulations.registry import simulation_options
from orchestrator.simulations.seeds import seeds_of_trial
from targets import NoValue

# leaves its arguments and what it knows of its surroundings
TELLING = """\
import json, os, sys
known = {name: os.environ.get(name) for name in sys.argv[1].split(",")} if len(sys.argv) > 1 else {}
json.dump({"arguments": sys.argv[1:], "place": os.getcwd(), "known": known}, open("told.json", "w"))
"""


@pytest.fixture
def in_a_job(monkeypatch: pytest.MonkeyPatch) -> None:
    """No handlers of signals, which would stay in the process of the tests."""
    monkeypatch.setattr("orchestrator.node.evaluate.end_on_signals", lambda note: None)


def told(model: Path, command: Any, **section: Any) -> Any:
    """What a program is told."""
    (model / "telling.py").write_text(TELLING)
    recordings = simulated(model, {"command": command, **section})
    return json.loads((recordings / "told.json").read_text())


def test_parameters_stand_in_the_arguments_which_no_shell_reads(tmp_path: Path) -> None:
    command = "python3 {model_dir}/telling.py -g={soma.g} {n:03d} {soma.g:.1e} 'a  b' $HOME * {{}} ;"
    expected = ["-g=0.125", "003", "1.2e-01", "a  b", "$HOME", "*", "{}", ";"]
    assert told(tmp_path, command)["arguments"] == expected


def test_a_list_is_not_split(tmp_path: Path) -> None:
    command = ["python3", "{model_dir}/telling.py", "", 'n is "{n}"', "it's"]
    assert told(tmp_path, command)["arguments"] == ["", 'n is "3"', "it's"]


def test_trials_have_directories_and_seeds_of_their_own(tmp_path: Path) -> None:
    program = "import json, sys; json.dump({{'x': int(sys.argv[1]) % 1000}}, open('returned.json', 'w'))"
    section = {"command": ["python3", "-c", program, "{seed}"], "seeds": {"seed": 7}, "trials": 3}
    options = simulation_options({"type": "command", **section}, tmp_path)
    made, attempt = create_simulation(options, tmp_path, SimulationContext()), attempt_of(tmp_path)
    made.simulate({**PARAMETERS, "seed": 7}, attempt)
    seeds = [seeds_of_trial({"seed": 7}, n)["seed"] for n in range(3)]
    found = made.recordings(attempt)
    assert found["x"] == pytest.approx(np.mean([seed % 1000 for seed in seeds]))
    assert [each["x"] for each in found.trials] == [seed % 1000 for seed in seeds]
    told = [json.loads((attempt.trial(n) / "parameters.json").read_text()) for n in range(3)]
    assert told == [{**PARAMETERS, "seed": seed} for seed in seeds]


def test_what_keeps_a_later_trial_from_starting_says_nothing_of_the_parameters(tmp_path: Path) -> None:
    """Nor does what the trials before it have printed: that its own setup failed is told."""
    setup = f"test ! -e {tmp_path}/second || {{ echo of the setup; exit 3; }}"
    (tmp_path / "first.py").write_text(
        "import json\nfrom pathlib import Path\nprint('No space left on device')\n"
        f"json.dump({{'x': 1}}, open('returned.json', 'w'))\nPath({str(tmp_path)!r}, 'second').touch()\n"
    )
    section = {"command": "python3 {model_dir}/first.py", "setup": setup, "exit_codes": {3: "exploded"}}
    options = simulation_options({"type": "command", **section, "seeds": {"seed": 7}, "trials": 2}, tmp_path)
    made = create_simulation(options, tmp_path, SimulationContext())
    with pytest.raises(SimulationFailed, match=r"simulation\.setup ended the script") as failed:
        made.simulate({**PARAMETERS, "seed": 7}, attempt_of(tmp_path))
    assert failed.value.outcome is Outcome.LAUNCH_FAILED


def test_parameters_are_in_a_file_and_in_the_environment(tmp_path: Path) -> None:
    names = "PARAMETER_soma_g,PARAMETER_n,GAIN,ORCHESTRATOR_MODEL_DIR,ORCHESTRATOR_DIRECTORY,OMP_NUM_THREADS"
    command = f"python3 {{model_dir}}/telling.py {names} {{parameters}}"
    found = told(tmp_path, command, environment={"GAIN": "{soma.g:.2f}"}, threads=2)
    directory = found["place"]
    assert directory.endswith("_Optimization/generations/0/0/1/simulation")
    assert found["known"] == {
        "PARAMETER_soma_g": "0.125",
        "PARAMETER_n": "3",
        "GAIN": "0.12",
        "ORCHESTRATOR_MODEL_DIR": str(tmp_path),
        "ORCHESTRATOR_DIRECTORY": directory,
        "OMP_NUM_THREADS": "2",
    }
    assert json.loads(Path(found["arguments"][1]).read_text()) == PARAMETERS


def test_it_works_in_the_models_directory_if_that_is_wanted(tmp_path: Path) -> None:
    section = {"command": "sh run.sh {directory}", "working_directory": "model_dir"}
    (tmp_path / "run.sh").write_text('pwd > "$1/place"\n')
    assert (simulated(tmp_path, section) / "place").read_text() == f"{tmp_path}\n"


def test_lines_of_a_shell_get_quoted_values(tmp_path: Path) -> None:
    model = tmp_path / "it's a model"
    model.mkdir()
    lines = ["echo {soma.g} > one", "ls {model_dir} > /dev/null && echo {directory} | wc -l >> one", 'echo "${{HOME}}"']
    found = simulated(model, {"command": lines, "shell": True})
    assert (found / "one").read_text() == "0.125\n1\n"


def test_a_launcher_comes_before_the_program_and_setup_before_all(tmp_path: Path) -> None:
    (tmp_path / "two").write_text('#!/bin/sh\n"$@"\n"$@"\n')
    (tmp_path / "two").chmod(0o755)
    section = {"command": ["sh", "-c", "echo $WHO >> who"], "setup": "export WHO=me\n", "launcher": f"{tmp_path}/two"}
    assert (simulated(tmp_path, section) / "who").read_text() == "me\nme\n"
    assert (simulated(tmp_path, {**section, "launcher": ""}, attempt_of(tmp_path, 2)) / "who").read_text() == "me\n"
    by_default = {"launcher": f"{tmp_path}/two"}
    del section["launcher"]
    assert (simulated(tmp_path, section, attempt_of(tmp_path, 3), **by_default) / "who").read_text() == "me\nme\n"
    section = {"command": "{launcher} true; echo $WHO > who", "setup": "export WHO=me", "shell": True}
    assert (simulated(tmp_path, section, attempt_of(tmp_path, 4), **by_default) / "who").read_text() == "me\n"


def test_nothing_of_this_program_is_in_its_surroundings(tmp_path: Path) -> None:
    found = told(tmp_path, "python3 {model_dir}/telling.py PYTHONPATH,PYTHONHOME")
    assert found["known"] == {"PYTHONPATH": os.environ.get("PYTHONPATH"), "PYTHONHOME": os.environ.get("PYTHONHOME")}


def test_its_script_can_be_run_again_by_hand(tmp_path: Path) -> None:
    attempt = attempt_of(tmp_path)
    simulated(tmp_path, {"command": ["sh", "-c", "date >> dates"]}, attempt)
    subprocess.run(["bash", str(attempt.script)], cwd="/", check=True)
    assert len((attempt.simulation / "dates").read_text().splitlines()) == 2


FAILURES = [
    ("exit 7", Outcome.SIMULATION_ERROR, "exit code 7: it was too much"),
    ("kill -9 $$", Outcome.CANCELLED, "exit code -9: it was too much"),
    ("kill -SEGV $$", Outcome.SIMULATION_ERROR, "exit code -11: it was too much"),
    ("echo std::bad_alloc; exit 1", Outcome.OUT_OF_MEMORY, "exit code 1: std::bad_alloc"),
    ("echo 'no space left on device'; exit 1", Outcome.NODE_FAIL, "exit code 1: no space left on device"),
    ("no_such_program", Outcome.LAUNCH_FAILED, "exit code 127: "),
    ('echo \'{"exploded": "V1 at 400 Hz"}\' > returned.json; exit 7', Outcome.EXPLODED, "V1 at 400 Hz"),
    ("echo '[1, 2' > returned.json; exit 7", Outcome.SIMULATION_ERROR, "exit code 7: it was too much"),
    ('echo \'{"exploded": "V1 at 400 Hz"}\' > returned.json', Outcome.EXPLODED, "V1 at 400 Hz"),
    ("exit 3", Outcome.EXPLODED, "exit code 3: it was too much"),
    ('echo \'{"exploded": "V1 at 400 Hz"}\' > returned.json; exit 3', Outcome.EXPLODED, "V1 at 400 Hz"),
    ("echo '[1, 2' > returned.json", Outcome.SIMULATION_ERROR, "returned.json: Expecting ',' delimiter"),
    ('echo \'{"x": "much"}\' > returned.json', Outcome.SIMULATION_ERROR, "'x': expected a number, got 'much'"),
    ("true", Outcome.SIMULATION_ERROR, "left nothing in its directory: expected returned.json, returned.npz"),
]


@pytest.mark.parametrize(("end", "outcome", "said"), FAILURES, ids=[end for end, _, _ in FAILURES])
def test_what_the_end_of_a_program_means(end: str, outcome: Outcome, said: str, tmp_path: Path) -> None:
    section = {"command": f"echo it was too much; {end}".replace("{", "{{").replace("}", "}}"), "shell": True}
    with pytest.raises(SimulationFailed) as caught:
        simulated(tmp_path, {**section, "exit_codes": {3: "exploded", 4: "no_value"}})
    assert (caught.value.outcome, said in str(caught.value)) == (outcome, True), str(caught.value)


@pytest.mark.parametrize(
    ("end", "why"),
    [
        ("exit 4", "exit code 4: silent"),
        ('echo \'{{"no_value": "no spikes"}}\' > returned.json', "no spikes"),
        ('echo \'{{"no_value": "no spikes"}}\' > returned.json; exit 4', "no spikes"),
    ],
)
def test_a_program_may_say_that_there_is_nothing_to_measure(end: str, why: str, tmp_path: Path) -> None:
    with pytest.raises(NoValue, match=f"^{why}$"):
        simulated(tmp_path, {"command": f"echo silent; {end}", "shell": True, "exit_codes": {4: "no_value"}})


def test_lines_of_setup_that_fail_are_no_fault_of_the_parameters(tmp_path: Path) -> None:
    with pytest.raises(SimulationFailed, match=r"simulation.setup, line 1: exit code 1 from: false") as caught:
        simulated(tmp_path, {"command": "true", "setup": ["false"]})
    assert caught.value.outcome is Outcome.LAUNCH_FAILED


@pytest.mark.usefixtures("in_a_job")
def test_a_job_measures_what_a_program_leaves_and_times_it(tmp_path: Path) -> None:
    command = 'echo "{{\\"x\\": {soma.g}}}" > returned.json'
    result = result_of(tmp_path, {"command": command, "shell": True})
    assert (result.outcome, result.values) == (Outcome.OK, {"ReturnedValue(x)": 0.125})
    assert 0 <= result.seconds["protocols"] < 60


@pytest.mark.usefixtures("in_a_job")
def test_a_job_in_which_there_is_nothing_to_measure_is_ok_and_says_why(tmp_path: Path) -> None:
    section = {"command": "echo silent; exit 4", "shell": True, "exit_codes": {4: "no_value"}}
    result = result_of(tmp_path, section)
    assert (result.outcome, result.values) == (Outcome.OK, {"ReturnedValue(x)": None})
    assert result.reasons == {"ReturnedValue(x)": "exit code 4: silent"}


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"command": "run {soma.G}"}, "unknown {soma.G}; did you mean 'soma.g'? There are: soma.g, n, model_dir,"),
        ({"command": "run {n:.x}"}, "{n:.x}: 3 cannot be written so"),
        ({"command": "awk {print}"}, "unknown {print}"),
        ({"command": ["awk", "{"]}, "{ stands alone in '{': braces of the program's own are doubled"),
        ({"command": "{prepared}/run"}, "unknown {prepared}"),
        ({"command": "{launcher} run"}, "unknown {launcher}"),
        ({"command": "{model_dir}/absent"}, "there is no {model}/absent"),
        ({"command": "{model_dir}/config.yaml"}, "{model}/config.yaml may not be executed: chmod +x it"),
        ({"command": "run", "environment": {"A": "{b}"}}, "unknown {b}"),
        ({"command": "run", "files": ["*.c"]}, "no file in {model} fits '*.c'"),
        ({"command": "run", "before": {"run": "make", "inputs": ["x.mod"]}}, "no file in {model} fits 'x.mod'"),
    ],
)
def test_what_is_wrong_with_a_command_is_found_before_anything_runs(
    section: dict[str, Any], said: str, tmp_path: Path
) -> None:
    ((key, message),) = problems_of(tmp_path, section)
    assert key[0] == "simulation"
    assert said.replace("{model}", str(tmp_path)) in message


def test_names_that_stand_for_something_else_are_refused(tmp_path: Path) -> None:
    parameters = {"directory": [0, 1], "a.b": [0, 1], "a_b": [0, 1]}
    found = problems_of(tmp_path, {"command": "run"}, parameters=parameters)
    assert [key for key, _ in found] == [("parameters", "directory"), ("parameters", "a.b"), ("parameters", "a_b")]
    assert "is PARAMETER_a_b in the program's environment" in found[1][1]


def test_what_is_constant_computed_or_of_several_names_stands_in_commands_too(tmp_path: Path) -> None:
    parameters = {
        "x": [0, 1],
        "fixed": 3,
        "twice": {"expression": "2 * x"},
        "ena": {"names": ["soma.ena", "axon.ena"], "bounds": [40, 60]},
    }
    command = "run {x} {fixed:d} {twice:.2f} {soma.ena} {axon.ena}"
    assert problems_of(tmp_path, {"command": command}, parameters=parameters) == []
    ((_, message),) = problems_of(tmp_path, {"command": "run {ena}"}, parameters=parameters)
    assert "unknown {ena}; did you mean" in message


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"command": "run 'it"}, "command: cannot be split into words: No closing quotation"),
        ({"command": " "}, "command: expected a program, got nothing"),
        ({"command": []}, "command: expected a program, got nothing"),
        ({"command": "run", "exit_codes": {0: "exploded"}}, "expected exit codes from 1 to 125, got 0"),
        ({"command": "run", "environment": {"A B": "c"}}, "expected the name of an environment variable"),
        ({"command": "run", "before": {"run": []}}, "simulation.before.run"),
        ({}, "simulation.command"),
    ],
)
def test_a_section_that_cannot_be_is_refused_with_its_key(section: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        config_of(tmp_path, section)
    assert said in str(caught.value)


def test_files_of_the_model_that_would_not_be_found_are_noted(tmp_path: Path) -> None:
    (tmp_path / "run.py").write_text("")
    config = config_of(tmp_path, {"command": "python3 run.py"})
    ((_, message),) = model_of(config).notes(config)
    assert message.endswith("the program works in another directory: {model_dir}/run.py is meant?")
    config = load_config(tmp_path / "config.yaml", ["simulation.working_directory=model_dir"])
    assert model_of(config).notes(config) == []


def test_a_program_that_is_not_here_may_be_on_the_nodes(tmp_path: Path) -> None:
    config = config_of(tmp_path, {"command": "no_such_program {n}"})
    model = model_of(config)
    assert model.problems(config) == []
    assert [message for _, message in model.unknown(config)] == [
        "whether nodes have no_such_program, which is not here: let a node try it (--on-node)"
    ]


def test_what_a_program_is_made_of_is_told_if_it_changes(tmp_path: Path) -> None:
    for name in ("run.py", "a.mod", "b.mod", "data.txt"):
        (tmp_path / name).write_text(name)
    section = {"command": "python3 {model_dir}/run.py", "files": ["data*"], "before": {"run": "x", "inputs": ["*.mod"]}}
    before = model_of(config_of(tmp_path, section)).identity()
    assert sorted(before.files) == ["a.mod", "b.mod", "data.txt", "run.py"]
    (tmp_path / "b.mod").write_text("other")
    after = model_of(config_of(tmp_path, section)).identity()
    assert {name for name in after.files if after.files[name] != before.files[name]} == {"b.mod"}
