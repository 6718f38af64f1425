"""`orchestrator check` as a user sees it; and on this machine, `--on-node`."""

from __future__ import annotations

import os
import re
import signal
import sys
from pathlib import Path

import pexpect
import pytest
from checked_project import CONFIG, WEIGHT, visual_model
from in_process import command
from orchestrator_project import CONFIG as CONFIG_OF_FUNCTION
from orchestrator_project import MODEL, Project, wait_for

from orchestrator.checking.check import inspect
from orchestrator.checking.disk import Disk, disk, size_text
from orchestrator.config.file import load_config
from orchestrator.simulations import RecordingSize, model_of

pytestmark = pytest.mark.commands

PROGRAM = "from orchestrator.cli import main; main()"


def checked(path: Path, *options: str, code: int = 0) -> str:
    """What ``orchestrator check`` says of a configuration, in this process."""
    done = command("check", CONFIG, *options, cwd=path.parents[1])
    assert done.returncode == code, done
    return done.stdout + done.stderr


def left(directory: Path) -> list[str]:
    return sorted(file.name for file in directory.iterdir() if file.name.startswith("orchestrator_check"))


def test_a_sound_configuration_is_told_with_its_costs_and_the_next_command(tmp_path: Path) -> None:
    said = checked(visual_model(tmp_path), "--set", "local.workers=1")
    lines = dict(line.strip().split(maxsplit=1) for line in said.splitlines() if line.startswith("  ") and line.strip())
    assert lines["parameters"] == "3 (1 logarithmic)"
    assert lines["targets"] == "4 on V1_Exc_L4, V1_Exc_L2/3, V1_Inh_L4, X_ON"
    assert lines["jobs"].startswith("14 offspring x 60 generations = 840 simulations (1 at once on this machine")
    assert lines["duration"] == "at most 50 d (60 x timeout of 20 h)"
    assert "per generation for every second of stimuli (an estimate: spikes of 1,256 neurons at 10 Hz" in lines["disk"]
    assert f"{CONFIG}: sound.\n" in said
    assert said.splitlines()[-1] == f"  orchestrator run {CONFIG} --set local.workers=1"
    assert all(line == line.rstrip() for line in said.splitlines())


def test_problems_are_listed_and_the_exit_code_is_2(tmp_path: Path) -> None:
    said = checked(visual_model(tmp_path, {"targets|0|sheet_name": "V1_Ex_L4", "timeot": 1}), code=2)
    assert "Problems, the worst first:\n" in said
    assert ": targets[0].sheet_name: the model has no sheet 'V1_Ex_L4'; did you mean 'V1_Exc_L4'?" in said
    assert said.splitlines()[-1] == f"2 problems in {CONFIG}: fix and check again."
    assert "sound" not in said


def test_notes_do_not_make_a_configuration_unsound(tmp_path: Path) -> None:
    samples = f"{WEIGHT.rpartition('.')[0]}.num_samples"
    changes = {f"parameters|{samples}": [20, 60], "simulation|setup": ['source "/no/such/bin/activate"']}
    said = checked(visual_model(tmp_path, changes))
    assert f"{samples}: is written as a whole number in the model, 40, and searched as a real one" in said
    assert "changes the environment, but simulation.python is not given" in said
    assert "sound, as far as could be found out here." in said
    assert "simulation.setup, line 1: exit code 1 from: source" in said


def test_a_selection_of_neurons_is_noted(tmp_path: Path) -> None:
    path = visual_model(tmp_path)
    recorders = path.parent / "recorders"
    text = recorders.read_text().replace("population_selector.RCAll", "population_selector.RCRandomN")
    recorders.write_text(text.replace("'params': {},", "'params': {'num_of_cells': 20},", 1))
    notes = [note.message for note in inspect(path, ()).notes]
    expected = (
        "spikes of V1_Exc_L4 are recorded of some of its neurons only (RCRandomN 'spikes'): its targets see no others"
    )
    assert expected in notes
    assert not any("X_ON" in note for note in notes)


def test_a_run_that_would_be_continued_with_other_targets_is_a_problem(tmp_path: Path) -> None:
    project = Project.create(tmp_path)
    project.command("run", "config.yaml", "--set", "max_ngen=1")
    checkpoint = project.runs[0] / "checkpoint.h5"
    changes = {"continue_cp": True, "cp_filename": str(checkpoint), "executor": "local"}
    project.configure(changes)
    assert inspect(project.config, ()).problems == []
    project.configure({**changes, "optimiser_sigma": 0.5, "parameters": {"x": [0, 1], "y": [-2, 3]}})
    found = [(problem.key, problem.message) for problem in inspect(project.config, ()).problems]
    assert [key for key, _ in found] == ["parameters", "optimiser_sigma"]
    assert "optimiser_sigma: 0.2 in the run, 0.5 now" in found[1][1]


# The disk


def test_the_size_is_that_of_the_largest_simulation_that_an_earlier_run_has_kept(tmp_path: Path) -> None:
    path = visual_model(tmp_path)
    for index, size in enumerate((1000, 250_000)):
        store = path.parents[1] / f"20261120-104608_Optimization/kept/0/{index}/1/simulation/store"
        store.mkdir(parents=True)
        (store / "Segment0.pickle").write_bytes(bytes(size))
    config = load_config(path, ["executor=slurm"])
    found = disk(config, RecordingSize(1, 1, "guesses"), (3, 4.0))
    assert (found.each, found.generation) == (250_000, 14 * 250_000)
    assert "(14 x 250 kB, the largest of 2 kept in 20261120-104608_Optimization)" in found.text()


def test_the_estimate_counts_recorders_and_a_counted_protocol(tmp_path: Path) -> None:
    path = visual_model(tmp_path)
    config = load_config(path, ["executor=slurm"])
    recorded = model_of(config).recorded()
    assert recorded is not None
    # a datastore of this model, 6 stimuli of 1.001 s in mozaik 0.1.0, takes 37.3 MB
    assert recorded.size(6, 6.006) == pytest.approx(37.3e6, rel=0.15)
    found = disk(config, recorded, (6, 6.006))
    assert "an estimate: 6 stimuli, 6.006 s, spikes of 1,256 neurons at 10 Hz and 72 signals" in found.text()


def test_recorders_that_are_not_understood_give_no_estimate(tmp_path: Path) -> None:
    path = visual_model(tmp_path)
    recorders = path.parent / "recorders"
    recorders.write_text(recorders.read_text().replace("RCGrid", "MyOwnSelection"))
    config = load_config(path)
    assert model_of(config).recorded() is None
    assert disk(config, None, None).text().startswith("not known before a simulation has been kept")


def test_what_does_not_fit_on_the_disk_is_said() -> None:
    full = Disk(each=2e9, per_second=None, source="", at_once=14, kept=840, free=20_000_000_000)
    assert full.warnings() == [
        ("model_dir", "a generation takes about 28 GB, and 20 GB are free there"),
        ("keep.directories", "keeps up to 840 simulations, about 1.7 TB, and 20 GB are free there"),
    ]
    assert Disk(2e9, None, "", 1, 0, 20_000_000_000).warnings() == []


def test_one_machine_holds_as_many_simulations_as_run_at_once(tmp_path: Path) -> None:
    path = visual_model(tmp_path)
    at_once = {
        "job": disk(load_config(path, ["local.workers=2"]), None, None).at_once,
        "controller": disk(load_config(path, ["local.workers=2", "measure_on=controller"]), None, None).at_once,
    }
    assert at_once == {"job": 2, "controller": 14}


@pytest.mark.parametrize(("size", "text"), [(12, "12 bytes"), (1500, "1.5 kB"), (14e6, "14 MB"), (2.5e12, "2.5 TB")])
def test_sizes_are_for_people(size: float, text: str) -> None:
    assert size_text(size) == text


def test_what_could_not_be_found_out_is_said_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = visual_model(tmp_path)
    monkeypatch.setattr("orchestrator.simulations.mozaik.model.find_spec", lambda _: None)
    said = command("check", str(path), "--set", "executor=local", cwd=tmp_path).stdout
    assert f"Not found out:\n{path}" in said
    assert "whether the model can be built: mozaik is not importable by " in said
    assert f"{path}: sound, as far as could be found out here.\n" in said
    own = command(
        "check", str(path), "--set", "executor=local", "--set", "simulation.python=python3", cwd=tmp_path
    ).stdout
    assert "Not found out" not in own


# On a node, which is this machine


def test_on_node_tries_the_function_and_leaves_nothing(tmp_path: Path) -> None:
    project = Project.create(tmp_path)
    said = project.command("check", "config.yaml", "--on-node")
    assert project.simulated == 1
    assert "  node        works on " in said
    assert "peak memory" in said
    assert "sound." in said
    assert "--on-node" not in said  # it is not proposed again
    assert left(tmp_path) == []
    assert not project.runs


def test_on_node_says_that_the_start_values_score_at_the_cap(tmp_path: Path) -> None:
    targets = [{**CONFIG_OF_FUNCTION["targets"][0], "norm": 0.01}, CONFIG_OF_FUNCTION["targets"][1]]
    said = " ".join(Project.create(tmp_path, {"targets": targets}).command("check", "config.yaml", "--on-node").split())
    expected = "with the start values the value 9 scores max_score (20), because 3 is wanted with a norm of 0.01."
    assert f"targets[0]: {expected} Above the cap scores hardly grow: raise norm" in said
    assert "targets[1]" not in said


def test_on_node_finds_a_score_that_no_optimiser_can_be_told(tmp_path: Path) -> None:
    own = {**CONFIG_OF_FUNCTION["targets"][0], "class": "own.py:Own"}
    project = Project.create(tmp_path, {"targets": [own]})
    code = "class Own(ReturnedValue):\n    def score(self, value):\n        return -1\n"
    (tmp_path / "own.py").write_text(f"from targets import ReturnedValue\n\n\n{code}")
    said = " ".join(project.command("check", "config.yaml", "--on-node", code=2).split())
    assert "target Own(rate): its score of the value 9.0 is -1.0; expected a finite number, not negative" in said


def test_on_node_says_which_targets_no_parameters_give_a_value(tmp_path: Path) -> None:
    """It was told at the end of the first generation."""
    (tmp_path / "data.csv").write_text("t,v\n0,1\n50,2\n")
    targets = [
        {"class": "TraceRMSE", "trace": "u", "data": "rec", "norm": 1},
        {"class": "TraceRMSE", "trace": "v", "data": "rec", "norm": 1},
        {"class": "TraceMean", "trace": "i", "data": "rec", "norm": 1},
        {"class": "PeakLatency", "trace": "v", "target_value": 3, "norm": 1},
    ]
    model = (
        "from targets import Trace\n\n\ndef simulate(p, d):\n"
        "    return {'v': Trace(range(41), range(41), 'mV'), 'i': Trace([0, 50], [1, 2], 'nA')}\n"
    )
    data = {"rec": {"file": "data.csv", "columns": ["t", "v"], "unit": "mV"}}
    project = Project.create(tmp_path, {"targets": targets, "data": data}, model=model)
    said = " ".join(project.command("check", "config.yaml", "--on-node", code=2).split())
    none = "has no value, whatever the parameters are"
    covered = "expected times that the trace has, [0, 40] ms, the data have [0, 50] ms"
    start = "with the start values PeakLatency(v) has no value"
    expected = [
        f"targets[0].trace: TraceRMSE(u) {none}: trace: the simulation left no trace 'u'",
        f"targets[1].window: TraceRMSE(v) {none}: window: {covered}",
        f"targets[2].trace: TraceMean(i) {none}: trace: i: expected a unit that converts to mV, got nA",
        f"targets[3]: {start}: the positive peak is at the edge of the window, 40",
    ]
    for each in expected:
        assert each in said


def test_on_node_shows_what_went_wrong_and_leaves_nothing(tmp_path: Path) -> None:
    project = Project.create(
        tmp_path, model=MODEL.replace("    time.sleep(", "    import no_such_module\n    time.sleep(")
    )
    said = project.command("check", "config.yaml", "--on-node", code=2)
    assert "node        fails on " in said
    assert "and failed (SIMULATION_ERROR): ModuleNotFoundError: No module named 'no_such_module'" in said
    assert "The last lines of its log:" in said
    assert left(tmp_path) == []


def test_on_node_ends_what_takes_too_long(tmp_path: Path) -> None:
    project = Project.create(tmp_path)
    said = project.command("check", "config.yaml", "--on-node", "--time-limit", "1s", code=2, TEST_SECONDS="60")
    assert "failed (TIME_LIMIT): not finished within 1 s; --time-limit gives it more" in said
    assert left(tmp_path) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_on_node_is_cancelled_by_ctrl_c_and_leaves_nothing(tmp_path: Path, number: int) -> None:
    project = Project.create(tmp_path)
    process = project.start("check", "config.yaml", "--on-node", TEST_SECONDS="100")
    wait_for(lambda: project.simulated == 1)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 3
    assert err == "orchestrator: the job was cancelled; nothing is left of it\n"
    assert left(tmp_path) == []


def test_nothing_is_tried_where_something_is_wrong(tmp_path: Path) -> None:
    project = Project.create(tmp_path, {"offspring_size": 2})
    done = command("check", "config.yaml", "--on-node", cwd=tmp_path)
    assert done.returncode == 2
    assert "at least 3 offspring" in done.stdout
    assert project.simulated == 0


def test_a_time_limit_that_is_none_is_refused(tmp_path: Path) -> None:
    Project.create(tmp_path)
    done = command("check", "config.yaml", "--on-node", "--time-limit", "long", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("orchestrator: --time-limit: expected a duration")


def test_in_a_narrow_terminal_the_table_keeps_its_columns(tmp_path: Path) -> None:
    path = visual_model(tmp_path)
    child = pexpect.spawn(
        sys.executable,
        ["-c", PROGRAM, "check", CONFIG],
        cwd=str(path.parents[1]),
        env={**os.environ, "TERM": "xterm-256color"},
        dimensions=(30, 60),
        encoding="utf-8",
        timeout=60,
    )
    shown = child.read()
    assert "\x1b[1m" in shown
    assert "sound." in shown
    plain = [line.strip("\r") for line in without_colours(shown).splitlines()]
    rows = plain[: plain.index("")]
    assert all(len(line) <= 60 for line in rows)
    assert all(line.startswith(("  ", "              ")) for line in rows)


def without_colours(text: str) -> str:
    """Take the colours away."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
