"""A controller inside a program of the user's, which goes on afterwards."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import types
from pathlib import Path

import pytest
from orchestrator_project import Project
from script_as_main import script

from orchestrator.api.carrying_out import as_guest, carried_out
from orchestrator.api.optimising import optimise
from orchestrator.display.console import PlainConsole
from orchestrator.display.logs import logging_to
from orchestrator.display.notebook import html_of
from orchestrator.errors import ConfigError, UsageError
from orchestrator.paths import RunPaths
from orchestrator.run.signals import Signals, listening_as_guest
from orchestrator.run.start import Ended
from orchestrator.status import Watcher


def test_the_process_is_given_back_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    own = types.ModuleType("__main__")
    monkeypatch.setitem(sys.modules, "__main__", own)
    mask = os.umask(0o022)
    try:
        for file in (None, "fit.py"):
            own.__file__ = file
            with pytest.raises(KeyboardInterrupt), as_guest():
                os.umask(0o077)
                del os.environ["SLURM_JOB_ID"]
                assert (sys.modules["__main__"] is own) == (file is None)
                raise KeyboardInterrupt
            assert sys.modules["__main__"] is own
            assert os.environ["SLURM_JOB_ID"] == "7"
            assert os.umask(0o022) == 0o022
    finally:
        os.umask(mask)


def test_ctrl_c_stops_and_a_third_one_is_an_exception_and_not_the_end_of_a_kernel() -> None:
    before, others = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), listening_as_guest() as signals:
        for _ in range(3):
            assert signal.getsignal(signal.SIGTERM) is others
            signal.raise_signal(signal.SIGINT)
    assert signals.received == [signal.SIGINT] * 3
    assert signals.stop.is_set()
    assert signal.getsignal(signal.SIGINT) is before


def test_a_thread_of_the_users_hears_no_signals() -> None:
    found: list[Signals] = []

    def listen() -> None:
        with listening_as_guest() as signals:
            found.append(signals)

    thread = threading.Thread(target=listen)
    thread.start()
    thread.join()
    assert not found[0].stop.is_set()


def test_standard_output_is_the_scripts_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ended = Ended(RunPaths(tmp_path), "max_ngen of 3 reached")
    for progress in (True, False):
        assert carried_out(lambda console: ended, progress=progress) == ended.paths
        out, err = capsys.readouterr()
        assert out == ""
        assert err == (f"Done: max_ngen of 3 reached. Run directory: {tmp_path}\n" if progress else "")


def test_who_wants_to_see_nothing_is_told_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    raises = logging.raiseExceptions
    with logging_to(tmp_path / "controller.log", PlainConsole(stderr=True, quiet=True)):
        logging.getLogger("orchestrator").info("generation 0 done")
        logging.getLogger("orchestrator").warning("a node is dead")
    assert capsys.readouterr().err == "a node is dead\n"
    assert logging.raiseExceptions is raises
    assert "generation 0 done" in (tmp_path / "controller.log").read_text()


def test_a_status_as_html_shows_foreign_text_letter_by_letter(run_here: RunPaths) -> None:
    nasty = run_here.directory.rename(run_here.directory.parent / "<img src=x>_Optimization")
    page = html_of(Watcher(RunPaths(nasty)).look())
    assert page.startswith("<pre")
    assert "&lt;img src=x&gt;_Optimization" in page
    assert "<img" not in page
    assert "best 0.5" in page


def test_nothing_is_left_behind_by_what_is_refused(tmp_path: Path) -> None:
    simulate = script(tmp_path, "def simulate(parameters, directory):\n    return {'rate': 1}\n")["simulate"]
    with pytest.raises(ConfigError, match=r"optimise\(\): parameters\.x: "):
        optimise(simulate, {"x": "a"}, {"rate": 10}, executor="local")
    assert [each.name for each in tmp_path.iterdir()] == ["fit.py"]


def test_keywords_change_a_configuration(tmp_path: Path) -> None:
    project = Project.create(tmp_path)
    with pytest.raises(ConfigError, match=r"config\.yaml:\d+: parameters\.y: "):
        optimise(project.config, {"y": "a"})
    with pytest.raises(UsageError, match="there is no key 'workers'"):
        optimise(str(project.config), workers=3)
    assert project.runs == []
