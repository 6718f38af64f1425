"""A run as an RO-Crate: files with metadata that hold together."""

from __future__ import annotations

import json
import shutil
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from best_runs import copied
from exported_runs import BEGIN, RATE, export, exported, exported_run
from in_process import command

from orchestrator.checkpoint import Checkpoint
from orchestrator.paths import RunPaths

pytestmark = pytest.mark.run

LICENCE = "https://creativecommons.org/licenses/by/4.0/"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> RunPaths:
    return exported_run(tmp_path_factory.mktemp("written") / "model")


@pytest.fixture
def run(written: RunPaths, tmp_path: Path) -> RunPaths:
    return copied(written, tmp_path / "model")


@pytest.fixture(scope="module")
def crate(written: RunPaths) -> Path:
    """A folder, with a report in it."""
    written.report.write_text("<html></html>")
    (folder,) = exported(written, "--to", "ro-crate", "--license", LICENCE)
    return folder


@pytest.fixture(scope="module")
def graph(crate: Path) -> dict[str, dict[str, Any]]:
    return graph_of((crate / "ro-crate-metadata.json").read_text())


def graph_of(text: str) -> dict[str, dict[str, Any]]:
    return {each["@id"]: each for each in json.loads(text)["@graph"]}


def test_a_crate_says_what_is_in_it_and_how_it_came_about(crate: Path, graph: dict[str, dict[str, Any]]) -> None:
    root, action = graph["./"], graph["#optimisation"]
    assert graph["ro-crate-metadata.json"]["about"] == {"@id": "./"}
    assert root["conformsTo"]["@id"] in graph
    assert {"name", "description", "datePublished", "license"} <= set(root)
    files = {each["@id"] for each in root["hasPart"]}
    assert files == {path.name for path in crate.iterdir()} - {"ro-crate-metadata.json"}
    assert {"config.yaml", "model.json", "checkpoint.h5", "report.html", "evaluations.csv"} <= files
    for name in files:
        assert graph[name]["contentSize"] == str((crate / name).stat().st_size)
    assert action["instrument"] == {"@id": "#orchestrator"}
    assert {"config.yaml", "model.json", "#parameter-w", "#parameter-n"} < {each["@id"] for each in action["object"]}
    assert {"checkpoint.h5", "report.html", "#best-w"} < {each["@id"] for each in action["result"]}
    assert datetime.fromisoformat(action["endTime"]).timestamp() == int(BEGIN + 65.5)
    assert "6 evaluations (4 OK, 1 EXPLODED, 1 NODE_FAIL)" in root["description"]


def test_a_crate_refers_to_nothing_that_it_does_not_describe(graph: dict[str, dict[str, Any]]) -> None:
    assert graph["./"]["license"] == {"@id": LICENCE}
    referred = json.dumps([{**each, "@id": ""} for each in graph.values()])
    names = {part.split('"')[0] for part in referred.split('{"@id": "')[1:]} - {""}
    assert names - {"https://w3id.org/ro/crate/1.1"} <= set(graph)


def test_a_crate_has_parameters_targets_best_and_versions(written: RunPaths, graph: dict[str, dict[str, Any]]) -> None:
    assert [graph["#parameter-n"][name] for name in ("minValue", "maxValue")] == [1, 8]
    target = graph["#target-rate"]
    assert (target["name"], target["value"], target["unitText"]) == (RATE, "3 to 4", "Hz")
    assert graph["#best-n"]["value"] == 6
    versions = Checkpoint(written.checkpoint).versions
    assert graph["#orchestrator"]["version"] == versions["orchestrator"]
    assert graph["#program-cma"]["version"] == versions["cma"]


def test_commands_that_look_at_runs_look_at_a_crate(written: RunPaths, crate: Path, tmp_path: Path) -> None:
    said = [command("best", str(each), cwd=tmp_path).stdout for each in (written.directory, crate)]
    assert said[0] == said[1]
    exported(RunPaths(crate), "--to", "csv", "-o", tmp_path / "again.csv")
    assert (tmp_path / "again.csv").read_bytes() == (crate / "evaluations.csv").read_bytes()


def test_a_packed_crate_holds_what_the_folder_does(written: RunPaths, crate: Path, tmp_path: Path) -> None:
    (packed,) = exported(written, "--to", "ro-crate", "-o", tmp_path / "crate.zip")
    with zipfile.ZipFile(packed) as content:
        assert sorted(content.namelist()) == sorted(path.name for path in crate.iterdir())
        assert content.read("checkpoint.h5") == written.checkpoint.read_bytes()


def test_a_folder_that_is_no_crate_is_never_replaced(run: RunPaths) -> None:
    for place in (run.directory, run.checkpoint):
        done = export(run, "--to", "ro-crate", "--force", "-o", place)
        assert done.returncode == 2
        assert "there already, and not written by orchestrator export" in done.stderr
    assert Checkpoint(run.checkpoint).n_generations == 2


def test_a_crate_that_is_looked_at_as_a_run_does_not_replace_itself(crate: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    shutil.copytree(crate, mine)
    done = export(RunPaths(mine), "--to", "ro-crate", "--force", "-o", mine)
    assert done.returncode == 2
    assert "is the run itself" in done.stderr
    assert sorted(mine.iterdir()) == sorted(mine / path.name for path in crate.iterdir())


def test_a_crate_of_a_run_without_best_and_without_its_files_is_one(run: RunPaths) -> None:
    lonely = RunPaths(run.surroundings / "lonely")
    lonely.directory.mkdir()
    shutil.copy(run.checkpoint, lonely.checkpoint)
    (folder,) = exported(lonely, "--to", "ro-crate")
    graph = graph_of((folder / "ro-crate-metadata.json").read_text())
    assert graph["./"]["license"] == "None is stated: ask those who made the run"
    assert {each["@id"] for each in graph["./"]["hasPart"]} == {
        "checkpoint.h5", "evaluations.csv", "evaluations.columns.csv",
    }  # fmt: skip
