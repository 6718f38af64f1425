"""A run that is exported to a study of optuna, as the real optuna-dashboard shows it in headless Chromium."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from chromium import started
from environments import beside
from exported_runs import CV, RATE, ROWS, exported, exported_run
from orchestrator_project import wait_for
from playwright.sync_api import Browser, Page, expect

from orchestrator.paths import RunPaths

pytestmark = pytest.mark.browser

DASHBOARD = "from optuna_dashboard._cli import main; main()"
PATIENCE = 30_000  # ms
TRIAL = re.compile(r"^Trial \d+$")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Variables by which this Python finds the dashboard, beside the optuna that it has."""
    return beside(tmp_path_factory.mktemp("dashboard") / "packages", "optuna-dashboard", "bottle")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with started() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1280, "height": 900}, timezone_id="UTC")
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    page.close()
    assert errors == []


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunPaths:
    return exported_run(tmp_path_factory.mktemp("exported") / "model")


def answers(port: int) -> bool:
    """Whether something listens at a port of this machine."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@contextmanager
def dashboard(study: Path, environment: dict[str, str]) -> Iterator[str]:
    """Start it with a study; return where it shows all studies."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    storage = f"sqlite:///{study}" if study.suffix == ".db" else str(study)
    command = [sys.executable, "-u", "-c", DASHBOARD, storage, "--port", str(port), "--server", "wsgiref"]
    with subprocess.Popen(
        command, env={**environment, "TZ": "UTC"}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        try:
            said = ""
            while "Listening" not in said:
                line = process.stdout.readline()
                assert line, said
                said += line
            wait_for(lambda: answers(port))  # it says so before it listens
            yield f"http://127.0.0.1:{port}/dashboard/studies"
        finally:
            process.terminate()


def test_the_dashboard_shows_every_trial_of_a_journal(page: Page, run: RunPaths, environment: dict[str, str]) -> None:
    (study,) = exported(run, "--to", "optuna")
    with dashboard(study, environment) as studies:
        page.goto(f"{studies}/0/trials?numbers=1")
        expect(page.get_by_text(f"{len(ROWS)} Trials", exact=True)).to_be_visible(timeout=PATIENCE)
        expect(page.get_by_text(TRIAL)).to_have_count(len(ROWS))
        shown = page.locator("body")
        # of the second
        expect(shown).to_contain_text("outcome EXPLODED")
        text = shown.inner_text()
        states = re.findall(r"^Trial \d+\n+(\w+)$", text, re.MULTILINE)
        assert states == ["Complete", "Pruned", "Complete", "Complete", "Fail", "Complete"]
        assert "w 0.43333333333333335" in text
        assert "Mon Sep 21 2026 14:13:21 GMT+0000" in text


def test_the_dashboard_draws_the_front_of_a_data_base(page: Page, run: RunPaths, environment: dict[str, str]) -> None:
    (study,) = exported(run, "--to", "optuna", "--objectives", "targets", "-o", run.surroundings / "study.db")
    with dashboard(study, environment) as studies:
        page.goto(f"{studies}/1")
        shown = page.locator("body")
        expect(shown).to_contain_text("Objective Values = [0, 2.2222222222222228]", timeout=PATIENCE)
        text = shown.inner_text()
        front = re.findall(r"^Trial (\d+)\n+Objective Values", text, re.MULTILINE)
        assert front == ["0", "2", "5"]
        assert {RATE, CV} <= set(text.splitlines())
        page.goto(f"{studies}/1/trials")
        expect(page.get_by_text(f"{len(ROWS)} Trials", exact=True)).to_be_visible(timeout=PATIENCE)
