"""A run is of the model that it began with."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import pytest
from best_runs import copied, model_run
from orchestrator_project import Project
from rich.console import Console

from orchestrator.best.reevaluating import reevaluate
from orchestrator.checking.check import inspect
from orchestrator.checking.model_identity import changed_files, changed_parameters, commit_of, keep_model
from orchestrator.checkpoint import Checkpoint
from orchestrator.cluster import Job, State, Status, Task
from orchestrator.config.file import load_config
from orchestrator.config.model import Config
from orchestrator.display.logs import LogFormat
from orchestrator.errors import RunFailed, UsageError
from orchestrator.files import write_json
from orchestrator.paths import RunPaths, shipped
from orchestrator.records import Outcome, Result
from orchestrator.report.listings import files_changed
from orchestrator.run.evaluating import optimise
from orchestrator.run.start import create_run, go_on

WEIGHT = "sheets.exc.ExcExcConnection.weights"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> RunPaths:
    run = model_run(tmp_path_factory.mktemp("written"), "balanced_network", {WEIGHT: 0.0011})
    shutil.copy(shipped("param_optim/run_optimization_experiment.py"), run.directory.parent / "param_optim")
    return run


@pytest.fixture
def run(written: RunPaths, tmp_path: Path) -> RunPaths:
    return copied(written, tmp_path / "balanced_network")


@pytest.fixture
def config(run: RunPaths) -> Config:
    return load_config(run.config)


def edit(run: RunPaths, file: str, old: str, new: str) -> None:
    path = run.directory.parent / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def test_a_run_remembers_its_model(run: RunPaths, config: Config) -> None:
    assert changed_parameters(config, run) == []
    assert changed_files(config, run) == []
    edit(run, "param_optim/exc", "'density': 100.0", "'density': 5.0")
    (line,) = changed_parameters(config, run)
    assert line.endswith("density: 100.0 in the run, 5.0 now")


def test_what_every_simulation_gets_of_its_own_does_not_count(run: RunPaths, config: Config) -> None:
    exc = run.directory.parent / "param_optim/exc"
    exc.write_text(re.sub(r"('ExcExcConnection'.*?'weights': )[^,]+", r"\g<1>0.5", exc.read_text(), flags=re.DOTALL))
    assert "'weights': 0.5," in exc.read_text()
    edit(run, "param_optim/defaults", "'pynn_seed': 936395", "'pynn_seed': 514")
    assert changed_parameters(config, run) == []


def test_what_cannot_be_read_any_more_has_changed(
    run: RunPaths, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    exc = run.directory.parent / "param_optim/exc"
    text = exc.read_text()
    exc.unlink()
    waited: list[float] = []
    monkeypatch.setattr("time.sleep", waited.append)
    assert "param_optim/exc" in "".join(changed_parameters(config, run))
    assert changed_files(config, run) == []
    # an editor that is saving it
    monkeypatch.setattr("time.sleep", lambda _: exc.write_text(text))
    assert changed_parameters(config, run) == []
    assert len(waited) == 4


def test_runs_that_did_not_write_their_model_down_have_no_differences(run: RunPaths, config: Config) -> None:
    edit(run, "param_optim/exc", "'density': 100.0", "'density': 5.0")
    for text in ("", "[1]", '{"parameters": 3}', None):
        run.model.unlink() if text is None else run.model.write_text(text)
        assert changed_parameters(config, run) == []
        assert changed_files(config, run) == []


def test_many_differences_are_counted(run: RunPaths, config: Config) -> None:
    kept = json.loads(run.model.read_text())
    run.model.write_text(json.dumps({**kept, "parameters": dict.fromkeys(kept["parameters"], "0")}))
    lines = changed_parameters(config, run)
    assert len(lines) == 11
    assert lines[-1].startswith("and ")


def test_code_that_has_changed_is_named(run: RunPaths, config: Config) -> None:
    (run.directory.parent / "own.py").write_text("first")
    own = config.model_copy(update={"targets": [{"class": "own.py:Own"}, *config.targets]})
    keep_model(own, run)
    (run.directory.parent / "own.py").write_text("second")
    edit(run, "model.py", "import", "import  ")
    assert changed_files(own, run) == ["model.py", "own.py"]


def test_nobody_simulates_another_model_in_the_name_of_a_run(run: RunPaths) -> None:
    edit(run, "param_optim/exc", "'density': 100.0", "'density': 5.0")
    console = Console(quiet=True)
    with pytest.raises(UsageError, match=r"other parameters of the model:\n  .*density: 100\.0 in the run, 5\.0 now"):
        reevaluate(run, 1, 1, [], console)
    with pytest.raises(UsageError, match=r"--continue: the run in .* other parameters of the model:\n  .*density: 100"):
        go_on(run, ["max_ngen=5"], console, LogFormat.TEXT)


def test_check_says_so_of_a_run_that_would_be_continued(run: RunPaths) -> None:
    config = run.directory.parent / "param_optim/config_optimisation.yaml"
    overrides = ["continue_cp=true", f"cp_filename={run.checkpoint}"]
    assert inspect(config, overrides).problems == []
    edit(run, "param_optim/exc", "'density': 100.0", "'density': 5.0")
    (problem,) = inspect(config, overrides).problems
    assert problem.key == "cp_filename"
    assert problem.message.endswith("density: 100.0 in the run, 5.0 now")


class Meddling:
    """Has evaluated everything at once; then somebody edits the model."""

    name, survives, batch_size, result_grace = "meddling", True, 100, 1.0

    def __init__(self, run: RunPaths):
        self._run = run

    def submit(self, tasks: Sequence[Task], token: str, folder: Path, avoid: Collection[str]) -> list[Job]:
        for task in tasks:
            result = Path(json.loads(task.files[0].read_text())["result"])
            write_json(result, Result(Outcome.OK, values={"SpontActivityTarget(Exc)": 5.0}).to_json())
        edit(self._run, "param_optim/exc", "'density': 100.0", "'density': 5.0")
        return [Job(token, f"1_{n}") for n in range(len(tasks))]

    def poll(self, jobs: Sequence[Job]) -> Mapping[Job, Status]:
        return dict.fromkeys(jobs, Status(State.ENDED))

    def poll_interval(self, elapsed: float) -> float:
        return 1.0


@pytest.mark.run
def test_a_run_stops_where_its_model_was_changed_under_it(run: RunPaths, config: Config) -> None:
    paths = RunPaths(run.directory.parent / "20261122-100000_Optimization")
    paths.directory.mkdir()
    config = config.model_copy(update={"max_ngen": 3})
    create_run(config, paths)
    cluster = Meddling(paths)
    with pytest.raises(RunFailed, match=r"changed while the run went on:\n  .*density: 100\.0 in the run, 5\.0 now"):
        optimise(config, paths, cluster, stop=threading.Event(), confirm=lambda: None)  # type: ignore[arg-type]
    assert Checkpoint(paths.checkpoint).n_generations == 1


@pytest.mark.run
def test_a_function_that_has_changed_is_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    project = Project.create(tmp_path, {"max_ngen": 1})
    project.command("run", "config.yaml")
    (tmp_path / "model.py").write_text((tmp_path / "model.py").read_text() + "\n# fixed\n")
    said = project.command("run", "--continue", str(project.runs[0]))
    assert "model.py has changed since the run began" in said
    # nothing was evaluated
    assert files_changed(RunPaths(project.runs[0])) == []
    said = project.command("run", "--continue", str(project.runs[0]), "--set", "max_ngen=2")
    assert "model.py has changed since the run began" in said
    assert len(project.frame()) == 8
    assert files_changed(RunPaths(project.runs[0])) == ["model.py"]


def test_the_commit_of_a_model_is_known_and_whether_it_was_changed(tmp_path: Path) -> None:
    def git(*words: str) -> str:
        command = ["git", "-C", str(tmp_path), "-c", "user.name=A", "-c", "user.email=a@b.c", *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    model = tmp_path / "model"
    model.mkdir()
    assert commit_of(model) == ""
    (model / "model.py").write_text("a = 1\n")
    git("init", "-q")
    assert commit_of(model) == ""  # nothing is committed
    git("add", ".")
    git("commit", "-q", "-m", "begin")
    head = git("rev-parse", "HEAD")
    (model / "a_run").write_text("")
    assert commit_of(model) == f"commit {head}, without changes"
    (model / "model.py").write_text("a = 2\n")
    assert commit_of(model) == f"commit {head}, with changes in 1 file"
    # what is the model's has to be in it, runs have not
    (model / "own[1].py").write_text("a = 3\n")
    of_model = ["model.py", "./own[1].py", "../elsewhere.py"]
    assert commit_of(model, of_model) == (
        f"commit {head}, with changes in 1 file, and 1 file of the model is not in it"
    )
    git("add", "model/own[1].py")
    assert commit_of(model, of_model) == f"commit {head}, with changes in 2 files"
    # what a repository ignores is not in it
    (tmp_path / ".gitignore").write_text("ignored/\n")
    (tmp_path / "ignored").mkdir()
    assert commit_of(tmp_path / "ignored") == ""
