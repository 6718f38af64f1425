"""report.html of a run that is going on, and the command that writes it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from orchestrator_project import Project

from orchestrator.paths import RunPaths
from orchestrator.run.report_refresher import ReportRefresher

pytestmark = pytest.mark.run


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project.create(tmp_path_factory.mktemp("reported"), {"report": True})
    # files of a model may have the names of libraries
    (project.directory / "yaml.py").write_text("raise ImportError('not this one')")
    project.command("run", "config.yaml")
    return project


def test_a_run_leaves_a_report_of_all_its_generations(project: Project) -> None:
    page = (project.runs[0] / "report.html").read_text()
    assert project.runs[0].name in page
    assert re.search(r"<b>2</b> of 2 generations|2\s*</\w+>\s*of 2 generations", page)
    # its controller, which had it written, was still there
    assert '<p class="ending">Finished: max_ngen of 2 generations reached</p>' in page


def test_the_command_writes_it_anywhere_and_compares_runs(project: Project, tmp_path: Path) -> None:
    run = str(project.runs[0])
    single, both = tmp_path / "one.html", tmp_path / "both.html"
    assert str(single) in project.command("report", run, "--output", str(single))
    assert "Finished: max_ngen of 2 generations reached" in single.read_text()
    project.command("report", run, run, "-o", str(both))
    assert "report" in both.read_text()
    said = project.command("report", run, run, code=2)
    assert "name the file in which the runs are compared: --output comparison.html" in said
    assert "is not a run directory" in project.command("report", str(tmp_path), code=2)


def test_a_report_that_cannot_be_written_is_a_warning_and_no_more(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "checkpoint.h5").write_text("no checkpoint")
    refresher = ReportRefresher(RunPaths(tmp_path), wanted=True)
    refresher.refresh()
    refresher.finish("it is good enough")
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == 2
    assert all(message.startswith("report.html is not written: ") for message in messages)
    assert not any("Traceback" in message for message in messages)


def test_an_unwanted_report_is_not_written(tmp_path: Path) -> None:
    refresher = ReportRefresher(RunPaths(tmp_path), wanted=False)
    refresher.refresh()
    refresher.finish("it is good enough")
    assert not list(tmp_path.iterdir())
