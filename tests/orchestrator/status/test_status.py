"""The state of a run from its files: whatever they hold, and without touching them."""

from __future__ import annotations

import json
import math
import os
import shutil
import stat
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from checkpoint_files import write_first_format
from run_on_disk import STATE, GenerationOnDisk, RunOnDisk

from orchestrator.checkpoint import Checkpoint
from orchestrator.files import write_json
from orchestrator.jobs.workers.log import note_begin, note_results
from orchestrator.records import Evaluation, Origin, Outcome, Result
from orchestrator.simulations.phases import JobProgress
from orchestrator.status import RunStatus, Watcher
from orchestrator.status.described import START_EXPLODED, ModelStatus
from orchestrator.status.in_progress import MOST_FILES

pytestmark = pytest.mark.commands


@pytest.fixture
def run(tmp_path: Path) -> RunOnDisk:
    return RunOnDisk(tmp_path / "run")


def look(run: RunOnDisk) -> RunStatus:
    status = Watcher(run.paths).look()
    json.dumps(status.to_json(), allow_nan=False)
    return status


def states(status: RunStatus) -> list[str]:
    assert status.generation is not None
    return [each.state for each in status.generation.offspring]


def test_before_the_first_submission(run: RunOnDisk) -> None:
    status = look(run)
    assert (status.complete, status.max_ngen, status.generation, status.best) == (0, 10, None, None)
    assert status.controller.state == "none"
    assert not status.problems
    run.generation(0)
    status = look(run)
    assert states(status) == ["queued"] * 4
    assert status.generation is not None
    assert status.generation.unsubmitted == 4
    assert math.isnan(status.generation.deadline)


def test_offspring_that_workers_evaluate(run: RunOnDisk) -> None:
    log = run.generation(0).paths.workers
    note_begin(log)
    before = look(run).generation
    assert before is not None
    assert (before.unsubmitted, before.landed) == (0, 0)
    assert math.isfinite(before.deadline)
    note_results(log, [(0, Result(Outcome.OK)), (2, Result(Outcome.EXPLODED, message="too much"))])
    with log.open("a") as file:
        file.write('{"index": 3, "resu')  # torn by a crash
    status = look(run)
    assert states(status) == ["done", "queued", "exploded", "queued"]
    note_results(log, [(3, Result(Outcome.OK))])
    assert states(look(run)) == ["done", "queued", "exploded", "done"]


def test_offspring_in_every_state(tmp_path: Path) -> None:
    run = RunOnDisk(tmp_path / "run", offspring_size=11)
    files = run.generation(0)
    files.submit(*((index, 1) for index in range(10)), time=1000.0)
    files.note(1, "started", host="w1")
    for index in (2, 3, 4, 5, 6):
        files.note(index, "started", host="w2")
        files.note(index, "building")
    for index in (3, 4, 5, 6):
        files.note(index, "check", slice=3, slices=10, rates={"V1": 3.0})
    for index in (4, 5, 6):
        files.note(index, "protocols", step=2, steps=5, name="MeasureSizeTuning")
    files.note(5, "measuring")
    files.land(6)
    files.land(7, Outcome.EXPLODED, "sheet V1 fired at 120 Hz")
    files.land(8, Outcome.OUT_OF_MEMORY, "killed")
    files.land(9, measured=False)
    status = look(run)
    generation = status.generation
    assert generation is not None
    expected = ["queued", "running", "running", "checking", "running", "measuring", "done", "exploded", "failed"]
    assert states(status) == [*expected, "measuring", "queued"]
    assert [each.phase for each in generation.offspring[:7]] == [
        "", "started", "building", "check", "protocols", "measuring", "",
    ]  # fmt: skip
    checking, simulating = generation.offspring[3:5]
    assert (checking.step, checking.steps) == (3, 10)
    assert (simulating.step, simulating.steps, simulating.name) == (2, 5, "MeasureSizeTuning")
    assert (simulating.host, simulating.job_id, simulating.attempt) == ("w2", "7_4", 1)
    assert generation.counts == {
        "queued": 2, "checking": 1, "running": 3, "measuring": 2, "done": 1, "exploded": 1, "failed": 1,
        "not evaluated": 0,
    }  # fmt: skip
    assert generation.unsubmitted == 1
    assert [(each.index, each.outcome, each.message) for each in generation.failures] == [
        (7, "EXPLODED", "sheet V1 fired at 120 Hz"),
        (8, "OUT_OF_MEMORY", "killed"),
    ]
    assert generation.deadline == 1000.0 + 3600


def test_what_is_in_flight_of_several_generations_is_shown_as_one(tmp_path: Path) -> None:
    """With a schedule that does not wait: what is in the checkpoint is not in flight, and each has its own deadline."""
    run = RunOnDisk(tmp_path / "run", offspring_size=2, schedule={"kind": "rolling", "in_flight": 3})
    asked = {0: [0, 1], 1: [0, 1], 2: [0]}
    for number, indices in asked.items():
        files = run.generation(number)
        files.submit(*((index, 1) for index in indices), time=1000.0 * (number + 1))
        write_json(files.paths.record, {"generation": number, "offspring": [{"index": index} for index in indices]})
    late, begun, last = (GenerationOnDisk(run.paths.generation(number)) for number in asked)
    late.note(1, "building")
    begun.land(0)
    begun.land(1)
    write_json(last.paths.queue, {"time": 5000.0, "jobs": {"pending": {"Priority": [0]}}, "refusal": "no more"})
    told = run.evaluations(0, [(1.0, 2.0)], begin=1000.0) + run.evaluations(1, [(1.0, 0.5)], begin=2000.0)
    run.checkpoint.append([replace(each, told_in=0) for each in told], STATE)
    status = look(run)
    generation = status.generation
    assert generation is not None
    assert (status.complete, generation.number) == (1, 1)
    assert [(each.place, each.state) for each in generation.offspring] == [
        ("0/1", "running"), ("1/1", "done"), ("2/0", "queued"),
    ]  # fmt: skip
    assert generation.pending == {"Priority": 1}
    assert generation.queue.refusal == "no more"
    assert generation.share == 0.5
    assert generation.deadline == 1000.0 + 3600  # of the one that has been in flight for longest


def lose(
    files: GenerationOnDisk, index: int, number: int, outcome: Outcome = Outcome.NODE_FAIL, node: str = ""
) -> None:
    files.land(index, outcome, "the node died", attempt=number)
    files.write("lost", index=index, outcome=outcome.value, reason="the node died", node=node)


def test_a_lost_attempt_is_no_end_until_it_is_the_last(run: RunOnDisk) -> None:
    files = run.generation(0)
    files.submit(*((index, 1) for index in range(4)))
    files.note(0, "building")
    lose(files, 0, 1)
    status = look(run)
    assert states(status)[0] == "queued"
    assert status.generation is not None
    assert status.generation.lost == {"NODE_FAIL": 1}
    assert status.generation.unsubmitted == 1
    for number in (2, 3):
        files.submit((0, number), token=f"t{number}")
        assert states(look(run))[0] == "queued"
        files.note(0, "building", attempt=number)
        assert states(look(run))[0] == "running"
        lose(files, 0, number)
    assert states(look(run))[0] == "queued"
    files.write("timeout", indices=[0])
    status = look(run)
    assert states(status)[0] == "not evaluated"
    assert status.generation is not None
    assert (status.generation.landed, [each.index for each in status.generation.failures]) == (1, [0])
    files.submit((1, 2), token="late")
    files.land(1, attempt=1)
    assert states(look(run))[1] == "done"  # what the first attempt brought after all


def test_two_dead_nodes_in_a_row_end_an_offspring_as_in_the_pool(run: RunOnDisk) -> None:
    files = run.generation(0)
    for number, node in ((1, "n1"), (2, "n2")):
        files.submit((0, number), token=f"t{number}")
        lose(files, 0, number, node=node)
    assert states(look(run))[0] == "failed"


def test_what_cannot_start_is_tried_again(run: RunOnDisk) -> None:
    files = run.generation(0)
    for number in range(1, 6):
        files.submit((0, number), token=f"t{number}")
        lose(files, 0, number, Outcome.LAUNCH_FAILED)
    assert states(look(run))[0] == "queued"


def test_the_journals_clock_and_what_it_takes_back(run: RunOnDisk) -> None:
    files = run.generation(0)
    files.submit((0, 1), (1, 1), time=1000.0)
    files.write("submitting", token="refused", tasks=[[2, 1]], executor="slurm")
    generation = look(run).generation
    assert generation is not None
    assert [each.in_flight for each in generation.offspring] == [True, True, True, False]
    files.write("refused", token="refused", message="no")
    files.note(0, "building")
    files.write("timeout")
    generation = look(run).generation
    assert generation is not None
    assert [each.in_flight for each in generation.offspring] == [True, True, False, False]
    assert generation.timed_out
    files.write("withdrawn", indices=[0, 1])
    files.write("clock", time=5000.0)
    generation = look(run).generation
    assert generation is not None
    assert (generation.timed_out, generation.submitted, generation.in_flight) == (False, 5000.0, False)
    assert [each.state for each in generation.offspring] == ["queued"] * 4


def test_a_watcher_follows_what_changes(run: RunOnDisk) -> None:
    watcher = Watcher(run.paths)
    watcher.look()
    files = run.generation(0)
    files.submit(*((index, 1) for index in range(4)))
    assert states(watcher.look()) == ["queued"] * 4
    files.note(0, "started")
    files.note(0, "measuring")
    files.land(1, measured=False)
    assert states(watcher.look()) == ["measuring", "measuring", "queued", "queued"]
    time.sleep(0.01)
    files.land(1)
    files.land(2, Outcome.TIMEOUT)
    assert states(watcher.look()) == ["measuring", "done", "not evaluated", "queued"]  # it never began
    run.complete(0, [[1, 1]] * 4, begin=1000.0)
    assert watcher.look().generation is None
    run.generation(1)
    generation = watcher.look().generation
    assert generation is not None
    assert (generation.number, [each.state for each in generation.offspring]) == (1, ["queued"] * 4)
    shutil.rmtree(run.paths.generations)
    status = watcher.look()
    assert (status.generation, status.complete) == (None, 1)


def test_the_past_is_that_of_the_checkpoint(run: RunOnDisk) -> None:
    rng = np.random.default_rng(0)
    watcher = Watcher(run.paths)
    for number in range(5):
        run.complete(number, rng.uniform(0, 20, (4, 2)).tolist(), begin=1000.0 * number)
        status = watcher.look()
    frame = Checkpoint(run.paths.checkpoint).evaluations()
    for found in (status, look(run)):
        assert found.complete == 5
        assert list(found.best_scores) == pytest.approx(list(frame.groupby("generation")["total_score"].min()))
        best = frame.loc[frame["total_score"].idxmin()]
        assert found.best is not None
        assert (found.best.total_score, found.best.generation, found.best.offspring) == (
            best["total_score"], best["generation"], best["offspring"],
        )  # fmt: skip
        assert found.start_score == frame["total_score"][0]


def model_block(run: RunOnDisk, number: int, scores: list[float], proposals: int) -> list[Evaluation]:
    evaluations = run.evaluations(number, [[score, 0.0] for score in scores], begin=1000.0 * number)
    origins = [Origin.MODEL] * proposals + [Origin.SAMPLE] * (len(scores) - proposals)
    return [
        replace(each, offspring=replace(each.offspring, origin=origin))
        for each, origin in zip(evaluations, origins, strict=True)
    ]


def test_the_model_of_the_values_is_that_of_the_last_block(run: RunOnDisk) -> None:
    watcher = Watcher(run.paths)
    found = []
    blocks: list[tuple[list[float], int, float]] = [
        ([5, 5, 5, 5], 0, 0), ([1, 4, 3, 9], 2, 0), ([9, 2, 3, 3], 1, 1), ([8, 8, 8, 8], 0, 2)
    ]  # fmt: skip
    for number, (scores, proposals, stalls) in enumerate(blocks):
        state = {**STATE, "model_proposals": 2.0, "model_stalls": stalls}
        run.checkpoint.append(model_block(run, number, scores, proposals), state)
        found.append(watcher.look().model)
    assert found[1:3] == [ModelStatus(2, 4, 0.75, "on"), ModelStatus(1, 4, 0.0, "restarted")]
    without = ModelStatus(0, 4, math.nan, "off")
    assert replace(found[3] or without, win=0) == replace(without, win=0)
    status = look(run)
    assert status.best is not None
    assert (status.best.generation, status.best.origin) == (1, "model")
    assert status.to_json()["model"] == {"proposals": 0, "evaluations": 4, "win": None, "state": "off"}


def test_without_a_model_of_the_values_there_is_none(run: RunOnDisk) -> None:
    assert look(run).model is None
    run.complete(0, [[1, 2]], begin=1000.0)
    assert look(run).to_json()["model"] is None


def test_start_values_that_exploded_are_a_warning(run: RunOnDisk) -> None:
    watcher = Watcher(run.paths)
    first, *others = run.evaluations(0, [[20, 20], [1, 2]], begin=1000.0)
    assert watcher.look().warnings == ()
    run.checkpoint.append([replace(first, result=Result(Outcome.EXPLODED)), *others], STATE)
    run.complete(1, [[1, 1]] * 2, begin=2000.0)
    for status in (watcher.look(), look(run)):
        assert status.warnings == (START_EXPLODED,)
        assert status.to_json()["warnings"] == [START_EXPLODED]


def test_checkpoints_of_earlier_versions_have_no_column_of_totals(run: RunOnDisk) -> None:
    scores = [[3, 2], [1, 2], [1, 3], [4, 5]]
    run.complete(0, scores, begin=1000.0)
    new = look(run)
    generations = [run.evaluations(0, scores, begin=1000.0), run.evaluations(1, [[1, 1]] * 4, begin=2000.0)]
    write_first_format(
        run.paths.checkpoint, generations, STATE, parameters=["x", "y"], targets=["rate", "cv"], totals=False
    )
    old = look(run)
    assert new.best is not None
    assert (new.best.total_score, new.best.offspring, new.start_score) == (3.0, 1, 5.0)
    assert (old.best_scores, old.start_score) == ((3.0, 2.0), 5.0)


# who carries it out


def test_a_living_controller(run: RunOnDisk) -> None:
    run.holder(job="77")
    run.lock()
    run.generation(0).submit((0, 1))
    controller = look(run).controller
    assert (controller.state, controller.pid, controller.job) == ("alive", os.getpid(), "77")
    assert time.time() - controller.last_sign < 5


def test_a_controller_whose_process_is_gone(run: RunOnDisk) -> None:
    run.holder(pid=2**22 + 1)
    lock = run.lock(pid=2**22 + 1)
    assert look(run).controller.state == "dead"
    lock.unlink()
    assert look(run).controller.state == "gone"


@pytest.mark.parametrize(("renewed", "state"), [(5.0, "alive"), (65.0, "alive"), (1000.0, "silent")])
def test_a_controller_on_another_machine(run: RunOnDisk, renewed: float, state: str) -> None:
    run.holder(host="elsewhere", boot="another", pid=1)
    run.lock(pid=1, renewed=renewed)
    controller = look(run).controller
    assert controller.state == state
    assert time.time() - controller.last_sign == pytest.approx(renewed, abs=5)


class _WrongClock:
    """Stands in for the module time on a host whose clock is ahead."""

    CLOCK_BOOTTIME = time.CLOCK_BOOTTIME
    clock_gettime = staticmethod(time.clock_gettime)

    def __init__(self, ahead: float):
        self.time: Callable[[], float] = lambda: time.time() + ahead


@pytest.mark.parametrize("ahead", [3600.0, -3600.0])
@pytest.mark.parametrize(("renewed", "state"), [(5.0, "alive"), (1000.0, "silent")])
def test_a_host_whose_clock_is_wrong_looks_at_a_run(
    run: RunOnDisk, monkeypatch: pytest.MonkeyPatch, ahead: float, renewed: float, state: str
) -> None:
    run.holder(host="elsewhere", boot="another", pid=1)
    run.lock(pid=1, renewed=renewed)
    run.generation(0).submit((0, 1))
    files = sorted(run.paths.directory.rglob("*"))
    monkeypatch.setattr("orchestrator.clocks.time", _WrongClock(ahead))
    status = look(run)
    assert status.controller.state == state
    assert time.time() - status.controller.last_sign == pytest.approx(renewed, abs=5)
    assert status.time == pytest.approx(time.time(), abs=5)
    assert status.generation is not None
    assert status.generation.deadline - status.time == pytest.approx(3600, abs=5)
    assert sorted(run.paths.directory.rglob("*")) == files


@pytest.mark.parametrize("ahead", [3600.0, -3600.0, 5.0])
def test_times_of_a_node_whose_clock_is_off_are_unknown(run: RunOnDisk, ahead: float) -> None:
    files = run.generation(0)
    files.submit((0, 1))
    files.note(0, "started", when=time.time() + ahead)
    files.paths.attempt(0, 1).claim.touch()
    files.note(0, "building", when=time.time() + ahead)
    generation = look(run).generation
    assert generation is not None
    first = generation.offspring[0]
    assert (first.state, first.phase) == ("running", "building")
    assert (math.isnan(first.started), math.isnan(first.since)) == (ahead != 5, ahead != 5)


def test_a_lock_whose_record_is_still_that_of_the_holder_before(run: RunOnDisk) -> None:
    run.holder(pid=2**22 + 1)
    run.lock()
    assert look(run).controller.state == "alive"


@pytest.mark.parametrize("how", ["finished", "stopped", "failed", "cancelled"])
def test_a_controller_that_said_how_it_ended(run: RunOnDisk, how: str) -> None:
    run.holder(ended=1234.5, how=how, why="because")
    controller = look(run).controller
    assert (controller.state, controller.ended, controller.reason) == (how, 1234.5, "because")


# files that are not what they should be


def test_garbage_is_named_and_the_rest_is_shown(run: RunOnDisk) -> None:
    run.complete(0, [[1, 2]] * 4, begin=1000.0)
    watcher = Watcher(run.paths)
    watcher.look()
    files = run.generation(1)
    files.submit(*((index, 1) for index in range(4)))
    files.land(0)
    run.paths.checkpoint.write_bytes(b"\x89HDF\r\n\x1a\n garbage")
    for status in (watcher.look(), watcher.look()):
        assert (status.complete, len(status.problems)) == (1, 1)
        assert "checkpoint.h5: is not a readable checkpoint" in status.problems[0]
        assert states(status) == ["done", "queued", "queued", "queued"]
    run.paths.config.write_text("a: [")
    assert any("config.yaml: cannot be read" in problem for problem in look(run).problems)


GARBAGE = [b"", b"{", b"\x00\xff\xfe", b"[]", b"{}", b'{"event": "submitting", "tasks": 3, "token": "t", "time": 1.0}']
GARBAGE += [b'{"event": "submitted", "tasks": [[99, 1]], "ids": ["a"]}\n', b"null\n1\n"]
GARBAGE += [b'{"phase": null, "time": "x"}\n{"phase": "check", "time": 1, "slice": "a"}\n']
GARBAGE += [b'{"event": "lost", "index": 0, "outcome": "NO", "reason": ""}\n', b'{"time": 1, "jobs": [1]}']


@pytest.mark.parametrize("content", GARBAGE)
def test_garbage_in_any_file_of_the_generation(run: RunOnDisk, content: bytes) -> None:
    files = run.generation(0)
    for index in range(4):
        files.submit((index, 1), token=f"t{index}")
    files.note(2, "building")
    files.land(1)
    for path in (files.paths.journal, files.paths.attempt(2, 1).progress):
        with path.open("ab") as file:
            file.write(content + b"\n")
    for path in (run.paths.holder, run.paths.lock, files.paths.queue, files.paths.attempt(3, 1).result):
        path.write_bytes(content)
    (files.paths.results / "nonsense.json").write_bytes(content)
    status = look(run)
    assert states(status)[1] == "done"
    assert states(status)[3] in ("queued", "failed")
    assert status.generation is not None


def test_a_half_written_line_of_a_jobs_progress_is_taken_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "progress.jsonl"
    progress = JobProgress(path)
    progress.refresh()
    assert not progress.has_started
    path.write_bytes(b'{"time": 1.0, "phase": "building"}\n{"time": 2.0, "pha')
    progress.refresh()
    assert (progress.phase, progress.started) == ("building", 1.0)
    with path.open("ab") as file:
        file.write(b'se": "check", "slice": 1, "slices": 10}\n')
    progress.refresh()
    assert (progress.phase, progress.since, progress.step, progress.steps) == ("check", 2.0, 1, 10)
    path.unlink()
    progress.refresh()
    assert progress.phase == "check"


def test_a_job_without_a_sign_of_life_is_noticed(run: RunOnDisk) -> None:
    files = run.generation(0)
    files.submit((0, 1), (1, 1))
    for index in (0, 1):
        files.note(index, "building")
    long_ago = time.time() - 1000
    os.utime(files.paths.attempt(0, 1).progress, (long_ago, long_ago))
    generation = look(run).generation
    assert generation is not None
    assert generation.offspring[0].silent == pytest.approx(1000, abs=5)
    assert generation.offspring[1].silent == 0


# what it costs, and what it must not do


def test_a_thousand_jobs_are_not_all_read_at_every_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    size = 1000
    run = RunOnDisk(tmp_path / "run", offspring_size=size)
    files = run.generation(0)
    files.submit(*((index, 1) for index in range(size)))
    for index in range(100):
        files.land(index)
    read: list[Path] = []
    monkeypatch.setattr(JobProgress, "refresh", lambda self: read.append(self.path))
    watcher = Watcher(run.paths)
    watcher.look()
    assert len(read) == size - 100
    for _ in range(5):
        read.clear()
        watcher.look()
        assert len(read) == MOST_FILES
    read.clear()
    rest = set()
    for _ in range(5):
        watcher.look()
        rest |= set(read)
    assert len(rest) == size - 100  # everybody's turn comes


@pytest.fixture
def public_run() -> Iterator[RunOnDisk]:
    """A run that everybody may read and nobody may write."""
    top = Path(tempfile.mkdtemp())
    run = RunOnDisk(top / "run")
    run.complete(0, [[1, 2]] * 4, begin=1000.0)
    files = run.generation(1)
    files.submit((0, 1), (1, 1))
    files.note(0, "building")
    files.land(1, Outcome.EXPLODED, "too much")
    run.holder()
    run.lock()
    for path in (top, *top.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    yield run
    for path in (top, *top.rglob("*")):
        path.chmod(path.stat().st_mode | stat.S_IWUSR)
    shutil.rmtree(top)


def test_another_user_who_may_only_read_sees_the_same_and_nothing_is_touched(public_run: RunOnDisk) -> None:
    def tree() -> list[object]:
        return [(path, path.stat().st_mtime_ns, path.stat().st_size) for path in public_run.paths.directory.rglob("*")]

    before = tree()
    own = look(public_run)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            if os.getuid() == 0:
                os.setgroups([])
                os.setresuid(65534, 65534, 65534)
            assert not os.access(public_run.paths.directory, os.W_OK)
            status = look(public_run)
            assert not status.problems
            assert status.controller.state == "alive"
            assert states(status) == states(own) == ["running", "exploded", "queued", "queued"]
            assert status.best == own.best
            code = 0
        except BaseException:  # noqa: BLE001  (the parent's tests must not go on in here)
            traceback.print_exc()
        os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert tree() == before


def test_what_it_imports_is_light() -> None:
    import subprocess  # noqa: PLC0415
    import sys  # noqa: PLC0415

    code = "import sys, orchestrator.cli, orchestrator.status, orchestrator.display.terminal; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    heavy = {"pandas", "pydantic", "cma", "submitit", "scipy", "neo", "targets"}
    assert not heavy & {name.partition(".")[0] for name in loaded}


@pytest.mark.parametrize("since", [1795171568.5, time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(1795171568))])
def test_all_times_of_the_json_are_unix_times_that_of_the_controllers_start_too(tmp_path: Path, since: object) -> None:
    """Earlier versions wrote local time as text."""
    run = RunOnDisk(tmp_path / "run")
    run.holder(since=since)
    controller = Watcher(run.paths).look().to_json()["controller"]
    assert int(controller["since"]) == 1795171568
    run.holder(since="yesterday")
    assert Watcher(run.paths).look().to_json()["controller"]["since"] is None
