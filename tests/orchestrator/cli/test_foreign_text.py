"""Texts of users, models, checkpoints and clusters are shown by every command, and obeyed by no terminal."""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from in_process import Done, command
from report_runs import make_run
from rich.table import Table
from rich.text import Text
from run_on_disk import GenerationOnDisk, RunOnDisk

from orchestrator.checkpoint import Checkpoint
from orchestrator.cli.printing import PlainConsole
from orchestrator.files import write_json
from orchestrator.paths import RunPaths
from orchestrator.records import Outcome
from orchestrator.text import command_line, plain

pytestmark = pytest.mark.commands

# markup, right and wrong; names of emoji; colours, a title, a cursor, a bell, controls of eight bits; reversed letters
HOSTILE = [
    "[/usr/bin/true]",
    "[bold red]x[/bold red]",
    "[link=file:///etc/passwd]x",
    ":skull: [x",
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07x",
    "\x1b[2J\x1b[Hx\x07",
    "\x9b31mx",
    "a\rb",
    "x\u202egnp.exe",
    "\u2028x",
    "[@click=app.bell]x[/]",
]
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
COMMANDS = [
    ["status"],
    ["status", "--json"],
    ["best", "--top", "3"],
    ["best", "--json"],
    ["best", "--yaml"],
    ["best", "--overrides"],
    ["best", "--front", "--rank", "1"],
    ["best", "--reevaluated"],
    ["best", "--apply", "param_best"],
    ["best", "--reevaluate", "1"],
    ["front"],
    ["front", "--csv"],
    ["export", "--to", "csv"],
    ["export", "--to", "optuna"],
    ["export", "--to", "ro-crate"],
    ["report"],
    ["cancel"],
    ["run", "--continue"],
    ["check"],
    ["score", "--config", "config.yaml", "--rescore"],
    ["score", "--config", "config.yaml", "--json", "--rescore"],
]


def written(text: str) -> str:
    """Return a text as YAML keeps it: some control characters are not allowed in files."""
    return str(yaml.safe_load(yaml.safe_dump(text)))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunPaths:
    """A run in which every text that is not the program's own is hostile."""
    folder = tmp_path_factory.mktemp("model")
    names = [written(text) for text in HOSTILE]
    config = {
        "parameters": {name: [0, 1] for name in names},
        "targets": [
            {"class": "ReturnedValue", "key": "k", "target_value": 0.0, "norm": 0.5, "name": name} for name in names
        ],
        "model_dir": "..",
        "offspring_size": 4,
        "max_ngen": 10,
        "executor": "local",
        "simulation": {"type": "function", "function": "model:simulate"},
    }
    text = yaml.safe_dump(config, sort_keys=False)
    (folder / "config.yaml").write_text(text)
    outcomes = [Outcome.OK, Outcome.OK, Outcome.OK, Outcome.EXPLODED]
    paths = make_run(
        folder / "20261126-100000_[b]Optimization", parameters=names, targets=names, text=text,
        outcome=lambda _, index: outcomes[index],
    )  # fmt: skip
    paths.config.write_text(text)
    generation = GenerationOnDisk(paths.generation(3))
    token = f"{paths.job_name}-g3-0"
    generation.write("submitting", token=token, tasks=[[n, 1] for n in range(4)], executor="local")
    generation.write("submitted", token=token, ids=[f"{token}-{n}{HOSTILE[n]}" for n in range(4)])
    for n in range(2):
        generation.note(n, "protocols", name=HOSTILE[n], host=HOSTILE[-n], step=1, steps=3)
    generation.note(1, HOSTILE[4])
    generation.land(2, Outcome.SIMULATION_ERROR, message="".join(HOSTILE), log_tail="\n".join(HOSTILE))
    generation.land(3, Outcome.EXPLODED, message=HOSTILE[0])
    pending = {reason: [n % 4] for n, reason in enumerate(HOSTILE)}
    write_json(paths.generation(3).queue, {"time": 1.0, "jobs": {"PENDING": pending, "UNKNOWN": pending}})
    files = RunOnDisk.__new__(RunOnDisk)
    files.paths = paths
    ended = {"ended": 1.0, "how": HOSTILE[1], "why": HOSTILE[4] + HOSTILE[0]}
    files.holder(host=HOSTILE[0], job=HOSTILE[1], jobs=HOSTILE, since=HOSTILE[2], pid=1, **ended)
    return paths


def run_command(run: RunPaths, arguments: list[str]) -> Done:
    named = run.config if arguments == ["check"] else run.directory
    return command(*arguments, str(named), cwd=run.surroundings)


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_no_command_prints_control_characters_or_takes_markup_for_its_own(run: RunPaths, arguments: list[str]) -> None:
    done = run_command(run, arguments)
    printed = done.stdout + done.stderr
    assert printed.strip()
    assert done.returncode in (0, 1, 2)
    assert not CONTROLS.findall(printed)
    assert "Traceback" not in printed


def test_names_are_shown_letter_by_letter(run: RunPaths) -> None:
    shown = run_command(run, ["best"]).stdout
    for text in HOSTILE[:4]:
        assert shown.count(text) == 2  # parameter and target
    assert "[b]Optimization" in run_command(run, ["status"]).stdout
    assert "[b]Optimization" in run_command(run, ["cancel"]).stdout


def test_programs_get_names_as_they_are(run: RunPaths) -> None:
    names = Checkpoint(run.checkpoint).parameter_names
    (best,) = json.loads(run_command(run, ["best", "--json"]).stdout)
    assert list(best["parameters"]) == names
    printed = yaml.safe_load(run_command(run, ["best", "--yaml"]).stdout)
    assert list(printed[0] if isinstance(printed, list) else printed) == names


def test_check_shows_what_looks_like_markup(tmp_path: Path) -> None:
    """Rich's markup in a message crashed `check`, and took parts out of the commands that it prints."""
    (tmp_path / "model.py").write_text("def simulate(parameters, directory):\n    return {}\n")
    config = {
        "parameters": {"x": [0, 1]},
        "optimiser_centroid": {"x": 0.5},
        "targets": [{"class": "ReturnedValue", "key": "k", "target_value": 0.0, "norm": 0.5}],
        "model_dir": ".",
        "executor": "local",
        "simulation": {"type": "function", "function": "model:simulate"},
    }
    name = "config[bold].yaml"
    (tmp_path / name).write_text(yaml.safe_dump(config))
    arguments = ["--set", "slurm.setup=[/usr/bin/true]", "--set", "slurm.extra={comment: '[/bold]'}"]
    done = command("check", name, *arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    to_start = done.stdout.rpartition("To start:\n")[2]
    assert shlex.split(to_start) == ["orchestrator", "run", name, *arguments]


def test_a_console_shows_texts_and_obeys_its_own_styles_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    console = PlainConsole(width=100)
    console.file = file = io.StringIO()
    table = Table("[bold]head", title=HOSTILE[4])
    table.add_row(HOSTILE[0])
    for part in (*HOSTILE, Text(HOSTILE[5]), table):
        console.print(part)
    console.print("green", style="green")
    said = file.getvalue()
    assert "\x1b[32mgreen\x1b[0m" in said
    left = re.sub(r"\x1b\[[0-9;]*m", "", said)
    assert not CONTROLS.findall(left)
    for text in (*HOSTILE[:4], "[bold]head"):
        assert text in left
    assert "\x1b[31mred" not in said


@pytest.mark.parametrize(
    "name", ["a b", "it's", "a\x1b[31mb", "new\nline", "tab\t", "\udcff", "back\\slash\x07", "µ漢", "[x]"]
)
def test_a_command_to_copy_names_what_it_should_and_has_no_control_characters(name: str) -> None:
    line = command_line("printf", "%s", name)
    assert plain(line) == line
    printed = subprocess.run(["bash", "-c", line], check=True, capture_output=True, env={"LC_ALL": "C.UTF-8"}).stdout
    assert printed == name.encode("utf-8", "surrogateescape")


def test_letters_that_the_output_cannot_show_are_numbers(tmp_path: Path) -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "orchestrator", "status", b"\xff\xc3\xb6"],
        cwd=tmp_path, capture_output=True, check=False, env={"PYTHONIOENCODING": "ascii", "PATH": os.environ["PATH"]},
    )  # fmt: skip
    assert done.returncode == 2
    assert b"\\udcff\\xf6: is not a run directory" in done.stderr
