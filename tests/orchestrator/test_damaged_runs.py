"""Whatever is in the files of a run: each command says it in one message that names the file, and goes on if it can."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from damaged_runs import REPLACEMENTS, SPACE, VALUES, complete_run, copied, damage_json, damage_yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from in_process import command

from orchestrator.best.reevaluating import last_report
from orchestrator.checking import model_identity
from orchestrator.checking.model_identity import changed_files, changed_parameters
from orchestrator.checking.problems import identity_differences, load_checked_config
from orchestrator.checkpoint import Checkpoint
from orchestrator.cli.printing import PlainConsole
from orchestrator.config.file import load_frozen
from orchestrator.display.terminal import one_line, render
from orchestrator.errors import OrchestratorError
from orchestrator.jobs.submissions import Submissions
from orchestrator.paths import ReevaluationPaths, RunPaths
from orchestrator.reevaluation.choosing import choose
from orchestrator.results import new_results
from orchestrator.run.asked import Asks
from orchestrator.run.cancel import cancel_run
from orchestrator.simulations.phases import phases
from orchestrator.status import Watcher

pytestmark = pytest.mark.hostile

# a file of each kind, and who reads it
FILES = {
    "generations/2/results/0.2.json": ("status", "continue"),
    "generations/2/jobs.jsonl": ("status", "continue", "cancel"),
    "generations/2/generation.json": ("continue",),
    "generations/2/1/2/progress.jsonl": ("status", "continue"),
    "generations/2/1/2/claimed": ("cancel",),
    "generations/2/queue.json": ("status",),
    "controller.json": ("status", "cancel"),
    "model.json": ("continue",),
    "reevaluation/request.json": ("best --reevaluated",),
}


@pytest.fixture(scope="module", autouse=True)
def _without_patience() -> Iterator[None]:
    """Let nobody wait for a model that may be just being saved."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model_identity, "_PAUSE", 0.0)
        yield


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> RunPaths:
    return complete_run(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("copies") / "model"


def status_of(run: RunPaths) -> None:
    status = Watcher(run).look()
    json.dumps(status.to_json(), allow_nan=False)
    one_line(status)
    with (console := PlainConsole(width=100)).capture():
        console.print(render(status))


def best_of(run: RunPaths) -> None:
    choose(Checkpoint(run.checkpoint), 2)
    Checkpoint(run.checkpoint).details()


def continued(run: RunPaths) -> None:
    """Read all that a controller reads before it goes on."""
    config, checkpoint = load_checked_config(run.config), Checkpoint(run.checkpoint)
    identity_differences(config, load_frozen(run.checkpoint, checkpoint.config_text))
    changed_parameters(config, run)
    changed_files(config, run)
    asks = Asks(run, SPACE)
    asks.require_fit(checkpoint)
    asks.missing(checkpoint.told())
    for number in run.generation_numbers():
        generation = run.generation(number)
        Submissions.read(generation.journal)
        list(new_results(generation.results, set()))
        phases(generation.attempt(1, 2))


COMMANDS: dict[str, Callable[[RunPaths], object]] = {
    "status": status_of,
    "best": best_of,
    "best --reevaluated": last_report,
    "continue": continued,
    "cancel": lambda run: cancel_run(run, lambda _: None),
}


def said_by(look: Callable[[RunPaths], object], run: RunPaths) -> str:
    """Return the message of an error, nothing if there is none."""
    try:
        look(run)
    except OrchestratorError as error:
        return str(error)
    except OSError as error:  # the program says it with the file's name
        return f"{error.filename}: {error.strerror}"
    return ""


def try_all(run: RunPaths, file: Path, names: Iterable[str] = tuple(COMMANDS)) -> None:
    """Let commands look; an error is a message for people that names a file of the run."""
    for name in names:
        said = said_by(COMMANDS[name], run)
        assert not said or (str(run.surroundings) in said and name != "status"), (name, file, said)


def test_a_number_of_seeds_that_nobody_asked_for_is_a_damaged_file(sound: RunPaths, copies: Path) -> None:
    """Their seeds would be drawn one by one, without an end."""
    run = copied(sound, copies)
    request = ReevaluationPaths.of(run).request
    request.write_text(json.dumps(json.loads(request.read_text()) | {"seeds": 2**40}))
    assert "seeds: expected 1 to 10,000, got 1099511627776" in said_by(last_report, run)


@pytest.mark.parametrize("name", FILES)
@given(place=st.tuples(st.integers(0, 10), st.integers(0, 40)), value=st.sampled_from(VALUES))
def test_any_value_in_any_place_is_no_crash(
    sound: RunPaths, copies: Path, name: str, place: tuple[int, int], value: Any
) -> None:
    run = copied(sound, copies)
    damage_json(run.directory / name, *place, value)
    try_all(run, run.directory / name, FILES[name])


@settings(max_examples=settings.default.max_examples // 2)
@given(place=st.integers(0, 200), value=st.sampled_from(VALUES))
def test_any_value_in_any_place_of_the_configuration_is_no_crash(
    sound: RunPaths, copies: Path, place: int, value: Any
) -> None:
    run = copied(sound, copies)
    damage_yaml(run.config, place, value)
    try_all(run, run.config, ("status", "continue", "cancel"))


def test_aliases_that_stand_for_billions_of_values_are_refused_at_once(sound: RunPaths, copies: Path) -> None:
    run = copied(sound, copies)
    lines = ["a0: &a0 [1, 1]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12))]
    run.config.write_text("\n".join(lines) + "\n")
    begin = time.process_time()
    assert "aliases written out" in Watcher(run).look().problems[0]
    assert "aliases written out" in said_by(continued, run)
    assert said_by(COMMANDS["cancel"], run) == ""
    assert time.process_time() - begin < 1
    run.config.write_text("a: &a [*a]\n")
    assert "holds itself by an alias" in Watcher(run).look().problems[0]
    assert "holds itself by an alias" in said_by(continued, run)


@pytest.mark.parametrize("how", REPLACEMENTS)
def test_what_is_no_file_of_ours_is_no_crash_and_holds_nobody_up(sound: RunPaths, copies: Path, how: str) -> None:
    for name in (*FILES, "config.yaml", "checkpoint.h5"):
        run = copied(sound, copies)
        REPLACEMENTS[how](run.directory / name)
        try_all(run, run.directory / name)


def test_a_sound_run_is_read_without_a_word(sound: RunPaths, copies: Path) -> None:
    run = copied(sound, copies)
    assert Watcher(run).look().problems == ()
    for name in ("status", "best", "continue", "cancel"):
        COMMANDS[name](run)


def test_status_and_best_go_on_where_only_the_configuration_is_gone(sound: RunPaths, copies: Path) -> None:
    run = copied(sound, copies)
    run.config.unlink()
    done = command("status", str(run.directory), cwd=copies)
    assert (done.returncode, done.stderr) == (0, "")
    assert "config.yaml: cannot be read" in " ".join(done.stdout.split())
    assert command("best", str(run.directory), cwd=copies).returncode == 0
    assert command("report", str(run.directory), cwd=copies).returncode == 0
