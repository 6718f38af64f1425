from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.files import append_json_line, read_json_lines, replacing, tail, write_json


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"x": 1})
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == '{"x": 1}\n'
    assert list(tmp_path.iterdir()) == [path]


def test_what_must_not_be_written_any_more_after_the_flush_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"x": 1})

    def succeeded() -> None:
        assert len(list(tmp_path.iterdir())) == 2
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_json(path, {"x": 2}, succeeded)
    assert path.read_text() == '{"x": 1}\n'
    assert list(tmp_path.iterdir()) == [path]


def test_a_torn_line_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    assert list(read_json_lines(path)) == []
    append_json_line(path, {"n": 0.1})
    append_json_line(path, {"n": 2})
    with path.open("a") as file:
        file.write('{"n": 3, "te')
    assert list(read_json_lines(path)) == [{"n": 0.1}, {"n": 2}]


def test_a_line_after_a_torn_one_is_read(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text('{"n": 1}\n{"n": 2, "te')
    append_json_line(path, {"n": 3})
    assert list(read_json_lines(path)) == [{"n": 1}, {"n": 3}]


def test_tail_of_a_large_file_reads_its_end(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("\n".join(f"line {n}" for n in range(200_000)))
    assert tail(path, 2) == "line 199998\nline 199999"
    assert tail(path, 0) == ""
    assert tail(tmp_path / "none", 3) == ""
