"""The file system of the simulated world: what one host changes shows on the others late, and not all of it."""

from __future__ import annotations

import errno

import pytest

from simulated.filesystem import FileSystem
from simulated.hosts import Host


class Time:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def files(time: Time) -> FileSystem:
    return FileSystem(time)


NODE, LOGIN = Host("node"), Host("login", lateness=5.0)


def test_a_new_file_shows_late_in_names_and_listings(files: FileSystem, time: Time) -> None:
    files.create("/world/result", NODE)
    assert files.list("/world", NODE) == ["result"]
    assert files.list("/world", LOGIN) == []
    with pytest.raises(OSError, match="No such file"):
        files.opened("/world/result", LOGIN)
    time.now += 5
    assert files.list("/world", LOGIN) == ["result"]


def test_what_a_host_has_seen_does_not_vanish_when_it_becomes_late(files: FileSystem, time: Time) -> None:
    login = Host("login")
    files.create("/world/result", NODE)
    time.now += 1
    assert files.list("/world", login) == ["result"]
    login.see_late(30.0, time.now)
    time.now += 1
    files.create("/world/other", NODE)
    time.now += 1
    assert files.list("/world", login) == ["result"]
    login.see_late(0.0, time.now)
    assert files.list("/world", login) == ["other", "result"]


def test_whoever_opens_a_file_that_it_knows_gets_what_is_in_it(files: FileSystem, time: Time) -> None:
    node = files.create("/world/journal", NODE)
    time.now += 10
    files.write(node, 0, b"a line\n", NODE)
    assert files.stat("/world/journal", LOGIN).st_size == 0
    assert bytes(files.opened("/world/journal", LOGIN).content) == b"a line\n"
    time.now += 5
    assert files.stat("/world/journal", LOGIN).st_size == 7


def test_what_changes_something_asks_the_server(files: FileSystem) -> None:
    files.create("/world/lock", NODE)
    with pytest.raises(OSError, match="File exists") as refused:
        files.create("/world/lock", LOGIN, exclusive=True)
    assert refused.value.errno == errno.EEXIST
    with pytest.raises(OSError, match="File exists"):
        files.mkdir("/world/lock", LOGIN)


def test_of_two_who_rename_a_file_one_succeeds(files: FileSystem, time: Time) -> None:
    files.create("/world/lock", NODE)
    time.now += 10
    files.replace("/world/lock", "/world/mine", NODE)
    assert files.view("/world/lock", LOGIN) is not None
    with pytest.raises(OSError, match="No such file"):
        files.replace("/world/lock", "/world/yours", LOGIN)


def test_a_folder_that_others_have_filled_is_not_removed(files: FileSystem) -> None:
    files.mkdir("/world/results", LOGIN)
    files.create("/world/results/0.1.json", NODE)
    assert files.list("/world/results", LOGIN) == []
    with pytest.raises(OSError, match="not empty"):
        files.rmdir("/world/results", LOGIN)


def test_a_folder_gets_another_name_with_all_that_is_in_it(files: FileSystem) -> None:
    for folder in ("/world/a", "/world/a/b", "/world/c"):
        files.mkdir(folder, NODE)
    files.put("/world/a/b/x", b"1")
    with pytest.raises(OSError, match="not empty"):
        files.replace("/world/a", "/world/c", NODE)
    files.replace("/world/a", "/world/c/d", NODE)
    assert files.files() == {"/world/c/d/b/x": b"1"}
    assert files.list("/world/c/d", NODE) == ["b"]
    assert files.truth("/world/a") is None
