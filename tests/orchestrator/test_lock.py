"""A run's lock, and the lease on it, where clocks are wrong and processes sleep at the worst moment."""

from __future__ import annotations

import errno
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from orchestrator_project import wait_for
from run_on_disk import RunOnDisk

from orchestrator import clocks
from orchestrator import lease as module
from orchestrator.clocks import FileSystemClock, Moment, boot, dated, file_system_time, since_boot
from orchestrator.errors import RunFailed, Stopped, UsageError
from orchestrator.lease import Lease, hold_of, holder_of, is_held, only_controller
from orchestrator.lock import Lock, tokens
from orchestrator.paths import RunPaths
from orchestrator.run.start import _remove_if_empty

HOUR = 3600.0


@pytest.fixture
def paths(tmp_path: Path) -> RunPaths:
    return RunPaths(tmp_path)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a second be a minute."""
    for name, seconds in {"LIFETIME": 1.2, "_SURE": 1.0, "_RENEWAL": 0.05, "_WATCHED": 0.4, "_LOOK": 0.02}.items():
        monkeypatch.setattr(module, name, seconds)


def held(paths: RunPaths) -> Lock:
    lock = Lock(paths.lock)
    assert lock.create()
    return lock


@pytest.fixture
def elsewhere(paths: RunPaths, quick: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lease]:
    """A lease that somebody holds on another machine, and that is renewed often enough on a slow one."""
    for name in ("LIFETIME", "_SURE", "_WATCHED"):
        monkeypatch.setattr(module, name, 30.0)
    lease = Lease(held(paths))
    paths.holder.write_text(json.dumps({"host": "far", "pid": 1, "since": "then", "boot": "another"}))
    yield lease
    lease.release()


def silent(paths: RunPaths, age: float) -> Lock:
    """Return the lock of somebody on another machine who has not renewed it for so long."""
    lock = held(paths)
    when = file_system_time(paths.lock) - age
    os.utime(lock.path, (when, when))
    return lock


class WrongClock:
    """Stands in for the module time on a host whose clock is ahead."""

    CLOCK_BOOTTIME = time.CLOCK_BOOTTIME
    clock_gettime = staticmethod(time.clock_gettime)

    def __init__(self, ahead: float):
        self.time: Callable[[], float] = lambda: time.time() + ahead


# the lock


def test_of_several_who_take_over_one_does(paths: RunPaths) -> None:
    """All have seen that the holder is dead."""
    held(paths)
    former, start, won = tokens(paths.lock), threading.Barrier(8), []

    def contend() -> None:
        lock = Lock(paths.lock)
        start.wait()
        if lock.take_over(former):
            won.append(lock)

    threads = [threading.Thread(target=contend) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = won
    assert winner.renew()
    assert [token.path for token in tokens(paths.lock)] == [winner.path]


def test_of_several_who_want_a_free_lock_one_at_most_gets_it(paths: RunPaths) -> None:
    start, won = threading.Barrier(8), []

    def contend() -> None:
        lock = Lock(paths.lock)
        start.wait()
        if lock.create():
            won.append(lock)

    threads = [threading.Thread(target=contend) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) <= 1
    assert [token.path for token in tokens(paths.lock)] == [lock.path for lock in won]


def test_one_that_slept_before_it_took_over_displaces_nobody(paths: RunPaths) -> None:
    """Its look at the dead holder is hours old."""
    held(paths)
    seen = tokens(paths.lock)
    second, third = Lock(paths.lock), Lock(paths.lock)
    assert second.take_over(seen)
    second.release()
    assert third.create()
    assert not Lock(paths.lock).take_over(seen)
    assert third.renew()


def test_one_that_was_succeeded_finds_that_out_and_gives_nothing_back(paths: RunPaths) -> None:
    first, second = held(paths), Lock(paths.lock)
    assert second.take_over(tokens(paths.lock))
    assert not first.renew()
    first.release()
    assert second.renew()


def test_a_name_that_is_remembered_for_a_file_that_is_anothers_now_proves_nothing(paths: RunPaths) -> None:
    """A network file system may show the old name for a minute."""
    first = held(paths)
    first.path.write_text("controller.lock|another|1|2")
    assert not first.renew()


def test_a_run_directory_that_is_away_is_not_a_lock_that_is_gone(paths: RunPaths) -> None:
    lock = held(paths)
    moved = paths.directory.rename(paths.directory.with_name("moved"))
    with pytest.raises(OSError, match="No such file"):
        lock.renew()
    moved.rename(paths.directory)
    assert lock.renew()


@pytest.mark.parametrize("age", [-60.0, 60.0])
def test_a_lock_of_version_0_1_holds_until_it_expires(paths: RunPaths, quick: None, age: float) -> None:
    """Two names of one file, dated a minute ahead by its holder's clock."""
    claim = paths.lock.with_name(f"{paths.lock.name}|far|1|77")
    claim.write_text(str(claim))
    os.link(claim, paths.lock)
    when = time.time() - age
    os.utime(claim, (when, when))
    assert is_held(paths) is (age < 0)
    begin = time.monotonic()
    with only_controller(paths):
        assert time.monotonic() - begin > (1.2 if age < 0 else 0.4)
        assert not claim.exists()
        assert not paths.lock.exists()


# clocks


@pytest.mark.parametrize("ahead", [HOUR, -HOUR, 0.0])
def test_a_living_lease_is_not_displaced_by_a_controller_whose_clock_is_wrong(
    paths: RunPaths, elsewhere: Lease, monkeypatch: pytest.MonkeyPatch, ahead: float
) -> None:
    monkeypatch.setattr(clocks, "time", WrongClock(ahead))
    assert is_held(paths)
    with pytest.raises(UsageError, match="in use by the controller on far"):
        only_controller(paths).__enter__()
    elsewhere.confirm()


def test_a_living_lease_is_not_displaced_when_the_file_systems_clock_jumps(
    paths: RunPaths, elsewhere: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clocks, "time", WrongClock(HOUR))
    monkeypatch.setattr(clocks, "file_system_time", lambda _: time.time() + HOUR)
    hold = hold_of(paths)
    assert hold is not None
    assert hold.expired
    with pytest.raises(UsageError, match="in use by the controller on far"):
        only_controller(paths).__enter__()
    elsewhere.confirm()


@pytest.mark.parametrize("ahead", [HOUR, -HOUR, 0.0])
def test_the_lease_of_a_dead_controller_is_taken_over_by_one_whose_clock_is_wrong(
    paths: RunPaths, quick: None, monkeypatch: pytest.MonkeyPatch, ahead: float
) -> None:
    lock = silent(paths, age=500)
    monkeypatch.setattr(clocks, "time", WrongClock(ahead))
    monkeypatch.setattr(module, "LIFETIME", 60.0)
    assert not is_held(paths)
    begin = time.monotonic()
    with only_controller(paths) as lease:
        # not all of its lifetime again: the file system knows
        assert 0.4 < time.monotonic() - begin < 30
        lease.confirm()
        assert not lock.renew()


def test_a_lease_that_is_silent_for_less_than_its_lifetime_is_waited_for(paths: RunPaths, quick: None) -> None:
    silent(paths, age=0.4)
    begin, said = time.monotonic(), []
    with only_controller(paths, say=said.append):
        assert time.monotonic() - begin > 0.75
    assert said == ["Waiting for a sign of life of another controller, for at most 1 s ..."]


def test_a_lease_that_is_dated_in_the_future_is_judged_by_whether_it_changes(paths: RunPaths, quick: None) -> None:
    silent(paths, age=-HOUR)
    begin = time.monotonic()
    with only_controller(paths):
        assert time.monotonic() - begin > 1.2


def test_what_somebody_left_who_died_while_it_wanted_the_lock_hides_no_holder(
    paths: RunPaths, elsewhere: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    litter = Lock(paths.lock)
    litter._sign(os.O_CREAT)
    (holder,) = (token for token in tokens(paths.lock) if token.path != litter.path)
    when = time.time() + 5  # as if it were the latest
    os.utime(litter.path, (when, when))
    with pytest.raises(UsageError, match="is in use by"):
        only_controller(paths).__enter__()
    elsewhere._over.set()  # it dies
    elsewhere._thread.join()
    for name in ("LIFETIME", "_WATCHED"):
        monkeypatch.setattr(module, name, 0.3)
    with only_controller(paths):
        assert not litter.path.exists()
        assert not holder.path.exists()


# the lease


def test_a_controller_that_was_succeeded_writes_nothing_about_itself(paths: RunPaths) -> None:
    with pytest.raises(Stopped, match="another controller has taken this run over"), only_controller(paths) as lease:
        assert Lock(paths.lock).take_over(tokens(paths.lock))
        paths.holder.write_text("{}")
        lease.confirm()
    assert holder_of(paths) == {}
    assert len(tokens(paths.lock)) == 1


def test_a_run_without_evaluations_is_not_removed_under_its_successor(tmp_path: Path) -> None:
    run = RunOnDisk(tmp_path / "run")
    lock = run.lock(pid=1)
    _remove_if_empty(run.paths)
    assert run.paths.checkpoint.exists()
    lock.unlink()
    _remove_if_empty(run.paths)
    assert not run.paths.directory.exists()


def test_a_file_system_that_is_away_is_no_loss_for_as_long_as_nobody_can_have_taken_over(
    paths: RunPaths, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = held(paths)
    lease = Lease(lock)
    try:
        monkeypatch.setattr(module, "LIFETIME", 0.3)
        away = OSError(errno.EIO, "Input/output error")

        def fails() -> bool:
            raise away

        monkeypatch.setattr(lock, "renew", fails)
        lease.confirm()
        monkeypatch.setattr(lease, "_safe_until", since_boot())
        with pytest.raises(OSError, match="Input/output error"):
            lease.confirm()
        assert not lease.lost
        # it comes back
        monkeypatch.undo()
        lease.confirm()
    finally:
        lease.release()


def test_a_rename_whose_answer_was_lost_has_succeeded(paths: RunPaths) -> None:
    """A network file system asks again, and the server says that there is no such file any more."""
    first, second = held(paths), Lock(paths.lock)
    seen = tokens(paths.lock)
    first.path.rename(second.path)
    assert second.take_over(seen)
    assert second.renew()


def test_a_directory_that_cannot_be_written_is_told(paths: RunPaths) -> None:
    gone = RunPaths(paths.directory / "missing")
    with pytest.raises(RunFailed, match=r"missing: cannot be written by this controller \(No such file"):
        only_controller(gone).__enter__()


def test_the_thread_that_renews_tells_of_the_loss(paths: RunPaths, quick: None) -> None:
    lease, told = Lease(held(paths)), threading.Event()
    lease.call_on_loss(told.set)
    assert Lock(paths.lock).take_over(tokens(paths.lock))
    wait_for(told.is_set)
    with pytest.raises(Stopped):
        lease.confirm()
    lease.release()


# how time is measured


def test_a_probe_of_the_file_systems_time_leaves_nothing(tmp_path: Path) -> None:
    assert file_system_time(tmp_path / "file") == pytest.approx(time.time(), abs=5)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").touch()
    assert 0 <= file_system_time(tmp_path / "file") - dated(tmp_path / "file") < 5


def test_where_nothing_can_be_written_a_hosts_own_clock_has_to_do(tmp_path: Path) -> None:
    clock = FileSystemClock(tmp_path / "missing" / "file")
    assert clock.age(time.time() - HOUR) == pytest.approx(HOUR, abs=5)


@pytest.mark.parametrize("ahead", [HOUR, -HOUR])
def test_the_age_of_a_file_is_that_of_the_file_systems_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ahead: float
) -> None:
    monkeypatch.setattr(clocks, "time", WrongClock(ahead))
    assert FileSystemClock(tmp_path / "file").age(time.time() - 10) == pytest.approx(10, abs=5)


@pytest.mark.parametrize(
    ("same_boot", "file", "now", "expected"),
    [
        (True, 1000.0, 1050.0, 50.0),
        (True, 1000.0, 1050.0 + HOUR, 50.0),  # the file system's clock has jumped
        (True, 1000.0, 1010.0, 10.0),
        (False, 1000.0, 1050.0 + HOUR, 50.0 + HOUR),  # nothing else is known
        (False, 1000.0, 1000.0 - HOUR, 0.0),
    ],
)
def test_the_shorter_measure_counts(same_boot: bool, file: float, now: float, expected: float) -> None:
    moment = Moment(77.0, boot() if same_boot else "another", since_boot() - 50)
    assert moment.passed(file, now) == pytest.approx(expected, abs=1)
