"""What people and programs get to see of a run."""

from __future__ import annotations

import io
import json
import logging
import math
import threading
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console
from run_on_disk import RunOnDisk

from orchestrator.cluster import State, Status
from orchestrator.display.live import ChangeLines, StatusThread, displaying, watch
from orchestrator.display.logs import LogFormat, LogLevel, interactive, logging_at, logging_to
from orchestrator.display.terminal import one_line, print_status, render
from orchestrator.display.words import trend
from orchestrator.jobs.queue_note import QueueNote, QueueNotes
from orchestrator.records import Outcome
from orchestrator.status import RunStatus, Watcher
from orchestrator.status.described import (
    START_EXPLODED,
    Best,
    ControllerStatus,
    Forecast,
    ModelStatus,
)
from orchestrator.status.forecast import forecast
from orchestrator.status.in_flight import GenerationStatus, OffspringStatus
from orchestrator.status.past import Past

NOW = 1_795_000_000.0
LONG = "sheet V1_Exc_L4 fired at 120.5 Hz, above the threshold of 100 Hz, in slice 3 of the check\nand more"


def job(index: int, phase: str, **more: Any) -> OffspringStatus:
    states = {"": "queued", "check": "checking", "measuring": "measuring"}
    started = NOW - 600 if phase else math.nan
    return OffspringStatus(
        index, states.get(phase, "running"), phase=phase, started=started, in_flight=True, attempt=1, **more
    )


OFFSPRING = [
    *(job(index, "", reason="Priority" if index < 15 else "Resources" if index < 19 else "") for index in range(20)),
    *(job(index, "building") for index in range(20, 25)),
    *(job(index, "check", step=index - 24, steps=10) for index in range(25, 30)),
    *(job(index, "protocols", step=2, steps=5, name="MeasureSizeTuning", host="w17") for index in range(30, 50)),
    job(50, "measuring"),
    *(OffspringStatus(index, "done", outcome="OK") for index in range(51, 60)),
    *(OffspringStatus(index, "exploded", outcome="EXPLODED", message=LONG) for index in range(60, 63)),
    OffspringStatus(63, "failed", outcome="OUT_OF_MEMORY", message="the kernel ended it"),
]
NOTE = QueueNote(NOW - 10)
FLIGHT = GenerationStatus(12, NOW - 3600, NOW + 68400, False, OFFSPRING, NOTE, {"NODE_FAIL": 2})
STATUS = RunStatus(
    run="/home/somebody/models/lsv1m/20261120-104608_Optimization",
    time=NOW,
    controller=ControllerStatus(
        "alive", host="node17", pid=123456, job="998877", since=time.mktime((2026, 11, 20, 10, 46, 8, 0, 0, -1))
    ),
    complete=12,
    max_ngen=100,
    timeout=72000.0,
    best=Best(12.345678, 11, 3, "model"),
    start_score=456.7,
    best_scores=tuple(456.7 / (1 + n) for n in range(12)),
    generation=FLIGHT,
    forecast=Forecast(5400.0, (5000.0, 7000.0), NOW + 475_200, NOW + 9e6),
    model=ModelStatus(48, 64, 0.6237, "on"),
)
SITUATIONS = {
    "in flight": STATUS,
    "between generations": replace(STATUS, generation=None),
    "first generation": replace(STATUS, complete=0, best=None, best_scores=(), forecast=Forecast(latest=NOW + 9e6)),
    "dead": replace(STATUS, controller=replace(STATUS.controller, state="dead"), forecast=Forecast()),
    "finished": replace(
        STATUS,
        complete=100,
        generation=None,
        controller=replace(STATUS.controller, state="finished", ended=NOW - 60, reason="max_ngen reached"),
    ),
    "start exploded": replace(STATUS, warnings=(START_EXPLODED,)),
    "empty": RunStatus("/run", NOW, ControllerStatus("none"), problems=["/run/config.yaml: cannot be read (no)"]),
}


def drawn(status: RunStatus, width: int, *, encoding: str = "utf-8", **options: Any) -> str:
    """Return what a terminal of this width shows."""
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    console = Console(file=file, width=width, force_terminal=True, color_system=None, legacy_windows=False)
    console.print(render(status, **options))
    file.flush()
    assert isinstance(file.buffer, io.BytesIO)
    return file.buffer.getvalue().decode(encoding)


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("width", [200, 80, 40, 20])
@pytest.mark.parametrize("looking_on", [True, False])
def test_it_fits_every_width(situation: str, width: int, looking_on: bool) -> None:
    lines = drawn(SITUATIONS[situation], width, looking_on=looking_on).splitlines()
    assert max(len(line) for line in lines) <= width
    assert "456.7 at the start" in " ".join(" ".join(lines).split()) or SITUATIONS[situation].best is None or width < 40


def test_everything_is_said_in_80_columns() -> None:
    text = drawn(STATUS, 80)
    said = " ".join(text.split())
    for words in (
        "alive: process 123456 on node17, SLURM job 998877",
        "12 in flight, 12 of 100 complete",
        "9 done 3 exploded 1 failed 1 measuring 25 running 5 checking 20 queued",
        "5 building, 5 in the check (slice 1-5 of 10), 20 in protocols (2 of 5), 1 measuring",
        "offspring 20, building, started 10 min ago",
        "15 pending (Priority), 4 pending (Resources)",
        "2 NODE_FAIL",
        "in 19 h",
        "20 h after the first submission",
        "best 12.35 (generation 11, offspring 3, model), 456.7 at the start",
        "proposed 48 of the last 64 evaluations, better in 62% of the pairs",
        "in 5 d 12 h (a generation takes 1 h 30 min, 1 h 23 min to 1 h 57 min)",
        "offspring 60 exploded sheet V1_Exc_L4 fired",
        "offspring 63 failed OUT_OF_MEMORY: the kernel ended it",
    ):
        assert words in said, text
    assert "and more" not in said  # one line each
    assert len(text.splitlines()) <= 25


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (ModelStatus(0, 8, math.nan, "on"), "proposed 0 of the last 8 evaluations"),
        (
            ModelStatus(2, 8, 0.25, "restarted"),
            "the search had stalled and began anew; proposed 2 of the last 8 evaluations, better in 25% of the pairs",
        ),
        (
            ModelStatus(0, 8, math.nan, "off"),
            "off, because the search has stalled twice; proposed 0 of the last 8 evaluations",
        ),
    ],
)
def test_what_the_model_of_the_values_does_is_said(model: ModelStatus, words: str) -> None:
    assert f"model {words}" in " ".join(drawn(replace(STATUS, model=model), 80).split())


def test_without_a_model_nothing_is_said_of_one() -> None:
    text = drawn(replace(STATUS, model=None, best=Best(12.3, 11, 3, "sample")), 80)
    assert "model " not in text.replace("/models/", "")
    assert "offspring 3, sample)" in " ".join(text.split())


def test_a_long_list_of_failures_is_cut() -> None:
    assert "and 2 more (--json lists all)" in drawn(STATUS, 80, most_failures=2)


def test_a_terminal_without_unicode_gets_ascii() -> None:
    text = drawn(STATUS, 80, encoding="ascii")
    assert "in flight" in text
    assert "xxx!" in text.replace("\n", "")


def test_the_bar_is_as_long_as_its_offspring() -> None:
    bar = drawn(STATUS, 80).split("offspring ", 1)[1].strip().split()[0]
    assert len(bar) == 60
    assert abs(bar.count("░") - 60 * 20 / 64) <= 1


def test_what_is_not_known_is_said() -> None:
    text = drawn(SITUATIONS["first generation"], 80)
    assert "not known before a generation ends" in text
    assert "best" not in text


def test_a_dead_run_says_how_to_go_on_in_one_line_that_can_be_copied(capsys: pytest.CaptureFixture[str]) -> None:
    print_status(Console(width=40), SITUATIONS["dead"])
    out = capsys.readouterr().out
    assert f"orchestrator run --continue {STATUS.run}" in out.splitlines()[-1]
    assert "ends about" not in out
    assert "when its controller asked last" in " ".join(out.split())
    print_status(Console(width=40), SITUATIONS["finished"])
    assert "--continue" not in capsys.readouterr().out


def test_one_line_for_a_batch_log() -> None:
    line = one_line(STATUS)
    assert line.startswith(
        "generation 12: 20 queued, 5 checking, 25 running, 1 measuring, 9 done, 3 exploded, 1 failed;"
    )
    assert "best total score 12.35" in line
    assert "\n" not in line
    assert one_line(SITUATIONS["between generations"]).startswith("12 of 100 generations complete")


@pytest.mark.parametrize(
    ("scores", "words"),
    [
        ((), ""),
        ((10.0,), ""),
        ((10.0, 5.0), "-50.0 % in 1 generation"),
        ((10.0, 11.0, 12.0), "unchanged in 2 generations"),
        ((math.inf, 5.0), ""),
        ((0.0, 1.0), ""),
        (tuple(100.0 - n for n in range(20)), "-11.0 % in 10 generations"),
    ],
)
def test_the_trend(scores: tuple[float, ...], words: str) -> None:
    assert trend(scores) == words


# when it ends


def expected(begins: list[float], begin: float, now: float, **more: float) -> Forecast:
    import numpy as np  # noqa: PLC0415

    past = Past(None, math.nan, np.ones(len(begins)), np.array(begins), np.array(begins) + 50)
    options = {"max_ngen": 10, "timeout": 1000.0, **more}
    return forecast(past, begin=begin, now=now, max_ngen=int(options["max_ngen"]), timeout=options["timeout"])


def test_the_end_is_unknown_before_a_generation_is_complete() -> None:
    found = expected([], 100.0, 150.0)
    assert math.isnan(found.end)
    assert found.latest == 100.0 + 10 * 1000


def test_the_end_follows_from_the_generations_so_far() -> None:
    found = expected([0.0, 100.0, 200.0], 300.0, 320.0)
    assert found.generation_seconds == 100
    assert found.end == 300 + 7 * 100
    late = expected([0.0, 100.0, 200.0], 300.0, 900.0)  # the one in flight takes longer than usual
    assert late.end == 900 + 6 * 100


def test_the_time_in_which_nobody_carried_it_out_does_not_count() -> None:
    found = expected([0.0, 100.0, 50_000.0], 50_100.0, 50_110.0)
    assert found.generation_seconds == 100


def test_a_finished_run_has_no_end_to_come() -> None:
    assert math.isnan(expected([0.0, 100.0], math.nan, 300.0, max_ngen=2).end)


# the note of what SLURM says


def test_the_queue_is_noted_when_it_changes_and_not_too_often(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("orchestrator.jobs.queue_note.time.monotonic", lambda: now[0])
    path = tmp_path / "queue.json"
    notes = QueueNotes(path)
    pending = {0: Status(State.PENDING, reason="Priority"), 1: Status(State.RUNNING), 2: Status(State.PENDING)}
    notes.note(pending)
    assert QueueNote.read(path).reasons == {0: "Priority", 2: ""}
    written = path.stat().st_mtime_ns
    notes.note({})  # too soon
    now[0] += 60
    notes.note(pending)  # nothing new
    assert path.stat().st_mtime_ns == written
    now[0] += 60
    notes.note({0: Status(State.UNKNOWN, reason="squeue does not answer")})
    assert QueueNote.read(path).silence == "squeue does not answer"
    now[0] += 60
    notes.note(pending, "QOSMaxSubmitJobPerUserLimit")
    assert QueueNote.read(path).refusal == "QOSMaxSubmitJobPerUserLimit"
    path.unlink()
    path.mkdir()  # what cannot be written is not worth a failure
    now[0] += 60
    notes.note({})
    assert QueueNote.read(path) == QueueNote.read(tmp_path / "none") or path.is_dir()


# logs


def lines_of(log_format: LogFormat, console: Console, path: Path, status: RunStatus = STATUS) -> None:
    with logging_to(path, console, log_format):
        log = logging.getLogger("orchestrator.test")
        log.warning("offspring %d: %s", 3, 'lost "all"\nof it')
        ChangeLines()(status)


def test_json_lines_parse_and_the_log_file_stays_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "controller.log"
    lines_of(LogFormat.JSON, Console(stderr=True), path)
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (first["level"], first["message"]) == ("WARNING", 'offspring 3: lost "all"\nof it')
    assert first["time"][10] == "T"
    assert second["event"] == "status"
    assert second["status"] == STATUS.to_json()
    assert second["message"] == one_line(STATUS)
    text = path.read_text()
    assert " WARNING offspring 3: lost" in text
    assert one_line(STATUS) in text


def test_details_are_logged_at_the_level_that_was_asked_for(tmp_path: Path) -> None:
    log = logging.getLogger("orchestrator.test")
    for level in LogLevel:
        path = tmp_path / level.value
        with logging_at(level), logging_to(path, Console(file=io.StringIO()), LogFormat.TEXT):
            log.info("generation 3 offspring 1: OK")
            log.debug("generation 3 offspring 1: parameters")
    assert "parameters" not in (tmp_path / "info").read_text()
    assert " DEBUG   generation 3 offspring 1: parameters" in (tmp_path / "debug").read_text()
    assert logging.getLogger("orchestrator").level == logging.NOTSET


def test_a_batch_log_has_levels_and_times(tmp_path: Path) -> None:
    file = io.StringIO()
    lines_of(LogFormat.AUTO, Console(file=file), tmp_path / "controller.log")
    first, _, second = file.getvalue().splitlines()
    assert first[:4].isdigit()
    assert " WARNING offspring 3" in first
    assert " INFO    generation 12: 20 queued" in second


def test_lines_come_when_something_changes_but_not_all_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now, said = [100.0], []
    monkeypatch.setattr("orchestrator.display.live.time.monotonic", lambda: now[0])
    monkeypatch.setattr("orchestrator.display.live._LOG.info", lambda *args, **_: said.append(args[1]))
    lines = ChangeLines()
    fewer = replace(STATUS, generation=replace(FLIGHT, offspring=OFFSPRING[1:]))
    begun = [replace(each, reason="") for each in OFFSPRING]
    for status, after, count in (
        (STATUS, 0, 1),
        (STATUS, 1000, 1),  # nothing new
        (fewer, 0, 2),
        (STATUS, 10, 2),  # too soon
        (STATUS, 60, 3),
        (replace(STATUS, generation=replace(FLIGHT, number=13, offspring=begun)), 1, 4),  # news that does not wait
        (replace(STATUS, generation=replace(FLIGHT, number=13)), 1, 5),
        (SITUATIONS["between generations"], 1000, 5),
    ):
        now[0] += after
        lines(status)
        assert len(said) == count


def test_the_log_does_not_grow_without_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestrator.display.logs._MOST_BYTES", 10_000)
    path = tmp_path / "controller.log"
    with logging_to(path, Console(file=io.StringIO())):
        for number in range(2000):
            logging.getLogger("orchestrator.test").info("line %d", number)
    files = list(tmp_path.iterdir())
    assert len(files) == 5
    assert all(file.stat().st_size <= 10_000 for file in files)
    assert "line 1999" in path.read_text()


def test_dumb_terminals_get_lines() -> None:
    assert not interactive(Console(force_terminal=True, _environ={"TERM": "dumb"}))
    assert not interactive(Console(file=io.StringIO()))
    assert interactive(Console(force_terminal=True, _environ={"TERM": "xterm"}))


# displays that go on


def test_a_display_looks_on_until_it_is_left(tmp_path: Path) -> None:
    run = RunOnDisk(tmp_path / "run")
    run.generation(0).submit((0, 1))
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=80, _environ={"TERM": "xterm"})
    with displaying(Watcher(run.paths), console):
        end = time.monotonic() + 20
        while "4 queued" not in file.getvalue():
            assert time.monotonic() < end
            time.sleep(0.05)
    assert "in flight" in file.getvalue()


def test_a_display_that_fails_is_told_once_and_disturbs_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("orchestrator.display.live._SHORTEST", 0.01)
    monkeypatch.setattr("orchestrator.display.live._SHARE", 0.0)
    looks: list[int] = []

    class Broken(Watcher):
        def look(self) -> RunStatus:
            looks.append(1)
            raise RuntimeError("a bug")

    with StatusThread(Broken(RunOnDisk(tmp_path / "run").paths), lambda _: None):
        end = time.monotonic() + 20
        while len(looks) < 3:
            assert time.monotonic() < end
            time.sleep(0.01)
    assert caplog.text.count("this cannot be displayed") == 1


def test_a_last_look_in_a_notebook_that_fails_is_no_error_of_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    shown: list[RunStatus] = []
    monkeypatch.setattr("orchestrator.display.live.NotebookDisplay", lambda: SimpleNamespace(show=shown.append))
    watcher = Watcher(RunOnDisk(tmp_path / "run").paths)
    console = Console(file=io.StringIO(), force_jupyter=True)
    with displaying(watcher, console):
        shown.clear()
    assert shown

    def fail() -> RunStatus:
        raise OSError(116, "Stale file handle")

    monkeypatch.setattr(watcher, "look", fail)
    with displaying(watcher, console):
        pass
    assert caplog.text.count("this cannot be displayed") == 1


@pytest.mark.parametrize("as_json", [True, False])
def test_watching_without_a_terminal_prints_a_line_per_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, as_json: bool
) -> None:
    monkeypatch.setattr("orchestrator.display.live._SHORTEST", 0.01)
    monkeypatch.setattr("orchestrator.display.live._SHARE", 0.0)
    run = RunOnDisk(tmp_path / "run")
    files = run.generation(0)
    files.submit((0, 1))
    printed: list[str] = []
    over = threading.Event()

    def print_line(line: str) -> None:
        printed.append(line)
        if len(printed) == 1:
            files.land(0, Outcome.EXPLODED, "too much")
        else:
            over.set()

    watch(Watcher(run.paths), Console(file=io.StringIO()), print_line, over, as_json=as_json)
    assert len(printed) == 2
    if as_json:
        counts = [json.loads(line)["generation"]["counts"] for line in printed]
        assert [each["exploded"] for each in counts] == [0, 1]
    else:
        assert "1 exploded" in printed[1]


# the contract with scripts


def test_the_keys_of_json_are_the_documented_ones() -> None:
    data = STATUS.to_json()
    text = (Path(__file__).parents[3] / "docs" / "status.md").read_text(encoding="utf-8")
    generation = data["generation"]
    inner = [data[name] for name in ("controller", "best", "forecast", "model")]
    places = (data, *inner, generation, generation["offspring"][0])
    for key in {key for place in places for key in place} | set(generation["counts"]) | set(generation["queue"]):
        assert f"`{key}`" in text, key
    assert set(data) == {
        "format", "run", "time", "controller", "complete", "max_ngen", "timeout", "best", "start_score",
        "best_scores", "generation", "forecast", "problems", "warnings", "model", "reevaluation",
    }  # fmt: skip
    assert set(generation) == {
        "number", "submitted", "deadline", "timed_out", "offspring", "queue", "lost", "size", "counts", "pending",
        "unsubmitted",
    }  # fmt: skip
