"""The best parameters in a folder of the model's own parameter files."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from best_runs import copied, model_run, written_run
from typer.testing import CliRunner

from orchestrator.cli import app
from orchestrator.errors import UsageError
from orchestrator.paths import RunPaths
from orchestrator.simulations.mozaik.parameters import flatten, read_parameter_tree
from orchestrator.simulations.mozaik.parameters.editing import Edited, Editor

pytestmark = pytest.mark.commands

BEST = {
    "sheets.exc.ExcExcConnection.weights": 0.00123456789012345678,
    "sheets.inh.InhExcConnection.weights": 0.025,
    "sheets.exc.params.artificial_stimulators.background.params.exc_weight": 0.0007,
}
L4 = "sheets.l4_cortex_exc"


def applied(run: RunPaths, *options: object) -> str:
    """What ``best --apply`` prints; the message where it is refused."""
    words = ["best", run.directory, "--apply", *(options or ["param_best"])]
    result = CliRunner().invoke(app, [str(each) for each in words])
    if isinstance(result.exception, UsageError):
        return f"refused: {result.exception}"
    assert result.exit_code == 0, result.output
    return result.stdout


def tree(model: Path, root: str) -> dict[str, Any]:
    return dict(flatten(read_parameter_tree(Path(root), model)))


def changed_lines(old: Path, new: Path) -> list[tuple[str, str]]:
    """Lines that differ between two files of as many lines."""
    pairs = zip(old.read_text().splitlines(), new.read_text().splitlines(), strict=True)
    return [(a.strip(), b.strip()) for a, b in pairs if a != b]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> RunPaths:
    return model_run(tmp_path_factory.mktemp("written"), "balanced_network", BEST)


@pytest.fixture
def run(written: RunPaths, tmp_path: Path) -> RunPaths:
    return copied(written, tmp_path / "balanced_network")


@pytest.fixture
def model(run: RunPaths) -> Path:
    return run.directory.parent


def test_only_the_values_and_the_folder_change_in_the_files(run: RunPaths, model: Path) -> None:
    said = applied(run)
    assert changed_lines(model / "param/exc", model / "param_best/exc") == [
        ("'exc_weight': 0.0005,        # microsiemens", "'exc_weight': 0.0007,        # microsiemens"),
        ("'recorders': url(\"param/recorders\"),", "'recorders': url(\"param_best/recorders\"),"),
        ("'weights': 0.001,    # microsiemens", "'weights': 0.0012345678901234567,    # microsiemens"),
    ]
    assert changed_lines(model / "param/inh", model / "param_best/inh") == [
        ("'recorders': url(\"param/recorders\"),", "'recorders': url(\"param_best/recorders\"),"),
        ("'weights': 0.02,     # microsiemens", "'weights': 0.025,     # microsiemens"),
    ]
    assert (model / "param_best/recorders").read_bytes() == (model / "param/recorders").read_bytes()
    assert tree(model, "param_best/defaults") == {**tree(model, "param/defaults"), **BEST}
    assert "param/exc:44:20: sheets.exc.ExcExcConnection.weights = 0.0012345678901234567" in said
    assert f"cd {model}\n  python run.py nest 1 param_best/defaults best\n" in said


def test_what_moves_along_and_other_seeds_are_said(run: RunPaths) -> None:
    said = applied(run)
    assert (
        "sheets.inh.InhInhConnection.weights refers to sheets.inh.InhExcConnection.weights and changes with it" in said
    )
    assert "Its seeds are those of the base folder (pynn_seed: 936395)" in said
    assert "override: pynn_seed 513" in said


def test_what_else_the_optimisation_had_otherwise_is_a_warning(run: RunPaths, model: Path) -> None:
    assert "Warning" not in applied(run, "first")
    for name, old, new in (("exc", "'delay': 1.5,   ", "'delay': 2.5,   "), ("recorders", "300.0", "150.0")):
        file = model / "param_optim" / name
        assert old in file.read_text()
        file.write_text(file.read_text().replace(old, new))
    said = applied(run).partition("Warning: ")[2].splitlines()
    assert said[0] == "the optimisation had other values than param/defaults also of:"
    assert said[1] == "  sheets.exc.ExcExcConnection.delay: 2.5 there, 1.5 here"
    assert not said[2].startswith(" ")


def test_the_folder_says_where_its_values_are_from(run: RunPaths, model: Path) -> None:
    (model / "deeper").mkdir()
    applied(run, "deeper/best two", "--rank", "2")
    origin = yaml.safe_load((model / "deeper/best two/best_parameters.yaml").read_text())
    assert (origin["run"], origin["rank"], origin["offspring"]) == (run.directory.name, 2, 2)
    assert origin["parameters"] == {name: value / 2 for name, value in BEST.items()}
    assert origin["seeds_of_the_optimisation"] == {"pynn_seed": 513, "mpi_seed": 1023}
    assert tree(model, "deeper/best two/defaults") == {**tree(model, "param/defaults"), **origin["parameters"]}


def test_a_parallel_model_is_run_in_parallel(tmp_path: Path) -> None:
    simulation = {"launcher": "mpirun -n 4", "python": "python3.11", "setup": ["module load nest"], "threads": 2}
    said = applied(model_run(tmp_path, "balanced_network", BEST, **simulation))
    command = "module load nest\nmpirun -n 4 python3.11 -m mpi4py run.py nest 2 param_best/defaults best"
    assert f"\n  {command}\n" in said


def test_a_file_outside_the_base_folder_is_copied_into_the_new_one(tmp_path: Path) -> None:
    run = model_run(tmp_path, "balanced_network", BEST)
    model = run.directory.parent
    (model / "shared").mkdir()
    for folder in ("param", "param_optim"):
        text = (model / folder / "defaults").read_text()
        (model / folder / "defaults").write_text(text.replace(f'url("{folder}/exc")', 'url("shared/exc")'))
    (model / "param/exc").rename(model / "shared/exc")
    before = (model / "shared/exc").read_bytes()
    said = applied(run)
    assert "param_best/exc_of_sheets.exc is its copy" in said
    assert (model / "shared/exc").read_bytes() == before
    assert tree(model, "param_best/defaults") == {**tree(model, "param/defaults"), **BEST}


def test_a_folder_that_is_there_is_overwritten_only_by_force(run: RunPaths, model: Path) -> None:
    applied(run)
    (model / "param_best/exc").write_text("changed")
    (model / "param_best/mine").write_text("mine")
    assert "param_best: there already. With --force it is overwritten" in applied(run)
    assert (model / "param_best/exc").read_text() == "changed"
    applied(run, "param_best", "--force")
    assert not (model / "param_best/mine").exists()
    assert tree(model, "param_best/defaults") == {**tree(model, "param/defaults"), **BEST}


def test_force_does_not_overwrite_what_apply_has_not_written(run: RunPaths, model: Path) -> None:
    (model / "precious").mkdir()
    (model / "precious/data").write_text("data")
    (model / "empty").mkdir()
    assert "not written by --apply (no best_parameters.yaml in it)" in applied(run, "precious", "--force")
    assert (model / "precious/data").read_text() == "data"
    assert "there already" in applied(run, "empty")
    assert "Wrote" in applied(run, "empty", "--force")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["param", "--force"], "expected a new folder of its own, apart from param"),
        (["param_optim", "--force"], "apart from param_optim"),
        (["param/best"], "apart from param"),
        (["."], "expected a folder inside"),
        (["../elsewhere"], "expected a folder inside"),
        (["deeper/new"], "there is no directory"),
        (["model.py"], "there already, and not written by --apply"),
        (["new", "--base-param", "params"], "did you mean 'param'? Name the folder of the model's parameters"),
        (["new", "--base-param", ".."], "--base-param ..: expected a folder inside"),
        (["new", "--rank", "4"], "--rank 4: expected 1 to 2"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_folders_are_refused_and_nothing_changes(
    run: RunPaths, model: Path, options: list[str], message: str
) -> None:
    before = {path: path.read_bytes() for path in model.rglob("*") if path.is_file()}
    answer = applied(run, *options)
    assert answer.startswith("refused: ")
    assert message in answer
    assert {path: path.read_bytes() for path in model.rglob("*") if path.is_file()} == before
    assert not (model / "new").exists()


def test_a_name_that_the_base_folder_lacks_is_refused(run: RunPaths, model: Path) -> None:
    text = (model / "param/exc").read_text()
    (model / "param/exc").write_text(text.replace("ExcExcConnection", "ExcExcConections"))
    answer = applied(run)
    assert "param/defaults: the parameter 'sheets.exc.ExcExcConnection.weights' of the optimisation" in answer
    assert "did you mean 'sheets.exc.ExcExcConections.weights'?" in answer
    assert not (model / "param_best").exists()


def test_a_root_of_another_name_is_asked_for(run: RunPaths, model: Path) -> None:
    (model / "param/defaults").rename(model / "param/root")
    assert "has no root parameter file 'defaults', as the optimisation's param_optim/defaults" in applied(run)


def test_a_base_folder_that_cannot_be_read_is_refused_with_its_place(run: RunPaths, model: Path) -> None:
    (model / "param/inh").write_text("{'a': ")
    answer = applied(run)
    assert "param/inh:1" in answer
    assert not (model / "param_best").exists()


def test_a_folder_that_reads_otherwise_is_taken_back(
    run: RunPaths, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the reason: what is left has the right values, or it is not left."""
    original = Editor.edited

    def wrong(editor: Editor, root: str, values: Mapping[str, float]) -> Edited:
        return original(editor, root, {**values, "sheets.exc.ExcInhConnection.weights": 1.0})

    monkeypatch.setattr(Editor, "edited", wrong)
    result = CliRunner().invoke(app, ["best", str(run.directory), "--apply", "param_best"])
    assert "reads otherwise than it should" in str(result.exception)
    assert "sheets.exc.ExcInhConnection.weights: 1.0, expected 0.0015" in str(result.exception)
    assert not (model / "param_best").exists()
    assert not list(model.glob(".*"))


def test_a_run_that_was_moved_with_its_model_is_applied(run: RunPaths, model: Path, tmp_path: Path) -> None:
    moved = model.rename(tmp_path / "moved")
    said = applied(RunPaths(moved / run.directory.name))
    assert f"Wrote {moved / 'param_best'}" in said


def test_integers_stay_integers(tmp_path: Path) -> None:
    run = model_run(tmp_path, "balanced_network", {"sheets.exc.params.sx": 3000.0})
    config = yaml.safe_load((run.directory.parent / "param_optim/config_optimisation.yaml").read_text())
    del config["optimiser_centroid"]
    config["parameters"] = {"sheets.exc.ExcExcConnection.k": {"bounds": [10, 90], "integer": True}}
    (run.directory.parent / "param_optim/config_optimisation.yaml").write_text(yaml.safe_dump(config))
    shutil.rmtree(run.directory)
    values = {"sheets.exc.ExcExcConnection.k": 55}
    again = written_run(run.directory.parent / "param_optim/config_optimisation.yaml", [(values, [5.0])])
    applied(again)
    assert "'k': 55,             # inputs per neuron" in (run.directory.parent / "param_best/exc").read_text()


def test_urls_in_a_list_and_what_is_not_a_number_are_compared_as_they_are(tmp_path: Path) -> None:
    run = model_run(tmp_path, "balanced_network", BEST)
    model = run.directory.parent
    for folder in ("param", "param_optim"):
        file = model / folder / "exc"
        more = f"'stim': [url('{folder}/inh'), url(\"{folder}/exc\")], 'none': 1e999 - 1e999, 'sx':"
        assert "'sx':" in file.read_text()
        file.write_text(file.read_text().replace("'sx':", more))
    said = applied(run)
    assert "Warning" not in said
    assert "[url('param_best/inh'), url(\"param_best/exc\")]" in (model / "param_best/exc").read_text()
